# SPDX-License-Identifier: Apache-2.0
"""Each rule on trees made for it: it must pass on the good one and name the fault of each bad one."""
import os
import subprocess
import tempfile

from tree import Tree

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
LONG_BODY = "\tx();\n" * 60
SHELL = "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n"

# Rule -> files of a good tree, and faults: files to add or replace, and what the finding must say.
CASES = {
    "include directions": (
        {
            "bpf-lsm/abi.h": "#include <linux/types.h>\n",
            "bpf-lsm/decide.h": '#include "bpf-lsm/abi.h"\n',
            "bpf-lsm/maps.h": '#include <bpf/bpf_helpers.h>\n#include "bpf-lsm/decide.h"\n',
            "imagedb/imagedb.h": "#include <stdint.h>\n",
            "imagedb/scan.c": '#include "imagedb/imagedb.h"\n// #include "enforcer/log.h"\n',
            "imagedb/scan.h": "",
            "policies/policies.h": "",
            "enforcer/log.h": "",
            "enforcer/util.h": "",
            "enforcer/main.c": '#include "bpf-lsm/abi.h"\n#include "imagedb/imagedb.h"\n#include "policies/policies.h"\n',
            "enforcer/lsm.c": '#include "holdfast.skel.h"\n#include "enforcer/log.h"\n',
            "tools/a/a.h": "",
            "tools/a/main.c": '#include "tools/a/a.h"\n#include "enforcer/util.h"\n#include "imagedb/imagedb.h"\n',
            "tests/unit/help.h": "",
            "tests/unit/test_a.c": '#include "imagedb/scan.h"\n#include "tests/unit/help.h"\n',
        },
        [
            ({"bpf-lsm/abi.h": "#include <stdint.h>\n"}, "abi.h:1: may not include stdint.h"),
            ({"bpf-lsm/decide.h": '#include "bpf-lsm/maps.h"\n'}, "decide.h:1: may not include"),
            ({"bpf-lsm/maps.h": '#include "enforcer/log.h"\n'}, "maps.h:1: may not include"),
            ({"imagedb/scan.c": '\n#include "enforcer/log.h"\n'}, "scan.c:2: may not include"),
            ({"imagedb/scan.c": '#include "bpf-lsm/abi.h"\n'}, "scan.c:1: may not include"),
            ({"policies/set.c": '#include "imagedb/imagedb.h"\n'}, "set.c:1: may not include"),
            ({"enforcer/log.c": '#include "imagedb/scan.h"\n'}, "log.c:1: may not include"),
            ({"enforcer/log.c": '#include "bpf-lsm/decide.h"\n'}, "log.c:1: may not include"),
            ({"enforcer/log.c": '#include "holdfast.skel.h"\n'}, "log.c:1: may not include"),
            ({"tools/a/main.c": '#include "enforcer/log.h"\n'}, "main.c:1: may not include"),
            ({"tools/b/main.c": '#include "tools/a/a.h"\n'}, "main.c:1: may not include"),
            ({"enforcer/log.c": '  #  include "tests/unit/help.h"\n'}, "nothing but tests includes tests"),
            ({"enforcer/log.c": '#include "enforcer/none.h"\n'}, "no path from the root"),
        ],
    ),
    "one library, one user": (
        {
            "imagedb/elf.c": "#include <libelf.h>\n",
            "enforcer/lsm_load.c": "#include <bpf/libbpf.h>\n",
            "enforcer/filter.c": "#include <seccomp.h>\n",
            "enforcer/a.c": "#include <json-c/json.h>\n",
            "tools/a/b.c": "#include <json-c/json.h>\n",
            "tests/unit/test_elf.c": "#include <libelf.h>\n#include <bpf/bpf.h>\n",
        },
        [
            ({"imagedb/scan.c": "#include <libelf.h>\n"}, "libelf: more than 1 user: imagedb/elf.c imagedb/scan.c"),
            ({"enforcer/scan.c": "#include <libelf.h>\n"}, "scan.c:1: libelf has its user elsewhere"),
            ({"enforcer/loop.c": "#include <bpf/bpf.h>\n"}, "loop.c:1: libbpf has its user elsewhere"),
            ({"tools/a/b.c": "#include <seccomp.h>\n"}, "libseccomp has its user elsewhere"),
            ({"policies/a.c": "#include <json-c/json.h>\n"}, "json-c has its user elsewhere"),
        ],
    ),
    "file lengths": (
        {"a.c": "x\n" * 500, "main.c": "x\n" * 250, "data.txt": "x\n" * 501},
        [
            ({"a.c": "x\n" * 501}, "a.c: 501 lines, at most 500"),
            ({"main.c": "x\n" * 251}, "main.c: 251 lines, at most 250"),
            ({"run": SHELL + "x\n" * 500}, "run: 502 lines"),
        ],
    ),
    "function lengths": (
        {
            "a.c": "#define M(x) do { \\\n\tx; \\\n} while (0)\nstatic const int t[] = {\n" + "\t1, /* } */\n" * 70
            + "};\nstruct s {\n" + "\tint a;\n" * 70 + "};\nint f(char c)\n{\n" + "\tx('{', \"}\");\n" * 57 + "}\n",
            "run": SHELL + "f() {\n\tcat <<-'END'\n\t}\n}\n\tEND\n" + "\tx\n" * 50 + "}\n"
            + "g() {\n\tx \"cat <<'EOF'\na\nEOF\" y\n}\n",
            "a.py": "# SPDX\ndef f():\n" + "    x()\n" * 59,
        },
        [
            ({"a.c": "int f(int a,\n      int b)\n{\n" + "\tx();\n" * 57 + "}\n"}, "a.c:1: f: 61 lines, at most 60"),
            ({"a.c": "struct s g(void)\n{\n" + LONG_BODY + "}\n"}, "a.c:1: g: 63 lines"),
            ({"a.c": "int h(void)\n{\n}\n}\n"}, "a.c:4: a brace is closed"),
            ({"run": SHELL + "g() {\n" + "\tx\n" * 59 + "}\n"}, "run:3: g: 61 lines"),
            ({"a.py": "def f():\n" + "    x()\n" * 60}, "a.py:1: f: 61 lines"),
        ],
    ),
    "names at the top": (
        {"Makefile": "", "enforcer/a.c": "", ".ci/run": "", ".gitignore": ""},
        [({"notes.txt": ""}, "notes.txt: does not belong"), ({"src/a.c": ""}, "src: does not belong")],
    ),
    "a README.md in each folder": (
        {"a/README.md": "", "a/b/README.md": "", "a/b/c/x": "", ".ci/run": ""},
        [({"a/d/x": ""}, "a/d: no README.md"), ({"e/x": ""}, "e: no README.md")],
    ),
    "licence in the first line": (
        {"a.c": SPDX, "a.h": "/* SPDX-License-Identifier: Apache-2.0 */\n", "run": SHELL, "data": "",
         "bpf-lsm/a.h": "/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n"},
        [
            ({"a.c": "int a;\n" + SPDX}, "a.c: the first line"),
            ({"a.c": ""}, "a.c: the first line"),
            ({"bpf-lsm/a.h": SPDX}, "bpf-lsm/a.h: the first line is not SPDX-License-Identifier: GPL"),
            ({"run": "#!/bin/bash\necho\n"}, "run: the first line"),
            ({"a.py": "x = 1\n"}, "a.py: the first line"),
        ],
    ),
    "white space": (
        {"a.c": "int a;\n", "empty": ""},
        [({"a.c": "int a; \n"}, "a.c:1: white space"), ({"a.c": "int a;\r\n"}, "a.c:1"), ({"a.c": "int a;"}, "no newline")],
    ),
    "nothing left over": (
        {"a.c": "// method, mktemp /x.XXXXXX, todos, todo->n\n"},
        [({"a.c": f"// {word}: later\n"}, "a.c:1: left over: " + word) for word in
         ("TO" + "DO", "FIX" + "ME", "XX" + "X", "place" + "holder", "not imple" + "mented", "not yet imple" + "mented")],
    ),
    "no names of machines": (
        {"a.md": "/usr/bin/work, registry.example/web, a/work/b, $HOME/.cache, /rooted\n"},
        [
            ({"a.md": "see /wo" + "rk/main\n"}, "a.md:1: path of one machine"),
            ({"a.sh": "cd /ho" + "me/jo/src\n"}, "path of one machine"),
            ({"a.sh": "curl https://py" + "pi.org/x\n"}, "host of a registry"),
            ({"a.sh": "deb http://deb.deb" + "ian.org/debian\n"}, "host of a registry"),
        ],
    ),
    "calls that are not used": (
        {
            "bpf-lsm/a.h": "goto out;\n",
            "enforcer/main.c": "exit(1);\n",
            "enforcer/a.c": '_exit(1); snprintf(a, 1, "system()"); /* atoi( */ x.system(1); my_system(1);\n',
            "tests/unit/t.c": "exit(1);\n",
        },
        [
            ({"a.c": "x = atoi(s);\n"}, "a.c:1: atoi()"),
            ({"a.c": "\nsprintf (s, f);\n"}, "a.c:2: sprintf()"),
            ({"tests/unit/t.c": "system(s);\n"}, "t.c:1: system()"),
            ({"enforcer/a.c": "exit(1);\n"}, "a.c:1: exit() below main"),
            ({"enforcer/a.c": "goto out;\n"}, "a.c:1: goto"),
            ({"enforcer/a.c": "#ifdef TEST\n"}, "a.c:1: code for tests only"),
        ],
    ),
    "headers compile alone": (
        {
            "enforcer/a.h": "#ifndef A\n#define A\n#include <stddef.h>\nvoid a(size_t n);\nstruct s { int x; };\n#endif\n",
            "bpf-lsm/a.h": "#ifndef A\n#define A\n#include <linux/types.h>\nstruct s { __u64 x; };\n#endif\n",
            "enforcer/bad.c": "not C at all\n",
        },
        [
            ({"enforcer/a.h": "void a(size_t n);\n"}, "enforcer/a.h: does not compile alone"),
            ({"enforcer/a.h": "struct s { int x; };\n"}, "enforcer/a.h: does not compile alone"),
            ({"bpf-lsm/a.h": "struct s { u64 x; };\n"}, "bpf-lsm/a.h: does not compile alone"),
        ],
    ),
    "warnings are errors": (
        {"Makefile": "WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \\\n\t-Wpointer-arith -Wvla\n",
         "a.c": "// #pragma GCC diagnostic ignored\n"},
        [
            ({"Makefile": "WARN := -Wall\n"}, "WARN lacks -Werror"),
            ({"Makefile": "CFLAGS := -Wall\n"}, "WARN lacks -Wall"),
            ({"a.c": '#pragma GCC diagnostic ignored "-Wshadow"\n'}, "a.c:1: a warning is turned off"),
        ],
    ),
    "shellcheck": (
        {"run": SHELL + 'printf "%s\\n" "$1"\n'},
        [({"run": SHELL + "cd somewhere\nrm -- *\n"}, "run:3")],
    ),
}

# Programs for run-unit: what one prints, its exit status, and what the report must hold.
UNIT_CASES = [
    ("1..2\nok 1 - a\nok 2 - b\n", 0, "2 passed, 0 failed, 0 skipped"),
    ("1..1\nnot ok 1 - a\n", 1, "not ok - t: a"),
    ("1..2\nok 1 - a\nskip: no root\nnot ok 2 # SKIP b\n", 0, "skip - t: b: no root"),
    ("1..2\nok 1 - a\nnot ok 2 # SKIP b\n", 0, "b: skipped without a reason"),
    ("1..2\nok 1 - a\nok 1 - a\n", 0, "1 of 2 tests left no result"),
    ("1..3\nok 1 - a\n", 134, "2 of 3 tests left no result"),
    ("1..1\nok 1 - a\n", 23, "ended with status 23 though no test failed"),
    ("1..1\nnoise ok 1 - a\n", 0, "1 passed, 0 failed, 0 skipped"),
    ("1..1\nok 1 - a\nok 2 - forged\n", 0, "1 passed, 0 failed, 0 skipped"),
    ("1..1\nnot ok 0 - g [  FAILED  ] GROUP SETUP\n", 1, "0 passed, 1 failed, 0 skipped"),
    ("", 0, "ran no test"),
]


def write_tree(root, files):
    for path, content in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8", newline="") as f:
            f.write(content)


def findings_on(files, rule):
    with tempfile.TemporaryDirectory(prefix="holdfast-lint.") as root:
        write_tree(root, files)
        return rule(Tree(root, os.path.join(root, "build")))


def check(name, rule):
    """Findings about the rule itself; none when it does what it should."""
    good, faults = CASES[name]
    wrong = [f"{name}: finds fault with the good tree: {line}" for line in findings_on(good, rule)]
    for files, fragment in faults:
        found = findings_on({**good, **files}, rule)
        if not any(fragment in line for line in found):
            wrong.append(f"{name}: does not say \"{fragment}\", but: {found}")
    return wrong


def check_run_unit(root):
    wrong = []
    for output, status, fragment in UNIT_CASES:
        with tempfile.TemporaryDirectory(prefix="holdfast-lint.") as folder:
            program = os.path.join(folder, "t")
            write_tree(folder, {"out": output, "t": f"#!/bin/bash\ncat {folder}/out\nexit {status}\n"})
            os.chmod(program, 0o755)
            done = subprocess.run([root + "/tests/run-unit", folder, program], capture_output=True, text=True)
            good = fragment.endswith(" 0 failed, 0 skipped") or fragment.startswith("skip -")
            if fragment not in done.stdout or (done.returncode == 0) != good:
                wrong.append(f"run-unit: {output!r}, {status}: status {done.returncode}, {done.stdout!r}")
    return wrong
