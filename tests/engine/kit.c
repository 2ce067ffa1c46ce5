#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static bool read_text(void *context, uint32_t type, struct stoa_bytes body, struct stoa_string *out_text) {
  (void)context;
  *out_text = stoa_string_make((const char *)body.data, body.len);
  return type == 1;
}

const struct stoa_engine_text kit_text = {.read = read_text};

/* Sinks. */

static void on_message(void *context, struct stoa_engine_message *message) {
  struct kit_port *port = context;
  assert_true(port->seen_count < KIT_SEEN_MAX);
  port->seen[port->seen_count++] = stoa_engine_message_ref(message);
}

static void on_gap(void *context, struct stoa_string room) {
  struct kit_port *port = context;
  assert_true(room.len > 0);
  port->gaps++;
}

static void on_state(void *context, enum stoa_engine_state state, const char *reason) {
  struct kit_port *port = context;
  assert_non_null(reason);
  port->states++;
  port->state = state;
}

static void forget_seen(struct kit_port *port) {
  for (uint32_t i = 0; i < port->seen_count; i++) {
    stoa_engine_message_unref(port->seen[i]);
  }
  port->seen_count = 0;
  port->gaps = 0;
}

/* Begin and end. */

/* The engine's threads read it while the test sets it. */
static int64_t shared_wall_us(void *context) {
  const struct stoa_clock_fake *time = context;
  return __atomic_load_n(&time->wall_us, __ATOMIC_RELAXED);
}

static uint64_t system_monotonic_ns(void *context) {
  (void)context;
  return stoa_clock_monotonic_ns(&stoa_clock_system);
}

void kit_begin(struct kit *kit) {
  memset(kit, 0, sizeof *kit);
  kit->time.monotonic_ns = 1000000000;
  kit->time.wall_us = KIT_START_US;
  kit->clock = stoa_clock_fake_init(&kit->time);
  kit->wall_clock = kit->clock;
  kit->wall_clock.monotonic_ns = system_monotonic_ns;
  kit->wall_clock.wall_us = shared_wall_us;
  for (int i = 0; i < KIT_PORTS; i++) {
    assert_int_equal(stoa_loop_create(&kit->clock, &kit->ports[i].loop), STOA_OK);
  }
}

void kit_attach(struct kit *kit) {
  for (int i = 0; i < KIT_PORTS; i++) {
    struct kit_port *port = &kit->ports[i];
    const struct stoa_engine_sink sink = {on_message, on_gap, on_state, port};
    assert_int_equal(stoa_engine_attach(kit->engine, port->loop, &sink, &port->port), STOA_OK);
  }
}

void kit_close_engine(struct kit *kit) {
  stoa_engine_close(kit->engine);
  for (int i = 0; i < KIT_PORTS; i++) {
    stoa_loop_turn(kit->ports[i].loop, 0);
  }
  stoa_engine_destroy(kit->engine);
  kit->engine = NULL;
  for (int i = 0; i < KIT_PORTS; i++) {
    forget_seen(&kit->ports[i]);
  }
}

void kit_end(struct kit *kit) {
  if (kit->engine != NULL) {
    kit_close_engine(kit);
  }
  for (int i = 0; i < KIT_PORTS; i++) {
    stoa_loop_destroy(kit->ports[i].loop);
  }
}

/* Turning. */

static void turn(struct kit *kit) {
  bool is_working = true;
  while (is_working) {
    is_working = !kit->has_threads && stoa_engine_run_one(kit->engine);
    for (int i = 0; i < KIT_PORTS; i++) {
      stoa_loop_turn(kit->ports[i].loop, 0);
    }
  }
}

void kit_settle(struct kit *kit) {
  assert_false(kit->has_threads);
  turn(kit);
}

static void await_change(struct kit *kit, uint64_t start_ns) {
  assert_true(stoa_clock_monotonic_ns(&stoa_clock_system) - start_ns < UINT64_C(60000000000));
  stoa_loop_turn(kit->ports[0].loop, kit->has_threads ? 5 : 0);
  turn(kit);
}

void kit_await(struct kit *kit, const struct kit_answer *answer) {
  uint64_t start_ns = stoa_clock_monotonic_ns(&stoa_clock_system);
  turn(kit);
  while (answer->calls == 0) {
    await_change(kit, start_ns);
  }
  assert_int_equal(answer->calls, 1);
}

void kit_await_seen(struct kit *kit, int port, uint32_t count) {
  uint64_t start_ns = stoa_clock_monotonic_ns(&stoa_clock_system);
  while (kit->ports[port].seen_count < count) {
    await_change(kit, start_ns);
  }
  assert_int_equal(kit->ports[port].seen_count, count);
}

void kit_set_wall_us(struct kit *kit, int64_t wall_us) {
  __atomic_store_n(&kit->time.wall_us, wall_us, __ATOMIC_RELAXED);
}

void kit_advance_ms(struct kit *kit, uint64_t ms) {
  kit->time.monotonic_ns += ms * 1000000;
  kit_set_wall_us(kit, kit->time.wall_us + (int64_t)ms * 1000);
}

/* Answers. */

static char *copy(const void *data, size_t len) {
  char *text = calloc(1, len + 1);
  assert_non_null(text);
  if (len > 0) {
    memcpy(text, data, len);
  }
  return text;
}

void kit_done(void *context, const struct stoa_engine_answer *answer) {
  struct kit_answer *kept = context;
  kept->calls++;
  kept->told = *answer;
  kept->seen_before = kept->kit == NULL ? 0 : kept->kit->ports[0].seen_count;
  for (uint32_t i = 0; i < answer->message_count; i++) {
    kept->messages[i] = stoa_engine_message_ref(answer->messages[i]);
  }
  for (uint32_t i = 0; i < answer->item_count; i++) {
    kept->names[i] = copy(answer->items[i].name.data, answer->items[i].name.len);
    kept->values[i] = copy(answer->items[i].value.data, answer->items[i].value.len);
  }
}

void kit_forget(struct kit_answer *answer) {
  for (uint32_t i = 0; i < answer->told.message_count; i++) {
    stoa_engine_message_unref(answer->messages[i]);
  }
  for (uint32_t i = 0; i < answer->told.item_count; i++) {
    free(answer->names[i]);
    free(answer->values[i]);
  }
  memset(answer, 0, sizeof *answer);
}

/* Calls. */

void kit_begin_publish(struct kit *kit, const char *room, const char *sender, const char *client_msg_id,
                       const char *body, struct kit_answer *answer) {
  const struct stoa_engine_draft draft = {.id = {1, 2, 3},
                                          .kind = STOA_ENGINE_CHAT,
                                          .type = 1,
                                          .sender = stoa_string_of(sender),
                                          .client_msg_id = stoa_string_of(client_msg_id),
                                          .body = stoa_bytes_make(body, strlen(body))};
  answer->kit = kit;
  assert_int_equal(stoa_engine_publish(kit->ports[0].port, stoa_string_of(room), &draft, kit_done, answer), STOA_OK);
}

struct stoa_engine_answer kit_publish_draft(struct kit *kit, const char *room, const struct stoa_engine_draft *draft) {
  struct kit_answer answer;
  memset(&answer, 0, sizeof answer);
  assert_int_equal(stoa_engine_publish(kit->ports[0].port, stoa_string_of(room), draft, kit_done, &answer), STOA_OK);
  assert_int_equal(answer.calls, 0);
  kit_await(kit, &answer);
  return answer.told;
}

struct stoa_engine_answer kit_publish(struct kit *kit, const char *room, const char *sender, const char *client_msg_id,
                                      const char *body) {
  struct kit_answer answer;
  memset(&answer, 0, sizeof answer);
  kit_begin_publish(kit, room, sender, client_msg_id, body, &answer);
  assert_int_equal(answer.calls, 0);
  kit_await(kit, &answer);
  return answer.told;
}

void kit_fill(struct kit *kit, const char *room, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; i++) {
    char id[32];
    char body[32];
    snprintf(id, sizeof id, "id-%u", i);
    snprintf(body, sizeof body, "m%u", i);
    assert_int_equal(kit_publish(kit, room, "ann", id, body).status, STOA_ENGINE_OK);
  }
}

void kit_history(struct kit *kit, const struct stoa_engine_query *query, struct kit_answer *answer) {
  memset(answer, 0, sizeof *answer);
  assert_int_equal(stoa_engine_history(kit->ports[0].port, query, kit_done, answer), STOA_OK);
  assert_int_equal(answer->calls, 0);
  kit_await(kit, answer);
}

void kit_assert_body(const struct stoa_engine_message *message, const char *body) {
  assert_int_equal(message->draft.body.len, strlen(body));
  assert_memory_equal(message->draft.body.data, body, strlen(body));
}
