# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# F25, D16: a container that was given everything reaches for the kernel; and F03 to F06, for the enforcer itself, which no policy allows.

attacks_kernel_caps='BPF PERFMON SYS_MODULE SYS_RAWIO SYS_BOOT SYSLOG NET_ADMIN SYS_ADMIN SYS_PTRACE MKNOD DAC_OVERRIDE
DAC_READ_SEARCH CHOWN FOWNER KILL SETGID SETUID SETPCAP SYS_CHROOT SYS_RESOURCE'

# What --privileged gives, with the host's processes, the enforcer's sockets and its pins.
profile_kernel() {
	BUNDLE_CAPS=${attacks_kernel_caps//$'\n'/ }
	sysctl -q -w kernel.perf_event_paranoid=2
	BUNDLE_JQ=$attacks_mounts'
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .linux.resources = {devices: [{allow: true, access: "rwm"}]}
		| .linux.namespaces |= map(select(.type != "pid"))
		| .mounts += [
			{destination: "/host/bpf", type: "bind", source: "/sys/fs/bpf", options: ["rbind", "rw"]},
			{destination: "/host/trace", type: "bind", source: "/sys/kernel/tracing", options: ["rbind", "rw"]},
			{destination: "/host/run", type: "bind", source: "/run/holdfast", options: ["rbind", "rw"]}]'
}

# kernel ID TITLE ACTION PATH: a row for one action of reach, allowed where the policy says so.
kernel() {
	attack "$1" "$2"
	profile kernel
	does "reach $3"
	event kernel kernel-access "$4"
	digest any
	setting 'host: {kernel: audit}' alert
	setting 'host: {kernel: allow}' allow
}

# without: what is left to a program that has no capability.
without='setpriv --bounding-set=-all --inh-caps=-all'

kernel F25-bpf-load 'a BPF program loaded' bpf-load -
twin 'reach bpf-probe'

kernel F25-bpf-map 'a BPF map made' bpf-map -
twin "$without reach perf-self"

attack F25-bpf-unprivileged 'a program without a capability tries BPF: the kernel refuses, nothing to tell'
profile kernel
does "$without reach bpf-load"
verdict allow
ran EPERM
no_twin 'nothing is refused'

kernel D16-perf 'the whole CPU watched' perf-all -
twin "$without reach perf-self"

kernel D16-kprobe 'a probe in the kernel, through tracefs' 'write /host/trace/kprobe_events' '*/kprobe_events'
twin 'reach read /host/trace/kprobe_events'

kernel D16-uprobe 'a probe in other programs' 'write /host/trace/uprobe_events' '*/uprobe_events'
twin 'reach read /host/trace/uprobe_events'

kernel F25-module 'a module from memory' module -
twin 'python3 -c "import socket
try: socket.socket(38, 5)
except OSError: pass" && echo ": ran"'

kernel F25-module-file 'a module from a file' 'module-file /opt/app/bin/hello' /opt/app/bin/hello
twin 'reach read /opt/app/bin/hello'

kernel F25-kexec 'another kernel to be booted' kexec -
no_twin 'there is no harmless call of the kind'

kernel F25-kexec-file 'another kernel to be booted, from a file' 'kexec-file /opt/app/bin/hello' /opt/app/bin/hello
twin 'reach read /opt/app/bin/hello'

kernel F25-mem 'the memory of the machine' 'read ./mem' -
does 'rm -f mem; mknod mem c 1 1 && reach read ./mem'
twin 'rm -f null; mknod null c 1 3 && reach write ./null'

kernel F25-iopl 'all ports' iopl -
twin "$without reach perf-self"

kernel F25-ioperm 'one port' ioperm -
twin "$without reach perf-self"

kernel F25-core-pattern 'which program the kernel runs for a crash' 'write /proc/sys/kernel/core_pattern' '*/core_pattern'
twin 'reach write /proc/self/oom_score_adj'

kernel F25-core-pattern-again 'the same through a procfs of its own' 'write' '*/core_pattern'
does 'mkdir -p p; with-mount proc none p - reach write p/sys/kernel/core_pattern'
twin 'reach read /proc/sys/kernel/core_pattern'

kernel F25-modprobe 'which program the kernel loads modules with' 'write /proc/sys/kernel/modprobe' '*/modprobe'
twin 'reach read /proc/sys/kernel/modprobe'

kernel F25-sysrq 'the machine stopped' 'write /proc/sysrq-trigger' '*/sysrq-trigger'
twin 'reach write /proc/sys/kernel/domainname'

kernel F25-binfmt 'an interpreter for the kernel to run' 'write' '*/register'
does 'mkdir -p b; with-mount binfmt_misc none b - reach write b/register'
needs 'this kernel has no binfmt_misc' 'modprobe -q binfmt_misc; grep -q binfmt_misc /proc/filesystems'
twin 'reach read /proc/filesystems'

kernel F25-uevent 'which program the kernel runs for a device' 'write' '*/uevent_helper'
does 'mkdir -p s; with-mount sysfs none s - reach write s/kernel/uevent_helper'
needs 'this kernel has no uevent_helper' 'test -e /sys/kernel/uevent_helper'
twin 'reach read /proc/filesystems'

# own ID TITLE COMMANDS: towards the enforcer, which is refused under every policy.
own() {
	attack "$1" "$2"
	profile kernel
	verdict always
	does_host "in_box \"$3\""
	event tamper tampering "${4:--}"
	setting 'host: {kernel: allow}' always
	digest any
}

own F03-ptrace 'the daemon traced' 'tamper attach $hf_pid'
twin_host 'in_box "tamper look $hf_pid"'

# Where the policy says no to /proc/PID/mem altogether, it is that rule that refuses.
own F03-memory 'its memory opened, where opening that of others is allowed' 'tamper memory $hf_pid'
modes settings
row_set settings ''
setting 'memory: {processMemory: allow}' always
twin_host 'in_box "tamper look $hf_pid"'

own F03-write 'its memory written' 'tamper write $hf_pid'
twin_host 'in_box "tamper look $hf_pid"'

own F03-descriptor 'a descriptor taken from it' 'tamper descriptor $hf_pid'
twin_host 'in_box "tamper look $hf_pid"'

own F02-signal 'a signal sent to it' 'tamper signal $hf_pid'
twin_host 'sleep 900 & in_box "tamper signal $!"; kill $!'

# What ends or starves it without a signal: the limit of CPU seconds, priorities, CPUs, where its memory lies, who is ended first.
# The kernel itself lets nobody change who can do more than they: neighbour sets other to a process of the host that can do nothing.
neighbour() {
	$without sleep 900 &
	other=$!
	until [[ $(readlink "/proc/$other/exe") == */sleep ]]; do :; done
}

for way in limit priority cpus io-priority pages score; do
	own F02-$way "its $way set from a container" "tamper $way \$hf_pid"
	twin_host "neighbour; in_box \"tamper $way \$other\"; kill \$other"
done

own F17-socket 'its control socket, as uid 0' 'tamper connect /host/run/control.sock'
twin_host 'in_box "reach read /host/run"'

own F17-hook-socket 'the socket of the hook' 'tamper connect /host/run/hook.sock'
twin_host 'in_box "reach read /host/run"'

own F05-unlink 'a pin unlinked' 'rm $(cd /sys/fs/bpf && echo /host/bpf/holdfast/v*/link_hf_check)' '*/link_hf_check'
twin_host 'in_box "mkdir /host/bpf/others && rmdir /host/bpf/others && echo : ran"'

own F05-rename 'the folder of the pins moved away' 'mv -T /host/bpf/holdfast /host/bpf/away' '*/holdfast'
twin_host 'in_box "mkdir /host/bpf/others && mv /host/bpf/others /host/bpf/more && rmdir /host/bpf/more && echo : ran"'

own F05-mkdir 'a version of its own beside ours' 'mkdir /host/bpf/holdfast/v98' '*/v98'
twin_host 'in_box "mkdir /host/bpf/others && rmdir /host/bpf/others && echo : ran"'

own F05-remount 'their file system made read-only' 'tamper remount /host/bpf'
twin_host 'in_box "with-mount bpf none /mnt - tamper remount /mnt"'

# Mounts that became shared after the daemon had looked at them: whoever unmounts in a copy of the tree unmounts here.
attack F05-shared 'their file system unmounted among mounts that share with the host'"'"'s'
verdict always
does_host 'mount --make-shared /sys; unshare -m --propagation unchanged umount /sys/fs/bpf 2>/dev/null || echo "umount: EPERM"; mountpoint -q /sys/fs/bpf || echo "gone: ran"
	mount --make-private /sys'
event tamper tampering '*'
container -
digest any
twin_host 'mkdir -p /mnt/scratch/shared; mount -t bpf none /mnt/scratch/shared; mount --make-shared /sys; umount /mnt/scratch/shared && echo ": ran"; mount --make-private /sys'

# The first of ours ends the list.
attack F04-numbers 'every map, program and link by its number'
profile kernel
verdict always
does 'tamper maps; tamper programs; tamper links'
event tamper tampering - 3
also kernel kernel-access -
setting 'host: {kernel: allow}' always
twin "$without reach perf-self"

# Where the policy says no to BPF altogether, it is that rule that refuses.
attack F04-pin 'a map by its pin'
profile kernel
modes enforce
does_host 'in_box "tamper pin $(cd /sys/fs/bpf && echo /host/bpf/holdfast/v*/hf_config)"'
event kernel kernel-access -
no_twin 'see F25-bpf-load'

attack F04-own-pin 'a map of the enforcer by its pin, where BPF is allowed'
profile kernel
modes settings
verdict always
does_host 'in_box "tamper pin $(cd /sys/fs/bpf && echo /host/bpf/holdfast/v*/hf_config)"'
event tamper tampering -
setting 'host: {kernel: allow}' always
twin_host 'bpftool map create /sys/fs/bpf/other type array key 4 value 8 entries 1 name other
	in_box "tamper pin /host/bpf/other"; rm /sys/fs/bpf/other'

attack F06-link 'a link of the enforcer detached, where BPF is allowed'
profile kernel
modes settings
does_host 'in_box "tamper detach $(cd /sys/fs/bpf && echo /host/bpf/holdfast/v*/link_hf_check)"; in_box "cp /opt/app/bin/hello x && run ./x"'
setting 'host: {kernel: allow}' deny
event exec added '$t/x'
digest any
no_twin 'the kernel itself has no such call for links of this kind'
