#include "wire/http_field.h"

#include <assert.h>

#include "wire/http_token.h"

/* The parser's position. Each state has one function, which takes all bytes that belong to the state and returns an
 * event when there is one. MORE means: continue with the next state or the next bytes. */
enum parse_state { AT_FIELD, IN_NAME, BEFORE_VALUE, IN_VALUE, AT_VALUE_LF, AT_END_LF };

/* The bytes of one call. */
struct parse {
  struct stoa_http_fields *fields;
  const uint8_t *data;
  uint32_t at;
  uint32_t end;
  size_t count_max;
};

/* Move over bytes of one class. */
static void skip_class(struct parse *parse, enum stoa_http_class class) {
  while (parse->at < parse->end && stoa_http_is(parse->data[parse->at], class)) {
    parse->at++;
  }
}

/* The first byte of a line: of a field's name, or of the empty line. A blank would be obs-fold (RFC 9112 5.2). */
static enum stoa_http_fields_event at_field(struct parse *parse) {
  struct stoa_http_fields *fields = parse->fields;
  uint8_t byte = parse->data[parse->at];
  fields->line_start = parse->at;
  if (byte == '\r') {
    parse->at++;
    fields->state = AT_END_LF;
    return STOA_HTTP_FIELDS_MORE;
  }
  if (!stoa_http_is(byte, STOA_HTTP_TOKEN)) {
    return STOA_HTTP_FIELDS_BROKEN;
  }
  fields->state = IN_NAME;
  return fields->count < parse->count_max ? STOA_HTTP_FIELDS_MORE : STOA_HTTP_FIELDS_FULL;
}

/* RFC 9112 5.1: no blank is allowed between the name and the colon. */
static enum stoa_http_fields_event in_name(struct parse *parse) {
  struct stoa_http_fields *fields = parse->fields;
  skip_class(parse, STOA_HTTP_TOKEN);
  if (parse->at == parse->end) {
    return STOA_HTTP_FIELDS_MORE;
  }
  if (parse->data[parse->at] != ':') {
    return STOA_HTTP_FIELDS_BROKEN;
  }
  fields->items[fields->count].name = (struct stoa_http_span){fields->line_start, parse->at - fields->line_start};
  parse->at++;
  fields->state = BEFORE_VALUE;
  return STOA_HTTP_FIELDS_MORE;
}

static enum stoa_http_fields_event before_value(struct parse *parse) {
  struct stoa_http_fields *fields = parse->fields;
  while (parse->at < parse->end && stoa_http_is_blank(parse->data[parse->at])) {
    parse->at++;
  }
  if (parse->at < parse->end) {
    fields->items[fields->count].value.start = parse->at;
    fields->state = IN_VALUE;
  }
  return STOA_HTTP_FIELDS_MORE;
}

static enum stoa_http_fields_event in_value(struct parse *parse) {
  struct stoa_http_fields *fields = parse->fields;
  skip_class(parse, STOA_HTTP_VALUE);
  if (parse->at == parse->end) {
    return STOA_HTTP_FIELDS_MORE;
  }
  if (parse->data[parse->at] != '\r') {
    return STOA_HTTP_FIELDS_BROKEN;
  }
  struct stoa_http_span *value = &fields->items[fields->count].value;
  uint32_t end = parse->at;
  while (end > value->start && stoa_http_is_blank(parse->data[end - 1])) {
    end--;
  }
  value->len = end - value->start;
  parse->at++;
  fields->state = AT_VALUE_LF;
  return STOA_HTTP_FIELDS_MORE;
}

static enum stoa_http_fields_event at_line_feed(struct parse *parse) {
  struct stoa_http_fields *fields = parse->fields;
  if (parse->data[parse->at] != '\n') {
    return STOA_HTTP_FIELDS_BROKEN;
  }
  parse->at++;
  if (fields->state == AT_END_LF) {
    return STOA_HTTP_FIELDS_END;
  }
  fields->state = AT_FIELD;
  fields->count++;
  return STOA_HTTP_FIELDS_FIELD;
}

static enum stoa_http_fields_event state_step(struct parse *parse) {
  switch ((enum parse_state)parse->fields->state) {
    case AT_FIELD:
      return at_field(parse);
    case IN_NAME:
      return in_name(parse);
    case BEFORE_VALUE:
      return before_value(parse);
    case IN_VALUE:
      return in_value(parse);
    case AT_VALUE_LF:
    case AT_END_LF:
      return at_line_feed(parse);
  }
  return STOA_HTTP_FIELDS_BROKEN;
}

enum stoa_http_fields_event stoa_http_fields_parse(struct stoa_http_fields *fields, size_t count_max,
                                                   const uint8_t *data, uint32_t *at, uint32_t end) {
  struct parse parse = {fields, data, *at, end, count_max};
  enum stoa_http_fields_event event = STOA_HTTP_FIELDS_MORE;
  assert(count_max <= STOA_HTTP_FIELDS_MAX);
  assert(*at <= end);
  while (event == STOA_HTTP_FIELDS_MORE && parse.at < end) {
    event = state_step(&parse);
  }
  assert(parse.at >= *at && parse.at <= end);
  assert(fields->count <= count_max);
  *at = parse.at;
  return event;
}

struct stoa_string stoa_http_fields_find(const struct stoa_http_fields *fields, const uint8_t *data, const char *name,
                                         size_t *index) {
  struct stoa_string wanted = stoa_string_of(name);
  const char *text = (const char *)data;
  for (size_t i = index != NULL ? *index : 0; i < fields->count; i++) {
    const struct stoa_http_field_line *line = &fields->items[i];
    if (stoa_http_equal_fold(stoa_string_make(text + line->name.start, line->name.len), wanted)) {
      if (index != NULL) {
        *index = i + 1;
      }
      return stoa_string_make(text + line->value.start, line->value.len);
    }
  }
  if (index != NULL) {
    *index = fields->count;
  }
  return stoa_string_make(NULL, 0);
}

bool stoa_http_is_token(struct stoa_string text) {
  size_t len = 0;
  while (len < text.len && stoa_http_is((uint8_t)text.data[len], STOA_HTTP_TOKEN)) {
    len++;
  }
  return len > 0 && len == text.len;
}
