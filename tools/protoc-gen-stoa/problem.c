#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

#define PROBLEM_BYTES_MAX 2048

const char *problem_place(const struct place *place) {
  return text_format("%s:%d:%d", place->file, place->line, place->column);
}

const char *problem_comment(const struct place *place, const char *mark) {
  if (!place->is_deprecated) {
    return place->comment;
  }
  return place->comment == NULL ? mark : text_format("%s\n%s", place->comment, mark);
}

void problem_add(struct problems *problems, const struct place *place, const char *format, ...) {
  char line[PROBLEM_BYTES_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  text_addf(&problems->text, "\n%s: %s", problem_place(place), line);
  problems->count++;
}

const char *problem_summary(const struct problems *problems) {
  if (problems->count == 0) {
    return NULL;
  }
  /* protoc puts "--stoa_out: " before the text; with this first line every position is at the start of a line. */
  return text_format("%u %s%s", problems->count, problems->count == 1 ? "error" : "errors", problems->text.data);
}
