#include "engine/metrics.h"

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define DECIMALS_NS 9

static const struct stoa_metric_row commit_rows[] = {
    [STOA_COMMIT_STORED] = {{"stored"}}, [STOA_COMMIT_FAILED] = {{"failed"}}};
static struct stoa_metric_labels commits = STOA_METRIC_LABELS("result", commit_rows);

static const struct stoa_metric_row read_rows[] = {
    [STOA_READ_RECENT] = {{"recent"}}, [STOA_READ_HISTORY] = {{"history"}}, [STOA_READ_STATE] = {{"state"}},
    [STOA_READ_ROOMS] = {{"rooms"}},   [STOA_READ_SEARCH] = {{"search"}},   [STOA_READ_BACKUP] = {{"backup"}}};
static struct stoa_metric_labels reads = STOA_METRIC_LABELS("kind", read_rows);

static const uint64_t bounds[] = {100 * NS_PER_US, 250 * NS_PER_US, 500 * NS_PER_US,  1 * NS_PER_MS,   2 * NS_PER_MS,
                                  5 * NS_PER_MS,   10 * NS_PER_MS,  25 * NS_PER_MS,   50 * NS_PER_MS,  100 * NS_PER_MS,
                                  250 * NS_PER_MS, 500 * NS_PER_MS, 1000 * NS_PER_MS, 5000 * NS_PER_MS};

#define SECONDS(name, help)                                                                  \
  {                                                                                          \
    .family = {name, help, "seconds", STOA_METRIC_HISTOGRAM, DECIMALS_NS}, .bounds = bounds, \
    .bound_count = STOA_COUNT_OF(bounds)                                                     \
  }
#define BYTES(name, help)                                   \
  {                                                         \
    .family = { name, help, "bytes", STOA_METRIC_GAUGE, 0 } \
  }

const struct stoa_metric stoa_engine_metric_table[STOA_EM_COUNT] = {
    [STOA_EM_COMMITS] = {.family = {"stoa_storage_commits", "Transactions of the storage, by their result.", NULL,
                                    STOA_METRIC_COUNTER, 0},
                         .labels = {&commits}},
    [STOA_EM_MESSAGES] = {.family = {"stoa_storage_messages", "Messages that were stored.", NULL, STOA_METRIC_COUNTER,
                                     0}},
    [STOA_EM_BATCH_SECONDS] =
        SECONDS("stoa_storage_batch_seconds", "Time of a transaction that stores what waited, its commit included."),
    [STOA_EM_COMMIT_SECONDS] = SECONDS("stoa_storage_commit_seconds",
                                       "Time of a commit: writing, and with full durability the sync of the disk."),
    [STOA_EM_READS] = {.family = {"stoa_storage_reads", "Reads of the storage, by what was read.", NULL,
                                  STOA_METRIC_COUNTER, 0},
                       .labels = {&reads}},
    [STOA_EM_READ_SECONDS] = SECONDS("stoa_storage_read_seconds", "Time of a read from the files."),
    [STOA_EM_SEARCH_SECONDS] = SECONDS("stoa_storage_search_seconds", "Time of a search."),
    [STOA_EM_FREE_BYTES] = BYTES("stoa_storage_free_bytes", "What is free on the disk of the database."),
    [STOA_EM_DATABASE_BYTES] = BYTES("stoa_storage_database_bytes", "Length of the database file."),
    [STOA_EM_WAL_BYTES] = BYTES("stoa_storage_wal_bytes", "Length of the database's write-ahead log."),
};
