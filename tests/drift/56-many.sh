# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# How soon a daemon is ready again, with no container and with many: killed and started, the pinned programs used, and loaded anew.
# MANY (default 10) is how many containers: of the image, and asleep. 100 are meant: DRIFT_SET=MANY=100 run many.

many_limit_ms=2000            # what is meant for a real machine, and an emulated one keeps with 100 containers

many_start() {
	local i
	many_dir=$boxes/many
	for ((i = 0; i < $1; i++)); do
		BUNDLE_HOOKS=$hf_hook bundle_new "$many_dir-$i" base sleep 100000 &&
			bundle_start crun "many-$i" "$many_dir-$i" || return 1
	done
}

many_stop() {
	local i
	for ((i = 0; i < $1; i++)); do
		container_stop crun "many-$i"
		bundle_free "$many_dir-$i"
	done
}

# many_restart NAME: prints where the time went; sets many_ms.
many_restart() {
	local from line
	from=$(holdfast_log_mark)
	check "$1: the daemon starts" holdfast_start
	line=$(holdfast_log_wait "$from" 'started in [0-9]+ ms')
	printf '# %s: %s\n' "$1" "${line#*holdfastd: }"
	[[ $line =~ 'started in '([0-9]+) ]] && many_ms=${BASH_REMATCH[1]}
}

# many_both WHAT: a restart with the pinned programs, and one that loads.
many_both() {
	holdfast_kill
	many_restart "$1, pinned programs used"
	many_pinned=$many_ms
	holdfast_unlocked build/tests/pins forget
	holdfast_kill
	many_restart "$1, loaded anew"
	many_loaded=$many_ms
}

topic_many() {
	local n=${MANY:-10} pinned loaded many_ms=0
	policy_is enforce
	many_both 'no container'
	pinned=$many_pinned loaded=$many_loaded
	check "$n containers start" many_start "$n"
	many_both "$n containers"
	check_is 'all of them are there' "$(holdfast -o json containers | jq '[.containers[] | select(.state == "armed")] | length')" "$n"
	printf '# with %d containers %d%% of the time with none (%d%% when loaded anew)\n' "$n" $((many_pinned * 100 / (pinned + 1))) \
		$((many_loaded * 100 / (loaded + 1)))
	check "ready again within $many_limit_ms ms" test "$many_pinned" -le $many_limit_ms
	many_stop "$n"
}
