/* tests/server/config/test_config_print.c: a struct as YAML, and back. */
#include <math.h>
#include <stdio.h>

#include "reading.h"

static int print(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  stoa_buffer_init(out, 64u * 1024);
  int status = stoa_config_print(type, message, out);
  if (status == STOA_OK) {
    assert_int_equal(stoa_buffer_append(out, "", 1), STOA_OK);
  }
  return status;
}

static void expect_print(const struct tests_config *config, const char *yaml_text) {
  struct stoa_buffer out;
  assert_int_equal(print(&tests_config_type, config, &out), STOA_OK);
  assert_string_equal((const char *)out.data, yaml_text);
  stoa_buffer_fini(&out);
}

/* Load, print, load that, print again: the two texts are the same and the first one is `printed`. */
static void expect_round_trip(const char *yaml_text, const char *printed) {
  struct reading first;
  struct reading second;
  LOAD(&first, yaml(yaml_text));
  expect_print(&first.config, printed);
  LOAD(&second, yaml(printed));
  expect_print(&second.config, printed);
  reading_fini(&second);
  reading_fini(&first);
}

static void nothing_set_is_an_empty_section(void **state) {
  (void)state;
  expect_round_trip("", "{}\n");
}

static void scalars_come_back_in_the_order_of_the_table(void **state) {
  (void)state;
  expect_round_trip(
      "workers: 4\nbyte_order: BYTE_ORDER_LITTLE\npath: 8080\nratio: 1e-3\nshare: 0.1\noffset: -9223372036854775808\n"
      "total: 18446744073709551615\ndelta: -1\nfixed_total: 7\nfixed_count: 8\nverbose: true\nsecret: AAEC/w==\n"
      "sfixed_delta: -2\nsfixed_offset: -3\nsint_delta: -4\nsint_offset: -5\nretries: 0\n",
      "ratio: 0.001\nshare: 0.1\noffset: -9223372036854775808\ntotal: 18446744073709551615\ndelta: -1\nfixed_total: 7\n"
      "fixed_count: 8\nverbose: true\npath: \"8080\"\nsecret: \"AAEC/w==\"\nworkers: 4\nbyte_order: little\n"
      "sfixed_delta: -2\nsfixed_offset: -3\nsint_delta: -4\nsint_offset: -5\nretries: 0\n");
}

static void a_text_that_looks_like_a_variable_is_escaped_but_a_key_is_not(void **state) {
  (void)state;
  expect_round_trip("path: '$${HOME} $5 $$${x}'\nlabels: {'${K}': '$${V}'}\n",
                    "path: \"$${HOME} $5 $$${x}\"\nlabels:\n  \"${K}\": \"$${V}\"\n");
}

static void every_key_is_printed_with_where_it_came_from(void **state) {
  (void)state;
  struct reading reading;
  struct stoa_buffer out;
  const struct stoa_config_source sources[] = {
      yaml("ratio: 0.5\nworkers: 1\nlimits:\n  timeout_ms: 7\naddresses: [a]\nlisteners:\n- address: x\n- {}\n"),
      named_yaml("two\n.yaml",
                 "\nworkers: 2\nsecret: AAAA\nlabels: {k: v}\nzones: {3: {timeout_ms: 1}}\nfile: f\n"
                 "limits: {inner: {}}\n"),
      variables(), setting("delta=-1"), setting("ratio=0")};
  expect_loads_in(&reading, (const char *const[]){"A_B_PATH=${P:/}", NULL}, sources, 5);
  stoa_buffer_init(&out, 64u * 1024);
  assert_int_equal(stoa_config_print_all(&tests_config_type, &reading.config, &reading.origins, &out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal((const char *)out.data,
                      "ratio: 0  # --set\n"
                      "share: 0  # default\n"
                      "offset: 0  # default\n"
                      "total: 0  # default\n"
                      "delta: -1  # --set\n"
                      "fixed_total: 0  # default\n"
                      "fixed_count: 0  # default\n"
                      "verbose: false  # default\n"
                      "path: \"/\"  # A_B_PATH\n"
                      "limits:\n"
                      "  queue_bytes_max: 0  # default\n"
                      "  timeout_ms: 7  # a.yaml:4\n"
                      "  bytes_total: 0  # default\n"
                      "  inner:\n"
                      "    queue_bytes_max: 0  # default\n"
                      "    timeout_ms: 0  # default\n"
                      "    bytes_total: 0  # default\n"
                      "    # inner: not set\n"
                      "secret: \"***\"  # two\\x0a.yaml:3\n"
                      "workers: 2  # two\\x0a.yaml:2\n"
                      "byte_order: big  # default\n"
                      "sfixed_delta: 0  # default\n"
                      "sfixed_offset: 0  # default\n"
                      "sint_delta: 0  # default\n"
                      "sint_offset: 0  # default\n"
                      "# retries: not set\n"
                      "addresses:  # a.yaml:5\n"
                      "  - \"a\"\n"
                      "ports: []  # default\n"
                      "listeners:  # a.yaml:6\n"
                      "  - address: \"x\"  # a.yaml:7\n"
                      "    # limits: not set\n"
                      "    names: []  # default\n"
                      "  - address: \"\"  # default\n"
                      "    # limits: not set\n"
                      "    names: []  # default\n"
                      "labels:  # two\\x0a.yaml:4\n"
                      "  \"k\": \"v\"\n"
                      "zones:  # two\\x0a.yaml:5\n"
                      "  3:\n"
                      "    queue_bytes_max: 0  # default\n"
                      "    timeout_ms: 1  # two\\x0a.yaml:5\n"
                      "    bytes_total: 0  # default\n"
                      "    # inner: not set\n"
                      "file: \"f\"  # two\\x0a.yaml:6\n"
                      "# memory: not set\n"
                      "# slots: not set\n");
  stoa_buffer_fini(&out);
  reading_fini(&reading);
}

static void zero_is_not_set_except_where_presence_is_kept(void **state) {
  (void)state;
  expect_round_trip("workers: 0\npath: ''\nverbose: false\nbyte_order: big\naddresses: []\nslots: 0\n", "slots: 0\n");
}

static void sections_and_lists_are_indented(void **state) {
  (void)state;
  expect_round_trip(
      "limits: {timeout_ms: 30 s, inner: {inner: {}}}\naddresses: [a, b]\n"
      "listeners: [{address: x, limits: {timeout_ms: 1}, names: [n]}, {}, {names: [o]}, {limits: {}}]\n",
      "limits:\n  timeout_ms: 30000\n  inner:\n    inner: {}\naddresses:\n  - \"a\"\n  - \"b\"\n"
      "listeners:\n  - address: \"x\"\n    limits:\n      timeout_ms: 1\n    names:\n      - \"n\"\n  - {}\n"
      "  - names:\n      - \"o\"\n  - limits: {}\n");
}

static void maps_keep_their_keys(void **state) {
  (void)state;
  expect_round_trip("labels: {a b: c, '': '', 'x\"y': z}\nzones: {-3: {timeout_ms: 5, inner: {bytes_total: 1}}, 4: }\n",
                    "labels:\n  \"a b\": \"c\"\n  \"\": \"\"\n  \"x\\\"y\": \"z\"\n"
                    "zones:\n  -3:\n    timeout_ms: 5\n    inner:\n      bytes_total: 1\n  4: {}\n");
}

static void a_oneof_shows_its_set_member(void **state) {
  (void)state;
  expect_round_trip("memory: {timeout_ms: 5}", "memory:\n  timeout_ms: 5\n");
  expect_round_trip("file: ''", "file: \"\"\n");
}

static void every_character_of_a_text_comes_back(void **state) {
  (void)state;
  expect_round_trip(
      "path: \"\\\"\\\\\\t\\n\\r\\e\\x7f\\x85\\xa0\\u2028\\u2029\\ufeff\\ud7ff\\ue000\\U0001f600 # : - é\"",
      "path: \"\\\"\\\\\\u0009\\u000a\\u000d\\u001b\\u007f\\u0085\xc2\xa0\\u2028\\u2029\\ufeff\xed\x9f\xbf"
      "\xee\x80\x80\xf0\x9f\x98\x80 # : - é\"\n");
}

static void the_longest_key_of_control_characters_comes_back(void **state) {
  (void)state;
  char text[1024];
  size_t len = (size_t)snprintf(text, sizeof text, "labels: {\"");
  struct reading first;
  struct reading second;
  struct stoa_buffer printed;
  for (int i = 0; i < 128; i++) {
    len += (size_t)snprintf(text + len, sizeof text - len, "\\x01");
  }
  snprintf(text + len, sizeof text - len, "\": b}");
  LOAD(&first, yaml(text));
  assert_int_equal(print(&tests_config_type, &first.config, &printed), STOA_OK);
  LOAD(&second, yaml((const char *)printed.data));
  assert_int_equal(second.config.labels.items[0].key.len, 128);
  stoa_buffer_fini(&printed);
  reading_fini(&second);
  reading_fini(&first);
}

static void real_numbers_come_back_bit_by_bit(void **state) {
  (void)state;
  static const double numbers[] = {0.1,  1.0 / 3,   1e300,    5e-324,   1.7976931348623157e308,
                                   -0.0, 123456789, INFINITY, -INFINITY};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct tests_config config = {.ratio = numbers[i], .share = 1.0f / 3};
    struct stoa_buffer printed;
    struct reading reading;
    assert_int_equal(print(&tests_config_type, &config, &printed), STOA_OK);
    LOAD(&reading, yaml((const char *)printed.data));
    assert_memory_equal(&reading.config.ratio, &config.ratio, sizeof config.ratio);
    assert_memory_equal(&reading.config.share, &config.share, sizeof config.share);
    reading_fini(&reading);
    stoa_buffer_fini(&printed);
  }
  expect_print(&(struct tests_config){.ratio = (double)NAN}, "ratio: .nan\n");
}

static void an_enum_whose_short_form_is_taken_keeps_its_full_name(void **state) {
  (void)state;
  expect_print(&(struct tests_config){.byte_order = 6}, "byte_order: BYTE_ORDER_little\n");
}

static void what_yaml_cannot_say_is_refused(void **state) {
  (void)state;
  const struct tests_config no_name = {.workers = 1, .byte_order = 99};
  const struct tests_config no_text = {.workers = 1, .path = STOA_STR("a\xff")};
  struct stoa_buffer out;
  assert_int_equal(print(&tests_config_type, &no_name, &out), STOA_E_TYPE);
  assert_int_equal(out.len, 0);
  stoa_buffer_fini(&out);
  assert_int_equal(print(&tests_config_type, &no_text, &out), STOA_E_UTF8);
  assert_int_equal(out.len, 0);
  stoa_buffer_fini(&out);
}

static void the_caps_of_printing_hold(void **state) {
  (void)state;
  struct tests_limits limits[STOA_CONFIG_DEPTH_MAX] = {0};
  limits[STOA_CONFIG_DEPTH_MAX - 1].timeout_ms = 1;
  for (size_t i = 0; i + 1 < STOA_CONFIG_DEPTH_MAX; i++) {
    limits[i].inner = &limits[i + 1];
  }
  struct stoa_buffer out;
  assert_int_equal(print(&tests_config_type, &(struct tests_config){.limits = &limits[0]}, &out), STOA_E_LIMIT);
  assert_int_equal(out.len, 0);
  stoa_buffer_fini(&out);
  assert_int_equal(print(&tests_config_type, &(struct tests_config){.limits = &limits[1]}, &out), STOA_OK);
  struct reading reading;
  LOAD(&reading, yaml((const char *)out.data));
  reading_fini(&reading);
  stoa_buffer_fini(&out);
  stoa_buffer_init(&out, 10);
  assert_int_equal(stoa_buffer_append(&out, "before", 6), STOA_OK);
  assert_int_equal(stoa_config_print(&tests_config_type, &(struct tests_config){.workers = 1}, &out), STOA_E_LIMIT);
  assert_int_equal(out.len, 6);
  stoa_buffer_fini(&out);
}

static void a_table_of_another_abi_is_not_printed(void **state) {
  (void)state;
  const struct tests_config config = {.workers = 1};
  const struct tests_outer outer = {.foreign = &config};
  struct stoa_buffer out;
  assert_int_equal(print(&tests_foreign_type, &config, &out), STOA_E_ARGUMENT);
  stoa_buffer_fini(&out);
  assert_int_equal(print(&tests_outer_type, &outer, &out), STOA_E_ARGUMENT);
  assert_int_equal(out.len, 0);
  stoa_buffer_fini(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_set_is_an_empty_section),
      cmocka_unit_test(scalars_come_back_in_the_order_of_the_table),
      cmocka_unit_test(a_text_that_looks_like_a_variable_is_escaped_but_a_key_is_not),
      cmocka_unit_test(every_key_is_printed_with_where_it_came_from),
      cmocka_unit_test(zero_is_not_set_except_where_presence_is_kept),
      cmocka_unit_test(sections_and_lists_are_indented),
      cmocka_unit_test(maps_keep_their_keys),
      cmocka_unit_test(a_oneof_shows_its_set_member),
      cmocka_unit_test(every_character_of_a_text_comes_back),
      cmocka_unit_test(the_longest_key_of_control_characters_comes_back),
      cmocka_unit_test(real_numbers_come_back_bit_by_bit),
      cmocka_unit_test(an_enum_whose_short_form_is_taken_keeps_its_full_name),
      cmocka_unit_test(what_yaml_cannot_say_is_refused),
      cmocka_unit_test(the_caps_of_printing_hold),
      cmocka_unit_test(a_table_of_another_abi_is_not_printed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
