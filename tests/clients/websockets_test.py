"""Python's `websockets`, a WebSocket library of other authors, with the chat room."""

import asyncio
import json
import os
import re
import signal
import ssl
import tempfile
import warnings

import tap
import websockets
from certificate import make_certificate
from server_process import Server

DEADLINE_S = 30
CALL = 0x80000000
HELLO = 16
JOIN = 20
SUBPROTOCOLS = ["stoa.json", "stoa.proto", None]
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
TEXTS = ["hello", "大家好，柱廊 👩‍👩‍👧‍👦", 'line\nline\t"quoted" \\ \u0001', "x" * 125, "y" * 126, "😀" * 4000]


def test(name):
    """As that of tap.py, for a coroutine."""

    def register(body):
        tap.test(name)(lambda: asyncio.run(asyncio.wait_for(body(), 4 * DEADLINE_S)))
        return body

    return register


def word(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


class Json:
    @staticmethod
    def chat(text):
        return json.dumps({"message": text}).encode()

    @staticmethod
    def hello(nick):
        return json.dumps({"nick": nick}).encode()

    @staticmethod
    def join():
        return b"{}"

    @staticmethod
    def read_chat(payload):
        message = json.loads(payload)
        return message["message"], message["sender"], message["timestamp"]


class Proto:
    """Messages of strings, a tag of wire type 2, a length, the bytes; and of one number, the time once more."""

    @staticmethod
    def chat(text):
        data = text.encode()
        return b"\x0a" + varint(len(data)) + data

    hello = chat

    @staticmethod
    def join():
        return b""

    @staticmethod
    def read_chat(payload):
        fields = {}
        at = 0
        while at < len(payload):
            tag, at = read_varint(payload, at)
            value, at = read_varint(payload, at)
            if tag & 7 == 2:
                fields[tag >> 3] = payload[at : at + value].decode()
                at += value
            else:
                assert tag & 7 == 0, f"a string's or a number's tag, not {tag}"
                fields[tag >> 3] = value
        assert sorted(fields) == [1, 2, 3, 4, 5, 6, 8, 9], f"text, sender, times, room, place and user, not {sorted(fields)}"
        return fields[1], fields[2], fields[3]


class Chatroom:
    """The chat room or the echo program, from its start to its end."""

    def __init__(self, address, program="CHATROOM", **options):
        self.program = os.environ[program]
        self.settings = {"server.addresses": [address], **options}

    async def __aenter__(self):
        self.server = await asyncio.to_thread(Server, self.program, self.settings)
        self.port = self.server.port
        return self

    async def __aexit__(self, *_):
        await asyncio.to_thread(self.server.kill)


class Client:
    """One connection; `async with` closes it."""

    def __init__(self, url, subprotocol, nick, **options):
        self.codec = Proto if subprotocol == "stoa.proto" else Json
        self.nick = nick if subprotocol else None
        subprotocols = [subprotocol] if subprotocol else None
        self.opening = websockets.connect(
            url, subprotocols=subprotocols, max_size=None, max_queue=None, close_timeout=DEADLINE_S, **options
        )

    async def __aenter__(self):
        self.socket = await asyncio.wait_for(self.opening, DEADLINE_S)
        if self.nick is not None:
            await self.socket.send(word(CALL + HELLO, 7) + self.codec.hello(self.nick))
            reply = await self.receive()
            assert reply[:8] == word(CALL + HELLO, 7), f"the reply to Hello, not {reply[:80]}"
            await self.socket.send(word(CALL + JOIN, 8) + self.codec.join())
            reply = await self.receive()
            assert reply[:8] == word(CALL + JOIN, 8), f"the reply to Join, not {reply[:80]}"
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def receive(self):
        return await asyncio.wait_for(self.socket.recv(), DEADLINE_S)

    async def say(self, text):
        await self.socket.send(word(0) + self.codec.chat(text))

    async def hears(self):
        while True:
            frame = await self.receive()
            if frame[:4] == word(0):
                return self.codec.read_chat(frame[4:])

    async def closing(self):
        await asyncio.wait_for(self.socket.wait_closed(), DEADLINE_S)
        return self.socket.close_code


async def exchange_among_all(clients):
    for speaker in clients:
        for text in TEXTS:
            await speaker.say(text)
            heard = [await client.hears() for client in clients]
            assert len(set(heard)) == 1, f"all hear the same, not {set(heard)}"
            message, sender, timestamp = heard[0]
            assert message == text, f"the text, not {message[:80]!r}"
            assert speaker.nick in (None, sender), f"{speaker.nick}, not {sender}"
            assert TIMESTAMP.match(timestamp), timestamp


async def exchange_over(url, **options):
    async with Client(url, SUBPROTOCOLS[0], "Ada", **options) as ada:
        async with Client(url, SUBPROTOCOLS[1], "小明", **options) as ming:
            async with Client(url, SUBPROTOCOLS[2], None, **options) as plain:
                for client, subprotocol in zip((ada, ming, plain), SUBPROTOCOLS):
                    assert client.socket.subprotocol == subprotocol
                await exchange_among_all([ada, ming, plain])
                return ada.socket.extensions


def has_ipv6():
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as addresses:
            return "00000000000000000000000000000001" in addresses.read()
    except FileNotFoundError:
        return False


def register_transports():
    for host in ("127.0.0.1", "[::1]"):

        @test(f"over ws and {host} clients of JSON, of Protobuf and of no subprotocol exchange messages")
        async def plain(host=host):
            if host == "[::1]" and not has_ipv6():
                raise tap.Skip("this machine has no IPv6")
            async with Chatroom(f"{host}:0") as chatroom:
                await exchange_over(f"ws://{host}:{chatroom.port}/")

        @test(f"over wss and {host} clients of JSON, of Protobuf and of no subprotocol exchange messages")
        async def secure(host=host):
            if host == "[::1]" and not has_ipv6():
                raise tap.Skip("this machine has no IPv6")
            with tempfile.TemporaryDirectory() as folder:
                paths = make_certificate(folder)
                # The certificate is verified, its name too: it is its own authority.
                trust = ssl.create_default_context(cafile=paths[0])
                options = {"server.tls.certificate": paths[0], "server.tls.key": paths[1]}
                async with Chatroom(f"wss://{host}:0", **options) as chatroom:
                    await exchange_over(f"wss://{host}:{chatroom.port}/", ssl=trust)


register_transports()


@test("TLS 1.3 and 1.2 are spoken, and nothing older")
async def tls_versions():
    with tempfile.TemporaryDirectory() as folder:
        paths = make_certificate(folder)
        options = {"server.tls.certificate": paths[0], "server.tls.key": paths[1]}
        async with Chatroom("wss://127.0.0.1:0", **options) as chatroom:
            url = f"wss://127.0.0.1:{chatroom.port}/"
            for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
                async with Client(url, "stoa.json", "Ada", ssl=only(version, paths[0])) as ada:
                    assert ada.socket.transport.get_extra_info("ssl_object").version().replace(".", "_") == version.name
            try:
                async with Client(url, "stoa.json", "Ada", ssl=only(ssl.TLSVersion.TLSv1_1, paths[0])):
                    raise AssertionError("TLS 1.1 was spoken")
            except (ssl.SSLError, ConnectionError):
                pass


def only(version, cafile):
    context = ssl.create_default_context(cafile=cafile)
    # OpenSSL itself refuses the old versions at its usual security level; here the server is to refuse.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        # Python calls TLS 1.1 deprecated, which is why it is tried.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


@test("permessage-deflate is agreed on when the server is told to, and messages pass through it whole")
async def deflate():
    async with Chatroom("127.0.0.1:0", **{"server.compression": True}) as chatroom:
        extensions = await exchange_over(f"ws://127.0.0.1:{chatroom.port}/", compression="deflate")
        assert [extension.name for extension in extensions] == ["permessage-deflate"], extensions


@test("permessage-deflate is agreed on with every combination of its parameters, or left out")
async def deflate_parameters():
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Deflate

    async with Chatroom("127.0.0.1:0", **{"server.compression": True}) as chatroom:
        url = f"ws://127.0.0.1:{chatroom.port}/"
        for no_context in (False, True):
            for bits in (None, 9, 15):
                offer = Deflate(
                    server_no_context_takeover=no_context,
                    client_no_context_takeover=no_context,
                    server_max_window_bits=bits,
                    client_max_window_bits=bits if bits else True,
                )
                await exchange_over(url, compression=None, extensions=[offer])


@test("big messages pass in one frame and in many")
async def big():
    options = {"server.limits.message_bytes_max": 4 << 20, "server.limits.send_queue_bytes_max": 32 << 20}
    # The chat room's own limit is much lower.
    async with Chatroom("127.0.0.1:0", "ECHO", **options) as echo:
        async with Client(f"ws://127.0.0.1:{echo.port}/", "stoa.proto", "Ada") as ada:
            frame = word(0) + ada.codec.chat("柱" * (1 << 20))
            await ada.socket.send(frame)
            assert await ada.receive() == frame
            await ada.socket.send([frame[at : at + 65536] for at in range(0, len(frame), 65536)])
            assert await ada.receive() == frame


@test("a ping is answered by a pong")
async def ping():
    async with Chatroom("127.0.0.1:0") as chatroom:
        async with Client(f"ws://127.0.0.1:{chatroom.port}/", "stoa.json", "Ada") as ada:
            for payload in (b"", b"p", b"q" * 125):
                await asyncio.wait_for(await ada.socket.ping(payload), DEADLINE_S)


@test("the closing handshake returns the code of the one who began it")
async def close_codes():
    async with Chatroom("127.0.0.1:0") as chatroom:
        for code in (1000, 1001, 3000, 4999):
            async with Client(f"ws://127.0.0.1:{chatroom.port}/", "stoa.json", "Ada") as ada:
                await ada.socket.close(code, "see you")
                assert ada.socket.close_code == code, ada.socket.close_code


@test("a message above the limit closes its sender with 1009")
async def above_limit():
    async with Chatroom("127.0.0.1:0") as chatroom:
        async with Client(f"ws://127.0.0.1:{chatroom.port}/", "stoa.json", "Ada", compression=None) as ada:
            await ada.say("x" * 65536)
            code = await ada.closing()
            assert code == 1009, code


@test("a server that is told to end closes with 4001")
async def drain():
    async with Chatroom("127.0.0.1:0") as chatroom:
        async with Client(f"ws://127.0.0.1:{chatroom.port}/", None, None) as plain:
            chatroom.server.signal(signal.SIGTERM)
            code = await plain.closing()
            assert code == 4001, code
        await asyncio.to_thread(chatroom.server.check_end)


if __name__ == "__main__":
    tap.run()
