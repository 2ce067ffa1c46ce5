"""The server API changes rooms, moderates, and bans from the whole server."""

import contextlib
import os
import shutil
import tempfile

from admin_api import SETTINGS, Api
from chat_client import Client, chat, chat_in
from schema import ENUMS
from server_process import sanitizer_environment
from tap import Skip, run, test
from tokens import SECRET, token

SETTINGS = {**SETTINGS, "server.auth.secret": SECRET, "server.trusted_proxies": ["127.0.0.0/8"]}
FOREVER_MS = "253402300799000"
TOPIC = ENUMS["EventKind"]["EVENT_TOPIC"]
BOT = {"userId": "bot", "sender": "Bot"}


@contextlib.contextmanager
def serving():
    with chat(SETTINGS) as server:
        yield server, Api(server)


def person(server, user_id, role=None, subprotocol="stoa.json", join=True):
    client = Client(server.port, subprotocol, token=token(user_id, role))
    if join:
        client.joined = client.call("Join")
    return client


def guest(server, address, subprotocol="stoa.json"):
    client = Client(server.port, subprotocol, "", headers=[f"X-Forwarded-For: {address}"])
    client.call("Join")
    return client


def left(client):
    name, message = client.push()
    assert name == "LeftMessage", (name, message)
    return message


def moderate(api, user_id, action, **more):
    return api.post("/v1/rooms/lobby/moderate", userId=user_id, action=f"MODERATE_{action}", **more)


def listed(answer):
    return [(one["kind"], one["userId"], one["address"]) for one in answer["sanctions"]]


@test("topic, slow mode and size of a room are set one by one, told, listed, and there after a restart")
def settings():
    with tempfile.TemporaryDirectory() as folder:
        with chat_in(folder, SETTINGS) as server:
            api = Api(server)
            ann = person(server, "ann")
            assert api.patch("/v1/rooms/lobby", topic="News 世界") == {}
            event = ann.event()
            told = (event["kind"], event["text"], event["user_id"], event["nick"])
            assert told == (TOPIC, "News 世界", "", ""), event
            api.patch("/v1/rooms/lobby", slowModeS=3600)
            ann.call("Chat", message="first")
            assert ann.refused("Chat", message="second") == 127
            api.patch("/v1/rooms/lobby", membersMax=1, slowModeS=7)
            assert person(server, "ben", join=False).refused("Join") == 126
            # A room that does not exist yet.
            api.patch("/v1/rooms/hall", topic="Soon")
            assert person(server, "cat", join=False).call("Join", room="hall")["topic"] == "Soon"
            assert api.patch("/v1/rooms/lobby") == {}
        with chat_in(folder, SETTINGS) as server:
            api = Api(server)
            ann = person(server, "ann")
            assert (ann.joined["topic"], ann.joined["slow_mode_s"]) == ("News 世界", 7), ann.joined
            # The lobby's are those in use, the hall's are stored only.
            hall, lobby = api.get("/v1/rooms")["rooms"]
            for room, wanted in ((hall, ("hall", "Soon", 0, 0, 0)), (lobby, ("lobby", "News 世界", 1, 7, 1))):
                values = tuple(room[key] for key in ("name", "topic", "online", "slowModeS", "membersMax"))
                assert values == wanted, (values, wanted)
            api.patch("/v1/rooms/lobby", topic="", slowModeS=0, membersMax=0)
            (room,) = [room for room in api.get("/v1/rooms")["rooms"] if room["name"] == "lobby"]
            assert (room["topic"], room["slowModeS"], room["membersMax"]) == ("", 0, 0), room
            assert person(server, "ben").joined["topic"] == ""


@test("operators kick, mute and ban whomever, also moderators and administrators, and take it back")
def rooms():
    with serving() as (server, api):
        ann, root = person(server, "ann"), person(server, "root", "admin", "stoa.proto")
        moderate(api, "root", "KICK", reason="enough")
        assert left(root) == {"room": "lobby", "code": 103, "reason": "enough"}
        root.call("Join")
        moderate(api, "root", "MUTE", seconds=600, reason="calm")
        assert root.refused("Chat", message="x") == 120
        moderate(api, "root", "BAN", seconds=600)
        assert left(root)["code"] == 121 and root.refused("Join") == 121
        moderate(api, "ann", "BAN", reason="spam")
        assert left(ann) == {"room": "lobby", "code": 121, "reason": "spam"}
        answer = api.get("/v1/rooms/lobby/sanctions")
        kinds = [("SANCTION_BAN", "ann", ""), ("SANCTION_BAN", "root", ""), ("SANCTION_MUTE", "root", "")]
        assert listed(answer) == kinds and answer["continueAfter"] == "", answer
        first = answer["sanctions"][0]
        assert (first["untilMs"], first["reason"], first["byRole"]) == (FOREVER_MS, "spam", "ROLE_ADMIN"), first
        pages, after = [], ""
        while not pages or after:
            page = api.get("/v1/rooms/lobby/sanctions", limit=1, after=after)
            pages += listed(page)
            after = page["continueAfter"]
        assert pages == kinds, pages
        for user_id, action in (("ann", "UNBAN"), ("root", "UNBAN"), ("root", "UNMUTE")):
            moderate(api, user_id, action)
        assert api.get("/v1/rooms/lobby/sanctions")["sanctions"] == []
        ann.call("Join")
        root.call("Join")
        root.call("Chat", message="back")
        assert server.wait_for_log('by="server API"', "action=kick")


@test("a mute that is over is not listed, and neither is a topic")
def over():
    with serving() as (server, api):
        person(server, "ann")
        api.patch("/v1/rooms/lobby", topic="x", slowModeS=1, membersMax=9)
        moderate(api, "ann", "MUTE", seconds=1)
        while api.get("/v1/rooms/lobby/sanctions")["sanctions"]:
            pass


@test("a ban from the server ends all sessions of the user, in any room and format, and stays over a restart")
def users():
    with tempfile.TemporaryDirectory() as folder:
        with chat_in(folder, SETTINGS) as server:
            api = Api(server)
            eves = [person(server, "eve", None, subprotocol) for subprotocol in ("stoa.json", "stoa.proto", "stoa.text")]
            roomless = person(server, "eve", "admin", join=False)
            ann = person(server, "ann")
            assert api.post("/v1/bans", userId="eve", reason="spam") == {"sessions": 4}
            for eve in (*eves, roomless):
                assert eve.peer.read_close() == 4503
            assert Client(server.port).refused("Hello", token=token("eve")) == 121
            ann.call("Chat", message="still here")
        with chat_in(folder, SETTINGS) as server:
            api = Api(server)
            assert listed(api.get("/v1/bans")) == [("SANCTION_BAN", "eve", "")]
            assert Client(server.port).refused("Hello", token=token("eve")) == 121
            assert api.request("DELETE", "/v1/bans", user_id="eve") == (200, {})
            person(server, "eve")
            assert api.get("/v1/bans") == {"sanctions": [], "continueAfter": ""}
            assert api.request("DELETE", "/v1/bans", user_id="eve") == (200, {})


@test("who is banned from the server is refused also by a server that has just begun, with a slow disk")
def slow_disk():
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    with tempfile.TemporaryDirectory() as folder:
        with chat_in(folder, SETTINGS) as server:
            Api(server).post("/v1/bans", userId="eve")
        # -D: the server stays the child of the test. Leaks cannot be searched for in a process that is traced.
        slow_reads = ("strace", "-D", "-f", "-qq", "-o", os.devnull, "-e", "trace=pread64",
                      "-e", "inject=pread64:delay_enter=100000")
        options = sanitizer_environment()["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")
        with chat_in(folder, SETTINGS, launcher=slow_reads, variables={"ASAN_OPTIONS": options}) as server:
            assert Client(server.port).refused("Hello", token=token("eve")) == 121
            person(server, "ann")


@test("a banned address ends its guests, IPv6 by network, first clients too, but no users with a token")
def addresses():
    with serving() as (server, api):
        for banned, other in (("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1")):
            eve, ben = guest(server, banned), guest(server, other)
            plain = Client(server.port, None, headers=[f"X-Forwarded-For: {banned}"])
            plain.say("I am here")
            plain.chat()
            user = Client(server.port, token=token("ann"), headers=[f"X-Forwarded-For: {banned}"])
            assert api.post("/v1/bans", address=banned) == {"sessions": 2}
            assert eve.peer.read_close() == 4503 and plain.peer.read_close() == 4503
            again = Client(server.port, headers=[f"X-Forwarded-For: {banned}"])
            assert again.refused("Hello", nick="") == 121
            network = banned if "." in banned else "2001:db8::"
            assert listed(api.get("/v1/bans")) == [("SANCTION_BAN_ADDRESS", "", network)]
            user.call("Join")
            ben.call("Chat", message="x")
            assert api.request("DELETE", "/v1/bans", address=banned) == (200, {})
            guest(server, banned)


@test("a guest is banned from the server with the address, and comes back with both")
def guests():
    with serving() as (server, api):
        eve, neighbour = guest(server, "192.0.2.9"), guest(server, "192.0.2.9")
        assert api.post("/v1/bans", userId=eve.user_id, seconds=60) == {"sessions": 2}
        assert eve.peer.read_close() == neighbour.peer.read_close() == 4503
        bans = listed(api.get("/v1/bans"))
        assert sorted(bans) == [("SANCTION_BAN", eve.user_id, "192.0.2.9"),
                                ("SANCTION_BAN_ADDRESS", eve.user_id, "192.0.2.9")], bans
        assert api.request("DELETE", "/v1/bans", user_id=eve.user_id) == (200, {})
        guest(server, "192.0.2.9")


@test("requests that make no sense are refused, and change nothing")
def refused():
    with serving() as (server, api):
        path = "/v1/rooms/lobby"
        person(server, "ann")
        for body, code in (({"topic": "t" * 251}, 122), ({"topic": "a\nb"}, 107), ({"slowModeS": 86401}, 107),
                           ({"slowModeS": -1}, None), ({"topic": 1}, None)):
            status, answer = api.request("PATCH", path, body)
            assert status == 400 and (code is None or answer["code"] == code), (body, answer)
        assert api.refused("PATCH", "/v1/rooms/" + "r" * 64, {"topic": "x"}) == (400, 107)
        for body in ({"userId": "eve"}, {"action": "MODERATE_BAN"}, {"userId": "u" * 129, "action": 4},
                     {"userId": "eve", "action": 6}, {"userId": "a\nb", "action": 1},
                     {"userId": "eve", "action": 1, "reason": "r" * 257}):
            assert api.refused("POST", path + "/moderate", body) == (400, 107), body
        body = {"userId": "eve", "action": "MODERATE_BAN"}
        assert api.refused("POST", "/v1/rooms/nowhere/moderate", body) == (404, 102)
        assert api.refused("POST", "/v1/rooms/" + "r" * 64 + "/moderate", body) == (400, 107)
        for body in ({}, {"userId": "eve", "address": "192.0.2.1"}, {"userId": "u" * 129}, {"address": "127.0.0.1"},
                     {"address": "::1"}, {"address": "192.0.2"}, {"address": "a" * 99}, {"address": "192.0.2.1\u0000"},
                     {"userId": "eve", "reason": "a\r\nb"}, {"userId": "eve", "reason": "r" * 257}):
            assert api.refused("POST", "/v1/bans", body) == (400, 107), body
        for query in ({}, {"user_id": "eve", "address": "192.0.2.1"}, {"address": "x"}):
            assert api.refused("DELETE", "/v1/bans", **query) == (400, 107), query
        for query in ({"limit": 101}, {"after": "x" * 161}, {"after": "a\0b"}):
            assert api.refused("GET", "/v1/bans", **query) == (400, 107), query
            assert api.refused("GET", path + "/sanctions", **query) == (400, 107), query
        assert api.get("/v1/bans")["sanctions"] == api.get(path + "/sanctions")["sanctions"] == []
        assert api.get("/v1/rooms")["rooms"] == []


@test("what the server API publishes or broadcasts is told to who has read the room and is not in it")
def activity():
    with serving() as (server, api):
        ann = person(server, "ann", join=False)
        for room in ("hall", "cellar"):
            ann.call("Join", room=room)
            ack = ann.call("Chat", room=room, message="mine")
            ann.send("Read", room=room, offset=ack["offset"])
            ann.call("Leave", room=room)
        ann.pushes.clear()
        ack = api.post("/v1/rooms/hall/messages", message="@nobody hello", **BOT)
        while True:
            name, message = ann.push()
            if name == "RoomActivityMessage":
                break
        assert message == {"room": "hall", "top": int(ack["offset"]), "unread": 1, "mentioned": False}, message
        nick = ann.welcome["nick"]
        assert api.post("/v1/broadcast", message=f"hi @{nick}", **BOT) == {"rooms": 2, "failed": 0}
        told = {}
        while len(told) < 2:
            name, message = ann.push()
            assert name == "RoomActivityMessage", (name, message)
            told[message["room"]] = (message["unread"], message["mentioned"])
        assert told == {"hall": (2, True), "cellar": (1, True)}, told


run()
