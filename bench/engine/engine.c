/* bench/engine: how many messages a second the local engine stores, beside bare SQLite and the disk's own syncs.
 *
 *   bench-engine FOLDER [SECONDS]
 *
 * At batches of 1, 32 and 512 messages: bare SQLite with the same table and indexes and the same transactions, then the
 * engine with as many messages in flight. The two take turns, because a disk's sync rate changes within minutes, and
 * the rate of syncs alone is printed beside them.
 */
#include "base/clock.h"
#include "engine/local/local.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_LEN 120
#define ROOMS 16

static const char *folder;
static double seconds = 2;

static double now(void) {
  return (double)stoa_clock_monotonic_ns(&stoa_clock_system) / 1e9;
}

static void must(bool is_fine, const char *what) {
  if (!is_fine) {
    fprintf(stderr, "bench-engine: %s failed\n", what);
    exit(1);
  }
}

static const char *path_of(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void remove_files(void) {
  static const char *const names[] = {"bench.db", "bench.db-wal", "bench.db-shm", "bench.db.lock", "bench.sync"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    unlink(path_of(names[i]));
  }
}

/* The disk: write a page and sync. */
static double measure_syncs(void) {
  static char page[4096];
  int fd = open(path_of("bench.sync"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  must(fd >= 0, "open");
  double start = now();
  unsigned count = 0;
  for (; now() - start < seconds / 4; count++) {
    must(pwrite(fd, page, sizeof page, (off_t)(count % 1024) * 4096) == (ssize_t)sizeof page, "pwrite");
    must(fdatasync(fd) == 0, "fdatasync");
  }
  double rate = count / (now() - start);
  close(fd);
  return rate;
}

/* Bare SQLite. */

static sqlite3_stmt *open_bare(sqlite3 **out_db, bool is_full) {
  sqlite3_stmt *insert;
  remove_files();
  must(sqlite3_open(path_of("bench.db"), out_db) == SQLITE_OK, "sqlite3_open");
  const char *schema =
      "PRAGMA journal_mode = WAL; CREATE TABLE message(seq INTEGER PRIMARY KEY, room INTEGER, offset INTEGER, ordinal "
      "INTEGER, time INTEGER, kind INTEGER, type INTEGER, target INTEGER, redacted INTEGER, id BLOB, sender TEXT, once "
      "TEXT, body BLOB); CREATE UNIQUE INDEX a ON message(room, offset); CREATE UNIQUE INDEX b ON message(room, "
      "sender, "
      "once); PRAGMA cache_size = -16384";
  must(sqlite3_exec(*out_db, schema, NULL, NULL, NULL) == SQLITE_OK, "schema");
  sqlite3_exec(*out_db, is_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
  const char *text =
      "INSERT INTO message VALUES(NULL, ?1, ?2, ?2, 1800000000000000, 1, 0, 0, 0, zeroblob(16), ?3, ?4, ?5)";
  must(sqlite3_prepare_v2(*out_db, text, -1, &insert, NULL) == SQLITE_OK, "prepare");
  return insert;
}

static double measure_bare(bool is_full, unsigned batch) {
  static char body[BODY_LEN];
  sqlite3 *db;
  sqlite3_stmt *insert = open_bare(&db, is_full);
  unsigned count = 0;
  double start = now();
  while (now() - start < seconds) {
    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (unsigned i = 0; i < batch; i++, count++) {
      char id[32];
      int len = snprintf(id, sizeof id, "client-%u", count);
      sqlite3_bind_int64(insert, 1, count % ROOMS);
      sqlite3_bind_int64(insert, 2, count / ROOMS + 1);
      sqlite3_bind_text(insert, 3, "ann", 3, SQLITE_STATIC);
      sqlite3_bind_text(insert, 4, id, len, SQLITE_STATIC);
      sqlite3_bind_blob(insert, 5, body, sizeof body, SQLITE_STATIC);
      must(sqlite3_step(insert) == SQLITE_DONE, "insert");
      sqlite3_reset(insert);
    }
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit");
  }
  double rate = count / (now() - start);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return rate;
}

/* The engine. */

static unsigned in_flight;

static void on_done(void *context, const struct stoa_engine_answer *answer) {
  (void)context;
  must(answer->status == STOA_ENGINE_OK, stoa_engine_status_text(answer->status));
  in_flight--;
}

static void publish(struct stoa_engine_port *port, unsigned count) {
  static const uint8_t body[BODY_LEN];
  char id[32];
  char room[16];
  snprintf(id, sizeof id, "client-%u", count);
  snprintf(room, sizeof room, "room-%u", count % ROOMS);
  const struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT,
                                          .sender = STOA_STR("ann"),
                                          .client_msg_id = stoa_string_of(id),
                                          .body = stoa_bytes_make(body, sizeof body)};
  must(stoa_engine_publish(port, stoa_string_of(room), &draft, on_done, NULL) == STOA_OK, "publish");
  in_flight++;
}

static double measure_engine(bool is_full, unsigned batch) {
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1];
  struct stoa_loop *loop;
  struct stoa_engine *engine;
  struct stoa_engine_port *port;
  const struct stoa_engine_sink sink = {.context = NULL};
  remove_files();
  const struct stoa_local_engine_options options = {.path = path_of("bench.db"),
                                                    .clock = &stoa_clock_system,
                                                    .durability = is_full ? STOA_LOCAL_FULL : STOA_LOCAL_NORMAL};
  must(stoa_loop_create(&stoa_clock_system, &loop) == STOA_OK, "loop");
  must(stoa_local_engine_open(&options, &engine, reason) == STOA_OK, reason);
  must(stoa_engine_attach(engine, loop, &sink, &port) == STOA_OK, "attach");
  double start = now();
  unsigned count = 0;
  while (now() - start < seconds) {
    while (in_flight < batch) {
      publish(port, count++);
    }
    stoa_loop_turn(loop, -1);
  }
  double rate = (count - in_flight) / (now() - start);
  stoa_engine_close(engine);
  stoa_loop_destroy(loop);
  stoa_engine_destroy(engine);
  return rate;
}

int main(int argc, char **argv) {
  static const unsigned batches[] = {1, 32, 512, 1024};
  if (argc < 2) {
    fprintf(stderr, "usage: bench-engine FOLDER [SECONDS]\n");
    return 2;
  }
  folder = argv[1];
  seconds = argc > 2 ? strtod(argv[2], NULL) : seconds;
  printf("%-8s %9s %12s %12s %7s %12s\n", "", "in flight", "SQLite /s", "engine /s", "share", "syncs /s");
  for (int is_full = 1; is_full >= 0; is_full--) {
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
      double syncs = measure_syncs();
      double bare = measure_bare(is_full, batches[i]);
      double engine = measure_engine(is_full, batches[i]);
      printf("%-8s %9u %12.0f %12.0f %7.2f %12.0f\n", is_full ? "full" : "normal", batches[i], bare, engine,
             engine / bare, syncs);
      fflush(stdout);
    }
  }
  remove_files();
  return 0;
}
