# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# A loaded machine, a policy with the default notReady (audit), and a time for arming that is about what arming takes: each
# drifted entrypoint that runs is of a container that the daemon's log calls "only audited", and of none other.
# On demand, since each start takes a minute then: LOAD_STARTS is the number of starts (make load-starts).
# LOAD_SPINNERS (default 1) keep CPUs busy meanwhile, beside a reader of files and a loop of forks. LOAD_PERCENT (default 100): the time
# for arming in percent of what it took in the middle.

load_begin() {
	local i
	load_pids=()
	for ((i = 0; i < ${LOAD_SPINNERS:-1}; i++)); do
		bash -c 'while :; do :; done' &
		load_pids+=($!)
	done
	bash -c 'while :; do tar -cf - /mnt/images/store 2>/dev/null | cat >/dev/null; done' &
	load_pids+=($!)
	bash -c 'while :; do /bin/true; done' &
	load_pids+=($!)
}

load_end() {
	kill "${load_pids[@]}" 2>/dev/null
	wait "${load_pids[@]}" 2>/dev/null
}

# load_start N: one start, crun or runc, of one of the three ways of 40-starts.sh; its output goes to $load_dir/N.
load_start() {
	local n=$1 rt=crun way=dirty dir=$boxes/load-$1
	((n % 2)) && rt=runc
	((n % 3)) || way=late
	starts_bundle "$dir" $way || return
	"$rt" run --bundle "$dir" "load-$n" </dev/null >"$load_dir/$n" 2>&1
	bundle_free "$dir"
	printf '# start %d: %s, %s, %s\n' "$n" "$rt" "$way" "$(load_outcome "$n")"
}

# load_round FROM TO: three at a time.
load_round() {
	local n
	for ((n = $1; n < $2; n++)); do
		load_start "$n" &
		load_jobs+=($!)
		((${#load_jobs[@]} < 3)) && continue
		wait "${load_jobs[@]}"
		load_jobs=()
	done
	((${#load_jobs[@]} == 0)) || wait "${load_jobs[@]}" # without names it would wait for the load itself
	load_jobs=()
}

# What became of a start: "armed denied", "audited ran" and so on.
load_outcome() {
	local log said=silent ran=denied
	log=$(tail -n "+$load_from" "$hf_log" | grep -F "container load-$1: ")
	[[ $log == *': armed in '* ]] && said=armed
	[[ $log == *': only audited: '* ]] && said=audited
	[[ $log == *': refused: '* ]] && said=refused
	grep -q 'hello from' "$load_dir/$1" && ran=ran
	printf '%s %s\n' $said $ran
}

load_judge() {
	local n outcome wrong=() total=$1
	local -A count=()
	for ((n = 0; n < total; n++)); do
		outcome=$(load_outcome "$n")
		count[$outcome]=$((${count[$outcome]:-0} + 1))
		[[ $outcome == *' ran' && $outcome != 'audited ran' ]] &&
			wrong+=("load-$n: $outcome" "$(<"$load_dir/$n")" "$(grep -F "load-$n: " "$hf_log")")
	done
	for outcome in "${!count[@]}"; do
		printf '# %d of %d starts: %s\n' "${count[$outcome]}" "$total" "$outcome"
	done
	if ((${#wrong[@]})); then
		not_ok 'each drifted entrypoint that ran is of a container that is only audited' "${wrong[@]}"
	else
		ok "each drifted entrypoint that ran is of a container that is only audited (of $total starts)"
	fi
	check 'some were armed' test "${count[armed denied]:-0}" -gt 0
}

# load_typical_ms: what arming took in the middle, from the log: then some are in time, and some are not.
load_typical_ms() {
	tail -n "+$load_from" "$hf_log" | sed -n 's/.*container load-.*: armed in \([0-9]*\) ms.*/\1/p' | sort -n |
		awk '{ ms[NR] = $1 } END { print int(ms[int((NR + 1) / 2)] * '"${LOAD_PERCENT:-100}"' / 100) + 1 }'
}

topic_load() {
	local starts=${LOAD_STARTS:-0} first load_jobs=() load_pids typical
	((starts)) || { echo '# on demand: make load-starts'; return; }
	first=$(((starts + 3) / 4))
	load_dir=$(mktemp -d)
	load_from=$(holdfast_log_mark)
	policy_is enforce
	load_begin
	load_round 0 "$first"
	typical=$(load_typical_ms)
	printf '# --enrol-timeout is %d ms now: %d%% of what arming takes under this load\n' "$typical" "${LOAD_PERCENT:-100}"
	check 'the daemon starts under load' load_restart "$typical"
	load_round "$first" "$starts"
	load_end
	load_judge "$starts"
	check 'the daemon starts again' load_restart $((hf_arm_seconds * 1000))
}

load_restart() {
	holdfast_stop && holdfast_start --enrol-timeout "$1"
}
