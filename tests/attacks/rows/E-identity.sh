# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2154
# 1E: who is the container? The same new program and the same program of the image by every way in and out.

# enter_row ID 'technique' 'command that enters': the host runs both from outside.
enter_row() {
	attack "$1" "$2"
	does_host 'in_box "fresh $v/prog new"; '"$3"' "probe exec $t/new"'
	event exec added '$t/new'
	twin_host "$3"' "probe exec $v/prog"'
}

enter_row E01-exec 'exec by the runtime' 'crun exec "$box" sh -c'
enter_row E01-all 'nsenter into all namespaces' 'nsenter -t "$pid" -a sh -c "PATH=/opt/app/bin:\$PATH; \$0"'
enter_row E01-mount 'nsenter into the mount namespace only' 'nsenter -t "$pid" -m sh -c "PATH=/opt/app/bin:\$PATH; \$0"'
enter_row E01-root 'nsenter to its root only' 'nsenter -t "$pid" -r -w sh -c "PATH=/opt/app/bin:\$PATH; \$0"'
enter_row E01-cgroup 'nsenter into mount and cgroup namespace, from its own cgroup' \
	'nsenter -t "$pid" -m -C -p -F sh -c "PATH=/opt/app/bin:\$PATH; \$0"'

attack E02 'unshare of mount, user, pid, net and all other namespaces'
does 'fresh $v/prog new; unshare -Um ./new; unshare -Urmpf ./new; unshare -Un ./new; unshare -Uiu ./new; unshare -UC ./new; unshare -Urm sh -c "cd /; exec $t/new"'
event exec added '$t/new' 6
twin 'for way in -Um -Urmpf -Un -Uiu -UC; do unshare $way $v/prog; done'

attack E03-chroot 'chroot into a folder with a new program'
does 'mkdir jail; fresh $v/prog jail/new; chroot jail /new'
event exec added '*/new'
twin 'chroot / $v/prog'

attack E03-pivot 'pivot_root to a tmpfs with a new program'
profile admin
does 'mkdir m; with-mount tmpfs none m - sh -c "cp $v/prog m/new; printf x >>m/new; pivot m /new"'
event exec tmpfs '*/new'
twin 'mkdir m; with-mount tmpfs none m - sh -c "mkdir m/tools; with-mount bind $v m/tools - pivot m /tools/prog"'

# Sees the host's processes, network and shared memory.
profile_hostns() {
	BUNDLE_CAPS=${attacks_all_caps//$'\n'/ }
	BUNDLE_JQ=$attacks_mounts' | .linux.namespaces |= map(select(.type == "mount")) | del(.hostname)
		| .mounts |= map(select(.type != "sysfs")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .mounts += [{destination: "/sys/fs/cgroup", type: "bind", source: "/sys/fs/cgroup", options: ["rbind", "rw"]}]'
}

attack E03-setns 'setns to the host'"'"'s mount namespace, and a program of the host'
profile hostns
does 'nsenter -t 1 -m /bin/true && echo ": ran"'
event exec foreign '*/true'
also mmap foreign '*' # its loader and libraries, where it gets that far
twin 'run /bin/true'

attack E04 'the container moves itself out of its cgroup'
profile hostns
does 'fresh $v/prog new; echo $$ >/sys/fs/cgroup/cgroup.procs || exit 9; run ./new'
event exec added '$t/new'
twin 'echo $$ >/sys/fs/cgroup/cgroup.procs || exit 9; run $v/prog'

attack E04-born 'a child born outside of the container'"'"'s cgroup (clone3)'
profile hostns
does 'fresh $v/prog new; mkdir -p /sys/fs/cgroup/elsewhere; into-cgroup /sys/fs/cgroup/elsewhere probe exec ./new; rmdir /sys/fs/cgroup/elsewhere'
event exec added '$t/new'
twin 'mkdir -p /sys/fs/cgroup/elsewhere; into-cgroup /sys/fs/cgroup/elsewhere probe exec $v/prog; rmdir /sys/fs/cgroup/elsewhere'

attack E06 'a host with cgroup v1'
never 'the daemon refuses to start there: a check of tests/drift/unsupported'

attack E07 'a container inside: an image of its own, unpacked by the outer one'
profile admin
does 'mkdir m; with-mount tmpfs none m - sh -c "mkdir -p m/image m/up m/work m/root; cp $v/prog m/image/inner; printf x >>m/image/inner
	with-mount overlay none m/root lowerdir=m/image,upperdir=m/up,workdir=m/work unshare -mpf chroot m/root /inner"'
event exec foreign '*/inner'
twin 'unshare -mpf chroot / $v/prog'

attack E08 'a container with the host'"'"'s pid, network, ipc and uts namespaces'
profile hostns
does 'fresh $v/prog new; run ./new; fresh $v/lib.so new.so; preload ./new.so'
event exec added '$t/new'
event mmap added '$t/new.so'
twin 'run $v/prog; preload $v/lib.so'

# start_once RUNTIME NAME [COMMAND]: one start, with what it prints.
start_once() {
	local BUNDLE_HOOKS=$hf_hook dir=$boxes/once
	bundle_new "$dir" attacks "${@:3}" && bundle_run "$1" "$2" "$dir" 2>&1
	container_stop "$1" "$2"
	bundle_free "$dir"
}

attack E11 'an entrypoint that is drifted before it starts'
does_host 'mkdir -p /mnt/images/attacks/first/upper/srv; cp "$lower$v/prog" /mnt/images/attacks/first/upper/srv/first; printf x >>/mnt/images/attacks/first/upper/srv/first
	for i in 1 2 3; do BUNDLE_UPPER=/mnt/images/attacks/first start_once crun first /srv/first; done'
event exec added /srv/first 3
container first
twin_host 'start_once crun first /opt/app/bin/hello'

attack E12 'the runtimes'"'"' own work before the first program: memory files, clones of themselves'
verdict allow
does_host 'start_once crun start-crun /opt/app/bin/hello; start_once runc start-runc /opt/app/bin/hello; pod run --rm --network none localhost/base /opt/app/bin/hello'
no_twin 'it is one itself'

attack E17-freeze 'paused, and resumed'
does_host 'in_box "fresh $v/prog new"; crun pause "$box" && crun resume "$box"; in_box "run ./new"'
event exec added '$t/new'
twin_host 'crun pause "$box" && crun resume "$box"; in_box "run $v/prog"'

attack E17-restore 'a container restored by CRIU'
never 'criu is not in Debian 12'

attack E18 'a container in a virtual machine of its own (Kata), or without our kernel (gVisor)'
never 'there is none here'

# reused_numbers FROM COUNT: processes of the host that take the numbers after FROM; others holds them.
reused_numbers() {
	local i
	others=()
	echo "$1" >/proc/sys/kernel/ns_last_pid
	for ((i = 0; i < $2; i++)); do
		sleep 60 &
		others+=($!)
	done
}

attack E14 'a number of a process used again by the host between event and reader'
does_host 'in_box "fresh $v/prog new"; kill -STOP "$hf_pid"; echo 23000 >/proc/sys/kernel/ns_last_pid; in_box "run ./new"
	reused_numbers 23000 12; kill -CONT "$hf_pid"; events_fence >&2; kill "${others[@]}"'
event exec added '$t/new'
twin_host 'echo 23000 >/proc/sys/kernel/ns_last_pid; in_box "run $v/prog"'

attack E16 'started while nobody was there to arm it: told by what the overlay itself says'
verdict alert
does_host 'BOX_HOOKS="{}" BOX_IMAGE=attacks box_start unarmed crun && box_do unarmed "cp $v/prog /srv/unarmed; printf x >>/srv/unarmed; probe exec /srv/unarmed"'
event exec unknown-container /srv/unarmed
container -
twin_host 'box_do unarmed "probe exec $v/prog"; box_stop unarmed'

# containers_known: how many containers and catalogue entries the daemon counts.
containers_known() {
	holdfast -o json containers | jq '.containers | length'
}

attack E19 'a container that has gone leaves nothing behind'
verdict allow
modes enforce
does_host 'before=$(containers_known); box_start gone crun; during=$(containers_known); box_stop gone; gone_until "$before"
	((during == before + 1 && $(containers_known) == before)) && echo ": ran"'
no_twin 'it is one itself'

# gone_until N: each answer of the daemon is a step.
gone_until() {
	local end
	clock_read
	end=$((hf_now + hf_wait_seconds))
	until [[ $(containers_known) == "$1" ]]; do
		clock_read
		((hf_now < end)) || return 1
	done
}

# Two policies at once: "shop" as the run has it, "dev" audited.
both_policies() {
	{
		cat "$hf_policies"/*.yaml
		printf '%s\n' --- 'apiVersion: holdfast.dev/v1alpha1' 'kind: DriftPolicy' 'metadata: {name: dev, namespace: dev}' 'spec: {mode: audit}'
	} >"$hf_dir/both"
	holdfast_policy "$hf_dir/both" >/dev/null
}

attack E20 'the same layers under two policies: enforced in one container'
does_host 'both_policies; BOX_IMAGE=attacks box_start other crun dev; in_box "fresh $v/prog new; run ./new"'
event exec added '$t/new'
twin_host 'in_box "run $v/prog"; box_do other "probe exec $v/prog"'

attack E20-other '… and audited in the other'
verdict alert
does_host 'box_do other "cp $v/prog /srv/other; printf x >>/srv/other; probe exec /srv/other"'
event exec added /srv/other
container other
twin_host 'box_do other "probe exec $v/prog"; box_stop other'

attack E22 'an exec by a thread that is not the first'
does 'fresh $v/prog new; thread-exec ./new'
event exec added '$t/new'
twin 'thread-exec $v/prog'

attack E03-neighbour 'a container with the host'"'"'s processes enters another one and runs what is that one'"'"'s own'
profile hostns
does_host 'BOX_IMAGE=attacks box_start neighbour crun; in_box "nsenter -t $(container_pid crun neighbour) -m -r -w /opt/app/bin/probe exec $v/prog"'
event exec foreign '*' + # probe, and where that one runs what it is given
also mmap foreign '*'
digest any
twin_host 'box_do neighbour "probe exec $v/prog"; box_stop neighbour'
