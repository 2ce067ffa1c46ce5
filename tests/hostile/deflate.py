"""Compressed messages that are bombs or garbage, and offers of permessage-deflate that are odd (rows 6 to 8, 15)."""

import os
import zlib

from tap import run
from world import ECHO, hostile
from ws_raw import BINARY, CONTINUATION, MASK_ZERO, RSV1, TEXT, Peer, frame, request

MIB = 1048576
MAX = 65536
ON = {"server.compression": True}
DEFLATE = {"headers": ["Sec-WebSocket-Extensions: permessage-deflate"]}
TAIL = b"\x00\x00\xff\xff"


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]


def inflated(data):
    return zlib.decompressobj(-15).decompress(data + TAIL)


def zeros(count):
    """A deflated message of that many zero bytes, a thousandth as long."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(MIB)
    packed = [packer.compress(block) for _ in range(count // MIB)]
    packed += [packer.compress(bytes(count % MIB)), packer.flush(zlib.Z_SYNC_FLUSH)]
    return b"".join(packed)[: -len(TAIL)]


def fragmented(opcode, payload, size):
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    frames = [frame(opcode, pieces[0], fin=len(pieces) == 1, rsv=RSV1)]
    frames += [frame(CONTINUATION, piece, fin=False) for piece in pieces[1:-1]]
    frames += [frame(CONTINUATION, pieces[-1])] if len(pieces) > 1 else []
    return b"".join(frames)


@hostile("a compressed message comes back whole, in one frame and in many", ECHO, ON)
def honest(world):
    text = "columns and roofs, Säulen und Dächer, 柱廊 ".encode() * 1000
    for data in (frame(TEXT, deflated(text), rsv=RSV1), fragmented(TEXT, deflated(text), 7)):
        peer = world.attack(data, **DEFLATE)
        first, payload = peer.read_frame()
        assert first & 0x0F == TEXT
        assert (inflated(payload) if first & RSV1 else payload) == text


@hostile("a bomb of a thousand to one is ended with 1009 when it passes the limit", ECHO, ON)
def bomb(world):
    before = world.server.resident_bytes()
    packed = zeros(60 * MIB)
    assert len(packed) < MAX
    world.expect_close(frame(BINARY, packed, rsv=RSV1), 1009, **DEFLATE)
    world.expect_close(fragmented(BINARY, packed, 1000), 1009, **DEFLATE)
    world.expect_close(frame(BINARY, zeros(MAX + 1), rsv=RSV1), 1009, **DEFLATE)
    # Before the end of the message: the first fragment alone is too much.
    world.expect_close(frame(BINARY, packed[:1000], fin=False, rsv=RSV1), 1009, **DEFLATE)
    assert world.server.resident_bytes() < before + 32 * MIB


@hostile("a bomb of six megabytes that would inflate to a gigabyte is stopped early", ECHO,
         {**ON, "server.limits.message_bytes_max": 16 * MIB})
def large_bomb(world):
    before = world.server.resident_bytes()
    ticks = world.server.cpu_ticks()
    packed = zeros(1024 * MIB)
    assert MIB // 2 < len(packed) < 6 * MIB
    for _ in range(3):
        world.expect_close(frame(BINARY, packed, rsv=RSV1, mask=MASK_ZERO), 1009, **DEFLATE)
    assert world.server.resident_bytes() < before + 64 * MIB
    # Three times 16 MiB are inflated, not three gigabytes.
    assert world.server.cpu_ticks() < ticks + 500


@hostile("300 messages that grow a thousandfold, with nothing read, stay within bounds", ECHO, ON)
def unread(world):
    before = world.server.resident_bytes()
    peer = world.join(**DEFLATE)
    packed = frame(BINARY, zeros(MAX), rsv=RSV1, mask=MASK_ZERO)
    world.flood(peer, packed * 30, 10)
    world.bystander.chat(3)
    assert world.server.resident_bytes() < before + 64 * MIB
    for _ in range(300):
        first, payload = peer.read_frame()
        assert (inflated(payload) if first & RSV1 else payload) == bytes(MAX)


@hostile("300 messages that do not shrink again, with nothing read, stay within bounds", ECHO, ON)
def unread_random(world):
    before = world.server.resident_bytes()
    peer = world.join(**DEFLATE)
    packed = frame(BINARY, deflated(os.urandom(MAX - 100)), rsv=RSV1, mask=MASK_ZERO)
    world.flood(peer, packed, 300)
    world.bystander.chat(3)
    assert world.server.resident_bytes() < before + 64 * MIB


@hostile("invalid deflate data closes its sender with 1007", ECHO, ON)
def garbage(world):
    bad = [
        b"\xff" * 20,  # block type 3
        b"\x07\x00",
        b"\x00\x05\x00\x00\x00hello",  # LEN is not the complement of NLEN
        b"\x00\xff\xff\xff\xffx",
        b"\x02\x01",  # fixed codes: a distance before any data
        b"\x4b\x04\x12\x00",  # fixed codes: a distance too far back
        b"\x04" + b"\xff" * 30,  # dynamic codes: too many lengths
        b"\x05\x00\x00\x00\x00\x00\x00\x00",
        b"\x00\x05\x00\xfa\xffhel",  # cut short
        deflated(b"some text that is compressed" * 10)[:-3],
        zlib.compress(b"with a zlib header"),
        b"\x1f\x8b\x08\x00" + b"\x00" * 20,
    ]
    for data in bad:
        world.expect_close(frame(BINARY, data, rsv=RSV1), (1002, 1007), **DEFLATE)
        world.expect_close(fragmented(BINARY, data, 1), (1002, 1007), **DEFLATE)
    # A connection that fails in the middle of a message gives its inflater back.
    for _ in range(20):
        world.attack(frame(BINARY, deflated(b"x" * 5000)[:4], fin=False, rsv=RSV1), **DEFLATE).abort()


@hostile("random bytes as compressed messages never do more than close their sender", ECHO, ON)
def random_bytes(world):
    for size in range(1, 60):
        data = os.urandom(size)
        peer = world.attack(frame(BINARY, data, rsv=RSV1), **DEFLATE)
        first, payload = peer.read_frame()
        code = int.from_bytes(payload[:2], "big")
        assert first & 0x0F == BINARY or code in (1002, 1007, 1009), f"{code} for {data!r}"
        peer.close()


@hostile("inflated text that is not UTF-8 closes its sender with 1007", ECHO, ON)
def text(world):
    for bad in (b"\xff", b"fine \xed\xa0\x80 not", b"\xc0\xaf", b"cut \xf0\x9f\x98"):
        world.expect_close(frame(TEXT, deflated(bad), rsv=RSV1), 1007, **DEFLATE)
        world.expect_close(fragmented(TEXT, deflated(bad), 1), 1007, **DEFLATE)
    # At the first bad byte, before the message ends.
    world.expect_close(frame(TEXT, deflated(b"\xff" + b"x" * 100), fin=False, rsv=RSV1), 1007, **DEFLATE)


def extensions_of(world, offer):
    """What the server answers to an offer: its status, and the extension it agrees to."""
    with Peer(world.server.port) as peer:
        peer.send(request(headers=[f"Sec-WebSocket-Extensions: {value}" for value in offer]))
        answer = peer.read_answer()
        world.bystander.chat()
        return answer.status, answer.headers.get("sec-websocket-extensions")


@hostile("window sizes that do not exist, and invalid parameters, are declined", ECHO, ON)
def parameters(world):
    sizes = ("7", "16", "99", "0", "", '""', "015", "+9", "-1", "1e1", "9.0", "999999999999999999999", "a")
    odd = [f"permessage-deflate; {name}={size}" for size in sizes
           for name in ("server_max_window_bits", "client_max_window_bits")]
    odd += [
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",  # zlib makes no raw stream with 8
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1; server_no_context_takeover",
        "x-webkit-deflate-frame",
        "permessage-bzip2",
    ]
    for offer in odd:
        status, agreed = extensions_of(world, [offer])
        assert (status, agreed) == (101, None) or status == 400, f"{status}, {agreed} for {offer}"


@hostile("of several offers the first valid one is accepted", ECHO, ON)
def second_offer(world):
    for offer in (["permessage-deflate; server_max_window_bits=7, permessage-deflate"],
                  ["permessage-deflate; unknown", "permessage-deflate"]):
        status, agreed = extensions_of(world, offer)
        assert status == 101 and agreed.startswith("permessage-deflate"), f"{status}, {agreed} for {offer}"
        assert "unknown" not in agreed and "7" not in agreed, agreed


@hostile("a client window of 8 is declined or used as 9, and then works", ECHO, ON)
def client_window(world):
    for offer in ("permessage-deflate; client_max_window_bits=8", 'permessage-deflate; client_max_window_bits="9"',
                  "permessage-deflate; server_max_window_bits=9; client_max_window_bits=15"):
        peer = world.connect()
        answer = peer.upgrade(headers=[f"Sec-WebSocket-Extensions: {offer}"])
        if "sec-websocket-extensions" in answer.headers:
            packer = zlib.compressobj(9, zlib.DEFLATED, -9)
            text_sent = b"spoken through a small window " * 100
            packed = packer.compress(text_sent) + packer.flush(zlib.Z_SYNC_FLUSH)
            peer.send(frame(BINARY, packed[: -len(TAIL)], rsv=RSV1))
            first, payload = peer.read_frame()
            assert (inflated(payload) if first & RSV1 else payload) == text_sent
        world.bystander.chat()


@hostile("a compressed frame without an agreement ends its sender with 1002", ECHO)
def no_agreement(world):
    world.expect_close(frame(BINARY, deflated(b"x"), rsv=RSV1), 1002, **DEFLATE)


run()
