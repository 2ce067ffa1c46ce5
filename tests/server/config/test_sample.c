/* tests/server/config/test_sample.c: configs/stoa.yaml shows every key with its default. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config/config.h"
#include "server/server_private.h"

static const char *sample_path;

static char sample[64 * 1024];

static int read_sample(void **state) {
  (void)state;
  int fd = open(sample_path, O_RDONLY);
  assert_true(fd >= 0);
  ssize_t len = read(fd, sample, sizeof sample - 1);
  assert_true(len > 0 && (size_t)len < sizeof sample - 1);
  sample[len] = '\0';
  close(fd);
  return 0;
}

/* Is there a line that sets this key at this depth? */
static bool has_key(const char *name, int depth) {
  char line[300];
  snprintf(line, sizeof line, "\n%*s%s:", depth * 2, "", name);
  return strstr(sample, line) != NULL;
}

/* What an item of a list may hold is shown in comments, for by default the list is empty. */
static bool has_key_in_comment(const char *name) {
  for (const char *line = strchr(sample, '\n'); line != NULL; line = strchr(line, '\n')) {
    line++;
    const char *at = line + strspn(line, " ");
    if (*at != '#') {
      continue;
    }
    at += 1 + strspn(at + 1, " -");
    if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':') {
      return true;
    }
  }
  return false;
}

static void expect_keys(const struct stoa_message_type *type, int depth, bool in_comment) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (in_comment ? !has_key_in_comment(field->name) : !has_key(field->name, depth)) {
      fail_msg("%s of %s is not in the sample", field->name, type->full_name);
    }
    if (field->message != NULL) {
      expect_keys(field->message, depth + 1, in_comment || field->label == STOA_LABEL_REPEATED);
    }
  }
}

static void the_sample_shows_every_key(void **state) {
  (void)state;
  expect_keys(&stoa_app_config_type, 0, false);
}

/* What a server made from this configuration has in force, as YAML. */
static char *in_force(const struct stoa_server_config *config, struct stoa_buffer *out) {
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(config, &server), STOA_OK);
  struct stoa_server_config copy = server->settings->config;
  copy.tls = NULL;
  copy.auth = NULL;  /* nothing set is the same as no section */
  copy.admin = NULL; /* a program that is not run by stoa_app_run() has none */
  copy.cors = NULL;
  stoa_buffer_init(out, 64u * 1024);
  assert_int_equal(stoa_config_print(&stoa_server_config_type, &copy, out), STOA_OK);
  assert_int_equal(stoa_buffer_append(out, "", 1), STOA_OK);
  stoa_server_destroy(server);
  return (char *)out->data;
}

static void the_sample_sets_the_defaults(void **state) {
  (void)state;
  const struct stoa_config_source source = {.kind = STOA_CONFIG_FILE, .text = stoa_string_of(sample_path)};
  const struct stoa_config_input input = {
      .type = &stoa_app_config_type, .sources = &source, .source_count = 1, .environment = NULL};
  struct stoa_app_config config;
  struct stoa_buffer errors;
  struct stoa_buffer with_sample;
  struct stoa_buffer without;
  struct stoa_arena *arena = stoa_arena_create(1u << 20);
  stoa_buffer_init(&errors, 4096);
  assert_int_equal(stoa_config_load(&input, arena, &config, &errors), STOA_OK);
  assert_string_equal(in_force(config.server, &with_sample), in_force(NULL, &without));
  assert_true(stoa_string_equal(config.server->admin->address, stoa_string_of("127.0.0.1:8800")));
  assert_int_equal(config.server->admin->key.len, 0);
  assert_int_equal(config.server->cors->allowed_origins.count, 0);
  assert_int_equal(config.server->cors->max_age_s, 600);
  assert_int_equal(config.log->level, STOA_LOG_CONFIG_LEVEL_INFO);
  assert_int_equal(config.log->format, STOA_LOG_CONFIG_FORMAT_LOGFMT);
  stoa_buffer_fini(&without);
  stoa_buffer_fini(&with_sample);
  stoa_buffer_fini(&errors);
  stoa_arena_destroy(arena);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_sample_shows_every_key, read_sample),
      cmocka_unit_test(the_sample_sets_the_defaults),
  };
  if (argc != 2) {
    return 2;
  }
  sample_path = argv[1];
  return cmocka_run_group_tests(tests, NULL, NULL);
}
