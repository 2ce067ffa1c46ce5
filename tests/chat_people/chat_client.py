"""A client of the chat that calls and hears, over stoa.json."""

import json

from ws_raw import BINARY, Peer, frame

CALL, ERROR = 0x80000000, 0x40000000
CHAT, HELLO, REFRESH, JOIN, SET_NICK = 0, 16, 17, 20, 35


class Refused(Exception):
    """The answer was an error."""

    def __init__(self, error):
        super().__init__(str(error))
        self.code = error.get("code", 0)
        self.reason = error.get("reason", "")
        self.message = error.get("message", "")


class Client:
    def __init__(self, server, subprotocol="stoa.json", headers=()):
        self.peer = Peer(server.port)
        self.peer.upgrade(subprotocol, headers)
        self.calls = 0
        self.is_member = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def send(self, kind, message, call_id=None):
        head = (kind if call_id is None else CALL | kind).to_bytes(4, "big")
        head += b"" if call_id is None else call_id.to_bytes(4, "big")
        self.peer.send(frame(BINARY, head + json.dumps(message).encode()))

    def read(self):
        """(type, call id or None, is an error, message)"""
        _, data = self.peer.read_message()
        word = int.from_bytes(data[:4], "big")
        at = 8 if word & CALL else 4
        call_id = int.from_bytes(data[4:8], "big") if word & CALL else None
        return word & 0x3FFFFFFF, call_id, bool(word & ERROR), json.loads(data[at:] or b"{}")

    def call(self, kind, message):
        """The reply; what comes before it is passed over. Refused for an error."""
        self.calls += 1
        self.send(kind, message, self.calls)
        while True:
            _, call_id, is_error, answer = self.read()
            if call_id == self.calls:
                if is_error:
                    raise Refused(answer)
                return answer

    def refusal(self, kind, message):
        try:
            answer = self.call(kind, message)
        except Refused as refused:
            return refused
        raise AssertionError(f"an error, not {answer}")

    def hello(self, nick="", token="", **more):
        """Say who it is, and be in the default room from the first time on."""
        reply = self.call(HELLO, {"nick": nick, "token": token, **more})
        if not self.is_member:
            try:
                self.call(JOIN, {})
            except Refused as refused:
                assert refused.code == 103, refused  # the token does not allow it
            self.is_member = True
        return reply

    def hears(self):
        while True:
            kind, call_id, is_error, message = self.read()
            if kind == CHAT and call_id is None and not is_error:
                return message

    def leave(self):
        """Close, and wait until the server has closed too."""
        self.peer.send(frame(0x8, (1000).to_bytes(2, "big")))
        self.peer.read_to_end()
        self.peer.close()
