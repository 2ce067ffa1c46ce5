#!/usr/bin/python3
"""Stoa's codecs beside protobuf's own Python library: the same messages, both codecs, both directions.

usage: differential.py TESTEE FOLDER_OF_SAMPLE_PB2 [MESSAGES]

Random messages of sample.Every (a fixed seed) are written by one side and read by the other, as binary and as JSON,
and must be equal. Broken variants must be refused by both or taken by both with one result; two lists say where the
two differ, and why.
"""
import json
import math
import random
import re
import struct
import subprocess
import sys
import warnings

MESSAGES = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
VARIANTS = MESSAGES * 4

sys.path.insert(0, sys.argv[2])
import sample_pb2  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from google.protobuf.descriptor import FieldDescriptor as Field  # noqa: E402
from google.protobuf.message import DecodeError  # noqa: E402

INTEGERS = {
    Field.TYPE_INT32: (-2**31, 2**31 - 1), Field.TYPE_SINT32: (-2**31, 2**31 - 1),
    Field.TYPE_SFIXED32: (-2**31, 2**31 - 1), Field.TYPE_UINT32: (0, 2**32 - 1), Field.TYPE_FIXED32: (0, 2**32 - 1),
    Field.TYPE_INT64: (-2**63, 2**63 - 1), Field.TYPE_SINT64: (-2**63, 2**63 - 1),
    Field.TYPE_SFIXED64: (-2**63, 2**63 - 1), Field.TYPE_UINT64: (0, 2**64 - 1), Field.TYPE_FIXED64: (0, 2**64 - 1),
    Field.TYPE_ENUM: (-2**31, 2**31 - 1),
}
TEXTS = ["", "a", "plain words", "\"quoted\"", "back\\slash", "\0\1\x1f\x7f", "h\u00e9llo", "\u4f60\u597d",
         "\U0001f44d", "\u2028</script>", "x" * 15, "y" * 16, "z" * 17, "long " * 40, "\u00e9" * 40 + "\n"]

# What Stoa refuses and Python takes, by the text of Stoa's error.
REFUSED_ON_PURPOSE = [
    # Python skips characters outside the alphabet, and padding that does not fit; they are signs of broken text.
    r"expected base64 text, got ",
    # Python's int() takes "007", " 7 " and "1_0" inside quotes; RFC 8259 6 has no such numbers.
    r'expected s?(u?int|fixed)(32|64), got "[-+ 0-9_]+',
    # Half a character can be no UTF-8 (RFC 3629 3), also not in a member that nobody knows.
    r"a surrogate without its other half",
    # Python's float() takes "infinity", "007" and "1_0"; the mapping has three names and the numbers of RFC 8259.
    r'expected (double|float), got "',
    # Python's library drops the bits of a tag above the 32nd, and so finds another field than its writer meant.
    r"a field number out of range",
    # Python walks over the characters of a string where the message itself should be, and finds no fields.
    r"^expected an object, got \"",
]

# What Stoa takes and Python refuses, by the input: the mapping allows exponents in quoted whole numbers.
TAKEN_ON_PURPOSE = rb'"-?[0-9]+(\.[0-9]+|[eE][-+]?[0-9]+)+"'


class Testee:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, letter, data):
        """(status, binary, json) or (status, error text)"""
        self.process.stdin.write(letter.encode() + struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        status = self.read(1)[0]
        return (0, self.run(), self.run()) if status == 0 else (status, self.run().decode())

    def read(self, length):
        data = self.process.stdout.read(length)
        if len(data) != length:
            raise SystemExit("the testee ended: %r" % self.process.wait())
        return data

    def run(self):
        return self.read(struct.unpack("<I", self.read(4))[0])

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def random_scalar(rng, field):
    if field.type in INTEGERS:
        low, high = INTEGERS[field.type]
        if field.type == Field.TYPE_ENUM and rng.random() < 0.7:
            return rng.choice([0, 1, -2])
        return rng.choice([0, 1, low, high, rng.randint(low, high), max(low, rng.randint(-200, 200))])
    if field.type in (Field.TYPE_DOUBLE, Field.TYPE_FLOAT):
        size = "d" if field.type == Field.TYPE_DOUBLE else "f"
        bits = rng.getrandbits(64 if size == "d" else 32).to_bytes(8 if size == "d" else 4, "little")
        value = rng.choice([0.0, -0.0, 1.0, 0.1, -2.5, 1e20, 5e-324, math.inf, -math.inf, math.nan,
                            struct.unpack("<" + size, bits)[0], round(rng.uniform(-1e6, 1e6), 3)])
        value = math.nan if math.isnan(value) else value  # JSON has one only
        return value if size == "d" else struct.unpack("<f", struct.pack("<f", value))[0]
    if field.type == Field.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == Field.TYPE_STRING:
        return rng.choice(TEXTS)
    return rng.randbytes(rng.randint(0, 40))


def fill_map(rng, message, field):
    key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
    entries = getattr(message, field.name)
    for _ in range(rng.randint(0, 4)):
        if value.message_type is None:
            entries[random_scalar(rng, key)] = random_scalar(rng, value)
        else:
            fill(rng, entries[random_scalar(rng, key)], 0)


def fill_list(rng, message, field, depth):
    items = getattr(message, field.name)
    for _ in range(rng.randint(0, 5)):
        if field.message_type is None:
            items.append(random_scalar(rng, field))
        else:
            fill(rng, items.add(), depth - 1)


def fill(rng, message, depth):
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.6 or (field.message_type is message.DESCRIPTOR and depth <= 0):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            fill_map(rng, message, field)
        elif field.label == Field.LABEL_REPEATED:
            fill_list(rng, message, field, depth)
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
            fill(rng, getattr(message, field.name), depth - 1)
        else:
            setattr(message, field.name, random_scalar(rng, field))


def canonical(message):
    """Equal for equal messages, not-a-number included."""
    return message.SerializeToString(deterministic=True)


def of_binary(data):
    """At a stray end of a group Python's library warns and returns what it has: that is no success."""
    message = sample_pb2.Every()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        message.ParseFromString(data)
    if seen:
        raise DecodeError(str(seen[0].message))
    return message


def of_json(text):
    return json_format.Parse(text, sample_pb2.Every(), ignore_unknown_fields=True)


def without_unknown(message):
    """As JSON, since DiscardUnknownFields() leaves those inside of map entries. Python reads -0 as 0, but -0.0 right."""
    text = json_format.MessageToJson(message, including_default_value_fields=True, sort_keys=True)
    return re.sub(r"(?<![\w.])-0\.0\b(?!e)", "0.0", text)


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(part)[:2000] for part in what))


def check_answer(expected, answer, what):
    check(answer[0] == 0, what, answer)
    check(canonical(of_binary(answer[1])) == expected, what, "binary differs")
    check(canonical(of_json(answer[2].decode())) == expected, what, "JSON differs", answer[2])
    json.loads(answer[2].decode())


def both_directions(testee, rng):
    for i in range(MESSAGES):
        message = sample_pb2.Every()
        fill(rng, message, 3)
        message.DiscardUnknownFields()
        expected = canonical(message)
        check_answer(expected, testee.ask("p", message.SerializeToString()), "binary %d" % i)
        for names in (False, True):
            text = json_format.MessageToJson(message, preserving_proto_field_name=names,
                                             including_default_value_fields=names, indent=rng.choice([None, 2]))
            check_answer(expected, testee.ask("j", text.encode()), "JSON %d" % i)


def broken(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        choice = rng.random()
        if choice < 0.4 and at < len(data):
            data[at] = rng.choice([rng.randrange(256), data[at] ^ 1 << rng.randrange(8)])
        elif choice < 0.6:
            del data[at:at + rng.randint(1, 4)]
        elif choice < 0.8:
            data[at:at] = rng.choice([b"\xff", b"\0", b"0", b"1", b",", b"\"", b"{", b"}", b"[", b"null", b"e9", b"-"])
        else:
            data = data[:at]
    return bytes(data)


def python_reads(letter, data):
    try:
        return of_binary(data) if letter == "p" else of_json(data.decode())
    except Exception:  # json_format lets TypeError, AttributeError and others of its insides through
        return None


def small(rng):
    message = sample_pb2.Every()
    fill(rng, message, 1)
    for field, _ in message.ListFields():
        if rng.random() < 0.7:
            message.ClearField(field.name)
    return message


def is_on_purpose(data, answer):
    if answer[0] == 0:
        return re.search(TAKEN_ON_PURPOSE, data) is not None
    return any(re.search(text, answer[1]) for text in REFUSED_ON_PURPOSE)


def broken_variants(testee, rng):
    for _ in range(VARIANTS):
        letter = rng.choice("pj")
        message = small(rng)
        good = message.SerializeToString() if letter == "p" else json_format.MessageToJson(message, indent=None).encode()
        data = broken(rng, good)
        answer, expected = testee.ask(letter, data), python_reads(letter, data)
        if answer[0] == 0 and expected is not None:
            check(without_unknown(of_binary(answer[1])) == without_unknown(expected), letter, data, answer)
        elif (answer[0] == 0) != (expected is not None):
            check(is_on_purpose(data, answer), letter, data, answer, "while Python answers", expected)


def main():
    testee = Testee(sys.argv[1])
    rng = random.Random(20260131)
    print("1..2")
    both_directions(testee, rng)
    print("ok 1 - %d messages are the same on both sides, as binary and as JSON" % MESSAGES)
    broken_variants(testee, rng)
    print("ok 2 - %d broken variants are refused by both sides or mean the same to both" % VARIANTS)
    check(testee.close() == 0, "the testee failed")


main()
