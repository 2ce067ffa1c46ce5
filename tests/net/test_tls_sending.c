/* How records of TLS 1.3 leave: whole flights, short writes, and no number twice. */
#include "net/tls_private.h"
#include "tls_pair.h"

static ssize_t send_short(int fd, const void *data, size_t len, int flags) {
  if (pair.is_full) {
    errno = EAGAIN;
    return -1;
  }
  pair.is_full = true;
  pair.send_count++;
  return stoa_sys_real.send(fd, data, len < pair.take_max ? len : pair.take_max, flags);
}

static ssize_t sendmsg_short(int fd, const struct msghdr *message, int flags) {
  static uint8_t all[BIG * 2];
  size_t len = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    memcpy(all + len, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    len += message->msg_iov[i].iov_len;
  }
  return send_short(fd, all, len, flags);
}

/* The kernel takes what it likes, and bytes are offered again from where they were taken. */
static void test_a_write_may_fall_short_anywhere(void **state) {
  static uint8_t text[40000];
  static const size_t takes[] = {1, 4, 5, 21, 22, 23, 1000, 16405, 16406, 16407, 30000, 32812, 32813};
  (void)state;
  fill(text, sizeof text);
  shake_hands();
  stoa_sys.send = send_short;
  stoa_sys.sendmsg = sendmsg_short;
  for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
    size_t done = 0;
    size_t got = 0;
    pair.take_max = takes[i];
    size_t len = takes[i] < 100 ? 200 : sizeof text;
    for (int turns = 0; done < len; turns++) {
      size_t taken = 0;
      struct iovec pieces[2] = {{text + done, len - done}, {text, 0}};
      if (len - done > 10) { /* in two pieces, while there are enough */
        pieces[0].iov_len = (len - done) / 2 < 9000 ? len - done : len - done - 9000;
        pieces[1] = (struct iovec){text + done + pieces[0].iov_len, len - done - pieces[0].iov_len};
      }
      assert_true(turns < 100000);
      assert_true(stoa_conn_promised(&pair.conn) <= len - done);
      pair.is_full = false;
      int status = stoa_conn_write(&pair.conn, pieces, pieces[1].iov_len > 0 ? 2 : 1, &taken);
      assert_true(status == STOA_OK || status == STOA_E_AGAIN);
      done += status == STOA_OK ? taken : 0;
      int read;
      while ((read = SSL_read(pair.client, pair.got + got, (int)(sizeof pair.got - got))) > 0) {
        got += (size_t)read;
      }
    }
    assert_int_equal(got, len);
    assert_memory_equal(pair.got, text, len);
    assert_int_equal(stoa_conn_promised(&pair.conn), 0);
  }
}

static void test_a_full_kernel_makes_a_write_wait(void **state) {
  (void)state;
  size_t taken;
  char text[] = "waits";
  struct iovec piece = {text, 5};
  shake_hands();
  stoa_sys.send = send_short;
  stoa_sys.sendmsg = sendmsg_short;
  pair.is_full = true;
  assert_int_equal(stoa_conn_write(&pair.conn, &piece, 1, &taken), STOA_E_AGAIN);
  assert_true((stoa_conn_events(&pair.conn, true, false) & EPOLLOUT) != 0);
  assert_int_equal(stoa_conn_promised(&pair.conn), 5);
  stoa_sys = stoa_sys_real;
  memcpy(text, "other", 5); /* its record is made already, and never again with the same number */
  assert_int_equal(stoa_conn_write(&pair.conn, &piece, 1, &taken), STOA_OK);
  assert_int_equal(taken, 5);
  client_gets("waits");
  assert_true((stoa_conn_events(&pair.conn, true, false) & EPOLLOUT) == 0);
}

static void test_several_records_leave_in_one_send(void **state) {
  static uint8_t text[60000];
  (void)state;
  shake_hands();
  both_ways();
  stoa_sys.send = send_short;
  pair.take_max = sizeof text * 2;
  pair.send_count = 0;
  pair.is_full = false;
  assert_int_equal(write_all(text, sizeof text), STOA_OK);
  assert_int_equal(pair.send_count, 1);
}

static void test_output_that_has_to_wait_and_finds_no_memory_is_an_error(void **state) {
  (void)state;
  shake_hands();
  both_ways();
  stoa_sys.send = send_short;
  pair.take_max = 10;
  pair.is_full = false;
  stoa_memory_fail_at(1, false);
  assert_int_equal(write_all((const uint8_t *)"in part", 7), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_int_equal(write_all((const uint8_t *)"in part", 7), STOA_E_TLS);
}

/* Every byte that was ever offered to the kernel, by its place in the stream. */
static struct {
  uint8_t bytes[BIG * 8];
  size_t accepted, offered;
  size_t opened;       /* records before it were opened */
  ssize_t answers[16]; /* of the next sends: how many bytes at most, or below 0 an errno */
  size_t answer_count, at;
} wire;

static ssize_t send_watched(int fd, const void *data, size_t len, int flags) {
  const uint8_t *bytes = data;
  (void)fd;
  (void)flags;
  assert_true(wire.accepted + len <= sizeof wire.bytes);
  for (size_t i = 0; i < len; i++) {
    size_t at = wire.accepted + i;
    assert_true(at >= wire.offered || wire.bytes[at] == bytes[i]);
    wire.bytes[at] = bytes[i];
  }
  wire.offered = wire.accepted + len > wire.offered ? wire.accepted + len : wire.offered;
  ssize_t answer = wire.at < wire.answer_count ? wire.answers[wire.at++] : (ssize_t)len;
  if (answer < 0) {
    errno = (int)-answer;
    return -1;
  }
  size_t taken = len < (size_t)answer ? len : (size_t)answer;
  wire.accepted += taken;
  return (ssize_t)taken;
}

static ssize_t sendmsg_watched(int fd, const struct msghdr *message, int flags) {
  static uint8_t all[BIG * 4];
  size_t len = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    memcpy(all + len, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    len += message->msg_iov[i].iov_len;
  }
  return send_watched(fd, all, len, flags);
}

static void watch(void) {
  shake_hands();
  memset(&wire, 0, sizeof wire);
  stoa_sys.send = send_watched;
  stoa_sys.sendmsg = sendmsg_watched;
}

static void answer_next(const ssize_t *answers, size_t count) {
  memcpy(wire.answers, answers, count * sizeof *answers);
  wire.answer_count = count;
  wire.at = 0;
}

/* Write in three pieces, with all that is not promised made other before each try. */
static void write_changing(uint8_t *text, size_t len) {
  const size_t ends[3] = {len / 6, len / 2, len};
  size_t done = 0;
  for (unsigned tries = 0; done < len; tries++) {
    struct iovec pieces[3];
    size_t count = 0;
    size_t taken = 0;
    assert_true(tries < 1000);
    for (size_t i = 0, at = done; i < 3; i++) {
      if (ends[i] > at) {
        pieces[count++] = (struct iovec){text + at, ends[i] - at};
        at = ends[i];
      }
    }
    int status = stoa_conn_write(&pair.conn, pieces, count, &taken);
    assert_true(status == STOA_OK || status == STOA_E_AGAIN);
    done += status == STOA_OK ? taken : 0;
    size_t fixed = done + stoa_conn_promised(&pair.conn);
    assert_true(fixed <= len);
    for (size_t i = fixed; i < len; i++) {
      text[i] ^= 0x5a;
    }
  }
  assert_int_equal(stoa_conn_promised(&pair.conn), 0);
}

/* Open all that has left, with the server's keys, one number after the other. Returns how much data it holds. */
static size_t open_wire(uint8_t *out) {
  static uint8_t text[STOA_TLS_RECORD_LEN_MAX];
  size_t got = 0;
  while (wire.opened < wire.accepted) {
    const uint8_t *record = wire.bytes + wire.opened;
    struct stoa_tls_opened opened = {0};
    enum stoa_tls_alert alert;
    size_t len = stoa_tls_record_len(record);
    assert_true(wire.opened + len <= wire.accepted);
    assert_int_equal(stoa_tls_open(&pair.server_keys, pair.tools, pair.suite, record, len, text, &opened, &alert),
                     STOA_OK);
    wire.opened += len;
    if (opened.type == STOA_TLS_RECORD_DATA) {
      memcpy(out + got, text, opened.len);
      got += opened.len;
    } else if (text[0] == 24) {
      assert_true(stoa_tls_keys_update(&pair.server_keys, pair.tools, pair.suite));
    }
  }
  return got;
}

static void ask_for_keys(void) {
  char byte;
  size_t len;
  send_forged(STOA_TLS_RECORD_HANDSHAKE, "\x18\0\0\1\1", 5);
  assert_true(stoa_tls_keys_update(&pair.keys, pair.tools, pair.suite));
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
}

static void arrives(uint8_t *text, size_t len) {
  write_changing(text, len);
  assert_int_equal(open_wire(pair.got), len);
  assert_memory_equal(pair.got, text, len);
}

/* A flight is 126 bytes, and 153 with a change of keys: it is cut at each, and its rest again, with EAGAIN and EINTR in
 * between. */
static void test_no_number_is_used_for_two_records_wherever_writes_fall_short(void **state) {
  uint8_t text[60];
  enum { FLIGHT = 60 + 3 * STOA_TLS_OVERHEAD_LEN + 5 + STOA_TLS_OVERHEAD_LEN };
  (void)state;
  fill(text, sizeof text);
  for (ssize_t first = 0; first <= FLIGHT; first++) {
    watch();
    for (ssize_t second = 1; first + second <= FLIGHT; second += 5) {
      const ssize_t answers[] = {first == 0 ? -EAGAIN : first, -EINTR, second, -EAGAIN, 1, -EAGAIN};
      if (second % 2 == 0) {
        ask_for_keys();
      }
      answer_next(answers, sizeof answers / sizeof *answers);
      arrives(text, sizeof text);
    }
    close_both(state);
    connect_both(state);
  }
}

static void test_no_number_is_used_twice_by_full_records(void **state) {
  static uint8_t text[BIG];
  static const ssize_t edges[] = {1, 5, 16405, 16406, 16407, 30000, 32812, 32813, 49218, 65623, 65624};
  (void)state;
  fill(text, sizeof text);
  watch();
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
    const ssize_t answers[] = {edges[i], -EAGAIN, 7, -EAGAIN, edges[sizeof edges / sizeof *edges - 1 - i], -EINTR};
    wire.accepted = wire.offered = wire.opened = 0;
    answer_next(answers, sizeof answers / sizeof *answers);
    ask_for_keys();
    arrives(text, sizeof text);
  }
}

/* RFC 8446 5.5 */
static void test_a_key_is_changed_before_it_has_sealed_too_much(void **state) {
  uint8_t text[60];
  (void)state;
  fill(text, sizeof text);
  watch();
  pair.conn.tls->traffic->out.sequence = pair.server_keys.sequence = (1u << 24) - 1;
  stoa_tls_bytes_fini(&pair.conn.tls->out); /* the ticket has a number of before */
  arrives(text, sizeof text);
  assert_int_equal(pair.server_keys.sequence, (1u << 24) + 2);
  arrives(text, sizeof text);
  assert_int_equal(pair.server_keys.sequence, 3);
}

/* A peer that takes nothing makes the server hold one flight, however often it is tried. */
static void test_one_flight_waits_at_most(void **state) {
  static uint8_t text[BIG];
  (void)state;
  watch();
  struct iovec piece = {text, sizeof text};
  size_t taken;
  for (int i = 0; i < 10; i++) {
    const ssize_t full = -EAGAIN;
    answer_next(&full, 1);
    ask_for_keys();
    assert_int_equal(stoa_conn_write(&pair.conn, &piece, 1, &taken), STOA_E_AGAIN);
  }
  assert_true(wire.offered < 4 * (STOA_TLS_DATA_LEN_MAX + STOA_TLS_OVERHEAD_LEN) + 1000);
}

static void test_after_an_error_of_the_kernel_nothing_is_sent(void **state) {
  uint8_t text[60];
  fill(text, sizeof text);
  for (ssize_t first = 0; first < 126; first += 9) {
    const ssize_t answers[] = {first == 0 ? -EAGAIN : first, -ECONNRESET};
    struct iovec piece = {text, sizeof text};
    size_t taken = 0;
    char byte;
    size_t len;
    connect_both(state);
    watch();
    answer_next(answers, 2);
    int status = stoa_conn_write(&pair.conn, &piece, 1, &taken);
    if (status == STOA_OK && taken == sizeof text) {
      close_both(state);
      continue;
    }
    assert_int_equal(stoa_conn_write(&pair.conn, &piece, 1, &taken), STOA_E_SYSTEM);
    size_t accepted = wire.accepted;
    assert_int_equal(stoa_conn_write(&pair.conn, &piece, 1, &taken), STOA_E_TLS);
    send_forged(24, "beat", 4);
    assert_int_equal(read_some(&byte, 1, &len), STOA_E_TLS);
    stoa_conn_shutdown(&pair.conn);
    assert_int_equal(wire.accepted, accepted);
    close_both(state);
  }
}

/* RFC 8446 6.1: the client must be able to tell that something is missing. */
static void test_a_promise_that_is_not_kept_ends_without_close_notify(void **state) {
  char text[] = "never sent as a whole";
  const ssize_t answers[] = {10, -EAGAIN};
  struct iovec piece = {text, sizeof text};
  size_t taken = 0;
  (void)state;
  shake_hands();
  both_ways();
  wire.accepted = wire.offered = 0;
  stoa_sys.send = send_watched;
  answer_next(answers, 2);
  assert_int_equal(stoa_conn_write(&pair.conn, &piece, 1, &taken), STOA_E_AGAIN);
  stoa_conn_shutdown(&pair.conn);
  assert_int_equal(wire.accepted, 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_write_may_fall_short_anywhere),
      TEST(test_a_full_kernel_makes_a_write_wait),
      TEST(test_several_records_leave_in_one_send),
      TEST(test_output_that_has_to_wait_and_finds_no_memory_is_an_error),
      TEST(test_no_number_is_used_for_two_records_wherever_writes_fall_short),
      TEST(test_no_number_is_used_twice_by_full_records),
      TEST(test_a_key_is_changed_before_it_has_sealed_too_much),
      TEST(test_one_flight_waits_at_most),
      cmocka_unit_test(test_after_an_error_of_the_kernel_nothing_is_sent),
      TEST(test_a_promise_that_is_not_kept_ends_without_close_notify),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("records of TLS 1.3 that are sent", tests, make_contexts, free_contexts);
}
