/* tests/simulation/net.h: a network and its sockets in memory, below the table of system calls (base/sys.h).
 *
 * While it is up, sockets, epoll and eventfds of the library are objects in memory (object.h), in one thread
 * and by one fake clock. The seed decides how long bytes travel, into which pieces they fall, how much a socket's
 * buffer holds, what a read or a write takes, which listener of a shared port gets a connection, in which order epoll
 * reports, and the bytes of getrandom(2). Whoever uses it asks for resets and stalls.
 *
 * TCP as Linux does it, as far as the library can see: FIN comes after the data; a reset lets what has arrived be read
 * first; closing a socket with unread bytes resets; sending to a closed peer works once and resets.
 *
 * Does not know: unix sockets, UDP, files (their calls stay the system's), what is sent.
 * Thread: one; there is one network in a process. pthread_create(3) fails while it is up.
 */
#ifndef TESTS_SIMULATION_NET_H
#define TESTS_SIMULATION_NET_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

/* Whatever is written there goes to net_log_to(). */
#define NET_FD_LOG 999

/* Replace the table. The clock is moved by its owner, and by an epoll_wait(2) that waits.  */
void net_start(uint64_t seed, struct stoa_clock_fake *time);
/* Put the system's calls back. Returns how many descriptors were still open, which are forgotten. */
size_t net_stop(void);

/* Hand what is written to NET_FD_LOG over, a line or a piece of one at a time; until net_stop(). */
void net_log_to(void (*on_log)(void *context, const char *text, size_t len), void *context);

/* Both of its times. Never back. */
void net_move_clock(struct stoa_clock_fake *time, uint64_t monotonic_ns);

/* When something arrives next, in the clock's nanoseconds; UINT64_MAX: nothing is on its way. */
uint64_t net_due_ns(void);
/* Would epoll_wait(2) on this descriptor report something? */
bool net_is_ready(int epoll_fd);

/* The connection breaks: this end is told at once, the other one a moment later. */
void net_reset(int fd);
/* What is on its way, and will be, in both directions, takes so much longer. */
void net_stall(int fd, uint64_t ns);

#endif
