"""Text that is not UTF-8, and invalid close handshakes (rows 14, 15, 20)."""

import struct

from tap import run
from world import ECHO, hostile
from ws_raw import BINARY, CLOSE, CONTINUATION, MASK_ZERO, PING, TEXT, close_frame, frame

# RFC 6455 7.4.1 and 7.4.2: below 1000, reserved, never on the wire, unassigned, beyond the applications' own.
BAD_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
# What RFC 3629 forbids, and the number of bytes after which no text can begin like this any more.
BAD_TEXTS = [
    (b"\x80", 1), (b"\xbf", 1), (b"\xc0\xaf", 1), (b"\xc1\xbf", 1), (b"\xe0\x80\xaf", 2), (b"\xe0\x9f\xbf", 2),
    (b"\xf0\x80\x80\xaf", 2), (b"\xf0\x8f\xbf\xbf", 2), (b"\xed\xa0\x80", 2), (b"\xed\xbf\xbf", 2),
    (b"\xed\xa0\xbd\xed\xb8\x80", 2), (b"\xf4\x90\x80\x80", 2), (b"\xf5\x80\x80\x80", 1),
    (b"\xf8\x88\x80\x80\x80", 1), (b"\xfe", 1), (b"\xff", 1), (b"\xc3\x28", 2), (b"\xe2\x28\xa1", 2),
    (b"\xe2\x82\x28", 3), (b"\xf0\x9f\x98\x28", 4), (b"\xf0\x9f\x98\xf0", 4),
]


@hostile("text that is not UTF-8 ends its sender with 1007", ECHO)
def whole(world):
    for text, _ in BAD_TEXTS:
        world.expect_close(frame(TEXT, text), 1007)
        world.expect_close(frame(TEXT, b"fine so far \xe2\x9c\x93 " * 20 + text + b" and after"), 1007)


@hostile("text ends its sender at the first bad byte, before the frame is complete", ECHO)
def first_bad_byte(world):
    for text, bad in BAD_TEXTS:
        # The frame claims more than ever comes: to answer, the server must have judged the byte that is there.
        world.expect_close(frame(TEXT, b"good" + text[:bad], mask=MASK_ZERO, claim=1000), 1007)


@hostile("a character may be split between fragments, and is checked across them", ECHO)
def split(world):
    for text, bad in BAD_TEXTS:
        for at in range(1, bad):
            world.expect_close(frame(TEXT, text[:at], fin=False) + frame(CONTINUATION, text[at:bad], fin=False), 1007)
    good = "ä€😀".encode()
    for at in range(1, len(good)):
        peer = world.attack(frame(TEXT, good[:at], fin=False) + frame(PING) + frame(CONTINUATION, good[at:]))
        assert peer.read_frame() == (0x8A, b"")
        assert peer.read_message() == (TEXT, good)
        peer.close()


@hostile("text that ends inside a character ends its sender with 1007", ECHO)
def truncated(world):
    for text in (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"fine \xf0"):
        world.expect_close(frame(TEXT, text), 1007)
        world.expect_close(frame(TEXT, text, fin=False) + frame(CONTINUATION), 1007)


@hostile("bytes that are not UTF-8 pass in a binary message", ECHO)
def binary(world):
    for data, _ in BAD_TEXTS:
        peer = world.attack(frame(BINARY, data))
        assert peer.read_message() == (BINARY, data)
        peer.close()


@hostile("close codes that may not be sent are answered with 1002", ECHO)
def bad_codes(world):
    for code in BAD_CODES:
        world.expect_close(close_frame(code), 1002)
        world.expect_close(close_frame(code, b"with a reason"), 1002)


@hostile("close codes that may be sent are answered with themselves", ECHO)
def good_codes(world):
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
        world.expect_close(close_frame(code, "warum nicht: ß".encode()), code)
    world.expect_close(frame(CLOSE), None)


@hostile("a close body of one byte is answered with 1002, a reason that is not UTF-8 with 1007", ECHO)
def bad_bodies(world):
    world.expect_close(frame(CLOSE, b"\x03"), 1002)
    for text, _ in BAD_TEXTS:
        world.expect_close(close_frame(1000, text), 1007)
    world.expect_close(close_frame(1000, b"x" * 122 + b"\xc3"), 1007)


@hostile("what follows a close frame is ignored", ECHO)
def after_close(world):
    for data in (frame(TEXT, b"data"), frame(PING, b"ping"), close_frame(1001), frame(TEXT, b"\xff"), b"\xff" * 5000):
        world.expect_close(close_frame(1000) + data, 1000)
        peer = world.attack(close_frame(1000))
        peer.try_send(data)
        world.bystander.chat()
        assert peer.read_close() == 1000
        peer.close()


@hostile("a close frame between two fragments ends the connection as any other", ECHO)
def inside_message(world):
    world.expect_close(frame(TEXT, b"half", fin=False) + close_frame(1000), 1000)
    world.expect_close(frame(TEXT, b"\xf0\x9f", fin=False) + close_frame(1000), 1000)
    world.expect_close(frame(TEXT, b"half", fin=False) + close_frame(1000) + frame(CONTINUATION, b"end"), 1000)


@hostile("a fragmented close frame is answered with 1002", ECHO)
def fragmented(world):
    world.expect_close(frame(CLOSE, struct.pack("!H", 1000), fin=False), 1002)
    world.expect_close(frame(CLOSE, b"", fin=False) + frame(CONTINUATION, struct.pack("!H", 1000)), 1002)


@hostile("the server ends a connection at once after the close handshake, even if the client does not", ECHO)
def kept_line(world):
    peer = world.attack(close_frame(1000))
    assert peer.read_close() == 1000  # with the end of the stream after it, while our side is open
    sockets = world.server.sockets()
    # The line itself goes too, although our side never ends.
    world.until(lambda: world.server.sockets() < sockets, "the line to be dropped")


@hostile("a client that goes on sending after the close handshake does not keep the connection", ECHO)
def kept_talking(world):
    peer = world.attack(close_frame(1000))
    world.until(lambda: not peer.try_send(frame(TEXT, b"x" * 1000, mask=MASK_ZERO)), "the line to be dropped")


run()
