# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1F: the enforcer's own limits, as far as a container can try them beside others. What needs the daemon stopped, a full disk or a
# machine of its own is shown by topics of tests/drift, which the last rows name.

attack F13-deep '200 folders deep'
does 'd=.; for i in $(seq 200); do d=$d/0123456789; done; mkdir -p $d; fresh $v/prog $d/new && run $d/new'
event exec added '$t/0123456789/*/0123456789/new'
twin 'd=.; for i in $(seq 200); do d=$d/0123456789; done; mkdir -p $d; ln -s $v/prog $d/old && run $d/old'

attack F13-long 'a path longer than any that may be given'
does 'deep 200 30 sh -c "cp $v/prog new; printf x >>new; probe exec ./new"'
event exec added '*/new'
flags path-cut
digest any
twin 'deep 200 30 sh -c "ln -s $v/prog old; probe exec ./old"'

attack F13-deleted 'a name that ends like that of a deleted file'
does 'fresh $v/prog "new (deleted)" && run "./new (deleted)"'
event exec added '$t/new[[:blank:]](deleted)' # patterns hold no blank
flags '!deleted'
twin 'ln -s $v/prog "old (deleted)" && run "./old (deleted)"'

attack F13-deleted-too 'a file that was deleted, by a descriptor: told by a flag, not by its name'
does 'fresh $v/prog new; exec 7<new; rm new; probe exec /proc/self/fd/7'
event exec deleted '$t/new'
also read script '$t/new'
flags deleted
digest any
twin 'exec 7<$v/prog; rm $v/script; probe exec /proc/self/fd/7'

attack F13-newline 'a name that looks like an event of its own'
does 'x="new
{\"type\":\"drift\",\"action\":\"audited\"}"; fresh $v/prog "$x"; mv "$x" y; ln y "$(printf "a\\033[31m\\tb")"; run "./$(printf "a\\033[31m\\tb")"'
event exec added '$t/a*b'
digest any
twin 'ln -s $v/prog "$(printf "o\\033[31m\\tb")"; run "./$(printf "o\\033[31m\\tb")"'

attack F13-unreachable 'a file of a mount that is gone from the tree'
profile admin
does 'mkdir m; with-mount tmpfs none m - sh -c "cp $v/prog m/new; exec 3<m/new; perl -e \"\\\$p = q(m); syscall(166, \\\$p, 2)\"; probe exec /proc/self/fd/3"'
event exec tmpfs '*new'
also read script '*new'
digest any
twin 'exec 3<$v/prog && probe exec /proc/self/fd/3'

attack F14-none 'no argument at all'
does 'fresh $v/prog new && exec-args none ./new'
event exec added '$t/new'
twin 'exec-args none $v/prog'

attack F14-long 'an argument of 128 KiB'
does 'fresh $v/prog new && exec-args long ./new'
event exec added '$t/new'
twin 'exec-args long $v/prog'

attack F14-many 'a megabyte of arguments'
does 'fresh $v/prog new && exec-args many ./new'
event exec added '$t/new'
twin 'exec-args many $v/prog'

# elsewhere ID TITLE TOPIC; units ID TITLE TESTS: what shows it.
elsewhere() {
	attack "$1" "$2"
	never "shown by the topic $3 of tests/drift"
}

units() {
	attack "$1" "$2"
	never "shown by $3"
}

elsewhere F01 'the daemon killed at any point' 'kill'
elsewhere F02 'the daemon stopped, or starved' 'frozen, load'
elsewhere F05-host 'pins and mounts, by root on the host' guard
elsewhere F07 'every table full' full
elsewhere F08 'a flood that nobody reads' events
elsewhere F09 'a noisy container, a quiet one' share
elsewhere F10 'losses, however few' events
elsewhere F11 'a disk that is full, read-only or broken' disk
elsewhere F15 'policies that only want to cost something' abuse
elsewhere F17 'clients that mean no good' abuse
elsewhere F20 'images that are too large, or hostile' memory
elsewhere F26 'hosts that cannot be protected' 'unsupported (boots of its own)'
elsewhere F27 'versions over each other, both ways' upgrade
elsewhere F28 'a thousand reloads under a storm of execs' storm
elsewhere F34 'a status that lies' 'full, disk, guard'
elsewhere E10 'containers that ran before the daemon, some drifted already' adopt

units F19 'layers that point outside of themselves' 'tests/unit/test_imagedb_hostile.c and test_imagedb_open.c'
units F21 'ELF files that only want to cost something' 'tests/unit/test_imagedb_elf.c and tests/fuzz/fuzz_elf.c'
units F22 'files that change while they are read' 'tests/unit/test_imagedb_scan.c and test_imagedb_digest.c'
units F23 'names that all fall into one place of a table' 'tests/unit/test_lsm_sweep.c; no table of user space is hashed by what others choose'
units F29 'each call and each allocation that fails' 'tests/unit/test_faults.c and test_*_alloc.c'
units F32 'patterns that cost much' 'tests/unit/test_rule_regex.c and test_policies_glob.c'
units F33 'an attacker while something is learned' 'nothing: there is no learning, only the image and what policies name'
units F35 'capabilities that were given and not taken away' 'tests/unit/test_privilege.c and test_confined.c'
