/* tests/loop/rings.h: io_uring taken away from this process. */
#ifndef TESTS_LOOP_RINGS_H
#define TESTS_LOOP_RINGS_H

#include <stdbool.h>

/* Forbid io_uring_setup() with EPERM from now on, as container run times do. */
bool rings_forbid(void);
/* Put /dev/null in the place of every ring; returns how many there were. */
unsigned rings_break(void);

#endif
