# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Self-protection against root on the host: every way to the enforcer's own objects is refused and reported once for a process, the
# same on others' objects is not; break-glass, and who needs none. What containers try is in tests/attacks/rows/F-*.sh.

guard_bin=$hf_tree/build/attacks/bin
guard_pins=/sys/fs/bpf/holdfast

# guard_try COMMAND...: the word with which its complaint or answer ends.
guard_try() {
	local out
	out=$("$@" 2>&1 </dev/null) && { tail -n 1 <<<"$out" | grep -o 'ran$' || echo ran; return; }
	case $out in
	*'not permitted'* | *'must be superuser'* | *'permission denied'* | *EPERM*) echo EPERM ;;
	*) tail -n 1 <<<"$out" ;;
	esac
}

# guard_events: one line for each since mark; after a fence.
guard_events() {
	events_since "$mark" '[.action, .operation, .reason, .detail, .container.id // "-", .process.comm] | join(" ")' | jq -r . | sort | uniq -c |
		sed 's/^ *//'
}

# guard_refused NAME DETAIL COMMAND...: it is, and told so once.
guard_refused() {
	local name=$1 detail=$2 program
	shift 2
	program=${1##*/}
	events_mark
	check_is "$name: refused" "$(guard_try "$@")" EPERM
	events_fence
	check_is "$name: told" "$(guard_events)" "1 denied tamper tampering $detail - ${program:0:15}"
}

# guard_left NAME COMMAND...: neither.
guard_left() {
	local name=$1
	shift
	events_mark
	check_is "$name: goes on" "$(guard_try "$@")" ran
	quiet_since "$name: not told" "$mark"
}

guard_link() {
	ls -d $guard_pins/v*/link_hf_check
}

guard_pins_refused() {
	local link
	link=$(guard_link)
	guard_refused 'a pin unlinked' pins rm "$link"
	guard_refused 'a pin renamed' pins mv "$link" "${link%/*}/x"
	guard_refused 'a pin renamed out of the folder' pins mv "$link" /sys/fs/bpf/x
	guard_refused 'another pin renamed over ours' pins mv -f /sys/fs/bpf/others/map "$link"
	guard_refused 'the folder renamed' pins mv $guard_pins /sys/fs/bpf/away
	guard_refused 'a version of their own' pins mkdir $guard_pins/v98
	guard_refused 'a folder of ours removed' pins rmdir "${link%/*}"
	guard_refused 'a map opened by its pin' map "$guard_bin/tamper" pin "${link%/*}/hf_config"
	guard_refused 'a program opened by its pin' program "$guard_bin/tamper" pin "${link%/*}/prog_hf_register"
	check_is 'a link cannot be detached' "$("$guard_bin/tamper" detach "$link")" 'detach: EOPNOTSUPP'
	check_match 'nor updated' "$("$guard_bin/tamper" update "$link")" 'update: E'
}

guard_mounts_refused() {
	guard_refused 'bpffs unmounted' pins umount /sys/fs/bpf
	guard_refused 'bpffs unmounted lazily' pins umount -l /sys/fs/bpf
	guard_refused 'bpffs unmounted by what it lies on' pins umount -l /sys
	guard_refused 'a tmpfs over bpffs' pins mount -t tmpfs tmpfs /sys/fs/bpf
	guard_refused 'a tmpfs over the pins' pins mount -t tmpfs tmpfs $guard_pins
	guard_refused 'bpffs made read-only' pins mount -o remount,ro /sys/fs/bpf
	mkdir -p /run/elsewhere
	guard_refused 'bpffs moved away' pins python3 "$hf_tree/tests/drift/move_mount.py" /sys/fs/bpf /run/elsewhere
	mount --make-rshared / # as systemd does before anybody else runs
	holdfast_stop
	check 'the daemon starts where mounts are shared' holdfast_start
	mount --bind /run/elsewhere /run/elsewhere
	mount --rbind /sys /run/elsewhere
	guard_refused 'a peer of what it lies on, from which it would spread' pins umount -l /run/elsewhere
	mount --make-rslave /run/elsewhere
	guard_left 'the same cut off from the host' umount -l /run/elsewhere
	mount --make-rprivate / # what spread to the bind mount's peer lies below it, and is the host's own until here
	while umount -l /run/elsewhere 2>/dev/null; do :; done
	check 'no mount of these is left' bash -c '! mountpoint -q /run/elsewhere'
}

# Numbers: listing tools meet every object, and go on.
guard_numbers_refused() {
	local what out holder
	"$guard_bin/reach" hold-program >"$hf_dir/hold" &
	holder=$!
	check 'others have a program, and a link' file_until "$hf_dir/hold" 1 holding
	for what in maps programs links; do
		events_mark
		out=$("$guard_bin/tamper" $what)
		check_match "listing $what: comes to its end, ours left out" "$out" "$what: ran"
		out=${out%%$'\n'*}
		check "listing $what: others are had, ours are not: $out" test "${out%% *}" -lt "${out##* }" -a "${out%% *}" -gt 0
		events_fence
		check_is "listing $what: told once" "$(guard_events)" "1 denied tamper tampering ${what%s} - tamper"
	done
	check 'bpftool lists all the same' bpftool prog show
	kill $holder
	check_match 'and shows the programs of others' "$(bpftool map show)" 'others'
}

guard_daemon_refused() {
	local pid=$hf_pid
	guard_refused 'the daemon traced' daemon "$guard_bin/tamper" attach "$pid"
	guard_refused 'its memory opened' daemon "$guard_bin/tamper" memory "$pid"
	guard_refused 'its memory written' daemon "$guard_bin/tamper" write "$pid"
	guard_refused 'a descriptor taken from it' daemon "$guard_bin/tamper" descriptor "$pid"
	guard_left 'looked at, as ps does' "$guard_bin/tamper" look "$pid"
	guard_left 'a signal' "$guard_bin/tamper" signal "$pid"
	guard_left 'the control socket' holdfast containers
}

# What is nobody's of ours.
guard_others_left() {
	local pid
	guard_left 'a map of others by its pin' "$guard_bin/tamper" pin /sys/fs/bpf/others/map
	guard_left 'a pin of others renamed' mv /sys/fs/bpf/others/map /sys/fs/bpf/others/map2
	guard_left 'a pin of others unlinked' rm /sys/fs/bpf/others/map2
	guard_left 'a folder of others made' mkdir /sys/fs/bpf/others/more
	guard_left 'and removed' rmdir /sys/fs/bpf/others/more
	guard_left 'a program loaded' "$guard_bin/reach" bpf-load
	guard_left 'a bpf file system elsewhere mounted' mount -t bpf bpf /run/elsewhere
	guard_left 'and unmounted' umount /run/elsewhere
	guard_left 'a file unlinked' rm /run/elsewhere.file
	sleep 1000 &
	pid=$!
	guard_left 'another process traced' "$guard_bin/tamper" attach $pid
	guard_left 'its memory opened' "$guard_bin/tamper" memory $pid
	kill $pid
}

guard_unlock() {
	local link
	link=$(guard_link)
	check 'unlock' holdfast unlock --for 1h
	check_match 'status shows it' "$(holdfast status)" 'break-glass .*the host may touch the enforcer until'
	check_is 'status counts what was refused' "$(status_of '.counters.tamper > 0')" true
	guard_left 'unlocked: a map opened' "$guard_bin/tamper" pin "${link%/*}/hf_config"
	guard_left 'unlocked: the daemon traced' "$guard_bin/tamper" attach "$hf_pid"
	box_start guard-unlocked crun || not_ok 'a container starts'
	check_is 'unlocked: drift is denied' "$(box_drops guard-unlocked)" EPERM
	check 'lock' holdfast lock
	check 'lock again is refused' bash -c '! holdfast lock 2>/dev/null'
	guard_refused 'locked: a map opened' map "$guard_bin/tamper" pin "${link%/*}/hf_config"
	check 'unlock for a moment' holdfast unlock --for 2s
	holdfast_kill
	until [[ $(guard_try "$guard_bin/tamper" pin "${link%/*}/hf_config") == EPERM ]]; do
		:
	done
	ok 'the end comes by itself, also without a daemon'
	check_is 'without a daemon: a pin unlinked: refused' "$(guard_try rm "$link")" EPERM
	check 'the daemon starts again' holdfast_start
	box_stop guard-unlocked
}

# guard_place FOLDER [BUILD]: the daemon as if it had been installed there.
guard_place() {
	mkdir -p "$1"
	cp "$hf_tree/build/${2:-}holdfastd" "$1/holdfastd.new"
	mv "$1/holdfastd.new" "$1/holdfastd"
}

guard_programs() {
	local out=''
	holdfast_kill
	out=$(cp "$hf_tree/build/holdfastd" /run/other-holdfastd; /run/other-holdfastd --unload 2>&1)
	check_match 'the same program from elsewhere: unload is refused' "$out" 'not permitted'
	check 'and nothing is gone' test -e "$(guard_link)"
	check 'the daemon itself starts' holdfast_start
	check 'the daemon without self-protection' eval 'holdfast_stop; holdfast_start --self-protection off'
	guard_left 'off: a map opened' "$guard_bin/tamper" pin "$(guard_link | sed 's|/[^/]*$||')/hf_config"
	check_match 'off: status says so' "$(holdfast status)" 'self-protection +off'
	check 'the daemon with protection against containers' eval 'holdfast_stop; holdfast_start --self-protection container'
	guard_left 'container: a map opened by the host' "$guard_bin/tamper" pin "$(guard_link | sed 's|/[^/]*$||')/hf_config"
	# A place of its own, where the file is replaced while it runs, as an upgrade does.
	check 'unload' eval 'holdfast_stop; holdfastd --unload'
	guard_place /run/place
	PATH=/run/place:$PATH
	check 'a daemon from a place of its own' holdfast_start
	guard_place /run/place
	check 'replaced there while it runs, it starts again' eval 'holdfast_kill; holdfast_start'
	guard_refused 'and is protected' map "$guard_bin/tamper" pin "$(guard_link | sed 's|/[^/]*$||')/hf_config"
	guard_place /run/place next/
	check 'upgraded to another version there, it starts again' eval 'holdfast_kill; holdfast_start'
	guard_refused 'and is protected' map "$guard_bin/tamper" pin "$(guard_link | sed 's|/[^/]*$||')/hf_config"
	guard_place /run/place
	check 'and back' eval 'holdfast_kill; holdfast_start'
	check_is 'one version is left' "$(guard_link | wc -l)" 1
	check 'and unloads' eval 'holdfast_stop; holdfastd --unload'
	PATH=${PATH#/run/place:}
	check 'the usual one again' holdfast_start
}

topic_guard() {
	policy_is enforce
	mkdir -p /sys/fs/bpf/others
	bpftool map create /sys/fs/bpf/others/map type array key 4 value 8 entries 1 name others
	: >/run/elsewhere.file
	check_is 'status: protected' "$(status_of .self_protection.mode)" host
	guard_pins_refused
	guard_mounts_refused
	guard_numbers_refused
	guard_daemon_refused
	guard_others_left
	guard_unlock
	guard_programs
	rmdir /sys/fs/bpf/others
	events_fence
	check_is 'the daemon and its helpers were never refused' \
		"$(printf '%s\n' "${hf_event_lines[@]}" | grep '"tampering"' | jq -c 'select(.process.comm == "holdfastd") | .message')" ''
}
