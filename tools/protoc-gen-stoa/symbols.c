#include "symbols.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

struct symbol {
  enum symbol_space space;
  enum symbol_part part;
  const void *kin;
  const char **yielding;
  unsigned rank;
  const struct model_file *file;
  const char *name;
  const char *what;
  const struct place *place;
  size_t order;
};

static void append(struct symbols *symbols, const struct symbol *symbol) {
  if (symbols->count == symbols->capacity) {
    size_t capacity = symbols->capacity == 0 ? 64 : symbols->capacity * 2;
    struct symbol *grown = pool_array(capacity, sizeof *grown);
    if (symbols->count > 0) {
      memcpy(grown, symbols->items, symbols->count * sizeof *grown);
    }
    symbols->items = grown;
    symbols->capacity = capacity;
  }
  assert(symbols->count < symbols->capacity);
  symbols->items[symbols->count] = *symbol;
  symbols->items[symbols->count].order = symbols->count;
  symbols->count++;
}

void symbols_add(struct symbols *symbols, enum symbol_space space, const char *name, const char *what,
                 const struct place *place) {
  const struct symbol symbol = {
      .space = space,
      .part = symbols->part,
      .kin = symbols->kin,
      .yielding = symbols->yielding,
      .rank = symbols->rank,
      .file = symbols->file,
      .name = name,
      .what = what,
      .place = place,
  };
  append(symbols, &symbol);
}

void symbols_append(struct symbols *symbols, const struct symbols *more) {
  for (size_t i = 0; i < more->count; i++) {
    append(symbols, &more->items[i]);
  }
}

/* By name, then by position in the file. */
static int compare(const void *left, const void *right) {
  const struct symbol *a = left;
  const struct symbol *b = right;
  if (a->space != b->space) {
    return a->space < b->space ? -1 : 1;
  }
  int by_name = strcmp(a->name, b->name);
  if (by_name != 0) {
    return by_name;
  }
  return a->order < b->order ? -1 : 1;
}

static bool is_same(const struct symbol *a, const struct symbol *b) {
  return a->space == b->space && strcmp(a->name, b->name) == 0;
}

static bool is_kin(const struct symbol *a, const struct symbol *b) {
  return a->kin != NULL && a->kin == b->kin;
}

static bool is_private(const struct symbol *symbol) {
  return symbol->part == SYMBOL_PART_SOURCE || symbol->part == SYMBOL_PART_CLIENT_SOURCE;
}

/* Are both visible in one compilation? */
static bool meet(const struct symbol *a, const struct symbol *b) {
  if (is_private(a) && is_private(b)) {
    return a->part == b->part && a->file == b->file;
  }
  bool is_server = a->part == SYMBOL_PART_SOURCE || b->part == SYMBOL_PART_SOURCE;
  bool is_client = a->part == SYMBOL_PART_CLIENT_HEADER || b->part == SYMBOL_PART_CLIENT_HEADER;
  return !is_server || !is_client;
}

/* Two items can have many equal names, all for one reason, which is one error. */
struct pairs {
  const struct place *(*items)[2];
  size_t count;
};

static bool add_pair(struct pairs *pairs, const struct place *first, const struct place *second) {
  for (size_t i = 0; i < pairs->count; i++) {
    if (pairs->items[i][0] == first && pairs->items[i][1] == second) {
      return false;
    }
  }
  pairs->items[pairs->count][0] = first;
  pairs->items[pairs->count][1] = second;
  pairs->count++;
  return true;
}

/* Report the symbol at `at` when an earlier one has the same name. */
static void report_one(const struct symbols *symbols, size_t at, const char *language, struct pairs *reported,
                       struct problems *problems) {
  const struct symbol *second = &symbols->items[at];
  for (size_t i = at; i > 0 && is_same(&symbols->items[i - 1], second); i--) {
    const struct symbol *first = &symbols->items[i - 1];
    if (meet(first, second) && !is_kin(first, second)) {
      if (!add_pair(reported, first->place, second->place)) {
        return;
      }
      problem_add(problems, second->place, "the %s name %s of %s is taken by %s (%s)", language, second->name,
                  second->what, first->what, problem_place(first->place));
      return;
    }
  }
}

static void sort(struct symbols *symbols) {
  if (symbols->count > 0) {
    qsort(symbols->items, symbols->count, sizeof *symbols->items, compare);
  }
}

void symbols_report(struct symbols *symbols, const char *language, struct problems *problems) {
  sort(symbols);
  struct pairs reported = {.items = pool_array(symbols->count, sizeof *reported.items)};
  for (size_t i = 1; i < symbols->count; i++) {
    report_one(symbols, i, language, &reported, problems);
  }
}

/* Which of two equal names changes; NULL when none can. */
static const char **loser(const struct symbol *a, const struct symbol *b) {
  bool is_first = a->rank != b->rank ? a->rank > b->rank : a->order > b->order;
  const char **first = is_first ? a->yielding : b->yielding;
  const char **second = is_first ? b->yielding : a->yielding;
  return first != NULL ? first : second;
}

/* A name that has changed already is behind some symbols of this round; the next round looks at it again. */
static void yield(const char **name, const char ***changed, size_t *count) {
  for (size_t i = 0; i < *count; i++) {
    if (changed[i] == name) {
      return;
    }
  }
  *name = text_format("%s_", *name);
  changed[(*count)++] = name;
}

bool symbols_separate(struct symbols *symbols) {
  sort(symbols);
  const char ***changed = pool_array(symbols->count, sizeof *changed);
  size_t count = 0;
  for (size_t i = 1; i < symbols->count; i++) {
    const struct symbol *second = &symbols->items[i];
    for (size_t at = i; at > 0 && is_same(&symbols->items[at - 1], second); at--) {
      const struct symbol *first = &symbols->items[at - 1];
      const char **name = meet(first, second) && !is_kin(first, second) ? loser(first, second) : NULL;
      if (name != NULL && first->yielding != second->yielding) {
        yield(name, changed, &count);
      }
    }
  }
  return count > 0;
}

/* `own` is sorted up to `count`. */
static bool has(const struct symbols *own, size_t count, const struct symbol *symbol) {
  size_t low = 0;
  while (low < count) {
    size_t middle = low + (count - low) / 2;
    int order = strcmp(own->items[middle].name, symbol->name);
    if (order == 0) {
      return true;
    }
    low = order < 0 ? middle + 1 : low;
    count = order < 0 ? count : middle;
  }
  return false;
}

void symbols_pass_on(struct symbols *own, struct symbols *others, const struct place *place,
                     struct problems *problems) {
  size_t own_count = own->count;
  sort(own);
  sort(others);
  for (size_t i = 0; i < others->count; i++) {
    const struct symbol *other = &others->items[i];
    const struct symbol *before = i > 0 && is_same(other - 1, other) ? other - 1 : NULL;
    if (has(own, own_count, other)) {
      continue;
    }
    if (before == NULL) {
      append(own, other);
    } else if (before->file != other->file) {
      problem_add(problems, place, "the name %s comes from two public imports: %s (%s) and %s (%s)", other->name,
                  before->what, problem_place(before->place), other->what, problem_place(other->place));
    }
  }
}
