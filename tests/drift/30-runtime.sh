# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What runtimes themselves do in a container (re-exec from a memfd, exec, stop) is no alarm, under the strictest policy.

strictest() {
	policy_is enforce 'executables: {modifiedMetadata: deny}' 'scripts: {mode: enforce}' \
		'memory: {anonymousExec: deny, modifiedCode: deny, memfdExec: deny, memfdMap: deny}' \
		'volumes: {readOnly: deny, writable: deny, init: deny}' 'onViolation: {action: kill}'
}

runtime_life() {
	local rt=$1 out
	box_start "life-$rt" "$rt" || { not_ok "$rt: starts a container"; return; }
	check_is "$rt: the container runs" "$(box_do "life-$rt" "$hello")" 'hello from the image'
	out=$("$rt" exec "life-$rt" "$hello" 2>&1 </dev/null)
	check_is "$rt: exec runs a program of the image" "$out" 'hello from the image'
	out=$("$rt" exec --cwd /opt "life-$rt" sh -c 'pwd; id -u' 2>&1 </dev/null | tr '\n' ' ')
	check_is "$rt: exec with options" "$out" '/opt 0 '
	check "$rt: kill" "$rt" kill "life-$rt" KILL
	box_stop "life-$rt"
}

podman_life() {
	check 'podman: run' pod run -d --name life-podman --network none localhost/base sleep 1000
	check_match 'podman: exec' "$(pod exec life-podman "$hello" 2>&1)" 'hello from the image'
	check 'podman: stop' pod stop -t 0 life-podman
	check 'podman: rm' pod rm life-podman
}

topic_runtime() {
	local rt mark
	strictest
	for rt in crun runc; do
		events_mark
		runtime_life $rt
		quiet_since "$rt: nothing is reported about it" "$mark"
	done
	events_mark
	podman_life
	quiet_since 'podman: nothing is reported about it' "$mark"
}
