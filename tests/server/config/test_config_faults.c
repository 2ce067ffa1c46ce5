/* tests/server/config/test_config_faults.c: every allocation of a load and of a print fails once.
 *
 * libyaml has no hook for its memory, but it calls its own allocator through the dynamic linker, so that the one
 * below takes its place and its allocations fail and are counted like all others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

#include "base/array.h"
#include "base/memory.h"
#include "reading.h"

void *yaml_malloc(size_t size);
void *yaml_realloc(void *block, size_t size);
void yaml_free(void *block);
yaml_char_t *yaml_strdup(const yaml_char_t *text);

static size_t yaml_blocks;

void *yaml_malloc(size_t size) {
  yaml_blocks++;
  return stoa_alloc(size > 0 ? size : 1);
}

void *yaml_realloc(void *block, size_t size) {
  return stoa_realloc(block, size > 0 ? size : 1);
}

void yaml_free(void *block) {
  stoa_free(block);
}

yaml_char_t *yaml_strdup(const yaml_char_t *text) {
  size_t len = text == NULL ? 0 : strlen((const char *)text) + 1;
  yaml_char_t *copy = len == 0 ? NULL : yaml_malloc(len);
  if (copy != NULL) {
    memcpy(copy, text, len);
  }
  return copy;
}

static const char good[] =
    "ratio: 0.5\npath: \"a ${LONG:long} text that\\tdoes not fit into one small block\"\nlimits: {timeout_ms: 30 s, "
    "inner: "
    "{}}\n"
    "secret: AAEC/w==\naddresses: [a, b]\nlisteners:\n  - address: x\n    names: [y, z]\nlabels: {a: b, c: d}\n"
    "zones: {1: {timeout_ms: 2}}\nfile: |\n  text\n  text\n";
static const char bad[] =
    "workers: x\nnope: 1\npath: a\npath: b\nlabels: {a: b, a: c}\nfile: &x a\nslots: *x\nports: [\n";

static const char *const environment[] = {"LONG=long", "A_B_WORKERS=3", NULL};
static char folder[] = "/tmp/stoa-config-XXXXXX";

static int load_once(const char *text) {
  const struct stoa_config_source sources[] = {file("/dev/null"), file(folder), yaml(text), variables(),
                                               setting("limits.inner.timeout_ms=3")};
  struct stoa_buffer errors;
  struct tests_config config = {0};
  struct stoa_arena *arena = stoa_arena_create(1u << 20);
  stoa_buffer_init(&errors, 1u << 16);
  const struct stoa_config_input input = {.type = &tests_config_type,
                                          .sources = sources,
                                          .source_count = STOA_COUNT_OF(sources),
                                          .environment = environment};
  int status = arena == NULL ? STOA_E_MEMORY : stoa_config_load(&input, arena, &config, &errors);
  if (status == STOA_E_MEMORY) {
    assert_int_equal(errors.len, 0);
    assert_null(config.path.data);
  }
  stoa_buffer_fini(&errors);
  stoa_arena_destroy(arena);
  return status;
}

/* Make the n-th allocation fail, for every n that the load has, alone or with all that follow. */
static uint64_t fail_each(const char *text, int expected, bool all_after) {
  for (uint64_t n = 1;; n++) {
    int64_t blocks = stoa_memory_live_blocks();
    stoa_memory_fail_at(n, all_after);
    int status = load_once(text);
    bool hit = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    assert_int_equal(status, hit ? STOA_E_MEMORY : expected);
    assert_int_equal(stoa_memory_live_blocks(), blocks);
    if (!hit) {
      return n;
    }
  }
}

static void a_load_survives_the_failure_of_each_allocation(void **state) {
  (void)state;
  assert_true(fail_each(good, STOA_OK, false) > 20);
  assert_true(fail_each(good, STOA_OK, true) > 20);
  assert_true(yaml_blocks > 0);
}

static void a_load_with_mistakes_survives_the_failure_of_each_allocation(void **state) {
  (void)state;
  assert_true(fail_each(bad, STOA_E_SYNTAX, false) > 20);
  assert_true(fail_each(bad, STOA_E_SYNTAX, true) > 20);
}

/* Blocks are larger than most of what a load takes, so the arena's cap finds the places that a failing block misses. */
static void a_load_survives_an_arena_of_any_size(void **state) {
  (void)state;
  const struct stoa_config_source source = yaml(good);
  int status = STOA_E_MEMORY;
  size_t cap = 0;
  for (; status != STOA_OK; cap += 16) {
    struct tests_config config = {0};
    struct stoa_buffer errors;
    struct stoa_arena *arena = stoa_arena_create(cap);
    stoa_buffer_init(&errors, 1u << 16);
    const struct stoa_config_input input = {
        .type = &tests_config_type, .sources = &source, .source_count = 1, .environment = environment};
    status = stoa_config_load(&input, arena, &config, &errors);
    assert_true(status == STOA_E_MEMORY || status == STOA_OK);
    assert_int_equal(errors.len, 0);
    assert_true(status == STOA_OK || config.path.data == NULL);
    stoa_arena_destroy(arena);
  }
  assert_true(cap > sizeof(struct tests_config));
}

/* Enough for several blocks, so that the tree's own memory runs out at many places too. */
static void a_long_load_survives_the_failure_of_each_allocation(void **state) {
  (void)state;
  enum { TEXT_BYTES = 16 * 1024 };
  char *text = stoa_alloc(TEXT_BYTES);
  size_t len = (size_t)snprintf(text, TEXT_BYTES, "labels:\n");
  for (int i = 0; i < 200; i++) {
    len += (size_t)snprintf(text + len, TEXT_BYTES - len, "  a_longer_key_%d: a longer value, the %d. one\n", i, i);
  }
  assert_true(fail_each(text, STOA_OK, false) > 20);
  stoa_free(text);
}

static void a_print_survives_the_failure_of_each_allocation(void **state) {
  (void)state;
  struct reading reading;
  int status = STOA_E_MEMORY;
  LOAD(&reading, yaml(good));
  for (uint64_t n = 1; status != STOA_OK; n++) {
    struct stoa_buffer out;
    stoa_buffer_init(&out, 1u << 16);
    stoa_memory_fail_at(n, false);
    status = stoa_config_print(&tests_config_type, &reading.config, &out);
    assert_int_equal(status, stoa_memory_fault_hits() > 0 ? STOA_E_MEMORY : STOA_OK);
    stoa_memory_fail_at(0, false);
    assert_true(status == STOA_OK || out.len == 0);
    stoa_buffer_fini(&out);
  }
  reading_fini(&reading);
}

static char file_in_folder[sizeof folder + sizeof "/a.yaml"];

static int make_folder(void **state) {
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(file_in_folder, sizeof file_in_folder, "%s/a.yaml", folder);
  FILE *out = fopen(file_in_folder, "w");
  assert_non_null(out);
  assert_true(fputs("verbose: true\n", out) >= 0);
  return fclose(out);
}

static int remove_folder(void **state) {
  (void)state;
  return unlink(file_in_folder) != 0 || rmdir(folder) != 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_load_survives_the_failure_of_each_allocation),
      cmocka_unit_test(a_load_with_mistakes_survives_the_failure_of_each_allocation),
      cmocka_unit_test(a_load_survives_an_arena_of_any_size),
      cmocka_unit_test(a_long_load_survives_the_failure_of_each_allocation),
      cmocka_unit_test(a_print_survives_the_failure_of_each_allocation),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
