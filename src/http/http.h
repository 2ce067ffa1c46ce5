/* http/http.h: plain HTTP/1 on a stream: request heads and bodies, short answers, answers that come later, and answers
 * whose content is read piece by piece. The host upgrades requests that ask for WebSocket.
 *
 * One request at a time: until its answer was sent, the next request waits. Each piece of a long answer is read when
 * the one before was sent, after the shares of other streams. An answer whose bytes the peer takes, however slowly, is
 * not ended.
 *
 * Does not know: what requests ask for, WebSocket, where the content of a body is kept.
 * Thread: the worker's. Lifetime: a host is a part of the worker; the state of one request exists only while it is
 * incomplete or not answered in full.
 */
#ifndef STOA_HTTP_HTTP_H
#define STOA_HTTP_HTTP_H

#include "net/stream.h"
#include "wire/http.h"
#include "wire/http_body.h"

/* An answer without progress for so long is ended. */
#define STOA_HTTP_STALL_MS 30000u
/* The time to send the last bytes. */
#define STOA_HTTP_FLUSHING_MS 5000u

struct stoa_http_host {
  struct stoa_protocol protocol; /* first; stoa_http_host_init() fills it */
  const struct stoa_http_limits *limits;
  uint32_t request_ms; /* from the accept, or the end of the last answer, to a complete head */
  uint32_t body_ms;    /* from there to the end of the body */
  /* A request's head is complete. The callee answers it with one of the functions below, or upgrades, before it
   * returns. The views are valid until then.
   *
   * code  200; or 405, 413 or 501, when the head is refused for its method or because it has a body: the callee answers
   *       with this code, unless it reads the body (stoa_http_await()) */
  void (*on_request)(struct stoa_stream *stream, const struct stoa_http_head *head, int code, const uint8_t *data);
  /* The stream has ended without an upgrade: free it at the end of the turn. */
  void (*on_end)(struct stoa_stream *stream);
};

/* The content of an answer, read piece by piece. */
struct stoa_http_content {
  /* Append about `size` bytes to `out`, or fewer; *out_last when nothing follows. Errors: STOA_E_AGAIN  there is
   * nothing yet, call stoa_http_more() when there is; any other: the connection is closed, because the announced
   * length cannot be kept. */
  int (*read)(struct stoa_http_content *content, struct stoa_buffer *out, size_t size, bool *out_last);
  /* No more will be read: free it. */
  void (*close)(struct stoa_http_content *content);
};

/* A request whose body is read, or whose answer comes later. */
struct stoa_http_pending {
  struct stoa_http_body body; /* how it is framed: stoa_http_body_begin() has returned 200 */
  /* A part of the body, in order. Returns 0, or the code with which to refuse the request. */
  int (*on_content)(struct stoa_http_pending *pending, struct stoa_bytes content);
  /* The body is complete: answer, now or later. */
  void (*on_complete)(struct stoa_stream *stream, struct stoa_http_pending *pending);
  /* The body cannot be read, or took too long (408): answer with this code and end the connection. */
  void (*on_refused)(struct stoa_stream *stream, struct stoa_http_pending *pending, int code);
  /* The last call: it was answered in full, or the stream has ended. */
  void (*close)(struct stoa_http_pending *pending);
};

/* `protocol.host`, limits, request_ms and the callbacks are set by the caller. */
void stoa_http_host_init(struct stoa_http_host *host);

/* Answer with a status code and end the connection. `text` is the content, NULL the reason phrase; `fields` are more
 * lines with CRLF, or NULL. head_only: the request was a HEAD, whose answer has no content. */
void stoa_http_refuse(struct stoa_stream *stream, const struct stoa_http_refusal *refusal);
/* Report that the whole answer was queued. keep_alive: another request may follow. */
void stoa_http_answered(struct stoa_stream *stream, bool keep_alive);
/* The answer's head was queued; send the content, which the stream then owns, whatever happens. */
void stoa_http_answer_from(struct stoa_stream *stream, struct stoa_http_content *content, bool keep_alive);
/* Content that had nothing has more. */
void stoa_http_more(struct stoa_stream *stream);

/* From on_request: read the body, and call on_complete, perhaps inside this call; a client that waits for it gets 100
 * (Continue). Until the answer no other request is read. `pending` is the stream's until its close. There is no time
 * limit for an answer that comes later: that is the caller's. */
void stoa_http_await(struct stoa_stream *stream, struct stoa_http_pending *pending);
/* Will the connection end after the answer to this request, whatever the request asked for? */
bool stoa_http_is_last(const struct stoa_stream *stream);

/* Accept no other request: the connection ends after the request that is being read or answered, or else now. */
void stoa_http_finish(struct stoa_stream *stream);

/* Handle a deadline that is due; returns when the next one is due. */
uint64_t stoa_http_on_deadline(struct stoa_stream *stream, uint64_t now_ms);
/* The wall-clock time, for the field Date. */
int64_t stoa_http_wall_us(const struct stoa_stream *stream);

#endif
