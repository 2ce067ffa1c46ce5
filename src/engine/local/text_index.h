/* engine/local/text_index.h: the index of texts for the search.
 *
 * Messages are stored without it, because a trigram index costs more than the rows themselves. Up to `indexed` they are
 * in it; newer ones are added while there is little to do, and a search looks at them one by one.
 *
 * Thread: the writer's.
 */
#ifndef STOA_ENGINE_LOCAL_TEXT_INDEX_H
#define STOA_ENGINE_LOCAL_TEXT_INDEX_H

#include "engine/local/row.h"

#define STOA_TEXT_INDEX_MARK "indexed"
/* Set while files may have pieces of texts that were removed: FTS5 keeps them until it merges, the WAL until it is
 * emptied. */
#define STOA_TEXT_TRACES_MARK "traces"
#define STOA_TEXT_INDEX_SLICE 256

/* The text of a message; false when it has none. */
bool stoa_text_index_text(const struct stoa_engine_text *text, const struct stoa_row *row,
                          struct stoa_string *out_text);
/* In a transaction: take a message out, before its body is emptied or its row removed. */
int stoa_text_index_remove(struct stoa_sql *sql, const struct stoa_engine_text *text, const struct stoa_row *row,
                           int64_t indexed);
/* In a transaction: add the message after *indexed, and raise it. *out_is_done: there was none. */
int stoa_text_index_add_next(struct stoa_sql *sql, const struct stoa_engine_text *text, int64_t *indexed,
                             bool *out_is_done);
/* Outside of one: a step of merging, after which removed text is gone from the index. is_first: begin.
 * *out_is_done: nothing is left to merge. */
int stoa_text_index_merge(struct stoa_sql *sql, bool is_first, bool *out_is_done);

#endif
