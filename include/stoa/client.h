/* stoa/client.h: a client for typed messages over WebSocket that reconnects when its connection is lost.
 *
 *   create → handle → open → (step, step, … | start_thread) → close → destroy
 *
 * A client belongs to one thread at a time: the one that calls stoa_client_step(), or one of its own. All work happens
 * on that thread, in turns: it connects, reads, calls back and writes. Other functions of this header hand their
 * request to that thread, so no callback runs inside the function that caused it.
 *
 * Nothing blocks: the library resolves a host name on a thread of its own, which exists while the look-up runs; a
 * process has at most 8 of them. Destroying a client does not wait for a look-up: it may end later, so a program must
 * not unload the library before that.
 *
 * OpenSSL writes to broken connections in a way that raises SIGPIPE: a program that steps a wss client itself must
 * ignore that signal. On the client's own thread it is blocked.
 *
 * Does not know: what messages mean, sessions, servers.
 * Thread: create, handle, start_thread and destroy: one at a time. open, send, call, cancel, close and state: any
 *         thread, from open to destroy. step, fd and wait_ms: the thread that steps.
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

/* The subprotocol that the client asks for. */
enum stoa_client_subprotocol {
  STOA_CLIENT_CODEC, /* "stoa.<codec>": typed frames, with calls and errors */
  STOA_CLIENT_TEXT,  /* "stoa.text": text frames of JSON, with calls and errors; the codec must be json */
  STOA_CLIENT_NONE   /* none is asked for: typed frames of plain messages. No calls, and no errors arrive */
};

/* A header field of the upgrade request. */
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

  /* wss: the server's certificate must be valid for the URL's host, and issued by an authority that the system trusts
   * or one in this PEM file. */
  const char *ca_file;
  bool insecure; /* accept any certificate: for manual tests, never for secrets */
  /* wss: the name that the client asks for (SNI) and that the certificate must have. NULL: the URL's host. */
  const char *server_name;
  /* wss: PEM files with the client's own certificate and its key, for servers that ask for one. Both or none; they are
   * read once, by stoa_client_create(). */
  const char *certificate_file;
  const char *key_file;

  /* Offer permessage-deflate: a server that accepts it compresses what it sends. The client does not compress what it
   * sends. */
  bool compression;

  bool once;             /* connect once: when the connection ends or cannot be made, the client ends */
  uint32_t retry_min_ms; /* 500: the shortest time from the end of a connection to the next try */
  uint32_t retry_max_ms; /* 20,000: the longest */

  uint32_t handshake_ms; /* 10,000: for the name look-up, and again from the first packet to the upgrade's answer */
  uint32_t close_ms;     /* 3000: how long to wait for the server's close frame */
  /* When nothing was received for this time, the client sends a WebSocket ping (RFC 6455 5.5.2); when nothing is
   * received for pong_ms after it, the connection is dead. Pings and pongs count as received, too. The default is
   * 10,000 more than the server's ping interval, which a Stoa server sends in the field Stoa-Ping-Interval of its
   * answer to the upgrade; 35,000 without that field. UINT32_MAX: never ping; a dead connection may go unnoticed. */
  uint32_t silence_ms;
  uint32_t pong_ms;            /* 10,000 */
  uint32_t call_ms;            /* 10,000: timeout of calls that set none */
  uint32_t calls_max;          /* 1024 in flight */
  uint32_t outgoing_bytes_max; /* 1 MiB: bytes that wait to be sent */
  /* 64 KiB: the longest message that is sent. A Stoa server accepts as much by default, and closes with 1009 when a
   * message is longer. */
  uint32_t message_bytes_max;
  /* The longest message that is accepted; for a longer one the connection is closed with 1009. 1 MiB by default, or
   * message_bytes_max when that is more: a server sends a message on in each client's codec and with added fields, so
   * it becomes longer. */
  uint32_t received_message_bytes_max;
};

enum stoa_client_state {
  STOA_CLIENT_IDLE,       /* not opened yet */
  STOA_CLIENT_CONNECTING, /* name, connection, TLS, upgrade */
  STOA_CLIENT_OPEN,       /* the upgrade is done; the only state in which messages can be sent */
  STOA_CLIENT_CLOSING,    /* one side has sent its close frame, the other has not yet; messages still arrive */
  STOA_CLIENT_WAITING,    /* no connection; the next try comes after retry_ms */
  STOA_CLIENT_ENDED       /* no connection, and no further try. Final */
};

/* A new state, and why. */
struct stoa_client_change {
  enum stoa_client_state state;
  /* WAITING and ENDED: why there is no connection.
   *   STOA_OK             it was closed by the client or by the server; see close_code
   *   STOA_E_NOT_FOUND    the name does not resolve
   *   STOA_E_SYSTEM       connecting failed, or the connection broke; no thread for the look-up; no random bytes for a
   *                       key or a mask
   *   STOA_E_CLOSED       the server ended the connection without a close frame
   *   STOA_E_TLS          the server's certificate was refused, or TLS failed; the log has the details
   *   STOA_E_TIMEOUT      no name server answered in time, or the server did not finish the handshake, or a ping got no
   *                       answer
   *   STOA_E_DENIED       the server refused the upgrade; see http_status
   *   STOA_E_UNSUPPORTED  the server does not support the subprotocol
   *   STOA_E_SYNTAX       the server broke HTTP, WebSocket or permessage-deflate
   *   STOA_E_LIMIT        a message is longer than received_message_bytes_max, or the answer to the upgrade has more
   *                       than 16 KiB or 100 fields
   *   STOA_E_MEMORY       memory is out in the client */
  int status;
  uint16_t http_status; /* of a refused upgrade; else 0 */
  uint16_t close_code;  /* 1006 when the connection broke, 0 when it was never open */
  const char *reason;   /* from the close frame, or what failed; never NULL; valid until the callback returns */
  uint32_t retry_ms;    /* WAITING: when the next try begins */
};

/* All run on the client's thread, and may call every function of this header except step and destroy. Each may be
 * NULL. */
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
 * Errors: STOA_E_ARGUMENT   the URL (at most 2048 bytes), a field (16 KiB for all), the codec (json for TEXT; a name
 *                           that cannot be a subprotocol) or a number is invalid, a certificate is without a key or a
 *                           key without a certificate; the log names it
 *         STOA_E_NOT_FOUND  wss: a file cannot be read (logged)
 *         STOA_E_DENIED     wss: other users can read the key_file (logged)
 *         STOA_E_TLS        wss: the ca_file contains no certificate, or a file is not usable (logged)
 *         STOA_E_SYSTEM     no descriptor is available; errno has the reason
 *         STOA_E_MEMORY */
STOA_API int stoa_client_create(const struct stoa_client_options *options,
                                const struct stoa_client_callbacks *callbacks, struct stoa_client **out_client);
/* End at once: no close frame, and no callback. Calls in flight get no callback; to get them, close first and wait for
 * STOA_CLIENT_ENDED. Not from a callback. NULL is allowed. */
STOA_API void stoa_client_destroy(struct stoa_client *client);

/* Any handler or reply function; cast back to its own type before it is called. */
typedef void (*stoa_client_function)(void);

/* The handler of one type number. Generated code fills this in. */
struct stoa_client_handler {
  const char *name;                        /* for the log: "Chat" */
  uint32_t type;                           /* at most 0x3fffffff */
  const struct stoa_message_type *message; /* NULL: not decoded, `message` is a struct stoa_bytes, the payload */
  /* Casts `function` to its type and calls it. The message is valid until it returns. */
  void (*invoke)(stoa_client_function function, void *user, struct stoa_client *client, const void *message);
  stoa_client_function function;
  void *user;
};

/* Register a handler. Before open: from then on the client's thread reads the table. The struct is copied. A message
 * that cannot be decoded is logged and dropped.
 *
 * Errors: STOA_E_EXISTS    this type has a handler already, which stays
 *         STOA_E_ARGUMENT  the number is too big, a function is missing, the table has another ABI version
 *         STOA_E_LIMIT     there are 1024 handlers already
 *         STOA_E_MEMORY */
STOA_API int stoa_client_handle(struct stoa_client *client, const struct stoa_client_handler *handler);

/* Begin to connect, and reconnect until the client ends. When a connection fails or is lost, the client waits for a
 * random time between retry_min_ms and a bound. The bound starts at twice retry_min_ms and doubles with every try, up
 * to retry_max_ms (full jitter, so that the clients of a server that restarts do not all reconnect at once; the first
 * try has it too). A connection that was open for retry_max_ms resets the bound. A server may ask for more: Retry-After
 * of a refusal, in seconds, or, with close codes 4013 (rate) and 4014 (full), the retry_ms of the error before the
 * close. The client waits for that time first, up to an hour, and then for the random time.
 *
 * The client ends, and does not reconnect
 *   - after close codes 4500 to 4999. After every other code it reconnects: 1000 to 1014, 3000 to 4499;
 *   - after an answer of 4xx to the upgrade, except 408, 425 and 429;
 *   - when the server does not support the subprotocol;
 *   - when the program closes it, and with `once` in any case.
 *
 * Errors: STOA_E_EXISTS  it was opened before */
STOA_API int stoa_client_open(struct stoa_client *client);

/* One turn: wait at most wait_ms (-1: without limit) until there is something to do, and do it. With 0 it runs exactly
 * one turn and never waits: it reads once, does what other functions requested, runs the timers that are due, and
 * writes. Never fails: on_state reports every failure.
 * Not together with stoa_client_start_thread(), and not from a callback. */
STOA_API void stoa_client_step(struct stoa_client *client, int wait_ms);
/* For a program with its own poll loop: call stoa_client_step(client, 0) when fd is readable, or after
 * stoa_client_wait_ms() milliseconds (-1: only when fd is readable). Call stoa_client_wait_ms() again after each
 * step. */
STOA_API int stoa_client_fd(const struct stoa_client *client);
STOA_API int stoa_client_wait_ms(const struct stoa_client *client);

/* Run the client on a thread of its own, until destroy, which ends the thread and waits for it. Signals are blocked
 * there.
 * Errors: STOA_E_EXISTS  it has a thread already
 *         STOA_E_SYSTEM  no thread can be created; errno has the reason. The client can still be stepped, or started
 *                        again */
STOA_API int stoa_client_start_thread(struct stoa_client *client);

/* The state after the last turn; when the client runs on another thread, it may have changed when this returns. */
STOA_API enum stoa_client_state stoa_client_state(const struct stoa_client *client);

/* Send one message. Messages from one thread keep their sequence. Nothing is kept from one connection to the next: what
 * was not written when a connection ends is lost.
 *
 * message_type  NULL: `message` is a struct stoa_bytes with an encoded payload
 * message       borrowed until the call returns
 * Errors, after which nothing was sent and the client is as before:
 *         STOA_E_CLOSED    the client is not in STOA_CLIENT_OPEN
 *         STOA_E_LIMIT     the message is longer than message_bytes_max, or nested too deep (stoa/codec.h); or more
 *                          than outgoing_bytes_max would wait: try again when some were written
 *         STOA_E_ARGUMENT  the type is above 0x3fffffff
 *         STOA_E_UTF8      a string field is not UTF-8
 *         STOA_E_TYPE      the codec has no form for it
 *         STOA_E_SYSTEM    no random bytes for the frame's mask; errno has the reason
 *         STOA_E_MEMORY
 *         any other status that the program's own codec returns */
STOA_API int stoa_client_send(struct stoa_client *client, uint32_t type, const struct stoa_message_type *message_type,
                              const void *message);

/* How a call ended. */
enum stoa_call_result {
  STOA_CALL_REPLY,     /* with `message` */
  STOA_CALL_ERROR,     /* the server answered with `error` */
  STOA_CALL_TIMEOUT,   /* no answer in time; here and in the next two cases the server may have handled the call */
  STOA_CALL_CANCELLED, /* by stoa_client_cancel() */
  STOA_CALL_LOST,      /* the connection ended before the answer came */
  STOA_CALL_MALFORMED, /* the answer cannot be decoded, possibly because memory is out */
  STOA_CALL_DONE       /* of a stream: it has ended well, after all of its items */
};

struct stoa_call_end {
  enum stoa_call_result result;
  uint32_t call_id;
  const void *message;            /* of reply_type, for STOA_CALL_REPLY; else NULL. Valid until the callback returns */
  const struct stoa_error *error; /* for STOA_CALL_ERROR; else NULL. Valid until the callback returns */
};

struct stoa_call_start {
  uint32_t type;
  const struct stoa_message_type *request_type; /* NULL: as stoa_client_send() */
  const void *request;                          /* borrowed until stoa_client_call() returns */
  const struct stoa_message_type *reply_type;   /* NULL: not decoded, the reply's `message` is a struct stoa_bytes */
  uint32_t timeout_ms;                          /* 0: call_ms of the options */
  /* Called once, on the client's thread: casts `function` to its type and calls it. */
  void (*invoke)(stoa_client_function function, void *user, struct stoa_client *client,
                 const struct stoa_call_end *end);
  stoa_client_function function;
  void *user;
};

/* Call the server: send a request; `invoke` runs exactly once, whatever the result. After an error of this function it
 * does not run.
 *
 * out_call_id  for stoa_client_cancel(); written before the answer can arrive. May be NULL
 * Errors, after which nothing was sent and out_call_id is unchanged:
 *         STOA_E_CLOSED       the client is not in STOA_CLIENT_OPEN
 *         STOA_E_LIMIT        as stoa_client_send(), or calls_max calls are in flight
 *         STOA_E_ARGUMENT     the type is above 0x3fffffff, or `invoke` is missing
 *         STOA_E_UNSUPPORTED  the client has no subprotocol, so it cannot call
 *         STOA_E_AGAIN        the circuit breaker refuses it; try again later, or do without
 *         STOA_E_UTF8, STOA_E_TYPE, STOA_E_SYSTEM, STOA_E_MEMORY and those of another codec, as stoa_client_send() */
STOA_API int stoa_client_call(struct stoa_client *client, const struct stoa_call_start *call, uint32_t *out_call_id);
/* A circuit breaker (client-side throttling as in Google's "Site Reliability Engineering"): while most calls fail, the
 * client refuses a part of them itself, so that a server in trouble gets fewer. Of the calls of the last window_ms, at
 * most k_percent of those that the server accepted are made surely; of the others a part is refused, at random, which
 * grows with their number. Calls that time out, are lost or malformed are not accepted, nor are errors with the code
 * STOA_ERROR_INTERNAL, STOA_ERROR_UNAVAILABLE or 500 to 599. Cancelled calls do not count. */
struct stoa_client_breaker_options {
  uint32_t window_ms; /* 10,000; at least 10 */
  uint32_t k_percent; /* 200 */
  uint32_t calls_min; /* 100: with fewer calls in the window none is refused */
};
/* Use one. Before open. options NULL: the defaults.
 * Errors: STOA_E_EXISTS    it has one already
 *         STOA_E_ARGUMENT  window_ms is between 1 and 9
 *         STOA_E_SYSTEM    no mutex is available; STOA_E_MEMORY */
STOA_API int stoa_client_use_breaker(struct stoa_client *client, const struct stoa_client_breaker_options *options);
/* Calls that the breaker has refused; 0 without one. Any thread, from open to destroy. */
STOA_API uint64_t stoa_client_refused_count(const struct stoa_client *client);

/* Streams: calls with many replies. */

/* A stream has ended, as `end->result` says: DONE, ERROR, CANCELLED, LOST or MALFORMED. The last callback. `user` is
 * that of the start. With DONE and no item_type, `end->message` is a struct stoa_bytes, the payload of the end: it is
 * empty, unless the server does not know the type as a stream and has answered a call. */
typedef void stoa_client_on_end(void *user, struct stoa_client *client, const struct stoa_call_end *end);

struct stoa_client_stream_start {
  uint32_t type;                                /* at most 0x1fffffff */
  const struct stoa_message_type *request_type; /* NULL: as stoa_client_send() */
  const void *request;                          /* borrowed until stoa_client_stream() returns */
  const struct stoa_message_type *item_type;    /* NULL: items are struct stoa_bytes, their payloads */
  /* Casts `function` to its type and calls it with an item, which is valid until it returns. NULL: items are dropped.
   */
  void (*invoke)(stoa_client_function function, void *user, struct stoa_client *client, const void *item);
  stoa_client_function function;
  stoa_client_on_end *on_end;
  void *user;
};

/* Begin a stream. Its callbacks run on the client's thread, in order, and on_end once in any case. A stream has no
 * timeout: it lasts until the server ends it, the program cancels it or the connection ends. It counts among calls_max.
 *
 * The server sends at most 256 KiB of items, and one more, that the program has not taken; an item counts as taken when
 * its callback has returned. So a program that takes its time in callbacks, or pauses, bounds the server.
 *
 * out_call_id  set before any callback can run; may be NULL
 * Errors: as stoa_client_call(), and STOA_E_ARGUMENT  no on_end, or a type above 0x1fffffff */
STOA_API int stoa_client_stream(struct stoa_client *client, const struct stoa_client_stream_start *start,
                                uint32_t *out_call_id);
/* Deliver no items, and no end, from the end of the callback that runs now; what arrives meanwhile is kept, at most as
 * much as said above. An end of the connection, and a cancel, are still told. On the client's thread, such as in a
 * callback: at once; on another thread it takes effect soon after. An unknown id is allowed.
 * Errors: STOA_E_MEMORY  nothing has changed */
STOA_API int stoa_client_stream_pause(struct stoa_client *client, uint32_t call_id);
/* Deliver again, in a later turn. Errors: as pause */
STOA_API int stoa_client_stream_resume(struct stoa_client *client, uint32_t call_id);

/* Do not wait for the answer any longer: the call ends as STOA_CALL_CANCELLED, unless it has ended meanwhile. The
 * server is not notified, unless it is a stream: then it sends no more than is on its way. An unknown id is allowed.
 * Errors: STOA_E_MEMORY  the call goes on */
STOA_API int stoa_client_cancel(struct stoa_client *client, uint32_t call_id);

/* Close and do not reconnect: what was sent before is written first; calls in flight may still be answered until the
 * server has closed too; then STOA_CLIENT_ENDED follows. Never fails: an invalid code or reason is replaced.
 *
 * code    1000, or 3000 to 4999; any other is sent as 1000
 * reason  copied; cut after 123 bytes, between two characters. NULL, or text that is not UTF-8: no reason
 * Closing twice is allowed; the first code is used. */
STOA_API void stoa_client_close(struct stoa_client *client, uint16_t code, const char *reason);

#ifdef __cplusplus
}
#endif

#endif
