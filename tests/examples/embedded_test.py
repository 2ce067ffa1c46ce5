"""examples/embedded as its two sides see it: who types, and who is connected."""

import contextlib
import json
import os
import subprocess

from server_process import DEADLINE_S, LISTENING, sanitizer_environment
from tap import run, test
from ws_raw import BINARY, Peer, frame


@contextlib.contextmanager
def running():
    pipe = subprocess.PIPE
    program = subprocess.Popen([os.environ["EMBEDDED"], "127.0.0.1:0"], stdin=pipe, stdout=pipe, stderr=pipe, text=True,
                               env=sanitizer_environment())
    try:
        ports = (LISTENING.search(line) for line in program.stderr)
        program.port = int(next(found for found in ports if found).group(1))
        yield program
        program.stdin.close()
        assert program.wait(DEADLINE_S) == 0, program.stderr.read()
    finally:
        program.kill()


@contextlib.contextmanager
def connected(program):
    with Peer(program.port) as peer:
        peer.upgrade("stoa.json")
        yield peer


def say(peer, text):
    message = {"sender": "ann", "message": text}
    peer.send(frame(BINARY, bytes(4) + json.dumps(message).encode()))


def hear(peer):
    _, data = peer.read_message()
    message = json.loads(data[4:])
    return message["sender"], message["message"]


def type_in(program, text):
    program.stdin.write(text)
    program.stdin.flush()


@test("what is typed reaches the clients, and what they send is shown")
def both_ways():
    with running() as program, connected(program) as ann, connected(program) as bob:
        say(ann, "hello")
        assert program.stdout.readline() == "ann: hello\n"
        assert hear(ann) == hear(bob) == ("ann", "hello")
        type_in(program, "first\nsecond\n")
        for peer in (ann, bob):
            assert [hear(peer), hear(peer)] == [("console", "first"), ("console", "second")]


@test("a line comes in pieces, and a long one goes out in pieces")
def pieces():
    with running() as program, connected(program) as ann:
        type_in(program, "two ")
        say(ann, "meanwhile")
        assert hear(ann) == ("ann", "meanwhile")
        type_in(program, "words\n")
        assert hear(ann) == ("console", "two words")
        type_in(program, "x" * 5000 + "\n")
        heard = [hear(ann)[1], hear(ann)[1]]
        assert [len(text) for text in heard] == [4096, 904], heard


@test("the end of the input drains the server")
def the_end():
    with running() as program, connected(program) as ann:
        program.stdin.close()
        assert ann.read_close() == 4001


@test("an address that is taken is an error")
def taken():
    with running() as program:
        second = subprocess.run([os.environ["EMBEDDED"], f"127.0.0.1:{program.port}"], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert second.returncode == 1
        assert second.stderr.endswith("embedded: system call failed\n"), second.stderr


run()
