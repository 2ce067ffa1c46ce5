"""F21: a database with random damage. A server recovers, or refuses to start and says why; it never crashes.

STOA_TEST_DAMAGES is how often (200), STOA_TEST_SEED repeats the choices of a run.
"""

import collections
import os
import random
import shutil
import signal

from feed_client import FeedClient, Refused, database
from server_process import REPORTS
from stage import attempt, temporary_folder
from tap import run, test

ROUNDS = int(os.environ.get("STOA_TEST_DAMAGES", "200"))
SEED = int(os.environ.get("STOA_TEST_SEED", str(random.SystemRandom().randrange(1 << 32))))
ROOMS = ("news", "talk")
SUFFIXES = ("", "", "-wal", "-wal", "-shm")


def make_database(folder):
    """One whose last posts are in the WAL only: the server that has it is killed."""
    for posts in (150, 40):
        server = attempt(folder)
        try:
            assert server.is_serving, server.log
            with FeedClient(server.port) as ann:
                first = ann.number
                for room in ROOMS:
                    for number in range(posts):
                        ann.send(room, f"ann{posts}{room}{first}-{number}", "some text " * 12)
            if posts == 150:
                server.stop()
        finally:
            server.kill()


def damage(chance, folder):
    """Flip some bytes of one file, or cut it; what was done."""
    path = database(folder) + chance.choice(SUFFIXES)
    with open(path, "r+b") as file:
        length = file.seek(0, os.SEEK_END)
        if length == 0:
            return "nothing"
        if chance.random() < 0.1:
            file.truncate(chance.randrange(length))
            return f"cut {path}"
        # Half of them close together, as a disk loses sectors.
        start, span = chance.choice(((0, length), (chance.randrange(length), 512)))
        places = {min(length - 1, start + chance.randrange(span)) for _ in range(chance.choice((1, 4, 64)))}
        for place in places:
            file.seek(place)
            file.write(bytes((chance.randrange(256),)))
        return f"changed {sorted(places)[:8]} of {path}"


def use(server):
    """Read, follow and send; each may be refused."""
    with FeedClient(server.port) as client:
        for room in ROOMS:
            for step in (lambda room=room: client.read(room), lambda room=room: client.follow(room, 1, 1),
                         lambda room=room: client.send(room, "eve-1")):
                try:
                    step()
                except Refused:
                    pass
        client.ping()


def try_to_serve(folder):
    """What came of it."""
    server = attempt(folder)
    try:
        if not server.is_serving:
            server.refusal()
            return "refused"
        use(server)
        assert server.alive(), f"it has ended with {server.process.returncode}:\n{server.log[-6000:]}"
        server.signal(signal.SIGTERM)
        server.check_end()
        return "degraded" if "room storage" in server.log else "served"
    finally:
        server.kill()
        assert not any(word in server.log for word in REPORTS), server.log[-6000:]


@test(f"a database that was damaged {ROUNDS} times is recovered or refused, and never crashes a server")
def damages():
    print(f"# STOA_TEST_SEED={SEED}", flush=True)
    chance = random.Random(SEED)
    results = collections.Counter()
    # In memory, if possible: hundreds of starts would wait for the disk most of the time.
    with temporary_folder("/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        whole = os.path.join(folder, "whole")
        make_database(whole)
        assert all(os.path.getsize(database(whole) + suffix) > 0 for suffix in SUFFIXES)
        assert try_to_serve(shutil.copytree(whole, os.path.join(folder, "same"))) == "served"
        for number in range(ROUNDS):
            data = shutil.copytree(whole, os.path.join(folder, "data"))
            what = damage(chance, data)
            try:
                results[try_to_serve(data)] += 1
            except BaseException:
                print(f"# round {number}: {what}", flush=True)
                raise
            shutil.rmtree(data)
    print(f"# {dict(results)}", flush=True)
    assert sum(results.values()) == ROUNDS > 0 and results["served"] > 0
    assert ROUNDS < 50 or results["refused"] > 0, f"no damage was ever noticed: {results}"


run()
