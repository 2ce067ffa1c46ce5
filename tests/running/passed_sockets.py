"""Listening sockets that are passed to the program, as a service manager does it: LISTEN_FDS, from descriptor 3 on."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile

from certificate import client_of, make_certificate
from ports import ReservedPort
from server_process import DEADLINE_S, Server
from tap import Skip, run, test
from ws_raw import Ended, Peer

CHATROOM = os.environ["CHATROOM"]
# Moves the descriptors of its first argument to 3, 4, ... and executes the rest.
LAUNCHER = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[1].split(",")]
for number, fd in enumerate(fds, 3):
    os.dup2(fd, number)
os.environ["LISTEN_PID"] = str(os.getpid() + int(os.environ.pop("PID_OFFSET", "0")))
os.environ["LISTEN_FDS"] = str(len(fds))
os.execv(sys.argv[2], sys.argv[2:])
"""


def listener(family=socket.AF_INET, address=("127.0.0.1", 0)):
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.bind(address)
    bound.listen(16)
    return bound


def start(sockets, settings, names=None, offset=0):
    numbers = [item.fileno() for item in sockets]
    variables = {"PID_OFFSET": str(offset)}
    if names is not None:
        variables["LISTEN_FDNAMES"] = names
    return Server(CHATROOM, settings, launcher=[sys.executable, "-c", LAUNCHER, ",".join(map(str, numbers))],
                  variables=variables, pass_fds=numbers)


def expect_failure(sockets, settings, *texts, **more):
    """It does not start, and a line of its log has the texts."""
    try:
        server = start(sockets, settings, **more)
    except AssertionError as failure:
        assert any(all(text in line for text in texts) for line in str(failure).splitlines()), failure
        return
    try:
        assert server.wait() == 1, "it has started"  # the log of the first of two addresses came before the failure
        assert any(all(text in line for text in texts) for line in server.lines), server.log
    finally:
        server.kill()


def expect_session(port, wrap=None):
    with Peer(port, wrap=wrap) as peer:
        peer.upgrade("stoa.json")


@test("a passed socket serves under its number, from all workers")
def by_number():
    with listener() as bound:
        server = start([bound], {"server.addresses": ["fd:3"], "server.workers": 3, "log.level": "debug"})
        try:
            port = bound.getsockname()[1]
            assert server.port == port
            for _ in range(9):
                expect_session(port)
            server.stop()
        finally:
            server.kill()
        # The service manager's own descriptor still listens.
        socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()


@test("a passed socket knows its peers, so the PROXY protocol and its trusted proxies work with it")
def behind_proxy():
    for trusted, works in (("127.0.0.1", True), ("192.0.2.1", False)):
        with listener() as bound:
            settings = {"server.listeners": [{"address": "fd:3", "proxy_protocol": "on"}], "server.workers": 3,
                        "server.trusted_proxies": [trusted]}
            server = start([bound], settings)
            try:
                for _ in range(6):
                    with Peer(server.port) as peer:
                        peer.try_send(b"PROXY TCP4 198.51.100.7 127.0.0.1 1000 2000\r\n")
                        try:
                            peer.upgrade("stoa.json")
                            is_served = True
                        except (Ended, ConnectionError):
                            is_served = False
                        assert is_served == works, trusted
                server.stop()
            finally:
                server.kill()


@test("all sockets with one name serve, and the others are reported")
def by_name():
    with listener() as first, listener() as second, listener() as spare:
        server = start([first, spare, second], {"server.addresses": ["fd:chat"]}, names="chat:other:chat")
        try:
            for bound in (first, second):
                expect_session(bound.getsockname()[1])
            line = server.wait_for_log("a socket of the service manager is not used by any address")
            assert "fd=4 name=other" in line, line
            server.stop()
        finally:
            server.kill()


@test("a passed unix socket serves, and its file stays")
def unix_socket():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/chat.sock"
        with listener() as tcp, listener(socket.AF_UNIX, path) as bound:
            server = start([tcp, bound], {"server.addresses": ["fd:3", "fd:4"], "server.workers": 2})
            try:
                server.wait_for_log(f"address=unix:{path}")
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.settimeout(DEADLINE_S)
                    peer.connect(path)
                    peer.sendall(b"GET /stoa.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    assert peer.recv(64).startswith(b"HTTP/1.1 "), "no answer"
                server.stop()
            finally:
                server.kill()
        assert os.path.exists(path)


@test("wss:// serves a passed socket with TLS")
def with_tls():
    with tempfile.TemporaryDirectory() as folder, listener() as bound:
        certificate, key = make_certificate(folder)
        tls = {"certificate": certificate, "key": key}
        server = start([bound], {"server.addresses": ["wss://fd:3"], "server.tls": tls})
        try:
            expect_session(server.port, client_of(certificate))
            server.stop()
        finally:
            server.kill()


@test("what is no listening stream socket, or is not there, is refused")
def refused():
    with listener() as bound, socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        wrong = "a passed descriptor is not a listening stream socket"
        expect_failure([idle], {"server.addresses": ["fd:3"]}, wrong, "fd=3")
        expect_failure([bound, datagram], {"server.addresses": ["fd:4"]}, wrong, "fd=4")
        missing = "the service manager has passed no such socket"
        expect_failure([bound], {"server.addresses": ["fd:4"]}, missing, "address=fd:4")
        expect_failure([bound], {"server.addresses": ["fd:web"]}, missing, "address=fd:web")
        expect_failure([bound], {"server.addresses": ["fd:3"]}, missing, offset=1)
        twice = "two addresses take the same passed socket"
        expect_failure([bound], {"server.addresses": ["fd:3", "fd:chat"]}, twice, names="chat")
        expect_failure([bound], {"server.addresses": ["fd:"]}, "not an address")
        expect_failure([bound], {"server.addresses": ["fd:a:b"]}, "not an address")


@test("systemd-socket-activate starts the program with the first connection")
def activated():
    if shutil.which("systemd-socket-activate") is None:
        raise Skip("systemd-socket-activate is not installed")
    with ReservedPort() as port:
        activate(port)


def activate(port):
    launcher = ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--fdname=chat"]
    launcher += [f"--setenv={name}" for name in os.environ]
    process = subprocess.Popen([*launcher, CHATROOM, "--set", "server.addresses=[fd:chat]", "--set",
                                "server.workers=1"], stderr=subprocess.PIPE, text=True)
    try:
        assert "Listening on" in process.stderr.readline()
        expect_session(port)
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(DEADLINE_S) == 0, rest
        assert f"address=127.0.0.1:{port}" in rest, rest
    finally:
        process.kill()
        process.wait()


run()
