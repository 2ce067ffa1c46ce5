/* stoa/errors.h: errors with the code of an HTTP status, as Kratos has them, and the HTTP status of any error.
 *
 * A handler returns what a constructor makes:
 *
 *   return stoa_error_not_found(session, "NO_ROOM", "there is no room \"%s\"", name);
 *
 * Over WebSocket the error is sent as it is; over HTTP with its status.
 *
 * Thread: constructors as stoa_session_error(); the other functions on any thread.
 */
#ifndef STOA_ERRORS_H
#define STOA_ERRORS_H

#include <stdarg.h>
#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The longest message that a constructor makes; the rest is cut off. */
#define STOA_ERROR_MESSAGE_LEN_MAX 511

/* Each makes an error, as stoa_session_error() does, with the status in its name as the code. `reason` is in
 * UPPER_SNAKE_CASE; `format` is that of printf(). */
#define STOA_ERROR_FORMAT __attribute__((format(printf, 3, 4)))
STOA_API const struct stoa_error *stoa_error_bad_request(struct stoa_session *session, const char *reason,
                                                         const char *format, ...) STOA_ERROR_FORMAT; /* 400 */
STOA_API const struct stoa_error *stoa_error_unauthorized(struct stoa_session *session, const char *reason,
                                                          const char *format, ...) STOA_ERROR_FORMAT; /* 401 */
STOA_API const struct stoa_error *stoa_error_forbidden(struct stoa_session *session, const char *reason,
                                                       const char *format, ...) STOA_ERROR_FORMAT; /* 403 */
STOA_API const struct stoa_error *stoa_error_not_found(struct stoa_session *session, const char *reason,
                                                       const char *format, ...) STOA_ERROR_FORMAT; /* 404 */
STOA_API const struct stoa_error *stoa_error_conflict(struct stoa_session *session, const char *reason,
                                                      const char *format, ...) STOA_ERROR_FORMAT; /* 409 */
STOA_API const struct stoa_error *stoa_error_too_many_requests(struct stoa_session *session, const char *reason,
                                                               const char *format, ...) STOA_ERROR_FORMAT; /* 429 */
STOA_API const struct stoa_error *stoa_error_client_closed(struct stoa_session *session, const char *reason,
                                                           const char *format, ...) STOA_ERROR_FORMAT; /* 499 */
STOA_API const struct stoa_error *stoa_error_internal(struct stoa_session *session, const char *reason,
                                                      const char *format, ...) STOA_ERROR_FORMAT; /* 500 */
STOA_API const struct stoa_error *stoa_error_unavailable(struct stoa_session *session, const char *reason,
                                                         const char *format, ...) STOA_ERROR_FORMAT; /* 503 */
STOA_API const struct stoa_error *stoa_error_timeout(struct stoa_session *session, const char *reason,
                                                     const char *format, ...) STOA_ERROR_FORMAT; /* 504 */

/* The key in an error's metadata that gives an HTTP status to a code that is none: "409". */
#define STOA_ERROR_STATUS_KEY "http_status"

/* As stoa_session_error(), for a code that is no HTTP status: the metadata gives it one. Generated constructors of
 * enums with (stoa.http_status) call it.
 *
 * http_status  400 to 599; 0: none */
STOA_API const struct stoa_error *stoa_error_with_status(struct stoa_session *session, uint32_t code,
                                                         uint32_t http_status, const char *reason, const char *message);
/* The same with the format of vprintf(). */
STOA_API const struct stoa_error *stoa_error_format(struct stoa_session *session, uint32_t code, uint32_t http_status,
                                                    const char *reason, const char *format, va_list arguments)
    __attribute__((format(printf, 5, 0)));

/* The HTTP status of an error; 200 for NULL. A code of 400 to 599 is its own status. Else the metadata may give one,
 * STOA_ERROR_STATUS_KEY with 400 to 599. Else codes of the library and the chat have theirs: 100 500, 101 and 109 401,
 * 103 403, 104 404, 106 and 111 429, 107 400, 108 503, or 504 with the reason TIMEOUT. Any other code is 503 when the
 * error is temporary, and 400 otherwise: a handler that returns an error refuses the request. */
STOA_API int stoa_error_http_status(const struct stoa_error *error);

/* Does the error have this status? False for NULL. */
static inline bool stoa_error_is_bad_request(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 400;
}
static inline bool stoa_error_is_unauthorized(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 401;
}
static inline bool stoa_error_is_forbidden(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 403;
}
static inline bool stoa_error_is_not_found(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 404;
}
static inline bool stoa_error_is_conflict(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 409;
}
static inline bool stoa_error_is_too_many_requests(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 429;
}
static inline bool stoa_error_is_client_closed(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 499;
}
static inline bool stoa_error_is_internal(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 500;
}
static inline bool stoa_error_is_unavailable(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 503;
}
static inline bool stoa_error_is_timeout(const struct stoa_error *error) {
  return stoa_error_http_status(error) == 504;
}

#ifdef __cplusplus
}
#endif

#endif
