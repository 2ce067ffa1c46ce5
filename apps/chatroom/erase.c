#include "erase.h"

#include "failure.h"
#include "person.h"
#include "tour.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/room_admin.h>

#define CLOSE_CODE 4503
#define CLOSE_REASON "your messages are erased"
/* Rooms of one list, values of one list, and events that wait for the storage at once. */
#define LIST_ROOMS 100u
#define LIST_VALUES 100u
#define PENDING_MAX 16u

/* A message that members may have. */
struct noted {
  uint64_t offset;
  size_t room_len;
  char room[STOA_ROOM_NAME_LEN_MAX];
};

struct room_name {
  size_t len;
  char text[STOA_ROOM_NAME_LEN_MAX];
};

struct erase {
  struct tour tour; /* first */
  const struct chatroom *chatroom;
  erase_on_done *on_done;
  void *context;
  struct erase_result result;
  size_t user_len;
  char user_id[NICKS_USER_ID_BYTES_MAX];
  /* Step 2. */
  struct room_name rooms[LIST_ROOMS];
  size_t room_count, next_room;
  bool has_more_rooms;
  uint64_t before; /* of the next page of rooms[next_room] */
  uint32_t looked_at;
  struct noted *noted;
  size_t noted_count, noted_capacity;
  /* Step 4. */
  size_t next_noted;
  uint32_t pending;
  /* Step 5. */
  size_t value_count, next_value;
};

static struct stoa_string user_of(const struct erase *erase) {
  return stoa_string_make(erase->user_id, erase->user_len);
}

static void finish(struct erase *erase, enum stoa_room_status status, uint32_t retry_ms) {
  erase->result.status = status;
  erase->result.retry_ms = retry_ms;
  erase->on_done(erase->context, &erase->result);
  free(erase->noted);
  free(erase);
}

static void give_up(struct erase *erase, int status) {
  finish(erase, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
}

/* 5. The values of the user. */

static void list_values(struct erase *erase);

static struct stoa_string scope_of(const struct erase *erase, char out[sizeof "user:" + NICKS_USER_ID_BYTES_MAX]) {
  int len = snprintf(out, sizeof "user:" + NICKS_USER_ID_BYTES_MAX, "user:%.*s", (int)erase->user_len, erase->user_id);
  return stoa_string_make(out, (size_t)len);
}

static void on_removed(void *context, const struct stoa_room_answer *answer) {
  struct erase *erase = context;
  if (answer->status != STOA_ROOM_OK && erase->result.status == STOA_ROOM_OK) {
    erase->result.status = answer->status;
    erase->result.retry_ms = answer->retry_ms;
  }
  erase->pending--;
  if (erase->pending > 0) {
    return;
  }
  if (erase->result.status != STOA_ROOM_OK) {
    finish(erase, erase->result.status, erase->result.retry_ms);
  } else {
    list_values(erase);
  }
}

static void on_values(void *context, const struct stoa_room_values *values) {
  struct erase *erase = context;
  char scope[sizeof "user:" + NICKS_USER_ID_BYTES_MAX];
  if (values->status != STOA_ROOM_OK || values->count == 0) {
    finish(erase, values->status, values->retry_ms);
    return;
  }
  for (size_t i = 0; i < values->count; i++) {
    int status = stoa_room_state_put(erase->chatroom->rooms, scope_of(erase, scope), values->values[i].key,
                                     (struct stoa_bytes){0}, on_removed, erase);
    if (status != STOA_OK) {
      erase->result.status = chatroom_status_of(status, STOA_ROOM_BUSY);
      break;
    }
    erase->pending++;
  }
  if (erase->pending == 0) {
    finish(erase, erase->result.status, 0);
  }
}

static void list_values(struct erase *erase) {
  char scope[sizeof "user:" + NICKS_USER_ID_BYTES_MAX];
  int status = stoa_room_state_list(erase->chatroom->rooms, scope_of(erase, scope), stoa_string_of(""), LIST_VALUES,
                                    on_values, erase);
  if (status != STOA_OK) {
    give_up(erase, status);
  }
}

/* 4. Delete events. Nobody has sent them. */

static void tell(struct erase *erase);

static void on_told(void *context, const struct stoa_room_answer *answer) {
  struct erase *erase = context;
  erase->result.told += answer->status == STOA_ROOM_OK ? 1 : 0;
  erase->pending--;
  tell(erase);
}

static void tell_one(struct erase *erase, const struct noted *noted) {
  const struct chatroom_v1_event_message event = {.kind = CHATROOM_V1_EVENT_KIND_EVENT_DELETE, .target = noted->offset};
  const struct stoa_publish_options options = {.target = noted->offset, .is_administrator = true};
  int status = stoa_room_publish(erase->chatroom->rooms, stoa_string_make(noted->room, noted->room_len),
                                 CHATROOM_V1_MESSAGE_TYPE_EVENT, &event, &options, on_told, erase);
  erase->pending += status == STOA_OK ? 1 : 0;
}

static void tell(struct erase *erase) {
  while (erase->pending < PENDING_MAX && erase->next_noted < erase->noted_count) {
    tell_one(erase, &erase->noted[erase->next_noted++]);
  }
  if (erase->pending == 0) {
    list_values(erase);
  }
}

/* 3. The texts. */

static void on_erased(void *context, const struct stoa_room_answer *answer) {
  struct erase *erase = context;
  erase->result.messages = answer->count;
  if (answer->status == STOA_ROOM_OK) {
    tell(erase);
  } else {
    finish(erase, answer->status, answer->retry_ms);
  }
}

static void erase_texts(struct erase *erase) {
  int status = stoa_rooms_erase_user(erase->chatroom->rooms, user_of(erase), on_erased, erase);
  if (status != STOA_OK) {
    give_up(erase, status);
  }
}

/* 2. The newest messages of each room. */

static void list_rooms(struct erase *erase);
static void read_room(struct erase *erase);

/* False: no memory. */
static bool note(struct erase *erase, const struct stoa_room_stamp *stamp) {
  if (erase->noted_count == ERASE_TOLD_MAX) {
    return true;
  }
  if (erase->noted_count == erase->noted_capacity) {
    size_t capacity = erase->noted_capacity == 0 ? 64 : erase->noted_capacity * 2;
    struct noted *noted = realloc(erase->noted, capacity * sizeof *noted);
    if (noted == NULL) {
      return false;
    }
    erase->noted = noted;
    erase->noted_capacity = capacity;
  }
  struct noted *noted = &erase->noted[erase->noted_count++];
  assert(stamp->room.len <= sizeof noted->room);
  noted->offset = stamp->position.offset;
  noted->room_len = stamp->room.len;
  memcpy(noted->room, stamp->room.data, stamp->room.len);
  return true;
}

static bool note_all(struct erase *erase, const struct stoa_room_page *page) {
  for (size_t i = 0; i < page->count; i++) {
    const struct stoa_room_stamp *stamp = &page->messages[i].stamp;
    bool is_wanted = !stamp->is_redacted && stoa_string_equal(stamp->sender, user_of(erase));
    if (is_wanted && !note(erase, stamp)) {
      return false;
    }
  }
  return true;
}

static void next_room(struct erase *erase) {
  erase->before = 0;
  erase->looked_at = 0;
  if (erase->next_room < erase->room_count) {
    read_room(erase);
  } else if (erase->has_more_rooms) {
    list_rooms(erase);
  } else {
    erase_texts(erase);
  }
}

static void on_page(void *context, const struct stoa_room_page *page) {
  struct erase *erase = context;
  bool is_there = page->status != STOA_ROOM_GONE; /* else it was erased meanwhile */
  if (is_there && page->status != STOA_ROOM_OK) {
    finish(erase, page->status, page->retry_ms);
    return;
  }
  if (is_there && !note_all(erase, page)) {
    give_up(erase, STOA_E_MEMORY);
    return;
  }
  erase->looked_at += STOA_ROOM_PAGE_MAX;
  if (is_there && page->count > 0 && page->has_more_before && erase->looked_at < ERASE_LOOKED_AT_MAX) {
    erase->before = page->messages[0].stamp.position.offset;
    read_room(erase);
  } else {
    erase->next_room++;
    next_room(erase);
  }
}

static void read_room(struct erase *erase) {
  const struct room_name *name = &erase->rooms[erase->next_room];
  const struct stoa_room_query query = {.before = erase->before, .limit = STOA_ROOM_PAGE_MAX};
  int status =
      stoa_room_history(erase->chatroom->rooms, stoa_string_make(name->text, name->len), &query, on_page, erase);
  if (status != STOA_OK) {
    give_up(erase, status);
  }
}

static void on_rooms(void *context, const struct stoa_room_listing *list) {
  struct erase *erase = context;
  if (list->status != STOA_ROOM_OK) {
    finish(erase, list->status, list->retry_ms);
    return;
  }
  erase->room_count = list->count;
  erase->next_room = 0;
  erase->has_more_rooms = list->has_more && list->count > 0;
  for (size_t i = 0; i < list->count; i++) {
    erase->rooms[i].len = list->rooms[i].room.len;
    memcpy(erase->rooms[i].text, list->rooms[i].room.data, list->rooms[i].room.len);
  }
  next_room(erase);
}

static void list_rooms(struct erase *erase) {
  const struct room_name *last = erase->room_count == 0 ? NULL : &erase->rooms[erase->room_count - 1];
  struct stoa_string after = last == NULL ? stoa_string_of("") : stoa_string_make(last->text, last->len);
  int status = stoa_rooms_list(erase->chatroom->rooms, after, LIST_ROOMS, on_rooms, erase);
  if (status != STOA_OK) {
    give_up(erase, status);
  }
}

/* 1. The sessions. */

static bool end_session(void *context, struct stoa_session *session) {
  struct erase *erase = context;
  const struct person *person = stoa_session_user(session);
  if (person_is_known(person) && stoa_string_equal(person_user_id(person), user_of(erase))) {
    stoa_session_close(session, CLOSE_CODE, CLOSE_REASON);
    erase->result.sessions++;
  }
  return true;
}

static void on_sessions_ended(struct tour *tour, int status) {
  struct erase *erase = (struct erase *)tour;
  if (status == STOA_OK) {
    list_rooms(erase);
  } else {
    give_up(erase, status);
  }
}

int erase_user(const struct chatroom *chatroom, struct stoa_server *server, struct stoa_string user_id,
               erase_on_done *on_done, void *context) {
  assert(user_id.len > 0 && user_id.len <= NICKS_USER_ID_BYTES_MAX);
  struct erase *erase = calloc(1, sizeof *erase);
  if (erase == NULL) {
    return STOA_E_MEMORY;
  }
  erase->tour = (struct tour){.server = server, .visit = end_session, .on_end = on_sessions_ended};
  erase->chatroom = chatroom;
  erase->on_done = on_done;
  erase->context = context;
  erase->user_len = user_id.len;
  memcpy(erase->user_id, user_id.data, user_id.len);
  int status = tour_begin(&erase->tour);
  if (status != STOA_OK) {
    free(erase);
  }
  return status;
}
