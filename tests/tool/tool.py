"""Runs `stoa` as a user does, and says what it printed when that is not what was expected."""

import os
import subprocess
import tempfile

DEADLINE_S = 60
STOA = os.environ["STOA"]
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FINE, FAILED, USAGE, NO_CONNECTION = 0, 1, 2, 3


class Ended:
    """What a run gave."""

    def __init__(self, done):
        self.arguments, self.status, self.out, self.err = done.args, done.returncode, done.stdout, done.stderr

    def expect(self, status, out="", err=""):
        """The exit status, and parts of both outputs."""
        assert self.status == status and out in self.out and err in self.err, self
        return self

    def __repr__(self):
        return f"{self.arguments} ended with {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


def stoa(*arguments, folder="/", given="", variables=None):
    environment = {**os.environ, **(variables or {})}
    return Ended(subprocess.run([STOA, *arguments], cwd=folder, input=given, capture_output=True, text=True,
                                errors="replace", timeout=DEADLINE_S, check=False, env=environment))


def fresh():
    """with fresh() as folder: an empty folder."""
    return tempfile.TemporaryDirectory(prefix="stoa-tool-")


def tree(folder):
    """{path: content} of all files."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, encoding="utf-8") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found
