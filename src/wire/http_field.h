/* wire/http_field.h: strict parsing of the field lines of an HTTP head (RFC 9112 5), in requests and responses.
 *
 * Bytes in, offsets out, as wire/http.h describes it: the caller keeps the bytes in one run from the head's first one,
 * and each byte is checked once and in order, so that any split of the input gives the same lines and the same end.
 *
 * Does not know: the meaning of a field, the beginning of the head. Thread: any.
 */
#ifndef STOA_WIRE_HTTP_FIELD_H
#define STOA_WIRE_HTTP_FIELD_H

#include <stoa/bytes.h>

#define STOA_HTTP_FIELDS_MAX 100

/* Offsets into the run of bytes that was parsed. */
struct stoa_http_span {
  uint32_t start;
  uint32_t len;
};

struct stoa_http_field_line {
  struct stoa_http_span name;
  struct stoa_http_span value; /* without the blanks around it */
};

/* All zero before the first line. */
struct stoa_http_fields {
  struct stoa_http_field_line items[STOA_HTTP_FIELDS_MAX];
  size_t count;
  /* Private to http_field.c. */
  uint32_t line_start;
  uint8_t state;
};

enum stoa_http_fields_event {
  STOA_HTTP_FIELDS_MORE,   /* all bytes are taken: call again with the longer run */
  STOA_HTTP_FIELDS_FIELD,  /* a line is complete and is the last of `items`: use it and call again */
  STOA_HTTP_FIELDS_END,    /* the empty line is complete */
  STOA_HTTP_FIELDS_BROKEN, /* bare LF or CR, obs-fold, a blank before the colon, control bytes, no colon, no name */
  STOA_HTTP_FIELDS_FULL    /* more than count_max lines */
};

/* Take bytes of data[*at, end), and move *at past them. It must not be called again after END, BROKEN and FULL.
 *
 * count_max  at most STOA_HTTP_FIELDS_MAX */
enum stoa_http_fields_event stoa_http_fields_parse(struct stoa_http_fields *fields, size_t count_max,
                                                   const uint8_t *data, uint32_t *at, uint32_t end);

/* Is it a token (RFC 9110 5.6.2), such as the name of a field? */
bool stoa_http_is_token(struct stoa_string text);

/* The value of the first field of that name (compared without case), or a view with data NULL. `index` (may be NULL) is
 * where the next search begins: start at 0. */
struct stoa_string stoa_http_fields_find(const struct stoa_http_fields *fields, const uint8_t *data, const char *name,
                                         size_t *index);

#endif
