/* bench/floor_uring.c: the turn's sends through io_uring. */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "floor.h"

enum { ENTRIES = 64 };

static struct io_uring ring;

bool floor_uring_open(void) {
  return io_uring_queue_init(ENTRIES, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0;
}

/* Only sends that fell short are reported: a full success is skipped, so that nothing has to be read for it. */
static void submit(struct floor *floor) {
  io_uring_submit_and_get_events(&ring);
  struct io_uring_cqe *cqe;
  while (io_uring_peek_cqe(&ring, &cqe) == 0) {
    int sent = cqe->res;
    size_t index = (size_t)cqe->user_data;
    io_uring_cqe_seen(&ring, cqe);
    if (sent >= 0 || sent == -EAGAIN) {
      floor_keep(floor, index, floor->turn, floor->turn_len, sent < 0 ? 0 : (size_t)sent);
    }
  }
}

void floor_uring_fan_out(struct floor *floor) {
  for (size_t i = 0; i < floor->member_count; i++) {
    struct member *member = &floor->members[i];
    if (member->out != NULL) {
      floor_keep(floor, i, floor->turn, floor->turn_len, 0);
      continue;
    }
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) {
      submit(floor);
      sqe = io_uring_get_sqe(&ring);
    }
    /* MSG_WAITALL makes a short send a failure, which is reported; MSG_DONTWAIT keeps the kernel from waiting for room
     * with a buffer that the next turn overwrites. */
    io_uring_prep_send(sqe, member->fd, floor->turn, floor->turn_len, MSG_NOSIGNAL | MSG_WAITALL | MSG_DONTWAIT);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, i);
  }
  submit(floor);
}
