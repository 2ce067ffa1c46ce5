/* base/status.c: the one table of status names. */
#include <stoa/status.h>

static const char *const status_names[STOA_STATUS_COUNT] = {
    [STOA_OK] = "ok",
    [STOA_E_MEMORY] = "out of memory",
    [STOA_E_ARGUMENT] = "invalid argument",
    [STOA_E_LIMIT] = "limit reached",
    [STOA_E_CLOSED] = "closed",
    [STOA_E_EXISTS] = "already exists",
    [STOA_E_NOT_FOUND] = "not found",
    [STOA_E_SYSTEM] = "system call failed",
    [STOA_E_SYNTAX] = "syntax error",
    [STOA_E_TYPE] = "wrong type",
    [STOA_E_UTF8] = "invalid UTF-8",
    [STOA_E_AGAIN] = "try again",
    [STOA_E_UNSUPPORTED] = "unsupported",
    [STOA_E_DENIED] = "permission denied",
    [STOA_E_TIMEOUT] = "timed out",
    [STOA_E_TLS] = "TLS error",
};

const char *stoa_status_text(int status) {
  if (status < 0 || status >= STOA_STATUS_COUNT) {
    return "unknown status";
  }
  return status_names[status];
}
