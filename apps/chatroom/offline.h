/* offline.h: the storage of the chat without its server, for commands.
 *
 * The rooms need a worker to run on. So there is a server that nobody knows of: one worker, an address of the loopback
 * that the system chooses, no handlers.
 *
 * Thread: open, run and close on the main thread; what is run is on the worker.
 */
#ifndef CHATROOM_OFFLINE_H
#define CHATROOM_OFFLINE_H

#include "chatroom.h"

struct offline;

/* path  of the database; NULL: that of the configuration
 * Errors: as stoa_rooms_create(), logged: STOA_E_EXISTS  another process uses it; those of a server's start */
int offline_open(const struct chatroom_v1_config *config, const char *path, struct offline **out_offline);
/* NULL is allowed. */
void offline_close(struct offline *offline);

/* Its rooms; nothing else of it is set. On the worker. */
const struct chatroom *offline_chatroom(const struct offline *offline);
struct stoa_server *offline_server(const struct offline *offline);

typedef void offline_function(struct offline *offline, void *context);
/* Run a function on the worker, and wait until it, or what it has begun, calls offline_end(). Returns the status of
 * that. `progress` may be NULL; it is called on the main thread about five times a second. */
int offline_run(struct offline *offline, offline_function *function, void *context,
                void (*progress)(const void *context));
/* On the worker, once for each run. */
void offline_end(struct offline *offline, int status);

#endif
