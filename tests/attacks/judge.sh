# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What happened against what a row says: the action's own word, each event's fields, silence of the twin. Owns the comparison and
# the lines of the table; must not know how actions are run.

declare -A said=() status=() sums=() events=()   # by "ID:RUN:PART"; sums by path
declare -A took=()                                # hundredths of a second, by ID
strays=''                                         # events that belong to no row
tab=$'\t' newline=$'\n'

# said_read: takes in the lines of act, and of sha256sum after "act-sums".
said_read() {
	local line key='' in_sums=''
	while IFS= read -r line; do
		case $line in
		'act '*:*:*) key=${line#act }; said[$key]='' ;;
		'act-status '*) status[$key]=${line#act-status } ;;
		'act-cs '*) took[${key%%:*}]=$((${took[${key%%:*}]:-0} + ${line#act-cs })) ;;
		act-sums) in_sums=1 ;;
		*)
			if [[ -n $in_sums ]]; then
				[[ $line != *'  '* ]] || sums[${line#*  }]=${line%% *}
			elif [[ -n $key && -n $line ]]; then
				said[$key]+=$line$newline
			fi
			;;
		esac
	done
}

# events_read MARK: sorts the events since then to the rows between whose markers they stand.
events_read() {
	local line key='' path rest
	strays=''
	while IFS= read -r line; do
		IFS=$tab read -r _ _ _ path rest <<<"$line"
		case $path in
		/srv/mark:*:end) key='' ;;
		/srv/mark:*) key=${path#/srv/mark:}; events[$key]='' ;;
		*) if [[ -n $key ]]; then events[$key]+=$line$newline; else strays+=$line$newline; fi ;;
		esac
	done < <(events_since "$1" '[.action, .operation, .reason, .file.path // "-", .container.id // "-",
		.file.sha256 // ("missing:" + (.file.sha256_missing // "unsaid")), .detail // "-", (.flags // [] | join(","))] | @tsv' | jq -r .)
}

# word_of TEXT STATUS: sets got to ran, EPERM, killed, or several with "+"; to "status N" when the action said nothing of the kind.
word_of() {
	got=''
	[[ $1 =~ 'not permitted'|': EPERM'|'cannot be preloaded'|'failed to map segment' ]] && got+=+EPERM
	[[ $1 =~ 'killed by signal'|'Segmentation fault'|(^|$newline)'Killed' || $2 == 137 || $2 == 139 ]] && got+=+killed
	[[ $1 =~ 'code ran'|': ran'|'hello from the image' ]] && got+=+ran
	got=${got:-"+status $2"}
	got=${got:1}
}

# expand TEXT RUN ID PART: sets expanded to a row's path with its $v, $t and $n.
expand() {
	expanded=${1//\$v/\/v\/$3\/$2\/$4}
	expanded=${expanded//\$t/\/srv\/$3\/$2\/$4}
	expanded=${expanded//\$n/$2}
}

# event_fits LINE ACTION OP REASON PATH CONTAINER: but for the container patterns.
event_fits() {
	local action op reason path owner
	IFS=$tab read -r action op reason path owner _ <<<"$1"
	# shellcheck disable=SC2053  # a pattern on purpose
	[[ $action == $2 && $op == $3 && $reason == $4 && $path == $5 && ($6 == "$owner" || $6 == any) ]]
}

# digest_wrong ID LINE: says what is wrong with the event's digest; the box computed those of the files that it could see.
digest_wrong() {
	local path sha want why=${row[$1.digest]:-}
	IFS=$tab read -r _ _ _ path _ sha _ <<<"$2"
	want=${sums[$path]:-}
	[[ $sha != missing:unsaid ]] || { echo "no sha256 and no word why: $path"; return; }
	[[ -z $why || $why == any || $sha == "missing:$why" ]] || echo "no sha256 of $path was to be told for: $why, the event says $sha"
	[[ -z $want || $sha == "$want" || -n $why ]] || echo "sha256 of $path is $want, the event says $sha"
}

# detail_wrong ID LINE: says what is wrong with the event's detail and flags.
detail_wrong() {
	local path detail flags want=${row[$1.flags]:-}
	IFS=$tab read -r _ _ _ path _ _ detail flags <<<"$2"
	[[ -z ${row[$1.detail]:-} || $detail == "${row[$1.detail]}" ]] || echo "detail of $path is not ${row[$1.detail]}: $detail"
	[[ -z $want || ($want == !* && ",$flags," != *",${want#!},"*) || ",$flags," == *",$want,"* ]] || echo "flags of $path, wanted $want: $flags"
}

# events_match FIELDS...: takes the lines that event_fits from rest, and sets n to how many those were.
events_match() {
	local line left=''
	n=0
	while IFS= read -r line; do
		[[ -n $line ]] || continue
		if event_fits "$line" "$@"; then
			n=$((n + 1))
			[[ $6 == any ]] || { digest_wrong "$id" "$line"; detail_wrong "$id" "$line"; }
		else
			left+=$line$newline
		fi
	done <<<"$rest"
	rest=$left
}

# events_wrong ID KEY ACTION BOX: compares one part's events with what the row declares; prints each difference.
events_wrong() {
	local id=$1 run=${2#*:} op reason path count n expanded rest=${events[$2]} owner=${row[$1.container]:-$4}
	run=${run%%:*}
	while read -r op reason path count; do
		[[ -n $op ]] || continue
		expand "$path" "$run" "$id" "${2##*:}"
		events_match "$3" "$op" "$reason" "$expanded" "$owner" ''
		[[ $count == + && $n -gt 0 || $count == "$n" ]] || echo "$n events of the wanted $count: $3 $op $reason $expanded ($owner)"
	done <<<"${row[$id.events]:-}"
	while read -r op reason path; do
		expand "${path:-}" "$run" "$id" "${2##*:}"
		[[ -z $op ]] || events_match '*' "$op" "$reason" "$expanded" any any
	done <<<"${row[$id.also]:-}"
	[[ -z $rest ]] || printf 'not wanted: %s' "$rest"
}

# part_wrong ID KEY WORD ACTION BOX: WORD is a pattern; ACTION "" wants silence.
part_wrong() {
	local got
	[[ -n ${said[$2]+x} && -n ${status[$2]+x} ]] || { echo "$2: was not tried"; return; }
	[[ -n ${events[$2]+x} ]] || { echo "$2: no marker among the events"; return; }
	word_of "${said[$2]}" "${status[$2]}"
	# shellcheck disable=SC2053  # a pattern on purpose
	[[ $got == $3 ]] || printf '%s: wanted %s, got %s\n%s\n' "$2" "$3" "$got" "${said[$2]}"
	if [[ -n $4 ]]; then
		events_wrong "$1" "$2" "$4" "$5"
	else
		[[ -z ${events[$2]} ]] || printf '%s is not silent: %s' "$2" "${events[$2]}"
	fi
}

# row_judge ID RUN MODE SETTING BOX: one line of the table, and what is wrong.
row_judge() {
	local id=$1 verdict want='' action='' wrong name
	verdict=$(row_verdict "$id" "$4")
	name=$(row_label "$id" "${4:-$3}")
	case $verdict,$3 in
	deny,enforce) want=${row[$id.word]:-EPERM} action=${row[$id.action]:-denied} ;;
	always,*) want=${row[$id.word]:-EPERM} action=denied ;;
	deny,audit | alert,*) want=${row[$id.ran]:-ran} action=audited ;;
	allow,*) want=${row[$id.ran]:-ran} ;;
	esac
	if [[ $newline${said[$id:$2:attack]:-} =~ $newline'SKIP: '([^$newline]*) ]]; then
		skip "${name%:}" "${BASH_REMATCH[1]}"
		return
	fi
	wrong=$(part_wrong "$id" "$id:$2:attack" "$want" "$action" "$5"
		[[ -z ${row[$id.twin]:-} ]] || part_wrong "$id" "$id:$2:twin" "${row[$id.twin_ran]:-ran}" '' "$5")
	name+=" ${action:-silent}"
	[[ -z $action ]] || name+=$(row_reasons "$id")
	if [[ -z $wrong ]]; then ok "$name"; else not_ok "$name" "$wrong"; fi
}

row_label() {
	printf '%-17s %-7s %s:' "$1" "$2" "${row[$1.title]}"
}

# row_reasons ID: " exec added", for the reader.
row_reasons() {
	local op reason rest
	while read -r op reason rest; do
		printf ' %s %s' "$op" "$reason"
	done <<<"${row[$1.events]:-}"
}
