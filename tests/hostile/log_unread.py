"""A log that nobody reads, that cannot be written, or whose reader has gone (row 45)."""

import fcntl
import os
import re
import select
import signal
import subprocess

from server_process import sanitizer_environment, wait_until
from tap import run, test
from ws_raw import PING, PONG, Peer, close_frame, frame, request

PIPE_BYTES_MIN = 4096
REFUSALS = 57
DEADLINE_S = 60
LISTENING = re.compile(rb"address=\S*?:(\d+)\s")


class Program:
    """The echo server, with a descriptor of the test's choice as its log."""

    def __init__(self, log):
        self.process = subprocess.Popen(
            [os.environ["ECHO"], "--set", 'server.addresses=["127.0.0.1:0"]', "--set", "server.workers=1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=sanitizer_environment())
        self.port = None
        self.witness = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.witness is not None:
            self.witness.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def open_witness(self, port):
        self.port = port
        self.witness = Peer(port)
        self.witness.upgrade()

    def check(self):
        """The witness is served."""
        self.witness.send(frame(PING, b"?"))
        assert self.witness.read_frame() == (0x80 | PONG, b"?")

    def refuse(self, word):
        """An upgrade whose refusal is logged, in 1.2 KB with the word in it; it is answered all the same."""
        with Peer(self.port) as peer:
            origin = f"https://{word}.{'x' * 1100}.example"
            assert peer.ask(request(headers=["Origin: " + origin])).status == 403
        self.check()

    def end(self):
        """It ends by itself, with 0."""
        self.witness.send(close_frame(1000))
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE_S) == 0


def read_port(log):
    """From the beginning of the log, which is read no further."""
    said = b""
    while not (found := LISTENING.search(said)):
        more = os.read(log, 1)
        assert more, said
        said += more
    return int(found.group(1))


def small_pipe():
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES_MIN)
    return read_end, write_end


def listening_port(pid):
    """Of a program that cannot tell: the one socket of its own that the kernel lists as listening."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{name}")
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                return int(words[1].rpartition(":")[2], 16)
    return None


@test("a log that nobody reads keeps nobody waiting, and SIGTERM ends the server")
def unread():
    read_end, write_end = small_pipe()
    with Program(write_end) as program:
        os.close(write_end)
        program.open_witness(read_port(read_end))
        for number in range(REFUSALS):
            program.refuse(f"a{number}")
        program.end()
    os.close(read_end)


@test("a log that is read again goes on")
def read_again():
    read_end, write_end = small_pipe()
    with Program(write_end) as program:
        os.close(write_end)
        program.open_witness(read_port(read_end))
        for number in range(REFUSALS):
            program.refuse(f"a{number}")
        os.set_blocking(read_end, False)
        said = bytearray()
        number = 0

        def told():
            nonlocal number
            while select.select([read_end], [], [], 0)[0]:
                said.extend(os.read(read_end, 65536))
            number += 1
            program.refuse(f"b{number}")
            return b"https://b" in said

        wait_until(told, "a line about what happened after the pause")
        # Whole lines, whatever was dropped.
        lines = bytes(said).decode().split("\n")
        assert all(line.startswith("time=") for line in lines[1:-1]), lines
        program.witness.send(close_frame(1000))
        program.process.send_signal(signal.SIGTERM)
        os.set_blocking(read_end, True)
        while os.read(read_end, 65536):
            pass
        assert program.process.wait(DEADLINE_S) == 0
    os.close(read_end)


@test("a log whose reader has gone ends nothing")
def reader_gone():
    read_end, write_end = small_pipe()
    with Program(write_end) as program:
        os.close(write_end)
        program.open_witness(read_port(read_end))
        os.close(read_end)
        for number in range(REFUSALS):
            program.refuse(f"a{number}")
        program.end()


@test("a log on a full disk ends nothing")
def disk_full():
    with open("/dev/full", "wb", buffering=0) as full, Program(full) as program:
        wait_until(lambda: listening_port(program.process.pid), "the server to listen")
        program.open_witness(listening_port(program.process.pid))
        for number in range(REFUSALS):
            program.refuse(f"a{number}")
        program.end()


run()
