/* people.h: what all sessions share about who people are: the rules of nicks, the nicks in use, the key of guests,
 * and the sessions of each user.
 *
 * Does not know: rooms, messages.
 * Thread: created and destroyed on one thread, used on all; what changes has its own lock.
 * Lifetime: from the setup of the server until its sessions have ended.
 */
#ifndef CHATROOM_PEOPLE_H
#define CHATROOM_PEOPLE_H

#include "guest.h"
#include "nicks.h"
#include "user_sessions.h"

#include <stoa/server.h>

#define PEOPLE_HELLO_TIMEOUT_MS_DEFAULT 10000u

struct people_options {
  const char *data_folder;   /* for the key of guests; NULL: in memory only */
  uint32_t hello_timeout_ms; /* 0: the default */
  bool takes_tokens;         /* server.auth has a key; otherwise all are guests */
  bool token_required;       /* server.auth.required: there are no guests */
  uint32_t rate_per_s;       /* told in HelloReply; 0: no limit */
  uint32_t rate_burst;
};

/* Read-only after create. */
struct people {
  struct people_options options;
  struct nick_rules *rules;
  struct nicks *nicks;
  struct guest_keys *guests;
  struct user_sessions *sessions;
};

/* The options that a configuration contains, without the data folder. `config` may be NULL. */
struct people_options people_options_of(const struct stoa_server_config *config);

/* options  copied; the folder's name is borrowed until the call returns
 * Errors: STOA_E_MEMORY (logged); those of guest_keys_create(), which logs them */
int people_create(const struct people_options *options, struct people **out_people);
/* NULL is allowed. */
void people_destroy(struct people *people);

/* Let only Hello and Ping reach their handlers before a session has said who it is; all else gets error 101. Before the
 * server starts. Errors: those of stoa_server_use() and stoa_server_allow_anonymous() */
int people_guard(struct people *people, struct stoa_server *server);

#endif
