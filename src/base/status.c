/* base/status.c: the table of the names and texts of statuses. */
#include <stdbool.h>
#include <stoa/status.h>

#define UNKNOWN "unknown status"
#define ENTRY(status, text) [status] = {#status, text}

static const struct {
  const char *name, *text;
} statuses[STOA_STATUS_COUNT] = {
    ENTRY(STOA_OK, "ok"),
    ENTRY(STOA_E_MEMORY, "out of memory"),
    ENTRY(STOA_E_ARGUMENT, "invalid argument"),
    ENTRY(STOA_E_LIMIT, "limit reached"),
    ENTRY(STOA_E_CLOSED, "closed"),
    ENTRY(STOA_E_EXISTS, "already exists"),
    ENTRY(STOA_E_NOT_FOUND, "not found"),
    ENTRY(STOA_E_SYSTEM, "system call failed"),
    ENTRY(STOA_E_SYNTAX, "syntax error"),
    ENTRY(STOA_E_TYPE, "wrong type"),
    ENTRY(STOA_E_UTF8, "invalid UTF-8"),
    ENTRY(STOA_E_AGAIN, "try again"),
    ENTRY(STOA_E_UNSUPPORTED, "unsupported"),
    ENTRY(STOA_E_DENIED, "permission denied"),
    ENTRY(STOA_E_TIMEOUT, "timed out"),
    ENTRY(STOA_E_TLS, "TLS error"),
};

static bool is_known(int status) {
  return status >= 0 && status < STOA_STATUS_COUNT;
}

const char *stoa_status_text(int status) {
  return is_known(status) ? statuses[status].text : UNKNOWN;
}

const char *stoa_status_name(int status) {
  return is_known(status) ? statuses[status].name : UNKNOWN;
}
