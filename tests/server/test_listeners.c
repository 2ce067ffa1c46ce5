#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/self_signed.h"
#include "server/server_private.h"

static struct fixture fixture;
static struct stoa_string addresses[STOA_LISTENERS_MAX + 1];
static struct stoa_listener_config listeners[STOA_LISTENERS_MAX + 1];
static char texts[8][96];
static char unix_path[64];
static int log_fd;
static char log_text[16384];

/* The system as each test wants it: these stand before the C library's. */

static bool ipv6_is_missing;

int socket(int domain, int type, int protocol) {
  if (ipv6_is_missing && domain == AF_INET6) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  return (int)syscall(SYS_socket, domain, type, protocol);
}

struct resolved {
  struct addrinfo info;
  struct sockaddr_storage address;
};

static struct addrinfo *add_resolved(const char *text, struct addrinfo *next) {
  struct resolved *resolved = calloc(1, sizeof *resolved);
  assert_non_null(resolved);
  struct sockaddr_in *in = (struct sockaddr_in *)(void *)&resolved->address;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&resolved->address;
  bool is_ipv4 = inet_pton(AF_INET, text, &in->sin_addr) == 1;
  if (!is_ipv4) {
    assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
  }
  resolved->address.ss_family = is_ipv4 ? AF_INET : AF_INET6;
  resolved->info = (struct addrinfo){.ai_family = resolved->address.ss_family,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_addrlen = is_ipv4 ? sizeof *in : sizeof *in6,
                                     .ai_addr = (struct sockaddr *)&resolved->address,
                                     .ai_next = next};
  return &resolved->info;
}

/* "localhost" as Debian's installer writes it, ::1 first and 127.0.0.1 twice; "away" is partly on this machine,
 * "elsewhere" not at all. Addresses are themselves. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  struct in6_addr ignored;
  (void)service;
  if (inet_pton(AF_INET, node, &ignored) == 1 || inet_pton(AF_INET6, node, &ignored) == 1) {
    *out = add_resolved(node, NULL);
  } else if ((hints->ai_flags & AI_NUMERICHOST) == 0 && strcmp(node, "localhost") == 0) {
    *out = add_resolved("::1", add_resolved("127.0.0.1", add_resolved("127.0.0.1", NULL)));
  } else if ((hints->ai_flags & AI_NUMERICHOST) == 0 && strcmp(node, "away") == 0) {
    *out = add_resolved("192.0.2.1", add_resolved("127.0.0.1", NULL));
  } else if ((hints->ai_flags & AI_NUMERICHOST) == 0 && strcmp(node, "elsewhere") == 0) {
    *out = add_resolved("192.0.2.1", NULL);
  } else {
    return EAI_NONAME;
  }
  return 0;
}

void freeaddrinfo(struct addrinfo *info) {
  while (info != NULL) {
    struct addrinfo *next = info->ai_next;
    free(info); /* it is the first thing in its struct resolved */
    info = next;
  }
}

/* Setting up. */

static int begin(void **state) {
  (void)state;
  char path[] = "/tmp/stoa-listeners-XXXXXX";
  memset(listeners, 0, sizeof listeners);
  memset(log_text, 0, sizeof log_text);
  ipv6_is_missing = false;
  snprintf(unix_path, sizeof unix_path, "/tmp/stoa-listeners-%d.sock", (int)getpid());
  log_fd = mkstemp(path);
  assert_true(log_fd >= 0);
  unlink(path);
  stoa_log_setup(log_fd, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  close(log_fd);
  unlink(unix_path);
  return 0;
}

static bool log_has(const char *text) {
  ssize_t len = pread(log_fd, log_text, sizeof log_text - 1, 0);
  log_text[len < 0 ? 0 : len] = '\0';
  return strstr(log_text, text) != NULL;
}

static struct stoa_server_config *config_of(uint32_t workers, size_t count, const char *const *list) {
  struct stoa_server_config *config = fixture_config(workers);
  for (size_t i = 0; i < count; i++) {
    addresses[i] = stoa_string_of(list[i]);
  }
  config->addresses.items = addresses;
  config->addresses.count = count;
  return config;
}

static struct stoa_server_config *config_of_listeners(uint32_t workers, size_t count) {
  struct stoa_server_config *config = fixture_config(workers);
  config->addresses.count = 0;
  config->listeners.items = listeners;
  config->listeners.count = count;
  return config;
}

/* A port that is free in both families, for those who must name it twice. */
static unsigned free_port(void) {
  const int off = 0;
  struct sockaddr_in6 address = {.sin6_family = AF_INET6};
  socklen_t len = sizeof address;
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  close(fd);
  return ntohs(address.sin6_port);
}

static const char *with_port(size_t slot, const char *host, unsigned port) {
  snprintf(texts[slot], sizeof texts[slot], "%s:%u", host, port);
  return texts[slot];
}

static bool is_served(const char *host, const char *like) {
  char text[96];
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strrchr(like, ':') + 1))};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = in.sin_port};
  bool is_ipv4 = inet_pton(AF_INET, host, &in.sin_addr) == 1;
  snprintf(text, sizeof text, is_ipv4 ? "%s%s" : "[%s]%s", host, strrchr(like, ':'));
  int fd = (int)syscall(SYS_socket, is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  if (!is_ipv4) {
    assert_int_equal(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
  }
  int status =
      is_ipv4 ? connect(fd, (struct sockaddr *)&in, sizeof in) : connect(fd, (struct sockaddr *)&in6, sizeof in6);
  close(fd);
  if (status != 0) {
    assert_int_equal(errno, ECONNREFUSED);
    return false;
  }
  /* Not only some socket, but this server. */
  struct client client;
  client_connect(&client, text);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  client_close(&client);
  return true;
}

static void check_families(size_t count, const char *const *list, bool ipv4, bool ipv6) {
  for (uint32_t workers = 1; workers <= 2; workers++) {
    fixture_start(&fixture, config_of(workers, count, list), NULL);
    for (size_t i = 0; i < count; i++) {
      assert_non_null(stoa_server_address(fixture.server, i));
    }
    assert_null(stoa_server_address(fixture.server, count));
    assert_int_equal(is_served("127.0.0.1", fixture.address), ipv4);
    assert_int_equal(is_served("::1", fixture.address), ipv6);
    fixture_stop(&fixture);
  }
}

/* Families. */

static void test_a_port_alone_is_served_in_both_families(void **state) {
  (void)state;
  check_families(1, (const char *const[]){":0"}, true, true);
}

static void test_a_port_alone_is_served_without_ipv6(void **state) {
  (void)state;
  ipv6_is_missing = true;
  check_families(1, (const char *const[]){":0"}, true, false);
  fixture_start(&fixture, config_of(2, 1, (const char *const[]){":0"}), NULL);
  assert_memory_equal(fixture.address, "0.0.0.0:", 8);
  fixture_stop(&fixture);
}

static void test_without_ipv6_the_zero_address_of_ipv6_is_that_of_ipv4(void **state) {
  (void)state;
  unsigned port = free_port();
  const char *four = with_port(0, "127.0.0.1", port);
  const char *six = with_port(1, "[::]", port);
  ipv6_is_missing = true;
  check_families(1, (const char *const[]){"[::]:0"}, true, false);
  check_families(2, (const char *const[]){six, four}, true, false);
}

static void test_ipv4s_zero_address_is_ipv4_alone_and_ipv6s_is_both(void **state) {
  (void)state;
  check_families(1, (const char *const[]){"0.0.0.0:0"}, true, false);
  check_families(1, (const char *const[]){"[::]:0"}, true, true);
}

static void test_both_zero_addresses_may_be_listed_in_either_order(void **state) {
  (void)state;
  unsigned port = free_port();
  const char *four = with_port(0, "0.0.0.0", port);
  const char *six = with_port(1, "[::]", port);
  check_families(2, (const char *const[]){four, six}, true, true);
  check_families(2, (const char *const[]){six, four}, true, true);
  assert_false(log_has("level=warn"));
}

static void test_ipv6s_zero_address_leaves_ipv4_to_the_address_listed_for_it(void **state) {
  (void)state;
  unsigned port = free_port();
  const char *four = with_port(0, "127.0.0.2", port);
  const char *six = with_port(1, "[::]", port);
  check_families(2, (const char *const[]){six, four}, false, true);
}

static void test_a_name_is_served_at_all_of_its_addresses_with_one_port(void **state) {
  (void)state;
  check_families(1, (const char *const[]){"localhost:0"}, true, true);
  fixture_start(&fixture, config_of(2, 1, (const char *const[]){"localhost:0"}), NULL);
  assert_memory_equal(fixture.address, "[::1]:", 6);
  fixture_stop(&fixture);
}

static void test_a_name_is_served_where_this_machine_has_its_addresses(void **state) {
  (void)state;
  check_families(1, (const char *const[]){"away:0"}, true, false);
  assert_true(log_has("an address does not exist on this machine and is skipped"));
  assert_true(log_has("192.0.2.1"));
  ipv6_is_missing = true;
  check_families(1, (const char *const[]){"localhost:0"}, true, false);
}

static void test_an_address_that_the_machine_does_not_have_is_an_error(void **state) {
  (void)state;
  assert_int_equal(fixture_try_start(&fixture, config_of(2, 1, (const char *const[]){"elsewhere:0"}), NULL),
                   STOA_E_SYSTEM);
  assert_true(log_has("event=\"cannot listen\" address=elsewhere:0"));
  assert_int_equal(fixture_try_start(&fixture, config_of(2, 1, (const char *const[]){"192.0.2.1:0"}), NULL),
                   STOA_E_SYSTEM);
  ipv6_is_missing = true;
  assert_int_equal(fixture_try_start(&fixture, config_of(1, 1, (const char *const[]){"[::1]:0"}), NULL), STOA_E_SYSTEM);
}

static void test_a_name_that_does_not_resolve_is_reported(void **state) {
  (void)state;
  assert_int_equal(fixture_try_start(&fixture, config_of(1, 1, (const char *const[]){"nobody:80"}), NULL),
                   STOA_E_ARGUMENT);
  assert_true(log_has("does not resolve"));
  assert_true(log_has("nobody:80"));
}

/* Duplicates. */

static void test_an_address_that_is_listed_twice_is_reported(void **state) {
  (void)state;
  unsigned port = free_port();
  const char *first = with_port(0, "127.0.0.1", port);
  const char *again = with_port(1, "[::ffff:127.0.0.1]", port);
  const char *every = with_port(2, "", port);
  const char *any = with_port(3, "[::]", port);
  const char *named = with_port(4, "localhost", port);
  const char *const pairs[][2] = {{first, first}, {first, again}, {every, any}, {named, named}, {"unix:/a", "unix:/a"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    struct stoa_server *server;
    assert_int_equal(stoa_server_create(config_of(2, 2, pairs[i]), &server), STOA_E_ARGUMENT);
  }
  assert_true(log_has("an address is listed twice; remove one of the two"));
  assert_true(log_has(again));
}

static void test_an_address_within_another_is_served_by_it(void **state) {
  (void)state;
  unsigned port = free_port();
  const char *every = with_port(0, "", port);
  const char *four = with_port(1, "0.0.0.0", port);
  const char *local = with_port(2, "127.0.0.1", port);
  const char *named = with_port(3, "localhost", port);
  check_families(2, (const char *const[]){every, four}, true, true);
  check_families(2, (const char *const[]){local, named}, true, true);
  check_families(3, (const char *const[]){named, local, four}, true, true);
  assert_true(log_has("another listed address includes it"));
}

static void test_one_address_with_two_meanings_is_an_error(void **state) {
  (void)state;
  struct stoa_server *server;
  unsigned port = free_port();
  listeners[0].address = stoa_string_of(with_port(0, "0.0.0.0", port));
  listeners[1].address = stoa_string_of(with_port(1, "127.0.0.1", port));
  listeners[1].role = STOA_LISTENER_CONFIG_ROLE_ADMIN;
  assert_int_equal(stoa_server_create(config_of_listeners(2, 2), &server), STOA_E_ARGUMENT);
  assert_true(log_has("two listeners with different options have the same address"));
}

/* Unix sockets. */

static struct stoa_string unix_address(void) {
  snprintf(texts[7], sizeof texts[7], "unix:%s", unix_path);
  return stoa_string_of(texts[7]);
}

static atomic_uint sessions_of_worker[4];

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)session;
  (void)request;
  (void)out_refusal;
  atomic_fetch_add(&sessions_of_worker[stoa_worker_current()->index], 1);
  return STOA_ADMIT;
}

static void test_a_unix_socket_is_served_by_all_workers_alike(void **state) {
  (void)state;
  enum { GUESTS = 40, WORKERS = 4 };
  const struct stoa_callbacks callbacks = {.on_connect = on_connect};
  struct client observers[GUESTS];
  listeners[0].address = unix_address();
  memset(sessions_of_worker, 0, sizeof sessions_of_worker);
  fixture_start(&fixture, config_of_listeners(WORKERS, 1), &callbacks);
  for (unsigned i = 0; i < GUESTS; i++) {
    fixture_connect(&fixture, &observers[i], "stoa.json");
    fixture_sync(&observers[i]);
  }
  for (unsigned i = 0; i < WORKERS; i++) {
    assert_int_equal(atomic_load(&sessions_of_worker[i]), GUESTS / WORKERS);
  }
  fixture_send_line(&observers[0], "ann", 7);
  for (unsigned i = 0; i < GUESTS; i++) {
    assert_int_equal(fixture_read_line(&observers[i]).number, 7);
    client_close(&observers[i]);
  }
  fixture_stop(&fixture);
}

static void check_mode(const char *mode, mode_t expected) {
  struct stat info;
  listeners[0] = (struct stoa_listener_config){.address = unix_address(), .mode = stoa_string_of(mode)};
  mode_t before = umask(022);
  fixture_start(&fixture, config_of_listeners(2, 1), NULL);
  umask(before);
  assert_int_equal(lstat(unix_path, &info), 0);
  assert_true(S_ISSOCK(info.st_mode));
  assert_int_equal(info.st_mode & 07777, expected);
  fixture_stop(&fixture);
  assert_int_equal(access(unix_path, F_OK), -1);
}

static void test_a_unix_socket_has_its_mode_and_is_gone_after_the_end(void **state) {
  (void)state;
  check_mode("", 0660);
  check_mode("0666", 0666);
  check_mode("600", 0600);
  check_mode("0777", 0777);
}

static void test_a_drain_removes_the_unix_socket_at_once(void **state) {
  (void)state;
  struct client client;
  listeners[0].address = unix_address();
  fixture_start(&fixture, config_of_listeners(3, 1), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  stoa_server_drain(fixture.server);
  assert_int_equal(client_read_close(&client), 4001);
  assert_int_equal(access(unix_path, F_OK), -1);
  client_close(&client);
  stoa_server_wait(fixture.server);
  fixture_stop(&fixture);
}

static void test_a_socket_file_that_was_replaced_meanwhile_is_not_removed(void **state) {
  (void)state;
  listeners[0].address = unix_address();
  fixture_start(&fixture, config_of_listeners(2, 1), NULL);
  assert_int_equal(unlink(unix_path), 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", unix_path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  fixture_stop(&fixture);
  assert_int_equal(access(unix_path, F_OK), 0);
  close(fd);
}

static void test_a_unix_socket_is_removed_when_another_address_cannot_be_had(void **state) {
  (void)state;
  listeners[0].address = unix_address();
  listeners[1].address = stoa_string_of("192.0.2.1:0");
  assert_int_equal(fixture_try_start(&fixture, config_of_listeners(2, 2), NULL), STOA_E_SYSTEM);
  assert_int_equal(access(unix_path, F_OK), -1);
}

/* Listeners with options. */

static int try(const char *address, const char *mode, enum stoa_listener_config_proxy_protocol proxy_protocol,
               const struct stoa_tls_config *tls) {
  struct stoa_server *server = NULL;
  listeners[0] = (struct stoa_listener_config){.address = stoa_string_of(address),
                                               .mode = stoa_string_of(mode),
                                               .proxy_protocol = (int32_t)proxy_protocol,
                                               .tls = tls};
  int status = stoa_server_create(config_of_listeners(1, 1), &server);
  stoa_server_destroy(server);
  return status;
}

static void test_invalid_options_are_refused(void **state) {
  (void)state;
  static const char *const modes[] = {"0800", "rw", "01777", "0x1ff", "-1", "00000"};
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    assert_int_equal(try("unix:/a", modes[i], 0, NULL), STOA_E_ARGUMENT);
  }
  assert_int_equal(try("unix:/a", "0660", 0, NULL), STOA_OK);
  assert_int_equal(try("127.0.0.1:0", "0660", 0, NULL), STOA_E_ARGUMENT);
  assert_true(log_has("only unix sockets have a mode"));
  assert_int_equal(try("127.0.0.1:0", "", STOA_LISTENER_CONFIG_PROXY_PROTOCOL_ON, NULL), STOA_E_ARGUMENT);
  assert_true(log_has("server.trusted_proxies"));
  assert_int_equal(try("", "", 0, NULL), STOA_E_ARGUMENT);
  assert_int_equal(try("wss://127.0.0.1:0", "", 0, NULL), STOA_E_ARGUMENT);
  const struct stoa_tls_config half = {.certificate = STOA_STR("/tmp/a.pem")};
  assert_int_equal(try("127.0.0.1:0", "", 0, &half), STOA_E_ARGUMENT);
  const struct stoa_tls_config whole = {.certificate = STOA_STR("/nowhere/a.pem"), .key = STOA_STR("/nowhere/b.pem")};
  assert_int_equal(try("ws://127.0.0.1:0", "", 0, &whole), STOA_E_ARGUMENT);
  assert_int_equal(try("127.0.0.1:0", "", 0, &whole), STOA_E_NOT_FOUND);
}

static void test_addresses_and_listeners_exclude_each_other(void **state) {
  (void)state;
  struct stoa_server *server;
  struct stoa_server_config *config = config_of_listeners(1, 1);
  listeners[0].address = stoa_string_of("127.0.0.1:0");
  config->addresses.count = 1;
  assert_int_equal(stoa_server_create(config, &server), STOA_E_ARGUMENT);
  assert_true(log_has("server.addresses is the short form of server.listeners; set only one of them"));
  for (size_t i = 0; i <= STOA_LISTENERS_MAX; i++) {
    listeners[i].address = stoa_string_of("127.0.0.1:0");
  }
  assert_int_equal(stoa_server_create(config_of_listeners(1, STOA_LISTENERS_MAX + 1), &server), STOA_E_ARGUMENT);
  assert_true(log_has("server.listeners"));
}

static void test_an_invalid_network_is_reported_with_its_value(void **state) {
  (void)state;
  struct stoa_server *server;
  static const struct stoa_string networks[] = {STOA_STR("10.0.0.0/8"), STOA_STR("10.0.0.0/64")};
  struct stoa_server_config *config = fixture_config(1);
  config->trusted_proxies.items = networks;
  config->trusted_proxies.count = 2;
  assert_int_equal(stoa_server_create(config, &server), STOA_E_ARGUMENT);
  assert_true(log_has("server.trusted_proxies=10.0.0.0/64"));
}

static void test_an_admin_listener_serves_nothing_of_the_public_one(void **state) {
  (void)state;
  struct client client;
  listeners[0].address = stoa_string_of("127.0.0.1:0");
  listeners[1].address = stoa_string_of("127.0.0.1:0");
  listeners[1].role = STOA_LISTENER_CONFIG_ROLE_ADMIN;
  fixture_start(&fixture, config_of_listeners(2, 2), NULL);
  const char *admin = stoa_server_address(fixture.server, 1);
  assert_string_not_equal(admin, fixture.address);
  client_connect(&client, admin);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 404);
  client_close(&client);
  client_connect(&client, admin);
  assert_int_equal(client_get(&client, "/"), 200);
  client_close(&client);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  client_close(&client);
  fixture_stop(&fixture);
}

/* The certificate that the listener shows is the one in that file. */
static bool shows(const char *address, const char *path) {
  struct client client;
  client_connect_tls(&client, address);
  if (client.ssl == NULL) {
    client_close(&client);
    return false;
  }
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  X509 *expected = PEM_read_X509(file, NULL, NULL, NULL);
  fclose(file);
  X509 *shown = SSL_get1_peer_certificate(client.ssl);
  bool same = X509_cmp(expected, shown) == 0;
  X509_free(expected);
  X509_free(shown);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  client_close(&client);
  return same;
}

static void test_each_listener_has_its_own_certificate(void **state) {
  (void)state;
  struct self_signed own;
  struct self_signed shared;
  self_signed_write(&own, "own");
  self_signed_write(&shared, "shared");
  const struct stoa_tls_config own_tls = {.certificate = stoa_string_of(own.certificate),
                                          .key = stoa_string_of(own.key)};
  const struct stoa_tls_config shared_tls = {.certificate = stoa_string_of(shared.certificate),
                                             .key = stoa_string_of(shared.key)};
  listeners[0] = (struct stoa_listener_config){.address = stoa_string_of("127.0.0.1:0"), .tls = &own_tls};
  listeners[1].address = stoa_string_of("wss://127.0.0.1:0");
  listeners[2].address = stoa_string_of("127.0.0.1:0");
  struct stoa_server_config *config = config_of_listeners(2, 3);
  config->tls = &shared_tls;
  /* The first time OpenSSL makes things that it keeps. */
  fixture_start(&fixture, config, NULL);
  assert_true(shows(fixture.address, own.certificate));
  stoa_server_destroy(fixture.server);
  fixture_start(&fixture, config, NULL);
  assert_true(shows(stoa_server_address(fixture.server, 0), own.certificate));
  assert_true(shows(stoa_server_address(fixture.server, 1), shared.certificate));
  assert_false(shows(stoa_server_address(fixture.server, 1), own.certificate));
  assert_true(is_served("127.0.0.1", stoa_server_address(fixture.server, 2)));
  fixture_stop(&fixture);
  self_signed_remove(&own);
  self_signed_remove(&shared);
}

/* Descriptors. */

static void test_the_soft_limit_of_descriptors_is_raised_and_logged(void **state) {
  (void)state;
  struct rlimit before;
  struct rlimit after;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  const struct rlimit low = {256, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
  fixture_start(&fixture, fixture_config(1), NULL);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
  fixture_stop(&fixture);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(after.rlim_cur, before.rlim_max);
  assert_true(log_has("event=\"descriptors\" limit="));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(
          test_the_soft_limit_of_descriptors_is_raised_and_logged), /* first: the log drops what is told all the time */
      TEST(test_a_port_alone_is_served_in_both_families),
      TEST(test_a_port_alone_is_served_without_ipv6),
      TEST(test_without_ipv6_the_zero_address_of_ipv6_is_that_of_ipv4),
      TEST(test_ipv4s_zero_address_is_ipv4_alone_and_ipv6s_is_both),
      TEST(test_both_zero_addresses_may_be_listed_in_either_order),
      TEST(test_ipv6s_zero_address_leaves_ipv4_to_the_address_listed_for_it),
      TEST(test_a_name_is_served_at_all_of_its_addresses_with_one_port),
      TEST(test_a_name_is_served_where_this_machine_has_its_addresses),
      TEST(test_an_address_that_the_machine_does_not_have_is_an_error),
      TEST(test_a_name_that_does_not_resolve_is_reported),
      TEST(test_an_address_that_is_listed_twice_is_reported),
      TEST(test_an_address_within_another_is_served_by_it),
      TEST(test_one_address_with_two_meanings_is_an_error),
      TEST(test_a_unix_socket_is_served_by_all_workers_alike),
      TEST(test_a_unix_socket_has_its_mode_and_is_gone_after_the_end),
      TEST(test_a_drain_removes_the_unix_socket_at_once),
      TEST(test_a_socket_file_that_was_replaced_meanwhile_is_not_removed),
      TEST(test_a_unix_socket_is_removed_when_another_address_cannot_be_had),
      TEST(test_invalid_options_are_refused),
      TEST(test_addresses_and_listeners_exclude_each_other),
      TEST(test_an_invalid_network_is_reported_with_its_value),
      TEST(test_an_admin_listener_serves_nothing_of_the_public_one),
      TEST(test_each_listener_has_its_own_certificate),
  };
  return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
