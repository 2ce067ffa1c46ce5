#!/usr/bin/python3
"""What protobuf's conformance runner asks of a testee, asked of Stoa's.

usage: conformance_test.py TESTEE FOLDER_OF_PB2 [WORD...]

Debian does not package the runner. Its kinds of requests, in binary and JSON, are made here, and the answers compared
with what Protobuf's own Python library makes of the same input, or with what the two formats lay down.
"""
import json
import os
import random
import struct
import sys

TESTEE = sys.argv.pop(1)
sys.path.insert(0, sys.argv.pop(1))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# Registers the extension that a file of the messages uses, and Any's usual contents.
from google.protobuf import (any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2,  # noqa: E402,F401
                             timestamp_pb2, wrappers_pb2)
from google.protobuf.message import DecodeError  # noqa: E402

import conformance_pb2  # noqa: E402
import json_cases  # noqa: E402
from runner import (FIXED32, FIXED64, FULL_NAME, GROUP, GROUP_END, JSON, LEN, PROTOBUF, VARINT,  # noqa: E402
                    TestAllTypesProto3, Testee, canonical, delimited, expect, must, of_text, refuse, tag, varint)
from tap import run, test  # noqa: E402

IGNORE = conformance_pb2.JSON_IGNORE_UNKNOWN_PARSING_TEST
FIELDS = TestAllTypesProto3.DESCRIPTOR.fields_by_name
MOST = 2**64 - 1

testee = Testee(TESTEE)


def zigzag(value):
    return varint(value << 1 ^ value >> 63)


def little(form):
    return lambda value: struct.pack("<" + form, value)


def text(value):
    return varint(len(value.encode())) + value.encode()


def blob(value):
    return varint(len(value)) + value


# Kind: wire type, how a value is written, values; and bytes that are a value in another way.
KINDS = {
    "int32": (VARINT, varint, [0, 12345, 2**31 - 1, -2**31, -1],
              {varint(1, 3): 1, varint(2**33 + 5): 5, varint(2**31): -2**31, varint(-1, 0): -1, varint(7, 9): 7}),
    "int64": (VARINT, varint, [0, 12345, 2**63 - 1, -2**63, -1], {varint(1, 8): 1}),
    "uint32": (VARINT, varint, [0, 12345, 2**32 - 1], {varint(2**33 + 5): 5, varint(MOST): 2**32 - 1}),
    "uint64": (VARINT, varint, [0, 12345, MOST], {varint(1, 5): 1, b"\xff" * 9 + b"\x7f": MOST}),
    "sint32": (VARINT, zigzag, [0, 12345, -1, 2**31 - 1, -2**31], {varint(2**33 + 5): -3}),
    "sint64": (VARINT, zigzag, [0, 12345, -1, 2**63 - 1, -2**63], {varint(1, 8): -1}),
    "fixed32": (FIXED32, little("I"), [0, 12345, 2**32 - 1], {}),
    "fixed64": (FIXED64, little("Q"), [0, 12345, MOST], {}),
    "sfixed32": (FIXED32, little("i"), [0, 12345, 2**31 - 1, -2**31], {}),
    "sfixed64": (FIXED64, little("q"), [0, 12345, 2**63 - 1, -2**63], {}),
    "float": (FIXED32, little("f"), [0.0, 0.5, -2.5, float("inf"), float("-inf"), 2.0**-149, 2.0**127],
              {}),
    "double": (FIXED64, little("d"), [0.0, 0.1, -2.5, float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308],
               {}),
    "bool": (VARINT, varint, [False, True], {varint(2): True, varint(1, 5): True, varint(MOST): True,
                                            varint(2**32): True}),
    "string": (LEN, text, ["", "Hello world!", "\u8c37\u6b4c", "a\0b", "x" * 200], {}),
    "bytes": (LEN, blob, [b"", b"\x01\x02", b"\xff\xfe", b"y" * 200], {}),
    "nested_enum": (VARINT, varint, [0, 1, 2, -1, 12345], {varint(2**33 + 1): 1}),
}
NUMERIC = [kind for kind in KINDS if kind not in ("string", "bytes")]


def samples(kind):
    """(bytes, value)"""
    _, write, values, others = KINDS[kind]
    return [(write(value), value) for value in values] + list(others.items())


def number(name):
    return FIELDS[name].number


def message(**members):
    return TestAllTypesProto3(**members)


@test("a request for the list of known failures gets an empty one")
def failure_set():
    response = testee.exchange(conformance_pb2.ConformanceRequest(
        message_type="conformance.FailureSet", protobuf_payload=b"", requested_output_format=PROTOBUF))
    must(conformance_pb2.FailureSet.FromString(response.protobuf_payload).failure == [], response)
    must(response.WhichOneof("result") == "protobuf_payload", response)


@test("text format, JSPB and messages of proto2 are skipped, and nothing else")
def skipped():
    make = conformance_pb2.ConformanceRequest
    for request in (
            make(text_payload="", requested_output_format=PROTOBUF, message_type=FULL_NAME),
            make(jspb_payload="[]", requested_output_format=PROTOBUF, message_type=FULL_NAME),
            make(protobuf_payload=b"", requested_output_format=conformance_pb2.TEXT_FORMAT, message_type=FULL_NAME),
            make(protobuf_payload=b"", requested_output_format=conformance_pb2.JSPB, message_type=FULL_NAME),
            make(protobuf_payload=b"", requested_output_format=PROTOBUF,
                 message_type="protobuf_test_messages.proto2.TestAllTypesProto2")):
        response = testee.exchange(request)
        must(response.WhichOneof("result") == "skipped", request, response)


@test("a scalar is taken in each form it may have, and the last one counts")
def scalars():
    for kind, (wire, _, _, _) in KINDS.items():
        name = "optional_" + kind
        before = b""
        for data, value in samples(kind):
            before += tag(number(name), wire) + data
            expect(testee, tag(number(name), wire) + data, message(**{name: value}))
            expect(testee, before, message(**{name: value}))


@test("lists are taken packed and unpacked, whatever the .proto says")
def lists():
    for kind in KINDS:
        wire = KINDS[kind][0]
        items = [value for _, value in samples(kind)]
        for prefix in ("repeated_", "packed_", "unpacked_"):
            name = prefix + kind
            if name not in FIELDS:
                continue
            at = number(name)
            loose = b"".join(tag(at, wire) + data for data, _ in samples(kind))
            expect(testee, loose, message(**{name: items}))
            if kind in NUMERIC:
                packed = delimited(at, b"".join(data for data, _ in samples(kind)))
                expect(testee, packed, message(**{name: items}))
                expect(testee, packed + loose + delimited(at, b""), message(**{name: items + items}))


@test("of a oneof the last member counts, and a message that comes again is merged")
def oneofs():
    members = [name for name in FIELDS if name.startswith("oneof_") and name != "oneof_null_value"]
    one = {"oneof_uint32": 7, "oneof_nested_message": {"a": 7}, "oneof_string": "s", "oneof_bytes": b"b",
           "oneof_bool": True, "oneof_uint64": 7, "oneof_float": 0.5, "oneof_double": 0.5, "oneof_enum": 1}
    for first in members:
        for second in members:
            if first != second:
                data = canonical(message(**{first: one[first]})) + canonical(message(**{second: one[second]}))
                expect(testee, data, message(**{second: one[second]}))
    twice = message(oneof_nested_message={"a": 1}), message(oneof_nested_message={"corecursive": {"optional_int32": 2}})
    expect(testee, canonical(twice[0]) + canonical(twice[1]),
           message(oneof_nested_message={"a": 1, "corecursive": {"optional_int32": 2}}))
    expect(testee, canonical(twice[0]) + canonical(message(oneof_uint32=1)) + canonical(twice[1]),
           message(oneof_nested_message={"corecursive": {"optional_int32": 2}}))
    at = number("oneof_uint32")
    expect(testee, tag(at, VARINT) + varint(0), message(oneof_uint32=0))


@test("messages are merged, and lists within them joined")
def merging():
    first = message(optional_nested_message={"a": 1, "corecursive": {"repeated_int32": [1], "optional_int32": 3}})
    second = message(optional_nested_message={"corecursive": {"repeated_int32": [2], "optional_string": "x"}})
    merged = message(optional_nested_message={
        "a": 1, "corecursive": {"repeated_int32": [1, 2], "optional_int32": 3, "optional_string": "x"}})
    expect(testee, canonical(first) + canonical(second), merged)


@test("map entries may lack a part, repeat a part or a key, and have unknown fields")
def maps():
    for name, field in FIELDS.items():
        if not name.startswith("map_") or field.message_type.fields_by_name["value"].message_type is not None:
            continue
        key_kind, value_kind = name[4:].split("_", 1)
        value_kind = "int32" if value_kind.endswith("enum") else value_kind
        for key, key_value in samples(key_kind):
            for value, expected in samples(value_kind)[:4]:
                key_part = tag(1, KINDS[key_kind][0]) + key
                value_part = tag(2, KINDS[value_kind][0]) + value
                entry = message()
                getattr(entry, name)[key_value] = expected
                empty = message()
                getattr(empty, name)[key_value] = type(expected)()
                expect(testee, delimited(field.number, key_part + value_part), entry)
                expect(testee, delimited(field.number, value_part + key_part), entry)
                expect(testee, delimited(field.number, key_part + key_part + value_part + value_part), entry)
                expect(testee, delimited(field.number, key_part) + delimited(field.number, key_part + value_part), entry)
                expect(testee, delimited(field.number, key_part), empty)
    at = number("map_string_nested_message")
    expect(testee, delimited(at, delimited(1, b"k")), of_text('map_string_nested_message {key: "k" value {}}'))
    value = delimited(2, tag(1, VARINT) + varint(5)) + delimited(2, delimited(2, tag(1, VARINT) + varint(6)))
    expect(testee, delimited(at, delimited(1, b"k") + value), of_text(
        'map_string_nested_message {key: "k" value {a: 5 corecursive {optional_int32: 6}}}'))


@test("the input may end before no value, in no value, and in no message")
def premature_ends():
    cut = {VARINT: b"\x80", FIXED32: b"\0\0\0", FIXED64: b"\0" * 7, LEN: b"\x02a"}
    for kind, (wire, _, _, _) in KINDS.items():
        for name in ("optional_" + kind, "repeated_" + kind, "packed_" + kind):
            if name in FIELDS:
                refuse(testee, tag(number(name), wire))
                refuse(testee, tag(number(name), wire) + cut[wire])
                refuse(testee, delimited(number("optional_nested_message"),
                                         delimited(2, tag(number(name), wire) + cut[wire])))
        if "packed_" + kind in FIELDS and cut[wire] != b"":
            refuse(testee, delimited(number("packed_" + kind), cut[wire]))
            refuse(testee, tag(number("packed_" + kind), LEN) + b"\x05" + cut[wire])
    for wire, data in cut.items():
        refuse(testee, tag(501, wire))
        refuse(testee, tag(501, wire) + data)
    refuse(testee, tag(number("optional_nested_message"), LEN) + b"\x02\x08")
    refuse(testee, tag(number("optional_int32"), VARINT)[:0] + b"\x80")


@test("unknown fields come back unchanged")
def unknown_fields():
    parts = [tag(501, VARINT) + varint(123), tag(502, FIXED64) + b"12345678", tag(503, FIXED32) + b"1234",
             delimited(504, b"abc"), tag(505, GROUP) + tag(1, VARINT) + b"\1" + tag(505, GROUP_END),
             tag(506, GROUP) + tag(507, GROUP) + tag(507, GROUP_END) + tag(506, GROUP_END)]
    for part in parts:
        expect(testee, part, TestAllTypesProto3.FromString(part))
        kind, answer = testee.ask(part, PROTOBUF)
        must(kind == "protobuf_payload" and answer == part, part, answer)
    mixed = parts[0] + tag(1, VARINT) + b"\7" + parts[3] + parts[0]
    kind, answer = testee.ask(mixed, PROTOBUF)
    must(answer == tag(1, VARINT) + b"\7" + parts[0] + parts[3] + parts[0], answer)
    inside = delimited(number("recursive_message"), parts[0])
    expect(testee, inside, TestAllTypesProto3.FromString(inside))
    wrong_wire = tag(number("optional_int32"), LEN) + text("x")
    expect(testee, wrong_wire, TestAllTypesProto3.FromString(wrong_wire))


@test("invalid tags, varints, groups and lengths are refused")
def malformed():
    for data in (
            b"\x00\x01", b"\x02\x01\x01", b"\x04", b"\x05\0\0\0\0", b"\x01" + b"\0" * 8,
            b"\x80\x80\x00", varint(1 << 35), tag(1, 6), tag(1, 7), tag(501, 6) + b"\0", tag(501, 7) + b"\0",
            tag(1, VARINT) + b"\xff" * 10 + b"\1", b"\xff" * 11, tag(501, VARINT) + b"\x80" * 10 + b"\0",
            tag(501, GROUP), tag(501, GROUP) + tag(502, GROUP_END), tag(501, GROUP_END),
            tag(501, GROUP) + tag(1, VARINT) + tag(501, GROUP_END), tag(1, GROUP_END),
            tag(14, LEN) + varint(MOST), tag(14, LEN) + varint(2**31) + b"a", tag(18, LEN) + b"\x05\x08\x01",
            tag(75, LEN) + b"\x01\x80"):
        refuse(testee, data)


@test("strings that are not UTF-8 are refused, and bytes are anything")
def utf8():
    for bad in (b"\xff", b"\x80", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                b"\xf8\x88\x80\x80\x80", b"a\xc3", b"x" * 40 + b"\xe2\x82"):
        refuse(testee, delimited(number("optional_string"), bad))
        refuse(testee, delimited(number("repeated_string"), b"good") + delimited(number("repeated_string"), bad))
        refuse(testee, delimited(number("oneof_string"), bad))
        refuse(testee, delimited(number("map_string_string"), delimited(1, bad) + delimited(2, b"")))
        refuse(testee, delimited(number("map_string_string"), delimited(1, b"") + delimited(2, bad)))
        expect(testee, delimited(number("optional_bytes"), bad), message(optional_bytes=bad))


@test("NaN of any bits is NaN")
def not_a_number():
    for bits in (0x7FA12345, 0xFFB54321, 0x7FC00000):
        kind, answer = testee.ask(tag(11, FIXED32) + struct.pack("<I", bits), JSON)
        must(kind == "json_payload" and json.loads(answer) == {"optionalFloat": "NaN"}, answer)
    for bits in (0x7FFA123456789ABC, 0xFFFBCBA987654321):
        kind, answer = testee.ask(tag(12, FIXED64) + struct.pack("<Q", bits), JSON)
        must(kind == "json_payload" and json.loads(answer) == {"optionalDouble": "NaN"}, answer)


def full_message(rng):
    """Something in every field, the recursive ones apart."""
    data = b""
    for field in TestAllTypesProto3.DESCRIPTOR.fields:
        kind = field.name.split("_", 1)[1] if "_" in field.name else ""
        if kind in KINDS and not field.name.startswith("map_"):
            data += tag(field.number, KINDS[kind][0]) + rng.choice(samples(kind))[0]
    rest = of_text('optional_duration {seconds: 5 nanos: 7} optional_timestamp {seconds: 5} map_bool_bool {key: true} '
                   'optional_field_mask {paths: "a_b"} optional_struct {fields {key: "k" value {number_value: 1}}} '
                   'optional_value {list_value {values {bool_value: true}}} optional_string_wrapper {value: "x"} '
                   'map_string_nested_message {key: "k" value {a: 5}} recursive_message {optional_int32: 5}')
    return data + canonical(rest)


@test("a message cut at any byte is refused, or is what Python's library finds in it")
def prefixes():
    data = full_message(random.Random(1))
    for end in range(len(data) + 1):
        try:
            expected = TestAllTypesProto3.FromString(data[:end])
        except DecodeError:
            refuse(testee, data[:end])
        else:
            expect(testee, data[:end], expected)


@test("the JSON that must be taken is taken")
def json_taken():
    for payload, expected in json_cases.TAKEN:
        expect(testee, payload, of_text(expected))
        expect(testee, canonical(of_text(expected)), of_text(expected))


@test("whole numbers of every kind reach their limits, and not beyond")
def json_integers():
    for kind, least, greatest in json_cases.INTEGERS:
        field = "optional_" + kind.lower()
        for value in (least, greatest, 1, max(least, -1)):
            for form in ("%d", '"%d"', "%d.0", "%de0", '"%d.00"'):
                expect(testee, '{"optional%s": %s}' % (kind, form % value), message(**{field: value}))
            expect(testee, '{"repeated%s": [%d, "%d"]}' % (kind, value, value),
                   message(**{"repeated_" + kind.lower(): [value, value]}))
            key = '{"map%s%s": {"%d": %d}}' % (kind, kind, value, value)
            entry = message()
            getattr(entry, "map_%s_%s" % (kind.lower(), kind.lower()))[value] = value
            expect(testee, key, entry)
        for value in (least - 1, greatest + 1, least * 10 - 1, greatest * 10):
            for form in ("%d", '"%d"', "%d.0", "%d.5", "%de1"):
                refuse(testee, '{"optional%s": %s}' % (kind, form % value))
            refuse(testee, '{"repeated%s": [%d]}' % (kind, value))
            refuse(testee, '{"map%s%s": {"%d": 1}}' % (kind, kind, value))


@test("the JSON that must be refused is refused, with a reason")
def json_refused():
    for payload in json_cases.REFUSED:
        refuse(testee, payload)


@test("unknown members and names of enums are ignored when that is asked for")
def json_ignored():
    for payload, expected in json_cases.IGNORED:
        expect(testee, payload, of_text(expected), IGNORE)
        refuse(testee, payload)
    for payload in json_cases.REFUSED_ALSO_IGNORING:
        refuse(testee, payload, IGNORE)


@test("JSON is written in the form that it should have")
def json_written():
    for payload, expected in json_cases.WRITTEN:
        kind, answer = testee.ask(payload, JSON)
        must(kind == "json_payload" and json.loads(answer) == expected, payload, answer)


@test("what JSON has no form for is an error of writing, and binary all the same")
def json_unwritable():
    for text_form in json_cases.UNWRITABLE:
        data = canonical(of_text(text_form))
        kind, answer = testee.ask(data, JSON)
        must(kind == "serialize_error" and answer != "", text_form, kind, answer)
        kind, answer = testee.ask(data, PROTOBUF)
        must(kind == "protobuf_payload" and answer == data, text_form, kind, answer)


@test("JSON cut at any byte is refused")
def json_prefixes():
    for payload in (json_cases.TAKEN[-20][0], '{"optionalStruct": {"a": [1.5, "\\u00e9", null, {"b": true}]}}',
                    '{"optionalTimestamp": "1970-01-01T00:00:00.5Z", "mapInt32Int32": {"1": -1e2}, "x": [{}, ""]}'):
        for end in range(len(payload)):
            refuse(testee, payload[:end], IGNORE)


@test("the test program ends with its input, after all these requests")
def end():
    print("# %d requests" % testee.requests)
    must(testee.close() == 0 and testee.requests > 4000, testee.requests)


run()
