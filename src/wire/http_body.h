/* wire/http_body.h: the body of an HTTP/1.1 request, by Content-Length or chunked (RFC 9112 6 and 7), strictly; and of
 * a response that is chunked.
 *
 * Bytes in, spans of content out, without a copy: a span points into the bytes that were given. They may come in pieces
 * of any size, which need not be kept; any split gives the same content, the same end and the same refusal at the same
 * byte. Chunk extensions and trailer fields are checked, counted and dropped, as RFC 9112 7.1.1 and 7.1.2 allow.
 *
 * Does not know: sockets, time (the deadline of a slow body is the caller's), what the content means.
 * Thread: one at a time. Lifetime: the struct is the caller's and owns nothing.
 */
#ifndef STOA_WIRE_HTTP_BODY_H
#define STOA_WIRE_HTTP_BODY_H

#include "wire/http.h"

#define STOA_HTTP_EXTENSION_BYTES_MAX_DEFAULT 4096
#define STOA_HTTP_TRAILER_BYTES_MAX_DEFAULT 4096
#define STOA_HTTP_TRAILERS_MAX_DEFAULT 20

struct stoa_http_body_limits {
  uint64_t content_bytes_max;   /* 413, when the head is read if it has Content-Length */
  uint32_t extension_bytes_max; /* of all chunks together; 413 */
  uint32_t trailer_bytes_max;   /* of all trailer names and values together; 431 */
  uint16_t trailers_max;        /* 431 */
};

struct stoa_http_body {
  bool is_chunked;
  bool expects_continue; /* the client may wait for 100 (Continue) before it sends content (RFC 9110 10.1.1) */
  uint16_t refusal;      /* after STOA_HTTP_BODY_REFUSED: the status code of the response */
  uint64_t length;       /* Content-Length; 0 when chunked */
  uint64_t received;     /* bytes of content that were given out */
  /* Private to http_body.c. */
  struct stoa_http_body_limits limits;
  uint64_t left; /* content to come, of the body or of this chunk */
  uint32_t extension_bytes;
  uint32_t trailer_bytes;
  uint16_t trailer_count;
  uint8_t digits; /* of this chunk's size */
  uint8_t state;
};

enum stoa_http_body_event {
  STOA_HTTP_BODY_MORE,    /* all bytes are consumed; call again with those that follow */
  STOA_HTTP_BODY_CONTENT, /* a span of content, at least a byte; go on */
  STOA_HTTP_BODY_END,     /* the body is complete; the next request begins at *at */
  STOA_HTTP_BODY_REFUSED  /* see `refusal`; nothing after this byte can be trusted, so the connection must close */
};

/* Find out from the head how its body is framed. A route that takes bodies calls this for every head that is read to a
 * verdict. An upgrade does not: for it the verdict of the head stands, which refuses a body.
 *
 * head       stoa_http_head_parse() has returned something other than 0 for it
 * data       the bytes of the head
 * out_body   written when 200 is returned
 * Returns 200 when the body can be read (it may be empty, then the first event is the end), else the status code of
 * the refusal, after which the connection must close:
 *   any code of stoa_http_head_parse() that is not about a body or a method: that code
 *   400  Transfer-Encoding whose last coding is not exactly "chunked", or that has it twice, or an empty element (RFC
 *        9112 6.3); Content-Length that is repeated or no plain number, or beside Transfer-Encoding, and
 *        Transfer-Encoding in HTTP/1.0, which are the head's verdict already
 *   405  a target without a path: CONNECT, or OPTIONS of "*"
 *   413  Content-Length above content_bytes_max
 *   501  a coding before "chunked", or an unknown method */
int stoa_http_body_begin(const struct stoa_http_head *head, const uint8_t *data,
                         const struct stoa_http_body_limits *limits, struct stoa_http_body *out_body);

/* Read the body of a response with "Transfer-Encoding: chunked". */
void stoa_http_body_begin_chunked(const struct stoa_http_body_limits *limits, struct stoa_http_body *out_body);

/* Take bytes of data[*at, len) up to the next event, and advance *at past them. After the end and after a refusal it
 * takes nothing more and gives the same event again.
 *
 * out_content  written with STOA_HTTP_BODY_CONTENT only; valid as long as `data`
 * Refusals: 400  not RFC 9112 7.1 grammar: a size that is not 1 to 16 hexadecimal digits below 2^63, a blank after it,
 *                bare LF or CR, control bytes in an extension or trailer, content longer than its chunk, a trailer line
 *                that is folded, has no colon, no name, or a blank before the colon
 *           413  more content or extension bytes than the limits allow; for content as soon as the size is read
 *           431  more trailer fields, or bytes of them, than the limits allow */
enum stoa_http_body_event stoa_http_body_read(struct stoa_http_body *body, const uint8_t *data, size_t len, size_t *at,
                                              struct stoa_bytes *out_content);

#endif
