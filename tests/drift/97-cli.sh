# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The command line against a running daemon: what operators type first.

cli_tables() {
	check_match 'status' "$(holdfast status)" '[Rr]eady'
	check_is 'status -o json: ready, nothing degraded' "$(holdfast -o json status | jq -c '[.ready, .degraded]')" '[true,[]]'
	check_match 'containers' "$(holdfast containers)" 'cli.*armed'
	check_is 'containers -o json' "$(holdfast -o json containers |
		jq -r '.containers[] | select(.id == "cli") | [.namespace, .state, .mode, .policy, .denied] | join(" ")')" \
		'shop armed enforce prevent-except-kube-system 1'
	check_match 'events' "$(holdfast events -n 5)" '/srv/dropped'
	check_is 'events -o json' "$(holdfast -o json events -n 50 |
		jq -r 'select(.type == "drift" and .container.id == "cli") | [.action, .file.path] | join(" ")')" 'denied /srv/dropped'
	check_match 'policy list' "$(holdfast policy list)" 'prevent-except-kube-system'
	check_match 'policy effective for a namespace' "$(holdfast policy effective --namespace kube-system)" 'builtin-audit'
}

cli_follow() {
	local fd pid line
	exec {fd}< <(exec holdfast -o json events -f -n 0)
	pid=$!
	# What is followed starts once the daemon has answered; every try makes an event, the first one seen ends it.
	for _ in 1 2 3 4 5; do
		box_drops cli >/dev/null
		IFS= read -r -t 5 -u "$fd" line && break
	done
	kill "$pid"
	exec {fd}<&-
	[[ $line == *'"denied"'*/srv/dropped* ]]
}

topic_cli() {
	check 'doctor says that this kernel will do' holdfast doctor
	check 'holdfastd --doctor -o json is JSON' eval 'holdfastd --doctor -o json | jq -e . >/dev/null'
	holdfast_policy policies/prevent-except-kube-system.yaml >/dev/null
	box_start cli crun || { not_ok 'a container starts'; return; }
	box_drops cli >/dev/null
	events_fence
	cli_tables
	check 'events -f shows what happens' cli_follow
	box_stop cli
}
