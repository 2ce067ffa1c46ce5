"""million-client against a server that is played here, byte by byte."""

import base64
import contextlib
import hashlib
import os
import re
import select
import socket
import subprocess

from tap import run, test

CLIENT = os.environ["CLIENT"]
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DEADLINE_S = 60


class Played:
    """A listening socket, the client process, and the connections it has opened."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        port = self.listener.getsockname()[1]
        self.process = subprocess.Popen(
            [CLIENT, str(port), "127.9.8.0", "4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines = []

    def tell(self, command):
        self.process.stdin.write(command + "\n")

    def said(self):
        return self.process.stdout.readline().rstrip("\n")

    def accept(self, answer=None):
        line, _ = self.listener.accept()
        line.settimeout(DEADLINE_S)
        self.lines.append(line)
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += line.recv(4096)
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", request).group(1)
        line.sendall(answer or accepted(key))
        return line

    def opened(self, count):
        self.tell(f"open {count} {count}")
        lines = [self.accept() for _ in range(count)]
        assert self.said().startswith(f"opened {count} ")
        return lines

    def line_of(self, number):
        """The connection of the client with this number: it is asked to speak."""
        self.tell(f"say {number}")
        assert self.said().startswith("said ")
        ready, _, _ = select.select(self.lines, [], [], DEADLINE_S)
        assert len(ready) == 1
        return ready[0], payload_of(ready[0].recv(4096))

    def fault(self):
        said = self.said()
        assert said.startswith("fault "), said
        assert self.process.wait(DEADLINE_S) == 1
        return said.removeprefix("fault ")

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        for line in (self.listener, *self.lines):
            line.close()
        return status


@contextlib.contextmanager
def played():
    server = Played()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.end()


def accepted(key):
    digest = base64.b64encode(hashlib.sha1(key + GUID).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n"


def payload_of(frame):
    """A client's frame without its mask."""
    assert frame[0] == 0x82 and frame[1] & 0x80, frame
    mask, masked = frame[2:6], frame[6:]
    assert len(masked) == frame[1] & 0x7F
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))


def framed(payload, opcode=2):
    return bytes([0x80 | opcode, len(payload)]) + payload


def awaiting_two(server):
    """Two clients that wait for round 1, and what one of them said."""
    lines = server.opened(2)
    server.tell("await 1")
    assert server.said() == "awaiting"
    _, payload = server.line_of(0)
    return lines, payload


@test("a broadcast is reported once all members have received it")
def heard_by_all():
    with played() as server:
        (one, two), payload = awaiting_two(server)
        assert payload.startswith(b'\0\0\0\0{"message":"0001 00000 ') and len(payload) == 104, payload
        one.sendall(framed(payload))
        two.sendall(framed(payload))
        assert re.fullmatch(r"heard \d+ 0:2", server.said())
        server.tell("idle")
        assert server.said() == "idle"
        assert server.end() == 0


@test("messages that come byte by byte are put together")
def byte_by_byte():
    with played() as server:
        (one, two), payload = awaiting_two(server)
        for line in (one, two):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            *bytes_before, last = framed(payload)
            for byte in bytes_before:
                line.sendall(bytes([byte]))
                server.tell("idle")
                assert server.said() == "idle"
            line.sendall(bytes([last]))
        assert server.said().startswith("heard ")


@test("clients of one server process find one another")
def clients_find_one_another():
    with played() as server:
        lines = server.opened(3)
        server.tell("find")
        payloads = [payload_of(line.recv(4096)) for line in lines]
        pair = [payloads[0], payloads[1]]
        lines[0].sendall(b"".join(map(framed, pair)))
        lines[1].sendall(b"".join(map(framed, pair)))
        lines[2].sendall(framed(payloads[2]))
        verb, *groups = server.said().split()
        assert verb == "found" and sorted(group.split(":")[1] for group in groups) == ["1", "2"], groups


@test("a ping is answered with what it held")
def ping_is_answered():
    with played() as server:
        (line,) = server.opened(1)
        line.sendall(framed(b"are you", opcode=9))
        frame = line.recv(100)
        assert frame == bytes([0x8A, 0x80 | 7, 0, 0, 0, 0]) + b"are you", frame


@test("a message that comes twice is a fault")
def doubled():
    with played() as server:
        (one, _), payload = awaiting_two(server)
        one.sendall(framed(payload) * 2)
        assert server.fault() == "a message was delivered twice in round 1"


@test("one changed byte anywhere is a fault")
def damaged():
    for place in (0, 5, 17, 22, 60, 103):
        with played() as server:
            (one, _), payload = awaiting_two(server)
            one.sendall(framed(payload[:place] + bytes([payload[place] ^ 0x40]) + payload[place + 1 :]))
            assert server.fault() == "a message was damaged", place


@test("a message of another round is a fault")
def other_round():
    with played() as server:
        (one, two), payload = awaiting_two(server)
        one.sendall(framed(payload))
        two.sendall(framed(payload))
        assert server.said().startswith("heard")
        server.tell("await 2")
        assert server.said() == "awaiting"
        one.sendall(framed(payload))
        assert server.fault() == "a message of round 1 came in round 2"


@test("a message of another server's clients is a fault")
def other_group():
    with played() as server:
        (one, two), payload = awaiting_two(server)
        one.sendall(framed(payload))
        two.sendall(framed(payload))
        assert server.said().startswith("heard")
        server.tell("await 2")
        assert server.said() == "awaiting"
        _, other = server.line_of(1)
        one.sendall(framed(other))
        assert server.fault() == "a client of group 0 heard group 1"


@test("a close, an end, a foreign frame and a refusal are faults")
def other_ends():
    for sent, reason in (
        (framed(b"\x0f\xa1", opcode=8), "a connection was closed with 4001"),
        (framed(b"text", opcode=1), "a frame that nobody sent: 81 and 4 bytes"),
        (b"\x82\x7e\x01\x00", "a frame that nobody sent: 82 and 126 bytes"),
    ):
        with played() as server:
            (line,) = server.opened(1)
            line.sendall(sent)
            assert server.fault() == reason
    with played() as server:
        (line,) = server.opened(1)
        line.close()
        assert server.fault() == "a connection ended: by the server"
    with played() as server:
        server.tell("open 1 1")
        server.accept(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        assert server.fault() == "the handshake was answered by HTTP/1.1 403 Forbidden"


@test("invalid commands are refused")
def bad_commands():
    for command, reason in (
        ("dance", "no command named dance"),
        ("open", "a command without its number"),
        ("open 1x 1", "a command without its number"),
        ("open 5 1", "5 connections more than the 4 that there is room for"),
        ("say 0", "no client has the number 0"),
    ):
        with played() as server:
            server.tell(command)
            assert server.fault() == reason, command


run()
