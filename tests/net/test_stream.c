/* Streams and their shares of a turn, on a clock that stands still but where a handler lets time pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "lib/tls_ends.h"
#include "net/stream.h"
#include "net/tls.h"

#define MEMBERS_MAX 8
#define TRACE_MAX 8192

/* One stream and its peer. A message is a byte that tells how many follow, and those. */
struct member {
  struct stoa_stream stream; /* first */
  struct stoa_deferred release;
  int peer;
  char name;
  bool closed; /* on_closed was called */
  unsigned messages, dooms, shares, input_ends;
  uint64_t checksum;
};

static struct {
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_stream_host host;
  struct stoa_protocol protocol;
  struct member *members[MEMBERS_MAX];
  unsigned count;
  int64_t blocks_before;
  uint64_t cost_ns; /* what a message costs */
  size_t cost_bytes;
  char trace[TRACE_MAX]; /* the names of those whose message was handled */
  size_t trace_len;
  void (*act)(struct member *member);
} world;

static struct member *member_of(struct stoa_stream *stream) {
  return (struct member *)(void *)stream;
}

/* The protocol. */

static size_t on_input(struct stoa_stream *stream, uint8_t *data, size_t len) {
  struct member *member = member_of(stream);
  if (len < 1u + data[0]) {
    return 0;
  }
  size_t used = 1u + data[0];
  for (size_t i = 0; i < used; i++) {
    member->checksum = member->checksum * 31 + data[i];
  }
  member->messages++;
  if (world.trace_len < TRACE_MAX - 1) {
    world.trace[world.trace_len++] = member->name;
  }
  world.time.monotonic_ns += world.cost_ns;
  if (world.act != NULL) {
    world.act(member);
  }
  stoa_stream_spend(stream, world.cost_bytes);
  return used;
}

static void on_input_end(struct stoa_stream *stream, int status) {
  (void)status;
  member_of(stream)->input_ends++;
  stoa_stream_drop(stream);
}

static struct stoa_stream_input *make_input(struct stoa_stream *stream) {
  (void)stream;
  return stoa_calloc(1, sizeof(struct stoa_stream_input));
}

static void free_input(struct stoa_stream_input *input) {
  stoa_free(input);
}

static bool input_is_idle(const struct stoa_stream_input *input) {
  (void)input;
  return true;
}

static void on_doomed(struct stoa_stream *stream) {
  member_of(stream)->dooms++;
  stoa_stream_drop(stream);
}

static void on_share(struct stoa_stream *stream) {
  member_of(stream)->shares++;
}

static void on_nothing(struct stoa_stream *stream) {
  (void)stream;
}

static void release(struct stoa_deferred *deferred) {
  struct member *member = stoa_container_of(deferred, struct member, release);
  stoa_stream_fini(&member->stream);
}

static void on_closed(struct stoa_stream *stream) {
  struct member *member = member_of(stream);
  assert_false(member->closed);
  member->closed = true;
  member->release.run = release;
  stoa_loop_defer(world.host.loop, &member->release);
}

static void on_deadline_change(struct stoa_stream *stream, uint64_t due_ms) {
  (void)stream;
  (void)due_ms;
}

/* The world. */

static void on_turn_end(void *context) {
  (void)context;
  stoa_stream_host_run_ready(&world.host);
  stoa_turn_end(&world.host.turn);
}

static void turn(void) {
  stoa_loop_turn(world.host.loop, 0);
}

static int begin(void **state) {
  (void)state;
  memset(&world, 0, sizeof world);
  world.blocks_before = stoa_memory_live_blocks();
  world.clock = stoa_clock_fake_init(&world.time);
  world.time.monotonic_ns = 1000000000;
  world.host = (struct stoa_stream_host){.queue_bytes_max = 65536,
                                         .on_deadline_change = on_deadline_change,
                                         .scratch = stoa_alloc(STOA_STREAM_SCRATCH_BYTES)};
  world.protocol = (struct stoa_protocol){.host = &world.host,
                                          .on_input = on_input,
                                          .on_input_end = on_input_end,
                                          .make_input = make_input,
                                          .free_input = free_input,
                                          .input_is_idle = input_is_idle,
                                          .on_doomed = on_doomed,
                                          .on_half_closed = stoa_stream_drop,
                                          .on_progress = on_nothing,
                                          .on_share = on_share,
                                          .on_empty = on_nothing,
                                          .on_closed = on_closed};
  assert_int_equal(stoa_loop_create(&world.clock, &world.host.loop), STOA_OK);
  stoa_stream_host_init(&world.host);
  stoa_loop_on_turn_end(world.host.loop, on_turn_end, NULL);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_memory_fail_at(0, false);
  for (unsigned i = 0; i < world.count; i++) {
    stoa_stream_drop(&world.members[i]->stream);
  }
  for (unsigned i = 0; i < 10; i++) {
    turn();
  }
  for (unsigned i = 0; i < world.count; i++) {
    assert_true(world.members[i]->closed);
    close(world.members[i]->peer);
    stoa_free(world.members[i]);
  }
  stoa_loop_destroy(world.host.loop);
  stoa_stream_host_fini(&world.host);
  stoa_free(world.host.scratch);
  assert_int_equal(stoa_memory_live_blocks(), world.blocks_before);
  return 0;
}

static struct member *add(struct stoa_tls_context *tls_context) {
  int pair[2];
  struct member *member = stoa_calloc(1, sizeof *member);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  assert_int_equal(stoa_stream_open(&member->stream, &world.protocol, pair[0], tls_context), STOA_OK);
  member->peer = pair[1];
  member->name = (char)('a' + world.count);
  world.members[world.count++] = member;
  return member;
}

static void add_many(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    add(NULL);
  }
}

/* So many empty messages to each, in the order of their names. */
static void send_each(size_t count) {
  static const uint8_t zeros[8192];
  assert_true(count <= sizeof zeros);
  for (unsigned i = 0; i < world.count; i++) {
    assert_int_equal(send(world.members[i]->peer, zeros, count, MSG_NOSIGNAL), (ssize_t)count);
  }
}

/* The trace since it was asked for last. */
static const char *trace(void) {
  static char taken[TRACE_MAX];
  memcpy(taken, world.trace, world.trace_len);
  taken[world.trace_len] = '\0';
  world.trace_len = 0;
  return taken;
}

/* Shares. */

static void test_a_stream_that_used_its_bytes_goes_to_the_end_of_the_list(void **state) {
  (void)state;
  world.cost_bytes = STOA_STREAM_SHARE_BYTES / 4;
  add_many(3);
  send_each(10);
  turn();
  /* The share of the reading, then one of the list for each; no third in the same turn. */
  assert_string_equal(trace(), "aaaabbbbccccaaaabbbbcccc");
  assert_int_equal(stoa_loop_wait_ms(world.host.loop), 0);
  turn();
  assert_string_equal(trace(), "aabbcc");
  turn();
  assert_int_equal(world.host.ready.count, 0);
  assert_null(world.members[0]->stream.input);
}

static void test_a_stream_that_used_its_time_goes_to_the_end_of_the_list(void **state) {
  (void)state;
  world.cost_bytes = 8192; /* the clock is looked at after each */
  world.cost_ns = STOA_STREAM_SHARE_NS / 2;
  add_many(2);
  send_each(5);
  turn();
  assert_string_equal(trace(), "aabbaabb");
  turn();
  assert_string_equal(trace(), "ab");
}

/* Even one that costs nothing costs its handling. */
static void test_a_stream_that_used_its_messages_goes_to_the_end_of_the_list(void **state) {
  (void)state;
  enum { SHARE = STOA_STREAM_SHARE_BYTES / STOA_STREAM_MESSAGE_COST };
  add_many(2);
  send_each(SHARE + 100);
  world.members[0]->stream.conn.io.on_ready(&world.members[0]->stream.conn.io, EPOLLIN);
  assert_int_equal(world.members[0]->messages, SHARE);
  assert_true(world.members[0]->stream.listed);
  turn();
  assert_int_equal(world.members[0]->messages, SHARE + 100);
  assert_int_equal(world.members[1]->messages, SHARE + 100);
  /* Its second share came after the other's first. */
  const char *order = trace();
  assert_int_equal(order[SHARE], 'b');
  assert_int_equal(order[2 * SHARE], 'a');
}

static void test_from_a_time_of_the_turn_on_input_waits_on_the_list(void **state) {
  (void)state;
  world.cost_bytes = 8192;
  world.cost_ns = STOA_STREAM_TURN_NS / 4; /* more than a share: each handles one at a time */
  add_many(6);
  send_each(2);
  turn();
  /* Four are read, two wait without having been read; then the list has time for two. */
  assert_string_equal(trace(), "abcdab");
  assert_int_equal(stoa_loop_wait_ms(world.host.loop), 0);
  turn();
  assert_string_equal(trace(), "cd");
  assert_int_equal(stoa_loop_wait_ms(world.host.loop), 0); /* some are left, though nobody asked anew */
  turn();
  assert_string_equal(trace(), "ef");
  turn();
  assert_string_equal(trace(), "ef");
  turn();
  assert_string_equal(trace(), "");
  assert_int_equal(world.host.ready.count, 0);
}

/* It stays watched, but its events are looked away from. */
static void test_one_that_waits_for_its_share_is_not_read(void **state) {
  (void)state;
  world.cost_bytes = STOA_STREAM_SHARE_BYTES;
  add_many(1);
  struct stoa_stream *stream = &world.members[0]->stream;
  send_each(10);
  stream->conn.io.on_ready(&stream->conn.io, EPOLLIN);
  assert_int_equal(stream->input->stash.len, 9);
  send_each(10);
  stream->conn.io.on_ready(&stream->conn.io, EPOLLIN);
  assert_int_equal(stream->input->stash.len, 9);
  assert_int_equal(world.members[0]->messages, 1);
}

/* Nobody asks for a share in this turn, and yet the next must not wait. */
static void test_what_the_list_had_no_time_for_is_not_forgotten(void **state) {
  (void)state;
  world.cost_ns = STOA_STREAM_READY_NS;
  add_many(2);
  for (unsigned i = 0; i < 2; i++) {
    stoa_stream_pause(&world.members[i]->stream, STOA_PAUSE_PROGRAM);
  }
  turn();
  send_each(1);
  for (unsigned i = 0; i < 2; i++) {
    stoa_stream_resume(&world.members[i]->stream, STOA_PAUSE_PROGRAM);
  }
  turn();
  assert_string_equal(trace(), "a");
  assert_int_equal(stoa_loop_wait_ms(world.host.loop), 0);
  turn();
  assert_string_equal(trace(), "b");
}

static void test_a_stream_that_asks_for_a_share_gets_one_after_the_others(void **state) {
  (void)state;
  world.cost_bytes = STOA_STREAM_SHARE_BYTES;
  add_many(2);
  stoa_stream_yield(&world.members[0]->stream);
  stoa_stream_yield(&world.members[0]->stream); /* is on the list once */
  assert_int_equal(world.host.ready.count, 1);
  send_each(1);
  turn();
  assert_string_equal(trace(), "ba");
  assert_int_equal(world.members[0]->shares, 1);
}

static void test_one_that_is_closed_on_the_list_goes_when_its_turn_comes(void **state) {
  (void)state;
  world.cost_bytes = STOA_STREAM_SHARE_BYTES;
  add_many(3);
  send_each(3);
  for (unsigned i = 0; i < 3; i++) {
    world.members[i]->stream.conn.io.on_ready(&world.members[i]->stream.conn.io, EPOLLIN);
  }
  stoa_stream_drop(&world.members[1]->stream);
  stoa_stream_drop(&world.members[1]->stream);
  assert_false(world.members[1]->closed); /* or its memory would be on the list */
  turn();
  assert_true(world.members[1]->closed);
  assert_string_equal(trace(), "abcac");
}

static void drop_last(struct member *member) {
  (void)member;
  stoa_stream_drop(&world.members[2]->stream);
}

static void test_one_may_close_another_whose_turn_is_next(void **state) {
  (void)state;
  world.cost_bytes = STOA_STREAM_SHARE_BYTES;
  add_many(3);
  send_each(3);
  for (unsigned i = 0; i < 3; i++) {
    world.members[i]->stream.conn.io.on_ready(&world.members[i]->stream.conn.io, EPOLLIN);
  }
  assert_string_equal(trace(), "abc");
  world.act = drop_last;
  turn();
  assert_string_equal(trace(), "ab");
  assert_true(world.members[2]->closed);
}

/* Memory. */

static void test_without_memory_for_the_list_a_stream_goes_on(void **state) {
  (void)state;
  world.cost_bytes = STOA_STREAM_SHARE_BYTES;
  add_many(1);
  send_each(5);
  stoa_memory_fail_at(1, true);
  turn();
  stoa_memory_fail_at(0, false);
  assert_string_equal(trace(), "aaaaa");
  assert_int_equal(world.members[0]->stream.pauses, 0);
  assert_int_equal(world.members[0]->dooms, 0);
}

static void test_what_cannot_go_on_without_memory_is_ended(void **state) {
  (void)state;
  add_many(1);
  stoa_stream_pause(&world.members[0]->stream, STOA_PAUSE_PROGRAM);
  stoa_memory_fail_at(1, true);
  stoa_stream_resume(&world.members[0]->stream, STOA_PAUSE_PROGRAM);
  stoa_memory_fail_at(0, false);
  turn();
  assert_int_equal(world.members[0]->dooms, 1);
  assert_true(world.members[0]->closed);
}

static void pause_for_program(struct member *member) {
  stoa_stream_pause(&member->stream, STOA_PAUSE_PROGRAM);
}

static void test_input_that_has_to_wait_and_finds_no_memory_ends_the_stream(void **state) {
  (void)state;
  add_many(1);
  world.act = pause_for_program;
  send_each(5);
  stoa_memory_fail_at(1, true);
  turn();
  stoa_memory_fail_at(0, false);
  assert_int_equal(world.members[0]->input_ends, 1);
  assert_true(world.members[0]->closed);
}

/* Pauses. */

static void test_a_paused_stream_is_not_read_and_goes_on_where_it_stopped(void **state) {
  (void)state;
  static const uint8_t reasons[] = {STOA_PAUSE_ANSWER, STOA_PAUSE_CALLS, STOA_PAUSE_PROGRAM, STOA_PAUSE_ADMISSION};
  add_many(1);
  struct member *member = world.members[0];
  for (size_t i = 0; i < sizeof reasons; i++) {
    unsigned before = member->messages;
    stoa_stream_pause(&member->stream, reasons[i]);
    turn();
    send_each(4);
    turn();
    turn();
    assert_int_equal(member->messages, before);
    assert_true(stoa_stream_has_unread(&member->stream));
    stoa_stream_resume(&member->stream, reasons[i]);
    assert_int_equal(member->messages, before); /* never inside the call */
    assert_true(stoa_stream_has_unread(&member->stream));
    turn();
    assert_int_equal(member->messages, before + 4);
    assert_false(stoa_stream_has_unread(&member->stream));
  }
}

static void test_input_goes_on_when_the_last_reason_ends(void **state) {
  (void)state;
  add_many(1);
  struct stoa_stream *stream = &world.members[0]->stream;
  stoa_stream_pause(stream, STOA_PAUSE_PROGRAM);
  stoa_stream_pause(stream, STOA_PAUSE_CALLS);
  send_each(1);
  turn();
  stoa_stream_resume(stream, STOA_PAUSE_CALLS);
  stoa_stream_resume(stream, STOA_PAUSE_CALLS);
  turn();
  assert_int_equal(world.members[0]->messages, 0);
  stoa_stream_resume(stream, STOA_PAUSE_PROGRAM);
  turn();
  assert_int_equal(world.members[0]->messages, 1);
}

/* That reason ends by itself: when enough of what waited has left. */
static void test_input_waits_for_output_until_enough_of_it_has_left(void **state) {
  (void)state;
  static uint8_t bytes[4096];
  add_many(1);
  struct stoa_stream *stream = &world.members[0]->stream;
  while (!stream->blocked || stoa_stream_queued(stream) <= stoa_stream_pause_bytes(stream)) {
    assert_int_equal(stoa_stream_output_bytes(stream, bytes, sizeof bytes), STOA_OK);
    turn();
  }
  stoa_stream_pause(stream, STOA_PAUSE_OUTPUT);
  send_each(1);
  turn();
  turn();
  assert_int_equal(world.members[0]->messages, 0);
  while (recv(world.members[0]->peer, bytes, sizeof bytes, 0) > 0) {
    turn();
    bool waits = stoa_stream_queued(stream) > stoa_stream_pause_bytes(stream) / 2;
    assert_true(waits == ((stream->pauses & STOA_PAUSE_OUTPUT) != 0));
    assert_int_equal(world.members[0]->messages, waits ? 0 : 1);
  }
  assert_int_equal(world.members[0]->messages, 1);
}

static void test_a_paused_peer_that_has_gone_is_found_gone(void **state) {
  (void)state;
  add_many(1);
  struct member *member = world.members[0];
  stoa_stream_pause(&member->stream, STOA_PAUSE_PROGRAM);
  turn();
  shutdown(member->peer, SHUT_RDWR);
  close(member->peer);
  member->peer = -1;
  turn();
  turn();
  assert_int_equal(member->dooms, 1);
  assert_true(member->closed);
}

/* Any pieces and any pauses, from within and from without, give the same messages. */

static const uint8_t any_reason[] = {STOA_PAUSE_OUTPUT,  STOA_PAUSE_ANSWER,    STOA_PAUSE_CALLS,
                                     STOA_PAUSE_PROGRAM, STOA_PAUSE_ADMISSION, STOA_PAUSE_SHARE};

static void pause_at_random(struct member *member) {
  unsigned which = (unsigned)rand() % 12;
  if (which < 5) {
    stoa_stream_pause(&member->stream, any_reason[which]);
  } else if (which == 5) {
    stoa_stream_yield(&member->stream);
  }
  world.cost_bytes = rand() % 4 == 0 ? STOA_STREAM_SHARE_BYTES : (size_t)rand() % 20000;
  world.cost_ns = rand() % 8 == 0 ? STOA_STREAM_TURN_NS : (uint64_t)rand() % 200000;
}

static size_t make_messages(uint8_t *out, size_t size, unsigned *out_count, uint64_t *out_checksum) {
  size_t len = 0;
  *out_count = 0;
  *out_checksum = 0;
  while (len + 256 < size) {
    size_t body = rand() % 3 == 0 ? 0 : (size_t)rand() % 256;
    out[len] = (uint8_t)body;
    for (size_t i = 1; i <= body; i++) {
      out[len + i] = (uint8_t)rand();
    }
    len += 1 + body;
    ++*out_count;
  }
  for (size_t i = 0; i < len; i++) {
    *out_checksum = *out_checksum * 31 + out[i];
  }
  return len;
}

static void send_some(struct member *member, const uint8_t *data, size_t len, size_t *at) {
  size_t piece = rand() % 3 == 0 ? (size_t)rand() % 30000 : (size_t)rand() % 300;
  piece = piece < len - *at ? piece : len - *at;
  ssize_t sent = piece == 0 ? 0 : send(member->peer, data + *at, piece, MSG_NOSIGNAL);
  *at += sent > 0 ? (size_t)sent : 0;
}

static void test_nothing_is_lost_or_reordered_by_pauses(void **state) {
  static uint8_t data[2][60000];
  for (unsigned seed = 1; seed <= 60; seed++) {
    size_t len[2];
    size_t at[2] = {0, 0};
    unsigned count[2];
    uint64_t checksum[2];
    srand(seed);
    add_many(2);
    for (unsigned i = 0; i < 2; i++) {
      len[i] = make_messages(data[i], sizeof data[i] / (1 + seed % 5), &count[i], &checksum[i]);
    }
    world.act = pause_at_random;
    for (unsigned tries = 0; tries < 200000; tries++) {
      struct member *member = world.members[rand() % 2];
      send_some(member, data[member->name - 'a'], len[member->name - 'a'], &at[member->name - 'a']);
      if (rand() % 2 == 0) {
        turn();
      }
      /* The reasons of the host end of themselves; a share is never taken away by anybody else. */
      stoa_stream_resume(&member->stream, any_reason[rand() % 5]);
      assert_true(member->messages <= count[member->name - 'a']);
      if (world.members[0]->messages == count[0] && world.members[1]->messages == count[1]) {
        break;
      }
    }
    for (unsigned i = 0; i < 2; i++) {
      assert_int_equal(world.members[i]->messages, count[i]);
      assert_true(world.members[i]->checksum == checksum[i]);
    }
    end(state);
    begin(state);
  }
}

/* TLS. */

static struct tls_ends tls;

static int open_tls(void **state) {
  (void)state;
  tls_ends_open(&tls, "stream");
  return 0;
}

static int close_tls(void **state) {
  (void)state;
  tls_ends_close(&tls);
  return 0;
}

static bool has_answer(const struct member *member) {
  uint8_t byte;
  return recv(member->peer, &byte, 1, MSG_PEEK) == 1;
}

/* A handshake costs about a millisecond: many newcomers must not stand in front of those who are in. */
static void test_a_tls_handshake_takes_its_turn_on_the_list(void **state) {
  (void)state;
  struct member *member = add(tls.server);
  SSL *ssl = tls_ends_client(&tls, member->peer);
  assert_int_equal(SSL_do_handshake(ssl), -1); /* sends its hello */
  member->stream.conn.io.on_ready(&member->stream.conn.io, EPOLLIN);
  assert_true(member->stream.listed);
  assert_false(has_answer(member));
  turn();
  assert_true(has_answer(member));
  for (unsigned i = 0; i < 10 && member->messages < 2; i++) {
    SSL_do_handshake(ssl);
    if (SSL_is_init_finished(ssl) && i == 5) {
      assert_int_equal(SSL_write(ssl, "\0\0", 2), 2);
    }
    turn();
  }
  assert_int_equal(member->messages, 2);
  assert_false(member->stream.handshaking);
  /* Once it is agreed there is no need for that any more. */
  assert_int_equal(SSL_write(ssl, "\0", 1), 1);
  member->stream.conn.io.on_ready(&member->stream.conn.io, EPOLLIN);
  assert_int_equal(member->messages, 3);
  SSL_free(ssl);
}

/* Decrypted bytes wait inside, where epoll does not see them. */
static void test_what_tls_has_decrypted_is_not_forgotten_by_a_pause(void **state) {
  (void)state;
  static const uint8_t zeros[3000];
  struct member *member = add(tls.server);
  SSL *ssl = tls_ends_client(&tls, member->peer);
  while (SSL_do_handshake(ssl) != 1) {
    turn();
  }
  world.act = pause_for_program;
  assert_int_equal(SSL_write(ssl, zeros, sizeof zeros), sizeof zeros);
  for (unsigned i = 1; i <= sizeof zeros; i++) {
    turn();
    assert_int_equal(member->messages, i);
    stoa_stream_resume(&member->stream, STOA_PAUSE_PROGRAM);
  }
  SSL_free(ssl);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_stream_that_used_its_bytes_goes_to_the_end_of_the_list),
      TEST(test_a_stream_that_used_its_time_goes_to_the_end_of_the_list),
      TEST(test_a_stream_that_used_its_messages_goes_to_the_end_of_the_list),
      TEST(test_from_a_time_of_the_turn_on_input_waits_on_the_list),
      TEST(test_one_that_waits_for_its_share_is_not_read),
      TEST(test_what_the_list_had_no_time_for_is_not_forgotten),
      TEST(test_a_stream_that_asks_for_a_share_gets_one_after_the_others),
      TEST(test_one_that_is_closed_on_the_list_goes_when_its_turn_comes),
      TEST(test_one_may_close_another_whose_turn_is_next),
      TEST(test_without_memory_for_the_list_a_stream_goes_on),
      TEST(test_what_cannot_go_on_without_memory_is_ended),
      TEST(test_input_that_has_to_wait_and_finds_no_memory_ends_the_stream),
      TEST(test_a_paused_stream_is_not_read_and_goes_on_where_it_stopped),
      TEST(test_input_goes_on_when_the_last_reason_ends),
      TEST(test_input_waits_for_output_until_enough_of_it_has_left),
      TEST(test_a_paused_peer_that_has_gone_is_found_gone),
      TEST(test_nothing_is_lost_or_reordered_by_pauses),
      TEST(test_a_tls_handshake_takes_its_turn_on_the_list),
      TEST(test_what_tls_has_decrypted_is_not_forgotten_by_a_pause),
  };
  return cmocka_run_group_tests_name("streams", tests, open_tls, close_tls);
}
