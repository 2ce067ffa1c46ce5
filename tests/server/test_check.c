/* tests/server/test_check.c: what --check-config finds, with the exact text of each finding. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include <stoa/log.h>

#include "base/array.h"
#include "base/sys.h"
#include "lib/pem.h"
#include "lib/self_signed.h"
#include "server/server_private.h"

#define DAY_S (24L * 60 * 60)

static char found[4096];
static struct self_signed own;

/* The lines without their time. */
static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  const char *rest = strstr(line.data, "level=");
  (void)context, (void)level;
  assert_non_null(rest);
  size_t len = strlen(found);
  snprintf(found + len, sizeof found - len, "%s\n", rest);
}

static int unknown_name(const char *host, const char *service, const struct addrinfo *hints,
                        struct addrinfo **out_found) {
  bool is_name = strcmp(host, "nobody.example") == 0;
  return is_name ? EAI_NONAME : stoa_sys_real.getaddrinfo(host, service, hints, out_found);
}

static int begin(void **state) {
  (void)state;
  found[0] = '\0';
  self_signed_write(&own, "check");
  stoa_log_setup(STDERR_FILENO, STOA_LOG_WARN, STOA_LOG_LOGFMT);
  stoa_log_set_sink(take_line, NULL);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_log_set_sink(NULL, NULL);
  self_signed_remove(&own);
  return 0;
}

static int check(struct stoa_server_config config, const struct stoa_string *addresses, size_t count) {
  config.addresses.items = addresses;
  config.addresses.count = count;
  found[0] = '\0';
  return stoa_server_check(&config);
}

#define CHECK(config, ...)                                   \
  check((config), (const struct stoa_string[]){__VA_ARGS__}, \
        sizeof((const struct stoa_string[]){__VA_ARGS__}) / sizeof(struct stoa_string))

static const struct stoa_server_config plain;

static struct stoa_server_config with_tls(struct stoa_tls_config *tls) {
  *tls = (struct stoa_tls_config){.certificate = stoa_string_of(own.certificate), .key = stoa_string_of(own.key)};
  return (struct stoa_server_config){.tls = tls};
}

/* Write the certificate again, valid between these times from now. */
static void write_dated(long from_s, long to_s) {
  EVP_PKEY *key = pem_make_key();
  X509 *certificate = pem_sign(&(struct pem_request){"localhost", "DNS:localhost", key, NULL, key});
  assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), from_s));
  assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), to_s));
  assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
  self_signed_remove(&own);
  pem_write_certificate(own.certificate, certificate);
  pem_write_key(own.key, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static void a_usable_configuration_has_no_findings(void **state) {
  (void)state;
  struct stoa_tls_config tls;
  char unix_address[64];
  snprintf(unix_address, sizeof unix_address, "unix:/tmp/stoa-check-%d.sock", (int)getpid());
  assert_int_equal(
      CHECK(with_tls(&tls), STOA_STR("127.0.0.1:0"), STOA_STR("wss://[::1]:0"), stoa_string_of(unix_address)), STOA_OK);
  assert_string_equal(found, "");
  assert_int_equal(access(unix_address + strlen("unix:"), F_OK), -1);
}

static void all_mistakes_are_found_in_one_run(void **state) {
  (void)state;
  static const struct stoa_string origin = STOA_STR("chat.example");
  struct stoa_tls_config tls = {.certificate = STOA_STR("/nonexistent/a.pem"), .key = STOA_STR("/nonexistent/k.pem")};
  struct stoa_limits_config limits = {.session_calls_max = 65536};
  struct stoa_server_config config = {
      .path = STOA_STR("x"), .linger_ms = 11, .workers = 1000000, .tls = &tls, .limits = &limits};
  config.allowed_origins.items = &origin;
  config.allowed_origins.count = 1;
  stoa_sys.getaddrinfo = unknown_name;
  assert_int_equal(
      CHECK(config, STOA_STR("https://chat.example:443"), STOA_STR("127.0.0.1:77x"), STOA_STR("nobody.example:80"),
            STOA_STR("127.0.0.1:1"), STOA_STR("127.0.0.1:1"), STOA_STR("wss://127.0.0.1:0")),
      STOA_E_ARGUMENT);
  static const char *const lines[] = {
      "level=error event=\"an option is out of range\" option=server.workers value=1000000 highest=",
      "level=error event=\"an option is out of range\" option=server.limits.session_calls_max value=65536 "
      "highest=65535\n",
      "level=error event=\"an option is out of range\" option=server.linger_ms value=11 highest=10\n",
      "level=error event=\"server.path must start with a slash\" server.path=x\n",
      "level=error event=\"an origin starts with its scheme: write \\\"https://chat.example\\\", or with http:// if it "
      "has no TLS\" option=server.allowed_origins value=chat.example\n",
      "level=error event=\"cannot read the certificate\" file=/nonexistent/a.pem errno=2\n",
      "level=error event=\"pages have https:// in front; to listen with TLS write wss://host:port, without it "
      "host:port\" address=https://chat.example:443 option=server.addresses[0]\n",
      "level=error event=\"not an address; write host:port, :port, [::1]:port, unix:/path or fd:NAME\" "
      "address=127.0.0.1:77x "
      "option=server.addresses[1]\n",
      "level=error event=\"the name in an address does not resolve; correct it, or write an address of this machine\" "
      "address=nobody.example:80 option=server.addresses[2]\n",
      "level=error event=\"an address is listed twice; remove one of the two\" address=127.0.0.1:1 again=127.0.0.1:1 "
      "option=server.addresses[4]\n",
  };
  const char *at = found;
  size_t errors = 0;
  for (size_t i = 0; i < STOA_COUNT_OF(lines); i++) {
    at = strstr(at, lines[i]);
    if (at == NULL) {
      fail_msg("%s is missing or out of order in %s", lines[i], found);
    }
  }
  for (const char *line = strstr(found, "level=error"); line != NULL; line = strstr(line + 1, "level=error")) {
    errors++;
  }
  assert_int_equal(errors, STOA_COUNT_OF(lines));
}

static void an_option_of_a_listener_is_named_as_such(void **state) {
  (void)state;
  static const struct stoa_listener_config listeners[] = {{.address = STOA_STR("127.0.0.1:0")},
                                                          {.address = STOA_STR("HTTP://a:1")}};
  struct stoa_server_config config = {.path = STOA_STR("/")};
  config.listeners.items = listeners;
  config.listeners.count = STOA_COUNT_OF(listeners);
  found[0] = '\0';
  assert_int_equal(stoa_server_check(&config), STOA_E_ARGUMENT);
  assert_string_equal(found,
                      "level=error event=\"pages have https:// in front; to listen with TLS write wss://host:port, "
                      "without it host:port\" address=HTTP://a:1 option=server.listeners[1].address\n");
}

static void a_certificate_out_of_date_is_found(void **state) {
  (void)state;
  struct stoa_tls_config tls;
  char line[256];
  write_dated(-2 * DAY_S, -DAY_S);
  assert_int_equal(CHECK(with_tls(&tls), STOA_STR("wss://127.0.0.1:0")), STOA_E_TLS);
  snprintf(line, sizeof line,
           "level=error event=\"the certificate has expired; get a new one\" file=%s option=server.tls.certificate\n",
           own.certificate);
  assert_string_equal(found, line);
  write_dated(DAY_S, 2 * DAY_S);
  const struct stoa_listener_config listener = {.address = STOA_STR("127.0.0.1:0"), .tls = &tls};
  struct stoa_server_config config = {.listeners = {&listener, 1}};
  found[0] = '\0';
  assert_int_equal(stoa_server_check(&config), STOA_E_TLS);
  snprintf(line, sizeof line,
           "level=error event=\"the certificate is not valid yet; look at its date and at this machine's clock\" "
           "file=%s option=server.listeners[0].tls.certificate\n",
           own.certificate);
  assert_string_equal(found, line);
}

static void a_key_of_another_certificate_is_found(void **state) {
  (void)state;
  struct stoa_tls_config tls;
  EVP_PKEY *other = pem_make_key();
  unlink(own.key);
  pem_write_key(own.key, other);
  EVP_PKEY_free(other);
  assert_int_equal(CHECK(with_tls(&tls), STOA_STR("wss://127.0.0.1:0")), STOA_E_TLS);
  char start[256];
  snprintf(start, sizeof start,
           "level=error event=\"the private key does not belong to the certificate\" file=%s reason=", own.key);
  assert_memory_equal(found, start, strlen(start));
}

static void a_port_in_use_is_a_warning(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  char text[32];
  char line[256];
  int fd = stoa_sys.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(stoa_sys.bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(stoa_sys.listen(fd, 1), 0);
  assert_int_equal(stoa_sys.getsockname(fd, (struct sockaddr *)&address, &len), 0);
  snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
  assert_int_equal(CHECK(plain, stoa_string_of(text)), STOA_OK);
  snprintf(line, sizeof line,
           "level=warn event=\"cannot listen now; end the program that does, or take another port\" address=%s "
           "option=server.addresses[0] reason=\"Address already in use\"\n",
           text);
  assert_string_equal(found, line);
  stoa_sys.close(fd);
  assert_int_equal(CHECK(plain, stoa_string_of(text)), STOA_OK);
  assert_string_equal(found, "");
}

static int refuse_bind(int fd, const struct sockaddr *address, socklen_t len) {
  (void)fd, (void)address, (void)len;
  errno = EACCES;
  return -1;
}

static void an_address_that_this_user_may_not_have_is_a_warning(void **state) {
  (void)state;
  stoa_sys.bind = refuse_bind;
  assert_int_equal(CHECK(plain, STOA_STR("127.0.0.1:443")), STOA_OK);
  assert_string_equal(found,
                      "level=warn event=\"cannot listen as this user on this machine\" address=127.0.0.1:443 "
                      "option=server.addresses[0] reason=\"Permission denied\"\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_usable_configuration_has_no_findings),
      TEST(all_mistakes_are_found_in_one_run),
      TEST(an_option_of_a_listener_is_named_as_such),
      TEST(a_certificate_out_of_date_is_found),
      TEST(a_key_of_another_certificate_is_found),
      TEST(a_port_in_use_is_a_warning),
      TEST(an_address_that_this_user_may_not_have_is_a_warning),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
