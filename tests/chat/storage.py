"""What is acknowledged stays: kills, restarts, a folder that is in use, and where the messages are."""

import os
import pathlib
import subprocess
import tempfile
import urllib.request

from chat_client import Client, chat_in
from server_process import DEADLINE_S, Server
from tap import run, test

CHATROOM = os.environ["CHATROOM"]


def member(server, nick="Ann", **join):
    client = Client(server.port, "stoa.proto", nick)
    client.joined = client.call("Join", **join)
    return client


@test("a killed server has every acknowledged message after its restart, and a session recovers over it")
def killed():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(CHATROOM, {"data_dir": folder})
        try:
            ann = member(server)
            acks = [ann.call("Chat", message=f"m{i}", client_msg_id=f"i{i}") for i in range(20)]
            ann.call("Edit", offset=acks[19]["offset"], text="edited")
        finally:
            server.kill()
        with chat_in(folder) as again:
            ben = member(again, "Ben", history=50)
            assert [item["message"] for item in ben.joined["items"]] == [*(f"m{i}" for i in range(19)), "edited"]
            eve = member(again, "Eve", recover={"epoch": acks[17]["epoch"], "offset": acks[17]["offset"]})
            assert eve.joined["recovered"], eve.joined
            assert [eve.push()[0] for _ in range(3)] == ["ChatMessage", "ChatMessage", "EventMessage"]
            assert ben.call("Chat", message="on")["offset"] > acks[19]["offset"]


@test("the folder is made for its owner alone, the start says where the messages are, and /readyz has the storage")
def places():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        with chat_in(data, {"server.admin.address": "127.0.0.1:0"}) as server:
            assert os.stat(data).st_mode & 0o777 == 0o700
            assert os.path.exists(os.path.join(data, "chatroom.db"))
            server.wait_for_log('event="note"', "what=messages", "value=" + os.path.join(data, "chatroom.db"))
            with urllib.request.urlopen(f"http://127.0.0.1:{server.ports[1]}/readyz", timeout=DEADLINE_S) as answer:
                assert "storage: ok" in answer.read().decode().splitlines()


@test("a second server on one folder ends with the reason, and the first goes on")
def second():
    with tempfile.TemporaryDirectory() as folder, chat_in(folder) as server:
        words = ["--set", f"data_dir={folder}", "--set", 'server.addresses=["127.0.0.1:0"]']
        ended = subprocess.run([CHATROOM, *words, "--set", "server.admin.address=off"], capture_output=True, text=True,
                               timeout=DEADLINE_S, check=False)
        assert ended.returncode == 1 and "another process uses the database" in ended.stderr, ended
        member(server).call("Chat", message="x")


@test("what cannot be is refused at the start, with the key")
def refused():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "file")
        file.write_text("", encoding="utf-8")
        for setting, text in ((f"data_dir={file}/x", "data_dir"), ("rooms.engine.kind=memory", "rooms.engine"),
                              ('default_room="a\\tb"', "default_room"), ("engine.kind=cloud", "engine.kind")):
            ended = subprocess.run([CHATROOM, "--set", f"data_dir={folder}", "--set", setting, "--set",
                                    "server.admin.address=off", "--set", 'server.addresses=["127.0.0.1:0"]'],
                                   capture_output=True, text=True, timeout=DEADLINE_S, check=False)
            assert ended.returncode == 1 and text in ended.stderr, (setting, ended)


@test("with engine.kind memory nothing is written, and the start says so")
def in_memory():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        with chat_in(data, {"engine.kind": "memory"}) as server:
            member(server).call("Chat", message="x")
            server.wait_for_log("what=messages", "in memory only")
            assert not os.path.exists(data)


run()
