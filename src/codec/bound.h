/* codec/bound.h: how long a message's encodings can be at most, told without encoding it.
 *
 * For asking cheaply whether a message may be too long for a limit: most are so far below it that nothing need be
 * encoded to see that. Strings are not read, only counted, as if each byte had to be escaped.
 *
 * Thread: any.
 */
#ifndef STOA_CODEC_BOUND_H
#define STOA_CODEC_BOUND_H

#include <stoa/descriptor.h>

/* What the arena needs that one message, of so many bytes encoded, is decoded into and handled in, at most: structs are
 * greater than their encodings, and a handler makes its answer there. */
static inline size_t stoa_codec_arena_bytes_max(size_t message_bytes_max) {
  return 1024u * 1024 + 16 * message_bytes_max;
}

/* In bytes; SIZE_MAX: not known. */
struct stoa_codec_bound {
  size_t json;  /* with the options of stoa_codec_json */
  size_t proto; /* with stoa_codec_proto */
};

/* Neither codec writes more than this for the message. Not known are messages that are nested deeper than
 * STOA_CODEC_DEPTH_MAX, and the JSON of those that hold an Any, which shows a message of another type. */
struct stoa_codec_bound stoa_codec_bound_of(const struct stoa_message_type *type, const void *message);

#endif
