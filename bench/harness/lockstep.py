"""A client that does the same thing in every run, so that a server's instructions can be counted.

It sends a batch, waits for all that must come back, and sends the next one. So a batch is one read of the server, and
its messages are handled in one turn. The load generator is faster, but how it divides messages among turns varies.
"""

import socket
import ssl
import struct

MASK = b"\x37\xfa\x21\x3d"
DEADLINE_S = 120
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def _length(count, masked):
    bit = 0x80 if masked else 0
    return bytes([bit | count]) if count < 126 else bytes([bit | 126]) + struct.pack("!H", count)


def frame(opcode, payload):
    """A frame of the client."""
    masked = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes([0x80 | opcode]) + _length(len(payload), True) + MASK + masked


def _received(payload):
    """How long the server's frame with this payload is."""
    return 1 + len(_length(len(payload), False)) + len(payload)


def chat(size):
    """A typed frame of type 0 with a JSON message, as the load generator makes them."""
    around = b'\0\0\0\0{"message":"%s","sender":"b","timestamp":"t"}'
    return around.replace(b"%s", b"x" * (size - len(around) + 2))


def connect(port, context=None):
    """Open a session."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        peer = context.wrap_socket(peer)
    peer.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        more = peer.recv(4096)
        if not more:
            raise RuntimeError("the server closed the connection during the handshake")
        answer += more
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise RuntimeError(f"no upgrade: {answer[:60]!r}")
    return peer


def close(peer):
    """End a session with the close handshake, and wait for the end of the connection."""
    peer.sendall(frame(8, struct.pack("!H", 1000)))
    while peer.recv(4096):
        pass
    peer.close()


def _read(peer, count):
    while count > 0:
        got = len(peer.recv(min(count, 1048576)))
        if got == 0:
            raise RuntimeError("the server closed the connection")
        count -= got


def exchange(port, members, window, size, is_fanout, rounds):
    """The first member sends `window` messages in each round; it gets them back, or every member does."""
    payload = chat(size) if is_fanout else b"x" * size
    batch = frame(2, payload) * window
    peers = [connect(port) for _ in range(members)]
    readers = peers if is_fanout else peers[:1]
    for _ in range(rounds):
        peers[0].sendall(batch)
        for reader in readers:
            _read(reader, _received(payload) * window)
    for peer in peers:
        close(peer)


def sessions(port, rounds, over_tls):
    """Open a session and close it, one after the other."""
    context = None
    if over_tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for _ in range(rounds):
        peer = connect(port, context)
        close(peer)
