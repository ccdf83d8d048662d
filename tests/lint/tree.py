# SPDX-License-Identifier: Apache-2.0
"""The tree that the rules look at: its files, what language each is in, and C text without comments and strings."""
import os
import re

SKIPPED_FOLDERS = {".git", "__pycache__"}
SKIPPED_FILES = {".git"}  # of a work tree beside the first one: where that is
# Comments, strings and character constants, in the order in which the compiler would meet them.
C_TOKENS = re.compile(r"//(?:\\\n|[^\n])*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


class Skip(Exception):
    """A rule that cannot run here; the text is the reason."""


def blank(match):
    """The same number of lines, without the text; strings stay strings."""
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] * 2
    return " " + "\n" * text.count("\n")


class File:
    def __init__(self, root, path):
        self.path = path  # from the root, with '/'
        self.name = os.path.basename(path)
        self.full = os.path.join(root, path)
        with open(self.full, "rb") as f:
            self.bytes = f.read()
        self.text = self.bytes.decode("utf-8", "replace")
        self.lines = self.text.split("\n")

    @property
    def folder(self):
        return self.path.split("/")[0] if "/" in self.path else ""

    @property
    def language(self):
        if self.name.endswith((".c", ".h")):
            return "c"
        first = self.lines[0]
        if self.name.endswith(".py") or re.match(r"#!.*python", first):
            return "python"
        if self.name.endswith(".sh") or re.match(r"#!.*\b(ba|da)?sh\b", first):
            return "shell"
        if self.name.endswith((".yaml", ".yml")):
            return "yaml"
        if self.name == "Makefile" or self.name.endswith(".mk"):
            return "make"
        return "other"

    def code(self):
        """C without comments and strings, line numbers kept."""
        return C_TOKENS.sub(blank, self.text)


class Tree:
    def __init__(self, root, build):
        self.root = root
        self.build = build

    def files(self, language=None, under=""):
        """All text files, or those of one language, below a folder; not the build's."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and os.path.join(folder, f) != self.build)
            for name in sorted(set(names) - SKIPPED_FILES):
                path = os.path.relpath(os.path.join(folder, name), self.root)
                if not path.startswith(under) or os.path.islink(os.path.join(folder, name)):
                    continue
                file = File(self.root, path)
                if b"\0" not in file.bytes and (language is None or file.language == language):
                    yield file

    def has(self, path):
        return os.path.exists(os.path.join(self.root, path))
