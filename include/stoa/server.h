/* stoa/server.h: a server of typed messages over WebSocket.
 *
 *   create → register handlers → run (or start, …, drain, wait; or open, step, …) → destroy
 *
 * Does not know: what messages mean, how they are stored.
 * Thread: create, register and destroy on one thread, before start and after the end; sending, publishing and
 *         broadcasting on any thread, at any time between start and destroy. Callbacks run on the session's worker.
 * Lifetime: configuration is copied at create; handlers, codecs and `user` are borrowed until destroy.
 *
 * A server changes its process: from stoa_server_start() on SIGPIPE is ignored, in all threads and for good.
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

/* The upgrade request, as the connect callback sees it. Views hold until the callback returns. */
struct stoa_request {
  struct stoa_string path;   /* decoded */
  struct stoa_string query;  /* as sent, without the '?' */
  struct stoa_string origin; /* data NULL: none */
  const char *address;       /* the client's, "192.0.2.1" or "2001:db8::1"; "unix" for a unix socket */
  const void *head;          /* private */
};

/* The value of the request's first field of that name, without case; data NULL when there is none. */
STOA_API struct stoa_string stoa_request_field(const struct stoa_request *request, const char *name);
/* The token that came with the request, for stoa_token_verify(): of `Authorization: Bearer ...`, or without that field
 * the value of `access_token` in the query, as sent. data NULL when there is none, or two in the query. A page cannot
 * set the field, and a query ends up in the logs of proxies: a token there should expire soon. */
STOA_API struct stoa_string stoa_request_token(const struct stoa_request *request);

/* Why a connection is refused. The client is upgraded first and then told, because a browser cannot read a refused
 * upgrade. */
struct stoa_refusal {
  uint16_t close_code; /* 4500 to 4999 stops the client's retries; 4000 to 4499 lets it come back */
  const char *reason;  /* copied when the callback has returned; at most 123 bytes are told; NULL is none */
  uint32_t retry_ms;   /* with a code below 4500: when to come back, in the error frame; 0: not told */
};

/* What a connect callback decides. */
enum stoa_admission {
  STOA_REFUSE,     /* the session is closed as the refusal says */
  STOA_ADMIT,      /* it is let in */
  STOA_ADMIT_LATER /* it waits, unread and in no group, for stoa_server_admit() or stoa_server_refuse() */
};

struct stoa_callbacks {
  /* A session begins. May be NULL: everybody is let in. One that is let in may join groups and be sent to at once; what
   * was joined is left again with STOA_ADMIT_LATER. */
  enum stoa_admission (*on_connect)(void *user, struct stoa_session *session, const struct stoa_request *request,
                                    struct stoa_refusal *out_refusal);
  /* A session that was not refused in on_connect is no longer open: its groups are left, nothing more can be sent to
   * it, and the peer's close frame is still to come. on_closed follows. May be NULL. */
  void (*on_closing)(void *user, struct stoa_session *session, uint16_t code, const char *reason);
  /* Nothing waits to be sent to it any more, as stoa_session_notify_drained() asked to be told. May be NULL. */
  void (*on_drained)(void *user, struct stoa_session *session);
  /* A session that was not refused in on_connect has ended; the last call with it. `code` is the peer's close code, or
   * ours, or 1006 when the connection broke. May be NULL. */
  void (*on_closed)(void *user, struct stoa_session *session, uint16_t code, const char *reason);
  /* Raw handler: when set, every WebSocket message comes here as it is, and typed handlers are not used. The bytes
   * are borrowed until the call returns. */
  void (*on_raw)(void *user, struct stoa_session *session, struct stoa_bytes message, bool is_text);
  /* A worker begins: called once for each, 0 first, in stoa_server_start() and on its thread, with the worker as the
   * current one (stoa/worker.h), before any worker has a session. A status other than STOA_OK ends the start with it.
   * May be NULL. */
  int (*on_worker_start)(void *user, struct stoa_server *server, uint32_t worker);
  /* A worker has ended: the last call with it, after its last on_closed and after all of its functions and timers
   * were told; on the thread that destroys the server, or whose start failed. Only for those whose on_worker_start
   * succeeded. May be NULL. */
  void (*on_worker_stop)(void *user, struct stoa_server *server, uint32_t worker);
  void *user;
  /* Free what stoa_session_set_user() has set: called once for each pointer that is not NULL, where on_closed is,
   * after it, also for a session that was refused; or when another pointer replaces it, inside that call. The session
   * must not be used in it. May be NULL: the program frees it. */
  void (*destroy_session_user)(void *session_user);
};

/* Names in addresses are looked up, which may block. `config` NULL is all defaults. The process is not changed yet:
 * stoa_server_start() is what makes it ignore SIGPIPE.
 *
 * Errors: STOA_E_ARGUMENT   an option makes no sense, or the name of an address does not resolve
 *         STOA_E_NOT_FOUND  a certificate or key cannot be read
 *         STOA_E_DENIED     others can read the key's file
 *         STOA_E_TLS        a certificate or key is none, or they do not match
 *         STOA_E_SYSTEM     web_root cannot be opened; or no descriptor, or no random bytes are to be had
 *         STOA_E_MEMORY
 * What the configuration is to blame for is logged, with the option's name and what to do. */
STOA_API int stoa_server_create(const struct stoa_server_config *config, struct stoa_server **out_server);
/* Stops first, if it runs. NULL is fine. SIGPIPE stays ignored. */
STOA_API void stoa_server_destroy(struct stoa_server *server);

/* Before start, or it is an assert. A second call replaces the first. */
STOA_API void stoa_server_set_callbacks(struct stoa_server *server, const struct stoa_callbacks *callbacks);
/* A pointer of the program's own, for its callbacks, functions and timers. Before start.
 *
 * destroy  frees it, once: in stoa_server_destroy(), after everything else of the program's has been called, or when
 *          another pointer replaces it, inside that call. Not called for NULL. NULL: the program frees it */
STOA_API void stoa_server_set_user(struct stoa_server *server, void *user, void (*destroy)(void *user));
/* NULL when none was set. Any thread. */
STOA_API void *stoa_server_user(const struct stoa_server *server);
/* Add a codec, borrowed until destroy. Before start; the one named in server.codec must be there at start.
 * Errors: STOA_E_ARGUMENT  its name is not [a-z0-9-]{1,32}, or a function is missing; STOA_E_EXISTS  the name is taken;
 *         STOA_E_LIMIT     eight are there, json and proto among them. The codecs are as before then. */
STOA_API int stoa_server_add_codec(struct stoa_server *server, const struct stoa_codec *codec);

/* Also send an empty message of this type when a session with a subprotocol is pinged: a page cannot see WebSocket's
 * own pings. Before start. Errors: STOA_E_ARGUMENT  the type is above 0x3fffffff */
STOA_API int stoa_server_set_ping_message(struct stoa_server *server, uint32_t type,
                                          const struct stoa_message_type *message_type);

/* Bind, listen and start the workers; returns when all listen. It changes the whole process, also when it fails:
 * SIGPIPE is ignored from here on (signal(SIGPIPE, SIG_IGN)), for OpenSSL writes to broken connections in a way that
 * raises it, and the soft limit of descriptors is raised to the hard one. Both stay so after the server's end, and
 * programs that are executed inherit both. The log gets a thread of its own until then.
 * Errors: STOA_E_NOT_FOUND    no codec of the configured name
 *         STOA_E_ARGUMENT     payload_type is text, and the configured codec does not write text
 *         STOA_E_SYSTEM       an address cannot be bound; or no thread, descriptor or random bytes are to be had
 *         STOA_E_LIMIT        names have too many addresses
 *         STOA_E_UNSUPPORTED  io_uring is wanted and not to be had
 *         STOA_E_MEMORY; what on_worker_start answers. Nothing runs after an error, and nothing was sent. */
STOA_API int stoa_server_start(struct stoa_server *server);
/* Where the n-th of server.addresses or server.listeners really listens, "127.0.0.1:43211" (port 0 asks for a free
 * one): of a name its first address. NULL past the last. */
STOA_API const char *stoa_server_address(const struct stoa_server *server, size_t index);

/* Drain: no more connections are accepted, every session is closed with 4001 at a random moment of its own, and the
 * workers end when all have gone, or after drain_ms. Any thread; returns at once. */
STOA_API void stoa_server_drain(struct stoa_server *server);
/* End now, without close frames. Any thread; returns at once. */
STOA_API void stoa_server_abort(struct stoa_server *server);
/* Wait until the workers have ended. A server that was opened takes its turns in here meanwhile. */
STOA_API void stoa_server_wait(struct stoa_server *server);

/* Start, drain on SIGTERM and SIGINT (a second one aborts; SIGHUP is logged and ignored), wait. The calling thread must
 * be the first one and must not have started others that take these signals. Errors: as stoa_server_start();
 * STOA_E_SYSTEM also without a descriptor for the signals. */
STOA_API int stoa_server_run(struct stoa_server *server);

/* A server in a loop of the program's own: no thread, but turns that the program takes.
 *
 *   create → register handlers → open → step, step, … → drain or abort → step until false → destroy
 *
 * Everything that happens, happens inside stoa_server_step(): connections are accepted, callbacks and handlers run,
 * functions and timers of stoa/worker.h too, all of them on worker 0, which the thread is during a step and no longer
 * than that. What this header lets any thread do, any thread may do here too; it wakes the descriptor.
 *
 * open, step, fd and wait_ms: one thread, and the same that waits and destroys. */

/* Bind, listen and call on_worker_start; nothing else runs before the first step, connections wait. It changes the
 * process as stoa_server_start() does. The log gets no thread: who logs writes the line, without waiting.
 * Errors: STOA_E_ARGUMENT  server.workers is not 1 (logged); what stoa_server_start() answers. Nothing runs after an
 *         error, and it may be tried again. */
STOA_API int stoa_server_open(struct stoa_server *server);
/* One turn: wait at most wait_ms (-1: as long as it takes) until there is something to do, and do it. With 0 it takes
 * exactly one turn and never waits. Not from a callback, and not for a server that stoa_server_start() started.
 *
 * False when the server has ended, with this turn or before: all sessions have gone after a drain, drain_ms have
 * passed, or it was aborted. Sessions that are left then, and on_worker_stop, are told in stoa_server_destroy(). */
STOA_API bool stoa_server_step(struct stoa_server *server, int wait_ms);
/* For poll(2) and its like: readable when stoa_server_step(server, 0) has something to do, which it also has after
 * stoa_server_wait_ms() milliseconds (0: now; -1: not before the descriptor is readable, or the server has ended). Ask
 * for the time again after each step. Only ever watch the descriptor; it is the server's, the same from open to
 * destroy, and stays readable after the end. */
STOA_API int stoa_server_fd(const struct stoa_server *server);
STOA_API int stoa_server_wait_ms(const struct stoa_server *server);

/* Send one message to one session.
 *
 * message  borrowed until the call returns
 * Errors: STOA_E_ARGUMENT   the type is above 0x3fffffff
 *         STOA_E_CLOSED     the server was not started; on the session's own worker also: its connection broke, or it
 *                           is about to be closed with 4010
 *         STOA_E_NOT_FOUND  on the session's own worker: there is none of this id, or it is closing; elsewhere: the
 *                           server has no session at all
 *         STOA_E_LIMIT      in a codec of this server it is longer than server.limits.message_bytes_max or nested too
 *                           deep (stoa/codec.h); on the session's own worker only the session's codec counts, and a
 *                           queue that is full closes it (stoa_session_send()); elsewhere also: as much is on its way
 * to the session's worker as server.limits.mailbox_bytes_max allows: try again later STOA_E_UTF8       a string field
 * is not UTF-8 STOA_E_TYPE       a codec that has sessions has no form for it STOA_E_MEMORY; what else a codec of the
 * program's own returns. Nothing was sent.
 *
 * After STOA_OK from another thread the message is dropped without notice when the session has ended before it arrives,
 * or never was. A session that cannot be given a message that was accepted is closed with 4010. */
STOA_API int stoa_server_send(struct stoa_server *server, const struct stoa_uuid *session_id, uint32_t type,
                              const struct stoa_message_type *message_type, const void *message);
/* Send one message to every session. All members get all broadcasts in one order. Errors as stoa_server_publish(). */
STOA_API int stoa_server_broadcast(struct stoa_server *server, uint32_t type,
                                   const struct stoa_message_type *message_type, const void *message);
/* Send one message to every member of a group. All members get a group's messages in one order, which for one
 * publishing thread is the order of its calls. A group without members is fine. After STOA_OK every member gets it, or
 * is closed with 4008 or 4010.
 *
 * Errors: STOA_E_ARGUMENT  the name is empty or longer than 64 bytes, or the type is above 0x3fffffff
 *         STOA_E_CLOSED    the server was not started
 *         STOA_E_LIMIT     in a codec of this server, whoever is connected, it is longer than
 *                          server.limits.message_bytes_max or nested too deep (stoa/codec.h); or as much is on its way
 *                          to the group's owner, or waits in its batches of this turn, as
 *                          server.limits.mailbox_bytes_max allows: try again later
 *         STOA_E_UTF8      a string field is not UTF-8
 *         STOA_E_TYPE      a codec that is needed has no form for it
 *         STOA_E_MEMORY; what else a codec of the program's own returns. Nobody gets it then.
 * A short message that nobody is there to get is not encoded, so that it may be STOA_OK with an error in it.
 *
 * Beside messages to one session the order of the calls holds on the worker that owns the group, so always with one
 * worker; with more, a publish takes its turn with the owner first and may arrive after a send that followed it. One
 * who has just joined may also be given messages that were on their way to its worker then, and one who leaves may miss
 * them; server.linger_ms makes this way longer. */
STOA_API int stoa_server_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                                 const struct stoa_message_type *message_type, const void *message);
/* Publish or broadcast to all but one: the session of that id does not get the message, all others do, in the same
 * order as without it. An id of no session, or of one that is no member, is fine: then all members get it, as with
 * NULL.
 *
 * except  borrowed until the call returns
 * Errors: as stoa_server_publish() and stoa_server_broadcast() */
STOA_API int stoa_server_publish_except(struct stoa_server *server, struct stoa_string group,
                                        const struct stoa_uuid *except, uint32_t type,
                                        const struct stoa_message_type *message_type, const void *message);
STOA_API int stoa_server_broadcast_except(struct stoa_server *server, const struct stoa_uuid *except, uint32_t type,
                                          const struct stoa_message_type *message_type, const void *message);
/* Decide on a session whose connect callback returned STOA_ADMIT_LATER, within handshake_timeout_ms, or it is closed
 * with 4004. Any thread; the decision is acted on in a later turn of the session's worker, and a session that has gone,
 * or that was decided on before, is left as it is. `refusal` is copied.
 * Errors: STOA_E_LIMIT   as much is on its way to its worker as server.limits.mailbox_bytes_max allows: try again
 *         STOA_E_CLOSED  the server was not started; STOA_E_MEMORY. Nothing is decided then. */
STOA_API int stoa_server_admit(struct stoa_server *server, const struct stoa_uuid *session_id);
STOA_API int stoa_server_refuse(struct stoa_server *server, const struct stoa_uuid *session_id,
                                const struct stoa_refusal *refusal);
/* Close a session by id; code and reason are those of stoa_session_close(), and copied. A session that has gone when
 * the request reaches its worker is no error.
 * Errors: STOA_E_LIMIT      as much is on its way to its worker as server.limits.mailbox_bytes_max allows: try again
 *         STOA_E_NOT_FOUND  on the session's own worker: there is none of this id, or it is closing
 *         STOA_E_CLOSED     the server was not started; STOA_E_MEMORY. It stays open then. */
STOA_API int stoa_server_close_session(struct stoa_server *server, const struct stoa_uuid *session_id, uint16_t code,
                                       const char *reason);
/* The longest message that is taken or sent, in bytes. */
STOA_API size_t stoa_server_message_bytes_max(const struct stoa_server *server);
/* server.ping_interval_ms as it is used, its default filled in: for the program to tell clients that cannot see
 * WebSocket's own pings. */
STOA_API uint32_t stoa_server_ping_interval_ms(const struct stoa_server *server);
/* What time it is, for people: milliseconds since 1970-01-01 UTC, by the server's own clock, so that a simulation of
 * the program decides it. Any thread. */
STOA_API int64_t stoa_server_wall_ms(const struct stoa_server *server);
/* How many members a group has, over all workers: exact while nobody joins, leaves or ends, else of about now. 0 for a
 * name that no group can have. Any thread; it takes a lock, and costs no more with many members. */
STOA_API size_t stoa_server_member_count(struct stoa_server *server, struct stoa_string group);
/* Sessions now open, and all connections, those that have not been upgraded among them. */
STOA_API size_t stoa_server_session_count(const struct stoa_server *server);
STOA_API size_t stoa_server_connection_count(const struct stoa_server *server);

#ifdef __cplusplus
}
#endif

#endif
