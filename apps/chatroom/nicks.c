#include "nicks.h"

#include <assert.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* How often a guest's name is tried with each length. */
#define GUEST_TRIES 8
#define GUEST_LETTERS_MIN 4u
#define GUEST_LETTERS_MAX 16u

struct user;

/* What a tree holds: a text that finds its user. */
struct label {
  struct stoa_string text;
  struct user *user;
};

/* A user's nick with its keys, in one block of memory. */
struct name {
  struct label keys[NICK_KEY_COUNT];
  struct stoa_string shown;
  char bytes[];
};

struct user {
  struct label id;
  struct name *name; /* owned */
  /* Counts the changes of the name; a seat compares it without the lock. */
  atomic_uint_least32_t version;
  size_t seats;
  struct nicks_seat *first_seat;
  /* While there is no seat: since when, and its place in the queue. */
  int64_t left_ms;
  struct user *older, *newer;
  char id_bytes[NICKS_USER_ID_BYTES_MAX];
};

struct nicks_seat {
  struct user *user;
  struct nicks_seat *next, *previous; /* of the same user */
  bool has_session;
  struct stoa_uuid session_id;
  uint32_t version; /* of `text` */
  size_t len;
  char text[CHATROOM_NICK_BYTES_MAX];
};

/* The trees are those of <search.h>, which are balanced, so that nobody can choose names that are slow to find. */
struct nicks {
  const struct nick_rules *rules;
  uint32_t hold_ms;
  pthread_mutex_t mutex;
  void *ids;
  void *keys[NICK_KEY_COUNT];
  struct user *oldest, *newest; /* those without a seat, in the order in which they left */
  size_t users, held;           /* all of them, and those without a seat */
};

/* Trees. */

static int compare(const void *a, const void *b) {
  const struct label *one = a;
  const struct label *other = b;
  size_t len = one->text.len < other->text.len ? one->text.len : other->text.len;
  int order = memcmp(one->text.data, other->text.data, len);
  if (order != 0 || one->text.len == other->text.len) {
    return order;
  }
  return one->text.len < other->text.len ? -1 : 1;
}

static struct user *find(void *const *tree, struct stoa_string text) {
  const struct label wanted = {text, NULL};
  void *node = tfind(&wanted, tree, compare);
  return node == NULL ? NULL : (*(struct label *const *)node)->user;
}

/* A label of the same user with the same text is replaced; of another there is none. */
static bool add(void **tree, struct label *label) {
  void *node = tsearch(label, tree, compare);
  if (node == NULL) {
    return false;
  }
  struct label **place = node;
  assert((*place)->user == label->user);
  *place = label;
  return true;
}

/* Only if it is this one, and not one that has replaced it. */
static void take_out(void **tree, const struct label *label) {
  void *node = tfind(label, tree, compare);
  if (node != NULL && *(struct label *const *)node == label) {
    tdelete(label, tree, compare);
  }
}

/* Names. */

static struct name *make_name(const struct nick *nick) {
  size_t size = nick->len;
  for (int kind = 0; kind < NICK_KEY_COUNT; kind++) {
    size += nick->key_len[kind];
  }
  struct name *name = calloc(1, sizeof *name + size);
  if (name == NULL) {
    return NULL;
  }
  char *at = name->bytes;
  memcpy(at, nick->text, nick->len);
  name->shown = stoa_string_make(at, nick->len);
  at += nick->len;
  for (int kind = 0; kind < NICK_KEY_COUNT; kind++) {
    memcpy(at, nick->key[kind], nick->key_len[kind]);
    name->keys[kind].text = stoa_string_make(at, nick->key_len[kind]);
    at += nick->key_len[kind];
  }
  return name;
}

static void drop_name(struct nicks *nicks, struct name *name) {
  if (name == NULL) {
    return;
  }
  for (int kind = 0; kind < NICK_KEY_COUNT; kind++) {
    take_out(&nicks->keys[kind], &name->keys[kind]);
  }
  free(name);
}

static bool is_taken(struct nicks *nicks, const struct nick *nick, const struct user *except) {
  for (int kind = 0; kind < NICK_KEY_COUNT; kind++) {
    const struct user *user = find(&nicks->keys[kind], nick_key(nick, (enum nick_key_kind)kind));
    if (user != NULL && user != except) {
      return true;
    }
  }
  return false;
}

static bool add_keys(struct nicks *nicks, struct name *name, struct user *user) {
  for (int kind = 0; kind < NICK_KEY_COUNT; kind++) {
    name->keys[kind].user = user;
    if (!add(&nicks->keys[kind], &name->keys[kind])) {
      return false;
    }
  }
  return true;
}

/* The old keys come back in the places of those that had replaced them, for which no memory is needed. */
static void restore_keys(struct nicks *nicks, struct name *name) {
  for (int kind = 0; name != NULL && kind < NICK_KEY_COUNT; kind++) {
    bool is_there = add(&nicks->keys[kind], &name->keys[kind]);
    assert(is_there);
    (void)is_there;
  }
}

static int set_name(struct nicks *nicks, struct user *user, const struct nick *nick) {
  if (is_taken(nicks, nick, user)) {
    return STOA_E_EXISTS;
  }
  struct name *name = make_name(nick);
  if (name == NULL) {
    return STOA_E_MEMORY;
  }
  if (!add_keys(nicks, name, user)) {
    restore_keys(nicks, user->name);
    drop_name(nicks, name);
    return STOA_E_MEMORY;
  }
  drop_name(nicks, user->name);
  user->name = name;
  atomic_fetch_add_explicit(&user->version, 1, memory_order_release);
  return STOA_OK;
}

/* Users. */

static void forget(struct nicks *nicks, struct user *user) {
  assert(user->seats == 0);
  drop_name(nicks, user->name);
  take_out(&nicks->ids, &user->id);
  nicks->users--;
  free(user);
}

static void hold(struct nicks *nicks, struct user *user, int64_t now_ms) {
  user->left_ms = now_ms;
  user->older = nicks->newest;
  user->newer = NULL;
  *(nicks->newest == NULL ? &nicks->oldest : &nicks->newest->newer) = user;
  nicks->newest = user;
  nicks->held++;
}

static void release(struct nicks *nicks, struct user *user) {
  *(user->older == NULL ? &nicks->oldest : &user->older->newer) = user->newer;
  *(user->newer == NULL ? &nicks->newest : &user->newer->older) = user->older;
  user->older = user->newer = NULL;
  assert(nicks->held > 0);
  nicks->held--;
}

static bool is_over(const struct nicks *nicks, const struct user *user, int64_t now_ms) {
  return now_ms < user->left_ms || now_ms - user->left_ms >= nicks->hold_ms;
}

/* Every call does it first, so that no timer is needed. */
static void expire(struct nicks *nicks, int64_t now_ms) {
  while (nicks->oldest != NULL && (nicks->held > NICKS_HELD_MAX || is_over(nicks, nicks->oldest, now_ms))) {
    struct user *user = nicks->oldest;
    release(nicks, user);
    forget(nicks, user);
  }
}

static struct user *make_user(struct nicks *nicks, struct stoa_string id) {
  assert(id.len > 0 && id.len <= NICKS_USER_ID_BYTES_MAX);
  struct user *user = calloc(1, sizeof *user);
  if (user == NULL) {
    return NULL;
  }
  memcpy(user->id_bytes, id.data, id.len);
  user->id = (struct label){stoa_string_make(user->id_bytes, id.len), user};
  if (!add(&nicks->ids, &user->id)) {
    free(user);
    return NULL;
  }
  nicks->users++;
  return user;
}

static struct nicks_seat *make_seat(struct user *user) {
  struct nicks_seat *seat = calloc(1, sizeof *seat);
  if (seat != NULL) {
    seat->user = user;
    seat->version = atomic_load_explicit(&user->version, memory_order_relaxed) - 1;
  }
  return seat;
}

static void link_seat(struct nicks_seat *seat) {
  struct user *user = seat->user;
  seat->next = user->first_seat;
  if (seat->next != NULL) {
    seat->next->previous = seat;
  }
  user->first_seat = seat;
  user->seats++;
}

static void unlink_seat(struct nicks_seat *seat) {
  struct user *user = seat->user;
  assert(user->seats > 0);
  *(seat->previous == NULL ? &user->first_seat : &seat->previous->next) = seat->next;
  if (seat->next != NULL) {
    seat->next->previous = seat->previous;
  }
  user->seats--;
  assert((user->seats == 0) == (user->first_seat == NULL));
}

/* nick  NULL: the one that the user has */
static int sit_down(struct nicks *nicks, struct user *user, const struct nick *nick, struct nicks_seat **out_seat) {
  struct nicks_seat *seat = make_seat(user);
  int status = seat == NULL ? STOA_E_MEMORY : nick == NULL ? STOA_OK : set_name(nicks, user, nick);
  if (status != STOA_OK) {
    free(seat);
    return status;
  }
  assert(user->name != NULL);
  if (user->seats == 0 && (user->older != NULL || nicks->oldest == user)) {
    release(nicks, user);
  }
  link_seat(seat);
  *out_seat = seat;
  return STOA_OK;
}

static int enter(struct nicks *nicks, struct stoa_string user_id, const struct nick *nick,
                 struct nicks_seat **out_seat) {
  struct user *known = find(&nicks->ids, user_id);
  struct user *user = known != NULL ? known : make_user(nicks, user_id);
  if (user == NULL) {
    return STOA_E_MEMORY;
  }
  int status = sit_down(nicks, user, nick, out_seat);
  if (status != STOA_OK && known == NULL) {
    forget(nicks, user);
  }
  return status;
}

/* Guests. */

/* "guest-" and letters of RFC 4648's base32, which has neither 0 nor 1. */
static int make_guest_nick(const struct nick_rules *rules, size_t letters, struct nick *out_nick) {
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  struct stoa_uuid random;
  char text[sizeof "guest-" + GUEST_LETTERS_MAX] = "guest-";
  size_t len = sizeof "guest-" - 1;
  assert(letters <= GUEST_LETTERS_MAX && GUEST_LETTERS_MAX <= sizeof random.bytes);
  int status = stoa_uuid_make(&random);
  if (status != STOA_OK) {
    return status;
  }
  for (size_t i = 0; i < letters; i++) {
    /* A UUID fixes upper bits of its bytes 6 and 8, so these letters have fewer values. */
    text[len++] = alphabet[random.bytes[i] % 32];
  }
  enum nick_fault fault;
  status = nick_make(rules, stoa_string_make(text, len), out_nick, &fault);
  assert(status == STOA_OK || status == STOA_E_MEMORY);
  return status;
}

static int enter_guest(struct nicks *nicks, struct stoa_string user_id, struct nicks_seat **out_seat) {
  if (find(&nicks->ids, user_id) != NULL) {
    return enter(nicks, user_id, NULL, out_seat);
  }
  int status = STOA_E_EXISTS;
  for (size_t letters = GUEST_LETTERS_MIN; status == STOA_E_EXISTS && letters <= GUEST_LETTERS_MAX; letters += 4) {
    for (int i = 0; status == STOA_E_EXISTS && i < GUEST_TRIES; i++) {
      struct nick nick;
      status = make_guest_nick(nicks->rules, letters, &nick);
      status = status == STOA_OK ? enter(nicks, user_id, &nick, out_seat) : status;
    }
  }
  return status;
}

/* The registry. */

struct nicks *nicks_create(const struct nick_rules *rules, uint32_t hold_ms) {
  struct nicks *nicks = calloc(1, sizeof *nicks);
  if (nicks == NULL) {
    return NULL;
  }
  if (pthread_mutex_init(&nicks->mutex, NULL) != 0) {
    free(nicks);
    return NULL;
  }
  nicks->rules = rules;
  nicks->hold_ms = hold_ms;
  return nicks;
}

void nicks_destroy(struct nicks *nicks) {
  if (nicks == NULL) {
    return;
  }
  while (nicks->oldest != NULL) {
    struct user *user = nicks->oldest;
    release(nicks, user);
    forget(nicks, user);
  }
  assert(nicks->users == 0 && nicks->held == 0);
  pthread_mutex_destroy(&nicks->mutex);
  free(nicks);
}

int nicks_enter(struct nicks *nicks, struct stoa_string user_id, const struct nick *nick, int64_t now_ms,
                struct nicks_seat **out_seat) {
  pthread_mutex_lock(&nicks->mutex);
  expire(nicks, now_ms);
  int status = enter(nicks, user_id, nick, out_seat);
  pthread_mutex_unlock(&nicks->mutex);
  return status;
}

int nicks_enter_guest(struct nicks *nicks, struct stoa_string user_id, int64_t now_ms, struct nicks_seat **out_seat) {
  pthread_mutex_lock(&nicks->mutex);
  expire(nicks, now_ms);
  int status = enter_guest(nicks, user_id, out_seat);
  pthread_mutex_unlock(&nicks->mutex);
  return status;
}

int nicks_change(struct nicks *nicks, struct nicks_seat *seat, const struct nick *nick, int64_t now_ms) {
  pthread_mutex_lock(&nicks->mutex);
  expire(nicks, now_ms);
  int status = set_name(nicks, seat->user, nick);
  pthread_mutex_unlock(&nicks->mutex);
  return status;
}

void nicks_leave(struct nicks *nicks, struct nicks_seat *seat, int64_t now_ms) {
  if (seat == NULL) {
    return;
  }
  pthread_mutex_lock(&nicks->mutex);
  struct user *user = seat->user;
  unlink_seat(seat);
  if (user->seats == 0) {
    hold(nicks, user, now_ms);
  }
  expire(nicks, now_ms);
  pthread_mutex_unlock(&nicks->mutex);
  free(seat);
}

struct stoa_string nicks_text(struct nicks *nicks, struct nicks_seat *seat) {
  if (seat->version != atomic_load_explicit(&seat->user->version, memory_order_acquire)) {
    pthread_mutex_lock(&nicks->mutex);
    const struct stoa_string shown = seat->user->name->shown;
    assert(shown.len <= sizeof seat->text);
    memcpy(seat->text, shown.data, shown.len);
    seat->len = shown.len;
    seat->version = atomic_load_explicit(&seat->user->version, memory_order_relaxed);
    pthread_mutex_unlock(&nicks->mutex);
  }
  return stoa_string_make(seat->text, seat->len);
}

void nicks_set_session(struct nicks *nicks, struct nicks_seat *seat, const struct stoa_uuid *session_id) {
  pthread_mutex_lock(&nicks->mutex);
  assert(!seat->has_session);
  seat->session_id = *session_id;
  seat->has_session = true;
  pthread_mutex_unlock(&nicks->mutex);
}

static int copy_sessions(const struct user *user, struct stoa_uuid **out_ids, size_t *out_count) {
  struct stoa_uuid *ids = calloc(user->seats, sizeof *ids);
  size_t count = 0;
  if (ids == NULL) {
    return STOA_E_MEMORY;
  }
  for (const struct nicks_seat *seat = user->first_seat; seat != NULL; seat = seat->next) {
    if (seat->has_session) {
      ids[count++] = seat->session_id;
    }
  }
  *out_ids = ids;
  *out_count = count;
  return STOA_OK;
}

int nicks_sessions(struct nicks *nicks, struct stoa_string user_id, struct stoa_uuid **out_ids, size_t *out_count) {
  pthread_mutex_lock(&nicks->mutex);
  const struct user *user = find(&nicks->ids, user_id);
  int status = STOA_OK;
  if (user == NULL || user->seats == 0) {
    *out_ids = NULL;
    *out_count = 0;
  } else {
    status = copy_sessions(user, out_ids, out_count);
  }
  pthread_mutex_unlock(&nicks->mutex);
  return status;
}

size_t nicks_user_count(struct nicks *nicks) {
  pthread_mutex_lock(&nicks->mutex);
  size_t count = nicks->users - nicks->held;
  pthread_mutex_unlock(&nicks->mutex);
  return count;
}

size_t nicks_held_count(struct nicks *nicks) {
  pthread_mutex_lock(&nicks->mutex);
  size_t count = nicks->held;
  pthread_mutex_unlock(&nicks->mutex);
  return count;
}
