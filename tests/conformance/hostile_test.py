#!/usr/bin/python3
"""Stoa and Protobuf's Python library on the inputs of hostile_cases.py: both refuse, both find the same message, or a
list here says why not.

usage: hostile_test.py TESTEE FOLDER_OF_PB2 [WORD...]
"""
import collections
import os
import re
import sys
import warnings

TESTEE = sys.argv.pop(1)
sys.path.insert(0, sys.argv.pop(1))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from google.protobuf import json_format  # noqa: E402
from google.protobuf.message import DecodeError  # noqa: E402

import conformance_pb2  # noqa: E402
import hostile_cases  # noqa: E402
from runner import PROTOBUF, TestAllTypesProto3, Testee, canonical, must  # noqa: E402
from tap import run, test  # noqa: E402

IGNORE = conformance_pb2.JSON_IGNORE_UNKNOWN_PARSING_TEST

# What Stoa refuses and Python takes, by Stoa's error and the input, and why.
STRICTER = [
    (r"nested too deeply|^limit reached",
     "Stoa has 32 levels, counted in JSON by brackets too; Python has 100 in binary, none in JSON"),
    (r"a field number out of range",
     "Python drops the bits of a tag above the 32nd, and so finds another field than was meant"),
    (r"a duplicate key", "0 and -0 are one key"),
    (r"another member of its oneof is set too in .*oneofNullValue",
     "null is a value of NullValue, not the absence of one"),
    (r"expected base64 text, got", "padding that does not fit, and characters of no alphabet, which Python skips"),
    (r"expected [su]?(int|fixed)(32|64), got .* in .*1e-400",
     "a fraction, which Python has rounded to 0 before it looks"),
    (r"expected s?(u?int|fixed)(32|64), got", 'Python\'s int() takes "01", "+1", "1_0" and digits of other scripts'),
    (r"expected (double|float), got",
     'Python\'s float() takes blanks, other digits and "inf"; true is no number; 1e400 is too large'),
    (r"expected an enum value, got", "the number of an enum has 32 bits; true and 1.5 are none"),
    (r"optional_value: at byte \d+: expected a value", "JSON has no NaN and no Infinity (RFC 8259 6)"),
    (r"a surrogate without its other half", "half a character is no UTF-8, also not in a member that nobody knows"),
    (r"expected an object, got", "Python walks over the characters of a string, or an empty list, and finds no fields"),
    (r"expected a duration like",
     "Python takes a sign, blanks, no digits after the point, and more than nine of them"),
    (r"expected a time like",
     "Python takes a time without a zero before it, no digits after the point, and zones beyond a day"),
    (r"expected paths like", "a path is not empty; Python takes commas at the ends"),
]
# What Stoa takes and Python refuses, by Python's error and the input.
LAXER = [
    (r"Error parsing message .* in (..)*?([89a-f].){5}",
     "Stoa takes a tag or length of ten bytes when its value fits; Python only of five"),
    (r"duplicate key .* in \{\"unknown\"", "what is ignored is not looked through for names that come twice"),
    (r"invalid literal for int", "the mapping allows a fraction of zeros and an exponent in a quoted whole number"),
    (r'Invalid enum value -?\d+(\.0|[eE][-+]?\d+) for',
     "a number of an enum in quotes has the forms of other whole numbers"),
    (r"Invalid enum value", "where unknown members are ignored, names that an enum does not have are too"),
    (r"Float value too large", "the nearest float of 3.4028235e38 is the greatest float, not infinity"),
]
# What both take for different messages, by the input.
MEANT_OTHERWISE = [
    (r'"optionalNestedEnum": "', 'Python\'s int() takes "01" and "1_0"; to Stoa these are names that it does not know'),
    (r": -0\b(?!\.)", "Python takes -0 for a whole number, and its sign is lost"),
]
UNKNOWN_LOST = "the same but for unknown fields in a map's entry or in Protobuf's own messages, which Stoa drops"

testee = Testee(TESTEE)
# Python's library tells standard error of each bad string; what the testee has to say there stays.
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def of_binary(data):
    """At a stray end of a group Python's library warns and returns what it has: that is no success."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        message = TestAllTypesProto3.FromString(data)
    if seen:
        raise DecodeError(str(seen[0].message))
    return message


def python_reads(form, data):
    """(message, None) or (None, error)"""
    try:
        if form == "binary":
            return of_binary(data), None
        return json_format.Parse(data.decode(), TestAllTypesProto3(), ignore_unknown_fields=True), None
    except Exception as error:  # pylint: disable=broad-except  # json_format lets all kinds of its insides through
        return None, "%s: %s" % (type(error).__name__, error)


def reason(reasons, text):
    found = [why for pattern, why in reasons if re.search(pattern, text, re.DOTALL)]
    return found[0] if found else None


def judge(form, data):
    """What became of it, in a word or in the reason for the difference."""
    result, answer = testee.ask(data if form == "binary" else data.decode(), PROTOBUF, IGNORE)
    message, error = python_reads(form, data)
    shown = data.hex() if form == "binary" else data.decode()
    if result == "protobuf_payload" and message is not None:
        if canonical(of_binary(answer)) == canonical(message):
            return "taken by both"
        if form == "binary" and json_format.MessageToJson(of_binary(answer)) == json_format.MessageToJson(message):
            return UNKNOWN_LOST
        why = reason(MEANT_OTHERWISE, shown)
        must(why, "they differ", shown, of_binary(answer), "Python", message)
    elif result == "protobuf_payload":
        why = reason(LAXER, "%s in %s" % (error, shown))
        must(why, "only Stoa takes it", shown, error)
    elif message is not None:
        why = reason(STRICTER, "%s in %s" % (answer, shown))
        must(why, "only Python takes it", shown, result, answer)
    else:
        must(result == "parse_error" and answer != "", shown, result, answer)
        return "refused by both"
    return why


def compare(form, kind):
    def body():
        make = hostile_cases.BINARY if form == "binary" else hostile_cases.JSON
        cases = [data.encode() if isinstance(data, str) else data for data in make[kind]()]
        for what, count in collections.Counter(judge(form, data) for data in cases).most_common():
            print("# %5d of %d: %s" % (count, len(cases), what))

    return body


for _form, _kinds in (("binary", hostile_cases.BINARY), ("JSON", hostile_cases.JSON)):
    for _kind in _kinds:
        test("%s in %s is to Stoa what it is to Python, or the list says why not" % (_kind, _form))(
            compare(_form if _form == "binary" else "json", _kind))


@test("the test program ends with its input")
def end():
    must(testee.close() == 0, testee.requests)


run()
