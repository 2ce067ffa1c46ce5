"""Who people are in the chat: names that nobody else has, guests who stay themselves, users with tokens."""

import hashlib
import hmac
import json
import os
import re
import tempfile
import time

from chat_client import CHAT, HELLO, REFRESH, SET_NICK, Client
from jwt_forge import base64url
from server_process import Server
from tap import run, test

CHATROOM = os.environ["CHATROOM"]
SECRET = "a secret of this test, 32 bytes or more"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
GUEST = re.compile(r"^guest-[a-z2-7]{4,}$")


class Chat:
    def __init__(self, **settings):
        self.server = Server(CHATROOM, {name.replace("__", "."): value for name, value in settings.items()})

    def __enter__(self):
        return self.server

    def __exit__(self, kind, *_):
        if kind is None:
            self.server.stop()
        else:
            self.server.kill()


def chat(**settings):
    return Chat(**settings)


def jwt(changes=None, secret=SECRET, header=None):
    now = int(time.time())
    claims = {"sub": "ann", "exp": now + 3600, **(changes or {})}
    claims = {name: value for name, value in claims.items() if value is not None}
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header or {"alg": "HS256"}, claims))
    return f"{text}.{base64url(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"


def expect(found, wanted):
    assert found == wanted, f"{wanted!r}, not {found!r}"


# Names.


@test("two people cannot both be Ada, nor a name that looks the same")
def looks_the_same():
    with chat() as server, Client(server) as ada, Client(server) as other:
        ada.hello("Ada Paul")
        for nick in ("Ada Paul", "ADA PAUL", "  Ada \u3000 Paul ", "Ada PauI", "\uff21da Paul", "Ada Pau1"):
            refused = other.refusal(HELLO, {"nick": nick})
            expect((nick, refused.code, refused.reason), (nick, 124, "NICK_TAKEN"))
        for nick in ("Ada Paul\u200b", "\u0410da Paul", "\u202eAda Paul", "Ada Paul\u2060", "Ada\x1bPaul"):
            refused = other.refusal(HELLO, {"nick": nick})
            expect((nick, refused.code, refused.reason), (nick, 125, "NICK_INVALID"))
        expect(other.hello("Ada Paula")["nick"], "Ada Paula")


@test("a name of which nothing is seen is refused, and so is a message")
def blank():
    with chat() as server, Client(server) as ada:
        for nick in (" ", "\u3000\u3000", "\u200b", "\u3164", "\u2800", "\ufe0f", "\xad"):
            expect(ada.refusal(HELLO, {"nick": nick}).code, 125)
        ada.hello("Ada")
        for text in ("", " \n\t", "\u200b\u200d", "\u3164", "\u2800"):
            refused = ada.refusal(CHAT, {"message": text})
            expect((refused.code, refused.reason), (123, "TEXT_EMPTY"))


@test("names have 1 to 32 characters, of any script, and blanks around them go")
def lengths():
    with chat() as server, Client(server) as ada:
        expect(ada.refusal(HELLO, {"nick": "x" * 33}).code, 125)
        expect(ada.hello("x" * 32)["nick"], "x" * 32)
        for nick in ("小明", "علي", "Анна", "Kim 김철수", "👩‍👩‍👧‍👦", "'); DROP TABLE messages; --", "%n%s <b>"):
            expect(ada.call(SET_NICK, {"nick": f"  {nick} "})["nick"], nick)


@test("a name is given to those who ask for none, and to those without a subprotocol")
def given_names():
    with chat() as server, Client(server) as ada, Client(server, None) as plain, Client(server) as bob:
        first = ada.hello()
        assert GUEST.match(first["nick"]), first
        assert UUID.match(first["userId"]) and first["userId"] != first["sessionId"], first
        assert bob.hello()["nick"] != first["nick"]
        plain.send(CHAT, {"message": "hi", "sender": "Ada", "user_id": first["userId"]})
        heard = ada.hears()
        assert GUEST.match(heard["sender"]) and heard["sender"] != first["nick"], heard
        assert UUID.match(heard["userId"]) and heard["userId"] != first["userId"], heard


@test("the sender of a message is who sent it, whatever the message says (row 32)")
def spoofing():
    with chat() as server, Client(server) as ada, Client(server) as eve:
        ada_id = ada.hello("Ada")["userId"]
        eve_id = eve.hello("Eve")["userId"]
        eve.send(CHAT, {"message": "hi", "sender": "Ada", "userId": ada_id, "tsMs": "1", "timestamp": "never"})
        heard = ada.hears()
        expect((heard["sender"], heard["userId"]), ("Eve", eve_id))
        assert heard["timestamp"].startswith("20") and int(heard["tsMs"]) > 1


@test("a name is free again after the hold time, and at once for the user who had it")
def free_again():
    with chat() as server:
        ada = Client(server)
        token = ada.hello("Ada")["guestToken"]
        ada.leave()
        server.wait_for_log("session closed")
        with Client(server) as other, Client(server) as again:
            expect(other.refusal(HELLO, {"nick": "Ada"}).code, 124)
            expect(again.hello("Ada", token)["nick"], "Ada")


@test("SetNick changes the name for all sessions of the user, and frees the old one")
def set_nick():
    with chat() as server, Client(server) as one, Client(server) as two, Client(server) as other:
        first = one.hello("Ada")
        expect(two.hello("Ada", first["guestToken"])["userId"], first["userId"])
        changed = one.call(SET_NICK, {"nick": "Byron"})
        expect(changed["nick"], "Byron")
        two.send(CHAT, {"message": "hi"})
        expect(one.hears()["sender"], "Byron")
        expect(other.hello("Ada")["nick"], "Ada")
        for nick, code in (("Ada", 124), ("", 125), ("A\x00b", 125), ("x" * 33, 125), ("x" * 5000, 125)):
            expect((nick[:9], one.refusal(SET_NICK, {"nick": nick}).code), (nick[:9], code))
        # The new token has the new name.
        two.leave()
        with Client(server) as again:
            expect(again.hello("", changed["guestToken"])["nick"], "Byron")


# Hello.


@test("before Hello every call and message is answered with 101, and nothing is sent to others")
def hello_first():
    with chat() as server, Client(server) as ada, Client(server) as silent:
        ada.hello("Ada")
        for kind, message in ((CHAT, {"message": "hi"}), (SET_NICK, {"nick": "x"}), (REFRESH, {"token": "x"})):
            refused = silent.refusal(kind, message)
            expect((refused.code, refused.reason), (101, "HELLO_FIRST"))
        silent.send(CHAT, {"message": "hi"})
        kind, _, is_error, message = silent.read()
        expect((kind, is_error, message["code"], message["reason"]), (CHAT, True, 101, "HELLO_FIRST"))
        silent.send(40, {})
        silent.hello("Bob")
        silent.send(CHAT, {"message": "now"})
        expect(ada.hears()["message"], "now")


@test("a session that does not call Hello in time is closed with 4502, one without a subprotocol is not")
def deadline():
    with chat(chat__hello_timeout_ms=300) as server, Client(server, None) as plain, Client(server) as ada:
        ada.hello("Ada")
        with Client(server) as late:
            expect(late.peer.read_close(), 4502)
        plain.send(CHAT, {"message": "hi"})
        expect(ada.hears()["message"], "hi")


@test("HelloReply tells the limits of the configuration, the default room and the role")
def reply():
    settings = {"server__limits__rate__messages_per_s": 7, "server__ping_interval_ms": 12345}
    with chat(**settings) as server, Client(server) as ada:
        told = ada.hello("Ada", client="page", version="1.0", locale="zh-CN")
        wanted = {"ratePerS": 7, "rateBurst": 14, "pingMs": 12345, "defaultRoom": "lobby", "textCharsMax": 4000,
                  "messageBytesMax": 65536, "nick": "Ada"}
        expect({name: told.get(name) for name in wanted}, wanted)
        assert told["server"].startswith("stoa-chatroom/"), told
        assert abs(int(told["serverMs"]) - time.time() * 1000) < 60000, told
        assert told["guestToken"].count(".") == 2, told
        expect((told["tokenTtlS"], told["role"]), (0, "ROLE_USER"))


@test("client, version and locale that are too long are refused with 107")
def long_fields():
    with chat() as server, Client(server) as ada:
        for name, most in (("client", 64), ("version", 64), ("locale", 35)):
            refused = ada.refusal(HELLO, {"nick": "Ada", name: "x" * (most + 1)})
            expect((refused.code, refused.reason), (107, "BAD_REQUEST"))
        ada.hello("Ada", client="x" * 64, version="x" * 64, locale="x" * 35)


@test("a second Hello of the same user may change the name; that of another user is refused")
def again():
    with chat() as server, Client(server) as ada, Client(server) as bob:
        first = ada.hello("Ada")
        bobs = bob.hello("Bob")
        second = ada.hello("Byron", first["guestToken"])
        expect((second["userId"], second["nick"]), (first["userId"], "Byron"))
        expect(ada.hello()["nick"], "Byron")
        expect(ada.refusal(HELLO, {"nick": "Ada", "token": bobs["guestToken"]}).code, 107)
        expect(ada.refusal(HELLO, {"nick": "Ada", "token": "a.b.c"}).code, 101)
        expect(ada.refusal(HELLO, {"nick": "Bob"}).code, 124)
        expect(ada.hello()["nick"], "Byron")


# Guests.


@test("a reload keeps user id and nick by the guest token")
def reload_keeps():
    with chat() as server:
        with Client(server) as ada:
            first = ada.hello("Ada")
        with Client(server) as ada:
            second = ada.hello("", first["guestToken"])
            expect((second["userId"], second["nick"]), (first["userId"], "Ada"))
            # Every Hello renews it.
            assert second["guestToken"], second


@test("a guest keeps user id and nick over a restart of the server, with the key in the data folder")
def restart_keeps():
    with tempfile.TemporaryDirectory() as folder:
        with chat(data_dir=folder) as server, Client(server) as ada:
            first = ada.hello("Ada")
        assert "guest.key" in os.listdir(folder)
        expect(os.stat(os.path.join(folder, "guest.key")).st_mode & 0o777, 0o600)
        with chat(data_dir=folder) as server, Client(server) as ada:
            second = ada.hello("", first["guestToken"])
            expect((second["userId"], second["nick"]), (first["userId"], "Ada"))
        # Without the folder it is another key.
        with chat() as server, Client(server) as ada:
            expect(ada.refusal(HELLO, {"token": first["guestToken"]}).code, 101)


@test("a guest whose name is in use gets a new one, unless the guest asks for it")
def name_lost():
    with tempfile.TemporaryDirectory() as folder:
        with chat(data_dir=folder) as server, Client(server) as ada:
            first = ada.hello("Ada")
        with chat(data_dir=folder) as server, Client(server) as other, Client(server) as back:
            other.hello("Ada")
            expect(back.refusal(HELLO, {"nick": "Ada", "token": first["guestToken"]}).code, 124)
            told = back.hello("", first["guestToken"])
            expect(told["userId"], first["userId"])
            assert GUEST.match(told["nick"]), told


@test("a server does not start with a key of guests that others can read")
def bad_keys():
    with tempfile.TemporaryDirectory() as folder:
        with chat(data_dir=folder):
            pass
        path = os.path.join(folder, "guest.key")
        os.chmod(path, 0o644)
        try:
            Server(CHATROOM, {"data_dir": folder})
        except AssertionError as ended:
            assert "the key of guest tokens cannot be used" in str(ended) and path in str(ended), ended
        else:
            raise AssertionError("it started")


@test("forged, foreign, broken and expired guest tokens are refused, and the session may still be a guest")
def forged():
    with chat() as server, chat() as elsewhere, Client(server) as ada, Client(elsewhere) as other:
        good = Client(server)
        token = good.hello("Ada")["guestToken"]
        foreign = other.hello("Ada")["guestToken"]
        header, claims, signature = token.split(".")
        none = base64url(b'{"alg":"none"}')
        bad = [foreign, "x", "..", f"{header}.{claims}.", f"{none}.{claims}.", f"{none}.{claims}.{signature}",
               f"{header}.{claims}.{signature[:-4]}AAAA", f"{header}.{claims}A.{signature}", token + "=", token[1:],
               jwt(), jwt(secret="x" * 32, header={"alg": "HS256", "kid": "stoa-guest"}), "x" * 9000,
               "' OR 1=1 --", "a\x1b[31m.b.c"]
        for text in bad:
            refused = ada.refusal(HELLO, {"nick": "Eve", "token": text})
            expect((text, refused.code, refused.message), (text, 101, "bad token"))
            assert text[:20] not in refused.message and "\x1b" not in refused.message
        expect(ada.hello("Eve")["nick"], "Eve")
        server.wait_for_log("token refused", "the signature is wrong")
        good.leave()


# Users with tokens.


USERS = {"server__auth__secret": SECRET}


@test("a user with a JWT has its sub, name and role")
def users():
    with chat(**USERS) as server, Client(server) as ann, Client(server) as guest:
        told = ann.hello("ignored", jwt({"name": "Ann", "role": "moderator", "rooms": ["lobby"]}))
        expect((told["userId"], told["nick"], told["role"]), ("ann", "Ann", "ROLE_MODERATOR"))
        assert 3590 <= told["tokenTtlS"] <= 3600 and told["guestToken"] == "", told
        ann.send(CHAT, {"message": "hi"})
        heard = ann.hears()
        expect((heard["sender"], heard["userId"]), ("Ann", "ann"))
        # Others are guests.
        expect(guest.refusal(HELLO, {"nick": "Ann"}).code, 124)
        told = guest.hello("Bob")
        assert told["guestToken"] and told["role"] == "ROLE_USER", told


@test("the name of a JWT cannot be changed; without the claim the user chooses")
def names_of_users():
    with chat(**USERS) as server, Client(server) as ann, Client(server) as bob:
        ann.hello("", jwt({"name": "Ann"}))
        refused = ann.refusal(SET_NICK, {"nick": "Eve"})
        expect((refused.code, refused.reason), (103, "PERMISSION_DENIED"))
        expect(ann.call(SET_NICK, {"nick": "Ann"})["nick"], "Ann")
        expect(bob.hello("Robert", jwt({"sub": "bob"}))["nick"], "Robert")
        told = bob.call(SET_NICK, {"nick": "Bob"})
        expect((told["nick"], told["guestToken"]), ("Bob", ""))


@test("the sessions of one sub are one user, and two subs cannot have one name")
def subs():
    with chat(**USERS) as server, Client(server) as one, Client(server) as two, Client(server) as other:
        one.hello("", jwt({"name": "Ann"}))
        expect(two.hello("", jwt({"name": "Ann"}))["userId"], "ann")
        expect(other.refusal(HELLO, {"token": jwt({"sub": "eve", "name": "ANN"})}).code, 124)


@test("tokens with claims that cannot be used are refused with 101")
def claims():
    with chat(**USERS) as server:
        for changes in ({"sub": None}, {"sub": ""}, {"sub": "x" * 129}, {"sub": "a\nb"}, {"sub": 7}, {"role": "root"},
                        {"role": 1}, {"rooms": "lobby"}, {"rooms": [1]}, {"name": ["Ann"]}, {"exp": None}):
            with Client(server) as ann:
                expect((changes, ann.refusal(HELLO, {"token": jwt(changes)}).code), (changes, 101))
        for changes in ({"name": "x" * 33}, {"name": "\u202eAnn"}):
            with Client(server) as ann:
                expect((changes, ann.refusal(HELLO, {"token": jwt(changes)}).code), (changes, 125))
        with Client(server) as ann:
            expect(ann.hello("", jwt({"sub": "x" * 128, "role": "admin", "rooms": []}))["role"], "ROLE_ADMIN")


@test("an expired JWT is refused with 109, a forged one with 101")
def expired():
    with chat(**USERS) as server, Client(server) as ann:
        refused = ann.refusal(HELLO, {"token": jwt({"exp": int(time.time()) - 60})})
        expect((refused.code, refused.reason), (109, "TOKEN_EXPIRED"))
        for token in (jwt(secret="x" * 32), jwt(header={"alg": "none"}), jwt(header={"alg": "RS256"}), "a.b.c"):
            expect(ann.refusal(HELLO, {"token": token}).code, 101)
        expect(ann.hello("", jwt({"name": "Ann"}))["nick"], "Ann")


@test("where a token is required, there are no guests")
def required():
    with chat(server__auth__required=True, **USERS) as server, chat() as elsewhere:
        with Client(elsewhere) as guest:
            token = guest.hello("Ada")["guestToken"]
        with Client(server) as ada:
            for message in ({"nick": "Ada"}, {"nick": "Ada", "token": token}):
                expect(ada.refusal(HELLO, message).code, 101)
            expect(ada.refusal(CHAT, {"message": "hi"}).code, 101)
            expect(ada.hello("", jwt({"name": "Ann"}))["userId"], "ann")


@test("a token of the upgrade needs none in Hello")
def upgrade():
    with chat(**USERS) as server:
        with Client(server, headers=[f"Authorization: Bearer {jwt({'name': 'Ann'})}"]) as ann:
            expect(ann.hello()["userId"], "ann")


@test("Refresh takes a newer token of the same user, and no other")
def refresh():
    with chat(**USERS) as server, Client(server) as ann, Client(server) as guest, Client(server) as other:
        ann.hello("", jwt({"name": "Ann"}))
        left = ann.call(REFRESH, {"token": jwt({"name": "Ann", "exp": int(time.time()) + 7200})})["tokenTtlS"]
        assert 7190 <= left <= 7200, left
        for token in (jwt({"sub": "eve"}), jwt(secret="x" * 32), "", "x"):
            expect(ann.refusal(REFRESH, {"token": token}).code, 101)
        expect(ann.refusal(REFRESH, {"token": jwt({"exp": int(time.time()) - 60})}).code, 109)
        # The role follows the newest token.
        ann.call(REFRESH, {"token": jwt({"name": "Ann", "role": "admin"})})
        expect(ann.hello()["role"], "ROLE_ADMIN")
        token = guest.hello("Bob")["guestToken"]
        expect(guest.call(REFRESH, {"token": token})["tokenTtlS"], 0)
        expect(guest.refusal(REFRESH, {"token": jwt()}).code, 101)
        expect(guest.refusal(REFRESH, {"token": other.hello("Eve")["guestToken"]}).code, 107)


@test("a session whose token has expired is closed with 4005, unless Refresh replaced the token")
def expiry():
    with chat(server__auth__leeway_s=1, **USERS) as server, Client(server) as ann, Client(server) as bob:
        soon = int(time.time()) + 5
        ann.hello("", jwt({"name": "Ann", "exp": soon}))
        bob.hello("", jwt({"sub": "bob", "name": "Bob", "exp": soon}))
        ann.call(REFRESH, {"token": jwt({"name": "Ann"})})
        expect(bob.peer.read_close(), 4005)
        assert ann.hello()["tokenTtlS"] > 3000


# The log.


@test("what a client says of itself is escaped in the log, and tokens are not there (rows 31, 51, 52)")
def log():
    with chat(log__level="debug") as server, Client(server) as ada:
        evil = "\x1b[31m\r\nlevel=error event=forged \x9b%n"
        expect(ada.refusal(HELLO, {"nick": evil}).code, 125)
        told = ada.hello("Ann %n%s", client=evil, version="\x00\x7f", locale="\x1b]52;c;AA\x07")
        expect(ada.refusal(HELLO, {"token": told["guestToken"] + "x"}).code, 101)
        server.wait_for_log("hello", "Ann %n%s")
        ada.leave()
        server.wait_for_log("session closed")
        for char in "\x1b\x9b\x00\x7f\x07\r":
            assert char not in server.log, f"{char!r} is in the log"
        assert not any(line.startswith("level=error") for line in server.lines), server.log
        for part in told["guestToken"].split("."):
            assert part[:40] not in server.log


if __name__ == "__main__":
    run()
