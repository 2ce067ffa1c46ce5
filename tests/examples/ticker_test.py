"""examples/ticker: `stoa call` and `stoa listen` print each item of a stream, and HTTP gives Server-Sent Events."""

import base64
import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request

from server_process import Server
from tap import run, test

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROTO = ("--proto", "ticker.proto", "-I", os.path.join(ROOT, "examples/ticker"))


@contextlib.contextmanager
def serving():
    server = Server(os.environ["TICKER"])
    try:
        yield server.port
        server.stop()
    finally:
        server.kill()


def stoa_call(port, request, *options):
    command = [os.environ["STOA"], "call", f"ws://127.0.0.1:{port}/", *options, request]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@test("stoa call prints each item on a line, also without knowing the type")
def each_item_on_a_line():
    with serving() as port:
        for method in (("Ticker.Watch", *PROTO), ("1",)):
            done = stoa_call(port, '{"name":"tea","count":"2"}', *method)
            assert (done.returncode, done.stderr) == (0, ""), done
            assert done.stdout == '{"number":"0","cents":0}\n{"number":"1","cents":37}\n', done


@test("stoa call takes a long stream to its end")
def a_long_stream():
    with serving() as port:
        done = stoa_call(port, '{"name":"tea","count":"50000"}', "1")
        assert done.returncode == 0 and len(done.stdout.splitlines()) == 50000, done.stderr


@test("stoa call prints the error of a stream")
def the_error_of_a_stream():
    with serving() as port:
        done = stoa_call(port, "{}", "1")
        assert done.returncode == 1 and "BAD_REQUEST" in done.stderr and done.stdout == "", done


def stoa_listen(url, *options):
    command = [os.environ["STOA"], "listen", url, *options]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@test("stoa listen prints each item on a line until its count, also without knowing the type")
def listen_to_a_stream():
    with serving() as port:
        for method, name in ((("Ticker.Watch",), {"name": "ticker.v1.Ticker.Watch"}), (("1",), {})):
            request = '{"name":"tea","count":"50000"}'
            with stoa_listen(f"ws://127.0.0.1:{port}/", *method, request, "--count", "2", *(PROTO if name else ())) as run:
                out, err = run.communicate(timeout=60)
            assert run.returncode == 0, err
            lines = [json.loads(line) for line in out.splitlines()]
            assert lines == [{"type": 1, **name, "item": {"number": "0", "cents": 0}},
                             {"type": 1, **name, "item": {"number": "1", "cents": 37}}], out


@test("stoa listen says that a stream has ended, and listens on; an error of the stream ends it")
def listen_to_the_end():
    with serving() as port:
        with stoa_listen(f"ws://127.0.0.1:{port}/", "1", '{"name":"tea","count":"1"}') as run:
            assert "connected" in run.stderr.readline()
            assert "1 has ended" in run.stderr.readline()
            assert run.poll() is None
            run.terminate()
            out, _ = run.communicate(timeout=60)
        assert run.returncode == 0 and len(out.splitlines()) == 1, out
        with stoa_listen(f"ws://127.0.0.1:{port}/", "1", "{}") as run:
            out, err = run.communicate(timeout=60)
        assert run.returncode == 1 and "BAD_REQUEST" in err and out == "", err


def accept_upgrade(listener):
    """A server's side that says nothing but the handshake."""
    peer, _ = listener.accept()
    head = peer.recv(65536).decode()
    key = re.search(r"Sec-WebSocket-Key: (\S+)", head)[1]
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    peer.sendall((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: stoa.json\r\n\r\n").encode())
    return peer


@test("stoa listen waits for the first item of a stream as long as it takes, for another answer until --timeout")
def listen_to_silence():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/"
        options = ("--timeout", "3s", "--once")
        with stoa_listen(url, "Ticker.Watch", *options, "--count", "1", *PROTO) as named, accept_upgrade(server) as peer:
            assert len(peer.recv(65536)) > 0
            with stoa_listen(url, "1", *options) as numbered, accept_upgrade(server):
                _, err = numbered.communicate(timeout=60)
            assert numbered.returncode == 3 and "1 has no answer" in err, err
            item = bytes.fromhex("a0000001 00000001") + b"{}"
            peer.sendall(bytes([0x82, len(item)]) + item)
            assert json.loads(named.stdout.readline())["item"] == {}


@test("HTTP gives events")
def http_gives_events():
    with serving() as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/prices/tea?count=1", timeout=60) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert answer.read() == b'data: {"number":"0","cents":0}\n\nevent: end\ndata: {}\n\n'
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/prices/tea?count=x", timeout=60)
            raise AssertionError("a number that is none was taken")
        except urllib.error.HTTPError as error:
            assert error.code == 400


run()
