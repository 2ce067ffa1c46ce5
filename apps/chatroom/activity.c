#include "activity.h"

#include "chatroom.h"
#include "nick.h"
#include "person.h"
#include "readers.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stoa/worker.h>
#include <string.h>
#include <strings.h>

/* Twice as many as rooms, so that a search ends soon. */
#define SLOTS (2 * ACTIVITY_ROOMS_MAX)

struct mention {
  struct mention *next;
  size_t len;
  char text[CHATROOM_NICK_BYTES_MAX + 1]; /* what follows the '@', and the first byte after the longest nick */
};

struct room {
  size_t len; /* 0: free */
  char name[STOA_ROOM_NAME_LEN_MAX];
  struct stoa_room_position top;
  uint64_t ordinal;
  struct mention *mentions;
};

/* What was noted since the last tick; shared and constant after that. */
struct tick {
  const struct chatroom *chatroom;
  struct stoa_server *server;
  atomic_uint refs;
  size_t room_count, mention_count;
  struct room rooms[SLOTS];
};

struct activity {
  const struct chatroom *chatroom;
  struct stoa_server *server;
  pthread_mutex_t mutex;
  struct tick *pending; /* NULL: nothing is noted, and no timer runs */
};

struct activity *activity_create(const struct chatroom *chatroom, struct stoa_server *server) {
  struct activity *activity = calloc(1, sizeof *activity);
  if (activity != NULL) {
    activity->chatroom = chatroom;
    activity->server = server;
    pthread_mutex_init(&activity->mutex, NULL);
  }
  return activity;
}

static void release(struct tick *tick) {
  if (tick == NULL || atomic_fetch_sub(&tick->refs, 1) > 1) {
    return;
  }
  for (size_t i = 0; i < SLOTS; i++) {
    while (tick->rooms[i].mentions != NULL) {
      struct mention *mention = tick->rooms[i].mentions;
      tick->rooms[i].mentions = mention->next;
      free(mention);
    }
  }
  free(tick);
}

void activity_destroy(struct activity *activity) {
  if (activity != NULL) {
    release(activity->pending);
    pthread_mutex_destroy(&activity->mutex);
    free(activity);
  }
}

/* Rooms. */

/* The room's place, or a free one. There always is one. */
static struct room *place_of(struct tick *tick, struct stoa_string name) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < name.len; i++) {
    sum = (sum ^ (unsigned char)name.data[i]) * 16777619u;
  }
  assert(tick->room_count <= ACTIVITY_ROOMS_MAX);
  struct room *at = &tick->rooms[sum % SLOTS];
  while (at->len != 0 && !stoa_string_equal(stoa_string_make(at->name, at->len), name)) {
    at = at == &tick->rooms[SLOTS - 1] ? &tick->rooms[0] : at + 1;
  }
  return at;
}

static void add_mention(struct tick *tick, struct room *room, struct stoa_string rest) {
  struct mention *mention = tick->mention_count == ACTIVITY_MENTIONS_MAX ? NULL : calloc(1, sizeof *mention);
  if (mention != NULL) {
    mention->len = rest.len < sizeof mention->text ? rest.len : sizeof mention->text;
    memcpy(mention->text, rest.data, mention->len);
    mention->next = room->mentions;
    room->mentions = mention;
    tick->mention_count++;
  }
}

static void add_mentions(struct tick *tick, struct room *room, struct stoa_string text) {
  const char *end = text.data + text.len;
  const char *at = text.len == 0 ? NULL : memchr(text.data, '@', text.len);
  while (at != NULL && at + 1 < end) {
    add_mention(tick, room, stoa_string_make(at + 1, (size_t)(end - at - 1)));
    at = memchr(at + 1, '@', (size_t)(end - at - 1));
  }
}

static void note(struct tick *tick, struct stoa_string name, struct stoa_room_position position, uint64_t ordinal,
                 struct stoa_string text) {
  struct room *room = place_of(tick, name);
  if (room->len == 0) {
    if (tick->room_count == ACTIVITY_ROOMS_MAX) {
      return;
    }
    tick->room_count++;
    assert(name.len > 0 && name.len <= sizeof room->name);
    room->len = name.len;
    memcpy(room->name, name.data, name.len);
  }
  /* Answers of two workers may come in any order. */
  if (room->top.epoch != position.epoch || position.offset > room->top.offset) {
    room->top = position;
    room->ordinal = ordinal;
  }
  add_mentions(tick, room, text);
}

/* Telling. */

/* A nick is named when no letter or digit follows it. */
static bool names(const struct mention *mention, struct stoa_string nick) {
  if (mention->len < nick.len || strncasecmp(mention->text, nick.data, nick.len) != 0) {
    return false;
  }
  unsigned char next = mention->len == nick.len ? 0 : (unsigned char)mention->text[nick.len];
  bool is_word = (next >= '0' && next <= '9') || (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
                 next == '_' || next >= 0x80;
  return !is_word;
}

static bool is_mentioned(const struct room *room, struct stoa_string nick) {
  const struct mention *at = room->mentions;
  while (at != NULL && !names(at, nick)) {
    at = at->next;
  }
  return at != NULL;
}

/* What there is to tell to one session. */
struct telling {
  struct tick *tick;
  size_t count;
  struct {
    const struct room *room;
    uint64_t unread;
  } rooms[ACTIVITY_TOLD_MAX];
};

static bool on_mark(void *context, struct stoa_string name, const struct read_mark *mark) {
  struct telling *telling = context;
  const struct room *room = place_of(telling->tick, name);
  if (room->len > 0 && room->top.epoch == mark->position.epoch && room->ordinal > mark->ordinal) {
    telling->rooms[telling->count].room = room;
    telling->rooms[telling->count].unread = room->ordinal - mark->ordinal;
    telling->count++;
  }
  return telling->count < ACTIVITY_TOLD_MAX;
}

static void tell(const struct telling *telling, struct stoa_session *session, const struct person *person) {
  for (size_t i = 0; i < telling->count; i++) {
    const struct room *room = telling->rooms[i].room;
    uint64_t unread = telling->rooms[i].unread;
    const struct chatroom_v1_room_activity_message message = {
        .room = stoa_string_make(room->name, room->len),
        .top = room->top.offset,
        .unread = unread > UINT32_MAX ? UINT32_MAX : (uint32_t)unread,
        .mentioned = is_mentioned(room, person_nick(person))};
    if (person_may_enter(person, message.room) &&
        !stoa_room_has(telling->tick->chatroom->rooms, session, message.room)) {
      int ignored = chatroom_v1_room_activity_push(session, &message);
      (void)ignored; /* a session that is too slow is closing */
    }
  }
}

static bool on_session(void *context, struct stoa_session *session) {
  struct person *person = stoa_session_user(session);
  struct telling telling = {.tick = context};
  if (person_is_known(person) && *person_reader(person) != NULL) {
    reader_each(*person_reader(person), on_mark, &telling);
    tell(&telling, session, person);
  }
  return true;
}

static void on_worker(void *context, int status) {
  struct tick *tick = context;
  if (status == STOA_OK) {
    int ignored = stoa_worker_each_session(tick->server, on_session, tick);
    (void)ignored; /* without memory nobody is told */
  }
  release(tick);
}

struct timing {
  struct stoa_worker_timer timer;
  struct activity *activity;
};

static void on_due(struct stoa_worker_timer *timer, int status) {
  struct timing *timing = timer->context;
  struct activity *activity = timing->activity;
  free(timing);
  pthread_mutex_lock(&activity->mutex);
  struct tick *tick = activity->pending;
  activity->pending = NULL;
  pthread_mutex_unlock(&activity->mutex);
  uint32_t workers = status == STOA_OK ? stoa_worker_count(activity->server) : 0;
  for (uint32_t i = 0; i < workers; i++) {
    atomic_fetch_add(&tick->refs, 1);
    if (stoa_worker_run(activity->server, i, on_worker, tick) != STOA_OK) {
      release(tick);
    }
  }
  release(tick);
}

/* The first note of a tick starts its timer. */
static struct tick *begin(struct activity *activity) {
  struct tick *tick = calloc(1, sizeof *tick);
  struct timing *timing = tick == NULL ? NULL : calloc(1, sizeof *timing);
  int status = STOA_E_MEMORY;
  if (timing != NULL) {
    timing->activity = activity;
    timing->timer = (struct stoa_worker_timer){.on_due = on_due, .context = timing};
    status = stoa_worker_timer_start(activity->server, &timing->timer, ACTIVITY_TICK_MS);
  }
  if (status != STOA_OK) {
    free(timing);
    free(tick);
    return NULL;
  }
  tick->chatroom = activity->chatroom;
  tick->server = activity->server;
  atomic_init(&tick->refs, 1);
  return tick;
}

void activity_note(struct activity *activity, struct stoa_string room, struct stoa_room_position position,
                   uint64_t ordinal, struct stoa_string text) {
  pthread_mutex_lock(&activity->mutex);
  if (activity->pending == NULL) {
    activity->pending = begin(activity);
  }
  if (activity->pending != NULL) {
    note(activity->pending, room, position, ordinal, text);
  }
  pthread_mutex_unlock(&activity->mutex);
}
