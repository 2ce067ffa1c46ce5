/* server/http/exchange_private.h: the struct of an exchange, for the files of exchanges only. From the top: exchange.c
 * reads the request and calls its handler, exchange_answer.c has the functions of stoa/http.h that answer,
 * exchange_output.c writes answers to the stream, exchange_state.c has the state and the counts. */
#ifndef STOA_SERVER_HTTP_EXCHANGE_PRIVATE_H
#define STOA_SERVER_HTTP_EXCHANGE_PRIVATE_H

#include "server/http/exchange.h"
#include "server/server_private.h"
#include "server/worker/budget.h"
#include "wire/http_query.h"

#include <stdatomic.h>

/* Of answers. */
#define STOA_EXCHANGE_BODY_BYTES_MAX STOA_ENCODING_BYTES_MAX
#define STOA_EXCHANGE_FIELDS_BYTES_MAX (64u * 1024)

/* OPEN → STREAMING → ENDED, OPEN → ENDED; the worker: OPEN → TIMED_OUT, any but ENDED and TIMED_OUT → GONE. */
enum stoa_exchange_state {
  STOA_EXCHANGE_OPEN,      /* not answered */
  STOA_EXCHANGE_STREAMING, /* an answer in pieces was begun */
  STOA_EXCHANGE_ENDED,     /* the program, or the library for it, has given the whole answer */
  STOA_EXCHANGE_TIMED_OUT,
  STOA_EXCHANGE_GONE /* the connection has ended */
};

enum stoa_exchange_count {
  STOA_EXCHANGE_BEGUN,
  STOA_EXCHANGE_ANSWERED,
  STOA_EXCHANGE_DROPPED,
  STOA_EXCHANGE_TIMEOUTS,
  STOA_EXCHANGE_LOST,
  STOA_EXCHANGE_LATE,
  STOA_EXCHANGE_COUNTS
};

/* One worker's. */
struct stoa_exchange_account {
  struct stoa_worker *worker; /* valid while an exchange is OPEN or STREAMING, or an answer is counted below */
  atomic_uint refs;           /* one of the worker, one of each exchange */
  atomic_uint answering;      /* answers of other threads in progress, which may still use the server */
  _Atomic(uint64_t) counts[STOA_EXCHANGE_COUNTS];
};

/* The request; freed when the head of the answer was written. */
struct stoa_exchange_request {
  struct stoa_http_head head;
  struct stoa_http_match match;
  struct stoa_http_query query;
  struct stoa_http_request public;
  struct stoa_peer client;
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  uint8_t bytes[]; /* of the head, then where the values of `match` lie */
};

/* An answer, or the beginning of one, as it was checked and copied on the program's thread. */
struct stoa_exchange_answer {
  uint16_t status;
  bool is_streamed;
  struct stoa_buffer fields; /* lines, Content-Type among them */
  struct stoa_buffer content;
};

/* How the program has ended its answer. */
enum stoa_exchange_ending {
  STOA_EXCHANGE_REPLY, /* with all of it */
  STOA_EXCHANGE_ERROR, /* it could not be made, or was dropped: 500 instead */
  STOA_EXCHANGE_END,   /* of pieces */
  STOA_EXCHANGE_ABORT  /* of pieces, before their end */
};

struct stoa_http_exchange {
  struct stoa_http_pending pending; /* first */
  struct stoa_http_content content;
  atomic_int state; /* enum stoa_exchange_state */
  atomic_uint refs;
  struct stoa_exchange_account *account;
  const struct stoa_route *route;
  const struct stoa_handler_route *rpc; /* the route is one of an rpc (rpc.h); NULL: of the program */
  struct stoa_post post;                /* carries the end of the answer to the worker */
  struct stoa_exchange_answer answer;
  enum stoa_exchange_ending ending;
  bool is_taken; /* the program has a reference */

  /* The worker's thread only. */
  struct stoa_stream *stream; /* NULL when the connection, or the answer, has ended */
  struct stoa_exchange_request *request;
  struct stoa_timer timeout;
  struct stoa_buffer body;
  size_t body_counted; /* in the server's budget */
  bool is_begun;       /* its handler was called */
  bool is_handling;    /* its handler runs */
  bool is_held;        /* by stoa_exchange_hold() */
  bool is_sent;        /* the head of its answer was written */
  bool is_head_only;
  bool is_bodyless; /* the answer has no content, for its request or its status */
  bool is_chunked;
  bool wants_keep_alive;
  bool echoes_origin;               /* as in struct stoa_exchange_refusal */
  bool is_complete;                 /* no piece follows */
  bool has_event;                   /* pieces were written since on_event was called */
  size_t output_at;                 /* bytes of answer.content that were taken */
  struct stoa_http_content *source; /* of pieces that the library reads, instead of answer.content */
  stoa_http_stream_event *on_event;
  void *event_context;
  struct stoa_deferred event; /* a call of on_event at the end of the turn */
  bool is_event_due;

  struct stoa_budget pieces; /* bytes of pieces that were written and not taken */
};

void stoa_exchange_count(struct stoa_exchange_account *account, enum stoa_exchange_count what);
/* True when this caller changes the state. If not, *out_state is the one that it had. */
bool stoa_exchange_claim(struct stoa_http_exchange *exchange, enum stoa_exchange_state from,
                         enum stoa_exchange_state to, int *out_state);

static inline void stoa_exchange_answer_fini(struct stoa_exchange_answer *answer) {
  stoa_buffer_fini(&answer->fields);
  stoa_buffer_fini(&answer->content);
}

/* Free the request when its answer was begun, or nobody waits for one, and nobody looks at it: the handler's views are
 * valid until it returns. */
void stoa_exchange_free_request(struct stoa_http_exchange *exchange);
/* Write the answer, or the beginning of one in pieces, to the stream if it is still there. */
void stoa_exchange_send(struct stoa_http_exchange *exchange);
/* Call on_event at the end of the turn. */
void stoa_exchange_tell(struct stoa_http_exchange *exchange);
/* A piece came, or the end. */
void stoa_exchange_add_piece(struct stoa_http_exchange *exchange, struct stoa_bytes piece);
void stoa_exchange_complete(struct stoa_http_exchange *exchange);
/* The exchange was dropped after its answer was begun: end the connection. */
void stoa_exchange_abort(struct stoa_http_exchange *exchange);
/* Answer with an error of the library's own, when the state was claimed for it. */
void stoa_exchange_send_error(struct stoa_http_exchange *exchange, int status, const char *message);

#endif
