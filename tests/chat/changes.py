"""Edit, Delete and React: their events, their errors, and what pages make of them."""

from chat_client import Client, chat
from schema import ENUMS
from tap import run, test

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
KINDS = ENUMS["EventKind"]


def member(server, nick, subprotocol="stoa.json", **join):
    client = Client(server.port, subprotocol, nick)
    client.joined = client.call("Join", **join)
    return client


def shown(server, offset, viewer=None):
    """The message as a page has it now."""
    client = viewer or member(server, "")
    items = client.call("History", before=offset + 1, limit=1)["items"]
    assert items and items[0]["offset"] == offset, items
    return items[0]


for subprotocol in FORMATS:

    @test(f"in {subprotocol} an edit, a reaction and a deletion reach all members, and pages show their result")
    def changed(subprotocol=subprotocol):
        with chat() as server:
            ann, ben = member(server, "Ann", subprotocol), member(server, "Ben")
            offset = ann.call("Chat", message="first")["offset"]
            edit = ann.call("Edit", offset=offset, text="second")
            assert ann.chat()["offset"] == offset and ben.chat()["offset"] == offset
            event = ann.event()
            assert ben.event() == event
            assert (event["kind"], event["target"], event["text"]) == (KINDS["EVENT_EDIT"], offset, "second"), event
            assert (event["offset"], event["epoch"]) == (edit["offset"], edit["epoch"]), (event, edit)
            assert (event["room"], event["user_id"], event["nick"]) == ("lobby", ann.user_id, "Ann"), event
            reacted = ben.call("React", offset=offset, emoji="👍")
            assert ann.event()["offset"] == reacted["offset"]
            assert ben.call("React", offset=offset, emoji="👍")["offset"] == 0
            message = shown(server, offset, ann)
            assert message["message"] == "second" and message["edited_ms"] == event["ts_ms"], message
            assert message["reactions"] == {"👍": {"count": 1, "mine": False}}, message
            assert shown(server, offset, ben)["reactions"]["👍"]["mine"]
            assert ben.call("React", offset=offset, emoji="👍", off=True)["offset"] > 0
            assert ben.call("React", offset=offset, emoji="👍", off=True)["offset"] == 0
            assert ann.event()["off"] and shown(server, offset)["reactions"] == {}
            deleted = ann.call("Delete", offset=offset)
            event = ann.event()
            assert (event["kind"], event["target"]) == (KINDS["EVENT_DELETE"], offset), event
            assert ann.call("Delete", offset=offset) == deleted
            message = shown(server, offset)
            assert message["deleted"] and message["message"] == "" and message["edited_ms"] == 0, message


@test("each error of a change has its code")
def errors():
    with chat() as server:
        ann, ben = member(server, "Ann"), member(server, "Ben")
        offset = ann.call("Chat", message="mine")["offset"]
        assert ben.refused("Edit", offset=offset, text="x") == 103
        assert ben.refused("Delete", offset=offset) == 103
        event = ben.call("React", offset=offset, emoji="a")
        for missing in (0, event["offset"], event["offset"] + 1, 2**63 - 1, 2**64 - 1):
            assert ann.refused("Edit", offset=missing, text="x") == 107, missing
            assert ann.refused("Delete", offset=missing) == 107
            assert ann.refused("React", offset=missing, emoji="a") == 107
        assert ann.refused("Edit", offset=offset, text="") == 123
        assert ann.refused("Edit", offset=offset, text="x" * 4001) == 122
        assert ann.refused("React", offset=offset, emoji="") == 107
        assert ann.refused("React", offset=offset, emoji="e" * 33) == 107
        assert Client(server.port, nick="Eve").refused("Edit", offset=offset, text="x") == 103
        ann.call("Delete", offset=offset)
        assert ann.refused("Edit", offset=offset, text="x") == 107
        assert ann.refused("React", offset=offset, emoji="a") == 107


@test("after the edit window an author's message stays as it is")
def window():
    with chat({"chat.edit_window_s": 1}) as server:
        ann = member(server, "Ann")
        offset = ann.call("Chat", message="mine")["offset"]

        def is_over():
            try:
                ann.call("Edit", offset=offset, text="x")
            except Exception as error:  # pylint: disable=broad-except
                return error.code == 128
            return False

        server.wait_for_idle(is_over)
        assert ann.refused("Delete", offset=offset) == 128


@test("a message takes twenty different emoji, and no more")
def emoji():
    with chat() as server:
        ann = member(server, "Ann")
        offset = ann.call("Chat", message="popular")["offset"]
        for i in range(20):
            assert ann.call("React", offset=offset, emoji=f"e{i}")["offset"] > 0
        assert ann.refused("React", offset=offset, emoji="one more") == 106
        assert member(server, "Ben").call("React", offset=offset, emoji="e3")["offset"] > 0
        ann.call("React", offset=offset, emoji="e7", off=True)
        assert ann.call("React", offset=offset, emoji="one more")["offset"] > 0


@test("a page of which there are more changes than one read gives is complete")
def many_changes():
    # Ben is not read meanwhile, so nothing answers the pings.
    with chat({"server.pong_timeout_ms": 3600000}) as server:
        ann, ben = member(server, "Ann"), member(server, "Ben")
        offset = ann.call("Chat", message="popular")["offset"]
        for i in range(250):
            ann.call("React", offset=offset, emoji="x", off=i % 2 == 1)
        ann.call("React", offset=offset, emoji="x")
        ben.call("React", offset=offset, emoji="x")
        ann.call("Edit", offset=offset, text="the end")
        late = member(server, "Late", history=1)
        item = late.joined["items"][0]
        assert item["message"] == "the end" and item["reactions"] == {"x": {"count": 2, "mine": False}}, item
        assert late.joined["offset"] > offset + 250


@test("edits that one client sends without waiting are made in order")
def in_order():
    with chat() as server:
        ann = member(server, "Ann")
        offset = ann.call("Chat", message="0")["offset"]
        calls = [ann.begin("Edit", offset=offset, text=str(i)) for i in range(1, 20)]
        for call_id in calls:
            ann.answer("Edit", call_id)
        assert shown(server, offset)["message"] == "19"


@test("who comes back with its place gets the events that it missed")
def recovered():
    with chat() as server:
        ann, ben = member(server, "Ann"), member(server, "Ben")
        offset = ann.call("Chat", message="first")["offset"]
        last = ben.chat()
        ben.call("Leave")
        ann.call("Edit", offset=offset, text="second")
        ann.call("React", offset=offset, emoji="a")
        gone = ann.call("Chat", message="secret")["offset"]
        ann.call("Edit", offset=gone, text="still secret")
        ann.call("Delete", offset=gone)
        reply = ben.call("Join", recover={"epoch": last["epoch"], "offset": last["offset"]})
        assert reply["recovered"], reply
        pushes = [ben.push() for _ in range(5)]
        assert [(name, message.get("text", message.get("message"))) for name, message in pushes] == [
            ("EventMessage", "second"), ("EventMessage", ""), ("ChatMessage", ""), ("EventMessage", ""),
            ("EventMessage", "")], pushes
        assert pushes[2][1]["deleted"] and pushes[4][1]["kind"] == KINDS["EVENT_DELETE"]


run()
