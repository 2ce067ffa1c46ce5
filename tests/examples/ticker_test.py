"""examples/ticker: `stoa call` prints each item of a stream, and HTTP gives Server-Sent Events."""

import contextlib
import os
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
