#include "wire/http_response.h"

#include <assert.h>

#include "wire/http_token.h"

/* The parser's place in the head; one function each, as in http.c. */
enum parse_state { IN_STATUS, IN_REASON, AT_REASON_LF, AT_FIELD, IN_NAME, BEFORE_VALUE, IN_VALUE, AT_VALUE_LF, AT_END };

/* One call's view of the bytes; `end` is at most the limit of the head. */
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

static struct stoa_string view(const uint8_t *data, struct stoa_http_span span) {
  return stoa_string_make((const char *)data + span.start, span.len);
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

/* RFC 9112 4: HTTP-version SP status-code SP [reason-phrase]. The blank behind the code belongs to it, though servers
 * without a reason like to leave it out: a CR is taken for it too. */
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

static int at_line_feed(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  if (parse->data[response->scan] != '\n') {
    return STOA_E_SYNTAX;
  }
  response->scan++;
  if (response->state == AT_END) {
    response->head_len = response->scan;
    return STOA_OK;
  }
  response->state = AT_FIELD;
  return STOA_E_AGAIN;
}

/* The first byte of a line: of a field's name, or of the empty line. A blank would be obs-fold (RFC 9112 5.2). */
static int at_field(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  uint8_t byte = parse->data[response->scan];
  response->line_start = response->scan;
  if (byte == '\r') {
    response->scan++;
    response->state = AT_END;
    return STOA_E_AGAIN;
  }
  if (!stoa_http_is(byte, STOA_HTTP_TOKEN)) {
    return STOA_E_SYNTAX;
  }
  response->state = IN_NAME;
  return response->field_count < parse->limits->fields_max ? STOA_E_AGAIN : STOA_E_LIMIT;
}

/* RFC 9112 5.1: no blank is allowed between the name and the colon. */
static int in_name(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  skip_class(parse, STOA_HTTP_TOKEN);
  if (response->scan == parse->end) {
    return STOA_E_AGAIN;
  }
  if (parse->data[response->scan] != ':') {
    return STOA_E_SYNTAX;
  }
  response->fields[response->field_count].name =
      (struct stoa_http_span){response->line_start, response->scan - response->line_start};
  response->scan++;
  response->state = BEFORE_VALUE;
  return STOA_E_AGAIN;
}

static int before_value(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  while (response->scan < parse->end && stoa_http_is_blank(parse->data[response->scan])) {
    response->scan++;
  }
  if (response->scan < parse->end) {
    response->fields[response->field_count].value.start = response->scan;
    response->state = IN_VALUE;
  }
  return STOA_E_AGAIN;
}

static int in_value(struct parse *parse) {
  struct stoa_http_response *response = parse->response;
  skip_class(parse, STOA_HTTP_VALUE);
  if (response->scan == parse->end) {
    return STOA_E_AGAIN;
  }
  if (parse->data[response->scan] != '\r') {
    return STOA_E_SYNTAX;
  }
  struct stoa_http_span *value = &response->fields[response->field_count].value;
  uint32_t end = response->scan;
  while (end > value->start && stoa_http_is_blank(parse->data[end - 1])) {
    end--;
  }
  value->len = end - value->start;
  response->field_count++;
  response->scan++;
  response->state = AT_VALUE_LF;
  return STOA_E_AGAIN;
}

static int state_step(struct parse *parse) {
  switch ((enum parse_state)parse->response->state) {
    case IN_STATUS:
      return in_status(parse);
    case IN_REASON:
      return in_reason(parse);
    case AT_REASON_LF:
    case AT_VALUE_LF:
    case AT_END:
      return at_line_feed(parse);
    case AT_FIELD:
      return at_field(parse);
    case IN_NAME:
      return in_name(parse);
    case BEFORE_VALUE:
      return before_value(parse);
    case IN_VALUE:
      return in_value(parse);
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
  struct stoa_string wanted = stoa_string_of(name);
  for (size_t i = index != NULL ? *index : 0; i < response->field_count; i++) {
    if (stoa_http_equal_fold(view(data, response->fields[i].name), wanted)) {
      if (index != NULL) {
        *index = i + 1;
      }
      return view(data, response->fields[i].value);
    }
  }
  if (index != NULL) {
    *index = response->field_count;
  }
  return stoa_string_make(NULL, 0);
}
