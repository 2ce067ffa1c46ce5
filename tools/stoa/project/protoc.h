/* tools/stoa/project/protoc.h: runs protoc, with Stoa's plugin and .proto files.
 *
 * Both are searched beside the program: where they are installed with it, or where it was built.
 */
#ifndef STOA_TOOL_PROJECT_PROTOC_H
#define STOA_TOOL_PROJECT_PROTOC_H

#include <stdbool.h>
#include <stddef.h>

enum { PROTOC_FILES_MAX = 256, PROTOC_INCLUDES_MAX = 32 };

/* What is given to protoc; texts are borrowed. */
struct protoc_input {
  const char *includes[PROTOC_INCLUDES_MAX]; /* folders of imports, without Stoa's own */
  size_t include_count;
  const char *files[PROTOC_FILES_MAX];
  size_t file_count;
};

/* Add one; false, and said, when there are too many. */
bool protoc_add_include(struct protoc_input *input, const char *folder);
bool protoc_add_file(struct protoc_input *input, const char *file);

/* Add api/ as a folder, and the files of api/protos.txt, of the project in `root`. `memory` keeps the names, and is to
 * be freed with free(). False, and said, when the list cannot be read or names too many files. */
bool protoc_add_project(struct protoc_input *input, const char *root, char **out_memory);

/* Write a FileDescriptorSet with all imports to the file. False when protoc fails, which says why itself, or cannot be
 * run, which is said. */
bool protoc_describe(const struct protoc_input *input, const char *out_file);
/* Run the plugin with one of its outputs, such as "ts", into a folder. False as above. */
bool protoc_generate(const struct protoc_input *input, const char *output, const char *out_folder);

#endif
