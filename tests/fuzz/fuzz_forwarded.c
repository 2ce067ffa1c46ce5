/* Values of fields that proxies and caches write: lines of the input are the values of one field, given several times.
 * Whatever stands in them is read in bounds, and what is told is one of the addresses that the text could tell. */
#include "must.h"
#include "wire/forwarded.h"
#include "wire/http_date.h"
#include "wire/http_negotiate.h"

#include <string.h>

static const struct stoa_http_limits limits = {65536, 1024, 40};

static void put(char *text, size_t *len, const void *data, size_t data_len) {
  memcpy(text + *len, data, data_len);
  *len += data_len;
}

/* One head with a field for each line, all of one name. Bytes that no value may have become dots. */
static size_t head_make(const char *name, const uint8_t *data, size_t len, char *text) {
  size_t at = 0;
  put(text, &at, "GET / HTTP/1.1\r\nHost: a\r\n", 25);
  size_t lines = 0;
  for (size_t start = 0; start <= len && lines < 30; lines++) {
    const uint8_t *end = start < len ? memchr(data + start, '\n', len - start) : NULL;
    size_t line_len = end != NULL ? (size_t)(end - data) - start : len - start;
    put(text, &at, name, strlen(name));
    put(text, &at, ": ", 2);
    for (size_t i = 0; i < line_len; i++) {
      uint8_t byte = data[start + i];
      text[at++] = byte < 0x20 || byte == 0x7f ? '.' : (char)byte;
    }
    put(text, &at, "\r\n", 2);
    start += line_len + 1;
  }
  put(text, &at, "\r\n", 2);
  return at;
}

static bool is_in_10(const uint8_t address[STOA_IP_LEN], void *context) {
  (void)context;
  return address[12] == 10;
}

static struct stoa_http_head read_head(const char *text, size_t len) {
  struct stoa_http_head head;
  stoa_http_head_init(&head);
  must(stoa_http_head_parse(&head, &limits, (const uint8_t *)text, len) == 200);
  return head;
}

static void path_makes_sense(const struct stoa_forwarded_path *path, const struct stoa_http_head *head,
                             const uint8_t *data, int status) {
  uint8_t address[STOA_IP_LEN] = {0};
  bool found = false;
  int told = stoa_forwarded_client(head, data, is_in_10, NULL, address);
  must(told == STOA_OK || told == STOA_E_NOT_FOUND || told == STOA_E_SYNTAX);
  must((told == STOA_E_SYNTAX) == (status != STOA_OK));
  must(path->count <= STOA_FORWARDED_HOPS_MAX);
  for (size_t i = 0; i < path->count; i++) {
    found = found || (path->hops[i].is_known && memcmp(path->hops[i].address, address, STOA_IP_LEN) == 0);
  }
  must(told != STOA_OK || found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static char text[16384];
  struct stoa_forwarded_path path = {0};
  if (len > 4096) {
    return 0;
  }
  size_t text_len = head_make("X-Forwarded-For", data, len, text);
  struct stoa_http_head head = read_head(text, text_len);
  stoa_forwarded_read_list(&head, (const uint8_t *)text, &path);
  path_makes_sense(&path, &head, (const uint8_t *)text, STOA_OK);

  text_len = head_make("Forwarded", data, len, text);
  head = read_head(text, text_len);
  memset(&path, 0, sizeof path);
  int status = stoa_forwarded_read(&head, (const uint8_t *)text, &path);
  path_makes_sense(&path, &head, (const uint8_t *)text, status);

  text_len = head_make("If-None-Match", data, len, text);
  head = read_head(text, text_len);
  const struct stoa_http_version version = {STOA_STR("\"a\""), 0, 1769860800};
  (void)stoa_http_not_modified(&head, (const uint8_t *)text, &version);
  text_len = head_make("Accept-Encoding", data, len, text);
  head = read_head(text, text_len);
  (void)stoa_http_accepts(&head, (const uint8_t *)text, "gzip");
  (void)stoa_http_accepts(&head, (const uint8_t *)text, "identity");

  int64_t second;
  if (stoa_http_date_parse(stoa_string_make((const char *)data, len), 1769860800, &second)) {
    char date[STOA_HTTP_DATE_SIZE];
    int64_t again;
    stoa_http_date(second * 1000000, date);
    must(stoa_http_date_parse(stoa_string_of(date), 0, &again) && again == second);
  }
  return 0;
}
