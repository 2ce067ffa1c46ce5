/* stoa/memory.h: lets the program replace the allocator.
 *
 * All heap memory of the library goes through the hooks, on every thread. So does the memory of zlib when the library
 * uses it, and all memory of libdeflate and OpenSSL in this process; OpenSSL only if it was not used before the first
 * server or the first wss client. malloc(3) is still used by the C library itself (threads, name look-ups), by libyaml
 * while a configuration file is read, and by liburing.
 *
 * Does not know: what the memory is for.
 */
#ifndef STOA_MEMORY_H
#define STOA_MEMORY_H

#include <stddef.h>
#include <stoa/export.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All functions must be set. They run on any thread, several at once, and must not call this library. They may return
 * NULL at any time: the library then returns STOA_E_MEMORY, or one session ends. */
struct stoa_memory_hooks {
  /* At least `size` bytes, 1 or more, aligned as malloc(3) aligns. They need not be cleared. */
  void *(*allocate)(void *context, size_t size);
  /* Change the size of a block from allocate or reallocate, as realloc(3); `block` is not NULL and `size` is not 0.
   * After NULL the block is unchanged. */
  void *(*reallocate)(void *context, void *block, size_t size);
  /* `block` is from allocate or reallocate, never NULL. */
  void (*release)(void *context, void *block);
  void *context; /* the program's; borrowed until the process ends, as the functions are */
};

/* Use these hooks until the process ends. Call it before any other function of the library, while there is one thread.
 * OpenSSL frees what it keeps in exit(3).
 *
 * hooks  copied
 * Errors: STOA_E_ARGUMENT  a function is missing
 *         STOA_E_EXISTS    the library has allocated before, with or without hooks. After an error nothing is changed.
 */
STOA_API int stoa_memory_set_hooks(const struct stoa_memory_hooks *hooks);

#ifdef __cplusplus
}
#endif

#endif
