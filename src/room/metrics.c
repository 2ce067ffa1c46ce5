#include "room/metrics.h"

static const struct stoa_metric_row publish_rows[] = {
    [STOA_ROOM_OK] = {{"ok"}},
    [STOA_ROOM_DUPLICATE] = {{"duplicate"}},
    [STOA_ROOM_BUSY] = {{"busy"}},
    [STOA_ROOM_UNAVAILABLE] = {{"unavailable"}},
    [STOA_ROOM_UNKNOWN] = {{"unknown"}},
    [STOA_ROOM_TOO_BIG] = {{"too_big"}},
    [STOA_ROOM_INVALID] = {{"invalid"}},
    [STOA_ROOM_GONE] = {{"gone"}},
    [STOA_ROOM_NOT_FOUND] = {{"not_found"}},
    [STOA_ROOM_FULL] = {{"full"}},
    [STOA_ROOM_JOINED] = {{"joined"}},
    [STOA_ROOM_LEFT] = {{"left"}},
    [STOA_ROOM_CLOSED] = {{"closed"}},
};
static struct stoa_metric_labels publishes = STOA_METRIC_LABELS("result", publish_rows);

static const struct stoa_metric_row join_rows[] = {[STOA_JOIN_RECOVERED] = {{"recovered"}},
                                                   [STOA_JOIN_NOT_RECOVERED] = {{"not_recovered"}},
                                                   [STOA_JOIN_NEW] = {{"new"}},
                                                   [STOA_JOIN_REFUSED] = {{"refused"}}};
static struct stoa_metric_labels joins = STOA_METRIC_LABELS("result", join_rows);

static const struct stoa_metric_row source_rows[] = {
    [STOA_SOURCE_RING] = {{"ring"}}, [STOA_SOURCE_STORAGE] = {{"storage"}}};
static struct stoa_metric_labels sources = STOA_METRIC_LABELS("source", source_rows);

static const struct stoa_metric_row state_rows[] = {
    [STOA_ENGINE_UP] = {{"up"}}, [STOA_ENGINE_DEGRADED] = {{"degraded"}}, [STOA_ENGINE_DOWN] = {{"down"}}};
static struct stoa_metric_labels states = STOA_METRIC_LABELS("state", state_rows);

static const struct stoa_metric_row waiting_rows[] = {
    [STOA_WAITING_WRITES] = {{"writes"}}, [STOA_WAITING_READS] = {{"reads"}}};
static struct stoa_metric_labels waiting = STOA_METRIC_LABELS("kind", waiting_rows);

static const struct stoa_metric table[STOA_RM_COUNT] = {
    [STOA_RM_PUBLISHES] = {.family = {"stoa_room_publishes", "Messages that were published to rooms, by their result.",
                                      NULL, STOA_METRIC_COUNTER, 0},
                           .labels = {&publishes},
                           .is_sparse = true},
    [STOA_RM_JOINS] = {.family = {"stoa_room_joins", "Joins of rooms, by their result.", NULL, STOA_METRIC_COUNTER, 0},
                       .labels = {&joins}},
    [STOA_RM_SOURCES] = {.family = {"stoa_room_join_sources", "Where the messages of joins came from.", NULL,
                                    STOA_METRIC_COUNTER, 0},
                         .labels = {&sources}},
    [STOA_RM_LOADED] = {.family = {"stoa_rooms_loaded", "Rooms that are in memory, because they are in use or were.",
                                   NULL, STOA_METRIC_GAUGE, 0}},
    [STOA_RM_RING_BYTES] = {.family = {"stoa_room_rings_bytes", "Recent messages of rooms in memory.", "bytes",
                                       STOA_METRIC_GAUGE, 0}},
    [STOA_RM_STATE] = {.family = {"stoa_storage_state", "1 for the state of the storage of rooms, 0 for the others.",
                                  NULL, STOA_METRIC_GAUGE, 0},
                       .labels = {&states}},
    [STOA_RM_WAITING] = {.family = {"stoa_storage_waiting", "Requests that wait for the storage.", NULL,
                                    STOA_METRIC_GAUGE, 0},
                         .labels = {&waiting}},
    [STOA_RM_WAITING_BYTES] = {.family = {"stoa_storage_waiting_bytes",
                                          "Bytes of writes, and of pages that were read, that wait.", "bytes",
                                          STOA_METRIC_GAUGE, 0},
                               .labels = {&waiting}},
};

int stoa_room_metrics_create(struct stoa_rooms *rooms) {
  int status = stoa_metrics_create(table, STOA_RM_COUNT, rooms->worker_count + 1, &rooms->metrics);
  for (uint32_t i = 0; i < rooms->worker_count && status == STOA_OK; i++) {
    rooms->workers[i].metrics = stoa_metrics_shard(rooms->metrics, i);
  }
  return status;
}

static void look_up(struct stoa_rooms *rooms) {
  struct stoa_metric_shard *shard = stoa_metrics_shard(rooms->metrics, rooms->worker_count);
  const struct stoa_engine_load load = stoa_engine_load(rooms->engine);
  enum stoa_engine_state state = stoa_engine_state(rooms->engine, NULL);
  for (uint32_t i = 0; i < STOA_COUNT_OF(state_rows); i++) {
    stoa_metric_cell_set(stoa_metric_cell_of(shard, STOA_RM_STATE, i), i == state ? 1 : 0);
  }
  stoa_metric_cell_set(stoa_metric_cell_of(shard, STOA_RM_RING_BYTES, 0), atomic_load(&rooms->ring_bytes));
  stoa_metric_cell_set(stoa_metric_cell_of(shard, STOA_RM_WAITING, STOA_WAITING_WRITES), load.writes);
  stoa_metric_cell_set(stoa_metric_cell_of(shard, STOA_RM_WAITING, STOA_WAITING_READS), load.reads);
  stoa_metric_cell_set(stoa_metric_cell_of(shard, STOA_RM_WAITING_BYTES, STOA_WAITING_WRITES), load.write_bytes);
  stoa_metric_cell_set(stoa_metric_cell_of(shard, STOA_RM_WAITING_BYTES, STOA_WAITING_READS), load.read_bytes);
}

const struct stoa_metrics *stoa_room_metrics_sets(void *user, uint32_t index) {
  struct stoa_rooms *rooms = user;
  if (index == 0) {
    look_up(rooms);
  }
  return index == 0 ? rooms->metrics : index == 1 ? stoa_engine_metrics(rooms->engine) : NULL;
}
