/* Rooms: the rooms that a user may join.
 *
 *   what was read, if it is not known ─▶ a page of rooms ─▶ those that the token allows, on the session ─▶ again, until
 *   there are enough ─▶ the topic of each ─▶ reply
 *
 * Without the claim `rooms` one page is enough. With it all rooms are looked at, STOA_ROOM_LIST_MAX at a time.
 */
#include "failure.h"
#include "handlers.h"
#include "page.h"
#include "person.h"
#include "read.h"
#include "rules.h"
#include "settings_read.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/room_admin.h>
#include <stoa/worker.h>
#include <string.h>

#define LIMIT_MAX 100u
/* The bytes of a room in JSON beside its texts. */
#define ROOM_BYTES 160u

struct item {
  struct chatroom_v1_room room;
  char name[STOA_ROOM_NAME_LEN_MAX];
  char topic[RULES_TOPIC_BYTES_MAX];
};

/* A room as it was listed. */
struct found {
  size_t len;
  char name[STOA_ROOM_NAME_LEN_MAX];
  uint64_t epoch, ordinal;
  int64_t time_us;
  uint32_t member_count;
};

struct listing {
  const struct chatroom *chatroom;
  struct stoa_server *server;
  struct stoa_call *call;
  struct reader *reader; /* counted */
  struct stoa_uuid session_id;
  size_t bytes_max;
  uint32_t limit;
  bool has_more;
  struct found *found; /* the page, NULL between two */
  size_t found_count;
  bool found_has_more;
  size_t item_count, topic_at;
  size_t after_len;
  char after[STOA_ROOM_NAME_LEN_MAX];
  struct item items[];
};

static void end(struct listing *listing) {
  reader_release(listing->reader);
  free(listing->found);
  free(listing);
}

static void fail(struct listing *listing, enum stoa_room_status status, uint32_t retry_ms) {
  chatroom_fail(listing->call, status, retry_ms);
  end(listing);
}

/* The reply: what fits into a message. */

static void reply(struct listing *listing) {
  struct chatroom_v1_room rooms[LIMIT_MAX];
  size_t count = 0;
  size_t bytes = 0;
  for (; count < listing->item_count; count++) {
    const struct chatroom_v1_room *room = &listing->items[count].room;
    bytes += ROOM_BYTES + chatroom_written_bytes(room->name) + chatroom_written_bytes(room->topic);
    if (count > 0 && bytes > listing->bytes_max) {
      break;
    }
    rooms[count] = *room;
  }
  const struct chatroom_v1_rooms_reply reply = {.rooms = {rooms, count},
                                                .more = listing->has_more || count < listing->item_count};
  int ignored = chatroom_v1_chatroom_service_rooms_reply(listing->call, &reply);
  (void)ignored; /* the session may have ended */
  end(listing);
}

/* Topics, one after the other. */

static void next_topic(struct listing *listing);

static void set_topic(struct item *item, const void *data, size_t len) {
  size_t used = len < sizeof item->topic ? len : sizeof item->topic;
  if (used > 0) {
    memcpy(item->topic, data, used);
  }
  item->room.topic = stoa_string_make(item->topic, used);
}

static void on_topic(void *context, const struct stoa_room_values *values) {
  struct listing *listing = context;
  if (values->status != STOA_ROOM_OK && values->status != STOA_ROOM_NOT_FOUND) {
    fail(listing, values->status, values->retry_ms);
    return;
  }
  if (values->status == STOA_ROOM_OK && values->count > 0) {
    set_topic(&listing->items[listing->topic_at], values->values[0].value.data, values->values[0].value.len);
  }
  listing->topic_at++;
  next_topic(listing);
}

/* False: nobody uses the room, so its topic is in the storage only. */
static bool take_topic(const struct listing *listing, struct item *item) {
  struct rules_settings settings;
  if (!settings_in_use(listing->chatroom, item->room.name, &settings)) {
    return false;
  }
  set_topic(item, settings.topic, settings.topic_len);
  return true;
}

static void next_topic(struct listing *listing) {
  while (listing->topic_at < listing->item_count && take_topic(listing, &listing->items[listing->topic_at])) {
    listing->topic_at++;
  }
  if (listing->topic_at == listing->item_count) {
    reply(listing);
    return;
  }
  char scope[RULES_SCOPE_BYTES_MAX];
  int status =
      stoa_room_state_read(listing->chatroom->rooms, rules_scope(listing->items[listing->topic_at].room.name, scope),
                           stoa_string_of("topic"), on_topic, listing);
  if (status != STOA_OK) {
    fail(listing, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

/* Rooms. */

static void next_page(struct listing *listing, uint32_t limit);

static void add(struct listing *listing, const struct stoa_session *session, const struct found *found) {
  struct item *item = &listing->items[listing->item_count++];
  memcpy(item->name, found->name, found->len);
  struct stoa_string name = stoa_string_make(item->name, found->len);
  const struct read_mark read = reader_find(listing->reader, name, found->epoch);
  uint64_t unread = found->ordinal > read.ordinal ? found->ordinal - read.ordinal : 0;
  item->room = (struct chatroom_v1_room){.name = name,
                                         .online = found->member_count,
                                         .last_activity_ms = found->time_us / 1000,
                                         .unread = unread > UINT32_MAX ? UINT32_MAX : (uint32_t)unread,
                                         .joined = stoa_room_has(listing->chatroom->rooms, session, name)};
}

static void on_session(void *context, struct stoa_session *session, int status) {
  struct listing *listing = context;
  if (status != STOA_OK) {
    stoa_call_drop(listing->call);
    end(listing);
    return;
  }
  const struct person *person = stoa_session_user(session);
  size_t at = 0;
  for (; at < listing->found_count && listing->item_count < listing->limit; at++) {
    const struct found *found = &listing->found[at];
    if (person_may_enter(person, stoa_string_make(found->name, found->len))) {
      add(listing, session, found);
    }
  }
  if (at < listing->found_count) {
    listing->has_more = true;
  } else if (listing->found_has_more && listing->item_count < listing->limit) {
    const struct found *last = &listing->found[listing->found_count - 1];
    memcpy(listing->after, last->name, last->len);
    listing->after_len = last->len;
    next_page(listing, STOA_ROOM_LIST_MAX);
    return;
  } else {
    listing->has_more = listing->found_has_more;
  }
  next_topic(listing);
}

static bool copy(struct listing *listing, const struct stoa_room_listing *page) {
  free(listing->found);
  listing->found = calloc(page->count + 1, sizeof *listing->found);
  listing->found_count = listing->found == NULL ? 0 : page->count;
  listing->found_has_more = page->has_more && page->count > 0;
  for (size_t i = 0; i < listing->found_count; i++) {
    const struct stoa_room_entry *entry = &page->rooms[i];
    struct found *found = &listing->found[i];
    *found = (struct found){.len = entry->room.len,
                            .epoch = entry->epoch,
                            .ordinal = entry->ordinal,
                            .time_us = entry->time_us,
                            .member_count = entry->member_count};
    assert(entry->room.len <= sizeof found->name);
    memcpy(found->name, entry->room.data, entry->room.len);
  }
  return listing->found != NULL;
}

static void on_page(void *context, const struct stoa_room_listing *page) {
  struct listing *listing = context;
  if (page->status != STOA_ROOM_OK) {
    fail(listing, page->status, page->retry_ms);
    return;
  }
  int status = copy(listing, page) ? STOA_OK : STOA_E_MEMORY;
  if (status == STOA_OK) {
    status = stoa_worker_run_for(listing->server, &listing->session_id, on_session, listing);
  }
  if (status != STOA_OK) {
    fail(listing, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

static void next_page(struct listing *listing, uint32_t limit) {
  int status = stoa_rooms_list(listing->chatroom->rooms, stoa_string_make(listing->after, listing->after_len), limit,
                               on_page, listing);
  if (status != STOA_OK) {
    fail(listing, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

/* The call. */

static void on_reader(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  struct listing *listing = context;
  if (status == STOA_ROOM_OK) {
    next_page(listing, listing->limit);
  } else {
    fail(listing, status, retry_ms);
  }
}

static struct listing *create(const struct chatroom *chatroom, struct stoa_session *session,
                              const struct chatroom_v1_rooms_request *request) {
  uint32_t limit = request->limit == 0 ? LIMIT_MAX : request->limit;
  struct reader *reader = chatroom_reader(chatroom, session);
  struct listing *listing = reader == NULL ? NULL : calloc(1, sizeof *listing + limit * sizeof listing->items[0]);
  if (listing == NULL) {
    return NULL;
  }
  listing->chatroom = chatroom;
  listing->server = stoa_session_server(session);
  listing->reader = reader_ref(reader);
  listing->session_id = *stoa_session_id(session);
  listing->bytes_max = page_bytes_max(session);
  listing->limit = limit;
  listing->after_len = request->after.len;
  if (request->after.len > 0) {
    memcpy(listing->after, request->after.data, request->after.len);
  }
  return listing;
}

const struct stoa_error *chatroom_on_rooms(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_rooms_request *request,
                                           struct chatroom_v1_rooms_reply *reply) {
  const struct chatroom *chatroom = user;
  const struct stoa_error *error = NULL;
  (void)reply;
  if (request->limit > LIMIT_MAX || (request->after.len > 0 && !chatroom_is_room_name(request->after))) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID",
                              "limit is at most 100, and after the name of a room");
  }
  struct stoa_call *call = chatroom_take(session, &error);
  if (call == NULL) {
    return error;
  }
  struct listing *listing = create(chatroom, session, request);
  if (listing == NULL) {
    chatroom_fail(call, STOA_ROOM_BUSY, 0);
    return STOA_LATER;
  }
  listing->call = call;
  if (reader_is_loaded(listing->reader)) {
    next_page(listing, listing->limit);
    return STOA_LATER;
  }
  int status = reader_load(listing->reader, on_reader, listing);
  if (status != STOA_OK) {
    fail(listing, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}
