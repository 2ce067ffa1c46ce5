#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/listener/origin.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct stoa_string certificate_names[] = {STOA_STR("cert.example"), STOA_STR("*.wild.example")};
static const struct stoa_string own_hosts[] = {STOA_STR("chat.example.org"), STOA_STR("alt.example.org:8443")};
static const struct stoa_string one_origin[] = {STOA_STR("https://page.example"), STOA_STR("capacitor://localhost")};
static const struct stoa_string any_origin[] = {STOA_STR("*")};

static const struct stoa_origin_rules plain_rules = {.machine_name = STOA_STR("box.corp.example"),
                                                     .certificate_names = {certificate_names, 2}};
static const struct stoa_origin_rules host_rules = {.machine_name = STOA_STR("box.corp.example"),
                                                    .hosts = {own_hosts, 2}};
static const struct stoa_origin_rules list_rules = {.allowed_origins = {one_origin, 2}};
static const struct stoa_origin_rules star_rules = {.allowed_origins = {any_origin, 1}};

enum way { PLAIN = 0, TLS = 1, FORWARDED = 2, NO_UPGRADE = 4 };

static char reason[STOA_ORIGIN_REASON_SIZE];

/* local NULL: a unix socket. */
static bool check(const struct stoa_origin_rules *rules, const char *origin, const char *host, const char *local,
                  unsigned ways) {
  uint8_t address[STOA_IP_LEN];
  const struct stoa_origin_request request = {
      .origin = stoa_string_of(origin),
      .host = stoa_string_of(host),
      .is_upgrade = (ways & NO_UPGRADE) == 0,
      .is_tls = (ways & TLS) != 0,
      .is_forwarded = (ways & FORWARDED) != 0,
      .local = local != NULL ? address : NULL,
  };
  assert_true(local == NULL || stoa_ip_parse(stoa_string_of(local), address));
  memset(reason, 'x', sizeof reason);
  bool allowed = stoa_origin_check(rules, &request, reason);
  assert_true(allowed || memchr(reason, 0, sizeof reason) != NULL);
  return allowed;
}

/* The same page and host over http, at a loopback address. */
static bool same(const struct stoa_origin_rules *rules, const char *host) {
  char origin[256];
  snprintf(origin, sizeof origin, "http://%s", host);
  return check(rules, origin, host, "127.0.0.1", PLAIN);
}

static void a_name_that_was_rebound_is_refused_at_private_addresses(void **state) {
  (void)state;
  static const char *const private_ones[] = {"127.0.0.1",   "10.1.2.3", "192.168.1.5", "172.20.0.2",
                                             "169.254.7.7", "::1",      "fd00::1",     "fe80::1"};
  for (size_t i = 0; i < COUNT(private_ones); i++) {
    assert_false(check(&plain_rules, "http://evil.example:7700", "evil.example:7700", private_ones[i], PLAIN));
    assert_non_null(strstr(reason, "\"evil.example\""));
    assert_non_null(strstr(reason, "set server.hosts: [\"evil.example\"]"));
  }
  assert_true(check(&plain_rules, "http://chat.example.org", "chat.example.org", "203.0.113.5", PLAIN));
  assert_true(check(&plain_rules, "http://chat.example.org", "chat.example.org", "2001:db8::5", PLAIN));
  assert_true(check(&plain_rules, "http://chat.example.org", "chat.example.org", NULL, PLAIN));
}

static void names_that_no_other_site_can_have_are_allowed(void **state) {
  (void)state;
  static const char *const known[] = {
      "127.0.0.1:7700",
      "[::1]:7700",
      "[fe80::1]",
      "192.168.1.5",
      "203.0.113.9",
      "localhost:7700",
      "LOCALHOST",
      "localhost.",
      "app.localhost",
      "chatserver:7700",
      "printer.local",
      "Box.Corp.Example",
      "box.corp.example.:7700",
      "cert.example:7700",
      "a.wild.example",
  };
  static const char *const unknown[] = {
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "local.evil",
      "evil.local.example",
      "127.1",
      "0127.0.0.1",
      "box.corp.example.evil",
      "x.cert.example",
      "wild.example",
      "a.b.wild.example",
      "evilwild.example",
      "1.2.3.4.5",
      "a.local..",
  };
  for (size_t i = 0; i < COUNT(known); i++) {
    if (!same(&plain_rules, known[i])) {
      fail_msg("%s is not known: %s", known[i], reason);
    }
  }
  for (size_t i = 0; i < COUNT(unknown); i++) {
    if (same(&plain_rules, unknown[i])) {
      fail_msg("%s is known", unknown[i]);
    }
  }
}

static void upgrades_that_no_rebound_page_can_send_are_allowed(void **state) {
  (void)state;
  const char *host = "chat.example.org";
  assert_true(check(&plain_rules, "https://chat.example.org", host, "127.0.0.1", PLAIN));
  assert_true(check(&plain_rules, "http://chat.example.org", host, "127.0.0.1", FORWARDED));
  assert_true(check(&plain_rules, NULL, host, "127.0.0.1", PLAIN));
  assert_true(check(&list_rules, "https://page.example", host, "127.0.0.1", PLAIN));
  assert_true(check(&star_rules, "http://chat.example.org", host, "127.0.0.1", PLAIN));
  /* A script can add fields to any other request of its own origin. */
  assert_false(check(&plain_rules, "http://chat.example.org", host, "127.0.0.1", FORWARDED | NO_UPGRADE));
  assert_false(check(&plain_rules, "https://chat.example.org", host, "127.0.0.1", NO_UPGRADE));
  assert_false(check(&plain_rules, NULL, host, "127.0.0.1", FORWARDED | NO_UPGRADE));
  assert_false(check(&list_rules, "https://page.example", host, "127.0.0.1", NO_UPGRADE));
  assert_true(check(&plain_rules, NULL, "localhost:7700", "127.0.0.1", NO_UPGRADE));
  assert_true(check(&plain_rules, NULL, NULL, "127.0.0.1", NO_UPGRADE));
  /* Over TLS, the certificate has told who is asked. */
  assert_false(check(&plain_rules, "https://evil.example", "evil.example", "127.0.0.1", TLS));
  assert_true(check(&plain_rules, "https://cert.example", "cert.example", "127.0.0.1", TLS));
}

static void a_page_of_another_host_is_refused_whatever_its_scheme(void **state) {
  (void)state;
  /* A page over https may open ws:// to this machine: to a literal address, and to localhost. */
  assert_false(check(&plain_rules, "https://evil.example", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_false(check(&plain_rules, "https://evil.example", "localhost:7700", "127.0.0.1", PLAIN));
  assert_false(check(&plain_rules, "https://evil.example", "chat.example.org", "127.0.0.1", FORWARDED));
  assert_false(check(&plain_rules, "https://evil.example", "chat.example.org", "203.0.113.5", TLS));
  assert_false(check(&plain_rules, "http://localhost:8080", "localhost:7700", "127.0.0.1", PLAIN));
  assert_false(check(&plain_rules, "http://cert.example", "cert.example", "203.0.113.5", TLS));
  assert_false(check(&plain_rules, "https://cert.example:8443", "cert.example", "203.0.113.5", TLS));
  assert_false(check(&plain_rules, "ftp://localhost", "localhost", "127.0.0.1", PLAIN));
  assert_false(check(&plain_rules, "null", "localhost", "127.0.0.1", PLAIN));
  assert_false(check(&plain_rules, "", "localhost", "127.0.0.1", PLAIN));
  assert_false(check(&plain_rules, "http://a b", "localhost", "127.0.0.1", PLAIN));
}

static void configured_hosts_apply_to_every_connection(void **state) {
  (void)state;
  static const char *const locals[] = {"127.0.0.1", "203.0.113.5", NULL};
  for (size_t i = 0; i < COUNT(locals); i++) {
    assert_true(check(&host_rules, "http://chat.example.org", "chat.example.org", locals[i], PLAIN));
    assert_true(check(&host_rules, "http://chat.example.org:7700", "CHAT.example.org:7700", locals[i], PLAIN));
    assert_true(check(&host_rules, "http://localhost:7700", "localhost:7700", locals[i], PLAIN));
    assert_true(check(&host_rules, NULL, "chat.example.org", locals[i], PLAIN));
    assert_true(check(&host_rules, NULL, NULL, locals[i], NO_UPGRADE));
    for (unsigned ways = PLAIN; ways <= (TLS | FORWARDED | NO_UPGRADE); ways++) {
      assert_false(check(&host_rules, NULL, "other.example", locals[i], ways));
      assert_false(check(&host_rules, "https://other.example", "other.example", locals[i], ways));
    }
    assert_false(check(&host_rules, "https://chat.example.org", "other.example", locals[i], FORWARDED));
    assert_non_null(strstr(reason, "add \"other.example\" to server.hosts"));
  }
}

/* nginx's proxy_pass sends the address that it passes to as Host, unless it is told otherwise. */
static void pages_of_configured_hosts_are_allowed_behind_a_proxy(void **state) {
  (void)state;
  assert_true(check(&host_rules, "https://chat.example.org", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_true(check(&host_rules, "https://alt.example.org:8443", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_true(check(&host_rules, "https://alt.example.org:8443", "alt.example.org", "127.0.0.1", PLAIN));
  assert_true(check(&host_rules, "https://chat.example.org", "localhost", "127.0.0.1", TLS));
  assert_false(check(&host_rules, "http://chat.example.org", "localhost", "127.0.0.1", TLS));
  assert_false(check(&host_rules, "https://chat.example.org:8443", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_false(check(&host_rules, "https://alt.example.org", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_false(check(&host_rules, "https://evil.example", "127.0.0.1:7700", "127.0.0.1", PLAIN));
}

static void a_list_of_origins_replaces_the_default(void **state) {
  (void)state;
  assert_true(check(&list_rules, "https://page.example", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_true(check(&list_rules, "capacitor://localhost", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_false(check(&list_rules, "http://127.0.0.1:7700", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_string_equal(reason,
                      "a page of \"http://127.0.0.1:7700\" may not connect; to allow it, add "
                      "\"http://127.0.0.1:7700\" to server.allowed_origins");
  static const char *const anything[] = {"null", "file://", "capacitor://localhost", "http://evil.example", "rubbish"};
  for (size_t i = 0; i < COUNT(anything); i++) {
    assert_true(check(&star_rules, anything[i], "127.0.0.1:7700", "127.0.0.1", PLAIN));
  }
}

static void a_refusal_has_the_setting_to_add(void **state) {
  (void)state;
  assert_false(check(&plain_rules, "capacitor://localhost", "localhost:7700", "127.0.0.1", PLAIN));
  assert_string_equal(reason,
                      "a page of \"capacitor://localhost\" may not connect; to allow it, set "
                      "server.allowed_origins: [\"http://localhost:7700\", \"capacitor://localhost\"]");
  assert_false(check(&plain_rules, "null", "cert.example", "127.0.0.1", TLS));
  assert_string_equal(reason,
                      "a page of \"null\" may not connect; to allow it, set "
                      "server.allowed_origins: [\"https://cert.example\", \"null\"]");
  assert_false(check(&plain_rules, "https://chat.example:8443", "127.0.0.1:7700", "127.0.0.1", PLAIN));
  assert_string_equal(reason,
                      "a page of \"https://chat.example:8443\" may not connect; to allow it, set "
                      "server.hosts: [\"chat.example:8443\"] if it is this server's own page behind a proxy, else "
                      "server.allowed_origins: [\"https://chat.example:8443\"]");
}

static void a_refusal_does_not_repeat_malformed_values(void **state) {
  (void)state;
  char longest[3000] = "http://";
  memset(longest + 7, 'a', sizeof longest - 8);
  static const char *const rubbish[] = {"<script>alert(1)</script>", "http://<b>", "http://a/\"b", "\xff\xfe",
                                        "<b>://"};
  for (size_t i = 0; i < COUNT(rubbish); i++) {
    assert_false(check(&plain_rules, rubbish[i], "localhost", "127.0.0.1", PLAIN));
    assert_null(strpbrk(reason, "<>\xff"));
    assert_non_null(strstr(reason, "server.allowed_origins"));
    assert_false(check(&list_rules, rubbish[i], "localhost", "127.0.0.1", PLAIN));
    assert_null(strpbrk(reason, "<>\xff"));
  }
  assert_false(check(&plain_rules, longest, "localhost", "127.0.0.1", PLAIN));
  assert_true(strlen(reason) < 200);
  assert_false(check(&plain_rules, "http://evil.example", longest + 7, "127.0.0.1", PLAIN));
  assert_true(strlen(reason) < 200);
  longest[2000] = '.';
  assert_false(check(&plain_rules, longest, longest + 7, "127.0.0.1", PLAIN));
  assert_non_null(strstr(reason, "server.hosts"));
}

static void assert_fault(const char *(*fault_of)(struct stoa_string entry, char *out_text), const char *entry,
                         const char *expected) {
  char text[STOA_ORIGIN_REASON_SIZE];
  const char *fault = fault_of(stoa_string_of(entry), text);
  if (expected == NULL ? fault != NULL : fault == NULL || strstr(fault, expected) == NULL) {
    fail_msg("[%s]: %s", entry, fault == NULL ? "no fault" : fault);
  }
}

static void an_invalid_origin_is_reported_with_an_example(void **state) {
  (void)state;
  static const char *const good[] = {"*",       "null",    "https://chat.example.org", "http://[::1]:7700",
                                     "file://", "app://x", "capacitor://localhost"};
  for (size_t i = 0; i < COUNT(good); i++) {
    assert_fault(stoa_origin_entry_fault, good[i], NULL);
  }
  assert_fault(stoa_origin_entry_fault, "chat.example.org", "write \"https://chat.example.org\"");
  assert_fault(stoa_origin_entry_fault, "localhost:7700", "write \"https://localhost:7700\", or with http");
  assert_fault(stoa_origin_entry_fault, "https://host/path", "write \"https://host\"");
  assert_fault(stoa_origin_entry_fault, "https://host/", "write \"https://host\"");
  assert_fault(stoa_origin_entry_fault, "http://host:80?x", "write \"http://host:80\"");
  assert_fault(stoa_origin_entry_fault, "https://*.example.org", "in full");
  assert_fault(stoa_origin_entry_fault, "", "write scheme://host");
  assert_fault(stoa_origin_entry_fault, "https://host:99999", "write scheme://host");
  assert_fault(stoa_origin_entry_fault, "https://user@host", "write scheme://host");
  assert_fault(stoa_origin_entry_fault, "https://a, https://b", "write scheme://host");
}

static void an_invalid_host_is_reported_with_an_example(void **state) {
  (void)state;
  static const char *const good[] = {"chat.example.org", "chat.example.org:8443", "[::1]", "192.168.1.5", "box"};
  for (size_t i = 0; i < COUNT(good); i++) {
    assert_fault(stoa_host_entry_fault, good[i], NULL);
  }
  assert_fault(stoa_host_entry_fault, "https://chat.example.org", "write \"chat.example.org\"");
  assert_fault(stoa_host_entry_fault, "https://chat.example.org:8443/x", "write \"chat.example.org:8443\"");
  assert_fault(stoa_host_entry_fault, "chat.example.org/", "write \"chat.example.org\"");
  assert_fault(stoa_host_entry_fault, "*.example.org", "each host in full");
  assert_fault(stoa_host_entry_fault, "*", "each host in full");
  assert_fault(stoa_host_entry_fault, "", "write a name");
  assert_fault(stoa_host_entry_fault, "::1", "write a name");
  assert_fault(stoa_host_entry_fault, "a b", "write a name");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_that_was_rebound_is_refused_at_private_addresses),
      cmocka_unit_test(names_that_no_other_site_can_have_are_allowed),
      cmocka_unit_test(upgrades_that_no_rebound_page_can_send_are_allowed),
      cmocka_unit_test(a_page_of_another_host_is_refused_whatever_its_scheme),
      cmocka_unit_test(configured_hosts_apply_to_every_connection),
      cmocka_unit_test(pages_of_configured_hosts_are_allowed_behind_a_proxy),
      cmocka_unit_test(a_list_of_origins_replaces_the_default),
      cmocka_unit_test(a_refusal_has_the_setting_to_add),
      cmocka_unit_test(a_refusal_does_not_repeat_malformed_values),
      cmocka_unit_test(an_invalid_origin_is_reported_with_an_example),
      cmocka_unit_test(an_invalid_host_is_reported_with_an_example),
  };
  return cmocka_run_group_tests_name("origins and hosts", tests, NULL, NULL);
}
