/* net/stream.h: one accepted connection: its unread input, its unsent output, why it pauses and how it ends.
 *
 * A protocol (plain HTTP, then WebSocket) uses its input and decides when it ends; it is changed with
 * stoa_stream_set_protocol(). The work for one stream in a turn is bounded: when its share is used, the stream goes to
 * the end of the host's ready list and gets its next share after the others. An idle stream owns nothing but this
 * struct.
 *
 * Does not know: what the bytes mean, other streams' contents.
 * Thread: the worker's. Lifetime: embedded in its owner, from open until the owner frees it after the protocol's
 * on_closed.
 */
#ifndef STOA_NET_STREAM_H
#define STOA_NET_STREAM_H

#include "net/queue.h"
#include "net/ready.h"
#include "net/turn.h"

/* Bytes of one read; larger reads gain nothing, on loopback or on a network. */
#define STOA_STREAM_READ_BYTES (64u * 1024)
/* Above it, or above half of the queue's cap, input waits until output is taken: a peer that does not read cannot make
 * us hold more. */
#define STOA_STREAM_PAUSE_BYTES (256u * 1024)
/* Input that one read can leave unused: a chunk while paused, or an incomplete head. */
#define STOA_STREAM_STASH_BYTES_MAX (128u * 1024)
#define STOA_STREAM_SCRATCH_BYTES (STOA_STREAM_READ_BYTES + STOA_STREAM_STASH_BYTES_MAX)

/* The share of one stream in one turn: bytes as they are handled (inflated, with a fixed part for each message), and
 * time. Both end at a message's edge. */
#define STOA_STREAM_SHARE_BYTES (64u * 1024)
#define STOA_STREAM_SHARE_NS 500000u
/* Time for the peer to end its side, once ours is shut (RFC 6455 7.1.1, RFC 9112 9.6). */
#define STOA_STREAM_HALF_CLOSED_MS 2000u
/* While received input waits to be read, the deadline of silence is checked again after so long. */
#define STOA_STREAM_UNREAD_MS 500u
#define STOA_STREAM_MESSAGE_COST 64u
/* The time of all streams on the ready list together, in one turn. */
#define STOA_STREAM_READY_NS 2000000u
/* From this time of a turn on, streams that become readable wait on the ready list. */
#define STOA_STREAM_TURN_NS 4000000u

enum stoa_stream_state {
  STOA_STREAM_OPEN,        /* both ways */
  STOA_STREAM_FLUSHING,    /* no more output is added; our side is shut when all is sent */
  STOA_STREAM_HALF_CLOSED, /* our side is shut; received bytes are thrown away */
  STOA_STREAM_CLOSED       /* the descriptor is closed; the memory goes at the end of the turn */
};

/* Why input waits: a set. A paused stream may still be watched by epoll, as one that waits for its share is. */
enum stoa_stream_pause {
  STOA_PAUSE_OUTPUT = 1,      /* too much output waits */
  STOA_PAUSE_SHARE = 2,       /* its share of the turn is used: it is on the ready list */
  STOA_PAUSE_ANSWER = 4,      /* an answer is being sent, and the next request waits for its end */
  STOA_PAUSE_CALLS = 8,       /* the limit of unanswered calls is reached */
  STOA_PAUSE_PROGRAM = 16,    /* the program asked for it */
  STOA_PAUSE_ADMISSION = 32,  /* the program has not decided yet whether the session is let in */
  STOA_PAUSE_MIDDLEWARE = 64, /* a message waits for a middleware */
  STOA_PAUSE_ANY = 125        /* all of them but STOA_PAUSE_SHARE, which ends by itself */
};

/* What will become of a stream at the end of this turn. Ordered: a later fate replaces an earlier one. */
enum stoa_stream_fate {
  STOA_FATE_ALIVE,
  STOA_FATE_SLOW,   /* its queue has reached the cap */
  STOA_FATE_LOST,   /* output for it was lost */
  STOA_FATE_MEMORY, /* memory was out in the middle of its output */
  STOA_FATE_BROKEN  /* the connection failed */
};

/* Incomplete input. Exists only while there is some; a protocol's own struct begins with it. */
struct stoa_stream_input {
  struct stoa_buffer stash; /* bytes that could not be used yet */
};

struct stoa_stream_host;

/* The reader of a stream. One for each worker; a protocol's host begins with it. No function may free the stream. */
struct stoa_protocol {
  struct stoa_stream_host *host;
  bool peeks; /* only the bytes that on_input uses are taken from the kernel; all of them when it asks for more */
  /* Use bytes off the front while the stream is open and not paused; returns how many. Fewer than len asks to be
   * called again: with more bytes when it is not paused, else when the pause ends. */
  size_t (*on_input)(struct stoa_stream *stream, uint8_t *data, size_t len);
  /* The input has ended: STOA_E_CLOSED (the peer ended its side), STOA_E_SYSTEM, STOA_E_TLS, or STOA_E_MEMORY when
   * there is no memory for input that has to wait. The callee ends the stream, now or when its output is sent. */
  void (*on_input_end)(struct stoa_stream *stream, int status);
  /* Create an input struct, zeroed but for its stash, or NULL without memory; and free it. */
  struct stoa_stream_input *(*make_input)(struct stoa_stream *stream);
  void (*free_input)(struct stoa_stream_input *input);
  /* True when it has nothing that must be kept. The stash is empty. */
  bool (*input_is_idle)(const struct stoa_stream_input *input);
  /* The fate is no longer STOA_FATE_ALIVE; called at the end of the turn. The callee ends the stream. */
  void (*on_doomed)(struct stoa_stream *stream);
  /* All is sent and our side is shut (STOA_STREAM_HALF_CLOSED). If the peer's side was shut before: drop it. */
  void (*on_half_closed)(struct stoa_stream *stream);
  /* The kernel took some of the waiting output: the peer reads, and more may be added. */
  void (*on_progress)(struct stoa_stream *stream);
  /* NULL: all input comes from the connection. Else: use what the protocol got in another way, until it is used up or
   * the stream is paused; called with each share. */
  void (*on_fed)(struct stoa_stream *stream);
  /* The share requested by stoa_stream_yield() begins; input follows. Not while output is blocked. */
  void (*on_share)(struct stoa_stream *stream);
  /* No output waits any more; requested by stoa_stream_tell_empty(). */
  void (*on_empty)(struct stoa_stream *stream);
  /* It is closed: free it at the end of the turn (stoa_loop_defer()), because callers on the stack may still use it. */
  void (*on_closed)(struct stoa_stream *stream);
};

/* The first cache line has all fields that the fan-out uses for a member without unsent output. */
struct stoa_stream {
  struct stoa_conn conn; /* first: its io is the stream */
  struct stoa_queue *queue;
  const struct stoa_protocol *protocol;
  uint8_t state : 4;     /* enum stoa_stream_state */
  uint8_t fate : 4;      /* enum stoa_stream_fate */
  uint8_t pauses;        /* enum stoa_stream_pause */
  bool marked : 1;       /* it has an entry in the turn */
  bool gathered : 1;     /* a gathered send of it waits for the hand-over */
  bool blocked : 1;      /* the kernel's buffer is full: wait for EPOLLOUT */
  bool peer_ended : 1;   /* the peer shut its side while our last bytes were being sent: nothing to read */
  bool listed : 1;       /* it is on the ready list; on_closed waits until it is off it */
  bool tell_empty : 1;   /* call on_empty when no output waits any more */
  bool flushed : 1;      /* the end of this turn has handled it and will not again */
  bool marked_again : 1; /* after that: the end of the next turn handles it */
  bool handshaking : 1;  /* in the TLS handshake, which is costly: it waits on the ready list */
  uint32_t turn_index;   /* while it is marked: its entry in the turn */
  uint32_t sent_ms;      /* when output was added last, low 32 bits of the loop's time */
  uint32_t messages_out; /* used by the protocol: messages that were given to the stream; wraps around */
  uint64_t bytes_out;    /* bytes that the connection took; as for the others, before TLS */
  uint64_t bytes_in;     /* bytes that were read */
  uint32_t messages_in;  /* used by the protocol: messages that were handled; wraps around */
  uint32_t active_ms;    /* when bytes were received last */
  uint32_t since_ms;     /* used by the protocol: when its state, or its wait, began */
  uint32_t acked;        /* bytes that the peer's kernel had acknowledged at the last check */
  struct stoa_stream_input *input;
};

/* What all streams of a worker share. */
struct stoa_stream_host {
  struct stoa_loop *loop;
  struct stoa_turn turn; /* stoa_stream_host_init() sets its events */
  uint8_t *scratch;      /* STOA_STREAM_SCRATCH_BYTES, used within one call */
  size_t queue_bytes_max;
  /* A stream's next deadline moved nearer. */
  void (*on_deadline_change)(struct stoa_stream *stream, uint64_t due_ms);

  uint64_t bytes_in, bytes_out;     /* of all streams, read and written */
  struct stoa_metric_cell *backlog; /* a gauge, set by the caller and bumped by the host's thread; NULL: not counted */
  /* A TLS handshake was completed, or failed. May be NULL. */
  void (*on_handshake)(struct stoa_stream *stream, bool is_done);

  /* Fairness; nanoseconds of the loop's clock. */
  uint64_t turn_ns;         /* when this turn began */
  uint64_t clock_ns;        /* the time as it was read last */
  uint64_t share_ns;        /* when the share that is being used began */
  uint32_t share_bytes;     /* bytes used of it */
  uint32_t unclocked_bytes; /* used since the clock was read */
  struct stoa_ready ready;
};

/* `loop`, `scratch`, `queue_bytes_max`, the callbacks and the gauge are set by the caller. */
void stoa_stream_host_init(struct stoa_stream_host *host);
void stoa_stream_host_fini(struct stoa_stream_host *host);
/* Call at the end of a turn, before groups are flushed. Streams on the ready list get their shares, for at most
 * STOA_STREAM_READY_NS; when some are left, the next turn does not wait for events. */
void stoa_stream_host_run_ready(struct stoa_stream_host *host);
/* Call now and then: release memory that only a peak needed. */
void stoa_stream_host_trim(struct stoa_stream_host *host);

/* Open a stream for an accepted connection. `stream` is zeroed. It owns the descriptor, also after an error.
 * Errors: STOA_E_MEMORY, STOA_E_SYSTEM, STOA_E_TLS; on_closed is not called then */
int stoa_stream_open(struct stoa_stream *stream, const struct stoa_protocol *protocol, int fd,
                     struct stoa_tls_context *tls_context);
/* Undo an open that the owner could not finish: close at once, without on_closed; the memory may be freed. */
void stoa_stream_abandon(struct stoa_stream *stream);
/* After on_closed, right before the owner frees the memory. */
void stoa_stream_fini(struct stoa_stream *stream);

/* Change the connection to TLS. Nothing was written, and no byte of the handshake read. Errors: STOA_E_MEMORY,
 * STOA_E_TLS
 */
int stoa_stream_start_tls(struct stoa_stream *stream, struct stoa_tls_context *tls_context);
/* Change the protocol. Unused input is kept; the input struct is not. */
void stoa_stream_set_protocol(struct stoa_stream *stream, const struct stoa_protocol *protocol);

/* State. */

/* Add no more output; when all is sent, our side is shut. Calling it twice is fine. */
void stoa_stream_finish(struct stoa_stream *stream);
/* Close now and drop unsent output. on_closed follows at the end of the turn. Calling it twice is fine. */
void stoa_stream_drop(struct stoa_stream *stream);
/* Raise the fate; the end of the turn acts on it. */
void stoa_stream_doom(struct stoa_stream *stream, enum stoa_stream_fate fate);
/* Have the end of the turn handle the stream; of the next turn, if the end of this one has handled it already. */
void stoa_stream_mark(struct stoa_stream *stream);

/* Input. */

void stoa_stream_pause(struct stoa_stream *stream, enum stoa_stream_pause reason);
/* If it was the last reason, input goes on in a later callback of the loop, never inside this call. */
void stoa_stream_resume(struct stoa_stream *stream, enum stoa_stream_pause reason);
/* One more message, or request, of so many bytes has been handled. Pauses the stream when its share is used; the
 * protocol checks `pauses` afterwards. */
void stoa_stream_spend(struct stoa_stream *stream, size_t bytes);
/* Request another share, after the other streams. Without memory for the list the stream is not paused. */
void stoa_stream_yield(struct stoa_stream *stream);
/* The input struct, made when it is first needed. NULL when memory is out. */
struct stoa_stream_input *stoa_stream_input_ensure(struct stoa_stream *stream);
void stoa_stream_input_release(struct stoa_stream *stream);
/* Does the peer take output: has its kernel acknowledged more since the last check, with some still unacknowledged?
 * False where the system does not report it. */
bool stoa_stream_takes(struct stoa_stream *stream);
/* Record the acknowledged bytes for the next check. */
void stoa_stream_note_acked(struct stoa_stream *stream);
/* Has the peer sent bytes that were not read yet? Then it is not silent, whatever the deadlines say. */
bool stoa_stream_has_unread(const struct stoa_stream *stream);

/* Output. */

/* A buffer for bytes of this stream alone; append to it, then call end. NULL when the stream takes no more: its fate
 * says why, or it is not open. */
struct stoa_buffer *stoa_stream_output_begin(struct stoa_stream *stream);
/* The same for the last bytes (a close frame), also when the queue is full. */
struct stoa_buffer *stoa_stream_output_last(struct stoa_stream *stream);
void stoa_stream_output_end(struct stoa_stream *stream);
/* Why output_begin() gave NULL: STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY. */
int stoa_stream_output_status(const struct stoa_stream *stream);
/* Append a copy of the bytes. Errors: as output_status(), STOA_E_MEMORY; the stream's fate is set. */
int stoa_stream_output_bytes(struct stoa_stream *stream, const void *data, size_t len);
/* Write the pieces now, if no output waits and the connection is plain; *out_written bytes were taken. False when they
 * must be queued instead (nothing was written). */
bool stoa_stream_write_through(struct stoa_stream *stream, const struct iovec *pieces, size_t count,
                               size_t *out_written);
/* The first `written` bytes of the queue were sent already. */
void stoa_stream_output_written(struct stoa_stream *stream, size_t written);
/* A buffer in the queue itself, for a message that was written in part. NULL without memory; the fate is set. */
struct stoa_buffer *stoa_stream_queue_begin(struct stoa_stream *stream);

/* Send bytes [start, end) of a shared batch: written at once if no output waits, else queued by reference. Called at
 * the end of a turn while members are walked: it never ends the stream, only marks it. */
void stoa_stream_output_shared(struct stoa_stream *stream, struct stoa_batch *batch, size_t start, size_t end);
/* The same, but only queues: for bytes that must come before bytes of the stream's own. */
void stoa_stream_output_queue(struct stoa_stream *stream, struct stoa_batch *batch, size_t start, size_t end);

/* The output that waits now is not frames: a later cut keeps all of it. */
void stoa_stream_output_seal(struct stoa_stream *stream);
/* The queue is too long: drop unsent frames, from a frame's edge. */
void stoa_stream_output_cut(struct stoa_stream *stream);
/* Have on_empty called once when no output waits any more; at the end of this turn at the earliest. */
void stoa_stream_tell_empty(struct stoa_stream *stream);
/* Unsent output in bytes. */
size_t stoa_stream_queued(const struct stoa_stream *stream);
/* With more unsent bytes than this, input waits. */
size_t stoa_stream_pause_bytes(const struct stoa_stream *stream);

static inline struct stoa_stream_host *stoa_stream_host_of(const struct stoa_stream *stream) {
  return stream->protocol->host;
}

static inline uint32_t stoa_stream_now32(const struct stoa_stream *stream) {
  return (uint32_t)stoa_loop_now_ms(stream->protocol->host->loop);
}

#endif
