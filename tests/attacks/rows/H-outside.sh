# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# Between container and host: the host and its kernel running a container's file, containers writing to the image store, interpreters
# that binfmt_misc knows.

# outside_row ID 'technique' 'path of the file as the host sees it': a process of the host runs it.
outside_row() {
	attack "$1" "$2"
	verdict alert
	digest any
	does_host 'in_box "fresh $v/prog new"; '"$3"'new'
	event exec host-exec '*new'
	setting 'host: {exec: allow}' allow
	setting 'host: {exec: deny}' alert
	twin_host '"$lower$v/prog"'
}

outside_row E15-merged 'a process of the host runs a dropped file by the container'"'"'s root' '"$root$t/"'
outside_row E15-upper 'a process of the host runs a dropped file by the writable layer' '"$upper$t/"'
outside_row E15-process 'a process of the host runs a dropped file by the root of a process' '"/proc/$pid/root$t/"'

# outside_dump HELPER: has the kernel start it as the reader of a core dump. Helpers leave a file behind when they ran.
outside_dump() {
	local old
	old=$(</proc/sys/kernel/core_pattern)
	rm -f /run/helper-ran
	printf '|%s' "$1" >/proc/sys/kernel/core_pattern
	echo 1 >/proc/sys/kernel/core_pipe_limit # who crashes waits for the helper's end
	{ bash -c 'ulimit -c unlimited; kill -SEGV $$'; } 2>/dev/null
	printf '%s' "$old" >/proc/sys/kernel/core_pattern
	if [[ -e /run/helper-ran ]]; then echo ': ran'; else echo ': EPERM'; fi
}

outside_helper='#!/bin/sh\ncat >/dev/null\n: >/run/helper-ran\n'

# helper_row ID 'technique' 'path of the file as the kernel is told'
helper_row() {
	attack "$1" "$2"
	digest any
	does_host 'in_box "printf '"'$outside_helper'"' >new; chmod +x new"; outside_dump '"$3"'new'
	event exec kernel-helper '*new'
	setting 'host: {kernelHelpers: allow}' allow
	twin_host 'printf "$outside_helper" >/run/helper; chmod +x /run/helper; outside_dump /run/helper'
}

helper_row E15-helper-upper 'the kernel runs a dropped file as its helper, by the writable layer' '"$upper$t/"'
helper_row C12 'the kernel runs a dropped file as its helper, by the root of a process: the crash of a process' '"/proc/$pid/root$t/"'

# outside_modprobe HELPER: has the kernel ask it for a module (that of a kind of socket which nothing here has).
outside_modprobe() {
	local old
	old=$(</proc/sys/kernel/modprobe)
	rm -f /run/helper-ran
	printf '%s' "$1" >/proc/sys/kernel/modprobe
	python3 -c 'import socket; socket.socket(41, socket.SOCK_DGRAM)' 2>/dev/null
	printf '%s' "$old" >/proc/sys/kernel/modprobe
	if [[ -e /run/helper-ran ]]; then echo ': ran'; else echo ': EPERM'; fi
}

attack C12-modprobe 'the kernel runs a dropped file to load modules with'
digest any
does_host 'in_box "printf '"'$outside_helper'"' >new; chmod +x new"; outside_modprobe "/proc/$pid/root$t/new"'
event exec kernel-helper '*new' +
setting 'host: {kernelHelpers: allow}' allow
twin_host 'printf "$outside_helper" >/run/helper; chmod +x /run/helper; outside_modprobe /run/helper'

# outside_told: sets told to how many events of helpers have come. Each fence is a step of who waits for one.
outside_told() {
	events_fence >&2
	told=$(printf '%s\n' "${hf_event_lines[@]}" | grep -c '"kernel-helper"')
}

# outside_agent HELPER: has the kernel start it when the last process of a group of cgroup v1 has gone, which waits for nobody.
outside_agent() {
	local dir=/mnt/scratch/agent before told end
	mkdir -p $dir && mount -t cgroup -o none,name=attacks none $dir 2>/dev/null || { echo 'SKIP: the kernel has no cgroup v1'; return; }
	outside_told
	before=$told
	rm -f /run/helper-ran
	printf '%s' "$1" >$dir/release_agent
	mkdir $dir/group && echo 1 >$dir/group/notify_on_release
	bash -c "echo \$\$ >$dir/group/cgroup.procs"
	clock_read
	end=$((hf_now + hf_wait_seconds))
	until [[ -e /run/helper-ran || $told != "$before" ]] || ((hf_now >= end)); do
		outside_told
		clock_read
	done
	if [[ -e /run/helper-ran ]]; then echo ': ran'; elif [[ $told != "$before" ]]; then echo ': EPERM'; fi
	rmdir $dir/group && umount $dir
}

attack C12-agent 'the kernel runs a dropped file when a cgroup of version 1 is empty (release_agent)'
digest any
modes enforce
does_host 'in_box "printf '"'$outside_helper'"' >new; chmod +x new"; outside_agent "/proc/$pid/root$t/new"'
event exec kernel-helper '*new'
twin_host 'printf "$outside_helper" >/run/helper; chmod +x /run/helper; outside_agent /run/helper'

helper_row E15-helper-process 'the kernel runs a dropped file as its helper, by the root of a process' '"/proc/$pid/root$t/"'

# A container that has the folder of the layers, as hostPath volumes of such things are.
profile_store() {
	BUNDLE_CAPS=${attacks_all_caps//$'\n'/ }
	BUNDLE_JQ=$attacks_mounts' | .linux.resources = {devices: [{allow: true, access: "rwm"}]}
		| .mounts += [{destination: "/store", type: "bind", source: "'$attacks_layer'", options: ["bind", "rw"]}]'
}

attack A16-append 'a file of an image opened for writing below the overlay'
profile store
does '(: >>/store$v/prog) && echo ": ran"'
event write-image image-write '/store$v/prog'
digest any
setting 'host: {imageStore: allow}' allow
twin '(: >>/vol/rw/notes) && cat /store$v/prog >/dev/null && (: >>$v/data) && echo ": ran"'

attack A16-truncate 'a file of an image cut off below the overlay, where it is as long as it was'
profile store
does 'truncate -s +0 /store$v/prog && echo ": ran"'
event write-image image-write '/store$v/prog'
digest any
twin ': >>/vol/rw/notes; truncate -s +0 /vol/rw/notes && echo ": ran"'

attack B02-layer 'a program of the image, run through the folder of its layer'
profile store
does 'run /store$v/prog'
event exec volume '/store$v/prog'
twin 'cat /store$v/prog >/dev/null; run $v/prog'

# outside_device: the block device below the layers, as the guest has it.
outside_device() {
	local device
	device=$(findmnt -no SOURCE /mnt/images)
	printf 'b %d %d' $((0x$(stat -c %t "$device"))) $((0x$(stat -c %T "$device")))
}

attack B13 'the block device below the layers opened for writing'
profile store
does_host 'in_box "rm -f disk; mknod disk $(outside_device); (: 3<>disk) && echo : ran"'
event write-image image-write '*disk'
setting 'host: {imageStore: allow}' allow
twin_host 'modprobe -q loop; truncate -s 1M /mnt/scratch/outside-disk; mknod /dev/loop40 b 7 40; losetup /dev/loop40 /mnt/scratch/outside-disk
	in_box "rm -f disk other; mknod disk $(outside_device); (: 3<disk) && mknod other b 7 40; (: 3<>other) && echo : ran"
	losetup -d /dev/loop40'

# A program of another machine in the image.
layer_foreign() {
	cp "$hf_tree/build/attacks/victims/prog" "$1/opt/attacks/foreign"
	printf '\x02\x00\xb7\x00' | dd of="$1/opt/attacks/foreign" bs=1 seek=16 conv=notrunc 2>/dev/null
}

# outside_handler PATH FLAGS: who runs such programs; without arguments nobody.
outside_handler() {
	local fs=/proc/sys/fs/binfmt_misc magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
	modprobe -q binfmt_misc
	mountpoint -q "$fs" || mount -t binfmt_misc binfmt_misc "$fs" || return 1
	[[ ! -e $fs/attacks ]] || echo -1 >"$fs/attacks"
	[[ -z ${1:-} ]] || printf '%s' ":attacks:M::$magic::$1:${2:-}" >"$fs/register"
}

attack C03 'a new program of another machine, for an interpreter of the host (binfmt_misc, flag F)'
needs 'the kernel has no binfmt_misc' 'outside_handler'
does_host 'outside_handler "$hf_tree/build/attacks/victims/prog" F; in_box "fresh /opt/attacks/foreign new; run ./new"; outside_handler'
event exec added '$t/new'
twin_host 'outside_handler "$hf_tree/build/attacks/victims/prog" F; in_box "run /opt/attacks/foreign"; outside_handler'

attack C03-path 'a program of another machine whose interpreter, looked up in the container, is new'
needs 'the kernel has no binfmt_misc' 'outside_handler'
does_host 'in_box "fresh $v/prog emulator"; outside_handler "$t/emulator"; in_box "run /opt/attacks/foreign"; outside_handler'
event exec added '$t/emulator'
twin_host 'outside_handler "$v/prog"; in_box "run /opt/attacks/foreign"; outside_handler'

attack C04 'an interpreter that was registered from among the container'"'"'s files (flag F)'
needs 'the kernel has no binfmt_misc' 'outside_handler'
does_host 'in_box "fresh $v/prog emulator"; outside_handler "/proc/$pid/root$t/emulator" F; in_box "run /opt/attacks/foreign"; outside_handler'
event exec added '$t/emulator'
twin_host 'outside_handler "/proc/$pid/root$v/prog" F; in_box "run /opt/attacks/foreign"; outside_handler'

attack C04-userns 'a container mounts binfmt_misc in a user namespace of its own and registers a new interpreter'
needs 'the kernel has no binfmt_misc of user namespaces (6.7)' 'modprobe -q binfmt_misc; unshare -Urm mount -t binfmt_misc none /mnt'
does 'fresh $v/prog emulator; printf "%s" ":a:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00::$t/emulator:F" >line
	mkdir m; with-mount -U binfmt_misc none m - sh -c "cat line >m/register; probe exec /opt/attacks/foreign"'
event exec added '$t/emulator'
also kernel kernel-access '*/register'
twin 'mkdir m; with-mount -U binfmt_misc none m - probe exec $v/prog'

attack A17 'bytes of an image changed below the file system, without a trace in the inode'
never 'the pass over files is tested by tests/drift/62-integrity.sh, which starts the daemon with another pace'
