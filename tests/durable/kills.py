"""F1: a server with durable rooms that is killed again and again, and clients of three kinds that notice nothing.

STOA_TEST_KILLS is how often it is killed (10), STOA_TEST_SEED repeats the choices of a run.
"""

import os
import random
import shutil
import tempfile
import threading

from crowd import KINDS, Posters, read_back, start
from judge import judge
from ports import ReservedPort
from server_process import wait_until
from tap import run, test

ROUNDS = int(os.environ.get("STOA_TEST_KILLS", "10"))
SEED = int(os.environ.get("STOA_TEST_SEED", str(random.SystemRandom().randrange(1 << 32))))
CLIENTS = 8  # of each kind


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
    print(f"# STOA_TEST_SEED={SEED}", flush=True)
    chance = random.Random(SEED)
    folder = tempfile.mkdtemp(prefix="stoa-durable-")
    reserved = ReservedPort()
    port = reserved.number
    posters = []
    try:
        posters += [Posters(kind, port, folder, CLIENTS, SEED + number) for number, kind in enumerate(KINDS)]
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
        reserved.close()


run()
