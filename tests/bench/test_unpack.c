/* Compressed messages are inflated and then checked like all others; what cannot be inflated is damaged. */
#include <stdlib.h>
#include <string.h>

#include "bench_unpack.h"
#include "bench_world.h"

static const struct bench_options compressed = {
    .mode = BENCH_FANOUT, .size = 200, .prefix_len = 4, .template = 1, .deflate = true};

enum { FIN_BINARY = 0x82, FIN_TEXT = 0x81, PACKED_MAX = 1024 };

struct fixture {
  struct world world;
  struct bench_unpack *unpack;
};

static void open_fixture(struct fixture *fixture, uint32_t sent) {
  world_open(&fixture->world, &compressed, sent);
  fixture->unpack = bench_unpack_create(fixture->world.check, &fixture->world.message);
  assert_non_null(fixture->unpack);
}

static void close_fixture(struct fixture *fixture) {
  bench_unpack_destroy(fixture->unpack);
  world_close(&fixture->world);
}

static void script_frame(struct script *script, unsigned first, const uint8_t *payload, size_t len) {
  uint8_t head[BENCH_HEAD_MAX];
  script_bytes(script, head, bench_head_write(first, 0, len, head));
  script_bytes(script, payload, len);
}

/* The message as a server compresses it, `stored` bytes of it as they are. */
static void script_packed(struct script *script, const struct world *world, uint32_t sender, uint32_t seq,
                          size_t stored) {
  static struct script plain;
  uint8_t packed[PACKED_MAX];
  plain.len = 0;
  script_message(&plain, world, sender, seq);
  const uint8_t *payload = plain.bytes + world->message.head_len;
  size_t len = bench_deflate_pack(payload, plain.len - world->message.head_len, stored, packed);
  assert_true(len > 0);
  script_frame(script, FIN_BINARY | BENCH_COMPRESSED, packed, len);
}

static void script_all(struct script *script, const struct world *world, uint32_t count) {
  for (uint32_t seq = 0; seq < count; seq++) {
    script_packed(script, world, 0, seq, 0);
    script_packed(script, world, 1, seq, 40);
  }
}

/* As the load does it: what is not used comes again, at the front of what follows. */
static struct bench_news feed(struct fixture *fixture, uint32_t stream, const struct script *script, size_t piece) {
  static uint8_t waiting[WORLD_BYTES_MAX];
  size_t waiting_len = 0;
  struct bench_news all = {0};
  for (size_t at = 0; at < script->len; at += piece) {
    size_t len = script->len - at < piece ? script->len - at : piece;
    memcpy(waiting + waiting_len, script->bytes + at, len);
    waiting_len += len;
    struct bench_news news;
    size_t used =
        bench_unpack_feed(fixture->unpack, &fixture->world.streams[stream], waiting, waiting_len, 1000, &news);
    assert_true(used <= waiting_len);
    waiting_len -= used;
    memmove(waiting, waiting + used, waiting_len);
    news.own += all.own;
    all = news;
  }
  assert_int_equal(waiting_len, 0);
  return all;
}

/* Two streams get what is right, the third the script, in pieces of every length. */
static void assert_finds(const struct script *script, struct bench_faults expected) {
  for (size_t piece = 1; piece <= script->len; piece = piece < 300 ? piece + 1 : script->len + (piece == script->len)) {
    struct fixture fixture;
    static struct script right;
    open_fixture(&fixture, 5);
    right.len = 0;
    script_all(&right, &fixture.world, 5);
    feed(&fixture, 1, &right, right.len);
    feed(&fixture, 2, &right, right.len);
    feed(&fixture, 0, script, piece);
    struct bench_faults faults = world_finish(&fixture.world);
    assert_int_equal(faults.lost, expected.lost);
    assert_int_equal(faults.doubled, expected.doubled);
    assert_int_equal(faults.out_of_order, expected.out_of_order);
    assert_int_equal(faults.damaged, expected.damaged);
    close_fixture(&fixture);
  }
}

/* Messages 0 to 4 of both senders but for one of sender 0, which the caller adds in its place. */
static void script_around(struct script *script, const struct world *world, uint32_t from, uint32_t to) {
  for (uint32_t seq = from; seq < to; seq++) {
    script_packed(script, world, 0, seq, 0);
    script_packed(script, world, 1, seq, 0);
  }
}

static void right_messages_have_no_faults_however_the_bytes_are_cut(void **state) {
  (void)state;
  struct fixture fixture;
  static struct script script;
  open_fixture(&fixture, 5);
  script_all(&script, &fixture.world, 5);
  assert_finds(&script, (struct bench_faults){0});
  assert_int_equal(feed(&fixture, 0, &script, 7).own, 5);
  assert_int_equal(bench_unpack_count(fixture.unpack), 10);
  close_fixture(&fixture);
}

static void uncompressed_messages_are_accepted_too(void **state) {
  (void)state;
  struct fixture fixture;
  static struct script script;
  open_fixture(&fixture, 5);
  script_around(&script, &fixture.world, 0, 3);
  for (uint32_t seq = 3; seq < 5; seq++) {
    script_message(&script, &fixture.world, 0, seq);
    script_message(&script, &fixture.world, 1, seq);
  }
  assert_finds(&script, (struct bench_faults){0});
  feed(&fixture, 0, &script, script.len);
  assert_int_equal(bench_unpack_count(fixture.unpack), 6);
  close_fixture(&fixture);
}

static void faults_are_named_as_without_compression(void **state) {
  (void)state;
  struct fixture fixture;
  static struct script lost, doubled, reordered;
  open_fixture(&fixture, 5);
  script_around(&lost, &fixture.world, 0, 2);
  script_packed(&lost, &fixture.world, 0, 2, 0);
  script_around(&lost, &fixture.world, 3, 5);
  assert_finds(&lost, (struct bench_faults){.lost = 1});
  script_around(&doubled, &fixture.world, 0, 3);
  script_packed(&doubled, &fixture.world, 1, 1, 0);
  script_around(&doubled, &fixture.world, 3, 5);
  assert_finds(&doubled, (struct bench_faults){.doubled = 1});
  script_around(&reordered, &fixture.world, 0, 2);
  script_around(&reordered, &fixture.world, 3, 4);
  script_around(&reordered, &fixture.world, 2, 3);
  script_around(&reordered, &fixture.world, 4, 5);
  assert_finds(&reordered, (struct bench_faults){.out_of_order = 2});
  close_fixture(&fixture);
}

/* In place of sender 0's third message there is something else. */
static void assert_damage(const struct fixture *fixture, const struct script *instead) {
  static struct script script;
  script.len = 0;
  script_around(&script, &fixture->world, 0, 2);
  script_bytes(&script, instead->bytes, instead->len);
  script_packed(&script, &fixture->world, 1, 2, 0);
  script_around(&script, &fixture->world, 3, 5);
  assert_finds(&script, (struct bench_faults){.damaged = 1, .lost = 1});
}

static void invalid_deflate_data_is_damage(void **state) {
  (void)state;
  static const uint8_t noise[] = {0xff, 0xff, 0xff, 0xff, 0x12, 0x34};
  struct fixture fixture;
  static struct script script;
  open_fixture(&fixture, 5);
  script_frame(&script, FIN_BINARY | BENCH_COMPRESSED, noise, sizeof noise);
  assert_damage(&fixture, &script);
  close_fixture(&fixture);
}

static void a_message_that_is_longer_when_inflated_is_damage(void **state) {
  (void)state;
  static uint8_t zeros[100000], packed[200000];
  struct fixture fixture;
  static struct script script;
  open_fixture(&fixture, 5);
  size_t len = bench_deflate_pack(zeros, sizeof zeros, 0, packed);
  assert_true(len < 200);
  script_frame(&script, FIN_BINARY | BENCH_COMPRESSED, packed, len);
  assert_damage(&fixture, &script);
  close_fixture(&fixture);
}

static void a_payload_longer_than_any_is_not_waited_for(void **state) {
  (void)state;
  static uint8_t noise[5000];
  struct fixture fixture;
  static struct script script;
  open_fixture(&fixture, 5);
  script_frame(&script, FIN_BINARY | BENCH_COMPRESSED, noise, sizeof noise);
  assert_damage(&fixture, &script);
  close_fixture(&fixture);
}

static void the_same_bytes_as_a_text_message_are_damage(void **state) {
  (void)state;
  struct fixture fixture;
  static struct script script;
  open_fixture(&fixture, 5);
  script_packed(&script, &fixture.world, 0, 2, 0);
  script.bytes[0] = FIN_TEXT | BENCH_COMPRESSED;
  assert_damage(&fixture, &script);
  close_fixture(&fixture);
}

static void pings_between_compressed_messages_are_reported(void **state) {
  (void)state;
  static const uint8_t ping[] = {0x89, 2, 'h', 'i'};
  struct fixture fixture;
  static struct script script;
  open_fixture(&fixture, 5);
  script_around(&script, &fixture.world, 0, 3);
  script_bytes(&script, ping, sizeof ping);
  script_around(&script, &fixture.world, 3, 5);
  assert_finds(&script, (struct bench_faults){0});
  struct bench_news news = feed(&fixture, 0, &script, script.len);
  assert_true(news.pinged);
  assert_int_equal(news.ping_len, 2);
  assert_int_equal(news.own, 5);
  close_fixture(&fixture);
}

static void nothing_is_read_after_a_close(void **state) {
  (void)state;
  static const uint8_t close_frame[] = {0x88, 2, 0x0f, 0xa8};
  struct fixture fixture;
  static struct script script;
  struct bench_news news;
  open_fixture(&fixture, 5);
  script_around(&script, &fixture.world, 0, 1);
  script_bytes(&script, close_frame, sizeof close_frame);
  size_t len = script.len;
  script_around(&script, &fixture.world, 1, 2);
  assert_int_equal(bench_unpack_feed(fixture.unpack, &fixture.world.streams[0], script.bytes, script.len, 1000, &news),
                   len);
  assert_true(news.closed);
  assert_int_equal(news.close_code, 4008);
  assert_int_equal(news.own, 1);
  close_fixture(&fixture);
}

/* RFC 7692 7.2.3.4: "Hello" in a block marked as the last, with the byte that is to follow it and without. */
static void a_message_with_a_last_block_is_inflated(void **state) {
  (void)state;
  static const uint8_t hello[] = {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00};
  uint8_t out[16];
  size_t len = 0;
  struct bench_inflater *inflater = bench_inflater_create();
  assert_non_null(inflater);
  for (size_t cut = 0; cut < 2; cut++) {
    assert_true(bench_inflater_message(inflater, hello, sizeof hello - cut, out, sizeof out - 1, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(out, "Hello", 5);
  }
  assert_false(bench_inflater_message(inflater, hello, sizeof hello, out, 4, &len));
  bench_inflater_destroy(inflater);
}

/* What a client sends: the marker is found in its stored block, and the whole is the message. */
static void a_compressed_frame_to_send_holds_the_message_with_its_marker(void **state) {
  (void)state;
  static const size_t sizes[] = {64, 100, 1000, 60000, 70000, 1000000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct bench_options options = {
        .size = sizes[i], .prefix_len = 4, .template = BENCH_TEMPLATE_JSON, .deflate = true};
    struct bench_message message;
    assert_true(bench_message_init(&message, &options));
    uint8_t *frame = malloc(message.masked_len);
    uint8_t *out = malloc(sizes[i] + 1);
    assert_true(frame != NULL && out != NULL);
    bench_message_write(&message, 0x1234, 0xdeadbeef, frame);
    uint8_t lead[BENCH_LEAD_MAX];
    bench_message_write_lead(&message, 0x1234, 0xdeadbeef, lead);
    assert_memory_equal(lead, frame, message.masked_marker_at + BENCH_MARKER_LEN);
    assert_int_equal(frame[0], FIN_BINARY | BENCH_COMPRESSED);
    uint64_t payload_len;
    size_t payload_at = bench_head_read(frame, message.masked_len, &payload_len) + BENCH_KEY_LEN;
    assert_int_equal(payload_at + payload_len, message.masked_len);
    for (size_t at = payload_at; at < message.masked_len; at++) {
      frame[at] ^= message.key[(at - payload_at) % BENCH_KEY_LEN];
    }
    struct bench_inflater *inflater = bench_inflater_create();
    assert_non_null(inflater);
    size_t len = 0;
    assert_true(bench_inflater_message(inflater, frame + payload_at, (size_t)payload_len, out, sizes[i], &len));
    assert_int_equal(len, sizes[i]);
    assert_memory_equal(out + 4, "{\"message\":\"1234deadbeef", 24);
    assert_memory_equal(out + 28, message.plain + message.head_len + 28, len - 28);
    bench_inflater_destroy(inflater);
    free(frame);
    free(out);
    bench_message_fini(&message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(right_messages_have_no_faults_however_the_bytes_are_cut),
      cmocka_unit_test(uncompressed_messages_are_accepted_too),
      cmocka_unit_test(faults_are_named_as_without_compression),
      cmocka_unit_test(invalid_deflate_data_is_damage),
      cmocka_unit_test(a_message_that_is_longer_when_inflated_is_damage),
      cmocka_unit_test(a_payload_longer_than_any_is_not_waited_for),
      cmocka_unit_test(the_same_bytes_as_a_text_message_are_damage),
      cmocka_unit_test(pings_between_compressed_messages_are_reported),
      cmocka_unit_test(nothing_is_read_after_a_close),
      cmocka_unit_test(a_message_with_a_last_block_is_inflated),
      cmocka_unit_test(a_compressed_frame_to_send_holds_the_message_with_its_marker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
