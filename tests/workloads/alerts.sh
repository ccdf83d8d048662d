# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The alerts of the shipped detection rules while a row runs. Owns the marks in their stream, as tests/rules/marker.yaml makes them;
# must not know what a row expects. Rules over verdicts are left out: they repeat an event, which is judged by itself. Sourced.
#
#	alerts_init                 before the daemon starts; alerts_options are for its command line
#	alerts_mark                 what comes behind it is the row's
#	alerts_until                returns when all that came to pass until now has been told
#	alerts_brief                one line for each: "alert rule NAME: file, by PROGRAM"
#	alerts_tell RULE TEXT       there is an alert of that rule with TEXT, from alerts_mark until now

alerts_file='' alerts_options=() alerts_n=0 alerts_from=1 alerts_to=0

alerts_init() {
	alerts_file=$hf_dir/alerts
	: >>"$alerts_file"
	mkdir -p "$hf_dir/hf-mark"
	alerts_options=(--rules "$hf_tree/policies/rules/holdfast_rules.yaml" --rules "$hf_tree/tests/rules/marker.yaml"
		--alert-file "$alerts_file" --alert-output none)
}

# alerts_reach NAME: makes a mark and waits for it: rules see events in the order in which they came to pass.
alerts_reach() {
	local dir=$hf_dir/hf-mark/$alerts_n-$1
	mkdir "$dir" && file_until "$alerts_file" "$alerts_from" "/hf-mark/$alerts_n-$1\""
}

alerts_mark() {
	alerts_n=$((alerts_n + 1))
	alerts_from=$(($(file_lines "$alerts_file") + 1))
	alerts_reach begin || return
	alerts_from=$((alerts_from + ${#hf_read[@]} + 1))
}

alerts_until() {
	alerts_to=$((alerts_from - 1))
	alerts_reach end || return
	alerts_to=$((alerts_from + ${#hf_read[@]} - 1))
}

alerts_brief() {
	sed -n "$alerts_from,${alerts_to}p;${alerts_to}q" "$alerts_file" | jq -r '
		.output_fields as $f | select(.rule != "Marker" and ($f | has("drift.reason") | not))
		| "alert rule \(.rule): \($f["fd.name"] // $f["proc.exepath"] // .output), by \($f["proc.name"])"'
}

# The end's mark bounds the wait.
alerts_tell() {
	alerts_until && grep -qF "$2" <<<"$(alerts_brief | grep -F "rule $1: ")" || { alerts_brief; return 1; }
}
