# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The workloads: name, image, time limit in seconds (of an emulated machine that is busy with other tests). What one does is
# /opt/work/NAME in its image (app/NAME here), or, where a container has to be started in a way of its own, life_NAME (life.sh).
# work_expected says what a workload is rightly denied or reported for, and why.

row_names=()
row_quick=(entrypoint restart strace shells dual php redis data templated apt)      # of one image
declare -A row_image=() row_seconds=()

rows_table() {
	cat <<-'END'
		nginx       services   180
		python      languages  180
		redis       services   180
		postgres    services   400
		php         services   240
		apache      services   240
		perl        languages  240
		ruby        languages  240
		luajit      languages  120
		busybox     services   120
		node        languages  300
		java        languages  600
		erlang      languages  300
		rabbitmq    languages  900
		sbcl        others     300
		pypy        others     300
		guile       others     300
		haproxy     others     240
		memcached   others     240
		git         others     240
		sshd        others     240
		strace      services   120
		mono        others     300
		jit         languages  600
		dual        services   60
		archives    languages  600
		pip         others     400
		modules     languages  240
		compiled    others     300
		shells      services   240
		data        services   300
		templated   services   120
		inits       services   300
		systemd     services   400
		served      services   180
		jni         languages  600
		unpacked    languages  600
		entrypoint  services   180
		users       services   180
		packages    services   180
		logrotate   services   180
		cron        services   180
		shell       services   180
		health      services   180
		restart     services   180
		init        services   300
		tini        services   180
		plugins     languages  180
		copied      services   180
		rendered    services   120
		apt         services   240
	END
}

rows_read() {
	local name image seconds
	while read -r name image seconds; do
		row_names+=("$name")
		row_image[$name]=$image row_seconds[$name]=$seconds
	done < <(rows_table)
}

declare -A work_expected=()   # NAME -> lines "REGEX<tab>why": a regex of "operation reason path", or of "rule NAME: file, by PROGRAM"
declare -A work_says=()       # NAME -> a regex of the sentence that an event of a denial must have
work_expected[jni]=$'mmap [a-z]+ /tmp/libwork[0-9]+\\.so\tcode from an archive is no file of the image; see the row unpacked'
work_expected[apt]=$'exec added /var/lib/dpkg/info/work-program\\.postinst\tthe script of a package that the image does not hold
exec added /usr/bin/work-program\tand its program'
work_expected[sbcl]=$'read script /tmp/(out\\.fasl|own\\.core)\tcode that was compiled here is handed to the interpreter
mmap added /tmp/own\\.core\ta heap saved here is machine code from a file that the image does not hold'
work_expected[copied]=$'read volume /srv/volume/[a-z.]+\ta writable volume is no image: scripts on it are reported, see the row served'
work_expected[rendered]=$'read script /tmp/settings\\.(pl|php)\tcode that the image does not hold, whoever wrote it; its paths want an exception'
work_expected[mono]=$'read script /tmp/p\\.exe\tcode that was compiled here is handed to the interpreter'
work_expected[pip]=$'read script /usr/local/lib/python3\\.11/dist-packages/work_wheel/(__pycache__/)?__init__\\..*\ta module that the image does not hold
read script (/srv/wheels/work_wheel-1-py3-none-any\\.whl|/usr/local/bin/work-wheel)\tan archive that Python could import from, and a script that pip wrote
mmap added /usr/local/lib/python3\\.11/dist-packages/work_wheel/native\\.so\tits library
exec added /usr/local/bin/work-wheel\tits command'
work_expected[modules]=$'rule Executable dropped in container: /srv/app/node_modules/work/addon\\.node, by tar\ta library from an archive
read script /srv/app/node_modules/work/(index|cli)\\.js\ta module that the image does not hold
mmap added /srv/app/node_modules/work/addon\\.node\tits library
exec added /srv/app/node_modules/work/cli\\.js\tits command'
work_expected[users]=$'read script /srv/(worker/\\.profile|dev/\\.(profile|bashrc))\ta login shell reads what useradd copied there: new files, and a place where attackers stay'
work_expected[dual]=$'rule Written memory made executable: /opt/work/native/dual, by dual\ta program with a compiler of its own, which the rule has to be told of (list hf_code_generators)'
work_expected[data]=$'rule Executable dropped in container: /srv/(tree|out)/[^ ,]+, by (cp|tar)\tcopied programs and those of an archive are new in the container, as those of an attacker are'
work_expected[packages]=$'rule Start script changed: /usr/bin/perl, by update-rc\\.d\tscripts of packages that are run without dpkg'
work_expected[cron]=$'rule Scheduled task changed: /usr/bin/crontab, by crontab\ta table for www-data, as who stays writes one'
work_expected[sshd]=$'read script /srv/visitor/\\.(profile|bashrc|bash_logout)\tas in the row users: start files that useradd copied and that were added to'
work_expected[compiled]=$'rule Executable dropped in container: /srv/build/(program|libanswer\\.so), by ld\tprograms made in the container
read script /srv/build/(Makefile|program)\tmake runs what a Makefile says; a file with an x bit that a shell opens may be a script
exec added /srv/build/program\twhat was built here is no code of the image
mmap added /srv/build/libanswer\\.so\tnor is its library'
work_expected[templated]=$'read script /(run|tmp)/web/start\\.sh\ta script that the image does not hold, whoever wrote it: reported, as scripts are by default
exec added /run/web/start\\.sh\tas a program it is refused; its path wants an exception'
work_expected[inits]=$'exec added /run/web/copy/run\ta copy is no file of the image unless executables.copies allows it'
work_says[pip]='tried to execute /usr/local/bin/work-wheel, which is not in the image: denied'
work_says[compiled]='tried to execute /srv/build/program, which is not in the image: denied'
work_says[apt]='`dpkg`.* tried to execute /var/lib/dpkg/info/work-program.postinst, which is not in the image: denied'
