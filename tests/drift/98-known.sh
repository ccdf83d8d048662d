# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# An image that is known: its second start reads none of its files, also with a used writable layer; the children that read; the
# database: digests after arming, resumed after a kill, and the image found again after an unload, as after a reboot.

known_upper=/mnt/images/known-upper # of a container that is started again

known_status() {
	status_json | jq "$1"
}

# known_reads: read calls of the daemon and of the children that it has ended so far.
known_reads() {
	local spawner
	spawner=$(pgrep -P "$hf_pid" holdfastd-spawn) || return 1
	awk '/^syscr:/ { n += $2 } END { print n }' "/proc/$hf_pid/io" "/proc/$spawner/io"
}

# What the second start enrols and reads, against the first.
known_second() {
	local from enrolled reads
	from=$(holdfast_log_mark)
	enrolled=$(known_status .counters.enrolled)
	reads=$(known_reads)
	box_start known-2 crun || { not_ok 'the second container starts'; return; }
	reads=$(($(known_reads) - reads))
	check 'the second start says that its layers are known' holdfast_log_wait "$from" 'known-2: armed.*known layers' 5
	check_is 'it enrols nothing' $(($(known_status .counters.enrolled) - enrolled)) 0
	check "it reads nothing of the image ($reads read calls)" test "$reads" -lt 200
	check_is 'its originals run' "$(box_runs known-2)" ran
	check_is 'drift in it is denied' "$(box_drops known-2)" EPERM
	box_stop known-2
}

# One program chmod-ed, one with a byte more, one replaced; then the same container again.
known_used_upper() {
	local from
	BUNDLE_UPPER=$known_upper box_start known-used crun || { not_ok 'a container starts'; return; }
	box_do known-used 'chmod 700 /usr/bin/tac; printf x >>/usr/bin/nl; cp /usr/bin/nl /usr/bin/new; mv /usr/bin/new /usr/bin/od' >/dev/null
	check_is 'chmod-ed: runs' "$(box_word known-used "$probe exec /usr/bin/tac")" ran
	check_is 'changed: denied' "$(box_word known-used "$probe exec /usr/bin/nl")" EPERM
	box_stop known-used
	from=$(holdfast_log_mark)
	BUNDLE_UPPER=$known_upper box_start known-used crun || { not_ok 'the container starts again'; return; }
	check 'the restart is known' holdfast_log_wait "$from" 'known-used: armed.*known layers' 5
	check_is 'chmod-ed before the restart: runs' "$(box_word known-used "$probe exec /usr/bin/tac")" ran
	check_is 'changed before the restart: denied' "$(box_word known-used "$probe exec /usr/bin/nl")" EPERM
	check_is 'replaced before the restart: denied' "$(box_word known-used "$probe exec /usr/bin/od")" EPERM
	check_is 'another original: runs' "$(box_runs known-used)" ran
	box_do known-used 'printf y >>/usr/bin/tac' >/dev/null
	check_is 'changed after it: denied' "$(box_word known-used "$probe exec /usr/bin/tac")" EPERM
	box_stop known-used
	rm -rf "$known_upper"
}

# --- children ---------------------------------------------------------------------------------------------------------

# A layer with so many files that its scan takes a while.
known_big_layer() {
	python3 - "$1" <<-'END'
		import os, sys
		for i in range(6000):
		    if i % 500 == 0:
		        folder = f"{sys.argv[1]}/opt/many/{i // 500}"
		        os.makedirs(folder)
		    with open(f"{folder}/{i}", "w") as f:
		        f.write("#!/bin/sh\n")
	END
}

# known_kill_child: the one that reads the image of the next start; there is no other, when no digests are computed and nothing is read again.
known_kill_child() {
	local spawner pid end
	spawner=$(pgrep -P "$hf_pid" holdfastd-spawn)
	clock_read
	end=$((hf_now + hf_wait_seconds))
	while clock_read && ((hf_now < end)); do
		pid=$(pgrep -P "$spawner" holdfastd-read) && kill -KILL "$pid" && return 0
	done
	return 1
}

known_child_dies() {
	local from image_lower_was killed
	check 'the daemon starts again, without digests and passes: no other child reads' known_restart --digest-rate 0 --scrub-rate 0
	image_lower_was=$(declare -f image_lower)
	known_big_layer "$boxes/many"
	eval "known_base_lower${image_lower_was#image_lower}"
	# shellcheck disable=SC2317  # called by bundle_mount
	image_lower() { printf '%s:%s\n' "$boxes/many" "$(known_base_lower "$1")"; }
	from=$(holdfast_log_mark)
	known_kill_child &
	killed=$!
	box_start known-many crun || { not_ok 'a container starts whose scan was killed'; return; }
	check 'the child that scans is killed' wait "$killed"
	check 'its container is only audited, and told why' holdfast_log_wait "$from" 'known-many: only audited.*killed by signal 9' 5
	check_is 'it is listed so' "$(holdfast -o json containers | jq -r '.containers[] | select(.id == "known-many").state')" audit
	check 'the daemon lives' kill -0 "$hf_pid"
	box_stop known-many
	from=$(holdfast_log_mark)
	box_start known-many crun || { not_ok 'it starts again'; return; }
	check 'the next start is armed' holdfast_log_wait "$from" 'known-many: armed' 5
	check_is 'originals run in it' "$(box_runs known-many)" ran
	box_stop known-many
	eval "$image_lower_was"
	rm -rf "$boxes/many"
}

# --- an image that its first container covers in part -----------------------------------------------------------------

# The first container mounts a volume over programs of the image; the second, without it, must have them.
known_covered() {
	local image_lower_was
	image_lower_was=$(declare -f image_lower)
	mkdir -p "$boxes/few/opt/few" "$boxes/nothing"
	cp "$(image_lower base | cut -d: -f1)$hello" "$boxes/few/opt/few/tool"
	eval "known_base_lower${image_lower_was#image_lower}"
	# shellcheck disable=SC2317  # called by bundle_mount
	image_lower() { printf '%s:%s\n' "$boxes/few" "$(known_base_lower "$1")"; }
	BUNDLE_JQ='.mounts += [{destination: "/opt/few", type: "bind", source: "'"$boxes"'/nothing", options: ["bind", "rw"]}]' \
		box_start known-covers crun || { not_ok 'a container with a volume over programs starts'; return; }
	check_is 'what the volume covers is not there' "$(box_word known-covers "$probe exec /opt/few/tool")" ENOENT
	box_start known-bare crun || { not_ok 'one without the volume starts'; return; }
	check_is 'the same program in a container without it: runs' "$(box_word known-bare "$probe exec /opt/few/tool")" ran
	check_is 'drift beside it: denied' "$(box_drops known-bare)" EPERM
	box_stop known-bare
	box_stop known-covers
	eval "$image_lower_was"
	rm -rf "$boxes/few" "$boxes/nothing"
}

# --- the database -----------------------------------------------------------------------------------------------------

# known_wait JQ [SECONDS]: until an expression of the status is true.
known_wait() {
	local end=$((SECONDS + ${2:-$hf_wait_seconds}))
	while ((SECONDS < end)); do
		[[ $(known_status "$1") == true ]] && return 0
		read -r -t 0.3 <> <(:)
	done
	known_status .images
	return 1
}

known_digests() {
	local before
	check 'digests appear after arming' known_wait '.images.digests > 0'
	before=$(known_status .images.digests)
	holdfast_kill
	check 'the daemon starts after a kill' holdfast_start --digest-rate 1000
	check 'it finds what was computed' known_wait ".images.digests >= $before"
	check "and goes on from $before" known_wait ".images.digests > $before or .images.pending == 0"
}

known_after_unload() {
	local from
	check 'the daemon stops' holdfast_stop
	check 'everything is unloaded' holdfastd --unload
	check 'and starts on an empty catalogue' holdfast_start --digest-rate 1000
	check 'the database is open' known_wait '.images.sets > 0'
	from=$(holdfast_log_mark)
	box_start known-again crun || { not_ok 'a container starts'; return; }
	check 'the image is known from the database' holdfast_log_wait "$from" 'known-again: armed.*known layers' 5
	check 'its files are enrolled' test "$(known_status .counters.enrolled)" -gt 100
	check_is 'originals run' "$(box_runs known-again)" ran
	check_is 'drift is denied' "$(box_drops known-again)" EPERM
	box_stop known-again
}

# --- many starts and stops --------------------------------------------------------------------------------------------

known_entries() {
	holdfast_unlocked bpftool -j map dump name hf_catalog | jq length
}

# known_held: descriptors of the daemon, children that are alive, entries of the catalogue.
known_held() {
	local spawner
	spawner=$(pgrep -P "$hf_pid" holdfastd-spawn)
	printf '%d descriptors, %d children, %d entries\n' "$(find "/proc/$hf_pid/fd" -mindepth 1 | wc -l)" \
		"$(pgrep -c -P "$spawner")" "$(known_entries)"
}

known_rss() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$hf_pid/status"
}

known_restart() {
	holdfast_stop && holdfast_start "$@"
}

known_churn_once() {
	BUNDLE_HOOKS=$hf_hook bundle_new "$boxes/churn" base "$hello" &&
		crun run --bundle "$boxes/churn" "known-churn-$1" </dev/null >/dev/null 2>&1
	bundle_free "$boxes/churn"
}

# known_more BEFORE: what there is more of now, for some seconds on end: a client that has just gone holds a descriptor for a moment.
known_more() {
	local more end
	clock_read
	end=$((hf_now + 10))
	while more=$(known_difference "$1" "$(known_held)") && [[ -n $more ]] && clock_read && ((hf_now < end)); do
		read -r -t 0.3 <> <(:)
	done
	printf '%s\n' "$more"
}

# known_difference BEFORE AFTER: what there is more of.
known_difference() {
	paste -d' ' <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") | awk '$2 + 0 > $1 + 0 { print $1 " -> " $2 }'
}

known_churn() {
	local i n=20 before rss end
	((${STARTS:-200} >= 200)) || n=6
	check 'the daemon starts again, without digests' known_restart --digest-rate 0 --scrub-rate 0
	for ((i = 0; i < 2; i++)); do
		known_churn_once "warm-$i"
	done
	known_wait '.containers.total == 0'
	before=$(known_held)
	rss=$(known_rss)
	for ((i = 0; i < n; i++)); do
		known_churn_once "$i" || not_ok "start $i"
	done
	known_wait '.containers.total == 0'
	check_is "after $n starts and stops there is no more than before ($before)" "$(known_more "$before")" ""
	printf '# memory: %s\n' "$(grep -E '^(VmRSS|RssAnon|RssFile|RssShmem):' "/proc/$hf_pid/status" | tr -s ' \t\n' ' ')"
	# A thread's first large piece takes its allocator some MB, once; what grows on is the soak's affair.
	check "the daemon's memory has not grown ($rss kB to $(known_rss) kB)" test "$(known_rss)" -lt $((rss + 3072))
	check 'the daemon starts with a grace of a second' known_restart --layer-grace 1 --digest-rate 0
	known_churn_once last
	end=$((SECONDS + hf_wait_seconds))
	while ((SECONDS < end)) && (($(known_entries) > 0)); do
		read -r -t 0.5 <> <(:)
	done
	check_is 'after its grace the image has left the catalogue' "$(known_entries)" 0
}

topic_known() {
	policy_is enforce
	box_start known-1 crun || { not_ok 'a container starts'; return; }
	box_stop known-1
	known_second
	known_used_upper
	known_digests
	known_child_dies
	known_covered
	known_after_unload
	known_churn
}
