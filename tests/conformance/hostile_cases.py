#!/usr/bin/python3
"""Inputs for a TestAllTypesProto3 that are wrong in one way each, or look so; a judge says what is to become of them.

usage: hostile_cases.py OUTPUT

writes them as JSON, [[kind, "binary" or "json", hexadecimal bytes]...], for judges in other languages. Knows nothing of
Protobuf's libraries: all is made by hand.
"""
import json
import sys

VARINT, FIXED64, LEN, GROUP, GROUP_END, FIXED32 = range(6)
MOST = 2**64 - 1

# What a field is like in JSON and in binary: (number, wire type, a value's bytes, JSON name, a value's JSON).
FIELDS = [
    (1, VARINT, b"\x05", "optionalInt32", "5"), (2, VARINT, b"\x05", "optionalInt64", '"5"'),
    (3, VARINT, b"\x05", "optionalUint32", "5"), (4, VARINT, b"\x05", "optionalUint64", '"5"'),
    (5, VARINT, b"\x05", "optionalSint32", "-3"), (6, VARINT, b"\x05", "optionalSint64", '"-3"'),
    (7, FIXED32, b"1234", "optionalFixed32", "875770417"), (8, FIXED64, b"12345678", "optionalFixed64", '"7"'),
    (9, FIXED32, b"1234", "optionalSfixed32", "7"), (10, FIXED64, b"12345678", "optionalSfixed64", '"7"'),
    (11, FIXED32, b"\0\0\x20\x40", "optionalFloat", "2.5"),
    (12, FIXED64, b"\0" * 6 + b"\x04\x40", "optionalDouble", "2.5"), (13, VARINT, b"\x01", "optionalBool", "true"),
    (14, LEN, b"\x01a", "optionalString", '"a"'), (15, LEN, b"\x01\xff", "optionalBytes", '"/w=="'),
    (18, LEN, b"\x02\x08\x05", "optionalNestedMessage", '{"a": 5}'),
    (21, VARINT, b"\x01", "optionalNestedEnum", '"BAR"'), (31, VARINT, b"\x05", "repeatedInt32", "[5]"),
    (44, LEN, b"\x01a", "repeatedString", '["a"]'), (48, LEN, b"\x02\x08\x05", "repeatedNestedMessage", '[{"a": 5}]'),
    (56, LEN, b"\x04\x08\x05\x10\x06", "mapInt32Int32", '{"5": 6}'),
    (68, LEN, b"\x04\x08\x01\x10\x01", "mapBoolBool", '{"true": true}'),
    (69, LEN, b"\x06\x0a\x01a\x12\x01b", "mapStringString", '{"a": "b"}'),
    (75, LEN, b"\x02\x05\x06", "packedInt32", "[5, 6]"), (81, LEN, b"\x041234", "packedFixed32", "[7]"),
    (111, VARINT, b"\x05", "oneofUint32", "5"), (202, LEN, b"\x02\x08\x05", "optionalInt32Wrapper", "5"),
    (208, LEN, b"\x03\x0a\x01a", "optionalStringWrapper", '"a"'),
    (301, LEN, b"\x02\x08\x05", "optionalDuration", '"5s"'),
    (302, LEN, b"\x02\x08\x05", "optionalTimestamp", '"1970-01-01T00:00:05Z"'),
    (303, LEN, b"\x03\x0a\x01a", "optionalFieldMask", '"a"'),
    (304, LEN, b"\x05\x0a\x03\x0a\x01a", "optionalStruct", '{"a": 1}'),
    (306, LEN, b"\x03\x1a\x01a", "optionalValue", '"a"'),
    (317, LEN, b"\x05\x0a\x03\x1a\x01a", "repeatedListValue", '[["a"]]'),
]


def varint(value, extra=0):
    """With `extra` bytes more than it needs."""
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


def part(number, data):
    return tag(number, LEN) + varint(len(data)) + data


def whole():
    return b"".join(tag(number, wire) + value for number, wire, value, _, _ in FIELDS)


def truncated():
    data = whole()
    yield from (data[:end] for end in range(len(data)))


def overlong_varints():
    longs = [varint(5, extra) for extra in range(1, 13)]
    longs += [b"\xff" * count + b"\x01" for count in range(4,
                                                           13)] + [b"\xff" * 9 + bytes([last]) for last in range(128)]
    longs += [b"\x80" * count + b"\0" for count in range(1, 13)]
    for data in longs:
        for number in (1, 2, 3, 4, 5, 6, 13, 21, 31, 111, 501):
            yield tag(number, VARINT) + data
        yield part(75, data)
        yield part(56, tag(1, VARINT) + data)
        yield part(202, tag(1, VARINT) + data)
    for extra in range(1, 12):
        yield varint(1 << 3 | VARINT, extra) + b"\x05"
        yield varint(501 << 3 | VARINT, extra) + b"\x05"
        yield tag(14, LEN) + varint(1, extra) + b"a"
        yield tag(18, LEN) + varint(2, extra) + b"\x08\x05"


def wrong_wire_types():
    forms = {VARINT: b"\x05", FIXED64: b"\x08\x05\x08\x05\x08\x05\x08\x05", LEN: b"\x02\x08\x05", GROUP: b"",
             GROUP_END: b"",
             FIXED32: b"\x08\x05\x08\x05", 6: b"\x05", 7: b"\x05"}
    for number, _, _, _, _ in FIELDS:
        for wire, data in forms.items():
            yield tag(number, wire) + data + (tag(number, GROUP_END) if wire == GROUP else b"")
    for inner, _, _, _, _ in FIELDS[:3]:
        for wire, data in forms.items():
            yield part(56, tag(inner, wire) + data)
            yield part(69, tag(inner, wire) + data)


BAD_UTF8 = [b"\xff", b"\xfe", b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xc3\x28", b"\xe0\x80\x80",
            b"\xe0\x9f\xbf",
            b"\xe2\x82", b"\xe2\x28\xa1", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf",
            b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"a\xc3",
            b"x" * 40 + b"\xe2\x82"]
GOOD_UTF8 = [b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbb\xbf",
             b"\xef\xbf\xbf",
             b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf", b"\0"]


def utf8():
    for text in BAD_UTF8 + GOOD_UTF8:
        for number in (14, 15, 24, 44, 113, 114, 501):
            yield part(number, text)
        yield part(44, b"good") + part(44, text)
        yield part(69, part(1, text) + part(2, b""))
        yield part(69, part(1, b"") + part(2, text))
        yield part(70, part(1, b"") + part(2, text))
        yield part(208, part(1, text))
        yield part(209, part(1, text))
        yield part(304, part(1, part(1, text)))
        yield part(306, part(3, text))
        yield part(27, part(14, text))


DEPTHS = (2, 10, 15, 16, 17, 30, 31, 32, 33, 34, 40, 50, 98, 99, 100, 101, 102, 200, 1000)


def wrapped(depth, wrap, data=b""):
    for _ in range(depth):
        data = wrap(data)
    return data


def deep_nesting():
    for depth in DEPTHS:
        yield wrapped(depth, lambda data: part(27, data), b"\x08\x05")
        yield wrapped(depth, lambda data: part(18, part(2, data)))
        yield wrapped(depth, lambda data: part(71, part(2, part(2, data))))
        yield tag(501, GROUP) * depth + tag(501, GROUP_END) * depth
        yield part(306, wrapped(depth, lambda data: part(6, part(1, data)), b"\x20\x01"))
        yield part(501, wrapped(depth, lambda data: part(27, data)))


def lengths_and_tags():
    for length in (2, 127, 128, 2**28, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**35, 2**63 - 1, 2**63, MOST):
        for number in (14, 15, 18, 44, 48, 56, 75, 81, 202, 306, 501):
            yield tag(number, LEN) + varint(length) + b"\x01"
    for number in (0, 18999, 19000, 19999, 2**28, 2**29 - 1, 2**29, 2**32 // 8 + 1, 2**40, 2**61 - 1):
        for wire in range(8):
            yield varint(number << 3 | wire) + b"\x01" * 8
    for data in (b"\x0c", tag(501, GROUP), tag(501, GROUP) + tag(502, GROUP_END), tag(501, GROUP_END),
                 tag(1, GROUP_END),
                 tag(501, GROUP) + b"\x08", tag(501, GROUP) + tag(18, LEN) + b"\x7f" + tag(501, GROUP_END)):
        yield data
        yield part(18, data)
        yield part(56, data)


def cut_json():
    text = "{%s}" % ", ".join('"%s": %s' % (name, value) for _, _, _, name, value in FIELDS)
    yield from (text[:end] for end in range(len(text) + 1))


def snake(name):
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def duplicate_keys():
    for _, _, _, name, value in FIELDS:
        for first, second in ((value, value), (value, "null"), ("null", value), ("null", "null")):
            yield '{"%s": %s, "%s": %s}' % (name, first, name, second)
            yield '{"%s": %s, "x": 1, "\\u006f%s": %s}' % (name, first, name[1:], second)
            yield '{"optionalNestedMessage": {"corecursive": {"%s": %s, "%s": %s}}}' % (name, first, name, second)
    for inner in ('"a": "1", "a": "2"', '"a": "1", "\\u0061": "2"', '"": "1", "": "1"'):
        yield '{"mapStringString": {%s}}' % inner
        yield '{"optionalStruct": {%s}}' % inner
        yield '{"optionalValue": [{%s}]}' % inner
        yield '{"unknown": {%s}}' % inner
    for inner in ('"1": 1, "1": 2', '"1": 1, "\\u0031": 2', '"0": 1, "-0": 2', '"1": 1, "1.0": 2', '"1": 1, "1e0": 2'):
        yield '{"mapInt32Int32": {%s}}' % inner
    for first in ('"oneofUint32": 1', '"oneofString": "a"', '"oneofNullValue": null', '"oneofBool": null'):
        for second in ('"oneofUint32": 2', '"oneofBytes": ""', '"oneofNestedMessage": {}', '"oneofDouble": null'):
            yield "{%s, %s}" % (first, second)
            yield "{%s, %s}" % (second, first)


def base64():
    texts = ["", "A", "AA", "AAA", "AAAA", "AQ", "AQ=", "AQ==", "AQ===", "AQI", "AQI=", "AQI==", "AQIDB", "AQIDBA==",
             "=", "==", "====",
             "A=", "A==", "A===", "AQ==AQ==", "AQ=Q", "A Q=", " AQ==", "AQ== ", "AQ\\n==", "AQ\\r\\n==", "A*==",
             "A\\u0000==", "-_8=", "-_8", "+/8=", "+/8", "+_8", "-/8", "AR==", "AQJ=", "/////w==", "_____w",
             "\u00e9\u00e9\u00e9\u00e9", "AQ\\u003d=", "\\u0041Q==", "A,==", "A.==", "data:AQ=="]
    for text in texts:
        for form in ('{"optionalBytes": "%s"}', '{"repeatedBytes": ["%s"]}', '{"mapStringBytes": {"a": "%s"}}',
                     '{"optionalBytesWrapper": "%s"}', '{"oneofBytes": "%s"}'):
            yield form % text


def numbers():
    kinds = ["Int32", "Int64", "Uint32", "Uint64", "Sint32", "Sint64", "Fixed32", "Fixed64", "Sfixed32", "Sfixed64",
             "NestedEnum"]
    edges = [2**31, 2**32, 2**53, 2**63, 2**64, 10**19, 10**30]
    values = [str(sign * edge + step) for edge in edges for sign in (1, -1) for step in (-1, 0, 1)]
    values += ["0", "-0", "-1", "0.0", "-0.0", "1.0", "1.5", "0.5", "1e0", "1e5", "1E5", "1e+5", "1e-5", "100e-2",
               "1e10", "1e19", "1e20", "1e400",
               "1e-400", "01", "-01", "00", "+1", "1.", ".5", "0x10", "0b1", "1_0", "--1", "1e", "1e+", "e1", "- 1",
               "Infinity", "NaN", "1,0"]
    for kind in kinds:
        for value in values:
            yield '{"optional%s": %s}' % (kind, value)
            yield '{"optional%s": "%s"}' % (kind, value)
    for value in values + ['" 1"', '"1 "', '""', '" "', '"\\u0031"', '"1\\u0000"', '"\u0661"', "true", "null", "[]",
                           "{}"]:
        for form in ('{"repeatedInt32": [%s]}', '{"optionalInt64Wrapper": %s}', '{"optionalFloat": %s}',
                     '{"optionalDouble": %s}',
                     '{"mapInt32Double": {"1": %s}}', '{"optionalValue": %s}'):
            yield form % value
    for value in values:
        yield '{"mapInt32Int32": {"%s": 1}}' % value
        yield '{"mapUint64Uint64": {"%s": 1}}' % value
    for value in ("3.4028235e38", "3.4028236e38", "3.5e38", "1.7976931348623157e308", "1.7976931348623159e308",
                  "1e309", "1e-46", "5e-324",
                  "2e-324", '"Infinity"', '"-Infinity"', '"NaN"', '"-NaN"', '"inf"', '"nan"', '"INFINITY"',
                  '"+Infinity"', '"1e400"'):
        yield '{"optionalFloat": %s, "optionalDouble": %s}' % (value, value)


def surrogates():
    texts = ["\\ud800", "\\udc00", "\\udfff", "a\\ud83d", "\\ud83da", "\\ude01\\ud83d", "\\ud83d\\ud83d\\ude01",
             "\\ud83d\\ude01", "\\ud83d\\u0041",
             "\\uD83D\\uDE01", "\\ud83d\\n\\ude01", "\\ud83d \\ude01", "\\udbff\\udfff", "\\ud800\\udc00", "\\uDBFF",
             "\\ud83", "\\ud83d\\ude0", "\\uffff"]
    for text in texts:
        for form in ('{"optionalString": "%s"}', '{"repeatedString": ["%s"]}', '{"mapStringString": {"%s": ""}}',
                     '{"mapStringString": {"": "%s"}}', '{"optionalStringWrapper": "%s"}',
                     '{"optionalStruct": {"%s": 1}}', '{"optionalValue": "%s"}', '{"unknown": "%s"}', '{"%s": 1}',
                     '{"optionalNestedEnum": "%s"}', '{"optionalBytes": "%s"}', '{"optionalFieldMask": "%s"}',
                     '{"optionalInt32": "%s"}'):
            yield form % text


def utf8_json():
    """Good ones only: a request's text is UTF-8, so bytes that are not would never reach the testee."""
    for text in GOOD_UTF8[:-1]:
        for form in (b'{"optionalString": "%s"}', b'{"mapStringString": {"%s": ""}}', b'{"%s": 1}',
                     b'{"unknown": "%s"}'):
            yield form % text
    yield b"\xef\xbb\xbf{}"
    yield b"\xc2\xa0{}"
    yield b'{"optionalString": "\x7f"}'
    for byte in range(0x20):
        yield b'{"optionalString": "%c"}' % byte
        yield b"{%c}" % byte


def deep_json():
    for depth in DEPTHS:
        yield '{"recursiveMessage": ' * depth + "{}" + "}" * depth
        yield '{"optionalNestedMessage": {"corecursive": ' * depth + "{}" + "}}" * depth
        yield '{"mapStringNestedMessage": {"a": {"corecursive": ' * depth + "{}" + "}}}" * depth
        yield '{"optionalValue": %s%s}' % ("[" * depth, "]" * depth)
        yield '{"optionalStruct": %s1%s}' % ('{"a": ' * depth, "}" * depth)
        yield '{"unknown": %s%s}' % ("[" * depth, "]" * depth)
        yield '{"unknown": %s1%s}' % ('{"a": ' * depth, "}" * depth)
        yield "[" * depth
        yield '{"a":' * depth


def wrong_types():
    values = ["null", "true", "false", "0", "1", "1.5", '""', '"a"', '"1"', '"true"', "[]", "[1]", "[null]", '["a"]',
              "[[]]", "[{}]", "{}",
              '{"a": 1}', '{"a": null}', '{"1": 1}', '{"value": 1}']
    for _, _, _, name, _ in FIELDS:
        for value in values:
            yield '{"%s": %s}' % (name, value)
    for value in values:
        yield value


def times():
    for text in ["1s", "-1s", "+1s", "1", "s", "", "-s", "1.s", ".5s", "1.5s", "1.0000000001s", "1.123456789s",
                 "0.000000001s", "-0s", "-0.5s",
                 "315576000000s", "315576000001s", "-315576000001s", "1e3s", " 1s", "1s ", "1S", "01s",
                 "99999999999999999999s", "1.5.5s"]:
        yield '{"optionalDuration": "%s"}' % text
    for text in ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00", "1970-01-01T00:00:00-00:00",
                 "1970-01-01T00:00:00+14:00",
                 "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+00:60", "1970-01-01T00:00:00z",
                 "1970-01-01t00:00:00Z", "1970-01-01 00:00:00Z", "1970-01-01T00:00:00", "1970-01-01T00:00Z",
                 "1970-01-01", "1970-02-30T00:00:00Z", "2000-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
                 "1970-13-01T00:00:00Z", "1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-01-01T24:00:00Z",
                 "1970-01-01T23:60:00Z", "1970-01-01T23:59:60Z", "0001-01-01T00:00:00Z", "0000-12-31T23:59:59Z",
                 "9999-12-31T23:59:59.999999999Z", "10000-01-01T00:00:00Z", "1970-01-01T00:00:00.Z",
                 "1970-01-01T00:00:00.1Z", "1970-01-01T00:00:00.1234567891Z", "1970-01-01T00:00:00Zx",
                 "1970-1-1T0:0:0Z", "-1970-01-01T00:00:00Z", "1970-01-01T00:00:00+0100", "", "x"]:
        yield '{"optionalTimestamp": "%s"}' % text
    for text in ["a", "a,b", "a,,b", ",a", "a,", "fooBar", "foo_bar", "Foo", "a.b", "a.bC", "", " a", "a b", "a,b,",
                 "_", "a1B", "\\u0000"]:
        yield '{"optionalFieldMask": "%s"}' % text


BINARY = {
    "truncated": truncated, "overlong varints": overlong_varints, "wrong wire types": wrong_wire_types, "UTF-8": utf8,
    "deep nesting": deep_nesting, "lengths, tags and groups": lengths_and_tags,
}
JSON = {
    "truncated": cut_json, "duplicate keys": duplicate_keys, "base64": base64, "numbers": numbers,
    "surrogates": surrogates, "UTF-8 and control bytes": utf8_json, "deep nesting": deep_json,
    "wrong types": wrong_types, "times and masks": times,
}


def cases():
    """(kind, "binary" or "json", bytes)"""
    for form, kinds in (("binary", BINARY), ("json", JSON)):
        for kind, make in kinds.items():
            for data in make():
                yield kind, form, data.encode() if isinstance(data, str) else data


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="ascii") as file:
        json.dump([[kind, form, data.hex()] for kind, form, data in cases()], file)
