/* tests/server/config/reading.c */
#include "reading.h"

struct stoa_config_source named_yaml(const char *name, const char *text) {
  return (struct stoa_config_source){.kind = STOA_CONFIG_TEXT, .text = stoa_string_of(text), .name = name};
}

struct stoa_config_source yaml(const char *text) {
  return named_yaml("a.yaml", text);
}

struct stoa_config_source setting(const char *item) {
  return (struct stoa_config_source){.kind = STOA_CONFIG_SET, .text = stoa_string_of(item)};
}

struct stoa_config_source file(const char *path) {
  return (struct stoa_config_source){.kind = STOA_CONFIG_FILE, .text = stoa_string_of(path)};
}

struct stoa_config_source variables(void) {
  return (struct stoa_config_source){.kind = STOA_CONFIG_ENVIRONMENT, .text = stoa_string_of("a-b")};
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
  const struct stoa_config_input input = {.type = &tests_config_type,
                                          .sources = sources,
                                          .source_count = source_count,
                                          .environment = reading->environment,
                                          .origins = &reading->origins};
  return stoa_config_load(&input, reading->arena, &reading->config, &reading->errors);
}

const char *reading_errors(struct reading *reading) {
  assert_int_equal(stoa_buffer_append(&reading->errors, "", 1), STOA_OK);
  reading->errors.len--;
  return (const char *)reading->errors.data;
}

void expect_loads_in(struct reading *reading, const char *const *environment, const struct stoa_config_source *sources,
                     size_t source_count) {
  reading_init(reading);
  reading->environment = environment;
  int status = reading_load(reading, sources, source_count);
  assert_string_equal(reading_errors(reading), "");
  assert_int_equal(status, STOA_OK);
}

void expect_loads(struct reading *reading, const struct stoa_config_source *sources, size_t source_count) {
  expect_loads_in(reading, NULL, sources, source_count);
}

void expect_errors_in(const char *const *environment, struct stoa_config_source source, const char *lines) {
  static const struct tests_config untouched;
  struct reading reading;
  reading_init(&reading);
  reading.environment = environment;
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  assert_string_equal(reading_errors(&reading), lines);
  assert_memory_equal(&reading.config, &untouched, sizeof untouched);
  reading_fini(&reading);
}

void expect_errors(const char *text, const char *lines) {
  expect_errors_in(NULL, yaml(text), lines);
}

void expect_set_errors(const char *item, const char *lines) {
  expect_errors_in(NULL, setting(item), lines);
}

void assert_text(struct stoa_string text, const char *expected) {
  assert_non_null(text.data);
  assert_string_equal(text.data, expected);
  assert_int_equal(text.len, strlen(expected));
}
