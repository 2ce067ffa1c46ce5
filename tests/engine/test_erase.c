/* Nothing is left of what was erased: no byte of a text, in whole or as a piece of the index, in any file of the local
 * engine. The texts have characters that nothing else has, so a file that has one of them anywhere has kept a trace. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/local/local.h"
#include "kit.h"

/* Each in its own text; "\U00010348\U00010349\U0001034a" and so on. */
#define MARK_INDEXED "\xf0\x90\x8d\x88\xf0\x90\x8d\x89\xf0\x90\x8d\x8a"
#define MARK_NEWEST "\xf0\x91\x80\x88\xf0\x91\x80\x89\xf0\x91\x80\x8a"
#define MARK_EVENT "\xf0\x92\x80\x88\xf0\x92\x80\x89\xf0\x92\x80\x8a"
#define CHARACTER_LEN 4
#define HOUR_MS 3600000u

static struct kit kit;
static struct kit_answer answer;
static char folder[64];
static char path[128];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/stoa-erase-XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/rooms.db", folder);
  kit_begin(&kit);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  kit_forget(&answer);
  kit_end(&kit);
  DIR *directory = opendir(folder);
  const struct dirent *entry;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.') {
      unlinkat(dirfd(directory), entry->d_name, 0);
    }
  }
  closedir(directory);
  return rmdir(folder);
}

static void open_engine(void) {
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1];
  const struct stoa_local_engine_options options = {
      .path = path, .durability = STOA_LOCAL_NORMAL, .clock = &kit.clock, .is_stepped = true, .text = kit_text};
  assert_int_equal(stoa_local_engine_open(&options, &kit.engine, reason), STOA_OK);
  kit_attach(&kit);
}

static bool file_has(const char *name, const char *mark) {
  char at[400];
  snprintf(at, sizeof at, "%s/%s", folder, name);
  int fd = open(at, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  off_t size = lseek(fd, 0, SEEK_END);
  char *content = malloc((size_t)size + 1);
  assert_non_null(content);
  assert_true(pread(fd, content, (size_t)size, 0) == size);
  close(fd);
  bool is_found = false;
  for (size_t i = 0; i < strlen(mark); i += CHARACTER_LEN) {
    is_found = is_found || memmem(content, (size_t)size, mark + i, CHARACTER_LEN) != NULL;
  }
  free(content);
  return is_found;
}

/* Is a character of the mark in any file? */
static bool files_have(const char *mark) {
  DIR *directory = opendir(folder);
  const struct dirent *entry;
  bool is_found = false;
  while ((entry = readdir(directory)) != NULL) {
    is_found = is_found || (entry->d_name[0] != '.' && file_has(entry->d_name, mark));
  }
  closedir(directory);
  return is_found;
}

/* Three messages with marks among many others: one in the index, one not yet, and an event that targets the first. */
static void store_marked(const char *sender) {
  kit_fill(&kit, "lobby", 1, 200);
  kit_publish(&kit, "lobby", sender, "first", "tea " MARK_INDEXED " tea"); /* offset 201 */
  kit_fill(&kit, "lobby", 201, 1500);
  kit_settle(&kit);
  kit_publish(&kit, "lobby", sender, "second", "milk " MARK_NEWEST); /* 1702 */
  const struct stoa_engine_draft event = {.kind = STOA_ENGINE_EVENT,
                                          .type = 1,
                                          .target = 201,
                                          .sender = STOA_STR("carl"),
                                          .body = stoa_bytes_make(MARK_EVENT, strlen(MARK_EVENT))};
  kit_publish_draft(&kit, "lobby", &event);
  assert_true(files_have(MARK_INDEXED));
  assert_true(files_have(MARK_NEWEST));
  assert_true(files_have(MARK_EVENT));
}

static void expect_traces(bool is_left) {
  assert_true(files_have(MARK_INDEXED) == is_left);
  assert_true(files_have(MARK_NEWEST) == is_left);
  assert_true(files_have(MARK_EVENT) == is_left);
}

static uint32_t count_found(const char *text) {
  kit_forget(&answer);
  stoa_engine_search(kit.ports[0].port, stoa_string_of("lobby"),
                     &(struct stoa_engine_wanted){stoa_string_of(text), 0, 10}, kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  return answer.told.message_count;
}

static void redact(uint64_t offset) {
  kit_forget(&answer);
  stoa_engine_redact(kit.ports[0].port, stoa_string_of("lobby"), offset, kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
}

static void back_up(void) {
  char copy[100];
  snprintf(copy, sizeof copy, "%s/copy.db", folder);
  kit_forget(&answer);
  stoa_engine_backup(kit.ports[0].port, stoa_string_of(copy), kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
}

static void an_erased_user_leaves_no_byte_in_any_file(void **state) {
  (void)state;
  open_engine();
  store_marked("ben");
  kit_forget(&answer);
  stoa_engine_erase_user(kit.ports[0].port, stoa_string_of("ben"), kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  assert_int_equal(answer.told.count, 3);
  expect_traces(false);
  assert_int_equal(count_found("m77"), 10);
  assert_int_equal(count_found(MARK_INDEXED), 0);
}

static void an_erased_room_leaves_no_byte_in_any_file(void **state) {
  (void)state;
  open_engine();
  store_marked("ben");
  kit_forget(&answer);
  stoa_engine_erase_room(kit.ports[0].port, stoa_string_of("lobby"), kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  expect_traces(false);
}

static void redact_both(void) {
  redact(201);
  redact(1702);
}

static void a_redacted_text_leaves_the_files_within_an_hour(void **state) {
  (void)state;
  open_engine();
  store_marked("ben");
  redact_both();
  assert_int_equal(count_found(MARK_INDEXED), 0);
  assert_int_equal(count_found(MARK_NEWEST), 0);
  kit_advance_ms(&kit, HOUR_MS);
  kit_settle(&kit);
  expect_traces(false);
  assert_int_equal(count_found("m77"), 10);
}

static void a_redacted_text_leaves_the_files_after_a_restart_too(void **state) {
  (void)state;
  open_engine();
  store_marked("ben");
  redact_both();
  kit_close_engine(&kit);
  open_engine();
  kit_advance_ms(&kit, HOUR_MS);
  kit_settle(&kit);
  expect_traces(false);
}

static void a_backup_has_no_byte_of_what_was_redacted(void **state) {
  (void)state;
  open_engine();
  store_marked("ben");
  redact_both();
  back_up();
  assert_false(file_has("copy.db", MARK_INDEXED));
  assert_false(file_has("copy.db", MARK_NEWEST));
  assert_false(file_has("copy.db", MARK_EVENT));
  kit_close_engine(&kit);
  snprintf(path, sizeof path, "%s/copy.db", folder);
  open_engine();
  assert_int_equal(count_found("m77"), 10);
  assert_int_equal(count_found(MARK_INDEXED), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_erased_user_leaves_no_byte_in_any_file),       TEST(an_erased_room_leaves_no_byte_in_any_file),
      TEST(a_redacted_text_leaves_the_files_within_an_hour), TEST(a_redacted_text_leaves_the_files_after_a_restart_too),
      TEST(a_backup_has_no_byte_of_what_was_redacted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
