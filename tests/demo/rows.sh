# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the demo and the tests try inside a container; read by the image's own sh on its standard input, so that one exec of
# the runtime is enough. Prints "row NAME ran|EPERM|killed|..." for each. Owns the actions; table.sh says what must come of
# them. ROWS (environment) is a list of names to run, default all of them.
export LC_ALL=C
app=/opt/app
hello=$app/bin/hello
ldso=/lib64/ld-linux-x86-64.so.2
d=/srv/drift
mkdir -p $d

wanted() {
	case " ${ROWS:-$1} " in *" $1 "*) return 0 ;; esac
	return 1
}

# row NAME COMMAND...: the command's own word for what happened, from probe's output, ld.so's messages or its exit status.
row() {
	name=$1
	shift
	wanted "$name" || return 0
	out=$("$@" 2>&1 </dev/null)
	status=$?
	case $out in
	*'cannot be preloaded'* | *'failed to map'* | *': EPERM'* | *'Operation not permitted'* | *'not permitted'*) word=EPERM ;;
	*': ran'* | *'constructor ran'*) word=ran ;;
	*'killed by signal'*) word=killed ;;
	*) case $status in 0) word=ran ;; 137 | 139) word=killed ;; *) word="failed($status)" ;; esac ;;
	esac
	echo "row $name $word"
}

probe() {
	$app/bin/probe "$@"
}

# copy FROM NAME: a fresh file of the container with FROM's bytes.
copy() {
	cp "$1" "$d/$2"
}

append() {
	printf x >>"$1"
}

# The file's last byte, rewritten in place; it belongs to no section that a loader reads.
flip_last_byte() {
	size=$(stat -c %s "$1")
	printf x | dd of="$1" bs=1 seek=$((size - 1)) conv=notrunc 2>/dev/null
}

preload() {
	LD_PRELOAD=$1 /bin/true
}

# What the image brings: all of it must run, and nothing may be said about it.
originals() {
	row own-ls ls -l /
	row own-python /usr/bin/python3 -c 'import os, subprocess; os.listdir("/")'
	row own-elf $hello
	row own-script $app/entrypoint.sh
	row own-hardlink $app/bin/hello-hard
	row own-symlink $app/hello-link
	row own-shell sh -c 'id | grep -q uid && expr 1 + 1 | sort'
}

# The same actions as below, on files of the image.
twins() {
	row twin-dropped probe exec $hello
	row twin-script probe exec $app/entrypoint.sh
	row twin-fexec probe fexec $hello
	append /etc/app-release
	row twin-appended probe exec /usr/bin/uniq
	chmod 700 /usr/bin/tsort
	row twin-chmod probe exec /usr/bin/tsort
	row twin-changed cat /usr/bin/uniq
	row twin-map probe map $app/data/not-executable
	row twin-preload preload $app/lib/libgreet.so
	row twin-loader $ldso /bin/true
	row twin-dlopen probe dlopen $app/lib/libgreet.so
	row twin-memfd probe memfd-map $hello
	row twin-mprotect probe mprotect $hello
	row twin-anonymous probe anonymous $hello
}

drifts() {
	copy $hello dropped
	row dropped probe exec $d/dropped
	copy $hello by-descriptor
	row fexec probe fexec $d/by-descriptor
	printf '#!/bin/sh\nexit 0\n' >$d/script
	chmod +x $d/script
	row script probe exec $d/script
	append /usr/bin/nproc
	row appended probe exec /usr/bin/nproc
	flip_last_byte /usr/bin/arch
	row changed probe exec /usr/bin/arch
	cp /bin/true $d/other
	mv $d/other /usr/bin/factor
	row replaced probe exec /usr/bin/factor
	chmod +x $app/data/not-executable
	row chmod probe exec $app/data/not-executable
	copy $app/lib/libgreet.so libdropped.so
	row preload preload $d/libdropped.so
	copy $app/lib/libgreet.so libopened.so
	row dlopen probe dlopen $d/libopened.so
	copy /bin/true by-loader
	row loader $ldso $d/by-loader
	row memfd probe memfd $hello
	copy $hello mapped
	row map probe map $d/mapped
	copy $hello protected
	row mprotect probe mprotect $d/protected
	row modified-code probe modified $hello
}

case ${PART:-all} in *originals* | all) originals ;; esac
case ${PART:-all} in *twins* | all) twins ;; esac
case ${PART:-all} in *drifts* | all) drifts ;; esac
echo 'rows done'
