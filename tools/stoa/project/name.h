/* tools/stoa/project/name.h: names of projects and of .proto files.
 *
 * A name becomes a package, the begin of C names, a program and a folder, so it must be possible as all of them.
 */
#ifndef STOA_TOOL_PROJECT_NAME_H
#define STOA_TOOL_PROJECT_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum { PROJECT_NAME_MAX = 40 };

/* NULL when the name can be used, else why not: small letters, digits and single underscores, no keyword of C, C++ or
 * Protobuf, and no name that a build or the library uses. */
const char *project_name_problem(const char *name);

/* "hello_world" as "HelloWorld", or as "HELLO_WORLD". */
void project_name_camel(const char *name, char out[PROJECT_NAME_MAX + 1]);
void project_name_upper(const char *name, char out[PROJECT_NAME_MAX + 1]);

#endif
