/* Watching the files of a configuration, with a clock of the test: the kernel queues an event before the call that
 * causes it returns, so nothing waits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"
#include "server/app/watch.h"

#define MS UINT64_C(1000000)
/* After every change of this machine's files: nothing counts as changed before. */
#define FUTURE_US (INT64_MAX / 2)

static char folder[64];
static char file[128];
static char key[128];
static struct stoa_app_loader loader;
static struct stoa_tls_config tls;
static struct stoa_server_config config;
static struct stoa_watch watch;
static uint64_t now_ns;

static void write_file(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  assert_true(fputs(text, out) >= 0);
  assert_int_equal(fclose(out), 0);
}

static int begin(void **state) {
  (void)state;
  now_ns = 1000 * MS;
  snprintf(folder, sizeof folder, "/tmp/stoa-watch-XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(file, sizeof file, "%s/chat.yaml", folder);
  snprintf(key, sizeof key, "%s/key.pem", folder);
  write_file(file, "a");
  write_file(key, "a");
  memset(&loader, 0, sizeof loader);
  loader.arguments.sources[0] = (struct stoa_config_source){.kind = STOA_CONFIG_FILE, .text = stoa_string_of(file)};
  loader.arguments.file_count = 1;
  loader.arguments.source_count = 1;
  tls = (struct stoa_tls_config){.key = stoa_string_of(key)};
  config = (struct stoa_server_config){.tls = &tls};
  watch.fd = -1;
  return 0;
}

static int end(void **state) {
  char command[128];
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_watch_close(&watch);
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  assert_int_equal(system(command), 0);
  return 0;
}

static void open_watch(void) {
  const struct stoa_watch_start start = {FUTURE_US, now_ns};
  assert_int_equal(stoa_watch_open(&watch, &loader, &config, &start), STOA_OK);
  assert_int_equal(stoa_watch_wait_ms(&watch, now_ns), -1);
}

static bool take(void) {
  return stoa_watch_take(&watch, now_ns, &loader, &config);
}

/* Has something changed, when all is quiet? */
static bool has_changed(void) {
  stoa_watch_read(&watch, now_ns);
  now_ns += STOA_WATCH_QUIET_MS * MS;
  return take();
}

static void a_written_file_is_told_once_when_it_is_quiet(void **state) {
  (void)state;
  open_watch();
  write_file(file, "bb");
  assert_false(take());
  stoa_watch_read(&watch, now_ns);
  assert_int_equal(stoa_watch_wait_ms(&watch, now_ns), STOA_WATCH_QUIET_MS + 1);
  assert_false(take());
  now_ns += 400 * MS;
  write_file(file, "ccc");
  stoa_watch_read(&watch, now_ns);
  now_ns += 400 * MS;
  assert_false(take());
  now_ns += 100 * MS;
  assert_int_equal(stoa_watch_wait_ms(&watch, now_ns), 0);
  assert_true(take());
  assert_false(take());
  assert_int_equal(stoa_watch_wait_ms(&watch, now_ns), -1);
}

static void a_file_that_is_written_all_the_time_is_told_in_the_end(void **state) {
  (void)state;
  open_watch();
  uint64_t begun_ns = now_ns;
  do {
    write_file(file, now_ns / MS % 200 == 0 ? "x" : "yy");
    stoa_watch_read(&watch, now_ns);
    now_ns += 100 * MS;
  } while (!take());
  assert_int_equal((now_ns - begun_ns) / MS, STOA_WATCH_LATEST_MS);
}

static void other_files_of_the_folder_are_not_told(void **state) {
  char other[128];
  (void)state;
  open_watch();
  snprintf(other, sizeof other, "%s/other", folder);
  write_file(other, "x");
  assert_false(has_changed());
}

static void a_key_is_watched_too(void **state) {
  (void)state;
  open_watch();
  write_file(key, "bb");
  assert_true(has_changed());
}

static void an_editor_replaces_a_file_by_renaming_another(void **state) {
  char other[128];
  (void)state;
  open_watch();
  snprintf(other, sizeof other, "%s/chat.yaml~", folder);
  write_file(other, "a");
  assert_false(has_changed());
  assert_int_equal(rename(other, file), 0);
  assert_true(has_changed());
}

/* Kubernetes: the file is a link into ..data, which is a link to a folder and is replaced. */
static void a_replaced_link_to_a_folder_is_told(void **state) {
  char path[160];
  (void)state;
  assert_int_equal(unlink(file), 0);
  for (int i = 1; i <= 2; i++) {
    snprintf(path, sizeof path, "%s/..%d", folder, i);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/..%d/chat.yaml", folder, i);
    write_file(path, "a");
  }
  snprintf(path, sizeof path, "%s/..data", folder);
  assert_int_equal(symlink("..1", path), 0);
  assert_int_equal(symlink("..data/chat.yaml", file), 0);
  open_watch();
  char fresh[160];
  snprintf(fresh, sizeof fresh, "%s/..data_tmp", folder);
  assert_int_equal(symlink("..2", fresh), 0);
  assert_int_equal(rename(fresh, path), 0);
  assert_true(has_changed());
  /* The target itself. */
  snprintf(path, sizeof path, "%s/..2/chat.yaml", folder);
  stoa_watch_close(&watch);
  open_watch();
  write_file(path, "bb");
  assert_true(has_changed());
}

static void files_of_a_folder_of_configuration_are_told(void **state) {
  char other[128];
  (void)state;
  loader.arguments.sources[0].text = stoa_string_of(folder);
  open_watch();
  write_file(file, "bb");
  assert_true(has_changed());
  snprintf(other, sizeof other, "%s/more.yaml", folder);
  write_file(other, "x");
  assert_true(has_changed());
  assert_int_equal(unlink(other), 0);
  assert_true(has_changed());
}

static void what_has_changed_since_it_was_read_counts(void **state) {
  (void)state;
  const struct stoa_watch_start start = {0, now_ns};
  assert_int_equal(stoa_watch_open(&watch, &loader, &config, &start), STOA_OK);
  now_ns += STOA_WATCH_QUIET_MS * MS;
  assert_true(take());
}

static void a_file_that_vanishes_and_comes_back_is_told_both_times(void **state) {
  (void)state;
  open_watch();
  assert_int_equal(unlink(file), 0);
  assert_true(has_changed());
  write_file(file, "a");
  assert_true(has_changed());
}

static int no_inotify(int flags) {
  (void)flags;
  errno = EMFILE;
  return -1;
}

static void without_descriptors_or_files_nothing_is_watched(void **state) {
  (void)state;
  const struct stoa_watch_start start = {0, now_ns};
  stoa_sys.inotify_init1 = no_inotify;
  assert_int_equal(stoa_watch_open(&watch, &loader, &config, &start), STOA_E_SYSTEM);
  stoa_sys = stoa_sys_real;
  loader.arguments.file_count = 0;
  tls.key.len = 0;
  assert_int_equal(stoa_watch_open(&watch, &loader, &config, &start), STOA_E_SYSTEM);
  assert_int_equal(watch.fd, -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_written_file_is_told_once_when_it_is_quiet),
      TEST(a_file_that_is_written_all_the_time_is_told_in_the_end),
      TEST(other_files_of_the_folder_are_not_told),
      TEST(a_key_is_watched_too),
      TEST(an_editor_replaces_a_file_by_renaming_another),
      TEST(a_replaced_link_to_a_folder_is_told),
      TEST(files_of_a_folder_of_configuration_are_told),
      TEST(what_has_changed_since_it_was_read_counts),
      TEST(a_file_that_vanishes_and_comes_back_is_told_both_times),
      TEST(without_descriptors_or_files_nothing_is_watched),
  };
  return cmocka_run_group_tests_name("watching files", tests, NULL, NULL);
}
