/* tests/server/config/reading.c */
#include "reading.h"

struct stoa_config_source named_yaml(const char *name, const char *text) {
  return (struct stoa_config_source){STOA_CONFIG_TEXT, stoa_string_of(text), name};
}

struct stoa_config_source yaml(const char *text) {
  return named_yaml("a.yaml", text);
}

struct stoa_config_source setting(const char *item) {
  return (struct stoa_config_source){STOA_CONFIG_SET, stoa_string_of(item), NULL};
}

struct stoa_config_source file(const char *path) {
  return (struct stoa_config_source){STOA_CONFIG_FILE, stoa_string_of(path), NULL};
}

void reading_init(struct reading *reading) {
  *reading = (struct reading){.arena = stoa_arena_create(16u * 1024 * 1024)};
  assert_non_null(reading->arena);
  stoa_buffer_init(&reading->errors, 64u * 1024);
}

void reading_fini(struct reading *reading) {
  stoa_buffer_fini(&reading->errors);
  stoa_arena_destroy(reading->arena);
}

int reading_load(struct reading *reading, const struct stoa_config_source *sources, size_t source_count) {
  return stoa_config_load(&tests_config_type, sources, source_count, reading->arena, &reading->config,
                          &reading->errors);
}

const char *reading_errors(struct reading *reading) {
  assert_int_equal(stoa_buffer_append(&reading->errors, "", 1), STOA_OK);
  reading->errors.len--;
  return (const char *)reading->errors.data;
}

void expect_loads(struct reading *reading, const struct stoa_config_source *sources, size_t source_count) {
  reading_init(reading);
  int status = reading_load(reading, sources, source_count);
  assert_string_equal(reading_errors(reading), "");
  assert_int_equal(status, STOA_OK);
}

static void expect_source_errors(struct stoa_config_source source, const char *lines) {
  static const struct tests_config untouched;
  struct reading reading;
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  assert_string_equal(reading_errors(&reading), lines);
  assert_memory_equal(&reading.config, &untouched, sizeof untouched);
  reading_fini(&reading);
}

void expect_errors(const char *text, const char *lines) {
  expect_source_errors(yaml(text), lines);
}

void expect_set_errors(const char *item, const char *lines) {
  expect_source_errors(setting(item), lines);
}

void assert_text(struct stoa_string text, const char *expected) {
  assert_non_null(text.data);
  assert_string_equal(text.data, expected);
  assert_int_equal(text.len, strlen(expected));
}
