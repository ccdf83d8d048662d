# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The ring's room is shared: containers that report without end do not hide one that has been quiet, and what is missing is told to
# the last one, for each container.

share_storm=${SHARE_STORM:-3000} # reports of 3 kB each: more than the whole ring holds

share_status() {
	status_json | jq -r "$1"
}

# share_flood BOX: prints how many were denied.
share_flood() {
	local name
	name=$(printf '%0200d' 0)
	box_do "$1" "d=/srv; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do d=\$d/$name; done; mkdir -p \$d
		cp $hello \$d/storm
		perl -e 'for (1..$share_storm) { exec {\$ARGV[0]} \"x\"; \$n++ if \$!+0 == 1 } print \"\$n\n\"' \$d/storm 2>/dev/null"
}

# share_quiet BOX N: N denials with short reports.
share_quiet() {
	box_do "$1" "cp $hello /srv/quiet; perl -e 'for (1..$2) { exec {\"/srv/quiet\"} \"x\"; \$n++ if \$!+0 == 1 } print \"\$n\n\"'"
}

# share_score FILE BOX: its events, and its lost ones as they were told.
share_score() {
	jq -sr --arg id "$2" '[([.[] | select(.type == "drift" and .container.id == $id)] | length),
		([.[] | select(.type == "lost").containers[]? | select(.id == $id).count] | add // 0)] | join(" ")' "$1"
}

share_settled() {
	local end=$((SECONDS + hf_wait_seconds))
	while ((SECONDS < end)); do
		[[ $(share_status .events.waiting) == 0 ]] && grep -q '"type":"lost"' "$1" && return 0
	done
	return 1
}

topic_share() {
	local file=$hf_dir/share box told lost all=0 before
	policy_is enforce
	for box in noisy loud quiet silent; do
		box_start "share-$box" crun || { not_ok "$box: a container starts"; return; }
	done
	holdfast_stop
	check 'the daemon starts with an event file of its own' holdfast_start --event-file "$file" --digest-wait 0
	before=$(share_status '.events.lost')
	kill -STOP "$hf_pid"
	check_is 'one container reports without end' "$(share_flood share-noisy)" "$share_storm"
	check_is 'another is denied 40 times' "$(share_quiet share-quiet 40)" 40
	check_is 'a third reports without end' "$(share_flood share-loud)" "$share_storm"
	check_is 'a fourth is denied once' "$(share_quiet share-silent 1)" 1
	kill -CONT "$hf_pid"
	check 'what did not fit is told' share_settled "$file"
	check_is 'all events of the second are there' "$(share_score "$file" share-quiet)" '40 0'
	check_is 'and that of the fourth' "$(share_score "$file" share-silent)" '1 0'
	for box in noisy loud; do
		read -r told lost <<<"$(share_score "$file" "share-$box")"
		check_is "$box: told and lost are all that were denied" "$((told > 0)) $((lost > 0)) $((told + lost))" "1 1 $share_storm"
		all=$((all + lost))
	done
	check_is 'the sum is that of the counters' "$(($(share_status '.events.lost') - before))" "$all"
	check_is 'produced are delivered, lost or waiting' \
		"$(share_status '.events | .produced - .delivered - .lost - .waiting')" 0
	check_is 'read again, the ring has room for the first' "$(share_quiet share-noisy 5)" 5
	share_settled "$file"
	check_is 'and nothing of that is missing' "$(jq -sr '[.[] | select(.type == "drift" and .container.id == "share-noisy" and
		.file.path == "/srv/quiet")] | length' "$file")" 5
	holdfast_stop
	check 'the daemon starts with its usual file' holdfast_start
	rm -f "$file"
	for box in noisy loud quiet silent; do
		box_stop "share-$box"
	done
}
