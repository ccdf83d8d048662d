# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1C, interpreters: drifted files handed to those of the image. The default reports them.

# script ID TITLE PATH COMMANDS TWIN: a row with the three answers of the policy. What is handed over says "code ran". Refused, some
# interpreters try twice.
script() {
	attack "$1" "$2"
	verdict alert
	setting 'scripts: {mode: enforce}' deny
	setting 'scripts: {mode: "off"}' allow
	event read script "$3" +
	does "$4"
	twin "$5"
}

code_sh='echo "echo code ran" >' code_py='echo "print(\"code ran\")" >' code_pl='echo "print qq(code ran\n); 1" >'

script C21-sh 'a new script handed to sh' '$t/x' "$code_sh"'x; sh ./x' 'sh $v/script'
script C21-link 'the same through a symbolic link' '$t/x' "$code_sh"'x; ln -sf x l; sh ./l' 'ln -sf $v/script l; sh ./l'
script C21-fd 'the same through a descriptor' '$t/x' "$code_sh"'x; exec 9<x; sh /proc/self/fd/9; exec 9<&-' 'exec 9<$v/script; sh /proc/self/fd/9; exec 9<&-'
script C21-tmpfs 'a script on tmpfs' '/dev/shm/c21' "$code_sh"'/dev/shm/c21; bash /dev/shm/c21' 'bash $v/script'
script C21-source 'sourced by sh -c' '$t/x' "$code_sh"'x; sh -c ". ./x"' 'sh -c ". $v/script"'
script C21-env 'sourced through BASH_ENV' '$t/x.sh' "$code_sh"'x.sh; BASH_ENV=$PWD/x.sh bash -c true' 'BASH_ENV=$v/script bash -c true'
script C21-python 'a new script handed to python3' '$t/x' "$code_py"'x; python3 ./x' 'echo "{}" >data.json; python3 -c "open(\"data.json\"); print(\"code ran\")"'
script C21-import 'an imported module' '$t/evil.py' "$code_py"'evil.py; PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD python3 -c "import evil"' \
	'python3 -c "import textwrap; print(\"code ran\")"'
script C21-loader 'through the loader' '$t/x' "$code_py"'x; $ldso /usr/bin/python3 ./x' '$ldso /usr/bin/python3 -c "print(\"code ran\")"'
script C21-renamed 'an interpreter by another name' '$t/x' "$code_py"'x; ln -sf /usr/bin/python3 cat; ./cat ./x' \
	'ln -sf /usr/bin/python3 cat; ./cat -c "print(\"code ran\")"'
script C21-perl 'a new script handed to perl' '$t/x' "$code_pl"'x; perl -w ./x' 'perl -e "print qq(code ran\n)"'
script C21-require 'a module that perl requires' '$t/Evil.pm' "$code_pl"'Evil.pm; perl -I. -MEvil -e 1' 'perl -MPOSIX -e "print qq(code ran\n)"'
script C22-awk 'awk -f' '$t/x' 'echo "BEGIN { print \"code ran\" }" >x; awk -f x' 'echo data >x; awk "{ print \"code ran\" }" x'
script C22-sed 'sed -f' '$t/x' 'echo "1icode ran" >x; sed -f x /etc/passwd' 'echo data >x; sed "s/data/code ran/" x'

attack C21-image 'a script of the image, changed'
verdict alert
does 'echo "echo code ran" >>$v/script; sh $v/script'
setting 'scripts: {mode: enforce}' deny
event read script '$v/script'
twin 'chmod 700 $v/script; sh $v/script'

attack C21-twice 'executed and then read by its interpreter: one drift, one event'
does "$code_sh"'y; sed "1i#!/bin/sh" y >x; chmod +x x; run ./x'
event exec added '$t/x'
twin 'run $v/script'

attack C20 'code on the command line, on standard input, in a here-document'
verdict allow
does 'sh -c "echo code ran"; echo "echo code ran" | sh; python3 -c "print(\"code ran\")"; echo "echo code ran" >x; sh <x'
twin 'sh $v/script'
