/* server/group/longest.h: checks that a message to many is short enough for every client, whatever its codec.
 *
 * server.limits.message_bytes_max bounds what comes in. The message that is sent on can be longer: a sender is added,
 * text from Protobuf is escaped for JSON. A client with the same limit would close its session because of such a
 * message, so one member could make the others lose their sessions. Therefore outgoing messages have the limit too, in
 * the longest format of this server, no matter which clients are connected now.
 *
 * Thread: any.
 */
#ifndef STOA_SERVER_GROUP_LONGEST_H
#define STOA_SERVER_GROUP_LONGEST_H

#include "server/format.h"

/* Messages far below the limit are not encoded for the check. Payloads that are encoded for it are kept.
 * Errors: STOA_E_LIMIT  some format makes it longer than outgoing->body_bytes_max; STOA_E_MEMORY; STOA_E_UTF8. A codec
 *         that cannot express it (STOA_E_TYPE) is ignored: sending with that codec reports it. */
int stoa_longest_check(const struct stoa_formats *formats, struct stoa_outgoing *outgoing);

#endif
