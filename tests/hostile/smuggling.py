"""Requests that two readers would cut in different places (rows 23, 24)."""

from tap import run
from world import CHATROOM, ECHO, hostile
from ws_raw import BINARY, TEXT, frame, request

# What would be answered as a second request if a body were taken for one.
SECOND = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def with_fields(*fields, method=b"POST", body=SECOND):
    return method + b" / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def expect_one_refusal(world, *fields, statuses=(400, 501), body=SECOND):
    for method in (b"POST", b"GET", b"HEAD"):
        peer = world.connect()
        peer.try_send(with_fields(*fields, method=method, body=body))
        # The content that an answer to HEAD must not have would be found after it (RFC 9110 9.3.2).
        answer = peer.read_answer(head_only=method == b"HEAD")
        world.bystander.chat()
        assert answer.status in statuses, f"{answer.status}, not {statuses}, for {method} {fields}"
        assert answer.headers["connection"] == "close", answer.head
        rest = peer.read_to_end()
        assert rest == b"", f"{rest!r} after the answer to {method} {fields}"
        peer.close()


@hostile("a length beside a transfer coding is refused", CHATROOM)
def both(world):
    for fields in (
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"), (b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        (b"Content-Length: 0", b"Transfer-Encoding: chunked"), (b"Content-Length: 5", b"Transfer-Encoding: identity"),
        (b"CONTENT-LENGTH: 5", b"transfer-ENCODING: chunked"),
    ):
        expect_one_refusal(world, *fields, statuses=(400,), body=b"0\r\n\r\n" + SECOND)


@hostile("lengths that are repeated, listed or no plain number are refused", CHATROOM)
def lengths(world):
    expect_one_refusal(world, b"Content-Length: 0", b"Content-Length: 44", statuses=(400,))
    expect_one_refusal(world, b"Content-Length: 0", b"Content-Length: 0", statuses=(400,))
    for value in (
        b"0, 5", b"0,0", b"+5", b"-1", b"-0", b" ", b"", b"0x5", b"5 5", b"5;", b"5a", b"1e1", b"5.0", b'"5"',
        b"18446744073709551616", b"18446744073709551615", b"9223372036854775808", b"9" * 1000, b"\xd9\xa5", b"5\t5",
        b"0_5",
    ):
        expect_one_refusal(world, b"Content-Length: " + value, statuses=(400,))


@hostile("transfer codings of any spelling are refused", CHATROOM)
def codings(world):
    for value in (
        b"chunked", b"xchunked", b"chunked, identity", b"identity, chunked", b"gzip, chunked", b"chunked, gzip",
        b"identity", b"Chunked", b" chunked", b"\tchunked", b"chunked;q=1", b'"chunked"', b"", b",", b"chunked,",
        b"chunk", b"x", b"chunked chunked",
    ):
        expect_one_refusal(world, b"Transfer-Encoding: " + value, body=b"0\r\n\r\n" + SECOND)
    expect_one_refusal(world, b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + SECOND)
    for field in (
        b"Transfer-Encoding : chunked", b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: x\r\n\tchunked",
        b" Transfer-Encoding: chunked", b"X: y\nTransfer-Encoding: chunked", b"Transfer-Encoding\x00: chunked",
        b"Transfer-Encoding: chunked\x0b", b"Transfer-Encoding: \x00chunked",
    ):
        expect_one_refusal(world, field, statuses=(400,), body=b"0\r\n\r\n" + SECOND)


@hostile("a transfer coding in a request of HTTP/1.0 is refused as broken framing", CHATROOM)
def codings_in_1_0(world):
    for method in (b"POST", b"GET", b"HEAD"):
        for fields in ((b"Transfer-Encoding: chunked",), (b"Transfer-Encoding: identity",),
                       (b"Transfer-Encoding: chunked", b"Connection: keep-alive"),
                       (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Connection: keep-alive")):
            peer = world.connect()
            peer.try_send(with_fields(*fields, method=method).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
            answer = peer.read_answer(head_only=method == b"HEAD")
            world.bystander.chat()
            assert answer.status == 400, f"{answer.status} for {method} {fields}"
            assert peer.read_to_end() == b""
            peer.close()


@hostile("chunk sizes of any kind are never read", CHATROOM)
def chunks(world):
    for size in (
        b"FFFFFFFFFFFFFFFF", b"FFFFFFFFFFFFFFFFF", b"-1", b"+5", b"0x5", b"", b"5;" + b"x" * 5000, b"g",
        b"00000000000",
    ):
        expect_one_refusal(world, b"Transfer-Encoding: chunked", body=size + b"\r\nhello\r\n0\r\n\r\n" + SECOND)


@hostile("the body of an upgrade request is never read as frames", ECHO)
def upgrade_body(world):
    frames = frame(TEXT, b"from a body") + frame(BINARY, b"from a body")
    bodies = [
        [f"Content-Length: {len(frames)}"], ["Content-Length: 1"], ["Content-Length: 99999999"],
        ["Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 3"],
    ]
    for fields in bodies:
        peer = world.connect()
        answer = peer.ask(request(headers=fields) + frames)
        world.bystander.chat()
        # 413 says of a body what 400 says of a request: none is taken here, and nothing after it is.
        assert answer.status in (400, 413, 501), f"{answer.status} for {fields}"
        assert peer.read_to_end() == b"", f"the body was answered: {fields}"
        peer.close()


@hostile("an upgrade request with an empty body is an upgrade request", ECHO)
def empty_body(world):
    peer = world.connect()
    answer = peer.ask(request(headers=["Content-Length: 0"]) + frame(TEXT, b"a frame"))
    assert answer.status == 101
    assert peer.read_message() == (TEXT, b"a frame")


@hostile("frames that come before the upgrade is asked for are no frames", ECHO)
def early_frames(world):
    world.expect_refusal(frame(TEXT, b"early") + request(), 400)


@hostile("a plain request with a body is refused, and the body is no request", CHATROOM)
def plain_body(world):
    expect_one_refusal(world, b"Content-Length: " + str(len(SECOND)).encode(), statuses=(405, 413))
    expect_one_refusal(world, b"Content-Length: 1", statuses=(405, 413))
    expect_one_refusal(world, b"Content-Length: 99999999999", statuses=(405, 413))


run()
