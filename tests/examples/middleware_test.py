"""examples/middleware as a client sees it."""

import contextlib
import json
import os

from server_process import Server
from tap import run, test
from ws_raw import BINARY, Peer, frame

LOGIN, WRITE, COUNT = 1, 2, 3


@contextlib.contextmanager
def visiting(settings=None):
    server = Server(os.environ["DIARY"], settings)
    try:
        with Peer(server.port) as peer:
            peer.upgrade("stoa.json")
            yield peer
        server.stop()
    finally:
        server.kill()


def send(peer, kind, number, payload):
    head = (0x80000000 | kind).to_bytes(4, "big") + number.to_bytes(4, "big")
    peer.send(frame(BINARY, head + json.dumps(payload).encode()))


def answer(peer):
    """The call's id, the error's reason or None, and the payload."""
    _, data = peer.read_message()
    payload = json.loads(data[8:])
    is_error = bool(int.from_bytes(data[:4], "big") & 0x40000000)
    return int.from_bytes(data[4:8], "big"), payload["reason"] if is_error else None, payload


def call(peer, kind, number, payload):
    send(peer, kind, number, payload)
    answered, reason, reply = answer(peer)
    assert answered == number
    return reason, reply


@test("only a writer may write")
def only_a_writer_may_write():
    with visiting() as peer:
        assert call(peer, WRITE, 1, {"text": "Monday"})[0] == "LOGIN_FIRST"
        assert call(peer, LOGIN, 2, {"password": "guess"})[0] == "WRONG_PASSWORD"
        assert call(peer, LOGIN, 3, {"password": "sesame"})[0] is None
        assert call(peer, WRITE, 4, {"text": "Tuesday"})[0] is None
        assert call(peer, COUNT, 5, {}) == (None, {"entries": 1, "succeeded": "2"})


@test("messages behind one that waits keep their order")
def messages_keep_their_order():
    with visiting({"server.workers": 2}) as peer:
        send(peer, LOGIN, 1, {"password": "sesame"})
        for number in range(2, 7):
            send(peer, WRITE, number, {"text": str(number)})
        send(peer, COUNT, 7, {})
        answers = [answer(peer) for _ in range(7)]
        assert [number for number, _, _ in answers] == [1, 2, 3, 4, 5, 6, 7]
        assert answers[6][2]["entries"] == 5


@test("a message is checked beyond the rules of its fields")
def a_message_is_checked():
    with visiting() as peer:
        assert call(peer, LOGIN, 1, {"password": "sesame"})[0] is None
        reason, error = call(peer, WRITE, 2, {"text": "Help!"})
        assert (reason, error["code"]) == ("INVALID", 107)
        assert error["message"] == "text: must not end with an exclamation mark"


@test("logins have a rate of their own")
def logins_have_a_rate():
    with visiting() as peer:
        reasons = [call(peer, LOGIN, number, {"password": str(number)})[0] for number in range(6)]
        assert reasons[:3] == ["WRONG_PASSWORD"] * 3
        assert "TOO_MANY_REQUESTS" in reasons[3:]


@test("requests are logged as the configuration says")
def requests_are_logged():
    server = Server(os.environ["DIARY"], {"log.requests.mode": "all"})
    try:
        with Peer(server.port) as peer:
            peer.upgrade("stoa.json")
            call(peer, LOGIN, 1, {"password": "sesame"})
            call(peer, WRITE, 2, {"text": "Friday"})
        server.stop()
        lines = [line for line in server.log.splitlines() if 'event="request"' in line]
        assert len(lines) == 2, lines
        assert "operation=/diary.v1.DiaryService/Write" in lines[1]
        assert " end=done code=0 " in lines[1]
    finally:
        server.kill()


run()
