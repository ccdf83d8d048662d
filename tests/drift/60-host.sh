# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Processes of the host are never denied anything and leave no event, whatever of the host's they execute, beside a protected
# container. (What is a container's: outside.)

host_new_program() {
	local dir=$1
	printf 'int main(void) { return 0; }\n' >"$dir/new.c"
	gcc -o "$dir/new" "$dir/new.c" && "$dir/new"
}

host_scripts() {
	local i
	for ((i = 0; i < 20; i++)); do
		printf '#!/bin/sh\nexit 0\n' >"$1/script-$i"
		chmod +x "$1/script-$i"
		"$1/script-$i" || return 1
	done
}

host_chroot() {
	mkdir -p "$1/chroot"
	cp "$(command -v busybox)" "$1/chroot/sh"
	chroot "$1/chroot" /sh -c 'exit 0'
}

# As PrivateTmp= of a service: a mount namespace of its own, the host's root, a new /tmp with programs in it.
host_private_tmp() {
	unshare -m sh -ec 'mount -t tmpfs tmpfs /tmp; cp /bin/true /tmp/true; /tmp/true; exec /tmp/true'
}

host_tricks() {
	python3 - <<-'END'
		import ctypes, mmap, os
		fd = os.memfd_create("host")
		os.write(fd, open("/bin/true", "rb").read())
		pid = os.fork()
		if pid == 0:
		    os.execve(fd, ["true"], os.environ)
		assert os.waitpid(pid, 0)[1] == 0
		mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
		mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
	END
}

topic_host() {
	local mark dir
	dir=$(mktemp -d /mnt/scratch/host.XXXXXX)
	policy_is enforce 'memory: {anonymousExec: deny, memfdMap: deny}' 'onViolation: {action: kill}'
	box_start host-box crun || not_ok 'a container starts'
	events_mark
	check 'the host compiles and runs a program' host_new_program "$dir"
	check 'the host runs new scripts' host_scripts "$dir"
	check 'the host runs a program in a chroot' host_chroot "$dir"
	check 'the host runs programs behind a private /tmp' host_private_tmp
	check 'the host executes and maps a memfd and anonymous memory' host_tricks
	quiet_since 'and nothing is reported' "$mark"
	box_stop host-box
}
