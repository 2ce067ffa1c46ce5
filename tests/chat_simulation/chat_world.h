/* tests/chat_simulation/chat_world.h: the chat of apps/chatroom and seven clients, in one thread, for a day, from one
 * seed.
 *
 * All of the program runs but its main(): two workers, its handlers, rooms on the engine `local`, whose database is on
 * the disk of tests/engine/vfs. The clients have three codecs, two of them are of one user, one has no subprotocol. The
 * seed says who takes the next turn, what people do (join, leave, write, edit, delete, react, type, read, change their
 * names, moderate), whose connection breaks or stalls, when the server is restarted, killed, or loses its power, and
 * when hours pass.
 *
 * What must hold: whenever it is quiet, what each client knows (messages with their edits and reactions, people, who
 * types, what was read) is what a fresh one is told that joins then; bans, mutes, slow mode and topics are those that
 * were set; and nothing that was acknowledged is lost.
 */
#ifndef TESTS_CHAT_SIMULATION_CHAT_WORLD_H
#define TESTS_CHAT_SIMULATION_CHAT_WORLD_H

#include "simulation/trace.h"

#include <stdint.h>

#define CHAT_WORLD_TURNS 1800u

struct chat_world_counts {
  unsigned turns, checks, compared, folded;
  unsigned joins, recoveries, pages, chats, events, typings, diffs, reads, activities, lefts;
  unsigned acknowledged, repeated, edits, deletions, reactions, topics, renames;
  unsigned refused_muted, refused_banned, refused_slow, refused_window;
  unsigned kicks, mutes, bans, lifts;
  unsigned resets, stalls, kills, cuts, restarts, jumps, disk_faults;
};

/* Run one seed; what happened is in out_trace, a failure too. An assert or a sanitizer prints how to repeat it. */
void chat_world_run(uint64_t seed, unsigned turns, struct trace *out_trace, struct chat_world_counts *out_counts);

#endif
