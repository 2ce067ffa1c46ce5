/* tests/room/room_log.h: the messages of a room that somebody was shown, by offset, for room_world.c. */
#ifndef TESTS_ROOM_ROOM_LOG_H
#define TESTS_ROOM_ROOM_LOG_H

#include <stoa/bytes.h>

#include "simulation/trace.h"

#define OFFSETS_MAX 4096u

struct room_log {
  uint64_t epoch;
  char ids[OFFSETS_MAX][16]; /* by offset; "": nobody was shown one */
  uint64_t top;              /* at the end */
};

/* Fails the trace when it contradicts what is there. */
void room_log_note(struct room_log *log, const char *room, struct trace *trace, uint64_t epoch, uint64_t offset,
                   struct stoa_string client_msg_id);
/* Whatever was shown is stored, at its offset, once. */
void room_log_check(const struct room_log *shown, const struct room_log *stored, const char *room, struct trace *trace);

#endif
