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
	status_json | jq ".counters.$1"
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

# upgrade_kill_helper: the next process that starts children, as soon as it is there.
upgrade_kill_helper() {
	local end
	clock_read
	end=$((hf_now + hf_wait_seconds))
	while clock_read && ((hf_now < end)); do
		pkill -KILL -x holdfastd-spawn && return 0
	done
	return 1
}

# What reads images dies while the running containers are to be armed for another version: they stay with the one that has them.
upgrade_without_helper() {
	local name='the helper dies' killer from
	canary_mark
	holdfast_kill
	while pgrep -x holdfastd-spawn >/dev/null; do :; done # it ends with its daemon
	upgrade_kill_helper &
	killer=$!
	from=$(holdfast_log_mark)
	PATH=$hf_tree/build/next:$PATH holdfast_start 2>/dev/null && not_ok "$name: the start fails"
	check "$name: it was killed" wait "$killer"
	check_match "$name: the daemon says so and ends" "$(tail -n "+$from" "$hf_log")" 'the process that starts children has ended'
	canary_moves || not_ok "$name: the canary goes on"
	canary_judge "$name"
	check_is "$name: the version that judges stays" "$(upgrade_versions)" "$1 "
	check "$name: the daemon starts again" holdfast_start
	upgrade_kill_helper
	check "$name: a daemon that is ready ends as well" pid_gone "$hf_pid"
	wait "$hf_pid"
	hf_pid=''
	check "$name: and is started again" holdfast_start
	canary_moves || not_ok "$name: the canary goes on"
	canary_judge "$name"
}

topic_upgrade() {
	local own mark
	own=$(upgrade_versions)
	own=${own% }
	policy_is enforce
	box_start upgrade-plain runc || not_ok 'a container starts'
	canary_start || { not_ok 'the canary starts'; return; }
	check 'unlock: the other version lies in another folder' holdfast unlock --for 24h
	upgrade_to 'killed, same build' '' holdfast_kill
	check_match 'the same build loads nothing' "$upgrade_log" 'the pinned programs are used'
	upgrade_to 'stopped, same build' '' holdfast_stop
	upgrade_without_helper "$own"
	upgrade_other_version 'older to newer' next/ $((own + 1))
	upgrade_other_version 'newer to older' '' "$own"
	check 'pins of a version that nobody knows' upgrade_unknown_version
	upgrade_to 'beside a version that nobody knows' '' holdfast_kill
	check_is 'it is removed' "$(upgrade_versions)" "$own "
	check 'lock: the unlock went from version to version' holdfast lock
	canary_stop
	box_stop upgrade-plain
}
