#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
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

static int open_address(struct stoa_address *address, bool share, bool sole, int *fd) {
  const struct stoa_listen_options options = {.share = share, .sole = sole, .mode = 0660};
  return stoa_listener_open(address, &options, fd);
}

static int open_at(const char *text, bool share, bool sole, struct stoa_address *address, int *fd) {
  struct stoa_address_list list;
  assert_int_equal(stoa_address_parse(stoa_string_of(text), &list), STOA_OK);
  assert_int_equal(list.count, 1);
  *address = list.items[0];
  return open_address(address, share, sole, fd);
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

/* As 0.0.0.0 and [::] stand side by side. */
static void test_a_listener_of_ipv6_alone_leaves_the_port_of_ipv4_to_another(void **state) {
  (void)state;
  struct stoa_address four;
  struct stoa_address six;
  int four_fd;
  int six_fd;
  int dual_fd;
  assert_int_equal(open_at("0.0.0.0:0", true, true, &four, &four_fd), STOA_OK);
  assert_int_equal(open_at("[::1]:0", false, false, &six, &six_fd), STOA_OK);
  close(six_fd);
  six.socket.in6.sin6_addr = in6addr_any;
  stoa_address_set_port(&six, stoa_address_port(&four));
  assert_int_equal(open_address(&six, true, true, &dual_fd), STOA_E_SYSTEM);
  assert_int_equal(errno, EADDRINUSE);
  six.ipv6_only = true;
  assert_int_equal(open_address(&six, true, true, &six_fd), STOA_OK);
  close(four_fd);
  close(six_fd);
}

static mode_t mode_of(const char *path) {
  struct stat info;
  assert_int_equal(lstat(path, &info), 0);
  return info.st_mode & 07777;
}

static void test_a_socket_file_has_the_mode_that_is_asked_for_whatever_the_umask_is(void **state) {
  (void)state;
  struct stoa_address_list list;
  char text[64];
  snprintf(text, sizeof text, "unix:/tmp/stoa-mode-%d.sock", (int)getpid());
  assert_int_equal(stoa_address_parse(stoa_string_of(text), &list), STOA_OK);
  static const mode_t modes[] = {0660, 0600, 0666, 0777};
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    const struct stoa_listen_options options = {.mode = modes[i]};
    int fd;
    mode_t before = umask(i % 2 == 0 ? 077 : 0);
    assert_int_equal(stoa_listener_open(&list.items[0], &options, &fd), STOA_OK);
    umask(before);
    assert_int_equal(mode_of(text + 5), modes[i]);
    close(fd);
  }
  unlink(text + 5);
}

static void test_only_the_own_socket_file_is_removed(void **state) {
  (void)state;
  struct stoa_address address;
  struct stoa_socket_file file;
  char text[64];
  int own;
  int other;
  snprintf(text, sizeof text, "unix:/tmp/stoa-own-%d.sock", (int)getpid());
  assert_int_equal(open_at(text, false, false, &address, &own), STOA_OK);
  assert_int_equal(stoa_socket_file_note(&address, &file), STOA_OK);
  /* Somebody takes the place. */
  unlink(text + 5);
  assert_int_equal(open_at(text, false, false, &address, &other), STOA_OK);
  stoa_socket_file_remove(&address, &file);
  assert_int_equal(access(text + 5, F_OK), 0);
  assert_int_equal(stoa_socket_file_note(&address, &file), STOA_OK);
  stoa_socket_file_remove(&address, &file);
  assert_int_equal(access(text + 5, F_OK), -1);
  assert_int_equal(stoa_socket_file_note(&address, &file), STOA_E_SYSTEM);
  stoa_socket_file_remove(&address, &file); /* of no consequence */
  close(own);
  close(other);
}

static void test_accepted_connections_keep_unacknowledged_bytes_for_as_long_as_the_system_does(void **state) {
  (void)state;
  struct stoa_address address;
  int fd;
  unsigned timeout_ms = 1;
  socklen_t len = sizeof timeout_ms;
  assert_int_equal(open_at("127.0.0.1:0", false, false, &address, &fd), STOA_OK);
  int client = dial(&address);
  int taken = accept(fd, NULL, NULL);
  assert_true(taken >= 0);
  assert_int_equal(getsockopt(taken, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &len), 0);
  assert_int_equal(timeout_ms, 0);
  close(taken);
  close(client);
  close(fd);
}

static void test_a_stale_socket_file_is_replaced_and_one_in_use_is_not(void **state) {
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

static void test_a_listener_takes_a_port_in_use_only_when_it_asks_to_share_it(void **state) {
  (void)state;
  struct stoa_address address;
  int first;
  int second;
  int third;
  assert_int_equal(open_at("127.0.0.1:0", true, true, &address, &first), STOA_OK);
  assert_true(ntohs(address.socket.in.sin_port) > 0);
  assert_int_equal(open_address(&address, true, false, &second), STOA_OK);
  assert_int_equal(open_address(&address, true, true, &third), STOA_E_SYSTEM);
  assert_int_equal(errno, EADDRINUSE);
  assert_int_equal(open_address(&address, false, false, &third), STOA_E_SYSTEM);
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
  assert_int_equal(open_address(&address, true, false, &second), STOA_OK);
  assert_int_equal(open_address(&address, false, false, &alone), STOA_E_SYSTEM);
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

static unsigned refused;
static void on_refuse(struct stoa_listener *from, int fd) {
  assert_ptr_equal(from, &listener);
  assert_int_equal(send(fd, "no", 2, MSG_NOSIGNAL), 2);
  refused++;
}

/* As if the process had one descriptor left, the spare one. */
static bool spare_is_closed;
static int full_accept(int fd, struct sockaddr *address, socklen_t *address_len, int flags) {
  accept_calls++;
  if (spare_is_closed) {
    spare_is_closed = false;
    return accept4(fd, address, address_len, flags);
  }
  errno = accept_error;
  return -1;
}

static int spare_fd;
static int note_close(int fd) {
  spare_is_closed = spare_is_closed || fd == spare_fd;
  return close(fd);
}

static void test_without_descriptors_a_newcomer_is_told_and_closed(void **state) {
  (void)state;
  static const int errors[] = {EMFILE, ENFILE};
  struct stoa_spare spare;
  struct stoa_address address;
  int fd;
  refused = 0;
  assert_int_equal(open_at("127.0.0.1:0", false, false, &address, &fd), STOA_OK);
  stoa_spare_open(&spare);
  listener.spare = &spare;
  listener.on_refuse = on_refuse;
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  for (unsigned i = 0; i < 2; i++) {
    int client = dial(&address);
    char answer[8] = {0};
    accept_error = errors[i];
    spare_is_closed = false;
    spare_fd = spare.fd;
    stoa_sys.accept4 = full_accept;
    stoa_sys.close = note_close;
    /* The first accept fails, the second takes the spare's place; whatever comes then may pause it. */
    stoa_loop_turn(loop, -1);
    stoa_sys = stoa_sys_real;
    assert_int_equal(refused, i + 1);
    assert_int_equal(accepted, 0);
    assert_true(spare.fd >= 0); /* it has one again */
    assert_int_equal(recv(client, answer, sizeof answer, 0), 2);
    assert_string_equal(answer, "no");
    assert_int_equal(recv(client, answer, sizeof answer, 0), 0);
    close(client);
    stoa_listener_resume(&listener);
  }
  int client = dial(&address);
  stoa_loop_turn(loop, -1);
  assert_int_equal(accepted, 1);
  close(client);
  stoa_listener_close(&listener);
  stoa_spare_close(&spare);
  stoa_spare_close(&spare);
}

static void test_a_spare_that_was_lost_is_taken_again_when_a_descriptor_is_free(void **state) {
  (void)state;
  struct stoa_spare spare;
  struct stoa_address address;
  int fd;
  assert_int_equal(open_at("127.0.0.1:0", false, false, &address, &fd), STOA_OK);
  stoa_spare_open(&spare);
  stoa_spare_close(&spare);
  listener.spare = &spare;
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  int client = dial(&address);
  accept_error = EMFILE;
  accept_calls = 0;
  stoa_sys.accept4 = broken_accept;
  stoa_loop_turn(loop, -1);
  assert_int_equal(accept_calls, 1); /* it pauses */
  stoa_sys = stoa_sys_real;
  stoa_listener_resume(&listener);
  assert_true(spare.fd >= 0);
  stoa_loop_turn(loop, -1);
  assert_int_equal(accepted, 1);
  close(client);
  stoa_listener_close(&listener);
  stoa_spare_close(&spare);
}

/* As the workers of a server watch one unix socket. */
static void test_an_exclusive_listener_pauses_and_goes_on_too(void **state) {
  (void)state;
  struct stoa_address address;
  int fd;
  listener.exclusive = true;
  assert_int_equal(open_at("127.0.0.1:0", false, false, &address, &fd), STOA_OK);
  assert_int_equal(stoa_listener_start(&listener, loop, fd), STOA_OK);
  int client = dial(&address);
  accept_error = ENOMEM;
  accept_calls = 0;
  stoa_sys.accept4 = broken_accept;
  stoa_loop_turn(loop, -1);
  stoa_loop_turn(loop, 0);
  assert_int_equal(accept_calls, 1);
  stoa_sys = stoa_sys_real;
  fake_time.monotonic_ns += 250ull * 1000000;
  stoa_loop_turn(loop, 0);
  stoa_loop_turn(loop, 0);
  assert_int_equal(accepted, 1);
  close(client);
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
      TEST(test_a_listener_of_ipv6_alone_leaves_the_port_of_ipv4_to_another),
      TEST(test_a_socket_file_has_the_mode_that_is_asked_for_whatever_the_umask_is),
      TEST(test_only_the_own_socket_file_is_removed),
      TEST(test_accepted_connections_keep_unacknowledged_bytes_for_as_long_as_the_system_does),
      TEST(test_a_stale_socket_file_is_replaced_and_one_in_use_is_not),
      TEST(test_a_listener_takes_a_port_in_use_only_when_it_asks_to_share_it),
      TEST(test_a_port_that_is_shared_gives_every_listener_its_part),
      TEST(test_it_pauses_without_descriptors_and_goes_on_by_itself),
      TEST(test_without_descriptors_a_newcomer_is_told_and_closed),
      TEST(test_a_spare_that_was_lost_is_taken_again_when_a_descriptor_is_free),
      TEST(test_an_exclusive_listener_pauses_and_goes_on_too),
      TEST(test_a_connection_that_failed_by_itself_does_not_hold_up_the_next),
      TEST(test_a_listener_that_cannot_be_watched_is_an_error),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
