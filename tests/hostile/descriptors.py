"""A process that runs out of descriptors (F6)."""

import os
import tempfile
import time

from server_process import DEADLINE_S
from tap import run
from world import CHATROOM, ECHO, hostile
from ws_raw import TEXT, Peer, frame, request

LIMIT = 64
folder = tempfile.TemporaryDirectory()
with open(os.path.join(folder.name, "index.html"), "w", encoding="ascii") as page:
    page.write("<p>the page</p>")


def exhaust(world, count=200):
    """More connections than the server may have; those that are too many are refused."""
    peers = [world.connect() for _ in range(count)]
    world.server.wait_for_log("out of descriptors")
    world.until(lambda: world.server.descriptors() >= LIMIT - 1, "the descriptors to run out")
    return peers


def come_back(world):
    """Connect until the server has a descriptor, as a client that is told to try again does."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        peer = world.connect()
        answer = peer.ask(request())
        if answer.status == 101:
            return peer
        assert answer.status == 503, answer.head
        assert time.monotonic() < deadline, "it stays full"
        peer.close()
        world.bystander.chat()


@hostile("without descriptors the server serves those it has", ECHO, limit_descriptors=LIMIT)
def waiting(world):
    friend = world.join()
    exhaust(world)
    ticks = world.server.cpu_ticks()
    for number in range(1000):
        text = f"message {number}".encode()
        friend.send(frame(TEXT, text))
        assert friend.read_message() == (TEXT, text)
        if number % 10 == 0:
            world.bystander.chat()
    spent = world.server.cpu_ticks() - ticks
    # A thousand messages are a few ticks, under sanitizers some tens; a loop that spins takes all that there are.
    assert spent < 300, f"{spent} ticks"


@hostile("without descriptors a newcomer is told when to come back, and the log is told once", ECHO,
         limit_descriptors=LIMIT)
def told(world):
    exhaust(world)
    lines = len(world.server.lines)
    ticks = world.server.cpu_ticks()
    for number in range(300):
        peer = world.connect()
        answer = peer.ask(request())
        assert answer.status == 503, answer.head
        assert int(answer.headers["retry-after"]) > 0, answer.head
        assert answer.headers["connection"] == "close", answer.head
        assert b"descriptors" in answer.body, answer.body
        assert peer.read_to_end() == b""
        if number % 30 == 0:
            world.bystander.chat()
    assert world.server.cpu_ticks() - ticks < 200, "it spins"
    assert len(world.server.lines) - lines < 20, "it logs without end"
    told = world.server.wait_for_log("out of descriptors")
    assert f"limit={LIMIT} " in told and "LimitNOFILE" in told, told


@hostile("without descriptors an idle server does not spin", ECHO, limit_descriptors=LIMIT)
def idle(world):
    exhaust(world)
    ticks = world.server.cpu_ticks()
    # Its sweeps, every 500 ms as long as connections wait for their handshake, are the clock.
    sweeps = voluntary_switches(world.server.pid)
    world.server.wait_for_idle(lambda: voluntary_switches(world.server.pid) >= sweeps + 4)
    assert world.server.cpu_ticks() - ticks < 50, "it spins"


def voluntary_switches(pid):
    """How often the process has gone to sleep, its threads together: once a sweep, when nothing else happens."""
    count = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
            count += next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
    return count


@hostile("when descriptors are free again, newcomers are let in", ECHO, limit_descriptors=LIMIT)
def resuming(world):
    peers = exhaust(world)
    for peer in peers[:20]:
        peer.close()
    late = come_back(world)
    late.send(frame(TEXT, b"at last"))
    assert late.read_message() == (TEXT, b"at last")


@hostile("a page that cannot be opened for lack of descriptors is not answered with 404", CHATROOM,
         {"server.web_root": folder.name}, limit_descriptors=LIMIT)
def page_request(world):
    visitor = world.connect()
    asked = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert visitor.ask(asked).body == b"<p>the page</p>"
    exhaust(world)
    assert visitor.ask(asked).status == 503
    world.bystander.chat()


@hostile("descriptors run out again and again, and nothing is lost", ECHO, limit_descriptors=LIMIT)
def again(world):
    for _ in range(5):
        peers = [Peer(world.server.port) for _ in range(150)]
        world.bystander.chat(3)
        for peer in peers:
            peer.abort()
        world.bystander.chat(3)
        late = come_back(world)
        late.send(frame(TEXT, b"in"))
        assert late.read_message() == (TEXT, b"in")
        world.peers.remove(late)
        late.close()


run()
