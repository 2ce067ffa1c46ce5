"""bench/fairness: its programs against a server in this test, the page, and a short run of everything."""

import base64
import contextlib
import hashlib
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

from tap import run, test

ROOT, BUILD = os.environ["ROOT"], os.environ["BUILD"]
BYSTANDER, NEIGHBOUR = os.environ["BYSTANDER"], os.environ["NEIGHBOUR"]
sys.path.insert(0, os.path.join(ROOT, "bench"))

from fairness import field, page, scenarios  # noqa: E402  # pylint: disable=wrong-import-position

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DEADLINE_S = 60
SOURCE = "127.9.9.9"
MIB = 1024 * 1024


class Played:
    """A listening socket, and one of the programs."""

    def __init__(self, program, *options):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        self.process = subprocess.Popen(
            [program, *options, str(self.listener.getsockname()[1]), SOURCE], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.listener.close()

    def accept(self):
        connection, (address, _) = self.listener.accept()
        assert address == SOURCE, address
        connection.settimeout(DEADLINE_S)
        return connection

    def accept_session(self):
        connection = self.accept()
        asked = receive_until(connection, b"\r\n\r\n")
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked).group(1)
        accepted = base64.b64encode(hashlib.sha1(key + GUID).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accepted + b"\r\n\r\n")
        return connection

    def begin(self):
        assert self.said() == ["ready"]
        self.tell("begin\n")

    def said(self):
        return self.process.stdout.readline().split()

    def tell(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self):
        """Its last line."""
        self.process.stdin.close()
        last = self.process.stdout.read().splitlines()[-1]
        assert self.process.wait(DEADLINE_S) == 0
        return last


def receive(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        assert more, data
        data += more
    return data


def receive_until(connection, ending):
    data = b""
    while not data.endswith(ending):
        data += receive(connection, 1)
    return data


def receive_control(connection):
    """First byte and payload of a control frame that is masked with zeros."""
    head = receive(connection, 6)
    assert head[2:] == bytes(4) and head[1] & 0x80, head
    return head[0], receive(connection, head[1] & 0x7F)


def control(first, payload):
    return bytes([first, len(payload)]) + payload


@contextlib.contextmanager
def file_of(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file.name


@test("a bystander counts a ping that is answered late, and those that were due meanwhile")
def late():
    with Played(BYSTANDER, "--interval-us", "1000") as played:
        connection = played.accept_session()
        assert played.said() == ["ready"]
        played.tell("measure\n")
        first, payload = receive_control(connection)
        assert first == 0x89
        # Nothing else comes while the answer is awaited.
        assert not select.select([connection], [], [], 0.5)[0]
        # A message of the room, and the answer in pieces, after an answer to something else.
        connection.sendall(b"\x82\x7e\x01\x00" + bytes(256) + control(0x8A, b"other"))
        for byte in control(0x8A, payload):
            connection.sendall(bytes([byte]))
        receive_control(connection)
        figures = json.loads(played.end())
        connection.close()
    assert figures["pings"] == 2, figures
    for part in ("answered", "lag"):
        assert figures[part]["max"] >= 500 and figures[part]["p50"] >= 200, figures
    assert figures["sessions"] == 1 and figures["closed"] == [], figures


@test("a ping without an answer counts as long as the wait for it")
def never():
    with Played(BYSTANDER, "--interval-us", "1000") as played:
        connection = played.accept_session()
        played.said()
        played.tell("measure\n")
        receive_control(connection)
        assert not select.select([connection], [], [], 0.3)[0]
        figures = json.loads(played.end())
        connection.close()
    assert figures["pings"] == 1 and figures["answered"]["max"] >= 300 and figures["lag"]["max"] >= 300, figures


@test("idle sessions answer pings, and their ends are counted by their codes")
def idle():
    with Played(BYSTANDER, "--idle", "3") as played:
        connections = [played.accept_session() for _ in range(3)]
        assert played.said() == ["ready"]
        for number, connection in enumerate(connections):
            connection.sendall(b"\x89\x7d" + b"p" * 125 + control(0x89, bytes([number])))
            assert receive_control(connection) == (0x8A, b"p" * 125)
            assert receive_control(connection) == (0x8A, bytes([number]))
        connections[0].sendall(control(0x88, b"\x0f\xac" + b"no pong"))
        connections[0].close()
        connections[1].close()
        # Both ends have been seen when a third session has answered after them.
        connections[2].sendall(control(0x89, b"?"))
        receive_control(connections[2])
        figures = json.loads(played.end())
        connections[2].close()
    assert figures["sessions"] == 3 and sorted(figures["closed"]) == [1006, 4012], figures


@test("a neighbour sends its first bytes once and the others over and over")
def repeating():
    with file_of(b"first") as first, file_of(b"again and ") as then:
        with Played(NEIGHBOUR, "--connections", "2", "--first", first, "--then", then) as played:
            played.begin()
            connections = [played.accept() for _ in range(2)]
            assert played.said() == ["connected"]
            for connection in connections:
                assert receive(connection, 100_005) == b"first" + b"again and " * 10_000
                connection.sendall(b"answer")
            # One that ends is replaced.
            connections[0].close()
            third = played.accept()
            assert receive(third, 25) == b"first" + b"again and " * 2
            done, sent, received, dialled = played.end().split()
            for connection in (*connections, third):
                connection.close()
    assert done == "done" and int(sent) >= 200_035 and int(received) <= 12 and int(dialled) >= 3


@test("a neighbour with a rate sends no more than that")
def rate():
    began = time.monotonic()
    with file_of(b"x" * 1000) as then, Played(NEIGHBOUR, "--then", then, "--rate", "100000") as played:
        played.begin()
        connection = played.accept()
        receive(connection, 20_000)
        sent = int(played.end().split()[1])
        connection.close()
    assert 20_000 <= sent <= 100_000 * (time.monotonic() - began), sent


@test("a neighbour that leaves resets its connection when something has come, and begins again")
def leaving():
    with file_of(b"ask") as first, Played(NEIGHBOUR, "--first", first, "--leave") as played:
        played.begin()
        for _ in range(3):
            connection = played.accept()
            assert receive(connection, 3) == b"ask"
            connection.sendall(b"x" * 100)
            try:
                assert connection.recv(1) == b"", "it says more"
            except ConnectionResetError:
                pass
            connection.close()
        assert int(played.end().split()[-1]) >= 3


@test("a neighbour that does not read leaves everything in its socket")
def unread():
    with file_of(b"ask") as first, Played(NEIGHBOUR, "--first", first, "--unread") as played:
        played.begin()
        connection = played.accept()
        assert receive(connection, 3) == b"ask"
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                connection.send(bytes(MIB))
        assert played.end().split()[2] == "0"
        connection.close()


@test("wrong words on the command line are refused")
def wrong_words():
    for command in ([NEIGHBOUR], [NEIGHBOUR, "0", SOURCE], [NEIGHBOUR, "80", "nowhere"], [BYSTANDER, "80", SOURCE],
                    [NEIGHBOUR, "--connections", "0", "80", SOURCE], [BYSTANDER, "--idle", "1", "99999", SOURCE]):
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False)
        assert done.returncode == 2 and "usage" in done.stderr, command


@test("the bomb is small, and inflates to one chat message within the limit")
def bombs():
    import zlib  # pylint: disable=import-outside-toplevel

    bomb = scenarios.bomb()
    assert len(bomb) < 130 and bomb[1] == 0x80 | len(bomb) - 6, len(bomb)
    message = zlib.decompressobj(-15).decompress(bomb[6:] + scenarios.TAIL)
    assert len(message) == scenarios.MESSAGE_BYTES
    assert message[:4] == scenarios.CHAT and json.loads(message[4:])["message"] == "x"


def run_of(name, number, p99, closed=()):
    times = {"p50": 1.0, "p99": p99, "max": 2 * p99}
    return field.Run(name, number, None, 2.0, times, times, 400, 5 * MIB, 3 * MIB, 49, list(closed),
                     neighbours_sent_bytes=4_000_000, neighbours_received_bytes=0)


def session(*runs):
    machine = {"processor": "P", "cores": 2, "system": "S", "kernel": "K"}
    return {"date": "D", "commit": "abc", "machine": machine, "rounds": 3, "duration_s": 2.0, "runs": list(runs)}


SLOW = session(*(run_of("quiet", number, 0.5) for number in (1, 2, 3)),
               *(run_of("bombs", number, p99, [4012] * number) for number, p99 in enumerate((1e3, 4e3, 2e3), 1)))
FAST = session(run_of("quiet", 1, 0.4), run_of("bombs", 1, 12.0))


@test("a cell is the median of the rounds, and says whether the targets are met")
def cells():
    slow, fast = page.collect(SLOW["runs"])["bombs"], page.collect(FAST["runs"])["bombs"]
    assert (slow.p99, slow.closed, slow.growth, slow.rounds) == (2000.0, 2, 3 * MIB, 3)
    assert not slow.meets() and fast.meets()
    assert "NO" in page.text({"bombs": slow}) and "NO" not in page.text({"bombs": fast})


@test("a run that failed counts nowhere")
def problems():
    failed = field.Run("bombs", 4, "it broke")
    assert page.collect(SLOW["runs"] + [failed])["bombs"].rounds == 3
    assert "it broke" in page.line(scenarios.SCENARIOS[1], failed)


@test("the page gets both columns between its markers, and keeps the rest")
def written():
    with tempfile.NamedTemporaryFile("w+", suffix=".md") as file:
        file.write(f"above\n{page.BEGIN}\nold\n{page.END}\nbelow\n")
        file.flush()
        page.write(file.name, {"before": SLOW, "after": FAST})
        with open(file.name, encoding="utf-8") as again:
            text = again.read()
    assert text.startswith("above\n") and text.endswith("below\n") and "old" not in text, text
    assert "| 2,000 → 12 |" in text and "| 2 of 49 → 0 of 49 |" in text and "| 2 / 0 → 2 / 0 |" in text, text
    assert "pipeline" not in text, "a scenario that nobody measured"


@test("the picture is well-formed, with a bar for each figure")
def pictured():
    drawn = page.picture({"before": SLOW, "after": FAST})
    rectangles = [each for each in xml.etree.ElementTree.fromstring(drawn).iter() if each.tag.endswith("rect")]
    assert len(rectangles) == 1 + 2 + 4, len(rectangles)


def fairness_run(*arguments):
    return subprocess.run(
        [os.path.join(ROOT, "bench/fairness/run"), "--build", BUILD, *arguments], capture_output=True, text=True,
        timeout=240, check=False)


@test("a short run of every scenario gives figures for each")
def everything():
    done = fairness_run("--rounds", "1", "--duration", "0.2", "--json")
    assert done.returncode == 0, done.stderr
    runs = {each["scenario"]: field.Run(**each) for each in json.loads(done.stdout)["runs"]}
    assert list(runs) == [each.name for each in scenarios.SCENARIOS]
    for scenario in scenarios.SCENARIOS:
        figures = runs[scenario.name]
        wanted = sum(kind.processes * kind.connections for kind in scenario.neighbours)
        assert figures.neighbours_connections >= wanted, figures
        assert figures.pings > 0 and figures.answered["max"] >= figures.answered["p50"] > 0, figures
        assert figures.healthy == field.IDLE_SESSIONS + 1 and figures.resident_idle_bytes > MIB, figures
        assert scenario.name in done.stderr, done.stderr


@test("a scenario that is not known is named, with those that are")
def unknown():
    done = fairness_run("--only", "quiet,noise")
    assert done.returncode != 0 and "noise" in done.stderr and "bombs" in done.stderr, done.stderr


run()
