"""examples/later as a client sees it."""

import contextlib
import json
import os
import time

from server_process import Server
from tap import run, test
from ws_raw import BINARY, Peer, frame

REMIND, FACTOR = 1, 2
PRIME = 999999999989  # a few milliseconds of work
HARD = 18446744073709551557  # the largest prime of 64 bits: seconds of it


@contextlib.contextmanager
def serving(settings=None):
    server = Server(os.environ["LATER"], settings)
    try:
        with Peer(server.port) as peer:
            peer.upgrade("stoa.json")
            yield server, peer
        server.stop()
    finally:
        server.kill()


def call(peer, kind, number, payload):
    head = (0x80000000 | kind).to_bytes(4, "big") + number.to_bytes(4, "big")
    peer.send(frame(BINARY, head + json.dumps(payload).encode()))


def answer(peer):
    """Is it an error, the call's id, and the payload."""
    _, data = peer.read_message()
    kind = int.from_bytes(data[:4], "big")
    return bool(kind & 0x40000000), int.from_bytes(data[4:8], "big"), json.loads(data[8:])


@test("a timer answers")
def a_timer_answers():
    with serving() as (_, peer):
        began = time.monotonic()
        call(peer, REMIND, 1, {"text": "tea", "delayMs": 100})
        call(peer, REMIND, 2, {"text": "first", "delayMs": 1})
        assert answer(peer) == (False, 2, {"text": "first"})
        assert answer(peer) == (False, 1, {"text": "tea"})
        assert time.monotonic() - began >= 0.095


@test("a thread answers")
def a_thread_answers():
    with serving({"server.workers": 2}) as (_, peer):
        call(peer, FACTOR, 1, {"number": "360"})
        call(peer, FACTOR, 2, {"number": str(PRIME)})
        assert answer(peer) == (False, 1, {"factors": ["2", "2", "2", "3", "3", "5"]})
        assert answer(peer) == (False, 2, {"factors": [str(PRIME)]})


@test("a client is told when no answer comes in time")
def no_answer_in_time_is_told():
    with serving({"server.limits.call_timeout_ms": 50}) as (_, peer):
        call(peer, REMIND, 1, {"text": "never", "delayMs": 3600000})
        call(peer, FACTOR, 2, {"number": str(HARD)})
        for number in (1, 2):
            is_error, answered, error = answer(peer)
            assert (is_error, answered, error["code"], error["reason"]) == (True, number, 108, "TIMEOUT"), error


@test("the program ends while calls wait")
def it_ends_while_calls_wait():
    with serving() as (_, peer):
        call(peer, REMIND, 1, {"text": "never", "delayMs": 3600000})
        call(peer, FACTOR, 2, {"number": str(HARD)})
        call(peer, REMIND, 3, {"text": "now", "delayMs": 0})
        assert answer(peer) == (False, 3, {"text": "now"})


run()
