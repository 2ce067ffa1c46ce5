"""A log that nobody reads, or that cannot be written (row 45): nobody's session and no end of the server waits for it."""

import fcntl
import json
import os
import signal
import socket
import subprocess

from ports import ReservedPort
from server_process import DEADLINE_S, sanitizer_environment, wait_until
from tap import run, test
from world import CHATROOM, Bystander
from ws_raw import Peer, request

# Longer than the smallest pipe in a second, at ten lines a second for each place that logs.
REFUSED = 40
REFUSED_ORIGIN = "Origin: https://" + "x" * 1000 + ".example"
PIPE_BYTES = 4096


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()
    except ConnectionRefusedError:
        return False
    return True


def start(port, log_fd):
    settings = {"server.addresses": [f"127.0.0.1:{port}"], "server.admin.address": "off", "server.workers": 1,
                "server.drain_ms": 1000, "engine.kind": "memory",
                "server.io_uring": os.environ.get("STOA_TEST_IO_URING", "auto")}
    arguments = [os.environ[CHATROOM]]
    for key, value in settings.items():
        arguments += ["--set", f"{key}={json.dumps(value)}"]
    return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log_fd,
                            env=sanitizer_environment())


def serve_and_end(log_fd):
    """Refuse more than the log takes; a bystander is served before and after, and SIGTERM ends the server."""
    with ReservedPort() as port:
        serve_and_end_at(port, log_fd)


def serve_and_end_at(port, log_fd):
    process = start(port, log_fd)
    try:
        wait_until(lambda: listens(port), "the server")
        bystander = Bystander(CHATROOM, port)
        for _ in range(REFUSED):
            with Peer(port) as peer:
                assert peer.ask(request("/", [REFUSED_ORIGIN])).status == 403
            bystander.chat()
        process.send_signal(signal.SIGTERM)
        code = bystander.peer.read_close()
        assert code == 4001, f"the bystander is closed with {code}"
        bystander.peer.close()
        status = process.wait(DEADLINE_S)
        assert status == 0, f"the server ended with {status}"
    finally:
        process.kill()
        process.wait()


@test("a full pipe that is not read blocks neither sessions nor the end of the server")
def unread():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    serve_and_end(writer)
    os.close(writer)
    os.close(reader)


@test("a full pipe that does not block is the same to the log")
def non_blocking():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.set_blocking(writer, False)
    serve_and_end(writer)
    os.close(writer)
    os.close(reader)


@test("a pipe without a reader loses log lines and nothing else")
def no_reader():
    reader, writer = os.pipe()
    os.close(reader)
    serve_and_end(writer)
    os.close(writer)


@test("a full disk loses log lines and nothing else")
def full_disk():
    with open("/dev/full", "wb") as full:
        serve_and_end(full.fileno())


run()
