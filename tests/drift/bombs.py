#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# usage: bombs.py FOLDER FOLDERS FILES
# Fills a folder with what an image should not hold: a tree that is deep and one that is wide (FOLDERS folders with long names), FILES
# files that look like programs and are none, programs whose headers lie, a file of 1 TB, FIFOs, sockets, links that never end.
# Owns the shapes; must not know who reads them.
import os
import socket
import struct
import sys

ELF_MAGIC = b"\x7fELF\x02\x01\x01" + bytes(9)
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ = 0, 1, 5, 10
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3


def header(phoff=64, phnum=0, shoff=0, shnum=0):
    return ELF_MAGIC + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0x1000, phoff, shoff, 0, 64, 56, phnum, 64, shnum, 0)


def segment(kind, offset, size):
    return struct.pack("<IIQQQQQQ", kind, 5, offset, offset, offset, size, size, 4096)


def needed_bomb(n):
    """n libraries, all of whose names are parts of one string that fills the rest of the file and never ends."""
    at = 64 + 2 * 56
    table = b"".join(struct.pack("<QQ", DT_NEEDED, i) for i in range(n))
    strings = at + len(table) + 48
    table += struct.pack("<QQQQQQ", DT_STRTAB, strings, DT_STRSZ, 1 << 62, DT_NULL, 0)
    size = strings + 65536
    return header(phnum=2) + segment(PT_LOAD, 0, size) + segment(PT_DYNAMIC, at, len(table)) + table + b"A" * 65536


def programs():
    yield "needed", needed_bomb(100000)
    yield "segments", header(phnum=0xFFFF) + segment(PT_LOAD, 0, 1 << 63) * 64
    yield "sections", header(shoff=64, shnum=0xFFFF) + b"\xff" * 4096
    yield "sections-counted-elsewhere", header(shoff=64) + struct.pack("<IIQQQQ", 0, 0, 0, 0, 0, 1 << 60) + bytes(64)
    yield "beyond", header(phoff=1 << 62, phnum=8)
    yield "interpreter", header(phnum=1) + segment(PT_INTERP, 120, 1 << 40) + b"/" * 100000
    yield "nothing-but-magic", b"\x7fELF"
    yield "script", b"#!" + b"/" * 1000000


def put(path, data, mode=0o755):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def odd_files(folder):
    with open(os.path.join(folder, "terabyte"), "wb") as file:
        file.write(header(shoff=1 << 39, shnum=16))
        file.truncate(1 << 40)
        os.fchmod(file.fileno(), 0o755)
    os.mkfifo(os.path.join(folder, "fifo"), 0o755)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.join(folder, "socket"))
    os.symlink("round-b", os.path.join(folder, "round-a"))
    os.symlink("round-a", os.path.join(folder, "round-b"))
    os.symlink("..", os.path.join(folder, "up"))
    for i in range(200):
        os.symlink(f"chain-{i + 1}", os.path.join(folder, f"chain-{i}"))


def deep(folder, depth):
    home = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    for _ in range(depth):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    put("bottom", header())
    os.fchdir(home)
    os.close(home)


def main(folder, folders, files):
    os.makedirs(folder, exist_ok=True)
    for name, data in programs():
        put(os.path.join(folder, name), data)
    odd_files(folder)
    deep(folder, 1000)
    wide = os.path.join(folder, "wide")
    os.mkdir(wide)
    for i in range(folders):
        os.mkdir(os.path.join(wide, f"{i:0>250}"))
    many = os.path.join(folder, "many")
    os.mkdir(many)
    for i in range(files):
        put(os.path.join(many, str(i)), b"\x7fELF")


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
