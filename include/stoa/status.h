/* stoa/status.h: the status codes that functions of this library return.
 *
 * Every function that can fail returns one of these as an int: STOA_OK (0) or the reason. Outputs are written on
 * STOA_OK only. A status names the kind of failure; details (errno, file and line) are in outputs or in the log.
 */
#ifndef STOA_STATUS_H
#define STOA_STATUS_H

#include <stoa/export.h>

#ifdef __cplusplus
extern "C" {
#endif

enum stoa_status {
  STOA_OK = 0,
  STOA_E_MEMORY,      /* an allocation failed */
  STOA_E_ARGUMENT,    /* the caller passed a value that the contract excludes; nothing was done */
  STOA_E_LIMIT,       /* a configured limit is reached; nothing was done */
  STOA_E_CLOSED,      /* the object is closing or closed */
  STOA_E_EXISTS,      /* the name or number is taken */
  STOA_E_NOT_FOUND,   /* no object of that name, number or id */
  STOA_E_SYSTEM,      /* a system call failed; errno has the reason */
  STOA_E_SYNTAX,      /* the input is not well-formed */
  STOA_E_TYPE,        /* well-formed input of the wrong type or out of range */
  STOA_E_UTF8,        /* a string is not UTF-8 */
  STOA_E_AGAIN,       /* not now: the descriptor or queue would block */
  STOA_E_UNSUPPORTED, /* this build or the peer does not support it */
  STOA_E_DENIED,      /* not permitted */
  STOA_E_TIMEOUT,     /* the deadline passed */
  STOA_E_TLS,         /* OpenSSL failed; its message is in the log */
  STOA_STATUS_COUNT
};

/* A status for people: "limit reached". Never NULL; "unknown status" for a number outside of the enum. */
STOA_API const char *stoa_status_text(int status);
/* The name of the constant, for logs and tests: "STOA_E_LIMIT". Never NULL, as above. */
STOA_API const char *stoa_status_name(int status);

#ifdef __cplusplus
}
#endif

#endif
