# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# A container's file that somebody outside of it runs: a process of the host (reported, never refused), the kernel as its helper
# (refused). And contained tasks that are not at home any more.

outside_events() {
	events_fence
	events_since "$1" '[.container.id, .action, .operation, .reason, .file.path // "-"] | join(" ")' | jq -r .
}

# Each way in which a process of the host reaches a container's file.
outside_host() {
	local mark dir=$boxes/outside pid
	pid=$(container_pid crun outside)
	box_do outside "cp $hello /srv/evil; cp $hello /dev/shm/evil; printf '#!/bin/sh\nexit 0\n' >/srv/script; chmod +x /srv/script" >/dev/null
	events_mark
	check 'the host runs a file of the merged root' "$dir/rootfs/srv/evil"
	check 'the host runs an original of the merged root' "$dir/rootfs$hello"
	check 'the host runs a file of the writable layer' "$dir/upper/srv/evil"
	check 'the host runs a file by the root of a process' "/proc/$pid/root/srv/evil"
	check 'the host runs a file of a tmpfs of the container' "/proc/$pid/root/dev/shm/evil"
	check 'the host runs a script of the container' "$dir/rootfs/srv/script"
	check_is 'each is reported, none refused' "$(outside_events "$mark" | sort | uniq -c | tr -s ' ')" "\
$(printf ' %d %s\n' 1 "outside audited exec host-exec /dev/shm/evil" 1 "outside audited exec host-exec $dir/rootfs$hello" \
		1 "outside audited exec host-exec $dir/rootfs/srv/evil" 1 "outside audited exec host-exec $dir/rootfs/srv/script" \
		1 "outside audited exec host-exec $dir/upper/srv/evil" 1 'outside audited exec host-exec /srv/evil')"
}

# What runtimes and operators do with a container all day.
outside_silent() {
	local mark
	printf 'int main(void) { return 0; }\n' >"$1/own.c"
	gcc -o "$1/own" "$1/own.c"
	mkdir -p "$1/a/b/c/d/e/f/g/h/i/j/k/l/m/n"
	cp "$1/own" "$1/a/b/c/d/e/f/g/h/i/j/k/l/m/n/own"
	events_mark
	check_is 'crun exec' "$(crun exec outside "$hello" 2>&1)" 'hello from the image'
	check_is 'nsenter' "$(nsenter -t "$(container_pid crun outside)" -a "$hello" 2>&1)" 'hello from the image'
	check_is 'nsenter into the mounts alone' "$(nsenter -t "$(container_pid crun outside)" -m "$hello" 2>&1)" 'hello from the image'
	check_is 'chroot into the root' "$(chroot "$boxes/outside/rootfs" "$hello" 2>&1)" 'hello from the image'
	check 'a program of the host in the mounts of the container' nsenter -t "$(container_pid crun outside)" -u -i -n true
	check 'a program of the host, deep in the tree' "$1/a/b/c/d/e/f/g/h/i/j/k/l/m/n/own"
	check 'a program of the host in a mount namespace' unshare -m "$1/own"
	check 'a service with a tmpfs of its own' unshare -m sh -ec 'mount -t tmpfs t /tmp; cp /bin/true /tmp/x; exec /tmp/x'
	check 'podman run, exec and a health check' outside_podman
	quiet_since 'nothing of that is reported' "$mark"
}

outside_podman() {
	pod run -d --init --name outside-pod --health-cmd 'CMD-SHELL true' "$(image_load base)" sleep 600 &&
		pod exec outside-pod "$hello" && pod healthcheck run outside-pod
	local status=$?
	pod rm -f -t 0 outside-pod
	return $status
}

# A core dump's pipe, as a container escapes by it. outside_crash: a process of the host dumps its core; nobody waits for the helper's end.
outside_crash() {
	sh -c 'ulimit -c unlimited; kill -SEGV $$' 2>/dev/null
	events_fence
}

outside_helper() {
	local mark dir=$boxes/outside pid old path
	pid=$(container_pid crun outside)
	old=$(cat /proc/sys/kernel/core_pattern)
	box_do outside "cp /bin/busybox /srv/helper 2>/dev/null || cp $hello /srv/helper; chmod +x /srv/helper; cp /srv/helper /dev/shm/helper" >/dev/null
	printf '#!/bin/sh\ncat >/dev/null\necho ran >%s/ran\n' "$1" >"$1/helper"
	chmod +x "$1/helper"
	: >"$1/ran"
	for path in "$dir/upper/srv/helper" "$dir/rootfs/srv/helper" "/proc/$pid/root/srv/helper" "/proc/$pid/root/dev/shm/helper" \
		"/proc/$pid/root$hello"; do
		events_mark
		printf '|%s' "$path" >/proc/sys/kernel/core_pattern
		outside_crash
		check_match "a core dump does not run $path" "$(outside_events "$mark")" '^outside denied exec kernel-helper [^ ]*$'
	done
	events_mark
	printf '|%s/helper' "$1" >/proc/sys/kernel/core_pattern
	outside_crash
	check 'a core dump runs a program of the host' file_until "$1/ran" 1 ran
	printf '%s' "$old" >/proc/sys/kernel/core_pattern
	quiet_since 'and leaves no event' "$mark"
}

outside_policy() {
	local mark
	policy_is enforce 'host: {exec: allow}'
	events_mark
	check 'host.exec: allow: the host runs a container'\''s file' "$boxes/outside/rootfs/srv/evil"
	quiet_since 'and nothing is said' "$mark"
	policy_is enforce 'host: {exec: deny}' 'onViolation: {action: kill}'
	events_mark
	check 'host.exec: deny: it still runs' "$boxes/outside/rootfs/srv/evil"
	check_is 'and is reported' "$(outside_events "$mark")" "outside audited exec host-exec $boxes/outside/rootfs/srv/evil"
	policy_is enforce
}

# left EVENT-FILTER: where the events since then say their tasks are.
left_of() {
	events_fence
	events_since "$1" '[.file.path, .process.left_cgroup, .process.left_mount_namespace] | join(" ")' | jq -r .
}

outside_left() {
	local mark group=/sys/fs/cgroup/outside-left pid
	box_do outside "cp $hello /srv/at-home; cp $hello /srv/unshared; cp $hello /srv/entered; cp $hello /srv/moved; cp $hello /srv/sub" >/dev/null
	pid=$(container_pid crun outside)
	mkdir -p "$group" "/sys/fs/cgroup$(cut -d: -f3 "/proc/$pid/cgroup")/sub"
	events_mark
	box_do outside '/srv/at-home' >/dev/null
	nsenter -t "$pid" -a unshare -m /srv/unshared 2>/dev/null
	crun exec outside sh -c /srv/entered 2>/dev/null
	sh -c "echo \$\$ >/sys/fs/cgroup$(cut -d: -f3 "/proc/$pid/cgroup")/sub/cgroup.procs; exec nsenter -t $pid -m /srv/sub" 2>/dev/null
	sh -c "echo \$\$ >$group/cgroup.procs; exec nsenter -t $pid -m /srv/moved" 2>/dev/null
	check_is 'who is at home, and who is not' "$(left_of "$mark")" "\
/srv/at-home false false
/srv/unshared true false
/srv/entered false false
/srv/sub false false
/srv/moved true false"
	rmdir "$group"
}

topic_outside() {
	local dir
	dir=$(mktemp -d /mnt/scratch/outside.XXXXXX)
	policy_is enforce
	box_start outside crun || { not_ok 'a container starts'; return; }
	outside_host
	outside_silent "$dir"
	outside_helper "$dir"
	outside_policy
	outside_left
	box_stop outside
}
