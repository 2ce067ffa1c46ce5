"""A client of the chat that says everything in one way, whatever its subprotocol, and a chat of a test's own."""

import collections
import contextlib
import os
import tempfile
import weakref

from schema import TYPES, Binary, Text
from server_process import Server
from ws_raw import BINARY, TEXT, Peer, close_frame, frame

PUSHES = {
    TYPES[name]: f"{name}Message"
    for name in ("Chat", "Event", "GoingAway", "Left", "PresenceDiff", "Read", "RoomActivity", "Typing")
}
REPLIES = {"Chat": "ChatAck"}
REQUESTS = {"Chat": "ChatMessage"}


class Refused(Exception):
    """The error that answers a call."""

    def __init__(self, error):
        super().__init__(str(error))
        self.code = error["code"]
        self.reason = error["reason"]
        self.error = error


class Client:
    """One session. call() keeps what comes before its answer for chat() and event()."""

    everybody = weakref.WeakSet()

    def __init__(self, port, subprotocol="stoa.json", nick=None, token=None, headers=(), peer=None):
        self.peer = Peer(port) if peer is None else peer
        self.everybody.add(self)
        self.peer.upgrade(subprotocol, headers)
        self.format = Text() if subprotocol == "stoa.text" else Binary(subprotocol)
        self.calls = 0
        self.pushes = collections.deque()
        if nick is not None or token is not None:
            self.welcome = self.call("Hello", nick=nick or "", token=token or "")
            self.user_id = self.welcome["user_id"]

    def begin(self, name, **fields):
        """Call without waiting; returns the id for answer()."""
        self.calls += 1
        request = REQUESTS.get(name, name + "Request")
        self._send(self.format.write(TYPES[name], self.calls, request, fields))
        return self.calls

    def answer(self, name, call_id):
        while True:
            number, answered, is_error, payload = self._read()
            if answered is None:
                self._keep(number, is_error, payload)
                continue
            assert (number, answered) == (TYPES[name], call_id), (number, answered, payload)
            if is_error:
                raise Refused(self.format.decode("Error", payload))
            return self.format.decode(REPLIES.get(name, name + "Reply"), payload)

    def call(self, name, **fields):
        return self.answer(name, self.begin(name, **fields))

    def refused(self, name, **fields):
        """The code of the error that answers the call."""
        return self.error(name, **fields)["code"]

    def error(self, name, **fields):
        try:
            reply = self.call(name, **fields)
        except Refused as refused:
            return refused.error
        raise AssertionError(f"{name} {fields} was not refused: {reply}")

    def say(self, text, **fields):
        """As a plain message, without an answer."""
        self._send(self.format.write(TYPES["Chat"], None, "ChatMessage", {"message": text, **fields}))

    def send(self, name, **fields):
        """A plain message."""
        self._send(self.format.write(TYPES[name], None, name + "Message", fields))

    def push(self):
        """The next push: (name of its message, message)."""
        while not self.pushes:
            number, call_id, is_error, payload = self._read()
            assert call_id is None, (number, call_id, payload)
            self._keep(number, is_error, payload)
        return self.pushes.popleft()

    def chat(self):
        name, message = self.push()
        assert name == "ChatMessage", (name, message)
        return message

    def event(self):
        name, message = self.push()
        assert name == "EventMessage", (name, message)
        return message

    def leave(self):
        self.peer.send(close_frame(1000))
        self.peer.read_close()
        self.peer.close()

    def _send(self, data):
        self.peer.send(frame(TEXT if self.format.is_text else BINARY, data))

    def _read(self):
        opcode, payload = self.peer.read_message()
        assert opcode == (TEXT if self.format.is_text else BINARY), (opcode, payload[:100])
        return self.format.read(payload)

    def _keep(self, number, is_error, payload):
        if is_error:
            self.pushes.append(("Error", self.format.decode("Error", payload)))
        elif number in PUSHES:
            self.pushes.append((PUSHES[number], self.format.decode(PUSHES[number], payload)))


@contextlib.contextmanager
def chat_in(folder, settings=None, **more):
    """A chat that keeps its messages in this folder, and ends well. more: what Server takes."""
    server = Server(os.environ["CHATROOM"], {"server.workers": 2, "data_dir": folder, **(settings or {})}, **more)
    try:
        yield server
        # The server would wait for their close frames.
        for client in list(Client.everybody):
            client.peer.close()
        Client.everybody.clear()
        server.stop()
    finally:
        server.kill()


@contextlib.contextmanager
def chat(settings=None):
    with tempfile.TemporaryDirectory() as folder, chat_in(folder, settings) as server:
        yield server
