"""Rooms: the list of the rooms that a user may join."""

from chat_client import Client, chat
from tap import run, test
from tokens import SECRET, token

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
AUTH = {"server.auth.secret": SECRET}


def person(server, user_id, subprotocol="stoa.json", rooms=(), role=None, allowed=None):
    client = Client(server.port, subprotocol, token=token(user_id, role, allowed))
    for room in rooms:
        client.call("Join", room=room)
    return client


def names(reply):
    return [room["name"] for room in reply["rooms"]]


for subprotocol in FORMATS:
    @test(f"in {subprotocol} rooms have topic, sessions, time of the newest message, and what is unread")
    def rooms_of(subprotocol=subprotocol):
        with chat(AUTH) as server:
            ben = person(server, "ben", rooms=("hall", "cellar", "empty"), role="moderator")
            acks = [ben.call("Chat", room="hall", message=f"m{i}") for i in range(3)]
            ben.call("Chat", room="cellar", message="x")
            ben.call("SetRoom", room="hall", topic="'); DROP TABLE rooms; --")
            ann = person(server, "ann", subprotocol, rooms=("hall",))
            ann.send("Read", room="hall", offset=acks[1]["offset"])
            ann.call("Chat", room="hall", message="own")
            ann.call("Leave", room="hall")
            ben.call("Chat", room="hall", message="new")
            ann.call("Join", room="cellar")
            ben.call("Leave", room="hall")
            cellar, hall = ann.call("Rooms")["rooms"]
            assert (cellar["name"], cellar["topic"], cellar["online"], cellar["unread"], cellar["joined"]) == (
                "cellar", "", 2, 1, True), cellar
            assert (hall["name"], hall["topic"], hall["online"], hall["unread"], hall["joined"]) == (
                "hall", "'); DROP TABLE rooms; --", 0, 1, False), hall
            assert hall["last_activity_ms"] >= acks[2]["ts_ms"] > 1_600_000_000_000


@test("rooms come in pages, in the order of their names")
def pages():
    with chat() as server:
        ann = Client(server.port, nick="Ann")
        assert ann.call("Rooms") == {"rooms": [], "more": False}
        wanted = [f"r{i:03}" for i in range(105)]
        for room in wanted:
            ann.call("Join", room=room)
            ann.call("Chat", room=room, message="x")
            ann.call("Leave", room=room)
        first = ann.call("Rooms")
        assert names(first) == wanted[:100] and first["more"]
        rest = ann.call("Rooms", after="r099")
        assert names(rest) == wanted[100:] and not rest["more"]
        two = ann.call("Rooms", after="r001", limit=2)
        assert names(two) == ["r002", "r003"] and two["more"]
        assert ann.call("Rooms", after="z") == {"rooms": [], "more": False}
        exact = ann.call("Rooms", after="r102", limit=2)
        assert names(exact) == ["r103", "r104"] and not exact["more"]
        assert ann.refused("Rooms", limit=101) == 107 and ann.refused("Rooms", after="r" * 64) == 107


@test("a token with rooms shows those only")
def allowed():
    with chat(AUTH) as server:
        ben = person(server, "ben", rooms=("a", "b", "c", "d"))
        for room in "abcd":
            ben.call("Chat", room=room, message="x")
        ann = person(server, "ann", allowed=["b", "d", "nowhere"])
        assert names(ann.call("Rooms")) == ["b", "d"]
        one = ann.call("Rooms", limit=1)
        assert names(one) == ["b"] and one["more"]
        assert names(ann.call("Rooms", after="b", limit=1)) == ["d"]
        assert names(person(server, "eve", allowed=[]).call("Rooms")) == []


@test("a list of rooms with long topics is never longer than a message may be")
def long_topics():
    with chat(AUTH) as server:
        ben = person(server, "ben", role="admin")
        for i in range(80):
            ben.call("SetRoom", room=f"r{i:02}", topic="😀" * 250)
        seen, more = [], True
        while more:
            page = ben.call("Rooms", after=seen[-1] if seen else "")
            assert page["rooms"] and all(room["topic"] == "😀" * 250 for room in page["rooms"])
            seen += names(page)
            more = page["more"]
        assert seen == [f"r{i:02}" for i in range(80)], seen


run()
