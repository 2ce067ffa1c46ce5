#include "wire/http.h"

#include "base/array.h"

#include <assert.h>

#include "wire/authority.h"
#include "wire/http_token.h"

/* The parser's position in the head. Each state has one function, which takes all bytes that belong to the state. Each
 * byte is checked once and in order, so neither the verdict nor the time depends on the split. */
enum parse_state { AT_START, AT_START_LF, IN_METHOD, IN_TARGET, IN_VERSION, IN_FIELDS };

enum seen_flag { SEEN_HOST = 1, SEEN_LENGTH = 2, SEEN_CODING = 4 };

/* The bytes of one call; `end` is at most the limit of the head. */
struct parse {
  struct stoa_http_head *head;
  const struct stoa_http_limits *limits;
  const uint8_t *data;
  uint32_t end;
};

void stoa_http_head_init(struct stoa_http_head *head) {
  memset(head, 0, sizeof *head);
  head->keep_alive = true;
  head->state = AT_START;
}

static struct stoa_string view(const uint8_t *data, struct stoa_http_span span) {
  return stoa_string_make((const char *)data + span.start, span.len);
}

/* Move `scan` over bytes of one class. */
static void skip_class(struct parse *parse, enum stoa_http_class class) {
  uint32_t at = parse->head->scan;
  while (at < parse->end && stoa_http_is(parse->data[at], class)) {
    at++;
  }
  parse->head->scan = at;
}

static int at_start(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  if (parse->data[head->scan] == '\r') {
    head->scan++;
    head->state = AT_START_LF;
    return 0;
  }
  head->line_start = head->scan;
  head->state = IN_METHOD;
  return 0;
}

/* RFC 9112 2.2: a server SHOULD ignore at least one empty line before the request line. This one ignores one. */
static int at_start_lf(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  if (parse->data[head->scan] != '\n') {
    return 400;
  }
  head->scan++;
  head->line_start = head->scan;
  head->state = IN_METHOD;
  return 0;
}

/* The methods of RFC 9110 9 and RFC 5789. Returns 0 or 501. */
static int method_judge(struct stoa_string name, enum stoa_http_method *out_method) {
  static const char *const others[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"};
  if (stoa_string_equal(name, stoa_string_of("GET"))) {
    *out_method = STOA_HTTP_GET;
    return 0;
  }
  if (stoa_string_equal(name, stoa_string_of("HEAD"))) {
    *out_method = STOA_HTTP_HEAD;
    return 0;
  }
  for (size_t i = 0; i < STOA_COUNT_OF(others); i++) {
    if (stoa_string_equal(name, stoa_string_of(others[i]))) {
      *out_method = STOA_HTTP_OTHER;
      return 0;
    }
  }
  return 501;
}

static int in_method(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  skip_class(parse, STOA_HTTP_TOKEN);
  if (head->scan == parse->end) {
    return 0;
  }
  struct stoa_http_span name = {head->line_start, head->scan - head->line_start};
  if (parse->data[head->scan] != ' ' || name.len == 0) {
    return 400;
  }
  head->scan++;
  head->target.start = head->scan;
  head->state = IN_TARGET;
  return method_judge(view(parse->data, name), &head->method);
}

/* Split path and query, which begin at `start` in the target. */
static void path_split(struct parse *parse, uint32_t start) {
  struct stoa_http_head *head = parse->head;
  uint32_t end = head->target.start + head->target.len;
  assert(start < end);
  const uint8_t *mark = memchr(parse->data + start, '?', end - start);
  uint32_t path_end = mark != NULL ? (uint32_t)(mark - parse->data) : end;
  head->target = (struct stoa_http_span){start, end - start};
  head->path = (struct stoa_http_span){start, path_end - start};
  head->query =
      mark != NULL ? (struct stoa_http_span){path_end + 1, end - path_end - 1} : (struct stoa_http_span){0, 0};
}

/* RFC 9112 3.2.2: http://authority/path, which a server must accept. The authority is kept until it can be compared
 * with Host. */
static bool absolute_target(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  struct stoa_string target = view(parse->data, head->target);
  uint32_t scheme_len = target.len > 4 && target.data[4] == ':' ? 7 : 8;
  if (target.len <= scheme_len || !stoa_http_equal_fold(stoa_string_make(target.data, scheme_len),
                                                        stoa_string_of(scheme_len == 7 ? "http://" : "https://"))) {
    return false;
  }
  uint32_t at = scheme_len;
  while (at < target.len && target.data[at] != '/' && target.data[at] != '?') {
    at++;
  }
  struct stoa_authority authority;
  if (!stoa_authority_parse(stoa_string_make(target.data + scheme_len, at - scheme_len), &authority)) {
    return false;
  }
  uint32_t start = head->target.start;
  head->authority = (struct stoa_http_span){start + scheme_len, at - scheme_len};
  if (at < target.len && target.data[at] == '/') {
    path_split(parse, start + at);
    return true;
  }
  /* RFC 9110 4.2.3: an empty path means "/". The view is of the last slash of "://". */
  if (at < target.len) {
    head->query = (struct stoa_http_span){start + at + 1, (uint32_t)target.len - at - 1};
  }
  head->path = (struct stoa_http_span){start + scheme_len - 1, 1};
  head->target = head->path;
  return true;
}

static int target_judge(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  struct stoa_string target = view(parse->data, head->target);
  if (target.len > 0 && target.data[0] == '/') {
    path_split(parse, head->target.start);
    return 0;
  }
  if (absolute_target(parse)) {
    return 0;
  }
  /* The other two forms are for OPTIONS and CONNECT (RFC 9112 3.2.3, 3.2.4), which are refused with 405. */
  struct stoa_authority authority;
  bool other_form = stoa_string_equal(target, stoa_string_of("*")) || stoa_authority_parse(target, &authority);
  return head->method == STOA_HTTP_OTHER && other_form ? 0 : 400;
}

static int in_target(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  skip_class(parse, STOA_HTTP_TARGET);
  head->target.len = head->scan - head->target.start;
  if (head->target.len > parse->limits->target_bytes_max) {
    return 414;
  }
  if (head->scan == parse->end) {
    return 0;
  }
  if (parse->data[head->scan] != ' ') {
    return 400;
  }
  head->scan++;
  head->line_start = head->scan;
  head->state = IN_VERSION;
  return target_judge(parse);
}

/* RFC 9110 2.5: a higher minor version is read as the highest known one; another major version is refused with 505. */
static int version_judge(struct stoa_http_head *head, const uint8_t *version) {
  head->minor_version = version[7] == '0' ? 0 : 1;
  return version[5] == '1' ? 0 : 505;
}

static int in_version(struct parse *parse) {
  static const char form[] = "HTTP/#.#\r\n"; /* RFC 9112 2.3; # is a digit */
  struct stoa_http_head *head = parse->head;
  uint32_t place = head->scan - head->line_start;
  assert(place < sizeof form - 1);
  uint8_t byte = parse->data[head->scan++];
  bool fits = form[place] == '#' ? byte >= '0' && byte <= '9' : byte == (uint8_t)form[place];
  if (!fits) {
    return 400;
  }
  if (byte != '\n') {
    return 0;
  }
  head->state = IN_FIELDS;
  return version_judge(head, parse->data + head->line_start);
}

/* RFC 9112 3.2: exactly one Host; RFC 9110 4.2.1: an http authority must not be empty. */
static int host_judge(struct stoa_http_head *head, struct stoa_string value) {
  struct stoa_authority authority;
  if ((head->seen & SEEN_HOST) != 0 || !stoa_authority_parse(value, &authority)) {
    return 400;
  }
  head->seen |= SEEN_HOST;
  return 0;
}

/* Stricter than RFC 9110 8.6: one field with one plain number. A recipient may accept a list of equal numbers, but then
 * two parsers may disagree about where a request ends. */
static int length_judge(struct stoa_http_head *head, struct stoa_string value) {
  if ((head->seen & SEEN_LENGTH) != 0 || value.len == 0) {
    return 400;
  }
  uint64_t total = 0;
  for (size_t i = 0; i < value.len; i++) {
    if (value.data[i] < '0' || value.data[i] > '9') {
      return 400;
    }
    uint64_t digit = (uint64_t)(value.data[i] - '0');
    if (total > (INT64_MAX - digit) / 10) {
      return 400;
    }
    total = total * 10 + digit;
  }
  head->seen |= SEEN_LENGTH;
  head->body_len = total;
  head->has_body = total > 0;
  return 0;
}

/* The fields that decide how the request itself is read. */
static int field_judge(struct stoa_http_head *head, const uint8_t *data, const struct stoa_http_field_line *line) {
  struct stoa_string name = view(data, line->name);
  struct stoa_string value = view(data, line->value);
  if (stoa_http_equal_fold(name, stoa_string_of("Host"))) {
    return host_judge(head, value);
  }
  if (stoa_http_equal_fold(name, stoa_string_of("Content-Length"))) {
    return length_judge(head, value);
  }
  if (stoa_http_equal_fold(name, stoa_string_of("Transfer-Encoding"))) {
    head->seen |= SEEN_CODING;
  }
  return 0;
}

/* RFC 9112 3.2.2: the authority of an absolute target wins over Host. If they differ, it may be an attack. Host is
 * optional in HTTP/1.0 and required in 1.1. */
static bool host_agrees(const struct stoa_http_head *head, const uint8_t *data) {
  if ((head->seen & SEEN_HOST) == 0) {
    return head->minor_version == 0;
  }
  struct stoa_string host = stoa_http_field(head, data, "Host", NULL);
  return head->authority.len == 0 || stoa_http_equal_fold(host, view(data, head->authority));
}

/* Checks that need the whole head. RFC 9112 6.1, 6.3: Content-Length beside Transfer-Encoding is an attempt at
 * smuggling, with any method. So is Transfer-Encoding in HTTP/1.0, because a proxy that does not know the field passes
 * it on. */
static int head_judge(const struct stoa_http_head *head, const uint8_t *data) {
  if (!host_agrees(head, data)) {
    return 400;
  }
  if ((head->seen & SEEN_CODING) != 0) {
    return (head->seen & SEEN_LENGTH) != 0 || head->minor_version == 0 ? 400 : 501;
  }
  if (head->method == STOA_HTTP_OTHER) {
    return 405;
  }
  return head->has_body ? 413 : 200;
}

/* RFC 9112 9.3: in 1.1 a connection persists unless one side sends close; in 1.0 only when both send keep-alive. */
static bool wants_keep_alive(const struct stoa_http_head *head, const uint8_t *data) {
  return !stoa_http_has_token(head, data, "Connection", "close") &&
         (head->minor_version > 0 || stoa_http_has_token(head, data, "Connection", "keep-alive"));
}

static int head_end(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  head->head_len = head->scan;
  head->keep_alive = wants_keep_alive(head, parse->data);
  return head_judge(head, parse->data);
}

static int in_fields(struct parse *parse) {
  struct stoa_http_head *head = parse->head;
  switch (stoa_http_fields_parse(&head->fields, parse->limits->fields_max, parse->data, &head->scan, parse->end)) {
    case STOA_HTTP_FIELDS_MORE:
      return 0;
    case STOA_HTTP_FIELDS_FIELD:
      return field_judge(head, parse->data, &head->fields.items[head->fields.count - 1]);
    case STOA_HTTP_FIELDS_END:
      return head_end(parse);
    case STOA_HTTP_FIELDS_BROKEN:
      return 400;
    case STOA_HTTP_FIELDS_FULL:
      return 431;
  }
  return 400;
}

static int state_step(struct parse *parse) {
  switch ((enum parse_state)parse->head->state) {
    case AT_START:
      return at_start(parse);
    case AT_START_LF:
      return at_start_lf(parse);
    case IN_METHOD:
      return in_method(parse);
    case IN_TARGET:
      return in_target(parse);
    case IN_VERSION:
      return in_version(parse);
    case IN_FIELDS:
      return in_fields(parse);
  }
  return 400;
}

int stoa_http_head_parse(struct stoa_http_head *head, const struct stoa_http_limits *limits, const uint8_t *data,
                         size_t len) {
  assert(limits->fields_max <= STOA_HTTP_FIELDS_MAX);
  assert(limits->head_bytes_max <= UINT32_MAX);
  assert(len >= head->scan);
  struct parse parse = {head, limits, data, (uint32_t)(len < limits->head_bytes_max ? len : limits->head_bytes_max)};
  while (head->verdict == 0 && head->scan < parse.end) {
    head->verdict = (uint16_t)state_step(&parse);
  }
  if (head->verdict == 0 && head->scan == limits->head_bytes_max) {
    head->verdict = head->state == IN_TARGET ? 414 : 431;
  }
  assert(head->scan <= limits->head_bytes_max);
  return head->verdict;
}

struct stoa_string stoa_http_field(const struct stoa_http_head *head, const uint8_t *data, const char *name,
                                   size_t *index) {
  return stoa_http_fields_find(&head->fields, data, name, index);
}

struct stoa_string stoa_http_field_once(const struct stoa_http_head *head, const uint8_t *data, const char *name) {
  size_t index = 0;
  struct stoa_string first = stoa_http_field(head, data, name, &index);
  bool is_only = first.data == NULL || stoa_http_field(head, data, name, &index).data == NULL;
  return is_only ? first : stoa_string_make(NULL, 0);
}

bool stoa_http_has_token(const struct stoa_http_head *head, const uint8_t *data, const char *name, const char *token) {
  struct stoa_string wanted = stoa_string_of(token);
  size_t index = 0;
  struct stoa_string value;
  while ((value = stoa_http_field(head, data, name, &index)).data != NULL) {
    size_t at = 0;
    struct stoa_string element;
    while (stoa_http_list_next(value, &at, &element)) {
      if (stoa_http_equal_fold(element, wanted)) {
        return true;
      }
    }
  }
  return false;
}
