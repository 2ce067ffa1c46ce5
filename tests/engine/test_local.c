/* The local engine alone: refusals at the start, full disks, locks, failed syncs, damaged files, killed processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/local/local.h"
#include "kit.h"
#include "vfs/vfs.h"

#define DAMAGE_ROUNDS 200
#define KILL_ROUNDS 12

static struct kit kit;
static struct kit_answer answer;
static char folder[64];
static char path[128];
static char reason[STOA_LOCAL_REASON_LEN_MAX + 1];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/stoa-local-XXXXXX");
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

static struct stoa_local_engine_options options_of(const char *at) {
  return (struct stoa_local_engine_options){.path = at, .clock = &kit.clock, .is_stepped = true, .text = kit_text};
}

static int try_open(struct stoa_engine **out_engine) {
  const struct stoa_local_engine_options options = options_of(path);
  return stoa_local_engine_open(&options, out_engine, reason);
}

static void open_engine(void) {
  assert_int_equal(try_open(&kit.engine), STOA_OK);
  kit_attach(&kit);
}

static void open_on_disk(void) {
  struct stoa_local_engine_options options = options_of("rooms.db");
  options.vfs = VFS_NAME;
  assert_int_equal(stoa_local_engine_open(&options, &kit.engine, reason), STOA_OK);
  kit_attach(&kit);
}

static uint32_t count_messages(const char *room) {
  const struct stoa_engine_query query = {.room = stoa_string_of(room), .is_forward = true};
  kit_forget(&answer);
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  return answer.told.message_count;
}

static sqlite3 *open_raw(void) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  return db;
}

static void run_raw(sqlite3 *db, const char *text) {
  assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

/* Refusals. */

static void a_second_engine_on_the_same_file_is_refused(void **state) {
  (void)state;
  struct stoa_engine *second = NULL;
  open_engine();
  assert_int_equal(try_open(&second), STOA_E_EXISTS);
  assert_string_equal(reason, "another process uses the database");
  kit_fill(&kit, "lobby", 1, 1);
  kit_close_engine(&kit);
  open_engine();
  assert_int_equal(count_messages("lobby"), 1);
}

static void a_database_of_another_program_is_refused_and_unchanged(void **state) {
  (void)state;
  struct stoa_engine *engine = NULL;
  sqlite3 *db = open_raw();
  run_raw(db, "CREATE TABLE notes(text)");
  sqlite3_close(db);
  assert_int_equal(try_open(&engine), STOA_E_SYNTAX);
  assert_string_equal(reason, "the file is a database of another program");
  db = open_raw();
  run_raw(db, "INSERT INTO notes VALUES('still here')");
  sqlite3_close(db);
}

static void a_file_that_is_no_database_is_refused(void **state) {
  (void)state;
  struct stoa_engine *engine = NULL;
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  for (int i = 0; i < 1000; i++) {
    fputs("this is a text\n", file);
  }
  fclose(file);
  assert_int_equal(try_open(&engine), STOA_E_SYNTAX);
  assert_string_equal(reason, "the file is not a database");
}

static void a_file_of_a_newer_version_is_refused(void **state) {
  (void)state;
  struct stoa_engine *engine = NULL;
  open_engine();
  kit_close_engine(&kit);
  sqlite3 *db = open_raw();
  run_raw(db, "PRAGMA user_version = 99");
  sqlite3_close(db);
  assert_int_equal(try_open(&engine), STOA_E_UNSUPPORTED);
  assert_string_equal(reason, "the file was written by a newer version of this program");
}

static void a_path_that_cannot_be_opened_is_refused(void **state) {
  (void)state;
  struct stoa_engine *engine = NULL;
  struct stoa_local_engine_options options = options_of("/nowhere/at/all/rooms.db");
  assert_int_equal(stoa_local_engine_open(&options, &engine, reason), STOA_E_SYSTEM);
  assert_string_equal(reason, "the lock file cannot be opened");
  options.path = "";
  assert_int_equal(stoa_local_engine_open(&options, &engine, reason), STOA_E_ARGUMENT);
  options.path = path;
  options.body_bytes_max = STOA_ENGINE_BODY_LEN_MAX + 1;
  assert_int_equal(stoa_local_engine_open(&options, &engine, reason), STOA_E_ARGUMENT);
}

static void an_open_under_another_process_s_lock_is_refused(void **state) {
  (void)state;
  struct stoa_engine *engine = NULL;
  open_engine();
  kit_close_engine(&kit);
  sqlite3 *db = open_raw();
  run_raw(db, "BEGIN IMMEDIATE");
  assert_int_equal(try_open(&engine), STOA_E_EXISTS);
  assert_string_equal(reason, "another process has the database locked");
  run_raw(db, "ROLLBACK");
  sqlite3_close(db);
  open_engine();
}

/* Writes that fail. */

static void a_lock_of_another_process_makes_sends_unavailable_and_reads_go_on(void **state) {
  (void)state;
  open_engine();
  kit_fill(&kit, "lobby", 1, 100);
  sqlite3 *db = open_raw();
  run_raw(db, "BEGIN EXCLUSIVE");
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "x", "x").status, STOA_ENGINE_UNAVAILABLE);
  assert_int_equal(kit.ports[0].state, STOA_ENGINE_DEGRADED);
  assert_int_equal(count_messages("lobby"), 100);
  run_raw(db, "ROLLBACK");
  sqlite3_close(db);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "x", "x").offset, 101);
  assert_int_equal(kit.ports[0].state, STOA_ENGINE_UP);
}

static void when_a_commit_is_not_known_all_behind_it_fail_alike(void **state) {
  (void)state;
  struct kit_answer answers[3];
  vfs_begin(1);
  open_on_disk();
  kit_fill(&kit, "lobby", 1, 3);
  memset(answers, 0, sizeof answers);
  vfs_fail(VFS_SYNC_FAILS, 1, 1);
  kit_begin_publish(&kit, "lobby", "ann", "x1", "x1", &answers[0]);
  assert_true(stoa_engine_run_one(kit.engine)); /* fails */
  assert_true(stoa_engine_run_one(kit.engine)); /* opens again */
  kit_begin_publish(&kit, "lobby", "ann", "x2", "x2", &answers[1]);
  stoa_engine_run_one(kit.engine);
  kit_await(&kit, &answers[1]);
  assert_int_equal(answers[0].told.status, STOA_ENGINE_UNKNOWN);
  assert_int_equal(answers[1].told.status, STOA_ENGINE_UNAVAILABLE);
  assert_int_equal(answers[1].told.retry_ms, STOA_ENGINE_RETRY_MS);
  /* Sent again, they come in their order: the first was stored or is stored now. */
  struct stoa_engine_answer first = kit_publish(&kit, "lobby", "ann", "x1", "x1");
  assert_true(first.status == STOA_ENGINE_OK || first.status == STOA_ENGINE_DUPLICATE);
  assert_int_equal(first.offset, 4);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "x2", "x2").offset, 5);
  assert_int_equal(kit.ports[0].state, STOA_ENGINE_UP);
  kit_close_engine(&kit);
  vfs_end();
}

static void what_a_failed_commit_had_stored_is_delivered_after_all(void **state) {
  (void)state;
  struct kit_answer published;
  vfs_begin(2);
  open_on_disk();
  kit_fill(&kit, "lobby", 1, 1);
  memset(&answer, 0, sizeof answer);
  stoa_engine_subscribe(kit.ports[0].port, stoa_string_of("lobby"), kit_done, &answer);
  kit_await(&kit, &answer);
  memset(&published, 0, sizeof published);
  vfs_fail(VFS_SYNC_FAILS, 1, 1);
  kit_begin_publish(&kit, "lobby", "ann", "x1", "x1", &published);
  kit_await(&kit, &published);
  assert_int_equal(published.told.status, STOA_ENGINE_UNKNOWN);
  assert_int_equal(kit.ports[0].seen_count, 1);
  kit_assert_body(kit.ports[0].seen[0], "x1");
  assert_int_equal(kit.ports[0].gaps, 0);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "x1", "x1").status, STOA_ENGINE_DUPLICATE);
  assert_int_equal(kit.ports[0].seen_count, 1);
  kit_close_engine(&kit);
  vfs_end();
}

static void while_the_disk_is_full_sends_fail_and_reads_go_on(void **state) {
  (void)state;
  static const enum vfs_fault faults[] = {VFS_FULL, VFS_WRITE_FAILS};
  for (int i = 0; i < 2; i++) {
    vfs_begin(3);
    open_on_disk();
    kit_fill(&kit, "lobby", 1, 100);
    vfs_fail(faults[i], 1, 1000);
    for (int tries = 0; tries < 3; tries++) {
      assert_int_equal(kit_publish(&kit, "lobby", "ann", "x", "x").status, STOA_ENGINE_UNAVAILABLE);
      assert_int_equal(count_messages("lobby"), 100);
    }
    const char *why = "";
    assert_int_equal(stoa_engine_state(kit.engine, &why), STOA_ENGINE_DEGRADED);
    assert_string_equal(why, i == 0 ? "the disk is full" : "the disk cannot be read or written");
    vfs_fail(VFS_NO_FAULT, 0, 0);
    assert_int_equal(kit_publish(&kit, "lobby", "ann", "x", "x").offset, 101);
    assert_int_equal(stoa_engine_state(kit.engine, NULL), STOA_ENGINE_UP);
    kit_close_engine(&kit);
    vfs_end();
  }
}

static void a_real_disk_that_is_full_recovers_without_a_restart(void **state) {
  (void)state;
  char filler[96];
  static char body[60000];
  if (mount("tmpfs", folder, "tmpfs", 0, "size=2m") != 0) {
    print_message("# SKIP a full disk needs a mount, which needs root: %s\n", strerror(errno));
    return;
  }
  memset(body, 'x', sizeof body - 1);
  open_engine();
  kit_fill(&kit, "lobby", 1, 10);
  snprintf(filler, sizeof filler, "%s/filler", folder);
  int fd = open(filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  while (write(fd, body, sizeof body) > 0) {
  }
  close(fd);
  uint32_t stored = 0;
  while (kit_publish(&kit, "lobby", "ann", NULL, body).status == STOA_ENGINE_OK) {
    stored++;
  }
  assert_int_equal(stoa_engine_state(kit.engine, NULL), STOA_ENGINE_DEGRADED);
  assert_int_equal(count_messages("lobby"), 10 + stored);
  unlink(filler);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "y", "y").offset, 11 + stored);
  kit_close_engine(&kit);
  umount(folder);
}

/* Backups. */

static void a_backup_is_a_whole_copy_with_new_epochs(void **state) {
  (void)state;
  char copy[100];
  open_engine();
  kit_fill(&kit, "lobby", 1, 100);
  uint64_t epoch = kit_publish(&kit, "lobby", "ann", "id-1", "x").epoch;
  snprintf(copy, sizeof copy, "%s/copy.db", folder);
  kit_forget(&answer);
  stoa_engine_backup(kit.ports[0].port, stoa_string_of(copy), kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  assert_int_equal(answer.told.count, 100);
  kit_fill(&kit, "lobby", 101, 1);
  kit_forget(&answer);
  stoa_engine_backup(kit.ports[0].port, stoa_string_of(copy), kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_INVALID);
  kit_close_engine(&kit);
  snprintf(path, sizeof path, "%s", copy);
  open_engine();
  assert_int_equal(count_messages("lobby"), 100);
  assert_int_not_equal(answer.told.epoch, epoch);
  kit_assert_body(answer.messages[99], "m100");
}

/* Texts, in and behind the index. */

static void texts_are_found_in_the_index_and_behind_it(void **state) {
  (void)state;
  vfs_begin(4);
  open_on_disk();
  kit_fill(&kit, "lobby", 1, 3000);
  kit_settle(&kit);
  uint32_t found = 0;
  uint64_t before = 0;
  do {
    kit_forget(&answer);
    stoa_engine_search(kit.ports[0].port, stoa_string_of("lobby"),
                       &(struct stoa_engine_wanted){stoa_string_of("m29"), before, 30}, kit_done, &answer);
    kit_await(&kit, &answer);
    assert_int_equal(answer.told.status, STOA_ENGINE_OK);
    found += answer.told.message_count;
    before = answer.told.continue_before;
  } while (!answer.told.is_complete);
  assert_int_equal(found, 1 + 10 + 100);
  kit_close_engine(&kit);
  vfs_end();
}

/* A room that has one message in a hundred of many that have the word. */
static void a_word_that_is_common_elsewhere_is_found_in_a_small_room(void **state) {
  (void)state;
  vfs_begin(5);
  open_on_disk();
  for (uint32_t i = 0; i < 30; i++) {
    kit_fill(&kit, "lobby", 1 + i * 100, 100);
    kit_publish(&kit, "attic", "ben", NULL, i % 10 == 3 ? "m1 in the attic" : "nothing");
  }
  kit_settle(&kit);
  kit_forget(&answer);
  stoa_engine_search(kit.ports[0].port, stoa_string_of("attic"),
                     &(struct stoa_engine_wanted){stoa_string_of("m1 "), 0, 10}, kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.message_count, 3);
  assert_true(answer.told.is_complete);
  kit_forget(&answer);
  stoa_engine_search(kit.ports[0].port, stoa_string_of("attic"),
                     &(struct stoa_engine_wanted){stoa_string_of("m12"), 0, 10}, kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.message_count, 0);
  assert_true(answer.told.is_complete);
  kit_forget(&answer);
  stoa_engine_search(kit.ports[0].port, stoa_string_of("attic"),
                     &(struct stoa_engine_wanted){stoa_string_of("hing"), 0, 10}, kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.message_count, 10);
  uint64_t before = answer.told.continue_before;
  kit_forget(&answer);
  stoa_engine_search(kit.ports[0].port, stoa_string_of("attic"),
                     &(struct stoa_engine_wanted){stoa_string_of("hing"), before, 100}, kit_done, &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.message_count, 17);
  assert_true(answer.told.is_complete);
  kit_close_engine(&kit);
  vfs_end();
}

/* A clock that runs 1 ms each time it is read: a search is cut by time, and goes on until all is found. */
static uint64_t running_ns(void *context) {
  struct stoa_clock_fake *time = context;
  time->monotonic_ns += 1000000;
  return time->monotonic_ns;
}

static void a_search_that_takes_too_long_goes_on_in_the_next(void **state) {
  (void)state;
  uint32_t found = 0;
  uint32_t pages = 0;
  uint64_t before = 0;
  vfs_begin(6);
  open_on_disk();
  kit_fill(&kit, "lobby", 1, 5000);
  kit_settle(&kit);
  kit.clock.monotonic_ns = running_ns;
  do {
    kit_forget(&answer);
    stoa_engine_search(kit.ports[0].port, stoa_string_of("lobby"),
                       &(struct stoa_engine_wanted){stoa_string_of("7"), before, 1000}, kit_done, &answer);
    kit_await(&kit, &answer);
    assert_int_equal(answer.told.status, STOA_ENGINE_OK);
    found += answer.told.message_count;
    before = answer.told.continue_before;
    pages++;
  } while (!answer.told.is_complete);
  assert_int_equal(found, 1355);
  assert_true(pages > 1);
  assert_true(pages < 100);
  kit.clock.monotonic_ns = kit.wall_clock.monotonic_ns;
  kit_close_engine(&kit);
  vfs_end();
}

/* Stepping. */

static void an_engine_tells_when_it_has_something_to_do(void **state) {
  (void)state;
  open_engine();
  kit_settle(&kit);
  uint64_t sweep_ns = stoa_engine_due_ns(kit.engine);
  assert_true(sweep_ns > kit.time.monotonic_ns);
  assert_true(sweep_ns < UINT64_MAX);
  assert_false(stoa_engine_run_one(kit.engine));
  stoa_engine_unsubscribe(kit.ports[0].port, stoa_string_of("lobby"), NULL, NULL);
  assert_int_equal(stoa_engine_due_ns(kit.engine), 0);
  kit_settle(&kit);
  const struct stoa_engine_query query = {.room = stoa_string_of("lobby")};
  stoa_engine_history(kit.ports[0].port, &query, NULL, NULL);
  assert_int_equal(stoa_engine_due_ns(kit.engine), 0);
  kit_settle(&kit);
  stoa_engine_close(kit.engine);
  assert_int_equal(stoa_engine_due_ns(kit.engine), UINT64_MAX);
  assert_false(stoa_engine_run_one(kit.engine));
}

/* Damaged files. */

static void damage(const char *file_name, uint32_t *random_state) {
  int fd = open(file_name, O_RDWR | O_CLOEXEC);
  off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
  for (int i = 0; i < 8 && size > 0; i++) {
    *random_state = *random_state * 1664525 + 1013904223;
    uint8_t byte = (uint8_t)(*random_state >> 24);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(*random_state % (uint32_t)size)), 1);
  }
  close(fd);
}

static void use_whatever_opened(void) {
  kit_attach(&kit);
  kit_publish(&kit, "lobby", "ann", "x", "x");
  const struct stoa_engine_query query = {.room = stoa_string_of("lobby"), .is_forward = true};
  kit_forget(&answer);
  kit_history(&kit, &query, &answer);
  kit_forget(&answer);
  stoa_engine_search(kit.ports[0].port, stoa_string_of("lobby"),
                     &(struct stoa_engine_wanted){stoa_string_of("m12"), 0, 30}, kit_done, &answer);
  kit_await(&kit, &answer);
  kit_close_engine(&kit);
}

static void copy_file(const char *from, const char *to) {
  static uint8_t block[1 << 20];
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ssize_t len = read(in, block, sizeof block);
  assert_true(len >= 0 && write(out, block, (size_t)len) == len);
  close(in);
  close(out);
}

static void a_damaged_file_is_refused_or_used_but_never_crashes(void **state) {
  (void)state;
  char sound[128];
  char wal[160];
  uint32_t random_state = 7;
  uint32_t refused = 0;
  snprintf(sound, sizeof sound, "%s/sound.db", folder);
  snprintf(wal, sizeof wal, "%s-wal", path);
  open_engine();
  kit_fill(&kit, "lobby", 1, 200);
  kit_close_engine(&kit);
  copy_file(path, sound);
  for (int i = 0; i < DAMAGE_ROUNDS; i++) {
    copy_file(sound, path);
    unlink(wal);
    damage(path, &random_state);
    int status = try_open(&kit.engine);
    if (status == STOA_OK) {
      use_whatever_opened();
    } else {
      assert_true(status == STOA_E_SYNTAX || status == STOA_E_UNSUPPORTED || status == STOA_E_SYSTEM);
      assert_true(reason[0] != '\0');
      refused++;
    }
  }
  print_message("# %u of %d damaged files were refused\n", refused, DAMAGE_ROUNDS);
}

/* Killed processes (F1): a child publishes and writes what was acknowledged to a pipe, until it is killed. */

static void on_acknowledged(void *context, const struct stoa_engine_answer *told) {
  const int *fd = context;
  if (told->status == STOA_ENGINE_OK && write(*fd, &told->offset, sizeof told->offset) < 0) {
    _exit(1);
  }
}

static void publish_for_ever(int fd) {
  char id[32];
  open_engine();
  for (uint32_t i = 0;; i++) {
    snprintf(id, sizeof id, "%d-%u", (int)getpid(), i);
    const struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT,
                                            .type = 1,
                                            .sender = STOA_STR("ann"),
                                            .client_msg_id = stoa_string_of(id),
                                            .body = stoa_bytes_make(id, strlen(id))};
    stoa_engine_publish(kit.ports[0].port, stoa_string_of("lobby"), &draft, on_acknowledged, &fd);
    if (i % 5 == 0) {
      kit_settle(&kit);
    }
  }
}

/* The last offset that was acknowledged before the kill, which comes after a number of them that differs each time. */
static uint64_t run_and_kill(int round) {
  int ends[2];
  uint64_t offset = 0;
  uint64_t last = 0;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    publish_for_ever(ends[1]);
  }
  close(ends[1]);
  for (int i = 0; i < 3 + round * 17 && read(ends[0], &offset, sizeof offset) == sizeof offset; i++) {
    assert_true(offset > last);
    last = offset;
  }
  kill(child, SIGKILL);
  while (read(ends[0], &offset, sizeof offset) == sizeof offset) {
    assert_true(offset > last);
    last = offset;
  }
  close(ends[0]);
  waitpid(child, NULL, 0);
  assert_true(last > 0);
  return last;
}

static void what_was_acknowledged_survives_a_killed_process(void **state) {
  (void)state;
  uint64_t top = 0;
  for (int round = 0; round < KILL_ROUNDS; round++) {
    uint64_t acknowledged = run_and_kill(round);
    open_engine();
    const struct stoa_engine_query query = {.room = stoa_string_of("lobby"), .limit = 1};
    kit_forget(&answer);
    kit_history(&kit, &query, &answer);
    assert_true(answer.told.top >= acknowledged);
    assert_true(acknowledged > top);
    top = answer.told.top;
    assert_int_equal(answer.messages[0]->place.offset, top);
    kit_forget(&answer);
    kit_close_engine(&kit);
  }
  sqlite3 *db = open_raw();
  run_raw(db, "CREATE TEMP TABLE t AS SELECT 1 / (count(*) = count(DISTINCT offset)) FROM message");
  sqlite3_close(db);
}

/* For order.py: twenty messages, and a line for each that is acknowledged. */
static int acknowledge(void) {
  make_folder(NULL);
  open_engine();
  for (uint32_t i = 0; i < 20; i++) {
    if (kit_publish(&kit, "lobby", "ann", NULL, "x").status != STOA_ENGINE_OK || write(1, "ack\n", 4) != 4) {
      return 1;
    }
  }
  return remove_folder(NULL);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "acknowledge") == 0) {
    return acknowledge();
  }
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      TEST(a_second_engine_on_the_same_file_is_refused),
      TEST(a_database_of_another_program_is_refused_and_unchanged),
      TEST(a_file_that_is_no_database_is_refused),
      TEST(a_file_of_a_newer_version_is_refused),
      TEST(a_path_that_cannot_be_opened_is_refused),
      TEST(an_open_under_another_process_s_lock_is_refused),
      TEST(a_lock_of_another_process_makes_sends_unavailable_and_reads_go_on),
      TEST(an_engine_tells_when_it_has_something_to_do),
      TEST(a_backup_is_a_whole_copy_with_new_epochs),
      TEST(a_damaged_file_is_refused_or_used_but_never_crashes),
      TEST(what_was_acknowledged_survives_a_killed_process),
      TEST(a_real_disk_that_is_full_recovers_without_a_restart),
      TEST(when_a_commit_is_not_known_all_behind_it_fail_alike),
      TEST(what_a_failed_commit_had_stored_is_delivered_after_all),
      TEST(while_the_disk_is_full_sends_fail_and_reads_go_on),
      TEST(texts_are_found_in_the_index_and_behind_it),
      TEST(a_word_that_is_common_elsewhere_is_found_in_a_small_room),
      TEST(a_search_that_takes_too_long_goes_on_in_the_next),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
