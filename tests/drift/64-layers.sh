# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Containers that write to the layers of an image, whichever, otherwise than through their own overlay: by a bind mount of the store,
# by a handle, on the device below. Their twins: reading, other files of the same volume, other devices, and the host itself.

layers_store=/mnt/images/small/layers      # the image's folder, as the host sees it
layers_volume=/mnt/images/layers-volume    # on the same file system, with nothing of any image

layers_image() {
	small_image layers 0
	cp "$1/writer" "$layers_store/bin/writer"
	cp "$layers_store/bin/hello" "$layers_store/bin/victim"
	printf 'data\n' >"$layers_store/srv/data"
}

layers_node() {
	rm -f "$1"
	mknod "$1" b $((0x$(stat -c %t "$2"))) $((0x$(stat -c %T "$2")))
}

# layers_try BOX ARG...: writer's word.
layers_try() {
	local out
	out=$(box_do "$1" "writer ${*:2}")
	printf '%s\n' "${out##*: }"
}

layers_events() {
	events_fence
	events_since "$1" '[.action, .operation, .reason, .detail // "-", .file.path // "-"] | join(" ")' | jq -r .
}

# layers_each WORD PATH: every way of opening for writing.
layers_each() {
	local way
	for way in write both truncate otruncate; do
		check_is "$way $2: $1" "$(layers_try layers "$way" "$2")" "$1"
	done
	check_is "handle $2: $1" "$(layers_try layers handle /volume "$("$layers_dir/writer" show "${2/#\/store/$layers_store}")")" "$1"
}

# layers_loop NUMBER FILE: a loop device that no layers were on before: those are remembered for a while.
layers_loop() {
	modprobe -q loop
	[[ -e /dev/loop$1 ]] || mknod "/dev/loop$1" b 7 "$1"
	losetup "/dev/loop$1" "$2" && echo "/dev/loop$1"
}

layers_files() {
	local mark handle sum
	sum=$(sha256sum <"$layers_store/bin/victim")
	events_mark
	layers_each EPERM /store/bin/victim
	check_is 'each is told; that by the handle has no path in the container' \
		"$(layers_events "$mark" | sed 's| /[^ ]*layers/bin/victim| HANDLE|' | sort | uniq -c | tr -s ' ')" \
		$' 4 denied write-image image-write - /store/bin/victim\n 1 denied write-image image-write - HANDLE'
	check_is 'its bytes are as they were' "$(sha256sum <"$layers_store/bin/victim")" "$sum"
	events_mark
	check_is 'reading it' "$(layers_try layers read /store/bin/victim)" opened
	printf x >"$layers_volume/other"
	check_is 'another file of the same file system' "$(layers_try layers write /volume/other)" opened
	handle=$("$layers_dir/writer" show "$layers_volume/other")
	check_is 'the same by its handle' "$(layers_try layers handle /volume "$handle")" opened
	check_is 'a file that is no program' "$(layers_try layers write /store/srv/data)" opened
	check_is 'its own file, which is a copy' "$(layers_try layers write /bin/victim)" opened
	check_is 'a new file' "$(box_do layers 'echo x >/volume/new && echo made')" made
	check 'the host opens the image'\''s file for writing' "$layers_dir/writer" write "$layers_store/bin/victim"
	quiet_since 'nothing of that is told' "$mark"
}

# A container on another image, and one on a root that is no overlay.
layers_of_others() {
	local mark
	events_mark
	check_is 'another container cannot either' "$(layers_try layers-other write /store/bin/victim)" EPERM
	check_is 'nor cut it off' "$(layers_try layers-other truncate /store/bin/victim)" EPERM
	events_fence
	check_is 'it is told as that one'\''s' "$(events_since "$mark" .container.id | sort -u)" '"layers-other"'
}

layers_policies() {
	local mark
	policy_is audit
	events_mark
	check_is 'audit: it is let through' "$(layers_try layers write /store/bin/victim)" opened
	check_is 'audit: and told' "$(layers_events "$mark")" 'audited write-image image-write - /store/bin/victim'
	policy_is enforce 'host: {imageStore: allow}'
	events_mark
	check_is 'allow: it is let through' "$(layers_try layers write /store/bin/victim)" opened
	quiet_since 'allow: and not told' "$mark"
	policy_is enforce
}

layers_devices() {
	local mark own other
	own=$(findmnt -no SOURCE /mnt/images)
	truncate -s 8M /mnt/scratch/other-disk
	other=$(layers_loop 40 /mnt/scratch/other-disk) || { skip 'devices of layers' 'the kernel has no loop devices'; return; }
	layers_node "$layers_volume/own" "$own"
	layers_node "$layers_volume/other-device" "$other"
	events_mark
	check_is 'the device below the layers' "$(layers_try layers both /volume/own)" EPERM
	check_is 'it is told' "$(layers_events "$mark")" 'denied write-image image-write block-device /volume/own'
	events_mark
	check_is 'reading it' "$(layers_try layers read /volume/own)" opened
	check_is 'another device' "$(layers_try layers both /volume/other-device)" opened
	check 'the host opens it' "$layers_dir/writer" both "$own"
	quiet_since 'nothing of that is told' "$mark"
	losetup -d "$other"
	rm -f /mnt/scratch/other-disk
}

# Layers on a volume that device-mapper makes of a disk: the disk below is as good as the volume.
layers_below() {
	local mark disk dir=/mnt/scratch/below info=/mnt/images/info/below
	modprobe -q dm_mod
	truncate -s 32M /mnt/scratch/below-disk
	disk=$(layers_loop 41 /mnt/scratch/below-disk)
	if ! dmsetup create hf-below --table "0 65536 linear $disk 0" 2>/dev/null; then
		skip 'devices below those of layers' 'the kernel has no device-mapper'
		losetup -d "$disk"
		return
	fi
	dmsetup mknodes
	mkdir -p "$dir" "$info"
	mkfs.ext4 -q /dev/mapper/hf-below && mount /dev/mapper/hf-below "$dir"
	cp -a "$layers_store" "$dir/lower"
	cp /mnt/images/info/layers/config.json "$info/config.json"
	printf '%s\n' "$dir/lower" >"$info/lower"
	layers_node "$layers_volume/volume" "$(readlink -f /dev/mapper/hf-below)"
	layers_node "$layers_volume/disk" "$disk"
	check_is 'a disk below nothing' "$(layers_try layers both /volume/disk)" opened
	BOX_IMAGE=below box_start below crun || not_ok 'a container starts'
	events_mark
	check_is 'the volume with the layers' "$(layers_try layers both /volume/volume)" EPERM
	check_is 'the disk below it' "$(layers_try layers both /volume/disk)" EPERM
	check_is 'each is told' "$(layers_events "$mark" | sort)" $'denied write-image image-write block-device /volume/disk\ndenied write-image image-write block-device /volume/volume'
	box_stop below
	umount "$dir"
	dmsetup remove hf-below
	losetup -d "$disk"
	rm -f /mnt/scratch/below-disk
}

topic_layers() {
	local mounts
	layers_dir=$(mktemp -d /mnt/scratch/layers.XXXXXX)
	policy_is enforce
	gcc -O1 -static -D_GNU_SOURCE -o "$layers_dir/writer" "$here/writer.c" || { not_ok 'the program that writes'; return; }
	layers_image "$layers_dir"
	mkdir -p "$layers_volume"
	mounts='.mounts += [{destination: "/store", type: "bind", source: "'$layers_store'", options: ["bind", "rw"]},
		{destination: "/volume", type: "bind", source: "'$layers_volume'", options: ["bind", "rw"]}]
		| .linux.resources.devices = [{allow: true, access: "rwm"}]'
	BUNDLE_CAPS="$containers_caps DAC_READ_SEARCH" BUNDLE_JQ=$mounts BOX_IMAGE=layers box_start layers crun ||
		{ not_ok 'a container starts'; return; }
	small_image layers-other 0
	cp "$layers_dir/writer" /mnt/images/small/layers-other/bin/writer
	BUNDLE_JQ=$mounts BOX_IMAGE=layers-other box_start layers-other crun || { not_ok 'another starts'; return; }
	layers_files
	layers_of_others
	layers_policies
	layers_devices
	layers_below
	box_stop layers
	box_stop layers-other
	rm -rf "$layers_volume"
}
