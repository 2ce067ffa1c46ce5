#include "wire/http_response.h"

#include <assert.h>

#include "wire/http_token.h"

/* The parser's position in the head; one function for each, as in http.c. */
enum parse_state { IN_STATUS, IN_REASON, AT_REASON_LF, IN_FIELDS };

/* The bytes of one call; `end` is at most the limit of the head. */
struct parse {
  struct stoa_http_response *response;
  const struct stoa_http_limits *limits;
  const uint8_t *data;
  uint32_t end;
};

void stoa_http_response_init(struct stoa_http_response *response) {
  memset(response, 0, sizeof *response);
  response->state = IN_STATUS;
  response->verdict = STOA_E_AGAIN;
}

/* Move `scan` over bytes of one class. */
static void skip_class(struct parse *parse, enum stoa_http_class class) {
  uint32_t at = parse->response->scan;
  while (at < parse->end && stoa_http_is(parse->data[at], class)) {
    at++;
  }
  parse->response->scan = at;
}

static bool is_digit(uint8_t byte) {
  return byte >= '0' && byte <= '9';
}

/* RFC 9112 4: HTTP-version SP status-code SP [reason-phrase]. The blank after the code is required, but servers that
 * send no reason often leave it out: a CR is accepted in its place. */
static int in_status(struct parse *parse) {
  static const char form[] = "HTTP/#.# ### "; /* # is a digit */
  struct stoa_http_response *response = parse->response;
  uint32_t place = response->scan;
  uint8_t byte = parse->data[place];
  bool is_last = place == sizeof form - 2;
  if (form[place] == '#' ? !is_digit(byte) : byte != (uint8_t)form[place] && !(is_last && byte == '\r')) {
    return STOA_E_SYNTAX;
  }
  response->scan++;
  if (place == 8 && memcmp(parse->data, "HTTP/1.1", 8) != 0) {
    return STOA_E_UNSUPPORTED;
  }
  if (place >= 9 && place <= 11) {
    response->status = (uint16_t)(response->status * 10 + (byte - '0'));
  }
  if (place == 11 && (response->status < 100 || response->status > 599)) {
    return STOA_E_SYNTAX;
  }
  if (is_last) {
    response->state = byte == '\r' ? AT_REASON_LF : IN_REASON;
  }
  return STOA_E_AGAIN;
}

static int in_reason(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  skip_class(parse, STOA_HTTP_VALUE);
  if (response->scan == parse->end) {
    return STOA_E_AGAIN;
  }
  if (parse->data[response->scan] != '\r') {
    return STOA_E_SYNTAX;
  }
  response->scan++;
  response->state = AT_REASON_LF;
  return STOA_E_AGAIN;
}

static int at_reason_lf(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  if (parse->data[response->scan] != '\n') {
    return STOA_E_SYNTAX;
  }
  response->scan++;
  response->state = IN_FIELDS;
  return STOA_E_AGAIN;
}

static int in_fields(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  enum stoa_http_fields_event event =
      stoa_http_fields_parse(&response->fields, parse->limits->fields_max, parse->data, &response->scan, parse->end);
  switch (event) {
    case STOA_HTTP_FIELDS_MORE:
    case STOA_HTTP_FIELDS_FIELD:
      return STOA_E_AGAIN;
    case STOA_HTTP_FIELDS_END:
      response->head_len = response->scan;
      return STOA_OK;
    case STOA_HTTP_FIELDS_BROKEN:
      return STOA_E_SYNTAX;
    case STOA_HTTP_FIELDS_FULL:
      return STOA_E_LIMIT;
  }
  return STOA_E_SYNTAX;
}

static int state_step(struct parse *parse) {
  switch ((enum parse_state)parse->response->state) {
    case IN_STATUS:
      return in_status(parse);
    case IN_REASON:
      return in_reason(parse);
    case AT_REASON_LF:
      return at_reason_lf(parse);
    case IN_FIELDS:
      return in_fields(parse);
  }
  return STOA_E_SYNTAX;
}

int stoa_http_response_parse(struct stoa_http_response *response, const struct stoa_http_limits *limits,
                             const uint8_t *data, size_t len) {
  assert(limits->fields_max <= STOA_HTTP_FIELDS_MAX);
  assert(limits->head_bytes_max <= UINT32_MAX);
  assert(len >= response->scan);
  uint32_t end = (uint32_t)(len < limits->head_bytes_max ? len : limits->head_bytes_max);
  struct parse parse = {response, limits, data, end};
  while (response->verdict == STOA_E_AGAIN && response->scan < end) {
    response->verdict = state_step(&parse);
  }
  if (response->verdict == STOA_E_AGAIN && response->scan == limits->head_bytes_max) {
    response->verdict = STOA_E_LIMIT;
  }
  return response->verdict;
}

struct stoa_string stoa_http_response_field(const struct stoa_http_response *response, const uint8_t *data,
                                            const char *name, size_t *index) {
  return stoa_http_fields_find(&response->fields, data, name, index);
}
