/* What is served of a folder, to whom and how, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "site.h"

#define MODIFIED_S 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */

static void expect_status(const char *answer, int status) {
  char expected[32];
  snprintf(expected, sizeof expected, "HTTP/1.1 %d ", status);
  if (strncmp(answer, expected, strlen(expected)) != 0) {
    fail_msg("not %d: %.200s", status, answer);
  }
}

static const char *content_of(const char *answer) {
  const char *end = strstr(answer, "\r\n\r\n");
  assert_non_null(end);
  return end + 4;
}

static void expect_content(const char *answer, const char *content) {
  expect_status(answer, 200);
  assert_string_equal(content_of(answer), content);
}

static bool has_line(const char *answer, const char *line) {
  char whole[300];
  snprintf(whole, sizeof whole, "\r\n%s\r\n", line);
  const char *end = strstr(answer, "\r\n\r\n");
  const char *found = strstr(answer, whole);
  return found != NULL && found <= end;
}

/* The value of a field, up to the end of its line. */
static const char *field_of(const char *answer, const char *name) {
  static char value[200];
  char start[100];
  snprintf(start, sizeof start, "\r\n%s: ", name);
  const char *found = strstr(answer, start);
  if (found == NULL) {
    return "";
  }
  snprintf(value, sizeof value, "%.*s", (int)strcspn(found + strlen(start), "\r"), found + strlen(start));
  return value;
}

/* Names. */

static void test_names_with_escapes_and_in_any_script_are_found(void **state) {
  (void)state;
  site_write("root/a b.txt", "blank");
  site_write("root/50%.txt", "percent");
  site_write("root/\xe5\xa4\xa7\xe5\xae\xb6.txt", "everybody");
  site_write("root/%41.txt", "not A");
  expect_content(site_get("/a%20b.txt", NULL), "blank");
  expect_content(site_get("/50%25.txt", NULL), "percent");
  expect_content(site_get("/%E5%A4%A7%e5%ae%b6.txt", NULL), "everybody");
  expect_content(site_get("/%2541.txt", NULL), "not A"); /* decoded once */
  expect_status(site_get("/50%.txt", NULL), 400);
  expect_status(site_get("/%ff.txt", NULL), 400);
}

static void test_what_lies_below_well_known_is_served_and_other_dot_files_are_not(void **state) {
  (void)state;
  site_make_folder("root/.well-known");
  site_make_folder("root/.well-known/acme");
  site_make_folder("root/sub");
  site_make_folder("root/sub/.well-known");
  site_make_folder("root/.git");
  site_write("root/.well-known/security.txt", "contact");
  site_write("root/.well-known/acme/token", "token");
  site_write("root/.well-known/.hidden", "hidden");
  site_write("root/sub/.well-known/x", "hidden");
  site_write("root/.git/config", "hidden");
  site_write("root/.hidden", "hidden");
  expect_content(site_get("/.well-known/security.txt", NULL), "contact");
  expect_content(site_get("/.well-known/acme/token", NULL), "token");
  expect_content(site_get("/%2ewell-known/acme/token", NULL), "token");
  static const char *const hidden[] = {
      "/.well-known/.hidden", "/sub/.well-known/x", "/.git/config", "/.hidden", "/%2ehidden", "/.git/", "/.well-known"};
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
    expect_status(site_get(hidden[i], NULL), 404);
  }
}

static void test_a_folder_without_its_slash_is_redirected_to_relative_to_itself(void **state) {
  (void)state;
  site_make_folder("root/docs");
  site_make_folder("root/docs/\xc3\xa4 b");
  site_write("root/docs/index.html", "page");
  site_write("root/docs/\xc3\xa4 b/index.html", "inner");
  expect_content(site_get("/docs/", NULL), "page");
  const char *answer = site_get("/docs", NULL);
  expect_status(answer, 301);
  /* Behind a proxy that cuts a prefix off, "/docs/" would be somewhere else. */
  assert_string_equal(field_of(answer, "Location"), "./docs/");
  answer = site_get("/docs/%c3%a4%20b", NULL);
  expect_status(answer, 301);
  assert_string_equal(field_of(answer, "Location"), "./%c3%a4%20b/");
  answer = site_get("/docs?x=1", NULL);
  expect_status(answer, 301);
  assert_string_equal(field_of(answer, "Location"), "./docs/?x=1");
  assert_string_equal(field_of(answer, "Date"), "Fri, 15 Jan 2027 08:00:00 GMT");
}

/* Links. */

static void lay_out_links(void) {
  site_write("secret.txt", "secret");
  site_make_folder("outside");
  site_write("outside/secret.txt", "secret");
  site_make_folder("root-beside"); /* begins as the root's path does */
  site_write("root-beside/secret.txt", "secret");
  site_write("root/index.html", "page");
  site_make_folder("root/sub");
  site_link("../index.html", "root/sub/page.html");
  site_link("sub", "root/same");
  site_link("../secret.txt", "root/out.txt");
  site_link("../../secret.txt", "root/sub/out.txt");
  site_link(site_path("secret.txt"), "root/absolute.txt");
  site_link("../outside", "root/away");
  site_link("../root-beside/secret.txt", "root/beside.txt");
  site_link("/proc/self/environ", "root/environ");
  site_link("/dev/zero", "root/zero");
  site_link("loop", "root/loop");
  assert_int_equal(mkfifo(site_path("root/fifo"), 0644), 0);
}

static void check_links(void) {
  expect_content(site_get("/sub/page.html", NULL), "page");
  expect_content(site_get("/same/page.html", NULL), "page");
  static const char *const outside[] = {
      "/out.txt", "/sub/out.txt", "/absolute.txt", "/away/secret.txt", "/beside.txt",          "/environ",
      "/zero",    "/loop",        "/fifo",         "/../secret.txt",   "/sub/../../secret.txt"};
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
    const char *answer = site_get(outside[i], NULL);
    assert_true(strncmp(answer, "HTTP/1.1 404", 12) == 0 || strncmp(answer, "HTTP/1.1 400", 12) == 0);
    assert_null(strstr(answer, "secret"));
  }
}

static void test_links_inside_are_followed_and_none_leads_out(void **state) {
  (void)state;
  lay_out_links();
  check_links();
}

/* As Kubernetes mounts one: the files are links to a link to a folder that is swapped. */
static void test_a_config_map_is_served_and_changes_with_its_link(void **state) {
  (void)state;
  site_make_folder("root/..2026_11_27");
  site_make_folder("root/..2026_11_28");
  site_write("root/..2026_11_27/app.js", "old");
  site_write("root/..2026_11_28/app.js", "new");
  site_link("..2026_11_27", "root/..data");
  site_link("..data/app.js", "root/app.js");
  expect_content(site_get("/app.js", NULL), "old");
  site_link("..2026_11_28", "root/..data_tmp");
  assert_int_equal(rename(site_path("root/..data_tmp"), site_path("root/..data")), 0);
  expect_content(site_get("/app.js", NULL), "new");
  expect_status(site_get("/..data/app.js", NULL), 404);
}

/* openat2 refused. */

static int refusal;

static int refused_openat2(int folder_fd, const char *path, struct open_how *how, size_t how_len) {
  (void)folder_fd;
  (void)path;
  (void)how;
  (void)how_len;
  errno = refusal;
  return -1;
}

static ssize_t no_proc(const char *path, char *out_target, size_t size) {
  (void)path;
  (void)out_target;
  (void)size;
  errno = ENOENT;
  return -1;
}

static void reopen(int status) {
  stoa_files_fini(&site.files);
  memset(&site.files, 0, sizeof site.files);
  site.files.root_fd = -1;
  assert_int_equal(stoa_files_init(&site.files, site_path("root")), status);
}

static void test_where_openat2_is_refused_files_are_checked_through_proc(void **state) {
  static const int refusals[] = {EPERM, ENOSYS, EACCES};
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    lay_out_links();
    refusal = refusals[i];
    stoa_sys.openat2 = refused_openat2;
    reopen(STOA_OK);
    assert_true(site.files.by_proc);
    check_links();
    expect_content(site_get("/", NULL), "page");
    site_end(state);
    site_begin(state);
  }
}

static void test_where_proc_is_missing_too_the_start_is_refused(void **state) {
  (void)state;
  refusal = EPERM;
  stoa_sys.openat2 = refused_openat2;
  stoa_sys.readlink = no_proc;
  reopen(STOA_E_SYSTEM);
}

static void test_when_proc_goes_later_nothing_is_served(void **state) {
  (void)state;
  site_write("root/index.html", "page");
  refusal = ENOSYS;
  stoa_sys.openat2 = refused_openat2;
  reopen(STOA_OK);
  stoa_sys.readlink = no_proc;
  expect_status(site_get("/", NULL), 404);
}

static void test_a_root_that_is_a_link_is_opened_where_it_leads(void **state) {
  (void)state;
  site_write("root/index.html", "page");
  site_link("root", "www");
  refusal = EPERM;
  for (unsigned i = 0; i < 2; i++) {
    stoa_files_fini(&site.files);
    memset(&site.files, 0, sizeof site.files);
    assert_int_equal(stoa_files_init(&site.files, site_path("www")), STOA_OK);
    expect_content(site_get("/", NULL), "page");
    stoa_sys.openat2 = refused_openat2;
  }
}

static void test_a_folder_that_is_none_refuses_the_start(void **state) {
  (void)state;
  site_write("file", "x");
  static const char *const none[] = {"missing", "file"};
  for (size_t i = 0; i < 2; i++) {
    stoa_files_fini(&site.files);
    memset(&site.files, 0, sizeof site.files);
    assert_int_equal(stoa_files_init(&site.files, site_path(none[i])), STOA_E_SYSTEM);
  }
}

static void test_without_descriptors_a_file_is_temporarily_unavailable(void **state) {
  static const int refusals[] = {EMFILE, ENFILE, ENOMEM};
  site_write("root/index.html", "page");
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    refusal = refusals[i];
    stoa_sys.openat2 = refused_openat2;
    expect_status(site_get("/", NULL), 503);
    stoa_sys.openat2 = stoa_sys_real.openat2;
    expect_content(site_get("/", NULL), "page");
  }
  (void)state;
}

/* At the start they may be short as well: the call is not refused for good by that. */
static void test_without_descriptors_at_the_start_it_is_refused(void **state) {
  (void)state;
  refusal = EMFILE;
  stoa_sys.openat2 = refused_openat2;
  reopen(STOA_E_SYSTEM);
  assert_false(site.files.by_proc);
}

static unsigned tries_left;

static int racing_openat2(int folder_fd, const char *path, struct open_how *how, size_t how_len) {
  if (tries_left > 0) {
    tries_left--;
    errno = EAGAIN;
    return -1;
  }
  return stoa_sys_real.openat2(folder_fd, path, how, how_len);
}

/* RESOLVE_BENEATH cannot follow ".." while anything is renamed. */
static void test_a_rename_elsewhere_does_not_make_a_file_missing(void **state) {
  (void)state;
  site_write("root/index.html", "page");
  stoa_sys.openat2 = racing_openat2;
  tries_left = 3;
  expect_content(site_get("/", NULL), "page");
  tries_left = 100;
  expect_status(site_get("/", NULL), 503);
}

static void test_what_the_system_refuses_is_not_answered_with_404(void **state) {
  (void)state;
  static const int refusals[] = {EPERM, ENOSYS, EIO};
  site_write("root/index.html", "page");
  stoa_sys.openat2 = refused_openat2;
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    refusal = refusals[i];
    expect_status(site_get("/", NULL), 500);
  }
}

/* Versions. */

static void test_a_client_that_has_the_version_gets_304(void **state) {
  (void)state;
  char tag[100];
  char fields[400];
  site_write("root/index.html", "page");
  site_set_time("root/index.html", MODIFIED_S);
  const char *answer = site_get("/", NULL);
  expect_content(answer, "page");
  assert_true(has_line(answer, "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT"));
  assert_true(has_line(answer, "Date: Fri, 15 Jan 2027 08:00:00 GMT"));
  snprintf(tag, sizeof tag, "%s", field_of(answer, "ETag"));
  /* Before and after the tag. */
  static const char *const known[][2] = {{"If-None-Match: ", "\r\n"},
                                         {"If-None-Match: W/", "\r\n"},
                                         {"If-None-Match: \"other\", W/\"more\", ", "\r\n"},
                                         {"If-None-Match: \"other\"\r\nIf-None-Match: ", "\r\n"},
                                         {"If-None-Match: *\r\nX: ", "\r\n"},
                                         {"If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\nX: ", "\r\n"},
                                         {"If-Modified-Since: Wed, 15 Nov 2023 00:00:00 GMT\r\nX: ", "\r\n"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    snprintf(fields, sizeof fields, "%s%s%s", known[i][0], tag, known[i][1]);
    answer = site_get("/", fields);
    expect_status(answer, 304);
    assert_string_equal(content_of(answer), "");
    assert_string_equal(field_of(answer, "ETag"), tag);
    assert_true(has_line(answer, "Date: Fri, 15 Jan 2027 08:00:00 GMT"));
    assert_string_equal(field_of(answer, "Content-Length"), ""); /* RFC 9110 8.6 */
  }
  static const char *const other[] = {
      "If-None-Match: \"other\"\r\n",
      "If-None-Match: \"other\"\r\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
      "If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT\r\n", "If-Modified-Since: yesterday\r\n"};
  for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
    expect_content(site_get("/", other[i]), "page");
  }
  site_write("root/index.html", "gape"); /* as long as before */
  snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", tag);
  expect_content(site_get("/", fields), "gape");
}

static void test_a_name_with_a_hash_of_the_content_is_kept_for_ever(void **state) {
  (void)state;
  static const char for_ever[] = "public, max-age=31536000, immutable";
  static const struct {
    const char *name;
    const char *control;
  } files[] = {
      {"chat-0123456789abcdef.js", for_ever},    {"a-b-0123456789abcdef0123456789abcdef.css", for_ever},
      {"chat-0123456789abcde.js", "no-cache"},   {"chat-0123456789ABCDEF.js", "no-cache"},
      {"chat-0123456789abcdefg.js", "no-cache"}, {"chat-0123456789abcdef", "no-cache"},
      {"chat0123456789abcdef.js", "no-cache"},   {"index.html", "no-cache"},
  };
  char path[100];
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    snprintf(path, sizeof path, "root/%s", files[i].name);
    site_write(path, "content");
    const char *answer = site_get(path + sizeof "root" - 1, NULL);
    expect_content(answer, "content");
    assert_string_equal(field_of(answer, "Cache-Control"), files[i].control);
  }
  site_make_folder("root/old-0123456789abcdef.d");
  site_write("root/old-0123456789abcdef.d/page.html", "content");
  const char *answer = site_get("/old-0123456789abcdef.d/page.html", NULL);
  assert_string_equal(field_of(answer, "Cache-Control"), "no-cache");
}

/* Compressed files. */

static void test_a_gzipped_file_beside_it_goes_to_clients_that_take_it(void **state) {
  (void)state;
  char fields[200];
  char tag[100];
  site_write("root/app.js", "plain");
  site_write("root/app.js.gz", "gzip!");
  site_set_time("root/app.js", MODIFIED_S);
  site_set_time("root/app.js.gz", MODIFIED_S);
  static const char *const takes[] = {"gzip", "br, gzip", "gzip;q=0.1", "*", "x-gzip"};
  for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
    snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n", takes[i]);
    const char *answer = site_get("/app.js", fields);
    expect_content(answer, "gzip!");
    assert_true(has_line(answer, "Content-Encoding: gzip"));
    assert_true(has_line(answer, "Vary: Accept-Encoding"));
    assert_string_equal(field_of(answer, "Content-Type"), "text/javascript; charset=utf-8");
    snprintf(tag, sizeof tag, "%s", field_of(answer, "ETag"));
  }
  static const char *const refuses[] = {"", "Accept-Encoding: br\r\n", "Accept-Encoding: gzip;q=0\r\n"};
  for (size_t i = 0; i < sizeof refuses / sizeof refuses[0]; i++) {
    const char *answer = site_get("/app.js", refuses[i]);
    expect_content(answer, "plain");
    assert_string_equal(field_of(answer, "Content-Encoding"), "");
    assert_true(has_line(answer, "Vary: Accept-Encoding")); /* for what stands between: it is one of two */
    assert_string_not_equal(field_of(answer, "ETag"), tag);
  }
  snprintf(fields, sizeof fields, "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", tag);
  const char *answer = site_get("/app.js", fields);
  expect_status(answer, 304);
  assert_true(has_line(answer, "Vary: Accept-Encoding"));
  snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", tag); /* it does not take gzip any more */
  expect_content(site_get("/app.js", fields), "plain");
}

static void test_a_gzipped_file_that_is_older_or_none_is_not_taken(void **state) {
  (void)state;
  static const char gzip[] = "Accept-Encoding: gzip\r\n";
  site_write("root/app.js", "plain");
  site_write("root/app.js.gz", "old");
  site_set_time("root/app.js", MODIFIED_S);
  site_set_time("root/app.js.gz", MODIFIED_S - 1);
  expect_content(site_get("/app.js", gzip), "plain");
  assert_int_equal(unlink(site_path("root/app.js.gz")), 0);
  site_make_folder("root/app.js.gz");
  expect_content(site_get("/app.js", gzip), "plain");
  site_write("secret.txt", "secret");
  site_write("root/b.css", "plain");
  site_set_time("root/b.css", MODIFIED_S);
  site_link("../secret.txt", "root/b.css.gz");
  expect_content(site_get("/b.css", gzip), "plain");
  site_write("root/photo.png", "plain");
  site_set_time("root/photo.png", MODIFIED_S);
  site_write("root/photo.png.gz", "gzip!");
  const char *answer = site_get("/photo.png", gzip);
  expect_content(answer, "plain");
  assert_string_equal(field_of(answer, "Vary"), "");
}

/* HTTP/1.0 and HEAD. */

static void test_http_1_0_is_answered_and_closed_unless_it_asks_to_stay(void **state) {
  (void)state;
  char got[4096];
  site_write("root/index.html", "page");
  const char *answer = site_ask("GET / HTTP/1.0\r\n\r\n");
  expect_content(answer, "page");
  assert_true(has_line(answer, "Connection: close"));
  assert_string_equal(field_of(answer, "Transfer-Encoding"), "");
  expect_content(site_ask("GET / HTTP/1.0\r\nHost: x\r\n\r\n"), "page");
  struct site_client *client = site_connect(0);
  for (unsigned i = 0; i < 3; i++) {
    site_send(client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    site_receive(client, got, sizeof got);
    expect_content(got, "page");
    assert_true(has_line(got, "Connection: keep-alive"));
    assert_false(site_is_ended(client));
  }
  site_send(client, "GET / HTTP/1.0\r\n\r\n");
  site_receive(client, got, sizeof got);
  expect_content(got, "page");
  assert_true(site_is_ended(client));
  expect_status(site_ask("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

static void test_head_is_the_head_of_get(void **state) {
  (void)state;
  char got[4096];
  site_write("root/index.html", "page");
  site_write_large("root/large.bin", 200000);
  struct site_client *client = site_connect(0);
  site_send(client, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nHEAD /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
  site_receive(client, got, sizeof got);
  expect_status(got, 200);
  assert_string_equal(field_of(got, "Content-Length"), "4");
  const char *second = content_of(got);
  expect_status(second, 200);
  assert_string_equal(field_of(second, "Content-Length"), "200000");
  assert_string_equal(content_of(second), "");
}

static void test_empty_files_have_no_content(void **state) {
  (void)state;
  char got[4096];
  site_write("root/empty.txt", "");
  struct site_client *client = site_connect(0);
  for (unsigned i = 0; i < 2; i++) {
    site_send(client, "GET /empty.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    site_receive(client, got, sizeof got);
    expect_content(got, "");
    assert_string_equal(field_of(got, "Content-Length"), "0");
  }
}

/* Faults. */

static int failing_fstat(int fd, struct stat *out_info) {
  (void)fd;
  (void)out_info;
  errno = EIO;
  return -1;
}

static ssize_t failing_read(int fd, void *data, size_t len) {
  (void)fd;
  (void)data;
  (void)len;
  errno = EIO;
  return -1;
}

static void test_a_file_that_cannot_be_read_is_a_500(void **state) {
  (void)state;
  site_write("root/index.html", "page");
  stoa_sys.fstat = failing_fstat;
  expect_status(site_get("/", NULL), 500);
  stoa_sys = stoa_sys_real;
  stoa_sys.read = failing_read;
  const char *answer = site_get("/", NULL);
  expect_status(answer, 500);
  assert_null(strstr(answer, "200 OK")); /* nothing of the first head is left */
}

static void test_each_allocation_of_an_answer_may_fail(void **state) {
  uint64_t hits = 1;
  unsigned n = 1;
  for (; hits > 0 && n < 200; n++) {
    site_write_large("root/large.bin", 200000);
    struct site_client *client = site_connect(0);
    static char got[300000];
    stoa_memory_fail_at(n, false);
    site_send(client, "GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    size_t len = site_receive(client, got, sizeof got);
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    /* The whole of it, or an end: nothing that stands still, and no 200 with less than it tells. */
    assert_true(site_is_ended(client));
    assert_true(len < 200000 || strncmp(got, "HTTP/1.1 200", 12) == 0);
    site_end(state);
    site_begin(state);
  }
  assert_true(n > 3 && n < 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_names_with_escapes_and_in_any_script_are_found),
      TEST(test_what_lies_below_well_known_is_served_and_other_dot_files_are_not),
      TEST(test_a_folder_without_its_slash_is_redirected_to_relative_to_itself),
      TEST(test_links_inside_are_followed_and_none_leads_out),
      TEST(test_a_config_map_is_served_and_changes_with_its_link),
      TEST(test_where_openat2_is_refused_files_are_checked_through_proc),
      TEST(test_where_proc_is_missing_too_the_start_is_refused),
      TEST(test_when_proc_goes_later_nothing_is_served),
      TEST(test_a_root_that_is_a_link_is_opened_where_it_leads),
      TEST(test_a_folder_that_is_none_refuses_the_start),
      TEST(test_without_descriptors_a_file_is_temporarily_unavailable),
      TEST(test_without_descriptors_at_the_start_it_is_refused),
      TEST(test_a_rename_elsewhere_does_not_make_a_file_missing),
      TEST(test_what_the_system_refuses_is_not_answered_with_404),
      TEST(test_a_client_that_has_the_version_gets_304),
      TEST(test_a_name_with_a_hash_of_the_content_is_kept_for_ever),
      TEST(test_a_gzipped_file_beside_it_goes_to_clients_that_take_it),
      TEST(test_a_gzipped_file_that_is_older_or_none_is_not_taken),
      TEST(test_http_1_0_is_answered_and_closed_unless_it_asks_to_stay),
      TEST(test_head_is_the_head_of_get),
      TEST(test_empty_files_have_no_content),
      TEST(test_a_file_that_cannot_be_read_is_a_500),
      TEST(test_each_allocation_of_an_answer_may_fail),
  };
  return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
