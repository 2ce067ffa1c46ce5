#include "http/http.h"

#include "base/container.h"
#include "base/memory.h"

#include <assert.h>

/* The size of one piece of a long answer. */
#define PIECE_BYTES ((size_t)64 * 1024)
/* A request costs more than its length suggests: paths, files, fields. */
#define REQUEST_COST 2048u
#define ANSWER_BYTES_MAX 2048u
/* How often the deadline of a stalled answer is checked before it is due, because progress postpones it. */
#define LOOKS 4u

struct http_input {
  struct stoa_stream_input base; /* first */
  struct stoa_http_head *head;   /* the parser of a head that comes in several reads */
  struct stoa_http_body *body;   /* of the answer that is being sent */
  bool keep_alive;               /* after that answer */
};

static struct stoa_http_host *host_of(const struct stoa_stream *stream) {
  return stoa_container_of(stream->protocol, struct stoa_http_host, protocol);
}

static struct http_input *input_of(const struct stoa_stream *stream) {
  return (struct http_input *)(void *)stream->input;
}

static struct stoa_stream_input *make_input(struct stoa_stream *stream) {
  (void)stream;
  struct http_input *input = stoa_calloc(1, sizeof *input);
  return input == NULL ? NULL : &input->base;
}

static void free_input(struct stoa_stream_input *base) {
  struct http_input *input = stoa_container_of(base, struct http_input, base);
  if (input->body != NULL) {
    input->body->close(input->body);
  }
  stoa_free(input->head);
  stoa_free(input);
}

static bool input_is_idle(const struct stoa_stream_input *base) {
  const struct http_input *input = stoa_container_of(base, const struct http_input, base);
  return input->head == NULL && input->body == NULL;
}

int64_t stoa_http_wall_us(const struct stoa_stream *stream) {
  return stoa_clock_wall_us(stoa_loop_clock(stoa_stream_host_of(stream)->loop));
}

static void set_deadline(struct stoa_stream *stream, uint32_t delay_ms) {
  stream->since_ms = stoa_stream_now32(stream);
  struct stoa_stream_host *host = stoa_stream_host_of(stream);
  host->on_deadline_change(stream, stoa_loop_now_ms(host->loop) + delay_ms);
}

/* Answers. */

void stoa_http_answered(struct stoa_stream *stream, bool keep_alive) {
  if (keep_alive) {
    /* The next request has a deadline of its own. */
    set_deadline(stream, host_of(stream)->request_ms);
  } else {
    stoa_stream_finish(stream);
    stoa_stream_note_acked(stream);
    set_deadline(stream, STOA_HTTP_FLUSHING_MS);
  }
}

void stoa_http_refuse(struct stoa_stream *stream, const struct stoa_http_refusal *refusal) {
  char answer[ANSWER_BYTES_MAX];
  size_t len = stoa_http_refusal(refusal, answer, sizeof answer);
  assert(len > 0);
  /* A failure has doomed the stream already. */
  int ignored = stoa_stream_output_bytes(stream, answer, len);
  (void)ignored;
  stoa_http_answered(stream, false);
}

static void refuse(struct stoa_stream *stream, int code, bool head_only) {
  const struct stoa_http_refusal refusal = {.code = code, .head_only = head_only, .wall_us = stoa_http_wall_us(stream)};
  stoa_http_refuse(stream, &refusal);
}

static void end_body(struct stoa_stream *stream) {
  struct http_input *input = input_of(stream);
  assert(input->body != NULL);
  bool keep_alive = input->keep_alive;
  input->body->close(input->body);
  input->body = NULL;
  stoa_http_answered(stream, keep_alive);
  stoa_stream_resume(stream, STOA_PAUSE_ANSWER);
}

static bool has_body(const struct stoa_stream *stream) {
  return stream->input != NULL && input_of(stream)->body != NULL;
}

/* The next piece comes after the shares of other streams; without a place on the ready list the answer would stop for
 * ever. */
static void continue_later(struct stoa_stream *stream) {
  stoa_stream_yield(stream);
  if (!stream->listed) {
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
  }
}

static void note_progress(struct stoa_stream *stream) {
  stream->since_ms = stoa_stream_now32(stream);
  stoa_stream_note_acked(stream);
}

/* Send the next piece, when the one before was sent. */
static void send_piece(struct stoa_stream *stream) {
  if (!has_body(stream) || stream->state != STOA_STREAM_OPEN) {
    return;
  }
  if (stoa_stream_queued(stream) > 0) {
    /* If the kernel is full, on_progress continues. If the output is only queued (the head of a request that was read
     * in this turn), it is sent at the end of this turn without a callback. */
    if (!stream->blocked) {
      continue_later(stream);
    }
    return;
  }
  struct http_input *input = input_of(stream);
  bool last = false;
  /* The piece before was taken, perhaps at once, so the answer is not stalled. */
  note_progress(stream);
  struct stoa_buffer *out = stoa_stream_output_begin(stream);
  int status = out == NULL ? STOA_E_MEMORY : input->body->read(input->body, out, PIECE_BYTES, &last);
  if (out != NULL) {
    stoa_stream_output_end(stream);
  }
  if (status != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
  } else if (last) {
    end_body(stream);
  } else {
    continue_later(stream);
  }
}

void stoa_http_answer_from(struct stoa_stream *stream, struct stoa_http_body *body, bool keep_alive) {
  assert(body->read != NULL);
  assert(body->close != NULL);
  struct http_input *input = (struct http_input *)(void *)stoa_stream_input_ensure(stream);
  if (input == NULL || stream->state != STOA_STREAM_OPEN) {
    body->close(body);
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
    return;
  }
  assert(input->body == NULL);
  input->body = body;
  input->keep_alive = keep_alive;
  stoa_stream_pause(stream, STOA_PAUSE_ANSWER);
  stoa_stream_note_acked(stream);
  set_deadline(stream, STOA_HTTP_STALL_MS / LOOKS);
  continue_later(stream);
}

void stoa_http_finish(struct stoa_stream *stream) {
  struct http_input *input = input_of(stream);
  if (input != NULL && input->body != NULL) {
    input->keep_alive = false;
  } else {
    stoa_http_answered(stream, false);
  }
}

static void on_progress(struct stoa_stream *stream) {
  note_progress(stream);
  if (has_body(stream) && stream->state == STOA_STREAM_OPEN && stoa_stream_queued(stream) == 0) {
    continue_later(stream);
  }
}

/* Requests. */

static bool keep_head(struct stoa_stream *stream, const struct stoa_http_head *head) {
  struct http_input *input = (struct http_input *)(void *)stoa_stream_input_ensure(stream);
  if (input == NULL) {
    return false;
  }
  if (input->head == NULL) {
    input->head = stoa_alloc(sizeof *input->head);
    if (input->head == NULL) {
      return false;
    }
  }
  if (input->head != head) {
    *input->head = *head;
  }
  return true;
}

static void forget_head(struct stoa_stream *stream) {
  if (stream->input != NULL) {
    stoa_free(input_of(stream)->head);
    input_of(stream)->head = NULL;
  }
}

/* Pipelined requests are answered one after the other: the rest waits until some answers were sent. */
static void pause_when_full(struct stoa_stream *stream) {
  if (stream->state == STOA_STREAM_OPEN && stoa_stream_queued(stream) > stoa_stream_pause_bytes(stream)) {
    stoa_stream_pause(stream, STOA_PAUSE_OUTPUT);
  }
}

static size_t on_input(struct stoa_stream *stream, uint8_t *data, size_t len) {
  struct stoa_http_head fresh;
  struct stoa_http_head *head = stream->input == NULL ? NULL : input_of(stream)->head;
  if (head == NULL) {
    stoa_http_head_init(&fresh);
    head = &fresh;
  }
  int code = stoa_http_head_parse(head, host_of(stream)->limits, data, len);
  if (code == 0) {
    if (!keep_head(stream, head)) {
      stoa_stream_drop(stream);
    }
    return 0;
  }
  if (head != &fresh) {
    fresh = *head;
    forget_head(stream);
  }
  if (code != 200) {
    /* RFC 9110 9.3.2: an answer to HEAD has no content; a proxy would take it for the start of the next answer. */
    refuse(stream, code, fresh.method == STOA_HTTP_HEAD);
    return len;
  }
  assert(fresh.head_len <= len);
  size_t before = stoa_stream_queued(stream);
  host_of(stream)->on_request(stream, &fresh, data);
  size_t queued = stoa_stream_queued(stream);
  stoa_stream_spend(stream, REQUEST_COST + fresh.head_len + (queued > before ? queued - before : 0));
  pause_when_full(stream);
  return fresh.head_len;
}

/* Ends. */

static void on_input_end(struct stoa_stream *stream, int status) {
  bool answering = stoa_stream_queued(stream) > 0 || has_body(stream);
  if (status == STOA_E_CLOSED && answering && stream->state != STOA_STREAM_CLOSED) {
    /* The peer ended its side but may still read: it gets the rest of its answer. */
    stream->peer_ended = true;
    if (has_body(stream)) {
      input_of(stream)->keep_alive = false;
    } else {
      stoa_http_answered(stream, false);
    }
  } else {
    stoa_stream_drop(stream);
  }
}

static void on_doomed(struct stoa_stream *stream) {
  stoa_stream_drop(stream);
}

static void on_half_closed(struct stoa_stream *stream) {
  if (stream->peer_ended) {
    stoa_stream_drop(stream);
  } else {
    stoa_stream_note_acked(stream);
    set_deadline(stream, STOA_STREAM_HALF_CLOSED_MS);
  }
}

static void on_empty(struct stoa_stream *stream) {
  (void)stream;
}

static void on_closed(struct stoa_stream *stream) {
  assert(stream->state == STOA_STREAM_CLOSED);
  assert(stream->input == NULL); /* together with a body that was not sent completely */
  host_of(stream)->on_end(stream);
}

void stoa_http_host_init(struct stoa_http_host *host) {
  host->protocol.on_input = on_input;
  host->protocol.on_input_end = on_input_end;
  host->protocol.make_input = make_input;
  host->protocol.free_input = free_input;
  host->protocol.input_is_idle = input_is_idle;
  host->protocol.on_doomed = on_doomed;
  host->protocol.on_half_closed = on_half_closed;
  host->protocol.on_progress = on_progress;
  host->protocol.on_share = send_piece;
  host->protocol.on_empty = on_empty;
  host->protocol.on_closed = on_closed;
}

/* Deadlines. */

/* Checked several times within the delay, so that the delay counts from the last progress of the output. */
static uint64_t drop_when_due(struct stoa_stream *stream, uint64_t now_ms, uint32_t delay_ms) {
  if (stoa_stream_takes(stream)) {
    stream->since_ms = (uint32_t)now_ms;
  }
  uint32_t passed = (uint32_t)now_ms - stream->since_ms;
  if (passed >= delay_ms) {
    stoa_stream_drop(stream);
    return now_ms;
  }
  uint32_t left = delay_ms - passed;
  return now_ms + (left < delay_ms / LOOKS ? left : delay_ms / LOOKS);
}

/* A peer that takes too long for its request: it gets 408 if it has begun one (RFC 9110 15.5.9). A peer with unread
 * input is not silent. */
static uint64_t request_deadline(struct stoa_stream *stream, uint64_t now_ms) {
  uint32_t passed = (uint32_t)now_ms - stream->since_ms;
  uint32_t limit_ms = host_of(stream)->request_ms;
  if (passed < limit_ms) {
    return now_ms + (limit_ms - passed);
  }
  if (stream->listed || stoa_conn_has_input(&stream->conn)) {
    return now_ms + STOA_STREAM_UNREAD_MS;
  }
  if (stream->input == NULL) {
    stoa_stream_drop(stream);
    return now_ms;
  }
  const struct stoa_http_head *head = input_of(stream)->head;
  refuse(stream, 408, head != NULL && head->method == STOA_HTTP_HEAD);
  return now_ms + STOA_HTTP_FLUSHING_MS;
}

/* Does a part of an answer wait for the peer to take it? */
static bool is_answering(const struct stoa_stream *stream) {
  return (stream->pauses & (STOA_PAUSE_ANSWER | STOA_PAUSE_OUTPUT)) != 0 || stoa_stream_queued(stream) > 0;
}

uint64_t stoa_http_on_deadline(struct stoa_stream *stream, uint64_t now_ms) {
  switch ((enum stoa_stream_state)stream->state) {
    case STOA_STREAM_OPEN:
      return is_answering(stream) ? drop_when_due(stream, now_ms, STOA_HTTP_STALL_MS)
                                  : request_deadline(stream, now_ms);
    case STOA_STREAM_FLUSHING:
      return drop_when_due(stream, now_ms, STOA_HTTP_FLUSHING_MS);
    case STOA_STREAM_HALF_CLOSED:
      return drop_when_due(stream, now_ms, STOA_STREAM_HALF_CLOSED_MS);
    case STOA_STREAM_CLOSED:
      return UINT64_MAX;
  }
  return UINT64_MAX;
}
