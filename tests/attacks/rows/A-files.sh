# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1A: files in the container's own root, by what is done to them from inside.

# Programs that need a library, for those rows that bring another one.
layer_needing() {
	local folder
	for folder in "$1"/v/A02-runpath/*/* "$1"/v/A02-hwcaps/*/* "$1"/v/C05*/*/* "$1"/v/N15/*/*; do
		[[ -d $folder ]] || continue
		cp "$hf_tree/build/attacks/victims/dyn" "$folder/dyn"
		cp "$hf_tree/build/attacks/victims/dyn-own-loader" "$folder/dyn-own-loader"
		cp -L /lib64/ld-linux-x86-64.so.2 "$folder/ld.so"
	done
}

attack A01 'a new program dropped and run'
does 'fresh $v/prog new && run ./new'
event exec added '$t/new'
twin 'run $v/prog'

attack A02-preload 'a new library by LD_PRELOAD'
does 'fresh $v/lib.so new.so && preload ./new.so'
event mmap added '$t/new.so'
twin 'preload $v/lib.so'

attack A02-audit 'a new library by LD_AUDIT'
does 'fresh $v/lib.so new.so && LD_AUDIT=./new.so /bin/true'
event mmap added '$t/new.so'
twin 'LD_AUDIT=$v/lib.so /bin/true'

attack A02-list 'a new library by /etc/ld.so.preload'
does 'fresh $v/lib.so new.so; echo $t/new.so >list; : >>/etc/ld.so.preload; with-mount -U bind list /etc/ld.so.preload - /bin/true; s=$?; rm /etc/ld.so.preload; exit $s'
event mmap added '$t/new.so'
twin 'echo $v/lib.so >list; : >>/etc/ld.so.preload; with-mount -U bind list /etc/ld.so.preload - /bin/true; s=$?; rm /etc/ld.so.preload; exit $s'

attack A02-folder 'a new libc by LD_LIBRARY_PATH'
does 'fresh /lib/x86_64-linux-gnu/libc.so.6 libc.so.6; LD_LIBRARY_PATH=$t /bin/true && echo ": ran"'
event mmap added '$t/libc.so.6'
twin 'LD_LIBRARY_PATH=/lib/x86_64-linux-gnu /bin/true && echo ": ran"'

attack A02-runpath 'a new library in the folder that a program of the image looks in first'
does 'mkdir $v/plugins && fresh $v/lib.so $v/plugins/lib.so; $v/dyn'
event mmap added '$v/plugins/lib.so'
twin 'mkdir $v/plugins && $v/dyn'

attack A02-dlopen 'a new library by dlopen'
does 'fresh $v/lib.so new.so && probe dlopen ./new.so'
event mmap added '$t/new.so'
twin 'probe dlopen $v/lib.so'

attack A02-fd 'a new library by a descriptor: LD_PRELOAD and dlopen of /proc/self/fd'
does 'fresh $v/lib.so new.so; exec 7<new.so; preload /proc/self/fd/7; probe dlopen /proc/self/fd/7'
event mmap added '$t/new.so' 2
twin 'exec 7<$v/lib.so; preload /proc/self/fd/7; probe dlopen /proc/self/fd/7'

attack A02-here 'a new libc in the folder where one happens to be (an empty entry of LD_LIBRARY_PATH)'
does 'fresh /lib/x86_64-linux-gnu/libc.so.6 libc.so.6; LD_LIBRARY_PATH=/none: /bin/true && echo ": ran"'
event mmap added '$t/libc.so.6'
twin 'LD_LIBRARY_PATH=/none: /bin/true && echo ": ran"'

attack A02-hwcaps 'a new library in the folder of better processors'
does 'mkdir -p $v/glibc-hwcaps/x86-64-v2; fresh $v/lib.so $v/glibc-hwcaps/x86-64-v2/lib.so; $v/dyn'
event mmap added '$v/glibc-hwcaps/x86-64-v2/lib.so'
twin 'mkdir -p $v/glibc-hwcaps/x86-64-v2; $v/dyn'

attack A02-memfd 'a memory file by LD_PRELOAD'
verdict allow
setting 'memory: {memfdMap: deny}' deny
does 'perl -e "\$^F = 99; \$n = \"code\"; open(I, \"<\", \$ARGV[0]); local \$/; \$b = <I>; \$fd = syscall(319, \$n, 0); open(O, \">&=\$fd\"); syswrite(O, \$b);
	\$ENV{LD_PRELOAD} = \"/proc/self/fd/\$fd\"; exec \"/bin/true\"" $v/lib.so; echo ": ran"'
word EPERM+ran
event mmap memfd 'memfd:code'
twin 'preload $v/lib.so'

attack A03 'a program of the image modified in place'
does 'flip $v/prog; run $v/prog'
event exec modified '$v/prog'
twin 'flip $v/data; run $v/prog'

attack A03-longer 'one byte appended to a program of the image'
does 'printf x >>$v/prog; run $v/prog'
event exec modified '$v/prog'
twin 'printf x >>$v/data; run $v/prog'

attack A03-library 'a library of the image modified in place'
does 'flip $v/lib.so; preload $v/lib.so'
event mmap modified '$v/lib.so'
twin 'flip $v/data; preload $v/lib.so'

attack A03-script 'a script of the image modified in place'
does 'echo "# more" >>$v/script; run $v/script'
event exec modified '$v/script'
twin 'echo "# more" >>$v/data; run $v/script'

attack A03-truncate 'a program of the image cut by truncate(2), and lengthened again'
does 'n=$(stat -c %s $v/prog); truncate -s 700 $v/prog; truncate -s $n $v/prog; run $v/prog'
event exec modified '$v/prog'
twin 'truncate -s 3 $v/data; run $v/prog'

attack A04 'another file moved over a program of the image'
does 'fresh $v/prog other && mv other $v/prog && run $v/prog'
event exec added '$v/prog'
twin 'cp $v/data other && mv other $v/data && run $v/prog'

attack A05 'unlinked and made again with the same size, mode and times'
does 'cp -p $v/prog old && rm $v/prog && cp -p old $v/prog && flip $v/prog && touch -r old $v/prog && run $v/prog'
event exec added '$v/prog'
twin 'cp -p $v/data old && rm $v/data && cp -p old $v/data && flip $v/data && touch -r old $v/data && run $v/prog'

attack A05-folder 'its folder removed and made again'
does 'cp -rp $v old && rm -r $v && cp -rp old $v && flip $v/prog && run $v/prog'
event exec added '$v/prog'
no_twin 'every file of a folder that was removed is new'

attack A06 'a byte-identical copy under a new name'
does 'cp $v/prog copy && run ./copy'
event exec added '$t/copy'
twin 'run $v/prog'

# A container in which no other row has given the image's own tools another name or mode: they run under modifiedMetadata: deny.
profile_metadata() {
	profile_plain
}

attack A08 'a program of the image renamed'
profile metadata
verdict allow
setting 'executables: {modifiedMetadata: deny}' deny
does 'mv $v/prog renamed && run ./renamed'
event exec metadata '$t/renamed'
twin 'mv $v/data renamed && run $v/prog'

attack A10-chmod 'mode changed and changed back'
profile metadata
verdict allow
setting 'executables: {modifiedMetadata: audit}' alert
setting 'executables: {modifiedMetadata: deny}' deny
does 'chmod 700 $v/prog && chmod 755 $v/prog && run $v/prog'
event exec metadata '$v/prog'
twin 'chmod 700 $v/data && run $v/prog'

attack A10-chown 'owner changed'
profile metadata
verdict allow
setting 'executables: {modifiedMetadata: deny}' deny
does 'chown -R 1:1 $v && run $v/prog'
event exec metadata '$v/prog'
twin 'chown 1:1 $v/data && run $v/prog'

attack A10-xattr 'an extended attribute set'
profile metadata
verdict allow
setting 'executables: {modifiedMetadata: deny}' deny
does 'python3 -c "import os, sys; os.setxattr(sys.argv[1], \"user.x\", b\"1\")" $v/prog && run $v/prog'
event exec metadata '$v/prog'
twin 'python3 -c "import os, sys; os.setxattr(sys.argv[1], \"user.x\", b\"1\")" $v/data && run $v/prog'

attack A10-link 'a second name, run by both'
profile metadata
verdict allow
setting 'executables: {modifiedMetadata: deny}' deny
does 'ln $v/prog second && run ./second && run $v/prog'
event exec metadata '$t/second'
also exec metadata '$v/prog'
twin 'ln $v/data second && run $v/prog'

attack A10-library 'a library whose mode was changed'
profile metadata
verdict allow
setting 'executables: {modifiedMetadata: deny}' deny
does 'chmod 700 $v/lib.so && preload $v/lib.so'
event mmap metadata '$v/lib.so'
twin 'chmod 700 $v/data && preload $v/lib.so'

attack A10-then-written 'mode changed first, then a byte'
does 'chmod 700 $v/prog && run $v/prog >/dev/null && flip $v/prog && run $v/prog'
event exec modified '$v/prog'
twin 'chmod 700 $v/prog && run $v/prog >/dev/null && flip $v/data && run $v/prog'

attack A11-setuid 'setuid given to a program of the image'
verdict alert
does 'chmod u+s $v/prog && run $v/prog'
event exec metadata '$v/prog'
twin 'chmod u+s $v/data && run $v/prog'

attack A11-capability 'a capability given to a program of the image'
verdict alert
does 'setcap cap_net_bind_service+ep $v/prog && run $v/prog'
event exec metadata '$v/prog'
twin 'run $v/prog'

attack A18-map 'opened before it was modified, then mapped as code: the bytes are those of the image'
verdict allow
does 'old-fd map $v/prog'
twin 'probe map $v/prog'

attack A18-exec 'opened before it was modified, then executed: the bytes are the new ones'
does 'old-fd exec $v/prog'
event exec modified '$v/prog'
twin 'probe fexec $v/prog'

attack A28-overlay 'written while it runs: the kernel refuses, and it stays the image'"'"'s'
verdict allow
ran 'ran'
does 'sleep=$(readlink -f /bin/sleep); $sleep 60 & until [ "$(readlink /proc/$!/exe)" = "$sleep" ]; do :; done; (printf x >>$sleep) 2>/dev/null && echo "written while it ran"; kill $!; run /bin/true'
twin 'run $v/prog'

attack A29 'a library written through a shared mapping after it was checked'
does 'shared-writer $v/lib.so'
event mmap modified '$v/lib.so'
flags writable
digest written-to
twin 'probe map $v/lib.so'

# live ID TITLE COMMANDS PATH: a library of the image written to while it is mapped.
live() {
	attack "A29-$1" "$2"
	does "$3"
	event write-image modified-code "$4"
	detail mapped
	digest any
	setting 'memory: {modifiedCode: audit}' alert
	setting 'memory: {modifiedCode: allow}' allow
	twin 'chmod 700 $v/lib.so; live $v/lib.so $v/data'
}

live mapped 'a library that chmod copied up, opened for writing while it is mapped' 'chmod 700 $v/lib.so; live $v/lib.so $v/lib.so' '$v/lib.so'
live renamed '… by another name' 'ln $v/lib.so second; live $v/lib.so second' '$t/second'

attack A29-below 'a library of the image, opened for writing while the layer'"'"'s is mapped: what runs stays as it is'
verdict allow
does 'live $v/lib.so $v/lib.so'
twin 'live $v/lib.so $v/data'

attack A09-copied 'a folder of the image moved where the overlay cannot rename it: copies'
does 'cp -rp $v folder && rm -r $v && run folder/prog'
event exec added '$t/folder/prog'
twin 'cp -rp $v folder && run $v/prog'
