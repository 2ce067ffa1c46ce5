/* bench/floor_no_uring.c: for builds without liburing. */
#include <stddef.h>

#include "floor.h"

bool floor_uring_open(void) {
  return false;
}

void floor_uring_fan_out(struct floor *floor) {
  (void)floor;
}
