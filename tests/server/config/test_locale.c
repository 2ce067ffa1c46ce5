/* A program in a locale with decimal commas reads and writes numbers with points. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <google/protobuf/wrappers.stoa.h>
#include <stoa/codec.h>

#include "reading.h"

static const char *source_folder;
static char folder[] = "/tmp/stoa-locale-XXXXXX";

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...) {
  char command[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  /* localedef misses what the locale leaves out, and writes it all the same. NOLINTNEXTLINE(cert-env33-c) */
  assert_int_not_equal(system(command), -1);
}

static void expect_comma(void) {
  char text[8];
  snprintf(text, sizeof text, "%.1f", 1.5);
  assert_string_equal(text, "1,5");
}

static int set_up(void **state) {
  (void)state;
  assert_non_null(mkdtemp(folder));
  run("localedef -c --no-archive -f %s/charmap -i %s/locale %s/comma >%s/log 2>&1", source_folder, source_folder,
      folder, folder);
  setenv("LOCPATH", folder, 1);
  assert_non_null(setlocale(LC_NUMERIC, "comma"));
  expect_comma();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  setlocale(LC_NUMERIC, "C");
  run("rm -r %s", folder);
  return 0;
}

static void numbers_have_decimal_points_in_every_locale(void **state) {
  struct reading reading;
  struct stoa_buffer out;
  (void)state;
  stoa_buffer_init(&out, 1024);
  LOAD(&reading, yaml("ratio: 1234.5625"));
  assert_true(reading.config.ratio == 1234.5625);
  assert_int_equal(stoa_config_print(&tests_config_type, &reading.config, &out), STOA_OK);
  assert_int_equal(out.len, strlen("ratio: 1234.5625\n"));
  assert_memory_equal(out.data, "ratio: 1234.5625\n", out.len);
  stoa_buffer_fini(&out);
  reading_fini(&reading);
  expect_comma();
}

/* The second has more digits than are read without the C library. */
static void json_numbers_have_decimal_points_in_every_locale(void **state) {
  static const char *const texts[] = {"1.5", "0.30000000000000004"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct stoa_arena *arena = stoa_arena_create(1024);
    struct google_protobuf_double_value number = {0};
    struct stoa_buffer out;
    struct stoa_bytes input = stoa_bytes_make(texts[i], strlen(texts[i]));
    stoa_buffer_init(&out, 64);
    assert_int_equal(stoa_codec_json.decode(&google_protobuf_double_value_type, input, arena, &number, NULL), STOA_OK);
    assert_int_equal(stoa_codec_json.encode(&google_protobuf_double_value_type, &number, &out), STOA_OK);
    assert_true(stoa_bytes_equal(stoa_bytes_make(out.data, out.len), input));
    stoa_buffer_fini(&out);
    stoa_arena_destroy(arena);
  }
  expect_comma();
}

static void bounds_in_errors_have_decimal_points_in_every_locale(void **state) {
  static const struct stoa_field_rules rules = {.rules = STOA_RULE_MAX, .max = {.real = 0.25}};
  struct stoa_field field = google_protobuf_double_value_type.fields[0];
  struct stoa_message_type type = google_protobuf_double_value_type;
  const struct google_protobuf_double_value number = {.value = 0.75};
  struct stoa_codec_error error;
  (void)state;
  field.rules = &rules;
  type.fields = &field;
  type.has_rules = 1;
  assert_int_equal(stoa_message_check(&type, &number, &error), STOA_E_TYPE);
  assert_string_equal(error.text, "value: at most 0.25, got 0.75");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_have_decimal_points_in_every_locale),
      cmocka_unit_test(json_numbers_have_decimal_points_in_every_locale),
      cmocka_unit_test(bounds_in_errors_have_decimal_points_in_every_locale),
  };
  if (argc != 2) {
    return EXIT_FAILURE;
  }
  source_folder = argv[1];
  return cmocka_run_group_tests_name("a locale with decimal commas", tests, set_up, tear_down);
}
