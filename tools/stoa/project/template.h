/* tools/stoa/project/template.h: the files of a new project, which are in the program, and how they are filled in.
 *
 * A template has @key@ where a value belongs. Its path has NAME where the project's name belongs.
 *
 * Does not know: files of the disk. Thread: any.
 */
#ifndef STOA_TOOL_PROJECT_TEMPLATE_H
#define STOA_TOOL_PROJECT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stoa/buffer.h>

struct project_template {
  const char *path; /* "service/src/main.c" */
  const char *data;
  size_t len;
  bool is_executable;
};

/* All of tools/stoa/project/templates; embed.py writes them. */
extern const struct project_template project_templates[];
extern const size_t project_template_count;

struct project_value {
  const char *key; /* "name" stands for @name@ */
  const char *value;
};

/* Append the text with its values in place. An @ that begins no known key stays.
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY: see stoa_buffer_append() */
int project_template_fill(const char *text, size_t len, const struct project_value *values, size_t value_count,
                          struct stoa_buffer *out);

#endif
