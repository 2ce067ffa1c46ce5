/* session/session.h: one WebSocket session on its stream: frames, messages, liveness and the close handshake.
 *
 * A session begins when an upgrade was answered, on the stream of the request. Its output waits until the end of the
 * turn and is then sent in one write. An idle session owns nothing but this struct.
 *
 * Does not know: what a message means, groups, other sessions, HTTP.
 * Thread: the worker's. Lifetime: embedded in its owner, who frees it after on_end.
 */
#ifndef STOA_SESSION_SESSION_H
#define STOA_SESSION_SESSION_H

#include "base/container.h"
#include "net/stream.h"
#include "wire/ws_deflate.h"
#include "wire/ws_frame.h"

#include <stoa/session.h>

/* The time to send the last bytes, and for the peer's close frame to come. */
#define STOA_SESSION_CLOSING_MS 5000u
#define STOA_SESSION_TICK_MS 16u

enum stoa_session_state {
  STOA_SESSION_NONE,    /* the stream's protocol is HTTP; zeroed */
  STOA_SESSION_OPEN,    /* messages both ways */
  STOA_SESSION_CLOSING, /* our close frame was queued; messages before the peer's close frame are thrown away */
  STOA_SESSION_ENDED    /* after the close handshake, or without one; the stream ends */
};

struct stoa_session_limits {
  size_t message_bytes_max;
  uint32_t message_ms;
  uint32_t ping_ms;
  uint32_t pong_ms;
};

/* What all sessions of a worker share. The functions must not free the session; they may close it. */
struct stoa_session_host {
  struct stoa_protocol protocol; /* first; stoa_session_host_init() fills it */
  const struct stoa_session_limits *limits;
  struct stoa_inflater *spare_inflater;
  struct stoa_deflater *deflaters[7]; /* by window bits, 9 to 15; made when first needed */

  bool is_fallback; /* its sessions write events instead of frames: see fallback.h */

  uint64_t messages_in, messages_out; /* of all sessions, handled and given to streams */

  /* A whole message; the bytes are borrowed until it returns. */
  void (*on_message)(struct stoa_session *session, struct stoa_bytes message, bool is_text);
  /* The session is no longer open: leave the groups. Called once, inside the call that closed it; output that the
   * groups hold for it may still be queued, before the close frame. */
  void (*on_closing)(struct stoa_session *session);
  /* A ping is due; a host may send a message of its own too. */
  void (*on_ping)(struct stoa_session *session);
  /* No output waits any more; requested by stoa_stream_tell_empty(). */
  void (*on_drained)(struct stoa_session *session);
  /* The last call, at the end of the turn, when no caller on the stack uses the session: free it. */
  void (*on_end)(struct stoa_session *session);
};

/* The stream's first cache line has all fields that the fan-out uses for a member without unsent output. */
struct stoa_session {
  struct stoa_stream stream; /* first */
  union {
    struct stoa_ws_reader reader;
    struct stoa_deferred release; /* once the stream is closed */
  };
  struct stoa_uuid id;
  char *close_reason;   /* owned; NULL is "" */
  uint16_t close_code;  /* with which it ended: the peer's, ours, or 1006 */
  uint8_t deflate_bits; /* server_max_window_bits when compression was agreed, else 0 */
  uint8_t state : 4;    /* enum stoa_session_state */
  bool pinged : 1;      /* a ping was sent and nothing was received since */
  bool peer_closed : 1; /* the peer's close frame, or the end of its connection, came before we closed */
  uint32_t opened_tick; /* when it began: the loop's time in ticks of 16 ms, of which 32 bits last two years */
};

/* `protocol.host`, limits and the callbacks are set by the caller. */
void stoa_session_host_init(struct stoa_session_host *host);
void stoa_session_host_fini(struct stoa_session_host *host);

/* Begin, after the answer to the upgrade was queued. `session` is zeroed but for its stream; deflate NULL: no
 * compression.
 * Errors: STOA_E_SYSTEM  no random id; the stream's protocol is still HTTP */
int stoa_session_begin(struct stoa_session *session, struct stoa_session_host *host,
                       const struct stoa_ws_deflate *deflate);

/* output.c */

/* Send one message as a frame, compressed if that was agreed and makes it shorter.
 * Errors: STOA_E_CLOSED, STOA_E_LIMIT (the queue is full: the session is closed with 4008), STOA_E_MEMORY */
int stoa_session_output_message(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message);
/* The worker's compressor for a window of 9 to 15 bits, made when first needed. NULL when memory is out. */
struct stoa_deflater *stoa_session_deflater(struct stoa_session_host *host, uint8_t window_bits);

/* close.c */

/* End without a close handshake: the connection is broken, or the server ends now. */
void stoa_session_drop(struct stoa_session *session, uint16_t code, const char *reason);
/* As stoa_session_close(), but without waiting for the peer's close frame: it has come, or the input is broken. */
void stoa_session_end(struct stoa_session *session, uint16_t code, const char *reason);

/* liveness.c */

/* Handle deadlines that are due; returns when the next one is due. For the host only. */
uint64_t stoa_session_on_deadline(struct stoa_session *session, uint64_t now_ms);

static inline struct stoa_session *stoa_session_of(struct stoa_stream *stream) {
  return stoa_container_of(stream, struct stoa_session, stream);
}

/* Only while the session is not STOA_SESSION_NONE. */
static inline struct stoa_session_host *stoa_session_host_of(const struct stoa_session *session) {
  return stoa_container_of(session->stream.protocol, struct stoa_session_host, protocol);
}

/* So many messages were given to the stream; call it after the stream took them. */
static inline void stoa_session_note_sent(struct stoa_session *session, uint32_t count) {
  session->stream.messages_out += count;
  stoa_session_host_of(session)->messages_out += count;
}

/* How long it is open, or has been. */
static inline uint64_t stoa_session_age_ms(const struct stoa_session *session) {
  uint32_t now_tick = (uint32_t)(stoa_loop_now_ms(session->stream.protocol->host->loop) / STOA_SESSION_TICK_MS);
  return (uint64_t)(now_tick - session->opened_tick) * STOA_SESSION_TICK_MS;
}

#endif
