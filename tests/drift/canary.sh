# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The canary: a container in which one process tries a drifted file CANARY_HZ times a second, and another one an original.
# Sourced by guest. Both write their score into the container's writable layer, where it is read from outside: nothing that
# might be denied is needed to look at it.

canary_hz=${CANARY_HZ:-100} # what is asked for; an emulated machine may do less, so the tries are printed

# canary_start [NAME]
canary_start() {
	canary_name=${1:-canary}
	canary_tools=$boxes/$canary_name-tools
	mkdir -p "$canary_tools"
	cp "$hf_tree/build/tests/again" "$canary_tools/"
	BUNDLE_JQ=".mounts += [{destination: \"/tools\", type: \"bind\", source: \"$canary_tools\", options: [\"bind\", \"ro\"]}]" \
		box_start "$canary_name" crun || return 1
	box_do "$canary_name" "cp $hello /srv/drifted; printf x >>/srv/drifted
		/tools/again /srv/drifted $canary_hz /srv/drift.score >/dev/null 2>&1 &
		/tools/again $hello $canary_hz /srv/original.score >/dev/null 2>&1 &" >/dev/null || return 1
	canary_wait 1
}

canary_stop() {
	box_stop "$canary_name"
	rm -rf "$canary_tools"
}

# canary_score drift|original: tries, ran, refused, other; as numbers in four words.
canary_score() {
	local line
	line=$(<"$boxes/$canary_name/rootfs/srv/$1.score") 2>/dev/null
	set -- ${line//[a-z]/}
	printf '%d %d %d %d\n' "$((10#${1:-0}))" "$((10#${2:-0}))" "$((10#${3:-0}))" "$((10#${4:-0}))"
}

canary_tries() {
	local -a score
	read -ra score <<<"$(canary_score "$1")"
	printf '%d\n' "${score[0]}"
}

# canary_wait N: until both have tried N more times; inotify would miss what is written by pwrite on overlays, so it looks again.
canary_wait() {
	local end=$((SECONDS + hf_wait_seconds)) drift original
	drift=$(($(canary_tries drift) + $1)) original=$(($(canary_tries original) + $1))
	while (($(canary_tries drift) < drift || $(canary_tries original) < original)); do
		((SECONDS < end)) || return 1
		read -rt 0.05 <> <(:)
	done
	return 0
}

canary_mark() {
	canary_marked_drift=$(canary_tries drift) canary_marked_original=$(canary_tries original)
}

canary_moves() {
	canary_wait 3
}

# canary_judge NAME: since the start of the canary the drifted file never ran, and the original always did.
canary_judge() {
	local -a drift original
	read -ra drift <<<"$(canary_score drift)"
	read -ra original <<<"$(canary_score original)"
	printf '# %s: %d tries of the drifted file and %d of the original meanwhile\n' "$1" \
		$((drift[0] - canary_marked_drift)) $((original[0] - canary_marked_original))
	check_is "$1: the drifted file never ran, and was refused each time (of ${drift[0]} tries)" \
		"ran ${drift[1]}, otherwise failed ${drift[3]}" 'ran 0, otherwise failed 0'
	check_is "$1: the original always ran (of ${original[0]} tries)" \
		"refused ${original[2]}, otherwise failed ${original[3]}" 'refused 0, otherwise failed 0'
}

# canary_faults: prints what must not have happened since it was asked last; nothing when all is well.
canary_faults() {
	local -a drift original
	local bad
	read -ra drift <<<"$(canary_score drift)"
	read -ra original <<<"$(canary_score original)"
	bad="drift ran ${drift[1]}, otherwise failed ${drift[3]}; original refused ${original[2]}, otherwise failed ${original[3]}"
	[[ $bad == "${canary_told:-drift ran 0, otherwise failed 0; original refused 0, otherwise failed 0}" ]] || printf '%s\n' "$bad"
	canary_told=$bad
}
