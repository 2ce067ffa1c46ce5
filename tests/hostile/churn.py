"""Connections that end before anybody thought so (row 41)."""

import itertools

from tap import run
from world import CHAT, CHATROOM, ECHO, hostile
from ws_raw import BINARY, CONTINUATION, RSV1, TEXT, Peer, close_frame, frame, request

MESSAGE = frame(BINARY, CHAT + b'{"message":"hit and run"}')


def each(world, count, act):
    for number in range(count):
        act(Peer(world.server.port))
        if number % 25 == 0:
            world.bystander.chat()


@hostile("500 connections that are closed at once", CHATROOM)
def connect_close(world):
    each(world, 500, Peer.close)


@hostile("500 connections that are reset at once", CHATROOM)
def connect_reset(world):
    each(world, 500, Peer.abort)


@hostile("200 requests whose sender is gone before the answer", CHATROOM)
def request_reset(world):
    def act(peer):
        peer.send(request())
        peer.abort()

    each(world, 200, act)


@hostile("200 upgraded connections that are reset", CHATROOM)
def upgrade_reset(world):
    def act(peer):
        peer.upgrade("stoa.json")
        peer.abort()

    each(world, 200, act)


@hostile("200 connections that are reset after their messages", CHATROOM)
def message_reset(world):
    def act(peer):
        peer.upgrade()
        peer.send(MESSAGE * 5)
        peer.abort()

    each(world, 200, act)


@hostile("50 connections that are reset inside a frame", CHATROOM, {"server.compression": True})
def half_frame_reset(world):
    def act(peer):
        peer.upgrade(headers=["Sec-WebSocket-Extensions: permessage-deflate"])
        peer.send(next(data))
        peer.abort()

    halves = [
        *(MESSAGE[:1], MESSAGE[:5], MESSAGE[:-1]), frame(TEXT, b"half", fin=False), frame(BINARY, claim=60000),
        frame(BINARY, b"\x2a\x02", fin=False, rsv=RSV1),
        frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", fin=False),
    ]
    data = itertools.cycle(halves)
    each(world, 50, act)


@hostile("half-closed connections, with and without a close frame", CHATROOM)
def half_close(world):
    upgrade = request()
    for rest in (b"", MESSAGE, close_frame(1000), MESSAGE[:7]):
        half_closed(world, upgrade + rest)
    for data in (b"", upgrade[:50], upgrade[:-1]):
        half_closed(world, data)


def half_closed(world, data):
    peer = world.connect()
    peer.send(data)
    peer.end()
    world.bystander.chat()
    peer.read_to_end()
    peer.close()


@hostile("a sender that is reset while its message is sent to all others", CHATROOM)
def many_reset(world):
    listeners = [world.join() for _ in range(100)]
    for _ in range(5):
        speaker = world.join()
        speaker.send(MESSAGE * 50)
        for listener in listeners[:20]:
            listener.abort()
        del listeners[:20]
        speaker.abort()
        world.bystander.chat(3)


@hostile("connections that are reset while more than the kernel takes is on its way to them", ECHO)
def full_reset(world):
    for _ in range(10):
        peer = world.join()
        world.flood(peer, frame(BINARY, bytes(65536), mask=b"\0\0\0\0"), 128)
        peer.abort()
        world.bystander.chat(3)


run()
