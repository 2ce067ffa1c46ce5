/* generate.h: from the bytes of a request to the bytes of its answer. */
#ifndef PLUGIN_GENERATE_H
#define PLUGIN_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A CodeGeneratorResponse. Lies in the pool. */
struct generated {
  uint8_t *bytes;
  size_t len;
};

/* False when `bytes` are nothing that protoc could have written. What is wrong with a .proto file or with the options
 * of a run is told in the answer, which then has no files. */
bool generate(const uint8_t *bytes, size_t len, struct generated *out_answer);

#endif
