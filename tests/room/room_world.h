/* tests/room/room_world.h: a server with rooms and seven clients, in one thread, from one seed.
 *
 * The seed says who takes the next turn, what clients do (join with their position, leave, publish, publish again,
 * close), whose connection breaks or stalls, how small the bounds are, and with the engine `local` when writes and
 * syncs fail, and when the process is killed or the power is cut. Its database is on the disk of tests/engine/vfs.
 *
 * What must hold: a message that anybody was shown, or that was acknowledged, is in the room at the end, at its offset,
 * once; a client that recovers misses nothing; at the end every client's view is that of a fresh one.
 */
#ifndef TESTS_ROOM_ROOM_WORLD_H
#define TESTS_ROOM_ROOM_WORLD_H

#include "simulation/trace.h"

#include <stdint.h>

#define ROOM_WORLD_TURNS 1500u

struct room_world_counts {
  unsigned turns, joins, recoveries, pages, undone; /* undone: joins, by a leave */
  unsigned posts, notes, typings;
  unsigned acknowledged, repeated, twins, failed, unknown, redactions; /* sends; twins: one beside another */
  unsigned resets, stalls, kills, cuts, jumps, memory_faults;
  unsigned full, write_faults, sync_faults, deaths; /* the disk's; deaths: of the process, in a write or sync */
};

/* Run one seed; what happened is in out_trace, a failure too. An assert or a sanitizer prints how to repeat it. */
void room_world_run(bool is_local, uint64_t seed, unsigned turns, struct trace *out_trace,
                    struct room_world_counts *out_counts);

#endif
