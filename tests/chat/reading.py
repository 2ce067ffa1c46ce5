"""Up to where users have read: Read, what follows from sending, and what Join tells."""

import tempfile

from chat_client import Client, chat, chat_in
from tap import run, test
from tokens import SECRET, token

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
AUTH = {"server.auth.secret": SECRET}


def each_format(name):
    def register(body):
        for subprotocol in FORMATS:
            test(f"in {subprotocol} {name}")(lambda subprotocol=subprotocol: body(subprotocol))
        return body

    return register


def person(server, user_id, subprotocol="stoa.json", **join):
    client = Client(server.port, subprotocol, token=token(user_id))
    client.joined = client.call("Join", **join)
    return client


def read(client):
    while True:
        name, message = client.push()
        if name == "ReadMessage":
            return message


def fill(server, count=3):
    ben = person(server, "ben")
    return [ben.call("Chat", message=f"m{i}")["offset"] for i in range(count)]


@each_format("what one session has read is told to the user's others, and to who joins later")
def other_sessions(subprotocol):
    with chat(AUTH) as server:
        first, second = person(server, "ann", subprotocol), person(server, "ann", subprotocol)
        assert (first.joined["read_offset"], first.joined["unread"]) == (0, 0), first.joined
        offsets = fill(server)
        first.send("Read", offset=offsets[1])
        assert read(second) == {"room": "lobby", "offset": offsets[1], "unread": 1}
        third = person(server, "ann", subprotocol)
        assert (third.joined["read_offset"], third.joined["unread"]) == (offsets[1], 1), third.joined
        assert person(server, "eve").joined["unread"] == 3
        first.call("Edit", offset=first.call("Chat", message="own")["offset"], text="events are not counted")
        assert person(server, "eve").joined["unread"] == 4


@each_format("read offsets only grow, and end at the newest message")
def only_grow(subprotocol):
    with chat(AUTH) as server:
        first, second = person(server, "ann", subprotocol), person(server, "ann", subprotocol)
        offsets = fill(server)
        for offset in (offsets[1], offsets[0], offsets[1], 2**62):
            first.send("Read", offset=offset)
        assert [read(second)["offset"] for _ in range(2)] == [offsets[1], offsets[2]]
        first.send("Read", offset=offsets[0])
        own = fill(server, 1)
        assert person(server, "ann").joined["read_offset"] == offsets[2]
        first.send("Read", offset=own[0])
        assert read(second) == {"room": "lobby", "offset": own[0], "unread": 0}


@each_format("who sends a message has read up to it")
def sending(subprotocol):
    with chat(AUTH) as server:
        fill(server)
        first, second = person(server, "ann", subprotocol), person(server, "ann", subprotocol)
        ack = first.call("Chat", message="x", client_msg_id="m")
        assert read(second) == {"room": "lobby", "offset": ack["offset"], "unread": 0}
        assert first.call("Chat", message="x", client_msg_id="m")["duplicate"]
        third = person(server, "ann", subprotocol)
        assert (third.joined["read_offset"], third.joined["unread"]) == (ack["offset"], 0), third.joined


@each_format("a Read that makes no sense is answered with a plain error")
def errors(subprotocol):
    with chat(AUTH) as server:
        ann = person(server, "ann", subprotocol)
        for code, fields in ((107, {"offset": 0}), (107, {"offset": 2**63 - 1}), (103, {"offset": 1, "room": "other"}),
                             (107, {"offset": 1, "room": "a\tb"})):
            ann.send("Read", **fields)
            name, error = ann.push()
            assert name == "Error" and error["code"] == code, (fields, error)
        ann.send("Read", offset=1)
        assert person(server, "ann").joined["read_offset"] == 0


@test("what users and guests have read is there after a restart")
def restart():
    with tempfile.TemporaryDirectory() as folder:
        with chat_in(folder, AUTH) as server:
            offsets = fill(server)
            guest = Client(server.port, nick="Gus")
            guest.call("Join")
            same_guest = Client(server.port, token=guest.welcome["guest_token"])
            for client, other in ((guest, same_guest), (person(server, "ann"), person(server, "ann"))):
                for offset in offsets[:2]:
                    client.send("Read", offset=offset)
                assert [read(other)["offset"] for _ in range(2)] == offsets[:2]
        with chat_in(folder, AUTH) as server:
            joined = person(server, "ann").joined
            assert (joined["read_offset"], joined["unread"]) == (offsets[1], 1), joined
            joined = Client(server.port, token=guest.welcome["guest_token"]).call("Join")
            assert (joined["read_offset"], joined["unread"]) == (offsets[1], 1), joined
            joined = Client(server.port, nick="new").call("Join")
            assert (joined["read_offset"], joined["unread"]) == (0, 3), joined


run()
