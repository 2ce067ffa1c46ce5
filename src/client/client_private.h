/* client/client_private.h: shared by the files of this layer. A file calls only those below it in this list:
 *
 * client.c      create, open, close, destroy, and requests from other threads
 * connection.c  connecting, from the name to a connection, and the next try; the callbacks are set here
 * input.c       input: frames and messages
 * upgrade.c     the upgrade request and its answer
 * output.c      writes the queue
 * close.c       the close handshake
 * liveness.c    detects a dead server
 * send.c        makes a frame of a message, on the thread of the sender
 * drop.c        the end of a connection, for any reason
 * addresses.c   the addresses of the server's name
 * dispatch.c    passes a message to its handler
 * stream.c      calls with many replies
 * calls.c       calls in flight
 * decode.c      decodes a payload into a struct
 * queue.c       output that is not written yet
 * retry.c       whether to reconnect, and when
 * phase.c       the allowed changes of state, and their callbacks
 * options.c     copies and checks the options
 * resolver.c    look-ups of names, on its own threads
 * breaker.c     refuses calls while most of them fail
 *
 * Thread: the client's, except where send.c and client.c note another one.
 */
#ifndef STOA_CLIENT_PRIVATE_H
#define STOA_CLIENT_PRIVATE_H

#include "client/breaker.h"
#include "client/resolver.h"
#include "codec/handler_table.h"
#include "codec/registry.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/queue.h"
#include "wire/typed.h"
#include "wire/ws_deflate.h"
#include "wire/ws_frame.h"
#include "wire/ws_offer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stoa/client.h>

#define STOA_CLIENT_HEAD_BYTES_MAX STOA_HTTP_HEAD_BYTES_MAX_DEFAULT
#define STOA_CLIENT_READ_BYTES (16u * 1024)
#define STOA_CLIENT_CALL_BUCKETS 256u
#define STOA_CLIENT_HANDLERS_MAX 1024u
/* Room in front of a frame's body for its header, which is written when the length of the body is known. */
#define STOA_CLIENT_FRAME_GAP STOA_WS_HEADER_LEN_MAX

/* The steps of enum stoa_client_state, with CONNECTING in three. phase.c has the allowed changes. */
enum stoa_client_phase {
  STOA_PHASE_IDLE,
  STOA_PHASE_RESOLVING,
  STOA_PHASE_DIALING,
  STOA_PHASE_UPGRADING, /* TLS too */
  STOA_PHASE_OPEN,
  STOA_PHASE_CLOSING,
  STOA_PHASE_WAITING,
  STOA_PHASE_ENDED
};

struct stoa_client;
/* The result of a look-up, in RESOLVING. The status is one of stoa_client_find_addresses(). */
typedef void stoa_client_on_resolved(struct stoa_client *client, int status);

/* The options with defaults applied, parsed. Strings are copies in `text`. */
struct stoa_client_settings {
  char *text; /* owned: the URL, and the host with its NUL */
  struct stoa_ws_url url;
  const char *host; /* terminated; NULL for a unix socket */
  struct stoa_buffer fields;
  const struct stoa_codec *codec;
  enum stoa_client_subprotocol subprotocol;
  enum stoa_typed_order order;
  char protocol[STOA_SUBPROTOCOL_LEN_MAX]; /* "" for none */
  bool once, compression;
  /* silence_ms 0: as the server's answer to the upgrade says */
  uint32_t retry_min_ms, retry_max_ms, handshake_ms, close_ms, silence_ms, pong_ms, call_ms;
  uint32_t calls_max, outgoing_bytes_max, message_bytes_max, received_message_bytes_max;
};

/* A call in flight: created by the caller, owned by the client from the post on. */
struct stoa_client_call {
  struct stoa_timer timer;
  struct stoa_client_call *next; /* in its bucket */
  struct stoa_client *client;
  uint32_t id;
  uint32_t timeout_ms; /* 0: none */
  uint32_t type;
  bool is_stream; /* a part of the struct of stream.c */
  const struct stoa_message_type *reply_type;
  void (*invoke)(stoa_client_function function, void *user, struct stoa_client *client,
                 const struct stoa_call_end *end);
  stoa_client_function function;
  void *user;
  void (*destroy)(struct stoa_client_call *call);
};

/* A frame that is posted to the client's thread. */
struct stoa_outgoing_frame {
  struct stoa_post post;
  struct stoa_client *client;
  struct stoa_client_call *call; /* NULL: a plain message. Owned */
  uint32_t serial;               /* of the connection that the frame is for */
  size_t start;                  /* where the frame begins in its buffer */
  struct stoa_buffer buffer;     /* the whole frame, masked */
};

struct stoa_client {
  struct stoa_client_settings settings;
  struct stoa_client_callbacks callbacks;
  struct stoa_tls_context *tls;       /* NULL: plain */
  struct stoa_handler_table handlers; /* of struct stoa_client_handler */

  /* For any thread. */
  atomic_int state;        /* enum stoa_client_state */
  atomic_uint open_serial; /* of the connection that accepts messages, 0 for none */
  atomic_uint call_id;     /* the last one given out */
  atomic_uint calls;       /* in flight, including those not yet posted */
  atomic_size_t outgoing;  /* bytes posted and not yet run, and bytes in the queue */
  atomic_flag opened;      /* the thread that sets it posts `open_post` */
  atomic_flag close_asked; /* the thread that sets it fills in the next two and posts `close_post` */
  uint16_t asked_code;
  char asked_reason[STOA_WS_CONTROL_LEN_MAX];
  struct stoa_post open_post, close_post;

  struct stoa_loop *loop;
  pthread_t thread;
  bool has_thread;
  bool in_turn;    /* the client's thread is in a turn: a callback may be on the stack */
  bool destroying; /* callbacks are no longer called */

  /* The connection. */
  enum stoa_client_phase phase;
  uint32_t serial;                /* counts connections; never 0 once there was one */
  struct stoa_resolver *resolver; /* borrowed until destroy */
  struct stoa_lookup *lookup;     /* NULL: no look-up is running, and there is no result for the next try */
  stoa_client_on_resolved *on_resolved;
  struct stoa_address addresses[STOA_DIAL_ADDRESSES_MAX];
  size_t address_count, address_next;
  struct stoa_io dial; /* the descriptor until it is connected */
  int dial_errno;      /* why connecting to the last address failed */
  struct stoa_conn conn;
  struct stoa_queue *queue; /* NULL: the queue is empty */
  bool blocked;             /* the connection took only a part of the output */
  bool deaf;                /* the connection takes no more output; the rest of the input may say why */
  struct stoa_ws_offer offer;
  struct stoa_http_response response;
  struct stoa_ws_reader reader;
  struct stoa_buffer message;     /* a message that comes in pieces, or compressed */
  bool deflate;                   /* the server may compress */
  struct stoa_inflater *inflater; /* NULL before the connection's first compressed message */
  uint8_t pong[STOA_WS_CONTROL_LEN_MAX];
  uint8_t pong_len;
  bool pong_owed; /* RFC 6455 5.5.3: only the newest ping needs an answer */
  bool ending;    /* the client has asked for the end: no further connection */
  bool peer_closed;
  uint16_t peer_close_code; /* the peer's */
  char peer_close_reason[STOA_WS_CONTROL_LEN_MAX];
  bool probing;        /* a ping of the client is not answered yet, and nothing else was received */
  uint32_t silence_ms; /* of this connection; UINT32_MAX: never */
  uint64_t heard_ms, opened_ms;
  uint32_t tries;                  /* since the last connection that was stable */
  uint32_t told_retry_ms;          /* from the newest plain error of this connection */
  struct stoa_timer phase_timer;   /* for the handshake, the close handshake or the next try */
  struct stoa_timer address_timer; /* DIALING: the next address */
  struct stoa_timer silence_timer; /* OPEN */

  struct stoa_breaker *breaker; /* NULL: none */
  struct stoa_client_call *calls_in_flight[STOA_CLIENT_CALL_BUCKETS];
  struct stoa_arena *arena;        /* for handling one message */
  struct stoa_buffer text_scratch; /* for text messages */
  size_t input_len;
  uint8_t input[STOA_CLIENT_HEAD_BYTES_MAX + STOA_CLIENT_READ_BYTES];
};

/* As stoa_client_create(), with another clock: for tests. The clock is borrowed until destroy. */
int stoa_client_create_with(const struct stoa_client_options *options, const struct stoa_client_callbacks *callbacks,
                            const struct stoa_clock *clock, struct stoa_client **out_client);

/* Use this resolver instead of the system's: for simulations. Call it before open. */
void stoa_client_set_resolver(struct stoa_client *client, struct stoa_resolver *resolver);

/* options.c. Errors: as stoa_client_create(); `settings` can be released after any of them. */
int stoa_client_settings_init(struct stoa_client_settings *settings, const struct stoa_client_options *options);
void stoa_client_settings_fini(struct stoa_client_settings *settings);

/* Why a connection ended. Members that do not apply are zero; `reason` may be NULL. */
struct stoa_connection_end {
  int status;
  uint16_t http_status;
  uint16_t close_code;
  const char *reason;
  uint32_t retry_ms; /* with http_status: the delay that the server asked for */
};

/* phase.c */
void stoa_client_enter(struct stoa_client *client, enum stoa_client_phase phase);
/* Report the client's current phase to the program. */
void stoa_client_tell(struct stoa_client *client, const struct stoa_connection_end *end, uint32_t retry_ms);
bool stoa_client_has_connection(const struct stoa_client *client);

/* addresses.c */
/* Write the server's addresses into `addresses`.
 * Errors: STOA_E_AGAIN  a look-up is running, on_resolved follows
 *         STOA_E_NOT_FOUND, STOA_E_MEMORY, STOA_E_SYSTEM (errno says why) */
int stoa_client_find_addresses(struct stoa_client *client, stoa_client_on_resolved *on_resolved);
void stoa_client_forget_lookup(struct stoa_client *client);

/* drop.c */
/* The connection is over: release it, end its calls, and wait for the next try or end. */
void stoa_client_drop(struct stoa_client *client, const struct stoa_connection_end *end);
/* The same for a reason on the client's side. `reason` may be NULL. */
void stoa_client_drop_for(struct stoa_client *client, int status, const char *reason);
/* The same when both sides have sent their close frames. */
void stoa_client_drop_closed(struct stoa_client *client);
/* Release what belongs to the connection; nothing is sent, no callback is called. */
void stoa_client_release_connection(struct stoa_client *client);
/* Stop connecting to an address. */
void stoa_client_close_dial(struct stoa_client *client);

/* connection.c */
/* Begin the next try. */
void stoa_client_dial(struct stoa_client *client);

/* upgrade.c */
/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM (no random bytes; errno says why) */
int stoa_client_write_request(struct stoa_client *client);
/* Returns the length of the answer at the front of the input; 0 while it is incomplete. Also 0 when it was refused;
 * then the connection was dropped. */
size_t stoa_client_read_answer(struct stoa_client *client);

/* close.c */
/* Begin the close handshake, or answer the peer's close frame, on an open connection. */
void stoa_client_send_close(struct stoa_client *client, uint16_t code, const char *reason);

/* retry.c */
/* Is reconnecting useless or not wanted? */
bool stoa_client_is_final(const struct stoa_client *client, const struct stoa_connection_end *end);
/* The time until the next try. Each call counts as a try. */
uint32_t stoa_client_next_delay_ms(struct stoa_client *client, const struct stoa_connection_end *end);
/* The delay in Retry-After of a refusal, if it is in seconds; a date is ignored. */
uint32_t stoa_client_retry_after_ms(const struct stoa_http_response *response, const uint8_t *data);
/* The number in a field, of at most 9 digits; 0 when there is none. */
uint32_t stoa_client_field_number(const struct stoa_http_response *response, const uint8_t *data, const char *name);

/* liveness.c */
/* How long this connection may be silent: as the program has chosen, or as the answer to the upgrade says. */
void stoa_client_learn_interval(struct stoa_client *client, const struct stoa_http_response *response,
                                const uint8_t *data);
/* Watch an open connection from now on, with silence_timer. */
void stoa_client_watch_silence(struct stoa_client *client);
/* Something was received, so the server is alive. */
void stoa_client_heard(struct stoa_client *client);

/* input.c */
void stoa_client_readable(struct stoa_client *client);

/* queue.c */
/* Bytes in the queue. */
size_t stoa_client_queued(const struct stoa_client *client);
/* Append bytes to the queue. Errors: STOA_E_MEMORY */
int stoa_client_queue(struct stoa_client *client, const void *data, size_t len);
/* The same for a masked control frame with the payload. Errors: STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_client_queue_control(struct stoa_client *client, enum stoa_ws_opcode opcode, struct stoa_bytes payload);
void stoa_client_queue_release(struct stoa_client *client);

/* output.c */
/* Write the queue, and update the watched events. May drop the connection. */
void stoa_client_flush(struct stoa_client *client);

/* calls.c */
void stoa_client_calls_add(struct stoa_client *client, struct stoa_client_call *call);
/* End a call that is not, or no longer, in the table: call its callback, and free it. */
void stoa_client_call_finish(struct stoa_client_call *call, const struct stoa_call_end *end);
/* The call in flight with that id, or NULL; take removes it. */
struct stoa_client_call *stoa_client_calls_find(struct stoa_client *client, uint32_t id);
struct stoa_client_call *stoa_client_calls_take(struct stoa_client *client, uint32_t id);
void stoa_client_calls_answer(struct stoa_client *client, const struct stoa_typed *typed);
void stoa_client_calls_cancel(struct stoa_client *client, uint32_t id);
/* End all calls in flight as LOST. */
void stoa_client_calls_lose(struct stoa_client *client);

/* stream.c */
/* A stream that was not sent yet. NULL when memory is out. */
struct stoa_client_call *stoa_client_stream_make(struct stoa_client *client,
                                                 const struct stoa_client_stream_start *start, uint32_t id);
void stoa_client_stream_answer(struct stoa_client_call *call, const struct stoa_typed *typed);
/* Tell the server that no more of it is wanted. */
void stoa_client_stream_tell_cancel(struct stoa_client_call *call);

/* decode.c */
/* Decode into the arena; with `type` NULL the result is the payload's view itself. NULL when decoding fails, which is
 * logged with `what`. */
const void *stoa_client_decode(struct stoa_client *client, const struct stoa_message_type *type,
                               const struct stoa_bytes *payload, const char *what);

/* dispatch.c */
void stoa_client_on_message(struct stoa_client *client, struct stoa_bytes message, bool is_text);

#endif
