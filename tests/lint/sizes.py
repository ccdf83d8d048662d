# SPDX-License-Identifier: Apache-2.0
"""Files and functions that have grown too long, and names at the top."""
import ast
import re

FILE_LINES = 500
MAIN_LINES = 250
FUNCTION_LINES = 60
LANGUAGES = {"c", "python", "shell", "make"}
NO_FUNCTION = re.compile(r"^\s*(?:typedef\s+)?(?:static\s+|const\s+|extern\s+)*(?:struct|union|enum)\b[^()]*$|=\s*$")
SHELL_FUNCTION = re.compile(r"^(\s*)(?:function\s+)?([\w-]+)\s*\(\)\s*\{\s*$")
HEREDOC = re.compile(r"<<-?\s*([\"']?)(\w+)\1")
TOP = {"Makefile", "README.md", "LICENSE", "enforcer", "bpf-lsm", "imagedb", "policies", "tests", "tools"}


def c_functions(file):
    """(name, first line, last line) of each function body at depth 0. Raises ValueError when braces do not balance."""
    code = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: "\n" * m.group(0).count("\n"), file.code(), flags=re.M)
    depth, start, line, head_line, head = 0, None, 1, 1, ""
    for c in code:
        if c == "\n":
            line += 1
        if c == "{":
            if depth == 0:
                name = re.search(r"(\w+)\s*\(", head)
                start = (name.group(1), head_line) if name and not NO_FUNCTION.search(head.rstrip()) else None
            depth += 1
        elif c == "}":
            depth -= 1
            if depth < 0:
                raise ValueError(f"{file.path}:{line}: a brace is closed that was not opened")
            if depth == 0 and start:
                yield start[0], start[1], line
        if depth == 0:
            if c in ";}":
                head = ""
            elif head.strip() or not c.isspace():
                if not head.strip():
                    head_line = line
                head += c
    if depth:
        raise ValueError(f"{file.path}: a brace is not closed")


def shell_functions(file):
    end, name, first, heredoc = None, None, 0, None
    for number, line in enumerate(file.lines, 1):
        if heredoc is not None:
            if line.lstrip("\t") == heredoc:
                heredoc = None
            continue
        found = SHELL_FUNCTION.match(line)
        if found and end is None:
            end, name, first = found.group(1) + "}", found.group(2), number
        elif end is not None and line.startswith(end):
            yield name, first, number
            end = None
        opened = HEREDOC.search(line)
        # One that is opened inside of quotes ends otherwise: it is text of the function like any other.
        if opened and "<<<" not in line and opened.group(2) in (rest.lstrip("\t") for rest in file.lines[number:]):
            heredoc = opened.group(2)
    if end is not None:
        raise ValueError(f"{file.path}:{first}: the end of {name} is not found")


def python_functions(file):
    for node in ast.walk(ast.parse(file.text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


def functions_of(file):
    finders = {"c": c_functions, "shell": shell_functions, "python": python_functions}
    return finders[file.language](file) if file.language in finders else ()


def check_functions(tree):
    findings = []
    for file in tree.files():
        try:
            for name, first, last in functions_of(file):
                if last - first + 1 > FUNCTION_LINES:
                    findings.append(f"{file.path}:{first}: {name}: {last - first + 1} lines, at most {FUNCTION_LINES}")
        except (ValueError, SyntaxError) as problem:
            findings.append(str(problem))
    return findings


def check_files(tree):
    findings = []
    for file in tree.files():
        limit = MAIN_LINES if file.name == "main.c" else FILE_LINES
        lines = file.text.count("\n")
        if file.language in LANGUAGES and lines > limit:
            findings.append(f"{file.path}: {lines} lines, at most {limit}")
    return findings


def check_top(tree):
    names = {file.path.split("/")[0] for file in tree.files()}
    return [f"{name}: does not belong at the top" for name in sorted(names) if name not in TOP and name[0] != "."]


def check_readmes(tree):
    """Each folder down to the second level, dot folders aside; what lies deeper is told by the folder above it."""
    folders = set()
    for file in tree.files():
        parts = file.path.split("/")[:-1]
        if parts and not parts[0].startswith("."):
            folders.add(parts[0])
            folders.add("/".join(parts[:2]))
    return [f"{folder}: no README.md" for folder in sorted(folders) if not tree.has(f"{folder}/README.md")]


RULES = {
    "file lengths": check_files,
    "function lengths": check_functions,
    "names at the top": check_top,
    "a README.md in each folder": check_readmes,
}
