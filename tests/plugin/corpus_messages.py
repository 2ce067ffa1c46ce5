"""Random messages of any type, made with protobuf's own library for Python."""

import random
import struct

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import FieldDescriptor

DEPTH_MAX = 4
TEXTS = ["", "a", "word", "two words", "größe", "\u4f60\u597d", "\U0001f600", 'quote " and \\', "\n\t\x01", "</script>"]
WHOLE = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
OWN = "google.protobuf."


class Messages:
    """Makes messages of the types in a set of files."""

    def __init__(self, pool, seed, has_negative_zero=True):
        self.factory = message_factory.MessageFactory(pool)
        self.pool = pool
        self.chance = random.Random(seed)
        self.zeros = [0.0, -0.0] if has_negative_zero else [0.0]

    def kind(self, full_name):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(full_name))

    def make(self, full_name):
        message = self.kind(full_name)()
        self.fill(message, 0)
        return message

    def fill(self, message, depth):
        special = getattr(self, "own_" + message.DESCRIPTOR.name.lower(), None)
        if special and message.DESCRIPTOR.full_name == OWN + message.DESCRIPTOR.name:
            special(message, depth)
            return
        likely = 0.7 if len(message.DESCRIPTOR.fields) < 20 else 0.25
        for field in message.DESCRIPTOR.fields:
            if field.label == FieldDescriptor.LABEL_REQUIRED or self.chance.random() < likely:
                self.fill_field(message, field, depth)

    def fill_field(self, message, field, depth):
        is_deep = field.message_type is not None and depth >= DEPTH_MAX
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            self.fill_map(message, field, depth)
        elif field.label == FieldDescriptor.LABEL_REPEATED:
            for _ in range(0 if is_deep else self.chance.choice([0, 1, 2, 3])):
                if field.message_type is not None:
                    self.fill(getattr(message, field.name).add(), depth + 1)
                else:
                    getattr(message, field.name).append(self.value(field))
        elif field.message_type is None:
            setattr(message, field.name, self.value(field))
        elif not is_deep or field.label == FieldDescriptor.LABEL_REQUIRED:
            getattr(message, field.name).SetInParent()
            self.fill(getattr(message, field.name), depth + 1)

    def fill_map(self, message, field, depth):
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        entries = getattr(message, field.name)
        for _ in range(self.chance.choice([0, 1, 2, 5])):
            if value.message_type is None:
                entries[self.value(key)] = self.value(value)
            elif depth < DEPTH_MAX:
                self.fill(entries[self.value(key)], depth + 1)

    def value(self, field):
        kind = field.cpp_type
        if kind in WHOLE:
            low, high = WHOLE[kind]
            return self.chance.choice([0, 1, low, high, self.chance.randint(low, high)])
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return self.chance.random() < 0.5
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return self.enum_value(field.enum_type)
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return self.real(kind == FieldDescriptor.CPPTYPE_FLOAT)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self.chance.randbytes(self.chance.choice([0, 1, 2, 3, 40]))
        return self.text()

    def text(self):
        return self.chance.choice(TEXTS) + self.chance.choice(["", "x" * self.chance.randint(0, 60)])

    def enum_value(self, enum_type):
        # Proto3 keeps numbers without a name. NullValue is null in JSON, whatever its number.
        is_open = enum_type.file.syntax == "proto3" and enum_type.full_name != OWN + "NullValue"
        if is_open and self.chance.random() < 0.1:
            return self.chance.randint(-(2**31), 2**31 - 1)
        return self.chance.choice(enum_type.values).number

    def real(self, is_narrow):
        wide = self.chance.choice([*self.zeros, 1.5, -0.1, 1e300, 5e-324, float("inf"), float("-inf"), float("nan"),
                                   self.chance.uniform(-1e9, 1e9)])
        if not is_narrow:
            return wide
        return struct.unpack("<f", struct.pack("<f", wide if not 1e38 < abs(wide) < float("inf") else 1e30))[0]

    # Types with a JSON form of their own have values that no JSON has; these are not made.

    def own_timestamp(self, message, _depth):
        message.seconds = self.chance.choice([0, -1, 1700000000, -62135596800, 253402300799])
        message.nanos = self.chance.choice([0, 1, 500000000, 999999999, 1000000])

    def own_duration(self, message, _depth):
        sign = self.chance.choice([1, -1])
        message.seconds = sign * self.chance.choice([0, 1, 315576000000 - 1])
        message.nanos = sign * self.chance.choice([0, 1, 500000000, 999999999])

    def own_fieldmask(self, message, _depth):
        paths = ["name", "room.name", "a_b", "long_name.of_it"]
        message.paths.extend(self.chance.sample(paths, self.chance.randint(0, 3)))

    def own_any(self, message, depth):
        inner = self.kind(OWN + "Duration" if depth % 2 == 0 else OWN + "StringValue")()
        if self.chance.random() < 0.7:
            self.fill(inner, depth + 1)
            message.Pack(inner)

    def own_struct(self, message, depth):
        for _ in range(self.chance.randint(0, 3)):
            self.fill(message.fields[self.text()], depth + 1)

    def own_listvalue(self, message, depth):
        for _ in range(self.chance.randint(0, 3)):
            self.fill(message.values.add(), depth + 1)

    def own_value(self, message, depth):
        kinds = ["null_value", "number_value", "string_value", "bool_value"]
        kind = self.chance.choice(kinds if depth >= DEPTH_MAX else [*kinds, "struct_value", "list_value"])
        if kind in ("struct_value", "list_value"):
            getattr(message, kind).SetInParent()
            self.fill(getattr(message, kind), depth + 1)
        else:
            setattr(message, kind, {"null_value": 0, "number_value": self.chance.uniform(-1e6, 1e6),
                                    "string_value": self.text(), "bool_value": True}[kind])


def files_of(descriptor_set):
    return descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file


def canonical(message):
    """Equal for equal messages, NaN included."""
    return message.SerializeToString(deterministic=True)
