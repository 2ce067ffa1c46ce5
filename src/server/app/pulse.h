/* server/app/pulse.h: does the loop of every worker turn? A worker that does not run a post in time is stuck: in a
 * handler that does not return, or because its thread does not get to run.
 *
 * Does not know: what is done about it.
 * Thread: begin and end on the one that starts the servers; beat on any one thread.
 * Lifetime: the posts are in the workers' mailboxes, so end comes after the workers have ended.
 */
#ifndef STOA_SERVER_APP_PULSE_H
#define STOA_SERVER_APP_PULSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stoa/status.h>

struct stoa_server;
struct stoa_pulse_probe;

struct stoa_pulse {
  struct stoa_pulse_probe *probes; /* one for each worker */
  uint32_t count;
};

/* A worker that is stuck. */
struct stoa_pulse_stuck {
  uint32_t server; /* its index */
  uint32_t worker;
};

/* Send every worker a post. The servers have begun.
 * Errors: STOA_E_MEMORY */
int stoa_pulse_begin(struct stoa_pulse *out_pulse, struct stoa_server *const *servers, size_t count);
/* Has every worker run its post since the last call? Those that have get the next one. False: out_stuck is the first
 * that has not. */
bool stoa_pulse_beat(struct stoa_pulse *pulse, struct stoa_pulse_stuck *out_stuck);
/* Zeroed is fine. */
void stoa_pulse_end(struct stoa_pulse *pulse);

#endif
