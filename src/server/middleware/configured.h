/* server/middleware/configured.h: the shipped middlewares that follow the configuration: what they do is in the
 * settings of the worker, so a reload changes it.
 *
 * Thread: as stoa_server_use().
 */
#ifndef STOA_SERVER_MIDDLEWARE_CONFIGURED_H
#define STOA_SERVER_MIDDLEWARE_CONFIGURED_H

struct stoa_server;

/* server.shedding: nothing is added while it is off, because it costs two looks at the clock for each message.
 * Errors: as stoa_server_use_shedding() */
int stoa_server_use_configured_shedding(struct stoa_server *server);
/* log.requests: outside of the program's own middlewares. Errors: as stoa_server_use_request_log() */
int stoa_server_use_configured_request_log(struct stoa_server *server);

#endif
