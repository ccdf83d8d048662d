# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# When the hook and the daemon do not understand each other: no answer, late answers, malformed states and packets.

# hook_start HOOK-OPTION...: output of a container started with them ("hello from" when it ran), its status, the hook's words.
hook_start() {
	local dir=$boxes/hook-try
	rm -f "$hf_dir/hook.log"
	BUNDLE_HOOKS=$(hook_json --log "$hf_dir/hook.log" "$@") bundle_new "$dir" base "$hello" || return 2
	timeout 60 crun run --bundle "$dir" hook-try </dev/null 2>&1
	printf 'status %d\n' $?
	cat "$hf_dir/hook.log" 2>/dev/null
	crun delete --force hook-try >/dev/null 2>&1
	bundle_free "$dir"
}

refused='exit code: 1.*status [1-9].*not started'

hook_frozen() {
	local started
	kill -STOP "$hf_pid"
	started=$SECONDS
	check_match 'a frozen daemon: the start is refused' "$(hook_start --timeout 2)" "$refused"
	check 'after the time-out, not later' test $((SECONDS - started)) -lt 20
	check_match 'a frozen daemon: the start is allowed where that is configured' \
		"$(hook_start --timeout 2 --on-failure allow)" 'hello from the image'
	kill -CONT "$hf_pid"
	check_match 'awake again it arms containers' "$(hook_start)" 'hello from the image'
}

hook_absent() {
	check_match 'no daemon at that socket: refused' "$(hook_start --socket /run/nobody.sock)" "$refused"
	check_match 'no daemon at that socket: allowed where that is configured' \
		"$(hook_start --socket /run/nobody.sock --on-failure allow)" 'hello from the image'
	check_match 'podman refuses the start without a daemon' "$(hook_podman)" 'status [1-9]'
}

# The hook file as it is shipped, and the program where that file says.
hook_podman() {
	mkdir -p /usr/libexec/holdfast /usr/share/containers/oci/hooks.d
	cp build/holdfast-hook /usr/libexec/holdfast/
	cp tools/packaging/holdfast.json /usr/share/containers/oci/hooks.d/
	printf 'socket = /run/nobody.sock\n' >"$hf_dir/hook.conf"
	mkdir -p /etc/holdfast
	cp "$hf_dir/hook.conf" /etc/holdfast/hook.conf
	podman run --rm --network none localhost/base "$hello" 2>&1
	echo "status $?"
	rm -r /etc/holdfast/hook.conf /usr/share/containers/oci/hooks.d/holdfast.json
}

hook_bad_states() {
	local state
	for state in '' '{' '[]' '{"id":1}' '{"ociVersion":"1.0.2","id":"x","pid":-1,"bundle":"/"}' \
		'{"ociVersion":"1.0.2","id":"x","pid":4194300,"bundle":"/nowhere"}'; do
		check_is "a state that reads ${state:-nothing} is refused" "$(hook_with "$state")" 1
	done
	check_is 'a state of 8 MB is refused' "$(hook_with "$(head -c 8000000 /dev/zero | tr '\0' '[')")" 1
}

hook_with() {
	timeout 30 build/holdfast-hook >/dev/null 2>&1 <<<"$1"
	echo $?
}

# Ten packets that are no messages, then one of another version.
hook_send_garbage() {
	python3 - <<-'END'
		import socket, struct
		packets = [b"", b"x", b"\xff" * 20, b"\0" * 65536, b"{}" * 100, struct.pack("<IHHIiI", 0x54464448, 1, 2, 0, 0, 999999),
		           struct.pack("<IHHIiI", 0x54464448, 1, 2, 0, 0, 3) + b"abc", struct.pack("<IHHIiI", 0x54464448, 1, 99, 0, 0, 2) + b"{}",
		           struct.pack("<IHHIiI", 0x54464448, 1, 2, 0, 0, 2) + b"{}", struct.pack("<IHHIiI", 0x54464448, 7, 2, 0, 0, 2) + b"{}"]
		for packet in packets:
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		    s.connect("/run/holdfast/hook.sock")
		    s.settimeout(20)
		    if packet:
		        s.send(packet)
		        answer = s.recv(65536)
		        assert not answer or struct.unpack("<IHHIiI", answer[:20])[4] < 0, answer
		    s.close()
		s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		try:
		    s.connect("/run/holdfast/hook.sock")
		    raise SystemExit("a stream socket was accepted")
		except OSError:
		    pass
	END
}

hook_other_user() {
	! setpriv --reuid 65534 --clear-groups python3 -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect("/run/holdfast/hook.sock")
s.send(b"x" * 30)
s.settimeout(5)
raise SystemExit(0 if s.recv(100) else 1)'
}

hook_malformed() {
	local from
	from=$(holdfast_log_mark)
	check 'malformed packets are answered with a refusal' hook_send_garbage
	check 'a user other than root gets no answer' hook_other_user
	check_match 'the daemon still arms containers' "$(hook_start)" 'hello from the image'
	check_is 'the malformed packets were logged once' "$(tail -n "+$from" "$hf_log" | grep -c 'hook.*malformed')" 1
}

topic_hook() {
	policy_is enforce
	hook_absent
	hook_frozen
	hook_bad_states
	hook_malformed
}
