# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2016
# Drifted files handed to interpreters of the image: by argument, sourced, imported. And data, which the same interpreters read.

# Files of the attacker, all of which say "ran" when they run; none has an x bit.
scripts_drop='mkdir -p /srv/s/d && cd /srv/s
	echo "echo ran" >x; cp x x.sh; cp x .hidden; cp x sourced; ln -s x link
	echo "print(\"ran\")" >x.py; cp x.py mod.py; cp x.py py; cp x.py d/__main__.py
	echo "print \"ran\n\"; 1;" >x.pl; cp x.pl Mod.pm; cp x.pl pl
	echo "BEGIN { print \"ran\" }" >x.awk; cp x.awk awk
	echo "1iran" >sed
	cd /'

# Files that programs write and read all day.
scripts_data='mkdir -p /srv/data && cd /srv/data
	for f in a.json a.csv a.txt a.conf a.yaml a.ini a.env a.pid a.log a.xml a.db a.tmp list state; do echo "{}" >$f; done
	chmod 755 a.json a.log a.db
	cd /'

# scripts_denied BOX: each line is a way, and the file that must be named; the command must not say "ran".
scripts_ways() {
	cat <<-'END'
	sh FILE|/srv/s/x|sh /srv/s/x
	sh ./FILE|/srv/s/x|cd /srv/s; sh ./x
	sh FILE in the current folder|/srv/s/x.sh|cd /srv/s; sh x.sh
	bash with options|/srv/s/x|bash -eu -o pipefail /srv/s/x
	env -i sh|/srv/s/x|env -i /bin/sh /srv/s/x
	by a symbolic link|/srv/s/x|sh /srv/s/link
	by a descriptor|/srv/s/x|sh /proc/self/fd/3 3</srv/s/x
	hidden name|/srv/s/.hidden|sh /srv/s/.hidden
	sh -c dot|/srv/s/x|sh -c ". /srv/s/x"
	bash -c source|/srv/s/x|bash -c "true && source /srv/s/x"
	dot with a suffix in a script of the image|/srv/s/x.sh|sh -c "( . /srv/s/x.sh )"
	dot in a session of bash|/srv/s/sourced|echo ". /srv/s/sourced" | bash
	bash --rcfile|/srv/s/x|bash --rcfile /srv/s/x -i </dev/null
	BASH_ENV|/srv/s/x.sh|BASH_ENV=/srv/s/x.sh bash -c true
	python3 FILE|/srv/s/x.py|python3 /srv/s/x.py
	python3 FILE without suffix|/srv/s/py|python3 -u -W ignore /srv/s/py
	python3 FOLDER|/srv/s/d/__main__.py|python3 /srv/s/d
	python3 import|/srv/s/mod.py|PYTHONPATH=/srv/s PYTHONDONTWRITEBYTECODE=1 python3 -c "import mod"
	python3 -m|/srv/s/mod.py|cd /srv/s; PYTHONDONTWRITEBYTECODE=1 python3 -m mod
	python3 through ld.so|/srv/s/py|/lib64/ld-linux-x86-64.so.2 /usr/bin/python3 /srv/s/py
	perl FILE|/srv/s/x.pl|perl /srv/s/x.pl
	perl FILE without suffix|/srv/s/pl|perl -w -I /tmp /srv/s/pl
	perl use|/srv/s/Mod.pm|perl -I/srv/s -MMod -e 1
	perl do|/srv/s/x.pl|perl -e "do q(/srv/s/x.pl)"
	perl after an exec that found no loader|/srv/s/x.pl|perl -e "\$l = q(/lib64/ld-linux-x86-64.so.2); rename \$l, q(/lib64/away) or die; exec {q(/bin/true)} 1; rename q(/lib64/away), \$l or die; do q(/srv/s/x.pl)"
	PERL5OPT|/srv/s/Mod.pm|PERL5OPT="-I/srv/s -MMod" perl -e 1
	awk -f|/srv/s/x.awk|awk -f /srv/s/x.awk
	awk -f without suffix|/srv/s/awk|awk -f/srv/s/awk
	sed -f|/srv/s/sed|echo y | sed -nf /srv/s/sed
	an interpreter by a link|/srv/s/py|ln -s /usr/bin/python3 /srv/lnk; /srv/lnk /srv/s/py
	an interpreter by a hard link|/srv/s/x|ln /bin/dash /srv/hard; /srv/hard /srv/s/x
	an interpreter renamed|/srv/s/x|mv /bin/bash /srv/cat; /srv/cat /srv/s/x; mv /srv/cat /bin/bash
	an interpreter after chmod|/srv/s/pl|chmod 700 /usr/bin/perl; perl /srv/s/pl
	a script of the image, changed|/opt/app/entrypoint.sh|echo echo ran >>/opt/app/entrypoint.sh; sh /opt/app/entrypoint.sh
	END
}

# scripts_try BOX ACTION: all ways; with denied nothing may run, with audited everything must. Each is one event that names the file.
scripts_try() {
	local box=$1 action=$2 name path command out got=''
	scripts_ways >"$hf_dir/ways"
	while IFS='|' read -r name path command <&7; do
		events_mark
		out=$(box_do "$box" "{ $command; } 2>&1")
		events_fence
		got=$(events_since "$mark" '[.action, .operation, .reason, .class, .file.path] | join(" ")' | jq -r . | sort | uniq -c | tr -s ' ')
		# Some interpreters try again when they are denied.
		[[ $action == audited ]] || got=${got/# [2-9] / 1 }
		check_is "$action: $name" "$got" " 1 $action read script script $path"
		if [[ $action == denied ]]; then
			check "$action: $name: does not run" eval '[[ ! $out =~ (^|$'"'\n'"')ran ]]'
		else
			check_match "$action: $name: runs" "$out" '(^|.*[^a-z])ran'
		fi
	done 7<"$hf_dir/ways"
}

scripts_twins() {
	cat <<-'END'
	a script of the image|sh /opt/app/entrypoint.sh
	modules of the image|python3 -c "import json, os, re; print(1)"; perl -MPOSIX -e 1
	python3 reads data|cd /srv/data; python3 -c "import os; [open(f).read() for f in os.listdir()]"
	perl reads data|cd /srv/data; perl -e "for (glob q(*)) { open F, $_; <F> }"
	awk and sed read data|cd /srv/data; awk "{ print }" a.* list; sed s/a/b/ a.* list; sed -E -n p state
	a shell reads data|cd /srv/data; sh -c "while read l; do :; done <list"; sh -c "cat <state"; cat <state
	a shell reads data that has a suffix|while read l; do :; done </srv/data/a.txt; read l </srv/data/a.pid
	a session of bash reads data|echo "cat </srv/data/state; v=\$(cat /srv/data/list)" | bash
	the output of a file|sh -c "v=\$(cat /srv/data/state); : \$v"; v=$(cat </srv/data/list)
	a here-document|printf "cat <<X\\ntext\\nX\\n" | sh
	code on the command line|sh -c "echo 1"; python3 -c "print(1)"; perl -e 1; echo "print(1)" | python3 -
	python3 keeps compiled modules|mkdir /srv/own; cd /srv/own; python3 -c "import compileall, shutil; shutil.copy(\"/usr/lib/python3.11/keyword.py\", \"data.txt\")"; python3 -c "import py_compile; py_compile.compile(\"/usr/lib/python3.11/keyword.py\")"; python3 -c "import keyword"
	a tree of modules after chown|chown -R 1:1 /usr/lib/python3.11 /usr/share/perl5 2>/dev/null; chmod -R u+w /usr/lib/python3.11; python3 -c "import json, csv, calendar, argparse"
	a script of the image after chmod|chmod 700 /opt/app/entrypoint.sh; touch -c /nothing; sh /opt/app/entrypoint.sh
	the history of a shell|echo ls >~/.bash_history; echo exit | bash -i
	an arguments file that is data|sh /opt/app/entrypoint.sh /srv/data/list
	END
}

scripts_quiet() {
	local box=$1 name command out
	scripts_twins >"$hf_dir/twins"
	while IFS='|' read -r name command <&7; do
		events_mark
		out=$(box_do "$box" "{ $command; } 2>&1") || not_ok "$name: answers" "$out"
		quiet_since "silent: $name" "$mark"
	done 7<"$hf_dir/twins"
}

topic_scripts() {
	local box
	policy_is enforce 'scripts: {mode: enforce}'
	box_start scripts crun || { not_ok 'a container starts'; return; }
	box_do scripts "$scripts_drop; $scripts_data" >/dev/null
	scripts_quiet scripts
	box_stop scripts
	for box in enforce audit; do
		policy_is enforce "scripts: {mode: $box}"
		box_start "scripts-$box" crun || { not_ok 'a container starts'; return; }
		box_do "scripts-$box" "$scripts_drop" >/dev/null
		scripts_try "scripts-$box" "$([[ $box == enforce ]] && echo denied || echo audited)"
		box_stop "scripts-$box"
	done
}
