# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
# The demo's rows and their twins with crun, runc and podman: enforced, then audited in the same container after a reload.


rows_bundle() {
	local rt=$1 name=rows-$1
	BUNDLE_HOOKS=$hf_hook bundle_new "$boxes/$name" base sh -s || return 1
	containers_started+=("$rt $name")
	"$rt" run --bundle "$boxes/$name" "$name" <"$rows_dir/$name.in" >"$rows_dir/$name.out" 2>&1 &
}

rows_podman() {
	pod run --rm -i --network none --name rows-podman localhost/base sh -s <"$rows_dir/rows-podman.in" \
		>"$rows_dir/rows-podman.out" 2>&1 &
}

# rows_once NAME FD WORD ACTION LABEL: all rows in that container, judged one by one.
rows_once() {
	local name=$1 fd=$2 label=$5 mark from id verdict tried expected happened event
	events_mark
	from=$(($(file_lines "$rows_dir/$name.out") + 1))
	cat tests/demo/rows.sh >&"$fd"
	file_wait "$rows_dir/$name.out" "$from" '^rows done$' 120 >/dev/null ||
		{ not_ok "$label: the rows ended" "$(tail -n 5 "$rows_dir/$name.out")"; return; }
	events_fence || { not_ok "$label: the events arrived"; return; }
	sed -n "$from,\$p" "$rows_dir/$name.out" >"$rows_dir/rows"
	events_since "$mark" >"$rows_dir/events"
	rows_join "$3" "$4" "$rows_dir/rows" "$rows_dir/events" >"$rows_dir/table"
	while IFS=$'\t' read -r verdict tried expected happened event; do
		if [[ $verdict == good ]]; then
			ok "$label: $tried"
		else
			not_ok "$label: $tried" "expected $expected, happened $happened, event: $event"
		fi
	done <"$rows_dir/table"
	check_is "$label: every row was tried" "$(rows_missing "$rows_dir/rows")" ''
}

rows_of() {
	local rt=$1 name=rows-$1 fd
	mkfifo "$rows_dir/$name.in"
	: >"$rows_dir/$name.out"
	holdfast_policy policies/prevent-except-kube-system.yaml >/dev/null
	if [[ $rt == podman ]]; then rows_podman; else rows_bundle "$rt"; fi
	exec {fd}>"$rows_dir/$name.in"
	rows_once "$name" "$fd" EPERM denied "$rt, enforce"
	holdfast_policy policies/audit-everywhere.yaml >/dev/null
	rows_once "$name" "$fd" ran audited "$rt, audit"
	exec {fd}>&-
	if [[ $rt == podman ]]; then pod rm -f -t 0 rows-podman >/dev/null 2>&1; else container_stop "$rt" "$name"; fi
}

topic_rows() {
	local rt
	rows_dir=$(mktemp -d)
	for rt in crun runc podman; do
		rows_of $rt
	done
}
