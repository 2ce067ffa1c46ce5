/* server/http/response.h: writes the heads of HTTP responses, and errors as JSON.
 *
 * Does not know: connections, routes. Thread: any.
 */
#ifndef STOA_SERVER_HTTP_RESPONSE_H
#define STOA_SERVER_HTTP_RESPONSE_H

#include <stoa/buffer.h>
#include <stoa/http.h>

struct stoa_response {
  int status;
  bool is_chunked; /* Transfer-Encoding: chunked */
  bool has_length; /* Content-Length */
  bool keep_alive; /* else Connection: close */
  uint64_t length;
  int64_t wall_us;                 /* for the field Date */
  struct stoa_string content_type; /* empty: none */
  struct stoa_bytes fields;        /* complete lines with CRLF */
};

/* Append the head. Errors: STOA_E_LIMIT, STOA_E_MEMORY as stoa_buffer_append(); `out` is as before */
int stoa_response_write(const struct stoa_response *response, struct stoa_buffer *out);

/* May a response with this status have content (RFC 9110 6.4.1)? */
bool stoa_response_has_content(int status);

/* Append the fields of a reply as lines, after a check of all that goes into the head.
 * Errors: STOA_E_ARGUMENT  as stoa_http_reply() tells; STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_response_add_fields(const struct stoa_http_answer *reply, struct stoa_buffer *out);
/* Append one line. Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_response_add_field(struct stoa_buffer *out, const char *name, struct stoa_string value);

#define STOA_RESPONSE_RETRY_SIZE 16
/* The field Retry-After: the error's retry_ms in seconds, rounded up. `text` is its value. */
struct stoa_http_field stoa_response_retry_after(const struct stoa_error *error, char text[STOA_RESPONSE_RETRY_SIZE]);

/* The error that stands for a status code of the library's own: code, reason, and whether it is temporary. Its status
 * (stoa_error_http_status()) is that code. */
struct stoa_error stoa_response_error_of(int status);

#endif
