/* server/longest.h: is a message for many short enough for each of them, in whatever codec he comes?
 *
 * server.limits.message_bytes_max bounds what comes in. What is made of it can be longer: a sender is added, a text
 * that came as Protobuf is escaped for JSON. A client with the same limit would end its session over such a message, so
 * one member could expel the others. Hence the limit holds for what goes out too, in the longest format that this
 * server speaks, whoever is connected: what is refused does not depend on that.
 *
 * Thread: any.
 */
#ifndef STOA_SERVER_LONGEST_H
#define STOA_SERVER_LONGEST_H

#include "server/format.h"

/* Messages far below the limit are not encoded for it; payloads that are made to measure them are kept.
 * Errors: STOA_E_LIMIT  some format makes it longer than outgoing->body_bytes_max; STOA_E_MEMORY; STOA_E_UTF8. A codec
 *         that has no form for it (STOA_E_TYPE) does not count: who needs it is told when it is sent. */
int stoa_longest_check(const struct stoa_formats *formats, struct stoa_outgoing *outgoing);

#endif
