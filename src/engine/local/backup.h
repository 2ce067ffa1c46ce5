/* engine/local/backup.h: a checked copy of the database while the engine runs.
 *
 * Thread: the searcher's.
 */
#ifndef STOA_ENGINE_LOCAL_BACKUP_H
#define STOA_ENGINE_LOCAL_BACKUP_H

#include "engine/hub.h"
#include "engine/local/database.h"

/* Copy to request->key, and write the answer. It ends early when the engine is closed. */
void stoa_local_backup(struct stoa_sql *sql, const struct stoa_database *database, struct stoa_engine *engine,
                       struct stoa_engine_request *request);

#endif
