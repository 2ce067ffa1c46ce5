"""Every message, every error code and every close code of chatroom.proto is seen in every format.

What each one is about is tested elsewhere; here nothing may be missing. ELSEWHERE has what a client cannot bring about,
with the test that has it.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from admin_api import SETTINGS, Api
from chat_client import Client, Refused, chat, chat_in
from schema import ENUMS, PROTO, TYPES
from server_process import Server
from tap import run, test
from tokens import SECRET, token
from ws_raw import BINARY, CLOSE, TEXT, Peer, frame

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
AUTH = {"server.auth.secret": SECRET}
KICK, MUTE, BAN = (ENUMS["ModerateAction"][f"MODERATE_{name}"] for name in ("KICK", "MUTE", "BAN"))
TESTS = pathlib.Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "protocol.md"
NAMES = {number: name for name, number in TYPES.items()}
CALLS = {TYPES[name] for name in re.findall(r"^  rpc (\w+)\(", PROTO.read_text(encoding="utf-8"), re.M)}
SAID = {TYPES[name] for name in ("Chat", "Typing", "Read", "Ping")}
PUSHED = {TYPES[name] for name in ("Chat", "Event", "GoingAway", "Left", "PresenceDiff", "Ping", "Read", "RoomActivity",
                                   "Typing")}
# By number: (file, what it has).
ELSEWHERE = {
    100: ("server/test_errors.c", "INTERNAL"),
    4004: ("server/test_admission_later.c", "4004"),
}
NEVER = {4501, 4507}


def each_format(name):
    def register(body):
        for subprotocol in FORMATS:
            test(f"in {subprotocol} {name}")(lambda subprotocol=subprotocol: body(subprotocol))
        return body

    return register


class Recorder(Client):
    """Notes the types that it calls, says and gets."""

    def __init__(self, seen, server, subprotocol, **hello):
        self.seen = seen
        super().__init__(server.port, subprotocol, **hello)

    def answer(self, name, call_id):
        reply = super().answer(name, call_id)
        self.seen["answered"].add(TYPES[name])
        return reply

    def send(self, name, **fields):
        self.seen["said"].add(TYPES[name])
        super().send(name, **fields)

    def say(self, text, **fields):
        self.seen["said"].add(TYPES["Chat"])
        super().say(text, **fields)

    def _read(self):
        number, call_id, is_error, payload = super()._read()
        if call_id is None and not is_error:
            self.seen["pushed"].add(number)
        return number, call_id, is_error, payload

    def until(self, *names):
        """Read until all of these were pushed."""
        while not {TYPES[name] for name in names} <= self.seen["pushed"]:
            _, call_id, is_error, payload = self._read()
            assert call_id is None and not is_error, payload


@test("each type of the .proto file is a call, is said by clients, or is pushed")
def types():
    assert CALLS | SAID | PUSHED == set(TYPES.values()), [NAMES[at] for at in set(TYPES.values()) ^ (CALLS | SAID | PUSHED)]


def told_plain(client):
    """The texts of all that a client without a subprotocol was sent: nothing but Chat."""
    texts = []
    while True:
        opcode, data = client.peer.read_message()
        if opcode == CLOSE:
            client.peer.close()
            return texts
        number, call_id, is_error, payload = client.format.read(data)
        assert (number, call_id, is_error) == (TYPES["Chat"], None, False), data
        texts.append(client.format.decode("ChatMessage", payload)["message"])


@each_format("every call is answered, every message is said and pushed, and a first client gets Chat only")
def messages(subprotocol):
    seen = {"answered": set(), "said": set(), "pushed": set()}
    settings = {**AUTH, "server.ping_interval_ms": 300, "server.pong_timeout_ms": 60000, "engine.kind": "memory",
                "rooms.presence_leave_ms": 50, "rooms.presence_interval_ms": 20}
    server = Server(os.environ["CHATROOM"], settings)
    try:
        ann, mod = (Recorder(seen, server, subprotocol, token=token(user_id, role))
                    for user_id, role in (("ann", None), ("mod", "moderator")))
        again = Recorder(seen, server, subprotocol, token=token("ann"))
        plain = Client(server.port, None)
        ann.call("Refresh", token=token("ann"))
        ann.call("SetNick", nick="Anna")
        for client in (ann, mod, again):
            client.call("Join", presence=True)
        mod.until("PresenceDiff")
        ack = ann.call("Chat", message="hello")
        ann.say("hello again")
        mod.until("Chat")
        ann.call("React", offset=ack["offset"], emoji="x")
        mod.until("Event")
        ann.call("Edit", offset=ack["offset"], text="edited")
        ann.call("Delete", offset=ack["offset"])
        ann.send("Typing", state=0)
        mod.until("Typing")
        ann.send("Read", offset=ack["offset"])
        again.until("Read")
        for name, fields in (("History", {}), ("Search", {"text": "hello"}), ("Presence", {}), ("Rooms", {})):
            ann.call(name, **fields)
        mod.call("SetRoom", topic="New")
        mod.call("Moderate", user_id="ann", action=KICK)
        ann.until("Left")
        mod.call("Chat", message="who is here?")
        ann.until("RoomActivity")
        mod.call("Leave")
        ann.send("Ping")
        ann.until("Ping")
        server.signal(signal.SIGTERM)
        ann.until("GoingAway")
        for client in (ann, mod, again):
            assert client.peer.read_close() == 4001
        told = told_plain(plain)
        assert told == ["hello", "hello again", "who is here?"], told
        server.check_end()
    finally:
        server.kill()
    wanted = {"answered": CALLS, "said": SAID, "pushed": PUSHED}
    assert seen == wanted, {what: [NAMES[at] for at in seen[what] ^ wanted[what]] for what in wanted}


# Errors.


class Codes(dict):
    """What was seen: {code: {(reason, message)}}."""

    def note(self, error):
        self.setdefault(error["code"], set()).add((error["reason"], error["message"]))

    def of(self, client, name, **fields):
        self.note(client.error(name, **fields))


def unknown_type(client, codes):
    client.calls += 1
    if client.format.is_text:
        client.peer.send(frame(TEXT, b'{"type":99,"id":%d,"payload":{}}' % client.calls))
    else:
        payload = b"" if client.format.is_proto else b"{}"
        client.peer.send(frame(BINARY, (0x80000000 | 99).to_bytes(4, "big") + client.calls.to_bytes(4, "big") + payload))
    number, call_id, is_error, payload = client._read()
    assert (number, call_id, is_error) == (99, client.calls, True), payload
    codes.note(client.format.decode("Error", payload))


def provoke_before_hello(server, subprotocol, codes):
    early = Client(server.port, subprotocol)
    codes.of(early, "Join")
    codes.of(early, "Hello", nick="a\u202eb")
    codes.of(early, "Hello", token=token("old", exp_in_s=-3600))
    ann = Client(server.port, subprotocol, "Ann")
    codes.of(early, "Hello", nick="ANN")
    return ann


def provoke_in_rooms(ann, codes):
    codes.of(ann, "Leave")
    codes.of(ann, "Chat", message="x")
    codes.of(ann, "Join", history=51)
    ann.call("Join")
    codes.of(ann, "Join")
    unknown_type(ann, codes)
    codes.of(ann, "Chat", message="x" * 4001)
    codes.of(ann, "Chat", message="\u200b ")
    for i in range(127):
        ann.call("Join", room=f"r{i}")
    codes.of(ann, "Join", room="one more")
    ack = ann.call("Chat", message="x")
    codes.of(ann, "History", epoch=ack["epoch"] ^ 1, before=5)
    return ack["offset"]


def provoke_moderation(server, ann, subprotocol, codes):
    mod = Client(server.port, subprotocol, token=token("mod", "moderator"))
    mod.call("Join")
    codes.of(ann, "Moderate", user_id="mod", action=KICK)
    mod.call("Moderate", user_id=ann.user_id, action=MUTE, seconds=600)
    codes.of(ann, "Chat", message="x")
    ben = Client(server.port, subprotocol, token=token("ben"))
    mod.call("SetRoom", room="r0", slow_mode_s=600, members_max=2)
    ben.call("Join", room="r0")
    ben.call("Chat", room="r0", message="first")
    codes.of(ben, "Chat", room="r0", message="second")
    cat = Client(server.port, subprotocol, token=token("cat"))
    codes.of(cat, "Join", room="r0")
    mod.call("Moderate", user_id="cat", action=BAN)
    codes.of(cat, "Join")


def provoke_edit_window(server, ann, offset, codes):
    def is_over():
        try:
            ann.call("Delete", offset=offset)
        except Refused as refused:
            codes.note(refused.error)
            return refused.code == 128
        return False

    server.wait_for_idle(is_over)


def provoke_rate(subprotocol, codes):
    settings = {"server.limits.rate.messages_per_s": 1, "server.limits.rate.messages_burst": 2}
    with chat({**settings, "engine.kind": "memory"}) as server:
        ann = Client(server.port, subprotocol, "Ann")
        ann.call("Join")
        codes.of(ann, "Presence")


@contextlib.contextmanager
def small_disk():
    """Yields None where there is no right to mount one."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False)
        try:
            yield folder if mounted.returncode == 0 else None
        finally:
            if mounted.returncode == 0:
                subprocess.run(["umount", folder], check=True)


def provoke_full_disk(subprotocol, codes):
    with small_disk() as folder:
        if folder is None:
            return False
        with chat_in(f"{folder}/data") as server:
            ann = Client(server.port, subprotocol, "Ann")
            ann.call("Join")
            with open(f"{folder}/ballast", "wb", buffering=0) as ballast:
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(bytes(4096))
            while 108 not in codes:
                try:
                    ann.call("Chat", message="x" * 4000)
                except Refused as refused:
                    assert refused.code == 108, refused.error
                    codes.note(refused.error)
            os.unlink(f"{folder}/ballast")
    return True


@each_format("every error code answers a call, as docs/protocol.md shows it")
def errors(subprotocol):
    codes = Codes()
    with chat({**AUTH, "chat.edit_window_s": 1}) as server:
        ann = provoke_before_hello(server, subprotocol, codes)
        offset = provoke_in_rooms(ann, codes)
        provoke_edit_window(server, ann, offset, codes)
        provoke_moderation(server, ann, subprotocol, codes)
    provoke_rate(subprotocol, codes)
    missing = set() if provoke_full_disk(subprotocol, codes) else {108}
    wanted = set(ENUMS["ErrorCode"].values()) - {0} - set(ELSEWHERE) - missing
    assert set(codes) == wanted, set(codes) ^ wanted
    shown = [json.loads(example) for example in re.findall(r'`(\{"code":[^`]*\})`', PAGE.read_text(encoding="utf-8"))]
    assert {example["code"] for example in shown} == set(ENUMS["ErrorCode"].values()) - {0}, shown
    wrong = [(example, codes[example["code"]]) for example in shown if example["code"] in codes and
             (example["reason"], example["message"]) not in codes[example["code"]]]
    assert not wrong, wrong


# Ends.


def closed_at_the_end_of_its_token(server, subprotocol):
    return Client(server.port, subprotocol, token=token("ann", exp_in_s=1))


def closed_for_errors(server, subprotocol):
    client = Client(server.port, subprotocol, "Ann")
    for _ in range(9):
        client.peer.try_send(frame(TEXT if client.format.is_text else BINARY, b"{" if client.format.is_text else b"\0"))
    return client


def closed_for_excess(server, subprotocol):
    client = Client(server.port, subprotocol, "Ann")
    for _ in range(60):
        client.peer.try_send(frame(*_ping_of(client)))
    return client


def _ping_of(client):
    return TEXT if client.format.is_text else BINARY, client.format.write(TYPES["Ping"], None, "PingMessage", {})


def closed_for_silence(server, subprotocol):
    return Client(server.port, subprotocol, "Ann")


def closed_before_hello(server, subprotocol):
    return Client(server.port, subprotocol)


def closed_when_full(server, subprotocol):
    first = Client(server.port, subprotocol, "Ann")
    second = Client(server.port, subprotocol)
    second.first = first
    return second


def closed_for_its_token(server, subprotocol):
    return Client(server.port, subprotocol, headers=["Authorization: Bearer forged"])


def closed_with_its_room(server, subprotocol):
    client = Client(server.port, subprotocol, "Ann")
    client.call("Join")
    client.call("Chat", message="x")
    Api(server).delete("/v1/rooms/lobby")
    return client


def closed_by_a_ban(server, subprotocol):
    client = Client(server.port, subprotocol, token=token("eve"))
    Api(server).post("/v1/bans", userId="eve")
    return client


def closed_for_slowness(server, subprotocol):
    client = Client(server.port, subprotocol, "Ann", peer=Peer(server.port, receive_buffer=4096))
    client.call("Join")
    chatter = Client(server.port, "stoa.proto", "Ben")
    chatter.call("Join")
    while 'code=4008' not in server.log:
        for _ in range(50):
            chatter.say("x" * 4000)
        chatter.call("Presence")
        chatter.pushes.clear()
    return None  # it gets the code when it reads before the time for that is over


def closed_by_a_drain(server, subprotocol):
    client = Client(server.port, subprotocol, "Ann")
    server.signal(signal.SIGTERM)
    return client


ENDS = {
    4001: (closed_by_a_drain, {}),
    4005: (closed_at_the_end_of_its_token, {**AUTH, "server.auth.leeway_s": 1}),
    4008: (closed_for_slowness, {"server.limits.send_queue_bytes_max": 65536}),
    4010: (closed_with_its_room, SETTINGS),
    4012: (closed_for_silence, {"server.ping_interval_ms": 200, "server.pong_timeout_ms": 200}),
    4013: (closed_for_excess, {"server.limits.rate.messages_per_s": 1, "server.limits.rate.excess_max": 5}),
    4014: (closed_when_full, {"server.limits.sessions_max": 1}),
    4500: (closed_for_its_token, AUTH),
    4502: (closed_before_hello, {"chat.hello_timeout_ms": 200}),
    4503: (closed_by_a_ban, {**AUTH, **SETTINGS}),
    4509: (closed_for_errors, {"server.limits.session_errors_max": 3}),
}


@test("each close code of the .proto file is brought about, is tested elsewhere, or is never sent")
def close_codes():
    assert set(ENDS) | set(ELSEWHERE) | NEVER == set(ENUMS["CloseCode"].values()) - {0} | {100}
    for file, text in ELSEWHERE.values():
        assert text in (TESTS / file).read_text(encoding="utf-8"), (file, text)


@each_format("every close code ends a session, as docs/protocol.md shows it")
def ends(subprotocol):
    shown = dict(re.findall(r"`(4\d{3}) ([^`]*)`", PAGE.read_text(encoding="utf-8")))
    assert {int(code) for code in shown} == set(ENUMS["CloseCode"].values()) - {0}, shown
    others = []
    for code, (body, settings) in ENDS.items():
        server = Server(os.environ["CHATROOM"], {"engine.kind": "memory", **settings})
        try:
            client = body(server, subprotocol)
            found = None if client is None else client.peer.read_close_frame()
            if found not in ((code, shown[str(code)]), None):
                others.append((code, found))
        finally:
            server.kill()
    assert not others, others


run()
