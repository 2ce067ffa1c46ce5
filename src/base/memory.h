/* base/memory.h: the library's only access to the heap.
 *
 * All memory of the library is allocated here. So a test can make the n-th allocation fail and check that nothing is
 * lost, blocks can be counted, and a program can set its own allocator (stoa/memory.h). OpenSSL, zlib and libdeflate
 * use these functions too.
 *
 * Thread: any. Counting costs nothing in a release build's hot path: counters are per thread and summed on demand.
 */
#ifndef STOA_BASE_MEMORY_H
#define STOA_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `size` bytes, not cleared; NULL when memory is out or stoa_memory_fail_at() made it fail. size is at least 1. */
void *stoa_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
/* count * size bytes, cleared; NULL also when the product overflows. */
void *stoa_calloc(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2)));
/* As realloc(3): on NULL the old block is unchanged and still owned by the caller. size is at least 1. */
void *stoa_realloc(void *block, size_t size) __attribute__((alloc_size(2)));
/* NULL is fine. */
void stoa_free(void *block);

/* Return unused memory of the heap to the system, after a peak. Does nothing when the program has set hooks. */
void stoa_memory_trim(void);

/* Faults, for tests. After stoa_memory_fail_at(n) the n-th next allocation of the process (1 is the next) fails, and
 * all after it too when `all_after`. 0 turns faults off. stoa_memory_fault_hits() returns how many were made to fail
 * since n was last set; turning faults off keeps the count. Thread: any, but one test at a time. */
void stoa_memory_fail_at(uint64_t n, bool all_after);
uint64_t stoa_memory_fault_hits(void);
/* Blocks allocated and not yet freed in the whole process: exact while no other thread allocates or frees. */
int64_t stoa_memory_live_blocks(void);

#endif
