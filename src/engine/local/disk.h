/* engine/local/disk.h: what is free on the disk, and how long the files are.
 *
 * Thread: the writer's, because looking may block as long as a write.
 */
#ifndef STOA_ENGINE_LOCAL_DISK_H
#define STOA_ENGINE_LOCAL_DISK_H

#include "engine/local/local_private.h"

/* Look at the files, unless that was less than a second ago, and set the metrics. Does nothing for files of a VFS of
 * the caller. */
void stoa_disk_sample(struct stoa_local *local);
/* When to look again, without anything else to do; UINT64_MAX: never. */
uint64_t stoa_disk_due_ns(const struct stoa_local *local);
/* What is free; false: it is not known. */
bool stoa_disk_free_bytes(const struct stoa_local *local, uint64_t *out_bytes);

#endif
