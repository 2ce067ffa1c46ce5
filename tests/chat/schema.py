"""The chat's messages in its three formats, read from chatroom.proto itself, so that a test says each thing once.

A message is a dict of all of its fields by their names in the .proto file; numbers are numbers, absent messages None.
"""

import json
import pathlib
import re

PROTO = pathlib.Path(__file__).parents[2] / "api" / "chatroom" / "v1" / "chatroom.proto"
ERROR = pathlib.Path(__file__).parents[2] / "api" / "stoa" / "error.proto"
VARINTS = ("uint32", "uint64", "int32", "int64", "bool")
FIELD = re.compile(r"(repeated |optional )?(map<\w+, (\w+)>|\w+) (\w+) = (\d+);")
BLOCK = re.compile(r"^(message|enum) (\w+) \{(.*?)\}", re.S | re.M)


def _parse(*paths):
    messages, enums = {}, {}
    for path in paths:
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        for kind, name, body in BLOCK.findall(text):
            if kind == "enum":
                enums[name] = {word: int(number) for word, number in re.findall(r"(\w+) = (\d+);", body)}
            else:
                messages[name] = [(label.strip(), kind, value, field, int(number))
                                  for label, kind, value, field, number in FIELD.findall(body)]
    return messages, enums


MESSAGES, ENUMS = _parse(PROTO, ERROR)
TYPES = ENUMS["MessageType"]


def _camel(name):
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _is_map(kind):
    return kind.startswith("map<")


def _default(label, kind):
    if label == "repeated":
        return []
    if _is_map(kind):
        return {}
    if kind in MESSAGES:
        return None
    return {"string": "", "bool": False}.get(kind, 0)


def empty(name):
    return {field: _default(label, kind) for label, kind, _, field, _ in MESSAGES[name]}


# JSON.

def _from_json(kind, value):
    if kind in MESSAGES:
        return from_json(kind, value)
    if kind in ENUMS:
        return value if isinstance(value, int) else ENUMS[kind][value]
    return int(value) if kind in VARINTS and kind != "bool" else value


def from_json(name, fields):
    message = empty(name)
    for label, kind, of, field, _ in MESSAGES[name]:
        value = fields.get(_camel(field))
        if value is None:
            continue
        if label == "repeated":
            message[field] = [_from_json(kind, item) for item in value]
        elif _is_map(kind):
            message[field] = {key: _from_json(of, item) for key, item in value.items()}
        else:
            message[field] = _from_json(kind, value)
    return message


def to_json(name, message):
    fields = {}
    for _, kind, _, field, _ in MESSAGES[name]:
        if field in message:
            value = message[field]
            fields[_camel(field)] = to_json(kind, value) if kind in MESSAGES else value
    return fields


# Protobuf.

def _varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def to_proto(name, message):
    out = b""
    for label, kind, _, field, number in MESSAGES[name]:
        value = message.get(field)
        if value is None or (not value and label != "optional"):
            continue
        if kind in VARINTS or kind in ENUMS:
            out += _varint(number << 3) + _varint(int(value))
        else:
            data = to_proto(kind, value) if kind in MESSAGES else value.encode()
            out += _varint(number << 3 | 2) + _varint(len(data)) + data
    return out


def _read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def _records(data):
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if tag & 7 == 2:
            yield tag >> 3, data[at : at + value]
            at += value
        else:
            yield tag >> 3, value


def _from_proto(kind, value):
    if kind in MESSAGES:
        return from_proto(kind, value)
    if kind == "string":
        return value.decode()
    return bool(value) if kind == "bool" else value


def from_proto(name, data):
    message = empty(name)
    by_number = {number: rest for *rest, number in MESSAGES[name]}
    for number, value in _records(data):
        label, kind, of, field = by_number[number]
        if _is_map(kind):
            entry = dict(_records(value))
            message[field][entry[1].decode()] = _from_proto(of, entry.get(2, b""))
        elif label == "repeated":
            message[field].append(_from_proto(kind, value))
        else:
            message[field] = _from_proto(kind, value)
    return message


# Formats.

CALL, FAILED = 0x80000000, 0x40000000


def _word(number):
    return number.to_bytes(4, "big")


class Binary:
    """Typed frames; `subprotocol` says with what in them."""

    is_text = False

    def __init__(self, subprotocol):
        self.is_proto = subprotocol == "stoa.proto"

    def write(self, number, call_id, name, message):
        payload = to_proto(name, message) if self.is_proto else json.dumps(to_json(name, message)).encode()
        return _word(number) + payload if call_id is None else _word(CALL | number) + _word(call_id) + payload

    def read(self, data):
        """(type, id, is_error, payload); the payload is for decode()."""
        number = int.from_bytes(data[:4], "big")
        is_call = bool(number & CALL)
        call_id = int.from_bytes(data[4:8], "big") if is_call else None
        return number & 0x3FFFFFFF, call_id, bool(number & FAILED), data[8 if is_call else 4 :]

    def decode(self, name, payload):
        return from_proto(name, payload) if self.is_proto else from_json(name, json.loads(payload or b"{}"))


class Text:
    """Packets of stoa.text."""

    is_text = True

    def write(self, number, call_id, name, message):
        packet = {"type": number, "payload": to_json(name, message)}
        if call_id is not None:
            packet["id"] = call_id
        return json.dumps(packet).encode()

    def read(self, data):
        packet = json.loads(data)
        is_error = "error" in packet
        return packet["type"], packet.get("id"), is_error, packet["error"] if is_error else packet.get("payload", {})

    def decode(self, name, payload):
        return from_json(name, payload)
