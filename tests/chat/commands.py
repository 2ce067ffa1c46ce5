"""The commands of the chat program: backup, restore, export, import, erase, token."""

import contextlib
import json
import os
import pathlib
import pty
import subprocess
import tempfile
import threading

from admin_api import KEY, Api
from chat_client import Client
from server_process import DEADLINE_S, Server, sanitizer_environment
from tap import run, test

CHATROOM = os.environ["CHATROOM"]
BOT = {"userId": "bot", "sender": "Bot"}


class Place:
    """A folder with data, the configuration of its server, and commands that use it."""

    def __init__(self, folder, name="data"):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / name
        self.settings = {"data_dir": str(self.data), "server.admin.address": f"unix:{folder}/{name}.sock",
                         "server.admin.key": KEY}

    def command(self, *words, text=None, **settings):
        arguments = [CHATROOM, *words]
        for key, value in {**self.settings, **settings}.items():
            arguments += ["--set", f"{key}={json.dumps(value)}"]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=DEADLINE_S, check=False, input=text,
                              env=sanitizer_environment())

    def good(self, *words, **others):
        ended = self.command(*words, **others)
        assert ended.returncode == 0 and ended.stderr == "", (words, ended)
        return ended.stdout

    def bad(self, *words, **others):
        ended = self.command(*words, **others)
        told = ended.stderr.splitlines()
        assert ended.returncode == 1 and told and told[-1].startswith("chatroom "), (words, ended)
        return ended.stderr

    def lines(self):
        return [json.loads(line) for line in self.good("export", "-").splitlines()]

    @contextlib.contextmanager
    def serving(self):
        # Commands find it at a socket; the tests' own client of the API wants a port.
        settings = {key: value for key, value in self.settings.items() if key != "server.admin.address"}
        listeners = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "role": "admin"}]
        settings |= {"server.listeners": listeners, "server.admin.address": self.settings["server.admin.address"]}
        server = Server(CHATROOM, settings)
        try:
            server.api = Api(server)
            yield server
            server.stop()
        finally:
            server.kill()


@contextlib.contextmanager
def place():
    with tempfile.TemporaryDirectory() as folder:
        yield Place(folder)


def member(server, nick, **join):
    client = Client(server.port, "stoa.json", nick)
    client.joined = client.call("Join", **join)
    return client


def fill(server):
    """Some of everything: edits, reactions, a deletion, an answer, two rooms. Returns the user ids."""
    ann, ben = member(server, "Ann"), member(server, "Ben")
    first = ann.call("Chat", message="first 世界", client_msg_id="one")["offset"]
    gone = ann.call("Chat", message="gone")["offset"]
    ann.call("Edit", offset=first, text="first, edited")
    ben.call("React", offset=first, emoji="👍")
    ann.call("Delete", offset=gone)
    ben.call("Chat", message="an answer", reply_to=first)
    for i in range(150):
        server.api.post("/v1/rooms/other/messages", message=f"number {i}", **BOT)
    ids = ann.user_id, ben.user_id
    ann.leave()
    ben.leave()
    return ids


def pages(server):
    """All messages of all rooms as members see them, without their epochs."""
    seen = {}
    for room in server.api.get("/v1/rooms")["rooms"]:
        before = 2**62
        seen[room["name"]] = []
        while before > 0:
            page = server.api.get(f"/v1/rooms/{room['name']}/messages", before=before, limit=100)
            seen[room["name"]] = page["items"] + seen[room["name"]]
            before = int(page["items"][0]["offset"]) if page["more"] else 0
        for item in seen[room["name"]]:
            del item["epoch"]
    return seen


@test("a backup by the running server and one without it, restored, show what the server showed, in new epochs")
def backups():
    with place() as chat:
        with chat.serving() as server:
            fill(server)
            shown = pages(server)
            epoch = server.api.get("/v1/rooms/lobby/messages")["epoch"]
            assert chat.good("backup", f"{chat.folder}/online.db").endswith(" messages\n")
            assert list((chat.data / "backups").iterdir()) == []
        chat.good("backup", f"{chat.folder}/offline.db")
        for name in ("online", "offline"):
            other = Place(chat.folder, "restored-" + name)
            assert other.good("restore", f"{chat.folder}/{name}.db").endswith(": restored\n")
            assert os.stat(other.data / "chatroom.db").st_mode & 0o777 == 0o600
            left = [path.name for path in other.data.iterdir() if "restoring" in path.name]
            assert left == [], left
            with other.serving() as server:
                assert pages(server) == shown
                assert server.api.get("/v1/rooms/lobby/messages")["epoch"] != epoch


@test("backup and restore never write over what is there, and say why")
def refusals():
    with place() as chat:
        backup = f"{chat.folder}/a.db"
        with chat.serving() as server:
            fill(server)
            chat.good("backup", backup)
            assert "exists" in chat.bad("backup", backup)
            assert "cannot be moved" in chat.bad("backup", f"{chat.folder}/absent/a.db")
            assert "a server uses" in chat.bad("restore", backup)
            assert "a server uses" in chat.bad("restore", backup, "--force")
            assert "a server uses" in chat.bad("import", backup)
            assert "401" in chat.bad("backup", f"{chat.folder}/b.db", **{"server.admin.key": "x" * 40})
            no_api = {"server.admin.address": "off"}
            assert "another process uses it" in chat.bad("backup", f"{chat.folder}/b.db", **no_api)
            assert "another process uses it" in chat.bad("erase", "x", **no_api)
        assert "--force" in chat.bad("restore", backup)
        with chat.serving() as server:
            server.api.post("/v1/rooms/lobby/messages", message="later", **BOT)
        before = chat.lines()
        (chat.folder / "empty.db").write_bytes(b"")
        (chat.folder / "text.db").write_bytes(b"x" * 5000)
        (chat.folder / "cut.db").write_bytes(pathlib.Path(backup).read_bytes()[:5000])
        for name in ("empty.db", "text.db", "cut.db", "absent.db", "."):
            chat.bad("restore", f"{chat.folder}/{name}", "--force")
            assert chat.lines() == before, name
        chat.good("restore", "--force", backup)
        assert len(chat.lines()) == len(before) - 1
        for words in (("backup", "/tmp/x"), ("restore", backup), ("import", backup)):
            assert "engine.kind is memory" in chat.bad(*words, **{"engine.kind": "memory"})


@test("damaged data can be replaced by a backup")
def damaged():
    with place() as chat:
        with chat.serving() as server:
            fill(server)
            chat.good("backup", f"{chat.folder}/a.db")
        lines = len(chat.lines())
        (chat.data / "chatroom.db").write_bytes(b"no database at all" * 1000)
        assert "--force" in chat.command("restore", f"{chat.folder}/a.db").stderr
        assert chat.command("restore", "--force", f"{chat.folder}/a.db").returncode == 0
        assert len(chat.lines()) == lines


@test("an export has each message and event once and in order, and an import of it shows the same")
def exports():
    with place() as chat:
        with chat.serving() as server:
            ann, ben = fill(server)
            shown = pages(server)
            running = chat.lines()
        lines = chat.lines()
        assert lines == running
        assert chat.good("export", f"{chat.folder}/out.jsonl") == f"{chat.folder}/out.jsonl: {len(lines)} lines\n"
        text = (chat.folder / "out.jsonl").read_text(encoding="utf-8")
        assert [json.loads(line) for line in text.splitlines()] == lines
        assert [int(line["offset"]) for line in lines if line["room"] == "other"] == list(range(1, 151))
        first = lines[0]
        assert (first["room"], first["text"], first["userId"], first["nick"], first["clientMsgId"]) == (
            "lobby", "first 世界", ann, "Ann", "one"), first
        edit = next(line for line in lines if line.get("event") == "EVENT_EDIT")
        assert (edit["text"], edit["target"]) == ("first, edited", first["offset"]), edit
        assert not any("gone" in line.get("text", "") for line in lines)
        assert any(line["userId"] == ben and line.get("emoji") == "👍" for line in lines)
        other = Place(chat.folder, "imported")
        assert other.good("import", "-", text=text) == f"-: {len(lines)} lines\n"
        with other.serving() as server:
            assert pages(server) == shown
            assert server.api.get("/v1/rooms/lobby/search", text="edited")["items"][0]["message"] == "first, edited"
        assert "has messages already" in other.bad("import", f"{chat.folder}/out.jsonl")


@test("a line that is none is named with its number, and a file that cannot be is refused")
def bad_lines():
    with place() as chat:
        good = json.dumps({"room": "a", "offset": 2, "userId": "u", "nick": "U", "text": "x"})
        for bad in ("{", "[]", '{"room":"a"}', '{"offset":3}', '{"room":"a","offset":1,"text":"x"}',
                    '{"room":"a\\tb","offset":3}', "x" * (1 << 20)):
            told = chat.bad("import", "-", text=f"{good}\n{bad}\n")
            assert "line 2: " in told, (bad[:50], told)
            chat.good("restore", "--force", empty(chat))
        assert "absent" in chat.bad("import", f"{chat.folder}/absent")
        assert "cannot be made" in chat.bad("export", f"{chat.folder}/absent/x")
        (chat.folder / "there").write_text("kept", encoding="utf-8")
        assert "exists" in chat.bad("export", f"{chat.folder}/there")
        assert (chat.folder / "there").read_text(encoding="utf-8") == "kept"


def empty(chat):
    """A backup of nothing."""
    path = chat.folder / "empty-backup.db"
    if not path.exists():
        Place(chat.folder, "nothing").good("backup", str(path))
    return str(path)


@test("a backup while a thousand messages a second flow is a state that was, and complete up to there")
def flowing():
    with place() as chat:
        with chat.serving() as server:
            ann = member(server, "Ann")
            stop = threading.Event()
            acknowledged = []

            def flow():
                while not stop.is_set():
                    calls = [ann.begin("Chat", message=f"number {len(acknowledged) + i}") for i in range(25)]
                    acknowledged.extend(ann.answer("Chat", call)["offset"] for call in calls)
                    ann.pushes.clear()

            writer = threading.Thread(target=flow)
            writer.start()
            server.wait_for_idle(lambda: len(acknowledged) >= 500 or not writer.is_alive())
            counts = []
            for i in range(3):
                before = len(acknowledged)
                chat.good("backup", f"{chat.folder}/{i}.db")
                counts.append((before, len(acknowledged)))
            stop.set()
            writer.join()
            assert len(acknowledged) >= 600
        for i, (least, most) in enumerate(counts):
            other = Place(chat.folder, f"restored-{i}")
            other.good("restore", f"{chat.folder}/{i}.db")
            lines = other.lines()
            assert [line["text"] for line in lines] == [f"number {n}" for n in range(len(lines))]
            assert [int(line["offset"]) for line in lines] == acknowledged[:len(lines)]
            assert least <= len(lines) <= most + 25, (least, len(lines), most)


def trigrams(text):
    data = text.encode()
    return {data[i:i + 3] for i in range(len(data) - 2)}


@test("after an erase no byte of a user's texts is in the files or found, whether a server runs or not")
def erased():
    secret = "zqxjvkzwq"  # whose trigrams nothing else has
    for runs in (True, False):
        with place() as chat:
            with chat.serving() as server:
                ann, ben = member(server, "Ann"), member(server, "Ben")
                kept = ben.call("Chat", message="of Ben")["offset"]
                for i in range(40):
                    ann.call("Chat", message=f"{secret} {i}")
                offset = ann.call("Chat", message="to edit")["offset"]
                ann.call("Edit", offset=offset, text=f"edited {secret}")
                ann.call("React", offset=kept, emoji=secret)
                assert len(server.api.get("/v1/rooms/lobby/search", text=secret, limit=100)["items"]) == 41
                assert any(secret.encode() in path.read_bytes() for path in chat.data.glob("chatroom.db*"))
                if runs:
                    assert "erased" in chat.good("erase", ann.user_id)
                    assert ann.peer.read_close() == 4503
            if not runs:
                assert "erased" in chat.good("erase", ann.user_id)
            for path in chat.data.rglob("*"):
                content = path.read_bytes() if path.is_file() else b""
                assert secret.encode() not in content, path
                left = [part for part in trigrams(secret) if part in content]
                assert left == [] or path.name == "guest.key", (path, left)
            assert ann.user_id not in json.dumps(chat.lines())
            with chat.serving() as server:
                assert server.api.get("/v1/rooms/lobby/search", text=secret)["items"] == []
                assert server.api.get("/v1/rooms/lobby/search", text=secret[:2])["items"] == []
                item = server.api.get("/v1/rooms/lobby/messages")["items"][0]
                assert item["message"] == "of Ben" and item["reactions"] == {}, item


@test("a token of the command lets its user in, with name, role and rooms, and an invite link has it in the fragment")
def tokens():
    with place() as chat:
        chat.settings["server.auth.secret"] = "a secret that signs tokens of the chat"
        token = chat.good("token", "ann@example.org", "--name", "Ann", "--role=moderator", "--rooms", "lobby,a b").strip()
        link = chat.good("token", "ben", "--link", "https://chat.example.org/x/", "--expires", "90s").strip()
        assert link.startswith("https://chat.example.org/x/#token=ey"), link
        with chat.serving() as server:
            client = Client(server.port)
            welcome = client.call("Hello", token=token)
            assert (welcome["user_id"], welcome["nick"], welcome["role"]) == ("ann@example.org", "Ann", 1), welcome
            client.call("Join", room="a b")
            assert client.refused("Join", room="elsewhere") == 103
            ben = Client(server.port).call("Hello", token=link.split("#token=")[1], nick="Ben")
            assert ben["user_id"] == "ben" and 0 < ben["token_ttl_s"] <= 90, ben
        for words, text in ((("--role", "king"), "--role"), (("--link", "ftp://x"), "--link"),
                            (("--link", "https://x/#y"), "--link"), (("--expires", "soon"), "--expires"),
                            (("--expires", "0s"), "--expires"), (("--rooms", ",".join("r" * 65)), "--rooms")):
            ended = chat.command("token", "ann", *words)
            assert ended.returncode == 2 and text in ended.stderr and ended.stdout == "", ended
        assert "cannot be signed" in chat.bad("token", "u" * 5000)
        assert "absent" in chat.bad("token", "ann", "--key", "/absent")
        del chat.settings["server.auth.secret"]
        assert "no key" in chat.bad("token", "ann")


@test("each command has help, and bad usage ends with status 2 and the reason")
def usage():
    with place() as chat:
        for name in ("backup", "restore", "export", "import", "erase", "token"):
            for option in ("--help", "-h"):
                ended = subprocess.run([CHATROOM, name, option], capture_output=True, text=True, timeout=DEADLINE_S,
                                       check=True)
                assert ended.stdout.startswith(f"chatroom {name} ") and ended.stderr == "", ended
            for words, text in (((), "missing"), (("a", "b"), "too many"), (("--wrong", "a"), "unknown option"),
                                (("a", "--config"), "a value is missing"), (("",), "missing")):
                ended = subprocess.run([CHATROOM, name, *words], capture_output=True, text=True, timeout=DEADLINE_S,
                                       check=False)
                assert ended.returncode == 2 and text in ended.stderr and ended.stdout == "", (name, words, ended)
            ended = chat.command(name, "x", "--set", "wrong.key=1")
            assert ended.returncode == 1 and "wrong" in ended.stderr, ended
            ended = chat.command(name, "x", "--config", "/absent.yaml")
            assert ended.returncode == 1 and "absent" in ended.stderr, ended
        ended = subprocess.run([CHATROOM, "--help"], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
        assert "backup" in ended.stdout and "token" in ended.stdout
        assert not chat.data.exists()


@test("on a terminal a long command shows how far it is")
def progress():
    with place() as chat:
        with chat.serving() as server:
            fill(server)
        controller, terminal = pty.openpty()
        try:
            arguments = [CHATROOM, "export", f"{chat.folder}/out", "--set", f"data_dir={chat.data}", "--set",
                         "server.admin.address=off"]
            subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=terminal, timeout=DEADLINE_S, check=True,
                           env=sanitizer_environment())
            assert b" lines\r\n" in os.read(controller, 4096)
        finally:
            os.close(controller)
            os.close(terminal)


run()
