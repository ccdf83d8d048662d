# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1B: files from somewhere else.

attack B01-shm 'a program on /dev/shm'
does 'fresh $v/prog /dev/shm/b01 && run /dev/shm/b01'
event exec tmpfs /dev/shm/b01
twin 'cp $v/data /dev/shm/b01-data && run $v/prog'

attack B02-writable 'a program on a writable volume'
does 'run /vol/rw/prog'
event exec volume /vol/rw/prog
setting 'volumes: {writable: allow}' allow
setting 'volumes: {writable: audit}' alert
setting 'volumes: {allow: [{path: /vol/rw}]}' allow
twin 'cat /vol/rw/prog >/dev/null && run $v/prog'

attack B09 'a memory file run under the name of a runtime'
does 'memfd-exec $v/prog "runc_cloned:/proc/self/exe"'
event exec memfd 'memfd:runc_cloned:/proc/self/exe'
setting 'memory: {memfdExec: allow}' allow
setting 'memory: {memfdExec: audit}' alert
twin 'run $v/prog'
