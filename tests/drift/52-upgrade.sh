# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# From one daemon to the next without a gap: the same build again, another version of the kernel half, and back. All the time a
# process in an enforced container tries a drifted file, and another one an original: canary.sh keeps the score.

# upgrade_to NAME BUILD END: the daemon ends (holdfast_kill or holdfast_stop), and BUILD's ("" or "next/") takes over.
upgrade_to() {
	local name=$1 build=$2 end=$3 from
	canary_mark
	"$end"
	canary_moves || not_ok "$name: the canary goes on while no daemon runs"
	from=$(holdfast_log_mark)
	check "$name: the daemon starts" eval "PATH=$hf_tree/build/$build:\$PATH holdfast_start"
	canary_moves || not_ok "$name: the canary goes on"
	canary_judge "$name"
	check_is "$name: its containers are still protected" "$(box_drops upgrade-plain)" EPERM
	check_is "$name: and run what is theirs" "$(box_runs upgrade-plain)" ran
	upgrade_log=$(tail -n "+$from" "$hf_log")
}

upgrade_versions() {
	local dir
	for dir in /sys/fs/bpf/holdfast/v*; do
		printf '%s ' "${dir##*/v}"
	done
}

# upgrade_counter NAME: of `holdfast status`.
upgrade_counter() {
	holdfast -o json status | jq ".counters.$1"
}

upgrade_other_version() {
	local name=$1 build=$2 version=$3 denied
	denied=$(upgrade_counter denied)
	upgrade_to "$name" "$build" holdfast_kill
	check_is "$name: only its version is pinned" "$(upgrade_versions)" "$version "
	check_match "$name: it says so" "$upgrade_log" 'took over from another version'
	check "$name: counters go on" test "$(upgrade_counter denied)" -ge "$denied"
	box_start upgrade-new crun || not_ok "$name: a container starts"
	check_is "$name: a new container is protected" "$(box_drops upgrade-new)" EPERM
	check_is "$name: and runs what is its own" "$(box_runs upgrade-new)" ran
	box_stop upgrade-new
}

# A version that nobody knows yet: its folder is all there is of it.
upgrade_unknown_version() {
	local dir=/sys/fs/bpf/holdfast/v99
	mkdir "$dir" && bpftool map create "$dir/hf_config" type array key 4 value 128 entries 1 name hf_config flags 0x400 &&
		bpftool map create "$dir/hf_events" type array key 4 value 8 entries 1 name hf_events
}

topic_upgrade() {
	local own mark
	own=$(upgrade_versions)
	own=${own% }
	policy_is enforce
	box_start upgrade-plain runc || not_ok 'a container starts'
	canary_start || { not_ok 'the canary starts'; return; }
	upgrade_to 'killed, same build' '' holdfast_kill
	check_match 'the same build loads nothing' "$upgrade_log" 'the pinned programs are used'
	upgrade_to 'stopped, same build' '' holdfast_stop
	upgrade_other_version 'older to newer' next/ $((own + 1))
	upgrade_other_version 'newer to older' '' "$own"
	check 'pins of a version that nobody knows' upgrade_unknown_version
	upgrade_to 'beside a version that nobody knows' '' holdfast_kill
	check_is 'it is removed' "$(upgrade_versions)" "$own "
	canary_stop
	box_stop upgrade-plain
}
