/* base/log_clock.h: the clock of log lines and of their rate limit. */
#ifndef STOA_BASE_LOG_CLOCK_H
#define STOA_BASE_LOG_CLOCK_H

#include "base/clock.h"

/* Use this clock for the log, borrowed until it is replaced; NULL for the system's. The counts of the rate limit begin
 * again, so a simulation that sets its clock for each run logs the same each time. Thread: while no other thread logs.
 */
void stoa_log_use_clock(const struct stoa_clock *clock);

#endif
