/* engine/message.h: a stored message of a room: immutable and counted.
 *
 * Thread: any; the count is atomic. Lifetime: a message lives until its last reference is given back; its views end
 * with it.
 */
#ifndef STOA_ENGINE_MESSAGE_H
#define STOA_ENGINE_MESSAGE_H

#include <stdatomic.h>
#include <stoa/bytes.h>
#include <stoa/status.h>

#define STOA_ENGINE_ID_LEN 16u

enum stoa_engine_kind {
  STOA_ENGINE_CHAT = 1, /* counted: has an ordinal of its own */
  STOA_ENGINE_EVENT,
};

/* Messages that are stored in their order, or not at all (G5): those of one connection to one room. Zeroed at first.
 * The caller keeps it while one of them is being stored. Each message carries how many failures its sender was told of.
 * When one fails for a while, so do those behind it that carry no greater number. */
struct stoa_engine_lane {
  uint32_t failures; /* the engine's: what carries less must fail */
};

/* What a publisher gives. */
struct stoa_engine_draft {
  uint8_t id[STOA_ENGINE_ID_LEN]; /* kept with the message; what clusters recognise it by */
  enum stoa_engine_kind kind;
  uint32_t type;
  struct stoa_string sender;        /* may be empty */
  struct stoa_string client_msg_id; /* empty: repeated sends are not recognised */
  uint64_t target;                  /* the offset of the message that it concerns (an edit, a reaction); 0: none */
  struct stoa_bytes body;           /* Protobuf */
  struct stoa_engine_lane *lane;    /* NULL: what a port publishes before it is told of a failure fails too */
  uint32_t failures_known;          /* with a lane */
  int64_t time_us;                  /* of a message that is imported; 0, or later than now: now */
};

/* Where the engine put it. */
struct stoa_engine_place {
  uint64_t epoch, offset;
  uint64_t prev;    /* the offset of the room's message before it; 0: it is the first one, or unknown */
  uint64_t ordinal; /* how many Chat messages the room has had up to this one */
  int64_t time_us;  /* wall time; never decreases along a room */
  bool is_redacted; /* its body was emptied */
};

struct stoa_engine_message {
  _Atomic(uint32_t) refs;
  uint32_t len; /* of names and body */
  struct stoa_engine_place place;
  struct stoa_string room;
  struct stoa_engine_draft draft;
  struct stoa_bytes once; /* sender and client_msg_id as one key; empty without client_msg_id */
  uint8_t data[];
};

/* A message with one reference. All arguments are copied. Errors: STOA_E_MEMORY */
int stoa_engine_message_create(struct stoa_string room, const struct stoa_engine_draft *draft,
                               const struct stoa_engine_place *place, struct stoa_engine_message **out_message);
/* Returns the same message. */
struct stoa_engine_message *stoa_engine_message_ref(struct stoa_engine_message *message);
/* NULL is fine. */
void stoa_engine_message_unref(struct stoa_engine_message *message);

/* The time of a message that is stored now, after one of `last_us`. */
static inline int64_t stoa_engine_draft_time_us(const struct stoa_engine_draft *draft, int64_t now_us,
                                                int64_t last_us) {
  int64_t time_us = draft->time_us > 0 && draft->time_us < now_us ? draft->time_us : now_us;
  return time_us > last_us ? time_us : last_us;
}

/* The bytes that a message with these parts counts for in every bound. */
static inline size_t stoa_engine_draft_bytes(struct stoa_string room, const struct stoa_engine_draft *draft) {
  return sizeof(struct stoa_engine_message) + room.len + draft->sender.len + draft->client_msg_id.len + draft->body.len;
}

#endif
