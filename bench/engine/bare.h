/* bench/engine/bare.h: what SQLite alone can do with the rows of the local engine, and the disk without it.
 *
 * Thread: one. Every failure ends the process.
 */
#ifndef STOA_BENCH_ENGINE_BARE_H
#define STOA_BENCH_ENGINE_BARE_H

#include <stdbool.h>

#define BARE_BODY_LEN 120

struct bare_figures {
  double per_s, p50_ms, p99_ms; /* rows; the times are those of whole batches */
  double cpu_us;                /* of a row */
};

/* In the folder: the database's files are made anew, and removed by bare_remove(). The same table, indexes and
 * transactions as the engine's, `batch` rows each, in so many rooms. */
struct bare_figures bare_measure(const char *folder, bool is_full, unsigned batch, unsigned rooms, double seconds);
/* Writes of a page with fdatasync(2), a second. */
double bare_syncs(const char *folder, double seconds);
void bare_remove(const char *folder);
/* Of the database in the folder; valid until the next call. */
const char *bare_path(const char *folder, const char *name);
void bare_must(bool is_fine, const char *what);
double bare_now(void);

#endif
