/* tests/server/hooks.h: an allocator below the library that knows its own blocks: a block of anybody else's ends the
 * test. A program that links it has it from its start. */
#ifndef TESTS_SERVER_HOOKS_H
#define TESTS_SERVER_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

/* Blocks that were given and have not come back, and how often one was asked for. */
int64_t hooks_live_blocks(void);
uint64_t hooks_calls(void);

/* As stoa_memory_fail_at() and stoa_memory_fault_hits(), by answers of the hooks: the tests of faults are compiled once
 * more with these in the place of those. */
void hooks_fail_at(uint64_t n, bool all_after);
uint64_t hooks_fault_hits(void);

#endif
