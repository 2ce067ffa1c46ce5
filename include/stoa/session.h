/* stoa/session.h: one client's session, from the upgrade to the end of its connection.
 *
 * Does not know: rooms' contents, other sessions.
 * Thread: a struct stoa_session belongs to its worker; use it only inside the callbacks that hand it over. From
 *         other threads, name sessions by their id and go through stoa/server.h.
 * Lifetime: valid until on_closed returns. Closing is a request: the memory is freed at the end of a loop turn.
 */
#ifndef STOA_SESSION_H
#define STOA_SESSION_H

#include <stoa/arena.h>
#include <stoa/certificate.h>
#include <stoa/descriptor.h>
#include <stoa/status.h>
#include <stoa/uuid.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_error; /* generated from stoa/error.proto */
struct stoa_server;
struct stoa_session;

/* Close codes of Stoa. After 4000 to 4499 a client may reconnect, after 4500 to 4999 it must not. The library sends
 * TOKEN_EXPIRED, BAD_TOKEN and NO_HELLO only with server.auth (stoa/auth.h), and never PROTOCOL and KICKED, which are
 * for programs. */
enum stoa_close_code {
  STOA_CLOSE_DRAINING = 4001,
  STOA_CLOSE_INTERNAL = 4004,
  STOA_CLOSE_TOKEN_EXPIRED = 4005,
  STOA_CLOSE_SLOW = 4008,
  STOA_CLOSE_POSITION_LOST = 4010,
  STOA_CLOSE_NO_PONG = 4012,
  STOA_CLOSE_RATE = 4013,
  STOA_CLOSE_FULL = 4014, /* a limit on sessions or connections: reconnect after the error frame's retry_ms */
  STOA_CLOSE_BAD_TOKEN = 4500,
  STOA_CLOSE_PROTOCOL = 4501,
  STOA_CLOSE_NO_HELLO = 4502,
  STOA_CLOSE_KICKED = 4503,
  STOA_CLOSE_FORBIDDEN = 4507,
  STOA_CLOSE_TOO_MANY_ERRORS = 4509
};

/* The meaning of a close code, for people: "reads too slowly". It includes those of RFC 6455 7.4.1 and its registry,
 * 1000 to 1015. Never NULL; "unknown close code" for any other number, such as a program's own. */
STOA_API const char *stoa_close_code_text(uint16_t code);

/* Codes of the errors that the library itself sends. Codes of applications start at 1000, so that they never collide.
 * The chat room uses 100 to 199, without conflict with these. */
enum stoa_error_code {
  STOA_ERROR_INTERNAL = 100,
  STOA_ERROR_UNAUTHORIZED = 101, /* no token, or a bad one (stoa/auth.h) */
  STOA_ERROR_UNKNOWN_TYPE = 104,
  STOA_ERROR_LIMIT = 106,
  STOA_ERROR_BAD_REQUEST = 107,
  STOA_ERROR_UNAVAILABLE = 108, /* temporary: the program did not answer in time (stoa/call.h) */
  STOA_ERROR_TOKEN_EXPIRED = 109,
  STOA_ERROR_RATE = 111 /* more than server.limits.rate allows; send again after retry_ms */
};

/* Is it no session, but the connection of an HTTP request that calls an rpc (docs/http-api.md)? Its handler gets it in
 * place of a session. Its address and token are those of the request; its id is all 0. What is sent to it, and joining
 * a group, gives STOA_E_CLOSED; closing it does nothing; the program's pointer and the user's name last until the
 * request is answered. */
STOA_API bool stoa_session_is_http(const struct stoa_session *session);

STOA_API const struct stoa_uuid *stoa_session_id(const struct stoa_session *session);
STOA_API struct stoa_server *stoa_session_server(const struct stoa_session *session);

/* The program's own pointer; NULL at first. The program frees it in on_closed, or sets destroy_session_user of struct
 * stoa_callbacks. That is called when the session has ended, also when it was refused, and at once when another pointer
 * replaces this one. Setting the same pointer again does nothing. */
STOA_API void *stoa_session_user(const struct stoa_session *session);
STOA_API void stoa_session_set_user(struct stoa_session *session, void *user);

/* The longest name of a user, in bytes. */
#define STOA_SESSION_NAME_LEN_MAX 64

/* Name the user, for the lines of the log about this session. It replaces an earlier name. Copied; an empty one is
 * none. Errors: STOA_E_LIMIT  longer than STOA_SESSION_NAME_LEN_MAX; STOA_E_UTF8  it is not UTF-8, or has a NUL;
 *         STOA_E_MEMORY. The earlier name stays. */
STOA_API int stoa_session_set_name(struct stoa_session *session, struct stoa_string name);

/* The longest text of an address, without the NUL at its end. */
#define STOA_ADDRESS_TEXT_LEN 45

/* The client's address, as struct stoa_request has it: "192.0.2.1" or "2001:db8::1", or "unix" for a unix socket. With
 * a trusted proxy, it is the address that the proxy sends. Valid until on_closed returns. */
STOA_API void stoa_session_address(const struct stoa_session *session, char out_text[STOA_ADDRESS_TEXT_LEN + 1]);
/* The listener of the connection, as an index for stoa_server_address(). */
STOA_API size_t stoa_session_listener(const struct stoa_session *session);

/* The certificate that the client has shown and proved to own, if server.tls.client_verify asks for one; else NULL.
 * Behind a proxy it is the proxy's. Valid until on_closed returns. */
STOA_API const struct stoa_certificate *stoa_session_peer_certificate(const struct stoa_session *session);
/* The version of TLS of the connection, "TLSv1.2" or "TLSv1.3"; NULL for a plain one. */
STOA_API const char *stoa_session_tls_version(const struct stoa_session *session);

/* The value of a field that the session keeps of its upgrade request (stoa_server_keep_field()). For an HTTP request:
 * of any of its fields, in the handler only. The name is compared without case. data NULL: there is no such field.
 * Valid until on_closed or, for an HTTP request, until the handler returns. */
STOA_API struct stoa_string stoa_session_field(const struct stoa_session *session, const char *name);

/* Did the client negotiate a subprotocol? Without one it gets no error frames and no ping messages. */
STOA_API bool stoa_session_negotiated(const struct stoa_session *session);
/* The name of the session's codec, such as "json", which is also that of HTTP requests. */
STOA_API const char *stoa_session_codec(const struct stoa_session *session);

/* The worker's arena, for what a handler builds: replies, errors, lists. Emptied after each message. */
STOA_API struct stoa_arena *stoa_session_arena(struct stoa_session *session);

/* Send one typed message to this session, in order with what was sent before.
 *
 * message  borrowed until the call returns
 * Errors: STOA_E_CLOSED    the session is closing, its connection broke, or it is about to be closed with 4010
 *         STOA_E_ARGUMENT  the type is above 0x3fffffff
 *         STOA_E_LIMIT     the session's queue is full, and the session is being closed with 4008; or the message is
 *                          longer than server.limits.message_bytes_max in this session's codec, or nested too deep
 *                          (stoa/codec.h), and the session stays open
 *         STOA_E_UTF8      a string field is not UTF-8
 *         STOA_E_TYPE      the codec has no form for it
 *         STOA_E_MEMORY    the session may be ending, because its output could not be kept
 *         any other status that the program's own codec returns. Nothing was sent. */
STOA_API int stoa_session_send(struct stoa_session *session, uint32_t type,
                               const struct stoa_message_type *message_type, const void *message);

/* Send one raw WebSocket message. Text is not checked.
 * Errors: STOA_E_CLOSED  the session is closing, its connection broke, or it is about to be closed with 4010
 *         STOA_E_LIMIT   the session's queue is full, and the session is being closed with 4008; or the message is
 *                        longer than server.limits.message_bytes_max, and the session stays open
 *         STOA_E_MEMORY  the session may be ending, because its output could not be kept. Nothing was sent. */
STOA_API int stoa_session_send_raw(struct stoa_session *session, struct stoa_bytes message, bool is_text);

/* Stop reading from the client, and start again. No message is handled after the current one until resume. Both never
 * fail, and may be called twice. A paused session is not closed for silence while input from it is unread. */
STOA_API void stoa_session_pause(struct stoa_session *session);
STOA_API void stoa_session_resume(struct stoa_session *session);
/* Bytes that wait to be sent to the session; at server.limits.send_queue_bytes_max it is closed with 4008. */
STOA_API size_t stoa_session_queued_bytes(const struct stoa_session *session);
/* Request one call of on_drained when no bytes wait any more: at the end of this turn at the earliest, and never when
 * the session closes before that. */
STOA_API void stoa_session_notify_drained(struct stoa_session *session);

/* Begin the close handshake: what was sent before is written first, then the close frame. The connection ends when the
 * peer has answered, or after 5 s. on_closing runs inside this call, on_closed later. What the client sends from now on
 * is dropped. Closing twice is allowed; the first code is used.
 *
 * code    1000 to 1003, 1007 to 1014 or 3000 to 4999 (RFC 6455 7.4); any other is sent as 1011
 * reason  at most 123 bytes of it are copied; NULL: no reason */
STOA_API void stoa_session_close(struct stoa_session *session, uint16_t code, const char *reason);

/* Make an error for a handler to return. It is copied into the worker's arena. Never NULL: when memory is out, it is a
 * constant error. `message` may be NULL. */
STOA_API const struct stoa_error *stoa_session_error(struct stoa_session *session, uint32_t code, const char *reason,
                                                     const char *message);

/* Join a named group. A session can be in up to 128 groups; it leaves all of them when it closes.
 * Errors: STOA_E_ARGUMENT  the name is empty or longer than 64 bytes
 *         STOA_E_CLOSED    the session is closing, or not admitted yet
 *         STOA_E_EXISTS    the session is a member already
 *         STOA_E_LIMIT     the session is in 128 groups
 *         STOA_E_MEMORY. After an error its groups are unchanged. */
STOA_API int stoa_session_join(struct stoa_session *session, struct stoa_string group);
/* Leave a group. Messages that were published before are still sent. Errors: STOA_E_NOT_FOUND  not a member; a closing
 * session never is */
STOA_API int stoa_session_leave(struct stoa_session *session, struct stoa_string group);

/* group   borrowed until the function returns. Returns true to continue. */
typedef bool stoa_session_group_visit(void *context, struct stoa_string group);
/* Visit the groups that the session is in, in no particular sequence. The visit may do everything that a callback may:
 * join, leave, send, close. Groups that it leaves before they are visited are skipped, and so are groups that it joins.
 * A closing session is in no group. */
STOA_API void stoa_session_each_group(struct stoa_session *session, stoa_session_group_visit *visit, void *context);

#ifdef __cplusplus
}
#endif

#endif
