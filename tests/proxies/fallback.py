"""The HTTP fallback behind Debian's nginx, haproxy and Caddy, and with the server's own TLS: events are not held back,
posts come through, and pings keep what is silent alive.
"""

import http.client
import itertools
import json
import os
import ssl
import tempfile

import ways
from behind import CLIENT, Behind
from certificate import make_certificate
from for_each import for_each
from server_process import Server
from tap import run, test

HELLO, JOIN, CALL = 16, 20, 0x80000000
FOREIGN = "https://evil.example"
FALLBACK = {"server.http_fallback": True}
DEADLINE_S = 60
nicks = itertools.count()


class Session:
    """A client of the fallback. Posts go over a connection of their own, which is kept."""

    def __init__(self, port, root="/", certificate=None, headers=()):
        self.port, self.root, self.certificate = port, root, certificate
        self.number = 0
        self.up = self._connection()
        self.down = self._connection()
        self.headers = dict(headers)
        self.down.request("POST", root, headers={"Accept": "text/event-stream", "Stoa-Protocol": "stoa.json", **self.headers})
        self.answer = self.down.getresponse()
        self.status = self.answer.status
        if self.status == 200:
            name, data = self.read()
            assert name == "open", (name, data)
            self.key = json.loads(data)["key"]

    def _connection(self):
        if self.certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S, source_address=(CLIENT, 0))
        trust = ssl.create_default_context(cafile=self.certificate)
        trust.check_hostname = False
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE_S, context=trust,
                                           source_address=(CLIENT, 0))

    def read(self):
        """(name, data) of the next event; the name of a ping is `ping`, at the end it is None."""
        name, data = "", ""
        while line := self.answer.readline():
            text = line.decode().rstrip("\n")
            if text == "":
                return name, data
            if text.startswith(":"):
                name = "ping"
            elif text.startswith("event:"):
                name = text[6:]
            else:
                assert text.startswith("data:"), text
                data = text[5:]
        return None, ""

    def post(self, *messages):
        headers = {"Stoa-Session": self.key, **self.headers}
        body = b"".join(len(message).to_bytes(4, "big") + message for message in messages)
        if messages:
            self.number += 1
            headers |= {"Stoa-Sequence": str(self.number), "Content-Type": "application/octet-stream"}
        self.up.request("POST", self.root, body=body, headers=headers)
        answer = self.up.getresponse()
        answer.read()
        return answer.status

    def call(self, number, message):
        """The reply."""
        text = json.dumps(message).encode()
        status = self.post((CALL | number).to_bytes(4, "big") + (7).to_bytes(4, "big") + text)
        assert status == 204, status
        return self.message(f"c{CALL | number:08x}00000007")

    def message(self, start):
        """The next message that begins so; pings are answered."""
        while True:
            name, data = self.read()
            assert name is not None, "the response has ended"
            if name == "ping":
                assert self.post() == 204
            if name == "" and data.startswith(start):
                return json.loads(data[len(start):])

    def close(self):
        self.up.close()
        self.answer.close()
        self.down.close()


def enter(session):
    """Say who it is, and join the default room."""
    session.call(HELLO, {"nick": f"guest{next(nicks)}"})
    session.call(JOIN, {})
    return session


def through(behind, headers=()):
    return Session(behind.proxy.port, behind.way.root, behind.proxy.place.certificate, headers)


@for_each([*ways.ALL, *ways.IN_FOLDER], "sessions without WebSocket chat through {}")
def sessions(way):
    with Behind(way, FALLBACK) as behind:
        ada, bob = enter(through(behind)), enter(through(behind))
        for session in (ada, bob):
            text = f"hello from {session.key[:36]} ä {'x' * 3000}"
            assert session.post(b"\0\0\0\0" + json.dumps({"message": text}).encode()) == 204
            for reader in (ada, bob):
                assert reader.message("f00000000")["message"] == text
        for session in (ada, bob):
            session.close()


@for_each(ways.BY_FIELD, "pages of the server's own origin may use it through {}, others may not")
def origins(way):
    with Behind(way, FALLBACK) as behind:
        own = enter(through(behind, [("Origin", behind.origin)]))
        foreign = through(behind, [("Origin", FOREIGN)])
        assert (own.status, foreign.status) == (200, 403)
        own.headers = {"Origin": FOREIGN}
        assert own.post() == 403
        own.close()
        foreign.close()


@for_each(ways.IMPATIENT, "a session that is silent for longer than the timeout of {} lives by pings")
def silence(way):
    with Behind(way, {**FALLBACK, "server.ping_interval_ms": 250}) as behind:
        session = enter(through(behind))
        for _ in range(10):  # two and a half seconds
            name = session.read()[0]
            while name != "ping":
                name = session.read()[0]
                assert name is not None
            assert session.post() == 204
        assert session.post(b'\0\0\0\0{"message":"still here"}') == 204
        assert session.message("f00000000")["message"] == "still here"
        session.close()


@test("nginx without proxy_http_version is told what to change")
def nginx_1_0():
    with Behind(ways.NGINX_1_0, FALLBACK) as behind:
        session = through(behind)
        assert session.status == 400
        assert b"proxy_http_version 1.1" in session.answer.read()
        session.close()


@test("sessions without WebSocket chat over the server's own TLS")
def own_tls():
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_certificate(folder)
        server = Server(os.environ["CHATROOM"], {
            **FALLBACK, "server.addresses": ["wss://127.0.0.1:0"], "server.tls.certificate": certificate,
            "server.tls.key": key})
        try:
            ada, bob = (enter(Session(server.port, certificate=certificate)) for _ in range(2))
            for i in range(50):
                text = f"{i} {'y' * (i * 70)}"
                assert ada.post(b"\0\0\0\0" + json.dumps({"message": text}).encode()) == 204
                assert bob.message("f00000000")["message"] == text
            ada.close()
            bob.close()
            server.stop()
        finally:
            server.kill()


run()
