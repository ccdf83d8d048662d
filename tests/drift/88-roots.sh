# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Roots of every kind that the kernel has: the same rows in each, each denial beside a twin that must run.

# Setting: ROOTS_KINDS=data-only,fuse tries these alone.
roots_dir=/mnt/scratch/roots      # file systems in files
roots_tree=/mnt/images/tree       # the image as a folder: busybox, probe, and files of their own for each row in /opt/x

# The rows, run in the container by its own sh: "row NAME WORD". x holds copies of one program and one library.
roots_script='
p=/opt/app/bin/probe x=/opt/x
row() { out=$($p "$2" "$3" 2>&1); echo "row $1 ${out##*: }"; }
last() { echo $(($(stat -c %s "$1") - 1)); }
row own exec $x/own
row own-script exec /opt/app/entrypoint.sh
row own-library map $x/libown.so
row own-protected mprotect $x/libown.so
mkdir -p /srv; cp $x/own /srv/dropped; row dropped exec /srv/dropped
printf x >>$x/appended; row appended exec $x/appended
printf x | dd of=$x/changed bs=1 seek=$(last $x/changed) conv=notrunc 2>/dev/null; row changed exec $x/changed
printf x | dd of=$x/libchanged.so bs=1 seek=$(last $x/libchanged.so) conv=notrunc 2>/dev/null; row library map $x/libchanged.so
printf x >>$x/libappended.so; row library-protected mprotect $x/libappended.so
cp $x/own $x/new; mv $x/new $x/replaced; row replaced exec $x/replaced
cp $x/libown.so /srv/libnew.so; row added-protected mprotect /srv/libnew.so
chmod 700 $x/chmod; row chmod exec $x/chmod
chown 1:1 $x/chown; row chown exec $x/chown
touch -d "2020-01-01 00:00" $x/touch; row touch exec $x/touch
ln $x/ln /srv/ln; row ln exec /srv/ln; row ln-old exec $x/ln
mv $x/mv /srv/mv; row mv exec /srv/mv
ln $x/alias /srv/alias; printf x | dd of=/srv/alias bs=1 seek=$(last $x/alias) conv=notrunc 2>/dev/null; row alias exec $x/alias
'
roots_ran='own own-script own-library own-protected'
roots_metadata='chmod chown touch ln ln-old mv'
roots_denied='alias dropped appended changed library library-protected replaced added-protected'

roots_make_tree() {
	local name lower
	[[ -e $roots_tree/opt/x/own ]] && return 0
	mkdir -p "$roots_tree"/{opt/x,srv}
	lower=$(image_lower busybox) || return 1
	cp -a "${lower#*:}/." "$roots_tree" && cp -a "${lower%%:*}/." "$roots_tree" || return 1
	for name in own appended changed replaced chmod chown touch ln mv alias opened twin host later; do
		cp "$roots_tree$hello" "$roots_tree/opt/x/$name"
	done
	for name in own changed appended; do
		cp "$roots_tree/opt/app/lib/libgreet.so" "$roots_tree/opt/x/lib$name.so"
	done
}

# roots_disk NAME MB MKFS...: a file system in a file, mounted on $roots_dir/NAME.
roots_disk() {
	local name=$1 size=$2
	shift 2
	mkdir -p "$roots_dir/$name"
	truncate -s "${size}M" "$roots_dir/$name.disk"
	"$@" "$roots_dir/$name.disk" >/dev/null 2>"$roots_dir/$name.log" || { cat "$roots_dir/$name.log" >&2; return 1; }
	mount -o loop "$roots_dir/$name.disk" "$roots_dir/$name"
}

roots_has() {
	modprobe "$1" 2>/dev/null
	grep -qw "$1" /proc/filesystems
}

# roots_expect NAME ROWS: compares with what must have come of them.
roots_expect() {
	local name=$1 got=$2 row
	local denied=$roots_denied ran="$roots_ran $roots_metadata"
	if [[ $name == squashfs || $name == nested ]]; then     # no UUID or no file handles: a linked file must be compared
		ran=${ran/ln ln-old/}
	fi
	for row in $ran; do
		check_is "$name: $row" "$(grep "^row $row " <<<"$got")" "row $row ran"
	done
	for row in $denied; do
		check_is "$name: $row" "$(grep "^row $row " <<<"$got")" "row $row EPERM"
	done
}

# roots_settled NAME FOLDER...: files that run once their bytes were compared with the image's.
roots_settled() {
	local name=$1 file end
	shift
	for file in "$@"; do
		end=$((SECONDS + hf_wait_seconds))
		until [[ $(box_word "$name" "$probe exec $file") == ran ]] || ((SECONDS > end)); do
			read -r -t 0.3 <> <(:)
		done
		check "$name: $file, settled" test "$SECONDS" -le "$end"
	done
}

roots_byte='dd bs=1 seek=$(($(stat -c %s $f) - 1)) conv=notrunc of=$f 2>/dev/null'

# roots_opened NAME: two files of the image are opened for writing, and in one of them a byte is changed. Both are compared.
roots_opened() {
	local name=$1 compared inode
	check "$name: no digest of the image is left to be read" roots_status_wait '.settling.learning == 0'
	compared=$(status_of .counters.settled)
	box_do "$name" ": >>/opt/x/opened; f=/opt/x/twin; printf x | $roots_byte" >/dev/null
	roots_settled "$name" /opt/x/opened
	check "$name: both were compared" roots_status_wait ".counters.settled >= $((compared + 2))"
	check_is "$name: one byte was changed" "$(box_word "$name" "$probe exec /opt/x/twin")" EPERM
	inode=$(box_do "$name" 'stat -c %i /opt/x/opened')
	sync
	echo 2 >/proc/sys/vm/drop_caches     # what the file system knew of them is forgotten
	if [[ $name == fuse && $(box_do "$name" 'stat -c %i /opt/x/opened') != "$inode" ]]; then
		skip "$name: opened, after its inode was dropped" 'the server calls a copy by another inode number then'
	else
		check_is "$name: opened, after its inode was dropped" "$(box_word "$name" "$probe exec /opt/x/opened")" ran
	fi
	check_is "$name: one byte was changed, after its inode was dropped" "$(box_word "$name" "$probe exec /opt/x/twin")" EPERM
	box_do "$name" "f=/opt/x/opened; printf x | $roots_byte" >/dev/null
	check_is "$name: changed after it was settled" "$(box_word "$name" "$probe exec /opt/x/opened")" EPERM
}

# roots_kind NAME FOLDER: all rows in a container on that root.
roots_kind() {
	local name=$1 started=$SECONDS mark
	BUNDLE_ROOT=$2 box_start "$name" crun || { not_ok "$name: a container starts" "$(tail -n 3 "$hf_log")"; return; }
	holdfast containers -o json | jq -r --arg id "$name" '.containers[] | select(.id == $id) | "# \(.id): \(.root_type) \(.state) \(.state_reason // "")"'
	events_mark
	roots_expect "$name" "$(box_do "$name" "$roots_script")"
	events_fence
	check_is "$name: each denial is an event, and nothing else" "$(events_brief "$mark" | grep -c '^denied ')" \
		"$(events_brief "$mark" | wc -l)"
	roots_settled "$name" /srv/ln /opt/x/ln
	roots_opened "$name"
	check_is "$name: changed" "$(box_word "$name" "$probe exec /opt/x/changed")" EPERM
	printf '# %s took %d s\n' "$name" $((SECONDS - started))
	box_stop "$name"
}

roots_vfs() {
	cp -a "$roots_tree" /mnt/images/vfs1
	roots_kind vfs /mnt/images/vfs1
	roots_again 'again, soon' /mnt/images/vfs1 /srv/mv /opt/x/chmod /opt/x/chown /srv/ln
	roots_again_later /mnt/images/vfs1
}

# roots_again NAME FOLDER [RAN...]: a container on a root where another one ran roots_script: what the first start found is the image.
roots_again() {
	local name=$1 row
	BUNDLE_ROOT=$2 box_start again crun || { not_ok "$name: a container starts" "$(tail -n 3 "$hf_log")"; return; }
	shift 2
	for row in /opt/x/own "$@"; do
		check_is "$name: $row" "$(box_word again "$probe exec $row")" ran
	done
	for row in /srv/dropped /opt/x/changed /opt/x/replaced /opt/x/appended; do
		check_is "$name: $row" "$(box_word again "$probe exec $row")" EPERM
	done
	box_do again 'chmod 500 /opt/x/later' >/dev/null
	box_stop again
}

roots_status() {
	holdfast -o json status | jq "$1"
}

roots_status_wait() {
	local end=$((SECONDS + hf_wait_seconds))
	until [[ $(roots_status "$1") == true ]]; do
		((SECONDS < end)) || return 1
		read -r -t 0.3 <> <(:)
	done
	return 0
}

# As after a reboot: nothing is in the kernel, and the database has what the first start found.
roots_again_later() {
	check 'the database has its digests' roots_status_wait '.images.sets > 0 and .images.pending == 0'
	check 'the daemon stops' holdfast_stop
	check 'everything is unloaded' holdfastd --unload
	check 'the daemon starts on an empty catalogue' holdfast_start
	check 'the database is open' roots_status_wait '.images.sets > 0'
	BUNDLE_ROOT=$1 box_start again crun || { not_ok 'again, later: a container starts'; return; }
	check_match 'again, later: it says what is not of the first start' "$(holdfast containers | grep '^again')" \
		'[0-9]+ executables in its root came or changed'
	box_stop again
	roots_again 'again, later' "$1" /opt/x/later
}

# btrfs that comes after the daemon has types that its programs do not know.
roots_late() {
	roots_has btrfs || { skip btrfs 'the kernel lacks it'; return; }
	roots_disk btrfs 300 mkfs.btrfs -q && cp -a "$roots_tree" "$roots_dir/btrfs/late" || { not_ok 'btrfs: a disk'; return; }
	roots_unsupported late 'loaded after' "$roots_dir/btrfs/late"
}

roots_btrfs() {
	roots_has btrfs || { skip btrfs 'the kernel lacks it'; return; }
	btrfs -q subvolume create "$roots_dir/btrfs/image" && cp -a "$roots_tree/." "$roots_dir/btrfs/image" &&
		btrfs -q subvolume snapshot "$roots_dir/btrfs/image" "$roots_dir/btrfs/c1" &&
		btrfs -q subvolume snapshot "$roots_dir/btrfs/image" "$roots_dir/btrfs/c2" &&
		btrfs -q subvolume snapshot "$roots_dir/btrfs/image" "$roots_dir/btrfs/c3" || { not_ok 'btrfs: snapshots'; return; }
	roots_kind btrfs "$roots_dir/btrfs/c1"
	roots_snapshots
}

# Two containers on snapshots of one subvolume: the same inode numbers on one superblock, which must not be taken for each other.
roots_snapshots() {
	local box mark
	BUNDLE_ROOT=$roots_dir/btrfs/c2 box_start snap2 crun && BUNDLE_ROOT=$roots_dir/btrfs/c3 box_start snap3 crun ||
		{ not_ok 'snapshots: containers start' "$(tail -n 3 "$hf_log")"; return; }
	check_is 'snapshots: they have the same inode number' "$(stat -c %i "$roots_dir/btrfs/c2/opt/x/later")" \
		"$(stat -c %i "$roots_dir/btrfs/c3/opt/x/later")"
	for box in snap2 snap3; do
		events_mark
		check_is "$box: a dropped program" "$(box_drops $box)" EPERM
		events_fence
		check_is "$box: the event names it" "$(events_since "$mark" .container.id)" "\"$box\""
	done
	events_mark
	cp "$roots_tree$hello" "$roots_dir/btrfs/c2/srv/entered"
	check_is 'snapshots: a process that enters the older one is its own' \
		"$(crun exec snap2 $probe exec /srv/entered; events_fence; events_since "$mark" .container.id)" \
		$'exec /srv/entered: EPERM\n"snap2"'
	box_do snap2 'printf x >>/opt/x/later' >/dev/null
	check_is 'snap2: its changed program' "$(box_word snap2 "$probe exec /opt/x/later")" EPERM
	check_is "snap3: the other's program of the same number" "$(box_word snap3 "$probe exec /opt/x/later")" ran
	check_is "snap3: the other's changed program" \
		"$(box_word snap3 "cp /opt/x/later /srv/x; $probe exec /opt/x/own")" ran
	box_stop snap2
	box_stop snap3
}

roots_xfs() {
	roots_has xfs || { skip xfs 'the kernel lacks it'; return; }
	roots_disk xfs 320 mkfs.xfs -q || { not_ok 'xfs: a disk'; return; }
	cp -a "$roots_tree/." "$roots_dir/xfs/image" && cp -a --reflink=always "$roots_dir/xfs/image" "$roots_dir/xfs/c1"
	roots_kind xfs "$roots_dir/xfs/c1"
}

# roots_overlay NAME OPTIONS: an overlay with its own upper, mounted beside the disks.
roots_overlay() {
	local dir=$roots_dir/$1
	mkdir -p "$dir"/{upper,work,root}
	mount -t overlay overlay -o "$2,upperdir=$dir/upper,workdir=$dir/work" "$dir/root" || { skip "$1" "the kernel does not mount it"; return; }
	roots_kind "$1" "$dir/root"
}

roots_image_fs() {
	local fs=$1
	shift
	roots_has "$fs" || { skip "$fs" 'the kernel lacks it'; return; }
	mkdir -p "$roots_dir/$fs-image"
	"$@" >/dev/null 2>&1 && mount -o loop,ro "$roots_dir/$fs.disk" "$roots_dir/$fs-image" || { not_ok "$fs: an image"; return; }
	roots_overlay "$fs" "lowerdir=$roots_dir/$fs-image"
}

# A root on a file system that nobody has tried: audited, and said in three places. 9p is what the VM itself lies on.
roots_unsupported() {
	local name=$1 what=$2 mark
	events_mark
	BUNDLE_ROOT=$3 box_start "$name" crun || { not_ok "$name: a container starts" "$(tail -n 3 "$hf_log")"; return; }
	box_do "$name" "$probe exec $hello" >/dev/null
	events_fence
	check_is "$name: its programs are reported" \
		"$(events_since "$mark" 'select(.file.path == "'"$hello"'") | [.action, .reason, .detail] | join(" ")' | sort -u)" \
		'"audited undecidable unsupported-root"'
	check_match "$name: holdfast containers says so" "$(holdfast containers | grep "^$name")" "audit .*unsupported root file system.*$what"
	check_match "$name: holdfast status says so" "$(holdfast status)" 'could not be armed'
	box_stop "$name"
}

# An overlay whose lower layer is an overlay, itself with files in its upper layer: all of them are the image.
roots_nested() {
	local dir=$roots_dir/inner
	mkdir -p "$dir"/{upper,work,root}
	mount -t overlay overlay -o "lowerdir=$roots_tree,upperdir=$dir/upper,workdir=$dir/work" "$dir/root" || { not_ok 'nested: the inner one'; return; }
	cp "$dir/root/opt/x/own" "$dir/root/opt/x/new-own" && mv "$dir/root/opt/x/new-own" "$dir/root/opt/x/own"
	roots_overlay nested "lowerdir=$dir/root"
}

# roots_divide DIR: the image as two folders, one with names and metadata, one with the bytes.
roots_divide() {
	local dir=$1 file
	cp -a "$roots_tree" "$dir.names" && cp -a "$roots_tree" "$dir.bytes"
	while IFS= read -r file; do
		truncate -s 0 "$dir.names/$file"
		truncate -s "$(stat -c %s "$dir.bytes/$file")" "$dir.names/$file"
		setfattr -n trusted.overlay.metacopy "$dir.names/$file"
		setfattr -n trusted.overlay.redirect -v "/$file" "$dir.names/$file"
	done < <(cd "$roots_tree" && find opt -type f -printf '%p\n')
}

# As composefs does it: a layer of names and metadata whose bytes lie in another layer that has no names of its own.
roots_data_only() {
	local dir=$roots_dir/data
	roots_divide "$dir"
	roots_overlay data-only "lowerdir=$dir.names::$dir.bytes,metacopy=on,redirect_dir=on"
}

# As chmod in a recipe leaves it on a node with metacopy: the upper one of two layers has a file's metadata alone.
roots_divided() {
	local dir=$roots_dir/divided
	roots_divide "$dir"
	roots_overlay divided "lowerdir=$dir.names:$dir.bytes,metacopy=on,redirect_dir=on"
}

# Layers whose folders the mount options do not tell: no database has them.
roots_unnamed() {
	cp -a "$roots_tree" "$roots_dir/co:lon" || { not_ok 'unnamed: a layer'; return; }
	roots_overlay unnamed "lowerdir=$roots_dir/co\\:lon"
}

roots_fuse() {
	roots_has fuse || { skip fuse-overlayfs 'the kernel lacks FUSE'; return; }
	local dir=$roots_dir/fuse
	mkdir -p "$dir"/{upper,work,root}
	fuse-overlayfs -o "lowerdir=$roots_tree,upperdir=$dir/upper,workdir=$dir/work,allow_other" "$dir/root" || { not_ok 'fuse: mount'; return; }
	roots_kind fuse "$dir/root"
	umount "$dir/root"
}

# roots_if KIND COMMAND...: that kind, unless ROOTS_KINDS names others.
roots_if() {
	local kind=$1
	shift
	[[ -n ${ROOTS_KINDS:-} && ,$ROOTS_KINDS, != *,$kind,* ]] || "$@"
}

roots_ramfs() {
	mkdir "$roots_dir/ramfs" && mount -t ramfs ramfs "$roots_dir/ramfs" && cp -a "$roots_tree/." "$roots_dir/ramfs"
	roots_unsupported ramfs ramfs "$roots_dir/ramfs"
}

roots_tmpfs() {
	cp -a "$roots_tree" "$roots_dir/tmpfs" && roots_kind tmpfs "$roots_dir/tmpfs"
}

topic_roots() {
	policy_is enforce
	mkdir -p "$roots_dir"
	roots_make_tree || { not_ok 'roots: the tree'; return; }
	modprobe loop
	roots_if btrfs roots_late
	holdfast_stop
	check 'the daemon starts anew' holdfast_start
	roots_if ramfs roots_ramfs
	roots_if vfs roots_vfs
	roots_if btrfs roots_btrfs
	roots_if squashfs roots_image_fs squashfs mksquashfs "$roots_tree" "$roots_dir/squashfs.disk" -noappend -comp gzip
	roots_if nested roots_nested
	roots_if data-only roots_data_only
	roots_if divided roots_divided
	roots_if unnamed roots_unnamed
	roots_if fuse roots_fuse
	if ((${STARTS:-200} <= 20)); then
		echo '# 8 kinds of roots; 5 more without HOLDFAST_QUICK: xfs, erofs, tmpfs, overlay with metacopy, volatile overlay'
		return
	fi
	echo '# 13 kinds of roots'
	roots_if xfs roots_xfs
	roots_if erofs roots_image_fs erofs mkfs.erofs "$roots_dir/erofs.disk" "$roots_tree"
	roots_if tmpfs roots_tmpfs
	roots_if metacopy roots_overlay metacopy "lowerdir=$roots_tree,metacopy=on,redirect_dir=on,index=on,xino=on"
	roots_if volatile roots_overlay volatile "lowerdir=$roots_tree,xino=off,volatile"
}
