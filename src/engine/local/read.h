/* engine/local/read.h: history, values and the list of rooms, from the database.
 *
 * What one answer has is of one moment: it comes from one transaction.
 * Thread: the reader's whose connection it is.
 */
#ifndef STOA_ENGINE_LOCAL_READ_H
#define STOA_ENGINE_LOCAL_READ_H

#include "engine/local/row.h"

/* Write the request's answer. */
void stoa_local_read(struct stoa_sql *sql, struct stoa_engine_request *request);

/* The frame of a read: in a transaction, call `look`, which returns a code of SQLite; UNAVAILABLE when it fails. */
void stoa_local_read_in_transaction(struct stoa_sql *sql, struct stoa_engine_request *request,
                                    int (*look)(struct stoa_sql *sql, struct stoa_engine_request *request,
                                                void *context),
                                    void *context);

#endif
