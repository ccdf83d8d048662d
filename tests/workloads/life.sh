# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The ordinary life of containers: rows that start their containers in ways of their own.

# life_start NAME RUNTIME ARG...: a container whose first process is ARG; its output, up to the line that says that the work was done
# or that it failed, is in life_out. Both BUNDLE_ variables and the row's time limit hold.
life_start() {
	local name=$1 rt=$2 dir=$boxes/life-$1
	shift 2
	life_out='' life_status=1
	BUNDLE_ANNOTATIONS=$(namespace_annotation shop) BUNDLE_HOOKS=$hf_hook bundle_new "$dir" "${row_image[$name]}-work" "$@" || return
	bundle_start "$rt" "life-$name" "$dir" || return
	file_until "$dir/log" 1 '^(did|failed): ' "${row_seconds[$name]}" && [[ $hf_line == did:* ]] && life_status=0
	life_out=$(<"$dir/log")
}

# life_exec NAME RUNTIME COMMANDS: in that container, as `exec` of a shell.
life_exec() {
	timeout 60 "$2" exec "life-$1" sh -c "$3" 2>&1 </dev/null
}

# life_finish NAME RUNTIME: judged, asked for drift, gone.
life_finish() {
	row_end "$1" "$life_out" "$life_status"
	row_guarded "$1" life_exec "$1" "$2"
	container_stop "$2" "life-$1"
	bundle_free "$boxes/life-$1"
}

life_entrypoint() {
	row_begin
	life_start entrypoint crun env PORT=8081 /opt/work/entrypoint
	life_finish entrypoint crun
}

# The first process is a server; shells are started beside it, as people and `kubectl exec` do.
life_shell() {
	local rt n
	rt=$(work_runtime)
	row_begin
	life_start shell "$rt" /opt/work/web
	n=$(life_exec shell "$rt" 'curl -fs http://127.0.0.1/ | grep -ci nginx >/tmp/hits; ps ax | grep -c "[n]ginx:"; . /etc/profile; find /etc -type f | wc -l')
	n+=" $("$rt" exec --cwd /tmp --env A=b "life-shell" /bin/bash -c 'echo "$A $(pwd)"' 2>&1 </dev/null)"
	n+=" $(printf 'cd /\nfor i in 1 2 3; do date >>/tmp/dates; done\nwc -l </tmp/dates\n' | "$rt" exec life-shell sh 2>&1)"
	[[ $n =~ ^[1-9][0-9]*.[1-9][0-9]*.b\ /tmp\ 3$ ]] || life_status=1
	life_out+=$'\n'"did: shells beside nginx: processes, files, b, /tmp, lines: ${n//$'\n'/ }"
	life_finish shell "$rt"
}

life_health() {
	local rt i good=0 last=''
	rt=$(work_runtime)
	row_begin
	life_start health "$rt" /opt/work/web
	for ((i = 0; i < 10; i++)); do
		last=$(life_exec health "$rt" 'curl -fs -o /dev/null http://127.0.0.1/ && test -e /run/nginx.pid && echo healthy')
		[[ $last != healthy ]] || good=$((good + 1))
		sleep 1                            # what is tried is a check every second
	done
	((good == 10)) || life_status=1
	life_out+=$'\n'"$last"$'\n'"did: $good checks by exec, one a second, of nginx: healthy"
	life_finish health "$rt"
}

# Two lives of one upper layer.
life_restart() {
	local first rt
	rt=$(work_runtime)
	local BUNDLE_UPPER=$boxes/upper-$work_mode
	mkdir -p "$BUNDLE_UPPER"
	row_begin
	life_start restart "$rt" /opt/work/restart first
	first=$life_out
	container_stop "$rt" life-restart
	bundle_free "$boxes/life-restart"
	life_start restart "$rt" /opt/work/restart second
	[[ $first == *'did: first life'* ]] || life_status=1
	life_out=$first$'\n'$life_out
	life_finish restart "$rt"
	rm -rf "$BUNDLE_UPPER"
}

# podman's --init, its health checks, and the layer as a volume, since podman's own image does not have it.
life_init() {
	local healthy=0 i
	row_begin
	life_status=0
	life_out=$(timeout "${row_seconds[init]}" podman --hooks-dir "$hf_dir/hooks.d" run -d --init --name life-init --network none \
		--health-cmd 'curl -fs -o /dev/null http://127.0.0.1/' --health-interval disable --volume "$work_layer/opt/work:/opt/work:ro" \
		localhost/services /opt/work/web 2>&1) || life_status=1
	for ((i = 0; i < 40 && healthy < 3; i++)); do
		if pod healthcheck run life-init >/dev/null 2>&1; then healthy=$((healthy + 1)); else sleep 1; fi
	done
	((healthy == 3)) || life_status=1
	life_out+=$'\n'"did: $(pod exec life-init cat /proc/1/comm 2>&1) as the first process, nginx as its child, $healthy health checks of podman passed"
	row_end init "$life_out" "$life_status"
	row_guarded init pod exec life-init sh -c
	pod rm -f -t 0 life-init >/dev/null 2>&1
}

life_tini() {
	row_begin
	life_start tini crun tini -- sh -c '/opt/work/redis && exec tail -f /dev/null'
	life_finish tini crun
}

# policy_with LINES: the shipped policy of this mode with more rules, until policy_again.
policy_with() {
	{ grep -v '^  volumes:\|^    readOnly:\|^    writable:\|^    init:' "$work_policy"; printf '%s\n' "$@"; } | holdfast_policy - >/dev/null
}

policy_again() {
	holdfast_policy "$work_policy" >/dev/null
}

# A policy that lets no volume's code run but that of one, while that is read-only.
life_plugins() {
	local dir=/mnt/images/plugins-$work_mode
	mkdir -p "$dir"
	cp "$hf_tree/build/workloads"/{libwork.so,tool} "$work_layer/opt/server/bin/script" "$dir/"
	printf 'def answer():\n    return 4950\n' >"$dir/plugin_module.py"
	policy_with '  volumes: {readOnly: deny, writable: deny, init: allow, allow: [{path: /plugins, readOnly: true}]}' ||
		not_ok "$work_mode: plugins: its policy is taken"
	row_begin
	BUNDLE_JQ='.mounts += [{destination: "/plugins", type: "bind", source: "'$dir'", options: ["rbind", "ro"]}]' \
		life_start plugins crun /opt/work/plugins
	life_finish plugins crun
	policy_again
}

# Scripts of the image, byte for byte, on a volume that the container may write.
life_copied() {
	local dir=/mnt/images/volume-$work_mode
	mkdir -p "$dir"
	row_begin
	BUNDLE_JQ='.mounts += [{destination: "/srv/volume", type: "bind", source: "'$dir'", options: ["rbind", "rw"]}]' \
		life_start copied "$(work_runtime)" /opt/work/copied
	life_finish copied "$(work_runtime)"
}

# The same under an entry for that volume, as who ships such an image writes it.
life_served() {
	local dir=/mnt/images/served-$work_mode
	mkdir -p "$dir"
	policy_with '  volumes: {allow: [{path: /srv/volume}]}' || not_ok "$work_mode: served: its policy is taken"
	row_begin
	BUNDLE_JQ='.mounts += [{destination: "/srv/volume", type: "bind", source: "'$dir'", options: ["rbind", "rw"]}]' \
		life_start served "$(work_runtime)" /opt/work/copied
	life_finish served "$(work_runtime)"
	policy_again
}

# systemd as the first process, with services of the image.
life_systemd() {
	local i state=''
	row_begin
	life_status=0
	life_out=$(timeout "${row_seconds[systemd]}" podman --hooks-dir "$hf_dir/hooks.d" run -d --systemd always --name life-systemd \
		--network none localhost/services /sbin/init 2>&1) || life_status=1
	for ((i = 0; i < row_seconds[systemd]; i++)); do
		state=$(pod exec life-systemd systemctl is-system-running 2>&1)
		[[ $state != running && $state != degraded ]] || break
		sleep 1
	done
	[[ $state == running || $state == degraded ]] || life_status=1
	life_out+=$'\n'"did: $(pod exec life-systemd cat /proc/1/comm 2>&1) is $state, $(pod exec life-systemd systemctl list-units --no-legend --state running --type service 2>/dev/null | wc -l) services run"
	row_end systemd "$life_out" "$life_status"
	row_guarded systemd pod exec life-systemd sh -c
	pod rm -f -t 5 life-systemd >/dev/null 2>&1
}

# The Java program of jni under an exception for what it unpacks.
life_unpacked() {
	policy_with '  exceptions:' '    - {name: unpacked, paths: ["/tmp/libwork*.so"], fromProcess: ["/usr/lib/jvm/**"], reason: unpacked by the program}' ||
		not_ok "$work_mode: unpacked: its policy is taken"
	row_begin
	life_start unpacked crun sh -c '/opt/work/jni && exec tail -f /dev/null'
	[[ $life_out == *'library unpacked and loaded'* ]] || life_status=1
	life_finish unpacked crun
	policy_again
}
