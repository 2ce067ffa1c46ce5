/* tests/server/config/tables.c */
#include "tables.h"

#define FIELD(name_, number_, kind_, label_, owner, ...)                                                        \
  {                                                                                                             \
    .name = #name_, .json_name = #name_, .number = (number_), .kind = (kind_), .label = (label_),               \
    .name_len = sizeof #name_ - 1, .json_name_len = sizeof #name_ - 1, .offset = offsetof(struct owner, name_), \
    __VA_ARGS__                                                                                                 \
  }
#define SCALAR(name, number, kind, owner) FIELD(name, number, kind, STOA_LABEL_SINGULAR, owner, .presence = 0)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TYPE(name, abi_number, c_type, table)                                                                         \
  {                                                                                                                   \
    .full_name = (name), .abi = (abi_number), .size = sizeof(c_type), .fields = (table), .field_count = COUNT(table), \
    .unknown_offset = UINT32_MAX                                                                                      \
  }

static const struct stoa_enum_value byte_orders[] = {
    {"BYTE_ORDER_BIG", 0}, {"BYTE_ORDER_LITTLE", 5}, {"BYTE_ORDER_little", 6}, {"middle", 7}};
const struct stoa_enum_type tests_byte_order_type = {
    .full_name = "test.ByteOrder", .values = byte_orders, .value_count = COUNT(byte_orders)};

static const struct stoa_field limits_fields[] = {
    SCALAR(queue_bytes_max, 1, STOA_KIND_UINT32, tests_limits),
    SCALAR(timeout_ms, 2, STOA_KIND_UINT32, tests_limits),
    SCALAR(bytes_total, 3, STOA_KIND_UINT64, tests_limits),
    FIELD(inner, 4, STOA_KIND_MESSAGE, STOA_LABEL_SINGULAR, tests_limits, .message = &tests_limits_type),
};
const struct stoa_message_type tests_limits_type =
    TYPE("test.Limits", STOA_DESCRIPTOR_ABI, struct tests_limits, limits_fields);

static const struct stoa_field listener_fields[] = {
    SCALAR(address, 1, STOA_KIND_STRING, tests_listener),
    FIELD(limits, 2, STOA_KIND_MESSAGE, STOA_LABEL_SINGULAR, tests_listener, .message = &tests_limits_type),
    FIELD(names, 3, STOA_KIND_STRING, STOA_LABEL_REPEATED, tests_listener, .presence = 0),
};
const struct stoa_message_type tests_listener_type =
    TYPE("test.Listener", STOA_DESCRIPTOR_ABI, struct tests_listener, listener_fields);

static const struct stoa_field label_fields[] = {
    SCALAR(key, 1, STOA_KIND_STRING, tests_label),
    SCALAR(value, 2, STOA_KIND_STRING, tests_label),
};
static const struct stoa_message_type label_type =
    TYPE("test.Config.LabelsEntry", STOA_DESCRIPTOR_ABI, struct tests_label, label_fields);

static const struct stoa_field zone_fields[] = {
    SCALAR(key, 1, STOA_KIND_INT32, tests_zone),
    FIELD(value, 2, STOA_KIND_MESSAGE, STOA_LABEL_SINGULAR, tests_zone, .message = &tests_limits_type),
};
static const struct stoa_message_type zone_type =
    TYPE("test.Config.ZonesEntry", STOA_DESCRIPTOR_ABI, struct tests_zone, zone_fields);

#define IN_STORE(name_, number_, kind_, message_)                                                                      \
  {                                                                                                                    \
    .name = #name_, .json_name = #name_, .number = (number_), .kind = (kind_), .label = STOA_LABEL_ONEOF,              \
    .name_len = sizeof #name_ - 1, .json_name_len = sizeof #name_ - 1, .offset = offsetof(struct tests_config, store), \
    .presence = offsetof(struct tests_config, store_case), .message = (message_)                                       \
  }

static const struct stoa_field config_fields[] = {
    SCALAR(ratio, 1, STOA_KIND_DOUBLE, tests_config),
    SCALAR(share, 2, STOA_KIND_FLOAT, tests_config),
    SCALAR(offset, 3, STOA_KIND_INT64, tests_config),
    SCALAR(total, 4, STOA_KIND_UINT64, tests_config),
    SCALAR(delta, 5, STOA_KIND_INT32, tests_config),
    SCALAR(fixed_total, 6, STOA_KIND_FIXED64, tests_config),
    SCALAR(fixed_count, 7, STOA_KIND_FIXED32, tests_config),
    SCALAR(verbose, 8, STOA_KIND_BOOL, tests_config),
    SCALAR(path, 9, STOA_KIND_STRING, tests_config),
    FIELD(limits, 11, STOA_KIND_MESSAGE, STOA_LABEL_SINGULAR, tests_config, .message = &tests_limits_type),
    SCALAR(secret, 12, STOA_KIND_BYTES, tests_config),
    SCALAR(workers, 13, STOA_KIND_UINT32, tests_config),
    FIELD(byte_order, 14, STOA_KIND_ENUM, STOA_LABEL_SINGULAR, tests_config, .enumeration = &tests_byte_order_type),
    SCALAR(sfixed_delta, 15, STOA_KIND_SFIXED32, tests_config),
    SCALAR(sfixed_offset, 16, STOA_KIND_SFIXED64, tests_config),
    SCALAR(sint_delta, 17, STOA_KIND_SINT32, tests_config),
    SCALAR(sint_offset, 18, STOA_KIND_SINT64, tests_config),
    FIELD(retries, 19, STOA_KIND_UINT32, STOA_LABEL_OPTIONAL, tests_config,
          .presence = offsetof(struct tests_config, has_retries)),
    FIELD(addresses, 20, STOA_KIND_STRING, STOA_LABEL_REPEATED, tests_config, .presence = 0),
    FIELD(ports, 21, STOA_KIND_UINT32, STOA_LABEL_REPEATED, tests_config, .packed = 1),
    FIELD(listeners, 22, STOA_KIND_MESSAGE, STOA_LABEL_REPEATED, tests_config, .message = &tests_listener_type),
    FIELD(labels, 23, STOA_KIND_MESSAGE, STOA_LABEL_MAP, tests_config, .message = &label_type),
    FIELD(zones, 24, STOA_KIND_MESSAGE, STOA_LABEL_MAP, tests_config, .message = &zone_type),
    IN_STORE(file, 25, STOA_KIND_STRING, NULL),
    IN_STORE(memory, 26, STOA_KIND_MESSAGE, &tests_limits_type),
    IN_STORE(slots, 27, STOA_KIND_UINT32, NULL),
};
const struct stoa_message_type tests_config_type =
    TYPE("test.Config", STOA_DESCRIPTOR_ABI, struct tests_config, config_fields);

const struct stoa_message_type tests_foreign_type =
    TYPE("test.Config", STOA_DESCRIPTOR_ABI + 1, struct tests_config, config_fields);
static const struct stoa_field outer_fields[] = {
    FIELD(foreign, 1, STOA_KIND_MESSAGE, STOA_LABEL_SINGULAR, tests_outer, .message = &tests_foreign_type),
};
const struct stoa_message_type tests_outer_type =
    TYPE("test.Outer", STOA_DESCRIPTOR_ABI, struct tests_outer, outer_fields);
