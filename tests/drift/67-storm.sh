# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# STORM_RELOADS=N: how often the policy is changed, between enforce and audit, while a container tries a drifted file as fast as it can.
# Each try is judged by one of the two and by nothing between them: refused and counted so, or run and counted so; never killed half way.

storm_counters() {
	status_of '[.counters.denied, .counters.audited] | join(" ")'
}

topic_storm() {
	local n=${STORM_RELOADS:-200} before after refused ran other out word
	policy_is enforce
	box_start storm crun || { not_ok 'a container starts'; return; }
	box_do storm "cp $hello /srv/dropped" >/dev/null
	policy_text enforce >"$hf_dir/storm.a"
	policy_text audit >"$hf_dir/storm.b"
	events_fence
	before=$(storm_counters)
	box_do storm "perl -e '\$SIG{TERM} = sub { \$stop = 1 }; while (!\$stop) { my \$p = fork;
		if (!\$p) { open STDOUT, \">/dev/null\"; exec {\"/srv/dropped\"} \"x\"; exit(\$!+0 == 1 ? 41 : 42) } waitpid \$p, 0; \$r{\$?}++ }
		print \"\$_:\$r{\$_}\n\" for sort keys %r' >/srv/said 2>/dev/null & echo \$! >/srv/storm.pid" >/dev/null
	word=$(python3 "$hf_tree/tests/drift/abuse.py" reloads /run/holdfast/control.sock "$n" "$hf_policies/1.yaml" "$hf_dir/storm.b" "$hf_dir/storm.a")
	check_is "$n reloads" "${word#reloads: }" "$n"
	out=$(box_do storm 'kill $(cat /srv/storm.pid); wait; cat /srv/said')
	events_forget
	after=$(storm_counters)
	refused=$(sed -n "s/^$((41 * 256))://p" <<<"$out") ran=$(sed -n 's/^0://p' <<<"$out")
	other=$(grep -v "^0:\|^$((41 * 256)):" <<<"$out")
	check_is 'each try was refused or ran' "$other" ''
	check "both happened: $refused refused, $ran ran" test "${refused:-0}" -gt 0 -a "${ran:-0}" -gt 0
	check_is 'what was refused is denied, what ran is audited, to the last one' \
		"$((${after% *} - ${before% *})) $((${after#* } - ${before#* }))" "$refused $ran"
	policy_is enforce
	check_is 'and then it is denied' "$(box_drops storm)" EPERM
	box_stop storm
}
