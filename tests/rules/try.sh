# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Tries rows: each place's rows in one script, with a mark before and behind each case, by which judge.py cuts the alerts. Owns
# the plan and the scripts; must not know who reads the alerts. Sourced behind holdfast.sh, rows.sh and boxes.sh.
#
#	try_plan DIR               writes the plan and a script for each place
#	try_places DIR             runs them; returns when they have ended
#	judged PLAN ALERTS         counts what judge.py says of each case

try_last=0

# try_case N COMMANDS MARKS: its lines of a script.
try_case() {
	printf 'mkdir %s/%d-begin\n( %s\n) </dev/null >/dev/null 2>&1\nmkdir %s/%d-end\n' "$3" "$1" "$2" "$3" "$1"
}

try_plan() {
	local dir=$1 i n=0 place marks
	mkdir -p "$dir"
	: >"$dir/plan"
	for place in $(printf '%s\n' "${rows_place[@]}" | sort -u); do
		marks=/hf-mark
		[[ $place != host ]] || marks=/tmp/hf-mark
		for i in "${!rows_rule[@]}"; do
			[[ ${rows_place[i]} == "$place" ]] || continue
			n=$((n + 1))
			printf '%d\t%s\t%s\t%s%s\n' "$n" "${rows_rule[i]}" "${rows_kind[i]}" "${rows_does[i]}" \
				"${rows_wants[i]:+$'\t'${rows_wants[i]}}" >>"$dir/plan"
			try_case "$n" "${rows_does[i]}" "$marks" >>"$dir/$place.sh"
			try_last=$n
		done
	done
}

try_places() {
	local script place
	for script in "$1"/*.sh; do
		place=${script##*/}
		place=${place%.sh}
		if [[ $place == host ]]; then
			mkdir -p /tmp/hf-mark
			# shellcheck disable=SC1090
			(. "$script")
			rm -rf /tmp/hf-mark
		else
			box_run "$place" "$script"
		fi
	done
}

judged() {
	local line
	while IFS= read -r line; do
		case $line in
		'ok - '*) hf_passed=$((hf_passed + 1)) ;;
		'not ok - '*) hf_failed=$((hf_failed + 1)) ;;
		*' passed, '*) continue ;;
		esac
		printf '%s\n' "$line"
	done < <(python3 "$here/judge.py" "$1" "$2")
}
