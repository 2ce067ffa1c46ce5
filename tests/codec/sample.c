/* The tables of sample.proto, written by hand as protoc-gen-stoa would write them. */
#include "sample.h"

#define FIELD(field_name, json, num, kind_name, label_name, is_packed, at, presence_at, type, enumeration_type) \
  {                                                                                                             \
    .name = (field_name), .json_name = (json), .number = (num), .kind = STOA_KIND_##kind_name,                  \
    .label = STOA_LABEL_##label_name, .packed = (is_packed), .name_len = sizeof(field_name) - 1,                \
    .json_name_len = sizeof(json) - 1, .offset = (uint32_t)(at), .presence = (uint32_t)(presence_at),           \
    .message = (type), .enumeration = (enumeration_type)                                                        \
  }
#define TYPE(name, c_type, table)                                                               \
  {                                                                                             \
    .full_name = (name), .abi = STOA_DESCRIPTOR_ABI, .size = sizeof(c_type), .fields = (table), \
    .field_count = sizeof(table) / sizeof(table)[0], .unknown_offset = UINT32_MAX               \
  }

static const struct stoa_enum_value color_values[] = {
    {"COLOR_NONE", 0}, {"COLOR_RED", 1}, {"COLOR_ROUGE", 1}, {"COLOR_BLUE", -2}};
static const struct stoa_enum_type color_type = {.full_name = "sample.Color", .values = color_values, .value_count = 4};

#define CHAT(name, num) FIELD(#name, #name, num, STRING, SINGULAR, 0, offsetof(struct sample_chat, name), 0, NULL, NULL)
static const struct stoa_field chat_fields[] = {CHAT(message, 1), CHAT(sender, 2), CHAT(timestamp, 3)};
const struct stoa_message_type sample_chat_type = TYPE("sample.Chat", struct sample_chat, chat_fields);

#define ENTRY(map, key_kind, value_kind, type, enumeration)                                                      \
  static const struct stoa_field map##_entry_fields[] = {                                                        \
      FIELD("key", "key", 1, key_kind, SINGULAR, 0, offsetof(struct sample_##map##_entry, key), 0, NULL, NULL),  \
      FIELD("value", "value", 2, value_kind, SINGULAR, 0, offsetof(struct sample_##map##_entry, value), 0, type, \
            enumeration)};                                                                                       \
  static const struct stoa_message_type map##_entry_type =                                                       \
      TYPE("sample.Every." #map, struct sample_##map##_entry, map##_entry_fields)
ENTRY(counts, STRING, INT32, NULL, NULL);
ENTRY(chats, INT32, MESSAGE, &sample_chat_type, NULL);
ENTRY(flags, BOOL, STRING, NULL, NULL);
ENTRY(colors, UINT64, ENUM, NULL, &color_type);

#define EVERY(member) offsetof(struct sample_every, member)
#define ONE(name, json, num, kind, type, enumeration) \
  FIELD(#name, json, num, kind, SINGULAR, 0, EVERY(name), 0, type, enumeration)
#define OPTIONAL(name, json, num, kind, type, enumeration) \
  FIELD(#name, json, num, kind, OPTIONAL, 0, EVERY(name), EVERY(has_##name), type, enumeration)
#define LIST(name, json, num, kind, type, enumeration) \
  FIELD(#name, json, num, kind, REPEATED, 0, EVERY(name), 0, type, enumeration)
#define PACKED(name, json, num, kind, type, enumeration) \
  FIELD(#name, json, num, kind, REPEATED, 1, EVERY(name), 0, type, enumeration)
#define ONEOF(name, json, num, kind, type, enumeration) \
  FIELD(#name, json, num, kind, ONEOF, 0, EVERY(choice), EVERY(choice_case), type, enumeration)
#define MAP(name, json, num, type) FIELD(#name, json, num, MESSAGE, MAP, 0, EVERY(name), 0, &(type), NULL)
static const struct stoa_field every_fields[] = {
    ONE(a_double, "aDouble", 1, DOUBLE, NULL, NULL),
    ONE(a_float, "aFloat", 2, FLOAT, NULL, NULL),
    ONE(an_int64, "anInt64", 3, INT64, NULL, NULL),
    ONE(a_uint64, "aUint64", 4, UINT64, NULL, NULL),
    ONE(an_int32, "anInt32", 5, INT32, NULL, NULL),
    ONE(a_fixed64, "aFixed64", 6, FIXED64, NULL, NULL),
    ONE(a_fixed32, "aFixed32", 7, FIXED32, NULL, NULL),
    ONE(a_bool, "aBool", 8, BOOL, NULL, NULL),
    ONE(a_string, "aString", 9, STRING, NULL, NULL),
    ONE(a_bytes, "aBytes", 10, BYTES, NULL, NULL),
    ONE(a_uint32, "aUint32", 11, UINT32, NULL, NULL),
    ONE(a_color, "aColor", 12, ENUM, NULL, &color_type),
    ONE(a_sfixed32, "aSfixed32", 13, SFIXED32, NULL, NULL),
    ONE(a_sfixed64, "aSfixed64", 14, SFIXED64, NULL, NULL),
    ONE(a_sint32, "aSint32", 15, SINT32, NULL, NULL),
    ONE(a_sint64, "aSint64", 16, SINT64, NULL, NULL),
    ONE(a_chat, "aChat", 17, MESSAGE, &sample_chat_type, NULL),
    ONE(an_every, "anEvery", 18, MESSAGE, &sample_every_type, NULL),
    OPTIONAL(maybe_int, "maybeInt", 20, INT32, NULL, NULL),
    OPTIONAL(maybe_text, "maybeText", 21, STRING, NULL, NULL),
    PACKED(all_double, "allDouble", 31, DOUBLE, NULL, NULL),
    PACKED(all_float, "allFloat", 32, FLOAT, NULL, NULL),
    PACKED(all_int64, "allInt64", 33, INT64, NULL, NULL),
    PACKED(all_uint64, "allUint64", 34, UINT64, NULL, NULL),
    PACKED(all_int32, "allInt32", 35, INT32, NULL, NULL),
    PACKED(all_fixed64, "allFixed64", 36, FIXED64, NULL, NULL),
    PACKED(all_fixed32, "allFixed32", 37, FIXED32, NULL, NULL),
    PACKED(all_bool, "allBool", 38, BOOL, NULL, NULL),
    LIST(all_string, "allString", 39, STRING, NULL, NULL),
    LIST(all_bytes, "allBytes", 40, BYTES, NULL, NULL),
    PACKED(all_uint32, "allUint32", 41, UINT32, NULL, NULL),
    PACKED(all_color, "allColor", 42, ENUM, NULL, &color_type),
    PACKED(all_sfixed32, "allSfixed32", 43, SFIXED32, NULL, NULL),
    PACKED(all_sfixed64, "allSfixed64", 44, SFIXED64, NULL, NULL),
    PACKED(all_sint32, "allSint32", 45, SINT32, NULL, NULL),
    PACKED(all_sint64, "allSint64", 46, SINT64, NULL, NULL),
    LIST(all_chat, "allChat", 47, MESSAGE, &sample_chat_type, NULL),
    LIST(all_every, "allEvery", 48, MESSAGE, &sample_every_type, NULL),
    LIST(loose_int32, "looseInt32", 49, INT32, NULL, NULL),
    ONEOF(choice_int, "choiceInt", 50, INT32, NULL, NULL),
    ONEOF(choice_text, "choiceText", 51, STRING, NULL, NULL),
    ONEOF(choice_chat, "choiceChat", 52, MESSAGE, &sample_chat_type, NULL),
    MAP(counts, "counts", 60, counts_entry_type),
    MAP(chats, "chats", 61, chats_entry_type),
    MAP(flags, "flags", 62, flags_entry_type),
    MAP(colors, "colors", 63, colors_entry_type),
    ONE(odd_name, "Odd!", 536870911, STRING, NULL, NULL),
};
const struct stoa_message_type sample_every_type = TYPE("sample.Every", struct sample_every, every_fields);

static const struct stoa_field keeper_fields[] = {
    FIELD("number", "number", 2, UINT32, SINGULAR, 0, offsetof(struct sample_keeper, number), 0, NULL, NULL)};
const struct stoa_message_type sample_keeper_type = {.full_name = "sample.Keeper",
                                                     .abi = STOA_DESCRIPTOR_ABI,
                                                     .size = sizeof(struct sample_keeper),
                                                     .fields = keeper_fields,
                                                     .field_count = 1,
                                                     .unknown_offset = offsetof(struct sample_keeper, unknown)};

#define WIDE(index, name, num) FIELD(name, name, num, BOOL, SINGULAR, 0, index, 0, NULL, NULL)
static const struct stoa_field wide_fields[] = {
    WIDE(0, "f1", 1),    WIDE(1, "f2", 2),    WIDE(2, "f3", 3),    WIDE(3, "f4", 4),    WIDE(4, "f5", 5),
    WIDE(5, "f6", 6),    WIDE(6, "f7", 7),    WIDE(7, "f8", 8),    WIDE(8, "f9", 9),    WIDE(9, "f10", 10),
    WIDE(10, "f11", 11), WIDE(11, "f12", 12), WIDE(12, "f13", 13), WIDE(13, "f14", 14), WIDE(14, "f15", 15),
    WIDE(15, "f16", 16), WIDE(16, "f17", 17), WIDE(17, "f18", 18), WIDE(18, "f19", 19), WIDE(19, "f20", 20),
    WIDE(20, "f21", 21), WIDE(21, "f22", 22), WIDE(22, "f23", 23), WIDE(23, "f24", 24), WIDE(24, "f25", 25),
    WIDE(25, "f26", 26), WIDE(26, "f27", 27), WIDE(27, "f28", 28), WIDE(28, "f29", 29), WIDE(29, "f30", 30),
    WIDE(30, "f31", 31), WIDE(31, "f32", 32), WIDE(32, "f33", 33), WIDE(33, "f34", 34), WIDE(34, "f35", 35),
    WIDE(35, "f36", 36), WIDE(36, "f37", 37), WIDE(37, "f38", 38), WIDE(38, "f39", 39), WIDE(39, "f40", 40),
    WIDE(40, "f41", 41), WIDE(41, "f42", 42), WIDE(42, "f43", 43), WIDE(43, "f44", 44), WIDE(44, "f45", 45),
    WIDE(45, "f46", 46), WIDE(46, "f47", 47), WIDE(47, "f48", 48), WIDE(48, "f49", 49), WIDE(49, "f50", 50),
    WIDE(50, "f51", 51), WIDE(51, "f52", 52), WIDE(52, "f53", 53), WIDE(53, "f54", 54), WIDE(54, "f55", 55),
    WIDE(55, "f56", 56), WIDE(56, "f57", 57), WIDE(57, "f58", 58), WIDE(58, "f59", 59), WIDE(59, "f60", 60),
    WIDE(60, "f61", 61), WIDE(61, "f62", 62), WIDE(62, "f63", 63), WIDE(63, "f64", 64), WIDE(64, "f65", 65),
    WIDE(65, "f66", 66), WIDE(66, "f67", 67), WIDE(67, "f68", 68), WIDE(68, "f69", 69), WIDE(69, "f70", 70),
};
const struct stoa_message_type sample_wide_type = TYPE("sample.Wide", struct sample_wide, wide_fields);
