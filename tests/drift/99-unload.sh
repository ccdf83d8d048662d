# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The end: what is left after a stop, and nothing after an unload. Last, since no daemon runs afterwards.

unload_leaves() {
	local left
	left=$(ls -A /sys/fs/bpf; bpftool prog show; bpftool map show)
	[[ $left != *hf_* && $left != *holdfast* ]] || { echo "$left"; return 1; }
}

topic_unload() {
	policy_is enforce
	box_start unload crun || { not_ok 'a container starts'; return; }
	check 'unload below a running daemon is refused' bash -c '! holdfastd --unload 2>/dev/null'
	check 'unlock: to make a folder there' holdfast unlock --for 10m
	check 'the daemon stops on SIGTERM' holdfast_stop
	check_is 'stopped: drift is denied' "$(box_drops unload)" EPERM
	check 'pins of a version that nobody knows are there' upgrade_unknown_version
	check 'unload' holdfastd --unload
	check_is 'unloaded: drift runs' "$(box_drops unload)" ran
	check 'no program, map or pin is left' unload_leaves
	box_stop unload
}
