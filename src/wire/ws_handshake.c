#include "wire/ws_handshake.h"

#include <assert.h>

#include "wire/http_token.h"
#include "wire/sha1.h"

/* RFC 6455 1.3. */
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_base64_digit(char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '+' ||
         byte == '/';
}

/* The value of a field that may occur once (RFC 6455 11.3). Returns how often it occurs: 0, 1, or 2 for more. */
static size_t single_field(const struct stoa_http_head *head, const uint8_t *data, const char *name,
                           struct stoa_string *out_value) {
  size_t index = 0;
  *out_value = stoa_http_field(head, data, name, &index);
  if (out_value->data == NULL) {
    return 0;
  }
  return stoa_http_field(head, data, name, &index).data == NULL ? 1 : 2;
}

/* RFC 6455 4.2.1 5: base64 of 16 bytes has 22 digits and two padding characters. The last digit has four unused bits,
 * which are not checked: RFC 4648 3.5 allows that, and the key is never decoded. */
static bool key_valid(struct stoa_string key) {
  if (key.len != STOA_WS_KEY_LEN || key.data[22] != '=' || key.data[23] != '=') {
    return false;
  }
  for (size_t i = 0; i < 22; i++) {
    if (!is_base64_digit(key.data[i])) {
      return false;
    }
  }
  return true;
}

int stoa_ws_request_read(const struct stoa_http_head *head, const uint8_t *data, struct stoa_ws_request *out_request) {
  struct stoa_ws_request request;
  struct stoa_string version;
  if (!stoa_http_has_token(head, data, "Upgrade", "websocket")) {
    return 0;
  }
  if (head->minor_version == 0) {
    return 426;
  }
  if (head->method != STOA_HTTP_GET || !stoa_http_has_token(head, data, "Connection", "upgrade")) {
    return 400;
  }
  /* The version is checked before the key, because the key may be different in another version. */
  size_t versions = single_field(head, data, "Sec-WebSocket-Version", &version);
  if (versions > 1) {
    return 400;
  }
  if (versions == 0 || !stoa_string_equal(version, stoa_string_of("13"))) {
    return 426;
  }
  if (single_field(head, data, "Sec-WebSocket-Key", &request.key) != 1 || !key_valid(request.key)) {
    return 400;
  }
  /* RFC 6454 7.3: one Origin at most. With two, a check of the first would not cover the second. */
  if (single_field(head, data, "Origin", &request.origin) > 1) {
    return 400;
  }
  request.host = stoa_http_field(head, data, "Host", NULL);
  *out_request = request;
  return 101;
}

struct stoa_string stoa_ws_protocol_next(const struct stoa_http_head *head, const uint8_t *data,
                                         struct stoa_ws_protocol_cursor *cursor) {
  const struct stoa_string none = stoa_string_make(NULL, 0);
  for (;;) {
    size_t next_field = cursor->field;
    struct stoa_string value = stoa_http_field(head, data, "Sec-WebSocket-Protocol", &next_field);
    struct stoa_string name;
    if (value.data == NULL) {
      return none;
    }
    /* The next call begins at this field, so earlier fields are not compared again. */
    cursor->field = next_field - 1;
    if (!stoa_http_list_next(value, &cursor->at, &name)) {
      cursor->field = next_field;
      cursor->at = 0;
      continue;
    }
    if (stoa_http_is_token(name)) {
      return name;
    }
    /* RFC 9110 5.6.1.2: empty elements are skipped. Anything else is an error in the grammar, and the end. */
    if (name.len > 0) {
      cursor->field = head->fields.count;
      return none;
    }
  }
}

/* Base64 of a SHA-1 digest: 20 bytes are six groups of three and two more bytes. */
static void digest_encode(const uint8_t digest[STOA_SHA1_LEN], char out[STOA_WS_ACCEPT_LEN]) {
  for (size_t group = 0; group < 7; group++) {
    const uint8_t *at = digest + 3 * group;
    uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | (group < 6 ? at[2] : 0u);
    for (size_t i = 0; i < 4; i++) {
      out[4 * group + i] = base64_digits[bits >> (18 - 6 * i) & 0x3f];
    }
  }
  out[STOA_WS_ACCEPT_LEN - 1] = '=';
}

void stoa_ws_accept(struct stoa_string key, char out_accept[STOA_WS_ACCEPT_LEN]) {
  char text[STOA_WS_KEY_LEN + sizeof ACCEPT_GUID - 1];
  uint8_t digest[STOA_SHA1_LEN];
  assert(key.len == STOA_WS_KEY_LEN);
  memcpy(text, key.data, STOA_WS_KEY_LEN);
  memcpy(text + STOA_WS_KEY_LEN, ACCEPT_GUID, sizeof ACCEPT_GUID - 1);
  stoa_sha1(stoa_bytes_make(text, sizeof text), digest);
  digest_encode(digest, out_accept);
}

/* A text in a buffer of fixed size; `fits` is false from the first piece on that does not fit. */
struct writer {
  char *out;
  size_t size;
  size_t len;
  bool fits;
};

static void put(struct writer *writer, const char *text, size_t len) {
  writer->fits = writer->fits && len <= writer->size - writer->len;
  if (writer->fits) {
    memcpy(writer->out + writer->len, text, len);
    writer->len += len;
  }
}

static void put_field(struct writer *writer, const char *name, const char *value, size_t value_len) {
  put(writer, name, strlen(name));
  put(writer, ": ", 2);
  put(writer, value, value_len);
  put(writer, "\r\n", 2);
}

size_t stoa_ws_response(struct stoa_string key, const char *protocol, const struct stoa_ws_deflate *deflate,
                        const char *fields, char *out, size_t out_size) {
  static const char opening[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  struct writer writer = {out, out_size, 0, true};
  char accept[STOA_WS_ACCEPT_LEN];
  stoa_ws_accept(key, accept);
  put(&writer, opening, sizeof opening - 1);
  put_field(&writer, "Sec-WebSocket-Accept", accept, sizeof accept);
  if (protocol != NULL) {
    put_field(&writer, "Sec-WebSocket-Protocol", protocol, strlen(protocol));
  }
  if (deflate != NULL) {
    char extension[160];
    put_field(&writer, "Sec-WebSocket-Extensions", extension,
              stoa_ws_deflate_answer(deflate, extension, sizeof extension));
  }
  if (fields != NULL) {
    put(&writer, fields, strlen(fields));
  }
  put(&writer, "\r\n", 2);
  return writer.fits ? writer.len : 0;
}
