/* server/server_session.h: what the server knows of a connection, from its accept on, and of the session that it
 * becomes.
 *
 * Thread: the worker's. Lifetime: from accept to the end of the turn in which its stream has closed.
 */
#ifndef STOA_SERVER_SERVER_SESSION_H
#define STOA_SERVER_SERVER_SESSION_H

#include "base/container.h"
#include "server/peer.h"
#include "server/rate.h"
#include "session/session.h"

struct stoa_group;

struct stoa_membership {
  struct stoa_group *group;
  uint32_t index;
};

/* What few sessions need. */
struct stoa_session_account {
  uint32_t mistakes;       /* what it should not have sent, less one for each second since */
  uint32_t mistakes_ms;    /* when that was counted, low 32 bits of the loop's time */
  uint32_t asked_ms;       /* while it waits to be let in: since when, likewise */
  struct stoa_peer client; /* behind trusted proxies */
  struct stoa_peer local;  /* where it connected to, as a PROXY header tells */
  bool has_local;
  struct stoa_call *calls; /* that are answered later, see calls.h */
  uint32_t call_count;
  struct stoa_rate rate; /* of what it sends */
};

struct stoa_server_session {
  struct stoa_session base; /* first */
  uint32_t slot;            /* its place in the worker's table */
  uint32_t all_index;       /* its place in the group of all */
  uint8_t group_count;      /* length of memberships */
  uint8_t format;           /* which framing and codec */
  uint8_t listener;         /* it came through */
  bool accepted : 1;        /* it is let in: a member of groups */
  bool known : 1;           /* the program has been asked, and is told of its end */
  bool counted : 1;         /* as a session of the server */
  bool client_counted : 1;  /* as a session of its client's address */
  bool proxied : 1;         /* the client's address is another than the connection's: see the account */
  void *user;
  struct stoa_membership *memberships;  /* groups that were joined by name */
  struct stoa_session_account *account; /* made when it is first needed */
  struct stoa_peer peer;                /* of the connection */
};

/* Made when it is first needed. NULL when memory is out. */
struct stoa_session_account *stoa_server_session_account(struct stoa_server_session *own);

/* The session made one more mistake; how many it has made, less one for each second since. */
uint32_t stoa_server_session_count_mistake(struct stoa_session *session);

/* A trusted proxy has told whose it is. False when memory is out. */
bool stoa_server_session_set_client(struct stoa_server_session *own, const uint8_t address[16]);

/* Whose session it is: the address that limits and the program go by. */
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
