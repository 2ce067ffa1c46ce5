/* wire/http_template.h: path templates as google.api.http writes them, compiled for matching.
 *
 *   Template  = "/" [ Segments ] [ ":" Verb ]       Segments = Segment { "/" Segment }
 *   Segment   = "*" | "**" | Literal | Variable     Variable = "{" FieldPath [ "=" Segments ] "}"
 *   FieldPath = Ident { "." Ident }                 Verb     = Literal
 *
 * "*" stands for one segment that is not empty, "**" for any number of them, also none; it is the last segment. "{a}"
 * means "{a=*}"; variables do not contain variables. "/" alone is a template too. A literal is made of letters, digits
 * and - . _ ~ ! $ & ' ( ) + , ; = @, without escapes.
 *
 * Does not know: methods, what a variable's name refers to. Thread: any.
 */
#ifndef STOA_WIRE_HTTP_TEMPLATE_H
#define STOA_WIRE_HTTP_TEMPLATE_H

#include <stoa/bytes.h>

#define STOA_HTTP_TEMPLATE_BYTES_MAX 1024
#define STOA_HTTP_TEMPLATE_SEGMENTS_MAX 32
#define STOA_HTTP_TEMPLATE_VARIABLES_MAX 16

/* In the order of their precedence. */
enum stoa_http_segment_kind { STOA_HTTP_SEGMENT_LITERAL, STOA_HTTP_SEGMENT_ONE, STOA_HTTP_SEGMENT_REST };

struct stoa_http_segment {
  enum stoa_http_segment_kind kind;
  struct stoa_string literal; /* empty for the other kinds */
};

struct stoa_http_variable {
  struct stoa_string name; /* its field path */
  uint8_t first;           /* segment */
  uint8_t count;           /* of the template's segments */
};

/* Views point into the text that was compiled, which is borrowed as long as the template is used. */
struct stoa_http_template {
  struct stoa_string text;
  struct stoa_string verb; /* len 0 when there is none */
  struct stoa_http_segment segments[STOA_HTTP_TEMPLATE_SEGMENTS_MAX];
  struct stoa_http_variable variables[STOA_HTTP_TEMPLATE_VARIABLES_MAX]; /* in the order of the text */
  uint8_t segment_count;
  uint8_t variable_count;
};

enum stoa_http_template_error {
  STOA_HTTP_TEMPLATE_OK,
  STOA_HTTP_TEMPLATE_NO_SLASH,      /* it does not begin with '/' */
  STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, /* "//", or '/' at the end */
  STOA_HTTP_TEMPLATE_DOT_SEGMENT,   /* "." or "..", which no path has */
  STOA_HTTP_TEMPLATE_BAD_BYTE,      /* a byte that cannot stand there */
  STOA_HTTP_TEMPLATE_BAD_WILDCARD,  /* '*' beside other bytes of a segment */
  STOA_HTTP_TEMPLATE_BAD_NAME,      /* a variable's name is no field path */
  STOA_HTTP_TEMPLATE_SAME_NAME,     /* two variables of one name */
  STOA_HTTP_TEMPLATE_NESTED,        /* a variable in a variable */
  STOA_HTTP_TEMPLATE_OPEN,          /* a variable without '}' */
  STOA_HTTP_TEMPLATE_REST_NOT_LAST, /* a segment after "**" */
  STOA_HTTP_TEMPLATE_EMPTY_VERB,    /* ':' at the end */
  STOA_HTTP_TEMPLATE_LONG,          /* more than STOA_HTTP_TEMPLATE_BYTES_MAX */
  STOA_HTTP_TEMPLATE_SEGMENTS,      /* more than STOA_HTTP_TEMPLATE_SEGMENTS_MAX */
  STOA_HTTP_TEMPLATE_VARIABLES,     /* more than STOA_HTTP_TEMPLATE_VARIABLES_MAX */
  STOA_HTTP_TEMPLATE_ERROR_COUNT
};

/* Compile a template. out_template is written when STOA_HTTP_TEMPLATE_OK is returned, *out_at otherwise: the offset of
 * the byte at which it was found. */
enum stoa_http_template_error stoa_http_template_compile(struct stoa_string text,
                                                         struct stoa_http_template *out_template, size_t *out_at);

/* The error for people: "'**' is not the last segment". */
const char *stoa_http_template_error_text(enum stoa_http_template_error error);

/* True when the variable stands for several segments, so that its value is a path: "{a=rooms/x}", "{a=**}". */
bool stoa_http_template_is_path(const struct stoa_http_template *template, const struct stoa_http_variable *variable);

/* The order of precedence: below 0 when a path that both match is a's. A verb goes before none; then the first segment
 * decides in which they differ: a literal before "*", "*" before "**", the end of the template before all of them.
 * 0: they match the same paths, whatever the names of the variables. */
int stoa_http_template_compare(const struct stoa_http_template *a, const struct stoa_http_template *b);

/* How many leading segments are the same in both. */
uint8_t stoa_http_template_shared(const struct stoa_http_template *a, const struct stoa_http_template *b);

#endif
