/* wire/http.h: strict parsing of the head of an HTTP/1.1 or 1.0 request (RFC 9112), and the heads of its answers.
 *
 * Bytes in, offsets out. The caller keeps the received bytes in one run from the head's first byte and calls again with
 * the longer run as more arrive; the run may move between calls. Each byte is checked once and in order, and the
 * verdict is given at the first byte that decides it. So any split of the input gives the same verdict, and the time is
 * linear in the bytes.
 *
 * Does not know: sockets, time, files, WebSocket.
 */
#ifndef STOA_WIRE_HTTP_H
#define STOA_WIRE_HTTP_H

#include "wire/http_field.h"

#include <stoa/status.h>

#define STOA_HTTP_HEAD_BYTES_MAX_DEFAULT (16 * 1024)
#define STOA_HTTP_TARGET_BYTES_MAX_DEFAULT (8 * 1024)

struct stoa_http_limits {
  size_t head_bytes_max;   /* including the empty line; 431 (414 while in the target) */
  size_t target_bytes_max; /* 414 */
  size_t fields_max;       /* at most STOA_HTTP_FIELDS_MAX; 431 */
};

enum stoa_http_method { STOA_HTTP_GET, STOA_HTTP_HEAD, STOA_HTTP_OTHER };

/* The content of a complete head, or the parser's position in an incomplete one. About 1.7 KiB: it lives on the stack
 * or in the worker while a head is read in one go, and is allocated only when a head comes in pieces. */
struct stoa_http_head {
  enum stoa_http_method method;
  uint8_t minor_version;        /* of HTTP/1: 0, or 1, also for higher ones (RFC 9110 2.5) */
  struct stoa_http_span target; /* path and query; only the path "/" for "http://host?query" */
  struct stoa_http_span path;   /* of the target, still percent-encoded */
  struct stoa_http_span query;  /* without the '?'; len 0 when there is none */
  struct stoa_http_fields fields;
  size_t head_len; /* bytes of the head, including the empty line */
  bool keep_alive; /* another request may follow the answer, which must say "Connection: keep-alive" or "close" */
  bool has_body;   /* Content-Length above 0 */
  uint64_t body_len;
  /* Private to http.c. */
  uint32_t scan;       /* bytes judged */
  uint32_t line_start; /* of the method, then of the version */
  uint8_t state;
  uint8_t seen;                    /* fields that may occur once, and known methods that are not served */
  uint16_t verdict;                /* 0 while incomplete, then final; http_body.c reads it too */
  struct stoa_http_span authority; /* of an absolute target */
};

void stoa_http_head_init(struct stoa_http_head *head);

/* Parse as far as the bytes go.
 *
 * data, len  everything received since the head's first byte
 * Returns 0 while the head is incomplete, 200 when it is complete, else the status code of the refusal. A verdict is
 * final: later calls return it again. Views and counts in the head are valid after 200 only, body_len after 413 too.
 *   400       not RFC 9112 grammar: bare LF or CR, obs-fold, space before the colon, NUL or control bytes, no colon, no
 *             Host field (in HTTP/1.1) or two, bad Host, a Content-Length that is not one plain number below 2^63,
 *             Content-Length beside Transfer-Encoding, Transfer-Encoding in HTTP/1.0, a target in a form that the
 *             method does not have (RFC 9112 3.2) or with bytes that no browser sends, an absolute target of another
 *             host than Host
 *   405       a known method other than GET and HEAD, when the head has no other error (an unknown one is 501)
 *   413       Content-Length above 0: a body is never read, so that no byte of one is ever read as a frame
 *   414, 431  a limit was reached
 *   501       Transfer-Encoding, or an unknown method
 *   505       a major version other than 1
 * One empty line before the request line is skipped (RFC 9112 2.2).
 */
int stoa_http_head_parse(struct stoa_http_head *head, const struct stoa_http_limits *limits, const uint8_t *data,
                         size_t len);

/* The value of the first field of that name (compared without case), or a view with data NULL. `index` (may be NULL) is
 * where the next search begins: start at 0. */
struct stoa_string stoa_http_field(const struct stoa_http_head *head, const uint8_t *data, const char *name,
                                   size_t *index);

/* The value of the only field of that name, or a view with data NULL: there is none, or there are several. */
struct stoa_string stoa_http_field_once(const struct stoa_http_head *head, const uint8_t *data, const char *name);

/* True when one of the comma-separated tokens of all fields of that name equals `token`, without case. */
bool stoa_http_has_token(const struct stoa_http_head *head, const uint8_t *data, const char *name, const char *token);

/* "Bad Request" for 400; "" for codes that this server never sends. */
const char *stoa_http_reason(int code);

/* Why a request is refused, and the content of the answer. */
struct stoa_http_refusal {
  int code;
  bool head_only;   /* the answer to HEAD has no content */
  int64_t wall_us;  /* since 1970-01-01 UTC, for the field Date */
  const char *text; /* the body, for people, without a line feed at its end; NULL: the reason phrase. Of the request it
                       may contain only what was parsed as a host */
  const char *fields; /* more fields, complete lines with CRLF; NULL: none */
};

/* Write a complete answer, also for HTTP/1.0: status line, Date, Content-Length, Content-Type text/plain,
 * X-Content-Type-Options: nosniff, Connection: close, and the body. 426 has Upgrade and Sec-WebSocket-Version, 405 has
 * Allow.
 * Returns the bytes written, or 0 when `out_size` is too small (512 plus the lengths of text and fields is enough). */
size_t stoa_http_refusal(const struct stoa_http_refusal *refusal, char *out, size_t out_size);

/* Percent-decode a path into `out` (at least path.len bytes). *out_len is the number of bytes written.
 * Errors: STOA_E_SYNTAX  a bad escape, a NUL, a control byte, a backslash, invalid UTF-8 (overlong too), or a segment
 *         that is "..", after decoding once. "%252e" decodes to "%2e" and is not decoded again. */
int stoa_http_path_decode(struct stoa_string path, char *out, size_t *out_len);

#endif
