"""Samples into shares, tables and flame graphs."""

import os
import tempfile
import xml.etree.ElementTree

import flame
import page
import stacks
from tap import run, test

DOCS = os.environ["DOCS"]
SVG = "{http://www.w3.org/2000/svg}"

SAMPLES = """broadcast
	ffffffff8200e18f tcp_sendmsg.isra.0 ([kernel.kallsyms])
	          10aba4 __send (/usr/lib/x86_64-linux-gnu/libc.so.6)
	           2c485 write_all (/somewhere/broadcast)
	           12711 turn (/somewhere/broadcast)

broadcast
	           2c490 write_all.constprop.0 (/somewhere/broadcast)
	           12711 turn (/somewhere/broadcast)

broadcast
	ffffffffc0a00001 [unknown] ([kernel.kallsyms])
	           12711 turn (/somewhere/broadcast)

broadcast
	          15f21a memcpy (/usr/lib/x86_64-linux-gnu/libc.so.6)
	           12711 turn (/somewhere/broadcast)
"""


def sampled():
    return list(stacks.read(SAMPLES.splitlines(), "broadcast"))


def part_of(found):
    return stacks.shares(found)


@test("a stack is read from its outermost function on, each with its owner")
def stack_is_read():
    found = sampled()
    assert len(found) == 4
    assert [frame.name for frame in found[0]] == ["turn", "write_all", "__send", "tcp_sendmsg"]
    owners = [stacks.PROGRAM, stacks.PROGRAM, stacks.LIBRARY, stacks.KERNEL]
    assert [frame.owner for frame in found[0]] == owners


@test("versions of a function that the compiler made are one function, and one without a name is told by its file")
def clones_are_one():
    found = sampled()
    assert found[1][-1].name == "write_all"
    assert found[2][-1] == stacks.Frame("? in [kernel.kallsyms]", stacks.KERNEL)


@test("shares are those of the function that was running")
def shares_of_leaves():
    assert part_of(sampled()) == {stacks.KERNEL: 0.5, stacks.PROGRAM: 0.25, stacks.LIBRARY: 0.25}


@test("functions are the program's own, and one that calls itself counts once")
def own_functions():
    assert stacks.functions(sampled()) == [("write_all", 0.25, 0.5), ("turn", 0.0, 1.0)]
    turn = stacks.Frame("turn", stacks.PROGRAM)
    assert stacks.functions([(turn, turn)]) == [("turn", 1.0, 1.0)]


@test("input that is not a sample gives nothing")
def nothing():
    assert not list(stacks.read(["", "broadcast", "", "not a frame at all", ""], "broadcast"))


@test("a picture has a box for each call, as wide as its share and upon its caller")
def picture():
    found = sampled()
    drawn = flame.picture("A & B", stacks.tree(found), part_of(found), page.owners("broadcast"))
    root = xml.etree.ElementTree.fromstring(drawn)
    boxes = {}
    for group in root.findall(SVG + "g"):
        rect = group.find(SVG + "rect")
        boxes[group.find(SVG + "title").text] = float(rect.get("width")), float(rect.get("y"))
    whole = flame.WIDTH - 2 * flame.MARGIN
    assert boxes["turn, 100.0%"][0] == whole
    assert boxes["write_all, 50.0%"] == (whole / 2, boxes["turn, 100.0%"][1] - flame.ROW)
    assert len(boxes) == 6


@test("what took less than a thousandth is not drawn")
def too_narrow():
    turn, rare = (stacks.Frame(name, stacks.PROGRAM) for name in ("turn", "rare"))
    found = [(turn,)] * 1999 + [(turn, rare)]
    drawn = flame.picture("", stacks.tree(found), part_of(found), page.owners("broadcast"))
    assert "turn" in drawn and "rare" not in drawn


@test("a name is cut to its box, and left out where no letter would say anything")
def labels():
    assert flame.label("stoa_groups_flush", 400) == "stoa_groups_flush"
    assert flame.label("stoa_groups_flush", 60) == "stoa_gr…"
    assert flame.label("stoa_groups_flush", 20) == ""


@test("the page changes between its markers only, and names its pictures")
def page_is_written():
    found = sampled()
    each = {"name": "n", "title": "T", "program": "broadcast", "samples": 4, "shares": part_of(found)}
    each |= {"functions": stacks.functions(found), "picture": "<svg/>"}
    machine = {"processor": "P", "cores": 2, "system": "S", "kernel": "K"}
    about = {"date": "2026-01-02", "machine": machine, "event": "cycles", "hertz": 1, "duration": 1.0}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "profiles.md")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
        for _ in range(2):
            page.write(folder, [each], about)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert text.startswith("before\n" + page.BEGIN) and text.endswith(page.END + "\nafter\n") and "old" not in text
        assert "| T | 50.0% | 25.0% | 25.0% | 4 |" in text and "| `write_all` | 25.00% | 50.0% |" in text, text
        assert os.path.exists(os.path.join(folder, "profiles", "n.svg")) and "(profiles/n.svg)" in text


@test("the pages of the project have their markers, and pictures are small")
def pages_of_the_project():
    with open(os.path.join(DOCS, "profiles.md"), encoding="utf-8") as file:
        text = file.read()
    assert text.count(page.BEGIN) == 1 and text.count(page.END) == 1
    for name in os.listdir(os.path.join(DOCS, "profiles")):
        assert os.path.getsize(os.path.join(DOCS, "profiles", name)) < 300_000, name


run()
