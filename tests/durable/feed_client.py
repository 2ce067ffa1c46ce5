"""One client of examples/feed or of the journal, which speaks to it step by step."""

import json
import os
import sqlite3

from judge import Stored
from ws_raw import BINARY, PING, PONG, Peer, frame

CALL, ERROR = 0x80000000, 0x40000000
POST, FOLLOW, SEND, READ = range(4)


class Refused(Exception):
    """The error that a call was answered with."""

    def __init__(self, error):
        super().__init__(str(error))
        self.error = error
        self.reason = error.get("reason")


class FeedClient:
    def __init__(self, port, **options):
        self.peer = Peer(port, **options)
        self.peer.upgrade("stoa.json")
        self.number = 0
        self.posts = []  # that came while something else was waited for
        self.replies = {}
        self.pongs = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def close(self):
        self.peer.close()

    # Calls.

    def begin(self, kind, payload):
        """Send a call; its number."""
        self.number += 1
        head = (CALL | kind).to_bytes(4, "big") + self.number.to_bytes(4, "big")
        self.peer.send(frame(BINARY, head + json.dumps(payload).encode()))
        return self.number

    def take(self):
        """Read one frame, whatever it is."""
        first, data = self.peer.read_frame()
        opcode = first & 0x0F
        if opcode == PING:
            self.peer.try_send(frame(PONG, data))
        elif opcode == PONG:
            self.pongs.append(data)
        else:
            assert opcode == BINARY, f"opcode {opcode}: {data[:100]!r}"
            word = int.from_bytes(data[:4], "big")
            if word & CALL:
                self.replies[int.from_bytes(data[4:8], "big")] = (bool(word & ERROR), json.loads(data[8:]))
            else:
                assert word == POST, data
                self.posts.append(json.loads(data[4:]))

    def end(self, number):
        """The reply of a call."""
        while number not in self.replies:
            self.take()
        is_error, reply = self.replies.pop(number)
        if is_error:
            raise Refused(reply)
        return reply

    def follow(self, room, epoch=0, offset=0):
        return self.end(self.begin(FOLLOW, {"feed": room, "epoch": str(epoch), "offset": str(offset)}))

    def begin_send(self, room, identity, text=None):
        author = identity.rpartition("-")[0]
        return self.begin(SEND, {"feed": room, "text": text or f"{identity} text", "author": author, "id": identity})

    def send(self, room, identity, text=None):
        """The offset."""
        return int(self.end(self.begin_send(room, identity, text))["offset"])

    def take_post(self):
        while not self.posts:
            self.take()
        return self.posts.pop(0)

    def ping(self):
        """The server's loop answers it, whatever storage does."""
        count = len(self.pongs)
        self.peer.send(frame(PING, b"?"))
        while len(self.pongs) == count:
            self.take()

    def read(self, room):
        """(epoch, [Stored, …]): all that is stored, page by page. Of the journal only."""
        messages, before = [], 0
        while True:
            reply = self.end(self.begin(READ, {"feed": room, "before": str(before)}))
            page = [Stored(int(post["offset"]), post["author"], post["id"], post["text"]) for post in reply["posts"]]
            messages = page + messages
            if not reply["hasMore"]:
                return int(reply["epoch"]), messages
            before = page[0].offset


def database(folder):
    return os.path.join(folder, "rooms.db")


def read_database(folder):
    """{room: (epoch, [(offset, sender, id), …])}, as sqlite3 reads it, after a check of the whole file."""
    db = sqlite3.connect(f"file:{database(folder)}?mode=ro", uri=True)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rooms = {}
        for number, name, epoch in db.execute("SELECT id, name, epoch FROM room WHERE name IS NOT NULL"):
            rows = db.execute("SELECT offset, sender, once FROM message WHERE room = ? ORDER BY offset", (number,))
            rooms[name] = (epoch, rows.fetchall())
        return rooms
    finally:
        db.close()
