#include "special.h"

#include <stoa/types.h>

#define FIELD(field_name, num, kind_name, label_name, at, presence_at, type, enumeration_type)                     \
  {                                                                                                                \
    .name = (field_name), .json_name = (field_name), .number = (num), .kind = STOA_KIND_##kind_name,               \
    .label = STOA_LABEL_##label_name, .name_len = sizeof(field_name) - 1, .json_name_len = sizeof(field_name) - 1, \
    .offset = (uint32_t)(at), .presence = (uint32_t)(presence_at), .message = (type),                              \
    .enumeration = (enumeration_type)                                                                              \
  }

#define ENTRY(member) offsetof(struct special_by_name_entry, member)
static const struct stoa_field by_name_fields[] = {
    FIELD("key", 1, STRING, SINGULAR, ENTRY(key), 0, NULL, NULL),
    FIELD("value", 2, MESSAGE, SINGULAR, ENTRY(value), 0, &google_protobuf_value_type, NULL),
};
static const struct stoa_message_type by_name_type = {.full_name = "special.Special.ByNameEntry",
                                                      .abi = STOA_DESCRIPTOR_ABI,
                                                      .size = sizeof(struct special_by_name_entry),
                                                      .fields = by_name_fields,
                                                      .field_count = 2,
                                                      .unknown_offset = UINT32_MAX};

#define AT(member) offsetof(struct special, member)
#define ONE(name, num, type) FIELD(#name, num, MESSAGE, SINGULAR, AT(name), 0, &google_protobuf_##type##_type, NULL)
#define LIST(name, num, type) FIELD(#name, num, MESSAGE, REPEATED, AT(name), 0, &google_protobuf_##type##_type, NULL)
#define CHOICE(name, num, kind, type, enumeration) \
  FIELD(#name, num, kind, ONEOF, AT(choice), AT(choice_case), type, enumeration)
#define NULL_ENUM (&google_protobuf_null_value_enum)

static const struct stoa_enum_value shade_values[] = {{"NO_SHADE", 0}, {"DARK", 1}};
static const struct stoa_enum_type shade_enum = {
    .full_name = "special.Shade", .values = shade_values, .value_count = 2};

static const struct stoa_field fields[] = {
    ONE(any, 1, any),
    ONE(timestamp, 2, timestamp),
    ONE(duration, 3, duration),
    ONE(mask, 4, field_mask),
    ONE(object, 5, struct),
    ONE(value, 6, value),
    ONE(list, 7, list_value),
    ONE(empty, 8, empty),
    FIELD("null", 9, ENUM, SINGULAR, AT(null), 0, NULL, NULL_ENUM),
    ONE(a_bool, 10, bool_value),
    ONE(an_int64, 11, int64_value),
    ONE(a_double, 12, double_value),
    ONE(a_string, 13, string_value),
    ONE(a_bytes, 14, bytes_value),
    LIST(anys, 20, any),
    LIST(timestamps, 21, timestamp),
    LIST(masks, 22, field_mask),
    LIST(values, 23, value),
    FIELD("nulls", 24, ENUM, REPEATED, AT(nulls), 0, NULL, NULL_ENUM),
    LIST(int32s, 25, int32_value),
    FIELD("by_name", 30, MESSAGE, MAP, AT(by_name), 0, &by_name_type, NULL),
    CHOICE(choice_null, 40, ENUM, NULL, NULL_ENUM),
    CHOICE(choice_value, 41, MESSAGE, &google_protobuf_value_type, NULL),
    CHOICE(choice_any, 42, MESSAGE, &google_protobuf_any_type, NULL),
    CHOICE(choice_shade, 43, ENUM, NULL, &shade_enum),
    FIELD("maybe_null", 50, ENUM, OPTIONAL, AT(maybe_null), AT(has_maybe_null), NULL, NULL_ENUM),
    FIELD("every", 60, MESSAGE, SINGULAR, AT(every), 0, &sample_every_type, NULL),
};

const struct stoa_message_type special_type = {.full_name = "special.Special",
                                               .abi = STOA_DESCRIPTOR_ABI,
                                               .size = sizeof(struct special),
                                               .fields = fields,
                                               .field_count = sizeof fields / sizeof fields[0],
                                               .unknown_offset = (uint32_t)AT(unknown_fields)};

bool special_add_types(void) {
  const struct stoa_message_type *const types[] = {
      &special_type,
      &sample_every_type,
      &google_protobuf_any_type,
      &google_protobuf_duration_type,
      &google_protobuf_empty_type,
      &google_protobuf_field_mask_type,
      &google_protobuf_timestamp_type,
      &google_protobuf_struct_type,
      &google_protobuf_value_type,
      &google_protobuf_list_value_type,
      &google_protobuf_string_value_type,
  };
  bool is_done = true;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    is_done = is_done && stoa_types_add(types[i]) == STOA_OK;
  }
  return is_done;
}
