"""Do the public headers compile alone, in every language that programs use them from? headers.py ROOT BUILD, TAP.

The languages are those of the standard, not of GNU: nothing of _GNU_SOURCE is there.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import built
import tap
from source import Tree

# gcc 12 and clang 14 call C23 c2x.
C = ("c11", "c17", "c2x")
CXX = ("c++17",)
COMPILERS = [("gcc", "c", C), ("g++", "c++", CXX), ("clang", "c", C), ("clang++", "c++", CXX)]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror", "-fsyntax-only"]
# Every macro and inline function of the headers in use, for both languages.
USES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "header_uses.inc")


def public_headers(tree):
    return [path[len("include/") :] for path in tree.files((".h",), ("include/",))]


def generated_headers(tree):
    """Those of the library's own messages and of Protobuf's; the tests of the generator compile all others."""
    for folder in ("stoa", "google/protobuf"):
        path = os.path.join(tree.build, "api", folder)
        names = sorted(os.listdir(path)) if os.path.isdir(path) else []
        yield from (f"{folder}/{name}" for name in names if name.endswith(".stoa.h"))


def write_sources(headers, folder):
    """One file for each header, which includes it twice, so that the include guard is tried as well."""
    sources = []
    for header in headers:
        path = os.path.join(folder, header.replace("/", "-") + ".inc")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#include <{header}>\n#include <{header}>\nint not_empty(void);\n")
        sources.append(path)
    return sources


def compile_all(tree, command, more=()):
    headers = [*public_headers(tree), *generated_headers(tree)]
    with tempfile.TemporaryDirectory() as folder:
        sources = [*write_sources(headers, folder), *more]
        done = subprocess.run([*command, *WARNINGS, *built.include_flags(tree), *sources], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    return [] if done.returncode == 0 else [done.stdout]


def headers_are_c11(tree):
    return compile_all(tree, ["gcc", "-xc", "-std=c11"])


def headers_are_cxx17(tree):
    return compile_all(tree, ["g++", "-xc++", "-std=c++17"])


def cases(tree):
    for compiler, language, standards in COMPILERS:
        if shutil.which(compiler) is None:
            continue
        for standard in standards:
            command = [compiler, f"-x{language}", f"-std={standard}"]
            yield (f"every public header compiles alone with {compiler} as {standard}",
                   lambda command=command: compile_all(tree, command, [USES]))


def main():
    root, build = sys.argv[1:]
    return tap.run(list(cases(Tree(root, build))))


if __name__ == "__main__":
    sys.exit(main())
