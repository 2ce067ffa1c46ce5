#include "server/http/bearer.h"

#include <strings.h>

static const struct stoa_string none;

static struct stoa_string without_begin(struct stoa_string text, size_t len) {
  return stoa_string_make(text.data + len, text.len - len);
}

/* `Bearer`, without case (RFC 9110 11.1), one blank or more, and the token. */
static struct stoa_string of_field(struct stoa_string value) {
  static const char scheme[] = "Bearer ";
  size_t len = sizeof scheme - 1;
  if (value.len <= len || strncasecmp(value.data, scheme, len) != 0) {
    return none;
  }
  value = without_begin(value, len);
  while (value.len > 0 && value.data[0] == ' ') {
    value = without_begin(value, 1);
  }
  return value.len > 0 ? value : none;
}

/* Remove the next `name=value` from the front of a query. */
static struct stoa_string take_pair(struct stoa_string *query) {
  const char *end = memchr(query->data, '&', query->len);
  struct stoa_string pair = stoa_string_make(query->data, end == NULL ? query->len : (size_t)(end - query->data));
  *query = without_begin(*query, pair.len + (end != NULL));
  return pair;
}

/* With two tokens it is unknown which one is meant: that counts as none. */
static struct stoa_string of_query(struct stoa_string query) {
  static const char name[] = "access_token=";
  size_t len = sizeof name - 1;
  struct stoa_string found = none;
  while (query.len > 0) {
    struct stoa_string pair = take_pair(&query);
    if (pair.len < len || memcmp(pair.data, name, len) != 0) {
      continue;
    }
    if (found.data != NULL) {
      return none;
    }
    found = without_begin(pair, len);
  }
  return found.len > 0 ? found : none;
}

struct stoa_string stoa_bearer_find(struct stoa_string authorization, struct stoa_string query) {
  return authorization.data != NULL ? of_field(authorization) : of_query(query);
}
