/* stoa/middleware.h: functions around the handlers of a server: they check a message before its handler, and see how it
 * was answered.
 *
 *   before of A → before of B → handler → error of B → error of A → the answer is sent → after of B → after of A
 *
 * The chain of a handler is the list of the middlewares whose selector matches it, in the sequence of
 * stoa_server_use(). It is made once, when the server starts. A message then costs the calls and no allocation; a
 * handler without a chain costs one test of a pointer.
 *
 *   static const struct stoa_error *check(void *user, struct stoa_invocation *invocation) {
 *     struct stoa_session *session = stoa_invocation_session(invocation);
 *     return stoa_session_user(session) != NULL ? NULL : stoa_session_error(session, 1401, "LOGIN_FIRST", NULL);
 *   }
 *
 *   const struct stoa_middleware login = {.name = "login", .before = check};
 *   stoa_server_use(server, &(struct stoa_selector){.service = "notes.v1.NotesService"}, &login);
 *
 * Does not know: messages that never reach a handler, because they exceed the session's rate, have an unknown type, or
 * cannot be decoded or break a rule of their fields; raw messages (on_raw).
 * Thread: use before start. All functions of a middleware run on the session's worker, several workers at a time.
 * Lifetime: a struct stoa_invocation is valid until the function that got it returns, and the next function may get
 *           another pointer for the same message. Slots, the trace id and the start move along.
 */
#ifndef STOA_MIDDLEWARE_H
#define STOA_MIDDLEWARE_H

#include <stoa/call.h>
#include <stoa/descriptor.h>
#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most middlewares of a server, and so of a chain. */
#define STOA_MIDDLEWARES_MAX 16u

/* One message between its arrival and the end of its answer. */
struct stoa_invocation;
/* One that waits, see stoa_invocation_wait(). */
struct stoa_wait;

struct stoa_middleware {
  const char *name; /* for the log: "login" */
  /* Runs before the handler, with the decoded message. Returns NULL to go on; an error to stop: the handler does not
   * run, and the peer gets the error; or STOA_LATER after stoa_invocation_wait(). When it closes the session, the
   * message ends there, whatever it returns. May be NULL: go on. */
  const struct stoa_error *(*before)(void *user, struct stoa_invocation *invocation);
  /* Runs before an error is sent, in reverse order, for the middlewares whose `before` went on: returns the error to
   * send, which is the same or another one, never NULL or STOA_LATER. It is borrowed until the next function returns;
   * stoa_session_error() makes one. May be NULL: the same. */
  const struct stoa_error *(*error)(void *user, struct stoa_invocation *invocation, const struct stoa_error *error);
  /* Runs once after the answer was sent (of a stream, after its end), in reverse order, for the middlewares whose
   * `before` went on: also for a call that is answered later, times out or is dropped, and when the session ends first;
   * stoa_invocation_end() has the difference. `error` is what the peer got, or would have got; NULL: the handler
   * succeeded. May be NULL. */
  void (*after)(void *user, struct stoa_invocation *invocation, const struct stoa_error *error);
  void *user;
  /* Frees `user`, once, when the server is destroyed. NULL: the program frees it. */
  void (*destroy)(void *user);
};

/* Which handlers. A handler is selected when one of the conditions that are set is true, or when none is set; `except`
 * selects the others. Everything is borrowed until the server starts. */
struct stoa_selector {
  const uint32_t *types; /* type numbers */
  size_t type_count;
  const char *const *operations; /* "/notes.v1.NotesService/Add" */
  size_t operation_count;
  const char *prefix;  /* of the operation: "/notes.v1." */
  const char *service; /* "notes.v1.NotesService" */
  bool (*match)(void *context, uint32_t type, const char *operation);
  void *context;
  bool except;
};

/* Add a middleware, inside those that were added before. Before start. The struct is copied.
 *
 * selector  NULL: every handler, also those that are registered later
 * Errors: STOA_E_LIMIT     there are STOA_MIDDLEWARES_MAX already
 *         STOA_E_ARGUMENT  it has neither `before` nor `error` nor `after`. After an error the server is unchanged, and
 *                          `destroy` was not called */
STOA_API int stoa_server_use(struct stoa_server *server, const struct stoa_selector *selector,
                             const struct stoa_middleware *middleware);

/* How an invocation ended, for `after`. */
enum stoa_invocation_end {
  STOA_INVOCATION_RUNS,      /* it has not ended */
  STOA_INVOCATION_DONE,      /* the handler succeeded */
  STOA_INVOCATION_FAILED,    /* the handler's error, or a reply that could not be encoded */
  STOA_INVOCATION_STOPPED,   /* by a middleware */
  STOA_INVOCATION_DROPPED,   /* by stoa_call_drop() */
  STOA_INVOCATION_TIMED_OUT, /* no answer, or no decision of a middleware, within call_timeout_ms */
  STOA_INVOCATION_ABANDONED, /* the session ended before the answer; nothing is sent */
  STOA_INVOCATION_CANCELLED  /* the client has cancelled its stream; nothing is sent */
};
STOA_API enum stoa_invocation_end stoa_invocation_end(const struct stoa_invocation *invocation);
/* Its name in log lines: "timed out". Never NULL. */
STOA_API const char *stoa_invocation_end_text(enum stoa_invocation_end end);

/* What it is about. */
STOA_API struct stoa_session *stoa_invocation_session(const struct stoa_invocation *invocation);
STOA_API uint32_t stoa_invocation_type(const struct stoa_invocation *invocation);
/* "/notes.v1.NotesService/Add", or the handler's name when it has no operation; "" when it has neither. Valid until
 * the server is destroyed. */
STOA_API const char *stoa_invocation_operation(const struct stoa_invocation *invocation);
/* Does it get a reply? False also for the request of a call that was sent plainly (takes_plain in stoa/handler.h). */
STOA_API bool stoa_invocation_is_call(const struct stoa_invocation *invocation);
/* The decoded message and its type. NULL in `error` and `after` of a call that is answered later, and of a message that
 * ends while it waits. */
STOA_API const void *stoa_invocation_message(const struct stoa_invocation *invocation);
STOA_API const struct stoa_message_type *stoa_invocation_message_type(const struct stoa_invocation *invocation);
/* The length of the message's payload as it was received. */
STOA_API size_t stoa_invocation_bytes(const struct stoa_invocation *invocation);

/* The metadata that came with it: a field of its HTTP request, or one that its session keeps of the upgrade request
 * (stoa_server_keep_field()). The name is compared without case. data NULL: there is no such field. Valid until the
 * function returns. */
STOA_API struct stoa_string stoa_invocation_field(const struct stoa_invocation *invocation, const char *name);

/* When the turn began in which the message was read, in nanoseconds of the server's monotonic clock; and the time since
 * then. */
STOA_API uint64_t stoa_invocation_start_ns(const struct stoa_invocation *invocation);
STOA_API uint64_t stoa_invocation_elapsed_ns(const struct stoa_invocation *invocation);

/* 8 bytes of the calling middleware's own for this message; 0 at first. */
STOA_API uint64_t *stoa_invocation_slot(struct stoa_invocation *invocation);

/* The trace id of the message, as stoa_session_trace() (stoa/trace.h): the caller's, otherwise 16 random bytes, made
 * when it is asked for first. All 0 when no random bytes are available. Valid as long as the invocation. */
STOA_API const uint8_t *stoa_invocation_trace_id(struct stoa_invocation *invocation);
/* Continue the trace of a caller. */
STOA_API void stoa_invocation_set_trace_id(struct stoa_invocation *invocation, const uint8_t id[16]);
#define STOA_TRACE_ID_TEXT_LEN 32
/* The id in lower case hexadecimal, as in W3C Trace Context, and a NUL. */
STOA_API void stoa_trace_id_format(const uint8_t id[16], char out_text[STOA_TRACE_ID_TEXT_LEN + 1]);

/* The invocation whose handler runs now for this session; NULL without a chain, and outside of a handler. It is valid
 * until the handler returns; slots are those of no middleware, so do not ask for one. */
STOA_API struct stoa_invocation *stoa_invocation_current(struct stoa_session *session);

/* Waiting: a check that cannot be made at once, such as one that asks a database. `before` takes a handle and returns
 * STOA_LATER. Until the program resumes, the session's input is not read, so that messages keep their order; a copy of
 * the message is kept. After call_timeout_ms (30 s) the message is stopped with STOA_ERROR_UNAVAILABLE and the reason
 * TIMEOUT.
 *
 * The handle belongs to the program until it is resumed, once. It may outlive the session and the server: resuming it
 * then is allowed and does nothing.
 *
 * Errors: STOA_E_ARGUMENT  not inside `before`; STOA_E_EXISTS  taken already; STOA_E_CLOSED  the session is closing;
 *         STOA_E_MEMORY. After an error `before` must return something else. */
STOA_API int stoa_invocation_wait(struct stoa_invocation *invocation, struct stoa_wait **out_wait);
/* Go on with the next middleware, or stop with an error. Any thread. It takes effect in a later turn of the session's
 * worker, never inside this call. The handle is consumed, also by an error.
 *
 * error  NULL: go on. Copied; not STOA_LATER
 * Errors: STOA_E_TIMEOUT  the message was already stopped with TIMEOUT
 *         STOA_E_CLOSED   the session or the server has ended
 *         STOA_E_UTF8     a text of the error is not UTF-8
 *         STOA_E_MEMORY. After these two the message is stopped with INTERNAL. */
STOA_API int stoa_invocation_resume(struct stoa_wait *wait, const struct stoa_error *error);
/* Does anyone still wait? As stoa_call_waits(). */
STOA_API bool stoa_invocation_waits(const struct stoa_wait *wait);

/* Shipped middlewares. Each function makes one and adds it as stoa_server_use() does; the server frees it. `selector`
 * as there. Options are copied; NULL and 0 mean the defaults. An error leaves the server unchanged.
 *
 * A useful sequence is tracing, request log, recovery, shedding, rate limit, authentication, validation: what stands
 * first sees the errors of those behind it. */

/* Recovery: keeps the details of unexpected errors from the peer. An error is unexpected when its code is 0, below 1000
 * and outside of the library's and the chat's range (100 to 199), unless codes_min to codes_max contain it; or when it
 * is STOA_ERROR_INTERNAL and has a message or details. It is logged with all of its text, its operation and trace id,
 * and the peer gets STOA_ERROR_INTERNAL with the reason INTERNAL and nothing else. A reply that cannot be encoded is
 * answered so in any case. */
struct stoa_recovery_options {
  uint32_t codes_min, codes_max; /* further codes that are expected, such as 400 to 599; 0: none */
  bool expose;                   /* send details all the same; they are logged too */
};
/* Errors: STOA_E_LIMIT as stoa_server_use(); STOA_E_MEMORY */
STOA_API int stoa_server_use_recovery(struct stoa_server *server, const struct stoa_selector *selector,
                                      const struct stoa_recovery_options *options);

/* Request log: a line "request" for a message, with its operation, session, address, end, code, reason, duration_us,
 * bytes and trace id. Errors are at most ten lines a second, as every line of the log; those of code INTERNAL are
 * warnings. */
enum stoa_request_log_mode {
  STOA_REQUEST_LOG_ERRORS,  /* messages that failed */
  STOA_REQUEST_LOG_SAMPLED, /* and one of `sample` others */
  STOA_REQUEST_LOG_ALL      /* every message, without a limit per second */
};
#define STOA_REQUEST_LOG_SAMPLE 100u
struct stoa_request_log_options {
  enum stoa_request_log_mode mode;
  uint32_t sample; /* STOA_REQUEST_LOG_SAMPLE */
  /* The name of a session's user for the line; NULL or a result of NULL: none. Borrowed until the line is written. */
  const char *(*user_of)(void *context, struct stoa_session *session);
  void *context;
};
/* Errors: STOA_E_LIMIT as stoa_server_use(); STOA_E_MEMORY */
STOA_API int stoa_server_use_request_log(struct stoa_server *server, const struct stoa_selector *selector,
                                         const struct stoa_request_log_options *options);

/* Tracing: continues the trace of the caller. The server does so by itself (stoa/trace.h); this middleware remains for
 * programs that use it, and asks for the trace id of each message. A valid field `traceparent` (W3C Trace Context) of
 * the HTTP request gives the message its trace id, then one of the message, then that of the session's upgrade. Without
 * one each message has a trace id of its own.
 *
 * Errors: STOA_E_LIMIT as stoa_server_use() */
STOA_API int stoa_server_use_tracing(struct stoa_server *server, const struct stoa_selector *selector);

/* Rate limit: token buckets for the messages that the selector matches, so that different types have different rates.
 * One beyond a rate is answered with STOA_ERROR_RATE and retry_ms. A session with more than excess_max of them within
 * 10 seconds is closed with 4013. server.limits.rate is checked before, for all messages.
 *
 * Addresses are those of clients; an IPv6 /64 is one address, and loopback has no limit unless
 * server.limits.limit_loopback is set. At most 4096 addresses are kept: when more are active, those unused for the
 * longest time start again with a full burst. */
struct stoa_rate_limit_options {
  uint32_t session_per_s, session_burst; /* 0 a second: no limit. A burst of 0 is twice the rate */
  uint32_t address_per_s, address_burst;
  uint32_t excess_max; /* 40 */
};
/* Errors: STOA_E_LIMIT as stoa_server_use(); STOA_E_ARGUMENT  no rate is set; STOA_E_SYSTEM  no random bytes are
 *         available; STOA_E_MEMORY */
STOA_API int stoa_server_use_rate_limit(struct stoa_server *server, const struct stoa_selector *selector,
                                        const struct stoa_rate_limit_options *options);

/* Shedding: refuses messages while a worker is overloaded, as the BBR limiter of Kratos does. It is overloaded while
 * messages wait for more than lag_ms in its turns (a moving average), and for a second after that. Then a message is
 * refused when more are in flight on the worker than it has shown to finish: the most messages finished in 100 ms of
 * the last 10 seconds, times the shortest mean time to finish one. The peer gets STOA_ERROR_UNAVAILABLE with the reason
 * OVERLOADED, temporary, with a retry_ms of 500 to 1500. server.shedding does this for all handlers. */
struct stoa_shedding_options {
  uint32_t lag_ms; /* 100 */
};
/* Errors: STOA_E_LIMIT as stoa_server_use(); STOA_E_MEMORY */
STOA_API int stoa_server_use_shedding(struct stoa_server *server, const struct stoa_selector *selector,
                                      const struct stoa_shedding_options *options);
/* Messages that shedding has refused since the start. Any thread. */
STOA_API uint64_t stoa_server_shed_count(const struct stoa_server *server);

/* Authentication: asks the program whether the session may call. Operations in `open` need no answer. */
struct stoa_authentication_options {
  /* Returns NULL, an error, or STOA_LATER as `before` does. Required. */
  const struct stoa_error *(*check)(void *context, struct stoa_invocation *invocation);
  void *context;
  const char *const *open; /* operations that anyone may call; copied */
  size_t open_count;       /* at most 64 */
};
/* Errors: STOA_E_LIMIT as stoa_server_use(), or more than 64 operations; STOA_E_ARGUMENT  `check` is NULL;
 *         STOA_E_MEMORY */
STOA_API int stoa_server_use_authentication(struct stoa_server *server, const struct stoa_selector *selector,
                                            const struct stoa_authentication_options *options);

/* Validation beyond the rules of fields (stoa/options.proto), which were checked before the chain: a program's function
 * for all messages of one type, whichever handler gets them. */
struct stoa_validation_options {
  const struct stoa_message_type *type; /* required */
  /* Is it valid? If not, out_text is the message of the error: STOA_ERROR_BAD_REQUEST with the reason INVALID.
   * Required.
   *
   * message   a struct of `type`
   * out_text  empty at first, of `size` bytes */
  bool (*validate)(void *context, const void *message, char *out_text, size_t size);
  void *context;
};
/* Errors: STOA_E_LIMIT as stoa_server_use(); STOA_E_ARGUMENT  `type` or `validate` is NULL; STOA_E_MEMORY */
STOA_API int stoa_server_use_validation(struct stoa_server *server, const struct stoa_selector *selector,
                                        const struct stoa_validation_options *options);

#ifdef __cplusplus
}
#endif

#endif
