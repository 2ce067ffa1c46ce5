/* base/container.h: from a member back to the struct that it is embedded in. */
#ifndef STOA_BASE_CONTAINER_H
#define STOA_BASE_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

/* The `type` whose `member` is at `pointer`, which is not NULL. A pointer to something else than the member is does not
 * compile (a void * does). As with strchr(), whoever gave a pointer to const knows whether the struct is const. */
#define stoa_container_of(pointer, type, member) \
  ((type *)((uintptr_t)(pointer)-offsetof(type, member) + 0 * sizeof((pointer) == &((type *)0)->member)))

#endif
