/* engine/local/search.h: messages by their text.
 *
 * Three characters or more are looked up in the index; what is not in it yet, and shorter texts, are looked for in the
 * messages themselves, newest first. Both look at a bounded number of messages.
 * Thread: the searcher's.
 */
#ifndef STOA_ENGINE_LOCAL_SEARCH_H
#define STOA_ENGINE_LOCAL_SEARCH_H

#include "engine/local/row.h"

void stoa_local_search(struct stoa_sql *sql, const struct stoa_engine_text *text, const struct stoa_clock *clock,
                       struct stoa_engine_request *request);

#endif
