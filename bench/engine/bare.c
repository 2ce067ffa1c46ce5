#include "engine/bare.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX (1u << 20)

double bare_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void bare_must(bool is_fine, const char *what) {
  if (!is_fine) {
    fprintf(stderr, "bench: %s failed\n", what);
    exit(1);
  }
}

const char *bare_path(const char *folder, const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

void bare_remove(const char *folder) {
  static const char *const names[] = {"bench.db", "bench.db-wal", "bench.db-shm", "bench.db.lock", "bench.sync"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    unlink(bare_path(folder, names[i]));
  }
}

double bare_syncs(const char *folder, double seconds) {
  static char page[4096];
  int fd = open(bare_path(folder, "bench.sync"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  bare_must(fd >= 0, "open");
  double start = bare_now();
  unsigned count = 0;
  for (; bare_now() - start < seconds; count++) {
    bare_must(pwrite(fd, page, sizeof page, (off_t)(count % 1024) * 4096) == (ssize_t)sizeof page, "pwrite");
    bare_must(fdatasync(fd) == 0, "fdatasync");
  }
  double rate = count / (bare_now() - start);
  close(fd);
  return rate;
}

static sqlite3_stmt *open_database(const char *folder, sqlite3 **out_db, bool is_full) {
  sqlite3_stmt *insert;
  bare_remove(folder);
  bare_must(sqlite3_open(bare_path(folder, "bench.db"), out_db) == SQLITE_OK, "sqlite3_open");
  const char *schema =
      "PRAGMA journal_mode = WAL; CREATE TABLE message(seq INTEGER PRIMARY KEY, room INTEGER, offset INTEGER, ordinal "
      "INTEGER, time INTEGER, kind INTEGER, type INTEGER, target INTEGER, redacted INTEGER, id BLOB, sender TEXT, once "
      "TEXT, body BLOB); CREATE UNIQUE INDEX a ON message(room, offset); CREATE UNIQUE INDEX b ON message(room, "
      "sender, once); PRAGMA cache_size = -16384";
  bare_must(sqlite3_exec(*out_db, schema, NULL, NULL, NULL) == SQLITE_OK, "schema");
  sqlite3_exec(*out_db, is_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
  const char *text =
      "INSERT INTO message VALUES(NULL, ?1, ?2, ?2, 1800000000000000, 1, 0, 0, 0, zeroblob(16), ?3, ?4, ?5)";
  bare_must(sqlite3_prepare_v2(*out_db, text, -1, &insert, NULL) == SQLITE_OK, "prepare");
  return insert;
}

static void insert_row(sqlite3_stmt *insert, unsigned number, unsigned rooms) {
  static char body[BARE_BODY_LEN];
  char id[32];
  int len = snprintf(id, sizeof id, "client-%u", number);
  sqlite3_bind_int64(insert, 1, number % rooms);
  sqlite3_bind_int64(insert, 2, number / rooms + 1);
  sqlite3_bind_text(insert, 3, "ann", 3, SQLITE_STATIC);
  sqlite3_bind_text(insert, 4, id, len, SQLITE_STATIC);
  sqlite3_bind_blob(insert, 5, body, sizeof body, SQLITE_STATIC);
  bare_must(sqlite3_step(insert) == SQLITE_DONE, "insert");
  sqlite3_reset(insert);
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

struct bare_figures bare_measure(const char *folder, bool is_full, unsigned batch, unsigned rooms, double seconds) {
  sqlite3 *db;
  sqlite3_stmt *insert = open_database(folder, &db, is_full);
  double *samples_ms = malloc(SAMPLES_MAX * sizeof *samples_ms);
  bare_must(samples_ms != NULL, "malloc");
  unsigned count = 0;
  unsigned batches = 0;
  double begun_cpu_s = cpu_s();
  double start = bare_now();
  double at = start;
  while (at - start < seconds && batches < SAMPLES_MAX) {
    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (unsigned i = 0; i < batch; i++) {
      insert_row(insert, count++, rooms);
    }
    bare_must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit");
    double now = bare_now();
    samples_ms[batches++] = (now - at) * 1000;
    at = now;
  }
  struct bare_figures figures = {.per_s = count / (at - start), .cpu_us = (cpu_s() - begun_cpu_s) * 1e6 / count};
  qsort(samples_ms, batches, sizeof *samples_ms, compare);
  figures.p50_ms = samples_ms[batches / 2];
  figures.p99_ms = samples_ms[(batches - 1) * 99 / 100];
  free(samples_ms);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return figures;
}
