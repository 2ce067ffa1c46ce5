#include "rules.h"

#include "slow_mode.h"

#include <assert.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <stoa/worker.h>
#include <string.h>

#define SHARDS 64u
#define SCOPE_PREFIX "room:"

/* The server's own are those of a room with this name, which no room has. */
#define SERVER_NAME ""

/* A balanced tree, so that nobody can choose names that are slow to find. */
struct shard {
  pthread_mutex_t mutex; /* of the tree and of all in it */
  void *rooms;
};

struct rules {
  struct stoa_server *server;
  struct shard shards[SHARDS];
};

struct room_rules {
  struct rules *rules;
  struct shard *shard;
  struct stoa_string name; /* in `scope` */
  struct stoa_string scope;
  size_t refs;
  bool is_loaded;
  struct rules_settings settings;
  struct sanctions *sanctions;
  struct slow_mode *slow; /* NULL until it is needed */
  char bytes[RULES_SCOPE_BYTES_MAX];
};

static uint32_t sum_of(struct stoa_string name) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < name.len; i++) {
    sum = (sum ^ (unsigned char)name.data[i]) * 16777619u;
  }
  return sum ^ (sum >> 16);
}

uint32_t rules_worker(const struct rules *rules, struct stoa_string room) {
  return sum_of(room) % stoa_worker_count(rules->server);
}

struct stoa_string rules_scope(struct stoa_string room, char out[RULES_SCOPE_BYTES_MAX]) {
  size_t prefix = strlen(SCOPE_PREFIX);
  assert(room.len > 0 && room.len <= STOA_ROOM_NAME_LEN_MAX);
  memcpy(out, SCOPE_PREFIX, prefix);
  memcpy(out + prefix, room.data, room.len);
  return stoa_string_make(out, prefix + room.len);
}

static int compare(const void *a, const void *b) {
  const struct stoa_string one = ((const struct room_rules *)a)->name;
  const struct stoa_string other = ((const struct room_rules *)b)->name;
  if (one.len != other.len) {
    return one.len < other.len ? -1 : 1;
  }
  return one.len == 0 ? 0 : memcmp(one.data, other.data, one.len);
}

struct rules *rules_create(struct stoa_server *server) {
  struct rules *rules = calloc(1, sizeof *rules);
  if (rules == NULL) {
    return NULL;
  }
  rules->server = server;
  for (size_t i = 0; i < SHARDS; i++) {
    pthread_mutex_init(&rules->shards[i].mutex, NULL);
  }
  return rules;
}

void rules_destroy(struct rules *rules) {
  for (size_t i = 0; rules != NULL && i < SHARDS; i++) {
    assert(rules->shards[i].rooms == NULL);
    pthread_mutex_destroy(&rules->shards[i].mutex);
  }
  free(rules);
}

/* One room. */

static void destroy(struct room_rules *room) {
  if (room != NULL) {
    sanctions_destroy(room->sanctions);
    slow_mode_destroy(room->slow);
    free(room);
  }
}

static struct room_rules *make(struct rules *rules, struct shard *shard, struct stoa_string name) {
  struct room_rules *room = calloc(1, sizeof *room);
  if (room == NULL) {
    return NULL;
  }
  bool is_server = name.len == 0;
  room->scope = is_server ? stoa_string_of(RULES_SERVER_SCOPE) : rules_scope(name, room->bytes);
  room->name = is_server ? stoa_string_of(SERVER_NAME) : stoa_string_make(room->bytes + strlen(SCOPE_PREFIX), name.len);
  room->rules = rules;
  room->shard = shard;
  room->sanctions = sanctions_create();
  if (room->sanctions == NULL) {
    destroy(room);
    return NULL;
  }
  return room;
}

/* With the lock. */
static struct room_rules *find_or_make(struct rules *rules, struct shard *shard, struct stoa_string name) {
  const struct room_rules wanted = {.name = name};
  void *node = tfind(&wanted, &shard->rooms, compare);
  if (node != NULL) {
    return *(struct room_rules **)node;
  }
  struct room_rules *room = make(rules, shard, name);
  if (room != NULL && tsearch(room, &shard->rooms, compare) == NULL) {
    destroy(room);
    return NULL;
  }
  return room;
}

struct room_rules *rules_take(struct rules *rules, struct stoa_string name) {
  struct shard *shard = &rules->shards[sum_of(name) % SHARDS];
  pthread_mutex_lock(&shard->mutex);
  struct room_rules *room = find_or_make(rules, shard, name);
  if (room != NULL) {
    room->refs++;
  }
  pthread_mutex_unlock(&shard->mutex);
  return room;
}

struct room_rules *rules_take_server(struct rules *rules) {
  return rules_take(rules, stoa_string_of(SERVER_NAME));
}

struct room_rules *rules_ref(struct room_rules *room) {
  pthread_mutex_lock(&room->shard->mutex);
  assert(room->refs > 0);
  room->refs++;
  pthread_mutex_unlock(&room->shard->mutex);
  return room;
}

void rules_release(struct room_rules *room) {
  if (room == NULL) {
    return;
  }
  struct shard *shard = room->shard;
  pthread_mutex_lock(&shard->mutex);
  assert(room->refs > 0);
  bool is_last = --room->refs == 0;
  if (is_last) {
    tdelete(room, &shard->rooms, compare);
  }
  pthread_mutex_unlock(&shard->mutex);
  if (is_last) {
    destroy(room);
  }
}

bool rules_are_loaded(struct room_rules *room) {
  pthread_mutex_lock(&room->shard->mutex);
  bool is_loaded = room->is_loaded;
  pthread_mutex_unlock(&room->shard->mutex);
  return is_loaded;
}

/* A value counts. */

static uint32_t number_of(struct stoa_string value, uint32_t max) {
  uint64_t number = 0;
  for (size_t i = 0; i < value.len && value.data[i] >= '0' && value.data[i] <= '9' && number <= max; i++) {
    number = number * 10 + (uint64_t)(value.data[i] - '0');
  }
  return number > max ? max : (uint32_t)number;
}

bool rules_settings_apply(struct rules_settings *settings, struct stoa_string key, struct stoa_string value) {
  if (stoa_string_equal(key, stoa_string_of("topic"))) {
    settings->topic_len = value.len < sizeof settings->topic ? value.len : sizeof settings->topic;
    memcpy(settings->topic, value.data == NULL ? "" : value.data, settings->topic_len);
  } else if (stoa_string_equal(key, stoa_string_of("slow"))) {
    settings->slow_mode_s = number_of(value, RULES_SLOW_MODE_S_MAX);
  } else if (stoa_string_equal(key, stoa_string_of("members_max"))) {
    settings->members_max = number_of(value, UINT32_MAX);
  } else {
    return false;
  }
  return true;
}

/* With the lock. Other keys are not ours. Errors: as sanctions_set() */
static int apply(struct room_rules *room, struct stoa_string key, struct stoa_string value) {
  if (sanction_is_key(key)) {
    return sanctions_set(room->sanctions, key, value);
  }
  bool ignored = rules_settings_apply(&room->settings, key, value);
  (void)ignored;
  return STOA_OK;
}

/* Loading. */

struct loading {
  struct stoa_rooms *rooms;
  struct room_rules *room; /* counted */
  struct sanctions *sanctions;
  struct rules_settings settings;
  int64_t now_ms;
  rules_on_loaded *on_loaded;
  void *context;
};

/* What has expired is removed, on the worker of changes, so that it cannot take a new one's value with it. What is
 * removed is not waited for: it counts no more, and is found again if it stays. */
static void drop_expired(struct stoa_rooms *rooms, struct room_rules *room, int64_t now_ms) {
  char key[SANCTION_KEY_BYTES_MAX];
  size_t len;
  bool is_one = true;
  while (is_one) {
    pthread_mutex_lock(&room->shard->mutex);
    is_one = sanctions_take_expired(room->sanctions, now_ms, key, &len);
    pthread_mutex_unlock(&room->shard->mutex);
    if (is_one) {
      int ignored =
          stoa_room_state_put(rooms, room->scope, stoa_string_make(key, len), (struct stoa_bytes){NULL, 0}, NULL, NULL);
      (void)ignored;
    }
  }
}

static void end_loading(struct loading *loading) {
  rules_release(loading->room);
  sanctions_destroy(loading->sanctions);
  free(loading);
}

static void on_sweep(void *context, int status) {
  struct loading *loading = context;
  if (status == STOA_OK) {
    drop_expired(loading->rooms, loading->room, loading->now_ms);
  }
  end_loading(loading);
}

/* If the worker has no place for it, the next change does it. */
static void sweep(struct loading *loading) {
  struct rules *rules = loading->room->rules;
  if (stoa_worker_run(rules->server, rules_worker(rules, loading->room->name), on_sweep, loading) != STOA_OK) {
    end_loading(loading);
  }
}

static void on_values(void *context, const struct stoa_room_values *values);

static int read_after(struct loading *loading, struct stoa_string after) {
  return stoa_room_state_list(loading->rooms, loading->room->scope, after, STOA_ROOM_LIST_MAX, on_values, loading);
}

/* Another one may have been faster; what it has read has all changes since. */
static void install(struct loading *loading) {
  struct room_rules *room = loading->room;
  pthread_mutex_lock(&room->shard->mutex);
  if (!room->is_loaded) {
    struct sanctions *empty = room->sanctions;
    room->sanctions = loading->sanctions;
    loading->sanctions = empty;
    room->settings = loading->settings;
    room->is_loaded = true;
  }
  pthread_mutex_unlock(&room->shard->mutex);
}

/* A value that makes no sense is that of another program, and is passed over. */
static int collect(struct loading *loading, const struct stoa_room_values *values) {
  struct room_rules copy = {.settings = loading->settings, .sanctions = loading->sanctions};
  for (size_t i = 0; i < values->count; i++) {
    const struct stoa_room_value *value = &values->values[i];
    int status = apply(&copy, value->key, stoa_string_make((const char *)value->value.data, value->value.len));
    if (status != STOA_OK && status != STOA_E_SYNTAX) {
      return status;
    }
  }
  loading->settings = copy.settings;
  return STOA_OK;
}

static void tell_loaded(struct loading *loading, enum stoa_room_status status, uint32_t retry_ms) {
  loading->on_loaded(loading->context, status, retry_ms);
  if (status == STOA_ROOM_OK) {
    sweep(loading);
  } else {
    end_loading(loading);
  }
}

static void on_values(void *context, const struct stoa_room_values *values) {
  struct loading *loading = context;
  if (values->status != STOA_ROOM_OK && values->status != STOA_ROOM_NOT_FOUND) {
    tell_loaded(loading, values->status, values->retry_ms);
    return;
  }
  int status = collect(loading, values);
  if (status == STOA_OK && values->has_more && values->count > 0) {
    status = read_after(loading, values->values[values->count - 1].key);
    if (status == STOA_OK) {
      return;
    }
  }
  if (status == STOA_E_LIMIT) {
    stoa_log(STOA_LOG_ERROR, "a room has too many bans and mutes; the first ones count",
             STOA_F_TEXT("room", loading->room->name));
    status = STOA_OK;
  }
  if (status == STOA_OK) {
    install(loading);
  }
  tell_loaded(loading, status == STOA_OK ? STOA_ROOM_OK : STOA_ROOM_BUSY, 0);
}

int rules_load(struct stoa_rooms *rooms, struct room_rules *room, int64_t now_ms, rules_on_loaded *on_loaded,
               void *context) {
  struct loading *loading = calloc(1, sizeof *loading);
  if (loading == NULL) {
    return STOA_E_MEMORY;
  }
  *loading = (struct loading){.rooms = rooms, .now_ms = now_ms, .on_loaded = on_loaded, .context = context};
  loading->room = room;
  loading->sanctions = sanctions_create();
  int status = loading->sanctions == NULL ? STOA_E_MEMORY : read_after(loading, (struct stoa_string){NULL, 0});
  if (status != STOA_OK) {
    sanctions_destroy(loading->sanctions);
    free(loading);
    return status;
  }
  rules_ref(room);
  return STOA_OK;
}

/* Asking. */

void rules_settings(struct room_rules *room, struct rules_settings *out_settings) {
  pthread_mutex_lock(&room->shard->mutex);
  *out_settings = room->settings;
  pthread_mutex_unlock(&room->shard->mutex);
}

/* With the lock, as those below. */
static int64_t until(const struct room_rules *room, enum sanction_kind kind, struct stoa_string key,
                     const struct rules_subject *subject, int64_t now_ms) {
  struct sanction sanction;
  bool is_bound =
      sanctions_find(room->sanctions, kind, key, now_ms, &sanction) && sanction_binds(&sanction, subject->role);
  return is_bound ? sanction.until_ms : 0;
}

static int64_t banned_until(const struct room_rules *room, const struct rules_subject *subject, int64_t now_ms) {
  int64_t user_ms = until(room, SANCTION_BAN, subject->user_id, subject, now_ms);
  int64_t address_ms =
      subject->address.len == 0 ? 0 : until(room, SANCTION_BAN_ADDRESS, subject->address, subject, now_ms);
  return user_ms > address_ms ? user_ms : address_ms;
}

int64_t rules_banned_until(struct room_rules *room, const struct rules_subject *subject, int64_t now_ms) {
  pthread_mutex_lock(&room->shard->mutex);
  int64_t until_ms = banned_until(room, subject, now_ms);
  pthread_mutex_unlock(&room->shard->mutex);
  return until_ms;
}

int64_t rules_muted_until(struct room_rules *room, const struct rules_subject *subject, int64_t now_ms) {
  pthread_mutex_lock(&room->shard->mutex);
  int64_t until_ms = until(room, SANCTION_MUTE, subject->user_id, subject, now_ms);
  pthread_mutex_unlock(&room->shard->mutex);
  return until_ms;
}

static uint32_t wait_of(int64_t until_ms, int64_t now_ms) {
  int64_t wait_ms = until_ms - now_ms;
  return until_ms == SANCTION_FOREVER_MS ? 0 : wait_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)wait_ms;
}

/* Without memory there is no slow mode. */
static uint32_t slow_wait(struct room_rules *room, const struct rules_subject *subject, int64_t now_ms) {
  if (room->settings.slow_mode_s == 0 || subject->role != CHATROOM_V1_ROLE_USER) {
    return 0;
  }
  if (room->slow == NULL) {
    room->slow = slow_mode_create();
  }
  return room->slow == NULL ? 0
                            : slow_mode_send(room->slow, subject->user_id, room->settings.slow_mode_s * 1000, now_ms);
}

static enum rules_verdict check(struct room_rules *room, const struct rules_subject *subject, bool is_message,
                                int64_t now_ms, uint32_t *out_retry_ms) {
  *out_retry_ms = 0;
  if (!room->is_loaded) {
    return RULES_NOT_LOADED;
  }
  if (sanctions_count(room->sanctions) > 0) {
    if (banned_until(room, subject, now_ms) != 0) {
      return RULES_BANNED;
    }
    int64_t muted_ms = until(room, SANCTION_MUTE, subject->user_id, subject, now_ms);
    if (muted_ms != 0) {
      *out_retry_ms = wait_of(muted_ms, now_ms);
      return RULES_MUTED;
    }
  }
  *out_retry_ms = is_message ? slow_wait(room, subject, now_ms) : 0;
  return *out_retry_ms > 0 ? RULES_SLOW : RULES_FINE;
}

enum rules_verdict rules_check(struct room_rules *room, const struct rules_subject *subject, bool is_message,
                               int64_t now_ms, uint32_t *out_retry_ms) {
  pthread_mutex_lock(&room->shard->mutex);
  enum rules_verdict verdict = check(room, subject, is_message, now_ms, out_retry_ms);
  pthread_mutex_unlock(&room->shard->mutex);
  return verdict;
}

void rules_undo(struct room_rules *room, struct stoa_string user_id) {
  pthread_mutex_lock(&room->shard->mutex);
  if (room->slow != NULL) {
    slow_mode_undo(room->slow, user_id);
  }
  pthread_mutex_unlock(&room->shard->mutex);
}

size_t rules_banned_addresses(struct room_rules *room, struct stoa_string user_id, int64_t now_ms,
                              char out_addresses[][USER_ADDRESS_LEN_MAX + 1], size_t count_max) {
  struct stoa_string address;
  size_t count = 0;
  size_t at = 0;
  pthread_mutex_lock(&room->shard->mutex);
  while (count < count_max && sanctions_next_address(room->sanctions, user_id, now_ms, &at, &address)) {
    if (address.len <= USER_ADDRESS_LEN_MAX) {
      memcpy(out_addresses[count], address.data, address.len);
      out_addresses[count++][address.len] = '\0';
    }
  }
  pthread_mutex_unlock(&room->shard->mutex);
  return count;
}

/* Changing. */

struct writing {
  struct room_rules *room; /* counted */
  rules_on_loaded *on_written;
  void *context;
  enum stoa_room_status status;
  uint32_t retry_ms;
  size_t pending;
};

struct put {
  struct writing *writing;
  struct stoa_string key, value;
  char bytes[];
};

static void fail_writing(struct writing *writing, enum stoa_room_status status, uint32_t retry_ms) {
  if (writing->status == STOA_ROOM_OK) {
    writing->status = status;
    writing->retry_ms = retry_ms;
  }
}

static void end_put(struct writing *writing) {
  assert(writing->pending > 0);
  if (--writing->pending == 0) {
    writing->on_written(writing->context, writing->status, writing->retry_ms);
    rules_release(writing->room);
    free(writing);
  }
}

static void on_put(void *context, const struct stoa_room_answer *answer) {
  struct put *put = context;
  struct room_rules *room = put->writing->room;
  if (answer->status == STOA_ROOM_OK) {
    pthread_mutex_lock(&room->shard->mutex);
    int status = apply(room, put->key, put->value);
    pthread_mutex_unlock(&room->shard->mutex);
    if (status != STOA_OK) {
      fail_writing(put->writing, STOA_ROOM_BUSY, 0);
    }
  } else {
    fail_writing(put->writing, answer->status, answer->retry_ms);
  }
  end_put(put->writing);
  free(put);
}

static int begin_put(struct stoa_rooms *rooms, struct writing *writing, const struct rules_value *value) {
  struct put *put = calloc(1, sizeof *put + value->key.len + value->value.len);
  if (put == NULL) {
    return STOA_E_MEMORY;
  }
  put->writing = writing;
  memcpy(put->bytes, value->key.data, value->key.len);
  if (value->value.len > 0) {
    memcpy(put->bytes + value->key.len, value->value.data, value->value.len);
  }
  put->key = stoa_string_make(put->bytes, value->key.len);
  put->value = stoa_string_make(put->bytes + value->key.len, value->value.len);
  int status = stoa_room_state_put(rooms, writing->room->scope, put->key,
                                   stoa_bytes_make(put->value.data, put->value.len), on_put, put);
  if (status != STOA_OK) {
    free(put);
  }
  return status;
}

/* Make place for what is new. With the lock. */
static bool has_place(struct room_rules *room, const struct rules_value *values, size_t count) {
  size_t added = 0;
  for (size_t i = 0; i < count; i++) {
    added +=
        values[i].value.len > 0 && sanction_is_key(values[i].key) && !sanctions_have(room->sanctions, values[i].key);
  }
  return sanctions_count(room->sanctions) + added <= SANCTIONS_MAX;
}

int rules_write(struct stoa_rooms *rooms, struct room_rules *room, const struct rules_values *values,
                rules_on_loaded *on_written, void *context) {
  assert(values->count > 0);
  assert(values->count <= RULES_VALUES_MAX);
  drop_expired(rooms, room, values->now_ms);
  pthread_mutex_lock(&room->shard->mutex);
  bool fits = has_place(room, values->items, values->count);
  pthread_mutex_unlock(&room->shard->mutex);
  struct writing *writing = fits ? calloc(1, sizeof *writing) : NULL;
  if (writing == NULL) {
    return fits ? STOA_E_MEMORY : STOA_E_LIMIT;
  }
  writing->room = room;
  writing->on_written = on_written;
  writing->context = context;
  int status = begin_put(rooms, writing, &values->items[0]);
  if (status != STOA_OK) {
    free(writing);
    return status;
  }
  rules_ref(room);
  writing->pending = 1;
  for (size_t i = 1; i < values->count && status == STOA_OK; i++) {
    status = begin_put(rooms, writing, &values->items[i]);
    writing->pending += status == STOA_OK;
  }
  if (status != STOA_OK) {
    fail_writing(writing, status == STOA_E_CLOSED ? STOA_ROOM_CLOSED : STOA_ROOM_BUSY, 0);
  }
  return STOA_OK;
}
