"""Texts of SQL in every field that reaches the storage are texts, and nothing else (row 30)."""

import contextlib
import pathlib
import re
import sqlite3
import tempfile

from admin_api import SETTINGS, Api
from chat_client import Client, chat_in
from schema import ENUMS
from tap import run, test
from tokens import SECRET, token

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
AUTH = {**SETTINGS, "server.auth.secret": SECRET}
MUTE = ENUMS["ModerateAction"]["MODERATE_MUTE"]
TEXTS = ["'); DROP TABLE message; --", "' OR 1=1 --", '" OR ""="', "x' UNION SELECT value FROM value --", "%' ESCAPE '",
         "\\'; DELETE FROM room; --", "?1", ":name", "NEAR(a b) * ^ - + { } ( ) AND NOT"]
# After a NUL a statement would end, and what follows would be lost.
WITH_NUL = "a\x00'; DROP TABLE message; --"
ENGINE = pathlib.Path(__file__).parents[2] / "src" / "engine"


def room_of(text):
    """No path has a backslash."""
    return "room " + text.replace("\\", "")


def read_database(folder):
    """(schema, number of messages, rooms)"""
    with contextlib.closing(sqlite3.connect(f"file:{folder}/chatroom.db?mode=ro", uri=True)) as database:
        schema = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        (count,) = database.execute("SELECT count(*) FROM message").fetchone()
        rooms = {name for (name,) in database.execute("SELECT name FROM room")}
        return schema, count, rooms


def attack(server, subprotocol, text):
    """Every call with the text wherever it takes one. Returns how many messages and events were stored."""
    mod = Client(server.port, subprotocol, token=token("mod " + text, "moderator"))
    mod.call("SetNick", nick=text[:32].strip())
    room = room_of(text)
    mod.call("Join", room=room)
    ack = mod.call("Chat", room=room, message=text, client_msg_id=text)
    assert mod.call("Chat", room=room, message=text, client_msg_id=text)["duplicate"]
    mod.call("Edit", room=room, offset=ack["offset"], text=text + " edited")
    mod.call("React", room=room, offset=ack["offset"], emoji=text[:32])
    mod.call("SetRoom", room=room, topic=text)
    mod.call("Moderate", room=room, user_id=text, action=MUTE, reason=text)
    mod.send("Read", room=room, offset=ack["offset"])
    page = mod.call("History", room=room)
    (item,) = page["items"]
    assert (item["message"], item["client_msg_id"], item["user_id"]) == (text + " edited", text, "mod " + text), item
    assert list(item["reactions"]) == [text[:32]], item
    (found,) = mod.call("Search", room=room, text=text)["items"]
    assert found["message"] == text + " edited", found
    assert mod.call("Search", room=room, text=text + "x")["items"] == []
    names = [found["name"] for found in mod.call("Rooms", after=room[:-1])["rooms"]]
    assert room in names, names
    api = Api(server)
    assert [one["userId"] for one in api.get(f"/v1/rooms/{quoted(room)}/sanctions")["sanctions"]] == [text]
    api.post("/v1/bans", userId=text, reason=text)
    assert text in [ban["userId"] for ban in api.get("/v1/bans")["sanctions"]]
    assert api.request("DELETE", "/v1/bans", user_id=text) == (200, {})
    return 4


def quoted(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def refuse_nul(server, subprotocol):
    client = Client(server.port, subprotocol, token=token("nul", "moderator"))
    client.call("Join")
    client.call("Chat", message="before")
    for name, fields in (("Join", {"room": WITH_NUL}), ("Chat", {"room": WITH_NUL, "message": "x"}),
                         ("Chat", {"message": "x", "client_msg_id": WITH_NUL}), ("Search", {"text": WITH_NUL}),
                         ("SetRoom", {"topic": WITH_NUL}), ("Moderate", {"user_id": WITH_NUL, "action": MUTE}),
                         ("Moderate", {"user_id": "x", "action": MUTE, "reason": WITH_NUL}),
                         ("Rooms", {"after": WITH_NUL})):
        assert client.refused(name, **fields) == 107, (name, fields)
    ack = client.call("Chat", message=WITH_NUL)
    assert client.call("History", limit=1)["items"][0]["message"] == WITH_NUL
    return ack and 2


def register(subprotocol):
    @test(f"in {subprotocol} texts of SQL are stored, found and shown as they are, and change nothing else")
    def body():
        with tempfile.TemporaryDirectory() as folder:
            with chat_in(folder, AUTH) as server:
                Client(server.port, nick="Ann").call("Join")
            schema, before, _ = read_database(folder)
            with chat_in(folder, AUTH) as server:
                stored = sum(attack(server, subprotocol, text) for text in TEXTS)
                stored += refuse_nul(server, subprotocol)
            after = read_database(folder)
            assert after[0] == schema, after[0]
            assert after[1] - before == stored, (before, stored, after[1])
            assert after[2] == {"lobby", *map(room_of, TEXTS)}, after[2]


for each in FORMATS:
    register(each)


@test("no statement is put together from texts")
def statements():
    words = re.compile(r'"[^"]*\b(SELECT|INSERT|UPDATE|DELETE|ATTACH|VACUUM)\b[^"]*%[^"]*"')
    for path in ENGINE.rglob("*.c"):
        text = path.read_text(encoding="utf-8")
        assert not words.search(text), (path, words.search(text))
        for call in re.findall(r"sn?printf\([^;]*;", text):
            assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|ATTACH|VACUUM)\b", call), (path, call)


run()
