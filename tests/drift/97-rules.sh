# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Detection rules in the daemon: events and verdicts in, alerts out; reloads, losses, outputs. What single rules catch is
# tests/rules' concern.

rules_text() {
	cat <<-'RULES'
	- macro: container
	  condition: (container.id != host)
	- rule: Secret read
	  desc: d
	  condition: evt.type in (open, openat, openat2) and evt.is_open_read=true and fd.name endswith /rules-secret
	  output: secret (file=%fd.name user=%user.name container=%container.name image=%container.image.repository parent=%proc.pname)
	  priority: WARNING
	  tags: [file]
	- rule: Drift refused
	  desc: d
	  condition: evt.type=drift and drift.verdict=denied and container
	  output: drift (file=%drift.path reason=%drift.reason process=%proc.name ns=%k8s.ns.name)
	  priority: CRITICAL
	RULES
}

# rules_alert FROM RULE: the first alert of the rule from that line of the file on.
rules_alert() {
	file_wait "$hf_dir/alerts" "$1" "\"rule\":\"$2\"" "${3:-$hf_wait_seconds}"
}

rules_mark() {
	printf '%d\n' $(($(file_lines "$hf_dir/alerts") + 1))
}

rules_on_host() {
	local from alert
	from=$(rules_mark)
	echo secret >"$hf_dir/rules-secret"
	cat "$hf_dir/rules-secret" >/dev/null
	alert=$(rules_alert "$from" 'Secret read')
	check_is 'a rule fires on the host' "$(jq -r '[.output_fields."fd.name", .output_fields."user.name",
		.output_fields."container.id", .priority, .tags[0], .source] | join(" ")' <<<"$alert")" \
		"$hf_dir/rules-secret root host Warning file syscall"
	check_is 'its keys are in the order of Falco' "$(jq -c 'keys_unsorted' <<<"$alert")" \
		'["hostname","output","output_fields","priority","rule","source","tags","time"]'
}

rules_in_box() {
	local from alert
	box_start rules crun || { not_ok 'a container starts'; return; }
	from=$(rules_mark)
	box_do rules 'echo x >/srv/rules-secret; cat /srv/rules-secret' >/dev/null
	alert=$(rules_alert "$from" 'Secret read')
	check_is 'a rule fires in a container, with its id and its users' "$(jq -r '[.output_fields."fd.name", .output_fields."container.id",
		.output_fields."k8s.ns.name", .output_fields."proc.pname"] | join(" ")' <<<"$alert")" '/srv/rules-secret rules shop sh'
	from=$(rules_mark)
	box_drops rules >/dev/null
	alert=$(rules_alert "$from" 'Drift refused')
	check_is 'a verdict of drift is an event of rules' "$(jq -r '[.output_fields."drift.path", .output_fields."drift.reason",
		.output_fields."container.id", .output_fields."k8s.ns.name"] | join(" ")' <<<"$alert")" '/srv/dropped added rules shop'
	box_stop rules
}

# What the daemon told while it was recorded is tried again: the same verdict, by the same rules.
rules_recording() {
	local pid said
	box_start rules crun || { not_ok 'a container starts'; return; }
	: >"$hf_dir/recording.said"
	holdfast events --record "$hf_dir/recording" --rules "$hf_dir/rules" --for 20s 2>"$hf_dir/recording.said" &
	pid=$!
	check 'the recording begins' file_until "$hf_dir/recording.said" 1 'recording'
	box_drops rules >/dev/null
	wait "$pid"
	said=$(holdfast -o json rules test --events "$hf_dir/recording" "$hf_dir/rules" 2>/dev/null | grep '"rule":"Drift refused"' | head -n 1)
	check_is 'rules test tries a recorded verdict' "$(jq -r '[.output_fields."drift.path", .output_fields."drift.reason",
		.output_fields."container.id"] | join(" ")' <<<"$said")" '/srv/dropped added rules'
	rm -f "$hf_dir/recording" "$hf_dir/recording.said"
	box_stop rules
}

rules_reload() {
	local from
	printf -- '- rule: broken\n  desc: d\n  condition: evt.type=open and (\n  output: o\n  priority: INFO\n' >"$hf_dir/rules/2.yaml"
	check_match 'a bad rule file is refused with its place' "$(holdfast reload 2>&1)" '2\.yaml:[0-9]+:[0-9]+'
	from=$(rules_mark)
	cat "$hf_dir/rules-secret" >/dev/null
	check 'the former rules go on' rules_alert "$from" 'Secret read'
	check_match 'status says so' "$(holdfast -o json status | jq -c .degraded)" 'rules on disk'
	rm "$hf_dir/rules/2.yaml"
	check 'a good reload is taken' holdfast reload
	check_is 'status has the rules' "$(holdfast -o json status | jq -r '[.detection.rules, .detection.enabled, (.detection.alerts > 2)] | join(" ")')" \
		'2 2 true'
	mv "$hf_dir/alerts" "$hf_dir/alerts.old"
	kill -USR1 "$hf_pid"
	: >>"$hf_dir/alerts"
	cat "$hf_dir/rules-secret" >/dev/null
	check 'SIGUSR1 opens the file anew' rules_alert 1 'Secret read'
}

rules_loss() {
	local from i
	from=$(rules_mark)
	for ((i = 0; i < 50; i++)); do
		cat "$hf_dir/rules-secret"
	done >/dev/null
	check_match 'lost events are an alert of our own' "$(rules_alert "$from" 'Holdfast internal: event drop')" '"n_drops_openat":[0-9]+'
}

topic_rules() {
	holdfast_policy policies/prevent-except-kube-system.yaml >/dev/null
	mkdir -p "$hf_dir/rules"
	rules_text >"$hf_dir/rules/1.yaml"
	holdfast_stop
	check 'the daemon starts with rules' holdfast_start --rules "$hf_dir/rules" --alert-output none --alert-file "$hf_dir/alerts" || return
	rules_on_host
	rules_in_box
	rules_recording
	rules_reload
	holdfast_stop
	check 'the daemon starts with simulated losses' holdfast_start --rules "$hf_dir/rules" --alert-output none \
		--alert-file "$hf_dir/alerts" --simulate-event-loss 10 || return
	rules_loss
	holdfast_stop
	check 'the daemon starts without rules' holdfast_start --rules none
}
