/* server/group/placement.h: a function that runs at a known place of a group's order: on the group's owner, right after
 * all that was published to the group before has left for its members and their workers.
 *
 * What the function posts to another worker arrives there after these messages. It may not publish to the group itself.
 *
 * Thread: the owner's. Lifetime: the struct is the caller's, borrowed until `run` is called, or until the worker ends:
 * then `run` is called too, with has_ended.
 */
#ifndef STOA_SERVER_GROUP_PLACEMENT_H
#define STOA_SERVER_GROUP_PLACEMENT_H

#include "server/group/interest.h"

struct stoa_worker;

struct stoa_placement {
  void (*run)(struct stoa_placement *placement, bool has_ended);
  /* Private. */
  struct stoa_placement *next;
  uint8_t name_len;
  char name[STOA_GROUP_NAME_LEN_MAX];
};

/* First in, first out. */
struct stoa_placements {
  struct stoa_placement *first;
  struct stoa_placement *last; /* valid while there is a first one */
};

/* Have it run at the end of this turn, or of the next one. What lingers for the group leaves before. */
void stoa_placement_request(struct stoa_worker *owner, struct stoa_placement *placement, struct stoa_string group);

/* At the end of the turn, when the groups' messages have left. */
void stoa_placements_run(struct stoa_worker *owner);
/* The worker is about to be freed. */
void stoa_placements_end(struct stoa_worker *owner);

#endif
