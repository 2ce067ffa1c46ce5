/* server/handlers.h: what the program handles, by type. Registered before the server starts, read by all workers then.
 */
#ifndef STOA_SERVER_HANDLERS_H
#define STOA_SERVER_HANDLERS_H

#include <stoa/server.h>

/* The handler of a type, or NULL. Any thread. */
const struct stoa_handler *stoa_server_find_handler(const struct stoa_server *server, uint32_t type);

#endif
