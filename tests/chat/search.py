"""Search: what finds a message, and what does not."""

from chat_client import Client, chat
from schema import ENUMS
from tap import run, test

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
HOSTILE = ("'); DROP TABLE message; --", "' OR 1=1 --", '"', '""', '" OR message:"', "%", "_", "*", "NEAR(a b)", "\\")


def member(server, nick, subprotocol="stoa.json", **join):
    client = Client(server.port, subprotocol, nick)
    client.joined = client.call("Join", **join)
    return client


def texts(client, text, **fields):
    """All that is found, by as many calls as it takes, in the order in which it came."""
    found, before = [], 0
    while True:
        reply = client.call("Search", text=text, before=before, **fields)
        found += [item["message"] for item in reply["items"]]
        before = reply["continue_before"]
        if before == 0:
            return found


for subprotocol in FORMATS:

    @test(f"in {subprotocol} a message is found by a part of a word, in either case, with all that a page has of it")
    def found(subprotocol=subprotocol):
        with chat() as server:
            ann, ben = member(server, "Ann", subprotocol), member(server, "Ben")
            offset = ann.call("Chat", message="The Architecture stands")["offset"]
            ann.call("Chat", message="nothing of this")
            ben.call("React", offset=offset, emoji="👍")
            reply = ann.call("Search", text="chitect")
            assert len(reply["items"]) == 1 and reply["continue_before"] == 0, reply
            item = reply["items"][0]
            assert (item["message"], item["offset"], item["sender"]) == ("The Architecture stands", offset, "Ann"), item
            assert item["reactions"] == {"👍": {"count": 1, "mine": False}}, item
            assert reply["epoch"] == item["epoch"] and reply["top"] == offset + 2, reply
            assert texts(ann, "ARCHI") == ["The Architecture stands"]
            assert ann.call("Search", text="absent") == {"items": [], "continue_before": 0, "top": 0, "epoch": 0}


@test("Chinese, one character, emoji and texts with the storage's own signs are found")
def characters():
    with chat() as server:
        ann = member(server, "Ann")
        said = ["今天天气很好", "你好，世界", "a 🎉 party", "👩‍👩‍👧 family", *HOSTILE]
        for text in said:
            ann.call("Chat", message=text)
        assert texts(ann, "天气很") == ["今天天气很好"]
        assert texts(ann, "好") == ["你好，世界", "今天天气很好"]
        assert texts(ann, "世界") == ["你好，世界"]
        assert texts(ann, "🎉") == ["a 🎉 party"]
        assert texts(ann, "👩‍👩‍👧") == ["👩‍👩‍👧 family"]
        for text in HOSTILE:
            assert texts(ann, text) == [other for other in reversed(said) if text in other], text
        assert len(ann.call("History", limit=100)["items"]) == len(said)


@test("an edited message is found by its new text, where the edit stands, and not by an older one")
def edited():
    with chat() as server:
        ann = member(server, "Ann")
        first = ann.call("Chat", message="the first draft")["offset"]
        ann.call("Chat", message="a draft between")
        ann.call("Edit", offset=first, text="second draft")
        ann.call("Edit", offset=first, text="final draft")
        assert texts(ann, "first") == [] and texts(ann, "second") == []
        reply = ann.call("Search", text="draft")
        assert [item["message"] for item in reply["items"]] == ["final draft", "a draft between"], reply
        assert reply["items"][0]["offset"] == first and reply["items"][0]["edited_ms"] > 0, reply
        assert texts(ann, "draft", limit=1) == ["final draft", "a draft between"]


@test("a deleted message is found by none of the texts that it had")
def deleted():
    with chat() as server:
        ann = member(server, "Ann")
        offset = ann.call("Chat", message="secret one")["offset"]
        ann.call("Edit", offset=offset, text="secret two")
        ann.call("Chat", message="no secret")
        ann.call("Delete", offset=offset)
        assert texts(ann, "secret") == ["no secret"] and texts(ann, "one") == [] and texts(ann, "s") == ["no secret"]


@test("a search goes on where the page before has ended, in its room only")
def pages():
    with chat() as server:
        ann = member(server, "Ann")
        ann.call("Join", room="other")
        ann.call("Chat", room="other", message="number 77")
        for i in range(45):
            ann.call("Chat", message=f"number {i}")
        reply = ann.call("Search", text="number")
        assert [item["message"] for item in reply["items"]] == [f"number {i}" for i in range(44, 24, -1)], reply
        assert reply["continue_before"] > 0
        assert texts(ann, "number") == [f"number {i}" for i in range(44, -1, -1)]
        assert texts(ann, "number", limit=7) == [f"number {i}" for i in range(44, -1, -1)]
        assert texts(ann, "number", room="other") == ["number 77"]


@test("a page of long texts ends before its reply is too long")
def long_texts():
    with chat() as server:
        ann = member(server, "Ann")
        for i in range(8):
            ann.call("Chat", message=f"long {i} " + "界" * 3900)
        reply = ann.call("Search", text="long")
        assert 1 <= len(reply["items"]) < 8 and reply["continue_before"] > 0, len(reply["items"])
        assert [text[:6] for text in texts(ann, "long")] == [f"long {i}" for i in range(7, -1, -1)]


@test("each error of a search has its code")
def errors():
    with chat() as server:
        ann = member(server, "Ann")
        assert Client(server.port, nick="Eve").refused("Search", text="x") == 103
        assert ann.refused("Search", room="elsewhere", text="x") == 103
        for fields in ({"text": ""}, {"text": "x" * 257}, {"text": "a\0b"}, {"text": "x", "limit": 101},
                       {"text": "x", "before": 2**63}, {"text": "x", "room": "a\tb"}, {"text": "x", "room": "r" * 64}):
            assert ann.refused("Search", **fields) == 107, fields
        assert ann.call("Search", text="界" * 85, limit=100, before=2**63 - 1)["items"] == []


assert ENUMS["MessageType"]["Search"] == 25
run()
