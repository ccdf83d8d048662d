# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Containers that ran before the daemon: found under crun, runc, podman and in containerd's folder, judged, and reported once.

adopt_tasks=/run/containerd/io.containerd.runtime.v2.task/k8s.io
adopt_names='adopt-crun adopt-runc adopt-task'

# A runtime whose own folder nobody looks into: only containerd's tells of its container.
crun_elsewhere() {
	crun --root /run/crun-of-others "$@"
}

adopt_policy() {
	holdfast_policy - <<-'END' >/dev/null
		apiVersion: holdfast.dev/v1alpha1
		kind: DriftPolicy
		metadata: {name: shop, namespace: shop}
		spec: {mode: enforce}
		---
		apiVersion: holdfast.dev/v1alpha1
		kind: ClusterDriftPolicy
		metadata: {name: others}
		spec: {mode: audit}
	END
}

adopt_start() {
	BOX_HOOKS='{}' BUNDLE_JQ='.linux.cgroupsPath = "/adopt-crun"' box_start adopt-crun crun || return 1
	BOX_HOOKS='{}' box_start adopt-runc runc || return 1
	BOX_HOOKS='{}' BUNDLE_JQ='.linux.cgroupsPath = "/adopt-task"' box_start adopt-task crun_elsewhere || return 1
	mkdir -p "$adopt_tasks/adopt-task"
	cp "$boxes/adopt-task/config.json" "$adopt_tasks/adopt-task/"
	container_pid crun_elsewhere adopt-task >"$adopt_tasks/adopt-task/init.pid"
	podman run -d --name adopt-podman --network none --annotation io.kubernetes.pod.namespace=dev localhost/base \
		sleep 1000 >/dev/null
}

# What runs in the crun container when the daemon comes: the first five are drift, the rest is not.
adopt_life() {
	box_do adopt-crun "cp /bin/sleep /srv/dropped; /srv/dropped 1000 &"
	box_do adopt-crun "cp /opt/app/lib/libgreet.so /srv/libdrift.so; LD_PRELOAD=/srv/libdrift.so sleep 1001 &"
	box_do adopt-crun "$probe memfd /bin/sleep 1002 >/dev/null &"
	box_do adopt-crun "printf x >>/usr/bin/tail; tail -f /dev/null &"
	box_do adopt-crun 'r=/dev/shm/r; mkdir -p $r/lib/x86_64-linux-gnu $r/lib64; cp /bin/sleep $r/
		cp /lib/x86_64-linux-gnu/libc.so.6 $r/lib/x86_64-linux-gnu; cp /lib64/ld-linux-x86-64.so.2 $r/lib64
		chroot $r /sleep 1003 &'
	box_do adopt-crun "chmod 700 /usr/bin/sha1sum; mkfifo /srv/wait; exec 9<>/srv/wait; sha1sum <&9 >/dev/null &
		tee /dev/null <&9 & md5sum <&9 >/dev/null &"
	box_do adopt-crun 'while ! grep -q tee /proc/[0-9]*/comm; do :; done; rm /usr/bin/tee /usr/bin/md5sum'
	box_do adopt-crun 'exec 8>>/usr/bin/sha224sum' # open for writing, nothing written
	podman exec -d adopt-podman sh -c "cp /bin/sleep /srv/dropped; exec /srv/dropped 1000" >/dev/null
}

# Not in containers: a chrooted process of the host, in the host's mount namespace.
adopt_host() {
	mkdir -p "$hf_dir/chrooted"
	cp "$(command -v busybox)" "$hf_dir/chrooted/busybox"
	chroot "$hf_dir/chrooted" /busybox sleep 1000 &
	adopt_host_pid=$!
}

adopt_list() {
	holdfast -o json containers | jq -r "[.containers[] | select(.state == \"armed\") | $1] | sort | join(\" \")"
}

adopt_events() {
	events_since "$1" 'select(.existing) | [(.container.name // .container.id), .action, .operation, .class, .reason, .file.path // "-"] |
		join(" ")' | jq -r . | sort
}

adopt_reported() {
	local mark=$1 pid
	events_fence
	check_is 'exactly what ran drifted is reported, once' "$(adopt_events "$mark")" "$(sort <<-'END'
		adopt-crun audited adopt executable added /srv/dropped
		adopt-crun audited adopt library added /srv/libdrift.so
		adopt-crun audited adopt executable memfd memfd:probe
		adopt-crun audited adopt executable modified /usr/bin/tail
		adopt-crun audited adopt executable tmpfs /sleep
		adopt-crun audited adopt library tmpfs /lib/x86_64-linux-gnu/libc.so.6
		adopt-crun audited adopt library tmpfs /lib64/ld-linux-x86-64.so.2
		adopt-podman audited adopt executable added /srv/dropped
	END
	)"
	pid=$(events_since "$mark" 'select(.existing and .container.id == "adopt-crun" and .file.path == "/srv/dropped") | .process.pid')
	check_match 'with the pid that runs it' "$(tr '\0' ' ' <"/proc/$pid/cmdline")" '^/srv/dropped 1000'
}

adopt_enforced() {
	local name mark
	for name in $adopt_names; do
		check_is "$name: new drift is denied" "$(box_drops "$name")" EPERM
		events_mark
		check_is "$name: originals run" "$(box_runs "$name")" ran
		quiet_since "$name: and leave no event" "$mark"
	done
	events_mark
	check_is 'a copy made by chmod before runs' "$(box_word adopt-crun "$probe exec /usr/bin/sha1sum /dev/null")" ran
	check_is 'a copy made by chmod now runs' "$(box_word adopt-crun "chmod 700 /usr/bin/sha256sum; $probe exec /usr/bin/sha256sum /dev/null")" ran
	quiet_since 'and neither leaves an event' "$mark"
	check_is 'a copy that was changed before is denied' "$(box_word adopt-crun "$probe exec /usr/bin/tail /dev/null")" EPERM
	check_is 'a copy that was open for writing before is denied' \
		"$(box_word adopt-crun "exec 8>&-; $probe exec /usr/bin/sha224sum /dev/null")" EPERM
	check_is 'a copy that is changed now is denied' \
		"$(box_word adopt-crun "printf x >>/usr/bin/sha512sum; $probe exec /usr/bin/sha512sum /dev/null")" EPERM
	check_is 'podman, of an audited namespace: drift runs' \
		"$(podman exec adopt-podman sh -c "cp $hello /srv/new; $probe exec /srv/new" 2>&1 | tail -n 1)" 'exec /srv/new: ran'
}

# State files lost while the records stand: they go on judging until each container is adopted, nothing original is denied.
adopt_lost() {
	local name from mark
	events_mark
	holdfast_kill
	rm -f /run/holdfast/containers/*
	from=$(holdfast_log_mark)
	check 'state lost: the daemon starts' holdfast_start
	check 'state lost: adoption comes to its end' adopt_settled 'adopt-crun adopt-podman adopt-runc adopt-task'
	for name in $adopt_names; do
		check_is "state lost: $name: originals run" "$(box_runs "$name")" ran
		check_is "state lost: $name: drift is denied" "$(box_drops "$name")" EPERM
	done
	events_fence
	check_is 'state lost: no event but these' "$(events_since "$mark" '[.action, .file.path] | join(" ")' | sort | uniq -c | tr -s ' ')" \
		' 3 "denied /srv/dropped"'
}

# Nobody can say whose a record is: it goes, and what its tasks' tags then name is denied, since their policy enforced. When the
# runtime's word is there again, the tags are replaced.
adopt_stale() {
	holdfast_kill
	rm -f /run/holdfast/containers/*
	mv "$adopt_tasks" "$hf_dir/tasks"
	check 'a container that nobody can name: the daemon starts' holdfast_start
	check 'a container that nobody can name: the others are adopted' adopt_settled 'adopt-crun adopt-podman adopt-runc'
	check_match 'a container that nobody can name: its stale tags deny' "$(box_do adopt-task "$hello" 2>&1)" 'not permitted'
	mv "$hf_dir/tasks" "$adopt_tasks"
	check 'named again: the daemon stops and starts' daemon_restart
	check 'named again: it is adopted' adopt_settled 'adopt-crun adopt-podman adopt-runc adopt-task'
	check_is 'named again: originals run' "$(box_runs adopt-task)" ran
	check_is 'named again: drift is denied' "$(box_drops adopt-task)" EPERM
}

# Two containers on one root: both are found, each is judged by its own policy, and neither's copies count as the image's.
adopt_shared() {
	local from
	BOX_HOOKS='{}' BUNDLE_JQ='.linux.cgroupsPath = "/adopt-one"' box_start adopt-one crun || not_ok 'shared root: the first starts'
	mkdir -p "$boxes/adopt-two"
	mount --bind "$boxes/adopt-one/rootfs" "$(mkdir -p "$boxes/adopt-two/rootfs"; echo "$boxes/adopt-two/rootfs")"
	BOX_HOOKS='{}' BUNDLE_ROOT=rootfs BUNDLE_JQ='.linux.cgroupsPath = "/adopt-two"' box_start adopt-two crun dev ||
		not_ok 'shared root: the second starts'
	from=$(holdfast_log_mark)
	check 'shared root: the daemon stops and starts' daemon_restart
	check 'shared root: both are adopted' holdfast_log_wait "$from" 'adoption: done: 2 containers adopted, 0 not'
	check_is 'shared root: drift is denied by the policy of the one' "$(box_drops adopt-one)" EPERM
	check_is 'shared root: and runs by that of the other' "$(box_drops adopt-two)" ran
	check_is 'shared root: originals run' "$(box_runs adopt-one) $(box_runs adopt-two)" 'ran ran'
	box_stop adopt-two
	check_is 'shared root: one gone, drift is denied in the other' "$(box_drops adopt-one)" EPERM
	box_stop adopt-one
}

# adopt_settled 'NAMES': waits until these are armed; each answer of the daemon is a step, nothing sleeps.
adopt_settled() {
	local end=$((SECONDS + hf_wait_seconds)) got=''
	while ((SECONDS < end)); do
		got=$(adopt_list '.name // .id')
		[[ $got == "$1" ]] && return 0
	done
	echo "armed: $got"
	return 1
}

topic_adopt() {
	local name from mark
	holdfast_stop
	check 'nothing is loaded' holdfastd --unload
	check 'containers start without us' adopt_start
	adopt_life
	adopt_host
	adopt_policy
	from=$(holdfast_log_mark)
	mark=${#hf_event_lines[@]}
	check 'the daemon starts' holdfast_start
	if holdfast_log_wait "$from" 'adoption: done: 4 containers adopted, 0 not' >/dev/null; then
		ok 'adoption comes to its end'
	else
		not_ok 'adoption comes to its end' "$(sed -n "$from,\$p" "$hf_log")"
	fi
	check_is 'the containers are known' "$(adopt_list '.name // .id')" 'adopt-crun adopt-podman adopt-runc adopt-task'
	check_is 'as adopted' "$(adopt_list .found)" 'adopted adopted adopted adopted'
	check_is 'with their namespaces' "$(adopt_list .namespace)" 'dev shop shop shop'
	check_is 'with their images' "$(adopt_list '.image // empty')" 'localhost/base:latest'
	adopt_reported "$mark"
	adopt_enforced
	adopt_lost
	adopt_stale
	adopt_shared
	kill "$adopt_host_pid"
	podman rm -f -t 0 adopt-podman >/dev/null 2>&1
	for name in $adopt_names; do
		box_stop $name
	done
	rm -rf "$adopt_tasks" "$hf_dir/chrooted"
	policy_is enforce
}
