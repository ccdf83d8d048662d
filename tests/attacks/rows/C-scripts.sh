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
word 'status 2' # perl says that there is none
script C22-awk 'awk -f' '$t/x' 'echo "BEGIN { print \"code ran\" }" >x; awk -f x' 'echo data >x; awk "{ print \"code ran\" }" x'
script C22-sed 'sed -f' '$t/x' 'echo "1icode ran" >x; sed -f x /etc/passwd' 'echo data >x; sed "s/data/code ran/" x'

# reads ID TITLE PATH COMMANDS TWIN: another way to hand over, by the default policy alone. PATH may be any of several files.
reads() {
	attack "C21-$1" "$2"
	verdict alert
	event read script "$3" +
	does "$4"
	twin "$5"
}

own_python='python$(python3 -c "import sys; print(\"%d.%d\" % sys.version_info[:2])")'
reads options 'options before the file' '$t/x' "$code_sh"'x; sh -eu -o noglob ./x; bash --norc +B ./x; sh -- x' 'sh -eu -o noglob $v/script'
reads stdin-name 'by the name of standard input' '$t/x' "$code_sh"'x; sh /dev/stdin <x' 'sh /dev/stdin <$v/script'
reads rc 'as the file that an interactive shell starts with' '$t/x' "$code_sh"'x; bash --rcfile ./x -ic true 2>/dev/null' 'bash --rcfile $v/script -ic true 2>/dev/null'
reads by-others 'by programs that start an interpreter' '$t/x' "$code_sh"'x; echo x | xargs sh; env sh x; find . -name x -exec sh {} \;; timeout 9 sh x' \
	'echo $v/script | xargs sh; env sh $v/script'
reads memfd 'in a memory file, of a name like a path' 'memfd:code/plugins' 'perl -e "\$^F = 99; \$n = \"code/plugins\"; \$fd = syscall(319, \$n, 0); open(O, \">&=\$fd\"); syswrite(O, \"echo code ran\n\"); exec \"sh\", \"/proc/self/fd/\$fd\""' \
	'perl -e "exec \"sh\", \$ARGV[0]" $v/script'
flags memory-file
setting 'exceptions: [{name: plugins, paths: ["/plugins/**", "/plugins/*"]}]' alert
reads deleted 'in a file that was deleted' '$t/x' "$code_sh"'x; exec 9<x; rm x; sh /proc/self/fd/9; exec 9<&-' 'exec 9<$v/script; sh /proc/self/fd/9; exec 9<&-'
reads hardlink 'an interpreter by another name of its inode' '$t/x' "$code_py"'x; ln $(readlink -f /usr/bin/python3) other; ./other ./x' \
	'ln $(readlink -f /usr/bin/python3) other; ./other -c "print(\"code ran\")"'
reads folder 'a folder that python runs' '$t/p/__main__.py' 'mkdir p; '"$code_py"'p/__main__.py; python3 p' 'python3 -c "print(\"code ran\")"'
reads module 'python -m' '$t/evil.py' "$code_py"'evil.py; python3 -m evil' 'python3 -m base64 -t >/dev/null; echo code ran'
reads pth 'a path file of python that imports' '*/x.pth' 'd=$t/lib/'"$own_python"'/site-packages; mkdir -p $d; echo "import sys; print(\"code ran\")" >$d/x.pth
	PYTHONUSERBASE=$t python3 -c pass' 'PYTHONUSERBASE=$t python3 -c "print(\"code ran\")"'
reads user 'usercustomize' '*/usercustomize.py' 'd=$t/lib/'"$own_python"'/site-packages; mkdir -p $d; '"$code_py"'$d/usercustomize.py
	PYTHONUSERBASE=$t python3 -c pass' 'PYTHONUSERBASE=$t python3 -c "print(\"code ran\")"'
reads compiled 'a compiled module without its source' '$t/evil.pyc' "$code_py"'m.py; python3 -c "import py_compile; py_compile.compile(\"m.py\", \"evil.pyc\")"; rm m.py
	PYTHONPATH=$t python3 -c "import evil"; python3 ./evil.pyc' 'python3 -c "import textwrap; print(\"code ran\")"'
also read script '$t/m.py'
also read script '/proc/*'
reads perl-do 'do FILE' '$t/x.pl' "$code_pl"'x.pl; perl -e "do q(./x.pl)"' 'perl -e "print qq(code ran\n)"'
reads perl-env 'a module that PERL5OPT names' '$t/Evil.pm' "$code_pl"'Evil.pm; PERL5LIB=$t PERL5OPT=-MEvil perl -e 1' 'PERL5OPT=-MPOSIX perl -e "print qq(code ran\n)"'
reads chain 'an interpreter found by env, of a script that is copied to another name' '$t/x' 'printf "#!/usr/bin/env -S python3 -u\nprint(\"code ran\")\n" >x; python3 x' \
	'python3 -c "print(\"code ran\")"'

# Archives are data to most programs that read them: only the policy that counts every file sees these.
attack C21-zip 'a module in an archive on the path of modules'
verdict allow
setting 'scripts: {files: all}' alert
does 'python3 - <<"END"
import binascii, struct
code, name = b"print(\"code ran\")\n", b"evil.py"
head = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, binascii.crc32(code), len(code), len(code), len(name), 0)
file = b"PK\3\4" + head + name + code
entry = b"PK\1\2" + struct.pack("<H", 20) + head + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
open("e.zip", "wb").write(file + entry + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(file), 0))
END
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$t/e.zip python3 -c "import evil"'
event read script '$t/e.zip' +
twin 'python3 -c "print(\"code ran\")"'

attack C20-pipes 'code through pipes: substitution, a named pipe, what another program read'
verdict allow
does "$code_sh"'x; bash -c "bash <(cat x)"; mkfifo p; cat x >p & sh ./p; sh -c "$(cat x)"; cat x | sh -s; eval "$(cat x)"'
twin 'bash -c "bash <(cat $v/script)"'

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
