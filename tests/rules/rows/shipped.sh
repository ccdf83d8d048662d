# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# The rules of policies/rules/holdfast_rules.yaml, in its order.

rule 'Standard stream tied to a network connection'
fires '$act dup-connection 0' evt.rawres=0 evt.type=dup2 'fd.name~127\.0\.0\.1:.*->127\.0\.0\.1:'
fires '$act dup-connection 2' evt.rawres=2
fires '$act connect-as 1' evt.type=connect fd.num=1
silent '$act dup-connection 7'      # no standard stream
silent '$act dup-unix 0'            # no network
silent '$act connect 127.0.0.1 0'   # a usual connection
silent '/usr/sbin/inetd dup-connection 0'
silent 'busybox httpd -p 127.0.0.1:8099 -h /etc && busybox wget -q -O - http://127.0.0.1:8099/passwd | grep root'

rule 'Web server started a shell'
fires '/usr/sbin/nginx run /bin/sh -c true' proc.pname=nginx 'proc.cmdline=sh -c true'
fires '/usr/sbin/apache2 run /bin/ash -c true' proc.pname=apache2
silent '/usr/sbin/nginx run /bin/true'
silent '/usr/bin/app run /bin/sh -c true'
silent '/usr/sbin/apache2 run /bin/sh -c "/usr/sbin/sendmail -t -i"'
silent 'sh -c "/usr/sbin/nginx nothing"'

rule 'Process asked to be traced'
fires '$act trace-me' proc.name=act evt.res=SUCCESS
silent '/usr/bin/gdb trace-me'
silent '$act peek'

rule 'Code written into a process by ptrace'
fires '$act poke data' evt.arg.request=PTRACE_POKEDATA proc.name=act
fires '$act poke text' evt.arg.request=PTRACE_POKETEXT
silent '$act peek'
silent '$act trace-me'
silent '/usr/bin/gdb poke data'

rule 'Memory of another process written'
fires '$act vm-write' proc.name=act
silent '$act vm-write-self'
silent '$act vm-read'
silent '/usr/bin/gdb vm-write'
silent 'PMI_RANK=1 $act vm-write'

rule 'Process memory read through proc'
fires '$act open-read /proc/self/mem' fd.name=/proc/self/mem
fires 'cat /proc/$$/mem >/dev/null 2>&1' 'fd.name~/proc/[0-9]+/mem' proc.name=cat
silent '$act open-read /proc/self/maps'
silent '$act open-read /proc/meminfo'
silent '$act open-write /proc/self/mem'
silent '/usr/bin/gdb open-read /proc/self/mem'

rule 'Process memory opened for writing through proc'
fires '$act open-write /proc/self/mem' fd.name=/proc/self/mem
fires '$act open-write /proc/$$/mem' 'fd.name~/proc/[0-9]+/mem'
silent '$act open-read /proc/self/mem'
silent '$act open-write /proc/self/comm'
silent '/usr/bin/gdb open-write /proc/self/mem'

rule 'Written memory made executable'
fires '$act protect-exec' proc.name=act evt.arg.prot~PROT_EXEC
silent '$act protect-read'
silent '$act protect-all'
silent '$act protect-again'
silent '/usr/bin/java protect-exec'

rule 'Program run from memory'
fires '$act exec-memfd $act nothing' 'proc.exepath~memfd:'
fires 'cp $act /dev/shm/x; /dev/shm/x nothing; rm /dev/shm/x' proc.exepath=/dev/shm/x
silent 'cp $act /tmp/x; /tmp/x nothing; rm /tmp/x'
silent '$act nothing'

rule 'Hidden executable created'
fires '$act write-elf /tmp/.x' fd.name=/tmp/.x proc.name=act
fires 'mkdir -p /tmp/...; $act write-elf /tmp/.../x' fd.name=/tmp/.../x
fires 'mkdir -p /var/tmp/.hidden; cp /bin/busybox /var/tmp/.hidden/ls' fd.name=/var/tmp/.hidden/ls
silent '$act write-text /tmp/.y'
silent '$act write-elf /tmp/y'
silent 'mkdir -p /opt/app/.cargo/bin; $act write-elf /opt/app/.cargo/bin/tool'
silent 'echo setting >/opt/app/.profile'

rule 'Executable dropped in container'
fires '$act write-elf /srv/dropped' fd.name=/srv/dropped proc.name=act
fires 'cp /bin/busybox /tmp/dropped' fd.name=/tmp/dropped
fires '$act write-elf-over /srv/over' fd.name=/srv/over
silent '$act write-elf-behind /srv/archive'      # a program inside of another file
fires '/usr/bin/guile write-elf /srv/guile' fd.name=/srv/guile
silent '/usr/bin/guile write-elf /srv/x.scm.go.aB3dEf'
silent '$act write-text /srv/data'
silent 'cp /etc/passwd /tmp/passwd'
silent '/usr/bin/java write-elf /tmp/libnetty.so'
silent '/usr/bin/dpkg run $act write-elf /usr/bin/packaged'
on host
silent '$act write-elf /tmp/hf-rules-elf; rm -f /tmp/hf-rules-elf'

rule 'Library injected by the environment'
fires 'LD_PRELOAD=/tmp/x.so $act nothing' 'proc.env[LD_PRELOAD]=/tmp/x.so'
fires 'LD_PRELOAD="libc.so.6 /dev/shm/x.so" $act nothing'
fires 'LD_PRELOAD=./x.so $act nothing'
fires 'LD_PRELOAD=/usr/lib/../../tmp/x.so $act nothing'
fires 'LD_AUDIT=/usr/lib/audit.so $act nothing' 'proc.env[LD_AUDIT]=/usr/lib/audit.so'
fires 'GCONV_PATH=. $act nothing'
fires '/lib64/ld-linux-test.so.2 --preload /tmp/x.so /bin/true' 'proc.cmdline~--preload'
silent 'LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 $act nothing'
silent 'LD_PRELOAD=libfakeroot.so:libfaketime.so.1 $act nothing'
silent 'LD_LIBRARY_PATH=/tmp $act nothing'
silent 'LD_PRELOAD= $act nothing'

rule 'Preload file of the loader changed'
fires 'echo /tmp/x.so >/etc/ld.so.preload; rm /etc/ld.so.preload' fd.name=/etc/ld.so.preload
fires 'echo >/tmp/p; mv /tmp/p /etc/ld.so.preload' 'evt.args~/etc/ld\.so\.preload'
fires '$act rename /etc/ld.so.preload /etc/x; ln -s /etc/x /etc/ld.so.preload; rm /etc/ld.so.preload' 'evt.type~symlink'
silent 'cat /etc/ld.so.preload 2>/dev/null'
silent 'echo >/etc/ld.so.conf'
silent '/usr/bin/dpkg run /bin/sh -c "echo >/etc/ld.so.preload"'

rule 'Default loader changed'
fires '$act open-write /lib64/ld-linux-x86-64.so.2' fd.name=/lib64/ld-linux-x86-64.so.2
fires 'echo >/tmp/l; mv /tmp/l /lib/ld-musl-x86_64.so.1' 'evt.args~/lib/ld-musl-x86_64\.so\.1'
fires 'ln -sf /tmp/l /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2'
silent '$act open-read /lib64/ld-linux-x86-64.so.2'
silent 'echo >/lib64/libc.so.6'
silent 'echo >/usr/lib/libldb.so.2'
silent '/usr/bin/dpkg run $act open-write /lib64/ld-linux-x86-64.so.2'

rule 'Service account token read'
fires 'cat /var/run/secrets/kubernetes.io/serviceaccount/token' fd.name=/var/run/secrets/kubernetes.io/serviceaccount/token
fires '$act open-read /run/secrets/kubernetes.io/serviceaccount/token' proc.name=act
silent 'cat /var/run/secrets/kubernetes.io/serviceaccount/ca.crt'
silent '/usr/bin/kubectl open-read /var/run/secrets/kubernetes.io/serviceaccount/token'
silent '/usr/bin/tini run /usr/bin/app open-read /var/run/secrets/kubernetes.io/serviceaccount/token'
silent 'cat /srv/token'

rule 'Connection to the Kubernetes API'
fires 'KUBERNETES_SERVICE_HOST=127.0.0.3 $act connect 127.0.0.3 6443' 'fd.name~->127\.0\.0\.3:6443$'
silent 'KUBERNETES_SERVICE_HOST=127.0.0.3 $act connect 127.0.0.4 6443'
silent 'KUBERNETES_SERVICE_HOST=127.0.0.3 $act connect 127.0.0.33 6443'
silent '$act connect 127.0.0.3 6443'
silent 'KUBERNETES_SERVICE_HOST=127.0.0.3 /usr/bin/kubectl connect 127.0.0.3 6443'

rule 'Kubernetes certificates taken'
fires 'cat /etc/kubernetes/pki/ca.key' fd.name=/etc/kubernetes/pki/ca.key proc.name=cat
fires 'mv /etc/kubernetes/pki/ca.key /tmp/ca.key; cp /tmp/ca.key /etc/kubernetes/pki/ca.key'
silent 'cat /etc/kubernetes/admin.conf'
silent '/usr/bin/kube-apiserver open-read /etc/kubernetes/pki/ca.key'
silent 'ls /etc/kubernetes/pki'

rule 'Cgroup told to notify on release'
fires 'mkdir -p /tmp/cg; echo 1 >/tmp/cg/notify_on_release' fd.name=/tmp/cg/notify_on_release
silent 'cat /tmp/cg/notify_on_release'
silent 'echo 1 >/tmp/cg/cgroup.procs'
on host
silent 'echo 1 >/tmp/notify_on_release; rm /tmp/notify_on_release'

rule 'Cgroup release agent set'
fires 'mkdir -p /tmp/cg; echo /cmd >/tmp/cg/release_agent' fd.name=/tmp/cg/release_agent
fires 'mkdir -p /tmp/cg; echo /cmd >/tmp/a; mv /tmp/a /tmp/cg/release_agent' 'evt.type~rename'
silent 'cat /tmp/cg/release_agent'
silent 'echo >/tmp/release_agent.txt'

rule 'Core pattern changed'
fires '$act open-write /proc/sys/kernel/core_pattern' fd.name=/proc/sys/kernel/core_pattern
silent 'cat /proc/sys/kernel/core_pattern'
silent '$act open-write /proc/sys/kernel/core_uses_pid'
silent '/usr/lib/systemd/systemd-sysctl open-write /proc/sys/kernel/core_pattern'

rule 'System request keys used'
fires '$act open-write /proc/sysrq-trigger' fd.name=/proc/sysrq-trigger
fires '$act open-write /proc/sys/kernel/sysrq' fd.name=/proc/sys/kernel/sysrq
silent 'cat /proc/sys/kernel/sysrq'
silent '$act open-write /proc/sys/kernel/panic'

rule 'Disk mounted in container'
fires '$act mount /dev/none /mnt ext4' 'evt.args~/dev/none' evt.type=mount
fires '$act mount-new /dev/none ext4' evt.type=fsconfig 'evt.args~/dev/none'
silent '$act mount tmpfs /mnt tmpfs; umount /mnt'
silent '$act mount /dev/null /etc/hostname bind; umount /etc/hostname'
silent '$act mount-new none ext4'

rule 'Container runtime socket used in container'
fires '$act connect-unix /run/docker.sock' 'fd.name~/run/docker\.sock$'
fires '$act connect-unix /run/containerd.sock' 'fd.name~/run/containerd\.sock$'
silent '$act connect-unix /run/app.sock'
silent '$act connect-unix /run/notdocker.sock'
on host
silent '$act connect-unix /tmp/docker.sock'

rule 'Address space randomisation looked up'
fires 'cat /proc/sys/kernel/randomize_va_space' fd.name=/proc/sys/kernel/randomize_va_space proc.name=cat
silent 'cat /proc/sys/kernel/pid_max'
silent '$act open-write /proc/sys/kernel/randomize_va_space'
silent '/usr/bin/lynis open-read /proc/sys/kernel/randomize_va_space'

rule 'Kernel memory read through kcore'
fires '$act open-read /proc/kcore' fd.name=/proc/kcore
silent '$act open-read /proc/kallsyms'
silent '$act open-read /tmp/kcore'

rule 'Scheduler debug file read'
fires '$act open-read /proc/sched_debug' fd.name=/proc/sched_debug
fires '$act open-read /sys/kernel/debug/sched/debug' fd.name=/sys/kernel/debug/sched/debug
silent '$act open-read /proc/schedstat'
silent '$act open-read /proc/self/sched'

rule 'Kernel module loaded'
fires '$act load-module' evt.type=init_module proc.name=act
fires '$act load-module-file /bin/busybox' evt.type=finit_module
silent '$act open-read /lib/modules/test.ko'

rule 'Start script changed'
fires 'echo >/etc/rc.local' fd.name=/etc/rc.local
fires 'echo >/etc/init.d/x' fd.name=/etc/init.d/x
fires 'echo >/tmp/s; mv /tmp/s /etc/rc2.d/S01x' 'evt.args~/etc/rc2\.d/S01x'
fires 'ln -s /tmp/s /etc/rcS.d/S02x' 'evt.type~symlink'
fires '/usr/sbin/update-rc.d nothing' proc.name=update-rc.d
silent 'cat /etc/init.d/x'
silent 'echo >/etc/rc.conf'
silent 'mkdir -p /srv/etc/init.d; echo >/srv/etc/init.d/x'
silent '/usr/bin/dpkg run /bin/sh -c "echo >/etc/init.d/packaged"'

rule 'Scheduled task changed'
fires 'echo >/etc/crontab' fd.name=/etc/crontab
fires 'echo >/etc/cron.d/x' fd.name=/etc/cron.d/x
fires 'echo >/tmp/c; mv /tmp/c /var/spool/cron/crontabs/root' 'evt.args~/var/spool/cron/crontabs/root'
fires '/usr/bin/crontab nothing' proc.name=crontab
silent '/usr/bin/crontab -l'
silent 'cat /etc/crontab'
silent 'echo >/etc/cron.txt'
silent '/usr/sbin/crond write-text /var/spool/cron/crontabs/cron.update'
silent '/usr/bin/dpkg run /bin/sh -c "echo >/etc/cron.daily/packaged"'

rule 'Sudoers changed'
fires 'echo >>/etc/sudoers' fd.name=/etc/sudoers
fires 'echo >/etc/sudoers.d/x' fd.name=/etc/sudoers.d/x
fires 'cp /etc/sudoers /tmp/su; mv /tmp/su /etc/sudoers' 'evt.args~/etc/sudoers'
silent 'cat /etc/sudoers'
silent 'echo >/etc/sudo.conf'
silent '/usr/bin/dpkg run /bin/sh -c "echo >/etc/sudoers.d/packaged"'

rule 'Drift prevented'
on locked
fires 'cp $act /srv/d; /srv/d nothing; rm /srv/d' drift.verdict=denied drift.reason=added drift.path=/srv/d
silent '$act nothing'
on box
silent 'cp $act /srv/d; /srv/d nothing; rm /srv/d'

rule 'Drifted program run'
on box
fires 'cp $act /srv/e; /srv/e nothing; rm /srv/e' drift.reason=added drift.path=/srv/e
silent '$act nothing'
on locked
silent 'cp $act /srv/e; /srv/e nothing; rm /srv/e'

rule 'Drifted library or script used'
on box
fires 'echo "exit 0" >/srv/s.sh; sh /srv/s.sh' drift.class=script drift.path=/srv/s.sh
silent 'sh -c "exit 0"'

rule 'Code or kernel tampered with under audit'
on box
fires '$act vm-write' drift.reason=ptrace
silent '$act vm-write-self'
