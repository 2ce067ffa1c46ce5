/* stoa/server.h: a server of typed messages over WebSocket.
 *
 *   create → register handlers → run (or start, …, stop) → destroy
 *
 * Does not know: what messages mean, how they are stored.
 * Thread: create, register and destroy on one thread, before start and after the end; sending, publishing and
 *         broadcasting on any thread, at any time between start and destroy. Callbacks run on the session's worker.
 * Lifetime: configuration is copied at create; handlers, codecs and `user` are borrowed until destroy.
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

/* Why a connection is refused. The client is upgraded first and then told, because a browser cannot read a refused
 * upgrade. */
struct stoa_refusal {
  uint16_t close_code; /* 4500 to 4999 stops the client's retries; 4000 to 4499 lets it come back */
  const char *reason;  /* borrowed until the connection is closed: a literal */
};

struct stoa_callbacks {
  /* A session begins: true lets it in. May be NULL: everybody is let in. It may join groups and send at once. */
  bool (*on_connect)(void *user, struct stoa_session *session, const struct stoa_request *request,
                     struct stoa_refusal *out_refusal);
  /* A session that was let in has ended; the last call with it. `code` is the peer's close code, or ours, or 1006 when
   * the line broke. May be NULL. */
  void (*on_disconnect)(void *user, struct stoa_session *session, uint16_t code, const char *reason);
  /* Raw handler: when set, every WebSocket message comes here as it is, and typed handlers are not used. The bytes
   * are borrowed until the call returns. */
  void (*on_raw)(void *user, struct stoa_session *session, struct stoa_bytes message, bool is_text);
  void *user;
};

/* Errors: STOA_E_ARGUMENT, STOA_E_NOT_FOUND (the codec), STOA_E_MEMORY, STOA_E_SYSTEM, STOA_E_TLS; each is logged with
 *         the option's name and what to do. `config` NULL is all defaults. */
STOA_API int stoa_server_create(const struct stoa_server_config *config, struct stoa_server **out_server);
/* Stops first, if it runs. NULL is fine. */
STOA_API void stoa_server_destroy(struct stoa_server *server);

/* Before start. A second call replaces the first. */
STOA_API void stoa_server_callbacks(struct stoa_server *server, const struct stoa_callbacks *callbacks);
/* Before start. Errors as stoa/codec.h tells; a codec named in the configuration must be there at start. */
STOA_API int stoa_server_codec(struct stoa_server *server, const struct stoa_codec *codec);

/* Also send an empty message of this type when an idle session with a subprotocol is pinged: a page cannot see
 * WebSocket's own pings. Before start. Errors: STOA_E_ARGUMENT  the type is too big */
STOA_API int stoa_server_ping_with(struct stoa_server *server, uint32_t type,
                                   const struct stoa_message_type *message_type);

/* Bind, listen and start the workers; returns when all listen.
 * Errors: STOA_E_NOT_FOUND  no codec of the configured name; STOA_E_SYSTEM  an address cannot be bound;
 *         STOA_E_UNSUPPORTED  io_uring is wanted and not to be had; STOA_E_MEMORY. Nothing runs after an error. */
STOA_API int stoa_server_start(struct stoa_server *server);
/* Where the n-th address really listens, "127.0.0.1:43211" (port 0 asks for a free one). NULL past the last. */
STOA_API const char *stoa_server_address(const struct stoa_server *server, size_t index);

/* Let everybody go: no more accepts, close 4001 to all spread over a moment, then the workers end. From any thread
 * and from signal handlers' threads; returns at once. */
STOA_API void stoa_server_drain(struct stoa_server *server);
/* End now, without goodbyes. Any thread; returns at once. */
STOA_API void stoa_server_abort(struct stoa_server *server);
/* Wait until the workers have ended. */
STOA_API void stoa_server_wait(struct stoa_server *server);

/* Start, drain on SIGTERM and SIGINT (a second one aborts), wait. The calling thread must be the first one and must
 * not have started others that take these signals. Errors as stoa_server_start(). */
STOA_API int stoa_server_run(struct stoa_server *server);

/* Send one message to one session.
 * message  borrowed until the call returns
 * Errors: STOA_E_MEMORY, STOA_E_UTF8, STOA_E_TYPE (JSON has no form for it), STOA_E_LIMIT (too long), STOA_E_CLOSED. An
 * id that is not known (any more) is STOA_E_NOT_FOUND when that is seen at once, and silently dropped when the session
 * ends while the message is on its way. */
STOA_API int stoa_server_send(struct stoa_server *server, const struct stoa_uuid *session_id, uint32_t type,
                              const struct stoa_message_type *message_type, const void *message);
/* Send one message to every session. All members get all broadcasts in one order. Errors as above. */
STOA_API int stoa_server_broadcast(struct stoa_server *server, uint32_t type,
                                   const struct stoa_message_type *message_type, const void *message);
/* Send one message to every member of a group. All members get a group's messages in one order, which for one
 * publishing thread is the order of its calls. A group without members is fine. Errors as above.
 *
 * Beside messages to one session the order of the calls holds on the worker that owns the group, so always with one
 * worker; with more, a publish takes its turn with the owner first and may arrive after a send that followed it. One
 * who has just joined may also be given messages that were on their way to its worker then, and one who leaves may miss
 * them; server.linger_ms makes this way longer. */
STOA_API int stoa_server_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                                 const struct stoa_message_type *message_type, const void *message);
/* Close a session by id. */
STOA_API int stoa_server_disconnect(struct stoa_server *server, const struct stoa_uuid *session_id, uint16_t code,
                                    const char *reason);
/* The longest message that is taken, in bytes. */
STOA_API size_t stoa_server_message_bytes_max(const struct stoa_server *server);
/* server.ping_interval_ms as it is used, its default filled in: for the program to tell clients that cannot see
 * WebSocket's own pings. */
STOA_API uint32_t stoa_server_ping_interval_ms(const struct stoa_server *server);
/* Connections now open, those that have not upgraded among them. */
STOA_API size_t stoa_server_sessions(const struct stoa_server *server);

#ifdef __cplusplus
}
#endif

#endif
