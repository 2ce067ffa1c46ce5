"""The HTTP fallback under attack: what the other files try on WebSocket (rows 3, 5, 17 to 19, 21 to 24, 33, 41, 42, 52,
and F15), tried on sessions of Server-Sent Events and POST."""

import json
import os
import select
import signal
import tempfile
import time

from jwt_forge import Forge
from server_process import DEADLINE_S, Server
from tap import run, test
from world import CHATROOM, OFFICE, Bystander, hostile, round_trip
from ws_raw import Ended, Peer

folder = tempfile.TemporaryDirectory()
forge = Forge(folder.name)
MIB = 1048576
FALLBACK = {"server.http_fallback": True}
# Few of these sessions say Hello.
ON = {**FALLBACK, "chat.hello_timeout_ms": 3600000}
LIVENESS = {"server.ping_interval_ms": 500, "server.pong_timeout_ms": 3000}
CAP = {**ON, "server.limits.limit_loopback": True, "server.limits.address_sessions_max": 20}
ANOTHER_ADDRESS = "127.0.0.7"
NEIGHBOURS = 8
ROUND_TRIPS = 15
MAX = 65536


def head(*fields, length=0, origin=None, method="POST", target="/"):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
    lines += [f"Content-Length: {length}"] if length is not None else []
    lines += [f"Origin: {origin}"] if origin else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def pack(*messages):
    return b"".join((len(message) | 0x80000000).to_bytes(4, "big") + message for message in messages)


class Events:
    """A session: its events on one connection, its posts on another."""

    def __init__(self, world, protocol="stoa.text", port=None, fields=(), **options):
        self.world = world
        self.port = world.server.port if port is None else port
        self.peer = Peer(self.port, **options)
        if world is not None and hasattr(world, "peers"):
            world.peers.append(self.peer)
        self.number = 0
        self.key = None
        self.up = None
        self.peer.send(head(f"Stoa-Protocol: {protocol}", *fields))
        answer = self.peer.read_answer(head_only=True)
        self.status = answer.status
        if self.status == 200:
            event = self.read()
            assert event.startswith(b'event:open\ndata:{"key":"'), event
            self.key = event[24:].partition(b'"')[0].decode()

    def read(self):
        """The next event; b"" at the end of the response."""
        deadline = time.monotonic() + DEADLINE_S
        while b"\r\n" not in self.peer.buffer:
            if not self.peer._receive(deadline):
                raise Ended("between events")
        line = bytes(self.peer.buffer).partition(b"\r\n")[0]
        length = int(line, 16)
        self.peer._need(len(line) + 2 + length + 2, deadline)
        event = bytes(self.peer.buffer[len(line) + 2 : len(line) + 2 + length])
        del self.peer.buffer[: len(line) + length + 4]
        return event

    def read_close(self):
        """The code of the event close; 1006 when the response ends without one."""
        code = 1006
        try:
            while event := self.read():
                if event.startswith(b"event:close\ndata:"):
                    code = int(event[17:21])
        except Ended:
            pass
        return code

    def has_ended(self):
        """Has the response ended? What has come is kept."""
        while select.select([self.peer.socket], [], [], 0.02)[0]:
            if not self.peer._receive(time.monotonic() + DEADLINE_S):
                return True
        return False

    def fields(self, number):
        return [f"Stoa-Session: {self.key}", "Content-Type: application/octet-stream",
                *([f"Stoa-Sequence: {number}"] if number else [])]

    def request(self, number, body=b""):
        return head(*self.fields(number), length=len(body)) + body

    def post(self, *messages):
        """The status of a post with the next number."""
        self.number += 1
        self.connect()
        self.up.send(self.request(self.number, pack(*messages)))
        return self.up.read_answer().status

    def connect(self):
        if self.up is None:
            self.up = Peer(self.port)
            if hasattr(self.world, "peers"):
                self.world.peers.append(self.up)


def session(world, **options):
    events = Events(world, **options)
    assert events.status == 200, events.status
    return events


def call(text):
    return b'{"type":4000,"id":1,"payload":{"x":"%s"}}' % text


# Lengths and bodies.


@hostile("a message that claims too much is refused, and nothing of that size is allocated (row 3)", CHATROOM, ON)
def claims(world):
    before = world.server.resident_bytes()
    for claim in (MAX + 1, 0x7FFFFFFF, 0xFFFFFFFF):
        events = session(world)
        events.connect()
        events.up.send(events.request(1, claim.to_bytes(4, "big") + b"12345"))
        assert events.up.read_answer().status == 413
        assert events.read_close() == 1009
    for claim in (MAX + 65537, 1 << 31, (1 << 63) - 1):
        events = session(world)
        events.connect()
        events.up.send(head(*events.fields(1), length=claim))  # refused on the head, before a byte of it
        assert events.up.read_answer().status == 413
        events.up = None
        assert events.post() == 204  # number 1 is still free
        world.bystander.chat()
    assert world.server.resident_bytes() < before + 32 * MIB


@hostile("a hundred bodies that never end are ended in time, and their sessions live on (rows 5 and 19)", CHATROOM,
         {**ON, "server.limits.handshake_timeout_ms": 1000, "server.limits.body_timeout_ms": 1000})
def half_bodies(world):
    events = session(world)
    peers = [world.connect() for _ in range(100)]
    for number, peer in enumerate(peers):
        peer.send(head(*events.fields(1), length=1000) + b"\0\0\3" * (number % 3))
    for peer in peers:
        world.watch(peer)
        assert peer.read_answer().status == 408
        assert peer.read_to_end() == b""
    assert events.post() == 204


@hostile("a request of two lengths is refused, and what follows is no request (rows 23 and 24)", CHATROOM, ON)
def smuggled(world):
    events = session(world)
    hidden = events.request(1, pack(b"{}"))
    for fields in (["Transfer-Encoding: chunked", "Content-Length: 4"], ["Content-Length: 4", "Content-Length: 5"],
                   ["Transfer-Encoding: xchunked"], ["Content-Length: +4"], ["Content-Length: 4, 5"]):
        world.expect_refusal(head(*events.fields(1), *fields, length=None) + hidden, (400, 501))
    assert events.post() == 204  # nothing of it has been handled: number 1 is still free


# Pages.


@hostile("a page of another origin neither opens, posts nor asks first (row 22)", CHATROOM, ON)
def origins(world):
    events = session(world)
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://localhost@evil.example"):
        for fields in (["Stoa-Protocol: stoa.json"], events.fields(1)):
            world.expect_refusal(head(*fields, origin=origin), 403)
        answer = world.expect_refusal(
            head("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: stoa-session", origin=origin,
                 method="OPTIONS"), 403)
        assert "access-control-allow-origin" not in answer.headers
    # A form can send no field of its own, whatever its type.
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        peer = world.connect()
        answer = peer.ask(head(f"Content-Type: {kind}", length=23, origin="https://evil.example") +
                          b"Stoa-Protocol=stoa.json")
        assert answer.status in (403, 404, 405, 426), answer.status
        assert not answer.headers.get("content-type", "").startswith("text/event-stream")
    assert events.post() == 204


@hostile("two thousand guessed keys find nothing, and learn nothing", CHATROOM, ON)
def guesses(world):
    events = session(world)
    own, _, secret = events.key.partition(".")
    said = set()
    peer = world.connect()
    for number in range(2000):
        key = f"{own}.{number:048x}" if number % 2 else f"{number:08x}{own[8:]}.{secret}"
        peer.send(head(f"Stoa-Session: {key}", "Stoa-Sequence: 1", "Content-Type: text/plain"))
        answer = peer.read_answer()
        said.add((answer.status, answer.body))
        if number % 200 == 0:
            world.bystander.chat()
    assert len(said) == 1 and next(iter(said))[0] == 404, said
    assert events.post() == 204


# Floods.


@hostile("a hundred thousand signs of life use no memory, and nobody waits for them (row 17)", CHATROOM, ON)
def signs_of_life(world):
    events = session(world)
    before = world.server.resident_bytes()
    peer = world.connect()
    world.flood(peer, events.request(0) * 100, 1000)
    assert world.server.resident_bytes() < before + 64 * MIB
    assert events.post() == 204


@hostile("who reads no events is not sent without end: its posts wait, and it is closed (row 18)", CHATROOM,
         {**ON, **LIVENESS})
def unread(world):
    before = world.server.resident_bytes()
    deaf = Events(world, receive_buffer=4096)
    deaf.connect()
    deaf.up.socket.setblocking(False)
    answered = 0
    message = pack(*[call(b"y" * 1000)] * 50)
    deadline = time.monotonic() + DEADLINE_S
    while answered < 100000 and time.monotonic() < deadline:
        deaf.number += 1
        deaf.up.socket.settimeout(DEADLINE_S)
        if not deaf.up.try_send(deaf.request(deaf.number, message)):
            break
        try:
            world.until(lambda: deaf.up.has_input(0.02), "an answer")
            if deaf.up.read_answer().status != 204:
                break
        except Ended:
            break
        answered += 1
    else:
        raise AssertionError("it is sent without end")
    assert world.server.resident_bytes() < before + 64 * MIB


@hostile("eight posters have a few of their messages handled between a ping and its pong (row 42)", CHATROOM,
         {**ON, **LIVENESS})
def posters(world):
    """As with eight pipeliners: counted by what the server has answered, not by time."""
    sessions = [session(world) for _ in range(NEIGHBOURS)]
    lines = [world.connect() for _ in sessions]
    requests = [events.request(0) for events in sessions]
    answer_bytes = None
    for line, request in zip(lines, requests):
        line.send(request)
        answer = line.read_answer()
        answer_bytes = len(answer.head) + 4
    peer = world.join("stoa.json")
    grown = []
    for number in range(ROUND_TRIPS):
        for line, request in zip(lines, requests):
            line.send_some(request * 300)
        before = sum(answered_bytes(line) for line in lines)
        round_trip(peer, number)
        grown.append(sum(answered_bytes(line) for line in lines) - before)
        world.bystander.chat()
    assert sorted(grown)[len(grown) // 4] / answer_bytes <= 250 * NEIGHBOURS, grown


def answered_bytes(line):
    """Received so far, read or not."""
    line.socket.setblocking(False)
    try:
        while data := line.socket.recv(MIB):
            line.received = getattr(line, "received", 0) + len(data)
    except BlockingIOError:
        pass
    finally:
        line.socket.settimeout(DEADLINE_S)
    return getattr(line, "received", 0)


# Sessions that cost nothing.


@hostile("one address gets its limit of sessions, those it never listens to too (row 21)", CHATROOM, CAP,
         source=ANOTHER_ADDRESS)
def capacity(world):
    sessions = [session(world) for _ in range(20)]
    for _ in range(5):
        assert Events(world).read_close() == 4014
        world.bystander.chat()
    assert sessions[0].post() == 204  # there is a connection left for it
    sessions[1].peer.close()

    def joins():
        events = Events(world)
        is_in = events.status == 200 and events.post() == 204
        events.peer.close()
        return is_in

    world.until(joins, "a place")


@hostile("sessions that nobody listens to or posts to are closed with 4012", CHATROOM, {**ON, **LIVENESS})
def silent(world):
    sessions = [session(world) for _ in range(50)]
    for events in sessions:
        world.until(events.has_ended, "the end of a silent session")
        assert events.read_close() == 4012


@hostile("who does not say Hello is closed by the chat's time limit", CHATROOM, {**ON, "chat.hello_timeout_ms": 1000})
def no_hello(world):
    events = session(world)
    code = events.read_close()
    assert code not in (1006, 4012), code


@hostile("hundreds of openings that break off, with and without a reset, give all back (row 41)", CHATROOM, ON)
def churn(world):
    for number in range(300):
        peer = Peer(world.server.port)
        peer.send(head("Stoa-Protocol: stoa.json")[: None if number % 3 else 20])
        if number % 2:
            peer.abort()
        else:
            peer.close()
        if number % 50 == 0:
            world.bystander.chat()
    for number in range(100):
        events = Events(world)
        events.connect()
        events.up.try_send(events.request(1, pack(b"{}")))
        (events.up.abort if number % 2 else events.peer.abort)()
        events.peer.close()
        events.up.close()


@hostile("the key of a session is in no line of the log (row 52)", CHATROOM,
         {**ON, "log.level": "debug", "log.requests.mode": "all"})
def key(world):
    events = session(world)
    assert events.post(b"no json") in (204, 410)
    for bad in (events.key, events.key + "0", events.key[:-1]):
        peer = world.connect()
        peer.ask(head(f"Stoa-Session: {bad}", "Stoa-Sequence: x", "Content-Type: text/plain"))
    events.peer.close()
    world.until(lambda: "transport=http" in world.server.log, "a line about the session")
    assert events.key.partition(".")[2][:12] not in world.server.log


@hostile("a token is judged as in an upgrade, renewed by a message, and ends the session with it (row 33)", OFFICE,
         {**FALLBACK, **forge.settings()}, headers=["Authorization: Bearer " + forge.token()])
def tokens(world):
    for bad, code in ((forge.token({"alg": "none"}, sign=lambda _: b""), 4500),
                      (forge.token(claims=forge.claims(exp=0)), 4005)):
        assert Events(world, fields=[f"Authorization: Bearer {bad}"]).read_close() == code
        world.bystander.chat()

    def ends_soon():
        """It has expired, and is accepted for two or three seconds more."""
        return forge.token(claims=forge.claims(exp=int(time.time()) - 22))

    ending = session(world, fields=["Authorization: Bearer " + ends_soon()])
    renewed = session(world, fields=["Authorization: Bearer " + ends_soon()])
    token = json.dumps({"type": 1, "id": 7, "payload": {"token": forge.token()}}).encode()
    assert renewed.post(token) == 204
    assert ending.read_close() == 4005
    assert renewed.post() == 204


@test("SIGTERM with two hundred sessions of the fallback: posts are taken until each is closed with 4001 (F15)")
def drain():
    server = Server(os.environ[CHATROOM], ON)
    holder = type("Holder", (), {"server": server})()
    try:
        sessions = [Events(holder) for _ in range(200)]
        bystander = Bystander(CHATROOM, server.port)
        bystander.chat(3)
        server.signal(signal.SIGTERM)
        server.wait_for_log("draining")
        for events in sessions:
            post_until_closed(events)
        assert bystander.peer.read_close() == 4001
        bystander.peer.close()
        server.check_end()
    finally:
        server.kill()


def post_until_closed(events):
    """A post is refused, or finds nobody, only when the session is closed."""
    status = 204
    while status == 204:
        events.up = None
        try:
            status = events.post()
        except (Ended, ConnectionError):
            status = 0
    assert status in (0, 404, 410), status
    assert events.read_close() == 4001
    events.peer.close()


run()
