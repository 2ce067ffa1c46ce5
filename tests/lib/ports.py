"""A port for a program that has to be told one, and cannot take any that is free."""

import socket


class ReservedPort:
    """with ReservedPort() as port: nobody else gets this number until the end, on whichever address.

    The socket is bound to all addresses of both families and never listens. The kernel gives such a port to no one who
    asks for any port, neither for listening nor for connecting, and it lets the program have it that asks for this one
    and allows sharing (SO_REUSEADDR, as servers do). A socket of one address only would not be enough: another
    program may get the same number on another address, and then nobody can listen on all of them.
    """

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET6)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(("::", 0))
        self.number = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self.number

    def __exit__(self, *_):
        self.close()
