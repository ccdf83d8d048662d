# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The daemon with a memory limit of 64 MiB, kernel tables included, and images made to break whoever reads them: it lives, the image is
# enrolled or its container is marked with the reason, the others and the next image are as ever.
# MEMORY_FOLDERS (8000), MEMORY_FILES (2000): the size of the bombs; a machine of its own may try a hundred times as many.

memory_group=/sys/fs/cgroup/holdfast-test

# The daemon as a service manager would start it.
memory_daemon() {
	holdfastd() {
		echo "$BASHPID" >"$memory_group/cgroup.procs"
		exec "$(type -P holdfastd)" "$@"
	}
	holdfast_anew "$@"
	local status=$?
	unset -f holdfastd
	return "$status"
}

memory_figure() {
	printf '%d\n' $(($(<"$memory_group/$1") >> 20))
}

memory_say() {
	printf '# %s: %d MiB now, %d at most; kernel %d, daemon %d\n' "$1" "$(memory_figure memory.current)" \
		"$(memory_figure memory.peak 2>/dev/null)" \
		$(($(awk '$1 == "kernel" { print $2 }' "$memory_group/memory.stat") >> 20)) \
		$(($(awk '$1 == "anon" { print $2 }' "$memory_group/memory.stat") >> 20))
}

memory_kills() {
	awk '$1 == "oom_kill" { print $2 }' "$memory_group/memory.events"
}

# memory_state BOX: state and reason.
memory_state() {
	holdfast -o json containers | jq -r '.containers[] | select(.id == "'"$1"'") | "\(.state) \(.state_reason // "")"'
}

# memory_bomb NAME FOLDERS FILES: an image; memory_bomb again with other numbers is another one.
memory_bomb() {
	small_image "$1" 10
	python3 tests/drift/bombs.py "/mnt/images/small/$1/bomb" "$2" "$3"
}

memory_box() {
	BOX_IMAGE=$2 box_start "$1" crun || not_ok "$1: a container starts"
}

memory_bombs() {
	memory_box memory-bomb bomb
	check_match 'bombs: the container is armed, or only audited and marked with the reason' "$(memory_state memory-bomb)" \
		'^(armed|audit .)'
	printf '# the bombs: %s\n' "$(memory_state memory-bomb)"
	check_match 'bombs: its drift is denied or reported' "$(small_drops memory-bomb)" '^(denied|ran)$'
	small_protected 'bombs: the other container is held as before' memory-a
	check_is 'bombs: the daemon has not been restarted' "$(status_of .pid)" "$hf_pid"
	check_is 'bombs: nothing was killed for want of memory' "$(memory_kills)" 0
	box_stop memory-bomb
	memory_box memory-next small
	small_protected 'bombs: the next image is as ever' memory-next memory-a
	box_stop memory-next
}

# memory_children FILE COMMAND...: gives each child that begins to read an image to that command, once, while FILE is there. Which of
# them reads a new image and which goes on with digests is not to be seen from outside.
memory_children() {
	local file=$1 child
	local -A known=()
	shift
	for child in $(pgrep -x holdfastd-read); do
		known[$child]=1
	done
	while [[ -e $file ]]; do
		for child in $(pgrep -x holdfastd-read); do
			[[ -z ${known[$child]:-} ]] || continue
			known[$child]=1
			"$@" "$child"
		done
	done
}

# memory_dies HOW COMMAND...: a start whose children are ended by that command, which is given a number. The layers are those of the bombs
# and one more, so that they are not known yet.
memory_dies() {
	local how=$1 killer starting=$hf_dir/starting
	shift
	small_image more 1
	mkdir -p /mnt/images/info/bombs-again
	cp /mnt/images/info/bomb/config.json /mnt/images/info/bombs-again/
	printf '/mnt/images/small/more:/mnt/images/small/bomb\n' >/mnt/images/info/bombs-again/lower
	: >"$starting"
	memory_children "$starting" "$@" &
	killer=$!
	memory_box memory-dies bombs-again
	rm "$starting"
	wait "$killer"
	check_match "$how: the container is only audited, and marked with the reason" "$(memory_state memory-dies)" \
		'^audit .*(killed|memory)'
	printf '# %s: %s\n' "$how" "$(memory_state memory-dies)"
	small_protected "$how: the other container is held as before" memory-a
	check_is "$how: the daemon has not been restarted" "$(status_of .pid)" "$hf_pid"
	box_stop memory-dies
	memory_box memory-after bombs-again
	check_match "$how: the next start of the same image is read again" "$(memory_state memory-after)" '^armed'
	small_protected "$how: and held" memory-after memory-a
	box_stop memory-after
}

topic_memory() {
	local folders=${MEMORY_FOLDERS:-8000} files=${MEMORY_FILES:-2000}
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
	mkdir -p "$memory_group"
	echo 64M >"$memory_group/memory.max" || { skip 'a memory limit' 'no memory controller'; return; }
	small_image small 10
	printf '# bombs: %d folders, %d files\n' "$folders" "$files"
	memory_bomb bomb "$folders" "$files"
	check 'the daemon starts with a limit of 64 MiB' memory_daemon || { holdfast_anew; return; }
	memory_say 'started'
	policy_is enforce 'failurePolicy: {notReady: audit}'
	memory_box memory-a small
	memory_bombs
	memory_say 'after the bombs'
	memory_dies 'a child killed by hand' kill -KILL
	box_stop memory-a
	holdfast_anew
	rmdir "$memory_group"
	policy_is enforce
}
