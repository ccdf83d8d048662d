# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2154
# Listed cases by other calls: io_uring, mounts of the new kind, magic links, second names. Numbers are those of the cases they are kin to.

attack C19 'all work with files by io_uring, on a tmpfs, then an exec'
does 'write-uring $v/prog /dev/shm/c19 && run /dev/shm/c19; rm -f /dev/shm/c19'
event exec tmpfs /dev/shm/c19
twin 'write-uring $v/data copy && open-uring read copy && run $v/prog'

attack E22-memory '/proc/self/mem opened for writing by a worker of io_uring'
does 'open-uring write /proc/self/mem'
event process-memory process-memory '*/mem'
digest any
twin 'open-uring write $v/data'

attack A16-uring 'a file of an image opened for writing below the overlay by a worker of io_uring'
profile store
does 'open-uring write /store$v/prog'
event write-image image-write '/store$v/prog'
digest any
setting 'host: {imageStore: allow}' allow
twin 'open-uring read /store$v/prog && open-uring write $v/data'

attack A03-uring 'a program of the image emptied by a worker of io_uring, then written'
does 'cp $v/prog from; open-uring cut $v/prog && cat from >$v/prog && printf x >>$v/prog; run $v/prog'
word EPERM+ran
ran ran
event exec modified '$v/prog'
twin 'open-uring cut $v/data; run $v/prog'

attack F25-uring 'which program the kernel runs for a crash, by a worker of io_uring'
profile kernel
does 'open-uring write /proc/sys/kernel/core_pattern'
event kernel kernel-access '*/core_pattern'
digest any
setting 'host: {kernel: allow}' allow
twin 'open-uring read /proc/sys/kernel/core_pattern'

# Two names of one file in a layer.
layer_linked() {
	local folder
	for folder in "$1"/v/A03-linked/*/* "$1"/v/A03-linked-other/*/*; do
		[[ ! -d $folder ]] || ln "$folder/prog" "$folder/second"
	done
}

attack A03-linked 'one of two names that a file of the image has, written: the other name is the image'"'"'s still'
does 'flip $v/prog; run $v/prog; run $v/second'
word EPERM+ran
event exec modified '$v/prog'
twin 'flip $v/data; run $v/prog; run $v/second'

attack A03-linked-other 'both names run, one is written, both run again'
does 'run $v/prog >/dev/null; run $v/second >/dev/null; flip $v/second; run $v/second; run $v/prog'
word EPERM+ran
event exec modified '$v/second'
twin 'run $v/second; run $v/prog'

attack B02-remounted 'a read-only volume made writable, a program put there, made read-only again'
profile remounted
does 'with-mount remount none /vol/given - sh -c "cp $v/prog /vol/given/new && printf x >>/vol/given/new && probe exec /vol/given/new"; run /vol/given/new'
event exec volume /vol/given/new 2
twin 'run /vol/other/prog; run $v/prog'

# Two more volumes, read-only, for who makes them writable.
profile_remounted() {
	local name
	profile_admin
	for name in given other; do
		printf '%s volume %s\n' "$attacks_volumes/$name" $name
	done | victims_make
	BUNDLE_JQ=$BUNDLE_JQ'| .mounts += [
		{destination: "/vol/given", type: "bind", source: "'$attacks_volumes'/given", options: ["rbind", "ro"]},
		{destination: "/vol/other", type: "bind", source: "'$attacks_volumes'/other", options: ["rbind", "ro"]}]'
}

attack B03-folder 'a folder of new files bound over one of the image: a program, a library'
digest any
does 'mkdir f; fresh $v/prog f/prog; fresh $v/lib.so f/lib.so; with-mount -U bind f $v - sh -c "probe exec $v/prog; LD_PRELOAD=$v/lib.so /bin/true"'
event exec added '$v/prog'
event mmap added '$v/lib.so'
twin 'with-mount -U bind $v $v - sh -c "probe exec $v/prog; LD_PRELOAD=$v/lib.so /bin/true"'

attack B03-loader 'a new library bound over one that every program needs'
digest any
does 'fresh /lib/x86_64-linux-gnu/libc.so.6 libc.so.6; with-mount -U bind libc.so.6 $(readlink -f /lib/x86_64-linux-gnu/libc.so.6) - /bin/true && echo ": ran"'
event mmap added '*/libc.so.6'
twin 'with-mount -U bind $v/data $v/script - /bin/true && echo ": ran"'

attack B07-preload 'a new library by /proc/PID/root and /proc/PID/cwd'
does 'fresh $v/lib.so new.so; preload /proc/self/root$t/new.so; preload /proc/$$/cwd/new.so; $ldso --preload /proc/self/cwd/new.so /bin/true'
event mmap added '$t/new.so' 3
twin 'cd $v; preload /proc/self/root$v/lib.so; preload /proc/$$/cwd/lib.so'

attack B07-other 'a program in the mounts of another process, by /proc/PID/root'
does 'mkdir m; rm -f ready; with-mount -U tmpfs none m - sh -c "cp $v/prog $v/lib.so m; echo >ready; exec sleep 60" & until [ -e ready ]; do :; done
	run /proc/$!/root$t/m/prog; preload /proc/$!/root$t/m/lib.so; kill $!'
event exec tmpfs '*/m/prog'
event mmap tmpfs '*/m/lib.so'
twin 'rm -f ready; mkdir m; with-mount -U tmpfs none m - sh -c "echo >ready; exec sleep 60" & until [ -e ready ]; do :; done; run /proc/$!/root$v/prog; kill $!'

attack C08-script 'execveat of a new script: its interpreter is given the descriptor'"'"'s name'
does 'fresh $v/script new; for form in read path dirfd; do execat $form ./new; done'
event exec added '$t/new' 3
twin 'for form in read dirfd; do execat $form $v/script; done'

attack C06-fd 'the loader of the image given a new program by a descriptor'
does 'fresh /bin/true new; exec 7<new; $ldso /proc/self/fd/7 && echo ": ran"; $ldso /dev/fd/7 && echo ": ran"'
event mmap added '$t/new' 2
also read script '$t/new'
twin 'exec 7</bin/true; $ldso /proc/self/fd/7 && echo ": ran"'

attack D04-shared 'a drifted file mapped readable and shared, then made executable'
does 'fresh $v/lib.so new.so && map-code file-read-shared new.so'
event mprotect added '$t/new.so'
twin 'map-code file-read-shared $v/lib.so'

attack D04-key '… by pkey_mprotect'
does 'fresh $v/lib.so new.so && map-code file-read-by-key new.so'
event mprotect added '$t/new.so'
twin 'map-code file-read-by-key $v/lib.so'

kernel_file D20-uring uring-ring 'the queue of io_uring, executable' mmap
ran '@(ran|EPERM)' # the kernel refuses after us, since files without a name count as on a mount with noexec
kernel_file D20-perf perf-ring 'the ring of performance events, executable' mmap
ran '@(ran|EPERM)' # the kernel refuses after us, since files without a name count as on a mount with noexec
needs 'no performance events for everybody here' 'sysctl -q -w kernel.perf_event_paranoid=2'

attack F30 'a new program under names of others: its arguments, a link, its own'
does 'fresh $v/prog new; ln -s new runc; bash -c "exec -a /usr/bin/true ./new"; perl -e "\$0 = q(runc:[2:INIT]); exec {q(./runc)} q(runc) or print \$!"; (exec ./runc)'
event exec added '$t/new' 3
also read script '$t/new' # bash looks what it was that did not run
twin 'perl -e "exec {\$ARGV[0]} q(runc:[2:INIT])" $v/prog'

attack N21 'a compiled module beside its source of the image, put where python looks first'
verdict alert
does 'cp /usr/lib/python3*/this.py mod.py 2>/dev/null || echo pass >mod.py; mkdir -p __pycache__; echo "print(\"code ran\")" >evil.py
	python3 -c "import py_compile, sys; py_compile.compile(\"evil.py\", \"__pycache__/mod.\" + sys.implementation.cache_tag + \".pyc\", invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
	PYTHONPATH=$t python3 -c "import mod"'
event read script '*/__pycache__/mod.*' +
also read script '$t/evil.py'
also read script '$t/mod.py'
twin 'python3 -c "import textwrap; print(\"code ran\")"'

attack N22 'a hole filled anew: a range of a program of the image set to zeros'
does 'fallocate --zero-range --offset 0 --length 512 $v/lib.so 2>/dev/null || echo "SKIP: the file system of the writable layer has no such call"; probe map $v/lib.so'
event mmap modified '$v/lib.so'
twin 'fallocate --zero-range --offset 0 --length 3 $v/data 2>/dev/null; probe map $v/lib.so'
