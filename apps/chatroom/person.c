#include "person.h"

#include "away.h"
#include "claims.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/uuid.h>
#include <stoa/worker.h>
#include <string.h>

struct person {
  struct people *people;
  struct stoa_session *session;
  struct nicks_seat *seat; /* NULL until it is known */
  enum chatroom_v1_role role;
  bool is_guest;
  struct room_list *rooms; /* NULL: all */
  struct joining *joinings;
  struct change *changes;
  int64_t typed_ms;
  struct member *members;
  struct reader *reader;
  struct stoa_worker_timer hello_timer;
  struct away away;
  char address[USER_ADDRESS_LEN_MAX + 1];
  size_t user_id_len;
  char user_id[NICKS_USER_ID_BYTES_MAX];
};

static int64_t now_ms(const struct person *person) {
  return stoa_server_wall_ms(stoa_session_server(person->session));
}

static void on_hello_due(struct stoa_worker_timer *timer, int status) {
  const struct person *person = timer->context;
  if (status == STOA_OK && !person_is_known(person)) {
    stoa_session_close(person->session, STOA_CLOSE_NO_HELLO, "no Hello in time");
  }
}

static int begin(struct person *person) {
  if (stoa_session_negotiated(person->session)) {
    person->hello_timer = (struct stoa_worker_timer){.on_due = on_hello_due, .context = person};
    return stoa_worker_timer_start(stoa_session_server(person->session), &person->hello_timer,
                                   person->people->options.hello_timeout_ms);
  }
  struct stoa_uuid id;
  char text[STOA_UUID_TEXT_LEN + 1];
  enum nick_fault fault;
  int status = stoa_uuid_make(&id);
  if (status != STOA_OK) {
    return status;
  }
  stoa_uuid_format(&id, text);
  return person_introduce(person, stoa_string_of(text), (struct stoa_string){NULL, 0}, true, &fault);
}

struct person *person_create(struct people *people, struct stoa_session *session) {
  struct person *person = calloc(1, sizeof *person);
  if (person == NULL) {
    return NULL;
  }
  person->people = people;
  person->session = session;
  user_address_of(session, person->address);
  if (begin(person) != STOA_OK) {
    person_destroy(person);
    return NULL;
  }
  return person;
}

void person_destroy(struct person *person) {
  if (person != NULL) {
    stoa_worker_timer_stop(&person->hello_timer);
    stoa_worker_timer_stop(&person->away.timer);
    if (person_is_known(person)) {
      user_sessions_remove(person->people->sessions, person_user_id(person), stoa_session_id(person->session));
    }
    nicks_leave(person->people->nicks, person->seat, now_ms(person));
    room_list_destroy(person->rooms);
    free(person);
  }
}

struct people *person_people(const struct person *person) {
  return person->people;
}

bool person_is_known(const struct person *person) {
  return person != NULL && person->seat != NULL;
}

bool person_is_guest(const struct person *person) {
  return person->is_guest;
}

struct stoa_string person_user_id(const struct person *person) {
  return stoa_string_make(person->user_id, person->user_id_len);
}

struct stoa_string person_nick(const struct person *person) {
  assert(person_is_known(person));
  return nicks_text(person->people->nicks, person->seat);
}

enum chatroom_v1_role person_role(const struct person *person) {
  return person->role;
}

struct joining **person_joinings(struct person *person) {
  return &person->joinings;
}

struct change **person_changes(struct person *person) {
  return &person->changes;
}

int64_t *person_typed_ms(struct person *person) {
  return &person->typed_ms;
}

struct member **person_members(struct person *person) {
  return &person->members;
}

struct away *person_away(struct person *person) {
  return &person->away;
}

bool person_is_away(const struct person *person) {
  return person->away.is_away;
}

struct reader **person_reader(struct person *person) {
  return &person->reader;
}

struct stoa_string person_guest_address(const struct person *person) {
  return stoa_string_of(person->is_guest ? person->address : "");
}

bool person_may_enter(const struct person *person, struct stoa_string room) {
  return person->rooms == NULL || room_list_has(person->rooms, room);
}

/* The end of a text that has at most so many bytes of it, and only whole characters. */
static size_t cut(struct stoa_string text, size_t bytes_max) {
  size_t len = text.len < bytes_max ? text.len : bytes_max;
  while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80) {
    len--;
  }
  return len;
}

/* For the log. Without memory it has no name. */
static void name_session(const struct person *person) {
  struct stoa_string nick = person_nick(person);
  int ignored =
      stoa_session_set_name(person->session, stoa_string_make(nick.data, cut(nick, STOA_SESSION_NAME_LEN_MAX)));
  (void)ignored;
}

static int take_seat(struct person *person, struct stoa_string user_id, struct stoa_string nick,
                     enum nick_fault *out_fault) {
  struct nicks *nicks = person->people->nicks;
  struct nick made;
  *out_fault = NICK_FINE;
  if (nick.len == 0) {
    return nicks_enter_guest(nicks, user_id, now_ms(person), &person->seat);
  }
  int status = nick_make(person->people->rules, nick, &made, out_fault);
  return status == STOA_OK ? nicks_enter(nicks, user_id, &made, now_ms(person), &person->seat) : status;
}

/* For those who look for the sessions of a user. */
static int enlist(const struct person *person, struct stoa_string user_id, bool is_guest) {
  struct user_session session = {.id = *stoa_session_id(person->session), .role = person->role, .is_guest = is_guest};
  memcpy(session.address, person->address, sizeof session.address);
  return user_sessions_add(person->people->sessions, user_id, &session);
}

int person_introduce(struct person *person, struct stoa_string user_id, struct stoa_string nick, bool is_guest,
                     enum nick_fault *out_fault) {
  assert(!person_is_known(person));
  assert(user_id.len > 0 && user_id.len <= sizeof person->user_id);
  int status = take_seat(person, user_id, nick, out_fault);
  if (status != STOA_OK) {
    return status;
  }
  status = enlist(person, user_id, is_guest);
  if (status != STOA_OK) {
    nicks_leave(person->people->nicks, person->seat, now_ms(person));
    person->seat = NULL;
    return status;
  }
  memcpy(person->user_id, user_id.data, user_id.len);
  person->user_id_len = user_id.len;
  person->is_guest = is_guest;
  stoa_worker_timer_stop(&person->hello_timer);
  nicks_set_session(person->people->nicks, person->seat, stoa_session_id(person->session));
  name_session(person);
  return STOA_OK;
}

int person_rename(struct person *person, struct stoa_string nick, enum nick_fault *out_fault) {
  struct nick made;
  assert(person_is_known(person));
  int status = nick_make(person->people->rules, nick, &made, out_fault);
  if (status == STOA_OK) {
    status = nicks_change(person->people->nicks, person->seat, &made, now_ms(person));
  }
  if (status == STOA_OK) {
    name_session(person);
  }
  return status;
}

int person_set_claims(struct person *person, const struct claims *claims) {
  struct room_list *rooms = NULL;
  if (claims->has_rooms) {
    rooms = room_list_create(claims->rooms, claims->room_count);
    if (rooms == NULL) {
      return STOA_E_MEMORY;
    }
  }
  room_list_destroy(person->rooms);
  person->rooms = rooms;
  person->role = claims->role;
  if (person_is_known(person)) {
    user_sessions_set_role(person->people->sessions, person_user_id(person), stoa_session_id(person->session),
                           person->role);
  }
  return STOA_OK;
}
