#include "readers.h"

#include "nicks.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/worker.h>
#include <string.h>

#define SHARDS 64u
#define SCOPE_PREFIX "user:"
#define KEY_PREFIX "read:"
#define KEY_PREFIX_LEN (sizeof KEY_PREFIX - 1)

struct room_mark {
  struct room_mark *next;
  struct read_mark mark;
  int64_t stored_ms;
  bool has_moved; /* since it was stored */
  bool is_given;  /* a thread gives it to the storage now */
  bool is_urgent; /* give it again right after that */
  struct stoa_string room;
  char key[KEY_PREFIX_LEN + STOA_ROOM_NAME_LEN_MAX];
};

struct shard {
  pthread_mutex_t mutex; /* of the tree and of all in it */
  void *readers;
};

struct readers {
  struct stoa_server *server;
  struct stoa_rooms *rooms;
  struct shard shards[SHARDS];
};

struct reader {
  struct readers *readers;
  struct shard *shard;
  struct stoa_string user_id, scope; /* in `bytes` */
  size_t refs;
  size_t sessions;
  bool is_loaded;
  bool is_timed; /* a timer will store what has moved */
  struct room_mark *marks;
  size_t mark_count;
  char bytes[sizeof SCOPE_PREFIX + NICKS_USER_ID_BYTES_MAX];
};

static int64_t now_ms(const struct reader *reader) {
  return stoa_server_wall_ms(reader->readers->server);
}

/* The table. */

static int compare(const void *a, const void *b) {
  const struct stoa_string one = ((const struct reader *)a)->user_id;
  const struct stoa_string other = ((const struct reader *)b)->user_id;
  if (one.len != other.len) {
    return one.len < other.len ? -1 : 1;
  }
  return memcmp(one.data, other.data, one.len);
}

struct readers *readers_create(struct stoa_server *server) {
  struct readers *readers = calloc(1, sizeof *readers);
  if (readers == NULL) {
    return NULL;
  }
  readers->server = server;
  for (size_t i = 0; i < SHARDS; i++) {
    pthread_mutex_init(&readers->shards[i].mutex, NULL);
  }
  return readers;
}

void readers_destroy(struct readers *readers) {
  for (size_t i = 0; readers != NULL && i < SHARDS; i++) {
    assert(readers->shards[i].readers == NULL);
    pthread_mutex_destroy(&readers->shards[i].mutex);
  }
  free(readers);
}

void readers_set_rooms(struct readers *readers, struct stoa_rooms *rooms) {
  readers->rooms = rooms;
}

static struct shard *shard_of(struct readers *readers, struct stoa_string user_id) {
  unsigned sum = 0;
  for (size_t i = 0; i < user_id.len; i++) {
    sum = sum * 31 + (unsigned char)user_id.data[i];
  }
  return &readers->shards[sum % SHARDS];
}

static struct reader *make(struct readers *readers, struct shard *shard, struct stoa_string user_id) {
  struct reader *reader = calloc(1, sizeof *reader);
  size_t prefix = strlen(SCOPE_PREFIX);
  if (reader == NULL) {
    return NULL;
  }
  assert(user_id.len > 0 && user_id.len <= NICKS_USER_ID_BYTES_MAX);
  memcpy(reader->bytes, SCOPE_PREFIX, prefix);
  memcpy(reader->bytes + prefix, user_id.data, user_id.len);
  reader->scope = stoa_string_make(reader->bytes, prefix + user_id.len);
  reader->user_id = stoa_string_make(reader->bytes + prefix, user_id.len);
  reader->readers = readers;
  reader->shard = shard;
  if (tsearch(reader, &shard->readers, compare) == NULL) {
    free(reader);
    return NULL;
  }
  return reader;
}

struct reader *readers_take(struct readers *readers, struct stoa_string user_id) {
  struct shard *shard = shard_of(readers, user_id);
  const struct reader wanted = {.user_id = user_id};
  pthread_mutex_lock(&shard->mutex);
  void *node = tfind(&wanted, &shard->readers, compare);
  struct reader *reader = node == NULL ? make(readers, shard, user_id) : *(struct reader **)node;
  if (reader != NULL) {
    reader->refs++;
    reader->sessions++;
  }
  pthread_mutex_unlock(&shard->mutex);
  return reader;
}

struct reader *reader_ref(struct reader *reader) {
  pthread_mutex_lock(&reader->shard->mutex);
  assert(reader->refs > 0);
  reader->refs++;
  pthread_mutex_unlock(&reader->shard->mutex);
  return reader;
}

static void destroy(struct reader *reader) {
  while (reader->marks != NULL) {
    struct room_mark *mark = reader->marks;
    reader->marks = mark->next;
    free(mark);
  }
  free(reader);
}

void reader_release(struct reader *reader) {
  if (reader == NULL) {
    return;
  }
  struct shard *shard = reader->shard;
  pthread_mutex_lock(&shard->mutex);
  assert(reader->refs > 0);
  bool is_last = --reader->refs == 0;
  if (is_last) {
    tdelete(reader, &shard->readers, compare);
  }
  pthread_mutex_unlock(&shard->mutex);
  if (is_last) {
    destroy(reader);
  }
}

bool reader_is_loaded(struct reader *reader) {
  pthread_mutex_lock(&reader->shard->mutex);
  bool is_loaded = reader->is_loaded;
  pthread_mutex_unlock(&reader->shard->mutex);
  return is_loaded;
}

/* Marks. All with the lock. */

static struct room_mark *find(const struct reader *reader, struct stoa_string room) {
  struct room_mark *at = reader->marks;
  while (at != NULL && !stoa_string_equal(at->room, room)) {
    at = at->next;
  }
  return at;
}

static struct room_mark *find_or_add(struct reader *reader, struct stoa_string room) {
  struct room_mark *mark = find(reader, room);
  if (mark != NULL || reader->mark_count == READERS_ROOMS_MAX || room.len == 0 || room.len > STOA_ROOM_NAME_LEN_MAX) {
    return mark;
  }
  mark = calloc(1, sizeof *mark);
  if (mark != NULL) {
    memcpy(mark->key, KEY_PREFIX, KEY_PREFIX_LEN);
    memcpy(mark->key + KEY_PREFIX_LEN, room.data, room.len);
    mark->room = stoa_string_make(mark->key + KEY_PREFIX_LEN, room.len);
    mark->next = reader->marks;
    reader->marks = mark;
    reader->mark_count++;
  }
  return mark;
}

static bool is_beyond(const struct read_mark *mark, const struct read_mark *old) {
  return mark->position.epoch != old->position.epoch || mark->position.offset > old->position.offset;
}

struct read_mark reader_find(struct reader *reader, struct stoa_string room, uint64_t epoch) {
  struct read_mark found = {0};
  pthread_mutex_lock(&reader->shard->mutex);
  const struct room_mark *mark = find(reader, room);
  if (mark != NULL && epoch != 0 && mark->mark.position.epoch == epoch) {
    found = mark->mark;
  }
  pthread_mutex_unlock(&reader->shard->mutex);
  return found;
}

void reader_each(struct reader *reader, reader_visit *visit, void *context) {
  pthread_mutex_lock(&reader->shard->mutex);
  for (const struct room_mark *at = reader->marks; at != NULL && visit(context, at->room, &at->mark);) {
    at = at->next;
  }
  pthread_mutex_unlock(&reader->shard->mutex);
}

/* Loading. */

struct loading {
  struct reader *reader; /* counted */
  reader_on_loaded *on_loaded;
  void *context;
};

static bool take_number(const char **at, uint64_t *out_number) {
  char *end;
  errno = 0;
  *out_number = strtoull(*at, &end, 10);
  bool is_number = errno == 0 && end != *at;
  *at = end;
  return is_number;
}

/* As it is written: three numbers with blanks between them. */
static bool parse(struct stoa_bytes value, struct read_mark *out_mark) {
  char text[80];
  const char *at = text;
  if (value.len >= sizeof text) {
    return false;
  }
  memcpy(text, value.data == NULL ? (const void *)"" : value.data, value.len);
  text[value.len] = '\0';
  return take_number(&at, &out_mark->position.epoch) && take_number(&at, &out_mark->position.offset) &&
         take_number(&at, &out_mark->ordinal);
}

/* What has moved meanwhile is newer than what was read. */
static void install(struct reader *reader, const struct stoa_room_value *value) {
  struct read_mark stored;
  bool is_mark = value->key.len > KEY_PREFIX_LEN && memcmp(value->key.data, KEY_PREFIX, KEY_PREFIX_LEN) == 0;
  if (!is_mark || !parse(value->value, &stored)) {
    return;
  }
  struct room_mark *mark =
      find_or_add(reader, stoa_string_make(value->key.data + KEY_PREFIX_LEN, value->key.len - KEY_PREFIX_LEN));
  if (mark != NULL && (mark->mark.position.epoch == 0 ||
                       (mark->mark.position.epoch == stored.position.epoch && is_beyond(&stored, &mark->mark)))) {
    mark->mark = stored;
  }
}

static void on_values(void *context, const struct stoa_room_values *values) {
  struct loading *loading = context;
  struct reader *reader = loading->reader;
  bool is_there = values->status == STOA_ROOM_OK || values->status == STOA_ROOM_NOT_FOUND;
  if (is_there) {
    pthread_mutex_lock(&reader->shard->mutex);
    for (size_t i = 0; i < values->count && !reader->is_loaded; i++) {
      install(reader, &values->values[i]);
    }
    reader->is_loaded = true;
    pthread_mutex_unlock(&reader->shard->mutex);
  }
  loading->on_loaded(loading->context, is_there ? STOA_ROOM_OK : values->status, values->retry_ms);
  reader_release(reader);
  free(loading);
}

int reader_load(struct reader *reader, reader_on_loaded *on_loaded, void *context) {
  struct loading *loading = calloc(1, sizeof *loading);
  if (loading == NULL) {
    return STOA_E_MEMORY;
  }
  *loading = (struct loading){reader_ref(reader), on_loaded, context};
  /* ';' would follow ':' in the order of keys; what is before "read:" is not ours. */
  int status = stoa_room_state_list(reader->readers->rooms, reader->scope, stoa_string_of(KEY_PREFIX),
                                    READERS_ROOMS_MAX, on_values, loading);
  if (status != STOA_OK) {
    reader_release(reader);
    free(loading);
  }
  return status;
}

/* Storing. */

struct storing {
  struct reader *reader; /* counted */
  struct room_mark *mark;
};

/* With the lock: may this one be stored now? */
static bool take(struct room_mark *mark, bool is_urgent, int64_t now, struct read_mark *out_value) {
  int64_t passed_ms = now - mark->stored_ms;
  bool is_due = is_urgent || passed_ms < 0 || passed_ms >= READERS_STORE_MS;
  if (!mark->has_moved || !is_due) {
    return false;
  }
  mark->is_urgent = mark->is_given && is_urgent;
  if (mark->is_given) {
    return false;
  }
  mark->has_moved = false;
  mark->is_given = true;
  mark->stored_ms = now;
  *out_value = mark->mark;
  return true;
}

static void start_timer(struct reader *reader);

static void on_stored(void *context, const struct stoa_room_answer *answer) {
  struct storing *storing = context;
  struct reader *reader = storing->reader;
  bool has_failed = answer->status != STOA_ROOM_OK && answer->status != STOA_ROOM_CLOSED;
  if (has_failed) {
    pthread_mutex_lock(&reader->shard->mutex);
    storing->mark->has_moved = true;
    pthread_mutex_unlock(&reader->shard->mutex);
    start_timer(reader);
  }
  free(storing);
  reader_release(reader);
}

static int give(struct reader *reader, struct room_mark *mark, const struct read_mark *value) {
  char text[80];
  struct storing *storing = calloc(1, sizeof *storing);
  int len = snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 " %" PRIu64, value->position.epoch,
                     value->position.offset, value->ordinal);
  if (storing == NULL) {
    return STOA_E_MEMORY;
  }
  *storing = (struct storing){reader_ref(reader), mark};
  int status = stoa_room_state_put(reader->readers->rooms, reader->scope,
                                   stoa_string_make(mark->key, KEY_PREFIX_LEN + mark->room.len),
                                   stoa_bytes_make(text, (size_t)len), on_stored, storing);
  if (status != STOA_OK) {
    reader_release(reader);
    free(storing);
  }
  return status;
}

/* Give one that was taken to the storage, which stores values in the order in which it gets them. One thread at a time
 * gives it, so that the last one stays; what has become urgent meanwhile is given by the same thread. What cannot be
 * given has moved still, and is stored with the next move. */
static void store(struct reader *reader, struct room_mark *mark, struct read_mark value) {
  bool is_again = true;
  while (is_again) {
    int status = give(reader, mark, &value);
    pthread_mutex_lock(&reader->shard->mutex);
    mark->is_given = false;
    mark->has_moved = mark->has_moved || status != STOA_OK;
    is_again = status == STOA_OK && mark->is_urgent && take(mark, true, now_ms(reader), &value);
    pthread_mutex_unlock(&reader->shard->mutex);
  }
}

/* Store what is due, and what is not if it is urgent. Marks are added at the front and never removed, so the next one
 * is there when the lock was released. */
static void store_all(struct reader *reader, bool is_urgent, bool *out_waits) {
  struct read_mark value;
  *out_waits = false;
  pthread_mutex_lock(&reader->shard->mutex);
  for (struct room_mark *at = reader->marks; at != NULL; at = at->next) {
    if (take(at, is_urgent, now_ms(reader), &value)) {
      pthread_mutex_unlock(&reader->shard->mutex);
      store(reader, at, value);
      pthread_mutex_lock(&reader->shard->mutex);
    }
    *out_waits = *out_waits || at->has_moved;
  }
  pthread_mutex_unlock(&reader->shard->mutex);
}

struct later {
  struct stoa_worker_timer timer;
  struct reader *reader; /* counted */
};

static void on_due(struct stoa_worker_timer *timer, int status) {
  struct later *later = timer->context;
  struct reader *reader = later->reader;
  bool waits = false;
  free(later);
  pthread_mutex_lock(&reader->shard->mutex);
  reader->is_timed = false;
  pthread_mutex_unlock(&reader->shard->mutex);
  if (status == STOA_OK) {
    store_all(reader, false, &waits);
  }
  if (waits) {
    start_timer(reader);
  }
  reader_release(reader);
}

static void start_timer(struct reader *reader) {
  struct later *later = calloc(1, sizeof *later);
  pthread_mutex_lock(&reader->shard->mutex);
  bool is_first = later != NULL && !reader->is_timed;
  reader->is_timed = reader->is_timed || is_first;
  pthread_mutex_unlock(&reader->shard->mutex);
  if (!is_first) {
    free(later);
    return;
  }
  later->timer = (struct stoa_worker_timer){.on_due = on_due, .context = later};
  later->reader = reader_ref(reader);
  if (stoa_worker_timer_start(reader->readers->server, &later->timer, READERS_STORE_MS) != STOA_OK) {
    pthread_mutex_lock(&reader->shard->mutex);
    reader->is_timed = false;
    pthread_mutex_unlock(&reader->shard->mutex);
    reader_release(reader);
    free(later);
  }
}

bool reader_move(struct reader *reader, struct stoa_string room, const struct read_mark *mark) {
  struct read_mark value;
  assert(mark->position.epoch != 0);
  pthread_mutex_lock(&reader->shard->mutex);
  struct room_mark *at = find_or_add(reader, room);
  bool has_moved = at != NULL && is_beyond(mark, &at->mark);
  if (has_moved) {
    at->mark = *mark;
    at->has_moved = true;
  }
  bool is_due = has_moved && take(at, reader->sessions == 0, now_ms(reader), &value);
  pthread_mutex_unlock(&reader->shard->mutex);
  if (is_due) {
    store(reader, at, value);
  } else if (has_moved) {
    start_timer(reader);
  }
  return has_moved;
}

void reader_end_session(struct reader *reader) {
  bool ignored;
  pthread_mutex_lock(&reader->shard->mutex);
  assert(reader->sessions > 0);
  reader->sessions--;
  pthread_mutex_unlock(&reader->shard->mutex);
  store_all(reader, true, &ignored);
  reader_release(reader);
}
