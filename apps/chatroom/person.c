#include "person.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void person_set_nick(struct person *person, struct stoa_string nick) {
  assert(nick.len <= sizeof person->nick);
  memcpy(person->nick, nick.data, nick.len);
  person->nick_len = nick.len;
}

static void name_guest(struct chatroom *room, struct person *person) {
  char name[CHATROOM_NICK_BYTES_MAX];
  uint32_t number = atomic_fetch_add(&room->guests, 1) + 1;
  int len = snprintf(name, sizeof name, "guest-%04u", number);
  person_set_nick(person, stoa_string_make(name, (size_t)len));
}

struct person *person_create(struct chatroom *room, const struct stoa_session *session) {
  struct person *person = calloc(1, sizeof *person);
  if (person == NULL) {
    return NULL;
  }
  stoa_uuid_format(stoa_session_id(session), person->user_id);
  name_guest(room, person);
  return person;
}

void person_destroy(struct person *person) {
  free(person);
}
