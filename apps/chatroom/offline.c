#include "offline.h"

#include "stamps.h"
#include "storage.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <stoa/worker.h>
#include <time.h>

#define PROGRESS_NS 200000000

struct offline {
  struct chatroom chatroom;
  struct stoa_server *server;
  bool is_started;
  pthread_mutex_t mutex;
  pthread_cond_t ended;
  bool has_ended; /* this and status are guarded by the mutex */
  int status;
  offline_function *function; /* of the current run */
  void *context;
};

const struct chatroom *offline_chatroom(const struct offline *offline) {
  return &offline->chatroom;
}

struct stoa_server *offline_server(const struct offline *offline) {
  return offline->server;
}

static int create_server(struct stoa_server **out_server) {
  const struct stoa_string address = stoa_string_of("127.0.0.1:0");
  struct stoa_server_config config = {.workers = 1};
  config.addresses.items = &address;
  config.addresses.count = 1;
  return stoa_server_create(&config, out_server);
}

static int open_rooms(struct offline *offline, const struct chatroom_v1_config *config, const char *path) {
  struct storage_options options;
  storage_options_of(config, &options);
  if (path != NULL) {
    options.local.path = stoa_string_of(path);
  }
  const char *folder = path == NULL ? options.data_dir : NULL;
  int status = stoa_rooms_create(offline->server, &options.rooms, folder, NULL, &offline->chatroom.rooms);
  return status == STOA_OK ? stamps_add_types(offline->chatroom.rooms) : status;
}

int offline_open(const struct chatroom_v1_config *config, const char *path, struct offline **out_offline) {
  struct offline *offline = calloc(1, sizeof *offline);
  if (offline == NULL) {
    return STOA_E_MEMORY;
  }
  pthread_mutex_init(&offline->mutex, NULL);
  pthread_cond_init(&offline->ended, NULL);
  int status = create_server(&offline->server);
  status = status == STOA_OK ? open_rooms(offline, config, path) : status;
  status = status == STOA_OK ? stoa_server_start(offline->server) : status;
  if (status != STOA_OK) {
    offline_close(offline);
    return status;
  }
  offline->is_started = true;
  *out_offline = offline;
  return STOA_OK;
}

void offline_close(struct offline *offline) {
  if (offline == NULL) {
    return;
  }
  if (offline->is_started) {
    stoa_server_abort(offline->server);
    stoa_server_wait(offline->server);
  }
  stoa_server_destroy(offline->server);
  stoa_rooms_destroy(offline->chatroom.rooms);
  pthread_cond_destroy(&offline->ended);
  pthread_mutex_destroy(&offline->mutex);
  free(offline);
}

void offline_end(struct offline *offline, int status) {
  pthread_mutex_lock(&offline->mutex);
  offline->has_ended = true;
  offline->status = status;
  pthread_cond_signal(&offline->ended);
  pthread_mutex_unlock(&offline->mutex);
}

static void on_worker(void *context, int status) {
  struct offline *offline = context;
  if (status == STOA_OK) {
    offline->function(offline, offline->context);
  } else {
    offline_end(offline, status);
  }
}

/* False: not yet. */
static bool wait_a_moment(struct offline *offline) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += PROGRESS_NS;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&offline->mutex);
  while (!offline->has_ended && pthread_cond_timedwait(&offline->ended, &offline->mutex, &until) != ETIMEDOUT) {
  }
  bool has_ended = offline->has_ended;
  pthread_mutex_unlock(&offline->mutex);
  return has_ended;
}

int offline_run(struct offline *offline, offline_function *function, void *context,
                void (*progress)(const void *context)) {
  offline->function = function;
  offline->context = context;
  offline->has_ended = false;
  int status = stoa_worker_run(offline->server, 0, on_worker, offline);
  if (status != STOA_OK) {
    return status;
  }
  while (!wait_a_moment(offline)) {
    if (progress != NULL) {
      progress(context);
    }
  }
  return offline->status;
}
