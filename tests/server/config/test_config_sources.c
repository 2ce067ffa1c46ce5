/* tests/server/config/test_config_sources.c: directories, environment variables, and variables in scalars. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <stoa/config.stoa.h>

#include "base/array.h"
#include "base/sys.h"
#include "reading.h"
#include "server/config/environment.h"
#include "server/config/folder.h"

#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A directory of files, each {name, text}, gone at the end of the test. */
static char folder[64];
static char written[16][96];
static size_t written_count;

static const char *in_folder(const char *name) {
  static char path[96];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void write_file(const char *name, const char *text) {
  assert_true(written_count < STOA_COUNT_OF(written));
  FILE *out = fopen(in_folder(name), "w");
  assert_non_null(out);
  assert_true(fputs(text, out) >= 0);
  assert_int_equal(fclose(out), 0);
  snprintf(written[written_count++], sizeof written[0], "%s", in_folder(name));
}

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/stoa-sources-XXXXXX");
  return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  while (written_count > 0) {
    assert_int_equal(unlink(written[--written_count]), 0);
  }
  return rmdir(folder);
}

/* Like expect_errors_in(), of one file or directory and with its path in front of each line. */
static void expect_file_errors(const char *path, const char *line) {
  char lines[256];
  snprintf(lines, sizeof lines, "%s%s", path, line);
  expect_errors_in(NULL, file(path), lines);
}

static void a_directory_is_its_yaml_files_in_the_order_of_their_names(void **state) {
  (void)state;
  struct reading reading;
  write_file("20-b.yml", "path: b\nlimits: {timeout_ms: 2}\n");
  write_file("10-a.yaml", "path: a\nworkers: 1\nlimits: {queue_bytes_max: 1}\naddresses: [x, y]\n");
  write_file("30-c.yaml", "addresses: [z]\n");
  LOAD(&reading, file(folder));
  assert_text(reading.config.path, "b");
  assert_int_equal(reading.config.workers, 1);
  assert_int_equal(reading.config.limits->queue_bytes_max, 1);
  assert_int_equal(reading.config.limits->timeout_ms, 2);
  assert_int_equal(reading.config.addresses.count, 1);
  reading_fini(&reading);
}

static void hidden_files_and_those_of_another_kind_are_left_alone(void **state) {
  (void)state;
  struct reading reading;
  write_file(".hidden.yaml", "nope: 1\n");
  write_file(".yaml", "nope: 1\n");
  write_file("notes.txt", "nope: 1\n");
  write_file("a.yaml~", "nope: 1\n");
  write_file("a.yaml", "workers: 5\n");
  snprintf(folder + strlen(folder), 2, "/");
  LOAD(&reading, file(folder));
  assert_int_equal(reading.config.workers, 5);
  reading_fini(&reading);
}

static void directories_and_files_apply_in_the_order_given(void **state) {
  (void)state;
  struct reading reading;
  write_file("a.yaml", "workers: 5\npath: a\n");
  LOAD(&reading, yaml("workers: 1\npath: x\n"), file(folder), yaml("path: z\n"));
  assert_int_equal(reading.config.workers, 5);
  assert_text(reading.config.path, "z");
  reading_fini(&reading);
}

static void an_empty_directory_sets_nothing(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, file(folder));
  assert_int_equal(reading.config.workers, 0);
  reading_fini(&reading);
}

static void errors_name_the_file_in_the_directory(void **state) {
  (void)state;
  char lines[256];
  write_file("b.yaml", "nope: 1\n");
  write_file("a.yaml", "\nworkers: x\n");
  snprintf(lines, sizeof lines,
           "%s/a.yaml:2:10: workers: expected a number from 0 to 4294967295, got \"x\"\n"
           "%s/b.yaml:1:1: unknown key \"nope\"\n",
           folder, folder);
  expect_errors_in(NULL, file(folder), lines);
}

static DIR *no_directory(const char *path) {
  (void)path;
  errno = EACCES;
  return NULL;
}

static struct dirent *no_entry(DIR *directory) {
  (void)directory;
  errno = EIO;
  return NULL;
}

static struct dirent *endless_entry(DIR *directory) {
  static struct dirent entry = {.d_name = "a.yaml"};
  (void)directory;
  return &entry;
}

static void a_directory_that_cannot_be_read_is_reported(void **state) {
  (void)state;
  stoa_sys.opendir = no_directory;
  expect_file_errors(folder, ": cannot be read: Permission denied\n");
  stoa_sys.opendir = stoa_sys_real.opendir;
  stoa_sys.readdir = no_entry;
  expect_file_errors(folder, ": cannot be read: Input/output error\n");
  stoa_sys.readdir = endless_entry;
  expect_file_errors(folder, ": more than 1024 files\n");
}

static void a_variable_sets_the_key_of_its_name(void **state) {
  (void)state;
  struct reading reading;
  const struct stoa_config_source sources[] = {yaml("workers: 1\npath: a\naddresses: [x, y]\n"), variables(),
                                               setting("path=c")};
  expect_loads_in(&reading,
                  ENVIRONMENT("A_B_WORKERS=7", "A_B_PATH=b", "A_B_ADDRESSES=[z]", "A_B_LIMITS_TIMEOUT_MS=2s",
                              "A_B_LIMITS={queue_bytes_max: 1KiB, timeout_ms: 1}", "A_B_WORKERS=8"),
                  sources, 3);
  assert_int_equal(reading.config.workers, 7);
  assert_text(reading.config.path, "c");
  assert_int_equal(reading.config.addresses.count, 1);
  assert_int_equal(reading.config.limits->queue_bytes_max, 1024);
  assert_int_equal(reading.config.limits->timeout_ms, 2000);
  reading_fini(&reading);
}

static void a_bad_value_names_its_variable(void **state) {
  (void)state;
  expect_errors_in(ENVIRONMENT("A_B_WORKERS=many", "A_B_LIMITS={nope: 1}", "A_B_PATH="), variables(),
                   "A_B_PATH: path: expected a string, got nothing\n"
                   "A_B_LIMITS: unknown key \"nope\" in limits\n"
                   "A_B_WORKERS: workers: expected a number from 0 to 4294967295, got \"many\"\n");
  expect_errors_in(ENVIRONMENT("A_B_PATH=\xff"), variables(),
                   "A_B_PATH: not UTF-8, or a character that YAML does not allow\n");
}

static void an_unknown_variable_of_the_library_is_an_error(void **state) {
  (void)state;
  struct stoa_app_config config;
  struct reading reading;
  const struct stoa_config_source source = {.kind = STOA_CONFIG_ENVIRONMENT, .text = stoa_string_of("chat")};
  const char *const environment[] = {"STOA_SERVER_ADDRESSES=[':80']",
                                     "STOA_SEVER_PATH=/",
                                     "STOA_ZEBRA=1",
                                     "STOA_LOG_LEVEL=warn",
                                     "STOA_TEST_SERVER=x",
                                     "STOA_X\x01=",
                                     "HOME=/",
                                     "STOA_",
                                     "CHAT_PORT=1",
                                     NULL};
  const struct stoa_config_input input = {
      .type = &stoa_app_config_type, .sources = &source, .source_count = 1, .environment = environment};
  reading_init(&reading);
  assert_int_equal(stoa_config_load(&input, reading.arena, &config, &reading.errors), STOA_E_SYNTAX);
  assert_string_equal(reading_errors(&reading),
                      "STOA_SEVER_PATH: unknown environment variable; did you mean \"STOA_SERVER_PATH\"?\n"
                      "STOA_ZEBRA: unknown environment variable\n"
                      "STOA_X\\x01: unknown environment variable\n"
                      "STOA_: unknown environment variable\n");
  reading_fini(&reading);
}

static void a_mistyped_variable_of_the_program_is_an_error_and_others_are_not(void **state) {
  (void)state;
  struct reading reading;
  const struct stoa_config_source source = variables();
  expect_errors_in(ENVIRONMENT("A_B_WORKRES=1", "A_B_SOMETHING_ELSE_ALTOGETHER=1", "A_BC_WORKERS=1"), variables(),
                   "A_B_WORKRES: unknown environment variable; did you mean \"A_B_WORKERS\"?\n");
  expect_loads_in(&reading, ENVIRONMENT("A_B_SOMETHING_ELSE_ALTOGETHER=1", "A_BC_WORKERS=1", "A_B_"), &source, 1);
  assert_int_equal(reading.config.workers, 0);
  reading_fini(&reading);
}

static void every_key_of_a_server_has_a_variable(void **state) {
  (void)state;
  static const char *const expected[][2] = {
      {"STOA_SERVER", "server"},
      {"STOA_SERVER_PATH", "server.path"},
      {"STOA_SERVER_LIMITS_RATE_BYTES_PER_S", "server.limits.rate.bytes_per_s"},
      {"STOA_LOG_FORMAT", "log.format"},
  };
  struct stoa_config_variable *first = NULL;
  struct stoa_arena *arena = stoa_arena_create(1u << 20);
  assert_int_equal(stoa_config_variables_of(&stoa_app_config_type, stoa_string_of("chat"), arena, &first), STOA_OK);
  size_t found = 0;
  for (const struct stoa_config_variable *variable = first; variable != NULL; variable = variable->next) {
    if (found < STOA_COUNT_OF(expected) && strcmp(variable->name.data, expected[found][0]) == 0) {
      assert_text(variable->path, expected[found][1]);
      found++;
    }
  }
  assert_int_equal(found, STOA_COUNT_OF(expected));
  stoa_arena_destroy(arena);
}

static void variables_in_scalars_are_expanded_before_typing(void **state) {
  (void)state;
  struct reading reading;
  const struct stoa_config_source sources[] = {
      yaml("workers: ${COUNT}\npath: /${HOST:x}/${NONE:a:b}${NONE:}\naddresses:\n  - ${HOST}:80\n  - '$${HOST}'\n"
           "  - $5\n  - '$${a$$${b}$'\nlabels: {'${HOST}': \"${BRACES}\"}\nverbose: ${ON:true}\n"),
      setting("limits.timeout_ms=${COUNT}s"), variables()};
  expect_loads_in(&reading,
                  ENVIRONMENT("COUNT=4", "HOST=h", "HOSTS=no", "BRACES=${HOST}", "A_B_LIMITS_QUEUE_BYTES_MAX=${COUNT}"),
                  sources, 3);
  assert_int_equal(reading.config.workers, 4);
  assert_text(reading.config.path, "/h/a:b");
  assert_text(reading.config.addresses.items[0], "h:80");
  assert_text(reading.config.addresses.items[1], "${HOST}");
  assert_text(reading.config.addresses.items[2], "$5");
  assert_text(reading.config.addresses.items[3], "${a$${b}$");
  assert_text(reading.config.labels.items[0].key, "${HOST}");
  assert_text(reading.config.labels.items[0].value, "${HOST}");
  assert_true(reading.config.verbose);
  assert_int_equal(reading.config.limits->timeout_ms, 4000);
  assert_int_equal(reading.config.limits->queue_bytes_max, 4);
  reading_fini(&reading);
}

static void an_empty_default_is_an_empty_text(void **state) {
  (void)state;
  struct reading reading;
  LOAD(&reading, yaml("path: ${NONE:}\n"));
  assert_text(reading.config.path, "");
  reading_fini(&reading);
  expect_errors("workers: ${NONE:}", "a.yaml:1:10: workers: expected a number from 0 to 4294967295, got \"\"\n");
}

static void an_expression_that_cannot_be_expanded_is_reported(void **state) {
  (void)state;
  expect_errors("workers: 1\npath: /${CHAT_PATH}/${OTHER}\n",
                "a.yaml:2:7: path: the variable \"CHAT_PATH\" is not set in the environment; set it, or write "
                "${NAME:default}\n");
  expect_errors("path: a ${X\n", "a.yaml:1:7: path: a ${ without its } in \"${X\"; write $${ for a plain ${\n");
  expect_errors("path: ${}\n",
                "a.yaml:1:7: path: expected ${NAME} or ${NAME:default}, got the name \"\"; write $${ for "
                "a plain ${\n");
  expect_errors("path: ${1A:b}\n",
                "a.yaml:1:7: path: expected ${NAME} or ${NAME:default}, got the name \"1A\"; write "
                "$${ for a plain ${\n");
  expect_errors_in(ENVIRONMENT("X=\xff"), yaml("${X}"), "a.yaml:1:1: the value of the variable \"X\" is not UTF-8\n");
  expect_set_errors("path=${X}",
                    "--set path=${X}: path: the variable \"X\" is not set in the environment; set it, or "
                    "write ${NAME:default}\n");
}

static void a_text_that_grows_beyond_the_cap_is_refused(void **state) {
  (void)state;
  char *item = malloc(STOA_CONFIG_FILE_BYTES_MAX);
  assert_non_null(item);
  memset(item, 'x', STOA_CONFIG_FILE_BYTES_MAX);
  item[0] = 'X';
  item[1] = '=';
  item[STOA_CONFIG_FILE_BYTES_MAX - 1] = '\0';
  expect_errors_in(ENVIRONMENT(item), yaml("path: ${X}${X}\n"),
                   "a.yaml:1:7: path: larger than 1048576 bytes with its variables\n");
  free(item);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(a_directory_is_its_yaml_files_in_the_order_of_their_names),
      IN_FOLDER(hidden_files_and_those_of_another_kind_are_left_alone),
      IN_FOLDER(directories_and_files_apply_in_the_order_given),
      IN_FOLDER(an_empty_directory_sets_nothing),
      IN_FOLDER(errors_name_the_file_in_the_directory),
      IN_FOLDER(a_directory_that_cannot_be_read_is_reported),
      cmocka_unit_test(a_variable_sets_the_key_of_its_name),
      cmocka_unit_test(a_bad_value_names_its_variable),
      cmocka_unit_test(an_unknown_variable_of_the_library_is_an_error),
      cmocka_unit_test(a_mistyped_variable_of_the_program_is_an_error_and_others_are_not),
      cmocka_unit_test(every_key_of_a_server_has_a_variable),
      cmocka_unit_test(variables_in_scalars_are_expanded_before_typing),
      cmocka_unit_test(an_empty_default_is_an_empty_text),
      cmocka_unit_test(an_expression_that_cannot_be_expanded_is_reported),
      cmocka_unit_test(a_text_that_grows_beyond_the_cap_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
