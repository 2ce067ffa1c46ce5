/* engine/local/local_private.h: the struct of a local engine, for its files. */
#ifndef STOA_ENGINE_LOCAL_LOCAL_PRIVATE_H
#define STOA_ENGINE_LOCAL_LOCAL_PRIVATE_H

#include "base/container.h"
#include "engine/hub.h"
#include "engine/local/database.h"
#include "engine/local/lane.h"
#include "engine/local/rooms.h"

#include <assert.h>

#define STOA_LOCAL_READERS 2u
/* Readers, and the searcher behind them. */
#define STOA_LOCAL_CONNECTIONS (STOA_LOCAL_READERS + 1)

/* A thread that reads, with its connection. */
struct stoa_local_reader {
  struct stoa_local *local;
  struct stoa_lane *lane;
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
  uint32_t batches;      /* since the last slice of housekeeping */
  int checkpoint_frames; /* checkpoint again when the WAL has so many */

  /* Housekeeping. */
  struct stoa_engine_queue jobs;
  enum stoa_local_phase phase; /* of the first job */
  int64_t job_room;
  bool has_hidden_rooms; /* rooms whose rows are still to be removed */
  uint64_t rest_ns;      /* no slice before: one has failed */
  uint64_t sweep_ns;     /* when the next sweep for retention begins */
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
