# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The containers in which rows are tried, and the layer that is their image: busybox, a shell, and the program act under every
# name that a row takes it for. Owns both; must not know rows. Works in the VM and on this machine. Sourced.
#
#	boxes_init DIR RUNTIME      a folder on tmpfs or ext4 for layers
#	box_up NAME [NAMESPACE]     BOX_HOOKS: JSON
#	box_run NAME FILE           the box's shell reads FILE
#	boxes_down

boxes_dir='' boxes_runtime='' boxes_up=()
boxes_bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")/../vm/lib" && pwd)/bundle.json
boxes_names=(/usr/sbin/{apache2,crond,debugfs,inetd,nginx,sshd,update-rc.d} /usr/lib/systemd/systemd-sysctl /lib64/ld-linux-test.so.2
	/usr/bin/{app,crontab,dpkg,gdb,guile,java,kube-apiserver,kubectl,lynis,ssh,tini})
boxes_tools=(cat chmod cp echo env find grep head ip ln ls mkdir mv nc rm sed shred sleep tail touch true umount)
boxes_folders=(etc/{cron.d,cron.daily,init.d,rc2.d,rcS.d,sudoers.d} etc/kubernetes/pki srv tmp var/tmp var/spool/cron/crontabs run/secrets
	home opt/app hf-mark mnt proc dev sys lib usr/lib/x86_64-linux-gnu)

layer_files() {
	local layer=$1 tokens=run/secrets/kubernetes.io/serviceaccount
	printf '%s\n' root:x:0:0::/:/bin/sh www-data:x:33:33::/:/bin/sh person:x:1000:1000::/:/bin/sh >"$layer/etc/passwd"
	printf '%s\n' root:x:0: >"$layer/etc/group"
	printf '%s\n' 'root:*:1::::::' >"$layer/etc/shadow"
	mkdir -p "$layer/$tokens"
	ln -s ../run "$layer/var/run"
	: | tee "$layer/etc/"{sudoers,crontab,hostname} "$layer/etc/kubernetes/"{pki/ca.key,admin.conf} "$layer/$tokens/"{token,ca.crt} \
		"$layer/srv/token" "$layer/lib/ld-musl-x86_64.so.1"
}

# layer_make LAYER ACT: a shell with what it is linked to, busybox under the names of its tools, act under many names.
layer_make() {
	local layer=$1 act=$2 name file
	mkdir -p "${boxes_folders[@]/#/"$layer/"}" "$layer/"{bin,usr/bin,lib64}
	cp "$(command -v busybox)" "$layer/bin/busybox"
	for name in "${boxes_tools[@]}"; do
		ln -s busybox "$layer/bin/$name"
	done
	cp -L /bin/sh "$layer/bin/sh"
	ldd /bin/sh | grep -o '/[^ ]*' | while read -r file; do
		mkdir -p "$layer${file%/*}"
		cp -L "$file" "$layer$file"
	done
	ln "$layer/bin/sh" "$layer/bin/ash"
	cp "$act" "$layer/usr/bin/act"
	for name in "${boxes_names[@]}"; do
		mkdir -p "$layer${name%/*}"
		cp "$act" "$layer$name"
	done
	layer_files "$layer"
}

boxes_init() {
	boxes_dir=$1 boxes_runtime=$2
	mkdir -p "$boxes_dir"
	layer_make "$boxes_dir/layer" "$3"
}

# Everything that a privileged container has, so that what is tried fails by nobody's hand but the rule's.
box_config() {
	local caps
	caps=$(capsh --print 2>/dev/null | sed -n 's/^Bounding set =//p')
	jq --arg caps "${caps:-cap_sys_admin}" --argjson hooks "${BOX_HOOKS:-"{}"}" --arg ns "$1" '
		($caps | ascii_upcase | split(",")) as $set
		| .process.args = ["/bin/sleep", "1000000"]
		| .process.env = ["PATH=/bin:/usr/bin", "act=/usr/bin/act"]
		| .process.capabilities = {bounding: $set, effective: $set, permitted: $set}
		| .annotations = {"io.kubernetes.pod.namespace": $ns}
		| .linux.maskedPaths = [] | .linux.readonlyPaths = ["/proc/sys", "/proc/sysrq-trigger"]
		| .linux.resources = {devices: [{allow: true, access: "rwm"}]}
		| .hooks = $hooks' "$boxes_bundle"
}

box_up() {
	local name=$1 dir=$boxes_dir/$1
	mkdir -p "$dir/"{upper,work,rootfs}
	mount -t overlay overlay -o "lowerdir=$boxes_dir/layer,upperdir=$dir/upper,workdir=$dir/work" "$dir/rootfs" || return 1
	boxes_up+=("$name")
	box_config "${2:-open}" >"$dir/config.json"
	"$boxes_runtime" run --detach --bundle "$dir" "rules-$name" >"$dir/log" 2>&1 </dev/null || { cat "$dir/log" >&2; return 1; }
}

box_run() {
	"$boxes_runtime" exec "rules-$1" /bin/sh -s <"$2"
}

# For rows on the host: a command in the box, without and with a terminal.
enter() {
	"$boxes_runtime" exec rules-box "$@" </dev/null
}

enter_with_terminal() {
	script -qec "$boxes_runtime exec -t rules-box $(printf '%q ' "$@")" /dev/null </dev/null >/dev/null
}

boxes_down() {
	local name
	for name in "${boxes_up[@]}"; do
		"$boxes_runtime" delete --force "rules-$name" >/dev/null 2>&1
		umount "$boxes_dir/$name/rootfs" 2>/dev/null || umount -l "$boxes_dir/$name/rootfs" 2>/dev/null
	done
	boxes_up=()
}
