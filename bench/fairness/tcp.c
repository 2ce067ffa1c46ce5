#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT_MAX = 65535 };

void tcp_die(const char *what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
  exit(1);
}

void *tcp_need(void *block) {
  if (block == NULL) {
    tcp_die("memory");
  }
  return block;
}

uint64_t tcp_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool tcp_path_parse(struct tcp_path *path, const char *port, const char *source) {
  char *end;
  unsigned long number = strtoul(port, &end, 10);
  *path = (struct tcp_path){
      .source = {.sin_family = AF_INET},
      .server = {
          .sin_family = AF_INET, .sin_port = htons((uint16_t)number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
  return end != port && *end == '\0' && number > 0 && number <= PORT_MAX &&
         inet_pton(AF_INET, source, &path->source.sin_addr) == 1;
}

static void set_options(int fd) {
  const int on = 1;
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
}

int tcp_dial(const struct tcp_path *path) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    tcp_die("socket");
  }
  set_options(fd);
  if (bind(fd, (const struct sockaddr *)&path->source, sizeof path->source) != 0) {
    tcp_die("bind");
  }
  if (connect(fd, (const struct sockaddr *)&path->server, sizeof path->server) != 0 && errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

void tcp_watch(int epoll_fd, int operation, int fd, uint32_t events, uint32_t number) {
  struct epoll_event event = {.events = events, .data.u32 = number};
  if (epoll_ctl(epoll_fd, operation, fd, &event) != 0) {
    tcp_die("epoll_ctl");
  }
}
