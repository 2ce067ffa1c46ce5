/* engine/local/schema.h: the tables, and how those of an older version become those of this one.
 *
 * Thread: one at a time.
 */
#ifndef STOA_ENGINE_LOCAL_SCHEMA_H
#define STOA_ENGINE_LOCAL_SCHEMA_H

#include "engine/local/sql.h"

#define STOA_SCHEMA_VERSION 1

/* Is it a database of this kind, or an empty file? Changes nothing. out_reason: a string constant
 * Errors: STOA_E_SYNTAX, STOA_E_UNSUPPORTED; STOA_E_EXISTS  another process has it locked; STOA_E_SYSTEM */
int stoa_schema_check(struct stoa_sql *sql, const char **out_reason);
/* Make the tables of an empty file, or bring older ones to this version, in one transaction. A code of SQLite. */
int stoa_schema_migrate(struct stoa_sql *sql);

#endif
