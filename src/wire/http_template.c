#include "wire/http_template.h"

#include "base/array.h"

#include <assert.h>

#include "wire/http_token.h"

/* Where the compiler stands. Each part has one function, which returns the error and leaves `at` at its byte. */
struct compiler {
  struct stoa_http_template *template;
  struct stoa_string text;
  size_t at;
};

/* The byte at the place, or 0 at the end; a NUL in the text is no byte of any part either. */
static char byte_at(const struct compiler *compiler) {
  return (char)(compiler->at < compiler->text.len ? compiler->text.data[compiler->at] : 0);
}

/* RFC 3986 3.3: a segment's bytes, but for the escape, the wildcard and the colon, which begins the verb. */
static bool is_literal(char byte) {
  return byte == '@' || (stoa_http_is((uint8_t)byte, STOA_HTTP_HOST) && byte != '%' && byte != '*');
}

static bool is_ident(char byte, bool is_first) {
  char low = (char)(byte | 0x20);
  return (low >= 'a' && low <= 'z') || byte == '_' || (!is_first && byte >= '0' && byte <= '9');
}

static struct stoa_string take_literal(struct compiler *compiler) {
  size_t start = compiler->at;
  while (is_literal(byte_at(compiler))) {
    compiler->at++;
  }
  return stoa_string_make(compiler->text.data + start, compiler->at - start);
}

static bool is_dots(struct stoa_string literal) {
  return stoa_string_equal(literal, stoa_string_of(".")) || stoa_string_equal(literal, stoa_string_of(".."));
}

static enum stoa_http_template_error wildcard(struct compiler *compiler, struct stoa_http_segment *segment) {
  compiler->at++;
  segment->kind = STOA_HTTP_SEGMENT_ONE;
  if (byte_at(compiler) == '*') {
    compiler->at++;
    segment->kind = STOA_HTTP_SEGMENT_REST;
  }
  char next = byte_at(compiler);
  return next == '*' || is_literal(next) ? STOA_HTTP_TEMPLATE_BAD_WILDCARD : STOA_HTTP_TEMPLATE_OK;
}

static enum stoa_http_template_error literal(struct compiler *compiler, struct stoa_http_segment *segment) {
  size_t start = compiler->at;
  segment->kind = STOA_HTTP_SEGMENT_LITERAL;
  segment->literal = take_literal(compiler);
  char next = byte_at(compiler);
  if (next == '*') {
    return STOA_HTTP_TEMPLATE_BAD_WILDCARD;
  }
  if (segment->literal.len == 0) {
    bool is_end = compiler->at == compiler->text.len || next == '/' || next == '}' || next == ':';
    return is_end ? STOA_HTTP_TEMPLATE_EMPTY_SEGMENT : STOA_HTTP_TEMPLATE_BAD_BYTE;
  }
  if (is_dots(segment->literal)) {
    compiler->at = start;
    return STOA_HTTP_TEMPLATE_DOT_SEGMENT;
  }
  return STOA_HTTP_TEMPLATE_OK;
}

/* One segment that is no variable. */
static enum stoa_http_template_error segment(struct compiler *compiler) {
  struct stoa_http_template *template = compiler->template;
  if (template->segment_count > 0 && template->segments[template->segment_count - 1].kind == STOA_HTTP_SEGMENT_REST) {
    return STOA_HTTP_TEMPLATE_REST_NOT_LAST;
  }
  if (template->segment_count == STOA_HTTP_TEMPLATE_SEGMENTS_MAX) {
    return STOA_HTTP_TEMPLATE_SEGMENTS;
  }
  struct stoa_http_segment *next = &template->segments[template->segment_count++];
  return byte_at(compiler) == '*' ? wildcard(compiler, next) : literal(compiler, next);
}

static enum stoa_http_template_error field_path(struct compiler *compiler, struct stoa_string *out_name) {
  size_t start = compiler->at;
  bool is_first = true;
  while (is_ident(byte_at(compiler), is_first) || (byte_at(compiler) == '.' && !is_first)) {
    is_first = byte_at(compiler) == '.';
    compiler->at++;
  }
  *out_name = stoa_string_make(compiler->text.data + start, compiler->at - start);
  if (compiler->at == compiler->text.len) {
    return STOA_HTTP_TEMPLATE_OPEN;
  }
  bool is_ended = byte_at(compiler) == '=' || byte_at(compiler) == '}';
  return is_first || !is_ended ? STOA_HTTP_TEMPLATE_BAD_NAME : STOA_HTTP_TEMPLATE_OK;
}

static bool is_named(const struct stoa_http_template *template, struct stoa_string name) {
  for (size_t i = 0; i < template->variable_count; i++) {
    if (stoa_string_equal(template->variables[i].name, name)) {
      return true;
    }
  }
  return false;
}

/* The segments after '='. */
static enum stoa_http_template_error variable_segments(struct compiler *compiler) {
  enum stoa_http_template_error error;
  do {
    compiler->at++;
    error = byte_at(compiler) == '{' ? STOA_HTTP_TEMPLATE_NESTED : segment(compiler);
  } while (error == STOA_HTTP_TEMPLATE_OK && byte_at(compiler) == '/');
  return error;
}

/* What a variable without '=' stands for. */
static enum stoa_http_template_error variable_default(struct compiler *compiler) {
  static const struct stoa_string star = STOA_STR("*");
  struct compiler implied = {compiler->template, star, 0};
  return segment(&implied);
}

static enum stoa_http_template_error variable(struct compiler *compiler) {
  struct stoa_http_template *template = compiler->template;
  struct stoa_http_variable next = {.first = template->segment_count};
  if (template->variable_count == STOA_HTTP_TEMPLATE_VARIABLES_MAX) {
    return STOA_HTTP_TEMPLATE_VARIABLES;
  }
  size_t start = ++compiler->at;
  enum stoa_http_template_error error = field_path(compiler, &next.name);
  if (error != STOA_HTTP_TEMPLATE_OK) {
    return error;
  }
  if (is_named(template, next.name)) {
    compiler->at = start;
    return STOA_HTTP_TEMPLATE_SAME_NAME;
  }
  error = byte_at(compiler) == '=' ? variable_segments(compiler) : variable_default(compiler);
  if (error != STOA_HTTP_TEMPLATE_OK) {
    return error;
  }
  if (byte_at(compiler) != '}') {
    return compiler->at == compiler->text.len ? STOA_HTTP_TEMPLATE_OPEN : STOA_HTTP_TEMPLATE_BAD_BYTE;
  }
  compiler->at++;
  next.count = (uint8_t)(template->segment_count - next.first);
  template->variables[template->variable_count++] = next;
  return STOA_HTTP_TEMPLATE_OK;
}

/* All segments, each after its slash. */
static enum stoa_http_template_error path(struct compiler *compiler) {
  enum stoa_http_template_error error;
  if (compiler->text.len == 1) {
    compiler->at++;
    return STOA_HTTP_TEMPLATE_OK;
  }
  do {
    compiler->at++;
    error = byte_at(compiler) == '{' ? variable(compiler) : segment(compiler);
  } while (error == STOA_HTTP_TEMPLATE_OK && byte_at(compiler) == '/');
  return error;
}

/* What may follow the path, and the end. */
static enum stoa_http_template_error verb(struct compiler *compiler) {
  if (byte_at(compiler) == ':') {
    compiler->at++;
    compiler->template->verb = take_literal(compiler);
    if (compiler->template->verb.len == 0 && compiler->at == compiler->text.len) {
      return STOA_HTTP_TEMPLATE_EMPTY_VERB;
    }
  }
  return compiler->at < compiler->text.len ? STOA_HTTP_TEMPLATE_BAD_BYTE : STOA_HTTP_TEMPLATE_OK;
}

enum stoa_http_template_error stoa_http_template_compile(struct stoa_string text,
                                                         struct stoa_http_template *out_template, size_t *out_at) {
  struct stoa_http_template template = {.text = text};
  struct compiler compiler = {&template, text, 0};
  enum stoa_http_template_error error = STOA_HTTP_TEMPLATE_OK;
  if (text.len > STOA_HTTP_TEMPLATE_BYTES_MAX) {
    error = STOA_HTTP_TEMPLATE_LONG;
  } else if (byte_at(&compiler) != '/') {
    error = STOA_HTTP_TEMPLATE_NO_SLASH;
  } else {
    error = path(&compiler);
  }
  if (error == STOA_HTTP_TEMPLATE_OK) {
    error = verb(&compiler);
  }
  assert(compiler.at <= text.len);
  if (error != STOA_HTTP_TEMPLATE_OK) {
    *out_at = compiler.at;
    return error;
  }
  *out_template = template;
  return STOA_HTTP_TEMPLATE_OK;
}

const char *stoa_http_template_error_text(enum stoa_http_template_error error) {
  static const char *const texts[] = {
      [STOA_HTTP_TEMPLATE_OK] = "no error",
      [STOA_HTTP_TEMPLATE_NO_SLASH] = "it does not begin with '/'",
      [STOA_HTTP_TEMPLATE_EMPTY_SEGMENT] = "an empty segment",
      [STOA_HTTP_TEMPLATE_DOT_SEGMENT] = "a segment \".\" or \"..\"",
      [STOA_HTTP_TEMPLATE_BAD_BYTE] = "an unexpected character",
      [STOA_HTTP_TEMPLATE_BAD_WILDCARD] = "'*' and '**' must be whole segments",
      [STOA_HTTP_TEMPLATE_BAD_NAME] = "a variable's name must be a field path",
      [STOA_HTTP_TEMPLATE_SAME_NAME] = "two variables of the same name",
      [STOA_HTTP_TEMPLATE_NESTED] = "a variable in a variable",
      [STOA_HTTP_TEMPLATE_OPEN] = "a variable without '}'",
      [STOA_HTTP_TEMPLATE_REST_NOT_LAST] = "'**' is not the last segment",
      [STOA_HTTP_TEMPLATE_EMPTY_VERB] = "nothing after ':'",
      [STOA_HTTP_TEMPLATE_LONG] = "too long",
      [STOA_HTTP_TEMPLATE_SEGMENTS] = "too many segments",
      [STOA_HTTP_TEMPLATE_VARIABLES] = "too many variables",
  };
  assert((size_t)error < STOA_COUNT_OF(texts));
  return texts[error];
}

bool stoa_http_template_is_path(const struct stoa_http_template *template, const struct stoa_http_variable *variable) {
  return variable->count > 1 || template->segments[variable->first].kind == STOA_HTTP_SEGMENT_REST;
}

static int text_compare(struct stoa_string a, struct stoa_string b) {
  if (a.len != b.len) {
    return a.len < b.len ? -1 : 1;
  }
  return a.len > 0 ? memcmp(a.data, b.data, a.len) : 0;
}

static int segment_compare(const struct stoa_http_segment *a, const struct stoa_http_segment *b) {
  return a->kind != b->kind ? (int)a->kind - (int)b->kind : text_compare(a->literal, b->literal);
}

uint8_t stoa_http_template_shared(const struct stoa_http_template *a, const struct stoa_http_template *b) {
  uint8_t count = 0;
  while (count < a->segment_count && count < b->segment_count &&
         segment_compare(&a->segments[count], &b->segments[count]) == 0) {
    count++;
  }
  return count;
}

int stoa_http_template_compare(const struct stoa_http_template *a, const struct stoa_http_template *b) {
  if ((a->verb.len > 0) != (b->verb.len > 0)) {
    return a->verb.len > 0 ? -1 : 1;
  }
  uint8_t shared = stoa_http_template_shared(a, b);
  if (shared < a->segment_count && shared < b->segment_count) {
    return segment_compare(&a->segments[shared], &b->segments[shared]);
  }
  if (a->segment_count != b->segment_count) {
    return (int)a->segment_count - (int)b->segment_count;
  }
  return text_compare(a->verb, b->verb);
}
