# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# kill -9 of the daemon at seeded points: of a start (pinned programs used, or loaded anew), an enrolment, a reload, a container's
# end, and of taking over from another version, both ways. A point is the Nth call of one system call, before the kernel
# does it. After each: the canary never ran drift and its twin always ran, the next start becomes ready, and the tables
# hold nothing that no container uses.
# KILLS (default 4) is how many, KILL_SEED says which, KILL_POINTS=PHASE:CALL:N,... tries those instead. KILL_COUNT=1 counts each
# phase's calls anew instead of taking the numbers below; a point that a phase does not reach is at its end.

kill_always=(gone:bpf:20) # where it was not as it must be once; tried each time, before those that the seed says
kill_phases=(start load enrol scan reload gone takeover)
declare -A kill_counts=(
	[start]='bpf 82 openat 101 write 32 unlink 3 mkdir 8 mmap 106 close 92 epoll_ctl 16 futex 150 sendmsg 9 recvmsg 20 pidfd_open 1 flock 1'
	[load]='bpf 266 openat 109 write 62 rename 18 unlink 21 mkdir 8 mmap 107 close 138 epoll_ctl 16 futex 349 sendmsg 12 recvmsg 26 pidfd_open 1 flock 1'
	[enrol]='bpf 117 openat 21 write 86 rename 1 close 20 epoll_ctl 7 futex 468 sendmsg 6 recvmsg 15'
	[scan]='bpf 117 openat 12 write 50 rename 1 close 14 epoll_ctl 6 futex 389 sendmsg 1 recvmsg 2'
	[reload]='bpf 48 openat 6 write 22 close 9 epoll_ctl 9 futex 158 sendmsg 1 recvmsg 2'
	[gone]='bpf 75 write 34 unlink 1 close 3 epoll_ctl 2 futex 267'
	[takeover]='bpf 426 openat 132 write 175 rename 19 unlink 21 unlinkat 34 mkdir 24 rmdir 1 mmap 1074 close 1150 epoll_ctl 17 futex 1132 sendmsg 45 recvmsg 156 pidfd_open 1 flock 1'
)

# kill_draw MAX: a number from 1 on, from the seed.
kill_draw() {
	printf -v kill_drawn '%d' $((((RANDOM << 15) | RANDOM) % $1 + 1))
}

kill_prepare_dirty() {
	mkdir -p "$1/upper/usr/local/bin"
	cp "$(image_lower_file "$hello")" "$1/upper/usr/local/bin/old"
}

# kill_trace CALL N: killat on the running daemon; returns when it holds it. kill_tracer is its pid.
kill_trace() {
	: >"$hf_dir/killat.err"
	"$hf_tree/build/tests/killat" "$hf_dir/calls" "$@" -p "$hf_pid" 2>"$hf_dir/killat.err" &
	kill_tracer=$!
	file_wait "$hf_dir/killat.err" 1 'attached' "$hf_wait_seconds" "$kill_tracer" >/dev/null
}

# kill_start_traced CALL N: a start under killat; returns when it is ready, or ended: status 1. kill_tracer is killat's pid.
kill_start_traced() {
	local from
	from=$(holdfast_log_mark)
	PATH=$hf_tree/build/$kill_build:$PATH "$hf_tree/build/tests/killat" "$hf_dir/calls" "$@" holdfastd --policy "$hf_policies" \
		--event-file "$hf_events" --quiet </dev/null >/dev/null 2>>"$hf_log" &
	kill_tracer=$!
	file_wait "$hf_log" "$from" 'started in' "$hf_wait_seconds" "$kill_tracer" >/dev/null
}

# kill_end: kills the daemon if it still lives. Sets kill_hit: whether it was dead already.
kill_end() {
	local pid
	kill_hit=yes
	for pid in $hf_pid $(pgrep -P "$kill_tracer" 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null && kill_hit=no
	done
	wait "$kill_tracer" 2>/dev/null
	[[ -n $hf_pid ]] && wait "$hf_pid" 2>/dev/null
	hf_pid=''
}

kill_other_build() {
	if [[ -z $kill_build ]]; then kill_build=next/; else kill_build=''; fi
}

kill_is_dead() {
	[[ -n $hf_pid ]] && ! kill -0 "$hf_pid" 2>/dev/null
}

# kill_do PHASE: what the daemon is killed in.
kill_do() {
	case $1 in
	enrol) box_start kill-new crun >/dev/null 2>&1 ;;
	scan) BOX_PREPARE=kill_prepare_dirty box_start kill-new crun >/dev/null 2>&1 ;;
	reload)
		kill_reloads=$((kill_reloads + 1))
		# At one stroke: a folder that is empty for a moment is no policy for a moment.
		policy_text enforce 'exceptions:' "  - {name: other, paths: [\"/none/$kill_reloads\"], reason: test}" \
			>"$hf_dir/policy.new" && mv "$hf_dir/policy.new" "$hf_policies/1.yaml"
		holdfast reload >/dev/null 2>&1
		;;
	gone)
		box_stop kill-old
		kill_is_dead || file_wait "$hf_log" "$kill_from" 'kill-old: gone' 5 "$hf_pid" >/dev/null
		;;
	esac
}

# kill_run PHASE CALL N: goes through the phase under killat, and ends the daemon if that did not.
kill_run() {
	local phase=$1
	shift
	kill_from=$(holdfast_log_mark)
	case $phase in
	start | load | takeover)
		holdfast_kill
		[[ $phase != load ]] || "$hf_tree/build/${kill_build}tests/pins" forget
		[[ $phase != takeover ]] || kill_other_build
		kill_start_traced "$@"
		;;
	*)
		[[ $phase != gone ]] || box_start kill-old crun >/dev/null || echo 'a container does not start'
		kill_trace "$@" || echo 'killat does not attach'
		kill_do "$phase"
		;;
	esac
	kill_end
}

# kill_calibrate: how often each phase makes which call, into kill_counts.
kill_calibrate() {
	local phase times name
	for phase in "${kill_phases[@]}"; do
		kill_run "$phase" none 0
		kill_counts[$phase]=''
		while read -r name times; do
			((times)) && kill_counts[$phase]+="$name $times "
		done <"$hf_dir/calls"
		printf '# %s: %s\n' "$phase" "${kill_counts[$phase]}"
		kill_recover || not_ok "a start after $phase"
	done
}

# kill_choose: sets kill_phase, kill_call, kill_nth. Each kind of call is as likely as another: the rare ones are the steps.
kill_choose() {
	local -a counts
	kill_draw ${#kill_phases[@]}
	kill_phase=${kill_phases[kill_drawn - 1]}
	read -ra counts <<<"${kill_counts[$kill_phase]}"
	kill_draw $((${#counts[@]} / 2))
	kill_call=${counts[2 * kill_drawn - 2]}
	kill_draw "${counts[2 * kill_drawn - 1]}"
	kill_nth=$kill_drawn
}

# kill_recover: the next start, and what must hold then. Prints what does not.
kill_recover() {
	canary_moves || { echo 'the canary has stopped'; return 1; }
	kill_draw 3
	[[ $kill_phase == takeover ]] && ((kill_drawn == 1)) && kill_other_build # back to the version that was in force
	PATH=$hf_tree/build/$kill_build:$PATH holdfast_start || return 1
	canary_moves || { echo 'the canary has stopped'; return 1; }
	kill_is_tidy || return 1
	[[ -z ${box_pid[kill-old]:-} ]] || box_stop kill-old
	[[ -z ${box_pid[kill-new]:-} ]] || box_stop kill-new
	crun delete --force kill-new >/dev/null 2>&1
	return 0
}

# kill_is_tidy: policies leave their quarantine after some seconds, so it looks again.
kill_is_tidy() {
	local left running end=$((SECONDS + 20))
	running=$(crun list -q 2>/dev/null | grep -c .)
	while :; do
		left=$("$hf_tree/build/${kill_build}tests/pins" check 2>&1) && [[ $left == "containers $running "* ]] && return 0
		((SECONDS < end)) || break
		read -rt 0.5 <> <(:)
	done
	printf '%s\n' "$running containers run, but the tables say:" "$left"
	return 1
}

# kill_one N: chooses, kills, recovers, judges.
kill_one() {
	local out status=0 what
	kill_run "$kill_phase" "$kill_call" "$kill_nth" >"$hf_dir/kill.out" 2>&1
	what="kill $1 in $kill_phase, before $kill_call $kill_nth"
	[[ $kill_hit == yes ]] || what+=" (not reached: at its end)"
	kill_recover >>"$hf_dir/kill.out" 2>&1 || status=1
	canary_faults >"$hf_dir/faults" # in this shell, which remembers them
	out=$(<"$hf_dir/faults")
	if ((status)) || [[ -n $out ]]; then
		not_ok "$what" "$out" "$(<"$hf_dir/kill.out")" "$(tail -n "+$kill_from" "$hf_log" | tail -n 30)"
	else
		ok "$what"
	fi
	[[ -n $hf_pid ]] || PATH=$hf_tree/build/$kill_build:$PATH holdfast_start || return 1
}

topic_kill() {
	local canary_hz=10 # what an emulated machine has left
	local n=${KILLS:-4} i kill_build='' kill_reloads=0 kill_from kill_tracer='' kill_hit kill_phase='' kill_call kill_nth
	local -a points
	IFS=, read -ra points <<<"${KILL_POINTS:-}"
	RANDOM=${KILL_SEED:=$$}
	policy_is enforce
	check 'unlock: strace, another folder, a look at the tables' holdfast unlock --for 24h
	canary_start || { not_ok 'the canary starts'; return; }
	canary_mark
	if ((${#points[@]})); then
		n=${#points[@]}
	else
		points=("${kill_always[@]}")
		n=$((n + ${#points[@]}))
	fi
	[[ -z ${KILL_COUNT:-} ]] || kill_calibrate
	printf '# %d kills, KILL_SEED=%d\n' "$n" "$KILL_SEED"
	for ((i = 0; i < n; i++)); do
		if ((i < ${#points[@]})); then
			IFS=: read -r kill_phase kill_call kill_nth <<<"${points[i]}"
		else
			kill_choose
		fi
		kill_one $((i + 1)) || { not_ok 'the daemon starts again'; break; }
	done
	canary_judge "after $n kills"
	canary_stop
	[[ -z $kill_build ]] || { kill_build=''; holdfast_kill; holdfast_start || not_ok 'back to the first version'; }
	check 'lock' holdfast lock
	policy_is enforce
}
