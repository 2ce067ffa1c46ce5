/* Opening connections: each address of a name has its turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_connect.h"
#include "bench_io.h"

enum { CONNECTIONS = 20 };

static struct bench_options options;
static struct bench_target target;
static struct bench_conn conns[CONNECTIONS];
static int epoll_fd;
static int listener;
static uint16_t port;
static pthread_t thread;
static int taken[CONNECTIONS];
static size_t taken_count;

/* Upgrade whoever comes, until the listener is shut down. */
static void *serve(void *context) {
  static const char answer[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  (void)context;
  while (taken_count < CONNECTIONS) {
    char request[4096];
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
      return NULL;
    }
    taken[taken_count++] = fd;
    if (recv(fd, request, sizeof request, 0) > 0) {
      ssize_t ignored = send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
      (void)ignored;
    }
  }
  return NULL;
}

static int listen_at(const char *address, int backlog, uint16_t *out_port) {
  struct sockaddr_in in = {.sin_family = AF_INET};
  socklen_t len = sizeof in;
  assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
  assert_int_equal(listen(fd, backlog), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
  *out_port = ntohs(in.sin_port);
  return fd;
}

static void add_address(const char *text, uint16_t at_port) {
  struct bench_address *address = &target.addresses[target.address_count++];
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(at_port)};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(at_port)};
  if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
    memcpy(&address->socket, &in, sizeof in);
    address->len = sizeof in;
  } else {
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    memcpy(&address->socket, &in6, sizeof in6);
    address->len = sizeof in6;
  }
}

static int begin(void **state) {
  (void)state;
  memset(&target, 0, sizeof target);
  memset(conns, 0, sizeof conns);
  taken_count = 0;
  options = (struct bench_options){.connections = CONNECTIONS, .connect_concurrency = 8, .connect_timeout_ms = 60000};
  target.request_len = (size_t)snprintf(target.request, sizeof target.request, "GET / HTTP/1.1\r\n\r\n");
  for (uint32_t i = 0; i < CONNECTIONS; i++) {
    conns[i].fd = -1;
    conns[i].stream.id = i;
  }
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  listener = listen_at("127.0.0.1", 64, &port);
  return pthread_create(&thread, NULL, serve, NULL);
}

static int end(void **state) {
  (void)state;
  shutdown(listener, SHUT_RDWR);
  pthread_join(thread, NULL);
  for (size_t i = 0; i < taken_count; i++) {
    close(taken[i]);
  }
  for (size_t i = 0; i < CONNECTIONS; i++) {
    bench_io_close(&conns[i]);
    free(conns[i].tail);
  }
  close(listener);
  close(epoll_fd);
  return 0;
}

static bool connect_all(void) {
  return bench_connect_all(&target, &options, NULL, epoll_fd, conns);
}

/* As where `localhost` is ::1 first and a server listens on 127.0.0.1. */
static void an_address_that_refuses_is_followed_by_the_next(void **state) {
  (void)state;
  add_address("::1", port);
  add_address("127.0.0.2", port);
  add_address("127.0.0.1", port);
  assert_true(connect_all());
  assert_int_equal(taken_count, CONNECTIONS);
}

static void an_address_that_does_not_answer_is_followed_by_the_next(void **state) {
  (void)state;
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  uint16_t silent_port;
  int fill[4];
  /* A queue that is full: what comes then is dropped. */
  int silent = listen_at("127.0.0.1", 0, &silent_port);
  in.sin_port = htons(silent_port);
  for (size_t i = 0; i < 4; i++) {
    fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int ignored = connect(fill[i], (struct sockaddr *)&in, sizeof in);
    (void)ignored;
  }
  options.connect_timeout_ms = 2000;
  add_address("127.0.0.1", silent_port);
  add_address("127.0.0.1", port);
  assert_true(connect_all());
  assert_int_equal(taken_count, CONNECTIONS);
  for (size_t i = 0; i < 4; i++) {
    close(fill[i]);
  }
  close(silent);
}

static void when_no_address_takes_a_connection_it_fails(void **state) {
  (void)state;
  add_address("127.0.0.2", port);
  add_address("127.0.0.3", port);
  assert_false(connect_all());
}

static void all_addresses_of_a_name_are_kept(void **state) {
  (void)state;
  options.url = "ws://127.0.0.1:80/";
  assert_true(bench_target_init(&target, &options));
  assert_int_equal(target.address_count, 1);
  options.url = "ws://localhost:80/";
  assert_true(bench_target_init(&target, &options));
  assert_in_range(target.address_count, 1, BENCH_ADDRESSES_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_address_that_refuses_is_followed_by_the_next),
      TEST(an_address_that_does_not_answer_is_followed_by_the_next),
      TEST(when_no_address_takes_a_connection_it_fails),
      TEST(all_addresses_of_a_name_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
