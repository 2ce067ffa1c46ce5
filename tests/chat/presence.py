"""Who is in a room: lists, what is told of changes, and who counts."""

import hashlib
import hmac
import json
import time

from base64 import urlsafe_b64encode

from chat_client import Client, chat
from tap import run, test

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")
# Leaves are told soon, for tests that wait for one.
SOON = {"rooms.presence_leave_ms": 50, "rooms.presence_interval_ms": 20}
SECRET = "a secret of this test, 32 bytes or more"


class Watcher(Client):
    """A member that keeps its list as a client does."""

    def __init__(self, server, nick, subprotocol="stoa.json", token="", **join):
        super().__init__(server.port, subprotocol)
        self.welcome = self.call("Hello", nick=nick, token=token)
        self.user_id = self.welcome["user_id"]
        self.diffs = []
        self.enter(**join)

    def enter(self, **join):
        self.joined = self.call("Join", presence=True, **join)
        self.take(self.joined["presence"])

    def take(self, presence):
        self.version = presence["version"]
        self.members = {member["user_id"]: member for member in presence["members"]}
        self.total = presence["total"]
        self.is_truncated = presence["truncated"]

    def step(self):
        name, diff = self.push()
        assert name == "PresenceDiffMessage", (name, diff)
        assert diff["room"] == "lobby", diff
        if diff["version"] <= self.version:
            return
        self.diffs.append(diff)
        self.version = diff["version"]
        if diff["truncated"]:
            self.members = {}
        for member in diff["joins"]:
            self.members[member["user_id"]] = member
        for user_id in diff["leaves"]:
            del self.members[user_id]
        self.is_truncated = diff["truncated"]
        self.total = diff["total"]

    def until(self, condition):
        while not condition():
            self.step()

    def nicks(self):
        return sorted(member["nick"] for member in self.members.values())

    def sees(self, *nicks):
        self.until(lambda: self.nicks() == sorted(nicks) and self.total == len(nicks))

    def is_as_listed(self):
        """The list and the diffs say the same."""
        listed = self.call("Presence")
        while self.version < listed["version"] and self.pushes:
            self.step()
        assert {member["user_id"]: member for member in listed["members"]} == self.members, (listed, self.members)
        assert listed["total"] == len(self.members) and not listed["truncated"], listed


def jwt(**claims):
    def part(data):
        return urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = {"exp": int(time.time()) + 3600, **claims}
    text = ".".join(part(json.dumps(fields).encode()) for fields in ({"alg": "HS256"}, claims))
    return f"{text}.{part(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest())}"


def each_format(name):
    def register(body):
        for subprotocol in FORMATS:
            test(f"in {subprotocol} {name}")(lambda subprotocol=subprotocol: body(subprotocol))
        return body

    return register


@each_format("members see who is there, who comes and who goes, on both workers")
def come_and_go(subprotocol):
    with chat(SOON) as server:
        ann = Watcher(server, "Ann", subprotocol)
        assert ann.nicks() == ["Ann"] and ann.joined["online"] == 1, ann.joined
        assert ann.members[ann.user_id] == {
            "user_id": ann.user_id, "nick": "Ann", "sessions": 1, "away": False, "role": 0}
        others = [Watcher(server, f"Ben {i}", history=5) for i in range(6)]
        names = ["Ann", *(f"Ben {i}" for i in range(6))]
        ann.sees(*names)
        assert others[5].nicks() == names and others[5].joined["online"] == 7
        for watcher in (ann, *others):
            watcher.sees(*names)
            watcher.is_as_listed()
        others[0].call("Leave")
        others[1].leave()
        ann.sees("Ann", *names[3:])
        ann.is_as_listed()
        assert others[0].refused("Presence") == 103


@test("a user counts once, with the number of its sessions, and goes with the last one")
def sessions():
    with chat(SOON) as server:
        ann = Watcher(server, "Ann")
        ben = Watcher(server, "Ben")
        token = ben.welcome["guest_token"]
        more = [Watcher(server, "", token=token) for _ in range(3)]
        ann.until(lambda: ann.members.get(ben.user_id, {}).get("sessions") == 4)
        assert ann.total == 2 and more[2].joined["online"] == 2
        for watcher in more:
            watcher.leave()
        ann.until(lambda: ann.members[ben.user_id]["sessions"] == 1)
        ben.leave()
        ann.sees("Ann")


@test("a page that is loaded again is not told: nobody sees that it was away")
def reload():
    with chat() as server:
        ann, ben = Watcher(server, "Ann"), Watcher(server, "Ben")
        ann.sees("Ann", "Ben")
        zoe = Watcher(server, "Zoe")
        ann.sees("Ann", "Ben", "Zoe")
        ann.diffs.clear()
        ben.leave()
        ben = Watcher(server, "", token=ben.welcome["guest_token"], history=50)
        # All who leave wait equally long: a leave of Ben's would be told before Zoe's.
        zoe.leave()
        ann.sees("Ann", "Ben")
        told = [member["nick"] for diff in ann.diffs for member in diff["joins"]]
        assert told == [] and [diff["leaves"] for diff in ann.diffs] == [[zoe.user_id]], ann.diffs


@test("a Join that reads a page, or comes with a place that is lost, is told once")
def two_steps():
    with chat({"rooms.presence_leave_ms": 3600000, "rooms.presence_interval_ms": 20}) as server:
        ann = Watcher(server, "Ann")
        place = ann.call("Chat", message="x")
        ann.pushes.clear()
        for i, recover in enumerate((None, {"epoch": place["epoch"] + 1, "offset": 7},
                                     {"epoch": place["epoch"], "offset": place["offset"] + 99})):
            join = {} if recover is None else {"recover": recover}
            ben = Watcher(server, f"Ben {i}", history=5, **join)
            assert not ben.joined["recovered"] and len(ben.joined["items"]) == i + 1, ben.joined
            assert ben.user_id in ben.members and ben.joined["online"] == i + 2
            ben.call("Chat", message="in")
            told, joins = [], []
            while not joins or "ChatMessage" not in (name for name, _ in told):
                told.append(ann.push())
                # Ann herself may be told in the same diff, or in one before.
                joins = [member for name, diff in told if name == "PresenceDiffMessage" for member in diff["joins"]
                         if member["user_id"] != ann.user_id]
            assert [(member["nick"], member["sessions"]) for member in joins] == [(f"Ben {i}", 1)], told
            ben.call("Leave")
            assert ben.call("Join", recover={"epoch": place["epoch"], "offset": place["offset"]}, history=5,
                            presence=True)["recovered"]


@test("who joins without presence, and a first client, are shown, and get nothing of it")
def shown_only():
    with chat(SOON) as server:
        ann = Watcher(server, "Ann")
        ben = Client(server.port, nick="Ben")
        joined = ben.call("Join")
        assert joined["presence"] is None and joined["online"] == 2, joined
        ann.sees("Ann", "Ben")
        plain = Client(server.port, None)
        ann.until(lambda: ann.total == 3)
        guest = next(nick for nick in ann.nicks() if nick not in ("Ann", "Ben"))
        assert guest.startswith("guest-"), guest
        cat = Watcher(server, "Cat")
        ann.sees("Ann", "Ben", "Cat", guest)
        cat.call("Chat", message="to all")
        assert ben.push()[1]["message"] == "to all" and plain.push()[1]["message"] == "to all"
        # By asking Ben has the list too.
        assert len(ben.call("Presence")["members"]) == 4 and not ben.pushes
        assert ann.push()[0] == "ChatMessage"
        plain.peer.close()
        ann.sees("Ann", "Ben", "Cat")


@test("a connection that is reset leaves at once, and a silent one when its pong is missing")
def killed():
    settings = {**SOON, "server.ping_interval_ms": 500, "server.pong_timeout_ms": 500}
    with chat(settings) as server:
        ann = Watcher(server, "Ann")
        reset, silent = Watcher(server, "Reset"), Watcher(server, "Silent")
        ann.sees("Ann", "Reset", "Silent")
        reset.peer.abort()
        ann.sees("Ann", "Silent")
        assert silent.user_id in ann.members
        # It is not read any more, so nothing answers the pings.
        ann.sees("Ann")


@test("above the cap there are totals only, and below it lists again")
def large():
    with chat({**SOON, "rooms.presence_members_max": 8}) as server:
        ann = Watcher(server, "Ann")
        others = [Watcher(server, f"Ben {i}", FORMATS[i % 3]) for i in range(29)]
        ann.until(lambda: ann.total == 30)
        assert ann.is_truncated and ann.members == {}
        last = others[-1]
        assert last.is_truncated and last.members == {} and last.joined["online"] == 30 and last.total == 30
        listed = ann.call("Presence")
        assert listed["truncated"] and listed["members"] == [] and listed["total"] == 30, listed
        for watcher in others[3:]:
            watcher.leave()
        ann.sees("Ann", "Ben 0", "Ben 1", "Ben 2")
        assert not ann.is_truncated


@test("a new name is seen in all rooms of all sessions of its user")
def renamed():
    with chat(SOON) as server:
        ann = Watcher(server, "Ann")
        ben = Watcher(server, "Ben")
        elsewhere = [Client(server.port) for _ in range(4)]
        for client in elsewhere:
            client.call("Hello", token=ben.welcome["guest_token"])
            client.call("Join", room="other")
        cat = Client(server.port, nick="Cat")
        cat.call("Join", room="other")
        ann.sees("Ann", "Ben")
        ben.call("SetNick", nick="Benedict")
        ann.sees("Ann", "Benedict")
        # A second session's Hello renames the user too; it is not in the lobby itself.
        elsewhere[0].call("Hello", nick="Benno")
        ann.sees("Ann", "Benno")
        elsewhere[1].call("SetNick", nick="Ben again")
        ann.sees("Ann", "Ben again")
        while True:
            listed = cat.call("Presence", room="other")
            named = next(member for member in listed["members"] if member["user_id"] == ben.user_id)
            assert named["sessions"] == 4, named
            if named["nick"] == "Ben again":
                break
        ann.is_as_listed()


@each_format("a user is away when no session of the user has sent anything for a while, and back with the next message")
def away(subprotocol):
    with chat({**SOON, "chat.away_ms": 1000}) as server:
        ann, ben = Watcher(server, "Ann"), Watcher(server, "Ben", subprotocol)
        plain = Client(server.port, None)
        ann.until(lambda: len(ann.members) == 3)
        (plain_id,) = set(ann.members) - {ann.user_id, ben.user_id}

        def until(condition):
            while not condition():
                name, message = ann.push()
                if name == "PresenceDiffMessage":
                    ann.pushes.appendleft((name, message))
                    ann.step()

        def is_away(user_id):
            return ann.members[user_id]["away"]

        until(lambda: all(is_away(user_id) for user_id in (ann.user_id, ben.user_id, plain_id)))
        late = Watcher(server, "Late")
        assert late.members[ben.user_id]["away"] and not late.members[late.user_id]["away"], late.members
        again = Client(server.port, subprotocol, token=ben.welcome["guest_token"])
        again.call("Join")
        until(lambda: not is_away(ben.user_id))
        until(lambda: is_away(ben.user_id))
        ben.send("Ping")
        ben.send("Typing", state=0)
        until(lambda: not is_away(ben.user_id))
        plain.say("hello")
        until(lambda: not is_away(plain_id))
        until(lambda: is_away(ben.user_id))


@test("a role is seen, and so is another one after Refresh")
def roles():
    with chat({**SOON, "server.auth.secret": SECRET}) as server:
        ann = Watcher(server, "Ann")
        ben = Watcher(server, "", token=jwt(sub="ben", name="Ben", role="moderator"))
        ann.sees("Ann", "Ben")
        assert ann.members["ben"]["role"] == 1, ann.members
        ben.call("Refresh", token=jwt(sub="ben", name="Ben", role="admin"))
        ann.until(lambda: ann.members["ben"]["role"] == 2)
        ben.call("Hello", token=jwt(sub="ben", name="Ben"))
        ann.until(lambda: ann.members["ben"]["role"] == 0)


@test("list and page are one message: the page is shorter when the list is long")
def long_list():
    with chat({**SOON, "server.limits.address_sessions_max": 4096}) as server:
        ann = Watcher(server, "Ann")
        for _ in range(4):
            ann.call("Chat", message="😀" * 3000)
        quoted = [Client(server.port, nick='"' * 28 + f"{i:04}") for i in range(150)]
        for client in quoted:
            client.call("Join")
        ben = Watcher(server, "Ben", history=50)
        assert len(ben.members) == 152 and '"' * 28 + "0007" in ben.nicks(), ben.total
        assert 1 <= len(ben.joined["items"]) < 4 and ben.joined["more_before"]
        first = ben.joined["items"][0]["offset"]
        assert len(ben.call("History", before=first)["items"]) == 4 - len(ben.joined["items"])


@test("a list is never longer than a message may be: then there are only totals")
def longest_list():
    with chat({**SOON, "server.limits.address_sessions_max": 4096}) as server:
        ann = Watcher(server, "Ann")
        clients = []
        while not ann.is_truncated:
            clients += [Client(server.port, nick='"' * 28 + f"{len(clients) + i:04}") for i in range(20)]
            for client in clients[-20:]:
                client.call("Join")
            ann.until(lambda: ann.total == len(clients) + 1)
            listed = ann.call("Presence")
            assert listed["truncated"] or len(listed["members"]) == len(clients) + 1
        assert len(clients) > 150, len(clients)


run()
