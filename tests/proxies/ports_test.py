"""The port that tests reserve for a program (tests/lib/ports.py) is given to nobody else."""

import errno
import socket

from ports import ReservedPort
from tap import run, test


def bind_fails(family, address, port):
    """As for whoever asks for any port: the kernel gives none that could not be asked for without sharing."""
    with socket.socket(family) as one:
        try:
            one.bind((address, port))
        except OSError as problem:
            return problem.errno == errno.EADDRINUSE
    return False


@test("a reserved port is nobody else's, on whichever address")
def given_to_nobody():
    with ReservedPort() as port:
        for address in ("127.0.0.1", "127.0.0.2", "0.0.0.0"):
            assert bind_fails(socket.AF_INET, address, port), address
        for address in ("::1", "::"):
            assert bind_fails(socket.AF_INET6, address, port), address


@test("the program that a port is reserved for can listen on it, on one address and on all")
def listened_on():
    with ReservedPort() as port:
        for address in ("127.0.0.1", ""):
            with socket.create_server((address, port)):
                socket.create_connection(("127.0.0.1", port)).close()


run()
