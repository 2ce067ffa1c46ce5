/* server/exclusion.h: which bytes of a batch one session is not to get, for the workers that the batch is handed to.
 *
 * Only the owner of a group keeps such a list, and only for sessions of other workers: one that lives on the owner
 * passes over its range at once (stoa_side_skip()). What a list takes counts as bytes that the owner has gathered, so
 * it is bounded as they are.
 *
 * Thread: the worker's. Lifetime: a list goes with its batch.
 */
#ifndef STOA_SERVER_EXCLUSION_H
#define STOA_SERVER_EXCLUSION_H

#include <stddef.h>
#include <stdint.h>
#include <stoa/uuid.h>

struct stoa_exclusion {
  struct stoa_uuid session_id;
  uint32_t start, end; /* offsets in the batch, at the edges of frames */
};

/* Zeroed is an empty list. In the order of their offsets. */
struct stoa_exclusions {
  struct stoa_exclusion *items;
  uint32_t count, capacity;
};

/* Room for one more. Errors: STOA_E_MEMORY */
int stoa_exclusions_reserve(struct stoa_exclusions *list);
/* Into the room that was reserved. A range that goes on where the same session's last one ended becomes part of it.
 * Returns by how many bytes the list has grown. */
size_t stoa_exclusions_add(struct stoa_exclusions *list, const struct stoa_uuid *session_id, uint32_t start,
                           uint32_t end);
/* Those whose sessions are of one worker, into `out` (NULL: they are counted only). Returns how many. */
uint32_t stoa_exclusions_of_worker(const struct stoa_exclusions *list, uint32_t worker, uint32_t worker_count,
                                   struct stoa_exclusion *out);
/* Empty it, and release its memory. Returns how many bytes stoa_exclusions_add() has told of. */
size_t stoa_exclusions_clear(struct stoa_exclusions *list);

#endif
