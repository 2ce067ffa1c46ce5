/* base/log_clock.h: the clock that log lines and their rate limit go by. */
#ifndef STOA_BASE_LOG_CLOCK_H
#define STOA_BASE_LOG_CLOCK_H

#include "base/clock.h"

/* Log by this clock, borrowed until it is replaced; NULL for the system's. Counts of the rate limit begin
 * anew, so a simulation that sets its clock for each run logs the same each time. Thread: while no other thread logs.
 */
void stoa_log_use_clock(const struct stoa_clock *clock);

#endif
