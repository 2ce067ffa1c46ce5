"""Who a client is behind a proxy, and who it is not: forged fields and PROXY headers (row 47)."""

from tap import run
from world import CHATROOM, hostile
from ws_raw import Ended, request

PROXY, STRANGER = "127.0.0.9", "127.0.0.5"
BEHIND = {"server.trusted_proxies": [PROXY, "10.0.0.0/8"]}
LISTENS = {**BEHIND, "server.listeners": [{"address": "127.0.0.1:0", "proxy_protocol": "on"}]}
FORGED = ["X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9", 'Forwarded: for="[2001:db8::9]"',
          "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 203.0.113.8", "X-Real-IP: 203.0.113.9",
          "X-Forwarded-For: ::",
          "X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: unknown", "X-Forwarded-For: fe80::1%eth0",
          "True-Client-IP: 203.0.113.9",
          "CF-Connecting-IP: 203.0.113.9", "Forwarded: for=unix", "X-Forwarded-For: unix",
          "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.8"]
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def join(world, source, fields=(), before=b""):
    """The address that the log has for a new session from there."""
    peer = world.connect(source=source)
    peer.send(before)
    peer.upgrade("stoa.json", fields)
    world.until(lambda: sum('event="session opened"' in line for line in world.server.lines) > len(world.seen),
                "its line")
    lines = [line for line in world.server.lines if 'event="session opened"' in line]
    new = lines[len(world.seen):]
    assert len(new) == 1, new
    world.seen += new
    return next(word.partition("=")[2] for word in new[0].split() if word.startswith("address="))


def begin(world):
    """The bystander's own line has been written."""
    world.seen = [world.server.wait_for_log('event="session opened"')]


@hostile("what a stranger writes about its address changes nothing", CHATROOM, BEHIND)
def strangers(world):
    begin(world)
    for fields in FORGED:
        assert join(world, STRANGER, [fields]) == STRANGER, fields


@hostile("without trusted proxies nobody's fields count", CHATROOM)
def nobody(world):
    begin(world)
    for source in (PROXY, STRANGER):
        for fields in FORGED:
            assert join(world, source, [fields]) == source, fields


@hostile("of what a trusted proxy sends, the nearest address that is no proxy counts", CHATROOM, BEHIND)
def trusted(world):
    begin(world)
    for fields, expected in (
            ("X-Forwarded-For: 203.0.113.9", "203.0.113.9"),
            ("X-Forwarded-For: 6.6.6.6, 203.0.113.9", "203.0.113.9"),
            ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.9", "203.0.113.9"),
            ("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
            ("X-Forwarded-For: 203.0.113.9:4711", "203.0.113.9"),
            ("X-Forwarded-For: [2001:db8::9]:4711", "2001:db8::9"),
            ("Forwarded: for=6.6.6.6, for=203.0.113.9;proto=https", "203.0.113.9"),
            ('Forwarded: for="[2001:db8::9]:80"', "2001:db8::9"),
            # Behind what is unknown anything may have been written, so the last known hop is who counts.
            ("X-Forwarded-For: 6.6.6.6, unknown", PROXY), ("X-Forwarded-For: 6.6.6.6, fe80::1%eth0", PROXY),
            ("X-Forwarded-For: 6.6.6.6, ::", PROXY), ("X-Forwarded-For: 6.6.6.6, [::]:80", PROXY),
            ("X-Forwarded-For: 6.6.6.6, _hidden", PROXY), ("X-Forwarded-For: 6.6.6.6, unix", PROXY),
            ("X-Forwarded-For: 6.6.6.6, unknown, 10.1.2.3", "10.1.2.3"),
            ('Forwarded: for=6.6.6.6, for="[::]"', PROXY), ("Forwarded: for=6.6.6.6, for=unknown", PROXY),
            ("Forwarded: for=6.6.6.6;for=7.7.7.7", PROXY), ("Forwarded: by=6.6.6.6", PROXY),
            ("X-Forwarded-For: 127.1, 0177.0.0.1, 2130706433", PROXY), ("X-Forwarded-For:", PROXY),
            ("X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9", "203.0.113.9")):
        found = join(world, PROXY, [fields])
        assert found == expected, f"{found}, not {expected}, for {fields!r}"


@hostile("two fields that name different clients are refused with 400", CHATROOM, BEHIND)
def contradiction(world):
    for fields in ("X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.8",
                   "Forwarded: for=203.0.113.9\r\nX-Forwarded-For: unknown",
                   'Forwarded: for="203.0.113.9', 'Forwarded: for="203.0.113.9"x'):
        peer = world.connect(source=PROXY)
        assert peer.ask(request(headers=[fields])).status == 400, fields
        assert peer.ends()


@hostile("the limits go by the real address, whatever is written", CHATROOM,
         {"server.limits.limit_loopback": True, "server.limits.address_sessions_max": 2})
def limits(world):
    codes = []
    for number in range(4):
        peer = world.connect(source=STRANGER)
        peer.upgrade("stoa.json", [f"X-Forwarded-For: 203.0.113.{number}", f"Forwarded: for=203.0.113.{number}"])
        codes.append(peer.read_close() if number >= 2 else None)
    assert codes == [None, None, 4014, 4014], codes


def v2(command, family, addresses):
    return V2 + bytes([command, family]) + len(addresses).to_bytes(2, "big") + addresses


FOUR = bytes([203, 0, 113, 9, 127, 0, 0, 1, 15, 160, 30, 20])
SIX = bytes.fromhex("20010db8000000000000000000000009") + bytes(15) + b"\1" + bytes([15, 160, 30, 20])
NOBODY = bytes(31) + b"\1" + bytes([15, 160, 30, 20])
GOOD = [(b"PROXY TCP4 203.0.113.9 127.0.0.1 4000 7700\r\n", "203.0.113.9"),
        (b"PROXY TCP6 2001:db8::9 ::1 4000 7700\r\n", "2001:db8::9"), (b"PROXY UNKNOWN\r\n", PROXY),
        (b"PROXY UNKNOWN 6.6.6.6 6.6.6.6 1 1\r\n", PROXY), (v2(0x21, 0x11, FOUR), "203.0.113.9"),
        (v2(0x21, 0x21, SIX), "2001:db8::9"), (v2(0x20, 0, b""), PROXY), (v2(0x20, 0x11, FOUR), PROXY),
        (v2(0x21, 0x00, b""), PROXY)]
BROKEN = [b"", b"PROXY TCP4 203.0.113.9\r\n", b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", b"PROXY TCP6 :: ::1 1 2\r\n",
          b"PROXY TCP4 unknown 127.0.0.1 1 2\r\n", b"PROXY TCP4 203.0.113.9 127.0.0.1 1 2\n",
          b"PROXY TCP4 0x7f.1 1.1.1.1 1 2\r\n",
          b"PROXY TCP4  203.0.113.9 127.0.0.1 1 2\r\n", b"proxy TCP4 203.0.113.9 127.0.0.1 1 2\r\n",
          v2(0x21, 0x21, NOBODY),
          v2(0x22, 0x11, FOUR), v2(0x11, 0x11, FOUR), v2(0x21, 0x11, FOUR[:11]), v2(0x21, 0x44, FOUR),
          b"PROXY " + b"A" * 200,
          GOOD[0][0] + GOOD[0][0]]


@hostile("a PROXY header of a trusted proxy names the client; a broken one ends its connection", CHATROOM, LISTENS,
         source=PROXY, before=GOOD[0][0])
def headers(world):
    begin(world)
    for header, expected in GOOD:
        assert join(world, PROXY, [], header) == expected, header
    for header in BROKEN:
        peer = world.connect(source=PROXY)
        peer.try_send(header + request())
        assert is_shut_out(peer), header
        world.bystander.chat()


@hostile("a PROXY header of a stranger ends its connection", CHATROOM, LISTENS, source=PROXY, before=GOOD[0][0])
def stranger(world):
    for header, _ in GOOD:
        peer = world.connect(source=STRANGER)
        peer.try_send(header + request())
        assert is_shut_out(peer), header
    world.server.wait_for_log("server.trusted_proxies", STRANGER)


@hostile("fields do not count where a PROXY header has named a client that is no proxy", CHATROOM, LISTENS,
         source=PROXY,
         before=GOOD[0][0])
def both(world):
    begin(world)
    for fields in FORGED:
        assert join(world, PROXY, [fields], GOOD[0][0]) == "203.0.113.9", fields


def is_shut_out(peer):
    """No session begins: the connection ends, or a request is refused."""
    try:
        return peer.read_answer().status != 101
    except (Ended, ConnectionError):
        return True


run()
