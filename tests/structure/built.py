"""What only a compiler and a linker can tell: headers that compile alone, symbols that come from lower floors."""

import os
import re
import shutil
import subprocess
import tempfile

import rules

# `nm --format=posix --print-file-name`: "libstoa-wire.a[http.c.o]: stoa_alloc U"
NM_LINE = re.compile(r"^[^\[]*\[(?P<member>[^\]]+)\]: (?P<name>\S+) (?P<kind>\w)")


def include_flags(tree):
    folders = {os.path.join(tree.root, "include")}
    for folder, _, files in os.walk(tree.build):
        if os.path.basename(folder) == "stoa" and any(name.endswith(".stoa.h") for name in files):
            folders.add(os.path.dirname(folder))
    return [f"-I{folder}" for folder in sorted(folders)]


def generated_headers(tree):
    for folder, _, files in os.walk(tree.build):
        if os.path.basename(folder) == "stoa":
            yield from (f"stoa/{name}" for name in files if name.endswith(".stoa.h"))


def compile_alone(tree, header, compiler):
    """Twice in one file, so that the include guard is tried as well. Returns the compiler's complaint or None."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(f"#include <{header}>\n#include <{header}>\nint main(void) {{ return 0; }}\n")
        file.flush()
        command = compiler + ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"] + include_flags(tree) + [file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout if done.returncode != 0 else None


def compile_all(tree, compiler):
    if shutil.which(compiler[0]) is None:
        yield f"there is no {compiler[0]} to try it with"
        return
    headers = [path[len("include/") :] for path in tree.files((".h",), ("include/",))]
    for header in headers + sorted(set(generated_headers(tree))):
        complaint = compile_alone(tree, header, compiler)
        if complaint is not None:
            yield f"include/{header}: does not compile alone\n{complaint}"


def headers_are_c11(tree):
    return compile_all(tree, ["gcc", "-std=c11", "-Wpedantic", "-xc"])


def headers_are_cxx17(tree):
    return compile_all(tree, ["g++", "-std=c++17", "-xc++"])


def archive(tree, floor):
    for folder in (f"src/{floor}", floor):
        path = os.path.join(tree.build, folder, f"libstoa-{floor}.a")
        if os.path.exists(path):
            return path
    return None


def symbols(path):
    """(member, name, kind) of all external symbols; U and w are undefined ones."""
    command = ["nm", "--format=posix", "--print-file-name", "--extern-only", path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    found = [match for match in map(NM_LINE.match, done.stdout.splitlines()) if match]
    return [(os.path.basename(match["member"]), match["name"], match["kind"]) for match in found]


def floor_symbols(tree):
    found = {}
    for floor in rules.STANDS_ON:
        path = archive(tree, floor)
        found[floor] = symbols(path) if path is not None else []
    return found


def archives_are_built(tree):
    for floor in rules.STANDS_ON:
        if tree.files((".c",), (f"src/{floor}/",)) and archive(tree, floor) is None:
            yield f"src/{floor}: its library libstoa-{floor}.a was not built"


def symbols_come_from_below(tree):
    yield from archives_are_built(tree)
    found = floor_symbols(tree)
    homes = {}
    for floor, entries in found.items():
        for _, name, kind in entries:
            if kind not in "Uw" and not name.startswith("__") and homes.setdefault(name, floor) != floor:
                yield f"{name} is defined on {homes[name]} and {floor}"
    for floor, entries in found.items():
        for member, name, kind in entries:
            home = homes.get(name)
            if kind not in "Uw":
                continue
            if home is None and name.startswith("stoa_"):
                yield f"src/{floor} {member}: {name} is defined on no floor"
            elif home not in rules.STANDS_ON[floor] | {floor, None}:
                yield f"src/{floor} {member}: {name} comes from {home}, which {floor} does not stand on"


def symbols_carry_the_prefix(tree):
    """A static library shares one space of names with the programs that link it."""
    for floor, entries in floor_symbols(tree).items():
        prefixes = rules.SYMBOL_PREFIXES_OF.get(floor, rules.SYMBOL_PREFIXES)
        for member, name, kind in entries:
            if kind not in "Uw" and not name.startswith(prefixes):
                yield f"src/{floor} {member}: {name} is visible outside its file but does not start with stoa_"


def is_sole_caller(path, floor, member):
    """Is the member of the floor's library made of that file? "src/base/sys.c" is "sys.c.o" there."""
    return path.startswith(f"src/{floor}/") and member.endswith(os.path.basename(path) + ".o")


def what_one_file_calls_is_linked_there(tree):
    """Sees through macros and inline functions, which the text of a file hides."""
    for floor, entries in floor_symbols(tree).items():
        for member, name, kind in entries:
            for path, names in rules.SOLE_CALLERS:
                # Files of 64 bits: stat64() and its like are what stat() becomes.
                called = name in names or name.removesuffix("64") in names
                if kind == "U" and called and not is_sole_caller(path, floor, member):
                    yield f"src/{floor} {member}: {name}() is called by {path} alone"


def needs_of(entries):
    """Which members of one library need which others: {member: set of members}."""
    homes = {name: member for member, name, kind in entries if kind not in "Uw" and name.startswith("stoa_")}
    needs = {member: set() for member, _, _ in entries}
    for member, name, kind in entries:
        if kind == "U" and homes.get(name, member) != member:
            needs[member].add(homes[name])
    return needs


def reachable(needs, start):
    found = set()
    waiting = [start]
    while waiting:
        new = needs[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


def circles(entries):
    """The greatest sets of members, each of which needs all others of its set in the end."""
    needs = needs_of(entries)
    reach = {member: reachable(needs, member) for member in needs}
    found = set()
    for member in needs:
        if member in reach[member]:
            found.add(frozenset(other for other in reach[member] if member in reach[other]))
    return found


def files_need_each_other_one_way(tree):
    for floor, entries in floor_symbols(tree).items():
        if not entries:
            continue
        found = {frozenset(member.removesuffix(".c.o") for member in circle) for circle in circles(entries)}
        tolerated = set(map(frozenset, rules.TOLERATED_CIRCLES.get(floor, [])))
        for circle in found - tolerated:
            yield f"src/{floor}: {', '.join(sorted(circle))} need each other in a circle; a lower file is missing"
        for circle in tolerated - found:
            yield f"src/{floor}: {', '.join(sorted(circle))} are no circle (any more); take them out of rules.py"
