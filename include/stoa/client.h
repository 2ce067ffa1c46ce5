/* stoa/client.h: a client of typed messages over WebSocket, which comes back when its connection is lost.
 *
 *   create → handle → open → (step, step, … | start_thread) → close → destroy
 *
 * A client belongs to one thread at a time: the one that calls stoa_client_step(), or one of its own. Everything that
 * happens, happens there, in turns: it connects, reads, calls back and writes. What other calls of this header ask for
 * is handed to that thread, so no callback ever runs inside the call that caused it.
 *
 * Nothing blocks: the server's name, unless it is an IP address or a unix socket, is looked up on a thread of the
 * library's own, of which a process has at most 8, while a look-up runs. Destroying a client does not wait for them: a
 * look-up that the system's resolver still works on ends after it, so a program that loads and unloads the library
 * leaves it loaded for that long.
 *
 * OpenSSL writes to broken connections in a way that raises SIGPIPE: a program that steps a wss client itself ignores
 * that signal. On a thread of its own it is blocked.
 *
 * Does not know: what messages mean, sessions, servers.
 * Thread: create, handle, start_thread and destroy: one at a time. open, send, call, cancel, close and the questions:
 *         any thread, from open to destroy. step, fd and wait_ms: the thread that steps.
 * Lifetime: options are copied at create; codec, callbacks' `user` and handlers' `user` are borrowed until destroy.
 */
#ifndef STOA_CLIENT_H
#define STOA_CLIENT_H

#include <stoa/codec.h>
#include <stoa/error.stoa.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_client;

/* How the two sides speak. */
enum stoa_client_subprotocol {
  STOA_CLIENT_CODEC, /* "stoa.<codec>": typed frames, with calls and errors */
  STOA_CLIENT_TEXT,  /* "stoa.text": text frames of JSON, with calls and errors; the codec must be json */
  STOA_CLIENT_NONE   /* none is asked for: typed frames of plain messages. No calls, and errors are not told */
};

/* A field line of the upgrade request. */
struct stoa_client_field {
  const char *name;
  const char *value;
};

/* Zero and NULL mean the default everywhere. */
struct stoa_client_options {
  /* "ws://host[:port][/target]", "wss://…", "ws+unix:/path/of/the/socket[:/target]"; a host is a name, an IPv4 address
   * or an IPv6 address in brackets. */
  const char *url;
  enum stoa_client_subprotocol subprotocol;
  const struct stoa_codec *codec; /* json */
  bool little_endian;             /* the server's byte_order is little */
  const struct stoa_client_field
      *fields;        /* such as Authorization, Cookie, Origin; none that the handshake needs itself */
  size_t field_count; /* at most 32 */

  /* wss: the server's certificate must be good for the URL's host and lead to an authority that the system trusts, or
   * to one in this PEM file. */
  const char *ca_file;
  bool insecure; /* take any certificate: for tests by hand, never for secrets */

  /* Offer permessage-deflate: a server that agrees compresses what it sends. What this side sends is not compressed. */
  bool compression;

  bool once;             /* one connection and no other: when it ends, or does not come, the client ends */
  uint32_t retry_min_ms; /* 500: the least time between a connection and the next try */
  uint32_t retry_max_ms; /* 20,000: the most */

  uint32_t handshake_ms; /* 10,000: to find the name, and again from the first packet to the upgrade's answer */
  uint32_t close_ms;     /* 3000: how long the server has for its half of the close handshake */
  /* When nothing was heard for so long, the client sends a WebSocket ping (RFC 6455 5.5.2); when nothing is heard for
   * pong_ms after it, the connection is dead. Whatever arrives counts as heard, pings and pongs too. The default is
   * 10,000 more than the interval of the server's own pings, which a Stoa server tells in the field Stoa-Ping-Interval
   * of its answer to the upgrade; 35,000 when nothing is told. UINT32_MAX: never, a dead connection may stay. */
  uint32_t silence_ms;
  uint32_t pong_ms;            /* 10,000 */
  uint32_t call_ms;            /* 10,000: of calls that name no time of their own */
  uint32_t calls_max;          /* 1024 in flight */
  uint32_t outgoing_bytes_max; /* 1 MiB that the connection has not taken yet */
  /* 64 KiB, the longest message that is sent. A Stoa server takes as much by default, and closes with 1009 for more. */
  uint32_t message_bytes_max;
  /* The longest message that is taken; for a longer one the connection is closed with 1009. 1 MiB by default, or
   * message_bytes_max when that is more: a server relays what it takes in each client's codec and with fields of its
   * own, so what it sends is longer. */
  uint32_t received_message_bytes_max;
};

enum stoa_client_state {
  STOA_CLIENT_IDLE,       /* not opened yet */
  STOA_CLIENT_CONNECTING, /* name, connection, TLS, upgrade */
  STOA_CLIENT_OPEN,       /* messages go both ways; the only state in which they can be sent */
  STOA_CLIENT_CLOSING,    /* one side has sent its close frame, the other has not yet; messages still arrive */
  STOA_CLIENT_WAITING,    /* no connection; the next try comes after retry_ms */
  STOA_CLIENT_ENDED       /* no connection, and none will be tried. Final */
};

/* A new state, and why. */
struct stoa_client_change {
  enum stoa_client_state state;
  /* WAITING and ENDED: why there is no connection (any more).
   *   STOA_OK             it was closed, by this side or by the server; see close_code
   *   STOA_E_NOT_FOUND    the name does not resolve
   *   STOA_E_SYSTEM       no connection, or it broke; no thread for the look-up; no random bytes for a key or a mask
   *   STOA_E_CLOSED       the server ended the connection without a close frame
   *   STOA_E_TLS          its certificate was refused, or TLS failed; the log has more
   *   STOA_E_TIMEOUT      no name server answered in time, or the server did not finish the handshake, or a ping after
   *                       a long silence got no answer
   *   STOA_E_DENIED       it refused the upgrade; see http_status
   *   STOA_E_UNSUPPORTED  it does not speak the subprotocol
   *   STOA_E_SYNTAX       what it sent breaks HTTP, WebSocket or its compression
   *   STOA_E_LIMIT        its message is longer than received_message_bytes_max, or its answer has more than 16 KiB or
   *                       100 fields
   *   STOA_E_MEMORY       here */
  int status;
  uint16_t http_status; /* of a refused upgrade; else 0 */
  uint16_t close_code;  /* 1006 when the connection broke, 0 when it never was open */
  const char *reason;   /* the closing side's, or what was wrong; never NULL. Until the callback returns */
  uint32_t retry_ms;    /* WAITING: when the next try begins */
};

/* All run on the client's thread, and may call everything of this header but step and destroy. Each may be NULL. */
struct stoa_client_callbacks {
  void (*on_state)(void *user, struct stoa_client *client, const struct stoa_client_change *change);
  /* The server could not handle a plain message of this type. */
  void (*on_error)(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error);
  /* A message of a type without a handler, not decoded; without this callback it is dropped. The payload is borrowed
   * until the call returns. */
  void (*on_other)(void *user, struct stoa_client *client, uint32_t type, struct stoa_bytes payload);
  void *user;
};

/* Make a client; nothing is sent before stoa_client_open().
 *
 * callbacks  copied; NULL for none
 * Errors: STOA_E_ARGUMENT   the URL (of at most 2048 bytes), a field (all in 16 KiB), the codec (json for TEXT; a name
 *                           that makes no subprotocol) or a number makes no sense, and the log names it
 *         STOA_E_NOT_FOUND  wss: the ca_file cannot be read (logged)
 *         STOA_E_TLS        wss: the ca_file holds no certificate, or OpenSSL refused (logged)
 *         STOA_E_SYSTEM     there are no descriptors to be had; errno tells
 *         STOA_E_MEMORY */
STOA_API int stoa_client_create(const struct stoa_client_options *options,
                                const struct stoa_client_callbacks *callbacks, struct stoa_client **out_client);
/* End at once: no close frame, and no callback. A call in flight never gets its callback then; who needs it closes
 * first and waits for STOA_CLIENT_ENDED. Not from a callback. NULL is fine. */
STOA_API void stoa_client_destroy(struct stoa_client *client);

/* Any handler or reply function; cast back to its own type before it is called. */
typedef void (*stoa_client_function)(void);

/* Handlers of one type number. Generated code fills this in. */
struct stoa_client_handler {
  const char *name;                        /* for the log: "Chat" */
  uint32_t type;                           /* at most 0x3fffffff */
  const struct stoa_message_type *message; /* NULL: not decoded, `message` is a struct stoa_bytes, the payload */
  /* Casts `function` to its type and calls it. The message lives until it returns. */
  void (*invoke)(stoa_client_function function, void *user, struct stoa_client *client, const void *message);
  stoa_client_function function;
  void *user;
};

/* Handle messages of a type. Before open: after it the client's thread reads the table. The struct is copied. A message
 * that cannot be decoded is logged and dropped.
 *
 * Errors: STOA_E_EXISTS    a handler of this type is there, which stays
 *         STOA_E_ARGUMENT  the number is too big, a function is missing, the table is of another ABI
 *         STOA_E_LIMIT     1024 handlers are there
 *         STOA_E_MEMORY */
STOA_API int stoa_client_handle(struct stoa_client *client, const struct stoa_client_handler *handler);

/* Begin to connect, and go on until it ends: a connection that does not come or is lost is tried again after a time
 * between retry_min_ms and a bound that starts at twice that, doubles with every try and stops at retry_max_ms (full
 * jitter: a server that restarts is not met by all its clients at once, so that the first try is no exception). A
 * connection that was open for retry_max_ms puts the bound back. A server may ask for more: Retry-After of a refusal,
 * in seconds, and after close codes 4013 (rate) and 4014 (full) the retry_ms of the error before it are waited for
 * first, up to an hour, and the random time follows.
 *
 * The client ends, and does not try again
 *   - after close codes 4500 to 4999. After every other one it comes back: 1000 to 1014, 3000 to 4499;
 *   - after an answer of 4xx to the upgrade, but 408, 425 and 429;
 *   - when the server does not speak the subprotocol;
 *   - when this side closes, and with `once` in any case.
 *
 * Errors: STOA_E_EXISTS  it was opened before */
STOA_API int stoa_client_open(struct stoa_client *client);

/* One turn: wait at most wait_ms (-1: as long as it takes) until there is something to do, and do it. With 0 it takes
 * exactly one turn and never waits: read what is there once, do what other calls asked for, run the timers that are
 * due, write. Never fails: what goes wrong, on_state tells.
 * Not together with stoa_client_start_thread(), and not from a callback. */
STOA_API void stoa_client_step(struct stoa_client *client, int wait_ms);
/* For a program with a poll loop of its own: readable when stoa_client_step(client, 0) has something to do, which it
 * also has after stoa_client_wait_ms() milliseconds (-1: not before fd is readable). Ask again after each step. */
STOA_API int stoa_client_fd(const struct stoa_client *client);
STOA_API int stoa_client_wait_ms(const struct stoa_client *client);

/* Step on a thread of its own, until destroy, which ends it and waits for it. Signals are blocked there.
 * Errors: STOA_E_EXISTS  it has one
 *         STOA_E_SYSTEM  there is no thread to be had, and errno tells why; the client can still be stepped, or started
 *                        again */
STOA_API int stoa_client_start_thread(struct stoa_client *client);

/* As of the newest turn: another thread's next turn may change it before the caller looks. */
STOA_API enum stoa_client_state stoa_client_state(const struct stoa_client *client);

/* Send one message. Messages of one thread keep their order. Nothing is kept from one connection to the next: what the
 * connection has not taken when it ends is lost.
 *
 * message_type  NULL: `message` is a struct stoa_bytes with an encoded payload
 * message       borrowed until the call returns
 * Errors, after which nothing was sent and the client is as before:
 *         STOA_E_CLOSED    the client is not in STOA_CLIENT_OPEN
 *         STOA_E_LIMIT     the message is longer than message_bytes_max, or nested too deep (stoa/codec.h); or more
 *                          than outgoing_bytes_max would wait, and it can be tried again when some were written
 *         STOA_E_ARGUMENT  the type is above 0x3fffffff
 *         STOA_E_UTF8      a string field is not UTF-8
 *         STOA_E_TYPE      the codec has no form for it
 *         STOA_E_SYSTEM    no random bytes for the frame's mask; errno tells
 *         STOA_E_MEMORY
 *         what else a codec of the program's own returns */
STOA_API int stoa_client_send(struct stoa_client *client, uint32_t type, const struct stoa_message_type *message_type,
                              const void *message);

/* How a call came to its end. */
enum stoa_call_result {
  STOA_CALL_REPLY,     /* with `message` */
  STOA_CALL_ERROR,     /* the server answered with `error` */
  STOA_CALL_TIMEOUT,   /* no answer in time; the server may have acted on it all the same, as in the next two cases */
  STOA_CALL_CANCELLED, /* by stoa_client_cancel() */
  STOA_CALL_LOST,      /* the connection ended before the answer came */
  STOA_CALL_MALFORMED  /* the answer cannot be decoded, for which memory may be the reason */
};

struct stoa_call_end {
  enum stoa_call_result result;
  uint32_t call_id;
  const void *message;            /* of reply_type, for STOA_CALL_REPLY; else NULL. Until the callback returns */
  const struct stoa_error *error; /* for STOA_CALL_ERROR; else NULL. Until the callback returns */
};

struct stoa_call_start {
  uint32_t type;
  const struct stoa_message_type *request_type; /* NULL: as stoa_client_send() */
  const void *request;                          /* borrowed until stoa_client_call() returns */
  const struct stoa_message_type *reply_type;   /* NULL: not decoded, the reply's `message` is a struct stoa_bytes */
  uint32_t timeout_ms;                          /* 0: call_ms of the options */
  /* Called once, on the client's thread: casts `function` and calls it. */
  void (*invoke)(stoa_client_function function, void *user, struct stoa_client *client,
                 const struct stoa_call_end *end);
  stoa_client_function function;
  void *user;
};

/* Call: send a request and have the answer handed over, once, whatever becomes of it. After an error it is not.
 *
 * out_call_id  for cancelling; written before the answer can come. May be NULL
 * Errors, after which nothing was called and out_call_id is as before:
 *         STOA_E_CLOSED       the client is not in STOA_CLIENT_OPEN
 *         STOA_E_LIMIT        as stoa_client_send(), or calls_max calls are in flight
 *         STOA_E_ARGUMENT     the type is above 0x3fffffff, or `invoke` is missing
 *         STOA_E_UNSUPPORTED  without a subprotocol there are no calls
 *         STOA_E_UTF8, STOA_E_TYPE, STOA_E_SYSTEM, STOA_E_MEMORY and those of another codec, as stoa_client_send() */
STOA_API int stoa_client_call(struct stoa_client *client, const struct stoa_call_start *call, uint32_t *out_call_id);
/* Do not wait for the answer any longer: the call ends as STOA_CALL_CANCELLED, unless it has ended meanwhile. The
 * server is not told. An unknown id is fine.
 * Errors: STOA_E_MEMORY  the call goes on */
STOA_API int stoa_client_cancel(struct stoa_client *client, uint32_t call_id);

/* Close and do not come back: what was sent before goes out first, calls in flight may still be answered until the
 * server has closed too, then STOA_CLIENT_ENDED follows. Never fails: what cannot be sent as it is, is sent as follows.
 *
 * code    1000, or 3000 to 4999; any other is sent as 1000
 * reason  copied; cut after 123 bytes, between two characters. NULL, or what is not UTF-8, is none
 * Closing twice is fine, the first code stands. */
STOA_API void stoa_client_close(struct stoa_client *client, uint16_t code, const char *reason);

#ifdef __cplusplus
}
#endif

#endif
