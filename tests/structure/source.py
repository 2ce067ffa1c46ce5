"""A source tree as the checks see it: its files, and C text with comments, strings or directives blanked out.

Blanking keeps every line break and column, so that positions found in the blanked text are those of the file.
"""

import functools
import os
import re

SKIPPED_FOLDERS = re.compile(r"^(\.git|node_modules|__pycache__|build(-.*)?)$")

COMMENT = r"/\*.*?\*/|//[^\n]*"
STRING = r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])*'"
COMMENT_OR_STRING = re.compile(f"(?P<comment>{COMMENT})|(?P<string>{STRING})", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)


class Tree:
    """A source tree and, for the checks that need it, the folder it was built in."""

    def __init__(self, root, build=None):
        self.root = root
        self.build = build

    @functools.lru_cache(maxsize=None)
    def all_files(self):
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not SKIPPED_FOLDERS.match(name))
            for name in sorted(files):
                found.append(os.path.relpath(os.path.join(folder, name), self.root))
        return found

    def files(self, suffixes, folders=("",)):
        return [path for path in self.all_files() if path.endswith(suffixes) and path.startswith(tuple(folders))]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def exists(self, path):
        return os.path.isfile(os.path.join(self.root, path))


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return COMMENT_OR_STRING.sub(lambda match: blank(match[0]) if match["comment"] else match[0], text)


def only_code(text):
    """Without comments, without what stands inside quotes."""
    return COMMENT_OR_STRING.sub(lambda match: blank(match[0]) if match["comment"] else quote(match[0]), text)


def quote(literal):
    return literal[0] + blank(literal[1:-1]) + literal[-1]


def without_directives(code):
    return DIRECTIVE.sub(lambda match: blank(match[0]), code)


def comments(text):
    return [(match.start(), match[0]) for match in COMMENT_OR_STRING.finditer(text) if match["comment"]]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def functions(text):
    """(name, first line, last line) of every function defined, in order. The first line is that of its head."""
    code = without_directives(only_code(text))
    code = re.sub(r'extern\s*" "\s*\{', lambda match: blank(match[0]), code)
    found, depth, start, opened = [], 0, 0, None
    for match in re.finditer(r"[{};]", code):
        mark, position = match[0], match.start()
        if mark == "{":
            if depth == 0:
                head = code[start:position]
                opened = (head, start + len(head) - len(head.lstrip())) if is_function_head(head) else None
            depth += 1
        elif mark == "}":
            depth = max(depth - 1, 0)
            if depth == 0 and opened is not None:
                found.append((function_name(opened[0]), line_of(code, opened[1]), line_of(code, position)))
                opened = None
        if depth == 0:
            start = position + 1
    return found


def is_function_head(head):
    return head.rstrip().endswith(")") and "=" not in head and function_name(head) is not None


def function_name(head):
    match = re.search(r"(\w+)\s*\(", re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head, flags=re.DOTALL))
    return match[1] if match else None
