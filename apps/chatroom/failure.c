#include "failure.h"

#include "chatroom.h"

#include <stoa/error.stoa.h>

/* When the rooms do not say it. */
#define RETRY_MS 200u

struct meaning {
  uint32_t code;
  const char *message;
  bool is_temporary;
};

/* The reason is the status's name. */
static struct meaning meaning_of(enum stoa_room_status status) {
  switch (status) {
    case STOA_ROOM_BUSY:
      return (struct meaning){STOA_ERROR_RATE, "too much is being stored", true};
    case STOA_ROOM_UNAVAILABLE:
      return (struct meaning){STOA_ERROR_UNAVAILABLE, "the storage does not work now", true};
    case STOA_ROOM_UNKNOWN:
      return (struct meaning){STOA_ERROR_UNAVAILABLE,
                              "it may be stored or not; send it again with the same client_msg_id", true};
    case STOA_ROOM_CLOSED:
      return (struct meaning){STOA_ERROR_UNAVAILABLE, "the server ends", true};
    case STOA_ROOM_TOO_BIG:
      return (struct meaning){CHATROOM_ERROR_TEXT_TOO_LONG, "for some members this text is too long", false};
    case STOA_ROOM_INVALID:
      return (struct meaning){STOA_ERROR_BAD_REQUEST,
                              "a room has 1 to 63 bytes without control characters, a client_msg_id at most 64", false};
    case STOA_ROOM_GONE:
      return (struct meaning){CHATROOM_ERROR_POSITION_LOST, "these messages are not there any more", false};
    case STOA_ROOM_NOT_FOUND:
      return (struct meaning){CHATROOM_ERROR_UNKNOWN_ROOM, "there is no such room", false};
    case STOA_ROOM_FULL:
      return (struct meaning){CHATROOM_ERROR_ROOM_FULL, "the room is full", false};
    case STOA_ROOM_JOINED:
      return (struct meaning){CHATROOM_ERROR_JOINED, "this session is in the room already", false};
    case STOA_ROOM_LEFT:
      return (struct meaning){CHATROOM_ERROR_UNKNOWN_ROOM, "the session has left the room meanwhile", false};
    case STOA_ROOM_OK:
    case STOA_ROOM_DUPLICATE:
      break;
  }
  return (struct meaning){STOA_ERROR_INTERNAL, "internal error", true};
}

static struct stoa_error error_of(enum stoa_room_status status, uint32_t retry_ms) {
  const struct meaning meaning = meaning_of(status);
  bool has_time = status == STOA_ROOM_BUSY || status == STOA_ROOM_UNAVAILABLE;
  return (struct stoa_error){.code = meaning.code,
                             .reason = stoa_string_of(stoa_room_status_name(status)),
                             .message = stoa_string_of(meaning.message),
                             .temporary = meaning.is_temporary,
                             .retry_ms = has_time && retry_ms == 0 ? RETRY_MS : retry_ms};
}

void chatroom_fail(struct stoa_call *call, enum stoa_room_status status, uint32_t retry_ms) {
  const struct stoa_error error = error_of(status, retry_ms);
  int ignored = stoa_call_fail(call, &error);
  (void)ignored; /* the session may have ended */
}

void chatroom_fail_over_http(struct stoa_call *call, enum stoa_room_status status, uint32_t retry_ms) {
  struct stoa_error error = error_of(status, retry_ms);
  const char *http_status = status == STOA_ROOM_NOT_FOUND ? "404"
                            : status == STOA_ROOM_GONE    ? "410"
                            : status == STOA_ROOM_TOO_BIG ? "413"
                                                          : NULL;
  const struct stoa_error_metadata_entry entry = {.key = stoa_string_of("http_status"),
                                                  .value = stoa_string_of(http_status == NULL ? "" : http_status)};
  error.metadata.items = &entry;
  error.metadata.count = http_status == NULL ? 0 : 1;
  int ignored = stoa_call_fail(call, &error);
  (void)ignored;
}

void chatroom_fail_with(struct stoa_call *call, uint32_t code, const char *reason, const char *message) {
  const struct stoa_error error = {.code = code, .reason = stoa_string_of(reason), .message = stoa_string_of(message)};
  int ignored = stoa_call_fail(call, &error);
  (void)ignored;
}

const struct stoa_error *chatroom_error_later(struct stoa_session *session, uint32_t code, const char *reason,
                                              const char *message, uint32_t retry_ms) {
  struct stoa_error *error = stoa_arena_calloc(stoa_session_arena(session), sizeof *error);
  if (error == NULL) {
    return stoa_session_error(session, code, reason, message);
  }
  *error = (struct stoa_error){.code = code,
                               .reason = stoa_string_of(reason),
                               .message = stoa_string_of(message),
                               .temporary = retry_ms > 0,
                               .retry_ms = retry_ms};
  return error;
}

enum stoa_room_status chatroom_status_of(int status, enum stoa_room_status limit) {
  switch (status) {
    case STOA_E_ARGUMENT:
      return STOA_ROOM_INVALID;
    case STOA_E_CLOSED:
      return STOA_ROOM_CLOSED;
    case STOA_E_EXISTS:
      return STOA_ROOM_JOINED;
    case STOA_E_NOT_FOUND:
      return STOA_ROOM_NOT_FOUND;
    case STOA_E_LIMIT:
      return limit;
    default:
      return STOA_ROOM_BUSY;
  }
}

struct stoa_call *chatroom_take(struct stoa_session *session, const struct stoa_error **out_error) {
  struct stoa_call *call;
  if (stoa_call_take(session, &call) == STOA_OK) {
    return call;
  }
  *out_error = stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  return NULL;
}
