#include "wire/http_negotiate.h"

#include "wire/http_date.h"
#include "wire/http_token.h"

#define WEIGHT_MAX 1000u /* three digits after the point, RFC 9110 12.4.2 */
#define NOT_LISTED UINT32_MAX

static bool starts_with(struct stoa_string text, size_t at, const char *wanted) {
  size_t len = strlen(wanted);
  return text.len - at >= len && memcmp(text.data + at, wanted, len) == 0;
}

/* Entity tags. */

static struct stoa_string opaque_part(struct stoa_string etag) {
  return starts_with(etag, 0, "W/") ? stoa_string_make(etag.data + 2, etag.len - 2) : etag;
}

/* RFC 9110 8.8.3: the text between the quotes may contain commas, but no blank and no quote. */
static bool is_etag_byte(uint8_t byte) {
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

/* Take [W/]"..." at *at. *out_opaque is the part with the quotes. */
static bool take_tag(struct stoa_string list, size_t *at, struct stoa_string *out_opaque) {
  size_t start = starts_with(list, *at, "W/") ? *at + 2 : *at;
  if (!starts_with(list, start, "\"")) {
    return false;
  }
  size_t end = start + 1;
  while (end < list.len && is_etag_byte((uint8_t)list.data[end])) {
    end++;
  }
  if (!starts_with(list, end, "\"")) {
    return false;
  }
  *out_opaque = stoa_string_make(list.data + start, end + 1 - start);
  *at = end + 1;
  return true;
}

/* RFC 9110 5.6.1.2: empty elements are skipped. */
static void skip_separators(struct stoa_string list, size_t *at) {
  while (*at < list.len && (stoa_http_is_blank((uint8_t)list.data[*at]) || list.data[*at] == ',')) {
    *at += 1;
  }
}

static void skip_blanks(struct stoa_string list, size_t *at) {
  while (*at < list.len && stoa_http_is_blank((uint8_t)list.data[*at])) {
    *at += 1;
  }
}

bool stoa_http_etag_matches(struct stoa_string value, struct stoa_string etag) {
  struct stoa_string wanted = opaque_part(etag);
  struct stoa_string opaque;
  size_t at = 0;
  if (stoa_string_equal(stoa_http_trim(value), stoa_string_of("*"))) {
    return true;
  }
  skip_separators(value, &at);
  while (at < value.len && take_tag(value, &at, &opaque)) {
    if (stoa_string_equal(opaque, wanted)) {
      return true;
    }
    skip_blanks(value, &at);
    if (at < value.len && value.data[at] != ',') {
      return false;
    }
    skip_separators(value, &at);
  }
  return false;
}

static bool modified_since(const struct stoa_http_head *head, const uint8_t *data,
                           const struct stoa_http_version *version) {
  size_t index = 0;
  int64_t since_s;
  struct stoa_string value = stoa_http_field(head, data, "If-Modified-Since", &index);
  if (value.data == NULL || stoa_http_field(head, data, "If-Modified-Since", &index).data != NULL ||
      !stoa_http_date_parse(value, version->now_s, &since_s) || since_s > version->now_s) {
    return true;
  }
  return version->modified_s > since_s;
}

bool stoa_http_not_modified(const struct stoa_http_head *head, const uint8_t *data,
                            const struct stoa_http_version *version) {
  size_t index = 0;
  size_t count = 0;
  struct stoa_string value;
  while ((value = stoa_http_field(head, data, "If-None-Match", &index)).data != NULL) {
    count++;
    if (stoa_http_etag_matches(value, version->etag)) {
      return true;
    }
  }
  /* RFC 9110 13.1.3: a recipient MUST ignore If-Modified-Since beside If-None-Match. */
  return count == 0 && !modified_since(head, data, version);
}

/* Content codings. */

/* qvalue: "0" or "1", then perhaps a point and up to three digits; at most 1. NOT_LISTED for anything else. */
static uint32_t weight_parse(struct stoa_string text) {
  if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
      (text.len > 1 && text.data[1] != '.')) {
    return NOT_LISTED;
  }
  uint32_t weight = text.data[0] == '1' ? WEIGHT_MAX : 0;
  uint32_t place = WEIGHT_MAX / 10;
  for (size_t i = 2; i < text.len; i++, place /= 10) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return NOT_LISTED;
    }
    weight += (uint32_t)(text.data[i] - '0') * place;
  }
  return weight <= WEIGHT_MAX ? weight : NOT_LISTED;
}

/* One element, "gzip" or "gzip;q=0.5": its name and its weight. */
static uint32_t element_weight(struct stoa_string element, struct stoa_string *out_name) {
  const char *semicolon = element.len > 0 ? memchr(element.data, ';', element.len) : NULL;
  if (semicolon == NULL) {
    *out_name = element;
    return WEIGHT_MAX;
  }
  size_t name_len = (size_t)(semicolon - element.data);
  *out_name = stoa_http_trim(stoa_string_make(element.data, name_len));
  struct stoa_string rest = stoa_http_trim(stoa_string_make(semicolon + 1, element.len - name_len - 1));
  if (rest.len < 2 || stoa_http_lower((uint8_t)rest.data[0]) != 'q' || rest.data[1] != '=') {
    return NOT_LISTED;
  }
  return weight_parse(stoa_string_make(rest.data + 2, rest.len - 2));
}

static struct stoa_string without_x(struct stoa_string coding) {
  return stoa_http_equal_fold(coding, stoa_string_of("x-gzip")) ? stoa_string_of("gzip") : coding;
}

/* The weight of a coding in the list. If it occurs twice, the smaller weight: not using a coding is always correct. */
static uint32_t listed_weight(const struct stoa_http_head *head, const uint8_t *data, struct stoa_string coding) {
  uint32_t weight = NOT_LISTED;
  size_t index = 0;
  struct stoa_string value;
  while ((value = stoa_http_field(head, data, "Accept-Encoding", &index)).data != NULL) {
    size_t at = 0;
    struct stoa_string element;
    struct stoa_string name;
    while (stoa_http_list_next(value, &at, &element)) {
      uint32_t one = element_weight(element, &name);
      if (stoa_http_equal_fold(without_x(name), coding) && one < weight) {
        weight = one;
      }
    }
  }
  return weight;
}

bool stoa_http_accepts(const struct stoa_http_head *head, const uint8_t *data, const char *coding) {
  struct stoa_string name = without_x(stoa_string_of(coding));
  struct stoa_string identity = stoa_string_of("identity");
  uint32_t any = listed_weight(head, data, stoa_string_of("*"));
  uint32_t weight = listed_weight(head, data, name);
  if (weight == NOT_LISTED) {
    weight = any;
  }
  if (stoa_http_equal_fold(name, identity)) {
    return weight != 0;
  }
  uint32_t plain = listed_weight(head, data, identity);
  return weight != NOT_LISTED && weight > 0 && (plain == NOT_LISTED || weight >= plain);
}
