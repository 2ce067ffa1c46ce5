#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stoa/log.h>
#include <unistd.h>

#include "base/sys.h"
#include "net/listener.h"

static struct stoa_clock_fake fake_time;
static struct stoa_clock fake_clock;
static struct stoa_loop *loop;
static struct stoa_listener listener;
static unsigned accepted;
static struct sockaddr_storage last_peer;

static void on_accept(struct stoa_listener *from, int fd, const struct sockaddr_storage *peer) {
  assert_ptr_equal(from, &listener);
  accepted++;
  last_peer = *peer;
  close(fd);
}

static int open_at(const char *text, bool share, bool sole, struct stoa_address *address, int *fd) {
  assert_int_equal(stoa_address_parse(stoa_string_of(text), address), STOA_OK);
  return stoa_listener_open(address, share, sole, fd);
}

static int dial(const struct stoa_address *address) {
  int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, &address->socket.any, address->len), 0);
  return fd;
}

static int begin(void **state) {
  (void)state;
  fake_clock = stoa_clock_fake_init(&fake_time);
  accepted = 0;
  memset(&listener, 0, sizeof listener);
  listener.on_accept = on_accept;
  listener.io.fd = -1;
  return stoa_loop_create(&fake_clock, &loop);
}

static int end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_listener_close(&listener);
  stoa_listener_close(&listener);
  stoa_loop_destroy(loop);
  return 0;
}

static void check_accepts(const char *text, int family) {
  struct stoa_address address;
  int fd;
  assert_int_equal(open_at(text, false, false, &address, &fd), STOA_OK);
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  int one = dial(&address);
  int two = dial(&address);
  stoa_loop_turn(loop, -1);
  assert_int_equal(accepted, 2);
  assert_int_equal(last_peer.ss_family, family);
  close(one);
  close(two);
}

static void test_it_takes_connections_over_ipv4(void **state) {
  (void)state;
  check_accepts("127.0.0.1:0", AF_INET);
}

static void test_it_takes_connections_over_ipv6(void **state) {
  (void)state;
  check_accepts("[::1]:0", AF_INET6);
}

static void test_a_port_alone_takes_ipv4_and_ipv6(void **state) {
  (void)state;
  struct stoa_address address;
  int fd;
  assert_int_equal(open_at(":0", false, false, &address, &fd), STOA_OK);
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  struct stoa_address four = {.socket.in = {.sin_family = AF_INET, .sin_port = address.socket.in6.sin6_port},
                              .len = sizeof(struct sockaddr_in)};
  four.socket.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = dial(&four);
  address.socket.in6.sin6_addr = in6addr_loopback;
  int two = dial(&address);
  stoa_loop_turn(loop, -1);
  assert_int_equal(accepted, 2);
  close(one);
  close(two);
}

static void test_a_socket_file_left_behind_is_replaced_and_a_live_one_is_not(void **state) {
  (void)state;
  struct stoa_address address;
  char text[64];
  int fd;
  int second;
  snprintf(text, sizeof text, "unix:/tmp/stoa-listener-%d.sock", (int)getpid());
  assert_int_equal(open_at(text, true, true, &address, &fd), STOA_OK);
  assert_int_equal(open_at(text, false, false, &address, &second), STOA_E_SYSTEM);
  assert_int_equal(errno, EADDRINUSE);
  close(fd); /* the file stays, as after a kill */
  assert_int_equal(open_at(text, false, false, &address, &fd), STOA_OK);
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  int client = dial(&address);
  stoa_loop_turn(loop, -1);
  assert_int_equal(accepted, 1);
  close(client);
  /* What is no socket is not touched. */
  stoa_listener_close(&listener);
  unlink(text + 5);
  FILE *file = fopen(text + 5, "w");
  assert_non_null(file);
  fclose(file);
  assert_int_equal(open_at(text, false, false, &address, &fd), STOA_E_SYSTEM);
  assert_int_equal(access(text + 5, F_OK), 0);
  unlink(text + 5);
}

static void test_a_port_is_shared_only_by_who_asks_for_it_second(void **state) {
  (void)state;
  struct stoa_address address;
  int first;
  int second;
  int third;
  assert_int_equal(open_at("127.0.0.1:0", true, true, &address, &first), STOA_OK);
  assert_true(ntohs(address.socket.in.sin_port) > 0);
  assert_int_equal(stoa_listener_open(&address, true, false, &second), STOA_OK);
  assert_int_equal(stoa_listener_open(&address, true, true, &third), STOA_E_SYSTEM);
  assert_int_equal(errno, EADDRINUSE);
  assert_int_equal(stoa_listener_open(&address, false, false, &third), STOA_E_SYSTEM);
  close(first);
  close(second);
}

/* Sharing among processes is sharing among listeners none of which is sole. */
static void test_a_port_that_is_shared_gives_every_listener_its_part(void **state) {
  (void)state;
  struct stoa_address address;
  int first;
  int second;
  int alone;
  int clients[64];
  assert_int_equal(open_at("127.0.0.1:0", true, false, &address, &first), STOA_OK);
  assert_int_equal(stoa_listener_open(&address, true, false, &second), STOA_OK);
  assert_int_equal(stoa_listener_open(&address, false, false, &alone), STOA_E_SYSTEM);
  assert_int_equal(errno, EADDRINUSE);
  for (unsigned i = 0; i < 64; i++) {
    clients[i] = dial(&address);
  }
  assert_int_equal(stoa_listener_start(&listener, loop, first), STOA_OK);
  stoa_loop_turn(loop, -1);
  stoa_listener_close(&listener);
  unsigned at_first = accepted;
  assert_int_equal(stoa_listener_start(&listener, loop, second), STOA_OK);
  stoa_loop_turn(loop, -1);
  assert_in_range(at_first, 1, 63);
  assert_int_equal(accepted, 64);
  for (unsigned i = 0; i < 64; i++) {
    close(clients[i]);
  }
}

static int accept_error;
static unsigned accept_calls;
static int broken_accept(int fd, struct sockaddr *address, socklen_t *address_len, int flags) {
  (void)fd;
  (void)address;
  (void)address_len;
  (void)flags;
  accept_calls++;
  errno = accept_error;
  return -1;
}

static void test_it_pauses_without_descriptors_and_goes_on_by_itself(void **state) {
  (void)state;
  static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
  struct stoa_address address;
  int fd;
  assert_int_equal(open_at("127.0.0.1:0", false, false, &address, &fd), STOA_OK);
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  for (unsigned i = 0; i < 4; i++) {
    int client = dial(&address);
    accept_error = errors[i];
    accept_calls = 0;
    stoa_sys.accept4 = broken_accept;
    stoa_loop_turn(loop, -1);
    stoa_loop_turn(loop, 0);
    stoa_loop_turn(loop, 0);
    assert_int_equal(accept_calls, 1); /* no spinning */
    fake_time.monotonic_ns += 250ull * 1000000;
    stoa_loop_turn(loop, 0);
    stoa_loop_turn(loop, 0);
    assert_int_equal(accept_calls, 2); /* and tried again */
    stoa_sys = stoa_sys_real;
    stoa_listener_resume(&listener); /* a descriptor was freed */
    stoa_loop_turn(loop, 0);
    assert_int_equal(accepted, i + 1);
    stoa_listener_resume(&listener); /* of no consequence when it is not paused */
    close(client);
  }
}

static int accept_after_error(int fd, struct sockaddr *address, socklen_t *address_len, int flags) {
  if (accept_calls++ < 3) {
    static const int errors[] = {ECONNABORTED, EINTR, EPROTO};
    errno = errors[accept_calls - 1];
    return -1;
  }
  return accept4(fd, address, address_len, flags);
}

static void test_a_connection_that_failed_by_itself_does_not_hold_up_the_next(void **state) {
  (void)state;
  struct stoa_address address;
  int fd;
  assert_int_equal(open_at("127.0.0.1:0", false, false, &address, &fd), STOA_OK);
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  int client = dial(&address);
  accept_calls = 0;
  stoa_sys.accept4 = accept_after_error;
  stoa_loop_turn(loop, -1);
  assert_int_equal(accepted, 1);
  close(client);
}

static int refuse_control(int epoll_fd, int operation, int fd, struct epoll_event *event) {
  (void)epoll_fd;
  (void)operation;
  (void)fd;
  (void)event;
  errno = ENOSPC;
  return -1;
}

static void test_a_listener_that_cannot_be_watched_is_an_error(void **state) {
  (void)state;
  struct stoa_address address;
  int fd;
  assert_int_equal(open_at("127.0.0.1:0", false, false, &address, &fd), STOA_OK);
  stoa_sys.epoll_ctl = refuse_control;
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_E_SYSTEM);
  stoa_sys = stoa_sys_real;
  close(fd); /* still the caller's */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_it_takes_connections_over_ipv4),
      TEST(test_it_takes_connections_over_ipv6),
      TEST(test_a_port_alone_takes_ipv4_and_ipv6),
      TEST(test_a_socket_file_left_behind_is_replaced_and_a_live_one_is_not),
      TEST(test_a_port_is_shared_only_by_who_asks_for_it_second),
      TEST(test_a_port_that_is_shared_gives_every_listener_its_part),
      TEST(test_it_pauses_without_descriptors_and_goes_on_by_itself),
      TEST(test_a_connection_that_failed_by_itself_does_not_hold_up_the_next),
      TEST(test_a_listener_that_cannot_be_watched_is_an_error),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
