/* session/session.h: one client's talk: a connection, its handshake, its frames, its queue and its end.
 *
 * The session reads requests and messages and hands them to its host; what is sent to it waits until the end of the
 * turn, when everything goes out in one write. An idle session owns nothing but this struct.
 *
 * Does not know: what a message means, rooms' contents, other sessions.
 * Thread: the worker's. Lifetime: from stoa_session_open() to the deferred release after on_end.
 */
#ifndef STOA_SESSION_SESSION_H
#define STOA_SESSION_SESSION_H

#include "net/queue.h"
#include "session/turn.h"
#include "wire/ws_deflate.h"
#include "wire/ws_frame.h"

#include <netinet/in.h>
#include <stoa/session.h>

/* Bytes taken from the kernel at once; larger ones gain nothing on loopback or beyond. */
#define STOA_SESSION_READ_BYTES (64u * 1024)
/* Above it, or above half of the queue's cap, a session's input waits until its output is taken: a peer that does not
 * read cannot make us hold more. */
#define STOA_SESSION_PAUSE_BYTES (256u * 1024)
/* What one read can leave behind: an unread chunk while paused, or an incomplete head. */
#define STOA_SESSION_STASH_BYTES_MAX (128u * 1024)
#define STOA_SESSION_SCRATCH_BYTES (STOA_SESSION_READ_BYTES + STOA_SESSION_STASH_BYTES_MAX)

enum stoa_session_state {
  STOA_SESSION_HANDSHAKE, /* TLS and HTTP */
  STOA_SESSION_OPEN,      /* messages both ways */
  STOA_SESSION_CLOSING,   /* the last bytes are queued; nothing is read as frames any more */
  STOA_SESSION_LINGERING, /* all is sent and our side is shut; what still comes is thrown away */
  STOA_SESSION_CLOSED     /* the descriptor is closed; the memory goes at the end of the turn */
};

struct stoa_session_limits {
  struct stoa_http_limits http;
  size_t message_bytes_max;
  size_t queue_bytes_max;
  uint32_t handshake_ms;
  uint32_t message_ms;
  uint32_t ping_ms;
  uint32_t pong_ms;
};

/* What a worker gives to all of its sessions. The functions must not free the session; they may close it. */
struct stoa_session_host {
  struct stoa_loop *loop;
  const struct stoa_session_limits *limits;
  struct stoa_turn turn;
  uint8_t *scratch; /* STOA_SESSION_SCRATCH_BYTES, used within one call */
  struct stoa_inflater *spare_inflater;
  struct stoa_deflater *deflaters[7]; /* by window bits, 9 to 15; made when first needed */

  /* A request's head is complete. The host upgrades or answers before it returns. */
  void (*on_request)(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data);
  /* A whole message; the bytes are borrowed until it returns. */
  void (*on_message)(struct stoa_session *session, struct stoa_bytes message, bool is_text);
  /* The session's next deadline moved nearer. */
  void (*on_deadline_change)(struct stoa_session *session, uint64_t due_ms);
  /* No more messages go out to it after this: leave the rooms. Called once, from within whatever closed it. */
  void (*on_closing)(struct stoa_session *session);
  /* A ping is due; a host may send a message of its own too. */
  void (*on_ping)(struct stoa_session *session);
  /* The last call; after it the memory is freed. Runs at the end of the turn, with nobody else on the stack. */
  void (*on_end)(struct stoa_session *session);
};

/* Input that is not complete. Exists only while there is some. */
struct stoa_session_input;

/* The client's address, 16 bytes (IPv4 mapped), or all zero for a unix socket. */
struct stoa_peer {
  uint8_t bytes[16];
};

struct stoa_membership {
  void *group; /* the host's; NULL-ended list */
  uint32_t index;
};

/* The first cache line holds all that the fan-out touches of a member that is up to date. */
struct stoa_session {
  struct stoa_conn conn; /* first: its io is the session */
  struct stoa_queue *queue;
  struct stoa_session_host *host;
  uint8_t state;        /* enum stoa_session_state */
  uint8_t format;       /* the host's: which framing and codec */
  uint8_t deflate_bits; /* server_max_window_bits when compression was agreed, else 0 */
  bool marked : 1;      /* it has an entry in the turn */
  bool gathered : 1;    /* a send of it waits to be handed over */
  bool blocked : 1;     /* the kernel's buffer is full: wait for EPOLLOUT */
  bool paused : 1;      /* input waits for output */
  bool pinged : 1;      /* a ping went out and nothing came since */
  bool peer_ended : 1;  /* the peer shut its side while our last bytes were on their way: nothing to read */
  bool broken : 1;      /* the line is broken: drop at the end of the turn */
  bool slow : 1;        /* the queue is full: close with 4008 at the end of the turn */
  bool accepted : 1;    /* the host's: on_connect said yes */
  bool keep_alive : 1;  /* another request may follow this answer */
  bool held : 1;        /* input waits for answers to calls */
  bool resuming : 1;    /* held no more: its input goes on when `release` runs */
  uint16_t errors;      /* answered so far */
  uint32_t active_ms;   /* when bytes came last, low 32 bits of the loop's time */
  uint32_t since_ms;    /* when the state, or the unanswered ping, began */
  struct stoa_session_input *input;

  struct stoa_ws_reader reader;
  uint32_t slot;        /* the host's: place in its table */
  uint32_t all_index;   /* the host's: place in the group of all */
  uint32_t turn_index;  /* while it is marked: its entry in the turn */
  uint16_t group_count; /* the host's: length of memberships */
  uint16_t close_code;  /* of the end: the peer's, ours, or 1006 */
  struct stoa_deferred release;
  struct stoa_call *calls; /* the host's: those that are answered later */
  uint32_t call_count;
  void *user;
  char *close_reason;                  /* owned; NULL is "" */
  struct stoa_membership *memberships; /* the host's: groups that were joined by name */
  struct stoa_uuid id;
  struct stoa_peer peer;
};

/* A connection was accepted. The descriptor belongs to the session also after an error.
 * Errors: STOA_E_MEMORY, STOA_E_SYSTEM, STOA_E_TLS */
int stoa_session_open(struct stoa_session_host *host, int fd, const struct stoa_peer *peer,
                      struct stoa_tls_context *tls_context, struct stoa_session **out_session);

/* Undo an open that the host could not finish: close and free at once. Nothing else knows the session yet. */
void stoa_session_abandon(struct stoa_session *session);

/* From HANDSHAKE to OPEN, after the 101 answer was queued. deflate NULL: no compression. */
void stoa_session_upgraded(struct stoa_session *session, const struct stoa_ws_deflate *deflate);
/* Answer a request with a status code and end. head_only: it was a HEAD, whose answer has no content. */
void stoa_session_refuse(struct stoa_session *session, int code, bool head_only);
/* The answer to a plain request was queued: wait for the next request, or end when `close`. */
void stoa_session_answered(struct stoa_session *session, bool close);

/* Room for bytes of this session alone; append to the buffer, then call end. NULL when it is not open, its queue is
 * full (it is closed with 4008 then) or memory is out (closed with 1011). */
struct stoa_buffer *stoa_session_output_begin(struct stoa_session *session);
void stoa_session_output_end(struct stoa_session *session);
/* The worker's compressor for a window of 9 to 15 bits, made when first needed. NULL when memory is out. */
struct stoa_deflater *stoa_session_deflater(struct stoa_session_host *host, uint8_t window_bits);
/* One message as a frame, compressed if that was agreed and pays.
 * Errors: STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_session_output_message(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message);
/* Bytes [start, end) of a batch that others get too: written at once if nothing waits, else queued by reference.
 * Called at the end of a turn while members are walked: it never closes the session, only marks it. */
void stoa_session_output_shared(struct stoa_session *session, struct stoa_batch *batch, size_t start, size_t end);
/* The same, but never writes now: for what must stand before bytes of the session's own. */
void stoa_session_output_queue(struct stoa_session *session, struct stoa_batch *batch, size_t start, size_t end);
/* What waits to be sent, in bytes. */
size_t stoa_session_queued(const struct stoa_session *session);

/* Act on a deadline that has come; returns when the next one is. Host only. */
uint64_t stoa_session_on_deadline(struct stoa_session *session, uint64_t now_ms);

/* End without goodbye: the line is broken, or the server ends now. */
void stoa_session_drop(struct stoa_session *session, uint16_t code, const char *reason);

/* From here on nothing is added; when all is sent, our side of the line is shut. */
void stoa_session_shut(struct stoa_session *session);

/* Read no messages of this session until it is resumed: enough of its calls wait for an answer. Silence is not held
 * against it meanwhile. Pausing twice is fine. */
void stoa_session_pause_for_calls(struct stoa_session *session);
/* Go on, with what was read before first; at the end of the turn, never inside this call. Fine when it is not paused.
 */
void stoa_session_resume_for_calls(struct stoa_session *session);

/* At the end of the turn it is looked at: something waits, or it must be ended. */
void stoa_session_mark(struct stoa_session *session);

#endif
