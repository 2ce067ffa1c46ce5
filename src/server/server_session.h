/* server/server_session.h: the server's data of a connection, from its accept on, and of the session that it becomes.
 *
 * Thread: the worker's. Lifetime: from accept to the end of the turn in which its stream has closed.
 */
#ifndef STOA_SERVER_SERVER_SESSION_H
#define STOA_SERVER_SERVER_SESSION_H

#include "base/container.h"
#include "server/listener/peer.h"
#include "server/rate.h"
#include "session/session.h"

#include <stoa/traceparent.h>

struct stoa_group;
struct stoa_identity;
struct stoa_kept_fields;
struct stoa_pending;

struct stoa_membership {
  struct stoa_group *group;
  uint32_t index;
  uint8_t mark; /* that of the layer that made the group; 0: none */
  void *of_mark;
};

/* How a connection is protected. A version other than these is TLS 1.3: OpenSSL negotiates no other. */
enum stoa_connection_tls { STOA_CONNECTION_PLAIN, STOA_CONNECTION_TLS_1_2, STOA_CONNECTION_TLS_1_3 };

/* Data that few sessions need. */
struct stoa_session_account {
  uint32_t mistakes;       /* messages it should not have sent, less one for each second since */
  uint32_t mistakes_ms;    /* when `mistakes` was updated, low 32 bits of the loop's time */
  uint32_t asked_ms;       /* since when it waits for the program's decision, low 32 bits */
  uint32_t awaits_ms;      /* since when it waits to authenticate, low 32 bits */
  struct stoa_peer client; /* the client's address, if it is behind a trusted proxy */
  struct stoa_peer local;  /* the destination in a PROXY header */
  bool has_local;
  bool has_outer;     /* an HTTP request is handled whose client is another one: see server/http/caller.h */
  bool outer_proxied; /* `proxied` and `client` of the connection meanwhile */
  struct stoa_peer outer;
  struct stoa_rate rate;           /* of its messages */
  struct stoa_identity *identity;  /* its token, see auth.h */
  char *name;                      /* the user's, for the log; owned; NULL: none */
  struct stoa_kept_fields *kept;   /* of the upgrade request; owned; NULL: none */
  struct stoa_trace_context trace; /* that the upgrade request told; all 0: none */
  struct stoa_rate *rates;         /* one for each rate limit among the middlewares; made when it is first needed */
};

struct stoa_server_session {
  struct stoa_session base; /* first */
  uint32_t slot;            /* its index in the worker's table */
  uint32_t all_index;       /* its index in the group of all */
  uint8_t group_count;      /* of memberships */
  uint8_t group_capacity;   /* likewise */
  uint8_t format;           /* index of its framing and codec */
  uint8_t listener;         /* index of the listener that accepted it */
  bool accepted : 1;        /* accepted by the program; it may be in groups */
  bool known : 1;           /* the program knows it, so on_closing must be called */
  bool counted : 1;         /* as a session of the server */
  bool client_counted : 1;  /* as a session of its client's address */
  bool proxied : 1;         /* the client's address is not the connection's: see the account */
  bool awaits_token : 1;    /* it must authenticate before it is accepted */
  bool admitted : 1;        /* its end is logged, as its beginning was */
  bool is_waiting : 1;      /* one of its pendings waits for a middleware */
  bool drained_asked : 1;   /* by the program, which is told */
  uint8_t tls : 2;          /* enum stoa_connection_tls */
  uint16_t call_count;      /* those of its pendings that are calls of the program, or streams */
  void *user;
  struct stoa_pending *pendings;        /* messages that are not answered yet, see pending.h */
  struct stoa_membership *memberships;  /* groups that were joined by name */
  struct stoa_session_account *account; /* made when it is first needed */
  struct stoa_peer peer;                /* of the connection */
};

/* Made when it is first needed. NULL when memory is out. */
struct stoa_session_account *stoa_server_session_account(struct stoa_server_session *own);

/* None is fine. */
void stoa_server_session_free_account(struct stoa_server_session *own);

/* Count one more mistake; returns the number of mistakes, less one for each second since. */
uint32_t stoa_server_session_count_mistake(struct stoa_session *session);

/* Set the client's address that a trusted proxy has given. False when memory is out. */
bool stoa_server_session_set_client(struct stoa_server_session *own, const uint8_t address[16]);

/* The client's address, which limits and the program use. */
static inline const struct stoa_peer *stoa_server_session_client(const struct stoa_server_session *own) {
  return own->proxied ? &own->account->client : &own->peer;
}

static inline struct stoa_server_session *stoa_server_session_of(const struct stoa_session *session) {
  return stoa_container_of(session, struct stoa_server_session, base);
}

static inline struct stoa_server_session *stoa_server_session_of_stream(struct stoa_stream *stream) {
  return stoa_container_of(stream, struct stoa_server_session, base.stream);
}

#endif
