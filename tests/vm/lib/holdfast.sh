# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For scripts that need a running holdfastd: start, stop and kill it, change its policies, hand containers to it, wait for
# events, count checks. Sourced, never run; nothing here sleeps: waiting is reading what tail follows, with a limit.
#
#	. tests/vm/lib/holdfast.sh
#	holdfast_init /run/holdfast-test            # folders; once
#	holdfast_policy policies/audit-everywhere.yaml
#	holdfast_start                              # returns when it says "ready:"
#	events_mark; ...; events_fence; events_since "$mark" | jq ...
#	check 'name' command...; finish
#
# Sets hf_dir, hf_policies, hf_events (file), hf_log (file), hf_pid.

hf_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
hf_dir=/run hf_pid='' hf_event_lines=() hf_follow='' hf_follow_pid=''
hf_passed=0 hf_failed=0 hf_skipped=0 hf_read=() hf_line='' hf_now=0
hf_arm_seconds=60             # longest scan of a root: the default of 8 s is for machines, not for an emulated and busy one
hf_wait_seconds=180           # limit of every wait: far above what a busy machine needs, so that reaching it is a failure

# --- results ----------------------------------------------------------------------------------------------------------
ok() {
	hf_passed=$((hf_passed + 1))
	printf 'ok - %s\n' "$1"
}

# not_ok NAME [DETAIL...]: each detail may have several lines.
not_ok() {
	hf_failed=$((hf_failed + 1))
	printf 'not ok - %s\n' "$1"
	shift
	(($# == 0)) || printf '%s\n' "$@" | head -n 40 | sed 's/^/# /'
}

skip() {
	hf_skipped=$((hf_skipped + 1))
	printf 'skip - %s: %s\n' "$1" "$2"
}

# check NAME COMMAND...: runs in this shell; its output is shown only when it fails.
check() {
	local name=$1 status=0
	shift
	"$@" >"$hf_dir/check" 2>&1 </dev/null || status=$?
	if ((status == 0)); then
		ok "$name"
	else
		not_ok "$name" "status $status of: $*" "$(<"$hf_dir/check")"
	fi
	return "$status"
}

# check_is NAME GOT WANTED
check_is() {
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1" "got:    $2" "wanted: $3"
	fi
}

# check_match NAME TEXT REGEX
check_match() {
	if [[ $2 =~ $3 ]]; then
		ok "$1"
	else
		not_ok "$1" "no match for: $3" "in: $2"
	fi
}

finish() {
	printf '%d passed, %d failed, %d skipped\n' "$hf_passed" "$hf_failed" "$hf_skipped"
	((hf_failed == 0 && hf_passed > 0))
}

# --- waiting ----------------------------------------------------------------------------------------------------------
# clock_read: sets hf_now, in seconds of a clock that nobody sets (bash's own SECONDS follows the date).
clock_read() {
	read -r hf_now _ </proc/uptime
	hf_now=${hf_now%.*}
}

# line_before END FD: the next line, into hf_line; fails at that moment of clock_read's clock. read's own limit goes by the date: when
# that is set forward, it ends early.
line_before() {
	local status part=''
	while clock_read && ((hf_now < $1)); do
		status=0
		IFS= read -r -t 1 -u "$2" hf_line || status=$?
		part+=$hf_line                 # when its limit comes in the middle of a line, the rest is yet to be read
		hf_line=$part
		((status != 0)) || return 0
		((status > 128)) || return 1
	done
	return 1
}

# file_until FILE LINE REGEX [SECONDS [PID]]: waits until a line of FILE from number LINE on matches; the lines before it are in
# hf_read, itself in hf_line. Gives up early when the process PID has ended.
file_until() {
	local fd pid status=1
	hf_read=()
	exec {fd}< <(exec timeout "${4:-$hf_wait_seconds}" tail -n "+$2" -s 0.2 ${5:+"--pid=$5"} -f "$1" 2>/dev/null)
	pid=$!
	while IFS= read -r -u "$fd" hf_line; do
		if [[ $hf_line =~ $3 ]]; then
			status=0
			break
		fi
		hf_read+=("$hf_line")
	done
	exec {fd}<&-
	kill "$pid" 2>/dev/null
	return "$status"
}

# file_wait, with the same arguments: prints the line.
file_wait() {
	file_until "$@" && printf '%s\n' "$hf_line"
}

# file_lines FILE: how many it has; for file_wait's LINE add one.
file_lines() {
	local -a lines=()
	[[ -e $1 ]] && mapfile -t lines <"$1"
	printf '%d\n' "${#lines[@]}"
}

# pid_gone PID [SECONDS]: waits until a process that need not be our child has ended.
pid_gone() {
	timeout "${2:-$hf_wait_seconds}" tail -s 0.1 --pid="$1" -f /dev/null
}

# --- the daemon -------------------------------------------------------------------------------------------------------
holdfast_init() {
	hf_dir=$1
	hf_policies=$hf_dir/policies hf_events=$hf_dir/events hf_log=$hf_dir/log
	mkdir -p "$hf_policies" "$hf_dir/hooks.d"
	: >>"$hf_events"
	: >>"$hf_log"
	PATH=$hf_tree/build:$PATH
	fence_init
	hook_files
}

# holdfast_start [OPTION...]: fails when it ends or does not become ready; its log then goes to stderr.
holdfast_start() {
	local from=$(($(file_lines "$hf_log") + 1))
	holdfastd --policy "$hf_policies" --event-file "$hf_events" --quiet --enrol-timeout $((hf_arm_seconds * 1000)) \
		"$@" </dev/null >/dev/null 2>>"$hf_log" &
	hf_pid=$!
	printf '%s\n' "$hf_pid" >"$hf_dir/pid"
	file_wait "$hf_log" "$from" 'ready:' "$hf_wait_seconds" "$hf_pid" >/dev/null && return 0
	kill -KILL "$hf_pid" 2>/dev/null
	wait "$hf_pid"
	hf_pid=''
	sed -n "$from,\$p" "$hf_log" >&2
	return 1
}

# holdfast_log_wait LINE REGEX [SECONDS]
holdfast_log_wait() {
	file_wait "$hf_log" "$@"
}

holdfast_log_mark() {
	printf '%d\n' $(($(file_lines "$hf_log") + 1))
}

# holdfast_end SIGNAL: sends it and waits for the end.
holdfast_end() {
	local status=0
	kill "-$1" "$hf_pid" || return 1
	kill -CONT "$hf_pid" 2>/dev/null
	wait "$hf_pid" 2>/dev/null || status=$?
	hf_pid=''
	return "$status"
}

holdfast_stop() {
	holdfast_end TERM
}

holdfast_kill() {
	holdfast_end KILL
	return 0
}

# holdfast_unlocked COMMAND...: while the host may touch what is the enforcer's.
holdfast_unlocked() {
	local status=0
	holdfast unlock --for 1h >/dev/null || return 1
	"$@" || status=$?
	holdfast lock >/dev/null
	return "$status"
}

# holdfast_policy FILE...: these are the policies from now on, "-" is stdin; a running daemon has read them when it returns.
holdfast_policy() {
	local file old n=0
	for file in "$@"; do
		n=$((n + 1))
		if [[ $file == - ]]; then
			cat >"$hf_policies/.new"
		else
			cp "$file" "$hf_policies/.new"
		fi
		mv "$hf_policies/.new" "$hf_policies/$n.yaml"
	done
	for old in "$hf_policies"/*; do
		file=${old##*/}
		[[ $file =~ ^[0-9]+\.yaml$ ]] && ((${file%.yaml} <= n)) || rm -f "$old"
	done
	[[ -z $hf_pid ]] || holdfast reload
}

# --- containers -------------------------------------------------------------------------------------------------------
# The hook for podman (hooks.d) and for bundles (hf_hook, for BUNDLE_HOOKS); hook_json OPTION... gives one with options.
hook_json() {
	jq -cn --arg path "$hf_tree/build/holdfast-hook" \
		--argjson timeout $((hf_arm_seconds + 30)) \
		'{createRuntime: [{path: $path, args: (["holdfast-hook"] + $ARGS.positional), timeout: $timeout}]}' \
		--args -- --timeout $((hf_arm_seconds + 10)) "$@"
}

hook_files() {
	# shellcheck disable=SC2034  # for scripts that source this
	hf_hook=$(hook_json)
	jq --arg path "$hf_tree/build/holdfast-hook" --arg wait $((hf_arm_seconds + 10)) \
		--argjson timeout $((hf_arm_seconds + 30)) \
		'.hook.path = $path | .hook.args += ["--timeout", $wait] | .hook.timeout = $timeout' "$hf_tree/tools/packaging/holdfast.json" \
		>"$hf_dir/hooks.d/holdfast.json"
}

# pod ARG...: podman with the hook; HF_PODMAN_OPTIONS holds more global options.
pod() {
	# shellcheck disable=SC2086  # words on purpose
	podman --hooks-dir "$hf_dir/hooks.d" ${HF_PODMAN_OPTIONS:-} "$@"
}

# --- events -----------------------------------------------------------------------------------------------------------
# One tail follows the event file for the life of the script; its lines are kept in hf_event_lines.
# events_open [LINES]: from the beginning, or the last LINES.
events_open() {
	[[ -n $hf_follow ]] && return 0
	exec {hf_follow}< <(exec tail -n "${1:-+1}" -F "$hf_events" 2>/dev/null)
	hf_follow_pid=$!
}

events_close() {
	[[ -n $hf_follow ]] || return 0
	kill "$hf_follow_pid" 2>/dev/null
	exec {hf_follow}<&-
	hf_follow=''
}

# events_forget: what was written so far is not read. A storm of thousands of events takes a shell minutes to read.
events_forget() {
	events_close
	hf_event_lines=()
	events_open 0
}

# event_wait REGEX [SECONDS]: reads on until a new event line matches.
event_wait() {
	local end
	clock_read
	end=$((hf_now + ${2:-$hf_wait_seconds}))
	events_open
	while line_before "$end" "$hf_follow"; do
		hf_event_lines+=("$hf_line")
		[[ $hf_line =~ $1 ]] && return 0
	done
	return 1
}

# The fence: an overlay of its own with one busybox in the upper layer. Run in a mount namespace of its own it is drift in
# a container that nobody registered: an event, whatever the policies are. Events keep their order, so when a fence's event
# has come, all those before it have.
fence_init() {
	local dir=$hf_dir/fence
	[[ -e $dir/root/fence-$$-0 ]] && return 0
	mkdir -p "$dir"
	mount -t tmpfs tmpfs "$dir" || return 1
	mkdir -p "$dir"/{lower,upper,work,root}
	mount -t overlay overlay -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/root" || return 1
	cp "$(command -v busybox)" "$dir/root/fence-$$-0"
}

# events_fence: returns when every event of what happened before has arrived. Each fence is waited for, so that all may have one
# name; the line that brings the digest of one later is none.
events_fence() {
	unshare -m -R "$hf_dir/fence/root" "/fence-$$-0" 2>/dev/null
	event_wait "\"type\":\"drift\".*/fence-$$-0\"" || { echo 'the event of the fence did not come' >&2; return 1; }
}

# events_mark: sets mark to the position behind every event of what happened before.
events_mark() {
	events_fence
	mark=${#hf_event_lines[@]}
}

# events_since MARK [JQ-FILTER]: the drift events since then, fences left out, as JSON lines.
events_since() {
	local lines=("${hf_event_lines[@]:$1}")
	((${#lines[@]})) || return 0
	printf '%s\n' "${lines[@]}" | grep -v '/fence-[0-9]*-[0-9]*"' | jq -c "select(.type == \"drift\") | ${2:-.}"
}

# events_brief MARK: one line for each, "action operation reason path".
events_brief() {
	events_since "$1" '[.action, .operation, .reason, .file.path // "-"] | join(" ")' | jq -r .
}

# quiet_since NAME MARK: a check that nothing was reported since.
quiet_since() {
	local events
	events_fence || { not_ok "$1" 'no fence'; return; }
	events=$(events_since "$2")
	check_is "$1" "$events" ''
}

# holdfast_cleanup: for a trap.
holdfast_cleanup() {
	events_close
	[[ -n $hf_pid ]] && holdfast_stop
	umount "$hf_dir/fence/root" "$hf_dir/fence" 2>/dev/null
}
