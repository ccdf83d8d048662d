# SPDX-License-Identifier: Apache-2.0
"""What must not stand in a file, and what must stand in its first line."""
import re

APACHE = "Apache-2.0"
KERNEL = "GPL-2.0-only OR BSD-2-Clause"
LICENSED = {"c", "python", "shell", "make", "yaml"}
# Written so that this file does not find itself.
LEFTOVERS = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|(?i:place[h]older|not (?:yet )?imple[m]ented))\b")
MACHINE = re.compile(r"(?<![\w.}/-])/(?:wo[r]k|ho[m]e/\w+|ro[o]t/[.\w]+)(?:/|\b)")
REGISTRIES = re.compile(
    r"\b(?:(?:deb|security|snapshot|ftp)[.]debian[.]org|archive[.]ubuntu[.]com|pypi[.]org|pythonhosted[.]org|"
    r"(?:registry[.])?npmjs[.]\w+|crates[.]io|rubygems[.]org|proxy[.]golang[.]org|dl-cdn[.]alpinelinux[.]org)\b"
)
CALLS = re.compile(r"(?<![\w.>])(atoi|sprintf|vsprintf|strncpy|system)\s*\(")
EXIT = re.compile(r"(?<![\w.>])exit\s*\(")
GOTO = re.compile(r"\bgoto\b")
TEST_ONLY = re.compile(r"^\s*#\s*if.*\b(UNIT_)?TEST(S|ING)?\b", re.M)


def expected_license(file):
    kernel = file.path.startswith("bpf-lsm/") or file.name.endswith(".bpf.c")
    return KERNEL if kernel and file.language == "c" else APACHE


def check_license(tree):
    findings = []
    for file in tree.files():
        if file.language not in LICENSED:
            continue
        line = file.lines[1] if file.lines[0].startswith("#!") and len(file.lines) > 1 else file.lines[0]
        want = "SPDX-License-Identifier: " + expected_license(file)
        if not re.fullmatch(r"(//|/\*|#) " + re.escape(want) + r"( \*/)?", line):
            findings.append(f"{file.path}: the first line is not {want}")
    return findings


def check_whitespace(tree):
    findings = []
    for file in tree.files():
        for number, line in enumerate(file.lines, 1):
            if line != line.rstrip():
                findings.append(f"{file.path}:{number}: white space at the end of the line")
        if file.text and not file.text.endswith("\n"):
            findings.append(f"{file.path}: no newline at the end")
    return findings


def find_all(tree, pattern, what, skip=()):
    findings = []
    for file in tree.files():
        if file.path in skip:
            continue
        for number, line in enumerate(file.lines, 1):
            found = pattern.search(line)
            if found:
                findings.append(f"{file.path}:{number}: {what}: {found.group(0)}")
    return findings


def check_leftovers(tree):
    return find_all(tree, LEFTOVERS, "left over")


def check_places(tree):
    """The licence's text has addresses of its own; a path of the machine at hand has no place in any other file."""
    return find_all(tree, MACHINE, "path of one machine", {"LICENSE"}) + find_all(tree, REGISTRIES, "host of a registry")


def check_calls(tree):
    findings = []
    for file in tree.files("c"):
        test = file.path.startswith("tests/")
        for number, line in enumerate(file.code().split("\n"), 1):
            where = f"{file.path}:{number}"
            for found in CALLS.finditer(line):
                findings.append(f"{where}: {found.group(1)}() is not used here")
            if EXIT.search(line) and not test and file.name != "main.c":
                findings.append(f"{where}: exit() below main")
            if GOTO.search(line) and file.folder != "bpf-lsm":
                findings.append(f"{where}: goto is for the kernel half")
            if TEST_ONLY.search(line):
                findings.append(f"{where}: code for tests only")
    return findings


RULES = {
    "licence in the first line": check_license,
    "white space": check_whitespace,
    "nothing left over": check_leftovers,
    "no names of machines": check_places,
    "calls that are not used": check_calls,
}
