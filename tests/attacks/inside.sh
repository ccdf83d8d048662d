# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154,SC2317
# What every row's commands find in the container; given to its sh -c in front of them. v: the folder of the image with the
# row's own victims (prog, lib.so, script, data); t: its scratch folder in the writable layer, where it starts.
app=/opt/app ldso=/lib64/ld-linux-x86-64.so.2

# fresh FROM TO: a file of the container that no image holds.
fresh() {
	cp "$1" "$2" && printf fresh >>"$2"
}

# flip FILE: its last byte is another one, written in place.
flip() {
	printf x | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 1)) conv=notrunc 2>/dev/null
}

# run PROGRAM...: through probe, which tells the errno by its name.
run() {
	probe exec "$@"
}

preload() {
	LD_PRELOAD=$1 /bin/true
}

have() {
	command -v "$1" >/dev/null || { echo "SKIP: the image has no $1"; exit 0; }
}
