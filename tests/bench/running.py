"""What tests of `stoa bench` share: servers to load, listeners in front of them, and the program itself.

The programs come in the environment: STOA, FLOOR and FAULTY.
"""

import contextlib
import json
import os
import resource
import socket
import subprocess
import threading

STOA, FLOOR, FAULTY = (os.environ[name] for name in ("STOA", "FLOOR", "FAULTY"))
DEADLINE_S = 120


class Skipped(Exception):
    """A test cannot run here; the text says why."""


@contextlib.contextmanager
def serving(*command):
    """Start a server that prints where it listens; give its port and process id."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if not line:
            if process.wait(DEADLINE_S) == 77:
                raise Skipped("this kernel or build cannot do it")
            raise AssertionError(f"{command} did not start")
        yield int(line.rsplit(":", 1)[1]), process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def answering(answer):
    """A server that reads the request and sends `answer`, or nothing when it is None."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                kept.append(peer)
                peer.recv(65536)
                if answer is not None:
                    peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(DEADLINE_S)
        for peer in kept:
            peer.close()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def forwarding(listener, port):
    """Hand every connection of `listener` on to a port."""
    threads = []
    sockets = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                sockets.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threads.append(threading.Thread(target=pump, args=pair))
                    threads[-1].start()

    acceptor = threading.Thread(target=serve)
    acceptor.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join(DEADLINE_S)
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(DEADLINE_S)
        for each in (*sockets, listener):
            each.close()


def stoa(*arguments, descriptors=None):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    return subprocess.run(
        [STOA, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        preexec_fn=limit if descriptors else None,
    )


def bench(mode, target, *arguments):
    """Run `stoa bench`; give the exit status and the report."""
    url = target if isinstance(target, str) else f"ws://127.0.0.1:{target}/"
    done = stoa("bench", mode, url, "--json", *arguments)
    assert done.returncode in (0, 1) and done.stdout, f"status {done.returncode}: {done.stderr}"
    return done.returncode, json.loads(done.stdout)


def assert_right(status, report, deliveries):
    assert report["deliveries"] == deliveries, report
    assert not any(report["faults"].values()), report
    assert report["passed"] and status == 0, report
