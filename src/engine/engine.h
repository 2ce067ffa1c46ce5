/* engine/engine.h: stores the messages of rooms, gives each room one order, and hands out what is stored.
 *
 * Several engines have this contract: `memory` keeps messages while the process lives, `local` keeps them in a SQLite
 * database. One suite, tests/engine, tests all of them against the guarantees:
 *
 *   G1  OK or DUPLICATE means stored under the engine's durability: synced to disk (`local`, full), safe from a killed
 *       process (`local`, normal), or in memory while the process lives (`memory`).
 *   G2  One total order a room; offsets strictly increase along it.
 *   G3  A message is shown to nobody before G1 holds: no sink, no page and no search result has it.
 *   G4  At most once in a room per sender and client_msg_id: for at least STOA_ENGINE_ONCE_MS, and as long as the
 *       message is kept.
 *   G5  First in, first out for one port and room. When a publish ends with BUSY, UNAVAILABLE or UNKNOWN, so do all
 *       that the port published after it, until the loop has been told of the first one. Then the caller may send all
 *       of them again, in order.
 *   G6  Recovery is exact or declared lost: a page of a position is GONE unless the epoch is equal and the offset lies
 *       between the room's floor and top; otherwise it has each later message, or says that it is not complete.
 *   G7  Everything is bounded. Reaching a bound is an answer, never a silent drop.
 *
 * A room is named; it exists from its first message on. Its epoch is random and changes when the room's messages are
 * lost or replaced. `top` is the offset of its newest message. `floor` is the offset up to which messages were removed:
 * whatever was stored above it is there.
 *
 * Does not know: members, codecs, permissions, what a body means.
 * Thread: an engine serves several loops, each through a port. A call is made on its port's loop thread. It never
 *         waits and never calls back before it returns; callbacks run on the same loop. Opening, closing and destroying
 *         wait for disks and threads, so they are for the start and the end of a program.
 * Lifetime: ports belong to the engine. What a callback gets is borrowed until it returns, but messages may be kept
 *           with stoa_engine_message_ref().
 */
#ifndef STOA_ENGINE_ENGINE_H
#define STOA_ENGINE_ENGINE_H

#include "engine/message.h"
#include "loop/loop.h"

#define STOA_ENGINE_PORTS_MAX 64u
/* Publishes and other writes that are queued or whose answers wait for a loop; beyond either bound the answer is BUSY.
 */
#define STOA_ENGINE_QUEUE_MAX 8192u
#define STOA_ENGINE_QUEUE_BYTES_MAX (32u * 1024 * 1024)
/* The same for reads: requests, and bytes of pages that wait for a loop. */
#define STOA_ENGINE_READS_MAX 4096u
#define STOA_ENGINE_READ_BYTES_MAX (64u * 1024 * 1024)
/* A caller that got BUSY or UNAVAILABLE should wait this long. */
#define STOA_ENGINE_RETRY_MS 200u
/* No retention removes a message that is younger, so that a repeated send finds the first one. */
#define STOA_ENGINE_ONCE_MS (120u * 1000)

#define STOA_ENGINE_ROOM_LEN_MAX 128u
#define STOA_ENGINE_SENDER_LEN_MAX 128u
#define STOA_ENGINE_CLIENT_MSG_ID_LEN_MAX 64u
#define STOA_ENGINE_BODY_LEN_MAX (1024u * 1024)
#define STOA_ENGINE_SCOPE_LEN_MAX 256u
#define STOA_ENGINE_KEY_LEN_MAX 256u
#define STOA_ENGINE_VALUE_LEN_MAX (64u * 1024)
#define STOA_ENGINE_SEARCH_LEN_MAX 256u
#define STOA_ENGINE_PATH_LEN_MAX 1024u
/* Caps of `limit` and `bytes_max`; greater values are lowered to them. */
#define STOA_ENGINE_PAGE_MAX 1000u
#define STOA_ENGINE_PAGE_BYTES_MAX (1024u * 1024)

enum stoa_engine_status {
  STOA_ENGINE_OK,
  STOA_ENGINE_DUPLICATE,   /* publish: stored before; the answer has the position of the original */
  STOA_ENGINE_BUSY,        /* a bound is reached; nothing was done; again after retry_ms */
  STOA_ENGINE_UNAVAILABLE, /* known not to be stored, or cannot be read now; again after retry_ms */
  STOA_ENGINE_UNKNOWN,     /* may be stored or not: send again with the same client_msg_id */
  STOA_ENGINE_TOO_BIG,     /* a body or value is longer than the engine takes */
  STOA_ENGINE_INVALID,     /* a name that is empty, too long or not UTF-8, or another argument the call excludes */
  STOA_ENGINE_GONE,        /* history: the position is of another epoch, below the floor or above the top */
  STOA_ENGINE_NOT_FOUND,   /* no such room, message or key */
};
/* For logs and tests: "DUPLICATE". Never NULL. */
const char *stoa_engine_status_text(enum stoa_engine_status status);

enum stoa_engine_state {
  STOA_ENGINE_UP,
  STOA_ENGINE_DEGRADED, /* reads work, the last write did not */
  STOA_ENGINE_DOWN,     /* neither works */
};

struct stoa_engine;
struct stoa_engine_port;

/* What a loop is told unasked. A room's messages come in its order, without duplicate and without hole, from the answer
 * of stoa_engine_subscribe() on. */
struct stoa_engine_sink {
  /* A message was stored. Comes before the answer to its publisher, if both are of this loop. */
  void (*on_message)(void *context, struct stoa_engine_message *message);
  /* The order that was announced does not continue: the room was erased, or its epoch changed. Its next message is of a
   * new epoch. */
  void (*on_gap)(void *context, struct stoa_string room);
  /* reason: for logs and health checks; "" when up */
  void (*on_state)(void *context, enum stoa_engine_state state, const char *reason);
  void *context; /* borrowed as long as the engine */
};

/* One of a listing: a value of a scope, or a room. */
struct stoa_engine_item {
  struct stoa_string name; /* key or room */
  struct stoa_bytes value; /* of a key */
  /* Of a room. */
  uint64_t epoch, floor, top, ordinal;
  int64_t time_us; /* of the newest message */
};

/* The answer to any call. What a call does not name is zero. */
struct stoa_engine_answer {
  enum stoa_engine_status status;
  uint32_t retry_ms; /* of BUSY and UNAVAILABLE */
  uint64_t epoch;
  /* One message's position: publish. */
  uint64_t offset, prev, ordinal;
  int64_t time_us;
  /* A room: subscribe, history. top_ordinal is the number of Chat messages up to the top. */
  uint64_t floor, top, top_ordinal;
  /* Messages: history, search. */
  struct stoa_engine_message **messages;
  uint32_t message_count;
  /* Of a listing: state_read, state_list, rooms. */
  struct stoa_engine_item *items;
  uint32_t item_count;
  bool is_complete;         /* there is no more to read in that direction */
  uint64_t continue_before; /* search: look on below this offset; 0 when complete */
  uint64_t count;           /* how many messages were redacted, erased, removed or copied */
};

typedef void stoa_engine_done(void *context, const struct stoa_engine_answer *answer);

/* Attach a loop. To be called before the loop runs, or on its thread.
 *
 * loop   borrowed until the engine is closed; afterwards its posts must run once more, or it must be destroyed, before
 *        the engine is destroyed
 * sink   copied; its functions may be NULL
 * Errors: STOA_E_LIMIT   STOA_ENGINE_PORTS_MAX ports
 *         STOA_E_CLOSED  the engine is closed
 *         STOA_E_MEMORY */
int stoa_engine_attach(struct stoa_engine *engine, struct stoa_loop *loop, const struct stoa_engine_sink *sink,
                       struct stoa_engine_port **out_port);

/* Take no more requests, finish those that wait, and end all threads. Blocks. All answers are posted when it returns;
 * later calls are answered UNAVAILABLE. Closing twice is fine. Not for callbacks; no attached loop turns meanwhile. */
void stoa_engine_close(struct stoa_engine *engine);
/* Closes first. No loop may have a post of the engine any more, see attach. NULL is fine. */
void stoa_engine_destroy(struct stoa_engine *engine);

/* An engine that was opened without threads works only here. One step of its queues; false when there was nothing to
 * do. Thread: one, the same as that of all its loops. */
bool stoa_engine_run_one(struct stoa_engine *engine);
/* When there is something to do without another request, in nanoseconds of the engine's clock; 0 for now, UINT64_MAX
 * for never. */
uint64_t stoa_engine_due_ns(struct stoa_engine *engine);

/* Any thread. out_reason: a string constant, "" when up; may be NULL */
enum stoa_engine_state stoa_engine_state(struct stoa_engine *engine, const char **out_reason);

/* What counts in the bounds now. Any thread. */
struct stoa_engine_load {
  uint32_t writes;
  size_t write_bytes;
  uint32_t reads;
  size_t read_bytes;
};
struct stoa_engine_load stoa_engine_load(struct stoa_engine *engine);

/* What it counts, see engine/metrics.h; NULL: nothing. Any thread. */
struct stoa_metrics;
const struct stoa_metrics *stoa_engine_metrics(const struct stoa_engine *engine);

/* The calls. All of them:
 *   - return STOA_OK when `on_done` will be called, once, with the answer. on_done may be NULL.
 *   - return STOA_E_MEMORY when memory is out. Nothing was done, and on_done will not be called.
 *   - borrow their arguments until they return.
 *   - may be answered BUSY, UNAVAILABLE and INVALID; other statuses are named with each call. */

/* Store a message. Answer: epoch, offset, prev, ordinal, time_us. DUPLICATE, UNKNOWN, TOO_BIG. */
int stoa_engine_publish(struct stoa_engine_port *port, struct stoa_string room, const struct stoa_engine_draft *draft,
                        stoa_engine_done *on_done, void *context);

/* Deliver the room's messages to the port's sink, from the answer on: those above its `top`. Subscriptions do not nest.
 * Answer: epoch (0 when the room has no message yet), floor, top, top_ordinal. */
int stoa_engine_subscribe(struct stoa_engine_port *port, struct stoa_string room, stoa_engine_done *on_done,
                          void *context);
/* The sink gets no message of the room after the answer, until it is subscribed again. */
int stoa_engine_unsubscribe(struct stoa_engine_port *port, struct stoa_string room, stoa_engine_done *on_done,
                            void *context);

#define STOA_ENGINE_KIND_BIT(kind) (1u << (kind))
/* Zeroed, with a room, it is the newest page. */
struct stoa_engine_query {
  struct stoa_string room;
  bool is_forward;    /* from `since` upwards, oldest first; otherwise from `before` downwards, newest first */
  uint64_t epoch;     /* forward: must be the room's; 0: any */
  uint64_t since;     /* forward: offsets above this */
  uint64_t before;    /* otherwise: offsets below this; 0: from the top */
  uint32_t limit;     /* 0: STOA_ENGINE_PAGE_MAX */
  uint32_t bytes_max; /* of names and bodies; at least one message is given. 0: STOA_ENGINE_PAGE_BYTES_MAX */
  uint32_t kinds;     /* bits of STOA_ENGINE_KIND_BIT(); 0: all */
  /* Only messages that concern one of these (struct stoa_engine_draft, target), such as the edits of a page. 0: all */
  uint64_t target_first, target_last;
};

/* Read a room. Answer: epoch, floor, top, top_ordinal, messages, is_complete. All of it is of one moment. The page may
 * have messages that are still on their way to the port's sink. A room without messages has epoch, floor and top 0.
 * GONE (with epoch, floor and top). */
int stoa_engine_history(struct stoa_engine_port *port, const struct stoa_engine_query *query, stoa_engine_done *on_done,
                        void *context);

/* Small values that are kept like messages, grouped by scope. A write is visible to reads after its answer. */

/* An empty value removes the key. TOO_BIG, UNKNOWN. */
int stoa_engine_state_put(struct stoa_engine_port *port, struct stoa_string scope, struct stoa_string key,
                          struct stoa_bytes value, stoa_engine_done *on_done, void *context);
/* Answer: one item. NOT_FOUND. */
int stoa_engine_state_read(struct stoa_engine_port *port, struct stoa_string scope, struct stoa_string key,
                           stoa_engine_done *on_done, void *context);
/* Answer: items in the order of their keys' bytes, above the key `after`; is_complete. */
int stoa_engine_state_list(struct stoa_engine_port *port, struct stoa_string scope, struct stoa_string after,
                           uint32_t limit, stoa_engine_done *on_done, void *context);

/* Rooms in the order of their names' bytes, above the name `after`. Answer: items, is_complete. */
int stoa_engine_rooms(struct stoa_engine_port *port, struct stoa_string after, uint32_t limit,
                      stoa_engine_done *on_done, void *context);

/* Empty the bodies of a message and of all that target it. Their offsets stay, and so does G4. Messages that were
 * handed out before are unchanged. An engine's files may have pieces of the bodies for an hour; its backups have none.
 * Answer: count. NOT_FOUND, UNKNOWN. */
int stoa_engine_redact(struct stoa_engine_port *port, struct stoa_string room, uint64_t offset,
                       stoa_engine_done *on_done, void *context);
/* Redact all messages of a sender, in all rooms, and all that target them, and forget who sent them. G4 ends for them:
 * the caller ends the sender's sessions first. Answered when nothing of them can be found in the engine's files.
 * Answer: count. UNKNOWN: a part of them may be done; call again. */
int stoa_engine_erase_user(struct stoa_engine_port *port, struct stoa_string sender, stoa_engine_done *on_done,
                           void *context);
/* Remove a room with its messages. Its next message begins a new epoch. Subscribers get on_gap. Answer: count.
 * NOT_FOUND, UNKNOWN. */
int stoa_engine_erase_room(struct stoa_engine_port *port, struct stoa_string room, stoa_engine_done *on_done,
                           void *context);

struct stoa_engine_wanted {
  struct stoa_string text;
  uint64_t before; /* only below this offset; 0: from the top */
  uint32_t limit;
};

/* Messages of the room that contain the text, newest first. ASCII letters match in either case; an engine may fold
 * others too. A search looks at a bounded number of messages: then it is not complete, and goes on with
 * continue_before. Finds nothing without struct stoa_engine_text. */
int stoa_engine_search(struct stoa_engine_port *port, struct stoa_string room, const struct stoa_engine_wanted *wanted,
                       stoa_engine_done *on_done, void *context);

/* How much of a room is kept. 0: no bound. */
struct stoa_engine_retention {
  uint64_t age_ms;
  uint64_t messages;
  uint64_t bytes; /* of bodies */
};
/* Set a room's own retention instead of the engine's. Old messages are removed some time later, never while they are
 * younger than STOA_ENGINE_ONCE_MS. NOT_FOUND, UNKNOWN. */
int stoa_engine_retain(struct stoa_engine_port *port, struct stoa_string room,
                       const struct stoa_engine_retention *retention, stoa_engine_done *on_done, void *context);

/* Write a copy of everything into a new file, and check the copy. Its rooms have new epochs, because it replaces a log
 * that went on. Answer: count, the messages in it. INVALID also when the file exists or the engine has no files; after
 * UNAVAILABLE the file is removed. */
int stoa_engine_backup(struct stoa_engine_port *port, struct stoa_string path, stoa_engine_done *on_done,
                       void *context);

#endif
