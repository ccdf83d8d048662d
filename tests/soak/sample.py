#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: sample.py PID PIN_FOLDER NAME=NUMBER...

In the guest: one sample, as a line of JSON: the daemon's memory and descriptors, entries of the pinned maps, slots in use,
kernel memory, and what the caller adds. Owns the reading; must not know what is too much."""
import ctypes
import errno
import glob
import json
import os
import struct
import subprocess
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_MAP_LOOKUP_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_OBJ_GET, BPF_OBJ_GET_INFO_BY_FD = 1, 4, 7, 15
HASHES = {"hf_catalog": "catalogue", "hf_volumes": "volumes", "hf_written": "written", "hf_roots": "roots",
          "hf_cgroups": "cgroups"}
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes + bytes(144 - len(attributes)), 144)
    done = libc.syscall(SYS_BPF[os.uname().machine], command, buffer, 144)
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def map_open(path):
    name = ctypes.create_string_buffer(path.encode())
    fd = bpf(BPF_OBJ_GET, struct.pack("QII", ctypes.addressof(name), 0, 0))
    info = ctypes.create_string_buffer(88)
    bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("IIQ", fd, 88, ctypes.addressof(info)))
    _, _, key_bytes, value_bytes, entries = struct.unpack_from("5I", info.raw)
    return fd, key_bytes, value_bytes, entries


def count_keys(path):
    """Entries of a hash. One that changes meanwhile is counted about right."""
    fd, key_bytes, _, entries = map_open(path)
    key, after, n = None, ctypes.create_string_buffer(key_bytes), 0
    try:
        while n <= entries:
            bpf(BPF_MAP_GET_NEXT_KEY, struct.pack("IxxxxQQ", fd, ctypes.addressof(key) if key else 0, ctypes.addressof(after)))
            key = key or ctypes.create_string_buffer(key_bytes)
            key.raw = after.raw
            n += 1
    except OSError as problem:
        if problem.errno != errno.ENOENT:
            raise
    finally:
        os.close(fd)
    return n


def count_slots(path, is_used, first, limit):
    """Elements of an array in use, of those up to a limit: slots are given out from the start."""
    fd, _, value_bytes, entries = map_open(path)
    key, value, n = ctypes.create_string_buffer(4), ctypes.create_string_buffer(value_bytes), 0
    for slot in range(first, min(entries, limit)):
        key.raw = struct.pack("I", slot)
        bpf(BPF_MAP_LOOKUP_ELEM, struct.pack("IxxxxQQQ", fd, ctypes.addressof(key), ctypes.addressof(value), 0))
        n += is_used(value.raw)
    os.close(fd)
    return n


def memory():
    with open("/proc/meminfo", encoding="ascii") as f:
        fields = dict(line.split(":", 1) for line in f)
    return {name: int(fields[field].split()[0]) * 1024 for name, field in
            (("slab_bytes", "SUnreclaim"), ("percpu_bytes", "Percpu")) if field in fields}


def daemon(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        fields = dict(line.split(":", 1) for line in f)
    found = {name: int(fields[field].split()[0]) * 1024 for name, field in (("rss_bytes", "VmRSS"), ("anon_bytes", "RssAnon"))}
    return dict(found, descriptors=len(os.listdir(f"/proc/{pid}/fd")))


def offset_of(path, structure, member):
    """Where the member of a map's values lies, which the map's own types say."""
    dumped = subprocess.run(["bpftool", "-j", "btf", "dump", "map", "pinned", path, "value"], check=True, stdout=subprocess.PIPE).stdout
    return next(m["bits_offset"] // 8 for found in json.loads(dumped)["types"] if found["kind"] == "STRUCT" and found["name"] == structure
                for m in found["members"] if m["name"] == member)


def maps(folder):
    found = {name: count_keys(os.path.join(folder, pin)) for pin, name in HASHES.items()}
    found["containers"] = count_slots(f"{folder}/hf_containers", lambda raw: raw[:8] != bytes(8), 2, 512)
    valid = offset_of(f"{folder}/hf_policies", "hf_policy", "valid")
    found["policies"] = count_slots(f"{folder}/hf_policies", lambda raw: struct.unpack_from("I", raw, valid)[0] != 0, 0, 512)
    return found


def main(argv):
    sample = {name: float(number) for name, number in (word.split("=") for word in argv[2:])}
    folders = [os.path.dirname(path) for path in glob.glob(os.path.join(argv[1], "**/hf_catalog"), recursive=True)]
    if len(folders) != 1:
        raise SystemExit(f"sample.py: {len(folders)} pinned versions below {argv[1]}")
    sample.update(daemon(int(argv[0])), **maps(folders[0]), **memory())
    print(json.dumps(sample))


if __name__ == "__main__":
    main(sys.argv[1:])
