"""A WebSocket client that says whatever it is told to, right or wrong: bytes, frames, requests, resets.

Libraries refuse to send what the tests of hostile input are about, so this one knows the grammar and enforces nothing.
Every wait has a deadline and fails loudly.
"""

import base64
import hashlib
import os
import select
import socket
import struct
import time

DEADLINE_S = 30
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# The chat's call Join, and an id that no test uses.
JOIN, JOIN_ID = 20, 0x7FFFFFF0
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
MASK = b"\x37\xfa\x21\x3d"
# Leaves the payload as it is, which saves the tests the work for a flood.
MASK_ZERO = b"\0\0\0\0"


def mask_payload(mask, payload):
    if mask == MASK_ZERO or not payload:
        return payload
    pattern = (mask * (len(payload) // 4 + 1))[: len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")
    return masked.to_bytes(len(payload), "big")


def length_bytes(length, form=None, masked=True):
    """The second byte and what follows it. form is 7, 16 or 64; None takes the shortest, as RFC 6455 5.2 demands."""
    bit = 0x80 if masked else 0
    if form is None:
        form = 7 if length < 126 else 16 if length < 65536 else 64
    if form == 7:
        return bytes([bit | length])
    if form == 16:
        return bytes([bit | 126]) + struct.pack("!H", length)
    return bytes([bit | 127]) + struct.pack("!Q", length)


def frame(opcode, payload=b"", fin=True, rsv=0, mask=MASK, claim=None, form=None):
    """One frame. claim is the length it pretends to have; mask None leaves it unmasked, as only servers may."""
    first = (FIN if fin else 0) | rsv | opcode
    length = len(payload) if claim is None else claim
    header = bytes([first]) + length_bytes(length, form, mask is not None)
    return header + payload if mask is None else header + mask + mask_payload(mask, payload)


def close_frame(code, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


def request(target="/", headers=(), key=None, method="GET", version="HTTP/1.1", host="localhost"):
    """An upgrade request; headers are added as they are, and None as host leaves that field out."""
    key = key or base64.b64encode(os.urandom(16)).decode()
    fields = [] if host is None else [f"Host: {host}"]
    fields += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    lines = [f"{method} {target} {version}", *fields, *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


class Answer:
    """An HTTP answer: status, reason, headers with lower-case names, the raw head and the body."""

    def __init__(self, head, body):
        self.head = head
        self.body = body
        status_line, *lines = head.decode("latin-1").split("\r\n")
        _, code, self.reason = status_line.split(" ", 2)
        self.status = int(code)
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.strip().lower(), value.strip())


class Ended(Exception):
    """The server ended the connection where more was expected."""


class Peer:
    """One connection, and what was received on it."""

    def __init__(self, port, host="127.0.0.1", source=None, wrap=None, receive_buffer=None):
        """receive_buffer: so many bytes. Segments are small then, so that the server's kernel buffers little either."""
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.socket.settimeout(DEADLINE_S)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap is not None:
            self.socket = wrap(self.socket)
        self.buffer = bytearray()
        self.reset = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def end(self):
        """End our side; what the server says can still be read."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server was faster

    def abort(self):
        """End with a reset instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # Sending.

    def send(self, data):
        self.socket.sendall(data)

    def try_send(self, data):
        """Send, and do not mind when the server has ended the connection; True when all went out."""
        try:
            self.socket.sendall(data)
            return True
        except (ConnectionError, socket.timeout):
            return False

    def send_some(self, data):
        """Send what the kernel takes now; the count, 0 when it takes nothing, None when the line is gone."""
        self.socket.setblocking(False)
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except ConnectionError:
            return None
        finally:
            self.socket.settimeout(DEADLINE_S)

    # Receiving.

    def _receive(self, deadline):
        """More bytes into the buffer; False at the end of the stream."""
        left = deadline - time.monotonic()
        assert left > 0, f"nothing came in time; got {bytes(self.buffer[:200])!r}"
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            self.reset = True
            return False
        except socket.timeout as error:
            raise AssertionError(f"nothing came in time; got {bytes(self.buffer[:200])!r}") from error
        finally:
            self.socket.settimeout(DEADLINE_S)
        self.buffer += data
        return len(data) > 0

    def _need(self, count, deadline):
        while len(self.buffer) < count:
            if not self._receive(deadline):
                raise Ended(f"after {bytes(self.buffer[:200])!r}")

    def has_input(self, wait_s=0):
        return bool(self.buffer) or bool(select.select([self.socket], [], [], wait_s)[0])

    def read_to_end(self, deadline_s=DEADLINE_S):
        """All that comes until the server ends its side."""
        deadline = time.monotonic() + deadline_s
        while self._receive(deadline):
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def ends(self):
        """True when the server ends the connection and says nothing more before."""
        return self.read_to_end() == b""

    def read_answer(self, head_only=False):
        deadline = time.monotonic() + DEADLINE_S
        while b"\r\n\r\n" not in self.buffer:
            if not self._receive(deadline):
                raise Ended(f"inside an HTTP head: {bytes(self.buffer[:200])!r}")
        head, _, _ = bytes(self.buffer).partition(b"\r\n\r\n")
        del self.buffer[: len(head) + 4]
        answer = Answer(head, b"")
        if answer.headers.get("transfer-encoding") == "chunked" and not head_only:
            answer.body = self._read_chunks(deadline)
            return answer
        length = 0 if head_only or answer.status in (101, 304) else int(answer.headers.get("content-length", "0"))
        self._need(length, deadline)
        answer.body = bytes(self.buffer[:length])
        del self.buffer[:length]
        return answer

    def _read_chunks(self, deadline):
        body = b""
        while True:
            while b"\r\n" not in self.buffer:
                if not self._receive(deadline):
                    raise Ended("inside a chunked body")
            line, _, _ = bytes(self.buffer).partition(b"\r\n")
            length = int(line, 16)
            self._need(len(line) + 2 + length + 2, deadline)
            chunk = bytes(self.buffer[len(line) + 2 : len(line) + 2 + length])
            del self.buffer[: len(line) + 2 + length + 2]
            body += chunk
            if length == 0:
                return body

    def read_frame(self, deadline_s=DEADLINE_S):
        """(first byte, payload) of the next frame; Ended when there is none."""
        deadline = time.monotonic() + deadline_s
        self._need(2, deadline)
        length = self.buffer[1] & 0x7F
        assert self.buffer[1] < 0x80, "a server does not mask"
        at = 2
        if length >= 126:
            size = 2 if length == 126 else 8
            self._need(2 + size, deadline)
            length = int.from_bytes(self.buffer[2 : 2 + size], "big")
            at += size
        self._need(at + length, deadline)
        payload = bytes(self.buffer[at : at + length])
        first = self.buffer[0]
        del self.buffer[: at + length]
        return first, payload

    def read_message(self):
        """(opcode, payload) of the next data frame; the pings of the server are answered on the way."""
        while True:
            first, payload = self.read_frame()
            if first & 0x0F == PING:
                self.try_send(frame(PONG, payload))
            elif first & 0x0F != PONG:
                return first & 0x0F, payload

    def read_close(self):
        """The code of the close frame; None for one without a code."""
        return self.read_close_frame()[0]

    def read_close_frame(self):
        """The code and the reason of the close frame, None and "" for one without a code; what comes before it is
        passed over. Answered, as RFC 6455 5.5.1 wants; then the server ends the connection (7.1.1) and says nothing
        more.
        """
        while True:
            first, payload = self.read_frame()
            if first & 0x0F == CLOSE:
                break
        self.try_send(frame(CLOSE, b""))
        rest = self.read_to_end()
        assert rest == b"", f"more after the close frame: {rest[:100]!r}"
        return (int.from_bytes(payload[:2], "big") if payload else None, payload[2:].decode())

    # Asking.

    def ask(self, data):
        """Send a whole request, and return the answer."""
        self.try_send(data)
        return self.read_answer()

    def upgrade(self, subprotocol=None, headers=(), target="/", **options):
        key = base64.b64encode(os.urandom(16)).decode()
        fields = list(headers)
        if subprotocol is not None:
            fields.append(f"Sec-WebSocket-Protocol: {subprotocol}")
        self.send(request(target, fields, key, **options))
        answer = self.read_answer()
        assert answer.status == 101, f"101, not {answer.head!r}"
        assert answer.headers["sec-websocket-accept"] == accept_of(key), answer.head
        assert answer.headers.get("sec-websocket-protocol") == subprotocol, answer.head
        return answer

    def enter_room(self, subprotocol):
        """Join the chat's default room, and read up to the reply. Clients without a subprotocol are in it."""
        if subprotocol is None:
            return
        word = lambda number: number.to_bytes(4, "big")
        call = word(0x80000000 | JOIN) + word(JOIN_ID)
        opcode, request, reply = BINARY, call + (b"" if subprotocol == "stoa.proto" else b"{}"), call
        if subprotocol == "stoa.text":
            opcode = TEXT
            request = b'{"type":%d,"id":%d,"payload":{}}' % (JOIN, JOIN_ID)
            reply = b'{"type":%d,"id":%d,"payload":' % (JOIN, JOIN_ID)
        self.send(frame(opcode, request))
        while True:
            payload = self.read_message()[1]
            if payload.startswith(reply):
                return
            refused = payload.startswith((word(0xC0000000 | JOIN), b'{"type":%d,"id":%d,"error":' % (JOIN, JOIN_ID)))
            assert not refused, f"Join was refused: {payload[:200]!r}"
