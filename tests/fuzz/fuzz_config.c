/* Configuration: whatever is loaded prints to YAML that loads to the same, and whatever is refused says why in lines
 * that a terminal can show. */
#include "must.h"
#include "server/config/config.h"
/* ./dev fuzz compiles one source file a target. */
#include "../server/config/tables.c" /* NOLINT(bugprone-suspicious-include) */

/* What the second load says must never be cut. */
#define PRINTED_BYTES_MAX (64u * 1024 * 1024)

struct outcome {
  int status;
  struct stoa_arena *arena;
  struct stoa_buffer errors;
  struct tests_config config;
};

static struct outcome load(struct stoa_config_source source) {
  struct outcome outcome = {.arena = stoa_arena_create(PRINTED_BYTES_MAX)};
  must(outcome.arena != NULL);
  stoa_buffer_init(&outcome.errors, 256u * 1024);
  static const char *const environment[] = {"A=1", "B=${A}", "EMPTY=", NULL};
  const struct stoa_config_input input = {
      .type = &tests_config_type, .sources = &source, .source_count = 1, .environment = environment};
  outcome.status = stoa_config_load(&input, outcome.arena, &outcome.config, &outcome.errors);
  return outcome;
}

static void drop(struct outcome *outcome) {
  stoa_buffer_fini(&outcome->errors);
  stoa_arena_destroy(outcome->arena);
}

static struct stoa_buffer print(const struct tests_config *config) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, PRINTED_BYTES_MAX);
  must(stoa_config_print(&tests_config_type, config, &out) == STOA_OK);
  return out;
}

/* The second text may be longer than a source can be; then there is nothing to compare. */
static void comes_back(const struct tests_config *config) {
  struct stoa_buffer first = print(config);
  if (first.len <= STOA_CONFIG_FILE_BYTES_MAX) {
    struct stoa_string text = stoa_string_make((const char *)first.data, first.len);
    struct outcome again = load((struct stoa_config_source){.kind = STOA_CONFIG_TEXT, .text = text, .name = "printed"});
    must(again.status == STOA_OK);
    struct stoa_buffer second = print(&again.config);
    must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    stoa_buffer_fini(&second);
    drop(&again);
  }
  stoa_buffer_fini(&first);
}

static void is_explained(const struct stoa_buffer *errors) {
  size_t lines = 0;
  must(errors->len > 0 && errors->data[errors->len - 1] == '\n');
  for (size_t i = 0; i < errors->len; i++) {
    lines += errors->data[i] == '\n';
    must(errors->data[i] == '\n' || (errors->data[i] >= 0x20 && errors->data[i] != 0x7f));
  }
  must(lines <= STOA_CONFIG_ERRORS_MAX + 1);
}

static void try(struct stoa_config_source source) {
  struct outcome outcome = load(source);
  must(outcome.status == STOA_OK || outcome.status == STOA_E_SYNTAX);
  if (outcome.status == STOA_OK) {
    comes_back(&outcome.config);
  } else {
    is_explained(&outcome.errors);
  }
  drop(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_string text = stoa_string_make((const char *)data, len);
  try((struct stoa_config_source){.kind = STOA_CONFIG_TEXT, .text = text, .name = "input"});
  try((struct stoa_config_source){.kind = STOA_CONFIG_SET, .text = text});
  return 0;
}
