"""The runner's side of the conformance protocol, and Protobuf's wire format byte by byte."""
import struct
import subprocess

import conformance_pb2
from google.protobuf import json_format, text_format
from test_messages_proto3_pb2 import TestAllTypesProto3

PROTOBUF = conformance_pb2.PROTOBUF
JSON = conformance_pb2.JSON
FULL_NAME = TestAllTypesProto3.DESCRIPTOR.full_name

VARINT, FIXED64, LEN, GROUP, GROUP_END, FIXED32 = range(6)


def varint(value, extra=0):
    """With `extra` bytes more than it needs."""
    value &= (1 << 64) - 1
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    for _ in range(extra):
        data[-1] |= 0x80
        data.append(0)
    return bytes(data)


def tag(number, wire):
    return varint(number << 3 | wire)


def delimited(number, data):
    return tag(number, LEN) + varint(len(data)) + data


def of_text(text):
    return text_format.Parse(text, TestAllTypesProto3())


def canonical(message):
    """Equal for equal messages, not-a-number included."""
    return message.SerializeToString(deterministic=True)


class Testee:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.requests = 0

    def exchange(self, request):
        data = request.SerializeToString()
        self.process.stdin.write(struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        self.requests += 1
        head = self.process.stdout.read(4)
        if len(head) != 4:
            raise SystemExit("the testee ended with %r at %r" % (self.process.wait(), request))
        answer = self.process.stdout.read(struct.unpack("<I", head)[0])
        return conformance_pb2.ConformanceResponse.FromString(answer)

    def ask(self, payload, output, category=conformance_pb2.UNSPECIFIED_TEST):
        """`payload` is text for JSON, bytes for binary. ("json_payload" or another member of the result, its value)"""
        request = conformance_pb2.ConformanceRequest(
            requested_output_format=output, message_type=FULL_NAME, test_category=category)
        if isinstance(payload, str):
            request.json_payload = payload
        else:
            request.protobuf_payload = payload
        response = self.exchange(request)
        kind = response.WhichOneof("result")
        return kind, getattr(response, kind)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


class Differs(Exception):
    pass


def must(condition, *what):
    if not condition:
        raise Differs(" | ".join(str(part)[:600] for part in what))


def expect(testee, payload, expected, category=conformance_pb2.UNSPECIFIED_TEST):
    """The payload is this message, in both forms of output. JSON drops fields that are unknown."""
    kind, answer = testee.ask(payload, PROTOBUF, category)
    must(kind == "protobuf_payload", payload, kind, answer)
    got = TestAllTypesProto3.FromString(answer)
    must(canonical(got) == canonical(expected), payload, "binary differs", got, "expected", expected)
    kind, answer = testee.ask(payload, JSON, category)
    must(kind == "json_payload", payload, kind, answer)
    known = TestAllTypesProto3.FromString(canonical(expected))
    known.DiscardUnknownFields()
    got = json_format.Parse(answer, TestAllTypesProto3())
    must(canonical(got) == canonical(known), payload, "JSON differs", answer, "expected", known)


def refuse(testee, payload, category=conformance_pb2.UNSPECIFIED_TEST):
    for output in (PROTOBUF, JSON):
        kind, answer = testee.ask(payload, output, category)
        must(kind == "parse_error" and answer != "", payload, kind, answer)
