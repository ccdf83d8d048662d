# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Detection rules in the daemon: events and verdicts in, alerts out; reloads, losses, the ring's shares, what is left out, outputs.
# What single rules catch is tests/rules' concern.

rules_storm=${RULES_STORM:-14000} # opens of half a kB each: more than half of the ring

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

# rules_field TYPE KEY: of the status.
rules_field() {
	holdfast -o json status | jq -r --arg type "$1" ".detection.types[\$type].$2 // 0"
}

# An absolute path that no rule asks for is left out before its record is made, and counted.
rules_left_out() {
	local from before
	printf -- '- rule: Shadow read\n  desc: d\n  condition: evt.type in (open, openat) and fd.name = /etc/shadow\n  output: o %%fd.name\n  priority: INFO\n' \
		>"$hf_dir/rules/1.yaml"
	check 'rules that ask for one path are taken' holdfast reload
	before=$(rules_field openat filtered)
	for _ in {1..50}; do cat /etc/hostname; done >/dev/null
	from=$(rules_mark)
	cat /etc/shadow >/dev/null
	check 'what a rule asks for is told' rules_alert "$from" 'Shadow read'
	check_is 'what none asks for is left out' "$(($(rules_field openat filtered) - before >= 50))" 1
	from=$(rules_mark)
	(cd /etc && cat shadow) >/dev/null
	check 'so is a relative path' rules_alert "$from" 'Shadow read'
	rules_text >"$hf_dir/rules/1.yaml"
	check 'the other rules are taken again' holdfast reload
	from=$(rules_mark)
	cat "$hf_dir/rules-secret" >/dev/null
	check 'and nothing of theirs is left out' rules_alert "$from" 'Secret read'
}

# rules_opens BOX FILE N
rules_opens() {
	box_do "$1" "echo x >$2; perl -e 'for (1..$3) { open(F, \"<\", \"$2\") or next; \$n++; close(F) } print \"\$n\\n\"'"
}

rules_share() {
	local from drop
	box_start rules-noisy crun && box_start rules-quiet crun || { not_ok 'containers start'; return; }
	rules_opens rules-noisy /srv/warm-up 1 >/dev/null
	from=$(rules_mark)
	kill -STOP "$hf_pid"
	check_is 'one container opens files without end' "$(rules_opens rules-noisy /srv/nothing "$rules_storm")" "$rules_storm"
	check_is 'another opens 40' "$(rules_opens rules-quiet /srv/rules-secret 40)" 40
	kill -CONT "$hf_pid"
	drop=$(rules_alert "$from" 'Holdfast internal: event drop')
	check_match 'what did not fit is told, with whose it is' "$drop" '"drops_by_container":"[^"]*rules-noisy=[0-9]+'
	check_is 'by container as much as by type' \
		"$(jq -r '.output_fields | [.drops_by_container | scan("=([0-9]+)")[0] | tonumber] | add' <<<"$drop")" "$(jq -r '.output_fields.n_drops' <<<"$drop")"
	check_is 'nothing of the other is missing' "$(grep -c rules-quiet=  <<<"$drop")" 0
	from=$(rules_mark)
	cat "$hf_dir/rules-secret" >/dev/null
	check 'the ring is read' rules_alert "$from" 'Secret read'
	check_is 'all opens of the other were told' "$(jq -r 'select(.rule == "Secret read") | .output_fields."container.id"' "$hf_dir/alerts" |
		grep -c rules-quiet)" 40
	box_stop rules-noisy
	box_stop rules-quiet
}

# rules_syslogd: receives at /dev/log, a line for each datagram.
rules_syslogd() {
	rm -f /dev/log
	python3 -u -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
print("bound")
while True:
    print(s.recv(65536).decode().rstrip("\0\n"))' >>"$hf_dir/syslog" &
	rules_syslogd_pid=$!
	file_wait "$hf_dir/syslog" "$1" '^bound$' >/dev/null
}

rules_syslog() {
	local rules_syslogd_pid line
	[[ ! -e /dev/log ]] || { skip 'alerts to syslog' 'somebody listens at /dev/log'; return; }
	: >"$hf_dir/syslog"
	check 'a receiver listens at /dev/log' rules_syslogd 1 || return
	check 'the daemon starts with alerts to syslog' holdfast_start --rules "$hf_dir/rules" --alert-output syslog || return
	cat "$hf_dir/rules-secret" >/dev/null
	line=$(file_wait "$hf_dir/syslog" 2 'Secret read')
	check_match 'an alert comes with its priority' "$line" '^<[0-9]+>.*"rule":"Secret read"'
	kill "$rules_syslogd_pid"
	wait "$rules_syslogd_pid" 2>/dev/null
	cat "$hf_dir/rules-secret" >/dev/null
	check 'without a receiver the log says so' holdfast_log_wait 1 'alerts: cannot write to /dev/log'
	check_match 'and the status, with how many' "$(holdfast -o json status | jq -c '[.detection.outputs.syslog.failing,
		(.detection.outputs.syslog.dropped > 0), (.degraded | tostring | test("syslog"))]')" '^\[true,true,true\]$'
	check 'the receiver comes back' rules_syslogd 3
	cat "$hf_dir/rules-secret" >/dev/null
	check 'so do alerts' file_wait "$hf_dir/syslog" 4 'Secret read'
	check_is 'and the status is well' "$(holdfast -o json status | jq -r '.detection.outputs.syslog.failing')" false
	kill "$rules_syslogd_pid"
	rm -f /dev/log
	holdfast_stop
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
	rules_left_out
	rules_share
	holdfast_stop
	rules_syslog
	check 'the daemon starts with simulated losses' holdfast_start --rules "$hf_dir/rules" --alert-output none \
		--alert-file "$hf_dir/alerts" --simulate-event-loss 10 || return
	rules_loss
	holdfast_stop
	check 'the daemon starts without rules' holdfast_start --rules none
}
