# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The ordinary life of containers: rows that start their containers in ways of their own.

# life_start NAME RUNTIME ARG...: a container whose first process is ARG; its output, up to the line that says that the work was done
# or that it failed, is in life_out. Both BUNDLE_ variables and the row's time limit hold.
life_start() {
	local name=$1 rt=$2 dir=$boxes/life-$1
	shift 2
	life_out='' life_status=1
	BUNDLE_ANNOTATIONS=$(namespace_annotation shop) BUNDLE_HOOKS=$hf_hook bundle_new "$dir" "${row_image[$name]}-work" "$@" || return
	bundle_start "$rt" "life-$name" "$dir" || return
	file_until "$dir/log" 1 '^(did|failed): ' "${row_seconds[$name]}" && [[ $hf_line == did:* ]] && life_status=0
	life_out=$(<"$dir/log")
}

# life_exec NAME RUNTIME COMMANDS: in that container, as `exec` of a shell.
life_exec() {
	timeout 60 "$2" exec "life-$1" sh -c "$3" 2>&1 </dev/null
}

# life_finish NAME RUNTIME: judged, asked for drift, gone.
life_finish() {
	row_end "$1" "$life_out" "$life_status"
	row_guarded "$1" life_exec "$1" "$2"
	container_stop "$2" "life-$1"
	bundle_free "$boxes/life-$1"
}

life_entrypoint() {
	row_begin
	life_start entrypoint crun env PORT=8081 /opt/work/entrypoint
	life_finish entrypoint crun
}
