# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# Falco's stable rules, which are not part of this project: tried where HOLDFAST_SHARED has them (falco/falco_rules.yaml).

rule 'Directory traversal monitored file read'
fires '$act run $act open-read /tmp/../tmp/../etc/passwd' fd.nameraw=/tmp/../tmp/../etc/passwd proc.pname=act
silent '$act run $act open-read /etc/passwd'
silent '$act run $act open-read /tmp/../srv/../tmp/passwd'

rule 'Read sensitive file trusted after startup'
fires '/usr/sbin/nginx later 7 /etc/shadow' fd.name=/etc/shadow proc.name=nginx
silent '/usr/sbin/nginx open-read /etc/shadow'

rule 'Read sensitive file untrusted'
fires '$act open-read /etc/shadow' fd.name=/etc/shadow proc.name=act
silent '$act open-read /etc/passwd'

rule 'Run shell untrusted'
fires '/usr/sbin/nginx run /bin/sh -c true' proc.pname=nginx proc.name=sh
silent '/usr/bin/app run /bin/sh -c true'

rule 'System user interactive'
fires '/usr/sbin/sshd run-as 33 /bin/true' user.name=www-data proc.name=true
silent '/usr/bin/app run-as 33 /bin/true'
silent '/usr/sbin/sshd run-as 1000 /bin/true'

rule 'Terminal shell in container'
on host
fires 'enter_with_terminal /bin/sh -c true' proc.name=sh
silent 'enter /bin/sh -c true'
silent 'enter_with_terminal /bin/true'

rule 'Netcat Remote Code Execution in Container'
fires 'nc -e /bin/true 127.0.0.1 1 2>/dev/null' proc.name=nc
silent 'nc -w 1 127.0.0.1 1 2>/dev/null'

rule 'Search Private Keys or Passwords'
fires 'grep "BEGIN RSA PRIVATE" /etc/passwd' proc.name=grep
fires 'find /home -name id_rsa' 'proc.cmdline~id_rsa'
silent 'grep root /etc/passwd'
silent 'find /home -name notes'

rule 'Clear Log Activities'
fires 'mkdir -p /var/log; echo >/var/log/syslog' fd.name=/var/log/syslog
silent 'echo >>/var/log/syslog'

rule 'Remove Bulk Data from Disk'
fires 'echo >/tmp/bulk; shred /tmp/bulk' proc.name=shred
silent 'rm /tmp/bulk'

rule 'Create Symlink Over Sensitive Files'
fires 'ln -s /etc/shadow /tmp/link; rm /tmp/link' evt.arg.target=/etc/shadow evt.arg.linkpath=/tmp/link
silent 'ln -s /etc/passwd /tmp/link; rm /tmp/link'

rule 'Create Hardlink Over Sensitive Files'
fires 'ln /etc/shadow /etc/link; rm /etc/link' evt.arg.oldpath=/etc/shadow evt.arg.newpath=/etc/link
silent 'ln /etc/passwd /etc/link; rm /etc/link'

rule 'Packet socket created in container'
fires '$act packet-socket' 'evt.args~AF_PACKET'
silent '$act connect 127.0.0.1 0'

rule 'Redirect STDOUT/STDIN to Network Connection in Container'
fires '$act dup-connection 1' evt.type=dup2 fd.type=ipv4
silent '$act dup-connection 7'
silent '$act dup-unix 1'

rule 'Linux Kernel Module Injection Detected'
fires '$act load-module' evt.type=init_module
silent '$act open-read /lib/modules/test.ko'

rule 'Debugfs Launched in Privileged Container'
fires '/usr/sbin/debugfs nothing' proc.name=debugfs
silent '/usr/sbin/nginx nothing'

rule 'Detect release_agent File Container Escapes'
fires 'mkdir -p /tmp/cg; echo >/tmp/cg/release_agent' fd.name=/tmp/cg/release_agent
silent 'cat /tmp/cg/release_agent'

rule 'PTRACE attached to process'
fires '$act poke data' proc.name=act evt.type=ptrace
silent '$act trace-me'

rule 'PTRACE anti-debug attempt'
fires '$act trace-me' proc.name=act evt.type=ptrace
silent '$act peek'

rule 'Find AWS Credentials'
fires 'grep aws_secret_access_key /etc/passwd' proc.name=grep
fires 'find /home -path .aws/credentials' proc.name=find
silent 'grep root /etc/passwd'

rule 'Execution from /dev/shm'
fires 'cp $act /dev/shm/x; /dev/shm/x nothing; rm /dev/shm/x' proc.exepath=/dev/shm/x
silent 'cp $act /tmp/x; /tmp/x nothing; rm /tmp/x'

rule 'Drop and execute new binary in container'
fires 'cp $act /srv/new; /srv/new nothing; rm /srv/new' proc.exepath=/srv/new
silent '$act nothing'

rule 'Disallowed SSH Connection Non Standard Port'
fires 'ip addr add 203.0.113.1/32 dev lo 2>/dev/null; /usr/bin/ssh connect 203.0.113.1 443' proc.name=ssh fd.rport=443
silent '/usr/bin/ssh connect 203.0.113.1 22'
silent '/usr/bin/ssh connect 127.0.0.1 443'
silent '$act connect 203.0.113.1 443'

rule 'Fileless execution via memfd_create'
fires '$act exec-memfd $act nothing' 'proc.exepath~memfd:'
silent '$act nothing'
