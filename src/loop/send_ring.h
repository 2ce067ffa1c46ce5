/* loop/send_ring.h: passes some dozens of sends to the kernel with one call, through io_uring.
 *
 * No send outlives the call: a socket takes what it has room for, and all sends are finished when the call returns. So
 * no descriptor can be closed, and its number used again, while a send to it is pending, and the caller may change the
 * bytes afterwards. Only short sends cost a completion (IOSQE_CQE_SKIP_SUCCESS).
 *
 * Source: io_uring_enter(2), io_uring_setup(2).
 * Thread: create and destroy on any thread; enable and send on the same one.
 */
#ifndef STOA_LOOP_SEND_RING_H
#define STOA_LOOP_SEND_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stoa/status.h>
#include <sys/types.h>

/* The most sends of one call; more bring no gain. */
#define STOA_SEND_RING_ENTRIES 64

struct stoa_send {
  int fd; /* a non-blocking stream socket */
  const void *data;
  size_t len;    /* 1 to INT32_MAX */
  ssize_t taken; /* out: bytes that the socket took, or -errno */
};

struct stoa_send_ring;

/* Try with a socket pair whether the kernel has what is needed and reports short sends at once. Any thread.
 * Errors: STOA_E_UNSUPPORTED  errno says why (ENOSYS, EPERM: forbidden by seccomp or sysctl, ...) */
int stoa_send_ring_probe(void);

/* Errors: STOA_E_MEMORY; STOA_E_UNSUPPORTED as the probe */
int stoa_send_ring_create(struct stoa_send_ring **out_ring);
/* NULL is fine. */
void stoa_send_ring_destroy(struct stoa_send_ring *ring);

/* Bind the ring to the calling thread. Errors: STOA_E_SYSTEM */
int stoa_send_ring_enable(struct stoa_send_ring *ring);

/* Do up to STOA_SEND_RING_ENTRIES sends, in their order. If the kernel refuses the ring, that is logged, and these and
 * all later sends use send(2). */
void stoa_send_ring_send(struct stoa_send_ring *ring, struct stoa_send *sends, size_t count);

#endif
