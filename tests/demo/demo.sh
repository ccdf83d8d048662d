#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo itself: daemon, real containers, prevention, audit, two namespaces at once. Runs where LSM programs attach: in the
# VM, or right on this machine. Ends non-zero when any row is not as it must be. Owns the story; rows.sh does, table.sh judges.
#
# usage: demo.sh [DRIVE]     DRIVE: the images' drive (tests/images), to be mounted here; in the VM it is mounted already
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../vm/lib/holdfast.sh
. "$here/../vm/lib/holdfast.sh"
# shellcheck source=table.sh
. "$here/table.sh"
image=localhost/base
work='' bad=0 good=0

die() {
	printf 'demo: error: %s\n' "$*" >&2
	exit 2
}

title() {
	printf '\n== %s\n' "$1"
}

step() {
	printf '   %s\n' "$*"
}

# mount_drive DRIVE: a copy of the images' drive, so that the cached one stays as it is, and podman pointed to it.
mount_drive() {
	cp --sparse=always "$1" "$work/drive" || die "no room for a copy of the images in $work"
	mkdir "$work/images"
	modprobe loop 2>/dev/null       # where it is no module it is there
	mount -o loop,noatime "$work/drive" "$work/images" || die "cannot mount the images"
	HF_PODMAN_OPTIONS="--root $work/images/store --runroot $work/runroot"
}

# shellcheck disable=SC2317  # called by the trap
clean_up() {
	pod rm -af -t 0 >/dev/null 2>&1
	holdfast_cleanup
	holdfastd --unload >/dev/null 2>&1
	umount "$work/images" 2>/dev/null
	rm -rf --one-file-system "$work"
}

# rows_run MODE-NAME: all rows in a fresh container; leaves $work/NAME.rows and $work/NAME.events.
rows_run() {
	local name=$1 mark
	shift
	events_mark
	pod run --rm -i --network none --name "$name" "$@" "$image" sh -s <"$here/rows.sh" >"$work/$name.rows" 2>"$work/$name.err"
	grep -qx 'rows done' "$work/$name.rows" || { cat "$work/$name.rows" "$work/$name.err" >&2; die "the rows did not end"; }
	events_fence || die 'the events did not arrive'
	events_since "$mark" >"$work/$name.events"
}

# table NAME WORD ACTION: prints it and counts.
table() {
	local verdict tried expected happened event missing
	rows_join "$2" "$3" "$work/$1.rows" "$work/$1.events" >"$work/$1.table"
	printf '   %-52s %-9s %-9s %s\n' 'what was tried' 'expected' 'happened' 'event it left'
	while IFS=$'\t' read -r verdict tried expected happened event; do
		if [[ $verdict == good ]]; then good=$((good + 1)); else bad=$((bad + 1)); fi
		[[ $verdict == good ]] && verdict='  ' || verdict='!!'
		printf '%s %-52s %-9s %-9s %s\n' "$verdict" "$tried" "$expected" "$happened" "$event"
	done <"$work/$1.table"
	missing=$(rows_missing "$work/$1.rows" | tr '\n' ' ')
	[[ -z $missing ]] || { printf '!! not tried: %s\n' "$missing"; bad=$((bad + 1)); }
}

prevention() {
	title 'Prevention: policies/prevent-except-kube-system.yaml'
	step 'a container starts; its image is scanned and enrolled before its first program runs'
	rows_run prevented --annotation io.kubernetes.pod.namespace=shop
	table prevented EPERM denied
	grep 'container .*: armed' "$hf_log" | tail -n 1 | sed 's/^<.>//; s/^/   /'
}

audit() {
	title 'Audit: policies/audit-everywhere.yaml, after "holdfast reload"'
	holdfast_policy "$hf_tree/policies/audit-everywhere.yaml" >/dev/null || die 'the reload failed'
	rows_run audited --annotation io.kubernetes.pod.namespace=shop
	table audited ran audited
}

# The two containers of the last part wait for their rows on a FIFO, so that both run at once.
start_waiting() {
	local name=$1
	mkfifo "$work/$name.in"
	pod run --rm -i --network none --name "$name" --annotation "io.kubernetes.pod.namespace=$name" "$image" \
		sh -c 'echo started; exec env PART=none sh -s' <"$work/$name.in" >"$work/$name.rows" 2>"$work/$name.err" &
}

two_rows() {
	printf '%s\n' 'ROWS="own-elf dropped"' 'PART=originals+drifts'
	cat "$here/rows.sh"
}

namespaces() {
	local name mark
	title 'Two namespaces at once: policies/immutable-namespace.yaml'
	holdfast_policy "$hf_tree/policies/immutable-namespace.yaml" >/dev/null || die 'the reload failed'
	events_mark
	for name in prod dev; do
		start_waiting $name
	done
	exec 7>"$work/prod.in" 8>"$work/dev.in"
	for name in prod dev; do
		file_wait "$work/$name.rows" 1 '^started$' >/dev/null || { cat "$work/$name.err"; die "$name did not start"; }
	done
	step 'both run:'
	holdfast containers | sed 's/^/   /'
	two_rows >&7
	two_rows >&8
	exec 7>&- 8>&-
	for name in prod dev; do
		file_wait "$work/$name.rows" 1 '^rows done$' >/dev/null || die "$name did not end"
	done
	events_fence || die 'the events did not arrive'
	for name in prod dev; do
		events_since "$mark" "select(.container.namespace == \"$name\")" >"$work/$name.events"
		step "namespace $name:"
		if [[ $name == prod ]]; then table_of $name EPERM denied; else table_of $name ran audited; fi
	done
}

# table_of NAME WORD ACTION: the table of a container that ran only some rows.
table_of() {
	rows_missing() { :; }
	table "$@"
}

main() {
	local started=$SECONDS
	((EUID == 0)) || die 'must run as root'
	[[ ! -e /sys/fs/bpf/holdfast ]] || die 'containers are protected here already: the demo would end that (KERNEL=6.12: in a VM)'
	work=$(mktemp -d /var/tmp/holdfast-demo.XXXXXX)
	trap clean_up EXIT
	(($# == 0)) || mount_drive "$1"
	holdfast_init "$work/holdfast"
	title "Holdfast on $(uname -sr)"
	holdfastd --doctor | sed 's/^/   /'
	holdfast_policy "$hf_tree/policies/prevent-except-kube-system.yaml"
	holdfast_start || die 'the daemon did not start'
	grep 'ready:' "$hf_log" | sed 's/^<.>//; s/^/   /'
	prevention
	audit
	namespaces
	title "$((good + bad)) rows, $bad not as they must be ($((SECONDS - started)) s)"
	((bad == 0 && good > 0))
}

main "$@"
