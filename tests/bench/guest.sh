# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What the guest's scripts share: the library for the daemon and for containers, the policy, images made of a folder and
# busybox. Sourced by guest-*; must not know what is measured.
guest_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../vm/lib/holdfast.sh
. "$guest_here/../vm/lib/holdfast.sh"
# shellcheck source=../vm/lib/containers.sh
. "$guest_here/../vm/lib/containers.sh"

die() {
	printf 'bench: %s\n' "$*" >&2
	[[ ! -s ${hf_log:-} ]] || tail -n 8 "$hf_log" >&2
	exit 1
}

guest_init() {
	trap 'containers_cleanup 2>/dev/null; holdfast_cleanup' EXIT
	modprobe overlay
	holdfast_init /run/holdfast-bench
	hf_wait_seconds=1000000 # the counted clock leaps ahead while the machine reads its disk; the VM has a limit of its own
	printf '%s\n' 'apiVersion: holdfast.dev/v1alpha1' 'kind: ClusterDriftPolicy' 'metadata: {name: bench}' 'spec:' \
		'  mode: enforce' >"$hf_policies/1.yaml"
}

# image_of NAME FOLDER: an image that is busybox with FOLDER, which lies beside its layers, on top.
image_of() {
	local info=/mnt/images/info/$1
	mkdir -p "$info"
	printf '%s:%s\n' "$2" "$(image_lower busybox)" >"$info/lower"
	cp /mnt/images/info/busybox/config.json "$info/"
}

# unload: nothing of Holdfast is left, and it remembers no image.
unload() {
	[[ -z $hf_pid ]] || holdfast_stop || die 'the daemon did not stop in order'
	holdfastd --unload >/dev/null || die 'not unloaded'
	rm -rf /run/holdfast /var/lib/holdfast
}
