# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The disk of the state and of the event file: full, read-only, failing. Starts, stops, drift, reloads and pauses do what they
# must meanwhile; afterwards all is written, which a kill -9 and a restart prove.

disk_dir=/run/holdfast           # the daemon's own, so that hook and CLI find it

disk_box() {
	BOX_IMAGE=small box_start "$1" crun || not_ok "$1: a container starts"
}

disk_states() {
	holdfast -o json containers | jq -r '[.containers[] | "\(.id) \(.state)"] | sort | join(";")'
}

# disk_broken WHAT MARK: what must work while it is; box a runs since before, b ends now, c starts now.
disk_broken() {
	disk_box disk-c
	small_protected "$1: containers are held to their images, the new one too" disk-a disk-c
	box_stop disk-b
	check "$1: one line of the log tells it" holdfast_log_wait "$2" 'state cannot be written'
	check_is "$1: an ended container leaves the list, the new one is in it" "$(disk_states)" 'disk-a armed;disk-c armed'
	policy_is audit
	check_is "$1: a reload comes into force" "$(small_drops disk-c)" ran
	policy_is enforce
	holdfast pause --for 10m --namespace shop >/dev/null
	check_is "$1: a pause comes into force" "$(small_drops disk-a)" ran
	holdfast resume --namespace shop >/dev/null
	small_protected "$1: and ends" disk-a disk-c
	check_match "$1: status says so" "$(status_of '.degraded | join("; ")')" 'state cannot be written'
}

# disk_mended WHAT MARK: without any help but the disk's.
disk_mended() {
	check "$1: its end is told" holdfast_log_wait "$2" 'over after .*state cannot be written'
	check_is "$1: in two lines of the log, however often it was met" \
		"$(tail -n "+$2" "$hf_log" | grep -c 'state cannot be written')" 2
	check_is "$1: status is clean again" "$(status_of '[.degraded[] | select(contains("state"))] | length')" 0
	holdfast_kill
	echo 3 >/proc/sys/vm/drop_caches
	check "$1: after kill -9 the daemon starts again" holdfast_start
	check_is "$1: and has its containers, no more and no less" "$(disk_states)" 'disk-a armed;disk-c armed'
	small_protected "$1: which are held to their images" disk-a disk-c
	box_stop disk-c
}

# disk_found WHAT: a daemon that starts with files of containers that have gone, and none of one that runs.
disk_found() {
	local i
	check "$1: the daemon starts again" holdfast_start
	for ((i = 0; i < hf_wait_seconds; i++)); do
		[[ $(disk_states) == 'disk-a armed;disk-c armed' ]] && break
		file_wait "$hf_log" "$(holdfast_log_mark)" 'no such line' 1 >/dev/null
	done
	check_is "$1: it finds the container that was never written down, and not the one that ended" "$(disk_states)" \
		'disk-a armed;disk-c armed'
	small_protected "$1: both are held to their images" disk-a disk-c
	check_is "$1: each has its file again" "$(find "$disk_dir/containers" -type f | wc -l)" 2
}

# disk_daemon MOUNT-ARG...: the daemon with its run folder on that file system; disk_options are the daemon's.
disk_daemon() {
	holdfast_stop || return 1
	mkdir -p "$disk_dir"
	mount "$@" "$disk_dir" && chmod 700 "$disk_dir" && holdfast_start "${disk_options[@]}"
}

# disk_denials FILE: how many an event file tells of.
disk_denials() {
	jq -r 'select(.action == "denied") | .file.path' "$1" | grep -c /srv/dropped
}

disk_end() {
	holdfast_stop
	umount "$disk_dir"
	holdfast_start
}

# A small tmpfs: first full, then read-only.
disk_small() {
	local from
	local -a disk_options=(--event-file "$disk_dir/file")
	check 'the daemon on a small disk' disk_daemon -t tmpfs -o size=128k,mode=700 tmpfs || return
	disk_box disk-a
	disk_box disk-b
	from=$(holdfast_log_mark)
	dd if=/dev/zero of="$disk_dir/filler" bs=4k 2>/dev/null
	disk_broken 'disk full' "$from"
	rm "$disk_dir/filler"
	check 'disk full: the event file is written again' holdfast_log_wait "$from" 'writing to .* again'
	check 'disk full: nothing waits any more' events_written
	check_is 'disk full: it has each denial of the meantime' "$(disk_denials "$disk_dir/file")" 4
	disk_mended 'disk full' "$from"
	disk_box disk-b
	from=$(holdfast_log_mark)
	check 'it becomes read-only' mount -o remount,ro "$disk_dir"
	disk_broken 'disk read-only' "$from"
	holdfast_kill
	check 'it becomes writable, after the daemon was killed' mount -o remount,rw "$disk_dir"
	disk_found 'disk read-only'
	box_stop disk-a
	box_stop disk-c
	check 'the usual disk again' disk_end
}

# disk_table TABLE: swaps what lies behind the device, without waiting for what cannot be written.
disk_table() {
	dmsetup suspend --noflush --nolockfs hf-disk && dmsetup load hf-disk --table "$1" && dmsetup resume hf-disk
}

disk_failing() {
	local from loop sectors=65536
	local -a disk_options=(--event-file "$disk_dir/file")
	modprobe -q dm-mod && modprobe -q loop || { skip 'a failing disk' 'the kernel has no device mapper or loop devices'; return; }
	truncate -s $((sectors * 512)) /mnt/scratch/disk
	loop=$(losetup -f --show /mnt/scratch/disk)
	export DM_DISABLE_UDEV=1 # there is no udev in the VM: dmsetup makes the node itself
	dmsetup create hf-disk --table "0 $sectors linear $loop 0" || { skip 'a failing disk' 'no device mapper'; return; }
	mkfs.ext4 -q -F -O ^has_journal /dev/mapper/hf-disk
	check 'failing: the daemon on a disk of its own' disk_daemon -o errors=continue /dev/mapper/hf-disk || return
	disk_box disk-a
	disk_box disk-b
	sync -f "$disk_dir"
	from=$(holdfast_log_mark)
	check 'the disk fails each request' disk_table "0 $sectors error"
	disk_broken 'disk failing' "$from"
	check 'what was written of events is told to be refused, or that no more can be' holdfast_log_wait "$from" 'events: (the disk did not take|cannot write)'
	check 'the disk works again' disk_table "0 $sectors linear $loop 0"
	check 'disk failing: the disk has all events' holdfast_log_wait "$from" 'events: (the disk has all of|writing to .* again)'
	check 'disk failing: nothing waits any more' events_written
	disk_mended 'disk failing' "$from"
	check_is 'disk failing: the file has each denial of the meantime, read from the disk' "$(disk_denials "$disk_dir/file")" 4
	box_stop disk-a
	check 'failing: the usual disk again' disk_end
	dmsetup remove hf-disk
	losetup -d "$loop"
	rm /mnt/scratch/disk
}

topic_disk() {
	small_image small 10
	policy_is enforce
	disk_small
	disk_failing
}
