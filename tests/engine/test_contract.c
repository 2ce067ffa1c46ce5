/* The contract of engine/engine.h, for the engine that is named as argument: publishing, order, recovery. */
#include "engines.h"

#include <stdio.h>

#include "base/memory.h"

static struct kit kit;
static struct kit_answer answer;

static void open_default(void) {
  engines_open(&kit, NULL);
}

static struct stoa_engine_query newest(const char *room) {
  return (struct stoa_engine_query){.room = stoa_string_of(room)};
}

static struct stoa_engine_query since(const char *room, uint64_t epoch, uint64_t offset) {
  return (struct stoa_engine_query){.room = stoa_string_of(room), .is_forward = true, .epoch = epoch, .since = offset};
}

static void subscribe(int port, const char *room, struct kit_answer *out_answer) {
  memset(out_answer, 0, sizeof *out_answer);
  assert_int_equal(stoa_engine_subscribe(kit.ports[port].port, stoa_string_of(room), kit_done, out_answer), STOA_OK);
  kit_await(&kit, out_answer);
  assert_int_equal(out_answer->told.status, STOA_ENGINE_OK);
}

/* Publishing. */

static void a_message_is_stored_with_its_place(void **state) {
  (void)state;
  open_default();
  struct stoa_engine_answer first = kit_publish(&kit, "lobby", "ann", "a1", "hello");
  assert_int_equal(first.status, STOA_ENGINE_OK);
  assert_int_not_equal(first.epoch, 0);
  assert_int_equal(first.offset, 1);
  assert_int_equal(first.prev, 0);
  assert_int_equal(first.ordinal, 1);
  assert_int_equal(first.time_us, KIT_START_US);
  kit_advance_ms(&kit, 5);
  struct stoa_engine_answer second = kit_publish(&kit, "lobby", "bob", "b1", "hi");
  assert_int_equal(second.epoch, first.epoch);
  assert_true(second.offset > first.offset);
  assert_int_equal(second.prev, first.offset);
  assert_int_equal(second.time_us, KIT_START_US + 5000);
  engines_close(&kit);
}

static void every_field_of_a_message_comes_back(void **state) {
  (void)state;
  open_default();
  const struct stoa_engine_draft draft = {.id = {0, 255, 7, 9},
                                          .kind = STOA_ENGINE_EVENT,
                                          .type = 0x3fffffff,
                                          .sender = STOA_STR("\xc3\xa4nn"),
                                          .client_msg_id = STOA_STR("x'); DROP TABLE message; --"),
                                          .target = 77,
                                          .body = stoa_bytes_make("a\0b", 3)};
  assert_int_equal(kit_publish_draft(&kit, "r'\"%s;", &draft).status, STOA_ENGINE_OK);
  const struct stoa_engine_query query = newest("r'\"%s;");
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.message_count, 1);
  const struct stoa_engine_message *message = answer.messages[0];
  assert_memory_equal(message->draft.id, draft.id, STOA_ENGINE_ID_LEN);
  assert_int_equal(message->draft.kind, STOA_ENGINE_EVENT);
  assert_int_equal(message->draft.type, 0x3fffffff);
  assert_true(stoa_string_equal(message->draft.sender, draft.sender));
  assert_true(stoa_string_equal(message->draft.client_msg_id, draft.client_msg_id));
  assert_int_equal(message->draft.target, 77);
  assert_true(stoa_bytes_equal(message->draft.body, draft.body));
  assert_true(stoa_string_equal(message->room, stoa_string_of("r'\"%s;")));
  assert_int_equal(message->place.offset, 1);
  assert_int_equal(message->place.epoch, answer.told.epoch);
  assert_false(message->place.is_redacted);
  kit_forget(&answer);
  engines_close(&kit);
}

static void only_chat_messages_are_counted_by_ordinals(void **state) {
  (void)state;
  open_default();
  struct stoa_engine_draft draft = {.kind = STOA_ENGINE_EVENT, .type = 33, .target = 1};
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "a1", "hello").ordinal, 1);
  assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).ordinal, 1);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "a2", "hello").ordinal, 2);
  const struct stoa_engine_query query = newest("lobby");
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.top_ordinal, 2);
  assert_int_equal(answer.told.top, 3);
  kit_forget(&answer);
  engines_close(&kit);
}

static void time_never_goes_back_along_a_room(void **state) {
  (void)state;
  open_default();
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "a1", "x").time_us, KIT_START_US);
  kit_set_wall_us(&kit, KIT_START_US - 1000000);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "a2", "x").time_us, KIT_START_US);
  engines_close(&kit);
}

static void an_imported_message_keeps_its_time_unless_that_goes_back_or_is_to_come(void **state) {
  (void)state;
  open_default();
  const int64_t old_us = KIT_START_US - 5000000;
  struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT, .body = stoa_bytes_make("x", 1), .time_us = old_us};
  assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).time_us, old_us);
  draft.time_us = old_us - 1;
  assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).time_us, old_us);
  draft.time_us = KIT_START_US + 1000000;
  assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).time_us, KIT_START_US);
  draft.time_us = old_us;
  assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).time_us, KIT_START_US);
  engines_close(&kit);
}

static void a_repeated_send_gets_the_place_of_the_first(void **state) {
  (void)state;
  open_default();
  struct stoa_engine_answer first = kit_publish(&kit, "lobby", "ann", "a1", "hello");
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "a2", "hello").status, STOA_ENGINE_OK);
  kit_advance_ms(&kit, 1000);
  struct stoa_engine_answer again = kit_publish(&kit, "lobby", "ann", "a1", "another body");
  assert_int_equal(again.status, STOA_ENGINE_DUPLICATE);
  assert_int_equal(again.epoch, first.epoch);
  assert_int_equal(again.offset, first.offset);
  assert_int_equal(again.ordinal, first.ordinal);
  assert_int_equal(again.time_us, first.time_us);
  /* The same id in another room, or of another sender, is another message. */
  assert_int_equal(kit_publish(&kit, "lobby", "bob", "a1", "hello").status, STOA_ENGINE_OK);
  assert_int_equal(kit_publish(&kit, "other", "ann", "a1", "hello").status, STOA_ENGINE_OK);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "a3", "hello").offset, 4);
  engines_close(&kit);
}

static void sends_without_an_id_are_never_duplicates(void **state) {
  (void)state;
  open_default();
  assert_int_equal(kit_publish(&kit, "lobby", "ann", NULL, "x").status, STOA_ENGINE_OK);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", NULL, "x").status, STOA_ENGINE_OK);
  engines_close(&kit);
}

static void a_resend_beside_its_pending_original_is_a_duplicate(void **state) {
  (void)state;
  struct kit_answer twice[2];
  open_default();
  memset(twice, 0, sizeof twice);
  kit_begin_publish(&kit, "lobby", "ann", "a1", "x", &twice[0]);
  kit_begin_publish(&kit, "lobby", "ann", "a1", "x", &twice[1]);
  kit_await(&kit, &twice[1]);
  assert_int_equal(twice[0].told.status, STOA_ENGINE_OK);
  assert_int_equal(twice[1].told.status, STOA_ENGINE_DUPLICATE);
  assert_int_equal(twice[1].told.offset, 1);
  engines_close(&kit);
}

static void invalid_arguments_are_answered_and_change_nothing(void **state) {
  (void)state;
  open_default();
  char long_name[300];
  memset(long_name, 'x', sizeof long_name);
  long_name[299] = '\0';
  assert_int_equal(kit_publish(&kit, "", "ann", "a", "x").status, STOA_ENGINE_INVALID);
  assert_int_equal(kit_publish(&kit, "\xff", "ann", "a", "x").status, STOA_ENGINE_INVALID);
  assert_int_equal(kit_publish(&kit, long_name, "ann", "a", "x").status, STOA_ENGINE_INVALID);
  assert_int_equal(kit_publish(&kit, "lobby", long_name, "a", "x").status, STOA_ENGINE_INVALID);
  assert_int_equal(kit_publish(&kit, "lobby", "\xc3", "a", "x").status, STOA_ENGINE_INVALID);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", long_name, "x").status, STOA_ENGINE_INVALID);
  const struct stoa_engine_draft kindless = {.type = 1};
  assert_int_equal(kit_publish_draft(&kit, "lobby", &kindless).status, STOA_ENGINE_INVALID);
  struct stoa_engine_draft nul = {.kind = STOA_ENGINE_CHAT, .sender = stoa_string_make("a\0b", 3)};
  assert_int_equal(kit_publish_draft(&kit, "lobby", &nul).status, STOA_ENGINE_INVALID);
  const struct stoa_engine_query query = newest("lobby");
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.top, 0);
  engines_close(&kit);
}

static void a_body_above_the_bound_is_too_big(void **state) {
  (void)state;
  static uint8_t body[64 * 1024 + 1];
  open_default();
  struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT, .body = stoa_bytes_make(body, sizeof body)};
  assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).status, STOA_ENGINE_TOO_BIG);
  draft.body.len--;
  assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).status, STOA_ENGINE_OK);
  engines_close(&kit);
}

/* Order and sinks. */

static void subscribers_get_messages_in_order_before_the_publisher_is_answered(void **state) {
  (void)state;
  struct kit_answer published;
  open_default();
  kit_fill(&kit, "lobby", 1, 3);
  assert_int_equal(kit.ports[0].seen_count, 0);
  subscribe(0, "lobby", &answer);
  assert_int_equal(answer.told.top, 3);
  assert_int_equal(answer.told.top_ordinal, 3);
  subscribe(1, "lobby", &answer);
  memset(&published, 0, sizeof published);
  kit_begin_publish(&kit, "lobby", "ann", "x", "m4", &published);
  kit_await(&kit, &published);
  assert_int_equal(published.seen_before, 1);
  kit_fill(&kit, "lobby", 5, 20);
  kit_fill(&kit, "other", 1, 5);
  for (int p = 0; p < KIT_PORTS; p++) {
    kit_await_seen(&kit, p, 21);
    for (uint32_t i = 0; i < 21; i++) {
      assert_int_equal(kit.ports[p].seen[i]->place.offset, 4 + i);
      assert_int_equal(kit.ports[p].seen[i]->place.prev, 3 + i);
    }
  }
  engines_close(&kit);
}

static void a_duplicate_is_shown_to_nobody(void **state) {
  (void)state;
  open_default();
  subscribe(0, "lobby", &answer);
  kit_publish(&kit, "lobby", "ann", "a1", "x");
  kit_publish(&kit, "lobby", "ann", "a1", "x");
  assert_int_equal(kit.ports[0].seen_count, 1);
  engines_close(&kit);
}

static void after_an_unsubscribe_the_sink_is_quiet(void **state) {
  (void)state;
  open_default();
  subscribe(0, "lobby", &answer);
  subscribe(1, "lobby", &answer);
  kit_publish(&kit, "lobby", "ann", "a1", "x");
  memset(&answer, 0, sizeof answer);
  assert_int_equal(stoa_engine_unsubscribe(kit.ports[0].port, stoa_string_of("lobby"), kit_done, &answer), STOA_OK);
  kit_await(&kit, &answer);
  kit_publish(&kit, "lobby", "ann", "a2", "x");
  kit_await_seen(&kit, 1, 2);
  assert_int_equal(kit.ports[0].seen_count, 1);
  engines_close(&kit);
}

static void both_loops_see_one_order_of_what_both_publish(void **state) {
  (void)state;
  static struct kit_answer many[40];
  open_default();
  subscribe(0, "lobby", &answer);
  subscribe(1, "lobby", &answer);
  memset(many, 0, sizeof many);
  const struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT, .type = 1};
  for (uint32_t i = 0; i < 40; i++) {
    assert_int_equal(stoa_engine_publish(kit.ports[i % 2].port, stoa_string_of("lobby"), &draft, kit_done, &many[i]),
                     STOA_OK);
  }
  kit_await(&kit, &many[38]);
  kit_await(&kit, &many[39]);
  kit_await_seen(&kit, 0, 40);
  kit_await_seen(&kit, 1, 40);
  for (uint32_t i = 0; i < 40; i++) {
    assert_ptr_equal(kit.ports[0].seen[i], kit.ports[1].seen[i]);
    assert_int_equal(kit.ports[0].seen[i]->place.offset, i + 1);
    /* One port's messages keep their order. */
    assert_true(i < 2 || many[i].told.offset > many[i - 2].told.offset);
  }
  engines_close(&kit);
}

/* Recovery and pages. */

static void recovery_is_exact_from_every_offset(void **state) {
  (void)state;
  open_default();
  kit_fill(&kit, "lobby", 1, 150);
  for (uint64_t from = 0; from <= 150; from++) {
    const struct stoa_engine_query query = since("lobby", 0, from);
    kit_history(&kit, &query, &answer);
    assert_int_equal(answer.told.status, STOA_ENGINE_OK);
    assert_true(answer.told.is_complete);
    assert_int_equal(answer.told.top, 150);
    assert_int_equal(answer.told.message_count, 150 - from);
    for (uint32_t i = 0; i < answer.told.message_count; i++) {
      char body[16];
      snprintf(body, sizeof body, "m%u", (unsigned)(from + i + 1));
      assert_int_equal(answer.messages[i]->place.offset, from + i + 1);
      kit_assert_body(answer.messages[i], body);
    }
    kit_forget(&answer);
  }
  const struct stoa_engine_query beyond = since("lobby", 0, 151);
  kit_history(&kit, &beyond, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_GONE);
  assert_int_equal(answer.told.message_count, 0);
  assert_int_equal(answer.told.top, 150);
  engines_close(&kit);
}

static void a_position_of_another_epoch_is_gone(void **state) {
  (void)state;
  open_default();
  uint64_t epoch = kit_publish(&kit, "lobby", "ann", "a1", "x").epoch;
  const struct stoa_engine_query right = since("lobby", epoch, 0);
  kit_history(&kit, &right, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  assert_int_equal(answer.told.message_count, 1);
  kit_forget(&answer);
  const struct stoa_engine_query wrong = since("lobby", epoch + 1, 0);
  kit_history(&kit, &wrong, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_GONE);
  assert_int_equal(answer.told.epoch, epoch);
  /* A room that is not there any more, or not yet. */
  const struct stoa_engine_query missing = since("nowhere", epoch, 1);
  kit_history(&kit, &missing, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_GONE);
  const struct stoa_engine_query fresh = since("nowhere", 0, 0);
  kit_history(&kit, &fresh, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  assert_int_equal(answer.told.top, 0);
  assert_true(answer.told.is_complete);
  engines_close(&kit);
}

static void pages_go_back_from_the_top_to_the_first_message(void **state) {
  (void)state;
  open_default();
  kit_fill(&kit, "lobby", 1, 150);
  uint64_t before = 0;
  uint64_t expected = 150;
  do {
    struct stoa_engine_query query = newest("lobby");
    query.before = before;
    query.limit = 40;
    kit_history(&kit, &query, &answer);
    assert_int_equal(answer.told.status, STOA_ENGINE_OK);
    assert_in_range(answer.told.message_count, 1, 40);
    for (uint32_t i = 0; i < answer.told.message_count; i++) {
      assert_int_equal(answer.messages[i]->place.offset, expected--);
    }
    before = expected + 1;
    bool is_last = answer.told.is_complete;
    kit_forget(&answer);
    assert_int_equal(is_last, expected == 0);
  } while (expected > 0);
  engines_close(&kit);
}

static void a_page_ends_at_its_limits_and_says_so(void **state) {
  (void)state;
  open_default();
  kit_fill(&kit, "lobby", 1, 100);
  struct stoa_engine_query query = since("lobby", 0, 10);
  query.limit = 7;
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.message_count, 7);
  assert_int_equal(answer.messages[0]->place.offset, 11);
  assert_false(answer.told.is_complete);
  kit_forget(&answer);
  query.limit = 90;
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.message_count, 90);
  assert_true(answer.told.is_complete);
  kit_forget(&answer);
  /* At least one message is given, however few bytes are asked for. */
  query.bytes_max = 1;
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.message_count, 1);
  assert_false(answer.told.is_complete);
  kit_forget(&answer);
  query.bytes_max = 4000;
  kit_history(&kit, &query, &answer);
  assert_in_range(answer.told.message_count, 2, 60);
  assert_false(answer.told.is_complete);
  kit_forget(&answer);
  engines_close(&kit);
}

static void pages_can_have_chat_only_or_what_concerns_some_messages(void **state) {
  (void)state;
  open_default();
  for (uint64_t i = 0; i < 100; i++) {
    bool is_event = i % 2 == 1;
    const struct stoa_engine_draft draft = {
        .kind = is_event ? STOA_ENGINE_EVENT : STOA_ENGINE_CHAT, .type = 1, .target = is_event ? i : 0};
    assert_int_equal(kit_publish_draft(&kit, "lobby", &draft).status, STOA_ENGINE_OK);
  }
  struct stoa_engine_query query = newest("lobby");
  query.kinds = STOA_ENGINE_KIND_BIT(STOA_ENGINE_CHAT);
  query.limit = 45;
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.message_count, 45);
  for (uint32_t i = 0; i < 45; i++) {
    assert_int_equal(answer.messages[i]->draft.kind, STOA_ENGINE_CHAT);
    assert_int_equal(answer.messages[i]->place.offset, 99 - 2 * i);
  }
  kit_forget(&answer);
  query = since("lobby", 0, 0);
  query.target_first = 5;
  query.target_last = 9;
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.message_count, 3);
  assert_true(answer.told.is_complete);
  assert_int_equal(answer.messages[0]->draft.target, 5);
  assert_int_equal(answer.messages[2]->draft.target, 9);
  kit_forget(&answer);
  engines_close(&kit);
}

static void invalid_queries_are_answered(void **state) {
  (void)state;
  open_default();
  struct stoa_engine_query query = newest("");
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_INVALID);
  query = since("lobby", 0, UINT64_MAX);
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_INVALID);
  query = newest("lobby");
  query.target_first = 2;
  query.target_last = 1;
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_INVALID);
  engines_close(&kit);
}

/* Bounds. */

/* Threads need a moment to store all that waits. */
static struct stoa_engine_answer publish_when_not_busy(const char *client_msg_id) {
  struct stoa_engine_answer told;
  do {
    told = kit_publish(&kit, "lobby", "ann", client_msg_id, "x");
  } while (kit.has_threads && told.status == STOA_ENGINE_BUSY);
  return told;
}

static void a_full_queue_is_busy_and_nothing_overtakes_what_it_refused(void **state) {
  (void)state;
  static struct kit_answer last;
  open_default();
  const struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT, .type = 1};
  uint32_t sent = 0;
  memset(&last, 0, sizeof last);
  kit_begin_publish(&kit, "lobby", "ann", "first", "x", &last);
  for (; sent < STOA_ENGINE_QUEUE_MAX - 1; sent++) {
    assert_int_equal(stoa_engine_publish(kit.ports[0].port, stoa_string_of("lobby"), &draft, NULL, NULL), STOA_OK);
  }
  memset(&answer, 0, sizeof answer);
  kit_begin_publish(&kit, "lobby", "ann", "late", "x", &answer);
  kit_await(&kit, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_BUSY);
  assert_int_equal(answer.told.retry_ms, STOA_ENGINE_RETRY_MS);
  assert_int_equal(last.told.status, STOA_ENGINE_OK);
  struct stoa_engine_answer again = publish_when_not_busy("late");
  assert_int_equal(again.status, STOA_ENGINE_OK);
  assert_int_equal(again.offset, STOA_ENGINE_QUEUE_MAX + 1);
  engines_close(&kit);
}

static void what_follows_a_refused_message_is_refused_until_the_loop_knows(void **state) {
  (void)state;
  struct kit_answer refused[2];
  struct kit_answer other;
  open_default();
  static uint8_t body[64 * 1024];
  const struct stoa_engine_draft big = {.kind = STOA_ENGINE_CHAT, .body = stoa_bytes_make(body, sizeof body)};
  memset(refused, 0, sizeof refused);
  memset(&other, 0, sizeof other);
  /* The bytes' bound: a big message is refused, and the small one after it would have fitted. */
  for (uint32_t i = 0; i < STOA_ENGINE_QUEUE_BYTES_MAX / (sizeof body + 4096) + 50; i++) {
    assert_int_equal(
        stoa_engine_publish(kit.ports[0].port, stoa_string_of("lobby"), &big, i == 0 ? kit_done : NULL, &other),
        STOA_OK);
  }
  assert_int_equal(stoa_engine_publish(kit.ports[0].port, stoa_string_of("lobby"), &big, kit_done, &refused[0]),
                   STOA_OK);
  kit_begin_publish(&kit, "lobby", "ann", "small", "x", &refused[1]);
  kit_await(&kit, &refused[1]);
  assert_int_equal(other.told.status, STOA_ENGINE_OK);
  assert_int_equal(refused[0].told.status, STOA_ENGINE_BUSY);
  assert_int_equal(refused[1].told.status, STOA_ENGINE_BUSY);
  assert_int_equal(publish_when_not_busy("small").status, STOA_ENGINE_OK);
  engines_close(&kit);
}

static void too_many_reads_are_busy(void **state) {
  (void)state;
  open_default();
  const struct stoa_engine_query query = newest("lobby");
  for (uint32_t i = 0; i < STOA_ENGINE_READS_MAX; i++) {
    assert_int_equal(stoa_engine_history(kit.ports[0].port, &query, NULL, NULL), STOA_OK);
  }
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_BUSY);
  assert_int_equal(answer.told.retry_ms, STOA_ENGINE_RETRY_MS);
  do { /* threads need a moment to read all that waits */
    kit_history(&kit, &query, &answer);
  } while (kit.has_threads && answer.told.status == STOA_ENGINE_BUSY);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  engines_close(&kit);
}

static void ports_are_limited(void **state) {
  (void)state;
  const struct stoa_engine_sink sink = {.context = NULL};
  struct stoa_engine_port *port = NULL;
  open_default();
  for (uint32_t i = KIT_PORTS; i < STOA_ENGINE_PORTS_MAX; i++) {
    assert_int_equal(stoa_engine_attach(kit.engine, kit.ports[0].loop, &sink, &port), STOA_OK);
  }
  assert_int_equal(stoa_engine_attach(kit.engine, kit.ports[0].loop, &sink, &port), STOA_E_LIMIT);
  engines_close(&kit);
}

static void a_closed_engine_is_unavailable(void **state) {
  (void)state;
  const struct stoa_engine_sink sink = {.context = NULL};
  struct stoa_engine_port *port = NULL;
  open_default();
  memset(&answer, 0, sizeof answer);
  kit_begin_publish(&kit, "lobby", "ann", "a1", "x", &answer);
  stoa_engine_close(kit.engine);
  stoa_loop_turn(kit.ports[0].loop, 0);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "a2", "x").status, STOA_ENGINE_UNAVAILABLE);
  const struct stoa_engine_query query = newest("lobby");
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_UNAVAILABLE);
  assert_int_equal(stoa_engine_attach(kit.engine, kit.ports[0].loop, &sink, &port), STOA_E_CLOSED);
  engines_close(&kit);
}

static void every_call_survives_any_allocation_that_fails(void **state) {
  (void)state;
  open_default();
  kit_fill(&kit, "lobby", 1, 3);
  for (uint64_t n = 1; n < 12; n++) {
    struct kit_answer published;
    memset(&published, 0, sizeof published);
    memset(&answer, 0, sizeof answer);
    const struct stoa_engine_query query = newest("lobby");
    const struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT, .type = 1, .client_msg_id = STOA_STR("once")};
    stoa_memory_fail_at(n, false);
    int status = stoa_engine_publish(kit.ports[0].port, stoa_string_of("lobby"), &draft, kit_done, &published);
    int read_status = stoa_engine_history(kit.ports[0].port, &query, kit_done, &answer);
    for (int i = 0; i < 20 && !kit.has_threads; i++) {
      stoa_engine_run_one(kit.engine);
    }
    stoa_memory_fail_at(0, false);
    kit_advance_ms(&kit, 100);
    if (status == STOA_OK) {
      kit_await(&kit, &published);
      assert_true(published.told.status == STOA_ENGINE_OK || published.told.status == STOA_ENGINE_DUPLICATE ||
                  published.told.status == STOA_ENGINE_UNAVAILABLE || published.told.status == STOA_ENGINE_BUSY);
    } else {
      assert_int_equal(status, STOA_E_MEMORY);
    }
    if (read_status == STOA_OK) {
      kit_await(&kit, &answer);
      assert_true(answer.told.status == STOA_ENGINE_OK || answer.told.status == STOA_ENGINE_UNAVAILABLE);
      kit_forget(&answer);
    }
  }
  struct stoa_engine_answer next = kit_publish(&kit, "lobby", "ann", "next", "x");
  assert_int_equal(next.status, STOA_ENGINE_OK);
  assert_int_equal(next.offset, 5);
  engines_close(&kit);
}

int main(int argc, char **argv) {
  engines_choose(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_is_stored_with_its_place),
      cmocka_unit_test(every_field_of_a_message_comes_back),
      cmocka_unit_test(only_chat_messages_are_counted_by_ordinals),
      cmocka_unit_test(time_never_goes_back_along_a_room),
      cmocka_unit_test(an_imported_message_keeps_its_time_unless_that_goes_back_or_is_to_come),
      cmocka_unit_test(a_repeated_send_gets_the_place_of_the_first),
      cmocka_unit_test(sends_without_an_id_are_never_duplicates),
      cmocka_unit_test(a_resend_beside_its_pending_original_is_a_duplicate),
      cmocka_unit_test(invalid_arguments_are_answered_and_change_nothing),
      cmocka_unit_test(a_body_above_the_bound_is_too_big),
      cmocka_unit_test(subscribers_get_messages_in_order_before_the_publisher_is_answered),
      cmocka_unit_test(a_duplicate_is_shown_to_nobody),
      cmocka_unit_test(after_an_unsubscribe_the_sink_is_quiet),
      cmocka_unit_test(both_loops_see_one_order_of_what_both_publish),
      cmocka_unit_test(recovery_is_exact_from_every_offset),
      cmocka_unit_test(a_position_of_another_epoch_is_gone),
      cmocka_unit_test(pages_go_back_from_the_top_to_the_first_message),
      cmocka_unit_test(a_page_ends_at_its_limits_and_says_so),
      cmocka_unit_test(pages_can_have_chat_only_or_what_concerns_some_messages),
      cmocka_unit_test(invalid_queries_are_answered),
      cmocka_unit_test(a_full_queue_is_busy_and_nothing_overtakes_what_it_refused),
      cmocka_unit_test(what_follows_a_refused_message_is_refused_until_the_loop_knows),
      cmocka_unit_test(too_many_reads_are_busy),
      cmocka_unit_test(ports_are_limited),
      cmocka_unit_test(a_closed_engine_is_unavailable),
      cmocka_unit_test(every_call_survives_any_allocation_that_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
