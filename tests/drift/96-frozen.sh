# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# A daemon that stands still while containers start: each start gets its answer or the hook's time-out, nothing is armed for a
# container that has gone, no slot is lost. Then reloads without end and policies that are wrong, on full tables.
# FROZEN_SECONDS (15): how long it stands still; the starts that wait for less are given up meanwhile.

frozen_slots=6

# frozen_start NAME HOOK-SECONDS: in the background; its outcome goes to $hf_dir/frozen/NAME.
frozen_start() {
	local dir=$boxes/$1
	BUNDLE_HOOKS=$(hook_json --timeout "$2") bundle_new "$dir" small /bin/busybox sh -c 'echo started; read x' || return 1
	mkfifo "$dir/in"
	: >"$hf_dir/frozen/$1"
	containers_started+=("crun $1")
	{
		timeout 120 crun run --bundle "$dir" "$1" <"$dir/in" >>"$hf_dir/frozen/$1" 2>&1
		printf 'status %d\n' $? >>"$hf_dir/frozen/$1"
	} &
	exec {frozen_fd}<>"$dir/in"
	frozen_fds+=("$frozen_fd")
}

frozen_ids() {
	holdfast -o json containers | jq -r '[.containers[] | "\(.id) \(.state)"] | sort | join(";")'
}

# frozen_given_up NAME...: waits until the starts have been given up.
frozen_given_up() {
	local name
	for name in "$@"; do
		file_wait "$hf_dir/frozen/$name" 1 '^status [1-9]' 60 >/dev/null || return 1
	done
}

frozen_waiting() {
	local name i frozen_fd
	local -a frozen_fds=()
	mkdir -p "$hf_dir/frozen"
	kill -STOP "$hf_pid"
	for i in 1 2 3; do
		frozen_start "frozen-short-$i" 2
		frozen_start "frozen-long-$i" 100
	done
	check 'frozen: the impatient starts are refused' frozen_given_up frozen-short-{1,2,3}
	pid_gone $$ "${FROZEN_SECONDS:-15}"
	check_is 'frozen: the patient ones wait' "$(cat "$hf_dir"/frozen/frozen-long-{1,2,3})" ''
	kill -CONT "$hf_pid"
	for i in 1 2 3; do
		check "awake: patient start $i is answered" file_wait "$hf_dir/frozen/frozen-long-$i" 1 '^started' 60
	done
	check_is 'awake: they are armed, and nobody else is' "$(frozen_ids)" \
		'frozen-long-1 armed;frozen-long-2 armed;frozen-long-3 armed'
	check_is 'none of the refused ones ran' "$(grep -l started "$hf_dir"/frozen/frozen-short-*)" ''
	for i in "${frozen_fds[@]}"; do
		exec {i}>&-
	done
	for name in frozen-{long,short}-{1,2,3}; do
		container_stop crun "$name"
		bundle_free "$boxes/$name"
	done
}

# All slots can be had afterwards, each of them.
frozen_no_slot_lost() {
	local i
	local -a names=()
	for ((i = 1; i <= frozen_slots; i++)); do
		names+=("frozen-all-$i")
		BOX_IMAGE=small box_start "frozen-all-$i" crun || not_ok "slot $i: a container starts"
	done
	small_protected "all of $frozen_slots slots are there" "${names[@]}"
}

# frozen_storm N: reloads, each with another policy or a wrong one; drift is tried all the while.
frozen_storm() {
	local i n=$1 from before storm
	from=$(holdfast_log_mark)
	before=$(status_of .policy.generation)
	for ((i = 0; i < n; i++)); do
		case $((i % 3)) in
		0) policy_text enforce 'memory: {memfdMap: deny}' ;;
		1) policy_text enforce 'memory: {memfdMap: audit}' "exceptions: [{name: e$i, paths: [/none/$i], reason: test}]" ;;
		2) policy_text enforce 'memory: {memfdMap: maybe}' ;;
		esac >"$hf_dir/storm.yaml"
		cp "$hf_dir/storm.yaml" "$hf_policies/1.yaml"
		holdfast reload >/dev/null 2>&1
	done &
	storm=$!
	for i in 1 2 3; do
		small_protected "storm of reloads: the containers are held, try $i" frozen-all-1 "frozen-all-$frozen_slots"
	done
	wait $storm
	policy_is enforce
	check "storm of $n reloads: the last one is in force" test "$(status_of .policy.error)" = null
	check 'and others were before it' test "$(status_of .policy.generation)" -gt $((before + 2))
	check_match 'the wrong ones were named' "$(tail -n "+$from" "$hf_log" | grep -c 'maybe')" '^[1-9]'
}

topic_frozen() {
	local i
	small_image small 10
	check 'a daemon with few slots' holdfast_anew --max-containers $frozen_slots
	policy_is enforce 'failurePolicy: {notReady: deny}'
	frozen_waiting
	frozen_no_slot_lost
	frozen_storm 30
	for ((i = 1; i <= frozen_slots; i++)); do
		box_stop "frozen-all-$i"
	done
	holdfast_anew
	policy_is enforce
}
