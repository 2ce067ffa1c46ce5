/* base/thread.h: threads on which the program's signals are never delivered.
 *
 * A new thread has the mask of the thread that creates it, so all signals are blocked while it is created: they are for
 * the program's own threads. Thread: any.
 */
#ifndef STOA_BASE_THREAD_H
#define STOA_BASE_THREAD_H

#include <pthread.h>

/* Errors: STOA_E_SYSTEM  the thread could not be created; errno says why */
int stoa_thread_start(void *(*run)(void *argument), void *argument, pthread_t *out_thread);
/* The same, for a thread that nobody joins, because it may hang. Errors: as above */
int stoa_thread_start_detached(void *(*run)(void *argument), void *argument);

#endif
