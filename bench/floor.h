/* bench/floor.h: shared by the two sending back ends of the floor program. */
#ifndef STOA_BENCH_FLOOR_H
#define STOA_BENCH_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that wait: an incomplete received frame, or output that a full socket did not take. */
struct rest {
  uint8_t *data;
  size_t len;
  size_t cap;
};

/* One connection. Small, because members are walked in a dense array and most of them only receive. */
struct member {
  int fd;
  bool upgraded;
  struct rest *in;  /* NULL as long as every read ended at a frame's end */
  struct rest *out; /* NULL as long as the socket takes everything */
};

struct floor {
  int epoll_fd;
  int listen_fd;
  struct member *members;
  size_t member_count;
  int32_t *index_by_fd;
  uint8_t *input; /* one for all members: input is handled at once */
  size_t input_cap;
  uint8_t *turn; /* the messages of this turn, as frames to send */
  size_t turn_len;
  size_t turn_cap;
  size_t *ends; /* the end of each message in `turn` */
  size_t end_count;
  size_t end_cap;
  void (*fan_out)(struct floor *floor);
};

/* Keep the bytes that member `index` did not take, and send them when the socket has room. `sent` counts from the start
 * of `data`. */
void floor_keep(struct floor *floor, size_t index, const uint8_t *data, size_t len, size_t sent);

/* Open the ring. Returns false when the kernel has none. */
bool floor_uring_open(void);
/* Send the turn's buffer to every member, some dozens a system call. */
void floor_uring_fan_out(struct floor *floor);

#endif
