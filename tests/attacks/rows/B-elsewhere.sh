# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2154
# 1B: files from somewhere else.

attack B01-shm 'a program on /dev/shm'
does 'fresh $v/prog /dev/shm/b01 && run /dev/shm/b01'
event exec tmpfs /dev/shm/b01
twin 'cp $v/data /dev/shm/b01-data && run $v/prog'

attack B01-run 'a program on /run'
does 'fresh $v/prog /run/b01 && run /run/b01'
event exec tmpfs /run/b01
twin 'cp $v/data /run/b01-data && run $v/prog'

attack B01-library 'a library on /dev/shm'
does 'fresh $v/lib.so /dev/shm/b01.so && preload /dev/shm/b01.so'
event mmap tmpfs /dev/shm/b01.so
twin 'preload $v/lib.so'

attack B01-own 'a program on a tmpfs of its own, in a user namespace'
does 'mkdir usr; with-mount -U tmpfs none usr - sh -c "cp $v/prog usr/new; printf x >>usr/new; probe exec $t/usr/new"'
event exec tmpfs '*usr/new'
twin 'mkdir usr; with-mount -U tmpfs none usr - probe exec $v/prog'

attack B01-bound 'a program on /dev/shm, by a name elsewhere'
does 'mkdir bound; fresh $v/prog /dev/shm/b01bound; with-mount -U bind /dev/shm bound - probe exec $t/bound/b01bound'
event exec tmpfs '*b01bound'
twin 'mkdir bound; with-mount -U bind /dev/shm bound - probe exec $v/prog'

attack B02-writable 'a program on a writable volume'
setting 'volumes: {writable: allow}' allow
setting 'volumes: {writable: audit}' alert
setting 'volumes: {allow: [{path: /vol/rw}]}' allow
does 'run /vol/rw/prog'
event exec volume /vol/rw/prog
twin 'cat /vol/rw/prog >/dev/null && run $v/prog'

attack B02-dropped 'a program put on a writable volume by the container'
does 'fresh $v/prog /vol/rw/dropped && run /vol/rw/dropped'
event exec volume /vol/rw/dropped
twin 'cp $v/data /vol/rw/data && run $v/prog'

attack B02-readonly 'a program on a read-only volume'
verdict allow
setting 'volumes: {readOnly: audit}' alert
setting 'volumes: {readOnly: deny}' deny
does 'run /vol/ro/prog'
event exec volume /vol/ro/prog
twin 'cat /vol/ro/prog >/dev/null && run $v/prog'

attack B02-library 'a library on a writable volume'
setting 'volumes: {writable: allow}' allow
does 'preload /vol/rw/lib.so'
event mmap volume /vol/rw/lib.so
twin 'preload $v/lib.so'

attack B02-script 'a script on a writable volume'
setting 'volumes: {writable: allow}' allow
does 'run /vol/rw/script'
event exec volume /vol/rw/script
twin 'run $v/script'

attack B02-other 'an allow entry for one volume is none for another'
setting 'volumes: {allow: [{path: /vol/plugins}]}' deny
does 'run /vol/rw/prog'
event exec volume /vol/rw/prog
twin 'run $v/prog'

attack B02-loader 'a program on a noexec volume, by the loader: the kernel refuses after us'
ran EPERM
does '$ldso /vol/noexec/prog'
event mmap volume /vol/noexec/prog
twin '$ldso /bin/true && echo ": ran"'

attack B03 'a bind mount over a program of the image'
digest any
profile admin
does 'fresh $v/prog evil; with-mount bind evil $v/prog - probe exec $v/prog'
event exec added '$v/prog'
twin 'with-mount bind $v/prog $v/script - probe exec $v/script'

attack B03-userns 'the same in a user namespace'
digest any
does 'fresh $v/prog evil; with-mount -U bind evil $v/prog - probe exec $v/prog'
event exec added '$v/prog'
twin 'with-mount -U bind $v/prog $v/script - probe exec $v/script'

# Images of file systems with one program, for the loop device.
layer_disks() {
	local dir=$hf_dir/disk
	mkdir -p "$dir" "$1/opt/attacks/disks"
	cp "$hf_tree/build/attacks/victims/prog" "$dir/prog"
	printf 'on a disk' >>"$dir/prog"
	mksquashfs "$dir" "$1/opt/attacks/disks/squashfs" -noappend -comp gzip >/dev/null 2>&1
	mkfs.erofs "$1/opt/attacks/disks/erofs" "$dir" >/dev/null 2>&1
	mke2fs -q -t ext4 -O ^has_journal -d "$dir" "$1/opt/attacks/disks/ext4" 512k >/dev/null 2>&1
}

for kind in squashfs erofs ext4; do
	attack B05-$kind "a $kind image mounted in the container"
	profile admin
	needs "the kernel has no $kind" "modprobe loop; modprobe $kind; grep -qw $kind /proc/filesystems"
	needs "no program makes $kind images here" "[[ -s \$attacks_layer/opt/attacks/disks/$kind ]]"
	does "mkdir m; with-mount -l $kind /opt/attacks/disks/$kind m - probe exec \$t/m/prog"
	event exec foreign '*m/prog'
	twin "mkdir m; with-mount -l $kind /opt/attacks/disks/$kind m - probe exec \$v/prog"
done

# A program of the image that runs as long as one wants, to be removed.
layer_unlinked() {
	local folder perl
	perl=$(image_lower_file /usr/bin/perl)
	for folder in "$1"/v/B07-exe/*/*; do
		[[ ! -d $folder ]] || cp "$perl" "$folder/perl"
	done
}

# The folder that the VM shares with its host, over 9p.
profile_remote() {
	local dir
	dir=$(findmnt -n -t 9p -O rw -o TARGET | tail -n 1)
	mkdir -p "$dir/attacks" && cp "$attacks_volumes/rw/prog" "$dir/attacks/prog" || return 1
	BUNDLE_JQ='.mounts += [{destination: "/vol/remote", type: "bind", source: "'$dir'/attacks", options: ["rbind", "rw"]}]'
}

attack B06-9p 'a program on a 9p share'
profile remote
needs 'no writable 9p share in this VM' 'findmnt -n -t 9p -O rw'
does 'run /vol/remote/prog'
event exec volume /vol/remote/prog
twin 'cat /vol/remote/prog >/dev/null; run $v/prog'

attack B06-nfs 'a program on NFS, changed on the server between check and use'
never 'the VM has no NFS server'

attack B07-fd 'a new program by /proc/self/fd and /dev/fd'
does 'fresh $v/prog new; exec 7<new; run /proc/self/fd/7; probe exec /proc/$$/fd/7'
event exec added '$t/new' 2
also read script '$t/new' # the shell opens what it redirects from as it opens what it sources
twin 'exec 7<$v/prog; run /proc/self/fd/7; probe exec /proc/$$/fd/7'

attack B07-root 'a new program by /proc/self/root and /proc/self/cwd'
does 'fresh $v/prog new; run /proc/self/root$t/new; run /proc/self/cwd/new'
event exec added '$t/new' 2
twin 'cd $v; run /proc/self/root$v/prog; run /proc/self/cwd/prog'

attack B07-exe 'a program of the image that was unlinked while it ran, by /proc/PID/exe'
verdict allow
does '$v/perl -e "sleep 60" & pid=$!
	until [ "$(readlink /proc/$pid/exe)" = $v/perl ]; do :; done; rm $v/perl; run /proc/$pid/exe -e "exit 0"; kill $pid'
twin 'run $v/perl -e "exit 0"'

attack B07-map_files 'a new program by /proc/self/map_files'
profile admin
does 'fresh $v/prog new; map-files ./new'
event exec added '$t/new'
twin 'map-files $v/prog'

attack B09-memfd 'a memory file run'
setting 'memory: {memfdExec: allow}' allow
setting 'memory: {memfdExec: audit}' alert
does 'memfd-exec $v/prog anything'
event exec memfd 'memfd:anything'
twin 'run $v/prog'

attack B09-slashes 'a memory file whose name is like a path that an exception is for'
setting 'exceptions: [{name: plugins, paths: ["/plugins/**", "/plugins/*"]}]' deny
does 'memfd-exec $v/prog x/plugins'
event exec memfd 'memfd:x/plugins'
twin 'run $v/prog'

attack B09-runtime 'a sealed memory file with the name and process name of a runtime'"'"'s own'
does 'own-clone $v/prog'
event exec memfd 'memfd:runc_cloned:/proc/self/exe'
twin 'run $v/prog'

attack B12-zero 'pages of /dev/zero mapped as code'
profile admin
does 'mknod -m 666 /dev/zero0 c 1 5; map-exec private /dev/zero0'
event mmap tmpfs /dev/zero0
twin 'map-exec private $v/prog'

attack B12-ramfs 'a program on a ramfs of its own'
profile admin
does 'mkdir m; with-mount ramfs none m - sh -c "cp $v/prog m/new; printf x >>m/new; probe exec $t/m/new"'
event exec foreign '*m/new'
twin 'mkdir m; with-mount ramfs none m - probe exec $v/prog'

attack B12-hugetlbfs 'pages of hugetlbfs mapped as code'
never 'the VM has no huge pages to give'

attack B12-gpu 'device memory mapped as code'
never 'the VM has no such device'

attack B14-remount 'a noexec volume remounted to allow exec'
profile admin
does 'with-mount remount none /vol/noexec - probe exec /vol/noexec/prog'
event exec volume /vol/noexec/prog
twin 'with-mount remount none /vol/noexec - probe exec $v/prog'

attack B14-idmap 'a volume mounted again with shifted owners'
profile admin
does 'mkdir m; idmap /vol/rw m probe exec $t/m/prog'
event exec '*' '*prog'
twin 'mkdir m; idmap /vol/rw m probe exec $v/prog'

for mode in honest liar; do
	attack B04-$mode "a program on FUSE, from a server that is $([[ $mode == liar ]] && echo 'a liar' || echo honest)"
	profile admin
	needs 'the kernel has no FUSE' 'modprobe fuse'
	digest any
	does "mkdir m; fuse-server $mode m \$v/prog probe exec \$t/m/prog"
	event exec foreign '*m/prog'
	twin "mkdir m; fuse-server $mode m \$v/prog probe exec \$v/prog"
done
