/* server/session_id.h: which worker has a session, told by its id alone: from any thread and without a table.
 *
 * The last byte of the UUID leads back to the worker; 122 - 8 random bits are left.
 */
#ifndef STOA_SERVER_SESSION_ID_H
#define STOA_SERVER_SESSION_ID_H

#include <stoa/uuid.h>

/* Make a fresh id one of that worker's. worker_count is at most 256. */
static inline void stoa_session_id_mark(struct stoa_uuid *id, uint32_t worker, uint32_t worker_count) {
  uint32_t block = id->bytes[15] % (256 / worker_count);
  id->bytes[15] = (uint8_t)(block * worker_count + worker);
}

/* Of an id that no session has: any worker. */
static inline uint32_t stoa_session_id_worker(const struct stoa_uuid *id, uint32_t worker_count) {
  return id->bytes[15] % worker_count;
}

#endif
