# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1A: files in the container's own root, by what is done to them.

attack A01 'a new program dropped and run'
does 'fresh $v/prog new && run ./new'
event exec added '$t/new'
twin 'run $v/prog'

attack A02-preload 'a new library through LD_PRELOAD'
does 'fresh $v/lib.so new.so && preload ./new.so'
event mmap added '$t/new.so'
twin 'preload $v/lib.so'

attack A03 'a program of the image modified in place'
does 'flip $v/prog; run $v/prog'
event exec modified '$v/prog'
twin 'flip $v/data; run $v/prog'

attack A04 'another file moved over a program of the image'
does 'fresh $v/prog other && mv other $v/prog && run $v/prog'
event exec added '$v/prog'
twin 'cp $v/data other && mv other $v/data && run $v/prog'

attack A05 'unlinked and made again with the same size, mode and times'
does 'cp -p $v/prog old && rm $v/prog && cp -p old $v/prog && flip $v/prog && touch -r old $v/prog && run $v/prog'
event exec added '$v/prog'
twin 'cp -p $v/data old && rm $v/data && cp -p old $v/data && flip $v/data && touch -r old $v/data && run $v/prog'

attack A10-chmod 'mode changed and changed back'
verdict allow
does 'chmod 700 $v/prog && chmod 755 $v/prog && run $v/prog'
setting 'executables: {modifiedMetadata: audit}' alert
setting 'executables: {modifiedMetadata: deny}' deny
event exec metadata '$v/prog'
twin 'chmod 700 $v/data && run $v/prog'

attack A15 'the lower layer rewritten underneath, in place'
does_host 'printf x | dd of=$lower$v/prog bs=1 seek=$(($(stat -c %s "$lower$v/prog") - 1)) conv=notrunc 2>/dev/null; in_box "run $v/prog"'
event exec host-modified '$v/prog'
twin_host 'in_box "run $v/prog"'
