/* engine/hub.h: what all engines share: ports, bounds, and the way of answers and messages back to the loops.
 *
 * An engine begins with struct stoa_engine and implements struct stoa_engine_calls.
 *
 * Writes are answered in batches. A batch goes to each loop concerned as one post, which walks its requests in order:
 * for each, the sink is told if the port is in its audience, then the publisher gets its answer. So a message comes
 * before its answer, and all ports see one order. What counts in the bounds of the queue counts until the last loop has
 * run the batch: a loop that does not turn makes the engine busy, not big.
 *
 * Generations keep G5. When a batch fails, the engine's generation grows, and publishes of an older generation fail
 * too. A port learns the new one with the failed batch, so all that it published before it was told fail alike.
 * Publishes with a lane fail by its number instead: what a port was told need not be known to the connection yet.
 *
 * Thread: as each function says.
 */
#ifndef STOA_ENGINE_HUB_H
#define STOA_ENGINE_HUB_H

#include "engine/metrics.h"
#include "engine/request.h"

#include <pthread.h>

struct stoa_engine_calls {
  /* Take a request that has passed the bounds; on the port's loop. It is owned from then on, and given back with
   * stoa_engine_answer_alone() or in a batch. */
  void (*submit)(struct stoa_engine *engine, struct stoa_engine_request *request);
  bool (*run_one)(struct stoa_engine *engine);
  uint64_t (*due_ns)(struct stoa_engine *engine);
  /* As stoa_engine_close(); called once. `is_closed` is set. */
  void (*close)(struct stoa_engine *engine);
  /* Release everything but the hub, then the memory; closed before. */
  void (*destroy)(struct stoa_engine *engine);
  size_t body_bytes_max;
};

struct stoa_engine_port {
  struct stoa_engine *engine;
  struct stoa_loop *loop;
  struct stoa_engine_sink sink;
  uint64_t generation;               /* the loop's: the last failure that it was told of */
  uint32_t refusals;                 /* the loop's: publishes that were refused and not yet answered */
  struct stoa_engine_queue gathered; /* the loop's: writes of this turn, for an engine that takes them together */
  struct stoa_deferred handover;     /* registered while there are any */
  struct stoa_post post;             /* of a change of state; there is never more than one under way */
  _Atomic(bool) is_posted;
  enum stoa_engine_state told; /* the loop's */
  uint32_t index;
};

struct stoa_engine {
  const struct stoa_engine_calls *calls;
  _Atomic(uint64_t) generation;
  _Atomic(uint32_t) writes, reads;
  _Atomic(size_t) write_bytes, read_bytes;
  _Atomic(bool) is_closed;
  struct stoa_metrics *metrics; /* NULL: it counts nothing. Destroyed by fini */
  pthread_mutex_t mutex;        /* of what follows */
  enum stoa_engine_state state;
  const char *reason;
  uint32_t port_count;
  struct stoa_engine_port *ports[STOA_ENGINE_PORTS_MAX];
};

/* Init and fini of the shared part. init: Errors: STOA_E_SYSTEM */
int stoa_engine_hub_init(struct stoa_engine *engine, const struct stoa_engine_calls *calls);
void stoa_engine_hub_fini(struct stoa_engine *engine);

/* On the port's loop: count the request in the bounds. False: a bound is reached. */
bool stoa_engine_hub_admit(struct stoa_engine *engine, struct stoa_engine_request *request);

/* Any thread. Tells every port. reason: a string constant */
void stoa_engine_hub_set_state(struct stoa_engine *engine, enum stoa_engine_state state, const char *reason);

/* Any thread: post the answer to the request's loop; it is freed there. */
void stoa_engine_answer_alone(struct stoa_engine_request *request);

/* On the port's loop, for a request that was not submitted or is answered inside of submit: fail it. While a publish
 * that failed for a while (BUSY, UNAVAILABLE) is not answered, later ones of the port are BUSY, or they would overtake
 * it (G5). */
void stoa_engine_refuse(struct stoa_engine_request *request, enum stoa_engine_status status);

/* The engine's thread: must the publish fail, because one before it has? */
bool stoa_engine_must_fail(const struct stoa_engine_request *request);
/* The engine's thread: a publish fails for a while (UNAVAILABLE, UNKNOWN), and so must those behind it. */
void stoa_engine_note_failure(const struct stoa_engine_request *request);

struct stoa_engine_batch;

/* Errors: STOA_E_MEMORY */
int stoa_engine_batch_create(struct stoa_engine *engine, struct stoa_engine_batch **out_batch);
/* One that was not sent; it must be empty. NULL is fine. */
void stoa_engine_batch_destroy(struct stoa_engine_batch *batch);
void stoa_engine_batch_add(struct stoa_engine_batch *batch, struct stoa_engine_request *request);
/* The requests, in order, linked by `next`. */
struct stoa_engine_request *stoa_engine_batch_first(struct stoa_engine_batch *batch);
/* Destroy all its requests, which nobody waits for. */
void stoa_engine_batch_empty(struct stoa_engine_batch *batch);
/* Post it to the loops; the batch is given away. */
void stoa_engine_batch_send(struct stoa_engine_batch *batch);
/* The same, and begin a new generation, of which all ports are told. */
void stoa_engine_batch_send_failed(struct stoa_engine_batch *batch);

#endif
