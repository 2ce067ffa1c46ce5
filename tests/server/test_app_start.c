/* tests/server/test_app_start.c: what a program says at its start, busy ports, and giving up root. No call of the
 * system that changes the process is real here. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "app_stage.h"
#include "base/sys.h"

static int stop_now(struct stoa_app_context *context, void *user) {
  (void)user;
  stoa_app_stop(context, STOA_OK, NULL);
  return STOA_OK;
}

static int note_hook(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  stage_note("hook");
  return STOA_OK;
}

static const struct stoa_app brief = {.name = "brief", .before_start = {note_hook}, .after_start = {stop_now}};

static int run(const char *server) {
  return stage_run(&brief, (const char *const[]){"server={io_uring: off, workers: 1}", server, NULL});
}

/* Busy addresses. */

static int take_port(uint16_t *out_port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  *out_port = ntohs(address.sin_port);
  return fd;
}

static void a_busy_port_is_told_before_any_hook_with_what_to_do(void **state) {
  (void)state;
  char setting[128];
  char text[192];
  uint16_t port;
  int fd = take_port(&port);
  snprintf(setting, sizeof setting, "server.addresses=['127.0.0.1:%u']", port);
  assert_int_equal(run(setting), 1);
  snprintf(text, sizeof text,
           "event=\"127.0.0.1:%u is in use by another process; stop it, or set server.addresses to another port\"",
           port);
  assert_true(stage_log_has(text));
  snprintf(setting, sizeof setting, "server.listeners=[{address: '127.0.0.1:0'}, {address: '127.0.0.1:%u'}]", port);
  assert_int_equal(run(setting), 1);
  snprintf(text, sizeof text, "stop it, or set server.listeners[1].address to another port\"");
  assert_true(stage_log_has(text));
  assert_string_equal(stage_trace(), "");
  close(fd);
}

static void a_busy_path_is_told_with_another_path(void **state) {
  (void)state;
  char path[] = "/tmp/stoa-busy-XXXXXX";
  char setting[192];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_non_null(mkdtemp(path));
  snprintf(address.sun_path, sizeof address.sun_path, "%s/s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 1), 0);
  snprintf(setting, sizeof setting, "server.addresses=['unix:%s']", address.sun_path);
  assert_int_equal(run(setting), 1);
  assert_true(stage_log_has("/s is in use by another process; stop it, or set server.addresses to another path\""));
  close(fd);
  unlink(address.sun_path);
  rmdir(path);
}

/* The facts. */

static struct sockaddr_in lan = {.sin_family = AF_INET};
static struct sockaddr_in down = {.sin_family = AF_INET};
static struct sockaddr_in loopback = {.sin_family = AF_INET};
static struct sockaddr_in6 lan6 = {.sin6_family = AF_INET6};
static struct sockaddr_in6 link6 = {.sin6_family = AF_INET6};
static struct ifaddrs entries[6];

static int fake_getifaddrs(struct ifaddrs **out_found) {
  struct sockaddr *const addresses[] = {(struct sockaddr *)&loopback, NULL,
                                        (struct sockaddr *)&lan,      (struct sockaddr *)&down,
                                        (struct sockaddr *)&lan6,     (struct sockaddr *)&link6};
  inet_pton(AF_INET, "127.0.0.1", &loopback.sin_addr);
  inet_pton(AF_INET, "192.0.2.7", &lan.sin_addr);
  inet_pton(AF_INET, "192.0.2.8", &down.sin_addr);
  inet_pton(AF_INET6, "2001:db8::7", &lan6.sin6_addr);
  inet_pton(AF_INET6, "fe80::7", &link6.sin6_addr);
  for (size_t i = 0; i < 6; i++) {
    entries[i] = (struct ifaddrs){.ifa_next = i < 5 ? &entries[i + 1] : NULL, .ifa_flags = IFF_UP};
    entries[i].ifa_addr = addresses[i];
  }
  entries[0].ifa_flags |= IFF_LOOPBACK;
  entries[3].ifa_flags = 0;
  *out_found = entries;
  return 0;
}

static void fake_freeifaddrs(struct ifaddrs *found) {
  assert_ptr_equal(found, entries);
}

static int no_interfaces(struct ifaddrs **out_found) {
  (void)out_found;
  errno = ENOMEM;
  return -1;
}

static uid_t effective_user;

static uid_t fake_geteuid(void) {
  return effective_user;
}

static int begin(void **state) {
  stage_begin(state);
  stoa_sys.getifaddrs = fake_getifaddrs;
  stoa_sys.freeifaddrs = fake_freeifaddrs;
  stoa_sys.geteuid = fake_geteuid;
  effective_user = 1000;
  return 0;
}

static void every_address_that_others_can_open_has_a_url(void **state) {
  (void)state;
  assert_int_equal(run("server={addresses: ['0.0.0.0:0'], path: /chat}"), 0);
  assert_int_equal(stage_log_count("event=\"open\""), 2);
  assert_true(stage_log_has("event=\"open\" url=ws://localhost:"));
  assert_true(stage_log_has("event=\"open\" url=ws://192.0.2.7:"));
  assert_true(stage_log_has("/chat what=websocket"));
  begin(state);
  assert_int_equal(run("server={addresses: ['[::]:0'], web_root: /tmp}"), 0);
  assert_true(stage_log_has("event=\"open\" url=http://192.0.2.7:"));
  assert_true(stage_log_has("event=\"open\" url=http://[2001:db8::7]:"));
  assert_true(stage_log_has("/ what=page"));
  assert_true(stage_log_has("event=\"note\" value=/tmp what=files"));
  assert_false(stage_log_has("fe80"));
  begin(state);
  assert_int_equal(run("server={addresses: ['127.0.0.1:0']}"), 0);
  assert_true(stage_log_has("event=\"open\" url=ws://127.0.0.1:"));
  assert_int_equal(stage_log_count("event=\"open\""), 1);
  assert_false(stage_log_has("insecure"));
}

static void without_a_list_of_interfaces_localhost_is_told(void **state) {
  (void)state;
  stoa_sys.getifaddrs = no_interfaces;
  assert_int_equal(run("server={addresses: ['0.0.0.0:0']}"), 0);
  assert_int_equal(stage_log_count("event=\"open\""), 1);
}

static void unix_sockets_and_addresses_of_proxies_are_told_without_a_url(void **state) {
  (void)state;
  assert_int_equal(run("server={trusted_proxies: ['127.0.0.1'], listeners: [{address: 'unix:/tmp/stoa-start', mode: "
                       "'0666'}, {address: '127.0.0.1:0', proxy_protocol: on}]}"),
                   0);
  assert_true(stage_log_has("event=\"note\" value=unix:/tmp/stoa-start what=\"unix socket\""));
  assert_true(stage_log_has("what=\"for the proxy\""));
  assert_true(
      stage_log_has("finding=\"every user of this machine may connect to unix:/tmp/stoa-start; take the last 6 "
                    "or 7 out of its mode\""));
  assert_int_equal(stage_log_count("event=\"open\""), 0);
}

static void each_insecure_setting_is_told(void **state) {
  (void)state;
  effective_user = 0;
  assert_int_equal(run("server={listeners: [{address: '0.0.0.0:0', role: admin}], allowed_origins: ['*'],"
                       " admin: {key: 'thirty-two-characters-and-then-some'}}"),
                   0);
  assert_true(
      stage_log_has("has no TLS: everybody on the way can read and change what is sent; write wss:// and set "
                    "server.tls, or use a proxy with TLS\""));
  assert_true(
      stage_log_has("can be reached from other machines, and its key is sent without TLS; bind it to 127.0.0.1\""));
  assert_true(stage_log_has("what=admin"));
  assert_true(stage_log_has("server.allowed_origins has \\\"*\\\": any page"));
  assert_true(stage_log_has("the program runs as root and can be reached from other machines; set server.run_as\""));
  begin(state);
  assert_int_equal(run("server={addresses: ['127.0.0.1:0'], trusted_proxies: ['0.0.0.0/0', '::/0']}"), 0);
  assert_true(stage_log_has("server.trusted_proxies has \\\"0.0.0.0/0\\\": every client may claim any address"));
  assert_true(stage_log_has("server.trusted_proxies has \\\"::/0\\\""));
}

static int add_notes(struct stoa_app_context *context, void *user) {
  int status = STOA_OK;
  (void)user;
  assert_int_equal(stoa_app_note(context, "data", "/var/lib/brief"), STOA_OK);
  for (int i = 0; i < 200 && status == STOA_OK; i++) {
    status = stoa_app_note(context, "more", "of it");
  }
  assert_int_equal(status, STOA_E_LIMIT);
  return stop_now(context, NULL);
}

static void notes_of_the_program_are_told_up_to_a_limit(void **state) {
  (void)state;
  const struct stoa_app app = {.name = "noted", .after_start = {add_notes}};
  assert_int_equal(stage_run(&app, (const char *const[]){STAGE_SERVER, NULL}), 0);
  assert_true(stage_log_has("event=\"note\" value=/var/lib/brief what=data"));
  assert_true(stage_log_has("event=\"some facts about the start were left out\""));
}

static char terminal[4096];

static int always_terminal(int fd) {
  return fd == STDERR_FILENO;
}

static ssize_t write_to_terminal(int fd, const void *data, size_t len) {
  if (fd != STDERR_FILENO) {
    return stoa_sys_real.write(fd, data, len);
  }
  assert_true(strlen(terminal) + len < sizeof terminal);
  strncat(terminal, data, len);
  return (ssize_t)len;
}

static void a_terminal_gets_a_block_of_text(void **state) {
  (void)state;
  memset(terminal, 0, sizeof terminal);
  stoa_sys.isatty = always_terminal;
  stoa_sys.write = write_to_terminal;
  assert_int_equal(run("server={addresses: ['127.0.0.1:0'], web_root: /tmp, allowed_origins: ['*']}"), 0);
  assert_memory_equal(terminal, "\nbrief runs; Ctrl-C stops it.\n  page           http://127.0.0.1:", 63);
  assert_non_null(strstr(terminal, "/\n  files          /tmp\n  insecure:      server.allowed_origins has \"*\": "));
  assert_int_equal(stage_log_count("event=\"open\""), 0);
}

/* Giving up root. */

static const char *refused; /* the call that fails */
static int lookup_result;

static int pass(const char *call) {
  stage_note(call);
  errno = EPERM;
  return refused != NULL && strcmp(refused, call) == 0 ? -1 : 0;
}

static int fake_getpwnam(const char *name, struct passwd *user, char *memory, size_t size, struct passwd **out_user) {
  (void)memory, (void)size;
  *out_user = NULL;
  if (strcmp(name, "chat") != 0 && strcmp(name, "root") != 0) {
    return lookup_result;
  }
  user->pw_uid = strcmp(name, "chat") == 0 ? 1234 : 0;
  user->pw_gid = 55;
  *out_user = user;
  return 0;
}

static int fake_getgrnam(const char *name, struct group *group, char *memory, size_t size, struct group **out_group) {
  (void)memory, (void)size;
  *out_group = NULL;
  if (strcmp(name, "web") == 0) {
    group->gr_gid = 77;
    *out_group = group;
  }
  return 0;
}

static int fake_initgroups(const char *user, gid_t group) {
  assert_string_equal(user, "chat");
  assert_true(group == 55 || group == 77);
  return pass("initgroups");
}

static int fake_setresgid(gid_t real, gid_t effective, gid_t saved) {
  if (real == (gid_t)-1 && saved == (gid_t)-1) {
    return pass(effective == 0 ? "root_group_for_now" : "group_for_now");
  }
  assert_true(real == effective && real == saved);
  return pass(real == 77 ? "setresgid_web" : "setresgid");
}

static int fake_setresuid(uid_t real, uid_t effective, uid_t saved) {
  if (real == (uid_t)-1 && saved == (uid_t)-1) {
    int result = pass(effective == 0 ? "root_again" : "user_for_now");
    effective_user = result == 0 ? effective : effective_user;
    return result;
  }
  assert_true(real == effective && real == saved);
  if (real == 0) {
    stage_note("back_to_root");
    return refused != NULL && strcmp(refused, "nothing") == 0 ? 0 : -1;
  }
  effective_user = real;
  return pass("setresuid");
}

static int fake_no_new_privileges(void) {
  return pass("no_new_privs");
}

static int fake_fchownat(int fd, const char *path, uid_t user, gid_t group, int flags) {
  (void)fd, (void)flags;
  assert_string_equal(path, "");
  assert_int_equal(user, 1234);
  assert_int_equal(group, 55);
  return pass("fchownat");
}

static int begin_as_root(void **state) {
  begin(state);
  stoa_sys.getpwnam_r = fake_getpwnam;
  stoa_sys.getgrnam_r = fake_getgrnam;
  stoa_sys.initgroups = fake_initgroups;
  stoa_sys.setresgid = fake_setresgid;
  stoa_sys.setresuid = fake_setresuid;
  stoa_sys.no_new_privileges = fake_no_new_privileges;
  stoa_sys.fchownat = fake_fchownat;
  effective_user = 0;
  refused = NULL;
  lookup_result = 0;
  return 0;
}

#define DROPPED "setresuid no_new_privs back_to_root"
#define UNIX_AS(user) "server={addresses: ['unix:/tmp/stoa-run-as'], run_as: '" user "'}"
#define TCP_AS(user) "server={addresses: ['127.0.0.1:0'], run_as: '" user "'}"

static void root_is_given_up_after_binding_and_before_the_hooks(void **state) {
  (void)state;
  assert_int_equal(run(UNIX_AS("chat")), 0);
  assert_string_equal(stage_trace(), "fchownat initgroups setresgid " DROPPED " hook");
  assert_true(stage_log_has("event=\"root was given up\" user=chat uid=1234 gid=55"));
  begin_as_root(state);
  assert_int_equal(run(TCP_AS("chat:web")), 0);
  assert_string_equal(stage_trace(), "initgroups setresgid_web " DROPPED " hook");
}

static void a_step_that_is_refused_ends_the_start(void **state) {
  static const char *const calls[] = {"initgroups", "setresgid", "setresuid", "no_new_privs"};
  for (size_t i = 0; i < 4; i++) {
    char text[64];
    begin_as_root(state);
    refused = calls[i];
    assert_int_equal(run(TCP_AS("chat")), 1);
    snprintf(text, sizeof text, " user=chat step=%s reason=", calls[i]);
    assert_true(stage_log_has("event=\"the process cannot become the user of server.run_as\""));
    assert_true(stage_log_has(text));
    assert_null(strstr(stage_trace(), "hook"));
  }
  begin_as_root(state);
  refused = "fchownat";
  assert_int_equal(run(UNIX_AS("chat")), 1);
  assert_true(stage_log_has("event=\"a unix socket's file cannot be given to the user of server.run_as\""));
}

static void root_that_could_be_regained_ends_the_start(void **state) {
  (void)state;
  refused = "nothing";
  assert_int_equal(run(TCP_AS("chat")), 1);
  assert_true(stage_log_has("event=\"root can be regained after server.run_as; the program does not start\""));
}

static void a_user_that_does_not_exist_is_a_mistake_of_the_configuration(void **state) {
  static const char *const unknown[] = {TCP_AS("nobody-else"), TCP_AS("chat:nogroup")};
  static const char *const wrong[] = {TCP_AS(":web"), TCP_AS("chat:"), TCP_AS("root"),
                                      TCP_AS("a1234567890123456789012345678901234567890123456789012345678901234")};
  for (size_t i = 0; i < 2; i++) {
    begin_as_root(state);
    assert_int_equal(run(unknown[i]), 1);
    assert_true(stage_log_has("event=\"this machine has no such user or group\" server.run_as="));
  }
  for (size_t i = 0; i < 4; i++) {
    begin_as_root(state);
    assert_int_equal(run(wrong[i]), 1);
    assert_true(
        stage_log_has("event=\"not a user to run as; write \\\"user\\\" or \\\"user:group\\\", and not root\""));
  }
  begin_as_root(state);
  lookup_result = EIO;
  assert_int_equal(run(TCP_AS("nobody-else")), 1);
}

static gid_t group_of_chat(void) {
  return 55;
}

static int make_files(void *result) {
  stage_note("files");
  assert_int_equal(effective_user, 1234);
  return *(const int *)result;
}

/* What the function in setup returns. */
static int files_result;

static int call_in_setup(struct stoa_server *server, const void *config, void *user) {
  (void)config, (void)user;
  return stoa_server_call_as_user(server, make_files, &files_result);
}

static int run_with_files(const char *server) {
  const struct stoa_app app = {.name = "filer", .setup = call_in_setup, .after_start = {stop_now}};
  return stage_run(&app, (const char *const[]){"server={io_uring: off, workers: 1}", server, NULL});
}

#define ENTERED "initgroups group_for_now user_for_now files"

static void files_of_setup_are_made_as_the_user_that_root_is_given_up_for(void **state) {
  (void)state;
  files_result = STOA_OK;
  assert_int_equal(run_with_files(TCP_AS("chat")), 0);
  assert_string_equal(stage_trace(), ENTERED " root_again root_group_for_now initgroups setresgid " DROPPED);
}

static void what_the_function_of_setup_returns_ends_the_start(void **state) {
  (void)state;
  files_result = STOA_E_DENIED;
  assert_int_equal(run_with_files(TCP_AS("chat")), 1);
  assert_string_equal(stage_trace(), ENTERED " root_again root_group_for_now");
}

static void a_step_to_or_from_the_user_of_setup_that_is_refused_ends_the_start(void **state) {
  static const char *const calls[] = {"initgroups", "group_for_now", "user_for_now", "root_again",
                                      "root_group_for_now"};
  for (size_t i = 0; i < 5; i++) {
    begin_as_root(state);
    files_result = STOA_OK;
    refused = calls[i];
    assert_int_equal(run_with_files(TCP_AS("chat")), 1);
    assert_int_equal(strstr(stage_trace(), "files") != NULL, i >= 3);
    assert_true(stage_log_has(i < 3 ? "event=\"the process cannot become the user of server.run_as\""
                                    : "event=\"the process cannot be root again to bind addresses\""));
  }
}

static void without_root_or_another_user_the_function_of_setup_is_only_called(void **state) {
  (void)state;
  effective_user = 1234;
  stoa_sys.getegid = group_of_chat;
  files_result = STOA_OK;
  assert_int_equal(run_with_files(TCP_AS("chat")), 0);
  assert_string_equal(stage_trace(), "files");
}

static void a_start_without_root_is_refused_unless_it_is_that_user(void **state) {
  (void)state;
  effective_user = 1000;
  assert_int_equal(run(TCP_AS("chat")), 1);
  assert_true(
      stage_log_has("event=\"server.run_as needs a start as root; start it as root, or remove server.run_as\" "
                    "user=chat uid=1000"));
  assert_string_equal(stage_trace(), "");
}

static void a_start_as_that_user_changes_nothing(void **state) {
  (void)state;
  effective_user = 1234;
  stoa_sys.getegid = group_of_chat;
  assert_int_equal(run(TCP_AS("chat")), 0);
  assert_string_equal(stage_trace(), "hook");
}

static int no_access(const char *path, int mode) {
  (void)mode;
  assert_string_equal(path, "/tmp");
  errno = EACCES;
  return -1;
}

static void what_the_user_cannot_read_is_told(void **state) {
  (void)state;
  stoa_sys.access = no_access;
  assert_int_equal(run("server={addresses: ['127.0.0.1:0'], run_as: chat, web_root: /tmp}"), 0);
  assert_true(
      stage_log_has("event=\"the user of server.run_as cannot read what is read later\" user=chat "
                    "option=server.web_root path=/tmp"));
}

static struct stoa_server *other_server;

static int add_other(struct stoa_server *server, const void *config, void *user) {
  const struct stoa_string address = STOA_STR("127.0.0.1:0");
  const struct stoa_server_config other = {
      .addresses = {&address, 1}, .workers = 1, .io_uring = STOA_IO_URING_OFF, .run_as = STOA_STR("chat:web")};
  (void)config, (void)user;
  assert_int_equal(stoa_server_create(&other, &other_server), STOA_OK);
  return stoa_app_add_server(stoa_app_of(server), other_server);
}

static void servers_with_different_users_do_not_start(void **state) {
  (void)state;
  const struct stoa_app app = {.name = "two", .setup = add_other, .after_start = {stop_now}};
  assert_int_equal(stage_run(&app, (const char *const[]){STAGE_SERVER, "server.run_as=chat", NULL}), 1);
  assert_true(stage_log_has("event=\"all servers of a program have one run_as\" run_as=chat other=chat:web"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, stage_end)
#define ROOT_TEST(name) cmocka_unit_test_setup_teardown(name, begin_as_root, stage_end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_busy_port_is_told_before_any_hook_with_what_to_do),
      TEST(a_busy_path_is_told_with_another_path),
      TEST(every_address_that_others_can_open_has_a_url),
      TEST(without_a_list_of_interfaces_localhost_is_told),
      TEST(unix_sockets_and_addresses_of_proxies_are_told_without_a_url),
      TEST(each_insecure_setting_is_told),
      TEST(notes_of_the_program_are_told_up_to_a_limit),
      TEST(a_terminal_gets_a_block_of_text),
      ROOT_TEST(root_is_given_up_after_binding_and_before_the_hooks),
      ROOT_TEST(a_step_that_is_refused_ends_the_start),
      ROOT_TEST(root_that_could_be_regained_ends_the_start),
      ROOT_TEST(a_user_that_does_not_exist_is_a_mistake_of_the_configuration),
      ROOT_TEST(files_of_setup_are_made_as_the_user_that_root_is_given_up_for),
      ROOT_TEST(what_the_function_of_setup_returns_ends_the_start),
      ROOT_TEST(a_step_to_or_from_the_user_of_setup_that_is_refused_ends_the_start),
      ROOT_TEST(without_root_or_another_user_the_function_of_setup_is_only_called),
      ROOT_TEST(a_start_without_root_is_refused_unless_it_is_that_user),
      ROOT_TEST(a_start_as_that_user_changes_nothing),
      ROOT_TEST(what_the_user_cannot_read_is_told),
      ROOT_TEST(servers_with_different_users_do_not_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
