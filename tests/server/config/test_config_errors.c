/* tests/server/config/test_config_errors.c: the texts of errors, and their positions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "reading.h"

static void an_unknown_key_is_reported_with_the_nearest_name(void **state) {
  (void)state;
  expect_errors("path: /\nlisteners:\n  - adress: x\n",
                "a.yaml:3:5: unknown key \"adress\" in listeners[0]; did you mean \"address\"?\n");
  expect_errors("adress: [x]", "a.yaml:1:1: unknown key \"adress\"; did you mean \"addresses\"?\n");
  expect_errors("limits:\n  timeuot_ms: 3\n",
                "a.yaml:2:3: unknown key \"timeuot_ms\" in limits; did you mean \"timeout_ms\"?\n");
  expect_errors("zebra: 1", "a.yaml:1:1: unknown key \"zebra\"\n");
  expect_errors("zones: {3: {quee_bytes_max: 1}}",
                "a.yaml:1:13: unknown key \"quee_bytes_max\" in zones.3; did you mean \"queue_bytes_max\"?\n");
  expect_errors("a_key_that_is_longer_than_any_name_which_somebody_might_have_mistyped: 1",
                "a.yaml:1:1: unknown key \"a_key_that_is_longer_than_any_name_which_somebody_might_have_mis...\"\n");
  expect_errors("'': 1", "a.yaml:1:1: unknown key \"\"\n");
  expect_errors("<<: {path: x}", "a.yaml:1:1: unknown key \"<<\"\n");
}

static void a_value_of_the_wrong_type_is_reported_with_what_fits(void **state) {
  (void)state;
  expect_errors("workers: x", "a.yaml:1:10: workers: expected a number from 0 to 4294967295, got \"x\"\n");
  expect_errors("delta: 2147483648",
                "a.yaml:1:8: delta: expected a number from -2147483648 to 2147483647, got \"2147483648\"\n");
  expect_errors("offset: 9223372036854775808",
                "a.yaml:1:9: offset: expected a number from -9223372036854775808 to 9223372036854775807, got "
                "\"9223372036854775808\"\n");
  expect_errors("total: 18446744073709551616",
                "a.yaml:1:8: total: expected a number from 0 to 18446744073709551615, got \"18446744073709551616\"\n");
  expect_errors("verbose: yes", "a.yaml:1:10: verbose: expected true or false, got \"yes\"\n");
  expect_errors("byte_order: huge", "a.yaml:1:13: byte_order: expected big, little, little or middle, got \"huge\"\n");
  expect_errors("ratio: fast", "a.yaml:1:8: ratio: expected a number, got \"fast\"\n");
  expect_errors("secret: '*'", "a.yaml:1:9: secret: expected base64, got \"*\"\n");
  expect_errors("retries: -1", "a.yaml:1:10: retries: expected a number from 0 to 4294967295, got \"-1\"\n");
}

static void a_number_with_a_unit_names_the_units(void **state) {
  (void)state;
  expect_errors("limits: {queue_bytes_max: 1 TB}",
                "a.yaml:1:27: limits.queue_bytes_max: expected a number from 0 to 4294967295 (bytes, or with a unit: "
                "64KiB, 1MiB, 1GiB, 10KB, 10MB, 1GB), got \"1 TB\"\n");
  expect_errors("limits: {timeout_ms: 3 days}",
                "a.yaml:1:22: limits.timeout_ms: expected a number from 0 to 2147483647 (milliseconds, or with a unit: "
                "500ms, 30s, 2m, 1h), got \"3 days\"\n");
  expect_errors("limits: {queue_bytes_max: 4GiB}",
                "a.yaml:1:27: limits.queue_bytes_max: expected a number from 0 to 4294967295 (bytes, or with a unit: "
                "64KiB, 1MiB, 1GiB, 10KB, 10MB, 1GB), got \"4GiB\"\n");
  expect_errors("workers: 1 KiB", "a.yaml:1:10: workers: expected a number from 0 to 4294967295, got \"1 KiB\"\n");
}

static void a_time_beyond_what_deadlines_hold_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"2147483648", "4294967295", "2147484 s", "597 h"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char yaml_text[64];
    char told[256];
    snprintf(yaml_text, sizeof yaml_text, "limits:\n  timeout_ms: %s", texts[i]);
    snprintf(told, sizeof told,
             "a.yaml:2:15: limits.timeout_ms: expected a number from 0 to 2147483647 (milliseconds, or with a unit: "
             "500ms, 30s, 2m, 1h), got \"%s\"\n",
             texts[i]);
    expect_errors(yaml_text, told);
  }
}

static void numbers_are_plain_decimal(void **state) {
  (void)state;
  static const char *const texts[] = {"010", "0x10", "1_000", "+1", "1.0", "1e3", "--1", "-", "''", "' 1'"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char yaml_text[32];
    struct reading reading;
    snprintf(yaml_text, sizeof yaml_text, "workers: %s", texts[i]);
    struct stoa_config_source source = yaml(yaml_text);
    reading_init(&reading);
    assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
    reading_fini(&reading);
  }
}

static void real_numbers_are_plain_decimal(void **state) {
  (void)state;
  static const char *const texts[] = {
      "0x1p3", "nan", "inf", "1e",
      "1e+",   ".",   "-",   "1.5x",
      "1e999", "''",  "1,5", "1.00000000000000000000000000000000000000000000000000000000000000000000000"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char yaml_text[128];
    struct reading reading;
    snprintf(yaml_text, sizeof yaml_text, "ratio: %s", texts[i]);
    struct stoa_config_source source = yaml(yaml_text);
    reading_init(&reading);
    assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
    reading_fini(&reading);
  }
  expect_errors("share: 1e39", "a.yaml:1:8: share: expected a number, got \"1e39\"\n");
}

static void what_is_no_base64_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"A", "AA=A", "A===", "AAAAA", "AA=", "AA==AA==", "=AAA", "====", "AA A", "é"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char yaml_text[32];
    struct reading reading;
    snprintf(yaml_text, sizeof yaml_text, "secret: %s", texts[i]);
    struct stoa_config_source source = yaml(yaml_text);
    reading_init(&reading);
    assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
    reading_fini(&reading);
  }
}

static void a_value_of_the_wrong_shape_is_reported(void **state) {
  (void)state;
  expect_errors("path: [a]", "a.yaml:1:7: path: expected a string, got a list\n");
  expect_errors("path: {a: b}", "a.yaml:1:7: path: expected a string, got a section\n");
  expect_errors("path:", "a.yaml:1:6: path: expected a string, got nothing\n");
  expect_errors("workers: ~", "a.yaml:1:10: workers: expected a number from 0 to 4294967295, got nothing\n");
  expect_errors("limits: 3", "a.yaml:1:9: limits: expected a section, got \"3\"\n");
  expect_errors("limits: []", "a.yaml:1:9: limits: expected a section, got a list\n");
  expect_errors("addresses: :80", "a.yaml:1:12: addresses: expected a list, got \":80\"\n");
  expect_errors("addresses:\npath: /", "a.yaml:1:11: addresses: expected a list, got nothing\n");
  expect_errors("addresses: [[a], b, {c: d}]",
                "a.yaml:1:13: addresses[0]: expected a string, got a list\n"
                "a.yaml:1:21: addresses[2]: expected a string, got a section\n");
  expect_errors("listeners: [3]", "a.yaml:1:13: listeners[0]: expected a section, got \"3\"\n");
  expect_errors("labels: [a]", "a.yaml:1:9: labels: expected a section, got a list\n");
  expect_errors("labels: {a b: [c]}", "a.yaml:1:15: labels[\"a b\"]: expected a string, got a list\n");
  expect_errors("memory: 3", "a.yaml:1:9: memory: expected a section, got \"3\"\n");
  expect_errors("- a", "a.yaml:1:1: expected a section, got a list\n");
  expect_errors("hello", "a.yaml:1:1: expected a section, got \"hello\"\n");
}

static void a_map_key_of_the_wrong_type_is_reported(void **state) {
  (void)state;
  expect_errors("zones: {north: {}}",
                "a.yaml:1:9: zones: expected a number from -2147483648 to 2147483647 as the key, got \"north\"\n");
}

static void a_duplicate_key_is_reported_with_the_first(void **state) {
  (void)state;
  expect_errors("path: a\nworkers: 1\npath: b\npath: c\n",
                "a.yaml:3:1: duplicate key \"path\"; the first is in line 1\n"
                "a.yaml:4:1: duplicate key \"path\"; the first is in line 1\n");
  expect_errors("limits:\n  timeout_ms: 1\n  timeout_ms: 2\n",
                "a.yaml:3:3: duplicate key \"timeout_ms\" in limits; the first is in line 2\n");
  expect_errors("labels: {a: b, a: c}", "a.yaml:1:16: duplicate key \"a\" in labels; the first is in line 1\n");
}

static void two_members_of_a_oneof_are_reported(void **state) {
  (void)state;
  expect_errors("file: a\nworkers: 1\nslots: 3\n", "a.yaml:3:1: slots: file is set too; set only one of them\n");
}

static void anchors_tags_and_other_special_yaml_are_refused(void **state) {
  (void)state;
  expect_errors("path: &a x\nlabels: {b: *a}\n",
                "a.yaml:1:7: an anchor; anchors and aliases are not supported\n"
                "a.yaml:2:13: an alias; anchors and aliases are not supported\n");
  expect_errors("limits: &a {}", "a.yaml:1:9: an anchor; anchors and aliases are not supported\n");
  expect_errors("addresses: &a []", "a.yaml:1:12: an anchor; anchors and aliases are not supported\n");
  expect_errors("*a : x", "a.yaml:1:1: an alias instead of a key\n");
  expect_errors("path: !!str 3", "a.yaml:1:7: a tag; the type of a value is known without one\n");
  expect_errors("limits: !x {}", "a.yaml:1:9: a tag; the type of a value is known without one\n");
  expect_errors("addresses: !x []", "a.yaml:1:12: a tag; the type of a value is known without one\n");
  expect_errors("path: x\n---\npath: y\n", "a.yaml:2:1: a second document; only one is allowed\n");
  expect_errors("? [a]\n: b\n", "a.yaml:1:3: a list or section instead of a key\n");
}

static void broken_yaml_is_reported_with_its_position(void **state) {
  (void)state;
  expect_errors("path: /\n\tworkers: 1\n", "a.yaml:2:1: a tab; indent YAML with spaces\n");
  expect_errors("limits:\n\ttimeout_ms: 1\n", "a.yaml:2:1: a tab; indent YAML with spaces\n");
  expect_errors("# \xc3\xa9\xe4\xb8\xad\nlimits:\n\ttimeout_ms: 1\n", "a.yaml:3:1: a tab; indent YAML with spaces\n");
  expect_errors("addresses: [a, b\n",
                "a.yaml:2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence\n");
  expect_errors("path: 'a\n", "a.yaml:2:1: not YAML: found unexpected end of stream, while scanning a quoted scalar\n");
  expect_errors(
      "path: @x",
      "a.yaml:1:7: not YAML: found character that cannot start any token, while scanning for the next token\n");
  expect_errors("path: a: b", "a.yaml:1:8: not YAML: mapping values are not allowed in this context\n");
}

static void invalid_utf8_is_reported_with_its_position(void **state) {
  (void)state;
  expect_errors("path: /\nx\xc3\xa9\x80: 1", "a.yaml:2:3: not UTF-8, or a character that YAML does not allow\n");
  expect_errors("path: a\x01", "a.yaml:1:8: not UTF-8, or a character that YAML does not allow\n");
  expect_errors("\xff\xfe", "a.yaml:1:1: not UTF-8, or a character that YAML does not allow\n");
}

static void a_nul_in_a_text_is_refused(void **state) {
  (void)state;
  expect_errors("path: \"a\\0b\"", "a.yaml:1:7: a NUL in a string\n");
  expect_errors("\"a\\0b\": 1", "a.yaml:1:1: a key with a NUL or longer than 128 bytes\n");
}

static void errors_before_broken_yaml_are_reported_too(void **state) {
  (void)state;
  expect_errors("workers: x\npath: [\n",
                "a.yaml:1:10: workers: expected a number from 0 to 4294967295, got \"x\"\n"
                "a.yaml:2:7: path: expected a string, got a list\n"
                "a.yaml:3:1: not YAML: did not find expected node content, while parsing a "
                "flow node\n");
}

static void all_errors_of_all_sources_are_reported_in_order(void **state) {
  (void)state;
  const struct stoa_config_source sources[] = {named_yaml("one.yaml", "limits:\n  x: 1\nverbose: on\n"),
                                               named_yaml("two.yaml", "workers: 1\nnope: 2\n"), setting("workers=many"),
                                               setting("verbose=true")};
  struct reading reading;
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, sources, 4), STOA_E_SYNTAX);
  assert_string_equal(reading_errors(&reading),
                      "one.yaml:2:3: unknown key \"x\" in limits\n"
                      "one.yaml:3:10: verbose: expected true or false, got \"on\"\n"
                      "two.yaml:2:1: unknown key \"nope\"\n"
                      "--set workers=many: workers: expected a number from 0 to 4294967295, got \"many\"\n");
  reading_fini(&reading);
}

static void only_the_first_fifty_errors_are_shown(void **state) {
  (void)state;
  char text[1024] = "";
  struct reading reading;
  for (int i = 0; i < 53; i++) {
    snprintf(text + strlen(text), sizeof text - strlen(text), "zebra%d: 1\n", i);
  }
  struct stoa_config_source source = yaml(text);
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  assert_non_null(strstr(reading_errors(&reading), "a.yaml:50:1: unknown key \"zebra49\"\nand 3 more\n"));
  assert_null(strstr(reading_errors(&reading), "zebra50"));
  reading_fini(&reading);
}

static void an_error_quotes_a_setting_as_it_was_given(void **state) {
  (void)state;
  expect_set_errors("limits.timeuot_ms=3",
                    "--set limits.timeuot_ms=3: unknown key \"timeuot_ms\" in limits; did you mean \"timeout_ms\"?\n");
  expect_set_errors("workers", "--set workers: expected a.b=c, a path of keys and a value\n");
  expect_set_errors("=3", "--set =3: an empty key in the path\n");
  expect_set_errors("limits..timeout_ms=3", "--set limits..timeout_ms=3: an empty key in the path\n");
  expect_set_errors("path=", "--set path=: path: expected a string, got nothing\n");
  expect_set_errors("path=# comment", "--set path=# comment: path: expected a string, got nothing\n");
  expect_set_errors("ports=[1,",
                    "--set ports=[1,: not YAML: did not find expected node content, while parsing a flow node\n");
  expect_set_errors("path=\x01", "--set path=\\x01: not UTF-8, or a character that YAML does not allow\n");
  expect_set_errors("pa\xffth=1", "--set pa\xffth=1: expected a.b=c, a path of keys and a value\n");
  expect_set_errors("path.x=1", "--set path.x=1: path: expected a string, got a section\n");
}

static void control_characters_and_long_values_do_not_reach_the_terminal(void **state) {
  (void)state;
  expect_errors("workers: \"\\e[31m\\x85\\n\"",
                "a.yaml:1:10: workers: expected a number from 0 to 4294967295, got \"\\x1b[31m\\x85\\x0a\"\n");
  expect_errors("workers: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx12345",
                "a.yaml:1:10: workers: expected a number from 0 to 4294967295, got "
                "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"\n");
  expect_errors("\xe4\xb8\xad: 1", "a.yaml:1:1: unknown key \"\xe4\xb8\xad\"\n");
  char item[300] = "workers=";
  memset(item + 8, 'x', sizeof item - 9);
  struct stoa_config_source source = setting(item);
  struct reading reading;
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  assert_non_null(strstr(reading_errors(&reading), "xxx...: workers: expected"));
  reading_fini(&reading);
}

/* `count` times `piece`, then `end`; the caller frees it. */
static char *repeat(const char *piece, size_t count, const char *end) {
  size_t len = strlen(piece);
  char *text = malloc(count * len + strlen(end) + 1);
  assert_non_null(text);
  for (size_t i = 0; i < count; i++) {
    memcpy(text + i * len, piece, len);
  }
  memcpy(text + count * len, end, strlen(end) + 1);
  return text;
}

static void nesting_is_capped(void **state) {
  (void)state;
  char *text = repeat("[", 5000, "");
  expect_errors(text,
                "a.yaml:1:1: expected a section, got a list\n"
                "a.yaml:1:33: more than 32 nested lists and sections\n");
  free(text);
  text = repeat("inner.", 32, "timeout_ms=1");
  struct stoa_config_source source = setting(text);
  struct reading reading;
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  assert_non_null(strstr(reading_errors(&reading), "more than 32 nested lists and sections"));
  reading_fini(&reading);
  free(text);
}

static void the_number_of_values_is_capped(void **state) {
  (void)state;
  char *text = repeat("- a\n", STOA_CONFIG_VALUES_MAX, "");
  expect_errors(text, "a.yaml:1:1: expected a section, got a list\na.yaml:65536:3: more than 65536 values\n");
  free(text);
}

static void a_long_key_is_refused(void **state) {
  (void)state;
  char *text = repeat("k", 129, ": 1");
  expect_errors(text, "a.yaml:1:1: a key with a NUL or longer than 128 bytes\n");
  free(text);
  text = repeat("k", 129, "=1");
  struct stoa_config_source source = setting(text);
  struct reading reading;
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  assert_non_null(strstr(reading_errors(&reading), "kkk...: a key with a NUL or longer than 128 bytes\n"));
  reading_fini(&reading);
  free(text);
}

static void the_entries_of_a_map_are_capped(void **state) {
  (void)state;
  struct reading reading;
  enum { TEXT_BYTES = 64 * 1024 };
  char *text = malloc(TEXT_BYTES);
  assert_non_null(text);
  int len = snprintf(text, TEXT_BYTES, "zones:\n");
  for (int i = 0; i < 1024; i++) {
    len += snprintf(text + len, TEXT_BYTES - (size_t)len, "  %d: {}\n", i);
  }
  LOAD(&reading, yaml(text), setting("labels={a: b}"));
  assert_int_equal(reading.config.zones.count, 1024);
  reading_fini(&reading);
  const struct stoa_config_source sources[] = {yaml(text), setting("zones.1024={}")};
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, sources, 2), STOA_E_SYNTAX);
  assert_string_equal(reading_errors(&reading), "--set zones.1024={}: zones: more than 1024 entries\n");
  reading_fini(&reading);
  free(text);
}

static void a_missing_or_unreadable_file_is_reported(void **state) {
  (void)state;
  const struct stoa_config_source sources[] = {file("/nonexistent/x.yaml"), file("/proc/self/mem"),
                                               setting("workers=x")};
  struct reading reading;
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, sources, 3), STOA_E_SYNTAX);
  assert_string_equal(reading_errors(&reading),
                      "/nonexistent/x.yaml: cannot be read: No such file or directory\n"
                      "/proc/self/mem: cannot be read: Input/output error\n"
                      "--set workers=x: workers: expected a number from 0 to 4294967295, got \"x\"\n");
  reading_fini(&reading);
}

static void a_file_above_the_cap_is_refused(void **state) {
  (void)state;
  struct stoa_config_source source = file("/dev/zero");
  struct reading reading;
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  assert_string_equal(reading_errors(&reading), "/dev/zero: larger than 1048576 bytes\n");
  reading_fini(&reading);
  char *text = repeat("#", STOA_CONFIG_FILE_BYTES_MAX, "");
  LOAD(&reading, yaml(text));
  reading_fini(&reading);
  free(text);
  text = repeat("#", STOA_CONFIG_FILE_BYTES_MAX, "#");
  expect_errors(text, "a.yaml: larger than 1048576 bytes\n");
  free(text);
}

static int interruptions;

static ssize_t interrupted_read(int fd, void *data, size_t len) {
  if (interruptions-- > 0) {
    errno = EINTR;
    return -1;
  }
  return stoa_sys_real.read(fd, data, len < 3 ? len : 3);
}

static ssize_t broken_read(int fd, void *data, size_t len) {
  (void)fd, (void)data, (void)len;
  errno = EIO;
  return -1;
}

static void an_interrupted_and_short_read_goes_on(void **state) {
  (void)state;
  char path[] = "/tmp/stoa-config-XXXXXX";
  int fd = mkstemp(path);
  struct reading reading;
  assert_true(fd >= 0);
  assert_int_equal(dprintf(fd, "workers: 9\n"), 11);
  close(fd);
  interruptions = 3;
  stoa_sys.read = interrupted_read;
  LOAD(&reading, file(path));
  stoa_sys.read = broken_read;
  assert_int_equal(reading.config.workers, 9);
  reading_fini(&reading);
  struct stoa_config_source source = file(path);
  reading_init(&reading);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_SYNTAX);
  stoa_sys = stoa_sys_real;
  assert_non_null(strstr(reading_errors(&reading), ": cannot be read: Input/output error\n"));
  reading_fini(&reading);
  assert_int_equal(unlink(path), 0);
}

static void errors_that_do_not_fit_are_a_limit(void **state) {
  (void)state;
  struct stoa_config_source source = yaml("workers: x");
  struct reading reading;
  reading_init(&reading);
  stoa_buffer_init(&reading.errors, 20);
  assert_int_equal(stoa_buffer_append(&reading.errors, "before", 6), STOA_OK);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_LIMIT);
  assert_int_equal(reading.errors.len, 6);
  reading_fini(&reading);
}

static void an_arena_too_small_is_out_of_memory(void **state) {
  (void)state;
  struct stoa_config_source source = yaml("addresses: [a, b, c, d]");
  struct reading reading;
  reading_init(&reading);
  stoa_arena_destroy(reading.arena);
  reading.arena = stoa_arena_create(sizeof(struct tests_config) + 32);
  assert_int_equal(reading_load(&reading, &source, 1), STOA_E_MEMORY);
  assert_int_equal(reading.errors.len, 0);
  reading_fini(&reading);
}

static void a_table_of_another_abi_is_refused(void **state) {
  (void)state;
  struct stoa_config_source source = yaml("foreign: {workers: 1}");
  struct tests_outer outer = {0};
  struct reading reading;
  reading_init(&reading);
  const struct stoa_config_input foreign = {
      .type = &tests_foreign_type, .sources = NULL, .source_count = 0, .environment = NULL};
  const struct stoa_config_input around = {
      .type = &tests_outer_type, .sources = &source, .source_count = 1, .environment = NULL};
  assert_int_equal(stoa_config_load(&foreign, reading.arena, &reading.config, &reading.errors), STOA_E_ARGUMENT);
  assert_int_equal(stoa_config_load(&around, reading.arena, &outer, &reading.errors), STOA_E_ARGUMENT);
  assert_null(outer.foreign);
  reading_fini(&reading);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_unknown_key_is_reported_with_the_nearest_name),
      cmocka_unit_test(a_value_of_the_wrong_type_is_reported_with_what_fits),
      cmocka_unit_test(a_number_with_a_unit_names_the_units),
      cmocka_unit_test(a_time_beyond_what_deadlines_hold_is_refused),
      cmocka_unit_test(numbers_are_plain_decimal),
      cmocka_unit_test(real_numbers_are_plain_decimal),
      cmocka_unit_test(what_is_no_base64_is_refused),
      cmocka_unit_test(a_value_of_the_wrong_shape_is_reported),
      cmocka_unit_test(a_map_key_of_the_wrong_type_is_reported),
      cmocka_unit_test(a_duplicate_key_is_reported_with_the_first),
      cmocka_unit_test(two_members_of_a_oneof_are_reported),
      cmocka_unit_test(anchors_tags_and_other_special_yaml_are_refused),
      cmocka_unit_test(broken_yaml_is_reported_with_its_position),
      cmocka_unit_test(invalid_utf8_is_reported_with_its_position),
      cmocka_unit_test(a_nul_in_a_text_is_refused),
      cmocka_unit_test(errors_before_broken_yaml_are_reported_too),
      cmocka_unit_test(all_errors_of_all_sources_are_reported_in_order),
      cmocka_unit_test(only_the_first_fifty_errors_are_shown),
      cmocka_unit_test(an_error_quotes_a_setting_as_it_was_given),
      cmocka_unit_test(control_characters_and_long_values_do_not_reach_the_terminal),
      cmocka_unit_test(nesting_is_capped),
      cmocka_unit_test(the_number_of_values_is_capped),
      cmocka_unit_test(a_long_key_is_refused),
      cmocka_unit_test(the_entries_of_a_map_are_capped),
      cmocka_unit_test(a_missing_or_unreadable_file_is_reported),
      cmocka_unit_test(a_file_above_the_cap_is_refused),
      cmocka_unit_test(an_interrupted_and_short_read_goes_on),
      cmocka_unit_test(errors_that_do_not_fit_are_a_limit),
      cmocka_unit_test(an_arena_too_small_is_out_of_memory),
      cmocka_unit_test(a_table_of_another_abi_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
