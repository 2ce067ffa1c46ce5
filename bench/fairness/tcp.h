/* bench/fairness/tcp.h: sockets and the time for both programs of this folder.
 *
 * For measurements only: a failure of the machine ends the process with a message.
 */
#ifndef STOA_BENCH_FAIRNESS_TCP_H
#define STOA_BENCH_FAIRNESS_TCP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct tcp_path {
  struct sockaddr_in source; /* 127.x.y.z, any port */
  struct sockaddr_in server; /* 127.0.0.1 */
};

/* Read the words PORT and SOURCE of a command line. Returns false when they are no port and no address. */
bool tcp_path_parse(struct tcp_path *path, const char *port, const char *source);

/* A non-blocking socket that connects to the server. Closing it resets the connection, so that no TIME_WAIT remains.
 * Returns -1 when the system refuses it now: no port is free, or there is no listener. */
int tcp_dial(const struct tcp_path *path);

uint64_t tcp_monotonic_ns(void);

/* Print what failed and errno to stderr, and end the process with 1. */
__attribute__((noreturn)) void tcp_die(const char *what);

/* Returns the block; ends the process like tcp_die() if it is NULL. */
void *tcp_need(void *block);

/* epoll_ctl() for one descriptor, known by `number`. */
void tcp_watch(int epoll_fd, int operation, int fd, uint32_t events, uint32_t number);

#endif
