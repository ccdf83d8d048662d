# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The words with which rows/*.sh declare attacks, and the choice of rows. Owns row[] and row_ids; must not know how a row is
# run or judged. README.md explains each word by example.

declare -A row=()               # "ID.FIELD"
row_ids=() row_now=''

# attack ID[-VARIANT] 'technique in words': begins a row; every other word adds to it.
attack() {
	[[ -z ${row[$1.title]:-} ]] || { echo "two rows have the id $1" >&2; exit 1; }
	row_now=$1
	row_ids+=("$1")
	row[$1.title]=$2 row[$1.verdict]=deny row[$1.profile]=plain row[$1.modes]='enforce audit'
}

row_set() {
	row[$row_now.$1]=$2
}

row_add() {
	row[$row_now.$1]+=${row[$row_now.$1]:+$'\n'}$2
}

does() { row_set does "$1"; }           # what the container's sh tries
twin() { row_set twin "$1"; }           # the same calls on the image's own: must run and leave no event
no_twin() { row_set no_twin "$1"; }     # … why there is none
does_host() { row_set does "$1"; row_set host 1; }  # tried by the guest's bash; in_box runs commands in the container
twin_host() { row_set twin "$1"; row_set host 1; }
verdict() { row_set verdict "$1"; }     # deny (default), alert, allow: with enforce and all else by default; always: denied in audit too
ran() { row_set ran "$1"; }             # what it looks like when nothing stops it, instead of "ran"
action() { row_set action "$1"; }       # of a denial's event: denied (default) or killed
word() { row_set word "$1"; }           # what a denial looks like: EPERM (default), killed, or several joined with "+"
event() { row_add events "$1 $2 $3 ${4:-1}"; }      # event OPERATION REASON PATH [COUNT|+]
also() { row_add also "$1 $2 $3"; }     # an event that may come besides
setting() { row_add settings "$2|$1"; } # setting 'line of spec' deny|alert|allow|always: tried once more with it
detail() { row_set detail "$1"; }       # of the declared events: its word, "-" for none
flags() { row_set flags "$1"; }         # … one of its flags, with "!" one that it has not
digest() { row_set digest "$1"; }       # any: the event's sha256 may be missing or of former bytes; else why there is none
container() { row_set container "$1"; } # whose event it is, when it is not the box's: an id, or "-" for a nameless one
profile() { row_set profile "$1"; }     # which kind of container, see boxes.sh
modes() { row_set modes "$1"; }         # not both of "enforce audit"
needs() { row_add needs "$1|$2"; }      # needs 'reason why not' 'guest command': a skip where it fails
never() { row_set never "$1"; }         # cannot be shown in this VM, and why: always a skip

# rows_choose ID...: leaves only rows of these numbers (A02 takes A02-dlopen too, A the whole section); without any, all.
rows_choose() {
	local id want
	local -a chosen=()
	(($#)) || return 0
	for id in "${row_ids[@]}"; do
		for want in "$@"; do
			[[ $id == "$want" || $id == "$want"-* || ($want == [A-Z] && $id == "$want"*) ]] || continue
			chosen+=("$id")
			break
		done
	done
	row_ids=("${chosen[@]}")
}

# rows_share: leaves the rows that differ most: of each number one for each set of events, in its first kind of container, without the
# settings of the policy.
rows_share() {
	local id key
	local -A kept=()
	local -a chosen=()
	for id in "${row_ids[@]}"; do
		key=${id%%-*}$newline$(row_reasons "$id")
		[[ -z ${kept[$key]:-} && -z ${row[$id.never]:-} && ${row[$id.modes]} != settings ]] || continue
		kept[$key]=1 row[$id.settings]=''
		chosen+=("$id")
	done
	row_ids=("${chosen[@]}")
}

# rows_of PROFILE MODE SETTING: the chosen rows of one run; a row without that setting has no part in the setting's run.
rows_of() {
	local id
	for id in "${row_ids[@]}"; do
		[[ ${row[$id.profile]} == "$1" && -z ${row[$id.never]:-} ]] || continue
		if [[ -n $3 ]]; then
			[[ $'\n'${row[$id.settings]:-}$'\n' == *"|$3"$'\n'* ]] || continue
		else
			[[ " ${row[$id.modes]} " == *" $2 "* ]] || continue
		fi
		printf '%s\n' "$id"
	done
}

# rows_profiles; rows_settings PROFILE: each once, in the order in which rows name them.
rows_profiles() {
	local id
	for id in "${row_ids[@]}"; do
		[[ -n ${row[$id.never]:-} ]] || printf '%s\n' "${row[$id.profile]}"
	done | awk '!seen[$0]++'
}

rows_settings() {
	local id
	for id in "${row_ids[@]}"; do
		[[ ${row[$id.profile]} == "$1" && -n ${row[$id.settings]:-} ]] && sed 's/^[a-z]*|//' <<<"${row[$id.settings]}"
	done | awk '!seen[$0]++'
}

# row_verdict ID SETTING: what must come of it.
row_verdict() {
	local line
	[[ -n $2 ]] || { printf '%s\n' "${row[$1.verdict]}"; return; }
	while IFS= read -r line; do
		[[ ${line#*|} == "$2" ]] && printf '%s\n' "${line%%|*}"
	done <<<"${row[$1.settings]}"
}
