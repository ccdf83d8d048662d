# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Containers that nobody registered, and operators who enter registered ones.

unknown_container() {
	local mark
	BOX_HOOKS='{}' box_start unknown crun || { not_ok 'a container without the hook starts'; return; }
	events_mark
	check_match 'unregistered: originals run' "$(box_do unknown "$hello; ls /; python3 -c 1; echo status \$?")" 'status 0'
	quiet_since 'unregistered: and leave no event' "$mark"
	events_mark
	check_is 'unregistered: drift runs' "$(box_drops unknown)" ran
	events_fence
	check_is 'unregistered: and is reported' "$(events_brief "$mark")" 'audited exec unknown-container /srv/dropped'
	box_stop unknown
}

# nsenter into all its namespaces and its root, as an operator would.
unknown_enter() {
	nsenter -t "$(container_pid crun entered)" -a "$@" 2>&1
}

unknown_nsenter() {
	local mark
	box_start entered crun || { not_ok 'a container starts'; return; }
	box_do entered "cp $hello /srv/dropped" >/dev/null
	events_mark
	check_is 'nsenter: a program of the image runs' "$(unknown_enter "$hello")" 'hello from the image'
	check_match 'nsenter: a script of the image runs' "$(unknown_enter /opt/app/entrypoint.sh)" 'hello from the image'
	quiet_since 'nsenter: and leaves no event' "$mark"
	events_mark
	check_match 'nsenter: drift is denied' "$(unknown_enter /srv/dropped)" 'Operation not permitted'
	check_match 'nsenter: drift of a shell in there is denied' "$(unknown_enter sh -c /srv/dropped)" 'not permitted'
	check_match 'drift after unshare is denied' "$(unknown_enter unshare -m /srv/dropped)" 'not permitted'
	check_match 'drift after chroot is denied' "$(unknown_enter chroot / /srv/dropped)" 'not permitted'
	events_fence
	check_is 'nsenter: each is reported as that container'\''s' \
		"$(events_since "$mark" '[.container.id, .action, .file.path] | join(" ")' | sort | uniq -c | tr -s ' ')" \
		' 4 "entered denied /srv/dropped"'
	box_stop entered
}

topic_unknown() {
	policy_is enforce
	unknown_container
	unknown_nsenter
}
