/* tests/fallback_simulation/fallback_world.h: a server with the HTTP fallback, two workers and six guests without
 * WebSocket, in one thread, from one seed.
 *
 * Guests open sessions, post numbered messages on connections that they share, read their events, or do not. They
 * repeat posts, on any connection and worker, send the next one before the last one was answered, and now and then what
 * they must not: a number with another body, a number too far, another key, half a body, a body that is none.
 * Connections are reset and stalled; sessions are paused, so that posts wait longer than a post may take.
 *
 * What must hold: the program gets each message of a session once and in order; a session's events are what was sent to
 * it, in order; a post is answered with 204 when its messages were handled, not before; a session ends because
 * something was done to it, with a reason; while one is open, somebody listens for its posts. At the end all is
 * answered, and nothing is left.
 */
#ifndef TESTS_FALLBACK_SIMULATION_FALLBACK_WORLD_H
#define TESTS_FALLBACK_SIMULATION_FALLBACK_WORLD_H

#include "simulation/trace.h"

#include <stdint.h>

#define FALLBACK_WORLD_TURNS 3000u

/* How much of everything there was. All are unsigned. */
struct fallback_world_counts {
  unsigned turns, sessions, messages, events;
  unsigned answered, repeated, superseded, late, eager, busy, out_of_order, gone, unanswered;
  unsigned other_bodies, wrong_numbers, wrong_keys, halves, malformed;
  unsigned resets, stalls, pauses, slow, leaves, drains, drained_posts, refused_opens;
};

void fallback_world_run(uint64_t seed, unsigned turns, struct trace *out_trace,
                        struct fallback_world_counts *out_counts);

#endif
