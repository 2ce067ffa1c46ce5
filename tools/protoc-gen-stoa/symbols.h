/* symbols.h: names that generated code has, gathered to find two that are one.
 *
 * Does not know: where the names come from.
 */
#ifndef PLUGIN_SYMBOLS_H
#define PLUGIN_SYMBOLS_H

#include "model.h"
#include "problem.h"

/* C keeps tags of structs and enums apart from all other names. */
enum symbol_space { SYMBOL_SPACE_ORDINARY, SYMBOL_SPACE_TAG };

/* Where a name is seen. The headers are seen by all; what a source keeps for itself is seen in that source alone, and
 * the server's source does not include the client's header. */
enum symbol_part { SYMBOL_PART_HEADER, SYMBOL_PART_SOURCE, SYMBOL_PART_CLIENT_HEADER, SYMBOL_PART_CLIENT_SOURCE };

struct symbol;

/* A zeroed one is empty and ready. */
struct symbols {
  enum symbol_part part;         /* of those that are added next */
  const struct model_file *file; /* the same; where they are from */
  const void *kin; /* the same: two of one kin collide exactly when what they are made of does, which is told of that;
                    * NULL for most */
  struct symbol *items;
  size_t count;
  size_t capacity;
};

/* `what` is what has the name: message "chat.v1.Line". */
void symbols_add(struct symbols *symbols, enum symbol_space space, const char *name, const char *what,
                 const struct place *place);
/* Tell of each name that an earlier one has taken. `language` is whose names they are. Puts the symbols into order. */
void symbols_report(struct symbols *symbols, const char *language, struct problems *problems);

/* All of `more` behind those that are there. */
void symbols_append(struct symbols *symbols, const struct symbols *more);
/* What a module that exports `own` and passes `others` on has in all, left in `own`. Of one name its own counts; two of
 * others, from different files, are told at `place`. */
void symbols_pass_on(struct symbols *own, struct symbols *others, const struct place *place, struct problems *problems);

#endif
