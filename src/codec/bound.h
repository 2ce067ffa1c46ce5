/* codec/bound.h: upper bounds for the length of a message's encodings, without encoding it.
 *
 * A cheap check whether a message may exceed a limit: most messages are so far below it that they need not be encoded
 * to know that. Strings are not read; their bytes are counted as if each had to be escaped.
 *
 * Thread: any.
 */
#ifndef STOA_CODEC_BOUND_H
#define STOA_CODEC_BOUND_H

#include <stoa/descriptor.h>

/* The most that an arena needs to decode and handle one message of so many encoded bytes: structs are larger than their
 * encodings, and a handler builds its reply in the arena. */
static inline size_t stoa_codec_arena_bytes_max(size_t message_bytes_max) {
  return 1024u * 1024 + 16 * message_bytes_max;
}

/* In bytes; SIZE_MAX: unknown. */
struct stoa_codec_bound {
  size_t json;  /* with the options of stoa_codec_json */
  size_t proto; /* with stoa_codec_proto */
};

/* Neither codec writes more than this for the message. The bound is unknown for messages that are nested deeper than
 * STOA_CODEC_DEPTH_MAX, and for the JSON of messages with an Any, which contains a message of another type. */
struct stoa_codec_bound stoa_codec_bound_of(const struct stoa_message_type *type, const void *message);

#endif
