"""What can be seen in the text of single files: sizes, forbidden calls, comments, conditionals, asserts."""

import re

import rules
import source

C_SUFFIXES = (".c", ".h")
WRITTEN_SUFFIXES = C_SUFFIXES + (
    ".py", ".sh", ".js", ".mjs", ".ts", ".css", ".html", ".proto", ".yaml", "meson.build", "/run", "dev",
)
# Put together so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")

HASH_COMMENT = re.compile(r"#[^\n]*")


def files_are_short(tree):
    for path in tree.files(WRITTEN_SUFFIXES):
        lines = tree.text(path).count("\n")
        if lines > rules.FILE_LINES_MAX:
            yield f"{path}: {lines} lines, {rules.FILE_LINES_MAX} are the most"


def functions_are_short(tree):
    for path in tree.files(C_SUFFIXES):
        for name, first, last in source.functions(tree.text(path)):
            lines = last - first + 1
            if lines > rules.FUNCTION_LINES_MAX:
                yield f"{path}:{first}: {name}() has {lines} lines, {rules.FUNCTION_LINES_MAX} are the most"


def calls(tree, path, names):
    code = source.only_code(tree.text(path))
    for match in re.finditer(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(", code):
        yield source.line_of(code, match.start()), match[1]


def unbounded_calls_are_not_used(tree):
    """Tests may: they run under ASan on their own data."""
    for path in tree.files(C_SUFFIXES, ("src/", "include/", "apps/", "examples/", "tools/", "bench/")):
        for line, name in calls(tree, path, rules.UNBOUNDED_CALLS):
            yield f"{path}:{line}: {name}() knows no bound"


def called_by_one_file(tree, sole_caller, names):
    """Of the library. Programs see neither base/memory.h nor base/sys.h and call what they like."""
    for path in tree.files(C_SUFFIXES, ("src/", "include/")):
        for line, name in calls(tree, path, names) if path != sole_caller else ():
            yield f"{path}:{line}: {name}() is called by {sole_caller} alone"


def heap_is_reached_in_one_place(tree):
    return called_by_one_file(tree, "src/base/memory.c", rules.HEAP_CALLS)


def system_is_reached_in_one_place(tree):
    return called_by_one_file(tree, "src/base/sys.c", rules.SYSTEM_CALLS)


def time_is_read_in_one_place(tree):
    return called_by_one_file(tree, "src/base/clock.c", rules.TIME_CALLS)


def tests_do_not_sleep(tree):
    """A sleep is too short on a busy machine and too long on all others: wait for the event, or move a fake clock."""
    for suffix, pattern in rules.SLEEPS:
        for path in tree.files((suffix,), ("tests/",)):
            if path in rules.MAY_SLEEP:
                continue
            text = source.only_code(tree.text(path)) if suffix != ".sh" else tree.text(path)
            if suffix == ".py":
                text = HASH_COMMENT.sub(lambda match: source.blank(match[0]), text)
            for match in re.finditer(pattern, text, re.MULTILINE):
                yield f"{path}:{source.line_of(text, match.start(1))}: {match[1]}: wait for the event itself"


def comments_leave_nothing_undone(tree):
    for path in tree.files(WRITTEN_SUFFIXES):
        text = tree.text(path)
        pieces = source.comments(text) if path.endswith(C_SUFFIXES) else [(0, text)]
        for start, piece in pieces:
            for match in UNFINISHED.finditer(piece):
                yield f"{path}:{source.line_of(text, start + match.start())}: {match[0]}: do it now or leave it out"


def functions_are_whole(tree):
    """No #if inside a function: choose files in meson, or functions by a macro outside."""
    for path in tree.files(C_SUFFIXES):
        code = source.only_code(tree.text(path))
        conditionals = re.finditer(r"^[ \t]*(#)[ \t]*if", code, re.MULTILINE)
        lines = [source.line_of(code, match.start(1)) for match in conditionals]
        for name, first, last in source.functions(tree.text(path)):
            for line in lines:
                if first <= line <= last:
                    yield f"{path}:{line}: a conditional inside {name}()"


def assert_arguments(code):
    for match in re.finditer(r"(?<!\w)assert\s*\(", code):
        depth, end = 1, match.end()
        while depth > 0 and end < len(code):
            depth += {"(": 1, ")": -1}.get(code[end], 0)
            end += 1
        yield match.start(), code[match.end() : end - 1]


def asserts_only_look(tree):
    for path in tree.files(C_SUFFIXES):
        code = source.only_code(tree.text(path))
        for position, argument in assert_arguments(code):
            if re.search(r"\+\+|--|(?<![=!<>])=(?!=)|<<=|>>=", argument):
                yield f"{path}:{source.line_of(code, position)}: an assert that changes something"


def asserts_are_dense(tree):
    """What the layers rely on is stated where they rely on it. Blank lines and comments are no lines of code."""
    lines, asserts = 0, 0
    for path in tree.files(C_SUFFIXES, ("src/",)):
        code = source.only_code(tree.text(path))
        lines += sum(not line.isspace() for line in code.splitlines() if line)
        asserts += sum(1 for _ in assert_arguments(code))
    if asserts * 100 < lines * rules.ASSERTS_PER_100_LINES_MIN:
        yield f"src: {asserts} asserts in {lines} lines, {rules.ASSERTS_PER_100_LINES_MIN} in each hundred are the least"
