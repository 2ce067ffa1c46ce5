#include "server/kept_fields.h"

#include "base/memory.h"
#include "server/http/exchange.h"
#include "server/server_private.h"
#include "wire/http.h"

#include <assert.h>
#include <strings.h>

#define ABSENT UINT16_MAX

_Static_assert(STOA_KEPT_FIELD_LEN_MAX < ABSENT, "a length is no mark");

struct stoa_kept_fields {
  uint16_t lens[STOA_KEPT_FIELDS_MAX]; /* in the sequence of the names; ABSENT: none */
  char values[];                       /* one after the other */
};

/* Names. */

/* The index of a name; the number of names when it is none of them. */
static size_t index_of(const struct stoa_kept_names *names, const char *name) {
  size_t i = 0;
  while (i < names->count && strcasecmp(names->items[i], name) != 0) {
    i++;
  }
  return i;
}

int stoa_server_keep_field(struct stoa_server *server, const char *name) {
  struct stoa_kept_names *names = &server->kept_names;
  assert(!server->started);
  if (!stoa_http_is_token(stoa_string_of(name))) {
    return STOA_E_ARGUMENT;
  }
  if (index_of(names, name) < names->count) {
    return STOA_OK;
  }
  if (names->count == STOA_KEPT_FIELDS_MAX) {
    return STOA_E_LIMIT;
  }
  size_t size = strlen(name) + 1;
  char *copy = stoa_alloc(size);
  if (copy == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(copy, name, size);
  names->items[names->count++] = copy;
  return STOA_OK;
}

void stoa_kept_names_fini(struct stoa_kept_names *names) {
  for (size_t i = 0; i < names->count; i++) {
    stoa_free(names->items[i]);
  }
  *names = (struct stoa_kept_names){0};
}

/* Values. */

int stoa_kept_fields_take(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data) {
  const struct stoa_kept_names *names = &stoa_worker_of(session)->server->kept_names;
  struct stoa_string values[STOA_KEPT_FIELDS_MAX];
  size_t bytes = 0;
  bool has_any = false;
  for (size_t i = 0; i < names->count; i++) {
    values[i] = stoa_http_field(head, data, names->items[i], NULL);
    values[i] = values[i].len > STOA_KEPT_FIELD_LEN_MAX ? stoa_string_make(NULL, 0) : values[i];
    has_any = has_any || values[i].data != NULL;
    bytes += values[i].len;
  }
  if (!has_any) {
    return STOA_OK;
  }
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  struct stoa_kept_fields *kept = account == NULL ? NULL : stoa_alloc(sizeof *kept + bytes);
  if (kept == NULL) {
    return STOA_E_MEMORY;
  }
  size_t at = 0;
  for (size_t i = 0; i < names->count; i++) {
    kept->lens[i] = values[i].data == NULL ? ABSENT : (uint16_t)values[i].len;
    if (values[i].len > 0) {
      memcpy(kept->values + at, values[i].data, values[i].len);
      at += values[i].len;
    }
  }
  assert(at == bytes);
  assert(account->kept == NULL);
  account->kept = kept;
  return STOA_OK;
}

static struct stoa_string find(const struct stoa_session *session, const char *name) {
  const struct stoa_kept_names *names = &stoa_worker_of(session)->server->kept_names;
  const struct stoa_session_account *account = stoa_server_session_of(session)->account;
  const struct stoa_kept_fields *kept = account == NULL ? NULL : account->kept;
  size_t index = kept == NULL ? names->count : index_of(names, name);
  if (index == names->count || kept->lens[index] == ABSENT) {
    return stoa_string_make(NULL, 0);
  }
  size_t at = 0;
  for (size_t i = 0; i < index; i++) {
    at += kept->lens[i] == ABSENT ? 0 : kept->lens[i];
  }
  return stoa_string_make(kept->values + at, kept->lens[index]);
}

struct stoa_string stoa_session_field(const struct stoa_session *session, const char *name) {
  const struct stoa_call_scope *scope = stoa_worker_of(session)->call_scope;
  bool is_http = scope != NULL && scope->session == session && scope->question->http != NULL;
  return is_http ? stoa_exchange_field(scope->question->http, name) : find(session, name);
}

struct stoa_string stoa_invocation_field(const struct stoa_invocation *invocation, const char *name) {
  const struct stoa_http_exchange *http = invocation->question.http;
  return http != NULL ? stoa_exchange_field(http, name) : find(invocation->session, name);
}
