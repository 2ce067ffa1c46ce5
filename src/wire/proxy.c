#include "wire/proxy.h"

#include <assert.h>

#define V1_PREFIX "PROXY "
#define V1_BYTES_MAX 107

#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_SIGNATURE_LEN 12
#define V2_HEAD_LEN 16
#define V2_COMMAND_LOCAL 0x20
#define V2_COMMAND_PROXY 0x21
#define V2_UNSPEC 0x00
#define V2_TCP4 0x11
#define V2_UDP4 0x12
#define V2_TCP6 0x21
#define V2_UDP6 0x22
#define V2_UNIX_STREAM 0x31
#define V2_UNIX_DGRAM 0x32
#define V2_ADDITION_HEAD_LEN 3

#define PATH_LEN 108

static size_t min_size(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n". */

/* The next word, which ends at a single blank or at the end of the line. An empty word is not valid. */
static struct stoa_string take_word(struct stoa_string *line) {
  const char *blank = line->len > 0 ? memchr(line->data, ' ', line->len) : NULL;
  struct stoa_string word = stoa_string_make(line->data, blank != NULL ? (size_t)(blank - line->data) : line->len);
  size_t taken = blank != NULL ? word.len + 1 : word.len;
  *line = stoa_string_make(line->data + taken, line->len - taken);
  return word;
}

static bool parse_port(struct stoa_string text, uint16_t *out_port) {
  uint32_t port = 0;
  if (text.len == 0 || text.len > 5 || (text.len > 1 && text.data[0] == '0')) {
    return false;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    port = port * 10 + (uint32_t)(text.data[i] - '0');
  }
  *out_port = (uint16_t)port;
  return port <= 65535;
}

/* The text between "PROXY " and the end of the line. */
static int v1_line(struct stoa_string line, struct stoa_proxy_header *header) {
  bool ends_in_blank = line.len > 0 && line.data[line.len - 1] == ' ';
  struct stoa_string protocol = take_word(&line);
  /* After UNKNOWN, a receiver must ignore the rest of the line. */
  if (stoa_string_equal(protocol, stoa_string_of("UNKNOWN"))) {
    return STOA_OK;
  }
  bool is_v4 = stoa_string_equal(protocol, stoa_string_of("TCP4"));
  if (!is_v4 && !stoa_string_equal(protocol, stoa_string_of("TCP6"))) {
    return STOA_E_SYNTAX;
  }
  bool (*parse)(struct stoa_string, uint8_t *) = is_v4 ? stoa_ip_parse_v4 : stoa_ip_parse_v6;
  header->family = STOA_PROXY_IP;
  bool good = parse(take_word(&line), header->source) && parse(take_word(&line), header->destination) &&
              parse_port(take_word(&line), &header->source_port) &&
              parse_port(take_word(&line), &header->destination_port);
  return good && line.len == 0 && !ends_in_blank ? STOA_OK : STOA_E_SYNTAX;
}

static int v1_parse(const uint8_t *data, size_t len, struct stoa_proxy_header *header, size_t *out_used) {
  const size_t prefix_len = sizeof V1_PREFIX - 1;
  size_t seen = min_size(len, V1_BYTES_MAX);
  for (size_t at = prefix_len; at < seen; at++) {
    if (data[at] == '\n') {
      return STOA_E_SYNTAX;
    }
    if (data[at] != '\r') {
      continue;
    }
    if (at + 1 == seen) {
      break;
    }
    if (data[at + 1] != '\n') {
      return STOA_E_SYNTAX;
    }
    *out_used = at + 2;
    return v1_line(stoa_string_make((const char *)data + prefix_len, at - prefix_len), header);
  }
  return seen < V1_BYTES_MAX ? STOA_E_AGAIN : STOA_E_SYNTAX;
}

/* Version 2: the signature, version and command, family and protocol, length; addresses and additions. */

static uint16_t big_endian(const uint8_t *bytes) {
  return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The bytes that the addresses of a family take, or SIZE_MAX for one that is not defined. */
static size_t addresses_len(uint8_t family) {
  switch (family) {
    case V2_UNSPEC:
      return 0;
    case V2_TCP4:
    case V2_UDP4:
      return 2 * STOA_IPV4_LEN + 4;
    case V2_TCP6:
    case V2_UDP6:
      return 2 * STOA_IP_LEN + 4;
    case V2_UNIX_STREAM:
    case V2_UNIX_DGRAM:
      return 2 * PATH_LEN;
    default:
      return SIZE_MAX;
  }
}

static void map_v4(const uint8_t octets[STOA_IPV4_LEN], uint8_t out_address[STOA_IP_LEN]) {
  memset(out_address, 0, STOA_IP_LEN);
  memset(out_address + 10, 0xff, 2);
  memcpy(out_address + 12, octets, STOA_IPV4_LEN);
}

/* A path ends at the first NUL. One that begins with NUL is abstract or empty, and not used here. */
static struct stoa_string path_at(const uint8_t *bytes) {
  return stoa_string_make((const char *)bytes, strnlen((const char *)bytes, PATH_LEN));
}

static void read_addresses(uint8_t family, const uint8_t *at, struct stoa_proxy_header *header) {
  if (family == V2_TCP4) {
    header->family = STOA_PROXY_IP;
    map_v4(at, header->source);
    map_v4(at + STOA_IPV4_LEN, header->destination);
    header->source_port = big_endian(at + 2 * STOA_IPV4_LEN);
    header->destination_port = big_endian(at + 2 * STOA_IPV4_LEN + 2);
  } else if (family == V2_TCP6) {
    header->family = STOA_PROXY_IP;
    memcpy(header->source, at, STOA_IP_LEN);
    memcpy(header->destination, at + STOA_IP_LEN, STOA_IP_LEN);
    header->source_port = big_endian(at + 2 * STOA_IP_LEN);
    header->destination_port = big_endian(at + 2 * STOA_IP_LEN + 2);
  } else if (family == V2_UNIX_STREAM) {
    header->family = STOA_PROXY_UNIX;
    header->source_path = path_at(at);
    header->destination_path = path_at(at + PATH_LEN);
  }
}

/* Additions up to the end: each has a type, a length and a value. */
static int check_additions(const uint8_t *data, size_t len) {
  size_t at = 0;
  for (size_t count = 0; at < len; count++) {
    if (count == STOA_PROXY_ADDITIONS_MAX) {
      return STOA_E_LIMIT;
    }
    if (len - at < V2_ADDITION_HEAD_LEN) {
      return STOA_E_SYNTAX;
    }
    size_t value_len = big_endian(data + at + 1);
    at += V2_ADDITION_HEAD_LEN;
    if (value_len > len - at) {
      return STOA_E_SYNTAX;
    }
    at += value_len;
  }
  return STOA_OK;
}

/* Check the first 16 bytes, without the addresses. */
static int v2_head(const uint8_t *data) {
  size_t rest_len = big_endian(data + 14);
  if (rest_len > STOA_PROXY_BYTES_MAX - V2_HEAD_LEN) {
    return STOA_E_LIMIT;
  }
  /* LOCAL is a connection of the proxy itself, such as a health check; its family must be ignored. */
  return data[12] == V2_COMMAND_LOCAL || addresses_len(data[13]) <= rest_len ? STOA_OK : STOA_E_SYNTAX;
}

static int v2_parse(const uint8_t *data, size_t len, struct stoa_proxy_header *header, size_t *out_used) {
  if (len > V2_SIGNATURE_LEN && data[12] != V2_COMMAND_LOCAL && data[12] != V2_COMMAND_PROXY) {
    return STOA_E_SYNTAX;
  }
  if (len < V2_HEAD_LEN) {
    return STOA_E_AGAIN;
  }
  int status = v2_head(data);
  size_t rest_len = big_endian(data + 14);
  if (status != STOA_OK) {
    return status;
  }
  if (len - V2_HEAD_LEN < rest_len) {
    return STOA_E_AGAIN;
  }
  *out_used = V2_HEAD_LEN + rest_len;
  if (data[12] == V2_COMMAND_LOCAL || data[13] == V2_UNSPEC) {
    return STOA_OK;
  }
  read_addresses(data[13], data + V2_HEAD_LEN, header);
  size_t taken = addresses_len(data[13]);
  assert(taken <= rest_len);
  return check_additions(data + V2_HEAD_LEN + taken, rest_len - taken);
}

static bool begins_with(const uint8_t *data, size_t len, const char *wanted, size_t wanted_len) {
  return memcmp(data, wanted, min_size(len, wanted_len)) == 0;
}

int stoa_proxy_parse(const uint8_t *data, size_t len, struct stoa_proxy_header *out_header, size_t *out_used) {
  struct stoa_proxy_header header = {0};
  size_t used = 0;
  int status;
  if (len == 0) {
    return STOA_E_AGAIN;
  }
  if (begins_with(data, len, V1_PREFIX, sizeof V1_PREFIX - 1)) {
    status = v1_parse(data, len, &header, &used);
  } else if (begins_with(data, len, V2_SIGNATURE, V2_SIGNATURE_LEN)) {
    status = v2_parse(data, len, &header, &used);
  } else {
    return STOA_E_SYNTAX;
  }
  if (status == STOA_OK && header.family == STOA_PROXY_IP && stoa_ip_is_unspecified(header.source)) {
    return STOA_E_SYNTAX;
  }
  if (status == STOA_OK) {
    assert(used > 0 && used <= len && used <= STOA_PROXY_BYTES_MAX);
    *out_header = header;
    *out_used = used;
  }
  return status;
}
