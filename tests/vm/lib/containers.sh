# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For scripts that run in the VM with --images: start containers with runc and crun from the images on the drive, without
# podman. Sourced, never run. The layers are those of podman's store, so the two ways see the same inodes.
#
#	. tests/vm/lib/containers.sh
#	bundle_new /mnt/scratch/b1 base /opt/app/bin/hello     # rootfs = overlay of the image's layers, upper in the bundle
#	bundle_run crun c1 /mnt/scratch/b1                     # in the foreground; the container's exit status
#	bundle_start runc c2 /mnt/scratch/b2                   # in the background; returns when its init was started
#	containers_cleanup                                     # kills and deletes what these functions started
#
# bundle_new reads from the environment: BUNDLE_ANNOTATIONS and BUNDLE_HOOKS (JSON objects), BUNDLE_JQ (a jq filter applied
# to config.json last), BUNDLE_UPPER (where upper and work go; default the bundle itself), BUNDLE_CAPS (names), BUNDLE_ROOT (a
# folder that is the root as it stands: nothing is mounted).

containers_lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
containers_started=()             # "RUNTIME ID"
containers_bundles=()
containers_caps='CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'

# image_names: the images on the drive, one a line.
image_names() {
	ls /mnt/images/info
}

# image_load NAME: podman's name of the image, which is in its store already; fails when the drive does not have it.
image_load() {
	[[ -e /mnt/images/info/$1/lower ]] || { echo "image $1 is not on the drive: run with --images $1" >&2; return 1; }
	printf 'localhost/%s:latest\n' "$1"
}

# image_lower NAME: the layers' folders, top first and separated by colons.
image_lower() {
	image_load "$1" >/dev/null && cat "/mnt/images/info/$1/lower"
}

# bundle_mount DIR IMAGE: mounts the image's layers on DIR/rootfs, with the upper layer in BUNDLE_UPPER or DIR.
bundle_mount() {
	local dir=$1 upper=${BUNDLE_UPPER:-$1} lower
	lower=$(image_lower "$2") || return 1
	mkdir -p "$dir/rootfs" "$upper/upper" "$upper/work"
	mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper/upper,workdir=$upper/work" "$dir/rootfs" || return 1
	containers_bundles+=("$dir")
}

# bundle_config IMAGE [ARG...]: prints config.json; without arguments the image's own command.
bundle_config() {
	local image=$1
	shift
	jq --slurpfile image "/mnt/images/info/$image/config.json" \
		--argjson annotations "${BUNDLE_ANNOTATIONS:-"{}"}" --argjson hooks "${BUNDLE_HOOKS:-"{}"}" \
		--arg caps "${BUNDLE_CAPS-$containers_caps}" --arg root "${BUNDLE_ROOT:-}" '
		($caps | split(" ") | map(select(. != "") | "CAP_" + .)) as $set
		| .process.args = (if $ARGS.positional == [] then $image[0].config.Cmd else $ARGS.positional end)
		| .process.env = $image[0].config.Env
		| .process.capabilities = {bounding: $set, effective: $set, permitted: $set}
		| .annotations = $annotations
		| (if $root == "" then . else .root.path = $root end)
		| (if $hooks == {} then . else .hooks = $hooks end)
		| '"${BUNDLE_JQ:-.}" "$containers_lib/bundle.json" --args -- "$@"
}

# bundle_new DIR IMAGE [ARG...]
bundle_new() {
	local dir=$1 image=$2
	shift 2
	mkdir -p "$dir"
	if [[ -z ${BUNDLE_ROOT:-} ]]; then
		bundle_mount "$dir" "$image" || return 1
	fi
	bundle_config "$image" "$@" >"$dir/config.json"
}

# bundle_free DIR: unmounts and removes it. What is in BUNDLE_UPPER stays.
bundle_free() {
	umount "$1/rootfs" 2>/dev/null || umount -l "$1/rootfs" 2>/dev/null
	rm -rf --one-file-system "$1"
}

# bundle_run RUNTIME ID DIR [OPTION...]: runs it to its end; returns its exit status. Options go to `RUNTIME run`.
bundle_run() {
	local runtime=$1 id=$2 dir=$3 status=0
	shift 3
	containers_started+=("$runtime $id")
	"$runtime" run "$@" --bundle "$dir" "$id" </dev/null || status=$?
	return "$status"
}

# bundle_start RUNTIME ID DIR: creates and starts it; its output goes to DIR/log. `RUNTIME exec`, `kill` and `state` work.
bundle_start() {
	local runtime=$1 id=$2 dir=$3
	containers_started+=("$runtime $id")
	"$runtime" run --detach --bundle "$dir" "$id" >"$dir/log" 2>&1 </dev/null || { cat "$dir/log" >&2; return 1; }
}

# container_pid RUNTIME ID: the host's pid of its init.
container_pid() {
	"$1" state "$2" | jq .pid
}

# container_stop RUNTIME ID: kills it and deletes it; quiet when it is gone already.
container_stop() {
	"$1" delete --force "$2" >/dev/null 2>&1
}

containers_cleanup() {
	local entry dir
	for entry in "${containers_started[@]}"; do
		container_stop "${entry% *}" "${entry#* }"
	done
	for dir in "${containers_bundles[@]}"; do
		bundle_free "$dir"
	done
	containers_started=()
	containers_bundles=()
}
