# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Clients of the control socket that mean no good, and policies that only want to cost something: the daemon answers others all the time,
# its memory and descriptors stay what they were, and the policies in force stay.

abuse_connections=10000
abuse_socket=/run/holdfast/control.sock

abuse() {
	local action=$1
	shift
	timeout 120 python3 "$hf_tree/tests/drift/abuse.py" "$action" $abuse_socket "$@" 2>&1 | tail -n 1
}

# abuse_uses: kilobytes of the daemon's own memory (pages of files come and go with what it reads) and its descriptors.
abuse_uses() {
	abuse_descriptors >"$hf_dir/descriptors"
	printf '%d %d\n' "$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$hf_pid/status")" "$(wc -l <"$hf_dir/descriptors")"
}

# abuse_descriptors: what each of the daemon's descriptors is.
abuse_descriptors() {
	find "/proc/$hf_pid/fd" -mindepth 1 -printf '%l\n' | sort
}

# abuse_within KILOBYTES DESCRIPTORS: how many more there are; says which descriptors came.
abuse_within() {
	(($1 < 1024 && $2 <= 0)) || { diff "$hf_dir/descriptors-before" "$hf_dir/descriptors"; false; }
}

# abuse_flat NAME BEFORE: within a megabyte, and every descriptor given back.
abuse_flat() {
	local rss fds before_rss before_fds end=$((SECONDS + 20))
	read -r before_rss before_fds <<<"$2"
	while read -r rss fds < <(abuse_uses); ((fds > before_fds && SECONDS < end)); do
		:
	done
	check "$1: memory is flat ($before_rss to $rss kB), descriptors as well ($before_fds, $fds)" \
		abuse_within $((rss - before_rss)) $((fds - before_fds))
	check_is "$1: others are answered" "$(abuse status)" 'status: status 0'
}

abuse_uids() {
	local was
	was=$(stat -c %a /run/holdfast)
	check_is 'another uid does not get into the folder' "$(setpriv --reuid 1000 --clear-groups python3 "$hf_tree/tests/drift/abuse.py" status $abuse_socket)" \
		'status: Permission denied'
	chmod 755 /run/holdfast && chmod 666 $abuse_socket
	check_match 'nor is it answered where it does' "$(setpriv --reuid 1000 --clear-groups python3 "$hf_tree/tests/drift/abuse.py" status $abuse_socket)" \
		'status: (hung up|status -1)'
	chmod 600 $abuse_socket && chmod "$was" /run/holdfast
}

# abuse_storm: more events than the daemon remembers (1,024 lines of up to 3 kB), so that its memory of them is full.
abuse_storm() {
	box_do abuse "cp $hello /srv/dropped; perl -e 'for (1..3000) { exec {\"/srv/dropped\"} \"x\" }' 2>/dev/null; :" >/dev/null
	events_forget
	events_fence
}

# abuse_hashes: the child that reads what events are about stays, once it was needed.
abuse_hashes() {
	events_mark
	box_do abuse "cp $hello /srv/hashed; /srv/hashed" >/dev/null 2>&1
	check 'an event has its digest' event_wait '/srv/hashed.*[0-9a-f]{64}'
}

abuse_clients() {
	local before follow
	abuse connections 100 >/dev/null # what a first client leaves for good
	abuse garbage >/dev/null
	abuse_storm
	abuse_hashes
	before=$(abuse_uses)
	cp "$hf_dir/descriptors" "$hf_dir/descriptors-before"
	check_match 'lengths that are not the packet'"'"'s are refused' "$(abuse lengths)" '^lengths:( hung-up| status--[0-9]+){4}$'
	abuse_flat 'lengths' "$before"
	check_match 'what is no request is refused' "$(abuse garbage)" '^garbage:( hung-up| status--[0-9]+){11}$'
	abuse_flat 'garbage' "$before"
	check_is 'descriptors that nobody asked for' "$(abuse descriptors 50)" 'descriptors: done'
	abuse_flat 'descriptors' "$before"
	check_match 'connections that say nothing' "$(abuse silent 200)" 'then status 0$'
	abuse_flat 'silence' "$before"
	check_is "$abuse_connections connections" "$(abuse connections $abuse_connections)" 'connections: done'
	abuse_flat 'connections' "$before"
	exec {follow}> >(python3 "$hf_tree/tests/drift/abuse.py" followers $abuse_socket 20 >"$hf_dir/followers")
	check 'readers that do not read' file_until "$hf_dir/followers" 1 waiting
	abuse_storm
	check_is 'events are told all the same' "$(box_drops abuse)" EPERM
	exec {follow}>&-
	abuse_flat 'readers' "$before"
}

# abuse_policy NAME: a policy on standard input that must be refused; the one in force stays.
abuse_policy() {
	local before rss
	cat >"$hf_dir/bomb.yaml" && mv "$hf_dir/bomb.yaml" "$hf_policies/2.yaml"
	before=$SECONDS
	check "$1: refused" bash -c '! holdfast reload 2>/dev/null'
	rm -f "$hf_policies/2.yaml"
	rss=$(abuse_uses)
	check "$1: in $((SECONDS - before)) s, with ${rss% *} kB" test $((SECONDS - before)) -le 5 -a "${rss% *}" -lt 65536
	check_is "$1: the old policy is in force" "$(box_drops abuse)" EPERM
}

abuse_policies() {
	local head=$'apiVersion: holdfast.dev/v1alpha1\nkind: ClusterDriftPolicy\nmetadata: {name: bomb}\nspec:\n  mode: '
	{ printf 'a: &a [x, x, x, x, x, x, x, x, x]\n'; for i in {b..z}; do printf '%s: &%s [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n' "$i" "$i"; done; } |
		abuse_policy 'aliases of aliases'
	{ printf '%saudit\n  x: ' "$head"; printf '%010000d' 0 | tr 0 '['; } | abuse_policy '10,000 levels'
	{ printf '%saudit\n' "$head"; head -c 100000000 /dev/zero | tr '\0' '#'; } | abuse_policy '100 MB'
	printf '%saudit\n  mode: enforce\n' "$head" | abuse_policy 'a key twice'
	printf '%s1e400\n' "$head" | abuse_policy 'a number for a word'
	printf '%sau\0dit\n' "$head" | abuse_policy 'a NUL'
	printf '%s\xff\xfe\n' "$head" | abuse_policy 'no UTF-8'
	printf '%saudit\n  everything: allow\n' "$head" | abuse_policy 'a key that nobody knows'
}

abuse_restart() {
	holdfast_stop && holdfast_start "$@"
}

topic_abuse() {
	check 'the daemon starts again, without digests and passes: no child of its own comes and goes' \
		abuse_restart --digest-rate 0 --scrub-rate 0
	policy_is enforce
	box_start abuse crun || { not_ok 'a container starts'; return; }
	abuse_uids
	abuse_clients
	abuse_policies
	box_stop abuse
	check 'and once more as it is' abuse_restart
}
