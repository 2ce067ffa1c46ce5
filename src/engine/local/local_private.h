/* engine/local/local_private.h: the struct of a local engine, for its files. */
#ifndef STOA_ENGINE_LOCAL_LOCAL_PRIVATE_H
#define STOA_ENGINE_LOCAL_LOCAL_PRIVATE_H

#include "base/container.h"
#include "base/units.h"
#include "engine/hub.h"
#include "engine/local/database.h"
#include "engine/local/lane.h"
#include "engine/local/pace.h"
#include "engine/local/rooms.h"

#include <assert.h>

#define STOA_LOCAL_READERS 2u
/* Readers, and the searcher behind them. */
#define STOA_LOCAL_CONNECTIONS (STOA_LOCAL_READERS + 1)
/* Of the metrics: the writer's, then one for each reader. */
#define STOA_LOCAL_WRITER_SHARD 0u
#define STOA_LOCAL_SHARDS (1 + STOA_LOCAL_CONNECTIONS)

/* How long pieces of redacted texts may stay in the files: merging the index of a million messages takes seconds, so it
 * is not done for each. */
#define STOA_LOCAL_CLEAN_NS (UINT64_C(50) * 60 * STOA_NS_PER_S)

/* A thread that reads, with its connection. */
struct stoa_local_reader {
  struct stoa_local *local;
  struct stoa_lane *lane;
  struct stoa_metric_shard *metrics;
  struct stoa_sql sql; /* closed until it is needed */
};

/* A long task between transactions: erasing a user or a room. */
enum stoa_local_phase { STOA_LOCAL_ROWS, STOA_LOCAL_MERGE_BEGIN, STOA_LOCAL_MERGE, STOA_LOCAL_TRUNCATE };

struct stoa_local {
  struct stoa_engine engine;
  struct stoa_engine_calls calls;
  struct stoa_local_engine_options options;
  char *path, *vfs; /* owned */
  /* Held for reading while a reader works, for writing while the files are closed and opened. */
  pthread_rwlock_t files;
  bool is_open;
  struct stoa_database database;
  struct stoa_local_rooms rooms;
  struct stoa_lane writes, reads, searches;
  struct stoa_local_reader readers[STOA_LOCAL_CONNECTIONS];
  uint32_t next_reader; /* when stepped */

  /* Told by the loops that write. */
  _Atomic(uint64_t) turn_ns;    /* their longest turn of late */
  _Atomic(uint64_t) arrived_ns; /* when the last requests came */

  /* The writer's. */
  struct stoa_engine_queue backlog;
  struct stoa_engine_queue erased; /* rooms to erase, of this transaction */
  struct stoa_engine_batch *batch; /* made before it is needed; NULL: memory was out */
  bool has_ended;                  /* closed for good: no step opens it again */
  bool is_in_transaction;
  bool has_committed;    /* the batch is stored, and not answered yet */
  bool has_written;      /* it was more than reading */
  int64_t seq, next_seq; /* the newest row: committed, of this transaction */
  int64_t indexed;       /* the newest row in the index of texts */
  uint64_t retry_ns;     /* when to open again, or to go on without memory */
  uint64_t retry_ms;
  uint64_t sampled_ns;  /* when the disk was looked at */
  uint64_t logged_ns;   /* when a failure was logged; 0: never */
  bool is_trouble_told; /* the log has a failure, and not yet that it is over */
  uint64_t commit_ns;   /* how long the last commit took */
  uint32_t rows_max;    /* of the next batch */
  struct stoa_pace pace;
  uint32_t batches;      /* since the last slice of housekeeping */
  int checkpoint_frames; /* checkpoint again when the WAL has so many */

  /* Housekeeping. */
  struct stoa_engine_queue jobs;
  enum stoa_local_phase phase; /* of the first job */
  int64_t job_room;
  bool has_traces;        /* of removed texts, in the index and in the WAL */
  bool is_cleaning;       /* removing them; before the first job */
  uint64_t trace_count;   /* how many were made since the start */
  uint64_t cleaned_count; /* those that the merge which runs removes */
  uint64_t clean_ns;      /* when to remove them without a job */
  bool has_hidden_rooms;  /* rooms whose rows are still to be removed */
  uint64_t rest_ns;       /* no slice before: one has failed */
  uint64_t sweep_ns;      /* when the next sweep for retention begins */
  bool is_sweeping;
  int64_t sweep_room;
};

static inline struct stoa_local *stoa_local_of(struct stoa_engine *engine) {
  return stoa_container_of(engine, struct stoa_local, engine);
}

static inline uint64_t stoa_local_now_ns(const struct stoa_local *local) {
  return stoa_clock_monotonic_ns(local->options.clock);
}

#endif
