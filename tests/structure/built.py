"""What only a linker can tell: symbols that come from lower layers."""

import os
import re
import subprocess

import rules

# `nm --format=posix --print-file-name`: "libstoa-wire.a[http.c.o]: stoa_alloc U"
NM_LINE = re.compile(r"^[^\[]*\[(?P<member>[^\]]+)\]: (?P<name>\S+) (?P<kind>\w)")


def include_flags(tree):
    folders = {os.path.join(tree.root, "include")}
    for folder, _, files in os.walk(tree.build):
        if os.path.basename(folder) == "stoa" and any(name.endswith(".stoa.h") for name in files):
            folders.add(os.path.dirname(folder))
    return [f"-I{folder}" for folder in sorted(folders)]


def archive(tree, layer):
    for folder in (f"src/{layer}", layer):
        path = os.path.join(tree.build, folder, f"libstoa-{layer}.a")
        if os.path.exists(path):
            return path
    return None


def symbols(path):
    """(member, name, kind) of all external symbols; U and w are undefined ones."""
    command = ["nm", "--format=posix", "--print-file-name", "--extern-only", path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    found = [match for match in map(NM_LINE.match, done.stdout.splitlines()) if match]
    return [(os.path.basename(match["member"]), match["name"], match["kind"]) for match in found]


def layer_symbols(tree):
    found = {}
    for layer in rules.ALLOWED:
        path = archive(tree, layer)
        found[layer] = symbols(path) if path is not None else []
    return found


def archives_are_built(tree):
    for layer in rules.ALLOWED:
        if tree.files((".c",), (f"src/{layer}/",)) and archive(tree, layer) is None:
            yield f"src/{layer}: its library libstoa-{layer}.a was not built"


def symbols_come_from_below(tree):
    yield from archives_are_built(tree)
    found = layer_symbols(tree)
    layer_of_name = {}
    for layer, entries in found.items():
        for _, name, kind in entries:
            if kind not in "Uw" and not name.startswith("__") and layer_of_name.setdefault(name, layer) != layer:
                yield f"{name} is defined in {layer_of_name[name]} and {layer}"
    for layer, entries in found.items():
        for member, name, kind in entries:
            defining = layer_of_name.get(name)
            if kind not in "Uw":
                continue
            if defining is None and name.startswith("stoa_"):
                yield f"src/{layer} {member}: {name} is defined in no layer"
            elif defining not in rules.ALLOWED[layer] | {layer, None}:
                yield f"src/{layer} {member}: {name} comes from {defining}, which {layer} may not use"


def symbols_carry_the_prefix(tree):
    """A static library shares one space of names with the programs that link it."""
    for layer, entries in layer_symbols(tree).items():
        prefixes = rules.SYMBOL_PREFIXES_OF.get(layer, rules.SYMBOL_PREFIXES)
        for member, name, kind in entries:
            if kind not in "Uw" and not name.startswith(prefixes):
                yield f"src/{layer} {member}: {name} is visible outside its file but does not start with stoa_"


def is_sole_caller(path, layer, member):
    """Is the member of the layer's library made of that file? "src/base/sys.c" is "sys.c.o" there."""
    return path.startswith(f"src/{layer}/") and member.endswith(os.path.basename(path) + ".o")


def what_one_file_calls_is_linked_there(tree):
    """Sees through macros and inline functions, which the text of a file hides."""
    for layer, entries in layer_symbols(tree).items():
        for member, name, kind in entries:
            for path, names in rules.SOLE_CALLERS:
                # Files of 64 bits: stat64() and its like are what stat() becomes.
                called = name in names or name.removesuffix("64") in names
                if kind == "U" and called and not is_sole_caller(path, layer, member):
                    yield f"src/{layer} {member}: {name}() is called by {path} alone"


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
    for layer, entries in layer_symbols(tree).items():
        if not entries:
            continue
        found = {frozenset(member.removesuffix(".c.o") for member in circle) for circle in circles(entries)}
        tolerated = set(map(frozenset, rules.TOLERATED_CIRCLES.get(layer, [])))
        for circle in found - tolerated:
            yield f"src/{layer}: {', '.join(sorted(circle))} need each other in a circle; a lower file is missing"
        for circle in tolerated - found:
            yield f"src/{layer}: {', '.join(sorted(circle))} are no circle (any more); take them out of rules.py"
