#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard.h"
#include "wire/ws_url.h"

static bool is(struct stoa_string got, const char *expected) {
  return expected == NULL ? got.data == NULL : got.data != NULL && stoa_string_equal(got, stoa_string_of(expected));
}

static void urls_are_parsed(void **state) {
  static const struct {
    const char *text, *host;
    uint16_t port;
    bool tls;
    const char *authority, *target, *socket_path;
  } urls[] = {
      {"ws://example.com", "example.com", 80, false, "example.com", "", NULL},
      {"wss://example.com", "example.com", 443, true, "example.com", "", NULL},
      {"WSS://example.com/", "example.com", 443, true, "example.com", "/", NULL},
      {"ws://example.com:7700/chat?a=b/c", "example.com", 7700, false, "example.com:7700", "/chat?a=b/c", NULL},
      {"ws://example.com:?a", "example.com", 80, false, "example.com:", "?a", NULL},
      {"ws://192.0.2.1:65535", "192.0.2.1", 65535, false, "192.0.2.1:65535", "", NULL},
      {"wss://[2001:db8::1]:1/x", "2001:db8::1", 1, true, "[2001:db8::1]:1", "/x", NULL},
      {"ws+unix:/run/stoa.sock", NULL, 0, false, "localhost", "", "/run/stoa.sock"},
      {"ws+unix:/run/stoa.sock:/chat?a:b", NULL, 0, false, "localhost", "/chat?a:b", "/run/stoa.sock"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    struct stoa_ws_url url;
    assert_int_equal(stoa_ws_url_parse(stoa_string_of(urls[i].text), &url), STOA_OK);
    if (!is(url.host, urls[i].host) || url.port != urls[i].port || url.tls != urls[i].tls ||
        !is(url.authority, urls[i].authority) || !is(url.target, urls[i].target) ||
        !is(url.socket_path, urls[i].socket_path)) {
      fail_msg("%s", urls[i].text);
    }
  }
}

static void what_is_not_a_websocket_url_is_refused(void **state) {
  static const char *const bad[] = {
      "",
      "ws",
      "ws:",
      "ws://",
      "ws:///path",
      "ws://:80/",
      "http://example.com/",
      "example.com",
      "ws://user@example.com/",
      "ws://user:secret@example.com/",
      "ws://example.com:0/",
      "ws://example.com:65536/",
      "ws://example.com:7a/",
      "ws://[::1/",
      "ws://[]/",
      "ws://example.com/#part",
      "ws://example.com/a b",
      "ws://example.com/\r\nX: y",
      "ws://exa mple.com/",
      "ws://example.com\\path",
      "ws+unix:",
      "ws+unix:/",
      "ws+unix:run/stoa.sock",
      "ws+unix:/run/stoa.sock:chat",
      "ws+unix:/run/stoa.sock:/a#b",
  };
  struct guard guard = guard_make(4096);
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct stoa_ws_url url;
    size_t len = strlen(bad[i]);
    const char *text = (const char *)guard_copy(&guard, bad[i], len);
    if (stoa_ws_url_parse(stoa_string_make(text, len), &url) != STOA_E_SYNTAX) {
      fail_msg("%s was taken", bad[i]);
    }
  }
  assert_int_equal(stoa_ws_url_parse(stoa_string_make("ws+unix:/a\0b", 12), &(struct stoa_ws_url){0}), STOA_E_SYNTAX);
  guard_free(&guard);
}

static void a_url_has_at_most_2048_bytes(void **state) {
  static char text[2049];
  struct stoa_ws_url url;
  (void)state;
  memset(text, 'a', sizeof text);
  memcpy(text, "ws://a/", 7);
  assert_int_equal(stoa_ws_url_parse(stoa_string_make(text, 2048), &url), STOA_OK);
  assert_int_equal(stoa_ws_url_parse(stoa_string_make(text, 2049), &url), STOA_E_SYNTAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(urls_are_parsed),
      cmocka_unit_test(what_is_not_a_websocket_url_is_refused),
      cmocka_unit_test(a_url_has_at_most_2048_bytes),
  };
  return cmocka_run_group_tests_name("URLs", tests, NULL, NULL);
}
