"""Whose address counts behind a proxy: the client's, as a trusted proxy tells it, and nobody else (row 47)."""

import itertools

import ways
from behind import ANOTHER_CLIENT, CLIENT, FULL, PROXY_ADDRESS, TWO_EACH, Behind, is_shut_out
from for_each import for_each
from tap import run
from ws_raw import request

EVIL = "evil.example"
NOBODY = {"server.trusted_proxies": []}
V1 = b"PROXY TCP4 203.0.113.9 127.0.0.1 4000 7700\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + bytes([203, 0, 113, 9, 127, 0, 0, 1, 15, 160, 30, 20])


def is_full(session):
    """Whether join() was answered by a close for a full server; any other code is a fault."""
    assert not isinstance(session, int) or session == FULL, session
    return session == FULL


@for_each([*ways.ALL, ways.FORWARDED], "the log names the client, not {}")
def in_the_log(way):
    with Behind(way) as behind:
        assert behind.ask_upgrade(["Origin: https://" + EVIL], source=CLIENT)[1] == 403
        line = behind.server.wait_for_log(EVIL)
        assert f" address={CLIENT} " in line, line


@for_each([*ways.ALL, ways.FORWARDED], "each client has limits of its own behind {}")
def in_the_limits(way):
    with Behind(way, TWO_EACH) as behind:
        assert [is_full(behind.join(CLIENT)) for _ in range(3)] == [False, False, True]
        assert [is_full(behind.join(ANOTHER_CLIENT)) for _ in range(3)] == [False, False, True]


@for_each(ways.BY_FIELD, "a client cannot forge its address through {}")
def forged_through(way):
    with Behind(way, TWO_EACH) as behind:
        claims = (f"X-Forwarded-For: 203.0.113.{number}" for number in itertools.count(1))
        assert [is_full(behind.join(CLIENT, [next(claims)])) for _ in range(3)] == [False, False, True]
        # Nor take another's share.
        assert not is_full(behind.join(ANOTHER_CLIENT, [f"X-Forwarded-For: {CLIENT}"]))


@for_each(ways.BY_FIELD[:1], "only a trusted proxy may name the client's address: past {}")
def forged_past(way):
    with Behind(way, TWO_EACH) as behind:
        fields = (field for number in itertools.count(1)
                  for field in (f"X-Forwarded-For: 203.0.113.{number}", f"Forwarded: for=203.0.113.{number}"))
        joined = [is_full(behind.join(CLIENT, [next(fields)], direct=True)) for _ in range(3)]
        assert joined == [False, False, True]


@for_each(ways.BY_FIELD[:1], "without trusted proxies the proxy is the client: {}")
def untrusted(way):
    with Behind(way, {**NOBODY, **TWO_EACH}) as behind:
        joined = [is_full(behind.join(source)) for source in (CLIENT, ANOTHER_CLIENT, CLIENT)]
        assert joined == [False, False, True]


@for_each(ways.BY_PLAIN_HEADER, "a PROXY header of a stranger ends its connection: past {}")
def stranger(way):
    with Behind(way, TWO_EACH) as behind:
        for header in (V1, V2):
            peer = behind.connect(CLIENT, direct=True)
            peer.try_send(header + request(host=behind.host))
            assert is_shut_out(peer), header
        # Without a header it is no better.
        peer = behind.connect(CLIENT, direct=True)
        peer.try_send(request(host=behind.host))
        assert is_shut_out(peer)
        assert not is_full(behind.join(CLIENT)), "and nobody else has to pay for it"


@for_each(ways.BY_FIELD[:1], "a PROXY header where none is configured is no request: past {}")
def unexpected(way):
    with Behind(way) as behind:
        for header in (V1, V2):
            peer = behind.connect(PROXY_ADDRESS, direct=True)
            peer.try_send(header + request(host=behind.host))
            assert is_shut_out(peer), header


run()
