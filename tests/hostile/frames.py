"""Frames that lie about their length, break the grammar, or come in floods (rows 1 to 5, 11, 12, 16 to 18)."""

from tap import run
from world import ECHO, hostile
from ws_raw import BINARY, CLOSE, CONTINUATION, MASK_ZERO, PING, PONG, RSV1, RSV2, RSV3, TEXT, Ended, frame

MAX = 65536
MIB = 1048576
BIG = {"server.limits.message_bytes_max": 16 * MIB}


@hostile("a length of 64 bits that overflows is refused, and nothing of that size is allocated", ECHO)
def overflow(world):
    before = world.server.resident_bytes()
    started = frame(TEXT, b"A", fin=False)
    for claim in (1 << 63, (1 << 64) - 1):
        world.expect_close(frame(BINARY, claim=claim, form=64), 1002)
        world.expect_close(started + frame(CONTINUATION, claim=claim, form=64) + frame(CONTINUATION, b"12345"), 1002)
    world.expect_close(frame(BINARY, claim=(1 << 63) - 1, form=64), 1009)
    # One byte is there: this sum would wrap in signed numbers.
    world.expect_close(started + frame(CONTINUATION, claim=(1 << 63) - 1, form=64) + b"12345", 1009)
    assert world.server.resident_bytes() < before + 32 * MIB


@hostile("a length above 32 bits is not cut down to its low half", ECHO)
def truncation(world):
    for claim in ((1 << 32) + 5, (1 << 32), (1 << 31) + 5, (1 << 40) + 5):
        world.expect_close(frame(BINARY, b"12345", mask=MASK_ZERO, claim=claim, form=64), 1009)


@hostile("a message above the limit is refused on the header that brings it there", ECHO)
def oversize(world):
    # No payload follows, so that only the header can have told.
    world.expect_close(frame(BINARY, claim=MAX + 1, form=64), 1009)
    quarter = frame(CONTINUATION, bytes(MAX // 4), fin=False)
    first = frame(BINARY, bytes(MAX // 4), fin=False)
    world.expect_close(first + quarter * 2 + frame(CONTINUATION, claim=MAX // 4 + 1, fin=False), 1009)
    world.expect_close(first + quarter * 3 + frame(CONTINUATION, claim=1), 1009)


@hostile("a message of exactly the limit passes, in one frame and in four", ECHO)
def at_limit(world):
    peer = world.join()
    payload = bytes(range(256)) * (MAX // 256)
    peer.send(frame(BINARY, payload))
    assert peer.read_message() == (BINARY, payload)
    quarters = [payload[at : at + MAX // 4] for at in range(0, MAX, MAX // 4)]
    peer.send(frame(BINARY, quarters[0], fin=False) + b"".join(frame(CONTINUATION, q, fin=False) for q in quarters[1:]))
    world.bystander.chat()
    peer.send(frame(CONTINUATION))
    assert peer.read_message() == (BINARY, payload)


@hostile("a million fragments of one byte use no more memory than their bytes", ECHO, BIG)
def tiny_fragments(world):
    before = world.server.resident_bytes()
    peer = world.join()
    peer.send(frame(BINARY, b"x", fin=False))
    chunk = frame(CONTINUATION, b"x", fin=False, mask=MASK_ZERO) * 1000
    assert world.flood(peer, chunk, 1000) == len(chunk) * 1000
    assert world.server.resident_bytes() < before + 64 * MIB
    peer.send(frame(CONTINUATION))
    opcode, payload = peer.read_message()
    assert opcode == BINARY and payload == b"x" * 1000001, f"{opcode} and {len(payload)} bytes"


@hostile("fragments of one byte count towards the limit", ECHO)
def tiny_fragments_limit(world):
    many = frame(BINARY, b"x", fin=False) + frame(CONTINUATION, b"x", fin=False, mask=MASK_ZERO) * MAX
    world.expect_close(many, 1009)


@hostile("a million empty fragments use no memory", ECHO)
def empty_fragments(world):
    before = world.server.resident_bytes()
    peer = world.join()
    peer.send(frame(BINARY, b"", fin=False))
    chunk = frame(CONTINUATION, b"", fin=False, mask=MASK_ZERO) * 1000
    assert world.flood(peer, chunk, 1000) == len(chunk) * 1000
    assert world.server.resident_bytes() < before + 64 * MIB
    peer.send(frame(CONTINUATION, b"end"))
    assert peer.read_message() == (BINARY, b"end")


@hostile("a message that is never finished is closed by its own timeout",
         ECHO, {"server.limits.message_timeout_ms": 700})
def never_finished(world):
    silent = world.attack(frame(TEXT, b"half", fin=False))
    empty = world.attack(frame(BINARY, b"", fin=False))
    inside = world.attack(frame(BINARY, b"123", mask=MASK_ZERO, claim=100))
    for peer in (silent, empty, inside):
        world.watch(peer)
        code = peer.read_close()
        assert code == 1008, f"1008, not {code}"


@hostile("fragments that keep coming do not extend the timeout of their message", ECHO,
         {"server.limits.message_timeout_ms": 700})
def never_finished_busy(world):
    peer = world.attack(frame(BINARY, b"a", fin=False))
    # Each round trip of the bystander lets one more byte in; no amount of them may keep the message alive.
    world.until(lambda: not peer.try_send(frame(CONTINUATION, b"b", fin=False)) or peer.has_input(), "the end")
    code = peer.read_close()
    assert code == 1008, f"1008, not {code}"


@hostile("half a header or half a control frame is ended when no pong comes", ECHO,
         {"server.ping_interval_ms": 500, "server.pong_timeout_ms": 1500})
def half_header(world):
    halves = [frame(BINARY, b"x" * 1000)[:3], frame(PING, b"x" * 100)[:50], frame(BINARY, b"x" * 1000)[:8]]
    for peer in [world.attack(half) for half in halves]:
        first, payload = PING, b""
        while first & 0x0F != CLOSE:  # the bystander chats until then, or it would be closed as well
            world.watch(peer)
            first, payload = peer.read_frame()
        code = int.from_bytes(payload[:2], "big")
        assert code == 4012, f"4012, not {code}"


@hostile("frames that break the grammar end their sender with 1002", ECHO)
def grammar(world):
    bad = [
        frame(TEXT, b"unmasked", mask=None), frame(TEXT, b"", rsv=RSV1), frame(PING, b"", rsv=RSV1),
        frame(PING, b"x" * 126), frame(PONG, b"x" * 126, form=16), frame(CLOSE, b"\x03\xe8" + b"x" * 124),
        frame(PING, claim=1 << 20, form=64), frame(PING, b"a", fin=False), frame(CLOSE, b"\x03\xe8", fin=False),
        frame(CONTINUATION, b"of nothing"), frame(CONTINUATION, b"of nothing", fin=False),
        frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
        frame(TEXT, b"a", fin=False) + frame(BINARY, b"b", fin=False),
        frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", rsv=RSV1),
    ]
    bad += [frame(opcode, b"x") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)]
    for data in bad:
        world.expect_close(data, 1002)


@hostile("what came before a broken frame is answered first", ECHO)
def answered_first(world):
    peer = world.attack(frame(TEXT, b"first") + frame(PING, b"second") + frame(TEXT, b"third", rsv=RSV2))
    assert peer.read_frame() == (0x81, b"first")
    assert peer.read_frame() == (0x8A, b"second")
    assert peer.read_close() == 1002


@hostile("RSV2 and RSV3 end only the connection that they came on", ECHO, {"server.compression": True})
def reserved_bits(world):
    for rsv in (RSV2, RSV3, RSV2 | RSV3, RSV1 | RSV2, RSV1 | RSV3, RSV1 | RSV2 | RSV3):
        for opcode in (TEXT, BINARY, PING):
            world.expect_close(frame(opcode, b"x", rsv=rsv), 1002)
            world.expect_close(frame(opcode, b"x", rsv=rsv), 1002,
                               headers=["Sec-WebSocket-Extensions: permessage-deflate"])


@hostile("lengths that are not written the shortest way end their sender with 1002", ECHO)
def minimal(world):
    for length, form in ((0, 16), (5, 16), (125, 16), (5, 64), (126, 64), (65535, 64)):
        world.expect_close(frame(BINARY, bytes(length), form=form), 1002)


@hostile("a flood of pings whose pongs nobody reads is held back, not stored", ECHO)
def ping_flood(world):
    before = world.server.resident_bytes()
    peer = world.join()
    chunk = frame(PING, b"p" * 125, mask=MASK_ZERO) * 100
    taken = world.flood(peer, chunk, 3000)
    world.bystander.chat(3)
    assert taken < len(chunk) * 3000, "300,000 pings were taken"
    assert world.server.resident_bytes() < before + 64 * MIB
    # Nothing is lost by it: who reads gets his pongs.
    for _ in range(1000):
        assert peer.read_frame() == (0x8A, b"p" * 125)


@hostile("a client that sends 300 MB and reads no echo is not read any further", ECHO)
def slow_reader(world):
    before = world.server.resident_bytes()
    peer = world.join()
    chunk = frame(BINARY, b"e" * 65536, mask=MASK_ZERO)
    total = taken = 0
    # In parts, so that the tests need not hold what the server must not hold.
    while taken == total and total < 300 * MIB:
        total += len(chunk) * 16
        taken += world.flood(peer, chunk, 16)
    assert taken < total, "all 300 MB were taken"
    world.bystander.chat(3)
    assert world.server.resident_bytes() < before + 64 * MIB
    for _ in range(20):
        assert peer.read_message() == (BINARY, b"e" * 65536)


@hostile("a client that never reads is closed when it answers no ping", ECHO,
         {"server.ping_interval_ms": 500, "server.pong_timeout_ms": 1500})
def zero_window(world):
    peer = world.join()
    world.flood(peer, frame(BINARY, b"e" * 65536, mask=MASK_ZERO), 256)
    before = world.server.sockets()
    world.until(lambda: world.server.sockets() < before, "the line to be dropped")
    try:
        while True:
            first, _ = peer.read_frame()
            assert first & 0x0F in (BINARY, PING, CLOSE), first
    except Ended:
        pass


run()
