"""RoomActivity: who has read a room before, and has not joined it now, is told of new messages."""

import tempfile

from chat_client import Client, chat, chat_in
from tap import run, test
from tokens import SECRET, token

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
AUTH = {"server.auth.secret": SECRET, "server.workers": 2}


def person(server, user_id, subprotocol="stoa.json", rooms=(), name=None, allowed=None):
    client = Client(server.port, subprotocol, token=token(user_id, None, allowed, name))
    for room in rooms:
        client.call("Join", room=room)
    return client


def activity(client):
    while True:
        name, message = client.push()
        if name == "RoomActivityMessage":
            return message


def reads(client, room):
    client.call("Join", room=room)
    client.call("Chat", room=room, message="read up to here")
    client.call("Leave", room=room)


for subprotocol in FORMATS:
    @test(f"in {subprotocol} many messages are told once, to those alone who have read the room and left it")
    def told(subprotocol=subprotocol):
        with chat(AUTH) as server:
            ann, eve = person(server, "ann", subprotocol, name="Ann"), person(server, "eve", subprotocol)
            member = person(server, "ann", subprotocol, rooms=["hall"])
            ben = person(server, "ben", rooms=["hall", "other"])
            reads(ann, "hall")
            reads(eve, "other")
            acks = [ben.call("Chat", room="hall", message=f"m{i}") for i in range(20)]
            ack = ben.call("Chat", room="other", message="@Annabel @anna mail@Ann.example")
            message = activity(eve)
            while message["top"] != ack["offset"]:
                message = activity(eve)
            assert message == {"room": "other", "top": ack["offset"], "unread": 1, "mentioned": False}, message
            seen = [activity(ann)]
            while seen[-1]["top"] != acks[-1]["offset"]:
                seen.append(activity(ann))
            assert seen[-1] == {"room": "hall", "top": acks[-1]["offset"], "unread": 20, "mentioned": False}, seen
            assert len(seen) <= 3, seen
            assert all(name != "RoomActivityMessage" for name, _ in member.pushes)


@test("a message that names the user is told as such, however the name is written, and not when the name goes on")
def mentioned():
    with chat(AUTH) as server:
        ann = person(server, "ann", name="Ann Lee")
        ben = person(server, "ben", rooms=["hall"])
        reads(ann, "hall")
        for text, wanted in (("@Ann Leeds", False), ("hi @ann LEE!", True), ("@Ann", False), ("x @Ann Lee", True)):
            ack = ben.call("Chat", room="hall", message=text)
            message = activity(ann)
            while message["top"] != ack["offset"]:
                message = activity(ann)
            assert message["mentioned"] == wanted, (text, message)


@test("what was read before a restart counts, and rooms that the token does not allow do not")
def restart():
    with tempfile.TemporaryDirectory() as folder:
        with chat_in(folder, AUTH) as server:
            ann = person(server, "ann")
            reads(ann, "hall")
            reads(ann, "cellar")
        with chat_in(folder, AUTH) as server:
            ann, few = person(server, "ann"), person(server, "ann", allowed=["cellar"])
            for client in (ann, few):
                client.call("Rooms")
            ben = person(server, "ben", rooms=["hall", "cellar"])
            ben.call("Chat", room="hall", message="new")
            ack = ben.call("Chat", room="cellar", message="new")
            assert {activity(ann)["room"] for _ in range(2)} == {"hall", "cellar"}
            assert activity(few) == {"room": "cellar", "top": ack["offset"], "unread": 1, "mentioned": False}


run()
