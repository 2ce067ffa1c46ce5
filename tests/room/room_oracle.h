/* tests/room/room_oracle.h: what a room's clients were shown and told, and whether all of it agrees.
 *
 * A room has a log for each of its epochs. `shown` collects what any client got, or was told to be stored; `stored` is
 * what a fresh client finds at the end.
 */
#ifndef TESTS_ROOM_ORACLE_H
#define TESTS_ROOM_ORACLE_H

#include "simulation/trace.h"

#include <stdint.h>

#define OFFSETS_MAX 2048u
#define EPOCHS_MAX 24u
#define ID_SIZE 12u

struct entry {
  char id[ID_SIZE];       /* "": nobody was shown one */
  bool is_note;           /* an event: pages do not have it */
  uint32_t len;           /* of its text */
  unsigned redacted_turn; /* when its author was told that it is empty; 0: was not */
};

struct epoch_log {
  uint64_t epoch;
  uint64_t top; /* the greatest offset that is known */
  struct entry entries[OFFSETS_MAX];
};

struct room_log {
  struct epoch_log *epochs[EPOCHS_MAX];
  unsigned count;
};

/* One message, as a client got it. */
struct sighting {
  const char *room;
  uint64_t epoch, offset;
  char id[ID_SIZE];
  bool is_note;
  uint32_t len;
};

/* What a client has of a room. */
struct view {
  uint64_t epoch;
  uint64_t from, position; /* it has all messages above `from` up to `position` */
  uint64_t page_top;       /* but of those up to this one only what pages have */
  uint64_t seen[OFFSETS_MAX];
  uint32_t seen_count;
};

/* The log of an epoch; made when missing. NULL: there are too many. */
struct epoch_log *oracle_epoch(struct room_log *log, uint64_t epoch);
/* Somebody got it. Returns its entry; NULL: that must not be, and the trace says why. */
struct entry *oracle_note(struct trace *trace, struct room_log *log, const struct sighting *sighting);
/* A view goes on with a message. */
void oracle_see(struct trace *trace, struct view *view, unsigned client, uint64_t offset);

/* At the end, by the newest epoch: what was shown is stored, unless it was removed since (offsets up to `floor`);
 * nothing is stored twice. */
void oracle_check_room(struct trace *trace, const char *room, struct room_log *shown, struct room_log *stored,
                       uint64_t epoch, uint64_t floor);
/* At the end: the view has everything that a fresh client has, and that others were shown meanwhile. */
void oracle_check_view(struct trace *trace, const char *room, unsigned client, const struct view *view,
                       struct room_log *shown, struct room_log *stored);
void oracle_release(struct room_log *log);

#endif
