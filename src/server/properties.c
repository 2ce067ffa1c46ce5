/* server/properties.c: the program's pointers of a server and a session, and what it may read from them. */
#include "base/memory.h"
#include "base/utf8.h"
#include "server/server_private.h"

#include <assert.h>

_Static_assert(STOA_ADDRESS_TEXT_LEN + 1 == INET6_ADDRSTRLEN, "the longest address fits its text");

/* The program's own pointers. */

void *stoa_session_user(const struct stoa_session *session) {
  return stoa_server_session_of(session)->user;
}

void stoa_session_set_user(struct stoa_session *session, void *user) {
  const struct stoa_callbacks *callbacks = &stoa_worker_of(session)->server->callbacks;
  struct stoa_server_session *own = stoa_server_session_of(session);
  void *before = own->user;
  own->user = user;
  if (before != NULL && before != user && callbacks->destroy_session_user != NULL) {
    callbacks->destroy_session_user(before);
  }
}

void *stoa_server_user(const struct stoa_server *server) {
  return server->user;
}

void stoa_server_set_user(struct stoa_server *server, void *user, void (*destroy)(void *user)) {
  assert(!server->started);
  void *before = server->user;
  void (*destroy_before)(void *) = server->destroy_user;
  server->user = user;
  server->destroy_user = destroy;
  if (before != NULL && before != user && destroy_before != NULL) {
    destroy_before(before);
  }
}

/* The user's name. */

int stoa_session_set_name(struct stoa_session *session, struct stoa_string name) {
  if (name.len > STOA_SESSION_NAME_LEN_MAX) {
    return STOA_E_LIMIT;
  }
  if (name.len > 0 && (!stoa_utf8_valid(name.data, name.len) || memchr(name.data, 0, name.len) != NULL)) {
    return STOA_E_UTF8;
  }
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  char *copy = account == NULL ? NULL : stoa_calloc(1, name.len + 1);
  if (copy == NULL) {
    return STOA_E_MEMORY;
  }
  if (name.len > 0) {
    memcpy(copy, name.data, name.len);
  }
  stoa_free(account->name);
  account->name = copy;
  return STOA_OK;
}

bool stoa_session_is_http(const struct stoa_session *session) {
  return session->state == STOA_SESSION_NONE;
}

/* The address of a session. */

void stoa_session_address(const struct stoa_session *session, char out_text[STOA_ADDRESS_TEXT_LEN + 1]) {
  stoa_peer_format(stoa_server_session_client(stoa_server_session_of(session)), out_text);
}

size_t stoa_session_listener(const struct stoa_session *session) {
  return stoa_server_session_of(session)->listener;
}

/* TLS. */

const struct stoa_certificate *stoa_session_peer_certificate(const struct stoa_session *session) {
  return stoa_conn_peer_certificate(&session->stream.conn);
}

const char *stoa_session_tls_version(const struct stoa_session *session) {
  return stoa_conn_tls_version(&session->stream.conn);
}

/* Counts. */

size_t stoa_server_member_count(struct stoa_server *server, struct stoa_string group) {
  if (group.len == 0 || group.len > STOA_GROUP_NAME_LEN_MAX) {
    return 0;
  }
  struct stoa_interest *interest = stoa_interest_acquire(&server->interests, group, false);
  size_t count = interest == NULL ? 0 : atomic_load_explicit(&interest->member_count, memory_order_relaxed);
  stoa_interest_release(&server->interests, interest);
  return count;
}
