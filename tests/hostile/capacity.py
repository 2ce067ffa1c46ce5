"""Limits that are no weapon: who is silent takes nobody's place, and full is a state that passes (rows 49 and 50)."""

import json
import os
import tempfile

from tap import run
from world import CHAT, CHATROOM, hostile
from ws_raw import BINARY, CLOSE, PING, PONG, Ended, Peer, frame, request

FULL = 4014
LIMIT = 20
NAT, NEIGHBOUR_OF_NAT = "127.0.0.7", "127.0.0.8"
ERROR_BIT = 0x40000000
LIMIT_ERROR, BUSY = 106, 111

folder = tempfile.TemporaryDirectory()
with open(os.path.join(folder.name, "index.html"), "w", encoding="ascii") as page:
    page.write("<p>the page</p>")

SESSIONS = {"server.limits.sessions_max": LIMIT}
EACH_ADDRESS = {"server.limits.limit_loopback": True, "server.limits.address_sessions_max": LIMIT,
                "server.web_root": folder.name}
# The bystander comes to the first listener; who comes to the other says in a PROXY header from where.
PROXIED = {
    "server.listeners": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "proxy_protocol": "on"}],
    "server.trusted_proxies": ["127.0.0.1"],
    "server.limits.address_sessions_max": LIMIT,
}


def proxy_header(source):
    family, to = ("TCP6", "::1") if ":" in source else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {source} {to} 4000 7700\r\n".encode()


class Newcomer:
    """An upgrade that is let in, or is told to come back: `code` is None, or the code of the close frame."""

    def __init__(self, world, source=None, behind_proxy_as=None):
        self.error = None
        self.peer = world.connect(port=world.server.ports[1 if behind_proxy_as else 0], source=source)
        if behind_proxy_as:
            self.peer.send(proxy_header(behind_proxy_as))
        self.peer.send(request(headers=["Sec-WebSocket-Protocol: stoa.json"]))
        status = self.peer.read_answer().status
        assert status == 101, status
        self.peer.send(frame(PING, b"in?"))
        self.code = self._hear()

    def _hear(self):
        while True:
            first, payload = self.peer.read_frame()
            if first & 0x0F == CLOSE:
                return int.from_bytes(payload[:2], "big")
            if first & 0x0F == PONG and payload == b"in?":
                return None
            if first & 0x0F == BINARY and int.from_bytes(payload[:4], "big") & ERROR_BIT:
                self.error = json.loads(payload[4:])

    def check_told(self):
        """It was told that the server is full, and when to come back."""
        assert self.code == FULL, self.code
        assert self.error is not None and self.error["code"] == LIMIT_ERROR, self.error
        assert (self.error.get("retryMs") or self.error.get("retry_ms") or 0) > 0, self.error


def is_full(newcomer):
    assert newcomer.code in (None, FULL), newcomer.code
    return newcomer.code == FULL


def comes_in(world, **options):
    """Whether there is room for one more now; it leaves again."""
    newcomer = Newcomer(world, **options)
    world.peers.remove(newcomer.peer)
    newcomer.peer.close()
    return not is_full(newcomer)


@hostile("as many silent connections as sessions_max keep no session out", CHATROOM, SESSIONS)
def silent(world):
    for _ in range(LIMIT):
        world.connect()
    world.bystander.chat()
    assert not is_full(Newcomer(world))


@hostile("half a request does not count as a session either", CHATROOM, SESSIONS)
def half_open(world):
    for _ in range(3 * LIMIT):
        world.connect().send(request()[:40])
    world.bystander.chat()
    assert not is_full(Newcomer(world))


@hostile("a full server says when to come back, logs the key to change, and accepts when a session ends", CHATROOM,
         SESSIONS)
def full(world):
    for _ in range(LIMIT - 1):
        assert not is_full(Newcomer(world))
    for _ in range(3):
        Newcomer(world).check_told()
        world.bystander.chat()
    world.server.wait_for_log("sessions_max")
    world.peers.pop(0).close()
    world.until(lambda: comes_in(world), "a place")


@hostile("kept-alive HTTP connections of one address do not count as sessions", CHATROOM, EACH_ADDRESS)
def downloads(world):
    for _ in range(2 * LIMIT):
        visitor = world.connect(source=NAT)
        assert visitor.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").body == b"<p>the page</p>"
    assert [is_full(Newcomer(world, source=NAT)) for _ in range(LIMIT + 1)] == [False] * LIMIT + [True]


@hostile("an address that is full is told when to come back, and another is not full", CHATROOM, EACH_ADDRESS)
def address_full(world):
    for _ in range(LIMIT):
        assert not is_full(Newcomer(world, source=NAT))
    Newcomer(world, source=NAT).check_told()
    world.server.wait_for_log(NAT, "address_sessions_max")
    assert not is_full(Newcomer(world, source=NEIGHBOUR_OF_NAT))
    world.peers[0].close()
    world.until(lambda: comes_in(world, source=NAT), "a place of this address")


@hostile("connections beyond their limit are closed at once, and logged with the key to change", CHATROOM,
         {"server.limits.connections_max": LIMIT})
def connections(world):
    peers = [world.connect() for _ in range(3 * LIMIT)]
    world.server.wait_for_log("connections_max")
    world.bystander.chat(3)
    for peer in peers:
        peer.close()
    world.until(lambda: connects(world), "room for a connection")


def connects(world):
    with Peer(world.server.port) as peer:
        try:
            peer.send(request(headers=["Sec-WebSocket-Protocol: stoa.json"]))
            if peer.read_answer().status != 101:
                return False
            peer.send(frame(PING, b"in?"))
            return peer.read_frame()[0] & 0x0F == PONG
        except (Ended, ConnectionError):
            return False


@hostile("sixty addresses of one IPv6 network are counted as one", CHATROOM, PROXIED)
def one_network(world):
    sources = [f"2001:db8:1:2:{number:x}::{number:x}" for number in range(1, 61)]
    refused = [is_full(Newcomer(world, behind_proxy_as=source)) for source in sources]
    assert refused == [False] * LIMIT + [True] * (60 - LIMIT), refused
    # The next network, and an IPv4 address, have places of their own.
    assert not is_full(Newcomer(world, behind_proxy_as="2001:db8:1:3::1"))
    assert not is_full(Newcomer(world, behind_proxy_as="203.0.113.7"))


@hostile("IPv4 addresses are counted one by one, as IPv6 writes them too", CHATROOM, PROXIED)
def mapped(world):
    for number in range(60):
        assert not is_full(Newcomer(world, behind_proxy_as=f"203.0.113.{number}"))
    for _ in range(LIMIT - 1):
        assert not is_full(Newcomer(world, behind_proxy_as="203.0.113.7"))
    assert is_full(Newcomer(world, behind_proxy_as="::ffff:203.0.113.7"))


# For proxies at another address than whoever comes to it here, and in little time.
OTHER_PROXY = {**PROXIED, "server.trusted_proxies": ["127.0.0.9"], "server.limits.handshake_timeout_ms": 500}


@hostile("a header from an address that is no trusted proxy is not even read, and the log says what to set", CHATROOM,
         OTHER_PROXY)
def untrusted_proxy(world):
    peer = world.connect(port=world.server.ports[1], source=NAT)
    peer.try_send(proxy_header("192.0.2.1") + request())
    assert peer.read_to_end() == b""
    world.server.wait_for_log("server.trusted_proxies")
    assert "192.0.2.1" not in world.server.log


@hostile("a trusted proxy that sends no header, half of one or another protocol is closed", CHATROOM, OTHER_PROXY)
def broken_proxy(world):
    for said in (request(), b"PROXY TCP4 a b 1 2\r\n", b"\x16\x03\x01\x02\x00\x01", b"", b"PROXY TCP4 192.0."):
        peer = world.connect(port=world.server.ports[1], source="127.0.0.9")
        peer.try_send(said)
        world.bystander.chat()
        assert peer.read_to_end() == b"", said
    world.server.wait_for_log("proxy_protocol")


@hostile("an address that comes too often is told when to come back, and another is let in", CHATROOM,
         {"server.limits.limit_loopback": True, "server.limits.address_handshakes_per_s": 1})
def too_often(world):
    newcomers = [Newcomer(world, source=NAT) for _ in range(6)]
    assert [is_full(newcomer) for newcomer in newcomers[:2]] == [False, False], "twice as many at once"
    refused = [newcomer for newcomer in newcomers if is_full(newcomer)]
    assert refused, "a second has passed with each of them?"
    for newcomer in refused:
        newcomer.check_told()
        assert newcomer.error["retryMs"] <= 1000, newcomer.error
    world.server.wait_for_log(NAT, "address_handshakes_per_s")
    assert not is_full(Newcomer(world, source=NEIGHBOUR_OF_NAT))
    world.until(lambda: comes_in(world, source=NAT), "its next second")


@hostile("a full server closes a client without a subprotocol without another message", CHATROOM,
         {"server.limits.sessions_max": 1})
def plain(world):
    peer = world.join()
    first, payload = peer.read_frame()
    assert first & 0x0F == CLOSE and int.from_bytes(payload[:2], "big") == FULL, (first, payload)


# Rates as configs/chatroom.yaml has them, but for a burst that takes long to fill again.
RATES = {"server.limits.rate.messages_per_s": 1, "server.limits.rate.messages_burst": 40,
         "server.limits.rate.excess_max": 100}


def say(text):
    return frame(BINARY, CHAT + json.dumps({"message": text}).encode())


def hear_own(peer, count):
    """So many answers to one's own messages: the numbers of those that were heard, and the errors."""
    heard, errors = [], []
    while len(heard) + len(errors) < count:
        opcode, payload = peer.read_message()
        assert opcode == BINARY, (opcode, payload[:100])
        if int.from_bytes(payload[:4], "big") & ERROR_BIT:
            errors.append(json.loads(payload[4:]))
        elif payload[:4] == CHAT and json.loads(payload[4:])["message"].startswith("mine "):
            heard.append(int(json.loads(payload[4:])["message"].split()[1]))
    return heard, errors


@hostile("a session over its rate is told when to go on, its messages are dropped, and then it is closed",
         CHATROOM, RATES)
def too_fast(world):
    chatter = world.member("stoa.json")
    chatter.send(b"".join(say(f"mine {number}") for number in range(100)))
    heard, errors = hear_own(chatter, 100)
    # The call that joined the room was the first of the burst.
    assert 39 <= len(heard) < 80 and heard[:39] == list(range(39)), heard
    assert all(error["code"] == 111 and error["temporary"] and error["retryMs"] > 0 for error in errors), errors[0]
    chatter.send(say("mine 0") * 200)
    assert chatter.read_close() == 4013


@hostile("more than the chat room accepts at once is answered with 111 and a time, not with an internal error",
         CHATROOM,
         {"server.limits.message_bytes_max": 4096, "server.limits.mailbox_bytes_max": 8192})
def too_much_at_once(world):
    chatter = world.member("stoa.json")
    count = 0
    for _ in range(20):
        chatter.send(b"".join(say(f"mine {number} " + "x" * 2000) for number in range(30)))
        _, errors = hear_own(chatter, 30)
        for error in errors:
            assert error["code"] == BUSY and error["temporary"] and error["retryMs"] > 0, error
        count += len(errors)
    assert count > 0, "it was never too much"
    chatter.send(say("mine 1"))
    assert hear_own(chatter, 1) == ([1], []), "later there is room again"


@hostile("a text that gets too long for some members is answered with 122, for it never gets shorter", CHATROOM,
         {"server.limits.message_bytes_max": 1024})
def too_long_for_others(world):
    # Control characters: one byte each in Protobuf, six in JSON.
    chatter = world.member("stoa.proto")
    text = b"\x01" * 400
    chatter.send(frame(BINARY, CHAT + b"\x0a" + bytes([0x80 | len(text) & 0x7F, len(text) >> 7]) + text))
    opcode, payload = chatter.read_message()
    assert opcode == BINARY and int.from_bytes(payload[:4], "big") & ERROR_BIT, payload[:40]
    assert payload[4:6] == b"\x08\x7a", f"not 122: {payload[4:40]!r}"


run()
