/* engine/local/writer.h: what the writing thread does: batches, and what follows when one fails.
 *
 * Thread: one at a time, the writer's.
 */
#ifndef STOA_ENGINE_LOCAL_WRITER_H
#define STOA_ENGINE_LOCAL_WRITER_H

#include "engine/local/local_private.h"

/* Open the files for the first time. Errors: as stoa_local_engine_open() */
int stoa_writer_open(struct stoa_local *local, const char **out_reason);
/* Before a step, on a thread of the writer's own: wait for publishers as pace.h plans it. Does not wait when nothing is
 * to be written. */
void stoa_writer_gather(struct stoa_local *local);
/* One step; false when there is nothing to do. */
bool stoa_writer_step(struct stoa_local *local);
/* When the next step is due without a request. */
uint64_t stoa_writer_due_ns(struct stoa_local *local);
/* Answer what is left, and close the files; readers have ended. */
void stoa_writer_close(struct stoa_local *local);

#endif
