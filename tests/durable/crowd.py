"""Processes with clients of three kinds that write down what happens to them, and what is stored at the end."""

import json
import os
import subprocess
import sys

from feed_client import FeedClient, read_database
from judge import read_events
from server_process import DEADLINE_S, Server

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {
    "c": (os.environ["POSTERS"],),
    "t": ("node", os.path.join(HERE, "posters.mjs")),
    "p": (sys.executable, os.path.join(HERE, "posters.py")),
}


class Posters:
    """A process with clients of one kind; options are more arguments of those in C."""

    def __init__(self, kind, port, folder, count, seed, options=()):
        self.kind = kind
        self.log = os.path.join(folder, kind + ".events")
        self.process = subprocess.Popen(
            [*KINDS[kind], f"ws://127.0.0.1:{port}/", kind, str(count), str(seed), self.log, *options],
            stdin=subprocess.PIPE)

    def count(self, name):
        """How many events of this name it has written; the last line may be incomplete."""
        if not os.path.exists(self.log):
            return 0
        with open(self.log, encoding="ascii") as file:
            return file.read().count(f'"event":"{name}"')

    def check_life(self):
        assert self.process.poll() is None, f"the clients {self.kind} have ended with {self.process.returncode}"

    def events(self):
        """Those that are written completely."""
        with open(self.log, encoding="ascii") as file:
            return [json.loads(line) for line in file.read().splitlines(keepends=True) if line.endswith("\n")]

    def finish(self):
        """They send what they still have, and end."""
        self.process.stdin.close()

    def wait(self):
        assert self.process.wait(2 * DEADLINE_S) == 0, f"{self.kind}: exit status {self.process.returncode}"
        return read_events(self.log)

    def kill(self):
        self.process.kill()
        self.process.wait()


def start(port, folder, program="FEED", settings=None, options=()):
    """A server with two workers at this port; its data are below the folder."""
    return Server(os.environ[program], {
        "server.addresses": [f"127.0.0.1:{port}"], "server.workers": 2, "data_dir": os.path.join(folder, "data"),
        **(settings or {})}, options=options)


def read_back(port, folder, rooms):
    """{room: (epoch, [Stored, …])}: through a fresh client of a server that was started again, and by sqlite3; both must be the same."""
    server = start(port, folder, "JOURNAL")
    try:
        with FeedClient(port) as client:
            found = {room: client.read(room) for room in rooms}
        server.stop()
    finally:
        server.kill()
    stored = read_database(os.path.join(folder, "data"))
    for room, (epoch, messages) in found.items():
        rows = [(message.offset, message.sender, message.id) for message in messages]
        assert stored[room] == (epoch, rows), f"{room}: a client and sqlite3 read different messages"
    assert set(stored) == set(found), (set(stored), set(found))
    return found
