# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2154
# 1C: what exec means, and what does not pass by exec.

attack C01 'a new script with an interpreter of the image'
does 'fresh $v/script new && run ./new'
event exec added '$t/new'
twin 'run $v/script'

attack C01-interpreter 'a script whose interpreter is a new program'
does 'fresh $v/prog interpreter; printf "#!$t/interpreter\n" >new; chmod +x new; run ./new'
event exec added '$t/new'
also exec added '$t/interpreter'
twin 'run $v/script'

attack C01-chain 'a new script whose interpreter is a script of the image'
does 'printf "#!$v/script\n" >new; chmod +x new; run ./new'
event exec added '$t/new'
twin 'run $v/script'

attack C01-loader 'a script whose interpreter is the loader'
does 'fresh /bin/true new; printf "#!$ldso $t/new\n" >script; chmod +x script; run ./script'
event exec added '$t/script'
also mmap added '$t/new'
twin 'run $v/script'

attack C05 'the loader that a program of the image names, replaced'
word killed
does 'cd $v; run ./dyn-own-loader >/dev/null; cp ld.so new; printf x >>new; mv new ld.so; run ./dyn-own-loader'
event mmap added '$v/ld.so' +
twin 'cd $v; run ./dyn-own-loader'

attack C05-changed 'the loader that a program of the image names, modified in place'
word killed
does 'cd $v; flip ld.so; run ./dyn-own-loader'
event mmap modified '$v/ld.so' +
twin 'cd $v; flip data; run ./dyn-own-loader'

attack C06 'the loader of the image given a new program'
does 'fresh /bin/true new && $ldso ./new && echo ": ran"'
event mmap added '$t/new'
twin '$ldso /bin/true && echo ": ran"'

attack C06-preload 'the loader of the image given a new library (--preload)'
does 'fresh $v/lib.so new.so; $ldso --preload ./new.so /bin/true'
event mmap added '$t/new.so'
twin '$ldso --preload $v/lib.so /bin/true'

attack C07 'AT_EXECVE_CHECK of a new program'
does 'fresh $v/prog new; execat check ./new'
event exec-check added '$t/new'
twin 'execat check $v/prog'

attack C08 'execveat in five forms'
does 'fresh $v/prog new; for form in read path cloexec nofollow dirfd; do execat $form ./new; done'
event exec added '$t/new' 5
twin 'for form in read path cloexec nofollow dirfd; do execat $form $v/prog; done'

attack C11-dynamic 'a new program, dynamic and position-independent'
does 'fresh /bin/true new; run ./new'
event exec added '$t/new'
twin 'run /bin/true'

attack C11-other 'new files in no known format: empty, text, flat, a.out'
ran 'status 1'
does ': >empty; echo "echo code ran" >text; printf "bFLT\0\0\0\4" >flat; printf "\314\0\144\0" >aout; chmod +x *
	for file in empty text flat aout; do run ./$file; done; exit 1'
event exec added '$t/empty'
event exec added '$t/text'
event exec added '$t/flat'
event exec added '$t/aout'
twin 'run $v/prog'

attack C11-fallback 'a new text without #!, for the shell'"'"'s own fallback'
does 'echo "echo code ran" >text; chmod +x text; ./text'
event exec added '$t/text'
also read script '$t/text' # of the shell, where it gets that far
twin '$v/script'

# What of the image has more rights than others.
layer_rights() {
	local dir=$1/opt/attacks/rights
	mkdir -p "$dir"
	cp "$hf_tree/build/attacks/victims/prog" "$dir/setuid" && printf setuid >>"$dir/setuid" && chmod 4755 "$dir/setuid"
	cp "$hf_tree/build/attacks/victims/prog" "$dir/capable" && printf capable >>"$dir/capable" &&
		setcap cap_net_bind_service+ep "$dir/capable"
}

attack C13 'what the image holds as setuid or with capabilities, also without new privileges'
verdict allow
does 'cd /opt/attacks/rights; for file in setuid capable; do setpriv --reuid 1000 --clear-groups ./$file; setpriv --no-new-privs ./$file; done'
twin 'run $v/prog'

attack C14 'execs that fail: no file, no right, no interpreter, too many arguments'
verdict allow
ran 'status 1'
does 'run ./none; run $v/data; perl -e "exec {\"/bin/true\"} \"x\", \"x\" x 3000000"; exit 1'
no_twin 'it is one itself'

attack C15-rename 'execs while names change: a drifted program and one of the image, renamed over each other'
modes enforce
digest any
does 'cp /opt/attacks/victims/failing drifted; printf x >>drifted; ln $v/prog original; ln original name; race rename 3 $t/original $t/drifted $t/name'
event exec added '$t/*' +
also exec deleted '*'
twin 'ln $v/prog original; ln original second; ln original name; for i in 1 2 3 4 5 6 7 8 9; do ln -f second name; ./name; done'

attack C15-rewrite 'execs while a file is written anew with drifted and original bytes'
modes enforce
digest any
does 'cp /opt/attacks/victims/failing drifted; printf x >>drifted; cp $v/prog original; cp original name; race rewrite 3 $t/original $t/drifted $t/name'
event exec added '$t/name' +
twin 'for i in 1 2 3 4 5 6 7 8 9; do $v/prog & done; wait'

attack C17 'the path rewritten in memory while execve reads it'
modes enforce
digest any
does 'cp /opt/attacks/victims/failing programB; printf x >>programB; ln $v/prog programA; race path 3 $t/programA $t/programB $t/programA'
event exec added '$t/programB' +
twin 'ln $v/prog programA; for i in 1 2 3 4 5 6 7 8 9; do ./programA & done; wait'

attack C20-environment 'interpreters of the image told what to do: -c, -e, standard input, environment'
verdict allow
does 'sh -c "echo code ran"; perl -e "print qq(code ran\n)"; python3 -c "print(\"code ran\")"; echo "echo code ran" | sh
	echo "print(\"code ran\")" | python3 -; bash -s <<-END
	echo code ran
	END
	PERL5OPT=-Mstrict perl -e "print qq(code ran\n)"; PYTHONINSPECT= python3 -c "print(\"code ran\")"'
no_twin 'it is one itself'

attack C22 'programs of the image that run others'
verdict allow
does 'find $v -name prog -exec {} \;; awk "BEGIN { system(\"$v/prog\") }" /dev/null; env $v/prog; timeout 9 $v/prog; nice $v/prog; setsid $v/prog; xargs $v/prog </dev/null'
no_twin 'it is one itself'

attack C22-drifted 'programs of the image that run a new one'
does 'fresh $v/prog new; find . -name new -exec {} \;; awk "BEGIN { system(\"./new\") }" /dev/null; env ./new; timeout 9 ./new; setsid ./new'
event exec added '$t/new' 5
twin 'find $v -name prog -exec {} \;; env $v/prog'

attack C23-program 'a program written by an interpreter of the image'
does 'python3 -c "import os, sys; b = open(sys.argv[1], \"rb\").read(); open(\"new\", \"wb\").write(b + b\"x\"); os.chmod(\"new\", 0o755)
os.execv(\"./new\", [\"new\"])" $v/prog'
event exec added '$t/new'
twin 'python3 -c "import os, sys; os.execv(sys.argv[1], [\"x\"])" $v/prog'

attack C23-perl 'a native module loaded by perl'
does 'fresh $v/lib.so new.so; perl -e "require DynaLoader; DynaLoader::dl_load_file(\$ARGV[0]) or print DynaLoader::dl_error()" ./new.so'
event mmap added '$t/new.so'
twin 'perl -e "require DynaLoader; DynaLoader::dl_load_file(\$ARGV[0]) or print DynaLoader::dl_error()" $v/lib.so'

attack C23-python 'a native module imported by python'
does 'fresh $v/lib.so native.so; python3 -c "import sys; sys.path.insert(0, \".\"); import native" 2>&1 | grep -v "dynamic module does not"; true'
event mmap added '$t/native.so'
twin 'cd $v; python3 -c "import sys; sys.path.insert(0, \".\"); import lib" 2>&1 | grep -v "dynamic module does not"; true'

attack C24 'what a denial is: exec, a mapping, a protection'
does 'fresh $v/prog new; run ./new; probe map ./new; probe mprotect ./new'
event exec added '$t/new'
event mmap added '$t/new'
event mprotect added '$t/new'
twin 'run $v/prog; probe map $v/prog; probe mprotect $v/prog'

attack C18-reader 'a file whose reads hang for every reader outside of the container: events go on'
profile admin
needs 'the kernel has no FUSE' 'modprobe fuse'
digest any
does 'mkdir m; fresh $v/prog new; fuse-server deaf-outside m $v/prog sh -c "probe exec m/prog; probe map m/prog; probe exec ./new"'
event exec foreign '*m/prog'
event mmap foreign '*m/prog'
event exec added '$t/new'
twin 'mkdir m; fuse-server deaf-outside m $v/prog probe exec $v/prog'

attack C18-exec 'an exec that hangs in its file system: others are judged meanwhile'
profile admin
needs 'the kernel has no FUSE' 'modprobe fuse'
digest any
does 'mkdir m; fresh $v/prog new; fuse-server deaf m $v/prog sh -c "probe exec m/prog >/dev/null & probe exec ./new"'
event exec added '$t/new'
also exec foreign '*m/prog'
twin 'mkdir m; fuse-server deaf m $v/prog sh -c "probe exec m/prog >/dev/null & probe exec $v/prog"'

attack C18-lease 'a file under a lease that makes whoever opens it wait: events go on'
digest any
does 'fresh $v/prog new; fresh $v/prog other; leased new probe exec ./other'
event mmap added '$t/new'
event exec added '$t/other'
twin 'leased $v/lib.so probe exec $v/prog' # not the leased file itself, which waits 45 s for the lease to end

attack C06-folder 'the loader of the image given a folder with a new libc (--library-path)'
does 'fresh /lib/x86_64-linux-gnu/libc.so.6 libc.so.6; $ldso --library-path $t /bin/true && echo ": ran"'
event mmap added '$t/libc.so.6'
twin '$ldso --library-path /lib/x86_64-linux-gnu /bin/true && echo ": ran"'

# A script of the image whose interpreter is a victim.
layer_interpreted() {
	local folder
	for folder in "$1"/v/C01-replaced/*/*; do
		[[ -d $folder ]] || continue
		printf '#!%s/prog\n' "${folder#"$1"}" >"$folder/interpreted"
		chmod 755 "$folder/interpreted"
	done
}

attack C01-replaced 'a script of the image whose interpreter was replaced'
does 'fresh $v/prog new; mv new $v/prog; run $v/interpreted'
event exec added '$v/prog'
twin 'run $v/interpreted'
