"""F1: a server with durable rooms that is killed again and again, and clients of three kinds that notice nothing.

STOA_DURABLE_ROUNDS is how often it is killed (10), STOA_DURABLE_SEED repeats the choices of a run.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from feed_client import FeedClient, read_database
from judge import judge, read_events
from server_process import DEADLINE_S, Server, wait_until
from tap import run, test

ROUNDS = int(os.environ.get("STOA_DURABLE_ROUNDS", "10"))
SEED = int(os.environ.get("STOA_DURABLE_SEED", str(random.SystemRandom().randrange(1 << 32))))
CLIENTS = 8  # of each kind
HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {
    "c": (os.environ["POSTERS"],),
    "t": ("node", os.path.join(HERE, "posters.mjs")),
    "p": (sys.executable, os.path.join(HERE, "posters.py")),
}


def free_port(chance):
    """One that no outgoing connection has: below the range that the kernel takes for those."""
    while True:
        port = chance.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Posters:
    """A process with clients of one kind."""

    def __init__(self, kind, port, folder, seed):
        self.kind = kind
        self.log = os.path.join(folder, kind + ".events")
        self.process = subprocess.Popen(
            [*KINDS[kind], f"ws://127.0.0.1:{port}/", kind, str(CLIENTS), str(seed), self.log], stdin=subprocess.PIPE)

    def count(self, name):
        """How many events of this name it has written; the last line may be incomplete."""
        if not os.path.exists(self.log):
            return 0
        with open(self.log, encoding="ascii") as file:
            return file.read().count(f'"event":"{name}"')

    def check_life(self):
        assert self.process.poll() is None, f"the clients {self.kind} have ended with {self.process.returncode}"

    def finish(self):
        """They send what they still have, and end."""
        self.process.stdin.close()

    def wait(self):
        assert self.process.wait(2 * DEADLINE_S) == 0, f"{self.kind}: exit status {self.process.returncode}"
        return read_events(self.log)

    def kill(self):
        self.process.kill()
        self.process.wait()


def start(port, folder, program="FEED"):
    return Server(os.environ[program], {
        "server.addresses": [f"127.0.0.1:{port}"], "server.workers": 2, "data_dir": os.path.join(folder, "data")})


def read_back(port, folder, rooms):
    """Through a fresh client of a server that was started again, and by sqlite3; both must be the same."""
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


def kill_again_and_again(port, folder, posters, chance):
    for number in range(ROUNDS):
        server = start(port, folder)
        try:
            # Some rounds end while clients come back, others when messages have been flowing for a while.
            threading.Event().wait(chance.choice((0.05, 0.3, 1.0)) + chance.random() * 1.2)
            for each in posters:
                each.check_life()
            assert server.alive(), server.log[-3000:]
        finally:
            server.kill()
        assert server.process.returncode == -9, f"round {number}: it ended by itself: {server.process.returncode}"
        print(f"# killed {number + 1} times, acknowledged {sum(each.count('acked') for each in posters)}", flush=True)
        threading.Event().wait(chance.random() * 0.2)


def gather(port, folder, posters):
    """All events, after the clients have sent everything to a server that nobody kills."""
    server = start(port, folder)
    try:
        for each in posters:
            wait_until(lambda each=each: each.count("acked") > 0, f"an acknowledgement for the clients {each.kind}")
        for each in posters:
            each.finish()
        events = {each.kind: each.wait() for each in posters}
        server.stop()
    finally:
        server.kill()
    return events


@test(f"a server that is killed {ROUNDS} times loses no acknowledged message, and no client has a hole")
def kills():
    print(f"# STOA_DURABLE_SEED={SEED}", flush=True)
    chance = random.Random(SEED)
    folder = tempfile.mkdtemp(prefix="stoa-durable-")
    port = free_port(chance)
    posters = []
    try:
        posters += [Posters(kind, port, folder, SEED + number) for number, kind in enumerate(KINDS)]
        kill_again_and_again(port, folder, posters, chance)
        events = gather(port, folder, posters)
        rooms = read_back(port, folder, {event["room"] for each in events.values() for event in each})
        assert len(rooms) == 2, rooms.keys()
        for kind, of_kind in events.items():
            names = {name: sum(event["event"] == name for event in of_kind) for name in ("acked", "received", "left")}
            assert all(names.values()), f"the clients {kind} have done too little: {names}"
        counts = judge(rooms, [event for each in events.values() for event in each])
        print("# " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())), flush=True)
        assert ROUNDS > 0 and counts["ended"] > 0 and counts["missed"] > 0, f"no client was interrupted: {counts}"
        assert counts["stored"] == len({event["id"] for each in events.values() for event in each
                                        if event["event"] == "acked"}), "stored, and never acknowledged"
    except BaseException:
        print(f"# the clients' events and the database are kept in {folder}", flush=True)
        raise
    else:
        shutil.rmtree(folder)
    finally:
        for each in posters:
            each.kill()


run()
