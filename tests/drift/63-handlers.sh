# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Programs of another machine, run by an interpreter that binfmt_misc knows: the host's own (flag F: opened when it was registered)
# is as good as the kernel's, the program itself must be of the image. Any other interpreter is judged as a file of its own.

handlers_fs=/proc/sys/fs/binfmt_misc
# An ELF header of a 64-bit ARM program.
handlers_magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
handlers_mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'

# An image with a program of that kind, and an interpreter: a static program that says what it was given.
handlers_image() {
	local dir=/mnt/images/small/foreign name
	small_image foreign 0
	[[ -e $dir/bin/foreign ]] && return
	cp "$dir/bin/hello" "$dir/bin/foreign"
	printf '\x02\x00\xb7\x00' | dd of="$dir/bin/foreign" bs=1 seek=16 conv=notrunc 2>/dev/null
	cp "$1" "$dir/bin/emulator"
	for name in mount unshare cat; do
		ln -s busybox "$dir/bin/$name"
	done
}

handlers_register() {
	[[ ! -e $handlers_fs/holdfast ]] || echo -1 >"$handlers_fs/holdfast"
	[[ -z ${1:-} ]] || "${@:3}" sh -c "printf '%s' ':holdfast:M::$handlers_magic:$handlers_mask:$1:$2' >$handlers_fs/register"
}

handlers_try() {
	local out
	out=$(box_do "$1" "$2; echo status \$?")
	case $out in
	*'emulated '*'status 0') echo ran ;;
	*'not permitted'*) echo denied ;;
	*) printf '%s\n' "$out" ;;
	esac
}

handlers_of_host() {
	local mark
	handlers_register "$1" F
	events_mark
	check_is "$2: a foreign program of the image runs" "$(handlers_try handlers /bin/foreign)" ran
	quiet_since "$2: and leaves no event" "$mark"
	events_mark
	check_is "$2: a copy of it does not" "$(handlers_try handlers 'cp /bin/foreign /srv/copied; /srv/copied')" denied
	check_is "$2: nor the interpreter by itself, as a file of the container" "$(handlers_try handlers 'cp /bin/emulator /srv/own; /srv/own x')" denied
	events_fence
	check_is "$2: each is told" "$(events_brief "$mark")" $'denied exec added /srv/copied\ndenied exec added /srv/own'
}

# Without F the interpreter is looked up where the program runs.
handlers_of_image() {
	local mark
	handlers_register /bin/emulator ''
	events_mark
	check_is 'by path: the image'\''s interpreter runs' "$(handlers_try handlers /bin/foreign)" ran
	quiet_since 'by path: and leaves no event' "$mark"
	handlers_register /srv/own ''
	events_mark
	check_is 'by path: a dropped interpreter does not' "$(handlers_try handlers /bin/foreign)" denied
	events_fence
	check_is 'by path: it is told' "$(events_brief "$mark")" 'denied exec added /srv/own'
}

# Registered by somebody among the container's mounts, flag F: it is the container's file.
handlers_of_container() {
	local mark pid
	pid=$(container_pid crun handlers)
	events_mark
	handlers_register "/proc/$pid/root/srv/own" F
	check_is 'from a container: a dropped interpreter does not run' "$(handlers_try handlers /bin/foreign)" denied
	events_fence
	check_is 'from a container: it is told' "$(events_brief "$mark")" 'denied exec added /srv/own'
}

# A user namespace with handlers of its own.
handlers_of_namespace() {
	local mark own
	handlers_register
	box_do handlers "printf '%s' ':own:M::$handlers_magic:$handlers_mask:/srv/own:F' >/srv/line" >/dev/null
	own='mkdir -p /tmp/b && mount -t binfmt_misc b /tmp/b'
	if ! box_do handlers "unshare -Urm sh -c '$own'; echo status \$?" | grep -q 'status 0'; then
		skip 'a handler of a user namespace' 'this kernel has one binfmt_misc for all'
		return
	fi
	events_mark
	check_match 'of a user namespace: a dropped interpreter does not run' \
		"$(box_do handlers "unshare -Urm sh -c '$own && cat /srv/line >/tmp/b/register && /bin/foreign'")" 'not permitted'
	events_fence
	check_is 'of a user namespace: it is told' "$(events_brief "$mark")" 'denied exec added /srv/own'
}

topic_handlers() {
	local dir
	dir=$(mktemp -d /mnt/scratch/handlers.XXXXXX)
	policy_is enforce
	modprobe -q binfmt_misc
	mountpoint -q "$handlers_fs" || mount -t binfmt_misc binfmt_misc "$handlers_fs" ||
		{ skip 'handlers' 'the kernel has no binfmt_misc'; return; }
	# shellcheck disable=SC2016  # C
	printf '#include <stdio.h>\nint main(int argc, char **argv) { printf("emulated %%s\\n", argv[argc - 1]); return 0; }\n' >"$dir/emulator.c"
	gcc -static -O1 -o "$dir/emulator" "$dir/emulator.c"
	cp "$dir/emulator" /usr/local/bin/holdfast-emulator
	handlers_image "$dir/emulator"
	BOX_IMAGE=foreign box_start handlers crun || { not_ok 'a container starts'; return; }
	handlers_of_host /usr/local/bin/holdfast-emulator 'the root file system'
	handlers_of_host "$dir/emulator" 'a tmpfs of the host'
	handlers_of_image
	handlers_of_container
	handlers_of_namespace
	handlers_register
	box_stop handlers
	rm -f /usr/local/bin/holdfast-emulator
}
