# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2154
# 1A: what lies below the container's root: layers, other kinds of roots, former lives, the host's hand.

# change_below FILE: the host writes one byte of it in place.
change_below() {
	printf x | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 1)) conv=notrunc 2>/dev/null
}

# A root on an overlay with all that kernels can put into one.
profile_features() {
	local dir=/mnt/images/attacks/features
	mkdir -p "$dir"/{upper,work,root}
	mount -t overlay overlay -o "lowerdir=$(image_lower attacks),upperdir=$dir/upper,workdir=$dir/work,redirect_dir=on,metacopy=on,index=on" \
		"$dir/root" || return 1
	BUNDLE_ROOT=$dir/root
}

attack A09 'a folder of the image renamed (redirect_dir=on)'
profile features
verdict allow
does 'mv $v folder && run folder/prog'
twin 'run $v/prog'

attack A09-written 'a folder of the image renamed, then a program in it changed'
profile features
does 'mv $v folder && flip folder/prog; run folder/prog'
event exec modified '$t/folder/prog'
twin 'run $v/prog'

attack A11-metacopy 'setuid given where only metadata are copied up (metacopy=on)'
profile features
verdict alert
does 'chmod u+s $v/prog && run $v/prog'
event exec metadata '$v/prog'
twin 'chmod 700 $v/prog && run $v/prog'

attack A11-metacopy-written 'metadata copied up, then a byte written'
profile features
does 'chmod 700 $v/prog && run $v/prog >/dev/null; flip $v/prog; run $v/prog'
event exec modified '$v/prog'
twin 'chmod 700 $v/prog && run $v/prog'

# A container with an upper layer of its own, for two lives.
former_life() {
	BUNDLE_UPPER=/mnt/images/attacks/former BOX_IMAGE=attacks box_start former crun && box_do former "$(attacks_prelude)" >/dev/null
}

attack A12 'dropped in an earlier life of the container'
does_host 'former_life; box_do former "fresh() { cp \$1 \$2; printf x >>\$2; }; fresh $v/prog /srv/former$n; chmod 700 ${v%attack}twin/prog"
	box_stop former; former_life; box_do former "probe exec /srv/former$n"'
event exec added '/srv/former$n'
container former
twin_host 'box_do former "probe exec $v/prog"; box_stop former'

attack A13 'a drifted container committed: in the new image it is original'
verdict allow
does_host 'in_box "fresh $v/prog /srv/committed$n"; cp -a "$upper" /mnt/images/attacks/commit$n; mkdir -p /mnt/images/info/commit$n
	cp /mnt/images/info/attacks/config.json /mnt/images/info/commit$n/
	echo "/mnt/images/attacks/commit$n:$(image_lower attacks)" >/mnt/images/info/commit$n/lower
	BOX_IMAGE=commit$n box_start committed crun && box_do committed "probe exec /srv/committed$n"'
container committed
twin_host 'box_do committed "probe exec $v/prog"; box_stop committed'

attack A14 'a program copied into the running container by the host'
does_host 'cp "$lower$v/prog" "/proc/$pid/root$t/new"; printf x >>"/proc/$pid/root$t/new"; in_box "run ./new"'
event exec added '$t/new'
twin_host 'cp "$lower$v/data" "/proc/$pid/root$t/new"; in_box "run $v/prog"'

# A container of its own: once the host wrote into its writable layer, its copies wait for their digests.
profile_written() {
	profile_plain
}

attack A14-upper 'a program put into the writable layer by the host'
profile written
does_host 'cp "$lower$v/prog" "$upper$t/new"; printf x >>"$upper$t/new"; in_box "run ./new"'
event exec added '$t/new'
twin_host 'in_box "run $v/prog"'

attack A15 'the lower layer rewritten underneath, in place'
does_host 'change_below "$lower$v/prog"; in_box "run $v/prog"'
event exec host-modified '$v/prog'
twin_host 'in_box "run $v/prog"'

attack A15-library 'a library of the lower layer rewritten underneath'
does_host 'change_below "$lower$v/lib.so"; in_box "preload $v/lib.so"'
event mmap host-modified '$v/lib.so'
twin_host 'in_box "preload $v/lib.so"'

attack A15-times 'the lower layer rewritten underneath, times set back'
does_host 'touch -r "$lower$v/prog" "$hf_dir/times"; change_below "$lower$v/prog"; touch -r "$hf_dir/times" "$lower$v/prog"; in_box "run $v/prog"'
event exec host-modified '$v/prog'
twin_host 'in_box "run $v/prog"'

# Layer 1 of two has a program that layer 2 replaces; it can be reached by its handle through a mount of the same disk.
layer_shadowed() {
	local below=/mnt/images/attacks/below
	mkdir -p "$below/opt/attacks"
	cp "$hf_tree/build/attacks/victims/prog" "$below/opt/attacks/shadowed"
	printf 'layer 1' >>"$below/opt/attacks/shadowed"
	cp "$hf_tree/build/attacks/victims/prog" "$1/opt/attacks/shadowed"
	printf 'layer 2' >>"$1/opt/attacks/shadowed"
}

attack A22 'a program of the image that a later layer replaced, by its handle'
profile admin
does_host 'in_box "by-handle exec /vol/rw $("$hf_tree/build/attacks/bin/by-handle" handle /mnt/images/attacks/below/opt/attacks/shadowed)"'
event exec volume '*'
twin_host 'in_box "run /opt/attacks/shadowed"'

attack A28-lower 'the lower layer rewritten after the program ran once'
does_host 'box_do "$box" "probe exec $v/prog >/dev/null"; change_below "$lower$v/prog"; in_box "run $v/prog"'
event exec host-modified '$v/prog'
twin_host 'in_box "run $v/prog"'

# host_row ID TITLE COMMAND: the host changes a copied-up program in the writable layer, and it is run. The twin only looks.
host_row() {
	attack "$1" "$2"
	profile written
	does_host "in_box 'chmod 700 \$v/prog'; $3; in_box 'run \$v/prog'"
	event exec modified '$v/prog'
	twin_host 'in_box "chmod 700 $v/data"; cat "$upper$v/data" >/dev/null; in_box "run $v/prog"'
}

host_row A28-host 'copied up by chmod, then written in the upper layer by the host' 'change_below "$upper$v/prog"'
host_row A28-host-truncate '… its last byte cut off and made anew, by path' \
	'python3 -c "import os, sys; n = os.stat(sys.argv[1]).st_size; os.truncate(sys.argv[1], n - 1); os.truncate(sys.argv[1], n)" "$upper$v/prog"'

# A container that has the folder of the writable layers, as hostPath volumes of such things are; it tries its own.
profile_upper() {
	BUNDLE_CAPS=${attacks_all_caps//$'\n'/ }
	BUNDLE_JQ=$attacks_mounts' | .mounts += [{destination: "/uppers", type: "bind", source: "'$boxes'", options: ["bind", "rw"]}]'
}

# upper_row ID TITLE COMMANDS PATH
upper_row() {
	attack "A28-$1" "$2"
	profile upper
	does "$3"
	event write-image image-write "$4"
	detail writable-layer
	digest any
	# Not a copied-up program: once the audit let somebody write below, those wait for their digests.
	twin 'u=/uppers/attacks-upper/upper; chmod 700 $v/data; (: >>/vol/rw/notes) && cat $u$v/data >/dev/null && mv /vol/rw/notes /vol/rw/more && run $v/prog'
}

upper_row upper 'copied up by chmod, then opened for writing in the upper layer by a container that has its folder' \
	'u=/uppers/attacks-upper/upper; chmod 700 $v/prog; (: >>$u$v/prog) && echo ": ran"' '*$v/prog'
upper_row truncate '… cut off' 'u=/uppers/attacks-upper/upper; chmod 700 $v/prog; truncate -s +0 $u$v/prog && echo ": ran"' '*$v/prog'
upper_row rename '… another file moved over it' \
	'u=/uppers/attacks-upper/upper; chmod 700 $v/prog; cp $v/prog $u/../other; mv -T $u/../other $u$v/other && echo ": ran"' '*$v'
upper_row link '… a further name' 'u=/uppers/attacks-upper/upper; chmod 700 $v/prog; ln $u$v/prog $u$v/other && echo ": ran"' '*$v'

attack A28-upper-handle '… by its handle'
profile upper
does_host 'in_box "chmod 700 $v/prog"; in_box "by-handle write /vol/rw $("$hf_tree/build/attacks/bin/by-handle" handle "$upper$v/prog")"'
event write-image image-write '*'
detail writable-layer
digest any
twin_host 'in_box "chmod 700 $v/prog; by-handle write /vol/rw $("$hf_tree/build/attacks/bin/by-handle" handle "$attacks_volumes/rw/data")"'

attack A28-upper-written '… where the policy lets it: the copy is the image'"'"'s no more'
profile upper
modes settings
setting 'host: {imageStore: allow}' deny
does 'u=/uppers/attacks-upper/upper; chmod 700 $v/prog; flip $u$v/prog; run $v/prog'
event exec modified '$v/prog'
twin 'chmod 700 $v/data; run $v/prog'

attack A16-handle 'a file of an image opened for writing by its handle'
profile admin
does_host 'in_box "by-handle write /vol/rw $("$hf_tree/build/attacks/bin/by-handle" handle "$lower$v/prog")"'
event write-image image-write '*'
digest any
twin_host 'in_box "by-handle write /vol/rw $("$hf_tree/build/attacks/bin/by-handle" handle "$attacks_volumes/rw/data")"'

# A container on a root that is no overlay, or of more than layers: started once, kept for both modes.
kept_box() {
	[[ -n ${box_pid[$1]:-} ]] || BUNDLE_ROOT=$2 box_start "$1" crun
}

# root_folder NAME: a small image as a folder, with a program for each run.
root_folder() {
	local lower dir=$1 i
	[[ -e $dir/opt/own ]] && return 0
	lower=$(image_lower busybox)
	mkdir -p "$dir/srv" && cp -a "${lower#*:}/." "$dir" && cp -a "${lower%%:*}/." "$dir" && cp "$dir$hello" "$dir/opt/own"
	for i in 1 2; do
		cp "$dir$hello" "$dir/opt/changed$i"
		cp "$dir$hello" "$dir/opt/linked$i"
	done
	cp "$hf_tree/build/attacks/bin/write-by" "$dir/opt/"
}

# root_attacks NAME FOLDER: in a container there a dropped and a changed program are tried.
root_attacks() {
	kept_box "$1" "$2" && box_do "$1" "cp /opt/own /srv/new; printf x >>/srv/new; printf x >>/opt/changed$n; probe exec /srv/new; probe exec /opt/changed$n"
}

# root_row KIND 'technique' SETUP: SETUP makes $dir/root.
root_row() {
	attack "A21-$1" "$2"
	does_host 'dir=/mnt/scratch/attacks/'"$1"'; mkdir -p $dir/root; { [[ -e $dir/root/opt/own ]] || { '"$3"'; }; } && root_attacks root-'"$1"' $dir/root'
	event exec added /srv/new
	event exec modified '/opt/changed$n'
	container "root-$1"
	twin_host "box_do root-$1 'probe exec /opt/own; probe map /opt/own; probe exec /opt/app/entrypoint.sh'"
}

root_disk() {
	modprobe loop
	modprobe "$1" 2>/dev/null
	grep -qw "$1" /proc/filesystems || { echo "SKIP: the kernel has no $1"; return 1; }
	truncate -s "$2M" "$dir/disk"
	shift 2
	"$@" "$dir/disk" >/dev/null 2>&1 && mount -o loop "$dir/disk" "$dir/root" && root_folder "$dir/root"
}

root_row vfs 'a root that is a plain folder (vfs driver)' 'dir=/mnt/images/attacks/vfs; root_folder $dir/root; mount --bind $dir/root /mnt/scratch/attacks/vfs/root'
root_row btrfs 'a root on btrfs' 'root_disk btrfs 300 mkfs.btrfs -q'
root_row xfs 'a root on xfs' 'root_disk xfs 320 mkfs.xfs -q'
attack A25-reflink-xfs 'written by a reflink, on xfs'
needs 'A21-xfs, which makes the root, was not chosen' '[[ -e /mnt/scratch/attacks/xfs/root/opt/own || " ${row_ids[*]} " == *" A21-xfs "* ]]'
does_host '[[ -n ${box_pid[root-xfs]:-} ]] || echo "SKIP: no container on xfs"
	box_do root-xfs "cd /opt; ./write-by reflink own /srv/linked && probe exec /srv/linked; ./write-by reflink own linked$n && probe exec /opt/linked$n"'
event exec added /srv/linked
event exec modified '/opt/linked$n'
container root-xfs
twin_host 'box_do root-xfs "probe exec /opt/own"'

root_row fuse 'a root on fuse-overlayfs' 'root_folder $dir/lower; mkdir -p $dir/upper $dir/work; modprobe fuse
	fuse-overlayfs -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work,allow_other" $dir/root'

attack A21-unsupported 'a root on a file system that nobody tried: audited, never silent'
verdict alert
modes enforce
does_host 'dir=/mnt/scratch/attacks/ramfs; mkdir -p $dir/root; mount -t ramfs ramfs $dir/root; root_folder $dir/root
	kept_box root-ramfs $dir/root; box_do root-ramfs "cp /opt/own /srv/new; /opt/app/bin/probe exec /srv/new"'
event exec undecidable '*' +
container root-ramfs
no_twin 'nothing is known to be original there'

attack A23 'a root whose bytes lie in a data-only layer (as composefs does it)'
does_host 'dir=/mnt/scratch/attacks/data; { [[ -e $dir/root/opt ]] || data_only_root; } && root_attacks root-data $dir/root'
event exec added /srv/new
event exec modified '/opt/changed$n'
container root-data
twin_host 'box_do root-data "probe exec /opt/own; probe map /opt/own"'

data_only_root() {
	local file
	root_folder $dir/bytes && cp -a $dir/bytes $dir/names && mkdir -p $dir/{upper,work,root}
	while IFS= read -r file; do
		truncate -s 0 "$dir/names/$file"
		truncate -s "$(stat -c %s "$dir/bytes/$file")" "$dir/names/$file"
		setfattr -n trusted.overlay.metacopy "$dir/names/$file"
		setfattr -n trusted.overlay.redirect -v "/$file" "$dir/names/$file"
	done < <(cd "$dir/bytes" && find opt -type f)
	mount -t overlay overlay -o "lowerdir=$dir/names::$dir/bytes,upperdir=$dir/upper,workdir=$dir/work,metacopy=on,redirect_dir=on" \
		"$dir/root" 2>/dev/null || { echo 'SKIP: the kernel has no data-only layers (6.5)'; return 1; }
}
