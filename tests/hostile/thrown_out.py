"""Who was thrown out, when and why: a person finds it in the log of the chat, and needs nothing else."""

import json
import re
import struct

from tap import run
from world import CHATROOM, hostile
from ws_raw import BINARY, close_frame, frame

HELLO = 16
CALL = 0x80000000
ERRORS_MAX = 5
LINE = re.compile(r'^time=(\S+) level=info event="session closed" .*\buser=(\S+) '
                  r'.*\bcode=(\d+) by=(\w+) reason=(.*?) duration_ms=')


def hello(nick):
    return frame(BINARY, struct.pack("!II", CALL | HELLO, 1) + json.dumps({"nick": nick}).encode())


@hostile("who was thrown out, when and why, is in the log alone", CHATROOM,
         {"server.limits.session_errors_max": ERRORS_MAX})
def _(world):
    ada, bob = world.join("stoa.json"), world.join("stoa.json")
    ada.send(hello("Ada"))
    bob.send(hello("Bob"))
    ada.read_message()
    bob.read_message()
    bob.send(close_frame(1000, b"good night"))
    assert bob.read_close() == 1000
    for _ in range(ERRORS_MAX):
        ada.send(frame(BINARY, b"?"))
    assert ada.read_close() == 4509
    ada.close()
    bob.close()
    world.server.wait_for_log("session closed", "user=Ada")
    world.server.wait_for_log("session closed", "user=Bob")
    found = {match[2]: match for match in map(LINE.match, world.server.log.splitlines()) if match}
    assert found["Ada"].group(3, 4, 5) == ("4509", "server", '"too many errors"'), found["Ada"][0]
    assert found["Bob"].group(3, 4, 5) == ("1000", "peer", '"good night"'), found["Bob"][0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["Ada"][1])
    thrown_out = [name for name, match in found.items() if match[4] == "server"]
    assert thrown_out == ["Ada"], thrown_out


run()
