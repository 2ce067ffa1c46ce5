/* One codec in the comparison: it encodes the same chat message, and decodes what it encoded. */
#ifndef STOA_BENCH_CODEC_CONTESTANT_H
#define STOA_BENCH_CODEC_CONTESTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chat {
  const char *message;
  const char *sender;
  const char *timestamp;
};

struct contestant {
  const char *name;
  /* Encode into memory of the contestant, over the previous result; returns the length, 0 when it failed. */
  size_t (*encode)(const struct chat *chat);
  /* Decode the last encoded message and free the result; false when it failed. */
  bool (*decode)(void);
};

/* NULL when the library is not installed. */
extern const struct contestant *const contestant_protobuf_c;
extern const struct contestant *const contestant_cjson;
extern const struct contestant *const contestant_jansson;

#endif
