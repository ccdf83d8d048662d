# SPDX-License-Identifier: Apache-2.0
"""Who may include whom (design, section 2), and one library, one user."""
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# A file is judged by the first line that matches its path: what it may include in quotes, and in angle brackets.
ANY = r".*"
ALLOWED = [
    (r"bpf-lsm/abi(?:_[a-z]+)?\.h", r"bpf-lsm/abi(?:_[a-z]+)?\.h", r"linux/types\.h"),
    (r"bpf-lsm/decide\.h", r"bpf-lsm/abi\.h", r"(?!)"),
    (r"bpf-lsm/", r"bpf-lsm/.*", r"(linux|asm-generic|bpf)/.*|std(bool|int|def)\.h"),
    (r"imagedb/", r"imagedb/.*", ANY),
    (r"policies/", r"policies/.*", ANY),
    (r"enforcer/lsm[^/]*\.[ch]", r"bpf-lsm/abi\.h|enforcer/.*|holdfast\.skel\.h", ANY),
    (r"enforcer/stream[^/]*\.[ch]", r"bpf-lsm/abi(_detect)?\.h|enforcer/.*|detect\.skel\.h", ANY),
    (r"enforcer/", r"bpf-lsm/(abi|abi_detect|likely)\.h|imagedb/(imagedb|store|layers)\.h|policies/(policies|arena|rules/[a-z_]+)\.h|enforcer/.*", ANY),
    (r"tools/([^/]+)/", r"bpf-lsm/abi\.h|imagedb/(imagedb|store|layers)\.h|policies/(policies|arena|rules/[a-z_]+)\.h|"
     r"enforcer/(wire|util|stream|stream_record|process_tree|detect_[a-z_]+)\.h|tools/{0}/.*",
     ANY),
    (r"tests/", ANY, ANY),
    (r"", r"(?!)", r"(?!)"),
]
GENERATED = {"holdfast.skel.h", "detect.skel.h", "decide.skel.h", "judge.skel.h"}

# Library, its headers, where its users may be, and how many of them (None: any number). Tests may use everything.
LIBRARIES = [
    ("libbpf", r"bpf/.*", r"enforcer/(lsm|stream_load)[^/]*\.[ch]|bpf-lsm/.*", None),
    ("the skeleton", r"holdfast\.skel\.h", r"enforcer/lsm[^/]*\.[ch]", 6),
    ("the skeleton of detection", r"detect\.skel\.h", r"enforcer/stream_load\.c", 1),
    ("libelf", r"libelf\.h|gelf\.h|elfutils/.*", r"imagedb/[^/]*\.c", 1),
    ("xxhash", r"xxhash\.h", r"imagedb/[^/]*\.c", 1),
    ("openssl", r"openssl/.*", r"imagedb/[^/]*\.c", 1),
    ("lmdb", r"lmdb\.h", r"imagedb/[^/]*\.c", 1),
    ("libfyaml", r"libfyaml\.h", r"policies/[^/]*\.c", 1),
    ("libseccomp", r"seccomp\.h", r"enforcer/[^/]*\.c", 1),
    ("libcap", r"sys/capability\.h", r"enforcer/[^/]*\.c", 1),
    ("libsystemd", r"systemd/.*", r"enforcer/[^/]*\.c", 1),
    ("libsmartcols", r"libsmartcols(/.*)?\.h", r"tools/[^/]*/[^/]*\.c", 1),
    ("json-c", r"json-c/.*", r"(enforcer|tools)/.*", None),
]


def includes_of(file):
    """(line number, quote, name) of each include. Comments are blanked, so the names are read from the original lines."""
    for number, (code, line) in enumerate(zip(file.code().split("\n"), file.lines), 1):
        if re.match(r"\s*#\s*include\b", code):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1), found.group(2)


def allowed_for(path):
    for pattern, quoted, system in ALLOWED:
        found = re.match(pattern, path)
        if found:
            return quoted.replace("{0}", found.group(1)) if found.groups() else quoted, system
    raise AssertionError(path)


def check_direction(tree):
    findings = []
    for file in tree.files("c"):
        quoted, system = allowed_for(file.path)
        for number, quote, name in includes_of(file):
            where = f"{file.path}:{number}"
            if name.startswith("tests/") and not file.path.startswith("tests/"):
                findings.append(f"{where}: nothing but tests includes tests: {name}")
            elif not re.fullmatch(system if quote == "<" else quoted, name):
                findings.append(f"{where}: may not include {name}")
            elif quote == '"' and name not in GENERATED and not tree.has(name):
                findings.append(f"{where}: {name} is no path from the root of the tree")
    return findings


def check_libraries(tree):
    users = {}
    findings = []
    for file in tree.files("c"):
        if file.path.startswith("tests/"):
            continue
        for number, _, name in includes_of(file):
            for library, headers, places, _ in LIBRARIES:
                if not re.fullmatch(headers, name):
                    continue
                users.setdefault(library, set()).add(file.path)
                if not re.fullmatch(places, file.path):
                    findings.append(f"{file.path}:{number}: {library} has its user elsewhere: {places}")
    for library, _, _, limit in LIBRARIES:
        if limit and len(users.get(library, ())) > limit:
            findings.append(f"{library}: more than {limit} user: {' '.join(sorted(users[library]))}")
    return findings


RULES = {"include directions": check_direction, "one library, one user": check_libraries}
