#include "wire/forwarded.h"

#include "base/array.h"
#include "wire/http_token.h"

/* The last hops of a list that is read from left to right. */
struct ring {
  struct stoa_forwarded_hop hops[STOA_FORWARDED_HOPS_MAX];
  size_t count; /* of all hops that were added */
};

static void ring_put(struct ring *ring, const struct stoa_forwarded_hop *hop) {
  ring->hops[ring->count % STOA_FORWARDED_HOPS_MAX] = *hop;
  ring->count++;
}

static void ring_unwind(const struct ring *ring, struct stoa_forwarded_path *out_path) {
  size_t kept = ring->count < STOA_FORWARDED_HOPS_MAX ? ring->count : STOA_FORWARDED_HOPS_MAX;
  for (size_t i = 0; i < kept; i++) {
    out_path->hops[i] = ring->hops[(ring->count - 1 - i) % STOA_FORWARDED_HOPS_MAX];
  }
  out_path->count = kept;
}

/* RFC 7239 6.3: digits, or "_" and characters of a token. */
static bool is_port(struct stoa_string text) {
  bool is_obfuscated = text.len > 1 && text.data[0] == '_';
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.data[i];
    if (is_obfuscated ? !stoa_http_is(byte, STOA_HTTP_TOKEN) : byte < '0' || byte > '9') {
      return false;
    }
  }
  return text.len > 0 && (is_obfuscated || text.len <= 5);
}

/* RFC 7239 6: an address, and perhaps a port. An IPv6 address has brackets here, but mostly has none in
 * X-Forwarded-For. */
static struct stoa_forwarded_hop parse_address(struct stoa_string node) {
  struct stoa_forwarded_hop hop = {0};
  if (stoa_ip_parse(node, hop.address)) {
    hop.is_known = true;
    return hop;
  }
  const char *colon = node.len > 0 ? memrchr(node.data, ':', node.len) : NULL;
  struct stoa_string host = node;
  if (node.len > 0 && node.data[node.len - 1] != ']' && colon != NULL) {
    host.len = (size_t)(colon - node.data);
    if (!is_port(stoa_string_make(colon + 1, node.len - host.len - 1))) {
      return hop;
    }
  }
  if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
    hop.is_known = stoa_ip_parse_v6(stoa_string_make(host.data + 1, host.len - 2), hop.address);
  } else {
    hop.is_known = stoa_ip_parse_v4(host, hop.address);
  }
  return hop;
}

/* The unspecified address names nobody, and is how unix sockets are written elsewhere. */
static struct stoa_forwarded_hop parse_node(struct stoa_string node) {
  struct stoa_forwarded_hop hop = parse_address(node);
  hop.is_known = hop.is_known && !stoa_ip_is_unspecified(hop.address);
  return hop;
}

void stoa_forwarded_read_list(const struct stoa_http_head *head, const uint8_t *data,
                              struct stoa_forwarded_path *out_path) {
  struct ring ring = {0};
  size_t index = 0;
  struct stoa_string value;
  while ((value = stoa_http_field(head, data, "X-Forwarded-For", &index)).data != NULL) {
    size_t at = 0;
    struct stoa_string element;
    while (stoa_http_list_next(value, &at, &element)) {
      if (element.len > 0) {
        struct stoa_forwarded_hop hop = parse_node(element);
        ring_put(&ring, &hop);
      }
    }
  }
  ring_unwind(&ring, out_path);
}

/* The state of reading one value of a Forwarded field. */
struct reading {
  struct stoa_string text;
  size_t at;
  bool is_broken;
};

static void skip_blanks(struct reading *reading) {
  while (reading->at < reading->text.len && stoa_http_is_blank((uint8_t)reading->text.data[reading->at])) {
    reading->at++;
  }
}

static bool at_byte(const struct reading *reading, char byte) {
  return reading->at < reading->text.len && reading->text.data[reading->at] == byte;
}

/* Up to the next separator. A quote in it is an error: it begins no string. */
static struct stoa_string take_plain(struct reading *reading, bool stop_at_equals) {
  size_t start = reading->at;
  while (reading->at < reading->text.len && !at_byte(reading, ',') && !at_byte(reading, ';') &&
         !(stop_at_equals && at_byte(reading, '='))) {
    reading->is_broken = reading->is_broken || at_byte(reading, '"');
    reading->at++;
  }
  return stoa_http_trim(stoa_string_make(reading->text.data + start, reading->at - start));
}

/* RFC 9110 5.6.4. The text between the quotes, unchanged: an address needs no escapes, and text with an escape is no
 * address. */
static struct stoa_string take_quoted(struct reading *reading) {
  reading->at++;
  size_t start = reading->at;
  while (reading->at < reading->text.len && !at_byte(reading, '"')) {
    reading->at += at_byte(reading, '\\') ? 2 : 1;
  }
  if (reading->at >= reading->text.len) {
    reading->is_broken = true;
    reading->at = reading->text.len;
    return stoa_string_make(NULL, 0);
  }
  struct stoa_string inside = stoa_string_make(reading->text.data + start, reading->at - start);
  reading->at++;
  skip_blanks(reading);
  reading->is_broken =
      reading->is_broken || (reading->at < reading->text.len && !at_byte(reading, ',') && !at_byte(reading, ';'));
  return inside;
}

/* One element: pairs separated by semicolons, up to the comma. *out_is_empty: the element has no text. */
static struct stoa_forwarded_hop take_element(struct reading *reading, bool *out_is_empty) {
  struct stoa_forwarded_hop hop = {0};
  size_t for_count = 0;
  *out_is_empty = true;
  for (;;) {
    skip_blanks(reading);
    struct stoa_string name = take_plain(reading, true);
    *out_is_empty = *out_is_empty && name.len == 0 && !at_byte(reading, '=');
    if (at_byte(reading, '=')) {
      reading->at++;
      skip_blanks(reading);
      struct stoa_string value = at_byte(reading, '"') ? take_quoted(reading) : take_plain(reading, false);
      if (stoa_http_equal_fold(name, stoa_string_of("for"))) {
        hop = parse_node(value);
        for_count++;
      }
    }
    if (reading->is_broken || !at_byte(reading, ';')) {
      break;
    }
    reading->at++;
  }
  /* RFC 7239 4: an element may have a parameter only once. */
  hop.is_known = hop.is_known && for_count == 1;
  return hop;
}

int stoa_forwarded_read(const struct stoa_http_head *head, const uint8_t *data, struct stoa_forwarded_path *out_path) {
  struct ring ring = {0};
  size_t index = 0;
  struct stoa_string value;
  while ((value = stoa_http_field(head, data, "Forwarded", &index)).data != NULL) {
    struct reading reading = {.text = value};
    while (reading.at < value.len) {
      bool is_empty;
      struct stoa_forwarded_hop hop = take_element(&reading, &is_empty);
      if (reading.is_broken) {
        return STOA_E_SYNTAX;
      }
      if (!is_empty) {
        ring_put(&ring, &hop);
      }
      reading.at++; /* the comma */
    }
  }
  ring_unwind(&ring, out_path);
  return STOA_OK;
}

/* The hop of the client, or NULL when not even the nearest hop is known. */
static const struct stoa_forwarded_hop *find_client(const struct stoa_forwarded_path *path,
                                                    bool (*is_trusted)(const uint8_t address[STOA_IP_LEN],
                                                                       void *context),
                                                    void *context) {
  const struct stoa_forwarded_hop *client = NULL;
  for (size_t i = 0; i < path->count && path->hops[i].is_known; i++) {
    client = &path->hops[i];
    if (!is_trusted(client->address, context)) {
      break;
    }
  }
  return client;
}

int stoa_forwarded_client(const struct stoa_http_head *head, const uint8_t *data,
                          bool (*is_trusted)(const uint8_t address[STOA_IP_LEN], void *context), void *context,
                          uint8_t out_address[STOA_IP_LEN]) {
  struct stoa_forwarded_path list;
  struct stoa_forwarded_path elements;
  stoa_forwarded_read_list(head, data, &list);
  int status = stoa_forwarded_read(head, data, &elements);
  if (status != STOA_OK) {
    return status;
  }
  const struct stoa_forwarded_hop *of_list = find_client(&list, is_trusted, context);
  const struct stoa_forwarded_hop *of_elements = find_client(&elements, is_trusted, context);
  if (list.count > 0 && elements.count > 0) {
    bool agree = of_list != NULL && of_elements != NULL
                     ? memcmp(of_list->address, of_elements->address, STOA_IP_LEN) == 0
                     : of_list == of_elements;
    if (!agree) {
      return STOA_E_SYNTAX;
    }
  }
  const struct stoa_forwarded_hop *client = of_list != NULL ? of_list : of_elements;
  if (client == NULL) {
    return STOA_E_NOT_FOUND;
  }
  memcpy(out_address, client->address, STOA_IP_LEN);
  return STOA_OK;
}

bool stoa_forwarded_present(const struct stoa_http_head *head, const uint8_t *data) {
  static const char *const names[] = {"Forwarded",         "X-Forwarded-For", "X-Forwarded-Host",
                                      "X-Forwarded-Proto", "X-Real-IP",       "Via"};
  for (size_t i = 0; i < STOA_COUNT_OF(names); i++) {
    if (stoa_http_field(head, data, names[i], NULL).data != NULL) {
      return true;
    }
  }
  return false;
}
