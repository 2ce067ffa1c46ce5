"""SIGTERM with a thousand clients (F15), and signals at bad moments (F19)."""

import os
import signal
import socket
import stat
import tempfile
import time

from server_process import DEADLINE_S, Server, wait_until
from tap import run, test
from world import CHAT, CHATROOM, ECHO, Bystander, hostile
from ws_raw import BINARY, MASK_ZERO, Peer, close_frame, frame

CLIENTS = 1000
MESSAGE = frame(BINARY, CHAT + b'{"message":"on the way"}')


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()
    except ConnectionRefusedError:
        return True
    except ConnectionError:
        pass  # it was still in the queue of the listener that was closed
    return False


@test("SIGTERM closes the listener at once, closes a thousand clients with 4001, and ends with 0")
def drain():
    # None of them calls Hello.
    server = Server(os.environ[CHATROOM], {"chat.hello_timeout_ms": 3600000})
    try:
        peers = [Peer(server.port) for _ in range(CLIENTS)]
        for number, peer in enumerate(peers):
            peer.upgrade((None, "stoa.json", "stoa.proto", "stoa.text")[number % 4])
        bystander = Bystander(CHATROOM, server.port)
        bystander.chat(3)
        for peer in peers[:20]:
            peer.send(MESSAGE)
        server.signal(signal.SIGTERM)
        server.wait_for_log("draining")
        deadline = time.monotonic() + DEADLINE_S
        while not refused(server.port):
            assert time.monotonic() < deadline, "the listener stays open"
        # Closed first, not with the rest: those who have not answered yet are still there.
        assert server.sockets() > CLIENTS // 10, "the listener was open until the end"
        codes = [answer_close(peer) for peer in [*peers, bystander.peer]]
        assert set(codes) == {4001}, f"{ {code: codes.count(code) for code in set(codes)} }"
        server.check_end()
    finally:
        server.kill()


def answer_close(peer):
    """Read to the close frame and answer it, as a browser does."""
    code = peer.read_close()
    peer.try_send(close_frame(code))
    peer.close()
    return code


@test("clients that neither read nor answer do not delay the end of the server")
def silent_clients():
    server = Server(os.environ[ECHO], {"server.drain_ms": 1500})
    try:
        peers = [Peer(server.port) for _ in range(50)]
        for peer in peers[:40]:
            peer.upgrade()
        for peer in peers[:10]:
            for _ in range(100):
                if not peer.send_some(frame(BINARY, bytes(65536), mask=MASK_ZERO)):
                    break
        server.signal(signal.SIGTERM)
        server.check_end()
        for peer in peers:
            peer.close()
    finally:
        server.kill()


@test("a second SIGTERM ends the server at once")
def second():
    # Who does not read holds the first one for as long as drain_ms lets him.
    server = Server(os.environ[ECHO], {"server.drain_ms": 3600000})
    try:
        peers = [Peer(server.port) for _ in range(CLIENTS)]
        for peer in peers[:-5]:
            peer.upgrade()
        server.signal(signal.SIGTERM)
        server.wait_for_log("draining")
        server.signal(signal.SIGTERM)
        server.wait_for_log("ending now")
        server.check_end()
        for peer in peers:
            peer.read_to_end()
            peer.close()
    finally:
        server.kill()


@test("SIGTERM to a server without clients ends it with 0, and SIGINT as well")
def nobody():
    for number in (signal.SIGTERM, signal.SIGINT):
        server = Server(os.environ[CHATROOM])
        try:
            server.signal(number)
            server.check_end()
        finally:
            server.kill()


@hostile("a storm of broken pipes and stop signals loses nothing", ECHO)
def storm(world):
    for _ in range(200):
        world.server.signal(signal.SIGPIPE)
        world.server.signal(signal.SIGSTOP)
        world.server.signal(signal.SIGCONT)
        world.server.signal(signal.SIGWINCH)
        world.bystander.chat()


@hostile("SIGHUP, as a closed terminal or a reload sends it, ends nothing", CHATROOM)
def hangup(world):
    for _ in range(20):
        world.server.signal(signal.SIGHUP)
        world.bystander.chat()
    world.server.wait_for_log("configuration reloaded")


@test("SIGTERM ends a server that has been sent SIGHUP, while it drains too")
def hangup_and_end():
    server = Server(os.environ[CHATROOM])
    try:
        peer = Peer(server.port)
        peer.upgrade("stoa.json")
        server.signal(signal.SIGHUP)
        server.wait_for_log("configuration reloaded")
        server.signal(signal.SIGTERM)
        server.wait_for_log("draining")
        server.signal(signal.SIGHUP)
        assert answer_close(peer) == 4001
        server.check_end()
        assert "ending now" not in server.log, "SIGHUP counts as a second SIGTERM"
    finally:
        server.kill()


@test("SIGTERM removes the file of a unix socket, and kill -9 leaves one that the next server replaces")
def unix_socket():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "chat.sock")
        listeners = [{"address": "127.0.0.1:0"}, {"address": f"unix:{path}", "mode": "0600"}]
        settings = {"server.addresses": [], "server.listeners": listeners, "server.workers": 3}
        first = Server(os.environ[CHATROOM], settings)
        try:
            wait_until(lambda: os.path.exists(path), "the unix socket")
        finally:
            first.kill()
        assert os.path.exists(path)
        second = Server(os.environ[CHATROOM], settings)
        try:
            wait_until(lambda: accepts(path), "the unix socket")
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            second.stop()
            assert not os.path.exists(path), "the file is still there"
        finally:
            second.kill()


def accepts(path):
    with socket.socket(socket.AF_UNIX) as peer:
        return peer.connect_ex(path) == 0


run()
