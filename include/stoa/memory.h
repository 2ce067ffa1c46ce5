/* stoa/memory.h: an allocator of the program's own.
 *
 * Everything that the library takes from the heap goes through the hooks, on whatever thread. So does what it has zlib
 * do, and all that libdeflate and OpenSSL take in this process; OpenSSL only if nobody used it before the first server,
 * or the first client of wss. What stays with malloc(3): what the C library takes for itself (threads, look-ups of
 * names), libyaml while a configuration file is read, and liburing.
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

/* All are set, run on any thread, several at once, and must not call this library. NULL is an answer that the library
 * expects everywhere: it is STOA_E_MEMORY, or costs one session. */
struct stoa_memory_hooks {
  /* At least `size` bytes, 1 or more, aligned as malloc(3) aligns. They need not be cleared. */
  void *(*allocate)(void *context, size_t size);
  /* Make a block that allocate or reallocate gave larger or smaller, as realloc(3); neither `block` is NULL nor `size`
   * 0. After NULL the block is as it was. */
  void *(*reallocate)(void *context, void *block, size_t size);
  /* `block` is one that allocate or reallocate gave, never NULL. */
  void (*release)(void *context, void *block);
  void *context; /* the program's; borrowed until the process ends, as the functions are */
};

/* Use these from here on, to the end of the process; before any other function of the library, while there is one
 * thread. OpenSSL releases what it keeps in exit(3).
 *
 * hooks  copied
 * Errors: STOA_E_ARGUMENT  a function is missing; STOA_E_EXISTS  the library has allocated before, with hooks or
 * without. Nothing is changed then. */
STOA_API int stoa_memory_set_hooks(const struct stoa_memory_hooks *hooks);

#ifdef __cplusplus
}
#endif

#endif
