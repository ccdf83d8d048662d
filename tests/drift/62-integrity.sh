# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Bytes of an image that change without any trace in the inode: below a mounted file system, on its device. Only the pass over the
# images' files sees that. The twin is changed as files are changed, which is another matter.

integrity_dir=/mnt/scratch/integrity

# An image on a file system of its own, on a loop device.
integrity_image() {
	local lower=$integrity_dir/fs/lower info=/mnt/images/info/integrity source
	modprobe -q loop
	mkdir -p "$integrity_dir/fs" "$info"
	truncate -s 32M "$integrity_dir/disk"
	integrity_loop=$(losetup -f --show "$integrity_dir/disk") || return 1
	mkfs.ext4 -q -b 4096 "$integrity_loop" && mount "$integrity_loop" "$integrity_dir/fs" || return 1
	source=$(image_lower_file "$hello")
	mkdir -p "$lower"/{bin,srv,proc,dev,sys,tmp}
	cp "$(command -v busybox)" "$lower/bin/busybox"
	ln -s busybox "$lower/bin/sh"
	cp "$source" "$lower/bin/victim"
	cp "$source" "$lower/bin/twin"
	cp "$source" "$lower/bin/hello"
	printf '%s\n' '{"config": {"Cmd": ["/bin/hello"], "Env": ["PATH=/bin"]}}' >"$info/config.json"
	printf '%s\n' "$lower" >"$info/lower"
}

# One byte of the file's first block, on the device. What the kernel has of it in memory is dropped.
integrity_corrupt() {
	local block
	sync
	block=$(debugfs -R "bmap /lower/$1 0" "$integrity_loop" 2>/dev/null)
	printf X | dd of="$integrity_loop" bs=1 seek=$((block * 4096 + 4000)) conv=notrunc,fsync 2>/dev/null
	echo 3 >/proc/sys/vm/drop_caches
}

integrity_events() {
	jq -cr 'select(.type == "integrity") | [.image, (.containers | join(",")), .file.path, .file.sha256, .file.expected_sha256] | join(" ")' "$hf_events" | sort -u
}

# A whole pass that began after now.
integrity_pass() {
	local from
	from=$(holdfast_log_mark)
	holdfast_log_wait "$from" 'integrity: [0-9]* files of images looked at' >/dev/null &&
		holdfast_log_wait "$(holdfast_log_mark)" 'integrity: [0-9]* files of images looked at' >/dev/null
}

# integrity_stored SETS: the database has more images than that.
integrity_stored() {
	local end=$((SECONDS + hf_wait_seconds))
	while ((SECONDS < end)); do
		[[ $(status_of .images.sets) -le $1 ]] || return 0
	done
	return 1
}

topic_integrity() {
	local before lower=$integrity_dir/fs/lower sets
	policy_is enforce
	sets=$(status_of .images.sets)
	integrity_image || { skip 'integrity' 'the kernel has no loop devices'; return; }
	BOX_IMAGE=integrity box_start integrity crun || { not_ok 'a container starts'; return; }
	check 'its image is recorded' integrity_stored "$sets"
	holdfast_stop
	check 'the daemon starts, and looks at the files every two seconds' holdfast_start --digest-rate 1000 --scrub-rate 1000 --scrub-interval 2
	check 'a pass ends' integrity_pass
	check_is 'nothing was found' "$(integrity_events)" ''
	check_is 'status: files were looked at, none is bad' "$(status_of '.integrity | [.enabled, .files > 0, .mismatches] | join(" ")')" 'true true 0'
	before=$(sha256sum <"$lower/bin/victim")
	integrity_corrupt bin/victim
	printf X | dd of="$lower/bin/twin" bs=1 seek=4000 conv=notrunc 2>/dev/null
	check 'one file changed below the file system, one as files are' integrity_pass
	check_is 'the first is told, with both digests; the second is not' "$(integrity_events)" \
		"$(printf '%s ' '' integrity /bin/victim)$(sha256sum <"$lower/bin/victim" | cut -d' ' -f1) ${before%% *}"
	check_is 'the digests differ' "$([[ $(sha256sum <"$lower/bin/victim") != "$before" ]] && echo yes)" yes
	check_match 'status is degraded' "$(status_of '.degraded | join(" ")')" '1 files of images are not what they were'
	check_is 'the second is denied, being changed on the host' "$(small_try integrity /bin/twin)" denied
	holdfast_stop
	check 'the daemon starts as usual' holdfast_start
	check_match 'and remembers' "$(status_of '.degraded | join(" ")')" '1 files of images are not what they were'
	box_stop integrity
	umount "$integrity_dir/fs"
	losetup -d "$integrity_loop"
	rm -f "$integrity_dir/disk" /var/lib/holdfast/scrub
}
