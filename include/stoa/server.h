/* stoa/server.h: a server for typed messages over WebSocket.
 *
 *   create → register handlers → run (or start, …, drain, wait; or open, step, …) → destroy
 *
 * Does not know: what messages mean, how they are stored.
 * Thread: create, register and destroy on one thread, before start and after the end; sending, publishing and
 *         broadcasting on any thread, at any time between start and destroy. Callbacks run on the session's worker.
 * Lifetime: configuration is copied at create; handlers, codecs and `user` are borrowed until destroy.
 *
 * A server changes its process: stoa_server_start() ignores SIGPIPE, in all threads and permanently.
 */
#ifndef STOA_SERVER_H
#define STOA_SERVER_H

#include <stoa/codec.h>
#include <stoa/config.stoa.h>
#include <stoa/error.stoa.h>
#include <stoa/handler.h>
#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The upgrade request, as the connect callback sees it. Views are valid until the callback returns. */
struct stoa_request {
  struct stoa_string path;   /* decoded */
  struct stoa_string query;  /* as sent, without the '?' */
  struct stoa_string origin; /* data NULL: none */
  const char *address;       /* the client's, "192.0.2.1" or "2001:db8::1"; "unix" for a unix socket */
  const void *head;          /* private */
};

/* The value of the request's first field with that name, ignoring case; data is NULL when there is none. */
STOA_API struct stoa_string stoa_request_field(const struct stoa_request *request, const char *name);
/* The token of the request, for stoa_token_verify(): from the field `Authorization: Bearer ...`, or without that field
 * from `access_token` in the query, as sent. data is NULL when there is none, or when the query has two. A page cannot
 * set the field, and proxies log queries, so a token in a query should expire soon. */
STOA_API struct stoa_string stoa_request_token(const struct stoa_request *request);

/* Why a session is refused. The connection is upgraded first and then closed, because a browser cannot read a refused
 * upgrade. */
struct stoa_refusal {
  uint16_t close_code; /* 4500 to 4999 stops the client's retries; 4000 to 4499 lets it reconnect */
  const char *reason;  /* copied when the callback has returned; at most 123 bytes are sent; NULL: no reason */
  uint32_t retry_ms;   /* with a code below 4500: when to reconnect, sent in the error frame; 0: not sent */
};

/* What a connect callback decides. */
enum stoa_admission {
  STOA_REFUSE,     /* close the session as the refusal says */
  STOA_ADMIT,      /* admit the session */
  STOA_ADMIT_LATER /* it waits, unread and in no group, for stoa_server_admit() or stoa_server_refuse() */
};

struct stoa_callbacks {
  /* A session begins. May be NULL: every session is admitted. The callback may already join groups and send; with
   * STOA_ADMIT_LATER the session leaves these groups again. */
  enum stoa_admission (*on_connect)(void *user, struct stoa_session *session, const struct stoa_request *request,
                                    struct stoa_refusal *out_refusal);
  /* The server drains (stoa_server_drain()), and will close this session after about delay_ms. Once for each session
   * that is admitted and open when the drain begins, before any of them is closed for it. What is sent here reaches the
   * client before the close frame. The callback may close the session itself. Without memory for all of it sessions are
   * closed without being announced. May be NULL. */
  void (*on_draining)(void *user, struct stoa_session *session, uint32_t delay_ms);
  /* A session that was not refused in on_connect is no longer open: it has left its groups, nothing more can be sent to
   * it, and the peer's close frame has not arrived yet. on_closed follows. May be NULL. */
  void (*on_closing)(void *user, struct stoa_session *session, uint16_t code, const char *reason);
  /* Nothing waits to be sent to it any more; requested by stoa_session_notify_drained(). May be NULL. */
  void (*on_drained)(void *user, struct stoa_session *session);
  /* A session that was not refused in on_connect has ended; this is the last callback for it. `code` is the peer's
   * close code, or that of this server, or 1006 when the connection broke. May be NULL. */
  void (*on_closed)(void *user, struct stoa_session *session, uint16_t code, const char *reason);
  /* Raw handler: when set, it gets every WebSocket message unchanged, and typed handlers are not used. The bytes are
   * borrowed until the call returns. */
  void (*on_raw)(void *user, struct stoa_session *session, struct stoa_bytes message, bool is_text);
  /* A worker begins: called once for each worker, 0 first, by stoa_server_start() and on its thread. The worker is the
   * current one (stoa/worker.h), and no worker has a session yet. A status other than STOA_OK ends the start and is
   * returned by it. May be NULL. */
  int (*on_worker_start)(void *user, struct stoa_server *server, uint32_t worker);
  /* A worker has ended: the last callback for it, after its last on_closed and after all of its functions and timers
   * were called with STOA_E_CLOSED. It runs on the thread that destroys the server, or on the one where the start
   * failed. Only for those whose on_worker_start succeeded. May be NULL. */
  void (*on_worker_stop)(void *user, struct stoa_server *server, uint32_t worker);
  void *user;
  /* Free what stoa_session_set_user() has set. Called once for each pointer that is not NULL: after on_closed, also for
   * a refused session, or inside the call that replaces the pointer. It must not use the session. May be NULL: the
   * program frees the pointer. */
  void (*destroy_session_user)(void *session_user);
};

/* Create a server. Names in addresses are resolved, which may block. `config` NULL means all defaults. This does not
 * change the process yet; stoa_server_start() does.
 *
 * Errors: STOA_E_ARGUMENT   an option is invalid, or the name in an address does not resolve
 *         STOA_E_NOT_FOUND  a file of TLS cannot be read: a certificate, key, CA file or OCSP response
 *         STOA_E_DENIED     others can read the key's file
 *         STOA_E_TLS        one of these files is invalid, or they do not match
 *         STOA_E_LIMIT      the certificates of one address have more than 10,000 names
 *         STOA_E_SYSTEM     web_root cannot be opened; or no descriptor or no random bytes are available
 *         STOA_E_MEMORY
 * A mistake in the configuration is logged, with the option's name and what to do. */
STOA_API int stoa_server_create(const struct stoa_server_config *config, struct stoa_server **out_server);
/* Stop the server if it runs, and free it. NULL is allowed. SIGPIPE stays ignored. */
STOA_API void stoa_server_destroy(struct stoa_server *server);

/* Only before start (assert). A second call replaces the first. */
STOA_API void stoa_server_set_callbacks(struct stoa_server *server, const struct stoa_callbacks *callbacks);
/* What a reload has found: names of keys, such as "server.limits.rate.messages_per_s". The texts live as long as the
 * program. */
#define STOA_RELOAD_KEYS_MAX 128
struct stoa_reload_report {
  const char *changed[STOA_RELOAD_KEYS_MAX]; /* in force now */
  size_t changed_count;
  const char *needs_restart[STOA_RELOAD_KEYS_MAX]; /* other than at the start, and not in force */
  size_t needs_restart_count;
};

/* Use another configuration while the server runs. All of it is checked first, as stoa_server_create() does it, and all
 * files are read again: certificates, keys, secrets. Then what a reload can change is in force: limits, rates, origins,
 * hosts, proxies, keys, certificates, CORS; for other keys the report says that they need a restart. docs/running.md
 * lists both. No connection is closed, and no message is lost: a worker takes the new values between two callbacks.
 *
 * Limits and rates are in force for all sessions, what is decided at a handshake for new ones. A lowered maximum of
 * sessions ends none. Sessions that a removed key has let in stay until their tokens expire.
 *
 * Any thread between start and destroy, also in callbacks; one call waits for another. It reads files and may resolve
 * names, so it blocks.
 *
 * config      borrowed until the call returns; NULL is all defaults
 * out_report  NULL: not wanted. Written with STOA_OK only
 * Errors: STOA_E_CLOSED    the server was not started
 *         STOA_E_ARGUMENT  also: an open admin listener would be left without its key
 *         STOA_E_SYSTEM    also: another program listens on an address that is new
 *         else as stoa_server_create(). Each mistake is logged, and nothing has changed. */
STOA_API int stoa_server_reload(struct stoa_server *server, const struct stoa_server_config *config,
                                struct stoa_reload_report *out_report);
/* What this server logs, as the section `log` of a configuration says it: `connections`, `slow_turn_ms`. Where lines
 * go, and from which level on, is for the whole process: stoa_log_setup(). Copied. NULL means the defaults, which are
 * in force before. stoa_app_main() calls it. Before start. */
STOA_API void stoa_server_set_log(struct stoa_server *server, const struct stoa_log_config *config);
/* Keep a field of the upgrade request in each session, for stoa_session_field() and middlewares: "User-Agent". What a
 * session does not have costs nothing. A value that is longer than STOA_KEPT_FIELD_LEN_MAX is not kept, and of fields
 * with the same name only the first one is. Fields with secrets, such as Authorization and Cookie, are better used in
 * on_connect. Before start. Copied; a name that is kept already changes nothing.
 * Errors: STOA_E_ARGUMENT  it is not the name of a field (RFC 9110 5.1)
 *         STOA_E_LIMIT     STOA_KEPT_FIELDS_MAX are kept already
 *         STOA_E_MEMORY */
#define STOA_KEPT_FIELDS_MAX 16u
#define STOA_KEPT_FIELD_LEN_MAX 1024u
STOA_API int stoa_server_keep_field(struct stoa_server *server, const char *name);
/* A pointer of the program's own, for its callbacks, functions and timers. Before start.
 *
 * destroy  frees it, once: in stoa_server_destroy(), after every other callback of the program, or inside the call that
 *          replaces the pointer. Not called for NULL. NULL: the program frees it */
STOA_API void stoa_server_set_user(struct stoa_server *server, void *user, void (*destroy)(void *user));
/* NULL when none was set. Any thread. */
STOA_API void *stoa_server_user(const struct stoa_server *server);
/* Add a codec, borrowed until destroy. Before start; the codec that server.codec names must exist at start.
 * Errors: STOA_E_ARGUMENT  its name is not [a-z0-9-]{1,32}, or a function is missing; STOA_E_EXISTS  the name is taken;
 *         STOA_E_LIMIT     there are eight already, with json and proto. After an error the codecs are unchanged. */
STOA_API int stoa_server_add_codec(struct stoa_server *server, const struct stoa_codec *codec);

/* Also send an empty message of this type when a session with a subprotocol is pinged: a page cannot see WebSocket's
 * own pings. Before start. Errors: STOA_E_ARGUMENT  the type is above 0x3fffffff */
STOA_API int stoa_server_set_ping_message(struct stoa_server *server, uint32_t type,
                                          const struct stoa_message_type *message_type);

/* Bind, listen and start the workers; returns when all listen. It changes the whole process, also when it fails: it
 * ignores SIGPIPE (signal(SIGPIPE, SIG_IGN)), because OpenSSL writes to broken connections in a way that raises it, and
 * it raises the soft limit of descriptors to the hard limit. Both stay after the server's end, and executed programs
 * inherit both. Until the server's end the log has a thread of its own.
 * Errors: STOA_E_NOT_FOUND    no codec has the configured name; or no socket was passed for an address fd:NAME
 *         STOA_E_ARGUMENT     payload_type is text, and the configured codec does not write text; or a passed
 *                             descriptor is not a listening stream socket, or two addresses take it
 *         STOA_E_SYSTEM       an address cannot be bound; or no thread, descriptor or random bytes are available
 *         STOA_E_DENIED       server.run_as is set, and the process is neither root nor that user
 *         STOA_E_LIMIT        names resolve to too many addresses
 *         STOA_E_UNSUPPORTED  server.io_uring is on, and io_uring is not available
 *         STOA_E_MEMORY; any status of on_worker_start. Nothing runs after an error, and nothing was sent. */
STOA_API int stoa_server_start(struct stoa_server *server);
/* The address of the n-th entry of server.addresses or server.listeners, with the real port (port 0 takes a free one):
 * "127.0.0.1:43211". When a name has several addresses, the first one. NULL after the last entry. */
STOA_API const char *stoa_server_address(const struct stoa_server *server, size_t index);

/* Drain: no more connections are accepted, every session is closed with 4001, each at a random time, and the workers
 * end when all sessions have ended, or after drain_ms. Any thread; returns at once. */
STOA_API void stoa_server_drain(struct stoa_server *server);
/* End now, without close frames. Any thread; returns at once. */
STOA_API void stoa_server_abort(struct stoa_server *server);
/* Wait until the workers have ended. An opened server runs its turns inside this call. */
STOA_API void stoa_server_wait(struct stoa_server *server);

/* Start, drain on SIGTERM and SIGINT (a second signal aborts; SIGHUP is logged and ignored), wait. Call it on the main
 * thread, before other threads exist that do not block these signals. Errors: as stoa_server_start(); STOA_E_SYSTEM
 * also when there is no descriptor for the signals. */
STOA_API int stoa_server_run(struct stoa_server *server);

/* A server in the program's own loop: it has no thread; the program runs its turns.
 *
 *   create → register handlers → open → step, step, … → drain or abort → step until false → destroy
 *
 * All work is done inside stoa_server_step(): connections are accepted, and callbacks, handlers, and the functions and
 * timers of stoa/worker.h run. The thread is worker 0 during a step, and only then. Functions of this header for any
 * thread may be called from any thread here too; they make the descriptor readable.
 *
 * open, step, fd and wait_ms: one thread, the one that also waits and destroys. */

/* Bind, listen and call on_worker_start; nothing else runs before the first step, and connections wait. It changes the
 * process as stoa_server_start() does. The log gets no thread: the thread that logs writes the line, without waiting.
 * Errors: STOA_E_ARGUMENT  server.workers is not 1 (logged); the errors of stoa_server_start(). Nothing runs after an
 *         error, and it may be tried again. */
STOA_API int stoa_server_open(struct stoa_server *server);
/* One turn: wait at most wait_ms (-1: without limit) until there is something to do, and do it. With 0 it runs exactly
 * one turn and never waits. Not from a callback, and not for a server that stoa_server_start() started.
 *
 * Returns false when the server has ended, in this turn or before: after a drain all sessions have ended or drain_ms
 * have passed, or it was aborted. The last callbacks of sessions that are left then, and on_worker_stop, run in
 * stoa_server_destroy(). */
STOA_API bool stoa_server_step(struct stoa_server *server, int wait_ms);
/* For poll(2) and similar calls: call stoa_server_step(server, 0) when the descriptor is readable, or after
 * stoa_server_wait_ms() milliseconds (0: now; -1: only when the descriptor is readable, or the server has ended). Call
 * stoa_server_wait_ms() again after each step. Only watch the descriptor; it belongs to the server, is the same from
 * open to destroy, and stays readable after the end. */
STOA_API int stoa_server_fd(const struct stoa_server *server);
STOA_API int stoa_server_wait_ms(const struct stoa_server *server);

/* Send one message to one session.
 *
 * message  borrowed until the call returns
 * Errors: STOA_E_ARGUMENT   the type is above 0x3fffffff
 *         STOA_E_CLOSED     the server was not started; on the session's own worker also: its connection broke, or it
 *                           is about to be closed with 4010
 *         STOA_E_NOT_FOUND  on the session's own worker: no session has this id, or it is closing; on other threads:
 *                           the server has no session at all
 *         STOA_E_LIMIT      in one of the server's codecs it is longer than server.limits.message_bytes_max or nested
 *                           too deep (stoa/codec.h); on the session's own worker only the session's codec counts, and a
 *                           full queue closes the session (stoa_session_send()); on other threads also: the bytes
 *                           queued for the session's worker have reached server.limits.mailbox_bytes_max: try again
 *         STOA_E_UTF8       a string field is not UTF-8
 *         STOA_E_TYPE       a codec that sessions use has no form for it
 *         STOA_E_MEMORY; any other status that the program's own codec returns. Nothing was sent.
 *
 * After STOA_OK on another thread, the message is dropped without notice when the session has ended before it arrives,
 * or never existed. When an accepted message cannot be delivered, the session is closed with 4010. */
STOA_API int stoa_server_send(struct stoa_server *server, const struct stoa_uuid *session_id, uint32_t type,
                              const struct stoa_message_type *message_type, const void *message);
/* Send one message to every session. All sessions get all broadcasts in the same order. Errors as
 * stoa_server_publish(). */
STOA_API int stoa_server_broadcast(struct stoa_server *server, uint32_t type,
                                   const struct stoa_message_type *message_type, const void *message);
/* Send one message to every member of a group. All members get a group's messages in the same order; messages from one
 * thread keep the order of its calls. A group without members is allowed. After STOA_OK every member gets it, or is
 * closed with 4008 or 4010.
 *
 * Errors: STOA_E_ARGUMENT  the name is empty or longer than 64 bytes, or the type is above 0x3fffffff
 *         STOA_E_CLOSED    the server was not started
 *         STOA_E_LIMIT     in one of the server's codecs, used or not, it is longer than
 *                          server.limits.message_bytes_max or nested too deep (stoa/codec.h); or the bytes queued for
 *                          the group's owner, or in its batches of this turn, have reached
 *                          server.limits.mailbox_bytes_max: try again later
 *         STOA_E_UTF8      a string field is not UTF-8
 *         STOA_E_TYPE      a codec that members use has no form for it
 *         STOA_E_MEMORY; any other status that the program's own codec returns. After an error no member gets it.
 * A short message is not encoded when the group has no members, so the result may be STOA_OK although it has an error.
 *
 * A publish and a send to one session keep the order of the calls on the worker that owns the group, so always with one
 * worker. With more workers, a publish goes through the owner first and may arrive after a later send. A session that
 * has just joined may also get messages that were then in transit to its worker, and a session that leaves may miss
 * them; server.linger_ms makes this time longer. */
STOA_API int stoa_server_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                                 const struct stoa_message_type *message_type, const void *message);
/* Publish or broadcast to all except one session: the session with that id does not get the message, all others do, in
 * the usual order. When no member has that id, or with NULL, all members get it.
 *
 * except  borrowed until the call returns
 * Errors: as stoa_server_publish() and stoa_server_broadcast() */
STOA_API int stoa_server_publish_except(struct stoa_server *server, struct stoa_string group,
                                        const struct stoa_uuid *except, uint32_t type,
                                        const struct stoa_message_type *message_type, const void *message);
STOA_API int stoa_server_broadcast_except(struct stoa_server *server, const struct stoa_uuid *except, uint32_t type,
                                          const struct stoa_message_type *message_type, const void *message);
/* Decide on a session whose connect callback returned STOA_ADMIT_LATER, within handshake_timeout_ms, or it is closed
 * with 4004. Any thread. The decision takes effect in a later turn of the session's worker; it is ignored when the
 * session has ended or was decided before. `refusal` is copied.
 * Errors: STOA_E_LIMIT   the bytes queued for its worker have reached server.limits.mailbox_bytes_max: try again
 *         STOA_E_CLOSED  the server was not started; STOA_E_MEMORY. After an error nothing is decided. */
STOA_API int stoa_server_admit(struct stoa_server *server, const struct stoa_uuid *session_id);
STOA_API int stoa_server_refuse(struct stoa_server *server, const struct stoa_uuid *session_id,
                                const struct stoa_refusal *refusal);
/* Close a session by id; code and reason are as for stoa_session_close(), and copied. It is not an error when the
 * session has ended before the request reaches its worker.
 * Errors: STOA_E_LIMIT      the bytes queued for its worker have reached server.limits.mailbox_bytes_max: try again
 *         STOA_E_NOT_FOUND  on the session's own worker: no session has this id, or it is closing
 *         STOA_E_CLOSED     the server was not started; STOA_E_MEMORY. After an error it stays open. */
STOA_API int stoa_server_close_session(struct stoa_server *server, const struct stoa_uuid *session_id, uint16_t code,
                                       const char *reason);
/* For setup, while the process is root still, if it ever was: call a function with the rights of the user that
 * server.run_as names, so that files which the function makes belong to that user, and what the user cannot open is
 * found out now. The whole process has these rights meanwhile. Without run_as, or when the process is not root, the
 * function is only called.
 *
 * Returns what the function returns. Errors, logged: STOA_E_NOT_FOUND, STOA_E_SYNTAX  no such user or group;
 *         STOA_E_DENIED  the kernel does not permit it; the function was not called after these.
 *         STOA_E_SYSTEM  the process cannot be root again: it must end */
STOA_API int stoa_server_call_as_user(struct stoa_server *server, int (*function)(void *context), void *context);
/* The longest message that is accepted or sent, in bytes. */
STOA_API size_t stoa_server_message_bytes_max(const struct stoa_server *server);
/* The value of server.ping_interval_ms in use, default included. Programs send it to clients that cannot see
 * WebSocket's own pings. */
STOA_API uint32_t stoa_server_ping_interval_ms(const struct stoa_server *server);
/* The wall clock time, in milliseconds since 1970-01-01 UTC. It is the server's own clock, so a simulation can control
 * it. Any thread. */
STOA_API int64_t stoa_server_wall_ms(const struct stoa_server *server);
/* How many members a group has, on all workers: exact while no session joins, leaves or ends, otherwise approximate. 0
 * for a name that no group can have. Any thread; it takes a lock, and its cost does not depend on the number of
 * members. */
STOA_API size_t stoa_server_member_count(struct stoa_server *server, struct stoa_string group);
/* The number of open sessions, and of all connections, including those not upgraded. */
STOA_API size_t stoa_server_session_count(const struct stoa_server *server);
STOA_API size_t stoa_server_connection_count(const struct stoa_server *server);

#ifdef __cplusplus
}
#endif

#endif
