# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The words with which rows/*.sh declare what fires a rule and what does not. Owns the rows; must not know how they are tried
# or judged. Commands are for sh: in the container (the default) or on the host; $act is the program act in both.

rows_rule=() rows_place=() rows_kind=() rows_does=() rows_wants=()
row_now='' row_place=box

# rule 'NAME': all words behind it are about that rule.
rule() {
	row_now=$1 row_place=box
}

# on PLACE: where the commands behind it run: box, host, locked (a box whose policy enforces), or a function of boxes.sh.
on() {
	row_place=$1
}

row_add() {
	rows_rule+=("$row_now")
	rows_place+=("$row_place")
	rows_kind+=("$1")
	rows_does+=("$2")
	rows_wants+=("$3")
}

# fires 'COMMANDS' [FIELD=VALUE | FIELD~REGEX]...: at least one alert of the rule whose output_fields are like that.
fires() {
	local does=$1 IFS=$'\t'
	shift
	row_add fires "$does" "$*"
}

# silent 'COMMANDS': a near miss: no alert of the rule.
silent() {
	row_add silent "$1" ''
}

# rows_choose [RULE]: leaves the rows of rules whose name has RULE in it.
rows_choose() {
	local i
	[[ -z $1 ]] || for i in "${!rows_rule[@]}"; do
		[[ ${rows_rule[i],,} == *"${1,,}"* ]] || unset "rows_rule[i]" "rows_place[i]" "rows_kind[i]" "rows_does[i]" "rows_wants[i]"
	done
}
