/* problem.h: what is wrong with a .proto file, gathered so that one run shows it all. */
#ifndef PLUGIN_PROBLEM_H
#define PLUGIN_PROBLEM_H

#include "text.h"

/* Where something stands in a .proto file, and what is said about it there. */
struct place {
  const char *file;
  int line; /* from 1; 0 when unknown */
  int column;
  const char *comment; /* the one before it, else the one after it on its line; NULL when there is none */
};

struct problems {
  struct text text;
  unsigned count;
};

/* Add one line, "file.proto:LINE:COLUMN: text", the way protoc writes its own. */
void problem_add(struct problems *problems, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "file.proto:LINE:COLUMN" */
const char *problem_place(const struct place *place);
/* What protoc is to show, or NULL when all is well. */
const char *problem_summary(const struct problems *problems);

#endif
