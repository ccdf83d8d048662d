# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The clock is set by hours and years, forth and back: verdicts, pauses and starts do not mind, ends of exceptions and the times of
# events follow.

clock_year=31536000

clock_box() {
	BOX_IMAGE=small box_start "$1" crun || not_ok "$1: a container starts"
}

# clock_set SECONDS: by so many.
clock_set() {
	date -s "@$(($(date +%s) + $1))" >/dev/null
}

# clock_followed NAME: an event that happens now bears the time that the clock shows.
clock_followed() {
	local mark told
	events_mark
	small_drops clock-a >/dev/null
	events_fence
	told=$(date -d "$(events_since "$mark" .time | head -n 1 | jq -r .)" +%s)
	check "$1: events bear the new time" test $((told - $(date +%s))) -ge -60 -a $((told - $(date +%s))) -le 60
}

# clock_exception NAME ran|denied
clock_exception() {
	box_do clock-a 'cp /bin/hello /srv/excepted' >/dev/null
	check_is "$1" "$(small_try clock-a /srv/excepted)" "$2"
}

# clock_start NAME: a container is armed while the clock is set back and forth by a day, and its events are its own.
clock_start() {
	local mark i jumps
	for ((i = 0; i < 20; i++)); do
		clock_set $((i % 2 ? -86400 : 86400))
	done &
	jumps=$!
	clock_box "$1"
	wait $jumps
	events_mark
	small_protected "$1: armed while the clock jumps" "$1" clock-a
	events_fence
	check_is "$1: its events are its own" "$(events_since "$mark" '[.container.id, .file.path] | join(" ")' | jq -r . | sort)" \
		"clock-a /srv/dropped
$1 /srv/dropped"
}

clock_pause() {
	holdfast pause --for 30m >/dev/null
	clock_set $((3 * clock_year))
	check_is 'a pause does not end with the clock' "$(small_drops clock-a)" ran
	check_is 'and status tells its end by the new clock' \
		"$(($(date -d "$(status_of '.pauses[0].until')" +%s) - $(date +%s) > 1500))" 1
	clock_set $((-6 * clock_year))
	check_is 'nor does it last longer' "$(($(date -d "$(status_of '.pauses[0].until')" +%s) - $(date +%s) < 1801))" 1
	clock_set $((3 * clock_year))
	holdfast resume >/dev/null
	small_protected 'it ends when it is told to' clock-a
}

topic_clock() {
	local from expires name
	small_image small 10
	expires=$(date -d '+2 years' +%F)
	policy_is enforce "exceptions: [{name: e, paths: [/srv/excepted], reason: test, expires: $expires}]"
	clock_box clock-a
	clock_exception 'an exception holds' ran
	clock_followed 'before'
	clock_set 3600
	clock_followed 'an hour on'
	clock_set -7200
	clock_followed 'two hours back'
	small_protected 'hours: drift is denied' clock-a
	from=$(holdfast_log_mark)
	clock_set $((3 * clock_year))
	check 'three years on: noticed' holdfast_log_wait "$from" 'the clock was set'
	clock_exception 'the exception has expired' denied
	clock_followed 'three years on'
	clock_start clock-b
	from=$(holdfast_log_mark)
	clock_set $((-10 * clock_year))
	check 'ten years back: noticed' holdfast_log_wait "$from" 'the clock was set'
	clock_exception 'the exception holds again' ran
	clock_followed 'ten years back'
	clock_start clock-c
	check 'the uptime is no years' test "$(status_of .uptime_seconds)" -lt 86400
	check 'a reload works' holdfast reload
	holdfast_kill
	check 'the daemon starts again in the past' holdfast_start
	check_is 'and has its containers' "$(holdfast -o json containers | jq -r '[.containers[].id] | sort | join(" ")')" \
		'clock-a clock-b clock-c'
	clock_start clock-d
	clock_set $((7 * clock_year + 3600))
	clock_pause
	for name in clock-a clock-b clock-c clock-d; do
		box_stop $name
	done
}
