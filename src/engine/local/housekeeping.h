/* engine/local/housekeeping.h: what the writer does between batches, in slices of about 2 ms: indexing texts, removing
 * old messages, erasing.
 *
 * Thread: the writer's.
 */
#ifndef STOA_ENGINE_LOCAL_HOUSEKEEPING_H
#define STOA_ENGINE_LOCAL_HOUSEKEEPING_H

#include "engine/local/local_private.h"

/* When the next slice is due. is_idle: no batch waits. */
uint64_t stoa_housekeeping_due_ns(const struct stoa_local *local, bool is_idle);
/* Do a slice. A code of SQLite; *out_is_commit: an error came from a commit. After an error the transaction is still to
 * be rolled back. *out_finished: a job that is done, to be answered; or NULL. */
int stoa_housekeeping_run(struct stoa_local *local, bool *out_is_commit, struct stoa_engine_request **out_finished);
/* Give up the first job. NULL: there is none. */
struct stoa_engine_request *stoa_housekeeping_take_job(struct stoa_local *local);
/* Stop cleaning, if it is; it begins anew later. */
void stoa_housekeeping_stop_cleaning(struct stoa_local *local);

#endif
