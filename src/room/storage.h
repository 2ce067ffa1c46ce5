/* room/storage.h: opens the engine that a configuration names.
 *
 * Thread: that of the caller; opening blocks.
 */
#ifndef STOA_ROOM_STORAGE_H
#define STOA_ROOM_STORAGE_H

#include "engine/engine.h"

#include <stoa/room_config.stoa.h>

struct stoa_rooms_storage;
struct stoa_clock;
struct stoa_engine_text;

/* Copy what is needed of a configuration, and make the data folder. Errors (logged): STOA_E_ARGUMENT, STOA_E_SYSTEM;
 * STOA_E_MEMORY
 *
 * config          NULL: defaults
 * body_bytes_max  of one stored message */
int stoa_rooms_storage_create(const struct stoa_engine_config *config, const char *data_dir,
                              const struct stoa_clock *clock, size_t body_bytes_max,
                              struct stoa_rooms_storage **out_storage);
void stoa_rooms_storage_destroy(struct stoa_rooms_storage *storage);

/* text  copied. Errors (logged): as stoa_rooms_create() */
int stoa_rooms_storage_open(const struct stoa_rooms_storage *storage, const struct stoa_engine_text *text,
                            struct stoa_engine **out_engine);

#endif
