#include "wire/ip.h"

#include <assert.h>

#include "wire/http_token.h"

#define GROUP_DIGITS_MAX 4
#define NO_GAP SIZE_MAX

static const uint8_t v4_prefix[STOA_IP_LEN - STOA_IPV4_LEN] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* One number of an IPv4 address at *at. */
static bool take_octet(struct stoa_string text, size_t *at, uint8_t *out_octet) {
  size_t start = *at;
  uint32_t value = 0;
  while (*at < text.len && *at - start < 3 && text.data[*at] >= '0' && text.data[*at] <= '9') {
    value = value * 10 + (uint32_t)(text.data[*at] - '0');
    *at += 1;
  }
  size_t digits = *at - start;
  *out_octet = (uint8_t)value;
  return digits > 0 && value <= 255 && (digits == 1 || text.data[start] != '0');
}

static bool parse_octets(struct stoa_string text, uint8_t out[STOA_IPV4_LEN]) {
  size_t at = 0;
  for (size_t i = 0; i < STOA_IPV4_LEN; i++) {
    if (i > 0 && (at == text.len || text.data[at++] != '.')) {
      return false;
    }
    if (!take_octet(text, &at, &out[i])) {
      return false;
    }
  }
  return at == text.len;
}

bool stoa_ip_parse_v4(struct stoa_string text, uint8_t out_address[STOA_IP_LEN]) {
  uint8_t octets[STOA_IPV4_LEN];
  if (!parse_octets(text, octets)) {
    return false;
  }
  memcpy(out_address, v4_prefix, sizeof v4_prefix);
  memcpy(out_address + sizeof v4_prefix, octets, STOA_IPV4_LEN);
  return true;
}

/* The state of reading an IPv6 address. */
struct reading {
  struct stoa_string text;
  size_t at;
  uint8_t bytes[STOA_IP_LEN];
  size_t filled;
  size_t gap; /* the offset of "::" in bytes; NO_GAP: none */
};

/* One to four hexadecimal digits. */
static bool take_group(struct reading *reading) {
  uint32_t value = 0;
  size_t digits = 0;
  while (reading->at < reading->text.len && digits < GROUP_DIGITS_MAX &&
         stoa_http_is_hex((uint8_t)reading->text.data[reading->at])) {
    value = value << 4 | stoa_http_hex((uint8_t)reading->text.data[reading->at]);
    reading->at++;
    digits++;
  }
  if (digits == 0 || reading->filled + 2 > STOA_IP_LEN) {
    return false;
  }
  reading->bytes[reading->filled++] = (uint8_t)(value >> 8);
  reading->bytes[reading->filled++] = (uint8_t)value;
  return true;
}

/* The last 32 bits may be written as IPv4. False when they are not. */
static bool take_octets(struct reading *reading) {
  struct stoa_string rest = stoa_string_make(reading->text.data + reading->at, reading->text.len - reading->at);
  if (reading->filled + STOA_IPV4_LEN > STOA_IP_LEN || !parse_octets(rest, reading->bytes + reading->filled)) {
    return false;
  }
  reading->filled += STOA_IPV4_LEN;
  reading->at = reading->text.len;
  return true;
}

/* Between two groups: one colon, or "::", which is allowed once and may also be the end. */
static bool take_colons(struct reading *reading) {
  struct stoa_string text = reading->text;
  if (text.data[reading->at] != ':') {
    return false;
  }
  reading->at++;
  if (reading->at == text.len) {
    return false;
  }
  if (text.data[reading->at] != ':') {
    return true;
  }
  if (reading->gap != NO_GAP) {
    return false;
  }
  reading->gap = reading->filled;
  reading->at++;
  return true;
}

static bool take_all(struct reading *reading) {
  if (reading->text.len >= 2 && memcmp(reading->text.data, "::", 2) == 0) {
    reading->gap = 0;
    reading->at = 2;
  }
  while (reading->at < reading->text.len) {
    if (take_octets(reading)) {
      break;
    }
    if (!take_group(reading) || (reading->at < reading->text.len && !take_colons(reading))) {
      return false;
    }
  }
  /* "::" replaces at least one group. */
  return reading->gap == NO_GAP ? reading->filled == STOA_IP_LEN : reading->filled <= STOA_IP_LEN - 2;
}

bool stoa_ip_parse_v6(struct stoa_string text, uint8_t out_address[STOA_IP_LEN]) {
  struct reading reading = {.text = text, .gap = NO_GAP};
  if (!take_all(&reading)) {
    return false;
  }
  size_t head_len = reading.gap < reading.filled ? reading.gap : reading.filled;
  size_t tail_len = reading.filled - head_len;
  assert(head_len + tail_len <= STOA_IP_LEN);
  memset(out_address, 0, STOA_IP_LEN);
  memcpy(out_address, reading.bytes, head_len);
  memcpy(out_address + STOA_IP_LEN - tail_len, reading.bytes + head_len, tail_len);
  return true;
}

bool stoa_ip_parse(struct stoa_string text, uint8_t out_address[STOA_IP_LEN]) {
  return stoa_ip_parse_v4(text, out_address) || stoa_ip_parse_v6(text, out_address);
}

static bool is_private_v4(const uint8_t octets[STOA_IPV4_LEN]) {
  return octets[0] == 127 || octets[0] == 10 || (octets[0] == 172 && (octets[1] & 0xf0) == 16) ||
         (octets[0] == 192 && octets[1] == 168) || (octets[0] == 169 && octets[1] == 254) ||
         (octets[0] == 100 && (octets[1] & 0xc0) == 64);
}

bool stoa_ip_is_unspecified(const uint8_t address[STOA_IP_LEN]) {
  static const uint8_t zero[STOA_IP_LEN];
  return memcmp(address, zero, sizeof zero) == 0;
}

bool stoa_ip_is_private(const uint8_t address[STOA_IP_LEN]) {
  static const uint8_t loopback[STOA_IP_LEN] = {[STOA_IP_LEN - 1] = 1};
  if (memcmp(address, v4_prefix, sizeof v4_prefix) == 0) {
    return is_private_v4(address + sizeof v4_prefix);
  }
  /* fc00::/7 and fe80::/10. */
  return memcmp(address, loopback, sizeof loopback) == 0 || (address[0] & 0xfe) == 0xfc ||
         (address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}
