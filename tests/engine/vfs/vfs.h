/* tests/engine/vfs/vfs.h: a disk for SQLite that can lose what was not synced.
 *
 * Each file has two images: what reads see, and what the disk has. A write changes the first and is remembered; a sync
 * carries the remembered writes over. At a power cut any part of what was not synced reaches the disk: each sector of
 * each write or not, and the length of the file or not. A killed process loses nothing. A failed sync is Linux's: the
 * writes stay readable, count as clean, and no later sync stores them.
 *
 * Shared memory, time and randomness come from here too. Thread: one. There is one disk in a process.
 */
#ifndef STOA_TESTS_ENGINE_VFS_H
#define STOA_TESTS_ENGINE_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define VFS_NAME "disk"

/* Register the VFS once, and begin with an empty disk and a seed. */
void vfs_begin(uint64_t seed);
/* Release the files. Everything must be closed. */
void vfs_end(void);

/* From now on every call fails but close: the process is dead. */
void vfs_kill(void);
/* The next process: it finds what the last one wrote, or after a power cut what the disk has. All files are closed. */
void vfs_restart(bool is_power_cut);

enum vfs_fault {
  VFS_NO_FAULT,
  VFS_FULL,        /* SQLITE_FULL after a part of the write */
  VFS_WRITE_FAILS, /* SQLITE_IOERR_WRITE after a part of the write */
  VFS_SYNC_FAILS,
  VFS_DIES, /* the process is killed within a write or a sync */
};
/* The n-th next write or sync fails, and `count` - 1 after it. 0: none. */
void vfs_fail(enum vfs_fault fault, uint32_t n, uint32_t count);
/* Has the process died, of vfs_kill() or VFS_DIES? */
bool vfs_is_dead(void);
/* How many writes and syncs were made to fail since the beginning. */
uint32_t vfs_faults(void);
/* The same, each kind. */
void vfs_count(unsigned *out_full, unsigned *out_writes, unsigned *out_syncs, unsigned *out_deaths);
uint32_t vfs_syncs(void);

/* The generator of the seed; also for the test's own choices. */
uint32_t vfs_random(uint32_t below);

#endif
