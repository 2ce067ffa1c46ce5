/* server/publication.h: a message on its way between threads: counted out by its post, immutable, encoded on the
 * thread that sends it, once per codec in use.
 */
#ifndef STOA_SERVER_PUBLICATION_H
#define STOA_SERVER_PUBLICATION_H

#include "server/format.h"

struct stoa_server;
struct stoa_worker;
struct stoa_batch;
struct stoa_uuid;

/* The worker of a session, from its id. Any thread. */
uint32_t stoa_worker_index_of(const struct stoa_server *server, const struct stoa_uuid *session_id);
/* Order and send to a group. Any thread. Errors: as stoa_server_publish() */
int stoa_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                 const struct stoa_message_type *message_type, const void *message);
/* Tell a group's owner that this worker lost its last member of a variant. Errors: STOA_E_MEMORY */
int stoa_post_review(struct stoa_worker *worker, uint32_t owner, struct stoa_string group);
/* Hand the owner's batch of this turn to another worker. Errors: STOA_E_MEMORY */
int stoa_post_batch(struct stoa_worker *worker, uint32_t to, struct stoa_string group, size_t variant,
                    struct stoa_batch *batch);

#endif
