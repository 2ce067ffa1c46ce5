/* engine/log.h: messages of one room in memory, in order: all that an engine keeps, or the newest ones beside a file.
 *
 * Thread: one at a time. Lifetime: zeroed is empty; the log has a reference to each message.
 */
#ifndef STOA_ENGINE_LOG_H
#define STOA_ENGINE_LOG_H

#include "engine/page.h"

struct stoa_engine_log {
  struct stoa_engine_message **slots; /* a ring */
  uint32_t capacity, first, count;
  size_t bytes; /* of messages, structs included */
};

void stoa_engine_log_fini(struct stoa_engine_log *log);
/* Takes a reference of its own; `message` is the room's next one. Errors: STOA_E_MEMORY, STOA_E_LIMIT (2^24 messages)
 */
int stoa_engine_log_append(struct stoa_engine_log *log, struct stoa_engine_message *message);
/* NULL when there are not so many. */
struct stoa_engine_message *stoa_engine_log_at(const struct stoa_engine_log *log, uint32_t index);
void stoa_engine_log_drop_first(struct stoa_engine_log *log);
/* The index of the first message above the offset; log->count when there is none. */
uint32_t stoa_engine_log_above(const struct stoa_engine_log *log, uint64_t offset);
/* Put an emptied copy in the place of a message. Errors: STOA_E_MEMORY */
int stoa_engine_log_redact(struct stoa_engine_log *log, uint32_t index, bool forget_sender);

/* Answer a history query from the log. False when the log does not reach far enough back: then the answer is unchanged.
 * request  its answer's status is set, also to GONE and UNAVAILABLE (memory) */
bool stoa_engine_log_page(const struct stoa_engine_log *log, const struct stoa_engine_bounds *bounds,
                          struct stoa_engine_request *request);

#endif
