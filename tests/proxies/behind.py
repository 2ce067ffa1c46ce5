"""A chat room behind a proxy: both are started for one test and ended with it.

A way is one configuration of a proxy. Clients come from 127.0.0.x; the proxy goes to the server from the address of its
way, which is the only one that the server trusts.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable

from certificate import client_of, make_certificate
from ports import ReservedPort
from server_process import Server, wait_until
from ws_raw import BINARY, CLOSE, PING, PONG, Ended, Peer, frame, request

PROXY_ADDRESS = "127.0.0.9"
CLIENT, ANOTHER_CLIENT = "127.0.0.5", "127.0.0.6"
FULL = 4014
DEADLINE_S = 60
CHAT = b"\0\0\0\0"
WEB_ROOT = os.environ["WEB_ROOT"]
# Loopback is exempt from the limits for each address otherwise.
TWO_EACH = {"server.limits.limit_loopback": True, "server.limits.address_sessions_max": 2}


@dataclasses.dataclass(frozen=True)
class Place:
    """What a configuration is made of."""

    folder: str
    port: int  # the proxy's own
    server: int  # the server's port
    certificate: str = None
    key: str = None


@dataclasses.dataclass(frozen=True)
class Way:
    """`configure` gives the text of the proxy's configuration for a Place, `command` what runs it."""

    name: str
    configure: Callable
    command: Callable
    tls: bool = False  # clients speak TLS with the proxy
    proxy_protocol: bool = False  # the proxy tells the client's address in front of everything
    address: str = PROXY_ADDRESS  # where it comes from
    root: str = "/"  # where it shows the server's root

    def trust(self):
        return {"server.trusted_proxies": [self.address]}

    def listener(self):
        """The server's side of it."""
        if not self.proxy_protocol:
            return {}
        return {"server.listeners": [{"address": "127.0.0.1:0", "proxy_protocol": "on"}]}


class Proxy:
    """The process, which listens once this is made."""

    def __init__(self, way, server_port, folder):
        self.folder = folder
        self.reserved = ReservedPort()
        self.port = self.reserved.number
        certificate, key = make_certificate(folder) if way.tls else (None, None)
        self.place = Place(folder, self.port, server_port, certificate, key)
        path = os.path.join(folder, "proxy.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(way.configure(self.place))
        self.lines = []
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *way.command(folder, path)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.reader.start()
        try:
            wait_until(self._listens, "the proxy to listen")
        except BaseException:
            self.end()
            raise

    def _listens(self):
        # Connecting to find out would now and then take the port: a connection to a port where nobody listens may get
        # that port for its own end.
        assert self.process.poll() is None, "the proxy has ended:\n" + "".join(self.lines)
        wanted = f":{self.port:04X}"
        for name in ("tcp", "tcp6"):
            with open(f"/proc/net/{name}", encoding="ascii") as file:
                fields = [line.split() for line in file]
            if any(row[1].endswith(wanted) and row[3] == "0A" for row in fields[1:]):
                return True
        return False

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(DEADLINE_S)
        self.process.stderr.close()
        self.reserved.close()


class Behind:
    """with Behind(way, settings) as behind: the server, its proxy, and the ways in. program: CHATROOM or ECHO."""

    def __init__(self, way, settings=None, program="CHATROOM"):
        self.way = way
        self.peers = []
        self.folder = tempfile.mkdtemp(prefix="stoa-proxy-")
        everything = {"server.web_root": WEB_ROOT, **way.trust(), **way.listener(), **(settings or {})}
        try:
            self.server = Server(os.environ[program], everything)
            try:
                self.proxy = Proxy(way, self.server.port, self.folder)
            except BaseException:
                self.server.kill()
                raise
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for peer in self.peers:
            peer.close()
        self.proxy.end()
        try:
            if kind is None:
                self.server.stop()
        finally:
            self.server.kill()
            shutil.rmtree(self.folder)
        if kind is not None:
            for line in ["the end of the logs:", *self.server.log[-3000:].splitlines(), *self.proxy.lines[-20:]]:
                print("# " + line.rstrip())

    def connect(self, source=CLIENT, direct=False):
        """A connection by the proxy, or past it."""
        wrap = client_of(self.proxy.place.certificate) if self.way.tls and not direct else None
        peer = Peer(self.server.port if direct else self.proxy.port, source=source, wrap=wrap)
        self.peers.append(peer)
        return peer

    @property
    def host(self):
        """As a browser names the proxy."""
        return f"127.0.0.1:{self.proxy.port}"

    @property
    def origin(self):
        """Of the page that the proxy serves."""
        return f"{'https' if self.way.tls else 'http'}://{self.host}"

    def get(self, target="/", version="HTTP/1.1"):
        peer = self.connect()
        peer.send(f"GET {target} {version}\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode())
        return parse_answer(peer.read_to_end())

    def ask_upgrade(self, headers=(), source=CLIENT, direct=False):
        """The connection and the status that its upgrade got."""
        peer = self.connect(source, direct)
        peer.send(request("/" if direct else self.way.root, headers, host=self.host))
        return peer, peer.read_answer().status

    def join(self, source=CLIENT, headers=(), direct=False):
        """A session with its own messages, or the code that it was closed with."""
        peer, status = self.ask_upgrade(headers, source, direct)
        assert status == 101, status
        peer.send(frame(PING, b"in?"))
        while True:
            first, payload = peer.read_frame()
            if first & 0x0F == CLOSE:
                return int.from_bytes(payload[:2], "big")
            if first & 0x0F == PONG and payload == b"in?":
                return peer


def parse_answer(data):
    """(status, fields, body) of an answer that lasts until the connection ends, with its chunks put together."""
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if fields.get("transfer-encoding") == "chunked":
        whole = b""
        while body:
            size, _, rest = body.partition(b"\r\n")
            whole, body = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        body = whole
    return int(status_line.split()[1]), fields, body


def page():
    with open(os.path.join(WEB_ROOT, "index.html"), "rb") as file:
        return file.read()


def script():
    """The largest file of the page, and its target."""
    name = max((name for name in os.listdir(WEB_ROOT) if name.endswith(".js")),
               key=lambda name: os.path.getsize(os.path.join(WEB_ROOT, name)))
    with open(os.path.join(WEB_ROOT, name), "rb") as file:
        return "/" + name, file.read()


def chat(peer, text):
    """Send a message and receive it."""
    peer.send(frame(BINARY, CHAT + b'{"message":"%s"}' % text.encode()))
    while True:
        opcode, payload = peer.read_message()
        assert opcode == BINARY, f"opcode {opcode}: {payload[:100]!r}"
        if re.search(rb'"message" ?: ?"%s"' % text.encode(), payload):
            return


def is_shut_out(peer):
    """The server ends the connection without an upgrade: by a refusal, or by nothing at all."""
    try:
        return peer.read_answer().status != 101
    except (Ended, ConnectionError):
        return True
