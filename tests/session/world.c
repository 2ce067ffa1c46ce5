#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/sys.h"
#include "world.h"

struct world world;

static void on_request(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data) {
  world.requests++;
  struct stoa_string upgrade = stoa_http_field(head, data, "upgrade", NULL);
  struct stoa_buffer *out = stoa_session_output_begin(session);
  if (out == NULL) {
    return; /* without memory; it is being dropped for that */
  }
  const char *answer = upgrade.data != NULL ? "HTTP/1.1 101 x\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  bool written = stoa_buffer_append(out, answer, strlen(answer)) == STOA_OK;
  stoa_session_output_end(session);
  if (!written) {
    session->broken = true;
  } else if (upgrade.data != NULL) {
    stoa_session_upgraded(session, world.use_deflate ? &world.deflate : NULL);
  } else {
    stoa_session_answered(session, !session->keep_alive);
  }
}

static void note(struct stoa_bytes message) {
  size_t at = strlen(world.heard);
  if (message.len <= 64 && at + message.len + 2 < sizeof world.heard) {
    memcpy(world.heard + at, message.data, message.len);
    world.heard[at + message.len] = '|';
  } else if (at + 32 < sizeof world.heard) {
    snprintf(world.heard + at, sizeof world.heard - at, "%zu|", message.len);
  }
  world.heard_bytes += message.len;
}

static void on_message(struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  world.messages++;
  if (world.close_on_message) {
    stoa_session_close(session, 4000, "closed by the handler");
  }
  /* The bytes must still be there after the close. */
  note(message);
  for (size_t i = 0; i < world.echo_times; i++) {
    int ignored = stoa_session_output_message(session, is_text ? STOA_WS_TEXT : STOA_WS_BINARY, message);
    (void)ignored;
  }
  size_t queued = stoa_session_queued(session);
  world.memory_max = queued > world.memory_max ? queued : world.memory_max;
}

static void on_deadline_change(struct stoa_session *session, uint64_t due_ms) {
  (void)session;
  world.due_ms = due_ms;
}

static void on_closing(struct stoa_session *session) {
  (void)session;
  world.closings++;
}

static void on_ping(struct stoa_session *session) {
  (void)session;
  world.pings++;
}

static void on_end(struct stoa_session *session) {
  world.close_code = session->close_code;
  snprintf(world.close_reason, sizeof world.close_reason, "%s",
           session->close_reason == NULL ? "" : session->close_reason);
  world.ended = true;
  world.session = NULL;
}

static void on_turn_end(void *context) {
  (void)context;
  stoa_turn_end(&world.host.turn);
}

void world_turn(void) {
  stoa_loop_turn(world.host.loop, 0);
}

void world_turns(int count) {
  for (int i = 0; i < count; i++) {
    world_turn();
  }
}

/* Let time pass and act on what came due, as a worker's sweep does. */
void world_pass_ms(uint64_t ms) {
  world.time.monotonic_ns += ms * 1000000;
  world_turn();
  if (world.session != NULL) {
    world.due_ms = stoa_session_on_deadline(world.session, stoa_loop_now_ms(world.host.loop));
  }
  world_turn();
}

/* The same tests stand for both ways to send. */
static void use_ring(void) {
  const char *io_uring = getenv("STOA_TEST_IO_URING");
  struct stoa_send_ring *ring;
  if ((io_uring == NULL || strcmp(io_uring, "off") != 0) && stoa_send_ring_probe() == STOA_OK) {
    assert_int_equal(stoa_send_ring_create(&ring), STOA_OK);
    assert_int_equal(stoa_turn_use_ring(&world.host.turn, ring), STOA_OK);
    stoa_turn_begin_thread(&world.host.turn);
    assert_non_null(world.host.turn.ring);
  }
}

int world_begin(void **state) {
  (void)state;
  memset(&world, 0, sizeof world);
  world.blocks_before = stoa_memory_live_blocks();
  world.clock = stoa_clock_fake_init(&world.time);
  /* Just before the low 32 bits of the time go round. */
  world.time.monotonic_ns = (UINT32_MAX - 3000ull) * 1000000;
  world.limits = (struct stoa_session_limits){.http = {16384, 8192, 100},
                                              .message_bytes_max = MESSAGE_BYTES_MAX,
                                              .queue_bytes_max = QUEUE_BYTES_MAX,
                                              .handshake_ms = 10000,
                                              .message_ms = 60000,
                                              .ping_ms = 25000,
                                              .pong_ms = 10000};
  world.host = (struct stoa_session_host){.limits = &world.limits,
                                          .on_request = on_request,
                                          .on_message = on_message,
                                          .on_deadline_change = on_deadline_change,
                                          .on_closing = on_closing,
                                          .on_ping = on_ping,
                                          .on_end = on_end};
  world.host.scratch = stoa_alloc(STOA_SESSION_SCRATCH_BYTES);
  assert_int_equal(stoa_loop_create(&world.clock, &world.host.loop), STOA_OK);
  stoa_loop_on_turn_end(world.host.loop, on_turn_end, NULL);
  use_ring();
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  world.peer = pair[1];
  struct stoa_peer peer = {{0}};
  return stoa_session_open(&world.host, pair[0], &peer, NULL, &world.session);
}

int world_end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_memory_fail_at(0, false);
  if (world.session != NULL) {
    stoa_session_drop(world.session, STOA_WS_CLOSE_GOING_AWAY, "");
    world_turn();
  }
  close(world.peer);
  stoa_loop_destroy(world.host.loop);
  stoa_turn_fini(&world.host.turn);
  stoa_inflater_destroy(world.host.spare_inflater);
  for (size_t i = 0; i < 7; i++) {
    stoa_deflater_destroy(world.host.deflaters[i]);
  }
  stoa_free(world.host.scratch);
  assert_int_equal(stoa_memory_live_blocks(), world.blocks_before);
  return 0;
}

void world_send_bytes(const void *data, size_t len) {
  assert_int_equal(send(world.peer, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

size_t world_receive(uint8_t *out, size_t size) {
  size_t len = 0;
  ssize_t got;
  while (len < size && (got = recv(world.peer, out + len, size - len, 0)) > 0) {
    len += (size_t)got;
  }
  return len;
}

bool world_peer_sees_end(void) {
  uint8_t byte;
  return recv(world.peer, &byte, 1, 0) == 0;
}

size_t world_frame(uint8_t *out, int first, const void *data, size_t len) {
  static const uint8_t mask[4] = {1, 2, 3, 4};
  size_t at = 2;
  out[0] = (uint8_t)first;
  if (len < 126) {
    out[1] = (uint8_t)(0x80 | len);
  } else {
    out[1] = 0x80 | 126;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    at = 4;
  }
  memcpy(out + at, mask, 4);
  for (size_t i = 0; i < len; i++) {
    out[at + 4 + i] = ((const uint8_t *)data)[i] ^ mask[i % 4];
  }
  return at + 4 + len;
}

void world_send_frame(int first, const void *data, size_t len) {
  static uint8_t frame[70000];
  world_send_bytes(frame, world_frame(frame, first, data, len));
}

const char world_upgrade_head[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n";

void world_upgrade(void) {
  char answer[64] = {0};
  world_send_bytes(world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  world_turn();
  world_receive((uint8_t *)answer, sizeof answer - 1);
  assert_string_equal(answer, "HTTP/1.1 101 x\r\n\r\n");
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
}

void world_expect_bytes(const void *expected, size_t len) {
  uint8_t got[512];
  assert_int_equal(world_receive(got, sizeof got), len);
  assert_memory_equal(got, expected, len);
}

/* The close frame, then the end of the line; the session is gone when the peer has gone. */
void world_expect_close(uint16_t code, const char *reason) {
  uint8_t expected[127];
  size_t len = stoa_ws_close_write(expected, code, reason);
  world_expect_bytes(expected, len);
  assert_true(world_peer_sees_end());
  assert_int_equal(world.closings, 1);
  shutdown(world.peer, SHUT_WR);
  world_turns(2);
  assert_true(world.ended);
  assert_int_equal(world.close_code, code);
}

size_t world_deflate_raw(const void *data, size_t len, uint8_t *out, size_t size) {
  z_stream stream = {0};
  assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = (Bytef *)(uintptr_t)data;
  stream.avail_in = (uInt)len;
  stream.next_out = out;
  stream.avail_out = (uInt)size;
  assert_int_equal(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
  size_t made = size - stream.avail_out - 4;
  deflateEnd(&stream);
  return made;
}

void world_use_deflate(void) {
  world.use_deflate = true;
  world.deflate = (struct stoa_ws_deflate){true, true, 15, false, 15, false};
  world_upgrade();
}
