/* Bookmarks: each rpc is a call over WebSocket and an HTTP route, with one handler and the same errors.
 *
 *   curl -X POST -H 'Content-Type: application/json' -d '{"name":"c","url":"https://c.example"}' HOST/v1/bookmarks
 *   curl HOST/v1/bookmarks/c
 */
#include "bookmarks.stoa.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <stoa/app.h>
#include <stoa/call.h>
#include <stoa/error.stoa.h>
#include <stoa/errors.h>
#include <stoa/worker.h>

#define BOOKMARKS_MAX 16
#define CHECK_MS 20

/* A bookmark as it came, in memory of its own. */
struct kept {
  struct stoa_arena *arena;
  struct bookmarks_v1_bookmark bookmark;
};

/* Handlers of several workers use it. */
static struct {
  pthread_mutex_t mutex;
  struct kept items[BOOKMARKS_MAX];
  size_t count;
} store = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const struct stoa_error memory = {.code = STOA_ERROR_INTERNAL, .reason = STOA_STR("MEMORY")};
static const struct stoa_error full = {.code = 1001,
                                       .reason = STOA_STR("FULL"),
                                       .message = STOA_STR("remove a bookmark first"),
                                       .temporary = true,
                                       .retry_ms = 1000};

static const struct stoa_error *not_found(struct stoa_session *session, struct stoa_string name) {
  return stoa_error_not_found(session, "NO_BOOKMARK", "there is no bookmark \"%.*s\"", (int)name.len, name.data);
}

/* A copy in that arena. False when its memory is out. */
static bool copy(struct stoa_arena *arena, const struct bookmarks_v1_bookmark *from, struct bookmarks_v1_bookmark *to) {
  struct stoa_string *tags = stoa_arena_calloc(arena, (from->tags.count + 1) * sizeof *tags);
  *to = (struct bookmarks_v1_bookmark){.name = stoa_arena_copy(arena, from->name),
                                       .url = stoa_arena_copy(arena, from->url)};
  bool is_good = tags != NULL && to->name.data != NULL && to->url.data != NULL;
  for (size_t i = 0; i < from->tags.count && is_good; i++) {
    tags[i] = stoa_arena_copy(arena, from->tags.items[i]);
    is_good = tags[i].data != NULL;
  }
  to->tags.items = tags;
  to->tags.count = from->tags.count;
  return is_good;
}

/* With the mutex. NULL: there is none. */
static struct kept *find(struct stoa_string name) {
  for (size_t i = 0; i < store.count; i++) {
    if (stoa_string_equal(store.items[i].bookmark.name, name)) {
      return &store.items[i];
    }
  }
  return NULL;
}

static const struct stoa_error *add(struct stoa_session *session, const struct bookmarks_v1_bookmark *bookmark) {
  struct kept *next = &store.items[store.count];
  if (find(bookmark->name) != NULL) {
    return stoa_error_conflict(session, "EXISTS", "there is a bookmark \"%.*s\" already", (int)bookmark->name.len,
                               bookmark->name.data);
  }
  if (store.count == BOOKMARKS_MAX) {
    return &full;
  }
  next->arena = stoa_arena_create(64 * 1024);
  if (next->arena == NULL || !copy(next->arena, bookmark, &next->bookmark)) {
    stoa_arena_destroy(next->arena);
    return &memory;
  }
  store.count++;
  return NULL;
}

static const struct stoa_error *on_add(void *user, struct stoa_session *session,
                                       const struct bookmarks_v1_add_request *request,
                                       struct bookmarks_v1_bookmark *reply) {
  (void)user;
  pthread_mutex_lock(&store.mutex);
  const struct stoa_error *error = add(session, request->bookmark);
  pthread_mutex_unlock(&store.mutex);
  *reply = *request->bookmark;
  return error;
}

static const struct stoa_error *get(struct stoa_session *session, struct stoa_string name, bool is_removed,
                                    struct bookmarks_v1_bookmark *reply) {
  struct kept *kept = find(name);
  if (kept == NULL) {
    return not_found(session, name);
  }
  if (!copy(stoa_session_arena(session), &kept->bookmark, reply)) {
    return &memory;
  }
  if (is_removed) {
    stoa_arena_destroy(kept->arena);
    *kept = store.items[--store.count];
  }
  return NULL;
}

static const struct stoa_error *on_get(void *user, struct stoa_session *session,
                                       const struct bookmarks_v1_get_request *request,
                                       struct bookmarks_v1_bookmark *reply) {
  (void)user;
  pthread_mutex_lock(&store.mutex);
  const struct stoa_error *error = get(session, request->name, false, reply);
  pthread_mutex_unlock(&store.mutex);
  return error;
}

static const struct stoa_error *on_remove(void *user, struct stoa_session *session,
                                          const struct bookmarks_v1_get_request *request,
                                          struct bookmarks_v1_bookmark *reply) {
  (void)user;
  pthread_mutex_lock(&store.mutex);
  const struct stoa_error *error = get(session, request->name, true, reply);
  pthread_mutex_unlock(&store.mutex);
  return error;
}

static bool has_tag(const struct bookmarks_v1_bookmark *bookmark, struct stoa_string tag) {
  for (size_t i = 0; i < bookmark->tags.count; i++) {
    if (stoa_string_equal(bookmark->tags.items[i], tag)) {
      return true;
    }
  }
  return tag.len == 0;
}

static const struct stoa_error *on_list(void *user, struct stoa_session *session,
                                        const struct bookmarks_v1_list_request *request,
                                        struct bookmarks_v1_list_reply *reply) {
  struct stoa_arena *arena = stoa_session_arena(session);
  struct bookmarks_v1_bookmark *items = stoa_arena_calloc(arena, BOOKMARKS_MAX * sizeof *items);
  bool is_good = items != NULL;
  size_t count = 0;
  (void)user;
  pthread_mutex_lock(&store.mutex);
  for (size_t i = 0; i < store.count && is_good; i++) {
    if (has_tag(&store.items[i].bookmark, request->tag)) {
      is_good = copy(arena, &store.items[i].bookmark, &items[count++]);
    }
  }
  pthread_mutex_unlock(&store.mutex);
  reply->bookmarks.items = items;
  reply->bookmarks.count = count;
  return is_good ? NULL : &memory;
}

/* A check whose result comes later: here a timer stands for a request to the bookmark's page. */
struct check {
  struct stoa_worker_timer timer; /* first */
  struct stoa_call *call;
  char name[41];
};

static void on_checked(struct stoa_worker_timer *timer, int status) {
  struct check *check = (struct check *)timer;
  const struct bookmarks_v1_check_reply reply = {.name = stoa_string_of(check->name), .is_there = true};
  if (status == STOA_OK) {
    (void)bookmarks_v1_bookmark_service_check_reply(check->call, &reply); /* nobody may wait any more */
  } else {
    stoa_call_drop(check->call);
  }
  free(check);
}

static const struct stoa_error *on_check(void *user, struct stoa_session *session,
                                         const struct bookmarks_v1_get_request *request,
                                         struct bookmarks_v1_check_reply *reply) {
  (void)user;
  (void)reply;
  pthread_mutex_lock(&store.mutex);
  bool is_known = find(request->name) != NULL;
  pthread_mutex_unlock(&store.mutex);
  if (!is_known) {
    return not_found(session, request->name);
  }
  struct check *check = calloc(1, sizeof *check);
  if (check == NULL || stoa_call_take(session, &check->call) != STOA_OK) {
    free(check);
    return &memory;
  }
  memcpy(check->name, request->name.data, request->name.len); /* no longer than a name in the store */
  check->timer.on_due = on_checked;
  if (stoa_worker_timer_start(stoa_session_server(session), &check->timer, CHECK_MS) != STOA_OK) {
    stoa_call_drop(check->call);
    free(check);
  }
  return STOA_LATER;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct bookmarks_v1_bookmark_service_handlers handlers = {
      .add = on_add, .get = on_get, .list = on_list, .remove = on_remove, .check = on_check};
  (void)config;
  (void)user;
  return bookmarks_v1_bookmark_service_register(server, &handlers, NULL);
}

int main(int argc, char **argv) {
  int status = stoa_app_run(&(struct stoa_app){.name = "bookmarks", .setup = setup}, argc, argv);
  while (store.count > 0) {
    stoa_arena_destroy(store.items[--store.count].arena);
  }
  return status;
}
