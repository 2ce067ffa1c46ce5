/* The checker finds each kind of fault, names it, counts it, and reports none where there is none. */
#include <string.h>

#include "bench_world.h"

static const struct bench_options fanout = {.mode = BENCH_FANOUT, .size = 100, .prefix_len = 4, .template = 1};
static const struct bench_options echo = {.mode = BENCH_ECHO, .size = 32};

/* Messages 0 to `count` - 1 of both senders, taking turns. */
static void script_all(struct script *script, const struct world *world, uint32_t count) {
  for (uint32_t seq = 0; seq < count; seq++) {
    script_message(script, world, 0, seq);
    script_message(script, world, 1, seq);
  }
}

static void feed_rightly(struct world *world, uint32_t stream, uint32_t count) {
  struct script script = {0};
  script_all(&script, world, count);
  world_feed(world, stream, &script, script.len);
}

static void assert_faults(struct world *world, struct bench_faults expected) {
  struct bench_faults faults = world_finish(world);
  assert_int_equal(faults.lost, expected.lost);
  assert_int_equal(faults.doubled, expected.doubled);
  assert_int_equal(faults.out_of_order, expected.out_of_order);
  assert_int_equal(faults.damaged, expected.damaged);
  assert_int_equal(faults.disagreed, expected.disagreed);
}

static void right_deliveries_have_no_faults(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  for (uint32_t stream = 0; stream < WORLD_STREAMS; stream++) {
    feed_rightly(&world, stream, 5);
  }
  assert_int_equal(bench_check_received(world.check), bench_check_expected(world.check));
  assert_int_equal(bench_check_deliveries(world.check), 30);
  assert_int_equal(bench_check_latency(world.check)->count, 30);
  assert_faults(&world, (struct bench_faults){0});
  world_close(&world);
}

static void a_sender_learns_of_its_own_messages(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 5);
  assert_int_equal(world_feed(&world, 0, &script, script.len).own, 5);
  assert_int_equal(world_feed(&world, 1, &script, script.len).own, 5);
  assert_int_equal(world_feed(&world, 2, &script, script.len).own, 0);
  world_close(&world);
}

/* The faulty stream is the first one to be fed, which writes the log, or the last, which is compared with it. */
static void with_one_faulty(const struct script *script, const struct world *like, bool first,
                            struct bench_faults expected) {
  for (size_t piece = 1; piece <= script->len; piece = piece < 400 ? piece + 1 : script->len + (piece == script->len)) {
    struct world world;
    world_open(&world, &like->options, like->sent[0]);
    if (first) {
      world_feed(&world, 0, script, piece);
    }
    feed_rightly(&world, 1, 5);
    feed_rightly(&world, 2, 5);
    if (!first) {
      world_feed(&world, 0, script, piece);
    }
    assert_faults(&world, expected);
    world_close(&world);
  }
}

static void with_one_faulty_anywhere(const struct script *script, const struct world *like,
                                     struct bench_faults expected) {
  with_one_faulty(script, like, false, expected);
  with_one_faulty(script, like, true, expected);
}

static void a_message_that_never_comes_is_lost_however_the_bytes_are_cut(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 2);
  script_message(&script, &world, 0, 3);
  script_message(&script, &world, 1, 2);
  script_message(&script, &world, 1, 3);
  script_message(&script, &world, 0, 4);
  script_message(&script, &world, 1, 4);
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.lost = 1});
  world_close(&world);
}

static void the_last_messages_can_be_lost_too(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 4);
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.lost = 2});
  world_close(&world);
}

static void a_message_that_comes_twice_is_doubled(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 3);
  script_message(&script, &world, 0, 1);
  for (uint32_t seq = 3; seq < 5; seq++) {
    script_message(&script, &world, 0, seq);
    script_message(&script, &world, 1, seq);
  }
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.doubled = 1});
  world_close(&world);
}

static void a_message_after_its_follower_is_out_of_order(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 3);
  script_message(&script, &world, 0, 4);
  script_message(&script, &world, 0, 3);
  script_message(&script, &world, 1, 3);
  script_message(&script, &world, 1, 4);
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.out_of_order = 1});
  world_close(&world);
}

static void every_changed_byte_is_found(void **state) {
  (void)state;
  struct world like;
  world_open(&like, &fanout, 5);
  for (size_t at = 2; at < like.message.plain_len; at++) {
    struct script script = {0};
    script_all(&script, &like, 5);
    script.bytes[3 * like.message.plain_len + at] ^= 1;
    struct world world;
    world_open(&world, &fanout, 5);
    feed_rightly(&world, 1, 5);
    feed_rightly(&world, 2, 5);
    world_feed(&world, 0, &script, script.len);
    struct bench_faults faults = world_finish(&world);
    assert_true(faults.damaged + faults.lost + faults.doubled + faults.out_of_order > 0);
    world_close(&world);
  }
  world_close(&like);
}

static void a_changed_byte_outside_of_the_marker_is_damage_and_nothing_else(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 5);
  script.bytes[4 * world.message.plain_len - 1] ^= 0x20;
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.damaged = 1});
  world_close(&world);
}

static void a_message_of_another_length_is_damage(void **state) {
  (void)state;
  static const uint8_t short_message[] = {0x82, 3, 'a', 'b', 'c'};
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 4);
  script_bytes(&script, short_message, sizeof short_message);
  script_message(&script, &world, 0, 4);
  script_message(&script, &world, 1, 4);
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.damaged = 1});
  world_close(&world);
}

/* As a server writes it that knows the sender better. */
static void script_rewritten(struct script *script, const struct world *world, uint32_t sender, uint32_t seq) {
  static const char rest[] = "\",\"sender\":\"somebody else\",\"timestamp\":\"2026-01-31T12:00:00.000Z\",\"id\":7}";
  struct script plain = {0};
  uint8_t frame[512];
  script_message(&plain, world, sender, seq);
  size_t text_len = world->message.text_len - 1; /* without the quote */
  size_t head_len = bench_head_write(plain.bytes[0], 0, text_len + strlen(rest), frame);
  memcpy(frame + head_len, plain.bytes + world->message.head_len, text_len);
  memcpy(frame + head_len + text_len, rest, strlen(rest));
  script_bytes(script, frame, head_len + text_len + strlen(rest));
}

static void messages_with_other_fields_than_the_text_are_delivered_and_counted(void **state) {
  (void)state;
  struct bench_options options = fanout;
  options.template = BENCH_TEMPLATE_JSON;
  options.size = 150;
  for (size_t piece = 1; piece < 200; piece++) {
    struct world world;
    world_open(&world, &options, 3);
    struct script script = {0};
    for (uint32_t seq = 0; seq < 3; seq++) {
      script_rewritten(&script, &world, 0, seq);
      script_rewritten(&script, &world, 1, seq);
    }
    for (uint32_t i = 0; i < WORLD_STREAMS; i++) {
      world_feed(&world, i, &script, piece);
    }
    assert_int_equal(bench_check_rewritten(world.check), 6 * WORLD_STREAMS);
    assert_faults(&world, (struct bench_faults){0});
    world_close(&world);
  }
}

static void a_message_that_nobody_sent_is_damage(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_all(&script, &world, 5);
  script_message(&script, &world, 0, 5);
  script_message(&script, &world, 7, 0);
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.damaged = 2});
  world_close(&world);
}

static void script_other_order(struct script *script, const struct world *world) {
  script_all(script, world, 3);
  for (uint32_t seq = 3; seq < 5; seq++) {
    script_message(script, world, 1, seq);
    script_message(script, world, 0, seq);
  }
}

static void another_order_of_senders_is_a_disagreement(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_other_order(&script, &world);
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){.disagreed = 1});
  world_close(&world);
}

static void another_order_of_senders_may_be_allowed(void **state) {
  (void)state;
  struct world world;
  struct bench_options options = fanout;
  options.any_order = true;
  world_open(&world, &options, 5);
  struct script script = {0};
  script_other_order(&script, &world);
  with_one_faulty_anywhere(&script, &world, (struct bench_faults){0});
  world_close(&world);
}

static void control_frames_between_messages_are_no_fault(void **state) {
  (void)state;
  static const uint8_t ping[] = {0x89, 2, 'h', 'i'};
  static const uint8_t pong[] = {0x8a, 0};
  struct world like;
  world_open(&like, &fanout, 5);
  struct script script = {0};
  script_all(&script, &like, 2);
  script_bytes(&script, ping, sizeof ping);
  script_message(&script, &like, 0, 2);
  script_bytes(&script, pong, sizeof pong);
  script_message(&script, &like, 1, 2);
  for (uint32_t seq = 3; seq < 5; seq++) {
    script_message(&script, &like, 0, seq);
    script_message(&script, &like, 1, seq);
  }
  with_one_faulty_anywhere(&script, &like, (struct bench_faults){0});
  struct bench_news news = world_feed(&like, 0, &script, 7);
  assert_true(news.pinged);
  assert_int_equal(news.ping_len, 2);
  assert_memory_equal(news.ping, "hi", 2);
  world_close(&like);
}

static void a_close_is_told_with_its_code(void **state) {
  (void)state;
  static const uint8_t close_frame[] = {0x88, 4, 0x0f, 0xa8, 'o', 'k'};
  struct world world;
  world_open(&world, &fanout, 5);
  struct script script = {0};
  script_bytes(&script, close_frame, sizeof close_frame);
  struct bench_news news = world_feed(&world, 0, &script, 1);
  assert_true(news.closed);
  assert_int_equal(news.close_code, 4008);
  world_close(&world);
}

static void foreign_messages_are_counted_when_allowed(void **state) {
  (void)state;
  struct bench_options options = fanout;
  options.allow_foreign = true;
  struct world world;
  world_open(&world, &options, 5);
  struct script script = {0};
  uint8_t large[4 + 1000] = {0x82, 126, 1000 >> 8, 1000 & 0xff};
  script_bytes(&script, large, sizeof large);
  script_all(&script, &world, 5);
  script_message(&script, &world, 0, 0);
  script.bytes[script.len - world.message.plain_len + world.message.head_len] = 9; /* another type's frame */
  for (size_t piece = 1; piece < 300; piece++) {
    struct world fresh;
    world_open(&fresh, &options, 5);
    for (uint32_t stream = 0; stream < WORLD_STREAMS; stream++) {
      world_feed(&fresh, stream, &script, piece);
    }
    assert_int_equal(bench_check_foreign(fresh.check), 6);
    assert_faults(&fresh, (struct bench_faults){0});
    world_close(&fresh);
  }
  world_close(&world);
}

/* The log has room for 64 and wraps many times while the last stream has seen nothing yet. */
static void a_connection_that_lags_far_behind_is_still_checked(void **state) {
  (void)state;
  enum { COUNT = 300 };
  struct world world;
  world_open(&world, &fanout, COUNT);
  for (uint32_t stream = 0; stream < WORLD_STREAMS; stream++) {
    feed_rightly(&world, stream, COUNT);
  }
  assert_int_equal(bench_check_received(world.check), WORLD_STREAMS * WORLD_SENDERS * COUNT);
  assert_faults(&world, (struct bench_faults){0});
  world_close(&world);
}

static void an_echo_comes_back_to_its_sender_only(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &echo, 3);
  for (uint32_t stream = 0; stream < WORLD_STREAMS; stream++) {
    struct script script = {0};
    for (uint32_t seq = 0; seq < 3; seq++) {
      script_message(&script, &world, stream, seq);
    }
    if (stream == 2) {
      script_message(&script, &world, 0, 1);
    }
    assert_int_equal(world_feed(&world, stream, &script, 5).own, 3);
  }
  assert_faults(&world, (struct bench_faults){.damaged = 1});
  world_close(&world);
}

static void echoes_are_lost_doubled_and_out_of_order_too(void **state) {
  (void)state;
  struct world world;
  world_open(&world, &echo, 4);
  static const uint32_t orders[WORLD_STREAMS][5] = {{0, 1, 3, 9, 9}, {0, 1, 1, 2, 3}, {0, 2, 1, 3, 9}};
  for (uint32_t stream = 0; stream < WORLD_STREAMS; stream++) {
    struct script script = {0};
    for (size_t i = 0; i < 5 && orders[stream][i] != 9; i++) {
      script_message(&script, &world, stream, orders[stream][i]);
    }
    world_feed(&world, stream, &script, script.len);
  }
  assert_faults(&world, (struct bench_faults){.lost = 1, .doubled = 1, .out_of_order = 1});
  world_close(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(right_deliveries_have_no_faults),
      cmocka_unit_test(a_sender_learns_of_its_own_messages),
      cmocka_unit_test(a_message_that_never_comes_is_lost_however_the_bytes_are_cut),
      cmocka_unit_test(the_last_messages_can_be_lost_too),
      cmocka_unit_test(a_message_that_comes_twice_is_doubled),
      cmocka_unit_test(a_message_after_its_follower_is_out_of_order),
      cmocka_unit_test(every_changed_byte_is_found),
      cmocka_unit_test(a_changed_byte_outside_of_the_marker_is_damage_and_nothing_else),
      cmocka_unit_test(a_message_of_another_length_is_damage),
      cmocka_unit_test(messages_with_other_fields_than_the_text_are_delivered_and_counted),
      cmocka_unit_test(a_message_that_nobody_sent_is_damage),
      cmocka_unit_test(another_order_of_senders_is_a_disagreement),
      cmocka_unit_test(another_order_of_senders_may_be_allowed),
      cmocka_unit_test(control_frames_between_messages_are_no_fault),
      cmocka_unit_test(a_close_is_told_with_its_code),
      cmocka_unit_test(foreign_messages_are_counted_when_allowed),
      cmocka_unit_test(a_connection_that_lags_far_behind_is_still_checked),
      cmocka_unit_test(an_echo_comes_back_to_its_sender_only),
      cmocka_unit_test(echoes_are_lost_doubled_and_out_of_order_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
