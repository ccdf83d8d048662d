# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1D: memory.

layer_memory() {
	python3 "$attacks_here/victims/headers.py" "$hf_tree/build/attacks/victims/prog" "$1/opt/attacks/bin"
}

# hostPID: sees the processes of the node and of the other containers.
profile_hostpid() {
	profile_admin
	BUNDLE_JQ=$BUNDLE_JQ'| .linux.namespaces |= map(select(.type != "pid"))'
}

# anonymous ID WAY TITLE OPERATION [DETAIL]: a way to executable memory without a file.
anonymous() {
	attack "$1" "$3"
	verdict allow
	does "map-code $2 \$v/prog"
	setting 'memory: {anonymousExec: audit}' alert
	setting 'memory: {anonymousExec: deny}' deny
	event "$4" anonymous-code -
	detail "${5:--}"
	twin 'map-code anonymous-rw'
}

anonymous D01 anonymous-rwx 'anonymous memory, writable and executable' mmap
anonymous D01-rx anonymous-rx 'anonymous memory, executable' mmap
anonymous D02 anonymous-turned 'anonymous memory written, then executable' mprotect
anonymous D07-heap heap 'the heap made executable' mprotect heap
anonymous D07-stack stack 'the stack made executable' mprotect stack
anonymous D07-thread thread-stack 'the stack of a thread made executable' mprotect stack
anonymous D17 userfault 'executable memory filled by userfaultfd' mmap
anonymous D18 own-loader "a loader of one's own: bytes of a file read into memory" mprotect

anonymous D02-key anonymous-by-key 'the same by pkey_mprotect' mprotect

# The hook is asked before there is a file: what becomes one later is anonymous there.
anonymous D08-shared shared 'shared anonymous memory, executable' mmap

# shared_memory ID WAY TITLE OPERATION: memory files, by whatever name.
shared_memory() {
	attack "$1" "$3"
	verdict allow
	does "map-code $2"
	setting 'memory: {memfdMap: audit}' alert
	setting 'memory: {memfdMap: deny}' deny
	event "$4" memfd '*'
	digest any
	twin 'map-code anonymous-rw'
}

shared_memory D08-turned shared-turned 'shared anonymous memory written, then executable' mprotect
shared_memory D08-memfd memfd 'a memfd mapped executable' mmap
shared_memory D08-sysv sysv 'System V shared memory, executable' mmap
shared_memory D08-huge huge 'huge pages, executable' mmap

# A device of the container is asked for as the file that it is. (No digest of it is tried: the pattern is not a path.)
attack D08-zero '/dev/zero private, written, then executable'
does 'map-code zero'
event mprotect tmpfs '*/zero'
digest any
twin 'map-code anonymous-rw'

attack D08-zero-shared '/dev/zero shared, executable'
does 'map-code zero-shared'
event mmap tmpfs '*/zero'
digest any
twin 'map-code anonymous-rw'

# kernel_file ID WAY TITLE OPERATION [PROFILE]: files that the kernel made for memory which the process, or the network, fills.
kernel_file() {
	attack "$1" "$3"
	does "map-code $2"
	event "$4" foreign '*'
	digest any
	profile "${5:-plain}"
	twin 'map-code file-mapped $v/lib.so'
}

kernel_file D08-secret secret 'memfd_secret, executable: the kernel refuses after us' mmap
ran EPERM
kernel_file D20-packet packet-ring 'the ring of a packet socket, executable' mmap admin
ran '@(ran|EPERM)' # the kernel refuses after us, since files without a name count as on a mount with noexec

attack D20-aio 'the ring of asynchronous I/O made executable: the kernel itself refuses'
verdict allow
ran 'status 1'
does 'map-code aio-ring'
twin 'map-code file-mapped $v/lib.so'

# modified ID WAY TITLE OPERATION: pages of an image file that are not its bytes any more, or need not stay so.
modified() {
	attack "$1" "$3"
	does "map-code $2 \$v/lib.so"
	setting 'memory: {modifiedCode: audit}' alert
	setting 'memory: {modifiedCode: allow}' allow
	event "$4" modified-code '$v/lib.so'
	twin 'map-code file-read $v/lib.so && map-code file-mapped $v/lib.so'
}

modified D03 file-written 'code of the image written in a private mapping' mprotect
modified D03-key file-by-key '… made executable by pkey_mprotect' mprotect
modified D03-rwx file-rwx 'code of the image mapped writable and executable' mmap
modified D03-moved file-moved '… moved by mremap in between' mprotect
modified D03-child file-inherited '… by the parent, made executable by its child' mprotect
modified D03-textrel text-relocation 'text relocations: executable, writable, executable' mprotect
modified D03-at-once text-at-once 'executable pages made writable as they are' mprotect

attack D04 'a drifted file mapped readable, then made executable'
does 'fresh $v/lib.so new.so && map-code file-read new.so'
event mprotect added '$t/new.so'
twin 'map-code file-read $v/lib.so'

# implies ID WAY TITLE: the personality under which data is code.
implies() {
	attack "$1" "$3"
	does "implies $2"
	word killed
	action killed
	setting 'memory: {readImpliesExec: audit}' alert
	setting 'memory: {readImpliesExec: allow}' allow
	event personality personality -
	twin 'implies other'
}

implies D05 heap 'READ_IMPLIES_EXEC and brk'
setting 'exceptions: [{name: old, paths: ["/opt/attacks/bin/implies"], fromProcess: ["/opt/attacks/bin/implies"]}]' allow
implies D05-32 heap-32 'READ_IMPLIES_EXEC by the call of 32-bit programs'

attack D05-setarch 'a program started under READ_IMPLIES_EXEC'
does 'setarch x86_64 -X $v/prog'
word killed
action killed
event personality personality -
twin 'setarch x86_64 -R $v/prog'
modes enforce

attack D06 'READ_IMPLIES_EXEC and mmap'
does 'implies map'
word killed
action killed
setting 'memory: {readImpliesExec: audit}' alert
event personality personality -
also mmap anonymous-code -
twin 'implies other'

attack D07-loader "a program of the image whose header asks for an executable stack: the image's own"
verdict allow
does 'execstack'
twin 'run $v/prog'

attack D07-legacy 'a 32-bit program of the image without PT_GNU_STACK: READ_IMPLIES_EXEC by the kernel'
verdict allow
does 'legacy'
twin 'run $v/prog'

attack D09 'a shared writable mapping held while the file is mapped as code'
does 'fresh $v/lib.so new.so && map-code with-writer new.so'
event mmap added '$t/new.so'
flags writable
digest written-to
twin 'map-code file-mapped $v/lib.so'

attack D09-tmpfs '… on a tmpfs'
does 'cp $v/lib.so /run/w.so && map-code with-writer /run/w.so'
event mmap tmpfs /run/w.so
flags writable
digest written-to
twin 'map-code file-mapped $v/lib.so'

attack D09-copied '… of a file of the image that chmod copied up'
does 'chmod 700 $v/lib.so && map-code with-writer $v/lib.so'
event mmap modified '$v/lib.so'
flags writable
digest written-to
twin 'chmod 700 $v/lib.so && map-code file-mapped $v/lib.so'

attack D12 'mremap of executable pages'
verdict allow
does 'map-code remapped $v/lib.so'
twin 'map-code file-shared $v/lib.so'

# process_memory ID COMMANDS TITLE: /proc/PID/mem opened for writing.
process_memory() {
	attack "$1" "$3"
	does "$2"
	setting 'memory: {processMemory: audit}' alert
	setting 'memory: {processMemory: allow}' allow
	event process-memory process-memory "${4:-*/mem}"
	digest any
	twin 'other-memory read /proc/self/mem'
}

process_memory D13 'other-memory open /proc/self/mem' '/proc/self/mem written'
# Exceptions hold for accesses only if they name the program.
setting 'exceptions: [{name: patcher, paths: ["/proc/*/mem"], fromProcess: ["/opt/attacks/bin/other-memory"]}]' allow
setting 'exceptions: [{name: another, paths: ["/proc/*/mem"], fromProcess: ["/usr/bin/gdb"]}]' deny
setting 'exceptions: [{name: nameless, paths: ["/proc/*/mem"]}]' deny
process_memory D13-thread 'other-memory open /proc/thread-self/mem' '/proc/thread-self/mem written'
process_memory D13-task 'exec other-memory open /proc/self/task/$$/mem' '/proc/PID/task/TID/mem written'
process_memory D13-again 'other-memory open-again /proc/self/mem' '… through a descriptor that reads, opened anew'
process_memory D13-shell 'exec 3<>/proc/self/mem && echo "open: ran"' '… by a shell'
process_memory D13-perl 'perl -e "open(F, q(+<), q(/proc/self/mem)) or die \$!; print qq(open: ran\n)"' '… by perl'
process_memory D13-bind 'touch m; exec with-mount bind /proc/$$/mem m - other-memory open m' \
	'… through a bind mount of another name' '$t/m'
profile admin
process_memory D13-second 'mkdir -p p; with-mount proc none p - other-memory open p/self/mem' \
	'… through a procfs of its own'
profile admin

# renamed ID WAY TITLE PROFILE: another file shown as the program that runs.
renamed() {
	attack "$1" "$3"
	profile "$4"
	does "rename-self $2 \$v/prog"
	setting 'memory: {processMemory: allow}' allow
	event process-memory process-memory '*/rename-self'
	detail exe
	digest any
	twin 'rename-self title'
}

renamed D13-exe file 'another program shown as the one that runs, by a capability' admin
renamed D13-exe-map map '… in a user namespace of its own' plain

attack D13-other "another process's memory written"
does 'other-memory other-memory'
event process-memory process-memory '*/mem'
also ptrace ptrace '*'
digest any
twin 'other-memory look'

# tracing ID WAY TITLE [VERDICT [COMMANDS [PROGRAM]]]: a process of the same container, which the tracer started.
tracing() {
	attack "$1" "$3"
	verdict "${4:-alert}"
	does "${5:-other-memory $2}"
	setting 'memory: {ptrace: deny}' deny
	setting 'memory: {ptrace: allow}' allow
	event ptrace ptrace "${6:-*/bin/other-memory}"
	digest any
	twin 'other-memory look'
}

tracing D14 attach 'ptrace: attach to a child, write code'
setting 'exceptions: [{name: tracer, paths: ["/opt/attacks/bin/*"], fromProcess: ["/opt/attacks/bin/other-memory"]}]' allow
tracing D14-registers set-registers 'ptrace: attach to a child, set its registers'
tracing D14-seize seize 'ptrace: a child is watched' allow
tracing D14-grandchild seize-grandchild 'ptrace: a child of a child is watched' allow
tracing D14-read vm-read 'process_vm_readv of a child' allow
tracing D14-traceme traceme 'ptrace: traceme' allow
# A process that waits, which somebody else started: no child of the tracer's.
tracing D14-other '' 'ptrace: a process of somebody else is watched' alert 'other-memory wait & other-memory seize $!; kill $!' '*'
tracing D14-orphan '' 'ptrace: a child that was given away is watched' alert 'other-memory seize-orphan'
tracing D15 vm-write 'process_vm_writev'
tracing D15-fd take-fd 'pidfd_getfd'

attack D14-host 'ptrace of a process of the host'
profile hostpid
does_host 'sleep 60 & other=$!; in_box "other-memory seize $other"; kill $other'
setting 'memory: {ptrace: allow}' allow
event ptrace ptrace '*'
digest any
twin_host 'sleep 60 & other=$!; in_box "other-memory look $other"; kill $other'

# of_another WAY: tries it on the first process of a container that is there for that alone.
of_another() {
	BOX_IMAGE=attacks BUNDLE_JQ=. BUNDLE_CAPS=$containers_caps box_start "other-$n" crun >&2 || return
	in_box "other-memory $1 $(container_pid crun "other-$n")"
	box_stop "other-$n" >&2
}

attack D14-container 'ptrace of a process of another container'
profile hostpid
does_host 'of_another seize'
event ptrace ptrace '*'
digest any
twin_host 'of_another look'

attack D14-fd-host 'a descriptor of a process of the host'
profile hostpid
does_host 'sleep 60 & other=$!; in_box "other-memory take-fd $other"; kill $other'
event ptrace ptrace '*'
digest any
twin_host 'sleep 60 & other=$!; in_box "other-memory look $other"; kill $other'

attack D19 'a just-in-time compiler: the one of grep -P'
verdict allow
does 'echo code ran | grep -P "code (ran)"'
setting 'memory: {anonymousExec: audit}' alert
event mmap anonymous-code - +
twin 'echo code ran | grep "code ran"'

attack D20 "the kernel's own mappings: ring of asynchronous I/O, vDSO, vsyscall page"
verdict allow
does 'kernel-maps'
twin 'run $v/prog'
