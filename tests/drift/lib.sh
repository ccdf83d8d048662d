# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What the topics share: boxes, that is containers whose shell reads commands from us, so that one start of a runtime serves
# many cases. Sourced by guest, after tests/vm/lib/holdfast.sh and tests/vm/lib/containers.sh.
#
#	box_start NAME crun|runc [NAMESPACE]     BOX_HOOKS (JSON) instead of the usual hook, BUNDLE_JQ as in containers.sh,
#	                                         BOX_IMAGE instead of base
#	small_image NAME N                       an image of busybox and N more programs: quickly scanned
#	small_try BOX PROGRAM                    "ran" or "denied" for a program of a small image or one dropped there
#	holdfast_anew [OPTION...]                another first load: with these options, without what was pinned
#	box_do NAME 'shell commands'             prints what they print; status 1 when the container does not answer
#	box_stop NAME
#	events_written                           returns when every output has each event of what happened before, for event
#	                                         files that are not the usual one: an event may wait for its file's digest

boxes=/mnt/images/boxes          # upper layers beside the image's layers, as on a node
hello=/opt/app/bin/hello
probe=/opt/app/bin/probe
declare -A box_fd=() box_out=() box_runtime=() box_pid=() box_commands=()

# namespace_annotation NAMESPACE: as JSON, for BUNDLE_ANNOTATIONS.
namespace_annotation() {
	jq -cn --arg ns "$1" '{"io.kubernetes.pod.namespace": $ns}'
}

box_start() {
	local name=$1 rt=$2 dir=$boxes/$1 fd
	BUNDLE_ANNOTATIONS=$(namespace_annotation "${3:-shop}") BUNDLE_HOOKS=${BOX_HOOKS-$hf_hook} \
		bundle_new "$dir" "${BOX_IMAGE:-base}" sh -s || return 1
	mkfifo "$dir/in"
	: >"$dir/out"
	containers_started+=("$rt $name")
	"$rt" run --bundle "$dir" "$name" <"$dir/in" >"$dir/out" 2>&1 &
	box_pid[$name]=$!
	box_runtime[$name]=$rt
	exec {fd}<>"$dir/in"
	box_fd[$name]=$fd
	exec {fd}< <(exec tail -n +1 -s 0.2 "--pid=${box_pid[$name]}" -f "$dir/out" 2>/dev/null)
	box_out[$name]=$fd
	box_do "$name" ':' && return 0
	box_stop "$name" >&2
	return 1
}

# One tail follows what a container says, for all its life: two programs for each question would be most of the time of a case. What
# comes before the question is an earlier one's.
box_do() {
	local name=$1 n=$BASHPID-$((box_commands[$1] += 1)) end
	local -a said=()
	[[ -n ${box_fd[$name]:-} ]] || return 1
	clock_read
	end=$((hf_now + hf_wait_seconds))
	printf 'echo "box %s begins"; { %s\n} </dev/null\necho "box %s done"\n' "$n" "$2" "$n" >&"${box_fd[$name]}"
	while line_before "$end" "${box_out[$name]}"; do
		case $hf_line in
		"box $n begins") said=() ;;
		"box $n done")
			((${#said[@]} == 0)) || printf '%s\n' "${said[@]}"
			return 0 ;;
		*) said+=("$hf_line") ;;
		esac
	done
	printf 'container %s does not answer:\n%s\n' "$name" "$(printf '%s\n' "${said[@]}" | tail -n 5)" >&2
	return 1
}

box_stop() {
	local name=$1 fd=${box_fd[$1]:-} out=${box_out[$1]:-}
	[[ -n ${box_pid[$name]:-} ]] || return 0
	container_stop "${box_runtime[$name]}" "$name"
	[[ -n $fd ]] && exec {fd}>&-
	wait "${box_pid[$name]}" 2>/dev/null
	[[ -n $out ]] && exec {out}<&-
	bundle_free "$boxes/$name"
	unset "box_fd[$name]" "box_out[$name]" "box_pid[$name]"
	return 0
}

# box_word NAME COMMANDS: the word with which probe's line ends.
box_word() {
	local out
	out=$(box_do "$1" "$2")
	printf '%s\n' "${out##*: }"
}

# box_drops NAME: one drifted program in the container: prints probe's word for what happened to it.
box_drops() {
	box_word "$1" "cp $hello /srv/dropped; $probe exec /srv/dropped"
}

# box_runs NAME: the same for the original.
box_runs() {
	box_word "$1" "$probe exec $hello"
}

# policy_text MODE [LINE...]: a ClusterDriftPolicy with more lines of spec; policy_is puts it in force.
policy_text() {
	local mode=$1
	shift
	printf '%s\n' 'apiVersion: holdfast.dev/v1alpha1' 'kind: ClusterDriftPolicy' 'metadata: {name: test}' 'spec:' "  mode: $mode"
	(($# == 0)) || printf '  %s\n' "$@"
}

policy_is() {
	policy_text "$@" | holdfast_policy - >/dev/null
}

image_lower_file() {
	local dir
	IFS=: read -ra dirs <<<"$(image_lower base)"
	for dir in "${dirs[@]}"; do
		[[ -e $dir$1 ]] && printf '%s\n' "$dir$1" && return
	done
}

# small_image NAME N: for BOX_IMAGE. Its layer is one folder: /bin/busybox with some links, /bin/hello and /bin/1 to /bin/N.
small_image() {
	local dir=/mnt/images/small/$1 info=/mnt/images/info/$1 source i
	[[ -e $info/lower ]] && return 0
	source=$(image_lower_file "$hello")
	mkdir -p "$dir"/{bin,srv,proc,dev,sys,tmp} "$info"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for i in sh cp chmod ls rm mkdir seq; do
		ln -s busybox "$dir/bin/$i"
	done
	for ((i = 0; i <= $2; i++)); do
		cp "$source" "$dir/bin/$i"
	done
	mv "$dir/bin/0" "$dir/bin/hello"
	printf '%s\n' '{"config": {"Cmd": ["/bin/hello"], "Env": ["PATH=/bin"]}}' >"$info/config.json"
	printf '%s\n' "$dir" >"$info/lower"
}

small_try() {
	local out
	out=$(box_do "$1" "$2; echo status \$?")
	case $out in
	*'hello from the image'*'status 0') echo ran ;;
	*'not permitted'*) echo denied ;;
	*) printf '%s\n' "$out" ;;
	esac
}

# small_drops BOX: what happens to a copy of /bin/hello; small_protected NAME BOX...: checks that it is denied, and the original runs.
small_drops() {
	box_do "$1" 'cp /bin/hello /srv/dropped' >/dev/null
	small_try "$1" /srv/dropped
}

small_protected() {
	local name=$1 box got=''
	shift
	for box in "$@"; do
		got+="$box $(small_drops "$box") $(small_try "$box" /bin/hello);"
	done
	check_is "$name" "$got" "$(printf '%s denied ran;' "$@")"
}

holdfast_anew() {
	[[ -z $hf_pid ]] || holdfast_stop
	command holdfastd --unload >/dev/null && holdfast_start "$@"
}

# status_json: the daemon's status, also if it has something to tell, which is exit status 3; status_of JQ: of that.
status_json() {
	local status=0
	holdfast -o json status || status=$?
	((status == 0 || status == 3))
}

status_of() {
	status_json | jq -r "$1"
}

events_written() {
	local end
	clock_read
	end=$((hf_now + hf_wait_seconds))
	while clock_read && ((hf_now < end)); do
		[[ $(status_of '.events | .waiting == 0 and all(.outputs[]; .waiting_bytes == 0)') == true ]] && return 0
		read -rt 0.2 <> <(:)
	done
	status_of .events
	return 1
}
