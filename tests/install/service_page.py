"""docs/your-own-service.md, typed in: its commands one after the other, its changes, and what it says they print."""

import json
import os
import re
import subprocess

from installation import ROOT, fresh_folder, installed, run
from project import path_variables
from server_process import Server
from tap import test

PAGE = os.path.join(ROOT, "docs/your-own-service.md")
PORT = "localhost:7700"


def blocks():
    """[(language, content)]; those without a language are to be read only."""
    with open(PAGE, encoding="utf-8") as file:
        return re.findall(r"^```(\w+)\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody with a terminal in which the program runs, and one for all else."""

    def __init__(self, folder):
        self.folder, self.server, self.printed = folder, None, ""

    def start(self, options):
        """./dev run, at any port."""
        if self.server is not None:
            self.server.stop()
        self.server = Server(os.path.join(self.folder, "dev"), options=["run", *options], variables=path_variables())

    def type_in(self, line):
        if line.startswith("cd "):
            self.folder = os.path.join(self.folder, line[3:])
        elif line.startswith("./dev run"):
            self.start(line.split()[2:])
        else:
            port = "none" if self.server is None else f"127.0.0.1:{self.server.port}"
            env = {**path_variables(), "NO_PROXY": "*"}
            done = subprocess.run(line.replace(PORT, port), cwd=self.folder, shell=True, env=env, check=False,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            assert done.returncode == 0, (line, done)
            self.printed += done.stdout if done.stdout.endswith("\n") else done.stdout + "\n"

    def take(self, language, content):
        if language == "sh":
            self.printed = ""
            for line in content.splitlines():
                self.type_in(line)
        elif language == "diff":
            done = subprocess.run(["patch", "-p1", "--fuzz=0"], cwd=self.folder, input=content, text=True, check=False,
                                  capture_output=True)
            assert done.returncode == 0, done
        else:
            assert language == "json" and self.printed == content, (content, self.printed)


@test("the page about your own service is right: each command, each change, each output")
def the_page():
    reader = Reader(fresh_folder("page"))
    found = blocks()
    assert [language for language, _ in found].count("sh") >= 7, found
    try:
        for language, content in found:
            reader.take(language, content)
        reader.server.stop()
    finally:
        if reader.server is not None:
            reader.server.kill()
    openapi = os.path.join(reader.folder, "gen/hello/v1/hello.openapi.json")
    with open(openapi, encoding="utf-8") as file:
        assert "/v1/count" in json.load(file)["paths"]


@test("the installed manual is found by man, and names every command")
def the_manual():
    env = {**installed().env, "MANPATH": os.path.join(installed().prefix, "share/man"), "MANWIDTH": "80"}
    text = run(["man", "stoa"], "/", env)
    assert all(command in text for command in ("doctor", "check-config", "listen")), text
