"""examples/feed as a client sees it."""

import contextlib
import json
import os
import shutil
import tempfile

from server_process import Server
from tap import run, test
from ws_raw import BINARY, Peer, frame

POST, FOLLOW, SEND = 0, 1, 2


@contextlib.contextmanager
def serving(folder):
    server = Server(os.environ["FEED"], {"data_dir": folder, "server.workers": 2})
    try:
        yield server
        server.stop()
    finally:
        server.kill()


@contextlib.contextmanager
def data_folder():
    folder = tempfile.mkdtemp(prefix="stoa-feed-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def connect(server):
    peer = Peer(server.port)
    peer.upgrade("stoa.json")
    return peer


def read(peer):
    """The type, whether it is a reply, and the payload."""
    _, data = peer.read_message()
    kind = int.from_bytes(data[:4], "big")
    assert not kind & 0x40000000, data
    is_reply = bool(kind & 0x80000000)
    return kind & 0x3FFFFFFF, is_reply, json.loads(data[8 if is_reply else 4:])


def call(peer, kind, payload):
    peer.send(frame(BINARY, (0x80000000 | kind).to_bytes(4, "big") + bytes(4) + json.dumps(payload).encode()))


def ask(peer, kind, payload):
    call(peer, kind, payload)
    found, is_reply, reply = read(peer)
    assert (found, is_reply) == (kind, True), (found, reply)
    return reply


def post(peer, text, number):
    return ask(peer, SEND, {"feed": "news", "text": text, "author": "ann", "id": f"id{number}"})["offset"]


@test("a follower gets posts, and what it missed, also after a restart of the server")
def a_follower_misses_nothing():
    with data_folder() as folder:
        with serving(folder) as server:
            with connect(server) as ann, connect(server) as ben:
                followed = ask(ben, FOLLOW, {"feed": "news"})
                assert followed["posts"] == [] and not followed["recovered"], followed
                first = post(ann, "first", 1)
                kind, is_reply, got = read(ben)
                position = {"epoch": got.pop("epoch"), "offset": first}
                assert (kind, is_reply, got) == (POST, False, {"text": "first", "author": "ann", "offset": first})
            with connect(server) as ann:
                missed = [post(ann, f"post {number}", number) for number in range(2, 6)]
                assert post(ann, "post 5", 5) == missed[-1]
                page = ask(ann, FOLLOW, {"feed": "news"})
                assert [entry["text"] for entry in page["posts"]][:2] == ["first", "post 2"], page
                assert page["epoch"] == position["epoch"]
        with serving(folder) as server:
            with connect(server) as ben:
                followed = ask(ben, FOLLOW, {"feed": "news", **position})
                assert followed["recovered"] and followed["posts"] == [], followed
                assert [read(ben)[2]["offset"] for _ in missed] == missed


run()
