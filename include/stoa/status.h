/* stoa/status.h: what a call of this library answers.
 *
 * Every function that can fail returns one of these as an int: STOA_OK (0) or the reason. Outputs are written on
 * STOA_OK only. A status says what went wrong in kind; details (errno, file and line) travel in outputs or in the log.
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
  STOA_E_ARGUMENT,    /* the caller passed a value outside of the contract, found before anything was done */
  STOA_E_LIMIT,       /* a cap given at birth is reached; nothing was taken */
  STOA_E_CLOSED,      /* the object is closing or closed */
  STOA_E_EXISTS,      /* the name or number is taken */
  STOA_E_NOT_FOUND,   /* no object of that name, number or id */
  STOA_E_SYSTEM,      /* a system call failed; errno tells why */
  STOA_E_SYNTAX,      /* the input is not well-formed */
  STOA_E_TYPE,        /* well-formed input of the wrong type or out of range */
  STOA_E_UTF8,        /* a string is not UTF-8 */
  STOA_E_AGAIN,       /* not now: the descriptor or queue would block */
  STOA_E_UNSUPPORTED, /* this build or peer cannot do it */
  STOA_E_DENIED,      /* not permitted */
  STOA_E_TIMEOUT,     /* the deadline passed */
  STOA_E_TLS,         /* OpenSSL refused; its message is in the log */
  STOA_STATUS_COUNT
};

/* A status for people: "limit reached". Never NULL; "unknown status" for a number outside of the enum. */
STOA_API const char *stoa_status_text(int status);
/* The constant's own name, for logs and tests: "STOA_E_LIMIT". Never NULL, as above. */
STOA_API const char *stoa_status_name(int status);

#ifdef __cplusplus
}
#endif

#endif
