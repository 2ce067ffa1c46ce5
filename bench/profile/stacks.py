"""Samples of `perf script` as a tree of calls, and sums over it."""

import collections
import dataclasses
import os
import re

KERNEL, PROGRAM, LIBRARY = "kernel", "program", "library"
# The compiler's suffix for a function's further versions.
CLONE = re.compile(r"\.(part|isra|constprop|cold|lto_priv)\b.*")
FRAME = re.compile(r"\s+[0-9a-f]+ (?P<name>.+) \((?P<file>[^()]*(?:\([^()]*\))?[^()]*)\)$")


@dataclasses.dataclass(frozen=True)
class Frame:
    """A function and its owner."""

    name: str
    owner: str


@dataclasses.dataclass
class Node:
    """A frame in the tree of callers. `here` counts samples that ended in it, `total` those of its callees too."""

    total: int = 0
    here: int = 0
    above: dict = dataclasses.field(default_factory=dict)


def owner_of(file, program):
    if file.startswith("[kernel") or file.endswith(".ko"):
        return KERNEL
    return PROGRAM if os.path.basename(file) == program else LIBRARY


def frame_of(line, program):
    """None if the line is no frame."""
    found = FRAME.match(line)
    if not found:
        return None
    owner = owner_of(found["file"], program)
    name = CLONE.sub("", found["name"])
    return Frame(f"? in {os.path.basename(found['file'])}" if name == "[unknown]" else name, owner)


def read(lines, program):
    """Stacks from the output of `perf script -F comm,ip,sym,dso`: outermost function first."""
    stack = []
    for line in (*lines, ""):
        if line.strip():
            frame = frame_of(line, program)
            stack += [frame] if frame else []
        elif stack:
            yield tuple(reversed(stack))
            stack = []


def tree(stacks):
    root = Node()
    for stack in stacks:
        node = root
        node.total += 1
        for frame in stack:
            node = node.above.setdefault(frame, Node())
            node.total += 1
        node.here += 1
    return root


def shares(stacks):
    """Each owner's share of the samples."""
    counts = collections.Counter(stack[-1].owner for stack in stacks)
    return {owner: counts[owner] / len(stacks) for owner in (KERNEL, PROGRAM, LIBRARY)}


def functions(stacks):
    """(name, share of samples in it, share in it and its callees) of the program's functions, highest share first."""
    alone, within = collections.Counter(), collections.Counter()
    for stack in stacks:
        within.update({frame.name for frame in stack if frame.owner == PROGRAM})
        if stack[-1].owner == PROGRAM:
            alone[stack[-1].name] += 1
    names = sorted(within, key=lambda name: (-alone[name], -within[name], name))
    return [(name, alone[name] / len(stacks), within[name] / len(stacks)) for name in names]
