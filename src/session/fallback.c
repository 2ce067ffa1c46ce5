#include "session/fallback.h"

#include "base/memory.h"
#include "base/siphash.h"
#include "session/input.h"
#include "wire/packed.h"

#include <assert.h>

/* Lives as long as the session. */
struct fallback_input {
  struct stoa_stream_input base; /* first */
  uint8_t secret[STOA_FALLBACK_SECRET_LEN];
  uint64_t number;                 /* of the last post that was taken */
  uint64_t digest;                 /* of its body, by the secret */
  struct stoa_fallback_post *post; /* the one that is being handled; NULL: none */
  size_t at;                       /* how much of its body was handled */
  bool listening;                  /* it was silent, and has the time of stoa_fallback_listen() */
};

static struct fallback_input *input_of(const struct stoa_session *session) {
  return (struct fallback_input *)(void *)session->stream.input;
}

static void end_post(struct fallback_input *input, enum stoa_fallback_end end) {
  struct stoa_fallback_post *post = input->post;
  if (post != NULL) {
    input->post = NULL;
    post->on_end(post, end);
  }
}

/* The stream's input. */

static struct stoa_stream_input *make_input(struct stoa_stream *stream) {
  (void)stream;
  struct fallback_input *input = stoa_calloc(1, sizeof *input);
  return input == NULL ? NULL : &input->base;
}

static void free_input(struct stoa_stream_input *base) {
  struct fallback_input *input = stoa_container_of(base, struct fallback_input, base);
  end_post(input, STOA_FALLBACK_GONE);
  explicit_bzero(input->secret, sizeof input->secret);
  stoa_free(input);
}

static bool input_is_idle(const struct stoa_stream_input *input) {
  (void)input;
  return false; /* it has the secret */
}

/* Nothing may follow the request: a second one on this connection would wait for the end of the session. */
static size_t on_input(struct stoa_stream *stream, uint8_t *data, size_t len) {
  (void)data;
  stoa_session_end(stoa_session_of(stream), STOA_WS_CLOSE_PROTOCOL_ERROR, "bytes after the request");
  return len;
}

/* The session may be closed by a handler; its input is kept until the end of the turn. */
static void on_fed(struct stoa_stream *stream) {
  struct stoa_session *session = stoa_session_of(stream);
  struct fallback_input *input = input_of(session);
  while (input != NULL && input->post != NULL && stream->pauses == 0 && session->state == STOA_SESSION_OPEN) {
    struct stoa_bytes message;
    bool is_text;
    if (!stoa_packed_next(input->post->body, &input->at, &message, &is_text)) {
      end_post(input, STOA_FALLBACK_DONE);
      return;
    }
    stoa_session_deliver(session, message, is_text);
    input = input_of(session);
    stoa_session_pause_when_full(session);
  }
  /* The last message may have paused the session: the client need not wait for the end of that. */
  if (input != NULL && input->post != NULL && session->state == STOA_SESSION_OPEN &&
      input->at == input->post->body.len) {
    end_post(input, STOA_FALLBACK_DONE);
  }
}

/* Feeding. */

/* Tells the last body from another one with its number. Only the client itself could find two that are equal. */
static uint64_t digest_of(const struct fallback_input *input, struct stoa_bytes body) {
  uint64_t seed[2];
  memcpy(seed, input->secret, sizeof seed);
  return stoa_siphash13(seed, body);
}

static enum stoa_fallback_end check(struct stoa_session *session, struct stoa_bytes body) {
  switch (stoa_packed_check(body, stoa_session_host_of(session)->limits->message_bytes_max)) {
    case STOA_OK:
      return STOA_FALLBACK_TAKEN;
    case STOA_E_LIMIT:
      stoa_session_close(session, STOA_WS_CLOSE_TOO_BIG, "message too big");
      return STOA_FALLBACK_TOO_BIG;
    case STOA_E_UTF8:
      stoa_session_close(session, STOA_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
      return STOA_FALLBACK_NOT_UTF8;
    default:
      stoa_session_close(session, STOA_WS_CLOSE_PROTOCOL_ERROR, "not packed messages");
      return STOA_FALLBACK_SYNTAX;
  }
}

/* The same post again: the client has given up to wait for the answer to the first one. With another body it is a
 * mistake of the client, whose messages must not count as handled. */
static enum stoa_fallback_end feed_again(struct fallback_input *input, struct stoa_fallback_post *post) {
  struct stoa_fallback_post *before = input->post;
  if (before == NULL) {
    return digest_of(input, post->body) == input->digest ? STOA_FALLBACK_DONE : STOA_FALLBACK_OUT_OF_ORDER;
  }
  if (before->body.len != post->body.len || memcmp(before->body.data, post->body.data, post->body.len) != 0) {
    return STOA_FALLBACK_OUT_OF_ORDER; /* another post with the same number: nobody has checked its body */
  }
  input->post = post;
  before->on_end(before, STOA_FALLBACK_SUPERSEDED);
  return STOA_FALLBACK_TAKEN;
}

enum stoa_fallback_end stoa_fallback_feed(struct stoa_session *session, struct stoa_fallback_post *post) {
  struct fallback_input *input = input_of(session);
  assert(session->state == STOA_SESSION_OPEN);
  assert(stoa_session_is_fallback(session));
  if (input == NULL) {
    return STOA_FALLBACK_GONE;
  }
  stoa_fallback_note_alive(session);
  if (post->number == input->number && post->number > 0) {
    return feed_again(input, post);
  }
  if (post->number != input->number + 1) {
    return STOA_FALLBACK_OUT_OF_ORDER;
  }
  if (input->post != NULL) {
    return STOA_FALLBACK_BUSY;
  }
  enum stoa_fallback_end end = check(session, post->body);
  if (end != STOA_FALLBACK_TAKEN) {
    return end;
  }
  session->stream.bytes_in += post->body.len;
  input->number = post->number;
  input->digest = digest_of(input, post->body);
  input->post = post;
  input->at = 0;
  stoa_stream_yield(&session->stream);
  if (!session->stream.listed) {
    on_fed(&session->stream); /* without memory for the ready list it would wait for ever */
  }
  return STOA_FALLBACK_TAKEN;
}

/* Liveness. */

void stoa_fallback_note_alive(struct stoa_session *session) {
  session->pinged = false;
  session->stream.active_ms = stoa_stream_now32(&session->stream);
  if (input_of(session) != NULL) {
    input_of(session)->listening = false;
  }
}

bool stoa_fallback_has_unread(const struct stoa_session *session) {
  return input_of(session) != NULL && input_of(session)->post != NULL;
}

bool stoa_fallback_listen(struct stoa_session *session) {
  struct fallback_input *input = input_of(session);
  if (input == NULL || input->listening) {
    return false;
  }
  input->listening = true;
  session->stream.since_ms = stoa_stream_now32(&session->stream);
  return true;
}

void stoa_fallback_note_ping(struct stoa_session *session) {
  if (input_of(session) != NULL) {
    input_of(session)->listening = false;
  }
}

uint32_t stoa_fallback_answer_ms(const struct stoa_session *session, uint32_t pong_ms) {
  const struct fallback_input *input = input_of(session);
  return input != NULL && input->listening ? STOA_FALLBACK_LISTEN_MS : pong_ms;
}

/* Beginning. */

const uint8_t *stoa_fallback_secret(const struct stoa_session *session) {
  const struct fallback_input *input = input_of(session);
  return input == NULL ? NULL : input->secret;
}

uint64_t stoa_fallback_next_number(const struct stoa_session *session) {
  const struct fallback_input *input = input_of(session);
  return input == NULL ? 0 : input->number + 1;
}

void stoa_fallback_host_init(struct stoa_session_host *host) {
  stoa_session_host_init(host);
  host->is_fallback = true;
  host->protocol.on_input = on_input;
  host->protocol.make_input = make_input;
  host->protocol.free_input = free_input;
  host->protocol.input_is_idle = input_is_idle;
  host->protocol.on_fed = on_fed;
}

int stoa_fallback_begin(struct stoa_session *session, struct stoa_session_host *host, const uint8_t *secret) {
  const struct stoa_protocol *before = session->stream.protocol;
  assert(host->is_fallback);
  assert(session->state == STOA_SESSION_NONE);
  stoa_stream_set_protocol(&session->stream, &host->protocol);
  int status = stoa_stream_input_ensure(&session->stream) == NULL ? STOA_E_MEMORY : STOA_OK;
  if (status == STOA_OK) {
    memcpy(input_of(session)->secret, secret, STOA_FALLBACK_SECRET_LEN);
    status = stoa_session_open(session, host);
  }
  if (status != STOA_OK) {
    stoa_stream_set_protocol(&session->stream, before);
  }
  return status;
}
