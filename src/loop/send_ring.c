#include "loop/send_ring.h"

#include "base/memory.h"
#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stoa/log.h>
#include <sys/socket.h>
#include <unistd.h>

/* MSG_WAITALL makes a short send a failure. Failures have a completion, successes have none. MSG_DONTWAIT makes the
 * kernel give up at once instead of finishing the send later. */
#define FLAGS (MSG_NOSIGNAL | MSG_WAITALL | MSG_DONTWAIT)
#define PROBE_BYTES ((size_t)1024 * 1024)

struct stoa_send_ring {
  struct io_uring uring;
  bool broken; /* the kernel refused the ring: it is closed, and send(2) is used */
};

/* With deferred task work and a single issuer the kernel needs fewer locks and interrupts (since Linux 6.1). The ring
 * starts disabled, because the thread that will use it does not run yet. */
static int open_ring(struct io_uring *uring, unsigned flags) {
  flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL;
  int result = io_uring_queue_init(STOA_SEND_RING_ENTRIES, uring, flags);
  if (result == 0) {
    return STOA_OK;
  }
  errno = -result;
  return STOA_E_UNSUPPORTED;
}

int stoa_send_ring_create(struct stoa_send_ring **out_ring) {
  struct stoa_send_ring *ring = stoa_calloc(1, sizeof *ring);
  if (ring == NULL) {
    return STOA_E_MEMORY;
  }
  int status = open_ring(&ring->uring, IORING_SETUP_R_DISABLED);
  if (status != STOA_OK) {
    stoa_free(ring);
    return status;
  }
  *out_ring = ring;
  return STOA_OK;
}

void stoa_send_ring_destroy(struct stoa_send_ring *ring) {
  if (ring == NULL) {
    return;
  }
  if (!ring->broken) {
    io_uring_queue_exit(&ring->uring);
  }
  stoa_free(ring);
}

int stoa_send_ring_enable(struct stoa_send_ring *ring) {
  /* liburing 2.3 declares io_uring_enable_rings() but does not export it. */
  int result = io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
  if (result >= 0) {
    return STOA_OK;
  }
  errno = -result;
  return STOA_E_SYSTEM;
}

/* Returns how many sends the kernel took, counted from the first. */
static size_t submit(struct io_uring *uring, struct stoa_send *sends, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
    assert(sqe != NULL); /* count is at most the ring's size, and the ring is empty between calls */
    io_uring_prep_send(sqe, sends[i].fd, sends[i].data, sends[i].len, FLAGS);
    io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(sqe, i);
    sends[i].taken = (ssize_t)sends[i].len;
  }
  int result = io_uring_submit_and_get_events(uring);
  while (result == -EINTR) {
    result = io_uring_submit_and_get_events(uring);
  }
  struct io_uring_cqe *cqe;
  while (io_uring_peek_cqe(uring, &cqe) == 0) {
    assert(cqe->user_data < count);
    sends[cqe->user_data].taken = cqe->res;
    io_uring_cqe_seen(uring, cqe);
  }
  errno = result < 0 ? -result : 0;
  return result < 0 ? 0 : (size_t)result;
}

static void send_one(struct stoa_send *send) {
  ssize_t taken = stoa_sys.send(send->fd, send->data, send->len, MSG_NOSIGNAL | MSG_DONTWAIT);
  send->taken = taken < 0 ? -errno : taken;
}

void stoa_send_ring_send(struct stoa_send_ring *ring, struct stoa_send *sends, size_t count) {
  assert(count <= STOA_SEND_RING_ENTRIES);
  size_t done = 0;
  if (!ring->broken) {
    done = submit(&ring->uring, sends, count);
    if (done < count) {
      stoa_log(STOA_LOG_WARN, "io_uring failed; from now on each send is a separate system call",
               STOA_F_STR("reason", errno == 0 ? "not all sends were accepted" : strerror(errno)));
      /* What the kernel did not take goes with the ring, so that it is never sent twice. */
      io_uring_queue_exit(&ring->uring);
      ring->broken = true;
    }
  }
  for (; done < count; done++) {
    send_one(&sends[done]);
  }
}

/* The probe: a full socket must be reported, and at once. All of the above depends on it. */

static int try_on(struct io_uring *uring, const int pair[2], uint8_t *bytes) {
  struct stoa_send sends[2] = {{pair[0], bytes, PROBE_BYTES, 0}, {pair[0], bytes, PROBE_BYTES, 0}};
  size_t done = submit(uring, sends, 2);
  if (done < 2) {
    return STOA_E_UNSUPPORTED;
  }
  ssize_t there = 0;
  ssize_t len;
  while ((len = stoa_sys.recv(pair[1], bytes, PROBE_BYTES, 0)) > 0) {
    there += len;
  }
  bool reported = sends[0].taken > 0 && sends[0].taken < (ssize_t)PROBE_BYTES && sends[1].taken == -EAGAIN;
  errno = EOPNOTSUPP;
  return reported && there == sends[0].taken ? STOA_OK : STOA_E_UNSUPPORTED;
}

static int try_with(struct io_uring *uring, const int pair[2]) {
  uint8_t *bytes = stoa_calloc(1, PROBE_BYTES);
  int small = 4096;
  int status = STOA_E_UNSUPPORTED;
  if (bytes == NULL) {
    errno = ENOMEM;
  } else if (stoa_sys.setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0) {
    status = try_on(uring, pair, bytes);
  }
  int why = errno;
  stoa_free(bytes);
  errno = why;
  return status;
}

int stoa_send_ring_probe(void) {
  struct io_uring uring;
  int pair[2];
  int status = open_ring(&uring, 0);
  if (status != STOA_OK) {
    return status;
  }
  status = STOA_E_UNSUPPORTED;
  if (stoa_sys.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0) {
    status = try_with(&uring, pair);
    int why = errno;
    stoa_sys.close(pair[0]);
    stoa_sys.close(pair[1]);
    errno = why;
  }
  int why = errno;
  io_uring_queue_exit(&uring);
  errno = why;
  return status;
}
