#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "world.h"

struct world world;

static void on_request(struct stoa_stream *stream, const struct stoa_http_head *head, int code, const uint8_t *data) {
  world.requests++;
  if (code != 200) {
    stoa_http_refuse(stream, &(struct stoa_http_refusal){.code = code});
    return;
  }
  if (world.answer != NULL) {
    world.answer(stream, head, data);
    return;
  }
  struct stoa_string upgrade = stoa_http_field(head, data, "upgrade", NULL);
  const char *answer = upgrade.data != NULL ? "HTTP/1.1 101 x\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  if (stoa_stream_output_bytes(stream, answer, strlen(answer)) != STOA_OK) {
    return; /* without memory; it is being dropped for that */
  }
  if (upgrade.data != NULL) {
    assert_int_equal(
        stoa_session_begin(stoa_session_of(stream), &world.host, world.use_deflate ? &world.deflate : NULL), STOA_OK);
  } else {
    stoa_http_answered(stream, head->keep_alive);
  }
  if (world.act != NULL) {
    world.act(stream);
  }
}

static void note(struct stoa_bytes message) {
  size_t at = strlen(world.heard);
  if (message.len <= 64 && at + message.len + 2 < sizeof world.heard) {
    memcpy(world.heard + at, message.len == 0 ? (const uint8_t *)"" : message.data, message.len);
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
  if (world.act != NULL) {
    world.act(&session->stream);
  }
  size_t queued = stoa_stream_queued(&session->stream);
  world.memory_max = queued > world.memory_max ? queued : world.memory_max;
}

static void on_deadline_change(struct stoa_stream *stream, uint64_t due_ms) {
  (void)stream;
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

static void on_drained(struct stoa_session *session) {
  world.drained++;
  if (world.drain != NULL) {
    world.drain(session);
  }
}

static void forget(struct stoa_session *session) {
  world.ended = true;
  world.session = NULL;
  stoa_free(session->close_reason);
  stoa_free(session);
}

static void on_end(struct stoa_session *session) {
  world.close_code = session->close_code;
  snprintf(world.close_reason, sizeof world.close_reason, "%s",
           session->close_reason == NULL ? "" : session->close_reason);
  forget(session);
}

static void release_http(struct stoa_deferred *deferred) {
  struct stoa_session *session = stoa_container_of(deferred, struct stoa_session, release);
  world.close_code = STOA_WS_CLOSE_ABNORMAL;
  stoa_stream_fini(&session->stream);
  forget(session);
}

static void on_http_end(struct stoa_stream *stream) {
  struct stoa_session *session = stoa_session_of(stream);
  session->release.run = release_http;
  stoa_loop_defer(world.streams.loop, &session->release);
}

static void on_turn_end(void *context) {
  (void)context;
  stoa_stream_host_run_ready(&world.streams);
  stoa_turn_end(&world.streams.turn);
}

void world_turn(void) {
  stoa_loop_turn(world.streams.loop, 0);
}

void world_turns(int count) {
  for (int i = 0; i < count; i++) {
    world_turn();
  }
}

/* Let time pass and act on what came due, as a worker's sweep does. */
void world_advance_ms(uint64_t ms) {
  world.time.monotonic_ns += ms * 1000000;
  world_turn();
  if (world.session != NULL) {
    uint64_t now_ms = stoa_loop_now_ms(world.streams.loop);
    world.due_ms = world.session->state == STOA_SESSION_NONE ? stoa_http_on_deadline(&world.session->stream, now_ms)
                                                             : stoa_session_on_deadline(world.session, now_ms);
  }
  world_turn();
}

/* The same tests stand for both ways to send. */
static void use_ring(void) {
  const char *io_uring = getenv("STOA_TEST_IO_URING");
  struct stoa_send_ring *ring;
  if ((io_uring == NULL || strcmp(io_uring, "off") != 0) && stoa_send_ring_probe() == STOA_OK) {
    assert_int_equal(stoa_send_ring_create(&ring), STOA_OK);
    assert_int_equal(stoa_turn_use_ring(&world.streams.turn, ring), STOA_OK);
    stoa_turn_begin_thread(&world.streams.turn);
    assert_non_null(world.streams.turn.ring);
  }
}

int world_open(int fd, struct stoa_tls_context *tls_context) {
  struct stoa_session *session = stoa_calloc(1, sizeof *session);
  if (session == NULL) {
    stoa_sys.close(fd);
    return STOA_E_MEMORY;
  }
  int status = stoa_stream_open(&session->stream, &world.http.protocol, fd, tls_context);
  if (status == STOA_OK) {
    world.session = session;
  } else {
    stoa_free(session);
  }
  return status;
}

void world_use_tcp(int peer_bytes) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  stoa_stream_drop(&world.session->stream);
  while (world.session != NULL) {
    world_turn();
  }
  close(world.peer);
  world.ended = false;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  world.peer = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(setsockopt(world.peer, SOL_SOCKET, SO_RCVBUF, &peer_bytes, sizeof peer_bytes), 0);
  assert_int_equal(connect(world.peer, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(fcntl(world.peer, F_SETFL, O_NONBLOCK), 0);
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  assert_true(fd >= 0);
  close(listener);
  assert_int_equal(world_open(fd, NULL), STOA_OK);
}

int world_begin(void **state) {
  (void)state;
  memset(&world, 0, sizeof world);
  world.blocks_before = stoa_memory_live_blocks();
  world.clock = stoa_clock_fake_init(&world.time);
  /* Just before the low 32 bits of the time go round. */
  world.time.monotonic_ns = (UINT32_MAX - 3000ull) * 1000000;
  world.http_limits = (struct stoa_http_limits){16384, 8192, 100};
  world.limits = (struct stoa_session_limits){
      .message_bytes_max = MESSAGE_BYTES_MAX, .message_ms = 60000, .ping_ms = 25000, .pong_ms = 10000};
  world.streams = (struct stoa_stream_host){.queue_bytes_max = QUEUE_BYTES_MAX,
                                            .on_deadline_change = on_deadline_change,
                                            .scratch = stoa_alloc(STOA_STREAM_SCRATCH_BYTES)};
  world.http = (struct stoa_http_host){.protocol.host = &world.streams,
                                       .limits = &world.http_limits,
                                       .request_ms = 10000,
                                       .on_request = on_request,
                                       .on_end = on_http_end};
  world.host = (struct stoa_session_host){.protocol.host = &world.streams,
                                          .limits = &world.limits,
                                          .on_message = on_message,
                                          .on_closing = on_closing,
                                          .on_ping = on_ping,
                                          .on_drained = on_drained,
                                          .on_end = on_end};
  assert_int_equal(stoa_loop_create(&world.clock, &world.streams.loop), STOA_OK);
  stoa_stream_host_init(&world.streams);
  stoa_http_host_init(&world.http);
  stoa_session_host_init(&world.host);
  stoa_loop_on_turn_end(world.streams.loop, on_turn_end, NULL);
  use_ring();
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  world.peer = pair[1];
  return world_open(pair[0], NULL);
}

int world_end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_memory_fail_at(0, false);
  if (world.session != NULL && world.session->state == STOA_SESSION_NONE) {
    stoa_stream_drop(&world.session->stream);
  } else if (world.session != NULL) {
    stoa_session_drop(world.session, STOA_WS_CLOSE_GOING_AWAY, "");
  }
  for (int i = 0; i < 10 && world.session != NULL; i++) {
    world_turn();
  }
  close(world.peer);
  stoa_loop_destroy(world.streams.loop);
  stoa_session_host_fini(&world.host);
  stoa_stream_host_fini(&world.streams);
  stoa_free(world.streams.scratch);
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

void world_expect_close(uint16_t code, const char *reason) {
  uint8_t expected[127];
  size_t len = stoa_ws_close_write(expected, code, reason);
  world_expect_bytes(expected, len);
  if (world.session->state == STOA_SESSION_CLOSING) {
    world_send_frame(0x88, "", 0);
    world_turns(2);
  }
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
