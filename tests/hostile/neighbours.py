"""One client must not cost the others the turn (row 42), nor be louder than the rooms allow (row 43).

Nothing here is timed. What is counted is how much the server does for the neighbours between the bystander's ping and
its pong; on a worker that gives everybody a share of each turn that is little, however slow the machine is. A round
trip may be long for the machine's own reasons, so it is the lower quartile that counts.
"""

import contextlib
import json
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time

from fairness import scenarios
from tap import run
from world import BROADCAST, CHATROOM, hostile, round_trip
from ws_raw import CLOSE, PING, PONG, Ended, frame, request

MIB = 1048576
NEIGHBOURS = 8
ROUND_TRIPS = 15
NICE = 5  # of the neighbours, so that the bystander is not late because of them
RATE = 4013
RELAYED = b'"message":"x"'
LARGE = 16 * MIB
TCPI_BYTES_RECEIVED = 128  # where it is in struct tcp_info (linux/tcp.h)

folder = tempfile.TemporaryDirectory()
for name, size in (("large.bin", LARGE), ("small.txt", 100)):
    with open(os.path.join(folder.name, name), "wb") as served:
        served.write(b"stoa" * (size // 4))
FILES = {"server.web_root": folder.name}
# As configs/chatroom.yaml has them.
RATES = {"server.limits.rate.messages_per_s": 20, "server.limits.rate.messages_burst": 40,
         "server.limits.rate.bytes_per_s": 65536, "server.limits.rate.bytes_burst": 262144}
# The healthy are asked often, and have long to answer: only a server that does not read takes them for silent.
LIVENESS = {"server.ping_interval_ms": 500, "server.pong_timeout_ms": 3000}


@contextlib.contextmanager
def neighbours(world, first, *options, then=None, count=NEIGHBOURS):
    """Processes that say this to the server, until the end."""
    with contextlib.ExitStack() as stack:
        words = []
        for word, said in (("--first", first), ("--then", then)):
            if said is not None:
                file = stack.enter_context(tempfile.NamedTemporaryFile())
                file.write(said)
                file.flush()
                words += [word, file.name]
        processes = []
        for number in range(count):
            command = [os.environ["NEIGHBOUR"], *options, *words, str(world.server.port), f"127.0.1.{number + 1}"]
            process = subprocess.Popen(
                ["nice", "-n", str(NICE), "setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True)
            stack.callback(end_process, process)
            processes.append(process)
        for process in processes:
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("begin\n")
            process.stdin.flush()
        yield


def end_process(process):
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


class Healthy:
    """An idle session that answers the server's pings, in a thread of its own."""

    def __init__(self, world):
        self.pings = 0
        self.code = None
        self.peer = world.join()
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def _live(self):
        try:
            while True:
                first, payload = self.peer.read_frame()
                if first & 0x0F == PING:
                    self.pings += 1
                    self.peer.try_send(frame(PONG, payload))
                elif first & 0x0F == CLOSE:
                    self.code = int.from_bytes(payload[:2], "big")
                    return
        except (Ended, OSError, AssertionError, ValueError):
            return

    def check(self, world):
        """It has been asked whether it lives, and has not been closed."""
        world.until(lambda: self.pings >= 3 or not self.thread.is_alive(), "three pings of the server")
        assert self.thread.is_alive() and self.code is None, f"a healthy session was closed with {self.code}"

    def leave(self):
        self.peer.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()


@contextlib.contextmanager
def healthy_sessions(world, count=4):
    sessions = [Healthy(world) for _ in range(count)]
    try:
        yield
        for session in sessions:
            session.check(world)
    finally:
        for session in sessions:
            session.leave()


def lower_quartile(numbers):
    return statistics.quantiles(numbers, n=4)[0]


def work_of_a_round_trip(world, done):
    """How much `done` grows from a ping to its pong."""
    peer = world.join()
    grown = []
    for number in range(ROUND_TRIPS):
        before = done()
        round_trip(peer, number)
        grown.append(done() - before)
        world.bystander.chat()
    return lower_quartile(grown)


@hostile("eight senders of compression bombs have a few messages handled between a ping and its pong", BROADCAST,
         {"server.compression": True, **LIVENESS})
def bombs(world):
    peer = world.join()
    counts = []
    with healthy_sessions(world), \
            neighbours(world, scenarios.upgrade(scenarios.DEFLATE), then=scenarios.bomb() * 600):
        relayed = []
        number = 0
        while len(relayed) < 100:  # until all are at it
            round_trip(peer, number, relayed.append)
            world.bystander.chat()
            number += 1
        for _ in range(ROUND_TRIPS):
            relayed.clear()
            round_trip(peer, number, relayed.append)
            number += 1
            counts.append(sum(RELAYED in payload.replace(b" ", b"") for payload in relayed))
            world.bystander.chat()
    # A read of 64 KiB holds 590 of each, which inflate to 38 MB.
    assert lower_quartile(counts) <= 50 * NEIGHBOURS, counts


def received_bytes(sockets):
    """By the kernel's count, read or not."""
    infos = (each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCPI_BYTES_RECEIVED + 8) for each in sockets)
    return sum(struct.unpack_from("=Q", info, TCPI_BYTES_RECEIVED)[0] for info in infos)


def flood_in_child(sockets, data):
    """A process that sends the data over and over on each of them, and reads what comes. Returns its id."""
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        os.nice(NICE)
        poll = select.poll()
        by_number = {each.fileno(): [each, 0] for each in sockets}
        for each in sockets:
            each.setblocking(False)
            poll.register(each, select.POLLIN | select.POLLOUT)
        while os.getppid() != 1 and poll.poll(1000):
            for number, (each, at) in by_number.items():
                with contextlib.suppress(BlockingIOError):
                    by_number[number][1] = (at + each.send(data[at:])) % len(data)
                with contextlib.suppress(BlockingIOError):
                    if not each.recv(MIB):
                        os._exit(1)
    finally:
        os._exit(0)


@hostile("eight pipeliners have a few of their requests answered between a ping and its pong", CHATROOM,
         {**FILES, **LIVENESS})
def pipelines(world):
    get = scenarios.get("small.txt")
    probe = world.connect()
    probe.send(get)
    answer = probe.read_answer()
    answer_bytes = len(answer.head) + 4 + len(answer.body)
    peers = [world.connect() for _ in range(NEIGHBOURS)]
    sockets = [peer.socket for peer in peers]
    child = flood_in_child(sockets, get * 1000)
    try:
        with healthy_sessions(world):
            world.until(lambda: received_bytes(sockets) > 100 * NEIGHBOURS * answer_bytes, "the flood to begin")
            grown = work_of_a_round_trip(world, lambda: received_bytes(sockets))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    # A read of 64 KiB holds 1500 requests of each.
    assert grown / answer_bytes <= 250 * NEIGHBOURS, f"{grown / answer_bytes:.0f} answers"


def file_bytes_read(world):
    """What the server has read of files; sockets are not in it."""
    with open(f"/proc/{world.server.pid}/io", encoding="ascii") as io:
        return next(int(line.split()[1]) for line in io if line.startswith("rchar:"))


@hostile("eight clients that request a large file and disconnect have little of it read between a ping and its pong",
         CHATROOM,
         {**FILES, **LIVENESS})
def deserters(world):
    before = file_bytes_read(world)
    with healthy_sessions(world), neighbours(world, scenarios.get("large.bin"), "--leave"):
        world.until(lambda: file_bytes_read(world) > before + 4 * MIB, "the files to be read")
        grown = work_of_a_round_trip(world, lambda: file_bytes_read(world))
    assert grown <= NEIGHBOURS * MIB, f"{grown / MIB:.1f} MiB of {NEIGHBOURS} files"


@hostile("eight clients that request a large file and read nothing do not hold it in memory",
         CHATROOM, {**FILES, **LIVENESS})
def unread(world):
    before = world.server.resident_bytes()
    with healthy_sessions(world):
        peers = [world.connect() for _ in range(NEIGHBOURS)]
        for peer in peers:
            peer.send(scenarios.get("large.bin"))
        for peer in peers:
            world.watch(peer)
        world.bystander.chat(20)
        grown = world.server.resident_bytes() - before
    assert grown <= 64 * MIB, f"{grown / MIB:.0f} MiB"


@hostile("a download that takes longer than handshake_timeout_ms is complete", CHATROOM,
         {**FILES, "server.limits.handshake_timeout_ms": 500})
def slow_download(world):
    peer = world.connect()
    peer.send(scenarios.get("large.bin"))
    began = time.monotonic()
    # As slowly as it takes to last six times the limit; then the rest at once.
    received = 0
    while received < LARGE:
        elapsed = time.monotonic() - began
        if elapsed > 3 or received < LARGE / 8 * elapsed:
            got = len(peer.socket.recv(MIB // 8))
            assert got > 0, f"cut after {received} bytes"
            received += got
        else:
            world.bystander.chat()


@hostile("hundreds of incomplete requests neither exclude nor delay others", CHATROOM, LIVENESS)
def half_open(world):
    with healthy_sessions(world):
        for number in range(600):
            world.connect().send(scenarios.HALF_A_HEAD)
            if number % 100 == 0:
                world.bystander.chat()
        world.bystander.chat(3)
        newcomer = world.join("stoa.json")
        round_trip(newcomer, 1)


def chats(count, size):
    return b"".join(scenarios.chat(f"{number} " + "x" * size) for number in range(count))


@hostile("a sender that goes on over its rate is closed with 4013", CHATROOM, RATES)
def chatter_is_closed(world):
    chatter = world.member("stoa.json")
    chatter.send(chats(150, 10))
    assert chatter.read_close() == RATE


@hostile("two megabytes of chat close their sender, and no member that reads", CHATROOM, RATES)
def chatter_and_readers(world):
    # This one reads only when all is over: what the rate lets through fits into its queue.
    late = world.member("stoa.json")
    chatter = world.member("stoa.json")
    world.flood(chatter, chats(200, 1000), 10)
    # The close frame may be lost to the reset that answers what was sent after it.
    code = None
    with contextlib.suppress(Ended):
        while code is None:
            first, payload = chatter.read_frame()
            code = int.from_bytes(payload[:2], "big") if first & 0x0F == CLOSE else None
    assert code in (RATE, None), code
    messages = []
    round_trip(late, 1, messages.append)
    assert 0 < len(messages) < 400, len(messages)


run()
