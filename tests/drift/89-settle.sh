# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Image files that were opened for writing: silent once their bytes are known to be the image's, denied with one changed byte.
# A file is written to from outside as well (tests/drift/write.c), through the container's root: it counts the same.

settle_image=settle
settle_programs=60

# settle_count: files compared so far; settle_wait FROM N: until N more were.
settle_count() {
	status_of .counters.settled
}

settle_wait() {
	local end=$((SECONDS + hf_wait_seconds)) now
	until now=$(settle_count) && ((now >= $1 + $2)); do
		((SECONDS < end)) || return 1
		read -r -t 0.2 <> <(:)
	done
	return 0
}

# settle_runs: until $program runs: each try that is denied asks for a comparison, and others may be on their way.
settle_runs() {
	local end=$((SECONDS + hf_wait_seconds))
	until [[ $(small_try "$box" "$program") == ran ]]; do
		((SECONDS < end)) || return 1
	done
}

# settle_next: the next program of the image that no test has touched: sets $program.
settle_next() {
	settle_used=$((settle_used + 1))
	program=/bin/$settle_used
}

# settle_silent NAME COMMANDS [N]: the container does that to $program, N files are compared (1), and $program runs without an event.
settle_silent() {
	local from mark
	from=$(settle_count)
	events_mark
	box_do "$box" "$2" >/dev/null
	check "$box: $1: compared" settle_wait "$from" "${3:-1}"
	check_is "$box: $1: runs" "$(small_try "$box" "${4:-$program}")" ran
	quiet_since "$box: $1: no event" "$mark"
}

# settle_path: where the host sees $program.
settle_path() {
	printf '/proc/%s/root%s\n' "$(container_pid "${box_runtime[$box]}" "$box")" "$program"
}

# settle_write HOW WANTED: writes to a fresh program of the image, waits for the comparison, tries it.
settle_write() {
	local how=$1 wanted=$2 from mark status=0 out
	settle_next
	from=$(settle_count)
	events_mark
	out=$("$hf_tree/build/tests/write" "$how" "$(settle_path)" 2>&1) || status=$?
	if ((status == 2)); then
		skip "$box: $how" "this file system cannot: $out"
		return
	fi
	check_is "$box: $how: done" "$status $out" '0 '
	check "$box: $how: compared" settle_wait "$from" 1
	check_is "$box: $how: $program" "$(small_try "$box" "$program")" "$wanted"
	if [[ $wanted == ran ]]; then
		quiet_since "$box: $how: no event" "$mark"
	else
		events_fence
		check_is "$box: $how: the event" "$(events_since "$mark" '[.action, .reason, .detail, .file.path | values] | join(" ")')" \
			"\"denied modified${settle_changed:+ $settle_changed} $program\""
	fi
}

# What opens for writing and changes nothing; what changes metadata alone; what has several names.
settle_metadata() {
	settle_next; settle_silent 'touch' "busybox touch $program" 0
	settle_next; settle_silent 'touch, then chmod' "busybox touch $program; chmod 700 $program" 0
	settle_next; settle_silent 'opened to append, nothing appended' ": >>$program"
	settle_next; settle_silent 'an editor that writes what was there' "busybox dd if=$program of=/tmp/whole 2>/dev/null; busybox dd if=/tmp/whole of=$program conv=notrunc 2>/dev/null"
	settle_silent 'and chmod later' "chmod 500 $program; busybox chown 1:1 $program" 0
	settle_next; settle_silent 'touch, then another name' "busybox touch $program; busybox ln $program /srv/name" 0 /srv/name
	settle_next; settle_silent 'touch twice' "busybox touch $program; busybox touch $program" 0
	settle_next; settle_silent 'chmod alone needs no comparison' "chmod 700 $program" 0
}

settle_ways() {
	local how
	for how in nothing same back; do
		settle_write $how ran
	done
	for how in write pwrite mmap ftruncate truncate punch copy-file-range sendfile splice clone direct uring; do
		settle_write $how denied
	done
}

# Silent, then changed, then written back: three answers for one file.
settle_again() {
	local from
	settle_next
	settle_silent 'opened first' ": >>$program"
	from=$(settle_count)
	"$hf_tree/build/tests/write" pwrite "$(settle_path)"
	check_is "$box: changed after it was settled" "$(small_try "$box" "$program")" denied
	check "$box: compared again" settle_wait "$from" 1
	check_is "$box: still denied" "$(small_try "$box" "$program")" denied
	"$hf_tree/build/tests/write" pwrite "$(settle_path)"
	check "$box: written back: runs once it is compared" settle_runs
}

# While somebody holds it open nothing is known, and nothing is let through; what he writes at the end counts.
settle_holding() {
	local from
	settle_next
	coproc settle_writer { "$hf_tree/build/tests/write" holding "$(settle_path)"; }
	local pid=$settle_writer_PID in=${settle_writer[1]} out=${settle_writer[0]}
	read -r -u "$out"
	check_match "$box: held open for writing" "$(small_try "$box" "$program")" 'denied|busy'
	from=$(settle_count)
	exec {in}>&-
	wait "$pid"
	check "$box: let go: compared" settle_wait "$from" 1
	check_is "$box: what was written at the end counts" "$(small_try "$box" "$program")" denied
}

settle_restart() {
	settle_next
	settle_silent 'before a restart' ": >>$program"
	check 'the daemon stops' holdfast_stop
	check 'and starts again' holdfast_start
	check_is "$box: what was compared is known" "$(small_try "$box" "$program")" ran
	settle_next
	settle_silent 'after a restart' ": >>$program"
}

# A copy of a program of the image: denied at first, and where the policy lets copies run, not any more once its digest is known.
settle_copies() {
	local from mark name
	settle_box copies crun 'executables: {copies: allow}' || return
	events_mark
	box_do copies 'cp /bin/hello /srv/copy; cp /bin/hello /srv/other; echo >>/srv/other; cp /bin/hello /srv/setuid; busybox chmod u+s /srv/setuid' >/dev/null
	from=$(settle_count)
	check_is 'copies: at first' "$(small_try copies /srv/copy)" denied
	check 'copies: compared' settle_wait "$from" 1
	check_is 'copies: then it runs' "$(small_try copies /srv/copy)" ran
	for name in other setuid; do
		check_is "copies: not $name" "$(small_try copies /srv/$name)" denied
	done
	box_do copies 'cp /bin/hello /srv/last' >/dev/null
	from=$(settle_count)
	small_try copies /srv/last >/dev/null
	check 'copies: another is compared' settle_wait "$from" 1
	for name in other setuid; do
		check_is "copies: $name has had its turn, and is no copy" "$(small_try copies /srv/$name)" denied
	done
	box_do copies 'echo >>/srv/copy' >/dev/null
	check_is 'copies: changed, it is none' "$(small_try copies /srv/copy)" denied
	events_fence
	check_is 'copies: no event says more than there is' "$(events_since "$mark" '[.action, .reason] | join(" ")' | sort -u)" '"denied added"'
	box_stop copies
	settle_box strict crun || return
	box_do strict 'cp /bin/hello /srv/copy' >/dev/null
	for name in first second; do
		check_is "strict: a copy, $name try" "$(small_try strict /srv/copy)" denied
	done
	box_stop strict
}

# What the policy says while nothing is known: a writer that holds on to the file keeps it so.
settle_policy() {
	local mark
	settle_box patient crun 'executables: {unsettled: audit}' || return
	settle_next
	coproc settle_writer { "$hf_tree/build/tests/write" holding "$(settle_path)"; }
	local pid=$settle_writer_PID in=${settle_writer[1]} out=${settle_writer[0]}
	read -r -u "$out"
	check_match 'patient: held open for writing, it is no matter of patience' "$(small_try patient "$program")" 'denied|busy'
	exec {in}>&-
	wait "$pid"
	box_stop patient
}

# settle_box NAME RUNTIME [POLICY-LINE...]
settle_box() {
	box=$1
	policy_is enforce "${@:3}"
	BOX_IMAGE=$settle_image box_start "$1" "$2" || { not_ok "$1: a container starts" "$(tail -n 3 "$hf_log")"; return 1; }
}

topic_settle() {
	local box program settle_used=0 settle_changed=
	small_image $settle_image $settle_programs
	if settle_box settle crun; then
		settle_metadata
		settle_ways
		settle_again
		settle_holding
		settle_restart
		box_stop settle
	fi
	settle_copies
	settle_policy
}
