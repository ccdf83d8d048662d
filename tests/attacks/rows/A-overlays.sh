# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1A: overlays that the container mounts itself, in which the attacker's files are "lower".

attack A19 'an overlay of the container'"'"'s own folders, without an upper one'
profile admin
does 'mkdir one two m; fresh $v/prog one/new; with-mount overlay none m lowerdir=$t/one:$t/two probe exec $t/m/new'
event exec foreign '*m/new'
twin 'mkdir one two m; with-mount overlay none m lowerdir=$t/one:$t/two probe exec $v/prog'

attack A19-map 'the same, mapped as code'
profile admin
does 'mkdir one two m; fresh $v/prog one/new; with-mount overlay none m lowerdir=$t/one:$t/two probe map $t/m/new'
event mmap foreign '*m/new'
also mmap-backing '*' '*'
twin 'mkdir one two m; with-mount overlay none m lowerdir=$t/one:$t/two probe map $v/prog'

attack A19-protect 'the same, mapped and then made code'
profile admin
does 'mkdir one two m; fresh $v/prog one/new; with-mount overlay none m lowerdir=$t/one:$t/two probe mprotect $t/m/new'
event mprotect '@(added|foreign)' '*new' # the real file below is one of the writable layer; some kernels name the overlay's
digest any
twin 'mkdir one two m; with-mount overlay none m lowerdir=$t/one:$t/two probe mprotect $v/prog'

attack A19-over 'an overlay with the image'"'"'s own root as its lower layer and a writable one above'
profile admin
does 'mkdir up; with-mount tmpfs none up - sh -c "mkdir up/u up/w up/m
	with-mount overlay none up/m lowerdir=/opt,upperdir=up/u,workdir=up/w sh -c \"cp $v/prog up/m/new; printf x >>up/m/new; probe exec up/m/new\""'
event exec foreign '*m/new'
twin 'mkdir up; with-mount tmpfs none up - probe exec $v/prog'

attack A20 'an overlay of an unprivileged user in a user namespace of its own, on a tmpfs'
does 'mkdir m; chmod 777 . m; fresh $v/prog new; chmod 755 new; exec setpriv --reuid 1000 --regid 1000 --clear-groups -- with-mount -U tmpfs none m - sh -c "
	mkdir m/l m/u m/w m/o; cp new m/l/new; with-mount overlay none m/o lowerdir=m/l,upperdir=m/u,workdir=m/w,userxattr probe exec m/o/new"'
event exec foreign '*o/new'
twin 'mkdir m; chmod 777 . m; exec setpriv --reuid 1000 --regid 1000 --clear-groups -- with-mount -U tmpfs none m - probe exec $v/prog'
