# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2154
# What nobody listed: the next things that one would try.

attack N01 'a program of the image written by its second name'
does 'ln $v/prog second; flip second; run $v/prog'
event exec modified '$v/prog'
twin 'ln $v/data second; flip second; run $v/prog'

attack N02 'a new program and one of the image that change places (RENAME_EXCHANGE)'
does 'fresh $v/prog new; exchange new $v/prog || exit; run $v/prog; run ./new'
word EPERM+ran
event exec added '$v/prog'
twin 'cp $v/data new; exchange new $v/data; run $v/prog'

attack N03 'emptied by an opening for reading, lengthened again: zeros as code'
does 'emptied $v/lib.so; probe map $v/lib.so'
event mmap modified '$v/lib.so'
twin 'emptied $v/data; probe map $v/lib.so'

attack N04 'a hole punched into a program of the image'
does 'fallocate --punch-hole --offset 0 --length 512 $v/lib.so; probe map $v/lib.so'
event mmap modified '$v/lib.so'
twin 'fallocate --punch-hole --offset 0 --length 3 $v/data; probe map $v/lib.so'

attack N05 'a character set converter for iconv (GCONV_PATH)'
does 'mkdir g; fresh $v/lib.so g/lib.so; printf "module EVIL// INTERNAL lib 1\nmodule INTERNAL EVIL// lib 1\n" >g/gconv-modules
	echo x | GCONV_PATH=$t/g iconv -f EVIL -t UTF-8 2>/dev/null; exit 0'
word 'status 0' # iconv says the same of a denial and of a module without its functions
event mmap added '$t/g/lib.so' +
twin 'mkdir g; printf "module EVIL// INTERNAL lib 1\nmodule INTERNAL EVIL// lib 1\n" >g/gconv-modules; ln $v/lib.so g/lib.so
	echo x | GCONV_PATH=$t/g iconv -f EVIL -t UTF-8 2>/dev/null; echo ": ran"'

attack N06 'unlinked, and run by a descriptor that was open before'
does 'fresh $v/prog new; exec 7<new; rm new; probe exec /proc/self/fd/7'
event exec deleted '$t/new'
also read script '$t/new'
flags deleted
digest any
twin 'exec 7<$v/prog; rm $v/script; probe exec /proc/self/fd/7'

attack N07 'a new program of the name of one of the image, first on the PATH'
does 'mkdir bin; fresh $v/prog bin/true; PATH=$t/bin:$PATH; env true'
event exec added '$t/bin/true'
twin 'mkdir bin; PATH=$t/bin:$PATH; env true && echo ": ran"'

attack N09 'a program handed over by the host as a descriptor'
does_host 'exec 7<"$lower$v/prog"; nsenter -t "$pid" -a /opt/app/bin/probe exec /proc/self/fd/7; exec 7<&-'
event exec foreign '*'
digest any
twin_host 'nsenter -t "$pid" -a /opt/app/bin/probe exec $v/prog'

attack N10 'a name service module in a folder of the container'
does 'fresh $v/lib.so libnss_evil.so.2; printf "hosts: evil\npasswd: evil\n" >conf; LD_LIBRARY_PATH=$t with-mount -U bind conf /etc/nsswitch.conf - getent passwd nonesuch; exit 0'
word 'status 0' # getent says the same of a denial and of a missing module
event mmap added '$t/libnss_evil.so.2' +
twin 'ln $v/lib.so libnss_evil.so.2; printf "hosts: evil\npasswd: evil\n" >conf; LD_LIBRARY_PATH=$t with-mount -U bind conf /etc/nsswitch.conf - getent passwd nonesuch; echo ": ran"'

attack N11 'a program in a tmpfs root with the image'"'"'s own tools bound into it'
profile admin
does 'mkdir m; with-mount tmpfs none m - sh -c "mkdir m/image; cp $v/prog m/new; printf x >>m/new
	with-mount bind / m/image - chroot m /image/opt/attacks/bin/execat read /new"'
event exec tmpfs '*/new'
twin 'mkdir m; with-mount tmpfs none m - sh -c "mkdir m/image; with-mount bind / m/image - chroot m /image/opt/attacks/bin/execat read /image$v/prog"'

attack N12 'one of the image, changed by another process of the host while the container has it open'
does_host 'in_box "exec 7<$v/prog; setsid sleep 30 <&7 >/dev/null & :"; change_below "$lower$v/prog"; in_box "run $v/prog"'
event exec host-modified '$v/prog'
twin_host 'in_box "exec 7<$v/prog; run /proc/self/fd/7"'

attack N13 'execs by vfork, posix_spawn and as another user, all of one new program'
does 'fresh $v/prog new; chmod 777 . new; python3 -c "import os; os.posix_spawn(\"./new\", [\"new\"], {})"; perl -e "system {\"./new\"} \"new\" and print \$!"
	setpriv --reuid 1000 --clear-groups ./new'
event exec added '$t/new' 3
twin 'setpriv --reuid 1000 --clear-groups $v/prog; perl -e "system {\$ARGV[0]} \"x\"" $v/prog'

attack N14 'data of the image mapped as code'
does 'probe map $v/data'
event mmap library '$v/data'
twin 'probe map $v/prog'

attack N15 'a program of the image by a second name beside a new library that it looks for there'
does 'mkdir p; ln $v/dyn p/dyn; fresh $v/lib.so p/lib.so; p/dyn'
event mmap added '$t/p/lib.so'
twin 'mkdir p; ln $v/dyn $v/second; $v/second'

attack N16 'a program on a file system that is mounted nowhere (fsmount)'
profile admin
does 'detached $v/prog'
event exec tmpfs '*new'
twin 'run $v/prog'

attack N17 'a program in a file that never has a name (O_TMPFILE)'
does 'unnamed $v/prog'
event exec deleted '*'
twin 'run $v/prog'

attack N18 'a program of the image in a chroot with a loader of its own'
word killed
ran 'status 0'
does 'mkdir -p jail/lib64 jail/lib/x86_64-linux-gnu; ln /usr/bin/true jail/true; fresh $ldso jail$ldso
	cp /lib/x86_64-linux-gnu/libc.so.6 jail/lib/x86_64-linux-gnu; chroot jail /true'
event mmap added '*ld-linux-x86-64.so.2' +
also mmap added '*libc.so.6'
twin 'chroot / /bin/true && echo ": ran"'

attack N19 'the name of a program of the image made a link to a new one'
does 'fresh $v/prog new; ln -sf $t/new $v/prog; run $v/prog'
event exec added '$t/new'
twin 'ln -s $v/prog link; run ./link'

attack N20 'a memory file made and run by an interpreter of the image alone'
does 'perl -e "open(I, \"<\", \$ARGV[0]); local \$/; \$b = <I>; \$n = \"perl\"; \$fd = syscall(319, \$n, 0); open(O, \">&=\$fd\"); \$| = 1;
	syswrite(O, \$b); exec({\"/proc/self/fd/\$fd\"} \"x\") or print \$!" $v/prog'
event exec memfd 'memfd:perl'
twin 'perl -e "exec({\$ARGV[0]} \"x\")" $v/prog'
