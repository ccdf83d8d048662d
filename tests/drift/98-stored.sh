# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The image database from the command line, beside the daemon: layers have one name however they are looked at, and what
# "holdfast image scan" stores is what the daemon starts a container with.

# stored_scan ARG...: "SET FILES" of what is scanned.
stored_scan() {
	holdfast -o json image scan "$@" | jq -r '[.set, .files] | join(" ")'
}

stored_list() {
	holdfast -o json image list | jq -r '.images[].set'
}

# stored_wait SET: until the daemon has stored it.
stored_wait() {
	local end=$((SECONDS + hf_wait_seconds))
	while ((SECONDS < end)); do
		grep -qxF "$1" <<<"$(stored_list 2>/dev/null)" && return 0
		read -r -t 0.3 <> <(:)
	done
	stored_list
	return 1
}

# stored_whole SET: nothing differs; digests may be missing yet.
stored_whole() {
	local found
	found=$(holdfast -o json image verify "$1" | jq -c '[.saw_everything, .differences]')
	[[ $found == '[true,[]]' ]] || { printf '%s\n' "$found"; return 1; }
}

# podman names its layers by short links.
stored_podman() {
	local merged lower
	check 'a podman container starts' pod run -d --name stored-podman --network none localhost/base sleep 1000
	merged=$(pod inspect --format '{{.GraphDriver.Data.MergedDir}}' stored-podman)
	lower=$(pod inspect --format '{{.GraphDriver.Data.LowerDir}}' stored-podman)
	check_is "podman's mount and the layers that it tells" "$(stored_scan "$merged")" "$(stored_scan --layers "$lower")"
	pod rm -f -t 0 stored-podman >/dev/null
}

# The daemon starts on an empty catalogue and a database that only the command line has filled.
stored_by_tool() {
	local from
	check 'the daemon stops' holdfast_stop
	check 'everything is unloaded' holdfastd --unload
	stored_list | xargs holdfast image rm >/dev/null
	check_is 'the database is empty' "$(stored_list)" ''
	check_is 'the layers are scanned' "$(stored_scan --layers "$(image_lower base)")" "$1"
	check 'the daemon starts' holdfast_start
	from=$(holdfast_log_mark)
	box_start stored-2 crun || not_ok 'a container starts'
	check 'it finds its layers known' holdfast_log_wait "$from" 'stored-2: armed.*known layers' 5
	check_is 'its originals run' "$(box_runs stored-2)" ran
	check_is 'drift in it is denied' "$(box_drops stored-2)" EPERM
	box_stop stored-2
}

topic_stored() {
	local layers
	policy_is enforce
	layers=$(stored_scan --layers "$(image_lower base)")
	check_match 'the layers are scanned' "$layers" '^[0-9a-f]{64} [0-9]{2,}$'
	check 'and forgotten' holdfast image rm "${layers%% *}"
	box_start stored-1 crun || { not_ok 'a container starts'; return; }
	check 'what the daemon stores of a container is the same set' stored_wait "${layers%% *}"
	check 'which verify finds whole' stored_whole "${layers%% *}"
	box_drops stored-1 >/dev/null
	check_is "so is the container's mount, without its drift" "$(stored_scan "$boxes/stored-1/rootfs")" "$layers"
	box_stop stored-1
	stored_podman
	check 'all digests are computed' holdfast image scan --digests --layers "$(image_lower base)"
	check 'verify finds nothing' holdfast image verify "${layers%% *}"
	stored_by_tool "$layers"
}
