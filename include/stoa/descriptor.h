/* stoa/descriptor.h: tables that describe a message's fields and where they lie in its C struct.
 *
 * protoc-gen-stoa writes them; the binary codec, the JSON codec, the configuration and the documentation read them.
 * Programs rarely use them directly.
 *
 * The C struct of a message, field by field:
 *   scalar, enum       its C type; absent is 0 (proto3). An enum is int32_t, because values outside the list are kept.
 *   string, bytes      struct stoa_string, struct stoa_bytes
 *   message            const struct other *field; NULL is absent
 *   optional scalar    `bool has_field` beside the value
 *   repeated           struct { const T *items; size_t count; } field, laid out as struct stoa_list. Repeated
 *                      messages are an array of structs, not of pointers.
 *   map                as repeated, with a generated entry struct that has `key` and `value`
 *   oneof              int32_t name_case (the set field's number, 0 for none) and a union `name`
 * A zeroed struct is the empty message.
 *
 * Lifetime: a decoded struct points into the arena and into the decoded input; both belong to the caller.
 */
#ifndef STOA_DESCRIPTOR_H
#define STOA_DESCRIPTOR_H

#include <stoa/bytes.h>
#include <stoa/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a table's shape changes; generated code asserts it at compile time. */
#define STOA_DESCRIPTOR_ABI 2

/* The numbers are FieldDescriptorProto.Type's. 10 is group, which proto3 does not have. */
enum stoa_field_kind {
  STOA_KIND_DOUBLE = 1,
  STOA_KIND_FLOAT = 2,
  STOA_KIND_INT64 = 3,
  STOA_KIND_UINT64 = 4,
  STOA_KIND_INT32 = 5,
  STOA_KIND_FIXED64 = 6,
  STOA_KIND_FIXED32 = 7,
  STOA_KIND_BOOL = 8,
  STOA_KIND_STRING = 9,
  STOA_KIND_MESSAGE = 11,
  STOA_KIND_BYTES = 12,
  STOA_KIND_UINT32 = 13,
  STOA_KIND_ENUM = 14,
  STOA_KIND_SFIXED32 = 15,
  STOA_KIND_SFIXED64 = 16,
  STOA_KIND_SINT32 = 17,
  STOA_KIND_SINT64 = 18
};

enum stoa_field_label {
  STOA_LABEL_SINGULAR, /* proto3 without presence; messages are present when not NULL */
  STOA_LABEL_OPTIONAL, /* `presence` is the offset of a bool; not used for messages */
  STOA_LABEL_REPEATED,
  STOA_LABEL_MAP,
  STOA_LABEL_ONEOF /* `presence` is the offset of the int32_t case */
};

/* The layout of every `struct { const T *items; size_t count; }`, for table-driven code. */
struct stoa_list {
  const void *items;
  size_t count;
};

struct stoa_enum_value {
  const char *name;
  int32_t number;
};

struct stoa_enum_type {
  const char *full_name;
  const struct stoa_enum_value *values; /* in the order of the file; aliases included */
  uint32_t value_count;
  uint8_t is_null; /* google.protobuf.NullValue: its only value is null in JSON */
};

/* Messages of the package google.protobuf that have a JSON form of their own. Their structs are generated as for any
 * other message with these fields. */
enum stoa_special {
  STOA_SPECIAL_NONE,
  STOA_SPECIAL_ANY,        /* type_url = 1, value = 2 */
  STOA_SPECIAL_TIMESTAMP,  /* seconds = 1, nanos = 2 */
  STOA_SPECIAL_DURATION,   /* seconds = 1, nanos = 2 */
  STOA_SPECIAL_FIELD_MASK, /* repeated paths = 1 */
  STOA_SPECIAL_STRUCT,     /* a map, fields = 1, of Value */
  STOA_SPECIAL_VALUE,      /* oneof kind of fields 1 to 6 */
  STOA_SPECIAL_LIST_VALUE, /* repeated values = 1, of Value */
  STOA_SPECIAL_WRAPPER,    /* value = 1: DoubleValue, StringValue and the seven others */
  STOA_SPECIAL_EMPTY
};

/* The rules that a field can have; one bit each, because 0 can be a bound too. */
enum stoa_rule {
  STOA_RULE_REQUIRED = 1, /* set; for a field without presence: not 0, false or empty */
  STOA_RULE_MIN_LEN = 2,
  STOA_RULE_MAX_LEN = 4,
  STOA_RULE_MIN = 8,
  STOA_RULE_MAX = 16
};

/* Use the member that fits the field's kind. */
union stoa_rule_bound {
  int64_t whole;    /* int32, int64 and their sint and sfixed */
  uint64_t natural; /* uint32, uint64, fixed32, fixed64 */
  double real;      /* float, double */
};

struct stoa_field_rules {
  uint32_t rules;   /* enum stoa_rule, or'ed: which of these apply */
  uint32_t min_len; /* characters of a string, bytes of a bytes field, entries of a list or a map */
  uint32_t max_len;
  union stoa_rule_bound min; /* of a number, or of each number in a list; inclusive, as max is */
  union stoa_rule_bound max;
};

struct stoa_message_type;

struct stoa_field {
  const char *name;      /* as in the .proto */
  const char *json_name; /* lowerCamelCase, or the json_name option */
  uint32_t number;
  uint8_t kind;     /* enum stoa_field_kind */
  uint8_t label;    /* enum stoa_field_label */
  uint8_t packed;   /* 1: encoded packed; decoding takes both forms */
  uint8_t name_len; /* of name; protoc-gen-stoa refuses names above 255 */
  uint8_t json_name_len;
  uint8_t json_name_escapes; /* 1: json_name has characters that JSON must escape */
  uint8_t reserved[2];
  uint32_t offset;                         /* of the value in the struct */
  uint32_t presence;                       /* see the labels; 0 otherwise */
  const struct stoa_message_type *message; /* STOA_KIND_MESSAGE, or a map's entry type; else NULL */
  const struct stoa_enum_type *enumeration;
  const struct stoa_field_rules *rules; /* NULL for most */
};

struct stoa_message_type {
  const char *full_name;           /* "chatroom.v1.ChatMessage" */
  uint32_t abi;                    /* STOA_DESCRIPTOR_ABI when the file was generated */
  uint32_t size;                   /* of the C struct */
  const struct stoa_field *fields; /* by ascending number */
  uint32_t field_count;
  uint32_t unknown_offset; /* of a struct stoa_bytes that keeps unknown fields, or UINT32_MAX: they are dropped */
  uint8_t special;         /* enum stoa_special */
  uint8_t has_rules;       /* 1: this message, or one that it can contain, has fields with rules */
};

#ifdef __cplusplus
}
#endif

#endif
