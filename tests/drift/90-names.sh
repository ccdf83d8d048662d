# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# File names that want to break out of the event line: each leaves one line of valid JSON that gives the same bytes back.

# The names, as Python; both sides use this list.
names_list='names = [b"line\nbreak", b"quote\"back\\slash", b"{\"type\":\"drift\"}", b"esc\x1b[31mred\x1b[0m", b"bell\x07tab\tcr\r",
    b"latin\xe9bytes\xff\xfe", b"cut\xc3", b"del\x7f", "\u00e4\u20ac".encode(), "\u202ertl".encode(), b"overlong\xc0\xaf",
    b"surrogate\xed\xa0\x80", b"x" * 255]'

# In the container: makes and executes one file for each name.
names_make='
import os
hello = open("/opt/app/bin/hello", "rb").read()
for name in names:
    with open(b"/srv/" + name, "wb") as file:
        file.write(hello)
    os.chmod(b"/srv/" + name, 0o755)
    os.spawnv(os.P_WAIT, b"/srv/" + name, [b"x"])'

# Reads event lines on stdin; prints what is wrong.
names_compare='
import base64, json, sys
seen, lines = [], sys.stdin.buffer.read().splitlines()
for line in lines:
    file = json.loads(line.decode("utf-8"))["file"]
    seen.append(base64.b64decode(file["path_base64"]) if "path_base64" in file else file["path"].encode())
    if any(b < 0x20 or b == 0x7f for b in line):
        print("control bytes in", line)
for name in names:
    if seen.count(b"/srv/" + name) != 1:
        print("lines for", name, ":", seen.count(b"/srv/" + name))
if len(lines) != len(names):
    print(len(lines), "lines for", len(names), "names:", seen)'

names_table() {
	holdfast events -n 50 >"$hf_dir/events.table" && ! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$hf_dir/events.table"
}

topic_names() {
	local mark
	policy_is audit
	box_start names crun || { not_ok 'a container starts'; return; }
	events_mark
	box_do names "python3 - <<'END'
$names_list$names_make
END" >/dev/null
	events_fence
	check_is 'each name gives one JSON line with the same bytes' \
		"$(printf '%s\n' "${hf_event_lines[@]:$mark}" | grep '"type":"drift"' | grep -v '/fence-' | python3 -c "$names_list$names_compare")" ''
	check 'the table of holdfast events has no control bytes' names_table
	box_stop names
}
