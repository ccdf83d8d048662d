# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What rows are made of: the images with the layer of the workloads on top, the count of denials, events and alerts of one row, the
# table. Sourced by guest, after tests/drift/lib.sh and alerts.sh. A row passes when its work was done, when nothing but what it
# expects was denied or reported, and when a drifted program in the same container was caught afterwards: silence alone proves nothing.

work_layer=/mnt/images/work/layer
work_rows=()                  # "workload<tab>did<tab>denials<tab>events<tab>alerts<tab>exceptions", for the table
work_mode=prevent             # or audit

# work_images IMAGE...: IMAGE-work is IMAGE with app/ and the native programs as one more layer.
work_images() {
	local image native=$hf_tree/build/workloads
	mkdir -p "$work_layer/opt/work/native" "$work_layer/opt/server"/{bin,lib,etc}
	cp -r "$here/app/." "$work_layer/opt/work/"
	cp "$native"/* "$work_layer/opt/work/native/"
	package_make work-data
	package_make work-program
	package_index
	cp "$native/tool" "$native/linked" "$work_layer/opt/server/bin/"
	cp "$native/libwork.so" "$work_layer/opt/server/lib/"
	printf '#!/bin/sh\necho script\n' >"$work_layer/opt/server/bin/script"
	chmod 755 "$work_layer/opt/server/bin/script"
	mv "$work_layer/opt/work/server.conf.in" "$work_layer/opt/server/etc/"
	for image in "$@"; do
		mkdir -p "/mnt/images/info/$image-work"
		cp "/mnt/images/info/$image/config.json" "/mnt/images/info/$image-work/"
		printf '%s:%s\n' "$work_layer" "$(image_lower "$image")" >"/mnt/images/info/$image-work/lower"
	done
}

# package_make NAME: a Debian package in the repository of the layer; work-program has a program and a script, work-data neither.
package_make() {
	local dir=$hf_dir/$1
	mkdir -p "$dir/DEBIAN" "$dir/usr/share/work" "$work_layer/opt/work/repository"
	printf '%s\n' "Package: $1" 'Version: 1' 'Architecture: amd64' 'Maintainer: none <none@localhost>' 'Description: work' >"$dir/DEBIAN/control"
	echo data >"$dir/usr/share/work/${1#work-}"
	if [[ $1 == work-program ]]; then
		mkdir -p "$dir/usr/bin"
		cp "$hf_tree/build/workloads/tool" "$dir/usr/bin/work-program"
		echo >>"$dir/usr/bin/work-program"
		printf '#!/bin/sh\nset -e\nldconfig\n' >"$dir/DEBIAN/postinst"
		chmod 755 "$dir/usr/bin/work-program" "$dir/DEBIAN/postinst"
	fi
	dpkg-deb --root-owner-group -Znone --build "$dir" "$work_layer/opt/work/repository/$1.deb" >/dev/null
}

package_index() {
	local deb
	for deb in "$work_layer/opt/work/repository"/*.deb; do
		dpkg-deb --field "$deb"
		printf 'Filename: ./%s\nSize: %d\nSHA256: %s\n\n' "${deb##*/}" "$(stat -c %s "$deb")" "$(sha256sum <"$deb" | cut -d' ' -f1)"
	done >"$work_layer/opt/work/repository/Packages"
}

# --- one row ----------------------------------------------------------------------------------------------------------
work_denied() {
	holdfast -o json status | jq .counters.denied
}

# row_begin: what is counted is counted from here on.
row_begin() {
	events_mark
	alerts_mark
	row_denied=$(work_denied)
}

# row_told: what was reported since the mark: the enforcer's events, then the alerts of rules.
row_told() {
	events_brief "$mark"
	alerts_brief
}

# row_unexpected NAME: of that, what no line of work_expected names.
row_unexpected() {
	local line expected found
	while IFS= read -r line; do
		found=''
		while IFS=$'\t' read -r expected _; do
			[[ -n $expected && ${line#* } =~ ^($expected)$ ]] && found=1
		done <<<"${work_expected[$1]:-}"
		[[ -n $found ]] || printf '%s\n' "$line"
	done < <(row_told)
}

# row_missing NAME: what work_expected names and nothing matches.
row_missing() {
	local expected told
	told=$(row_told | cut -d' ' -f2-)
	while IFS=$'\t' read -r expected _; do
		[[ -z $expected ]] || grep -qxE "$expected" <<<"$told" || printf 'no event: %s\n' "$expected"
	done <<<"${work_expected[$1]:-}"
}

# row_end NAME OUTPUT STATUS: judges the row. The output's last line that begins with "did: " is what it did.
row_end() {
	local name=$1 did denials events alerts wrong='' why=''
	events_fence || wrong+='no fence; '
	alerts_until || wrong+='no mark among the alerts; '
	did=$(sed -n 's/^did: //p' <<<"$2" | tail -n 1)
	denials=$(($(work_denied) - row_denied))
	events=$(events_brief "$mark" | wc -l)
	alerts=$(alerts_brief | wc -l)
	[[ $work_mode != prevent || -z ${work_says[$name]:-} ]] || grep -qE "${work_says[$name]}" <<<"$(events_since "$mark" .message)" ||
		wrong+="no event says: ${work_says[$name]}"$'\n'
	[[ $3 == 0 && -n $did ]] || wrong+="its work was not done (status $3)"$'\n'
	((denials == $(events_brief "$mark" | grep -c '^denied '))) || wrong+="$denials denials and other events"$'\n'
	wrong+=$(row_unexpected "$name"; row_missing "$name")
	why=$(cut -sf2 <<<"${work_expected[$name]:-}" | paste -sd ';')
	work_rows+=("$name"$'\t'"${did:-nothing}"$'\t'"$denials"$'\t'"$events"$'\t'"$alerts"$'\t'"${why:--}")
	if [[ -z $wrong ]]; then
		ok "$work_mode: $name: $did ($((SECONDS - row_started)) s)"
		events_since "$mark" .message | jq -r '"#   " + .'
	else
		not_ok "$work_mode: $name" "$wrong" "$(tail -n 15 <<<"$2")"
	fi
}

# row_guarded NAME COMMAND...: COMMAND DRIFT runs a shell command in the container: a changed copy of a program is caught there.
row_guarded() {
	local name=$1 wanted=denied
	shift
	[[ $work_mode == prevent ]] || wanted=audited
	events_mark
	alerts_mark
	"$@" 'cp /bin/true /srv/drifted && echo >>/srv/drifted; /srv/drifted' >/dev/null 2>&1 </dev/null
	events_fence
	check_is "$work_mode: $name: and drift in it is $wanted" "$(events_brief "$mark")" "$wanted exec added /srv/drifted"
	check "$work_mode: $name: and the rules tell of it" alerts_tell 'Executable dropped in container' /srv/drifted
}

# work_row NAME IMAGE SECONDS: the usual row: /opt/work/NAME of the image's layer, in a container of its own.
work_row() {
	local name=$1 hf_wait_seconds=$3 out status row_started=$SECONDS box=work-$work_mode-$1
	row_begin
	BOX_IMAGE=$2-work box_start "$box" "$(work_runtime)" || { not_ok "$work_mode: $name: its container starts" "$(<"$boxes/$box/out")"; return; }
	out=$(box_do "$box" "/opt/work/$name 2>&1; echo \"status \$?\"")
	status=$(sed -n 's/^status //p' <<<"$out" | tail -n 1)
	row_end "$name" "$out" "${status:-none: time limit of $3 s}"
	row_guarded "$name" box_do "$box"
	box_stop "$box"
}

# work_runtime: crun and runc in turn.
work_runtime() {
	((${#work_rows[@]} % 2)) && echo runc || echo crun
}

# --- the table --------------------------------------------------------------------------------------------------------
work_table() {
	local row name did denials events alerts why
	printf '\n%s, kernel %s, %s\n' "$1" "$(uname -r)" "two processors, emulated: amounts of work are chosen for that"
	printf '%-14s %-110s %7s %6s %6s  %s\n' workload 'what it did' denials events alerts 'expected exceptions'
	for row in "${work_rows[@]}"; do
		IFS=$'\t' read -r name did denials events alerts why <<<"$row"
		printf '%-14s %-110s %7s %6s %6s  %s\n' "$name" "$did" "$denials" "$events" "$alerts" "$why"
	done
	printf '\n'
}
