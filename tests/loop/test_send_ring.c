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
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "loop/send_ring.h"
#include "rings.h"

#define BIG ((size_t)4 * 1024 * 1024)

static struct stoa_send_ring *ring;
static int pairs[STOA_SEND_RING_ENTRIES][2];
static char *big;

static void open_pair(int pair[2]) {
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

static int begin(void **state) {
  (void)state;
  if (stoa_send_ring_probe() != STOA_OK) {
    return 0; /* each test says that it is skipped */
  }
  big = malloc(BIG);
  assert_non_null(big);
  for (size_t i = 0; i < BIG; i++) {
    big[i] = (char)(i * 31 >> 4);
  }
  for (size_t i = 0; i < STOA_SEND_RING_ENTRIES; i++) {
    open_pair(pairs[i]);
  }
  assert_int_equal(stoa_send_ring_create(&ring), STOA_OK);
  assert_int_equal(stoa_send_ring_enable(ring), STOA_OK);
  return 0;
}

static int end(void **state) {
  (void)state;
  if (ring != NULL) {
    stoa_send_ring_destroy(ring);
    ring = NULL;
    for (size_t i = 0; i < STOA_SEND_RING_ENTRIES; i++) {
      close(pairs[i][0]);
      close(pairs[i][1]);
    }
    free(big);
  }
  return 0;
}

static void need_ring(void) {
  if (ring == NULL) {
    print_message("no io_uring here (%s)\n", strerror(errno));
    skip();
  }
}

/* All that is there, compared with `big` from `start` on. Returns its length. */
static size_t drain(int fd, size_t start) {
  static char got[65536];
  size_t at = 0;
  ssize_t len;
  while ((len = recv(fd, got, sizeof got, 0)) > 0) {
    assert_true(start + at + (size_t)len <= BIG);
    assert_memory_equal(got, big + start + at, (size_t)len);
    at += (size_t)len;
  }
  return at;
}

static void test_all_sends_of_a_batch_arrive(void **state) {
  (void)state;
  need_ring();
  for (size_t round = 0; round < 3; round++) {
    struct stoa_send sends[STOA_SEND_RING_ENTRIES];
    for (size_t i = 0; i < STOA_SEND_RING_ENTRIES; i++) {
      sends[i] = (struct stoa_send){pairs[i][0], big + i, 100 + i, -1};
    }
    stoa_send_ring_send(ring, sends, STOA_SEND_RING_ENTRIES);
    for (size_t i = 0; i < STOA_SEND_RING_ENTRIES; i++) {
      assert_int_equal(sends[i].taken, 100 + i);
      assert_int_equal(drain(pairs[i][1], i), 100 + i);
    }
  }
}

static void test_sends_to_one_socket_keep_their_order(void **state) {
  (void)state;
  need_ring();
  struct stoa_send sends[STOA_SEND_RING_ENTRIES];
  for (size_t i = 0; i < STOA_SEND_RING_ENTRIES; i++) {
    sends[i] = (struct stoa_send){pairs[0][0], big + i * 10, 10, -1};
  }
  stoa_send_ring_send(ring, sends, STOA_SEND_RING_ENTRIES);
  assert_int_equal(drain(pairs[0][1], 0), STOA_SEND_RING_ENTRIES * 10);
}

static void test_a_short_send_is_reported_and_nothing_more_is_sent(void **state) {
  (void)state;
  need_ring();
  struct stoa_send sends[3] = {{pairs[0][0], big, BIG, -1}, {pairs[1][0], big, 5, -1}, {pairs[0][0], big, BIG, -1}};
  stoa_send_ring_send(ring, sends, 3);
  assert_true(sends[0].taken > 0 && sends[0].taken < (ssize_t)BIG);
  assert_int_equal(sends[1].taken, 5);
  assert_int_equal(sends[2].taken, -EAGAIN);
  assert_int_equal(drain(pairs[0][1], 0), sends[0].taken);
  /* There is room now: a send that the kernel still held would show. */
  struct stoa_send other = {pairs[2][0], big, 7, -1};
  stoa_send_ring_send(ring, &other, 1);
  assert_int_equal(drain(pairs[0][1], 0), 0);
}

static void test_sending_to_a_closed_peer_is_an_error_without_a_signal(void **state) {
  (void)state;
  need_ring();
  int pair[2];
  open_pair(pair);
  close(pair[1]);
  int closed = dup(pair[0]);
  close(closed);
  struct stoa_send sends[2] = {{pair[0], big, 5, 0}, {closed, big, 5, 0}};
  stoa_send_ring_send(ring, sends, 2);
  close(pair[0]);
  assert_int_equal(sends[0].taken, -EPIPE);
  assert_int_equal(sends[1].taken, -EBADF);
}

/* The number of a closed descriptor goes to the next client, who must not be sent what was meant for the last one. */
static void test_a_descriptor_number_used_again_gets_nothing_of_the_old(void **state) {
  (void)state;
  need_ring();
  for (size_t round = 0; round < 50; round++) {
    int old[2];
    int new[2];
    open_pair(old);
    struct stoa_send send = {old[0], big, BIG, -1};
    stoa_send_ring_send(ring, &send, 1);
    assert_true(send.taken < (ssize_t)BIG);
    int number = old[0];
    close(old[0]);
    open_pair(new);
    assert_int_equal(new[0], number);
    assert_int_equal(drain(old[1], 0), send.taken);
    struct stoa_send other = {pairs[0][0], big, 3, -1};
    stoa_send_ring_send(ring, &other, 1);
    assert_int_equal(drain(new[1], 0), 0);
    assert_int_equal(drain(pairs[0][1], 0), 3);
    close(old[1]);
    close(new[0]);
    close(new[1]);
  }
}

static void test_a_ring_that_breaks_is_replaced_by_plain_sends(void **state) {
  (void)state;
  need_ring();
  assert_int_equal(rings_break(), 1);
  for (size_t round = 0; round < 2; round++) {
    struct stoa_send sends[3] = {{pairs[0][0], big, 50, 0}, {pairs[1][0], big, BIG, 0}, {pairs[1][0], big, BIG, 0}};
    stoa_send_ring_send(ring, sends, 3);
    assert_int_equal(sends[0].taken, 50);
    assert_true(sends[1].taken > 0 && sends[1].taken < (ssize_t)BIG);
    assert_int_equal(sends[2].taken, -EAGAIN);
    assert_int_equal(drain(pairs[0][1], 0), 50);
    assert_int_equal(drain(pairs[1][1], 0), sends[1].taken);
  }
}

static void test_without_memory_there_is_no_ring(void **state) {
  (void)state;
  need_ring();
  struct stoa_send_ring *none = NULL;
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_send_ring_create(&none), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_null(none);
}

static void test_the_thread_that_enables_is_the_one_that_sends(void **state) {
  (void)state;
  need_ring();
  assert_int_equal(stoa_send_ring_enable(ring), STOA_E_SYSTEM); /* a second time */
}

static void test_io_uring_forbidden_by_seccomp_is_reported(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    struct stoa_send_ring *none = NULL;
    bool told = rings_forbid() && stoa_send_ring_probe() == STOA_E_UNSUPPORTED && errno == EPERM &&
                stoa_send_ring_create(&none) == STOA_E_UNSUPPORTED && errno == EPERM && none == NULL;
    _exit(told ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_all_sends_of_a_batch_arrive),
      TEST(test_sends_to_one_socket_keep_their_order),
      TEST(test_a_short_send_is_reported_and_nothing_more_is_sent),
      TEST(test_sending_to_a_closed_peer_is_an_error_without_a_signal),
      TEST(test_a_descriptor_number_used_again_gets_nothing_of_the_old),
      TEST(test_a_ring_that_breaks_is_replaced_by_plain_sends),
      TEST(test_without_memory_there_is_no_ring),
      TEST(test_the_thread_that_enables_is_the_one_that_sends),
      TEST(test_io_uring_forbidden_by_seccomp_is_reported),
  };
  return cmocka_run_group_tests_name("send ring", tests, NULL, NULL);
}
