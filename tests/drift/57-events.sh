# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Events themselves: the digest of what was tried, or why there is none; none lost and none told twice when the daemon is
# killed in a burst; a flood that nobody reads, and what a full disk did not take, are counted to the last one.

events_burst=200      # denials in which the daemon is killed
events_storm=3500     # denials with long names while the daemon is stopped: about a third more than the ring holds

# The digest or the word for why there is none, of the events since mark with that path.
events_digest() {
	events_since "$mark" "select(.file.path == \"$1\") | .file.sha256 // .file.sha256_missing" | jq -r .
}

events_sum() {
	box_do ev "sha256sum $1" | cut -d' ' -f1
}

events_status() {
	status_json | jq -r "$1"
}

# Twice the same digest: computed first, remembered then; a library's as well, and another one for other bytes.
events_digests() {
	local sum
	events_mark
	check_is 'a dropped program is denied' "$(box_drops ev)" EPERM
	box_do ev "$probe map /srv/dropped; cp /srv/dropped /srv/longer; echo >>/srv/longer; $probe exec /srv/longer" >/dev/null
	events_fence
	sum=$(events_sum /srv/dropped)
	check_match 'sha256sum gives a digest to compare with' "$sum" '^[0-9a-f]{64}$'
	check_is 'its events carry its SHA-256: executed, mapped' "$(events_digest /srv/dropped | uniq)" "$sum"
	check_is 'one byte more has its own' "$(events_digest /srv/longer)" "$(events_sum /srv/longer)"
	check_is 'and is another' "$([[ $(events_digest /srv/longer) == "$sum" ]] || echo other)" other
	events_mark
	check_is 'the twin: an original runs' "$(box_runs ev)" ran
	quiet_since 'and leaves no event, with or without a digest' "$mark"
}

# What can be known is settled while the daemon stands still: by then the processes have ended, files are gone or changed.
events_missing() {
	events_mark
	kill -STOP "$hf_pid"
	box_do ev "for f in stays gone changed; do cp $hello /srv/\$f; $probe exec /srv/\$f; done
		rm /srv/gone; echo >>/srv/changed; $probe memfd $hello
		cp $hello /srv/deleted; exec 7</srv/deleted; rm /srv/deleted; $probe exec /proc/self/fd/7; exec 7<&-" >/dev/null
	kill -CONT "$hf_pid"
	events_fence
	check_is 'the process has ended: the digest is there' "$(events_digest /srv/stays)" "$(events_sum /srv/stays)"
	check_is 'the file was removed after it was tried' "$(events_digest /srv/gone)" gone
	check_is 'the file was changed after it was tried' "$(events_digest /srv/changed)" changed
	check_is 'the file was removed before it was tried' \
		"$(events_since "$mark" 'select(.file.path | startswith("/srv/deleted")) | .file.sha256_missing' | uniq)" '"gone"'
	check_is 'a memory file has no path' \
		"$(events_since "$mark" 'select(.reason == "memfd") | .file.sha256_missing')" '"no-file"'
}

# Never waiting, the digest comes in a line of its own that names event and file.
events_late() {
	local late seq
	check 'the daemon starts with --digest-wait 0' events_restart --digest-wait 0
	events_mark
	box_do ev "cp $hello /srv/late; echo >>/srv/late; $probe exec /srv/late" >/dev/null
	check 'a digest follows its event' event_wait '"type":"digest".*/srv/late'
	late=${hf_event_lines[-1]}
	events_fence
	seq=$(events_since "$mark" 'select(.file.path == "/srv/late") | .seq')
	check_is 'which did not wait for it' "$(events_digest /srv/late)" timeout
	check_is 'it names event, container and digest' "$(jq -r '[.seq, .container.id, .file.sha256] | join(" ")' <<<"$late")" \
		"$seq ev $(events_sum /srv/late)"
}

events_restart() {
	holdfast_stop && holdfast_start "$@"
}

# events_score: of the events of burst since mark: paths, numbers, lines that came twice and do not say so, holes in the numbers.
events_score() {
	printf '%s\n' "${hf_event_lines[@]:$mark}" | jq -sr '
		[.[] | select(.type == "drift")] as $all |
		[$all[] | select(.file.path | startswith("/srv/burst-"))] as $burst |
		[([$burst[].file.path] | unique | length), ([$burst[].seq] | unique | length),
		 ([$burst | group_by(.seq)[] | .[1:][] | select(.flags | index("repeated") | not)] | length),
		 (([$all[].seq] | max) - ([$all[].seq] | min) + 1 - ([$all[].seq] | unique | length))] | join(" ")'
}

events_kill() {
	local twice
	events_mark
	box_do ev "i=0; while [ \$i -lt $events_burst ]; do i=\$((i + 1)); ln -f /srv/dropped /srv/burst-\$i; done
		perl -e 'for my \$i (1..$events_burst) { exec {\"/srv/burst-\$i\"} \"x\"; \$n++ if \$!+0 == 1;
			select(undef, undef, undef, 0.005) } print \"\$n\n\"' >/srv/burst-said 2>&1 &"
	check 'a burst has begun' event_wait '/srv/burst-20"'
	holdfast_kill
	check 'killed in its middle, the daemon starts again' holdfast_start
	check 'it goes on' event_wait "/srv/burst-$((events_burst / 2))\""
	holdfast_kill
	check 'killed once more it starts again' holdfast_start
	check_is "all $events_burst were denied" "$(box_do ev 'wait; tail -n 1 /srv/burst-said')" "$events_burst"
	events_fence
	twice=$(printf '%s\n' "${hf_event_lines[@]:$mark}" | grep -c '"repeated"')
	check_is "each has its event, under a number of its own; $twice came twice and say so; no number is missing" \
		"$(events_score)" "$events_burst $events_burst 0 0"
	events_sums 'after two kills'
}

# events_across NAME BUILD: denials in a container of its own, between the end of the daemon and the start of another build of it
# ("" or next/).
events_across() {
	local box=ev-${1// /-}
	box_start "$box" crun || { not_ok "$1: a container starts"; return; }
	box_do "$box" "cp $hello /srv/dropped; for i in \$(seq 25); do ln /srv/dropped /srv/burst-\$i; done"
	events_mark
	holdfast_kill
	check_is "$1: all is denied meanwhile" "$(box_do "$box" "perl -e 'for my \$i (1..25) { exec {\"/srv/burst-\$i\"} \"x\";
		\$n++ if \$!+0 == 1 } print \"\$n\n\"'")" 25
	check "$1: the daemon starts" eval "PATH=$hf_tree/build/$2:\$PATH holdfast_start"
	events_fence
	check_is "$1: each has its event, and the numbers go on" "$(events_score)" '25 25 0 0'
	events_sums "$1"
	box_stop "$box"
}

# What is left in the ring of another version of the kernel half.
events_versions() {
	[[ -x $hf_tree/build/next/holdfastd ]] || { skip 'events over versions' 'there is no build/next: make next'; return; }
	check 'unlock: the other version lies in another folder' holdfast unlock --for 1h
	events_across 'older to newer' next/
	events_across 'newer to older' ''
	check 'lock' holdfast lock
}

# events_sums WHEN: nothing is unaccounted for.
events_sums() {
	check_is "$1: produced are delivered, lost or waiting" \
		"$(events_status '.events | .produced - .delivered - .lost - .waiting')" 0
}

# Until the ring is empty and what was lost is told.
events_settle() {
	local end=$((SECONDS + hf_wait_seconds))
	while ((SECONDS < end)); do
		[[ $(events_status .events.waiting) == 0 ]] && grep -q '"type":"lost"' "$1" && return 0
	done
	return 1
}

events_flood() {
	local file=$hf_dir/storm name denied before
	check 'the daemon starts with an event file of its own for a flood' events_restart --event-file "$file"
	name=$(printf '%0200d' 0)
	before=$(events_status '.counters.denied')
	kill -STOP "$hf_pid"
	denied=$(box_do ev "d=/srv; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do d=\$d/$name; done; mkdir -p \$d
		cp $hello \$d/storm
		perl -e 'for (1..$events_storm) { exec {\$ARGV[0]} \"x\"; \$n++ if \$!+0 == 1 } print \"\$n\n\"' \$d/storm 2>/dev/null")
	kill -CONT "$hf_pid"
	check_is "a flood of $events_storm that nobody reads is denied" "$denied" "$events_storm"
	check 'what did not fit is told' events_settle "$file"
	check_is 'denied are told and lost, to the last one' "$(jq -sr --argjson denied $(($(events_status .counters.denied) - before)) '
		([.[] | select(.type == "drift" and (.file.path | endswith("/storm")))] | length) as $told |
		([.[] | select(.type == "lost").count] | add) as $lost |
		[$told > 0, $lost > 0, $denied - $told - $lost] | join(" ")' "$file")" 'true true 0'
	events_sums 'after a flood'
	check 'the daemon starts with its usual file' events_restart
	events_mark
	check_is 'and denies' "$(box_drops ev)" EPERM
	events_fence
	check_is 'and tells' "$(events_since "$mark" .file.path)" '"/srv/dropped"'
	rm -f "$file"
}

# events_denials N: prints how many of N were denied.
events_denials() {
	box_do ev "perl -e 'for (1..$1) { exec {\"/srv/full\"} \"x\"; \$n++ if \$!+0 == 1 } print \"\$n\n\"'"
}

events_file_state() {
	events_status '[(.events.outputs[] | select(.name == "file").failing), (.degraded | join(" ") | test("event file"))] | join(" ")'
}

# The event file's disk is full, the daemon is killed meanwhile, and there is room again: lines are whole, and what is not there
# is told there.
events_full_disk() {
	local dir=$hf_dir/small from
	mkdir -p "$dir"
	mount -t tmpfs -o size=128k tmpfs "$dir"
	check 'the daemon starts with its event file on a small disk' events_restart --event-file "$dir/events" --digest-wait 10000
	dd if=/dev/zero of="$dir/filler" bs=4k count=30 2>/dev/null
	from=$(holdfast_log_mark)
	box_do ev "cp $hello /srv/full"
	check_is 'all is denied while it fills up' "$(events_denials 60)" 60
	check 'one line of the log tells it' holdfast_log_wait "$from" 'cannot write to .*small/events: No space left'
	check_is 'status says so' "$(events_file_state)" 'true true'
	holdfast_kill
	from=$(holdfast_log_mark)
	check 'killed, the daemon starts though the disk is full' holdfast_start --event-file "$dir/events" --digest-wait 10000
	check_is 'and denies' "$(events_denials 10)" 10
	check_is 'and says again what is wrong' "$(events_file_state)" 'true true'
	rm "$dir/filler"
	check 'with room it writes by itself' holdfast_log_wait "$from" 'writing to .*small/events again'
	check 'nothing waits any more' events_written
	check_is 'status is clean' "$(events_file_state)" 'false false'
	check_is 'what is in the file and what it says is missing are all' "$(events_told "$dir/events")" 'true true 70'
	check 'the daemon starts with its usual file again' events_restart
	umount "$dir"
}

# The event file's disk does not answer at all: nobody waits for it, and it has everything afterwards.
events_frozen_disk() {
	local dir=$hf_dir/frozen from loop
	modprobe -q loop
	mkdir -p "$dir"
	truncate -s 16M /mnt/scratch/frozen
	loop=$(losetup -f --show /mnt/scratch/frozen) || { skip 'a frozen disk' 'the kernel has no loop devices'; return; }
	mkfs.ext4 -q "$loop"
	mount "$loop" "$dir"
	check 'the daemon starts with its event file on a disk of its own' events_restart --event-file "$dir/events" --digest-wait 10000
	from=$(holdfast_log_mark)
	fsfreeze -f "$dir"
	check_is 'frozen: all is denied' "$(events_denials 20)" 20
	check 'frozen: one line of the log tells it' holdfast_log_wait "$from" 'cannot write to .*frozen/events: the disk does not answer'
	check_is 'frozen: the daemon answers, and says so' "$(events_file_state)" 'true true'
	fsfreeze -u "$dir"
	check 'thawed: it writes by itself' holdfast_log_wait "$from" 'writing to .*frozen/events again'
	check 'thawed: nothing waits any more' events_written
	check_is 'thawed: all are in the file' "$(events_told "$dir/events")" 'true false 20'
	check 'the daemon starts with its usual file once more' events_restart
	umount "$dir"
	losetup -d "$loop"
	rm /mnt/scratch/frozen
}

# events_told FILE: are there events, is anything missing, and their sum. A line that the kill cut is none.
events_told() {
	jq -cR 'fromjson? // empty' "$1" | jq -sr '([.[] | select(.type == "drift" and .file.path == "/srv/full")] | length) as $told |
		([.[] | select(.type == "lost" and .output == "file").count] | add // 0) as $lost |
		[$told > 0, $lost > 0, $told + $lost] | join(" ")'
}

topic_events() {
	policy_is enforce
	box_start ev crun || { not_ok 'a container starts'; return; }
	check 'the daemon starts with time for digests, as this machine is emulated and busy' events_restart --digest-wait 10000
	events_digests
	events_missing
	events_late
	events_kill
	events_flood
	events_full_disk
	events_frozen_disk
	box_stop ev
	events_versions
}
