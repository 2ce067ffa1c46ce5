/* room/create.h: rooms on an engine of the caller, for tests and simulations.
 *
 * Thread: as stoa/room.h.
 */
#ifndef STOA_ROOM_CREATE_H
#define STOA_ROOM_CREATE_H

#include "engine/engine.h"

#include <stoa/room.h>

/* As stoa_rooms_create(), but the engine is given, and owned by the rooms from success on. Then config->engine is not
 * used, and a start of the server that failed cannot be repeated.
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_rooms_create_on(struct stoa_server *server, struct stoa_engine *engine, const struct stoa_rooms_config *config,
                         const struct stoa_rooms_callbacks *callbacks, struct stoa_rooms **out_rooms);

#endif
