/* engine/local/store.h: what writes do in the transaction that runs.
 *
 * Thread: the writer's. All return codes of SQLite; after an error the transaction must be rolled back.
 */
#ifndef STOA_ENGINE_LOCAL_STORE_H
#define STOA_ENGINE_LOCAL_STORE_H

#include "engine/local/local_private.h"
#include "engine/local/row.h"

/* Begin a transaction unless one runs. */
int stoa_store_begin(struct stoa_local *local);
/* Write the counters of changed rooms, and commit. *out_is_commit: an error came from the commit itself. */
int stoa_store_commit(struct stoa_local *local, bool *out_is_commit);
void stoa_store_roll_back(struct stoa_local *local);

/* The room, from memory or from the database; its id is 0 when it is not there. *out_room is NULL when no more rooms
 * fit into memory. */
int stoa_store_room(struct stoa_local *local, struct stoa_string name, struct stoa_local_room **out_room);

/* Do the request and write its answer. A request of its own that fails, fails alone. */
int stoa_store_perform(struct stoa_local *local, struct stoa_engine_request *request);

/* In a transaction: a text is removed. It may be found in the files until housekeeping has cleaned them. */
int stoa_store_note_trace(struct stoa_local *local);
/* Empty a message's body, take it from the index of texts, and forget its sender if asked. */
int stoa_store_empty(struct stoa_local *local, struct stoa_local_room *room, const struct stoa_row *row,
                     bool forget_sender);
/* Empty up to `limit` messages that target the offset. The answer's count grows by each, but for those of the sender
 * that is being erased (the request's key): they are counted when they are erased themselves. *out_is_done: there are
 * no more. */
int stoa_store_empty_concerning(struct stoa_local *local, struct stoa_local_room *room, uint64_t offset, uint32_t limit,
                                struct stoa_engine_request *request, bool *out_is_done);

#endif
