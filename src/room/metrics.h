/* room/metrics.h: what rooms count (base/metric.h). Each worker has a shard; one more is for what is looked up at a
 * scrape.
 *
 * Thread: as base/metric.h. Lifetime: as the rooms.
 */
#ifndef STOA_ROOM_METRICS_H
#define STOA_ROOM_METRICS_H

#include "room/rooms.h"

enum stoa_room_metric {
  STOA_RM_PUBLISHES, /* enum stoa_room_status */
  STOA_RM_JOINS,     /* enum stoa_room_join_result */
  STOA_RM_SOURCES,   /* enum stoa_room_source */
  STOA_RM_LOADED,
  /* Looked up. */
  STOA_RM_RING_BYTES,
  STOA_RM_STATE, /* enum stoa_engine_state */
  STOA_RM_WAITING,
  STOA_RM_WAITING_BYTES,
  STOA_RM_COUNT
};

enum stoa_room_join_result { STOA_JOIN_RECOVERED, STOA_JOIN_NOT_RECOVERED, STOA_JOIN_NEW, STOA_JOIN_REFUSED };

/* Where a joining session's messages came from. */
enum stoa_room_source { STOA_SOURCE_RING, STOA_SOURCE_STORAGE };

/* Of what waits: rows of a label. */
enum stoa_room_waiting { STOA_WAITING_WRITES, STOA_WAITING_READS };

/* Errors: STOA_E_MEMORY, STOA_E_LIMIT */
int stoa_room_metrics_create(struct stoa_rooms *rooms);

/* Add to a counter or gauge, on the worker. */
static inline void stoa_room_metrics_add(struct stoa_room_worker *self, enum stoa_room_metric metric, uint32_t row,
                                         uint64_t value) {
  stoa_metric_add(self->metrics, metric, row, value);
}

/* The sets of a scrape of the rooms that `user` is: their own, then the engine's. Any thread, while the server runs. */
const struct stoa_metrics *stoa_room_metrics_sets(void *user, uint32_t index);

#endif
