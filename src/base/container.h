/* base/container.h: from a member to the struct that contains it. */
#ifndef STOA_BASE_CONTAINER_H
#define STOA_BASE_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

/* The `type` whose `member` is at `pointer`, which is not NULL. A pointer of another type than the member's does not
 * compile (a void * does). As with strchr(), the result of a pointer to const is not const; the caller knows whether
 * the struct is. */
#define stoa_container_of(pointer, type, member) \
  ((type *)((uintptr_t)(pointer)-offsetof(type, member) + 0 * sizeof((pointer) == &((type *)0)->member)))

#endif
