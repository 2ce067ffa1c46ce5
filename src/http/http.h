/* http/http.h: plain HTTP/1 on a stream: request heads, short answers, and answers whose content is read piece by
 * piece. A request that asks for WebSocket is the host's to upgrade.
 *
 * One request at a time: while an answer is under way, the next one waits. Each piece of a long answer is taken when
 * the one before has left, after the shares of other streams; an answer whose bytes the peer takes, however slowly, is
 * not ended.
 *
 * Does not know: what is asked for, WebSocket.
 * Thread: the worker's. Lifetime: a host is a part of the worker; the state of one request exists only while it is not
 * complete or its answer is under way.
 */
#ifndef STOA_HTTP_HTTP_H
#define STOA_HTTP_HTTP_H

#include "net/stream.h"
#include "wire/http.h"

/* An answer that stands still for so long is ended. */
#define STOA_HTTP_STALL_MS 30000u
/* For the last bytes to leave. */
#define STOA_HTTP_FLUSHING_MS 5000u

struct stoa_http_host {
  struct stoa_protocol protocol; /* first; stoa_http_host_init() fills it */
  const struct stoa_http_limits *limits;
  uint32_t request_ms; /* from the accept, or the end of the last answer, to a whole head */
  /* A request's head is complete. The callee answers it with one of the functions below, or upgrades, before it
   * returns. The views hold until then. */
  void (*on_request)(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data);
  /* It has ended without an upgrade: free it at the end of the turn. */
  void (*on_end)(struct stoa_stream *stream);
};

/* Content that is read piece by piece. */
struct stoa_http_body {
  /* Append at most `size` bytes to `out`; *out_last when nothing follows. Errors: any; the connection is closed then,
   * for the length that was announced cannot be kept. */
  int (*read)(struct stoa_http_body *body, struct stoa_buffer *out, size_t size, bool *out_last);
  /* No more is read: free it. */
  void (*close)(struct stoa_http_body *body);
};

/* `protocol.host`, limits, request_ms and the callbacks are set by the caller. */
void stoa_http_host_init(struct stoa_http_host *host);

/* Answer with a status code and end the connection. `text` is for people, NULL is the reason phrase; `fields` are more
 * lines with CRLF, or NULL. head_only: it was a HEAD, whose answer has no content. */
void stoa_http_refuse(struct stoa_stream *stream, const struct stoa_http_refusal *refusal);
/* The whole answer was queued; another request may follow, or none. */
void stoa_http_answered(struct stoa_stream *stream, bool keep_alive);
/* The answer's head was queued; the content comes from `body`, which is owned from here on, whatever happens. */
void stoa_http_answer_from(struct stoa_stream *stream, struct stoa_http_body *body, bool keep_alive);

/* No other request is taken: the connection ends behind the answer that is under way, or else now. */
void stoa_http_finish(struct stoa_stream *stream);

/* Act on a deadline that has come; returns when the next one is. */
uint64_t stoa_http_on_deadline(struct stoa_stream *stream, uint64_t now_ms);
/* The wall clock, for the field Date. */
int64_t stoa_http_wall_us(const struct stoa_stream *stream);

#endif
