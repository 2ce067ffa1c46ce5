"""Typing: who is told that somebody types, and how often."""

from chat_client import Client, chat
from schema import TYPES
from tap import run, test

ACTIVE, PAUSED, DONE = 0, 1, 2
FORMATS = ("stoa.json", "stoa.proto", "stoa.text")


def member(server, nick, subprotocol="stoa.json", **join):
    client = Client(server.port, subprotocol, nick)
    client.call("Join", **join)
    return client


def types(client, state, **fields):
    message = {"room": "lobby", "state": state, **fields}
    client._send(client.format.write(TYPES["Typing"], None, "TypingMessage", message))  # pylint: disable=protected-access


def typing(client):
    name, message = client.push()
    assert name == "TypingMessage", (name, message)
    return message


for subprotocol in FORMATS:

    @test(f"in {subprotocol} the others in the room are told who types, whatever the sender claims")
    def told(subprotocol=subprotocol):
        with chat() as server:
            ann = member(server, "Ann", subprotocol)
            others = [member(server, f"Ben {i}", format, presence=i % 2 == 0) for i, format in enumerate(FORMATS * 2)]
            types(ann, PAUSED, user_id="x", nick="Eve")
            for other in others:
                while True:
                    name, message = other.push()
                    if name == "TypingMessage":
                        break
                assert message == {"room": "lobby", "state": PAUSED, "user_id": ann.user_id, "nick": "Ann"}, message
            types(others[0], ACTIVE)
            assert typing(ann)["nick"] == "Ben 0"


@test("it is told once a second from each session; that it ends is always told")
def seldom():
    with chat() as server:
        ann, ben, cat = member(server, "Ann"), member(server, "Ben"), member(server, "Cat")
        for _ in range(20):
            types(ann, ACTIVE)
        types(cat, ACTIVE)
        for _ in range(3):
            types(ann, DONE)
        told = []
        while len(told) < 5:
            told.append(typing(ben))
        ann_told = [message["state"] for message in told if message["nick"] == "Ann"]
        # More than one would mean that the twenty took longer than a second.
        assert ann_told == [ACTIVE, DONE, DONE, DONE], told
        assert [message["state"] for message in told if message["nick"] == "Cat"] == [ACTIVE], told


@test("who types again after a message, or after the end was told, is told at once")
def again():
    with chat() as server:
        ann, ben = member(server, "Ann"), member(server, "Ben")
        for _ in range(3):
            types(ann, ACTIVE)
            types(ann, DONE)
        assert [typing(ben)["state"] for _ in range(6)] == [ACTIVE, DONE] * 3
        for i in range(3):
            types(ann, ACTIVE)
            ann.call("Chat", message=f"m{i}")
        assert {tuple(sorted((ben.push()[0], ben.push()[0]))) for _ in range(3)} == {("ChatMessage", "TypingMessage")}


@test("only members may, and with a state that there is")
def refused():
    with chat() as server:
        ann, ben = Client(server.port, nick="Ann"), member(server, "Ben")
        types(ann, ACTIVE)
        assert ann.push()[1]["code"] == 103
        types(ben, 3)
        assert ben.push()[1]["code"] == 107
        types(ben, DONE, room="a\tb")
        assert ben.push()[1]["code"] == 107
        ann.call("Join")
        types(ann, ACTIVE)
        assert typing(ben)["nick"] == "Ann"


@test("a first client is told nothing of it, and the sender neither")
def not_told():
    with chat() as server:
        ann, ben, plain = member(server, "Ann"), member(server, "Ben"), Client(server.port, None)
        plain.say("here")
        ann.chat(), ben.chat(), plain.chat()
        types(ann, ACTIVE)
        types(ann, DONE)
        assert [typing(ben)["state"] for _ in range(2)] == [ACTIVE, DONE]
        ben.call("Chat", message="after")
        assert ann.chat()["message"] == "after" and not ann.pushes
        assert plain.chat()["message"] == "after"


run()
