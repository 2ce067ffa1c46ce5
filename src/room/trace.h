/* room/trace.h: the spans of a message on its way through a room: from its publish to the answer ("room publish"), in
 * the engine ("room store"), and from its owner to the workers that have members ("room deliver").
 *
 * The first two are parts of the span of the message that the program handles when it publishes. The last one continues
 * what the stored message itself says, in a field `traceparent` (server/trace/message.h): a program that wants it
 * writes the field.
 *
 * Every function takes NULL for a span that is not recorded.
 * Thread: the worker's that is named.
 */
#ifndef STOA_ROOM_TRACE_H
#define STOA_ROOM_TRACE_H

#include "engine/engine.h"
#include "room/name.h"

#include <stoa/room.h>
#include <stoa/trace.h>

struct stoa_worker;

/* On the worker that publishes. NULL unless it handles a message that is recorded. */
struct stoa_span *stoa_room_trace_publish(const struct stoa_worker *home, const struct stoa_room_name *name,
                                          size_t body_bytes);
/* On the owner: the engine gets it. NULL when the publish, whose place this is, has none. */
struct stoa_span *stoa_room_trace_store(const struct stoa_worker *owner, const struct stoa_trace_context *publish,
                                        const struct stoa_room_name *name);
/* The answer of the engine, or of the room. */
void stoa_room_trace_end(struct stoa_span *span, enum stoa_room_status status, uint64_t offset);

/* On the owner: a stored message was handed to the fan-out. Its span ends when all batches have left; without memory
 * there is none. */
void stoa_room_trace_deliver(struct stoa_worker *owner, const struct stoa_room_name *name,
                             const struct stoa_room_message *message);

#endif
