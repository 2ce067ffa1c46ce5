/* pool.h: memory that lives as long as the program.
 *
 * The plugin is a build tool that reads one request, writes one answer and ends. It frees nothing. When memory is out,
 * it prints that and exits with status 1, which protoc shows; returning a status would not help. Only programs that
 * handle many requests, such as tests, empty the pool between them.
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

/* For errors that no .proto file can cause: print the reason and exit with status 1, as protoc requires of plugins. */
_Noreturn void pool_die(const char *why);

#endif
