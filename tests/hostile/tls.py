"""TLS where none is spoken, none where it is, and handshakes that never end (row 39)."""

import os
import ssl
import subprocess
import tempfile

from certificate import client_of, make_certificate
from tap import run
from world import CHATROOM, hostile
from ws_raw import Peer, request

folder = tempfile.TemporaryDirectory()
CERTIFICATE, KEY = make_certificate(folder.name)
HANDSHAKE, ALERT = 0x16, 0x15
wrap = client_of(CERTIFICATE)

# The bystander is on the first address, which speaks TLS.
BOTH = {"server.addresses": ["wss://127.0.0.1:0", "127.0.0.1:0"], "server.tls.certificate": CERTIFICATE,
        "server.tls.key": KEY}
HURRIED = {**BOTH, "server.limits.handshake_timeout_ms": 1000}


def record(version, body, kind=HANDSHAKE):
    return bytes([kind]) + version + len(body).to_bytes(2, "big") + body


def client_hello(version):
    """The first message of a client that speaks no newer version than this one (RFC 2246 7.4.1.2, RFC 6101 5.6.1.2)."""
    ciphers = bytes.fromhex("c014c00a0039003500160033002f000a00ff")
    body = version + os.urandom(32) + b"\x00" + len(ciphers).to_bytes(2, "big") + ciphers + b"\x01\x00"
    return record(version, b"\x01" + len(body).to_bytes(3, "big") + body)


def modern_hello():
    """What Python's own client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=CERTIFICATE).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def expect_alert_or_end(world, data):
    peer = world.connect()
    peer.try_send(data)
    world.watch(peer)
    said = peer.read_to_end()
    assert said == b"" or said[0] == ALERT, f"{said[:60]!r} to {data[:30]!r}"
    peer.close()


@hostile("an honest client exchanges messages over TLS", CHATROOM, BOTH, wrap=wrap)
def honest(world):
    peer = world.connect(wrap=wrap)
    assert peer.socket.version() in ("TLSv1.2", "TLSv1.3")
    peer.upgrade("stoa.json")


@hostile("plain text on the TLS port gets an alert or the end, and no answer", CHATROOM, BOTH, wrap=wrap)
def plain_on_tls(world):
    for data in (
        request(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00" * 100, b"\xff" * 20000, b"hello\r\n" * 10,
        os.urandom(5000), record(b"\x03\x01", b"\x01\x00\x40\x00"), record(b"\x03\x03", b"x" * 100, 0x17),
        record(b"\x03\x01", b"\x00" * 65535), record(b"\x09\x09", b"\x01\x00\x00\x00"),
        record(b"\x03\x03", b"\x02\x28", ALERT), record(b"\x03\x03", b"\x01", 0x14),
    ):
        peer = world.connect()
        peer.try_send(data)
        peer.end()
        said = peer.read_to_end()
        world.bystander.chat()
        assert said == b"" or said[0] == ALERT, f"{said[:60]!r} to {data[:30]!r}"
        peer.close()


@hostile("TLS on the plain port is refused as the malformed request that it is", CHATROOM, BOTH, wrap=wrap)
def tls_on_plain(world):
    peer = world.connect(port=world.server.ports[1])
    peer.try_send(modern_hello())
    world.bystander.chat()
    assert peer.read_answer().status == 400
    assert peer.read_to_end() == b""


@hostile("SSL 3, TLS 1.0 and TLS 1.1 get an alert", CHATROOM, BOTH, wrap=wrap)
def old_versions(world):
    for version in (b"\x03\x00", b"\x03\x01", b"\x03\x02", b"\x02\x00"):
        expect_alert_or_end(world, client_hello(version))
    # The same message with a version that is spoken goes further, so it is the version that was refused.
    with Peer(world.server.port) as peer:
        peer.send(modern_hello())
        assert peer.socket.recv(1)[0] == HANDSHAKE


@hostile("renegotiation is refused", CHATROOM, BOTH, wrap=wrap)
def renegotiation(world):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{world.server.port}", "-tls1_2"]
    # A line that starts with R makes this client ask; it ends when it is refused.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        world.until(lambda: client.poll() is not None, "the client to end")
        said = client.stdout.read()
    assert b"no renegotiation" in said, said[-500:]


@hostile("half a handshake is closed after its timeout", CHATROOM, HURRIED, wrap=wrap)
def half_handshake(world):
    hello = modern_hello()
    before = world.server.sockets()
    peers = []
    for data in (b"", hello[:1], hello[:5], hello[: len(hello) // 2], hello[:-1], hello):
        peer = world.connect()
        peer.send(data)
        peers.append(peer)
    for peer in peers:
        world.watch(peer)
        peer.read_to_end()
    world.until(lambda: world.server.sockets() <= before, "half handshakes to be dropped")


def second_flight(peer, version):
    """Begin a handshake, and return what the client would say after the server's answer."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.maximum_version = version
    client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    is_first = True
    while True:
        try:
            client.do_handshake()
            return outgoing.read()  # in TLS 1.3 the client is ready before the server has its last flight
        except ssl.SSLWantReadError:
            flight = outgoing.read()
        if flight and not is_first:
            return flight
        peer.send(flight)
        is_first = False
        incoming.write(peer.socket.recv(65536))


@hostile("a handshake that stops in its second flight is closed after the same timeout", CHATROOM, HURRIED, wrap=wrap)
def stops_later(world):
    before = world.server.sockets()
    peers = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for part in (0, 0.1, 0.5, 0.9):
            peer = world.connect()
            flight = second_flight(peer, version)
            peer.send(flight[: int(len(flight) * part)])
            peers.append(peer)
    for peer in peers:
        world.watch(peer)
        peer.read_to_end()
    world.until(lambda: world.server.sockets() <= before, "half handshakes to be dropped")


@hostile("a handshake in single bytes has one timeout for all of them", CHATROOM, HURRIED, wrap=wrap)
def slow_handshake(world):
    hello = modern_hello()
    peer = world.connect()
    sent = iter(hello * 100)
    world.until(lambda: peer.has_input(0.01) or not peer.try_send(bytes([next(sent)])), "the handshake to be dropped")
    assert peer.ends()


@hostile("a request in single bytes inside TLS has the same timeout", CHATROOM, HURRIED, wrap=wrap)
def slow_request(world):
    peer = world.connect(wrap=wrap)
    sent = iter(request(headers=["X: " + "y" * 8000]))
    peer.send(bytes([next(sent)]))
    world.until(lambda: peer.has_input(0.01) or not peer.try_send(bytes([next(sent)])), "the request to be refused")
    assert peer.read_answer().status == 408


@hostile("TLS connections that end at any point leak nothing", CHATROOM, BOTH, wrap=wrap)
def churn(world):
    hello = modern_hello()
    for number in range(150):
        peer = Peer(world.server.port)
        peer.send(hello[: number * 7 % (len(hello) + 1)])
        if number % 2:
            peer.abort()
        else:
            peer.close()
        if number % 25 == 0:
            world.bystander.chat()
    for number in range(40):
        peer = Peer(world.server.port, wrap=wrap)
        if number % 2:
            peer.upgrade("stoa.json")
        if number % 3:
            peer.abort()
        else:
            peer.close()


@hostile("records that are changed on their way end the connection", CHATROOM, BOTH, wrap=wrap)
def changed_record(world):
    for data in (b"\x17\x03\x03\x00\x20" + os.urandom(32), b"\x17\x03\x03\xff\xff" + os.urandom(100), os.urandom(200),
                 b"GET / HTTP/1.1\r\n\r\n"):
        peer = world.connect(wrap=wrap)
        peer.upgrade("stoa.json")
        raw = os.dup(peer.socket.fileno())
        os.write(raw, data)
        os.close(raw)
        world.bystander.chat()
        try:
            peer.read_to_end()
        except ssl.SSLError:
            pass  # the alert


run()
