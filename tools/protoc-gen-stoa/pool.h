/* pool.h: memory that lasts as long as the program.
 *
 * The plugin is a build tool that reads one request, writes one answer and ends. It frees nothing, and when there is
 * no memory it says so and exits with status 1: protoc shows that, and nobody could do better with a status. Only who
 * handles many requests in one program, as tests do, empties the pool between them.
 */
#ifndef PLUGIN_POOL_H
#define PLUGIN_POOL_H

#include <stddef.h>

/* Zeroed memory. Never NULL. */
void *pool_take(size_t size);
/* An array of `count` zeroed items; at least one byte, so that no list is NULL. */
void *pool_array(size_t count, size_t size);
/* A terminated copy. */
char *pool_copy(const char *data, size_t len);
/* Frees everything that was taken. */
void pool_empty(void);

/* Something is wrong that no .proto file can cause: say so and exit with status 1, as protoc asks of plugins. */
_Noreturn void pool_die(const char *why);

#endif
