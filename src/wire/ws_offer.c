#include "wire/ws_offer.h"

#include "base/array.h"
#include "wire/http_token.h"
#include "wire/ws_deflate.h"
#include "wire/ws_handshake.h"

#include <assert.h>

/* The handshake writes these itself, or they would change how a server reads the request. */
static const char *const reserved_names[] = {"Host",
                                             "Upgrade",
                                             "Connection",
                                             "Content-Length",
                                             "Transfer-Encoding",
                                             "Sec-WebSocket-Key",
                                             "Sec-WebSocket-Version",
                                             "Sec-WebSocket-Protocol",
                                             "Sec-WebSocket-Extensions",
                                             "Sec-WebSocket-Accept"};

static bool all_of(struct stoa_string text, enum stoa_http_class class) {
  for (size_t i = 0; i < text.len; i++) {
    if (!stoa_http_is((uint8_t)text.data[i], class)) {
      return false;
    }
  }
  return true;
}

static bool name_allowed(struct stoa_string name) {
  if (name.len == 0 || !all_of(name, STOA_HTTP_TOKEN)) {
    return false;
  }
  for (size_t i = 0; i < STOA_COUNT_OF(reserved_names); i++) {
    if (stoa_http_equal_fold(name, stoa_string_of(reserved_names[i]))) {
      return false;
    }
  }
  return true;
}

/* The request while it is written; the first status that is not STOA_OK is kept. */
struct writer {
  struct stoa_buffer *out;
  int status;
};

static void put(struct writer *writer, struct stoa_string text) {
  if (writer->status == STOA_OK) {
    writer->status = stoa_buffer_append(writer->out, text.data, text.len);
  }
}

static void put_literal(struct writer *writer, const char *text) {
  put(writer, stoa_string_of(text));
}

static void put_field(struct writer *writer, const char *name, struct stoa_string value) {
  put_literal(writer, name);
  put_literal(writer, ": ");
  put(writer, value);
  put_literal(writer, "\r\n");
}

static int end_of(struct writer *writer, size_t start) {
  assert(writer->out->len >= start);
  if (writer->status != STOA_OK) {
    writer->out->len = start;
  }
  return writer->status;
}

int stoa_ws_offer_field(struct stoa_buffer *fields, const char *name, const char *value) {
  struct stoa_string text = stoa_string_of(value);
  if (!name_allowed(stoa_string_of(name)) || !all_of(text, STOA_HTTP_VALUE) || stoa_http_trim(text).len != text.len) {
    return STOA_E_ARGUMENT;
  }
  struct writer writer = {fields, STOA_OK};
  size_t start = fields->len;
  put_field(&writer, name, text);
  return end_of(&writer, start);
}

int stoa_ws_offer_write(const struct stoa_ws_offer *offer, struct stoa_buffer *out) {
  struct writer writer = {out, STOA_OK};
  size_t start = out->len;
  put_literal(&writer, "GET ");
  if (offer->target.len == 0 || offer->target.data[0] != '/') {
    put_literal(&writer, "/");
  }
  put(&writer, offer->target);
  put_literal(&writer, " HTTP/1.1\r\n");
  put_field(&writer, "Host", offer->authority);
  put_literal(&writer, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  put_field(&writer, "Sec-WebSocket-Key", stoa_string_make(offer->key, sizeof offer->key));
  if (offer->protocol != NULL) {
    put_field(&writer, "Sec-WebSocket-Protocol", stoa_string_of(offer->protocol));
  }
  if (offer->deflate) {
    put_field(&writer, "Sec-WebSocket-Extensions", stoa_string_of(STOA_WS_DEFLATE_OFFER));
  }
  put(&writer, stoa_string_make((const char *)offer->more_fields->data, offer->more_fields->len));
  put_literal(&writer, "\r\n");
  return end_of(&writer, start);
}

/* The answer that is checked. */
struct answer {
  const struct stoa_http_response *response;
  const uint8_t *data;
};

/* How often a field occurs: 0, 1, or 2 for more. */
static size_t single_field(const struct answer *answer, const char *name, struct stoa_string *out_value) {
  size_t index = 0;
  *out_value = stoa_http_response_field(answer->response, answer->data, name, &index);
  if (out_value->data == NULL) {
    return 0;
  }
  return stoa_http_response_field(answer->response, answer->data, name, &index).data == NULL ? 1 : 2;
}

static bool has_token(const struct answer *answer, const char *name, const char *token) {
  size_t index = 0;
  struct stoa_string value;
  while ((value = stoa_http_response_field(answer->response, answer->data, name, &index)).data != NULL) {
    size_t at = 0;
    struct stoa_string element;
    while (stoa_http_list_next(value, &at, &element)) {
      if (stoa_http_equal_fold(element, stoa_string_of(token))) {
        return true;
      }
    }
  }
  return false;
}

static int reject(int status, const char *reason, const char **out_reason) {
  *out_reason = reason;
  return status;
}

static bool accepts(const struct answer *answer, const struct stoa_ws_offer *offer) {
  struct stoa_string value;
  char expected[STOA_WS_ACCEPT_LEN];
  stoa_ws_accept(stoa_string_make(offer->key, sizeof offer->key), expected);
  return single_field(answer, "Sec-WebSocket-Accept", &value) == 1 &&
         stoa_string_equal(value, stoa_string_make(expected, sizeof expected));
}

/* RFC 6455 4.1, the client's checks 5 and 6. The protocol is compared exactly: it is one of the names offered. */
static int check_agreed(const struct answer *answer, const struct stoa_ws_offer *offer, bool *out_deflate,
                        const char **out_reason) {
  struct stoa_string value;
  size_t extensions = single_field(answer, "Sec-WebSocket-Extensions", &value);
  bool deflate = offer->deflate && extensions == 1 && stoa_ws_deflate_taken(value);
  if (extensions != 0 && !deflate) {
    return reject(STOA_E_SYNTAX, "an extension that was not offered", out_reason);
  }
  size_t count = single_field(answer, "Sec-WebSocket-Protocol", &value);
  if (count == 0 && offer->protocol != NULL) {
    return reject(STOA_E_UNSUPPORTED, "the subprotocol is not supported", out_reason);
  }
  if (count > 1 || (count == 1 && offer->protocol == NULL) ||
      (count == 1 && !stoa_string_equal(value, stoa_string_of(offer->protocol)))) {
    return reject(STOA_E_SYNTAX, "a subprotocol that was not offered", out_reason);
  }
  *out_deflate = deflate;
  return STOA_OK;
}

int stoa_ws_offer_check(const struct stoa_ws_offer *offer, const struct stoa_http_response *response,
                        const uint8_t *data, bool *out_deflate, const char **out_reason) {
  const struct answer answer = {response, data};
  struct stoa_string upgrade;
  if (response->status != 101) {
    return reject(STOA_E_DENIED, "the upgrade was refused", out_reason);
  }
  if (single_field(&answer, "Upgrade", &upgrade) != 1 || !stoa_http_equal_fold(upgrade, stoa_string_of("websocket")) ||
      !has_token(&answer, "Connection", "upgrade")) {
    return reject(STOA_E_SYNTAX, "no upgrade to WebSocket", out_reason);
  }
  if (!accepts(&answer, offer)) {
    return reject(STOA_E_SYNTAX, "wrong Sec-WebSocket-Accept", out_reason);
  }
  return check_agreed(&answer, offer, out_deflate, out_reason);
}
