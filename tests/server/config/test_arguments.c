/* tests/server/config/test_arguments.c: command lines. */
#include <stdio.h>

#include "reading.h"
#include "server/config/arguments.h"

static int parse(struct stoa_arguments *read, char error[96], char **arguments) {
  int argc = 0;
  while (arguments[argc] != NULL) {
    argc++;
  }
  error[0] = '\0';
  return stoa_arguments_parse(argc, arguments, read, error, 96);
}

#define ARGUMENTS(...) ((char *[]){(char[]){"program"}, __VA_ARGS__, NULL})
#define WORD(text) ((char[]){text})

static void no_argument_runs_without_sources(void **state) {
  (void)state;
  struct stoa_arguments read;
  char error[96];
  assert_int_equal(parse(&read, error, (char *[]){WORD("program"), NULL}), STOA_OK);
  assert_int_equal(read.action, STOA_ARGUMENTS_RUN);
  assert_int_equal(read.source_count, 0);
  assert_int_equal(parse(&read, error, (char *[]){NULL}), STOA_OK);
}

static void files_come_before_settings_and_keep_their_order(void **state) {
  (void)state;
  struct stoa_arguments read;
  char error[96];
  char **arguments = ARGUMENTS(WORD("--set"), WORD("a=1"), WORD("-c"), WORD("x.yaml"), WORD("--config"), WORD("y.yaml"),
                               WORD("--set=b.c=[d=e]"), WORD("--config=z.yaml"), WORD("-cw.yaml"), WORD("--"));
  static const char *const texts[] = {"x.yaml", "y.yaml", "z.yaml", "w.yaml", "a=1", "b.c=[d=e]"};
  assert_int_equal(parse(&read, error, arguments), STOA_OK);
  assert_int_equal(read.source_count, 6);
  assert_int_equal(read.file_count, 4);
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(read.sources[i].kind, i < 4 ? STOA_CONFIG_FILE : STOA_CONFIG_SET);
    assert_string_equal(read.sources[i].text.data, texts[i]);
  }
}

static void a_value_may_look_like_an_option(void **state) {
  (void)state;
  struct stoa_arguments read;
  char error[96];
  assert_int_equal(parse(&read, error, ARGUMENTS(WORD("-c"), WORD("--help"))), STOA_OK);
  assert_int_equal(read.action, STOA_ARGUMENTS_RUN);
  assert_string_equal(read.sources[0].text.data, "--help");
}

static void each_action_has_its_option(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum stoa_arguments_action action;
  } cases[] = {{"--check-config", STOA_ARGUMENTS_CHECK_CONFIG},
               {"--print-config", STOA_ARGUMENTS_PRINT_CONFIG},
               {"--version", STOA_ARGUMENTS_VERSION},
               {"--help", STOA_ARGUMENTS_HELP},
               {"-h", STOA_ARGUMENTS_HELP}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct stoa_arguments read;
    char error[96];
    char argument[32];
    snprintf(argument, sizeof argument, "%s", cases[i].text);
    assert_int_equal(parse(&read, error, ARGUMENTS(argument)), STOA_OK);
    assert_int_equal(read.action, cases[i].action);
  }
}

static void files_are_watched_when_that_is_asked_for(void **state) {
  (void)state;
  struct stoa_arguments read;
  char error[96];
  assert_int_equal(parse(&read, error, ARGUMENTS(WORD("--watch"))), STOA_OK);
  assert_true(read.watch);
  assert_int_equal(read.action, STOA_ARGUMENTS_RUN);
  assert_int_equal(parse(&read, error, ARGUMENTS(WORD("--watch=yes"))), STOA_E_ARGUMENT);
}

static void help_wins_over_other_actions(void **state) {
  (void)state;
  struct stoa_arguments read;
  char error[96];
  assert_int_equal(parse(&read, error, ARGUMENTS(WORD("--help"), WORD("--check-config"), WORD("--version"))), STOA_OK);
  assert_int_equal(read.action, STOA_ARGUMENTS_HELP);
}

static void expect_refusal(char **arguments, const char *message) {
  struct stoa_arguments read = {.source_count = 99};
  char error[96];
  assert_int_equal(parse(&read, error, arguments), STOA_E_ARGUMENT);
  assert_string_equal(error, message);
  assert_int_equal(read.source_count, 99);
}

static void wrong_usage_is_named(void **state) {
  (void)state;
  expect_refusal(ARGUMENTS(WORD("--foo")), "unknown option \"--foo\"");
  expect_refusal(ARGUMENTS(WORD("--foo=1")), "unknown option \"--foo=1\"");
  expect_refusal(ARGUMENTS(WORD("--conf"), WORD("x")), "unknown option \"--conf\"");
  expect_refusal(ARGUMENTS(WORD("-x")), "unknown option \"-x\"");
  expect_refusal(ARGUMENTS(WORD("-hx")), "option \"-hx\" takes no value");
  expect_refusal(ARGUMENTS(WORD("--help=x")), "option \"--help=x\" takes no value");
  expect_refusal(ARGUMENTS(WORD("--version=")), "option \"--version=\" takes no value");
  expect_refusal(ARGUMENTS(WORD("-c")), "option \"-c\" needs a value");
  expect_refusal(ARGUMENTS(WORD("--set")), "option \"--set\" needs a value");
  expect_refusal(ARGUMENTS(WORD("x.yaml")), "unexpected argument \"x.yaml\"");
  expect_refusal(ARGUMENTS(WORD("-")), "unexpected argument \"-\"");
  expect_refusal(ARGUMENTS(WORD("")), "unexpected argument \"\"");
  expect_refusal(ARGUMENTS(WORD("--"), WORD("-c")), "unexpected argument \"-c\"");
}

static void a_long_argument_is_cut_in_the_message(void **state) {
  (void)state;
  struct stoa_arguments read;
  char error[16];
  char argument[] = "--an-option-that-nobody-has";
  char *arguments[] = {argument, argument, NULL};
  assert_int_equal(stoa_arguments_parse(2, arguments, &read, error, sizeof error), STOA_E_ARGUMENT);
  assert_string_equal(error, "unknown option ");
}

static void the_number_of_sources_is_capped(void **state) {
  (void)state;
  struct stoa_arguments read;
  char error[96];
  char argument[] = "-cx";
  char *arguments[STOA_ARGUMENTS_SOURCES_MAX + 3] = {argument};
  for (size_t i = 1; i <= STOA_ARGUMENTS_SOURCES_MAX; i++) {
    arguments[i] = argument;
  }
  assert_int_equal(parse(&read, error, arguments), STOA_OK);
  assert_int_equal(read.source_count, STOA_ARGUMENTS_SOURCES_MAX);
  arguments[STOA_ARGUMENTS_SOURCES_MAX + 1] = argument;
  assert_int_equal(parse(&read, error, arguments), STOA_E_LIMIT);
  assert_string_equal(error, "more than 256 files and settings");
}

static void the_usage_names_every_option(void **state) {
  (void)state;
  struct stoa_buffer out;
  stoa_buffer_init(&out, 4096);
  assert_int_equal(stoa_arguments_usage("chat", "Serves a chat.", &out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal(
      (const char *)out.data,
      "Usage: chat [OPTION]...\n"
      "Serves a chat.\n"
      "\n"
      "  -c, --config FILE      read a YAML file or a directory of them; may be repeated, later ones win\n"
      "      --set a.b=c        set one value, wins over files and environment; may be repeated\n"
      "      --watch            reload when the configuration's files, certificates or keys change\n"
      "      --check-config     check the settings, show all errors, and exit\n"
      "      --print-config     show every setting and its source as YAML, and exit\n"
      "      --version          show name and version, and exit\n"
      "  -h, --help             show this text, and exit\n");
  stoa_buffer_fini(&out);
}

static void a_usage_text_that_does_not_fit_is_a_limit(void **state) {
  (void)state;
  struct stoa_buffer out;
  stoa_buffer_init(&out, 100);
  assert_int_equal(stoa_arguments_usage("chat", NULL, &out), STOA_E_LIMIT);
  stoa_buffer_fini(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_argument_runs_without_sources),
      cmocka_unit_test(files_come_before_settings_and_keep_their_order),
      cmocka_unit_test(a_value_may_look_like_an_option),
      cmocka_unit_test(each_action_has_its_option),
      cmocka_unit_test(files_are_watched_when_that_is_asked_for),
      cmocka_unit_test(help_wins_over_other_actions),
      cmocka_unit_test(wrong_usage_is_named),
      cmocka_unit_test(a_long_argument_is_cut_in_the_message),
      cmocka_unit_test(the_number_of_sources_is_capped),
      cmocka_unit_test(the_usage_names_every_option),
      cmocka_unit_test(a_usage_text_that_does_not_fit_is_a_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
