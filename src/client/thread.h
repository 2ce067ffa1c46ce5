/* client/thread.h: threads on which the program's signals are never delivered. */
#ifndef STOA_CLIENT_THREAD_H
#define STOA_CLIENT_THREAD_H

#include <pthread.h>

/* Start a thread with all signals blocked: they are for the program's own threads.
 * Errors: STOA_E_SYSTEM  the thread could not be created; errno says why */
int stoa_thread_start(void *(*run)(void *argument), void *argument, pthread_t *out_thread);

#endif
