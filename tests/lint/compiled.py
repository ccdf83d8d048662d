# SPDX-License-Identifier: Apache-2.0
"""What a compiler or another program has to say: headers alone, the Makefile's warnings, shellcheck."""
import concurrent.futures
import os
import platform
import re
import shutil
import subprocess

from tree import Skip

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wpointer-arith", "-Wvla"]
SILENCED = re.compile(r"#\s*pragma\s+(?:GCC|clang)\s+diagnostic\s+ignored|-Wno-error")
# Files that a script sources are looked at by themselves (SC1091), so that variables and functions of theirs seem unused or
# unset (SC2034, SC2154, SC2119, SC2120). SC2187: busybox's shell is checked as dash, which will do.
SHELLCHECK = ["shellcheck", "--severity=warning", "--exclude=SC1091,SC2034,SC2154,SC2119,SC2120,SC2187"]


def compiler_for(tree, header):
    include = ["-I.", f"-I{tree.build}/gen"]
    if header.path.startswith("bpf-lsm/"):
        arch = "arm64" if platform.machine() == "aarch64" else "x86"
        return ["clang", "-target", "bpf", "-mcpu=v3", "-O2", "-g", f"-D__TARGET_ARCH_{arch}", "-Wall", "-Wextra", "-Werror",
                "-Wno-unused-parameter", "-Wno-unused-function", "-Wno-missing-declarations",
                f"-I/usr/include/{platform.machine()}-linux-gnu"] + include
    return ["gcc", "-std=gnu17", *WARNINGS, "-Wno-unused-function", "-D_GNU_SOURCE"] + include


def compile_alone(tree, header):
    """The header twice, in a file with nothing else: it brings what it needs, and it is guarded."""
    source = f'#include "{header.path}"\n#include "{header.path}"\n'
    command = compiler_for(tree, header) + ["-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run(command, cwd=tree.root, input=source, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    errors = [line for line in done.stderr.split("\n") if "error:" in line]
    return [f"{header.path}: does not compile alone"] + ["  " + line for line in errors[:3]]


def check_headers(tree):
    for program in ("gcc", "clang"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    headers = [file for file in tree.files("c") if file.name.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda header: compile_alone(tree, header), headers)
    return [line for result in results for line in result]


def check_warnings(tree):
    """The build itself compiles everything; here: that it does so with all warnings, and that nothing turns one off."""
    findings = []
    for file in tree.files("make"):
        flags = re.search(r"^WARN\s*[:?+]?=((?:[^\n\\]|\\\n)*)", file.text, re.M)
        if file.path == "Makefile":
            given = flags.group(1).replace("\\\n", " ").split() if flags else []
            findings += [f"Makefile: WARN lacks {flag}" for flag in WARNINGS if flag not in given]
    for file in tree.files():
        if file.language not in ("c", "make"):
            continue
        text = file.code() if file.language == "c" else file.text
        for number, line in enumerate(text.split("\n"), 1):
            if SILENCED.search(line):
                findings.append(f"{file.path}:{number}: a warning is turned off: {line.strip()}")
    return findings


def check_shell(tree):
    if not shutil.which("shellcheck"):
        raise Skip("shellcheck is not installed")
    scripts = [file.path for file in tree.files("shell")]
    if not scripts:
        return []
    done = subprocess.run(SHELLCHECK + ["--format=gcc", "--", *scripts], cwd=tree.root, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().split("\n") if done.returncode else []


RULES = {"headers compile alone": check_headers, "warnings are errors": check_warnings, "shellcheck": check_shell}
