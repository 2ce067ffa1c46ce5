/* server/admin/metrics.c: the page /metrics. */
#include "base/memory.h"
#include "server/admin/pages.h"
#include "server/http/exchange.h"
#include "server/server_private.h"

#include <string.h>
#include <strings.h>

/* The content of one answer. */
struct page {
  struct stoa_http_content content; /* first */
  struct stoa_scrape scrape;
};

static int read_page(struct stoa_http_content *content, struct stoa_buffer *out, size_t size, bool *out_last) {
  struct page *page = stoa_container_of(content, struct page, content);
  (void)size; /* a step bounds the time; what it writes is not much more than a piece */
  int status = stoa_scrape_step(&page->scrape, out);
  *out_last = page->scrape.part == STOA_SCRAPE_DONE;
  return status;
}

static void close_page(struct stoa_http_content *content) {
  stoa_free(stoa_container_of(content, struct page, content));
}

/* A weight (RFC 9110 12.4.2) in thousandths: "0.25" is 250. */
static int thousandths(struct stoa_string text) {
  int value = 0;
  int place = 1000;
  for (size_t i = 0; i < text.len && i < 5 && place > 0; i++) {
    if (text.data[i] >= '0' && text.data[i] <= '9') {
      value += (text.data[i] - '0') * place;
      place /= 10;
    } else if (text.data[i] != '.') {
      break;
    }
  }
  return value;
}

/* The weight of one element of Accept: `text/plain;version=0.0.4;q=0.5`. */
static int weight_of(struct stoa_string element) {
  const char *found = element.len < 3 ? NULL : memmem(element.data, element.len, ";q=", 3);
  if (found == NULL) {
    return 1000;
  }
  size_t used = (size_t)(found - element.data) + 3;
  return thousandths(stoa_string_make(element.data + used, element.len - used));
}

static bool names(struct stoa_string element, const char *type) {
  size_t len = strlen(type);
  return element.len >= len && strncasecmp(element.data, type, len) == 0 &&
         (element.len == len || element.data[len] == ';' || element.data[len] == ' ');
}

/* The greatest weight that Accept gives a type by its name; 0: it is not named. */
static int weight_in(struct stoa_string accept, const char *type) {
  int weight = 0;
  while (accept.len > 0) {
    const char *comma = memchr(accept.data, ',', accept.len);
    size_t len = comma == NULL ? accept.len : (size_t)(comma - accept.data);
    struct stoa_string element = stoa_string_make(accept.data, len);
    while (element.len > 0 && element.data[0] == ' ') {
      element = stoa_string_make(element.data + 1, element.len - 1);
    }
    if (names(element, type) && weight_of(element) > weight) {
      weight = weight_of(element);
    }
    size_t used = comma == NULL ? len : len + 1;
    accept = stoa_string_make(accept.data + used, accept.len - used);
  }
  return weight;
}

static enum stoa_metric_format format_for(const struct stoa_http_request *request) {
  struct stoa_string accept = stoa_http_request_field(request, "Accept");
  int open = weight_in(accept, "application/openmetrics-text");
  return open > 0 && open >= weight_in(accept, "text/plain") ? STOA_METRIC_OPENMETRICS : STOA_METRIC_PROMETHEUS;
}

void stoa_admin_on_metrics(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const struct stoa_http_field fields[] = {{"Cache-Control", STOA_STR("no-store")},
                                                  {"Vary", STOA_STR("Accept")}};
  enum stoa_metric_format format = format_for(request);
  struct page *page = stoa_calloc(1, sizeof *page);
  if (page == NULL) {
    stoa_http_drop(exchange);
    return;
  }
  page->content = (struct stoa_http_content){read_page, close_page};
  stoa_scrape_init(&page->scrape, user, format);
  const struct stoa_http_answer answer = {
      .status = 200, .content_type = stoa_metric_content_type(format), .fields = fields, .field_count = 2};
  if (stoa_exchange_reply_from(exchange, &answer, &page->content) != STOA_OK) {
    stoa_http_drop(exchange); /* without memory for the head */
  }
}
