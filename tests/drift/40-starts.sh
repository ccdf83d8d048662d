# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The entrypoint's very first exec is judged: started many times with a drifted entrypoint, a container never runs it once.
# STARTS (default 200) is the number of drifted starts over all runtimes; a tenth as many twins start the original.

# The drifted entrypoint: as the original, with one byte more. It would print the same line, which is counted.
starts_drifted_upper() {
	mkdir -p "$1/upper/opt/app/bin"
	cp "$(image_lower_file /opt/app/bin/hello)" "$1/upper/opt/app/bin/hello"
	printf x >>"$1/upper/opt/app/bin/hello"
}

# starts_bundle DIR WAY: WAY clean; dirty: the upper layer of an earlier life; late: written by a hook after the arming.
starts_bundle() {
	local dir=$1 hooks=$hf_hook
	[[ $2 == dirty ]] && starts_drifted_upper "$dir"
	[[ $2 == late ]] && hooks=$(jq -c --arg dir "$dir" '.createContainer = [{path: "/bin/sh", args:
		["sh", "-c", "printf x >>\"$1/rootfs/opt/app/bin/hello\"", "sh", $dir]}]' <<<"$hf_hook")
	BUNDLE_HOOKS=$hooks bundle_new "$dir" base "$hello"
}

starts_clean_upper() {
	umount "$1/rootfs"
	rm -rf "$1/upper" "$1/work"
	bundle_mount "$1" base
}

# starts_loop RUNTIME WAY N: starts it N times, one after the other; all output goes to $starts_dir/RUNTIME-WAY.
starts_loop() {
	local rt=$1 way=$2 n=$3 i dir=$boxes/starts-$1-$2
	starts_bundle "$dir" "$way" || return 1
	for ((i = 0; i < n; i++)); do
		[[ $way == late ]] && starts_clean_upper "$dir"
		"$rt" run --bundle "$dir" "starts-$rt-$way-$i" </dev/null >>"$starts_dir/$rt-$way" 2>&1
		printf 'status %d\n' $? >>"$starts_dir/$rt-$way"
	done
	bundle_free "$dir"
}

# starts_podman N: podman create, cp over the entrypoint, then start again and again: the dirty upper of an earlier life.
starts_podman() {
	local n=$1 i
	pod create --name starts-podman --network none localhost/base "$hello" >/dev/null || return 1
	cp "$(image_lower_file /opt/app/bin/hello)" "$starts_dir/hello"
	printf x >>"$starts_dir/hello"
	pod cp "$starts_dir/hello" starts-podman:/opt/app/bin/hello || return 1
	for ((i = 0; i < n; i++)); do
		pod start -a starts-podman >>"$starts_dir/podman-dirty" 2>&1 </dev/null
		printf 'status %d\n' $? >>"$starts_dir/podman-dirty"
	done
	pod rm -f -t 0 starts-podman >/dev/null 2>&1
}

# starts_count FILE TEXT
starts_count() {
	grep -c "$2" "$starts_dir/$1"
}

starts_judge() {
	local file=$1 n=$2
	check_is "$file: the drifted entrypoint ran in none of $n starts" "$(starts_count "$file" hello\ from)" 0
	check_is "$file: each of them failed" "$(starts_count "$file" '^status [1-9]')" "$n"
}

# starts_two RUNTIME WAY-A N-A WAY-B N-B: two loops side by side, one for each of the guest's CPUs.
starts_two() {
	starts_loop "$1" "$2" "$3" &
	local other=$!
	starts_loop "$1" "$4" "$5"
	wait "$other"
}

# starts_reported N: each left its event; those that a busy machine could not arm in time were refused, which counts too.
starts_reported() {
	local n=$1 events refused
	events=$(events_brief "$mark" | grep -cE "denied exec (added|modified) $hello")
	refused=$(tail -n "+$from" "$hf_log" | grep -c 'refused: ')
	printf '# %d denied, %d refused because they could not be armed in time\n' "$events" "$refused"
	check_is "each of $n starts was denied or refused" $((events + refused)) "$n"
	check 'and nearly all of them denied' test $((refused * 20)) -le "$n"
}

starts_drifted() {
	local podman=$1 each=$2 rt mark from
	from=$(holdfast_log_mark)
	events_mark
	for rt in crun runc; do
		starts_two $rt dirty "$each" late "$each"
		starts_judge $rt-dirty "$each"
		starts_judge $rt-late "$each"
	done
	starts_podman "$podman"
	starts_judge podman-dirty "$podman"
	events_fence
	starts_reported $((4 * each + podman))
}

topic_starts() {
	local starts=${STARTS:-200} podman twins rt mark
	podman=$((starts / 50 + 1))
	twins=$((starts / 20 + 1))
	starts_dir=$(mktemp -d)
	policy_is enforce 'failurePolicy: {notReady: deny}'
	starts_drifted "$podman" $(((starts - podman + 3) / 4))
	events_mark
	for rt in crun runc; do
		starts_loop $rt clean "$twins"
		check_is "$rt: the original entrypoint ran in each of $twins starts" "$(starts_count $rt-clean hello\ from)" "$twins"
	done
	quiet_since 'and the originals left no event' "$mark"
}
