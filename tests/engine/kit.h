/* tests/engine/kit.h: an engine with two loops in one thread, on a clock that a test sets. */
#ifndef STOA_TESTS_ENGINE_KIT_H
#define STOA_TESTS_ENGINE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "engine/page.h"

#define KIT_PORTS 2
#define KIT_SEEN_MAX 20000
/* Wall time at the start. */
#define KIT_START_US INT64_C(1800000000000000)

/* What a sink was told, in order. */
struct kit_port {
  struct stoa_loop *loop;
  struct stoa_engine_port *port;
  struct stoa_engine_message *seen[KIT_SEEN_MAX];
  uint32_t seen_count;
  uint32_t gaps;
  uint32_t states;
  enum stoa_engine_state state;
};

struct kit {
  struct stoa_engine *engine;
  bool has_threads;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_clock wall_clock; /* the same wall time, but the system's monotonic time, for threads */
  struct kit_port ports[KIT_PORTS];
};

/* One answer, kept. Zeroed before the call; kit_forget() releases what it has. */
struct kit_answer {
  uint32_t calls; /* of its callback */
  struct stoa_engine_answer told;
  struct stoa_engine_message *messages[STOA_ENGINE_PAGE_MAX];
  char *names[STOA_ENGINE_PAGE_MAX];
  char *values[STOA_ENGINE_PAGE_MAX];
  uint32_t seen_before; /* messages that the first port's sink had before the answer */
  struct kit *kit;
};

/* The text of messages of type 1 is their body. */
extern const struct stoa_engine_text kit_text;

/* Loops and clock; then the test opens kit->engine and attaches the ports. */
void kit_begin(struct kit *kit);
void kit_attach(struct kit *kit);
/* Closes and destroys the engine, and the loops. */
void kit_end(struct kit *kit);
/* The same for the engine alone; what the sinks saw is forgotten. */
void kit_close_engine(struct kit *kit);

/* Run the engine and the loops until nothing is left to do. */
void kit_settle(struct kit *kit);
/* The same until the answer is there; fails after some seconds. */
void kit_await(struct kit *kit, const struct kit_answer *answer);
/* The same until the port's sink has so many messages. */
void kit_await_seen(struct kit *kit, int port, uint32_t count);
void kit_set_wall_us(struct kit *kit, int64_t wall_us);
void kit_advance_ms(struct kit *kit, uint64_t ms);

void kit_done(void *context, const struct stoa_engine_answer *answer);
void kit_forget(struct kit_answer *answer);

/* Begin a publish of a Chat of type 1 by the first port. client_msg_id may be NULL. */
void kit_begin_publish(struct kit *kit, const char *room, const char *sender, const char *client_msg_id,
                       const char *body, struct kit_answer *answer);
/* Publish and wait; the answer's scalars. */
struct stoa_engine_answer kit_publish(struct kit *kit, const char *room, const char *sender, const char *client_msg_id,
                                      const char *body);
struct stoa_engine_answer kit_publish_draft(struct kit *kit, const char *room, const struct stoa_engine_draft *draft);
/* `count` messages "m1", "m2" … of sender ann, with ids. */
void kit_fill(struct kit *kit, const char *room, uint32_t first, uint32_t count);
/* Ask and wait. */
void kit_history(struct kit *kit, const struct stoa_engine_query *query, struct kit_answer *answer);
void kit_assert_body(const struct stoa_engine_message *message, const char *body);

#endif
