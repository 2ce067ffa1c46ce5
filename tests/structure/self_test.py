"""Can every check fail? Each is run on tiny trees that break its rule, and all on one that keeps them. TAP."""

import os
import subprocess
import sys
import tempfile

import bad_trees
import built
import tap
from check import CHECKS
from source import Tree


def write(root, files):
    for path, content in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(content)


def compile_layers(root, build):
    """One libstoa-LAYER.a for each folder of src, where meson would leave it."""
    for layer in sorted(os.listdir(os.path.join(root, "src"))):
        folder = os.path.join(build, "src", layer)
        os.makedirs(folder)
        objects = []
        for name in sorted(os.listdir(os.path.join(root, "src", layer))):
            objects.append(os.path.join(folder, name + ".o"))
            source = os.path.join(root, "src", layer, name)
            subprocess.run(["gcc", "-w", f"-I{root}/src", "-c", source, "-o", objects[-1]], check=True)
        subprocess.run(["ar", "rcs", os.path.join(folder, f"libstoa-{layer}.a"), *objects], check=True)


def complaints(check, files, compiled=False):
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as build:
        write(root, files)
        if compiled:
            compile_layers(root, build)
        return list(check(Tree(root, build)))


def good_problems():
    """The checks of what was built look at the two folders that a compiler accepts."""
    buildable = {path: text for path, text in bad_trees.GOOD.items() if path.startswith(("include/", "src/base/"))}
    found = []
    for name, check in CHECKS:
        compiled = check.__module__ == "built"
        problems = complaints(check, buildable if compiled else bad_trees.GOOD, compiled)
        found += [f"{name}: {problem}" for problem in problems]
    return found


def cases():
    yield "a tree that keeps the rules is not complained about", good_problems
    for check, what, files, expected in bad_trees.BAD_TEXT + bad_trees.BAD_HEADERS:
        yield f"{check.__name__} sees {what}", lambda c=check, f=files, e=expected: missing(complaints(c, f), e)
    for check, what, files, expected in bad_trees.BAD_LIBRARIES:
        yield f"{check.__name__} sees {what}", lambda c=check, f=files, e=expected: missing(complaints(c, f, True), e)
    yield "a library that was not built is noticed", lambda: missing(
        complaints(built.symbols_come_from_below, {"src/base/a.c": ""}), "not built"
    )
    yield "every check has a tree that it fails on", unproven


def missing(found, expected):
    return [] if any(expected in problem for problem in found) else [f"expected {expected!r}, got {found}"]


def unproven():
    proven = {entry[0] for entry in bad_trees.BAD_TEXT + bad_trees.BAD_HEADERS + bad_trees.BAD_LIBRARIES}
    return [name for name, check in CHECKS if check not in proven]


def main():
    return tap.run(list(cases()))


if __name__ == "__main__":
    sys.exit(main())
