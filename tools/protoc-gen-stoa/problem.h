/* problem.h: errors in .proto files, collected so that one run shows all of them. */
#ifndef PLUGIN_PROBLEM_H
#define PLUGIN_PROBLEM_H

#include <stdbool.h>

#include "text.h"

/* A position in a .proto file, and what the file says of what is there. */
struct place {
  const char *file;
  int line; /* from 1 */
  int column;
  const char *comment; /* the one before it, else the one after it on its line; NULL when there is none */
  bool is_deprecated;  /* option deprecated = true */
};

struct problems {
  struct text text;
  unsigned count;
};

/* Add one line, "file.proto:LINE:COLUMN: text", like the errors of protoc. */
void problem_add(struct problems *problems, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The comment, and `mark` on a line of its own when the place is deprecated; NULL when there is neither. */
const char *problem_comment(const struct place *place, const char *mark);
/* "file.proto:LINE:COLUMN" */
const char *problem_place(const struct place *place);
/* The text for protoc to show, or NULL when there are no problems. */
const char *problem_summary(const struct problems *problems);

#endif
