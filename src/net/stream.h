/* net/stream.h: one accepted connection in its worker's turns: what waits to be read, what waits to be written, why it
 * pauses and how it ends.
 *
 * A protocol (plain HTTP, then WebSocket) takes its input and decides its end; it is changed with
 * stoa_stream_set_protocol(). What one stream may cost in a turn is bounded: when its share is used it goes to the end
 * of the host's ready list and takes its next share after the others. An idle stream owns nothing but this struct.
 *
 * Does not know: what the bytes mean, other streams' contents.
 * Thread: the worker's. Lifetime: embedded in its owner, from open to the protocol's on_release.
 */
#ifndef STOA_NET_STREAM_H
#define STOA_NET_STREAM_H

#include "net/queue.h"
#include "net/ready.h"
#include "net/turn.h"

/* Bytes taken from the kernel at once; larger ones gain nothing on loopback or beyond. */
#define STOA_STREAM_READ_BYTES (64u * 1024)
/* Above it, or above half of the queue's cap, input waits until output is taken: a peer that does not read cannot make
 * us hold more. */
#define STOA_STREAM_PAUSE_BYTES (256u * 1024)
/* What one read can leave behind: an unread chunk while paused, or an incomplete head. */
#define STOA_STREAM_STASH_BYTES_MAX (128u * 1024)
#define STOA_STREAM_SCRATCH_BYTES (STOA_STREAM_READ_BYTES + STOA_STREAM_STASH_BYTES_MAX)

/* The share of one stream in one turn: bytes as they are handled (inflated, with a fixed part for each message), and
 * time. Both end at a message's edge. */
#define STOA_STREAM_SHARE_BYTES (64u * 1024)
#define STOA_STREAM_SHARE_NS 500000u
/* For the peer to end its side, once ours is shut (RFC 6455 7.1.1, RFC 9112 9.6). */
#define STOA_STREAM_HALF_CLOSED_MS 2000u
/* Input that has come in time and waits to be read is looked for again after so long. */
#define STOA_STREAM_UNREAD_MS 500u
#define STOA_STREAM_MESSAGE_COST 64u
/* The share of all that is on the ready list, in one turn. */
#define STOA_STREAM_READY_NS 2000000u
/* From this time of a turn on, streams that become readable wait on the ready list. */
#define STOA_STREAM_TURN_NS 4000000u

enum stoa_stream_state {
  STOA_STREAM_OPEN,        /* both ways */
  STOA_STREAM_FLUSHING,    /* nothing is added; when all is sent our side is shut */
  STOA_STREAM_HALF_CLOSED, /* our side is shut; what still comes is thrown away */
  STOA_STREAM_CLOSED       /* the descriptor is closed; the memory goes at the end of the turn */
};

/* Why input waits: a set. What epoll is asked for is another matter: a stream that waits for its turn stays watched. */
enum stoa_stream_pause {
  STOA_PAUSE_OUTPUT = 1,     /* too much output waits */
  STOA_PAUSE_SHARE = 2,      /* its share of the turn is used: it is on the ready list */
  STOA_PAUSE_ANSWER = 4,     /* an answer is under way, and the next request waits for its end */
  STOA_PAUSE_CALLS = 8,      /* as many calls are unanswered as may be */
  STOA_PAUSE_PROGRAM = 16,   /* the program asked for it */
  STOA_PAUSE_ADMISSION = 32, /* the program has not decided yet whether the session is let in */
  STOA_PAUSE_ANY = 61        /* all of them but STOA_PAUSE_SHARE, which ends by itself */
};

/* What will become of a stream at the end of this turn. Ordered: a graver fate replaces a lighter one. */
enum stoa_stream_fate {
  STOA_FATE_ALIVE,
  STOA_FATE_SLOW,   /* its backlog has reached the cap */
  STOA_FATE_LOST,   /* something that it should have been sent is lost */
  STOA_FATE_MEMORY, /* memory was out in the middle of its output */
  STOA_FATE_BROKEN  /* the connection failed */
};

/* Input that is not complete. Exists only while there is some; a protocol's own struct begins with it. */
struct stoa_stream_input {
  struct stoa_buffer stash; /* bytes that could not be used yet */
};

struct stoa_stream_host;

/* What reads a stream. One for each worker; a protocol's host begins with it. No function may free the stream. */
struct stoa_protocol {
  struct stoa_stream_host *host;
  bool peeks; /* only what on_input uses is taken from the kernel; all of it when it asks for more */
  /* Use bytes off the front while the stream is open and not paused; returns how many. Fewer than len asks to be
   * called again: with more bytes when it is not paused, else when the pause ends. */
  size_t (*on_input)(struct stoa_stream *stream, uint8_t *data, size_t len);
  /* Nothing more comes: STOA_E_CLOSED (the peer ended its side), STOA_E_SYSTEM, STOA_E_TLS, or STOA_E_MEMORY when
   * input that has to wait finds no memory. It ends the stream, now or when its output is sent. */
  void (*on_input_end)(struct stoa_stream *stream, int status);
  /* A new input struct, zeroed but for its stash, or NULL without memory; and its end. */
  struct stoa_stream_input *(*make_input)(struct stoa_stream *stream);
  void (*free_input)(struct stoa_stream_input *input);
  /* Is there nothing left in it that must be kept? The stash is empty. */
  bool (*input_is_idle)(const struct stoa_stream_input *input);
  /* Its fate is no longer STOA_FATE_ALIVE; at the end of the turn. After it the stream is being ended. */
  void (*on_doomed)(struct stoa_stream *stream);
  /* All is sent and our side is shut (STOA_STREAM_HALF_CLOSED); or the peer's side was shut before: drop it. */
  void (*on_half_closed)(struct stoa_stream *stream);
  /* Some of what waited for the kernel was taken by it: the peer reads, and more may be added. */
  void (*on_progress)(struct stoa_stream *stream);
  /* A share that it asked for by stoa_stream_yield() has come; input follows. Not while output is blocked. */
  void (*on_share)(struct stoa_stream *stream);
  /* Nothing waits any more, as stoa_stream_tell_empty() asked to be told. */
  void (*on_empty)(struct stoa_stream *stream);
  /* It is closed: free it at the end of the turn (stoa_loop_defer()), for others may be on the stack. */
  void (*on_closed)(struct stoa_stream *stream);
};

/* The first cache line holds all that the fan-out touches of a member that is up to date. */
struct stoa_stream {
  struct stoa_conn conn; /* first: its io is the stream */
  struct stoa_queue *queue;
  const struct stoa_protocol *protocol;
  uint8_t state : 4;     /* enum stoa_stream_state */
  uint8_t fate : 4;      /* enum stoa_stream_fate */
  uint8_t pauses;        /* enum stoa_stream_pause */
  bool marked : 1;       /* it has an entry in the turn */
  bool gathered : 1;     /* a send of it waits to be handed over */
  bool blocked : 1;      /* the kernel's buffer is full: wait for EPOLLOUT */
  bool peer_ended : 1;   /* the peer shut its side while our last bytes were on their way: nothing to read */
  bool listed : 1;       /* it is on the ready list; on_closed waits until it is off it */
  bool tell_empty : 1;   /* the protocol is told when nothing waits any more */
  bool flushed : 1;      /* the end of this turn has looked at it and will not again */
  bool marked_again : 1; /* since then: the next turn's end has to */
  bool handshaking : 1;  /* TLS is not agreed yet, which is costly: it takes its turn on the ready list */
  uint32_t turn_index;   /* while it is marked: its entry in the turn */
  uint32_t active_ms;    /* when bytes came last, low 32 bits of the loop's time */
  uint32_t sent_ms;      /* when something was given to it to be sent last */
  uint32_t since_ms;     /* the protocol's: when the state, or what it waits for, began */
  uint32_t acked;        /* bytes that the peer's kernel had acknowledged at the last look */
  struct stoa_stream_input *input;
};

/* What a worker gives to all of its streams. */
struct stoa_stream_host {
  struct stoa_loop *loop;
  struct stoa_turn turn; /* stoa_stream_host_init() sets its events */
  uint8_t *scratch;      /* STOA_STREAM_SCRATCH_BYTES, used within one call */
  size_t queue_bytes_max;
  /* A stream's next deadline moved nearer. */
  void (*on_deadline_change)(struct stoa_stream *stream, uint64_t due_ms);

  /* Fairness; nanoseconds of the loop's clock. */
  uint64_t turn_ns;         /* when this turn began */
  uint64_t clock_ns;        /* the time as it was read last */
  uint64_t share_ns;        /* when the share that is being used began */
  uint32_t share_bytes;     /* used of it */
  uint32_t unclocked_bytes; /* used since the clock was read */
  struct stoa_ready ready;
};

/* `loop`, `scratch`, `queue_bytes_max` and on_deadline_change are set by the caller. */
void stoa_stream_host_init(struct stoa_stream_host *host);
void stoa_stream_host_fini(struct stoa_stream_host *host);
/* The end of a turn, before groups are flushed: those that wait for their share get it, for at most
 * STOA_STREAM_READY_NS; when some are left the next turn does not wait. */
void stoa_stream_host_run_ready(struct stoa_stream_host *host);
/* Now and then: release memory that a peak left behind. */
void stoa_stream_host_trim(struct stoa_stream_host *host);

/* A connection was accepted. The stream is zeroed; the descriptor is the stream's also after an error, and closed.
 * Errors: STOA_E_MEMORY, STOA_E_SYSTEM, STOA_E_TLS; on_closed is not called then */
int stoa_stream_open(struct stoa_stream *stream, const struct stoa_protocol *protocol, int fd,
                     struct stoa_tls_context *tls_context);
/* Undo an open that the owner could not finish: close at once, without on_closed; the memory may go. */
void stoa_stream_abandon(struct stoa_stream *stream);
/* After on_closed, right before the owner frees the memory. */
void stoa_stream_fini(struct stoa_stream *stream);

/* From here on it speaks TLS. Nothing was written, and nothing read of the handshake. Errors: STOA_E_MEMORY, STOA_E_TLS
 */
int stoa_stream_start_tls(struct stoa_stream *stream, struct stoa_tls_context *tls_context);
/* Another protocol reads from here on. What is left of the input is kept; no input struct is. */
void stoa_stream_set_protocol(struct stoa_stream *stream, const struct stoa_protocol *protocol);

/* State. */

/* From here on nothing is added; when all is sent, our side is shut. Again is fine. */
void stoa_stream_finish(struct stoa_stream *stream);
/* Close now; what waits is dropped. on_closed follows at the end of the turn. Again is fine. */
void stoa_stream_drop(struct stoa_stream *stream);
/* Raise the fate, and look at the stream at the end of the turn. */
void stoa_stream_doom(struct stoa_stream *stream, enum stoa_stream_fate fate);
/* At the end of the turn it is looked at; of the next one when this turn's end has looked at it already. */
void stoa_stream_mark(struct stoa_stream *stream);

/* Input. */

void stoa_stream_pause(struct stoa_stream *stream, enum stoa_stream_pause reason);
/* When it was the last reason, input goes on, in a later callback of the loop, never inside this call. */
void stoa_stream_resume(struct stoa_stream *stream, enum stoa_stream_pause reason);
/* One more message, or request, of so many bytes has been handled. Pauses the stream when its share is used; the
 * protocol looks at `pauses` after it. */
void stoa_stream_spend(struct stoa_stream *stream, size_t bytes);
/* It wants another share, after the others. Without memory for the list it is not paused. */
void stoa_stream_yield(struct stoa_stream *stream);
/* The input struct, made when it is first needed. NULL when memory is out. */
struct stoa_stream_input *stoa_stream_input_ensure(struct stoa_stream *stream);
/* Free it. */
void stoa_stream_input_release(struct stoa_stream *stream);
/* Does the peer take what it is sent: is there something that its kernel has not acknowledged, and has it acknowledged
 * more since the last look? Where the system does not tell: no. */
bool stoa_stream_takes(struct stoa_stream *stream);
/* Look, without asking. */
void stoa_stream_note_acked(struct stoa_stream *stream);
/* Has the peer sent something that was not read yet? Then it is not silent, whatever the deadlines say. */
bool stoa_stream_has_unread(const struct stoa_stream *stream);

/* Output. */

/* Room for bytes of this stream alone; append to the buffer, then call end. NULL when it takes no more: its fate tells
 * why, or it is not open. */
struct stoa_buffer *stoa_stream_output_begin(struct stoa_stream *stream);
/* The same for the last bytes (a close frame), also when the queue is full. */
struct stoa_buffer *stoa_stream_output_last(struct stoa_stream *stream);
void stoa_stream_output_end(struct stoa_stream *stream);
/* Why output_begin() gave NULL: STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY. */
int stoa_stream_output_status(const struct stoa_stream *stream);
/* Copy bytes to it. Errors: as output_status(), STOA_E_MEMORY; the stream's fate is set. */
int stoa_stream_output_bytes(struct stoa_stream *stream, const void *data, size_t len);
/* Write the pieces now, when nothing waits and the connection is plain; *out_written of them were taken. False when it
 * has to be queued instead (nothing was written). */
bool stoa_stream_write_through(struct stoa_stream *stream, const struct iovec *pieces, size_t count,
                               size_t *out_written);
/* So many bytes at the front of the queue were written already. */
void stoa_stream_output_written(struct stoa_stream *stream, size_t written);
/* Room in the queue itself, for bytes that were written in part. NULL without memory; its fate is set. */
struct stoa_buffer *stoa_stream_queue_begin(struct stoa_stream *stream);

/* Bytes [start, end) of a batch that others get too: written at once if nothing waits, else queued by reference. Called
 * at the end of a turn while members are walked: it never ends the stream, only marks it. */
void stoa_stream_output_shared(struct stoa_stream *stream, struct stoa_batch *batch, size_t start, size_t end);
/* The same, but never writes now: for what must stand before bytes of the stream's own. */
void stoa_stream_output_queue(struct stoa_stream *stream, struct stoa_batch *batch, size_t start, size_t end);

/* What waits now is no run of frames: a later cut leaves it whole. */
void stoa_stream_output_seal(struct stoa_stream *stream);
/* The queue is too long: drop what can be taken back, at a frame's edge. */
void stoa_stream_output_cut(struct stoa_stream *stream);
/* Tell the protocol once when nothing waits any more; at the end of this turn at the earliest. */
void stoa_stream_tell_empty(struct stoa_stream *stream);
/* What waits to be sent, in bytes. */
size_t stoa_stream_queued(const struct stoa_stream *stream);
/* Above so many bytes waiting, input waits too. */
size_t stoa_stream_pause_bytes(const struct stoa_stream *stream);

static inline struct stoa_stream_host *stoa_stream_host_of(const struct stoa_stream *stream) {
  return stream->protocol->host;
}

static inline uint32_t stoa_stream_now32(const struct stoa_stream *stream) {
  return (uint32_t)stoa_loop_now_ms(stream->protocol->host->loop);
}

#endif
