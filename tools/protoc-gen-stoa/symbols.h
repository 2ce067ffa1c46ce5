/* symbols.h: collects the names in generated code, to find equal ones.
 *
 * Does not know: the source of the names.
 */
#ifndef PLUGIN_SYMBOLS_H
#define PLUGIN_SYMBOLS_H

#include "model.h"
#include "problem.h"

/* In C, tags of structs and enums have their own name space. */
enum symbol_space { SYMBOL_SPACE_ORDINARY, SYMBOL_SPACE_TAG };

/* Where a name is visible. Names of the headers are visible everywhere, static names of a source only in that source.
 * The server's source does not include the client's header. */
enum symbol_part { SYMBOL_PART_HEADER, SYMBOL_PART_SOURCE, SYMBOL_PART_CLIENT_HEADER, SYMBOL_PART_CLIENT_SOURCE };

struct symbol;

/* A zeroed one is empty and ready. */
struct symbols {
  enum symbol_part part;         /* for the symbols that are added next */
  const struct model_file *file; /* for the same symbols: the file they come from */
  const void *kin; /* for the same symbols: two of one kin are equal exactly when the names that they are built from are
                      equal, and that is reported instead; NULL for most */
  const char **yielding; /* for the same symbols: the name that they are built from, which symbols_separate() may
                            change; NULL: it stays */
  unsigned rank;         /* for the same symbols: of two equal names that of the higher rank changes */
  struct symbol *items;
  size_t count;
  size_t capacity;
};

/* `what` describes the owner of the name: message "chat.v1.Line". */
void symbols_add(struct symbols *symbols, enum symbol_space space, const char *name, const char *what,
                 const struct place *place);
/* Report each name that an earlier symbol has. `language` is the language of the names. Sorts the symbols. */
void symbols_report(struct symbols *symbols, const char *language, struct problems *problems);

/* Put an underscore after the names that symbols with equal names are built from: of two the one with the higher rank,
 * then the later one. Returns whether any was changed; the symbols must then be collected again. Sorts the symbols. */
bool symbols_separate(struct symbols *symbols);

void symbols_append(struct symbols *symbols, const struct symbols *more);
/* Add the symbols in `others`, which a module re-exports, to `own`, which it exports itself. With equal names the
 * module's own one wins. Two equal names in `others` from different files are reported at `place`. */
void symbols_pass_on(struct symbols *own, struct symbols *others, const struct place *place, struct problems *problems);

#endif
