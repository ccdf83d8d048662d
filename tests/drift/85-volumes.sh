# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Code on declared volumes, on file systems the container has of its own, and on mounts that it made itself.

# volumes_box NAME RUNTIME: binds one folder read-only, two writable, and one of these once more, read-only:
# what a container can write, it must not run.
volumes_box() {
	BUNDLE_JQ='.mounts += [
		{destination: "/config", type: "bind", source: "/mnt/images/config", options: ["rbind", "ro"]},
		{destination: "/data-ro", type: "bind", source: "/mnt/images/data", options: ["rbind", "ro"]},
		{destination: "/data", type: "bind", source: "/mnt/images/data", options: ["rbind", "rw"]},
		{destination: "/plugins", type: "bind", source: "/mnt/images/plugins", options: ["rbind", "rw"]}]' \
		BUNDLE_CAPS="$containers_caps SYS_ADMIN" box_start "$1" "$2"
}

# volumes_mount NAME: what a process in the container with CAP_SYS_ADMIN could do: a bind mount and a tmpfs. The image has no
# mount program, so one of the host does it in the container's mount namespace.
volumes_mount() {
	python3 - "$(container_pid "${box_runtime[$1]}" "$1")" <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		def call(name, *args):
		    if getattr(libc, name)(*args):
		        raise OSError(ctypes.get_errno(), name)
		call("setns", os.open(f"/proc/{sys.argv[1]}/ns/mnt", os.O_RDONLY), 0)
		call("mount", b"/srv/mnt", b"/srv/mnt", None, 4096, None)
		call("mount", b"own", b"/srv/own", b"tmpfs", 0, None)
	END
}

# volumes_call NAME PYTHON: calls of the C library by a process of the host that has entered the container's namespaces and root: it counts
# as one of the container's.
volumes_call() {
	python3 - "$(container_pid "${box_runtime[$1]}" "$1")" "$2" <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		def call(name, *args):
		    if getattr(libc, name)(*args):
		        raise OSError(ctypes.get_errno(), name)
		pid = sys.argv[1]
		mnt, root = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY), os.open(f"/proc/{pid}/root", os.O_RDONLY)
		call("setns", mnt, 0)
		os.fchdir(root)
		os.chroot(".")
		BIND, REMOUNT, RDONLY = 4096, 32, 1
		exec(sys.argv[2])
	END
}

# A volume that was declared read-only and is so again, after a task of the container wrote to it: in its own mount, in one that was bound
# elsewhere, by a name that came from elsewhere. The host's writes count for nothing.
volumes_remounted() {
	local mark
	box=remount
	policy_is enforce
	BUNDLE_JQ='.mounts += [
		{destination: "/config", type: "bind", source: "/mnt/images/config", options: ["rbind", "ro"]},
		{destination: "/secret", type: "bind", source: "/mnt/images/secret", options: ["rbind", "ro"]},
		{destination: "/tools", type: "bind", source: "/mnt/images/tools", options: ["rbind", "ro"]},
		{destination: "/data", type: "bind", source: "/mnt/images/data", options: ["rbind", "rw"]}]' \
		BUNDLE_CAPS="$containers_caps SYS_ADMIN" box_start remount crun || { not_ok 'a container with volumes starts'; return; }
	cp "$(image_lower_file "$hello")" /mnt/images/config/renewed
	volumes_row 'the host renews a read-only volume' ran /config/renewed ''
	box_do remount 'echo x >/data/x; cat /config/tool >/dev/null' >/dev/null
	volumes_row 'what is written to another volume of that disk counts for nothing' ran /config/tool ''
	check 'made writable, written to, made read-only' volumes_call remount '
call("mount", None, b"/config", None, REMOUNT | BIND, None)
open("/config/added", "wb").write(open("/opt/app/bin/hello", "rb").read()); os.chmod("/config/added", 0o755)
call("mount", None, b"/config", None, REMOUNT | BIND | RDONLY, None)'
	volumes_row 'what was written' EPERM /config/added 'denied exec volume'
	volumes_row 'and what was there before' EPERM /config/tool 'denied exec volume'
	check_match 'the daemon says so' "$(cat "$hf_log")" 'remount: it wrote to its read-only volume /config'
	check 'a folder of it, bound elsewhere and writable there' volumes_call remount '
os.makedirs("/srv/there", exist_ok=True)
call("mount", b"/secret/sub", b"/srv/there", None, BIND, None)
call("mount", None, b"/srv/there", None, REMOUNT | BIND, None)
open("/srv/there/added", "wb").write(open("/opt/app/bin/hello", "rb").read()); os.chmod("/srv/there/added", 0o755)
call("umount", b"/srv/there")'
	volumes_row 'what was written there' EPERM /secret/sub/added 'denied exec volume'
	volumes_row 'a volume that nobody wrote to' ran /tools/tool ''
	policy_is enforce 'volumes: {writable: allow}'
	policy_is enforce
	volumes_row 'after reloads it is so still' EPERM /config/tool 'denied exec volume'
	check 'the daemon is started anew' holdfast_stop && check 'and is there' holdfast_start
	volumes_row 'and after a restart' EPERM /config/tool 'denied exec volume'
	volumes_row 'and the other runs' ran /tools/tool ''
	box_stop remount
}

# volumes_row NAME WORD PATH EVENT: exec of PATH in $box; EVENT "" for none.
volumes_row() {
	local mark
	events_mark
	check_match "$box: $1" "$(box_do "$box" "$probe exec $3")" ": $2\$"
	if [[ -z $4 ]]; then
		quiet_since "$box: $1, no event" "$mark"
	else
		events_fence
		check_is "$box: $1, event" "$(events_brief "$mark")" "$4 $3"
	fi
}

volumes_rows() {
	local box=$1
	policy_is enforce
	volumes_row 'a program on a read-only volume' ran /config/tool ''
	volumes_row 'a program on a writable volume' EPERM /data/tool 'denied exec volume'
	volumes_row 'the same folder, read-only elsewhere' EPERM /data-ro/tool 'denied exec volume'
	volumes_row 'a script on a writable volume' EPERM /data/script 'denied exec volume'
	box_do "$box" "cp $hello /dev/shm/tool; mkdir /srv/own /srv/mnt" >/dev/null
	check "$box: has mounts of its own" volumes_mount "$box"
	box_do "$box" "cp $hello /srv/mnt/tool; cp $hello /srv/own/tool" >/dev/null
	volumes_row 'a program on a tmpfs' EPERM /dev/shm/tool 'denied exec tmpfs'
	volumes_row 'a program on a mount of its own' EPERM /srv/mnt/tool 'denied exec added'
	volumes_row 'a program on a tmpfs of its own' EPERM /srv/own/tool 'denied exec tmpfs'
	policy_is enforce 'volumes: {readOnly: deny, writable: deny, allow: [{path: /plugins}]}'
	volumes_row 'readOnly: deny' EPERM /config/tool 'denied exec volume'
	volumes_row 'an allowed volume' ran /plugins/tool ''
	policy_is enforce 'volumes: {readOnly: audit, writable: allow}'
	volumes_row 'readOnly: audit' ran /config/tool 'audited exec volume'
	volumes_row 'writable: allow' ran /data/tool ''
}

topic_volumes() {
	local rt volume
	for volume in config data plugins tools secret/sub secret; do
		mkdir -p /mnt/images/$volume
		cp "$(image_lower_file "$hello")" /mnt/images/$volume/tool
	done
	printf '#!/bin/sh\nexit 0\n' >/mnt/images/data/script
	chmod +x /mnt/images/data/script
	policy_is enforce
	for rt in crun runc; do
		volumes_box volumes-$rt $rt || { not_ok "$rt: a container with volumes starts"; continue; }
		volumes_rows volumes-$rt
		box_stop volumes-$rt
	done
	volumes_remounted
}
