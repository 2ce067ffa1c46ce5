#include "room/publisher.h"

#include "base/memory.h"

#include <assert.h>

enum { BY_SESSION = 's', BY_SENDER = 'u' };

_Static_assert(sizeof(struct stoa_uuid) <= STOA_ROOM_SENDER_LEN_MAX, "a key holds a session's id");

struct stoa_bytes stoa_room_publisher_key(const void *object) {
  const struct stoa_room_publisher *publisher = object;
  return stoa_bytes_make(publisher->key, publisher->key_len);
}

static void make_key(struct stoa_room_publisher *publisher, const struct stoa_publish_options *options) {
  const void *data = options->sender.data;
  size_t len = options->sender.len;
  publisher->key[0] = BY_SENDER;
  if (options->session != NULL) {
    publisher->key[0] = BY_SESSION;
    data = stoa_session_id(options->session);
    len = sizeof(struct stoa_uuid);
  }
  assert(len <= STOA_ROOM_SENDER_LEN_MAX);
  if (len > 0) {
    memcpy(publisher->key + 1, data, len);
  }
  publisher->key_len = (uint8_t)(1 + len);
}

static struct stoa_room_publisher *find_or_create(struct stoa_room_worker *home,
                                                  const struct stoa_publish_options *options) {
  struct stoa_room_publisher wanted = {0};
  make_key(&wanted, options);
  struct stoa_room_publisher *publisher = stoa_map_find(&home->publishers, stoa_room_publisher_key(&wanted));
  if (publisher != NULL) {
    return publisher;
  }
  publisher = stoa_alloc(sizeof *publisher);
  if (publisher == NULL) {
    return NULL;
  }
  *publisher = wanted;
  if (stoa_map_insert(&home->publishers, publisher) != STOA_OK) {
    stoa_free(publisher);
    return NULL;
  }
  return publisher;
}

static void drop_if_unused(struct stoa_room_worker *home, struct stoa_room_publisher *publisher) {
  if (publisher->lanes == NULL) {
    assert(publisher->count == 0);
    stoa_map_remove(&home->publishers, stoa_room_publisher_key(publisher));
    stoa_free(publisher);
  }
}

static struct stoa_room_lane *find_lane(const struct stoa_room_publisher *publisher,
                                        const struct stoa_room_name *room) {
  struct stoa_room_lane *lane = publisher->lanes;
  while (lane != NULL && !stoa_string_equal(stoa_room_name_text(&lane->room), stoa_room_name_text(room))) {
    lane = lane->next;
  }
  return lane;
}

int stoa_room_lane_acquire(struct stoa_room_worker *home, const struct stoa_publish_options *options,
                           const struct stoa_room_name *room, struct stoa_room_lane **out_lane) {
  struct stoa_room_publisher *publisher = find_or_create(home, options);
  if (publisher == NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_room_lane *lane = find_lane(publisher, room);
  if (lane == NULL) {
    lane = stoa_calloc(1, sizeof *lane);
    if (lane == NULL) {
      drop_if_unused(home, publisher);
      return STOA_E_MEMORY;
    }
    lane->room = *room;
    lane->publisher = publisher;
    lane->next = publisher->lanes;
    publisher->lanes = lane;
  }
  lane->refs++;
  *out_lane = lane;
  return STOA_OK;
}

void stoa_room_lane_release(struct stoa_room_worker *home, struct stoa_room_lane *lane) {
  struct stoa_room_publisher *publisher = lane->publisher;
  assert(lane->refs > 0);
  lane->refs--;
  if (lane->refs > 0) {
    return;
  }
  assert(lane->first == NULL);
  struct stoa_room_lane **link = &publisher->lanes;
  while (*link != lane) {
    link = &(*link)->next;
  }
  *link = lane->next;
  stoa_free(lane);
  drop_if_unused(home, publisher);
}

void stoa_room_lane_enter(struct stoa_room_lane *lane, struct stoa_room_lane_entry *entry) {
  assert(!entry->is_done);
  entry->next = NULL;
  *(lane->first != NULL ? &lane->last->next : &lane->first) = entry;
  lane->last = entry;
}

struct stoa_room_lane_entry *stoa_room_lane_take_done(struct stoa_room_lane *lane) {
  struct stoa_room_lane_entry *entry = lane->first;
  if (entry == NULL || !entry->is_done) {
    return NULL;
  }
  lane->first = entry->next;
  return entry;
}

/* A greater number than the owner's comes after a deadline, of which the owner does not know. */
bool stoa_room_lane_must_fail(struct stoa_room_lane *lane, uint32_t failures_known, enum stoa_room_status *out_status) {
  if (failures_known < lane->failures) {
    *out_status = lane->failed;
    return true;
  }
  lane->failures = failures_known;
  return false;
}

void stoa_room_lane_fail(struct stoa_room_lane *lane, uint32_t failures_known, enum stoa_room_status status) {
  assert(stoa_room_status_is_failure(status));
  if (failures_known >= lane->failures) {
    lane->failures = failures_known + 1;
    lane->failed = status;
  }
}

void stoa_room_lane_note_failure(struct stoa_room_lane *lane, uint32_t failures_known) {
  if (failures_known >= lane->failures_known) {
    lane->failures_known = failures_known + 1;
  }
}
