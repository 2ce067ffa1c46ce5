#!/usr/bin/python3
"""Values of query parameters beside protobuf's own Python library.

usage: transcode_differential.py TESTEE FOLDER_OF_TRANSCODE_PB2

Random parameters (a fixed seed) are given to the testee as a query, and to json_format as an object in which each value
is a string, or a literal for a bool. Both must give the same message, or both refuse it; a list says where they differ
on purpose.
"""
import random
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, sys.argv[2])
import transcode_pb2  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from google.protobuf.descriptor import FieldDescriptor as Field  # noqa: E402

REQUESTS = 4000

# What Stoa refuses and Python takes, by the text of Stoa's error: see REFUSED_ON_PURPOSE of codec/differential.py.
REFUSED_ON_PURPOSE = [
    r"expected base64 text, got ",
    r'expected s?(u?int|fixed)(32|64), got "[-+ 0-9_]*',
    r'expected (double|float), got "',
    r'expected a (time|duration) like ',
    r'expected paths like ',
    # Python's int() reads a quoted enum with blanks and signs.
    r'expected an enum value, got "[-+ 0-9_]+"',
]
TAKEN_ON_PURPOSE = re.compile(r'-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?')

NUMBERS = ["0", "-0", "1", "-1", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296",
           "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615",
           "18446744073709551616", "1.0", "1.5", "1e2", "1e400", "NaN", "Infinity", "-Infinity", "", " 1", "01", "x",
           "0.1", "3.4e38", "1e39", "5e-324"]
TEXTS = ["", "a", "h\u00e9llo", "\u4f60\u597d", "a b&c=d+e%f", "\"\\/", "\x01\n", "x" * 300]
OTHERS = {
    "bool": ["true", "false", "1", "TRUE", ""],
    "bytes": ["", "AA==", "AA", "-_-_", "+/+/", "A", "****", "AP8="],
    "enum": ["COLOR_RED", "COLOR_BLUE", "COLOR_GREEN", "0", "-2", "77", "", "2147483648"],
    "google.protobuf.Timestamp": ["1970-01-01T00:00:01Z", "2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00+01:00",
                                  "9999-12-31T23:59:59.999999999Z", "yesterday", "", "2026-02-30T00:00:00Z"],
    "google.protobuf.Duration": ["1s", "-1.5s", "0.000000001s", "1", "315576000001s", ""],
    "google.protobuf.FieldMask": ["a", "a,bC", "", "a_b", "a,,b"],
}


class Testee:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, query):
        self.process.stdin.write(query.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode()[:-1]


def value_of(rng, field):
    kind = field.message_type.full_name if field.message_type else None
    if kind in OTHERS:
        return rng.choice(OTHERS[kind])
    if kind is not None:  # a wrapper
        return value_of(rng, field.message_type.fields_by_name["value"])
    if field.type == Field.TYPE_BOOL:
        return rng.choice(OTHERS["bool"])
    if field.type == Field.TYPE_STRING:
        return rng.choice(TEXTS)
    if field.type == Field.TYPE_BYTES:
        return rng.choice(OTHERS["bytes"])
    if field.type == Field.TYPE_ENUM:
        return rng.choice(OTHERS["enum"])
    return rng.choice(NUMBERS)


def is_bool(field):
    return field.type == Field.TYPE_BOOL or (field.message_type and field.message_type.name == "BoolValue")


def fields_with_text():
    for field in transcode_pb2.Every.DESCRIPTOR.fields:
        name = field.message_type.full_name if field.message_type else ""
        if name in ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.Any", "google.protobuf.Empty"):
            continue
        if name.startswith("transcode.") or field.name == "null":
            continue
        yield field


def json_value(field, text):
    return text == "true" if is_bool(field) and text in ("true", "false") else text


def random_request(rng):
    """Pairs of a query, and the object that says the same."""
    pairs, members = [], {}
    for field in rng.sample(list(fields_with_text()), rng.randint(1, 3)):
        if field.containing_oneof is not None and any(
                transcode_pb2.Every.DESCRIPTOR.fields_by_name[name].containing_oneof is field.containing_oneof
                for name in members):
            continue
        count = rng.randint(1, 3) if field.label == Field.LABEL_REPEATED else 1
        values = [value_of(rng, field) for _ in range(count)]
        name = rng.choice([field.name, field.json_name])
        pairs += [(name, value) for value in values]
        objects = [json_value(field, value) for value in values]
        members[field.name] = objects if field.label == Field.LABEL_REPEATED else objects[0]
    if rng.random() < 0.2:
        size = rng.choice(NUMBERS)
        pairs.append(("inner.inner.size", size))
        members["inner"] = {"inner": {"size": size}}
    return pairs, members


def python_reads(members):
    try:
        message = json_format.ParseDict(members, transcode_pb2.Every())
        message.SerializeToString()
        return message
    except Exception:  # json_format lets exceptions of its insides through
        return None


def main():
    testee = Testee(sys.argv[1])
    rng = random.Random(20260131)
    print("1..1")
    for _ in range(REQUESTS):
        pairs, members = random_request(rng)
        answer = testee.ask(urllib.parse.urlencode(pairs))
        expected = python_reads(members)
        if answer.startswith("!"):
            on_purpose = any(re.search(text, answer) for text in REFUSED_ON_PURPOSE)
            assert expected is None or on_purpose, (pairs, answer, expected)
        elif expected is None:
            # The mapping allows exponents in quoted whole numbers; Python does not.
            assert any(TAKEN_ON_PURPOSE.fullmatch(value) for _, value in pairs), (pairs, answer)
        else:
            got = json_format.Parse(answer, transcode_pb2.Every())
            same = got.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
            # Python reads a quoted "-0" as 0.
            assert same or any(value == "-0" for _, value in pairs), (pairs, answer, expected)
    testee.process.stdin.close()
    assert testee.process.wait() == 0
    print("ok 1 - %d queries mean the same to both sides" % REQUESTS)


main()
