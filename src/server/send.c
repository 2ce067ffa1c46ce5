#include "server/send.h"

#include "server/group/member.h"
#include "server/group/membership.h"
#include "server/server_private.h"

#include <stoa/error.stoa.h>
#include <stoa/log.h>

void stoa_worker_outgoing(struct stoa_worker *worker, struct stoa_outgoing *outgoing) {
  outgoing->registry = &worker->server->codecs;
  /* The caller must get an error, and errors are never long. */
  outgoing->body_bytes_max = outgoing->is_error ? SIZE_MAX : worker->settings->limits.message_bytes_max;
  outgoing->scratch = worker->encode_scratch;
  outgoing->packed = &worker->compress_scratch;
  outgoing->arena = worker->arena;
}

/* Without memory for a compressor the message goes out as it is. */
static struct stoa_deflater *deflater_of(struct stoa_session *session) {
  return session->deflate_bits == 0 ? NULL
                                    : stoa_session_deflater(stoa_session_host_of(session), session->deflate_bits);
}

int stoa_worker_send(struct stoa_session *session, struct stoa_outgoing *outgoing) {
  struct stoa_worker *worker = stoa_worker_of(session);
  stoa_groups_flush_before(session);
  struct stoa_buffer *out = stoa_member_is_open(session) ? stoa_stream_output_begin(&session->stream) : NULL;
  if (out == NULL) {
    return stoa_member_refusal(session);
  }
  const struct stoa_format *format = &worker->server->formats.items[stoa_server_session_of(session)->format];
  int status = stoa_format_write(format, deflater_of(session), outgoing, out);
  stoa_stream_output_end(&session->stream);
  if (status == STOA_OK) {
    stoa_session_note_sent(session, 1);
  }
  return status;
}

int stoa_session_send(struct stoa_session *session, uint32_t type, const struct stoa_message_type *message_type,
                      const void *message) {
  if (!stoa_member_is_open(session)) {
    return STOA_E_CLOSED;
  }
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  struct stoa_outgoing outgoing = {.type = type, .message_type = message_type, .message = message};
  stoa_worker_outgoing(stoa_worker_of(session), &outgoing);
  return stoa_worker_send(session, &outgoing);
}

int stoa_session_send_raw(struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  if (!stoa_member_is_open(session)) {
    return STOA_E_CLOSED;
  }
  if (message.len > stoa_worker_of(session)->settings->limits.message_bytes_max) {
    return STOA_E_LIMIT;
  }
  stoa_groups_flush_before(session);
  return stoa_session_output_message(session, is_text ? STOA_WS_TEXT : STOA_WS_BINARY, message);
}

struct stoa_server *stoa_session_server(const struct stoa_session *session) {
  return stoa_worker_of(session)->server;
}

bool stoa_session_negotiated(const struct stoa_session *session) {
  return stoa_server_session_of(session)->format != 0;
}

const char *stoa_session_codec(const struct stoa_session *session) {
  if (session->state == STOA_SESSION_NONE) {
    return stoa_codec_json.name;
  }
  return stoa_worker_of(session)->server->formats.items[stoa_server_session_of(session)->format].codec->name;
}

struct stoa_arena *stoa_session_arena(struct stoa_session *session) {
  return stoa_worker_of(session)->arena;
}

void stoa_session_pause(struct stoa_session *session) {
  if (session->state == STOA_SESSION_OPEN) {
    stoa_stream_pause(&session->stream, STOA_PAUSE_PROGRAM);
  }
}

void stoa_session_resume(struct stoa_session *session) {
  stoa_stream_resume(&session->stream, STOA_PAUSE_PROGRAM);
}

size_t stoa_session_queued_bytes(const struct stoa_session *session) {
  return stoa_stream_queued(&session->stream);
}

void stoa_session_notify_drained(struct stoa_session *session) {
  if (session->state == STOA_SESSION_OPEN) {
    stoa_server_session_of(session)->drained_asked = true;
    stoa_stream_tell_empty(&session->stream);
  }
}

static const struct stoa_error without_memory = {.code = STOA_ERROR_INTERNAL,
                                                 .reason = STOA_STR("INTERNAL"),
                                                 .message = STOA_STR("out of memory"),
                                                 .temporary = true};

const struct stoa_error *stoa_session_error(struct stoa_session *session, uint32_t code, const char *reason,
                                            const char *message) {
  struct stoa_arena *arena = stoa_session_arena(session);
  struct stoa_error *error = stoa_arena_calloc(arena, sizeof *error);
  if (error == NULL) {
    return &without_memory;
  }
  error->code = code;
  error->reason = stoa_arena_copy(arena, stoa_string_of(reason));
  error->message = stoa_arena_copy(arena, stoa_string_of(message));
  return error->reason.data == NULL || error->message.data == NULL ? &without_memory : error;
}
