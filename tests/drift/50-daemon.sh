# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The daemon killed and started again: verdicts stay while it is away, it takes over, late events arrive.

daemon_containers() {
	holdfast -o json containers | jq -r '[.containers[].id] | sort | join(" ")'
}

daemon_away() {
	local name
	for name in daemon-crun daemon-runc; do
		check_is "$name: drift is denied while the daemon is dead" "$(box_drops $name)" EPERM
		check_is "$name: originals run while the daemon is dead" "$(box_runs $name)" ran
	done
	check 'a new container is refused while the daemon is dead' daemon_refused
	BOX_HOOKS=$(hook_json --on-failure allow) box_start daemon-meantime crun ||
		not_ok 'a new container starts with --on-failure allow'
	check_is 'its originals run' "$(box_runs daemon-meantime)" ran
	container_stop crun daemon-gone
	check 'status says that the daemon cannot be reached' daemon_unreachable
}

daemon_refused() {
	BUNDLE_HOOKS=$hf_hook bundle_new "$boxes/daemon-new" base "$hello" || return 1
	local out
	out=$(bundle_run crun daemon-new "$boxes/daemon-new" 2>&1) && return 1
	[[ $out != *'hello from'* ]]
}

daemon_unreachable() {
	local status=0
	holdfast status || status=$?
	((status == 4))
}

daemon_back() {
	local name mark=$1
	check 'the events of the meantime arrive' event_wait '"denied".*/srv/dropped'
	events_fence
	check_is 'one for each denial' "$(events_since "$mark" | jq -r '[.container.id, .action, .file.path // .detail] | join(" ")' |
		sort | tr '\n' ';')" 'daemon-crun denied /srv/dropped;daemon-runc denied /srv/dropped;'
	check_is 'the running containers are listed, the one of the meantime as well, the ended one is not' "$(daemon_containers)" \
		'daemon-crun daemon-meantime daemon-runc'
	check_is 'the one of the meantime is protected now' "$(box_drops daemon-meantime)" EPERM
	for name in daemon-crun daemon-runc; do
		check_is "$name: drift is denied after the restart" "$(box_drops $name)" EPERM
		check_is "$name: originals run after the restart" "$(box_runs $name)" ran
	done
	box_start daemon-after crun || not_ok 'a container starts after the restart'
	check_is 'a container started after the restart is protected' "$(box_drops daemon-after)" EPERM
	policy_is audit
	check_is 'a reload reaches a container that was taken over' "$(box_drops daemon-crun)" ran
}

topic_daemon() {
	local name mark from
	policy_is enforce
	box_start daemon-crun crun || not_ok 'crun: a container starts'
	box_start daemon-runc runc || not_ok 'runc: a container starts'
	box_start daemon-gone crun || not_ok 'a third container starts'
	events_mark
	holdfast_kill
	daemon_away
	from=$(holdfast_log_mark)
	check 'the daemon starts again' holdfast_start
	check 'and takes over what is pinned' holdfast_log_wait "$from" 'took over the pinned programs, 2 running containers' 5
	check 'and adopts what started meanwhile' holdfast_log_wait "$from" 'adoption: done: 1 containers adopted, 0 not'
	daemon_back "$mark"
	for name in daemon-crun daemon-runc daemon-gone daemon-meantime daemon-after; do
		box_stop $name
	done
	policy_is enforce
	events_mark
	check 'an orderly stop and start' daemon_restart
	quiet_since 'leaves no event' "$mark"
}

daemon_restart() {
	holdfast_stop && holdfast_start
}
