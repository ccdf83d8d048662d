# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# podman's --init: catatonit of the host, bound into the container read-only, as its first process.

init_runs() {
	timeout 60 podman --hooks-dir "$hf_dir/hooks.d" run --rm --init --network none localhost/base "$hello" 2>&1
}

topic_init() {
	local mark
	holdfast_policy policies/prevent-except-kube-system.yaml >/dev/null
	events_mark
	check_match 'podman --init runs under the shipped policy' "$(init_runs)" 'hello from the image'
	quiet_since 'and leaves no event' "$mark"
	policy_is enforce 'volumes: {init: deny}'
	events_mark
	check_match 'podman --init under volumes.init: deny does not run' "$(init_runs; echo "status $?")" 'status [1-9]'
	events_fence
	check_match 'and says why' "$(events_brief "$mark")" '^denied exec volume [^ ]*(init|catatonit)'
}
