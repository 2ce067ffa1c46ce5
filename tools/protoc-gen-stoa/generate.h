/* generate.h: from the bytes of a request to the bytes of its answer. */
#ifndef PLUGIN_GENERATE_H
#define PLUGIN_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A CodeGeneratorResponse. Allocated in the pool. */
struct generated {
  uint8_t *bytes;
  size_t len;
};

/* False when `bytes` cannot come from protoc. Errors in a .proto file or in the options of a run are reported in the
 * answer, which then has no files. */
bool generate(const uint8_t *bytes, size_t len, struct generated *out_answer);

#endif
