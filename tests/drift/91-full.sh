# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Tables that are full: the new container gets its policy's notReady answer, those that run keep their verdicts, one line and a
# metric tell, and what becomes free is used at once. The tables are made small for it.

full_not_ready='failurePolicy: {notReady: audit}'

full_box() {
	BOX_IMAGE=${2:-small} box_start "$1" crun "${3:-shop}" || not_ok "$1: a container starts"
}

# full_stop BOX: until the daemon has seen its end, and what it had is free.
full_stop() {
	local from
	from=$(holdfast_log_mark)
	box_stop "$1"
	holdfast_log_wait "$from" "container $1: gone" >/dev/null || not_ok "$1: its end is seen"
}

# full_refused NAME [IMAGE]: under notReady: deny it does not start.
full_refused() {
	local out
	BUNDLE_ANNOTATIONS=$(namespace_annotation shop) BUNDLE_HOOKS=$hf_hook bundle_new "$boxes/$1" "${2:-small}" /bin/hello || return 1
	out=$(bundle_run crun "$1" "$boxes/$1" 2>&1)
	printf '%s\n' "$out"
	bundle_free "$boxes/$1"
	[[ $out != *'hello from'* && $out == *'error executing hook'* ]]
}

# full_told NAME MARK TEXT: one line of the log since then says so, and status as well.
full_told() {
	check_is "$1: one line of the log tells it" "$(tail -n "+$2" "$hf_log" | grep -c "$3")" 1
	check_match "$1: so does status" "$(status_of '.degraded | join("; ")')" "$3"
}

# full_over MARK TEXT...: each has been told to be over since then, and status is clean again.
full_over() {
	local text from=$1
	shift
	for text in "$@"; do
		check "its end is told: $text" holdfast_log_wait "$from" "over after .*$text"
	done
	check_is 'status is clean again' "$(status_of '.degraded | join("; ")')" ''
}

full_slots() {
	local mark from name
	policy_is enforce "$full_not_ready"
	for name in slots-a slots-b slots-c; do
		full_box $name
	done
	from=$(holdfast_log_mark)
	events_mark
	full_box slots-d
	check_is 'no slot, notReady audit: the container starts, its drift runs' "$(small_drops slots-d)" ran
	events_fence
	check_is 'and is reported as that of an unknown container' "$(events_brief "$mark" | sort -u)" \
		'audited exec unknown-container /srv/dropped'
	policy_is enforce 'failurePolicy: {notReady: deny}'
	check 'no slot, notReady deny: refused' full_refused slots-e
	check 'and again' full_refused slots-e
	small_protected 'no slot: the others are held as before' slots-a slots-b slots-c
	full_told 'no slot' "$from" 'no slot is left'
	check_is 'no slot: a metric counts each' "$(status_of .faults.container_slots)" 3
	full_stop slots-b
	full_box slots-f
	small_protected 'the slot that became free protects the next one' slots-a slots-c slots-f
	full_stop slots-f
	box_stop slots-d # nobody registered it
	full_stop slots-a
	full_stop slots-c
}

full_catalogue() {
	local mark from name
	policy_is enforce "$full_not_ready"
	full_box catalogue-a
	from=$(holdfast_log_mark)
	events_mark
	full_box catalogue-b big
	check_is 'catalogue full, notReady audit: the container starts, its drift runs' "$(small_drops catalogue-b)" ran
	events_fence
	check_match 'and is reported' "$(events_brief "$mark")" 'audited exec undecidable /srv/dropped'
	check_is 'it is listed with its state' \
		"$(holdfast -o json containers | jq -r '.containers[] | select(.id == "catalogue-b").state')" audit
	policy_is enforce 'failurePolicy: {notReady: deny}'
	check 'catalogue full, notReady deny: refused' full_refused catalogue-c big
	small_protected 'catalogue full: the other container is held as before' catalogue-a
	full_box catalogue-d
	small_protected 'catalogue full: a known image needs no room' catalogue-a catalogue-d
	full_told 'catalogue full' "$from" 'the catalogue has no room'
	for name in catalogue-a catalogue-b catalogue-d; do
		full_stop $name
	done
	full_box catalogue-e big
	small_protected 'an image that nobody uses any more gives up its room' catalogue-e
	full_stop catalogue-e
}

# A container with N declared mounts, each of a folder of its own.
full_mounts_box() {
	local i
	for ((i = 0; i < $2; i++)); do
		mkdir -p "/mnt/images/many/$i"
	done
	BUNDLE_JQ='.mounts += [range('"$2"') | {destination: "/m/\(.)", type: "bind", source: "/mnt/images/many/\(.)",
		options: ["bind", "ro"]}]' full_box "$1"
}

full_state() {
	holdfast -o json containers | jq -r '.containers[] | select(.id == "'"$1"'").state'
}

full_volumes() {
	local from
	mkdir -p /mnt/images/many/0
	cp "$(image_lower_file "$hello")" /mnt/images/many/0/tool
	policy_is enforce "$full_not_ready"
	full_mounts_box volumes-a 60
	check_is 'a program on a read-only volume runs' "$(small_try volumes-a /m/0/tool)" ran
	from=$(holdfast_log_mark)
	full_mounts_box volumes-b 60
	check_is 'volumes full, notReady audit: only audited' "$(full_state volumes-b)" audit
	small_protected 'volumes full: the other container is held as before' volumes-a
	check_is 'and its volumes are known' "$(small_try volumes-a /m/0/tool)" ran
	full_told 'volumes full' "$from" 'table of volumes is full'
	full_stop volumes-b
	full_mounts_box volumes-c 16
	small_protected 'what fits is armed' volumes-a volumes-c
	full_stop volumes-a
	full_mounts_box volumes-d 50
	check_is 'what became free is used at once' "$(full_state volumes-d)" armed
	full_stop volumes-c
	full_stop volumes-d
}

# full_policy NAMESPACE N...: a policy of that namespace with an exception of N * N entries for each, and one entry more.
full_policy() {
	local ns=$1 n first=1 list
	printf '%s\n' '---' 'apiVersion: holdfast.dev/v1alpha1' 'kind: DriftPolicy' "metadata: {name: $ns, namespace: $ns}" 'spec:' \
		'  mode: enforce' "  $full_not_ready" '  exceptions:'
	shift
	for n in "$@"; do
		list=$(seq -s , -f "/none/$first-%g" 1 "$n")
		printf '    - {name: e%s, reason: test, paths: [%s], fromProcess: [%s]}\n' "$first" "$list" "$list"
		first=$((first + 1))
	done
	printf '    - {name: own, reason: test, paths: [/srv/%s]}\n' "$ns"
}

# full_policies_are ARGS-OF-FULL_POLICY... separated by "--": written as a whole, since the daemon watches.
full_policies_are() {
	local word
	local -a words=()
	policy_text enforce >"$hf_dir/full.yaml"
	for word in "$@" --; do
		if [[ $word == -- ]]; then
			full_policy "${words[@]}" >>"$hf_dir/full.yaml"
			words=()
		else
			words+=("$word")
		fi
	done
	holdfast_policy "$hf_dir/full.yaml"
}

full_policies() {
	local from
	# 32 * 32 entries, and one; together nearly all of the 4096.
	full_policies_are one 32 31 -- two 32 31 -- three 8 7 >/dev/null
	full_box policies-a small one
	full_box policies-b small two
	from=$(holdfast_log_mark)
	full_box policies-c small three
	small_protected 'exceptions: two policies that fill most of the table' policies-a policies-b
	check_is 'exceptions: the third has room' "$(full_state policies-c)" armed
	full_stop policies-c
	full_policies_are one 32 31 -- two 32 31 -- three 16 16 >/dev/null
	check_is 'a reload of equal policies needs no second room' "$(status_of .policy.error)" null
	full_box policies-d small three
	check_is 'exceptions full, notReady audit: only audited' "$(full_state policies-d)" audit
	small_protected 'exceptions full: the others are held as before' policies-a policies-b
	full_told 'exceptions full' "$from" 'no room for another policy'
	full_policies_are one 31 32 -- two 31 32 >/dev/null 2>&1
	check_match 'a reload that has no room changes nothing' "$(status_of .policy.error.message)" 'no room for the old and the new'
	small_protected 'and the others are held as before' policies-a policies-b
	holdfast_kill
	check 'the daemon starts again on full tables' holdfast_start
	small_protected 'and keeps what it found in force' policies-a policies-b
	full_stop policies-a
	full_stop policies-d
	from=$(holdfast_log_mark)
	full_policies_are two 4 -- three 16 16 >/dev/null 2>&1
	check 'when there is room again the policies come into force' full_until_reloaded
	full_box policies-e small three
	small_protected 'and the next container is armed' policies-b policies-e
	full_stop policies-b
	full_stop policies-e
}

# Slots that nobody uses wait two seconds for programs that still read them.
full_until_reloaded() {
	local i
	for ((i = 0; i < 20; i++)); do
		holdfast reload && return 0
		file_wait "$hf_log" "$(holdfast_log_mark)" 'no such line' 1 >/dev/null
	done
	return 1
}

full_writes() {
	local from
	mkdir -p /mnt/images/small/big/data
	touch /mnt/images/small/big/data/{1..300}
	policy_is enforce
	full_box writes-a big
	full_box writes-b big
	from=$(holdfast_log_mark)
	box_do writes-a 'for i in $(seq 1 60); do : >>/bin/$i; done; for i in $(seq 1 300); do : >>/data/$i; done' >/dev/null
	check 'write notes full: one line tells it' holdfast_log_wait "$from" 'no room for more notes of written image files'
	check_match 'write notes full: a metric counts them' "$(status_of .faults.write_notes)" '^[1-9]'
	check_is 'write notes full: what was written is denied' "$(small_try writes-a /bin/60)" denied
	check_is 'write notes full: so is what cannot be told from it' \
		"$(box_do writes-a 'chmod 700 /bin/61' >/dev/null; small_try writes-a /bin/61)" denied
	check_is 'write notes full: the other container may chmod' \
		"$(box_do writes-b 'chmod 700 /bin/61' >/dev/null; small_try writes-b /bin/61)" ran
	check_is 'write notes full: and its own writes are noted' "$(box_do writes-b 'echo >>/bin/1' >/dev/null
		small_try writes-b /bin/1; small_try writes-b /bin/61)" 'denied
ran'
	small_protected 'write notes full: drift is denied as before' writes-a writes-b
	full_stop writes-a
	full_box writes-c big
	check_is 'notes of a container that has gone make room' \
		"$(box_do writes-c 'echo >>/bin/1; chmod 700 /bin/61' >/dev/null; small_try writes-c /bin/61)" ran
	check_is 'and a written file is denied' "$(small_try writes-c /bin/1)" denied
	full_stop writes-b
	full_stop writes-c
}

# Task storage has no size: it is full when the kernel has no memory, which only the kernel's own fault injection can bring about
# for one task.
full_tasks() {
	[[ -e /sys/kernel/debug/failslab || -e /sys/kernel/debug/fail_function ]] ||
		{ skip 'no memory for a task'\''s tag: its fork is refused' 'this kernel was built without fault injection'; return; }
	skip 'no memory for a task'\''s tag: its fork is refused' 'no kernel of the matrix could try it so far'
}

topic_full() {
	local from
	small_image small 10
	small_image big 70
	check 'a daemon with room for 3 containers and 75 executables' holdfast_anew --max-containers 3 --max-executables 75
	from=$(holdfast_log_mark)
	full_slots
	full_catalogue
	full_volumes
	full_over "$from" 'no slot is left' 'the catalogue has no room' 'table of volumes is full'
	check 'sizes of what is pinned stay' holdfast_resized
	full_policies
	full_writes
	full_tasks
	holdfast_anew >/dev/null
	policy_is enforce
}

holdfast_resized() {
	local from
	from=$(holdfast_log_mark)
	holdfast_stop && holdfast_start --max-containers 7 || return 1
	holdfast_log_wait "$from" 'hold 75 executables and 3 containers' 5 && [[ $(status_of .catalog.max) == 75 ]]
}
