"""The server API: what each route does, and who may use it."""

import contextlib
import json
import os
import pathlib
import tempfile

from admin_api import KEY, SETTINGS, Api
from chat_client import Client, chat, chat_in
from schema import ENUMS
from tap import run, test

KINDS = ENUMS["EventKind"]
ROUTES = [("POST", "/v1/rooms/lobby/messages"), ("POST", "/v1/broadcast"), ("GET", "/v1/rooms/lobby/messages"),
          ("GET", "/v1/rooms/lobby/presence"), ("GET", "/v1/rooms"), ("DELETE", "/v1/rooms/lobby"),
          ("GET", "/v1/rooms/lobby/search?text=x"), ("GET", "/v1/connections"), ("POST", "/v1/users/x/disconnect"),
          ("PATCH", "/v1/rooms/lobby"), ("POST", "/v1/rooms/lobby/moderate"), ("GET", "/v1/rooms/lobby/sanctions"),
          ("POST", "/v1/bans"), ("GET", "/v1/bans"), ("DELETE", "/v1/bans?user_id=x"), ("DELETE", "/v1/users/x"), ("POST", "/v1/backup"), ("GET", "/v1/info"), ("GET", "/v1/openapi.json")]
BOT = {"userId": "bot", "sender": "Bot"}


@contextlib.contextmanager
def serving(settings=None):
    with chat({**SETTINGS, **(settings or {})}) as server:
        yield server, Api(server)


def member(server, nick, subprotocol="stoa.json", **join):
    client = Client(server.port, subprotocol, nick)
    client.joined = client.call("Join", **join)
    return client


@test("a published message reaches all members with the name and the user that the request has, and is stored once")
def publish():
    with serving() as (server, api):
        ann = member(server, "Ann")
        body = {"message": "hello 世界", "clientMsgId": "one", "replyTo": "7", **BOT}
        ack = api.post("/v1/rooms/lobby/messages", **body)
        message = ann.chat()
        assert (message["message"], message["sender"], message["user_id"]) == ("hello 世界", "Bot", "bot"), message
        assert (str(message["offset"]), str(message["epoch"])) == (ack["offset"], ack["epoch"]), (message, ack)
        assert message["reply_to"] == 7 and message["client_msg_id"] == "one"
        again = api.post("/v1/rooms/lobby/messages", **body)
        assert again["duplicate"] and again["offset"] == ack["offset"], again
        api.post("/v1/rooms/a%20b%2Fc/messages", message="new room", **BOT)
        assert [room["name"] for room in api.get("/v1/rooms")["rooms"]] == ["a b/c", "lobby"]


@test("a message that cannot be published is refused with its code")
def publish_errors():
    with serving() as (_, api):
        path = "/v1/rooms/lobby/messages"
        for body, code in (({"message": "x"}, 107), ({"message": "x", "userId": "bot"}, 125),
                           ({"message": "x", "userId": "bot", "sender": "a\u202eb"}, 125),
                           ({"message": "", **BOT}, 123), ({"message": "x" * 4001, **BOT}, 122),
                           ({"message": "x", "sender": "Bot", "userId": "u" * 129}, 107),
                           ({"message": "x", "sender": "Bot", "userId": "a\nb"}, 107),
                           ({"message": "x", "clientMsgId": "i" * 65, **BOT}, 107)):
            assert api.refused("POST", path, body) == (400, code), body
        assert api.refused("POST", "/v1/rooms/" + "r" * 64 + "/messages", {"message": "x", **BOT}) == (400, 107)
        assert api.get("/v1/rooms")["rooms"] == []


@test("a broadcast reaches the rooms that it names, or all, and is repeated without harm")
def broadcast():
    with serving() as (server, api):
        for i in range(230):
            api.post(f"/v1/rooms/r{i:03}/messages", message="first", **BOT)
        ann = member(server, "Ann", room="r229")
        assert api.post("/v1/broadcast", message="to two", rooms=["r000", "r229"], **BOT) == {"rooms": 2, "failed": 0}
        assert ann.chat()["message"] == "to two"
        for _ in range(2):
            assert api.post("/v1/broadcast", message="to all", clientMsgId="b", **BOT) == {"rooms": 230, "failed": 0}
        assert ann.chat()["message"] == "to all"
        for room, said in (("r000", ["first", "to two", "to all"]), ("r100", ["first", "to all"])):
            items = api.get(f"/v1/rooms/{room}/messages")["items"]
            assert [item["message"] for item in items] == said, items
        assert api.refused("POST", "/v1/broadcast", {"message": "x", "rooms": ["r"] * 1001, **BOT}) == (400, 107)
        assert api.refused("POST", "/v1/broadcast", {"message": "x", "rooms": ["a\tb"], **BOT}) == (400, 107)
        assert api.refused("POST", "/v1/broadcast", {"message": "", **BOT}) == (400, 123)


@test("messages are read in pages, and found by their text, as members see them")
def read():
    with serving() as (server, api):
        ann = member(server, "Ann")
        acks = [ann.call("Chat", message=f"number {i}") for i in range(30)]
        ann.call("Edit", offset=acks[3]["offset"], text="edited 3")
        ann.call("React", offset=acks[4]["offset"], emoji="👍")
        ann.call("Delete", offset=acks[5]["offset"])
        page = api.get("/v1/rooms/lobby/messages", limit=10)
        assert [item["message"] for item in page["items"]] == [f"number {i}" for i in range(20, 30)] and page["more"]
        page = api.get("/v1/rooms/lobby/messages", before=acks[10]["offset"], epoch=acks[0]["epoch"])
        assert [item["message"] for item in page["items"]] == [
            "number 0", "number 1", "number 2", "edited 3", "number 4", "", "number 6", "number 7", "number 8",
            "number 9"], page
        assert page["items"][4]["reactions"] == {"👍": {"count": 1, "mine": False}}, page["items"][4]
        assert page["items"][5]["deleted"] and not page["more"]
        page = api.get("/v1/rooms/lobby/messages", after=acks[27]["offset"])
        assert [item["message"] for item in page["items"]] == ["number 28", "number 29"]
        assert [item["message"] for item in api.get("/v1/rooms/lobby/search", text="edit")["items"]] == ["edited 3"]
        reply = api.get("/v1/rooms/lobby/search", text="number", limit=5)
        assert len(reply["items"]) == 5 and reply["continueBefore"] != "0"
        assert api.get("/v1/rooms/nowhere/messages")["items"] == []


@test("limits and offsets that cannot be are refused with 400, positions of another epoch with 410")
def read_errors():
    with serving() as (_, api):
        ack = api.post("/v1/rooms/lobby/messages", message="x", **BOT)
        for query in ({"limit": 101}, {"limit": -1}, {"limit": 2**32}, {"before": 2**63}, {"before": 2**64},
                      {"after": 2**64}, {"before": "x"}, {"before": 1, "after": 1}, {"nothing": 1}):
            status, _ = api.request("GET", "/v1/rooms/lobby/messages", **query)
            assert status == 400, (query, status)
        other = int(ack["epoch"]) ^ 1
        assert api.refused("GET", "/v1/rooms/lobby/messages", epoch=other, before=5) == (410, 112)
        for query in ({}, {"text": ""}, {"text": "x" * 257}, {"text": "x", "limit": 101}, {"text": "x", "before": 2**63}):
            assert api.refused("GET", "/v1/rooms/lobby/search", **query) == (400, 107), query
        assert api.refused("GET", "/v1/rooms", limit=101) == (400, 107)
        assert api.refused("GET", "/v1/rooms", after="r" * 64) == (400, 107)
        assert api.refused("GET", "/v1/connections", limit=1001) == (400, 107)
        assert api.refused("GET", "/v1/connections", after="x") == (400, 107)
        assert api.refused("GET", "/v1/connections", user_id="u" * 129) == (400, 107)


@test("rooms are listed in pages with who is in them, and a deleted one is gone for its members")
def rooms():
    with serving() as (server, api):
        for name in ("c", "a", "b"):
            api.post(f"/v1/rooms/{name}/messages", message="x", **BOT)
        ann = member(server, "Ann", room="b")
        page = api.get("/v1/rooms", limit=2)
        assert [(room["name"], room["online"]) for room in page["rooms"]] == [("a", 0), ("b", 1)] and page["more"], page
        assert int(page["rooms"][0]["lastActivityMs"]) > 1_600_000_000_000
        page = api.get("/v1/rooms", after="b")
        assert [room["name"] for room in page["rooms"]] == ["c"] and not page["more"], page
        assert api.delete("/v1/rooms/b") == {"messages": "1"}
        assert ann.peer.read_close() == 4010
        assert api.get("/v1/rooms/b/messages")["items"] == []
        assert api.refused("DELETE", "/v1/rooms/b") == (404, 102)


@test("the people of a room are listed with their names and sessions")
def presence():
    with serving() as (server, api):
        ann, again, ben = member(server, "Ann"), Client(server.port), member(server, "Ben")
        again.call("Hello", token=ann.welcome["guest_token"])
        again.call("Join")
        answer = api.get("/v1/rooms/lobby/presence")
        people = {one["nick"]: (one["userId"], one["sessions"]) for one in answer["members"]}
        assert people == {"Ann": (ann.user_id, 2), "Ben": (ben.user_id, 1)} and answer["total"] == 2, answer
        assert api.get("/v1/rooms/nowhere/presence")["members"] == []
        assert api.refused("GET", "/v1/rooms/" + "r" * 64 + "/presence") == (400, 107)


@test("connections are listed by id in pages, and those of a user are ended with code and reason")
def connections():
    with serving() as (server, api):
        clients = [Client(server.port, "stoa.proto", f"User{i}") for i in range(7)]
        silent = Client(server.port)
        everyone, after = [], None
        while True:
            page = api.get("/v1/connections", limit=3, **({} if after is None else {"after": after}))
            everyone += page["connections"]
            assert len(page["connections"]) <= 3
            if not page["more"]:
                break
            after = page["connections"][-1]["sessionId"]
        ids = [connection["sessionId"] for connection in everyone]
        assert ids == sorted(ids) and len(set(ids)) == 8, ids
        assert sorted(connection["nick"] for connection in everyone) == ["", *(f"User{i}" for i in range(7))]
        one = clients[3]
        found = api.get("/v1/connections", user_id=one.user_id)["connections"]
        assert len(found) == 1 and found[0]["nick"] == "User3" and found[0]["codec"] == "proto", found
        assert found[0]["guest"] and found[0]["address"] == "127.0.0.1" and not found[0]["plain"], found
        ended = api.post(f"/v1/users/{one.user_id}/disconnect", code=4007, reason="see you")
        assert ended == {"sessions": 1} and one.peer.read_close() == 4007
        server.wait_for_log("code=4007", "see you")
        assert api.post(f"/v1/users/{clients[1].user_id}/disconnect") == {"sessions": 1}
        assert clients[1].peer.read_close() == 4503
        assert api.post("/v1/users/nobody/disconnect") == {"sessions": 0}
        for body in ({"code": 1000}, {"code": 3999}, {"code": 5000}, {"reason": "x" * 124}, {"reason": "a\0b"}):
            assert api.refused("POST", "/v1/users/x/disconnect", body) == (400, 107), body
        silent.peer.close()


@test("an erased user is gone: sessions end, texts are nowhere, and members are told to remove them")
def erase():
    with serving() as (server, api):
        ann, ben = member(server, "Ann"), member(server, "Ben")
        kept = ben.call("Chat", message="of Ben")["offset"]
        offset = ann.call("Chat", message="secret of Ann")["offset"]
        ann.call("Edit", offset=offset, text="edited secret of Ann")
        ann.call("React", offset=kept, emoji="👍")
        for _ in range(4):
            last = ben.push()
        assert last[1]["emoji"] == "👍"
        ann.call("Join", room="other")
        other = ann.call("Chat", room="other", message="another secret")["offset"]
        answer = api.delete(f"/v1/users/{ann.user_id}")
        assert int(answer["messages"]) >= 4 and (answer["sessions"], answer["told"]) == (1, "2"), answer
        assert ann.peer.read_close() == 4503
        event = ben.event()
        assert (event["kind"], event["target"], event["user_id"]) == (KINDS["EVENT_DELETE"], offset, ""), event
        for room, place in (("lobby", offset), ("other", other)):
            assert api.get(f"/v1/rooms/{room}/search", text="secret")["items"] == []
            item = next(item for item in api.get(f"/v1/rooms/{room}/messages")["items"] if item["offset"] == str(place))
            assert item["deleted"] and item["message"] == item["sender"] == item["userId"] == "", item
        item = next(item for item in api.get("/v1/rooms/lobby/messages")["items"] if item["offset"] == str(kept))
        assert item["message"] == "of Ben" and item["reactions"] == {}, item
        assert api.delete(f"/v1/users/{ann.user_id}") == {"messages": "0", "sessions": 0, "told": "0"}
        assert api.refused("DELETE", "/v1/users/" + "u" * 129) == (400, 107)


@test("a backup is a file of the folder for backups, and nowhere else")
def backup():
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder, "data")
        with chat_in(str(data), SETTINGS) as server:
            api = Api(server)
            api.post("/v1/rooms/lobby/messages", message="x", **BOT)
            answer = api.post("/v1/backup", name="first.db")
            assert answer == {"path": str(data / "backups" / "first.db"), "messages": "1"}, answer
            assert os.stat(data / "backups").st_mode & 0o777 == 0o700
            assert os.stat(data / "backups" / "first.db").st_mode & 0o777 == 0o600
            assert api.refused("POST", "/v1/backup", {"name": "first.db"}) == (409, 409)
            assert pathlib.Path(api.post("/v1/backup")["path"]).parent == data / "backups"
            os.symlink(data / "escaped.db", data / "backups" / "link.db")
            assert api.refused("POST", "/v1/backup", {"name": "link.db"}) == (409, 409)
            for name in ("../x.db", "/tmp/x.db", "a/b.db", "..", ".", ".x", "-x", "a\\b", "a\0b", "é", "x" * 101, "a b"):
                assert api.refused("POST", "/v1/backup", {"name": name}) == (400, 107), name
            assert sorted(path.name for path in data.iterdir() if "db" not in path.name) == ["backups", "guest.key"]
            assert not (data / "escaped.db").exists()
            assert len(list((data / "backups").iterdir())) == 3
    with serving({"engine.kind": "memory"}) as (_, api):
        assert api.refused("POST", "/v1/backup", {}) == (400, 107)


@test("the information says what the server is and how its storage is")
def info():
    with serving() as (server, api):
        ann = member(server, "Ann")
        answer = api.get("/v1/info")
        assert answer["server"].startswith("chatroom 0.") and answer["storage"] == "up", answer
        assert answer["sessions"] == "1" and answer["defaultRoom"] == "lobby" and answer["dataDir"], answer
        ann.leave()


@test("the OpenAPI document has every route with the key that it needs")
def openapi():
    with serving() as (_, api):
        document = api.get("/v1/openapi.json")
        assert document["openapi"].startswith("3.1"), document
        there = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        for method, path in ROUTES[:-1]:
            wanted = path.split("?")[0].replace("/lobby", "/{room}").replace("/users/x", "/users/{user_id}")
            assert (method, wanted) in there, (method, wanted, there)
        assert document["paths"]["/v1/rooms"]["get"]["security"] == [{"adminKey": []}]


@test("no route does anything without the key, nor at the public listener")
def keys():
    with serving() as (server, api):
        for method, path in ROUTES:
            for key in (None, KEY[:-1], KEY + "x", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"):
                body = {} if method in ("POST", "PATCH") else None
                status, _ = Api(server, key).request(method, path, body)
                assert status == 401, (method, path, key, status)
            public = Api(server)
            public.port = server.port
            status, _ = public.raw(method, path, b"{}" if method == "POST" else b"",
                                   {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
            assert status in (404, 405), (method, path, status)
        assert api.get("/v1/rooms")["rooms"] == []
        assert KEY not in server.log


@test("requests that a page of another site can make are refused, and so are bodies that are none")
def bodies():
    with serving() as (_, api):
        key = {"Authorization": f"Bearer {KEY}"}
        json_type = {**key, "Content-Type": "application/json"}
        body = json.dumps({"message": "x", **BOT}).encode()
        path = "/v1/rooms/lobby/messages"
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            assert api.raw("POST", path, body, {**key, "Content-Type": kind})[0] == 415, kind
        assert api.raw("POST", path, body, key)[0] == 415
        assert api.raw("POST", path, body, {**json_type, "Origin": "https://evil.example"})[0] == 403
        assert api.raw("DELETE", "/v1/rooms/lobby", b"", {**key, "Origin": "null"})[0] == 403
        assert api.raw("POST", path, b" " * (4 << 20), json_type)[0] == 413
        for broken in (b"{", b"[]", b'{"message":1}', b'{"unknown":1}', b'{"message":"\xff"}', b"[" * 100000,
                       b'{"replyTo":18446744073709551616}'):
            assert api.raw("POST", path, broken, json_type)[0] == 400, broken[:30]
        override = {**json_type, "X-HTTP-Method-Override": "DELETE"}
        assert api.raw("POST", "/v1/rooms/lobby", b"{}", override)[0] == 405
        assert api.get("/v1/rooms")["rooms"] == []


@test("texts of SQL are texts, in each field that reaches the storage")
def injection():
    with serving() as (_, api):
        api.post("/v1/rooms/lobby/messages", message="first", **BOT)
        for text in ("'); DROP TABLE message; --", "' OR 1=1 --", "\"; DELETE FROM room; --"):
            room = "/v1/rooms/" + text.replace(" ", "%20").replace(";", "%3B").replace('"', "%22")
            api.post(room + "/messages", message=text, userId=text, sender="Bot", clientMsgId=text)
            assert api.get(room + "/search", text=text)["items"][0]["userId"] == text
            assert api.delete("/v1/users/" + room[len("/v1/rooms/"):])["messages"] == "1"
            assert api.delete(room) == {"messages": "2"}
        assert [item["message"] for item in api.get("/v1/rooms/lobby/messages")["items"]] == ["first"]


run()
