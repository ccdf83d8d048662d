# SPDX-License-Identifier: Apache-2.0
"""usage: headers.py PROG FOLDER: writes programs whose headers make the kernel give them more executable memory than others have:
FOLDER/execstack, PROG with an executable stack, and FOLDER/legacy, a 32-bit program without a word about its stack, which gets
READ_IMPLIES_EXEC. It also asks for other personalities, keeping that flag, and grows its heap."""
import os
import struct
import sys

BASE = 0x8048000
TEXT = b"code ran\n"


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o755)


def with_execstack(data):
    """The flags of PT_GNU_STACK become rwx."""
    at, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    data = bytearray(data)
    for i in range(count):
        if struct.unpack_from("<I", data, at + i * size)[0] == 0x6474E551:
            struct.pack_into("<I", data, at + i * size + 4, 7)
            return bytes(data)
    raise SystemExit("no PT_GNU_STACK")


def call(number, *arguments):
    """Machine code of a 32-bit system call; an argument "eax" is the last one's result."""
    code = b""
    for move, register, value in zip((b"\xbb", b"\xb9", b"\xba"), (b"\x89\xc3", b"\x89\xc1", b"\x89\xc2"), arguments):
        code += register if value == "eax" else move + struct.pack("<I", value)
    return code + b"\xb8" + struct.pack("<I", number) + b"\xcd\x80"


def legacy():
    start = 52 + 32
    code = call(136, 0xFFFFFFFF) + b"\x0d" + struct.pack("<I", 0x0040000) + call(136, "eax")
    code += call(45, 0) + b"\x05" + struct.pack("<I", 0x2000) + call(45, "eax")
    ending = call(4, 1, 0, len(TEXT)) + call(1, 0)
    text_at = BASE + start + len(code) + len(ending)
    code += call(4, 1, text_at, len(TEXT)) + call(1, 0) + TEXT
    size = start + len(code)
    header = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, BASE + start, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    return header + struct.pack("<IIIIIIII", 1, 0, BASE, BASE, size, size, 5, 0x1000) + code


with open(sys.argv[1], "rb") as prog:
    put(os.path.join(sys.argv[2], "execstack"), with_execstack(prog.read()))
put(os.path.join(sys.argv[2], "legacy"), legacy())
