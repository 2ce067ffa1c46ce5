"""The bad neighbours: one line for each scenario, with the bytes of its connections. To add one, extend SCENARIOS."""

import dataclasses
import json
import ssl
import struct
import zlib

MIB = 1024 * 1024
LARGE_FILE, LARGE_BYTES = "large.bin", 16 * MIB
SMALL_FILE, SMALL_BYTES = "small.txt", 100
MESSAGE_BYTES = 64 * 1024  # the default of server.limits.message_bytes_max
CHAT = struct.pack("!I", 0)
TAIL = b"\0\0\xff\xff"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """Processes of one kind. `first` is sent once on each connection, `then` after it over and over, at most
    `rate_bytes` a second in each process; `secure` connects to the listener with TLS."""

    processes: int
    first: bytes
    then: bytes = b""
    connections: int = 1
    rate_bytes: int = 0
    unread: bool = False
    leave: bool = False
    secure: bool = False

    def options(self):
        """Arguments of the program, without its files."""
        words = ["--connections", str(self.connections)]
        words += ["--rate", str(self.rate_bytes)] if self.rate_bytes else []
        words += ["--unread"] if self.unread else []
        return words + (["--leave"] if self.leave else [])


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    neighbours: tuple = ()
    log_unread: bool = False


def frame(first, payload):
    """A client's frame, masked with zeros, which costs a server as much as any mask."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + struct.pack("!H", length)
    return bytes([first]) + size + bytes(4) + payload


def upgrade(*fields):
    lines = ["GET / HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", KEY,
             "Sec-WebSocket-Version: 13", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def get(target, *fields):
    return "\r\n".join([f"GET /{target} HTTP/1.1", "Host: localhost", *fields]).encode() + b"\r\n\r\n"


def chat(text):
    return frame(0x82, CHAT + json.dumps({"message": text}).encode())


def bomb():
    """A chat message of one letter in 64 KiB of JSON: the cost is inflating and parsing, not relaying."""
    empty = CHAT + json.dumps({"message": "x", "padding": ""}).encode()
    message = empty[:-2] + b"a" * (MESSAGE_BYTES - len(empty)) + empty[-2:]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return frame(0xC2, (packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL))


def client_hello():
    """The first bytes that a TLS client sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"
HALF_A_HEAD = upgrade()[:60]
ORIGIN = "Origin: https://" + "x" * 400 + ".example"

SCENARIOS = (
    Scenario("quiet", "nobody else"),
    Scenario("bombs", "eight send frames of 0.1 KB that inflate to 64 KiB of JSON",
             (Neighbours(8, upgrade(DEFLATE), bomb() * 500),)),
    Scenario("pipelines", "eight pipeline GETs of a small file",
             (Neighbours(8, get(SMALL_FILE), get(SMALL_FILE) * 1000),)),
    Scenario("downloads", "eight download a file of 16 MiB, again and again",
             (Neighbours(8, get(LARGE_FILE, "Connection: close")),)),
    Scenario("deserters", "eight ask for a file of 16 MiB and leave, again and again",
             (Neighbours(8, get(LARGE_FILE), leave=True),)),
    Scenario("unread-files", "eight ask for a file of 16 MiB and read nothing",
             (Neighbours(8, get(LARGE_FILE), unread=True),)),
    Scenario("chatter", "one says 2 MB a second in the room",
             (Neighbours(1, upgrade(), chat("x" * 1000) * 1000, rate_bytes=2_000_000),)),
    Scenario("half-open", "1000 have sent half a request head",
             (Neighbours(1, HALF_A_HEAD, connections=1000),)),
    Scenario("half-open-tls", "1000 have sent a ClientHello and nothing more",
             (Neighbours(1, client_hello(), connections=1000, secure=True),)),
    Scenario("mute-member", "a member never reads while 16 others say 50 KB a second each",
             (Neighbours(1, upgrade(), unread=True),
              Neighbours(1, upgrade(), chat("x" * 2700) * 16, connections=16, rate_bytes=16 * 50_000))),
    Scenario("log-unread", "nobody reads the log, and eight send refused origins",
             (Neighbours(8, upgrade(ORIGIN)),), log_unread=True),
)
