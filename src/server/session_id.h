/* server/session_id.h: finds the worker of a session from its id alone, on any thread and without a table.
 *
 * The last byte of the UUID encodes the worker; 122 - 8 random bits are left.
 */
#ifndef STOA_SERVER_SESSION_ID_H
#define STOA_SERVER_SESSION_ID_H

#include <stoa/uuid.h>

/* Change a new id to one of that worker. worker_count is at most 256. */
static inline void stoa_session_id_mark(struct stoa_uuid *id, uint32_t worker, uint32_t worker_count) {
  uint32_t block = id->bytes[15] % (256 / worker_count);
  id->bytes[15] = (uint8_t)(block * worker_count + worker);
}

/* For an id that no session has: any worker. */
static inline uint32_t stoa_session_id_worker(const struct stoa_uuid *id, uint32_t worker_count) {
  return id->bytes[15] % worker_count;
}

#endif
