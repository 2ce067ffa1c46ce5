/* server/group/exclusion.h: the ranges of a batch that single sessions must not get, for the workers that the batch is
 * handed to.
 *
 * Only the owner of a group keeps such a list, and only for sessions of other workers: a session on the owner skips its
 * range at once (stoa_side_exclude()). The memory of a list counts as gathered bytes of the owner, and so has the same
 * limit.
 *
 * Thread: the worker's. Lifetime: a list belongs to its batch.
 */
#ifndef STOA_SERVER_GROUP_EXCLUSION_H
#define STOA_SERVER_GROUP_EXCLUSION_H

#include <stddef.h>
#include <stdint.h>
#include <stoa/uuid.h>

struct stoa_exclusion {
  struct stoa_uuid session_id;
  uint32_t start, end; /* offsets in the batch, at the edges of frames */
};

/* Sorted by offset. A zeroed struct is an empty list. */
struct stoa_exclusions {
  struct stoa_exclusion *items;
  uint32_t count, capacity;
};

/* Room for one more. Errors: STOA_E_MEMORY */
int stoa_exclusions_reserve(struct stoa_exclusions *list);
/* Add to the reserved room. A range that continues the same session's last one is joined to it. Returns how many bytes
 * the list has grown. */
size_t stoa_exclusions_add(struct stoa_exclusions *list, const struct stoa_uuid *session_id, uint32_t start,
                           uint32_t end);
/* Copy those of one worker's sessions to `out` (NULL: only count them). Returns how many. */
uint32_t stoa_exclusions_of_worker(const struct stoa_exclusions *list, uint32_t worker, uint32_t worker_count,
                                   struct stoa_exclusion *out);
/* Empty the list and release its memory. Returns the sum of what stoa_exclusions_add() has returned. */
size_t stoa_exclusions_clear(struct stoa_exclusions *list);

#endif
