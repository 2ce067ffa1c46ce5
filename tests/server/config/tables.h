/* tests/server/config/tables.h: a configuration with a field of every kind and label, and its table by hand. */
#ifndef TESTS_SERVER_CONFIG_TABLES_H
#define TESTS_SERVER_CONFIG_TABLES_H

#include <stoa/descriptor.h>

/* test.ByteOrder: BYTE_ORDER_BIG, BYTE_ORDER_LITTLE = 5, BYTE_ORDER_little = 6, middle = 7 */
extern const struct stoa_enum_type tests_byte_order_type;

struct tests_limits {
  uint32_t queue_bytes_max;
  uint32_t timeout_ms;
  uint64_t bytes_total;
  const struct tests_limits *inner;
};
extern const struct stoa_message_type tests_limits_type;

struct tests_listener {
  struct stoa_string address;
  const struct tests_limits *limits;
  struct {
    const struct stoa_string *items;
    size_t count;
  } names;
};
extern const struct stoa_message_type tests_listener_type;

struct tests_label {
  struct stoa_string key;
  struct stoa_string value;
};

struct tests_zone {
  int32_t key;
  const struct tests_limits *value;
};

struct tests_config {
  double ratio;
  float share;
  int64_t offset;
  uint64_t total;
  int32_t delta;
  uint64_t fixed_total;
  uint32_t fixed_count;
  bool verbose;
  struct stoa_string path;
  const struct tests_limits *limits;
  struct stoa_bytes secret;
  uint32_t workers;
  int32_t byte_order;
  int32_t sfixed_delta;
  int64_t sfixed_offset;
  int32_t sint_delta;
  int64_t sint_offset;
  bool has_retries;
  uint32_t retries;
  struct {
    const struct stoa_string *items;
    size_t count;
  } addresses;
  struct {
    const uint32_t *items;
    size_t count;
  } ports;
  struct {
    const struct tests_listener *items;
    size_t count;
  } listeners;
  struct {
    const struct tests_label *items;
    size_t count;
  } labels;
  struct {
    const struct tests_zone *items;
    size_t count;
  } zones;
  int32_t store_case;
  union {
    struct stoa_string file;
    const struct tests_limits *memory;
    uint32_t slots;
  } store;
};
extern const struct stoa_message_type tests_config_type;

/* The same table as of another generator, and one that holds such a table. */
extern const struct stoa_message_type tests_foreign_type;
struct tests_outer {
  const struct tests_config *foreign;
};
extern const struct stoa_message_type tests_outer_type;

#endif
