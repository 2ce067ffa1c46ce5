/* http/http.h: plain HTTP/1 on a stream: request heads, short answers, and answers whose content is read piece by
 * piece. The host upgrades requests that ask for WebSocket.
 *
 * One request at a time: while an answer is being sent, the next request waits. Each piece of a long answer is read
 * when the one before was sent, after the shares of other streams. An answer whose bytes the peer takes, however
 * slowly, is not ended.
 *
 * Does not know: what requests ask for, WebSocket.
 * Thread: the worker's. Lifetime: a host is a part of the worker; the state of one request exists only while it is
 * incomplete or its answer is being sent.
 */
#ifndef STOA_HTTP_HTTP_H
#define STOA_HTTP_HTTP_H

#include "net/stream.h"
#include "wire/http.h"

/* An answer without progress for so long is ended. */
#define STOA_HTTP_STALL_MS 30000u
/* The time to send the last bytes. */
#define STOA_HTTP_FLUSHING_MS 5000u

struct stoa_http_host {
  struct stoa_protocol protocol; /* first; stoa_http_host_init() fills it */
  const struct stoa_http_limits *limits;
  uint32_t request_ms; /* from the accept, or the end of the last answer, to a complete head */
  /* A request's head is complete. The callee answers it with one of the functions below, or upgrades, before it
   * returns. The views are valid until then. */
  void (*on_request)(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data);
  /* The stream has ended without an upgrade: free it at the end of the turn. */
  void (*on_end)(struct stoa_stream *stream);
};

/* Content that is read piece by piece. */
struct stoa_http_body {
  /* Append at most `size` bytes to `out`; *out_last when nothing follows. Errors: any; the connection is then closed,
   * because the announced length cannot be kept. */
  int (*read)(struct stoa_http_body *body, struct stoa_buffer *out, size_t size, bool *out_last);
  /* No more will be read: free it. */
  void (*close)(struct stoa_http_body *body);
};

/* `protocol.host`, limits, request_ms and the callbacks are set by the caller. */
void stoa_http_host_init(struct stoa_http_host *host);

/* Answer with a status code and end the connection. `text` is the content, NULL the reason phrase; `fields` are more
 * lines with CRLF, or NULL. head_only: the request was a HEAD, whose answer has no content. */
void stoa_http_refuse(struct stoa_stream *stream, const struct stoa_http_refusal *refusal);
/* Report that the whole answer was queued. keep_alive: another request may follow. */
void stoa_http_answered(struct stoa_stream *stream, bool keep_alive);
/* The answer's head was queued; send the content of `body`, which the stream then owns, whatever happens. */
void stoa_http_answer_from(struct stoa_stream *stream, struct stoa_http_body *body, bool keep_alive);

/* Accept no other request: the connection ends after the answer that is being sent, or else now. */
void stoa_http_finish(struct stoa_stream *stream);

/* Handle a deadline that is due; returns when the next one is due. */
uint64_t stoa_http_on_deadline(struct stoa_stream *stream, uint64_t now_ms);
/* The wall-clock time, for the field Date. */
int64_t stoa_http_wall_us(const struct stoa_stream *stream);

#endif
