/* base/container.h: from a member back to the struct that it is embedded in. */
#ifndef STOA_BASE_CONTAINER_H
#define STOA_BASE_CONTAINER_H

#include <stddef.h>

/* The `type` whose `member` is at `pointer`. */
#define stoa_container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
