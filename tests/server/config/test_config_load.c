/* tests/server/config/test_config_load.c: well-formed configurations as structs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reading.h"

static void without_a_source_the_message_is_empty(void **state) {
  (void)state;
  static const struct tests_config empty;
  struct reading reading;
  reading_init(&reading);
  memset(&reading.config, 1, sizeof reading.config);
  assert_int_equal(reading_load(&reading, NULL, 0), STOA_OK);
  assert_memory_equal(&reading.config, &empty, sizeof empty);
  reading_fini(&reading);
}

static void an_empty_document_sets_nothing(void **state) {
  (void)state;
  static const char *const texts[] = {"",     "\n",  "# only a comment\n",         "---\n",
                                      "{}\n", "~\n", "\xef\xbb\xbf# with a mark\n"};
  static const struct tests_config empty;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct reading reading;
    LOAD(&reading, yaml(texts[i]));
    assert_memory_equal(&reading.config, &empty, sizeof empty);
    reading_fini(&reading);
  }
}

static void every_kind_of_scalar_is_read(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("ratio: 0.25\nshare: -1.5e2\noffset: -9223372036854775808\ntotal: 18446744073709551615\n"
                      "delta: -2147483648\nfixed_total: 7\nfixed_count: 4294967295\nverbose: true\npath: /chat\n"
                      "secret: AAEC/w==\nworkers: 4\nbyte_order: little\nsfixed_delta: 2147483647\n"
                      "sfixed_offset: 9223372036854775807\nsint_delta: -1\nsint_offset: -2\n"));
  const struct tests_config *config = &reading.config;
  assert_true(config->ratio == 0.25);
  assert_true(config->share == -150.0f);
  assert_true(config->offset == INT64_MIN);
  assert_true(config->total == UINT64_MAX);
  assert_int_equal(config->delta, INT32_MIN);
  assert_int_equal(config->fixed_total, 7);
  assert_int_equal(config->fixed_count, UINT32_MAX);
  assert_true(config->verbose);
  assert_text(config->path, "/chat");
  assert_int_equal(config->secret.len, 4);
  assert_memory_equal(config->secret.data, "\x00\x01\x02\xff\x00", 5);
  assert_int_equal(config->workers, 4);
  assert_int_equal(config->byte_order, 5);
  assert_int_equal(config->sfixed_delta, INT32_MAX);
  assert_true(config->sfixed_offset == INT64_MAX);
  assert_int_equal(config->sint_delta, -1);
  assert_int_equal(config->sint_offset, -2);
  reading_fini(&reading);
}

static void infinities_and_nan_have_names(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("ratio: -.inf\nshare: .nan\n"));
  assert_true(isinf(reading.config.ratio) && reading.config.ratio < 0);
  assert_true(isnan(reading.config.share));
  reading_fini(&reading);
  LOAD(&reading, yaml("ratio: .5\nshare: .inf\n"));
  assert_true(reading.config.ratio == 0.5);
  assert_true(isinf(reading.config.share) && reading.config.share > 0);
  reading_fini(&reading);
}

static void any_scalar_is_a_string(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"path: 8080", "8080"},
                                         {"path: true", "true"},
                                         {"path: ''", ""},
                                         {"path: 'null'", "null"},
                                         {"path: 0x10", "0x10"},
                                         {"path: \"a\\tb\\u00e9\"", "a\tb\xc3\xa9"},
                                         {"path: 0.0.0.0:7700", "0.0.0.0:7700"},
                                         {"path: |\n  two\n  lines\n", "two\nlines\n"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    struct reading reading;
    LOAD(&reading, yaml(pairs[i][0]));
    assert_text(reading.config.path, pairs[i][1]);
    reading_fini(&reading);
  }
}

static void quotes_around_a_number_mean_nothing(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("workers: '4'\nverbose: \"true\"\n"));
  assert_int_equal(reading.config.workers, 4);
  assert_true(reading.config.verbose);
  reading_fini(&reading);
}

static void an_enum_goes_by_its_short_and_its_full_name(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int32_t number;
  } cases[] = {{"byte_order: big", 0},
               {"byte_order: BYTE_ORDER_LITTLE", 5},
               {"byte_order: BYTE_ORDER_little", 6},
               {"byte_order: middle", 7}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct reading reading;
    LOAD(&reading, yaml(cases[i].text));
    assert_int_equal(reading.config.byte_order, cases[i].number);
    reading_fini(&reading);
  }
}

static void sizes_and_times_take_units(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint32_t queue_bytes_max;
    uint32_t timeout_ms;
    uint64_t bytes_total;
  } cases[] = {{"limits: {queue_bytes_max: 16 KiB, timeout_ms: 30s}", 16384, 30000, 0},
               {"limits: {queue_bytes_max: 1MiB, timeout_ms: 5 min}", 1048576, 300000, 0},
               {"limits: {queue_bytes_max: 64KB, timeout_ms: 2m}", 64000, 120000, 0},
               {"limits: {queue_bytes_max: 10MB, timeout_ms: 500 ms}", 10000000, 500, 0},
               {"limits: {queue_bytes_max: 4 GB, timeout_ms: 1h}", 4000000000u, 3600000, 0},
               {"limits: {queue_bytes_max: 3GiB, timeout_ms: 2 h}", 3221225472u, 7200000, 0},
               {"limits: {bytes_total: 16 GiB, timeout_ms: 250 ms}", 0, 250, 17179869184u},
               {"limits: {queue_bytes_max: 4294967295, timeout_ms: 2147483647}", 4294967295, 2147483647, 0},
               {"limits: {queue_bytes_max: 77, timeout_ms: 99}", 77, 99, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct reading reading;
    LOAD(&reading, yaml(cases[i].text));
    assert_int_equal(reading.config.limits->queue_bytes_max, cases[i].queue_bytes_max);
    assert_int_equal(reading.config.limits->timeout_ms, cases[i].timeout_ms);
    assert_true(reading.config.limits->bytes_total == cases[i].bytes_total);
    reading_fini(&reading);
  }
}

static void sections_and_lists_nest(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("addresses:\n  - :80\n  - '[::1]:81'\nports: [1, 2, 3]\n"
                      "listeners:\n  - address: a\n    limits:\n      timeout_ms: 5\n    names: [x, y]\n  - {}\n"
                      "limits:\n  inner:\n    inner: {timeout_ms: 6}\n"));
  const struct tests_config *config = &reading.config;
  assert_int_equal(config->addresses.count, 2);
  assert_text(config->addresses.items[0], ":80");
  assert_text(config->addresses.items[1], "[::1]:81");
  assert_int_equal(config->ports.count, 3);
  assert_int_equal(config->ports.items[2], 3);
  assert_int_equal(config->listeners.count, 2);
  assert_text(config->listeners.items[0].address, "a");
  assert_int_equal(config->listeners.items[0].limits->timeout_ms, 5);
  assert_text(config->listeners.items[0].names.items[1], "y");
  assert_null(config->listeners.items[1].limits);
  assert_int_equal(config->limits->inner->inner->timeout_ms, 6);
  reading_fini(&reading);
}

static void an_empty_section_is_set_only_when_written_with_braces(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("limits:\n"));
  assert_null(reading.config.limits);
  reading_fini(&reading);
  LOAD(&reading, yaml("limits: {}\n"));
  assert_non_null(reading.config.limits);
  reading_fini(&reading);
}

static void an_optional_value_is_present_even_as_zero(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("workers: 1"));
  assert_false(reading.config.has_retries);
  reading_fini(&reading);
  LOAD(&reading, yaml("retries: 0"));
  assert_true(reading.config.has_retries);
  reading_fini(&reading);
}

static void a_map_has_keys_of_its_type(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("labels: {team: a, 'b c': d}\nzones:\n  -3: {timeout_ms: 5}\n  4:\n"));
  assert_int_equal(reading.config.labels.count, 2);
  assert_text(reading.config.labels.items[1].key, "b c");
  assert_text(reading.config.labels.items[1].value, "d");
  assert_int_equal(reading.config.zones.count, 2);
  assert_int_equal(reading.config.zones.items[0].key, -3);
  assert_int_equal(reading.config.zones.items[0].value->timeout_ms, 5);
  assert_int_equal(reading.config.zones.items[1].key, 4);
  assert_non_null(reading.config.zones.items[1].value);
  reading_fini(&reading);
}

static void a_oneof_tells_which_member_is_set(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("file: a.db"));
  assert_int_equal(reading.config.store_case, 25);
  assert_text(reading.config.store.file, "a.db");
  reading_fini(&reading);
  LOAD(&reading, yaml("memory: {timeout_ms: 5}"));
  assert_int_equal(reading.config.store_case, 26);
  assert_int_equal(reading.config.store.memory->timeout_ms, 5);
  reading_fini(&reading);
}

static void an_empty_section_does_not_conflict_in_a_oneof(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("memory:\nfile: a.db"));
  assert_int_equal(reading.config.store_case, 25);
  reading_fini(&reading);
}

static void a_later_source_replaces_scalars_and_lists(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("workers: 1\npath: /a\naddresses: [a, b]\nretries: 3"), yaml("workers: 2\naddresses: [c]"),
       setting("retries=0"));
  assert_int_equal(reading.config.workers, 2);
  assert_text(reading.config.path, "/a");
  assert_int_equal(reading.config.addresses.count, 1);
  assert_text(reading.config.addresses.items[0], "c");
  assert_true(reading.config.has_retries);
  assert_int_equal(reading.config.retries, 0);
  reading_fini(&reading);
}

static void a_later_source_can_empty_a_list(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("addresses: [a, b]"), setting("addresses=[]"));
  assert_int_equal(reading.config.addresses.count, 0);
  reading_fini(&reading);
}

static void a_later_source_merges_into_sections_and_maps(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading,
       yaml("limits: {queue_bytes_max: 1, timeout_ms: 2}\nlabels: {a: one, b: two}\nzones: {1: {timeout_ms: 5}}"),
       yaml("limits: {timeout_ms: 3}\nlabels: {b: three, c: four}\nzones: {1: {bytes_total: 6}}"),
       yaml("limits:\nlabels:\nzones:\n"));
  assert_int_equal(reading.config.limits->queue_bytes_max, 1);
  assert_int_equal(reading.config.limits->timeout_ms, 3);
  assert_int_equal(reading.config.labels.count, 3);
  assert_text(reading.config.labels.items[0].value, "one");
  assert_text(reading.config.labels.items[1].value, "three");
  assert_text(reading.config.labels.items[2].key, "c");
  assert_int_equal(reading.config.zones.count, 1);
  assert_int_equal(reading.config.zones.items[0].value->timeout_ms, 5);
  assert_int_equal(reading.config.zones.items[0].value->bytes_total, 6);
  reading_fini(&reading);
}

static void a_later_source_replaces_the_member_of_a_oneof(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("file: a.db"), yaml("memory: {timeout_ms: 5}"));
  assert_int_equal(reading.config.store_case, 26);
  assert_int_equal(reading.config.store.memory->timeout_ms, 5);
  reading_fini(&reading);
  LOAD(&reading, yaml("memory: {timeout_ms: 5}"), yaml("memory: {queue_bytes_max: 6}"));
  assert_int_equal(reading.config.store.memory->timeout_ms, 5);
  assert_int_equal(reading.config.store.memory->queue_bytes_max, 6);
  reading_fini(&reading);
}

static void a_setting_reaches_into_sections(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, setting("limits.inner.timeout_ms=5"), setting("path=a=b"), setting("ports=[1, 2]"),
       setting("labels={x.y: z}"), setting("listeners=[{address: q}]"), setting("memory="));
  assert_int_equal(reading.config.limits->inner->timeout_ms, 5);
  assert_text(reading.config.path, "a=b");
  assert_int_equal(reading.config.ports.count, 2);
  assert_text(reading.config.labels.items[0].key, "x.y");
  assert_text(reading.config.listeners.items[0].address, "q");
  assert_int_equal(reading.config.store_case, 0);
  reading_fini(&reading);
}

static void a_file_is_read_from_disk(void **state) {
  (void)state;
  char path[] = "/tmp/stoa-config-XXXXXX";
  int fd = mkstemp(path);
  struct reading reading;
  assert_true(fd >= 0);
  assert_int_equal(dprintf(fd, "workers: 9\n"), 11);
  close(fd);
  LOAD(&reading, file(path));
  assert_int_equal(reading.config.workers, 9);
  reading_fini(&reading);
  assert_int_equal(unlink(path), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_source_the_message_is_empty),
      cmocka_unit_test(an_empty_document_sets_nothing),
      cmocka_unit_test(every_kind_of_scalar_is_read),
      cmocka_unit_test(infinities_and_nan_have_names),
      cmocka_unit_test(any_scalar_is_a_string),
      cmocka_unit_test(quotes_around_a_number_mean_nothing),
      cmocka_unit_test(an_enum_goes_by_its_short_and_its_full_name),
      cmocka_unit_test(sizes_and_times_take_units),
      cmocka_unit_test(sections_and_lists_nest),
      cmocka_unit_test(an_empty_section_is_set_only_when_written_with_braces),
      cmocka_unit_test(an_optional_value_is_present_even_as_zero),
      cmocka_unit_test(a_map_has_keys_of_its_type),
      cmocka_unit_test(a_oneof_tells_which_member_is_set),
      cmocka_unit_test(an_empty_section_does_not_conflict_in_a_oneof),
      cmocka_unit_test(a_later_source_replaces_scalars_and_lists),
      cmocka_unit_test(a_later_source_can_empty_a_list),
      cmocka_unit_test(a_later_source_merges_into_sections_and_maps),
      cmocka_unit_test(a_later_source_replaces_the_member_of_a_oneof),
      cmocka_unit_test(a_setting_reaches_into_sections),
      cmocka_unit_test(a_file_is_read_from_disk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
