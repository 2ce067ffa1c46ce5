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
  struct stoa_stream_input base;     /* first */
  struct stoa_http_head *head;       /* the parser of a head that comes in several reads */
  struct stoa_http_content *content; /* of the answer that is being sent */
  struct stoa_http_pending *pending; /* the request that is not answered in full */
  bool reading;                      /* its body */
  bool dry;                          /* the content has nothing for now */
  bool keep_alive;                   /* after the answer that is being sent */
  bool last;                         /* no request follows */
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
  if (input->content != NULL) {
    input->content->close(input->content);
  }
  if (input->pending != NULL) {
    input->pending->close(input->pending);
  }
  stoa_free(input->head);
  stoa_free(input);
}

static bool input_is_idle(const struct stoa_stream_input *base) {
  const struct http_input *input = stoa_container_of(base, const struct http_input, base);
  return input->head == NULL && input->content == NULL && input->pending == NULL && !input->last;
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

bool stoa_http_is_last(const struct stoa_stream *stream) {
  return stream->input != NULL && input_of(stream)->last;
}

static void close_pending(struct stoa_stream *stream) {
  struct stoa_http_pending *pending = stream->input == NULL ? NULL : input_of(stream)->pending;
  if (pending != NULL) {
    input_of(stream)->pending = NULL;
    input_of(stream)->reading = false;
    pending->close(pending);
  }
}

void stoa_http_answered(struct stoa_stream *stream, bool keep_alive) {
  close_pending(stream);
  if (keep_alive && !stoa_http_is_last(stream)) {
    /* The next request has a deadline of its own. */
    set_deadline(stream, host_of(stream)->request_ms);
    stoa_stream_resume(stream, STOA_PAUSE_ANSWER);
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

static void end_content(struct stoa_stream *stream) {
  struct http_input *input = input_of(stream);
  struct stoa_http_content *content = input->content;
  assert(content != NULL);
  bool keep_alive = input->keep_alive;
  input->content = NULL;
  content->close(content);
  stoa_http_answered(stream, keep_alive);
}

static bool has_content(const struct stoa_stream *stream) {
  return stream->input != NULL && input_of(stream)->content != NULL;
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
  if (!has_content(stream) || input_of(stream)->dry || stream->state != STOA_STREAM_OPEN) {
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
  int status = out == NULL ? STOA_E_MEMORY : input->content->read(input->content, out, PIECE_BYTES, &last);
  if (out != NULL) {
    stoa_stream_output_end(stream);
  }
  if (status == STOA_E_AGAIN) {
    input->dry = true;
  } else if (status != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
  } else if (last) {
    end_content(stream);
  } else {
    continue_later(stream);
  }
}

void stoa_http_answer_from(struct stoa_stream *stream, struct stoa_http_content *content, bool keep_alive) {
  assert(content->read != NULL);
  assert(content->close != NULL);
  struct http_input *input = (struct http_input *)(void *)stoa_stream_input_ensure(stream);
  if (input == NULL || stream->state != STOA_STREAM_OPEN) {
    content->close(content);
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
    return;
  }
  assert(input->content == NULL);
  assert(!input->reading);
  input->content = content;
  input->dry = false;
  input->keep_alive = keep_alive;
  stoa_stream_pause(stream, STOA_PAUSE_ANSWER);
  stoa_stream_note_acked(stream);
  set_deadline(stream, STOA_HTTP_STALL_MS / LOOKS);
  continue_later(stream);
}

void stoa_http_more(struct stoa_stream *stream) {
  if (has_content(stream) && input_of(stream)->dry && stream->state == STOA_STREAM_OPEN) {
    input_of(stream)->dry = false;
    note_progress(stream); /* the peer was not waited for */
    continue_later(stream);
  }
}

void stoa_http_finish(struct stoa_stream *stream) {
  struct http_input *input = input_of(stream);
  if (input != NULL && (input->content != NULL || input->pending != NULL)) {
    input->last = true;
  } else {
    stoa_http_answered(stream, false);
  }
}

static bool is_reading(const struct stoa_stream *stream) {
  return stream->input != NULL && input_of(stream)->reading;
}

/* The deadline of a body does not move with the answers before it. */
static void on_progress(struct stoa_stream *stream) {
  if (is_reading(stream)) {
    stoa_stream_note_acked(stream);
    return;
  }
  note_progress(stream);
  if (has_content(stream) && !input_of(stream)->dry && stream->state == STOA_STREAM_OPEN &&
      stoa_stream_queued(stream) == 0) {
    continue_later(stream);
  }
}

/* Bodies of requests. */

static bool has_pending(const struct stoa_stream *stream) {
  return stream->input != NULL && input_of(stream)->pending != NULL;
}

/* What follows cannot be trusted to be a request, so the connection ends. */
static void refuse_body(struct stoa_stream *stream, int code) {
  struct stoa_http_pending *pending = input_of(stream)->pending;
  input_of(stream)->reading = false;
  input_of(stream)->last = true;
  pending->on_refused(stream, pending, code);
}

static void complete(struct stoa_stream *stream) {
  struct stoa_http_pending *pending = input_of(stream)->pending;
  input_of(stream)->reading = false;
  set_deadline(stream, STOA_HTTP_STALL_MS / LOOKS);
  pending->on_complete(stream, pending);
  if (stream->state == STOA_STREAM_OPEN && has_pending(stream)) {
    stoa_stream_pause(stream, STOA_PAUSE_ANSWER);
  }
}

/* Returns how many bytes belong to the body. */
static size_t read_body(struct stoa_stream *stream, const uint8_t *data, size_t len) {
  struct stoa_http_pending *pending = input_of(stream)->pending;
  size_t at = 0;
  for (;;) {
    struct stoa_bytes content;
    int code = 0;
    switch (stoa_http_body_read(&pending->body, data, len, &at, &content)) {
      case STOA_HTTP_BODY_MORE:
        return at;
      case STOA_HTTP_BODY_CONTENT:
        code = pending->on_content(pending, content);
        break;
      case STOA_HTTP_BODY_END:
        complete(stream);
        return at;
      case STOA_HTTP_BODY_REFUSED:
        code = pending->body.refusal;
        break;
    }
    if (code != 0) {
      refuse_body(stream, code);
      return len;
    }
  }
}

void stoa_http_await(struct stoa_stream *stream, struct stoa_http_pending *pending) {
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  static const uint8_t nothing[1];
  struct http_input *input = (struct http_input *)(void *)stoa_stream_input_ensure(stream);
  if (input == NULL || stream->state != STOA_STREAM_OPEN) {
    pending->close(pending);
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
    return;
  }
  assert(input->pending == NULL);
  assert(input->content == NULL);
  input->pending = pending;
  input->reading = true;
  set_deadline(stream, host_of(stream)->body_ms);
  /* A failure has doomed the stream already. */
  int ignored = pending->body.expects_continue ? stoa_stream_output_bytes(stream, go_on, sizeof go_on - 1) : STOA_OK;
  (void)ignored;
  read_body(stream, nothing, 0);
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

/* Heads that a body, or a method that may have one, is the only reason to refuse. */
static bool is_for_host(int code, const struct stoa_http_head *head) {
  return code == 200 || (head->head_len > 0 && (code == 405 || code == 413 || code == 501));
}

/* A complete head, or one that is refused. Returns how many bytes it used. */
static size_t on_head(struct stoa_stream *stream, const struct stoa_http_head *head, int code, const uint8_t *data,
                      size_t len) {
  if (!is_for_host(code, head)) {
    /* RFC 9110 9.3.2: an answer to HEAD has no content; a proxy would take it for the start of the next answer. */
    refuse(stream, code, head->method == STOA_HTTP_HEAD);
    return len;
  }
  assert(head->head_len <= len);
  host_of(stream)->on_request(stream, head, code, data);
  return head->head_len;
}

static size_t on_input(struct stoa_stream *stream, uint8_t *data, size_t len) {
  struct stoa_http_head fresh;
  size_t before = stoa_stream_queued(stream);
  size_t used;
  if (is_reading(stream)) {
    used = read_body(stream, data, len);
  } else {
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
    used = on_head(stream, &fresh, code, data, len);
  }
  size_t queued = stoa_stream_queued(stream);
  stoa_stream_spend(stream, REQUEST_COST + used + (queued > before ? queued - before : 0));
  pause_when_full(stream);
  return used;
}

/* Ends. */

static void on_input_end(struct stoa_stream *stream, int status) {
  bool awaited = has_content(stream) || (has_pending(stream) && !is_reading(stream));
  bool answering = stoa_stream_queued(stream) > 0 || awaited;
  if (status == STOA_E_CLOSED && answering && stream->state != STOA_STREAM_CLOSED) {
    /* The peer ended its side but may still read: it gets the rest of its answer. */
    stream->peer_ended = true;
    if (awaited) {
      input_of(stream)->last = true;
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
  assert(stream->input == NULL); /* together with content that was not sent completely */
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
  uint32_t limit_ms = is_reading(stream) ? host_of(stream)->body_ms : host_of(stream)->request_ms;
  if (passed < limit_ms) {
    return now_ms + (limit_ms - passed);
  }
  if (stream->listed || stoa_conn_has_input(&stream->conn)) {
    return now_ms + STOA_STREAM_UNREAD_MS;
  }
  const struct stoa_http_head *head = stream->input == NULL ? NULL : input_of(stream)->head;
  if (is_reading(stream)) {
    refuse_body(stream, 408);
  } else if (head != NULL) {
    refuse(stream, 408, head->method == STOA_HTTP_HEAD);
  } else {
    /* Nothing of a request has come: an answer to none would be taken for that to the next one. */
    stoa_stream_drop(stream);
    return now_ms;
  }
  return now_ms + STOA_HTTP_FLUSHING_MS;
}

/* Does a part of an answer wait for the peer to take it? */
static bool is_answering(const struct stoa_stream *stream) {
  return (stream->pauses & (STOA_PAUSE_ANSWER | STOA_PAUSE_OUTPUT)) != 0 || stoa_stream_queued(stream) > 0;
}

/* Is it the program that is waited for, with all sent that it gave? */
static bool awaits_program(const struct stoa_stream *stream) {
  if (stream->input == NULL || stoa_stream_queued(stream) > 0) {
    return false;
  }
  const struct http_input *input = input_of(stream);
  return input->content != NULL ? input->dry : input->pending != NULL && !input->reading;
}

static uint64_t open_deadline(struct stoa_stream *stream, uint64_t now_ms) {
  if (awaits_program(stream)) {
    note_progress(stream);
    return now_ms + STOA_HTTP_STALL_MS / LOOKS;
  }
  /* While a body is read, what waits to be sent are answers to the requests before it. */
  return is_answering(stream) && !is_reading(stream) ? drop_when_due(stream, now_ms, STOA_HTTP_STALL_MS)
                                                     : request_deadline(stream, now_ms);
}

uint64_t stoa_http_on_deadline(struct stoa_stream *stream, uint64_t now_ms) {
  switch ((enum stoa_stream_state)stream->state) {
    case STOA_STREAM_OPEN:
      return open_deadline(stream, now_ms);
    case STOA_STREAM_FLUSHING:
      return drop_when_due(stream, now_ms, STOA_HTTP_FLUSHING_MS);
    case STOA_STREAM_HALF_CLOSED:
      return drop_when_due(stream, now_ms, STOA_STREAM_HALF_CLOSED_MS);
    case STOA_STREAM_CLOSED:
      return UINT64_MAX;
  }
  return UINT64_MAX;
}
