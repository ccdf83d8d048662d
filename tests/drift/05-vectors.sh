# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The decide vectors, judged by this kernel and natively: the same answers.

topic_vectors() {
	local line
	if [[ ! -x build/tests/vectors/run_bpf ]]; then
		not_ok 'the decide vectors were built (make build/tests/vectors/run_bpf)'
		return
	fi
	check 'the decide vectors as a program of this kernel' build/tests/vectors/run_bpf
	line=$(grep -m1 '[0-9] vectors' "$hf_dir/check")
	[[ -z $line ]] || printf '# %s\n' "$line"
}
