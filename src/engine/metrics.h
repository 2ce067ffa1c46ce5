/* engine/metrics.h: what an engine counts (base/metric.h). Each of its threads has a shard; loops use the shared one.
 *
 * Thread: as base/metric.h. Lifetime: the set belongs to the engine.
 */
#ifndef STOA_ENGINE_METRICS_H
#define STOA_ENGINE_METRICS_H

#include "base/metric.h"

enum stoa_engine_metric {
  STOA_EM_COMMITS, /* enum stoa_engine_commit */
  STOA_EM_MESSAGES,
  STOA_EM_BATCH_SECONDS,
  STOA_EM_COMMIT_SECONDS,
  STOA_EM_READS, /* enum stoa_engine_read */
  STOA_EM_READ_SECONDS,
  STOA_EM_SEARCH_SECONDS,
  STOA_EM_FREE_BYTES,
  STOA_EM_DATABASE_BYTES,
  STOA_EM_WAL_BYTES,
  STOA_EM_COUNT
};

enum stoa_engine_commit { STOA_COMMIT_STORED, STOA_COMMIT_FAILED };

enum stoa_engine_read {
  STOA_READ_RECENT, /* history, from the newest messages in memory */
  STOA_READ_HISTORY,
  STOA_READ_STATE,
  STOA_READ_ROOMS,
  STOA_READ_SEARCH,
  STOA_READ_BACKUP,
};

extern const struct stoa_metric stoa_engine_metric_table[STOA_EM_COUNT];

#endif
