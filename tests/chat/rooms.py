"""Chat, Join, Leave and History in every format, and their errors."""

from chat_client import Client, chat
from schema import TYPES
from tap import run, test

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")


def member(server, subprotocol="stoa.json", nick="Ann", **join):
    client = Client(server.port, subprotocol, nick)
    client.joined = client.call("Join", **join)
    return client


def place(message):
    return {"epoch": message["epoch"], "offset": message["offset"]}


def each_format(name):
    def register(body):
        for subprotocol in FORMATS:
            test(f"in {subprotocol} {name}")(lambda subprotocol=subprotocol: body(subprotocol))
        return body

    return register


@each_format("a message is acknowledged after its sender has got it, with the place that all members see")
def acknowledged(subprotocol):
    with chat() as server:
        ann, ben = member(server, subprotocol), member(server, "stoa.json", "Ben")
        assert ann.welcome["default_room"] == "lobby" and ann.joined["room"] == "lobby", ann.joined
        assert ann.joined["permissions"]["send"] and ann.joined["online"] == 1 and ben.joined["online"] == 2
        answer = ann.begin("Chat", message="hello", client_msg_id="m1", sender="Eve", user_id="x", timestamp="y",
                           ts_ms=5, offset=77, epoch=78, reply_to=3, deleted=True, edited_ms=9)
        own = ann.chat()
        ack = ann.answer("Chat", answer)
        assert place(own) == place(ack) and own["ts_ms"] == ack["ts_ms"] and not ack["duplicate"], (own, ack)
        assert (own["message"], own["sender"], own["user_id"]) == ("hello", "Ann", ann.user_id), own
        assert (own["room"], own["client_msg_id"], own["reply_to"]) == ("lobby", "m1", 3), own
        assert not own["deleted"] and own["edited_ms"] == 0, own
        assert ben.chat() == own
        again = ann.call("Chat", message="hello", client_msg_id="m1")
        assert again["duplicate"] and place(again) == place(ack), again
        ann.say("plain")
        assert ben.chat()["message"] == "plain" and ann.chat()["message"] == "plain"


@each_format("a page has the newest messages, and History goes on from its ends")
def pages(subprotocol):
    with chat() as server:
        ann = member(server, subprotocol)
        acks = [ann.call("Chat", message=f"m{i}") for i in range(8)]
        ben = member(server, subprotocol, "Ben", history=3)
        items = ben.joined["items"]
        assert [item["message"] for item in items] == ["m5", "m6", "m7"], items
        assert ben.joined["more_before"] and not ben.joined["recovered"] and not ben.joined["was_recovering"]
        assert place(ben.joined) == place(acks[7])
        older = ben.call("History", before=items[0]["offset"], limit=4)
        assert [item["message"] for item in older["items"]] == ["m1", "m2", "m3", "m4"] and older["more"], older
        assert older["top"] == acks[7]["offset"] and older["epoch"] == acks[7]["epoch"]
        first = ben.call("History", before=older["items"][0]["offset"])
        assert [item["message"] for item in first["items"]] == ["m0"] and not first["more"], first
        newer = ben.call("History", after=acks[5]["offset"], epoch=acks[5]["epoch"])
        assert [item["message"] for item in newer["items"]] == ["m6", "m7"] and not newer["more"], newer
        assert [item["message"] for item in ben.call("History")["items"]] == [f"m{i}" for i in range(8)]


@each_format("who comes back with its place gets all that was missed, once and in order, then what is live")
def recovery(subprotocol):
    with chat() as server:
        ann, ben = member(server), member(server, subprotocol, "Ben")
        ann.call("Chat", message="seen")
        last = ben.chat()
        ben.call("Leave")
        for i in range(5):
            ann.call("Chat", message=f"missed {i}")
        reply = ben.call("Join", recover=place(last), history=50)
        assert reply["recovered"] and reply["was_recovering"] and reply["items"] == [], reply
        ann.call("Chat", message="live")
        assert [ben.chat()["message"] for _ in range(6)] == [*(f"missed {i}" for i in range(5)), "live"]
        ben.call("Leave")
        lost = ben.call("Join", recover={"epoch": last["epoch"] + 1, "offset": 1}, history=2)
        assert lost["was_recovering"] and not lost["recovered"], lost
        assert [item["message"] for item in lost["items"]] == ["missed 4", "live"]


@each_format("each error has its code")
def errors(subprotocol):
    with chat({"rooms.members_max": 1}) as server:
        ann = Client(server.port, subprotocol, "Ann")
        assert ann.refused("Chat", message="x") == 103
        assert ann.refused("History") == 103
        assert ann.refused("Leave") == 102
        ann.call("Join")
        assert ann.refused("Join") == 105
        assert Client(server.port, subprotocol, "Ben").refused("Join", history=1) == 126
        assert ann.refused("Join", room="a\tb") == 107 and ann.refused("Join", room="r" * 64) == 107
        assert ann.refused("Join", room="other", history=51) == 107
        assert ann.refused("History", limit=101) == 107 and ann.refused("History", before=1, after=1) == 107
        assert ann.refused("Chat", message="x", client_msg_id="i" * 65) == 107
        assert ann.refused("Chat", message="") == 123 and ann.refused("Chat", message="x" * 4001) == 122
        ack = ann.call("Chat", message="x")
        assert ann.refused("History", epoch=ack["epoch"] + 1) == 112
        ann.say("")
        ann.chat()
        assert ann.push()[1]["code"] == 123


@test("a room that only administrators may make is unknown to others")
def unknown_room():
    with chat({"rooms.create": "administrators"}) as server:
        ann = Client(server.port, nick="Ann")
        assert ann.refused("Join") == 102
        assert ann.refused("Join", history=5) == 102


@test("a room is not the others' business: who has not joined it gets nothing of it")
def apart():
    with chat({"default_room": "hall"}) as server:
        ann, ben = member(server), Client(server.port, nick="Ben")
        eve = member(server, nick="Eve", room="other")
        assert ann.welcome["default_room"] == "hall" and ann.joined["room"] == "hall"
        ann.call("Chat", message="in the hall")
        eve.call("Chat", message="elsewhere", room="other")
        ben.call("Join")
        ann.call("Chat", message="second")
        assert ben.chat()["message"] == "second"
        assert eve.chat()["room"] == "other" and not eve.pushes
        ben.call("Leave")
        ann.call("Chat", message="third")
        assert ben.refused("Leave") == 102 and not ben.pushes


@test("a Leave that comes before the answer to Join undoes it")
def left_early():
    with chat() as server:
        ann = member(server)
        ann.call("Chat", message="x")
        ben = Client(server.port, nick="Ben")
        join = ben.begin("Join", history=5)
        leave = ben.begin("Leave")
        answers = {}
        while len(answers) < 2:
            number, call_id, is_error, payload = ben._read()  # pylint: disable=protected-access
            answers[call_id] = (number, ben.format.decode("Error", payload)["code"] if is_error else 0)
        assert answers == {join: (TYPES["Join"], 102), leave: (TYPES["Leave"], 0)}, answers
        assert ben.refused("Chat", message="x") == 103


@test("a reply is never longer than a message may be: it has fewer items, and says that there are more")
def long_pages():
    with chat() as server:
        ann = member(server)
        for _ in range(10):
            ann.call("Chat", message="😀" * 4000)
        ben = member(server, nick="Ben", history=50)
        assert 1 <= len(ben.joined["items"]) < 10 and ben.joined["more_before"], len(ben.joined["items"])
        assert ben.joined["items"][-1]["offset"] == ben.joined["offset"]
        first = ben.joined["items"][0]["offset"]
        older = ben.call("History", before=first)
        assert older["items"] and older["items"][-1]["offset"] < first
        newer = ben.call("History", after=older["items"][0]["offset"])
        assert newer["items"] and newer["more"], newer["top"]


@test("a first client is in the default room at once, and gets Chat messages only")
def first_client():
    with chat() as server:
        ann = member(server)
        plain = Client(server.port, None)
        plain.say("from the first client")
        heard = ann.chat()
        assert heard["message"] == "from the first client" and heard["sender"].startswith("guest-"), heard
        ann.call("React", offset=heard["offset"], emoji="👍")
        assert ann.event()["emoji"] == "👍"
        ann.call("Chat", message="to all")
        names = [plain.push() for _ in range(2)]
        assert [(name, message["message"]) for name, message in names] == [
            ("ChatMessage", "from the first client"), ("ChatMessage", "to all")], names
        assert all(message["sender"] and message["timestamp"] for _, message in names), names


run()
