/* engine/local/pace.h: for how many messages a commit waits, how long, and how many it takes.
 *
 * Publishers who wait for their answers come back with their next messages a moment after a commit. To commit the first
 * of them alone would cost twice the commits. So the writer waits for as many as there were, in one of two ways:
 *
 * - In turn: all of them, then one commit. While it commits, the publishers wait; while they come back, the disk does.
 * - Overlapping: half of them. While one half is committed, the other half comes back. Each message needs twice the
 *   commits, and twice the sends to all members. That is faster when a commit waits for the disk, but not for longer
 *   than the publishers take to come back, and when a send to all members, which shows in long turns of the loops, is
 *   short.
 *
 * Does not know: the database, threads, clocks; the caller measures.
 * Thread: the writer's.
 */
#ifndef STOA_ENGINE_LOCAL_PACE_H
#define STOA_ENGINE_LOCAL_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* No wait is longer; a send to some 20,000 members takes so long. */
#define STOA_PACE_WAIT_NS_MAX UINT64_C(25000000)

/* Zeroed at the start. The times are averages of late. */
struct stoa_pace {
  uint32_t publishers; /* publishes of the next batches, if the publishers go on as they did; 0: not known */
  bool overlaps;
  uint64_t last_commit_ns;
  uint64_t commit_ns;  /* the COMMIT: it costs about the same for one message and for all */
  uint64_t batch_ns;   /* a batch with the messages of all publishers */
  uint64_t turn_ns;    /* the longest turns of the loops */
  uint64_t return_ns;  /* from the answers to the last message of all publishers */
  uint64_t sent_ns[2]; /* when the last batch was answered, and the one before it; 0: not yet */
};

/* A batch that has committed. */
struct stoa_pace_batch {
  uint32_t publishes;   /* that it has stored */
  uint32_t waiting;     /* messages that came since, and wait for the next batch */
  uint64_t duration_ns; /* all of it */
  uint64_t commit_ns;   /* of that, the COMMIT; at most duration_ns */
};

struct stoa_pace_plan {
  uint32_t count;    /* wait for so many; 0: do not wait */
  uint64_t wait_ns;  /* but not longer than this */
  uint32_t rows_max; /* and then take so many requests at most */
};

void stoa_pace_note_batch(struct stoa_pace *pace, const struct stoa_pace_batch *batch);
/* The batch was answered. */
void stoa_pace_note_sent(struct stoa_pace *pace, uint64_t now_ns);
/* Plan the next batch; what is known of publishers is used once.
 *
 * arrived_ns  when the last message came
 * turn_ns     the longest turn of the loops of late
 * rows_max    what a batch takes at most
 */
struct stoa_pace_plan stoa_pace_next(struct stoa_pace *pace, uint64_t arrived_ns, uint64_t turn_ns, uint32_t rows_max);

#endif
