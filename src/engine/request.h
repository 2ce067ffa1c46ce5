/* engine/request.h: one call of engine/engine.h on its way through an engine, with its answer.
 *
 * Thread: whoever holds it; it travels from the port's loop to the engine's threads and back.
 * Lifetime: the engine owns it from submit on, and the loop that runs its answer frees it. All arguments are copied.
 */
#ifndef STOA_ENGINE_REQUEST_H
#define STOA_ENGINE_REQUEST_H

#include "engine/engine.h"

#include <stoa/arena.h>

enum stoa_engine_call {
  STOA_ENGINE_PUBLISH,
  STOA_ENGINE_SUBSCRIBE,
  STOA_ENGINE_UNSUBSCRIBE,
  STOA_ENGINE_HISTORY,
  STOA_ENGINE_STATE_PUT,
  STOA_ENGINE_STATE_READ,
  STOA_ENGINE_STATE_LIST,
  STOA_ENGINE_ROOMS,
  STOA_ENGINE_REDACT,
  STOA_ENGINE_ERASE_USER,
  STOA_ENGINE_ERASE_ROOM,
  STOA_ENGINE_SEARCH,
  STOA_ENGINE_RETAIN,
  STOA_ENGINE_BACKUP,
  STOA_ENGINE_GAP, /* made by engines: tells subscribers that a room's order does not continue */
};

struct stoa_engine_request {
  struct stoa_engine_request *next; /* in a queue or a batch */
  struct stoa_post post;            /* its answer, when it travels alone */
  enum stoa_engine_call call;
  struct stoa_engine_port *port; /* NULL: made by the engine, nobody waits for it */
  stoa_engine_done *on_done;
  void *context;
  uint64_t generation;           /* of the port when it was published */
  struct stoa_engine_lane *lane; /* publish: may be NULL */
  size_t bytes;                  /* that it counts for in the engine's queue, or in its pages */
  bool is_counted;               /* in the engine's bounds, until it is freed */
  bool is_refused_publish;       /* the port refuses others until this one is answered */

  struct stoa_string room; /* or scope */
  struct stoa_string key;  /* or sender, text, path, the name to list after */
  struct stoa_bytes value;
  struct stoa_engine_query query; /* its room is `room` */
  struct stoa_engine_retention retention;
  struct stoa_engine_message *message; /* publish; its place is written before anybody else sees it */
  uint64_t audience;                   /* bits of the ports whose sink is told */

  struct stoa_engine_answer answer;
  uint32_t messages_cap, items_cap;
  struct stoa_arena *arena; /* of the items' text */
  uint8_t data[];
};

/* What a call gives. */
struct stoa_engine_arguments {
  struct stoa_string room, key;
  struct stoa_bytes value;
  stoa_engine_done *on_done;
  void *context;
};

/* Errors: STOA_E_MEMORY */
int stoa_engine_request_create(enum stoa_engine_call call, struct stoa_engine_port *port,
                               const struct stoa_engine_arguments *arguments, struct stoa_engine_request **out_request);
/* With its answer and its message. NULL is fine. */
void stoa_engine_request_destroy(struct stoa_engine_request *request);
/* Does it change anything? Then it is queued in order with publishes. Subscriptions are, too. */
bool stoa_engine_request_is_write(const struct stoa_engine_request *request);

/* Set the answer's status, and retry_ms where the status asks for one. What was gathered for the answer is dropped
 * unless the status is OK. */
void stoa_engine_request_fail(struct stoa_engine_request *request, enum stoa_engine_status status);

/* Add an item to the answer; name and value are copied.
 * Errors: STOA_E_MEMORY  the answer is unchanged */
int stoa_engine_request_add_item(struct stoa_engine_request *request, const struct stoa_engine_item *item);
/* Add a message to the answer, which takes a reference of its own. Errors: STOA_E_MEMORY */
int stoa_engine_request_add_message(struct stoa_engine_request *request, struct stoa_engine_message *message);

/* First in, first out. Zeroed is empty. */
struct stoa_engine_queue {
  struct stoa_engine_request *first, *last;
  uint32_t count;
};
void stoa_engine_queue_put(struct stoa_engine_queue *queue, struct stoa_engine_request *request);
/* Move all requests of `from` behind those of `to`. */
void stoa_engine_queue_move(struct stoa_engine_queue *to, struct stoa_engine_queue *from);
/* NULL when empty. */
struct stoa_engine_request *stoa_engine_queue_take(struct stoa_engine_queue *queue);

#endif
