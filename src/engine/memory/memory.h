/* engine/memory/memory.h: the engine that keeps everything in memory, for tests and for rooms that need not survive.
 *
 * The contract is that of engine/engine.h while the process lives. It has no thread: a call is done at once, and its
 * answer is posted. A room's old messages are removed when the room is used.
 */
#ifndef STOA_ENGINE_MEMORY_MEMORY_H
#define STOA_ENGINE_MEMORY_MEMORY_H

#include "engine/engine.h"
#include "engine/page.h"

struct stoa_memory_engine_options {
  const struct stoa_clock *clock; /* borrowed as long as the engine */
  struct stoa_engine_text text;
  struct stoa_engine_retention retention; /* of rooms without their own; zeroed: 10,000 messages a room */
  size_t bytes_max;                       /* of all messages and values; publishes and writes beyond it are UNAVAILABLE.
                                             0: 256 MiB */
  uint32_t rooms_max;                     /* with messages or subscribers; the same. 0: 100,000 */
  size_t body_bytes_max;                  /* 0: 64 KiB; at most STOA_ENGINE_BODY_LEN_MAX */
};

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM; STOA_E_ARGUMENT  body_bytes_max is too great */
int stoa_memory_engine_open(const struct stoa_memory_engine_options *options, struct stoa_engine **out_engine);

#endif
