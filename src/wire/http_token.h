/* wire/http_token.h: the basic grammar of HTTP fields (RFC 9110 5.6): tokens, blanks and lists.
 *
 * For this layer only. Thread: any.
 */
#ifndef STOA_WIRE_HTTP_TOKEN_H
#define STOA_WIRE_HTTP_TOKEN_H

#include <stoa/bytes.h>

enum stoa_http_class {
  STOA_HTTP_TOKEN = 1,  /* tchar, RFC 9110 5.6.2 */
  STOA_HTTP_VALUE = 2,  /* field-vchar and the blanks between, RFC 9110 5.5 */
  STOA_HTTP_TARGET = 4, /* allowed in a request target, see http_token.c */
  STOA_HTTP_HOST = 8    /* reg-name, RFC 3986 3.2.2 */
};

/* The set of classes of each byte. */
extern const uint8_t stoa_http_classes[256];

static inline bool stoa_http_is(uint8_t byte, enum stoa_http_class class) {
  return (stoa_http_classes[byte] & class) != 0;
}

static inline bool stoa_http_is_blank(uint8_t byte) {
  return byte == ' ' || byte == '\t';
}

static inline uint8_t stoa_http_lower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static inline bool stoa_http_is_hex(uint8_t byte) {
  uint8_t low = (uint8_t)(byte | 0x20);
  return (byte >= '0' && byte <= '9') || (low >= 'a' && low <= 'f');
}

/* The value of a hexadecimal digit. */
static inline uint8_t stoa_http_hex(uint8_t byte) {
  return (uint8_t)(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
}

/* Are they equal, without regard to the case of ASCII letters? */
bool stoa_http_equal_fold(struct stoa_string a, struct stoa_string b);

/* The text without the blanks around it. */
struct stoa_string stoa_http_trim(struct stoa_string text);

/* The next element of a comma-separated list, without the blanks around it. Elements may be empty; quoted strings are
 * not recognized. Start with *at = 0. False at the end. */
bool stoa_http_list_next(struct stoa_string list, size_t *at, struct stoa_string *out_element);

#endif
