# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
# The image of the attacks and the kinds of containers. Owns the layer with programs and victims; must not know rows beyond
# their ids. A profile NAME is a function profile_NAME that sets what box_start reads; rows/*.sh may define more.

attacks_layer=/mnt/images/attacks/layer
attacks_volumes=/mnt/images/attacks/volumes
attacks_all_caps='AUDIT_WRITE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK KILL MKNOD NET_ADMIN NET_BIND_SERVICE
NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_CHROOT SYS_NICE SYS_PTRACE SYS_RESOURCE SYS_TIME'

# The usual container: default capabilities, five volumes.
profile_plain() {
	BUNDLE_JQ=$attacks_mounts
}

# One with every capability that concerns files, mounts and processes; cgroups and devices as a privileged one has them.
profile_admin() {
	BUNDLE_CAPS=${attacks_all_caps//$'\n'/ }
	BUNDLE_JQ=$attacks_mounts'
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .linux.resources = {devices: [{allow: true, access: "rwm"}]}
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
}

attacks_mounts='.mounts += [
	{destination: "/vol/ro", type: "bind", source: "'$attacks_volumes'/ro", options: ["rbind", "ro"]},
	{destination: "/vol/rw", type: "bind", source: "'$attacks_volumes'/rw", options: ["rbind", "rw"]},
	{destination: "/vol/noexec", type: "bind", source: "'$attacks_volumes'/noexec", options: ["rbind", "rw", "noexec"]},
	{destination: "/vol/plugins", type: "bind", source: "'$attacks_volumes'/plugins", options: ["rbind", "rw"]},
	{destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"]}]'

# runs_of ID: $runs, the numbers of the runs in which a row is tried, as run_profile counts them: each has victims of its own.
declare -A runs_texts=() # of each profile
runs_of() {
	local text n=2 profile=${row[$1.profile]} settings=$'\n'${row[$1.settings]:-}$'\n'
	runs=(1 2)
	[[ -n ${row[$1.settings]:-} ]] || return 0
	[[ -n ${runs_texts[$profile]:-} ]] || runs_texts[$profile]=$(rows_settings "$profile")
	while IFS= read -r text; do
		n=$((n + 1))
		[[ $settings != *"|$text"$'\n'* ]] || runs+=("$n")
	done <<<"${runs_texts[$profile]}"
}

# victims_of: a line for make.py for each part of each row in each run.
victims_of() {
	local id part n
	local -a runs
	for id in "${row_ids[@]}"; do
		runs_of "$id"
		for n in "${runs[@]}"; do
			for part in attack twin; do
				printf '%s %s\n' "$attacks_layer/v/$id/$n/$part" "$id $n $part"
			done
		done
	done
}

victims_make() {
	python3 "$attacks_here/victims/make.py" "$hf_tree/build/attacks/victims"
}

# image_make: the image "attacks": base below one layer with programs and the chosen rows' victims. Functions layer_NAME of
# rows/*.sh add to the layer, whose folder they are given.
image_make() {
	local more info=/mnt/images/info/attacks
	mkdir -p "$attacks_layer/opt/attacks" "$attacks_layer/srv" "$attacks_layer/vol" "$info"
	cp -r "$hf_tree/build/attacks/bin" "$hf_tree/build/attacks/victims" "$attacks_layer/opt/attacks/" || return 1
	victims_of | victims_make || return 1
	cp "$hf_tree/build/attacks/victims/prog" "$attacks_layer/v/marker"
	for more in $(compgen -A function layer_); do
		"$more" "$attacks_layer" || return 1
	done
	jq '.config.Env = ["PATH=/opt/attacks/bin:/opt/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]' \
		/mnt/images/info/base/config.json >"$info/config.json"
	printf '%s:%s\n' "$attacks_layer" "$(image_lower base)" >"$info/lower"
}

# volumes_make: folders on the disk of the layers, each with victims that were there before any container.
volumes_make() {
	local name
	rm -rf "$attacks_volumes"
	for name in ro rw noexec plugins; do
		printf '%s volume %s\n' "$attacks_volumes/$name" $name
	done | victims_make
}

# attacks_box NAME PROFILE: a container of the image, of that kind.
attacks_box() {
	local BUNDLE_JQ=. BUNDLE_CAPS=$containers_caps BUNDLE_ROOT='' BOX_IMAGE=attacks attacks_runtime=crun
	volumes_make
	"profile_$2" || return 1
	box_start "$1" "$attacks_runtime" && box_do "$1" "$(attacks_prelude)" >/dev/null
}

# sh_quote TEXT: one word for any sh.
sh_quote() {
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

# What the box's own shell knows: the text of inside.sh, for act's commands and for in_box.
attacks_prelude() {
	printf 'for m in marker marker-end; do cp /v/marker /srv/$m; truncate -s 300M /srv/$m; done; inside=%s\n' \
		"$(sh_quote "$(<"$attacks_here/inside.sh")")"
}
