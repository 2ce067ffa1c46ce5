"""Who may include what: layers, foreign libraries, public headers, programs."""

import os
import re

import rules
import source

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?P<open>[<"])(?P<name>[^>"\n]+)[>"]', re.MULTILINE)
PROGRAM_FOLDERS = ("apps/", "examples/", "tools/")


def includes(tree, path):
    text = source.without_comments(tree.text(path))
    for match in INCLUDE.finditer(text):
        yield source.line_of(text, match.start()), match["name"], match["open"] == '"'


def c_files(tree, *folders):
    return tree.files((".c", ".h"), folders or ("",))


def resolve(tree, path, name):
    """The file that a quoted include means, relative to the root; None when it is not in the tree.

    A name without a folder may be one of several files below the including one, among which meson chooses.
    """
    own = os.path.dirname(path)
    for folder in (own, "src"):
        candidate = os.path.normpath(os.path.join(folder, name))
        if tree.exists(candidate):
            return candidate
    return next(iter(tree.files(("/" + name,), (own + "/",))), None)


def layer_of(tree, path, name, quoted):
    """The layer that an include reaches: its name, None for a header from elsewhere, or "?" when nobody knows it."""
    if name.startswith("stoa/"):
        return "api" if name.endswith(".stoa.h") else rules.PUBLIC_HEADERS.get(name[len("stoa/") :], "?")
    if not quoted:
        return None
    found = resolve(tree, path, name)
    if found is None:
        return "api" if name.endswith(".stoa.h") else "?"
    parts = found.split(os.sep)
    return parts[1] if parts[0] == "src" else "?"


def includes_go_down(tree):
    for path in c_files(tree, "src/"):
        own = path.split("/")[1]
        if own not in rules.ALLOWED:
            yield f"{path}: src/{own} is not a layer of the project"
            continue
        for line, name, quoted in includes(tree, path):
            layer = layer_of(tree, path, name, quoted)
            if layer == "?":
                yield f"{path}:{line}: {name} belongs to no layer"
            elif layer not in rules.ALLOWED[own] | {own, None}:
                yield f"{path}:{line}: {own} may not use {layer}, which {name} belongs to"


def is_system(name):
    stem = name[:-2]
    return stem in rules.C_HEADERS | rules.SYSTEM_HEADERS or name.startswith(rules.SYSTEM_FOLDERS)


def foreign_libraries_stay_in_their_folder(tree):
    """But for bench/, where other libraries are measured."""
    for path in c_files(tree, "src/", "include/", "apps/", "examples/", "tools/", "tests/"):
        for line, name, quoted in includes(tree, path):
            library = next((entry for entry in rules.FOREIGN if re.match(entry[1], name)), None)
            if library is not None:
                if not re.match(library[2], path):
                    yield f"{path}:{line}: {library[0]} has its folder, which this is not"
            elif not quoted and not is_system(name) and not name.endswith(".stoa.h") and not name.startswith("stoa/"):
                yield f"{path}:{line}: <{name}> is no header of the project, of the system or of a known library"


def pure_layers_stay_pure(tree):
    for layer in sorted(rules.PURE_LAYERS):
        for path in c_files(tree, f"src/{layer}/"):
            for line, name, _ in includes(tree, path):
                if re.match(rules.IMPURE_HEADERS, name) or name in ("base/clock.h", "base/sys.h"):
                    yield f"{path}:{line}: {layer} knows no socket, clock or thread, which {name} is about"


def public_headers_stay_public(tree):
    for path in c_files(tree, "include/"):
        own = rules.PUBLIC_HEADERS.get(os.path.basename(path))
        if own is None:
            yield f"{path}: tests/structure/rules.py does not say which layer implements it"
            continue
        for line, name, quoted in includes(tree, path):
            layer = layer_of(tree, path, name, quoted)
            if quoted or (layer is None and name[:-2] not in rules.C_HEADERS):
                yield f"{path}:{line}: a public header includes public ones and those of C, not {name}"
            elif layer not in rules.ALLOWED[own] | {own, None}:
                yield f"{path}:{line}: {own} may not use {layer}, which {name} belongs to"


def programs_see_the_public_side(tree):
    for path in c_files(tree, *PROGRAM_FOLDERS):
        own = "/".join(path.split("/")[:2]) + "/"
        for line, name, quoted in includes(tree, path):
            if name.endswith((".stoa.h", ".pb-c.h")) or not quoted:
                continue
            found = resolve(tree, path, name)
            if (found is None or not found.startswith(own)) and (path, found) not in rules.SHARED_SOURCES:
                yield f"{path}:{line}: a program sees include/stoa and its own folder, not {name}"
