#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests of the VM itself, on the host: what run promises, for the kernel in KERNEL (default 6.1).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
kernel=${KERNEL:-6.1}
passed=0 failed=0 skipped=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/test-vm.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# Counts and prints one line in the form "ok - name", "not ok - name" or "skip - name: reason".
count() {
	case $1 in
	'ok - '*) passed=$((passed + 1)) ;;
	'not ok - '*) failed=$((failed + 1)) ;;
	'skip - '*) skipped=$((skipped + 1)) ;;
	esac
	printf '%s\n' "$1"
}

# check NAME COMMAND...
check() {
	if "${@:2}"; then
		count "ok - $1"
	else
		count "not ok - $1"
		sed 's/^/# /' "$dir/err" 2>/dev/null
	fi
}

# vm OPTION... -- JOB ARG...: leaves out, err and status in $dir.
vm() {
	local -a options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	status=0
	"$here/run" --kernel "$kernel" "${options[@]}" "$here/guest-checks" "${@:2}" >"$dir/out" 2>"$dir/err" || status=$?
}

status_is() {
	((status == $1)) || { printf '# status %d, expected %d\n' "$status" "$1"; return 1; }
}

pass_on() {
	local line
	while IFS= read -r line; do
		count "$line"
	done <"$dir/out"
}

first_line_within() {
	local seconds
	seconds=$(sed -n 's/.*first line after \([0-9]*\)\..*/\1/p' "$dir/err")
	[[ -n $seconds ]] && ((seconds < $1))
}

test_environment() {
	mkdir -p "$dir/share"
	vm --verbose --share "$dir/share" -- environment "$tree" "two  words, \$1 'quoted'"
	pass_on
	check 'exit status 7 is passed through' status_is 7
	check 'what the guest wrote to the share is there' grep -q '^Linux version' "$dir/share/from-guest"
	check 'the first line comes within 15 s' first_line_within 15
}

test_streams() {
	head -c 5000000 /dev/urandom >"$dir/share/random"
	vm --share "$dir/share" -- streams
	check 'exit status 0 is passed through' status_is 0
	check 'stdout is byte exact' cmp "$dir/share/random" "$dir/out"
	check 'stderr is separate and without console noise' cmp <(echo 'to stderr') "$dir/err"
}

test_bad_ends() {
	vm --timeout 12 -- sleep
	check 'a time-out gives 124' status_is 124
	check 'a time-out says so' grep -q 'did not finish within 12 s' "$dir/err"
	check 'output before a time-out is not lost' grep -qx asleep "$dir/out"
	vm -- panic
	check 'a panic gives 125' status_is 125
	check 'a panic shows the console' grep -q 'the guest panicked: Kernel panic' "$dir/err"
	vm -- poweroff
	check 'a guest that powers off gives 125' status_is 125
	check 'a guest that powers off is explained' grep -q 'went away without a status' "$dir/err"
}

test_patching() {
	vm --timeout 90 -- patching
	check 'a kernel that patches its own code goes on' status_is 0
}

test_options() {
	vm --lsm landlock,yama --cgroup v1 -- no_bpf
	check 'without bpf in lsm= and with cgroup v1' status_is 0
	"$here/run" --kernel 9.9 /bin/true 2>"$dir/err"
	status=$?
	check 'an unknown kernel is refused' status_is 2
	"$here/run" --kernel "$kernel" "$dir/no-such-script" 2>"$dir/err"
	status=$?
	check 'a missing script is refused' status_is 2
	cp "$here/guest-checks" "$dir/elsewhere"
	"$here/run" --kernel "$kernel" "$dir/elsewhere" streams </dev/null >"$dir/out" 2>"$dir/err"
	check 'a script below /tmp is found' grep -q 'to stderr' "$dir/err"
}

# Each QEMU has the job folder's name on its command line.
no_vm_left() {
	local pid
	# shellcheck disable=SC2013  # pids have no blanks
	for pid in $(grep -lsaF "$dir/tmp/holdfast-vm" /proc/[0-9]*/cmdline | cut -d/ -f3); do
		timeout 5 tail --pid="$pid" -f /dev/null || return 1
	done
}

test_killed() {
	local pid signal
	for signal in TERM KILL; do
		mkdir -p "$dir/tmp"
		TMPDIR=$dir/tmp "$here/run" --kernel "$kernel" "$here/guest-checks" sleep >"$dir/out" 2>"$dir/err" &
		pid=$!
		tail -n +1 -f --pid="$pid" "$dir/out" | grep -qx -m1 asleep
		kill "-$signal" "$pid"
		wait "$pid" 2>/dev/null
		check "SIG$signal to run ends its VM" no_vm_left
	done
}

test_containers() {
	vm --images base,busybox -- containers
	pass_on
	check 'the containers ran in one VM' status_is 0
}

test_environment
test_streams
test_bad_ends
test_patching
test_options
test_killed
test_containers
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && passed > 0))
