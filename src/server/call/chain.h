/* server/call/chain.h: the middlewares of a server, the chain of each handler, and one message's way through its chain
 * (stoa/middleware.h).
 *
 * Does not know: handlers' results before the chain is told, how answers are sent.
 * Thread: building before start; everything else on the session's worker.
 * Lifetime: chains belong to the server, from one start to the next or to destroy. An invocation is plain memory of its
 *           caller, and may be copied: it borrows the session, and the message while its function runs.
 */
#ifndef STOA_SERVER_CALL_CHAIN_H
#define STOA_SERVER_CALL_CHAIN_H

#include "server/call/answer.h"
#include "server/call/handlers.h"

#include <stoa/middleware.h>

struct stoa_chain {
  uint32_t count; /* 0: no middleware selects the handler */
  bool is_quiet;  /* nothing of it runs for a message that succeeds */
  const struct stoa_middleware *items[STOA_MIDDLEWARES_MAX];
};

/* A server's. */
struct stoa_middlewares {
  struct stoa_middleware items[STOA_MIDDLEWARES_MAX];
  struct stoa_selector selectors[STOA_MIDDLEWARES_MAX];
  bool skips_successes[STOA_MIDDLEWARES_MAX];
  uint32_t count;
  struct stoa_chain *chains; /* one for each handler, in their order; NULL: the server has no middlewares */
};

struct stoa_invocation {
  struct stoa_session *session;
  const struct stoa_handler *handler;
  const struct stoa_chain *chain; /* not empty */
  const void *message;
  struct stoa_bytes payload; /* borrowed; its length stays valid */
  uint64_t start_ns;
  struct stoa_question question;
  uint8_t passed;  /* middlewares whose `before` went on */
  uint8_t current; /* the one whose function runs */
  bool is_before;  /* it is its `before` */
  bool is_traced;
  uint8_t end; /* enum stoa_invocation_end */
  uint8_t trace_id[16];
  struct stoa_wait *wait;               /* taken in the `before` that runs */
  uint32_t slots_used;                  /* a bit for each slot that was asked for; the others have no value yet */
  uint64_t slots[STOA_MIDDLEWARES_MAX]; /* those of the chain are in use */
};

/* `after` of the middleware that was added last does nothing after a success, and need not be called then. */
void stoa_middlewares_skip_successes(struct stoa_server *server);
/* Build the chain of each handler that a middleware selects; earlier chains are freed. Errors: STOA_E_MEMORY */
int stoa_chains_build(struct stoa_server *server);
/* Free the chains, and call `destroy` of each middleware. */
void stoa_chains_fini(struct stoa_server *server);

/* The chain of a handler by its index in the server's table; NULL: no middleware selects it. */
static inline const struct stoa_chain *stoa_chain_of(const struct stoa_middlewares *all, uint32_t index) {
  return all->chains == NULL || all->chains[index].count == 0 ? NULL : &all->chains[index];
}

/* A message of this handler begins. The chain is set already; one that is quiet has been passed. */
void stoa_invocation_init(struct stoa_invocation *out_invocation, struct stoa_session *session,
                          const struct stoa_handler *handler, const struct stoa_question *question,
                          struct stoa_bytes payload);
/* Copy the part that is in use. The message and the payload's bytes are not in the copy. */
void stoa_invocation_copy(struct stoa_invocation *out_copy, const struct stoa_invocation *invocation);

/* Run `before` of the middlewares that are left. Returns NULL when all went on, the error of one that stopped, or
 * STOA_LATER: invocation->wait is set. The session may be closing afterwards; then the result is to be ignored. */
const struct stoa_error *stoa_chain_before(struct stoa_invocation *invocation);
/* Run `error` of those that went on; returns the error to send. */
const struct stoa_error *stoa_chain_error(struct stoa_invocation *invocation, const struct stoa_error *error);
/* Run `after` of those that went on. Once. */
void stoa_chain_after(struct stoa_invocation *invocation, enum stoa_invocation_end end, const struct stoa_error *error);

#endif
