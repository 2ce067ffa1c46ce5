"""Moderate and SetRoom in every format: who may do it, what it does, and that it stays."""

import contextlib
import sqlite3
import tempfile

from chat_client import Client, chat, chat_in
from schema import ENUMS
from tap import run, test
from tokens import SECRET, token

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
AUTH = {"server.auth.secret": SECRET}
KICK, MUTE, UNMUTE, BAN, UNBAN = (ENUMS["ModerateAction"][f"MODERATE_{name}"]
                                  for name in ("KICK", "MUTE", "UNMUTE", "BAN", "UNBAN"))
FOREVER_MS = 253402300799000
TOPIC = ENUMS["EventKind"]["EVENT_TOPIC"]


def each_format(name):
    def register(body):
        for subprotocol in FORMATS:
            test(f"in {subprotocol} {name}")(lambda subprotocol=subprotocol: body(subprotocol))
        return body

    return register


def person(server, user_id, role=None, subprotocol="stoa.json", join=True, **claims):
    client = Client(server.port, subprotocol, token=token(user_id, role, **claims))
    if join:
        client.joined = client.call("Join")
    return client


def guest(server, nick, subprotocol="stoa.json", address=None, join=True):
    headers = [] if address is None else [f"X-Forwarded-For: {address}"]
    client = Client(server.port, subprotocol, nick, headers=headers)
    if join:
        client.joined = client.call("Join")
    return client


def left(client):
    name, message = client.push()
    assert name == "LeftMessage", (name, message)
    return message


@each_format("a ban ends all sessions of the user in the room, on every worker, and keeps the user out until it is taken back")
def ban(subprotocol):
    with chat({**AUTH, "server.workers": 2}) as server:
        mod = person(server, "mod", "moderator", subprotocol)
        assert mod.joined["permissions"] == {"send": True, "moderate": True, "administer": False, "muted_until_ms": 0}
        eves = [person(server, "eve", None, subprotocol) for _ in range(4)]
        elsewhere = person(server, "eve", join=False)
        elsewhere.call("Join", room="other")
        assert mod.call("Moderate", user_id="eve", action=BAN, reason="spam\u2028%n <b>") == {}
        for eve in eves:
            assert left(eve) == {"room": "lobby", "code": 121, "reason": "spam\u2028%n <b>"}
            assert eve.refused("Chat", message="x") == 103
            assert eve.refused("Join") == 121 and eve.refused("Join", history=5) == 121
        assert person(server, "eve", subprotocol=subprotocol, join=False).refused("Join") == 121
        elsewhere.call("Chat", room="other", message="still here")
        mod.call("Moderate", user_id="eve", action=UNBAN)
        assert eves[0].call("Join")["permissions"]["send"]


@each_format("a kick ends the sessions in the room, and the user may come back")
def kick(subprotocol):
    with chat(AUTH) as server:
        mod, eve = person(server, "mod", "moderator"), person(server, "eve", None, subprotocol)
        ann = person(server, "ann")
        mod.call("Moderate", user_id="eve", action=KICK, reason="enough")
        assert left(eve) == {"room": "lobby", "code": 103, "reason": "enough"}
        assert eve.refused("Leave") == 102
        assert eve.call("Join")["online"] == 3
        ann.call("Chat", message="to all")
        assert eve.chat()["message"] == "to all"
        mod.call("Moderate", user_id="nobody", action=KICK)


@each_format("who is muted reads and deletes, but cannot write or change, until it is taken back")
def mute(subprotocol):
    with chat(AUTH) as server:
        mod, eve = person(server, "mod", "moderator", subprotocol), person(server, "eve", None, subprotocol)
        ack = eve.call("Chat", message="before")
        mod.call("Moderate", user_id="eve", action=MUTE, seconds=600)
        error = eve.error("Chat", message="x")
        assert error["code"] == 120 and error["reason"] == "MUTED" and error["temporary"], error
        assert 590_000 < error["retry_ms"] <= 600_000, error
        assert eve.refused("Edit", offset=ack["offset"], text="x") == 120
        assert eve.refused("React", offset=ack["offset"], emoji="x") == 120
        eve.call("Delete", offset=ack["offset"])
        eve.say("plain")
        while eve.push()[1].get("code") != 120:
            pass
        permissions = person(server, "eve", None, subprotocol).joined["permissions"]
        assert not permissions["send"] and permissions["muted_until_ms"] > 1_600_000_000_000, permissions
        mod.call("Moderate", user_id="eve", action=MUTE)
        assert eve.error("Chat", message="x")["retry_ms"] == 0
        permissions = person(server, "eve", None, subprotocol).joined["permissions"]
        assert permissions["muted_until_ms"] == FOREVER_MS, permissions
        mod.call("Moderate", user_id="eve", action=UNMUTE)
        eve.call("Chat", message="after")


@test("only moderators moderate, only in their rooms, and only who is below them; administrators everybody")
def roles():
    with chat(AUTH) as server:
        mod = person(server, "mod", "moderator", rooms=["lobby", "hall"])
        other, admin, eve = person(server, "mod2", "moderator"), person(server, "root", "admin"), person(server, "eve")
        assert admin.joined["permissions"]["administer"]
        for action in (KICK, MUTE, UNMUTE, BAN, UNBAN):
            assert eve.refused("Moderate", user_id="mod", action=action) == 103
            assert mod.refused("Moderate", user_id="mod2", action=action) == 103
            assert mod.refused("Moderate", user_id="mod", action=action) == 103
            assert mod.refused("Moderate", user_id="root", action=action) == 103
            assert mod.refused("Moderate", user_id="eve", room="cellar", action=action) == 103
            assert mod.refused("Moderate", user_id="eve", room="hall", action=action) == 102
        admin.call("Moderate", user_id="mod2", action=BAN)
        assert left(other)["code"] == 121 and other.refused("Join") == 121
        admin.call("Moderate", user_id="mod2", action=UNBAN)


@test("what a moderator sets for one who is not there does not bind a moderator")
def absent():
    with chat(AUTH) as server:
        mod = person(server, "mod", "moderator")
        mod.call("Moderate", user_id="mod2", action=BAN)
        mod.call("Moderate", user_id="mod2", action=MUTE)
        assert person(server, "mod2", "moderator").joined["permissions"]["send"]
        assert person(server, "mod2", join=False).refused("Join") == 121


@each_format("a request to moderate that makes no sense is refused")
def requests(subprotocol):
    with chat(AUTH) as server:
        mod = person(server, "mod", "moderator", subprotocol)
        for wrong in ({"action": 0}, {"action": 6}, {"action": 99}, {"user_id": ""}, {"user_id": "x" * 129},
                      {"user_id": "a\nb"}, {"reason": "r" * 257}, {"reason": "a\r\nb"}, {"room": "a\tb"}, {"room": "r" * 64}):
            assert mod.refused("Moderate", **{"user_id": "eve", "action": MUTE, **wrong}) == 107, wrong
        assert mod.refused("SetRoom", topic="t" * 251) == 122
        assert mod.refused("SetRoom", topic="a\nb") == 107
        assert mod.refused("SetRoom", slow_mode_s=86401) == 107
        assert mod.refused("SetRoom", room="hall", topic="x") == 102
        assert person(server, "eve", None, subprotocol).refused("SetRoom", topic="x") == 103
        mod.call("SetRoom")


@test("a guest is banned with the address, IPv6 with its network, and users with a token are not")
def addresses():
    with chat({**AUTH, "server.trusted_proxies": ["127.0.0.0/8"]}) as server:
        mod = person(server, "mod", "moderator")
        for first, second, other in (("192.0.2.1", "192.0.2.1", "192.0.2.2"),
                                     ("2001:db8::1", "2001:db8::2:3:4:5", "2001:db8:0:1::1")):
            eve = guest(server, "", address=first)
            mod.call("Moderate", user_id=eve.user_id, action=BAN)
            assert left(eve)["code"] == 121
            again = guest(server, "", address=second, join=False)
            assert again.refused("Join") == 121
            guest(server, "", address=other)
            user = Client(server.port, token=token("ann"), headers=[f"X-Forwarded-For: {second}"])
            user.call("Join")
            plain = Client(server.port, None, headers=[f"X-Forwarded-For: {second}"])
            assert plain.peer.read_close() == 4503
            mod.call("Moderate", user_id=eve.user_id, action=UNBAN)
            again.call("Join")


@test("what takes a guest's ban back takes back all addresses that were banned with the guest")
def older_addresses():
    with chat({**AUTH, "server.trusted_proxies": ["127.0.0.0/8"]}) as server:
        mod = person(server, "mod", "moderator")
        eve = guest(server, "", address="192.0.2.1")
        mod.call("Moderate", user_id=eve.user_id, action=BAN)
        assert left(eve)["code"] == 121
        token_of_eve = eve.welcome["guest_token"]
        # From one more address after the other; the last ban finds her nowhere.
        for number in range(2, 12):
            eve.leave()
            eve = Client(server.port, token=token_of_eve, headers=[f"X-Forwarded-For: 192.0.2.{number}"])
            mod.call("Moderate", user_id=eve.user_id, action=BAN)
        eve.leave()
        mod.call("Moderate", user_id=eve.user_id, action=BAN)
        assert guest(server, "", address="192.0.2.1", join=False).refused("Join") == 121
        mod.call("Moderate", user_id=eve.user_id, action=UNBAN)
        for number in range(1, 12):
            guest(server, "", address=f"192.0.2.{number}").leave()
        Client(server.port, token=token_of_eve, headers=["X-Forwarded-For: 192.0.2.1"]).call("Join")


@test("a guest on a loopback address is banned, and others there are not")
def loopback():
    with chat(AUTH) as server:
        mod, eve = person(server, "mod", "moderator"), guest(server, "Eve")
        mod.call("Moderate", user_id=eve.user_id, action=BAN)
        assert left(eve)["code"] == 121 and eve.refused("Join") == 121
        guest(server, "Ann").call("Chat", message="x")


@test("a first client that is kicked is closed with 4503")
def first_client():
    with chat(AUTH) as server:
        mod, plain = person(server, "mod", "moderator"), Client(server.port, None)
        plain.say("hi")
        mod.call("Moderate", user_id=mod.chat()["user_id"], action=KICK)
        while True:
            opcode, payload = plain.peer.read_message()
            if opcode == 8:
                break
        assert int.from_bytes(payload[:2], "big") == 4503, payload


@each_format("a topic is an event for those who are there, and in the reply to those who join")
def topic(subprotocol):
    with chat(AUTH) as server:
        mod, ann = person(server, "mod", "moderator", subprotocol, name="Mod"), person(server, "ann", None, subprotocol)
        assert ann.joined["topic"] == ""
        words = "'); DROP TABLE state; -- 😀"
        mod.call("SetRoom", topic=words)
        event = ann.event()
        assert (event["kind"], event["text"], event["user_id"], event["nick"]) == (TOPIC, words, "mod", "Mod"), event
        assert event["offset"] > 0 and event["room"] == "lobby"
        assert person(server, "ben", None, subprotocol).joined["topic"] == words
        mod.call("SetRoom", topic="")
        assert ann.event()["text"] == ""
        assert person(server, "eve", None, subprotocol).joined["topic"] == ""


@each_format("slow mode lets a user send one message in a time, moderators as many as they like")
def slow_mode(subprotocol):
    with chat(AUTH) as server:
        mod, eve = person(server, "mod", "moderator", subprotocol), person(server, "eve", None, subprotocol)
        mod.call("SetRoom", slow_mode_s=3600)
        assert person(server, "eve").joined["slow_mode_s"] == 3600
        ack = eve.call("Chat", message="first")
        error = eve.error("Chat", message="second")
        assert error["code"] == 127 and error["reason"] == "SLOW_MODE" and error["temporary"], error
        assert 3_500_000 < error["retry_ms"] <= 3_600_000, error
        assert person(server, "eve").refused("Chat", message="from another session") == 127
        eve.call("Edit", offset=ack["offset"], text="edited")
        person(server, "ben").call("Chat", message="another user")
        for _ in range(3):
            mod.call("Chat", message="moderators write")
        mod.call("SetRoom", slow_mode_s=0)
        eve.call("Chat", message="third")


@test("a message that was not stored does not count for slow mode")
def slow_undone():
    with chat(AUTH) as server:
        mod, eve = person(server, "mod", "moderator"), person(server, "eve")
        mod.call("SetRoom", slow_mode_s=3600)
        assert eve.refused("Chat", message="x", client_msg_id="i" * 65) == 107
        eve.call("Chat", message="x")


@each_format("a room has at most members_max sessions")
def members(subprotocol):
    with chat(AUTH) as server:
        mod, ann = person(server, "mod", "moderator"), person(server, "ann")
        mod.call("SetRoom", members_max=2)
        eve = person(server, "eve", None, subprotocol, join=False)
        assert eve.refused("Join") == 126 and eve.refused("Join", history=3) == 126
        ann.call("Leave")
        eve.call("Join")
        assert ann.refused("Join") == 126
        assert Client(server.port, None).peer.read_close() == 4014
        mod.call("SetRoom", members_max=0)
        ann.call("Join")


@test("bans, mutes and settings are there after a restart, and one that is over is not")
def restart():
    with tempfile.TemporaryDirectory() as folder:
        with chat_in(folder, AUTH) as server:
            mod = person(server, "mod", "moderator")
            mod.call("Moderate", user_id="eve", action=BAN, seconds=3600)
            mod.call("Moderate", user_id="ann", action=MUTE)
            mod.call("Moderate", user_id="ben", action=BAN)
            mod.call("Moderate", user_id="ben", action=UNBAN)
            mod.call("Moderate", user_id="kim", action=MUTE, seconds=1)
            mod.call("SetRoom", topic="stays", slow_mode_s=7, members_max=9)
        with chat_in(folder, AUTH) as server:
            assert person(server, "eve", join=False).refused("Join") == 121
            ann = person(server, "ann")
            assert (ann.joined["topic"], ann.joined["slow_mode_s"]) == ("stays", 7), ann.joined
            assert ann.joined["permissions"]["muted_until_ms"] == FOREVER_MS
            assert ann.refused("Chat", message="x") == 120
            assert person(server, "ben").joined["permissions"]["send"]
            root = person(server, "root", "admin")
            root.call("Moderate", user_id="eve", action=UNBAN)
            person(server, "eve")


@test("who is banned from the server cannot say Hello, and a guest from a banned address neither")
def server_bans():
    with tempfile.TemporaryDirectory() as folder:
        with chat_in(folder, AUTH) as server:
            person(server, "eve").call("Chat", message="x")
        with contextlib.closing(sqlite3.connect(f"{folder}/chatroom.db")) as database:
            for key in ("ban:eve", "ban_address:192.0.2.1"):
                value = f"{FOREVER_MS} 2\neve\n\nspam".encode()
                database.execute("INSERT INTO value VALUES ('server', ?, ?)", (key, value))
            database.commit()
        with chat_in(folder, {**AUTH, "server.trusted_proxies": ["127.0.0.0/8"]}) as server:
            person(server, "ann")
            assert Client(server.port).refused("Hello", token=token("eve")) == 121
            banned = Client(server.port, headers=["X-Forwarded-For: 192.0.2.1"])
            assert banned.refused("Hello", nick="") == 121
            assert banned.refused("Join") == 101
            plain = Client(server.port, None, headers=["X-Forwarded-For: 192.0.2.1"])
            assert plain.peer.read_close() == 4503
            user = Client(server.port, token=token("ben"), headers=["X-Forwarded-For: 192.0.2.1"])
            user.call("Join")


@test("kicks and bans are one line of the log each, whatever their reason")
def logged():
    with chat(AUTH) as server:
        mod = person(server, "mod", "moderator")
        mod.call("Moderate", user_id="e\"v='e", action=BAN, reason='" event="forged" user=root', seconds=60)
        server.wait_for_log('event="moderated"', "action=ban")
        lines = [line for line in server.log.splitlines() if "forged" in line]
        assert len(lines) == 1 and lines[0].count(' event="moderated"') == 1, lines
        assert ' event="forged"' not in lines[0].replace('\\" event=\\"forged', ""), lines


run()
