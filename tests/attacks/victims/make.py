# SPDX-License-Identifier: Apache-2.0
"""usage: make.py VICTIMS_DIR; on stdin one line "FOLDER TAG" for each set of victims: a program, a library, a script and a text
of the image that one part of one row may do with as it likes. The tag makes their bytes its own. One process for thousands of
small files."""
import os
import sys


def put(path, data, mode):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)


def main():
    code = {}
    for name in ("prog", "lib.so"):
        with open(os.path.join(sys.argv[1], name), "rb") as f:
            code[name] = f.read()
    for line in sys.stdin:
        folder, tag = line.rstrip("\n").split(" ", 1)
        os.makedirs(folder, exist_ok=True)
        for name, data in code.items():
            put(f"{folder}/{name}", data + tag.encode(), 0o755)
        put(f"{folder}/script", f"#!/bin/sh\n# {tag}\necho code ran\n".encode(), 0o755)
        put(f"{folder}/data", f"text of {tag}\n".encode(), 0o644)


main()
