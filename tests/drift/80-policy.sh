# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Policies at work in running containers: refused files, break-glass, exceptions, kill, classes and modes, annotations.

policy_refused() {
	local out status=0
	policy_is enforce
	policy_text enforce 'libraries: {mdoe: audit}' >"$hf_policies/9-bad.yaml"
	out=$(holdfast reload 2>&1) || status=$?
	check_is 'an invalid policy: the reload says no' "$status" 1
	check_match 'with file, line, column and reason' "$out" '9-bad.yaml:6:[0-9]+: .*unknown key "mdoe"'
	check_is 'the old policies stand' "$(box_drops policy-shop)" EPERM
	status=0
	out=$(holdfast status 2>&1) || status=$?
	check_is 'status says that something is wrong' "$status" 3
	check_match 'and what' "$out" '9-bad.yaml:6:'
	rm "$hf_policies/9-bad.yaml"
	check 'a corrected folder is taken again' holdfast reload
	check_is 'and status is content' "$(status_of .policy.error)" null
}

policy_pause() {
	local mark from
	events_mark
	check 'pause for a namespace' holdfast pause --for 5s --namespace shop
	from=$(holdfast_log_mark)
	check_is 'paused: drift runs in that namespace' "$(box_drops policy-shop)" ran
	check_is 'and is denied in another' "$(box_drops policy-bank)" EPERM
	events_fence
	check_is 'both are reported as they were' "$(events_brief "$mark" | tr '\n' ';')" \
		'audited exec added /srv/dropped;denied exec added /srv/dropped;'
	check_is 'the audited one says that it was paused' "$(events_since "$mark" '.paused' | tr '\n' ' ')" 'true false '
	check 'the pause ends by itself' holdfast_log_wait "$from" '(pause|break-glass).*(end|over)' 30
	check_is 'then drift is denied again' "$(box_drops policy-shop)" EPERM
	check 'pause everything' holdfast pause --for 1h
	check_match 'status shows it' "$(holdfast status)" 'break-glass +all containers'
	check_is 'paused: drift runs' "$(box_drops policy-bank)" ran
	check 'resume' holdfast resume
	check_is 'resumed: drift is denied' "$(box_drops policy-bank)" EPERM
}

policy_exceptions() {
	local mark
	policy_is enforce 'exceptions:' '  - {name: by-path, paths: ["/srv/ok-*"]}' \
		'  - {name: by-process, paths: ["/srv/lib/**"], fromProcess: ["/opt/app/bin/probe"]}' \
		'  - {name: expired, paths: ["/srv/old"], expires: 2020-01-01}'
	events_mark
	box_do policy-shop "mkdir -p /srv/lib/a; for f in ok-1 lib/a/x old; do cp $hello /srv/\$f; done" >/dev/null
	check_match 'an excepted path runs' "$(box_do policy-shop "$probe exec /srv/ok-1")" ': ran'
	check_match 'an excepted path runs from the named process' "$(box_do policy-shop "$probe exec /srv/lib/a/x")" ': ran'
	quiet_since 'and leaves no event' "$mark"
	check_match 'and not from another' "$(box_do policy-shop '/srv/lib/a/x 2>&1; echo $?')" '126'
	check_match 'an expired exception is none' "$(box_do policy-shop "$probe exec /srv/old")" ': EPERM'
	check_is 'what is not excepted is denied' "$(box_drops policy-shop)" EPERM
}

policy_kill() {
	local mark
	policy_is enforce 'onViolation: {action: kill, severity: critical}'
	events_mark
	check_is 'action kill kills' "$(box_drops policy-shop)" 'killed by signal 9'
	check_is 'and spares originals' "$(box_runs policy-shop)" ran
	events_fence
	check_is 'and says so, with the severity' "$(events_since "$mark" '[.action, .severity] | join(" ")')" '"killed critical"'
}

policy_modes() {
	policy_is enforce 'libraries: {mode: audit}'
	check_is 'libraries may lag behind: programs are denied' "$(box_drops policy-shop)" EPERM
	check_match 'libraries may lag behind: libraries are not' "$(box_do policy-shop \
		"cp /opt/app/lib/libgreet.so /srv/l.so; $probe dlopen /srv/l.so")" ': ran'
	policy_is audit 'libraries: {mode: enforce}'
	check_is 'libraries first: programs run' "$(box_drops policy-shop)" ran
	check_match 'libraries first: libraries do not' "$(box_do policy-shop "$probe dlopen /srv/l.so")" ': (ELIBACC|EPERM)'
	policy_is "'off'"
	local mark
	events_mark
	check_is 'mode off: drift runs' "$(box_drops policy-shop)" ran
	quiet_since 'mode off: and is not reported' "$mark"
	policy_is enforce 'memory: {memfdMap: deny, anonymousExec: deny}'
	check_match 'memfdMap: deny' "$(box_do policy-shop "$probe memfd-map $hello")" 'EPERM'
	check_match 'anonymousExec: deny' "$(box_do policy-shop "$probe anonymous $hello")" 'EPERM'
	policy_is enforce 'executables: {modifiedMetadata: deny}'
	check_match 'modifiedMetadata: deny' "$(box_do policy-shop "chmod 700 /usr/bin/tsort; $probe exec /usr/bin/tsort")" 'EPERM'
	policy_is enforce 'executables: {modifiedMetadata: allow}'
	check_match 'modifiedMetadata: allow' "$(box_do policy-shop "$probe exec /usr/bin/tsort")" 'ran'
}

topic_policy() {
	local name
	policy_is enforce
	box_start policy-shop crun shop || not_ok 'a container of namespace shop starts'
	box_start policy-bank runc bank || not_ok 'a container of namespace bank starts'
	policy_refused
	policy_pause
	policy_exceptions
	policy_kill
	policy_modes
	for name in policy-shop policy-bank; do
		box_stop $name
	done
}
