/* tests/simulation/oracle.h: what members of groups may receive, and in which order.
 *
 * What one member hears of one group, from one joining to the next leaving or the connection's end, is a hearing. It is
 * a window of the group's one order: so two hearings of a group agree, without a hole, in all that both hold, and a
 * publisher's messages come by ascending numbers without a hole.
 */
#ifndef TESTS_SIMULATION_ORACLE_H
#define TESTS_SIMULATION_ORACLE_H

#include "trace.h"

#include <stdint.h>

#define ORACLE_PUBLISHERS_MAX 1024

struct hearing {
  char group;
  unsigned connection;
  uint32_t *messages; /* publisher << 16 | number */
  size_t count, capacity;
  uint16_t last[ORACLE_PUBLISHERS_MAX]; /* number of each publisher; 0: none heard */
};

struct oracle {
  struct trace *trace;
  struct hearing **hearings;
  size_t count, capacity;
};

struct hearing *oracle_begin(struct oracle *oracle, char group, unsigned connection);
/* `number` is how many the publisher has sent to the group, 1 for the first. */
void oracle_hear(struct oracle *oracle, struct hearing *hearing, unsigned publisher, unsigned number);
/* All is heard: compare. */
void oracle_check(const struct oracle *oracle);
void oracle_release(struct oracle *oracle);

#endif
