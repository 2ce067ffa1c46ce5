#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "net/queue.h"

static int64_t blocks_before;
static int pair[2];
static struct stoa_conn conn;
static struct stoa_loop *loop;

static void on_ready(struct stoa_io *io, uint32_t events) {
  (void)io;
  (void)events;
}

static int begin(void **state) {
  (void)state;
  blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_loop_create(&stoa_clock_system, &loop), STOA_OK);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  assert_int_equal(stoa_conn_init(&conn, pair[0], NULL, on_ready), STOA_OK);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_conn_close(&conn, loop);
  stoa_conn_close(&conn, loop);
  close(pair[1]);
  stoa_loop_destroy(loop);
  assert_int_equal(stoa_memory_live_blocks(), blocks_before);
  return 0;
}

/* Only the first `send_max` bytes of a write are taken, until `send_left` are used up. */
static size_t send_max, send_left;

static ssize_t short_sendmsg(int fd, const struct msghdr *message, int flags) {
  size_t room = send_max < send_left ? send_max : send_left;
  if (room == 0) {
    errno = EAGAIN;
    return -1;
  }
  struct iovec pieces[64];
  struct msghdr shorter = {.msg_iov = pieces};
  assert_true(message->msg_iovlen <= 64);
  for (size_t i = 0; i < message->msg_iovlen && room > 0; i++) {
    pieces[i] = message->msg_iov[i];
    pieces[i].iov_len = pieces[i].iov_len < room ? pieces[i].iov_len : room;
    room -= pieces[i].iov_len;
    shorter.msg_iovlen = i + 1;
  }
  ssize_t sent = sendmsg(fd, &shorter, flags);
  send_left -= (size_t)sent;
  return sent;
}

static ssize_t short_send(int fd, const void *data, size_t len, int flags) {
  struct iovec piece = {(void *)(uintptr_t)data, len};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  return short_sendmsg(fd, &message, flags);
}

static void allow(size_t max, size_t left) {
  send_max = max;
  send_left = left;
  stoa_sys.send = short_send;
  stoa_sys.sendmsg = short_sendmsg;
}

static size_t put_frame(uint8_t *out, size_t len, char fill) {
  size_t head = 2;
  out[0] = 0x82;
  out[1] = (uint8_t)len;
  if (len > 65535) {
    out[1] = 127;
    for (int i = 0; i < 8; i++) {
      out[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
    }
    head = 10;
  } else if (len > 125) {
    out[1] = 126;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    head = 4;
  }
  memset(out + head, fill, len);
  return head + len;
}

static struct stoa_batch *batch_of(const void *data, size_t len) {
  struct stoa_batch *batch = stoa_batch_create(1 << 20);
  assert_non_null(batch);
  assert_int_equal(stoa_buffer_append(&batch->bytes, data, len), STOA_OK);
  return batch;
}

static void share(struct stoa_queue *queue, const void *data, size_t len) {
  struct stoa_batch *batch = batch_of(data, len);
  assert_int_equal(stoa_queue_share(queue, batch, 0, len), STOA_OK);
  stoa_batch_unref(batch);
}

static void own(struct stoa_queue *queue, const void *data, size_t len) {
  struct stoa_batch *batch = stoa_queue_own_begin(queue);
  assert_non_null(batch);
  assert_int_equal(stoa_buffer_append(&batch->bytes, data, len), STOA_OK);
  stoa_queue_own_end(queue);
}

static size_t receive(uint8_t *out, size_t size) {
  size_t len = 0;
  ssize_t got;
  while (len < size && (got = recv(pair[1], out + len, size - len, 0)) > 0) {
    len += (size_t)got;
  }
  return len;
}

static void test_writes_cut_short_at_every_byte_lose_nothing(void **state) {
  (void)state;
  static const char text[] = "one two three four five six";
  const size_t len = sizeof text - 1;
  for (size_t max = 1; max <= len; max++) {
    for (size_t first = 0; first <= len; first++) {
      uint8_t got[64];
      struct stoa_queue *queue = stoa_queue_create(NULL);
      assert_non_null(queue);
      own(queue, text, 8);
      share(queue, text + 8, 6);
      own(queue, text + 14, 5);
      own(queue, text + 19, len - 19);
      assert_int_equal(queue->bytes, len);
      allow(max, first);
      assert_int_equal(stoa_queue_flush(queue, &conn), first == len ? STOA_OK : STOA_E_AGAIN);
      assert_int_equal(queue->bytes, len - first);
      allow(max, SIZE_MAX);
      assert_int_equal(stoa_queue_flush(queue, &conn), STOA_OK);
      assert_int_equal(receive(got, sizeof got), len);
      assert_memory_equal(got, text, len);
      assert_int_equal(queue->count, 0);
      stoa_queue_destroy(queue);
    }
  }
}

static void test_more_pieces_than_one_call_takes_arrive_in_order(void **state) {
  (void)state;
  struct stoa_queue *queue = stoa_queue_create(NULL);
  uint8_t got[4096];
  for (unsigned i = 0; i < 1000; i++) {
    uint16_t number = (uint16_t)i;
    share(queue, &number, 2);
  }
  allow(37, SIZE_MAX);
  assert_int_equal(stoa_queue_flush(queue, &conn), STOA_OK);
  assert_int_equal(receive(got, sizeof got), 2000);
  for (unsigned i = 0; i < 1000; i++) {
    uint16_t number;
    memcpy(&number, got + 2 * (size_t)i, 2);
    assert_int_equal(number, i);
  }
  stoa_queue_destroy(queue);
}

/* Whatever has been sent, what is left after a cut ends at a frame's edge. */
static void test_a_cut_leaves_whole_frames_wherever_sending_stopped(void **state) {
  (void)state;
  static const size_t lens[] = {0, 1, 125, 126, 300, 65535, 65536, 3};
  static uint8_t frames[140000];
  static uint8_t got[140000];
  size_t edges[9] = {0};
  size_t total = 0;
  for (size_t i = 0; i < 8; i++) {
    total += put_frame(frames + total, lens[i], (char)('a' + i));
    edges[i + 1] = total;
  }
  for (size_t sent = 0; sent <= total; sent += sent < 1000 || total - sent < 100 ? 1 : 97) {
    struct stoa_queue *queue = stoa_queue_create(NULL);
    share(queue, frames, total);
    share(queue, frames, edges[1]);
    own(queue, frames, edges[2]);
    queue->segments[queue->first].sent = sent;
    queue->bytes -= sent;
    size_t edge = 0;
    for (size_t i = 0; edge < sent; i++) {
      edge = edges[i];
    }
    stoa_queue_cut(queue, 0);
    assert_int_equal(queue->bytes, edge - sent);
    own(queue, "\x88\x00", 2);
    assert_int_equal(stoa_queue_flush(queue, &conn), STOA_OK);
    assert_int_equal(receive(got, sizeof got), edge - sent + 2);
    assert_memory_equal(got, frames + sent, edge - sent);
    assert_memory_equal(got + edge - sent, "\x88\x00", 2);
    stoa_queue_destroy(queue);
  }
}

static void test_a_cut_keeps_what_a_record_already_promises(void **state) {
  (void)state;
  uint8_t frames[64];
  size_t first = put_frame(frames, 10, 'a');
  size_t total = first + put_frame(frames + first, 20, 'b');
  for (size_t promised = 0; promised <= total; promised++) {
    struct stoa_queue *queue = stoa_queue_create(NULL);
    share(queue, frames, total);
    stoa_queue_cut(queue, promised);
    assert_int_equal(queue->bytes, promised == 0 ? 0 : promised <= first ? first : total);
    stoa_queue_destroy(queue);
  }
}

static void test_a_cut_keeps_promised_frames_of_several_batches(void **state) {
  (void)state;
  uint8_t frames[64];
  size_t first = put_frame(frames, 10, 'a');
  size_t second = put_frame(frames + first, 20, 'b');
  size_t total = first + second;
  for (size_t promised = 0; promised <= total + first; promised++) {
    struct stoa_queue *queue = stoa_queue_create(NULL);
    share(queue, frames, total);
    own(queue, frames, first);
    stoa_queue_cut(queue, promised);
    size_t kept = promised == 0 ? 0 : promised <= first ? first : promised <= total ? total : total + first;
    assert_int_equal(queue->bytes, kept);
    stoa_queue_destroy(queue);
  }
}

static void test_a_cut_after_the_answer_to_an_upgrade_keeps_promised_frames(void **state) {
  (void)state;
  uint8_t frames[64];
  size_t first = put_frame(frames, 10, 'a');
  size_t total = first + put_frame(frames + first, 20, 'b');
  for (size_t promised = 0; promised <= 6 + total; promised++) {
    struct stoa_queue *queue = stoa_queue_create(NULL);
    own(queue, "answer", 6);
    stoa_queue_seal(queue);
    own(queue, frames, total);
    stoa_queue_cut(queue, promised);
    assert_int_equal(queue->bytes, 6 + (promised <= 6 ? 0 : promised <= 6 + first ? first : total));
    stoa_queue_destroy(queue);
  }
}

static void test_a_cut_never_touches_the_answer_to_an_upgrade(void **state) {
  (void)state;
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  const size_t answer_len = sizeof answer - 1;
  uint8_t frame[64];
  uint8_t got[256];
  size_t len = put_frame(frame, 40, 'x');
  for (size_t sent = 0; sent <= answer_len + len; sent++) {
    struct stoa_queue *queue = stoa_queue_create(NULL);
    own(queue, answer, answer_len);
    stoa_queue_seal(queue);
    own(queue, frame, len);
    own(queue, frame, len);
    allow(SIZE_MAX, sent);
    stoa_queue_flush(queue, &conn);
    size_t before = receive(got, sizeof got);
    assert_int_equal(before, sent);
    stoa_queue_cut(queue, 0);
    own(queue, "\x88\x00", 2);
    allow(SIZE_MAX, SIZE_MAX);
    assert_int_equal(stoa_queue_flush(queue, &conn), STOA_OK);
    size_t all = before + receive(got + before, sizeof got - before);
    size_t kept = sent <= answer_len ? answer_len : answer_len + len;
    assert_int_equal(all, kept + 2);
    assert_memory_equal(got, answer, answer_len);
    assert_memory_equal(got + kept, "\x88\x00", 2);
    stoa_queue_destroy(queue);
  }
  stoa_queue_seal(NULL);
  stoa_queue_cut(NULL, 0);
}

static void test_a_queue_that_is_never_empty_does_not_grow(void **state) {
  (void)state;
  struct stoa_queue *queue = stoa_queue_create(NULL);
  static uint8_t chunk[4096];
  static uint8_t waste[65536];
  own(queue, chunk, sizeof chunk);
  for (unsigned i = 0; i < 4000; i++) { /* 16 MiB through a queue of at most 8 KiB */
    own(queue, chunk, sizeof chunk);
    allow(SIZE_MAX, sizeof chunk);
    assert_int_equal(stoa_queue_flush(queue, &conn), STOA_E_AGAIN);
    receive(waste, sizeof waste);
    size_t held = 0;
    for (uint32_t k = 0; k < queue->count; k++) {
      held += queue->segments[queue->first + k].batch->bytes.cap;
    }
    assert_true(held <= 512u * 1024);
  }
  stoa_queue_destroy(queue);
}

static void test_an_empty_append_leaves_no_piece(void **state) {
  (void)state;
  struct stoa_queue *queue = stoa_queue_create(NULL);
  assert_non_null(stoa_queue_own_begin(queue));
  stoa_queue_own_end(queue);
  assert_int_equal(queue->count, 0);
  assert_int_equal(stoa_queue_flush(queue, &conn), STOA_OK);
  stoa_queue_cut(queue, 0);
  stoa_queue_destroy(queue);
}

static void test_without_memory_a_queue_is_unchanged(void **state) {
  (void)state;
  struct stoa_batch *batch = batch_of("abc", 3);
  struct stoa_queue *queue = stoa_queue_create(NULL);
  stoa_memory_fail_at(1, false);
  assert_null(stoa_queue_create(NULL));
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_queue_share(queue, batch, 0, 3), STOA_E_MEMORY);
  for (unsigned n = 1; n <= 3; n++) {
    struct stoa_queue *fresh = stoa_queue_create(NULL);
    stoa_memory_fail_at(n, false);
    assert_null(stoa_queue_own_begin(fresh));
    assert_int_equal(stoa_memory_fault_hits(), 1);
    stoa_memory_fail_at(0, false);
    assert_int_equal(fresh->count, 0);
    stoa_queue_destroy(fresh);
  }
  stoa_memory_fail_at(1, false);
  assert_null(stoa_batch_create(10));
  stoa_memory_fail_at(0, false);
  assert_int_equal(queue->count, 0);
  assert_true(stoa_batch_sole(batch));
  stoa_queue_destroy(queue);
  stoa_queue_destroy(NULL);
  stoa_batch_unref(batch);
  stoa_batch_unref(NULL);
}

static ssize_t interrupted(int fd, void *data, size_t len, int flags) {
  (void)fd;
  (void)data;
  (void)len;
  (void)flags;
  errno = EINTR;
  return -1;
}

static void test_a_connection_tells_waiting_from_closed_and_broken(void **state) {
  (void)state;
  char got[8];
  size_t len = 99;
  struct iovec piece = {got, 1};
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_AGAIN);
  stoa_sys.recv = interrupted;
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_AGAIN);
  stoa_sys = stoa_sys_real;
  assert_int_equal(len, 99);
  assert_int_equal(send(pair[1], "hey", 3, 0), 3);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_OK);
  assert_int_equal(len, 3);
  assert_false(stoa_conn_pending(&conn));
  assert_int_equal(stoa_conn_promised(&conn), 0);
  assert_int_equal(stoa_conn_events(&conn, true, false), EPOLLIN);
  assert_int_equal(stoa_conn_events(&conn, false, true), EPOLLOUT);
  shutdown(pair[1], SHUT_WR);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_CLOSED);
  assert_int_equal(stoa_conn_write(&conn, &piece, 1, &len), STOA_OK); /* it still reads */
  stoa_conn_shutdown(&conn);
  assert_int_equal(stoa_conn_write(&conn, &piece, 1, &len), STOA_E_SYSTEM);
}

static void test_input_that_waits_is_seen_and_left_where_it_is(void **state) {
  (void)state;
  char byte;
  size_t len;
  assert_false(stoa_conn_has_input(&conn));
  assert_int_equal(send(pair[1], "x", 1, 0), 1);
  assert_true(stoa_conn_has_input(&conn));
  assert_true(stoa_conn_has_input(&conn));
  assert_int_equal(stoa_conn_read(&conn, &byte, 1, &len), STOA_OK);
  assert_false(stoa_conn_has_input(&conn));
  shutdown(pair[1], SHUT_WR);
  assert_true(stoa_conn_has_input(&conn)); /* the end is something to read too */
}

static int connect_over_loopback(int *out_accepted) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
  *out_accepted = accept(listener, NULL, NULL);
  assert_true(*out_accepted >= 0);
  close(listener);
  return fd;
}

static void test_acknowledged_bytes_are_known_for_tcp_only(void **state) {
  (void)state;
  char data[1000] = {0};
  int far;
  assert_int_equal(stoa_conn_acked_bytes(&conn), 0);
  struct stoa_conn tcp;
  assert_int_equal(stoa_conn_init(&tcp, connect_over_loopback(&far), NULL, on_ready), STOA_OK);
  uint64_t before = stoa_conn_acked_bytes(&tcp);
  assert_int_equal(send(tcp.io.fd, data, sizeof data, 0), sizeof data);
  /* Its machine acknowledges; whether anybody reads is another matter. */
  struct timespec begin_time;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &begin_time);
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (stoa_conn_acked_bytes(&tcp) < before + sizeof data && now.tv_sec - begin_time.tv_sec < 60);
  assert_int_equal(stoa_conn_acked_bytes(&tcp), before + sizeof data);
  close(far);
  close(tcp.io.fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_writes_cut_short_at_every_byte_lose_nothing),
      TEST(test_more_pieces_than_one_call_takes_arrive_in_order),
      TEST(test_a_cut_leaves_whole_frames_wherever_sending_stopped),
      TEST(test_a_cut_keeps_what_a_record_already_promises),
      TEST(test_a_cut_keeps_promised_frames_of_several_batches),
      TEST(test_a_cut_after_the_answer_to_an_upgrade_keeps_promised_frames),
      TEST(test_a_cut_never_touches_the_answer_to_an_upgrade),
      TEST(test_a_queue_that_is_never_empty_does_not_grow),
      TEST(test_an_empty_append_leaves_no_piece),
      TEST(test_without_memory_a_queue_is_unchanged),
      TEST(test_input_that_waits_is_seen_and_left_where_it_is),
      TEST(test_acknowledged_bytes_are_known_for_tcp_only),
      TEST(test_a_connection_tells_waiting_from_closed_and_broken),
  };
  return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
