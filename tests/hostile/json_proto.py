"""Messages that are no messages: JSON, text packets, Protobuf and type numbers (rows 13, 36 to 38)."""

import json
import struct

from tap import run
from world import CHATROOM, hostile
from ws_raw import BINARY, PING, PONG, TEXT, frame

CALL, ERROR = 0x80000000, 0x40000000
CHAT, HELLO, PING_TYPE = 0, 16, 40
LARGE = {"server.limits.message_bytes_max": 1048576, "server.limits.session_errors_max": 60000}


def word(number):
    return struct.pack("!I", number)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


class Json:
    """Typed frames with JSON in them."""

    subprotocol = "stoa.json"
    opcode = BINARY
    chat_text = staticmethod(lambda payload: json.loads(payload)["message"])
    error_reason = staticmethod(lambda payload: json.loads(payload)["reason"])

    @staticmethod
    def wrap(payload, type_number=CHAT):
        return word(type_number) + payload

    @staticmethod
    def hello(number):
        return word(CALL | HELLO) + word(number) + b"{}"

    @classmethod
    def chat(cls, text):
        return cls.wrap(json.dumps({"message": text}).encode())

    @staticmethod
    def read(data):
        """(type, id, payload) of a message from the server."""
        number = int.from_bytes(data[:4], "big")
        return (number, int.from_bytes(data[4:8], "big"), data[8:]) if number & CALL else (number, None, data[4:])


class Proto(Json):
    """Typed frames with Protobuf in them."""

    subprotocol = "stoa.proto"
    chat_text = staticmethod(lambda payload: Proto.fields(payload)[1].decode())
    error_reason = staticmethod(lambda payload: Proto.fields(payload)[2].decode())

    @staticmethod
    def hello(number):
        return word(CALL | HELLO) + word(number)

    @classmethod
    def chat(cls, text):
        return cls.wrap(b"\x0a" + bytes([len(text)]) + text.encode())

    @staticmethod
    def number(data, at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                return value, at

    @staticmethod
    def fields(data):
        found = {}
        at = 0
        while at < len(data):
            tag, at = Proto.number(data, at)
            value, at = Proto.number(data, at)
            if tag & 7 == 2:
                value, at = data[at : at + value], at + value
            found[tag >> 3] = value
        return found


class Text:
    """Text packets, a JSON object each."""

    subprotocol = "stoa.text"
    opcode = TEXT
    chat_text = staticmethod(lambda payload: payload["message"])
    error_reason = staticmethod(lambda payload: payload["reason"])

    @staticmethod
    def wrap(payload):
        return b'{"type":0,"payload":' + payload + b"}"

    @staticmethod
    def hello(number):
        return b'{"type":16,"id":%d,"payload":{}}' % number

    @classmethod
    def chat(cls, text):
        return cls.wrap(json.dumps({"message": text}).encode())

    @staticmethod
    def read(data):
        packet = json.loads(data)
        bits = (CALL if "id" in packet else 0) | (ERROR if "error" in packet else 0)
        return packet["type"] | bits, packet.get("id"), packet.get("payload", packet.get("error"))


class Sender:
    """A session that says wrong things. After each a call and a chat message that are right fence off what is answered
    to it: errors come before the call's reply, what was stored before the message."""

    def __init__(self, world, codec):
        self.world = world
        self.codec = codec
        self.peer = world.member(codec.subprotocol)
        self.calls = 0

    def answers(self, data, opcode=None):
        """The reasons of the errors, and the texts of the chats, that the message brings forth."""
        self.calls += 1
        self.peer.send(frame(self.codec.opcode if opcode is None else opcode, data))
        fence = f"fence {self.calls}"
        self.peer.send(frame(self.codec.opcode, self.codec.hello(self.calls)))
        self.peer.send(frame(self.codec.opcode, self.codec.chat(fence)))
        self.world.bystander.chat()
        errors, chats, is_answered = [], [], False
        while True:
            got, payload = self.peer.read_message()
            assert got == self.codec.opcode, f"opcode {got} {payload[:100]!r} after {data[:100]!r}"
            number, call, payload = self.codec.read(payload)
            if number == CALL | HELLO and call == self.calls:
                is_answered = True
            elif number & ERROR:
                assert not is_answered, f"an error after the reply of the call behind it: {payload[:100]!r}"
                errors.append(self.codec.error_reason(payload))
            elif number == CHAT and self.codec.chat_text(payload) == fence:
                assert is_answered, "no reply to the call before"
                return errors, chats
            elif number == CHAT and not self.codec.chat_text(payload).startswith("bystander "):
                chats.append(self.codec.chat_text(payload))

    def expect_error(self, data, reason="BAD_REQUEST", opcode=None):
        errors, chats = self.answers(data, opcode)
        assert (errors, chats) == ([reason], []), f"{errors} and {chats} for {data[:100]!r} ({len(data)} bytes)"

    def expect_harmless(self, data):
        """An error or a chat, but one answer."""
        errors, chats = self.answers(data)
        assert len(errors) + len(chats) == 1, f"{errors} and {chats} for {data[:100]!r} ({len(data)} bytes)"

    def expect_chat(self, data, text):
        answers = self.answers(data)
        assert answers == ([], [text]), f"{answers}, not {text!r}, for {data[:100]!r}"


# No JSON of RFC 8259, or not the JSON of a chat message.
BAD_JSON = [
    b"", b" ", b"{", b"}", b"[", b"]", b"[]", b"[[]]", b"[{}]", b"null", b"true", b"0", b'"text"', b"nul",
    b"undefined", b"NaN", b"Infinity", b"{}{}", b"{},", b"{} x", b"{]", b"[}", b"{,}", b'{"message"}',
    b'{"message":}', b'{"message"', b'{"message":"x"', b'{"message":"x",}', b'{"message":"x"}}', b'{message:"x"}',
    b"{'message':'x'}", b'{"message":\'x\'}', b'{"message" "x"}', b'{"message":"x" "sender":"y"}',
    b'{"message":"x";}', b'{"message":"x"}//', b'/**/{"message":"x"}', b'{"message":1}', b'{"message":true}',
    b'{"message":[]}', b'{"message":["x"]}', b'{"message":{}}', b'{"message":{"a":1}}', b'{"message":1.5e3}',
    b'{"message":-0}', b'{"message":"x","sender":5}', b'{"message":"x","timestamp":{}}', b'{"message":"\x00"}',
    b'{"message":"\n"}', b'{"message":"\x1f"}', b'{"message":"\\x41"}', b'{"message":"\\u12"}',
    b'{"message":"\\u12G4"}', b'{"message":"\\"}', b'{"message":"\\', b'{"message":"\\ud800"}',
    b'{"message":"\\udc00"}', b'{"message":"\\ud800\\ud800"}', b'{"message":"\\ud800x"}',
    b'{"message":"\\udc00\\ud800"}', b'{"message":"\xff"}', b'{"message":"\xed\xa0\x80"}', b'{"message":"\xc0\x80"}',
    b'{"message":"\xf0\x9f\x98"}', b'{"mess\xffage":"x"}', b'\xef\xbb\xbf{"message":"x"}', b'{"message":"x"}\x00',
    b'\x00{"message":"x"}', b'{\x00"message":"x"}', b'\xff\xfe{\x00}\x00', b'{"message":01}', b'{"a":+1}',
    b'{"a":.5}', b'{"a":5.}', b'{"a":1e}', b'{"a":0x10}', b'{"a":-}',
]
# What parsers differ about. Whatever it is here, it is one answer, and the same connection goes on.
ODD_JSON = [
    b'{"message":"a","message":"b"}', b'{"message":"x","__proto__":{"a":1}}', b'{"message":"x","constructor":1}',
    b'{"message":"x","":1}', b'{"message":"x","a":1e999999999}', b'{"message":"x","a":-1e-999999999}',
    b'{"message":"x","a":' + b"9" * 100000 + b"}", b'{"message":"x","a":0.' + b"1" * 100000 + b"}",
    b'{"message":"x","' + b"k" * 100000 + b'":1}',
    b'{"message":"x",' + b",".join(b'"k%d":0' % i for i in range(50000)) + b"}",
    b'{"message":"x",' + b",".join([b'"k":0'] * 100000) + b"}", b'{"message":"' + b"\\u0041" * 100000 + b'"}',
    b'{"message":"' + b"\\ud83d\\ude00" * 50000 + b'"}', b" " * 500000 + b'{"message":"x"}', b'{"message":"\\u0000"}',
    b'{"message":null}', b"{}", b'{"message":""}', b'{"Message":"x"}',
    b'{"message":"x","sender":"root","timestamp":"1970"}',
]
DEEP = [
    b"[" * 100000, b'{"a":' * 100000, b"[" * 100000 + b"]" * 100000,
    b'{"message":' + b"[" * 100000 + b"]" * 100000 + b"}", b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}",
    b'{"a":' * 100000 + b"1" + b"}" * 100000, b'[{"a":' * 60000, b'{"a":' + b"[" * 65 + b"]" * 65 + b"}",
    b'{"message":"x","a":' + b'{"b":[' * 1000 + b"]}" * 1000 + b"}",
]


@hostile("JSON that is wrong is answered by an error, and the session goes on", CHATROOM, LARGE)
def bad_json(world):
    sender = Sender(world, Json)
    for payload in BAD_JSON:
        sender.expect_error(Json.wrap(payload))
    sender.expect_chat(Json.wrap('{"message":"still here 😀"}'.encode()), "still here 😀")


@hostile("text packets with wrong JSON in them are answered by an error, and the session goes on", CHATROOM, LARGE)
def bad_text(world):
    sender = Sender(world, Text)
    for payload in BAD_JSON:
        try:
            payload.decode()
        except UnicodeDecodeError:
            world.expect_close(frame(TEXT, Text.wrap(payload)), 1007, Text.subprotocol)
        else:
            if payload != b" ":
                sender.expect_error(Text.wrap(payload))
    sender.expect_chat(Text.wrap('{"message":"still here 😀"}'.encode()), "still here 😀")


@hostile("JSON that parsers differ about gets one answer", CHATROOM, LARGE)
def odd_json(world):
    for codec in (Json, Text):
        sender = Sender(world, codec)
        for payload in ODD_JSON:
            sender.expect_harmless(codec.wrap(payload))


@hostile("JSON that is nested too deep is refused without a stack overflow", CHATROOM, LARGE)
def deep_json(world):
    ticks = world.server.cpu_ticks()
    for codec in (Json, Text):
        sender = Sender(world, codec)
        for payload in DEEP:
            sender.expect_error(codec.wrap(payload))
    # 4 MB in all: one pass each.
    assert world.server.cpu_ticks() < ticks + 500


@hostile("text packets whose own members are wrong are answered by an error", CHATROOM, LARGE)
def bad_packets(world):
    sender = Sender(world, Text)
    for packet in (
        b"", b"x", b"{}", b"[]", b"null", b'{"payload":{}}', b'{"type":0}x', b'{"type":"0","payload":{}}',
        b'{"type":null,"payload":{}}', b'{"type":-1,"payload":{}}', b'{"type":0.5,"payload":{}}',
        b'{"type":1e999999999,"payload":{}}', b'{"type":' + b"9" * 100000 + b',"payload":{}}',
        b'{"type":[0],"payload":{}}', b'{"type":18446744073709551616,"payload":{}}',
        b'{"type":4294967296,"payload":{"message":"x"}}', b'{"type":{},"payload":{}}', b'{"type":00,"payload":{}}',
        b'{"type":+0,"payload":{}}', b'{"type":,"payload":{}}', b'{"type":0,"payload":}', b'{"type":0,"payload"}',
        b'{"type":0,"payload":{"message":"x"}', b'{"type":0,"payload":"{\\"message\\":5}"}', b"\x00",
        b'{"type":0,"type":16,"payload":{"message":"x"}}',
    ):
        errors, chats = sender.answers(packet)
        assert len(errors) == 1 and not chats, f"{errors} and {chats} for {packet[:100]!r}"
    for number in (b"-1", b"1e99", b"4294967296", b'"7"', b"null", b"1.5", b"[]"):
        errors, chats = sender.answers(b'{"type":16,"id":' + number + b',"payload":{}}')
        assert len(errors) == 1 and not chats, f"{errors} and {chats} for id {number}"
    sender.expect_error(b'{"type":4294967295,"payload":{}}', opcode=BINARY)


def group(number, content=b""):
    return varint(number << 3 | 3) + content + varint(number << 3 | 4)


@hostile("Protobuf that is wrong is answered by an error, and the session goes on", CHATROOM, LARGE)
def bad_proto(world):
    sender = Sender(world, Proto)
    for payload in (
        b"\x0a" + b"\xff" * 10 + b"\x01",  # lengths and tags of eleven bytes
        b"\xff" * 10 + b"\x01", b"\x08" + b"\x80" * 10 + b"\x01", b"\x08" + b"\xff" * 11, b"\xff" * 64,
        b"\x0a\x05abc", b"\x0a", b"\x0a\xff\xff\xff\xff\x0f" + b"x", b"\x0a" + varint(1 << 63) + b"x",
        b"\x0a" + varint((1 << 64) - 1) + b"x", b"\x0a" + varint((1 << 63) - 1),
        b"\x0a" + varint((1 << 32) + 3) + b"abc",
        b"\x0a" + varint(1 << 31), b"\x08", b"\x08\x80", b"\x0d\x01\x02", b"\x09\x01\x02\x03",
        # Field 0, then wire types 6 and 7.
        b"\x00\x01", b"\x02\x01x", b"\x00", b"\x07", b"\x0e", b"\x0f", b"\x7e\x00", b"\x7f\x00",
        varint(1 << 32 | 2) + b"\x01x", b"\xf8\xff\xff\xff\x7f\x01",
        b"\x7b", b"\x7b\x08\x01", b"\x7c", b"\x7b\x74", b"\x7b" * 100, group(15)[:-1], group(15, group(16))[:-2],
        b"\x7b" * 100000, b"\x7b" * 100000 + b"\x7c" * 100000, b"\x0a\x01\xff", b"\x0a\x02\xc0\x80",
        b"\x0a\x03\xed\xa0\x80",
        b"\x12\x01\x80" + b"\x0a\x01x", b"\x0a\x04\xf4\x90\x80\x80", b"\x0a\x01x\xff",
    ):
        sender.expect_error(Proto.wrap(payload))
    sender.expect_chat(Proto.wrap(b"\x0a\x0astill here"), "still here")


@hostile("unknown fields of Protobuf are skipped in one pass", CHATROOM, LARGE)
def unknown_proto(world):
    sender = Sender(world, Proto)
    text = b"\x0a\x05hello"
    ticks = world.server.cpu_ticks()
    for unknown in (
        b"\x78\x01" * 400000, b"\x7a\x00" * 400000, b"\x7b\x7c" * 400000, b"\x7d1234" * 160000,
        b"\x7a" + varint(900000) + bytes(900000), group(15, b"\x78\x01" * 400000), b"\x08\x01" * 400000,
        group(15, group(16, group(17))) * 100000,
    ):
        for payload in (unknown + text, text + unknown):
            sender.expect_chat(Proto.wrap(payload), "hello")
    assert world.server.cpu_ticks() < ticks + 1000
    sender.expect_chat(Proto.wrap(b"\x0a\x05first" * 100000 + text), "hello")


@hostile("a type that is cut short or unknown is answered by an error", CHATROOM, LARGE)
def types(world):
    for codec in (Json, Proto):
        sender = Sender(world, codec)
        for size in range(4):
            for byte in (b"\x00", b"\x80", b"\xff"):
                sender.expect_error(byte * size)
        for number in (1, 15, 17, 41, 0xFFFF, 0x10000000, 0x00000010 << 8, 0x3FFFFFFF):
            errors, chats = sender.answers(word(number) + b"{}")
            assert errors in (["UNKNOWN_TYPE"], ["BAD_REQUEST"]) and not chats, f"{errors} for {number:#x}"
        for number in (ERROR, CALL, CALL | ERROR, 0xFFFFFFFF, ERROR | HELLO, CALL | ERROR | HELLO, CALL | 0x3FFFFFFF):
            for rest in (b"", b"{}", b"\x00\x00\x00", b"\xff\xff\xff\xff", b"\xff\xff\xff\xff{}"):
                errors, chats = sender.answers(word(number) + rest)
                assert len(errors) == 1 and not chats, f"{errors} and {chats} for {number:#x} {rest}"
        sender.expect_error(word(HELLO) + b"{}")
        sender.expect_error(word(CALL | PING_TYPE) + word(5) + b"{}")


@hostile("the wrong kind of frame is answered by an error", CHATROOM, LARGE)
def kinds(world):
    for codec, opcode in ((Json, TEXT), (Proto, TEXT), (Text, BINARY)):
        Sender(world, codec).expect_error(b'{"message":"x"}', opcode=opcode)


@hostile("a client without a subprotocol gets no errors for its mistakes, and goes on", CHATROOM, LARGE)
def first_client(world):
    peer = world.join()
    wrong = [b"", b"\x00", b"\xff" * 4, b"\x00\x00\x00"] + [word(0) + payload for payload in BAD_JSON + DEEP]
    wrong += [word(number) + b"{}" for number in (1, HELLO, CALL | HELLO, ERROR, 0xFFFFFFFF)]
    for payload in wrong:
        peer.send(frame(BINARY, payload))
    peer.send(frame(TEXT, b'{"message":"text"}') + frame(PING, b"fence"))
    world.bystander.chat()
    while True:
        first, payload = peer.read_frame()
        if first & 0x0F == PONG:
            break
        assert payload[:4] == word(0) and json.loads(payload[4:])["message"].startswith("bystander "), payload[:100]
    peer.send(frame(BINARY, word(0) + b'{"message":"hello"}'))
    while json.loads(peer.read_message()[1][4:])["message"] != "hello":
        pass


@hostile("a client that sends only mistakes is closed with 4509", CHATROOM,
         {"server.limits.session_errors_max": 50})
def too_many(world):
    for subprotocol in ("stoa.json", "stoa.proto", None):
        world.expect_close(frame(BINARY, b"\xff") * 60, 4509, subprotocol)
    peer = world.attack(frame(BINARY, b"\xff") * 49)
    peer.send(frame(PING, b"still"))
    while peer.read_frame() != (0x8A, b"still"):
        pass


run()
