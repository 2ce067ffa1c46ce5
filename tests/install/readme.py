"""The README's service, typed in from the page: its files, built by its commands on an installation, and its script."""

import json
import os
import re
import subprocess

from installation import ROOT, fresh_folder, installed, run
from outside import serving
from tap import test

# What a browser has that shows the service's own page: the page's script runs in Node as it is.
BROWSER = """
globalThis.WebSocket = class extends require('ws') {
  constructor(url, protocol) { super(url, protocol, { origin: url.replace('ws:', 'http:').replace(/\\/$/, '') }); }
};
"""


def page():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", page(), re.MULTILINE | re.DOTALL)


def type_in(folder):
    """Each file that the page shows after its name, as in `main.c`:"""
    shown = re.findall(r"`(\S+)`:\n\n```\w+\n(.*?)^```", page(), re.MULTILINE | re.DOTALL)
    for name, content in shown:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)
    return sorted(name for name, _ in shown)


def build_commands():
    """What stands before the command that starts the service."""
    (block,) = [block for block in blocks("sh") if "protoc" in block]
    commands, start, rest = block.rpartition("./notes\n")
    assert start and not rest, f"the last command does not start the service: {block}"
    return commands


def answers_to(script, port):
    """The lines that the page's script prints, up to two; it goes on until it is ended."""
    with subprocess.Popen(["node", "-e", BROWSER + script.replace("localhost:7700", f"127.0.0.1:{port}")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as node:
        lines = [node.stdout.readline() for _ in range(2)]
        node.kill()
    return lines


@test("the service of the README, typed in, is built by its commands and answers its script")
def the_service():
    folder = fresh_folder("readme")
    assert type_in(folder) == ["main.c", "notes.proto"]
    run(build_commands(), folder, installed().env)
    (script,) = blocks("js")
    with serving(os.path.join(folder, "notes")) as server:
        joined, received = map(json.loads, answers_to(script, server.port))
    assert joined == {"type": 16, "id": 1, "payload": {"board": "kitchen"}}, joined
    assert received == {"type": 0, "payload": {"board": "kitchen", "text": "buy milk"}}, received


@test("examples/notes is the service of the README")
def the_example():
    for language, name in (("proto", "notes.proto"), ("c", "main.c")):
        with open(os.path.join(ROOT, "examples/notes", name), encoding="utf-8") as file:
            assert [file.read()] == blocks(language), name
