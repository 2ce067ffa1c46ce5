/* tools/stoa/bench_connect.h: opens all connections, a few at a time, each within its deadline. */
#ifndef STOA_TOOL_BENCH_CONNECT_H
#define STOA_TOOL_BENCH_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "bench_conn.h"
#include "bench_options.h"
#include "bench_target.h"
#include "bench_tls.h"

/* Monotonic nanoseconds. */
int64_t bench_now_ns(void);

/* Can this process have that many descriptors? Raises the soft limit to the hard one. Returns false with the reason on
 * stderr. */
bool bench_descriptors_suffice(uint32_t connections);

/* Open options->connections connections, with TLS when `tls` is not NULL. On return each is upgraded and in `epoll_fd`
 * for EPOLLIN with its index as data, and the bytes after the answer's head are in its tail. Returns false, with the
 * reason on stderr, when one fails. The caller closes the descriptors in both cases. */
bool bench_connect_all(const struct bench_target *target, const struct bench_options *options,
                       struct bench_tls_context *tls, int epoll_fd, struct bench_conn *conns);

#endif
