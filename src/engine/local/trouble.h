/* engine/local/trouble.h: what a failed call of SQLite means. Codes are extended result codes.
 *
 * Thread: any.
 */
#ifndef STOA_ENGINE_LOCAL_TROUBLE_H
#define STOA_ENGINE_LOCAL_TROUBLE_H

#include <stdbool.h>

enum stoa_trouble {
  STOA_TROUBLE_NONE,
  STOA_TROUBLE_LATER,  /* nothing was stored; the connection is usable: disk full, write error, lock, memory */
  STOA_TROUBLE_BROKEN, /* what is stored is not known: close, open and read again */
};

/* is_commit: the call was a COMMIT */
enum stoa_trouble stoa_trouble_of(int code, bool is_commit);
/* For logs and health checks: a string constant. */
const char *stoa_trouble_reason(int code);
/* Opening failed with this code: STOA_E_SYNTAX, STOA_E_EXISTS, STOA_E_MEMORY or STOA_E_SYSTEM. */
int stoa_trouble_status(int code);

/* What to do about a reason of stoa_trouble_reason(). */
const char *stoa_trouble_advice(const char *reason);

#endif
