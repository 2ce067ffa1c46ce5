/* Two calls that are answered later: one by a timer on the session's worker, one by a thread that computes. */
#include "later.stoa.h"

#include <pthread.h>
#include <stdlib.h>
#include <stoa/app.h>
#include <stoa/call.h>
#include <stoa/error.stoa.h>
#include <stoa/worker.h>

#define JOBS_MAX 64
#define FACTORS_MAX 64

static const struct stoa_error busy = {.code = STOA_ERROR_UNAVAILABLE,
                                       .reason = STOA_STR("BUSY"),
                                       .message = STOA_STR("try again later"),
                                       .temporary = true};

/* A timer answers. The request is freed when the handler returns, so its text is copied. */
struct reminder {
  struct stoa_worker_timer timer; /* first */
  struct stoa_call *call;
  size_t len;
  char text[];
};

static void on_due(struct stoa_worker_timer *timer, int status) {
  struct reminder *reminder = (struct reminder *)timer;
  if (status == STOA_OK) {
    const struct later_v1_remind_reply reply = {.text = stoa_string_make(reminder->text, reminder->len)};
    /* If the session has ended meanwhile, the reply is not sent. */
    (void)later_v1_later_service_remind_reply(reminder->call, &reply);
  } else {
    stoa_call_drop(reminder->call); /* the server ends */
  }
  free(reminder);
}

static const struct stoa_error *on_remind(void *user, struct stoa_session *session,
                                          const struct later_v1_remind_request *request,
                                          struct later_v1_remind_reply *reply) {
  (void)user;
  (void)reply;
  struct reminder *reminder = calloc(1, sizeof *reminder + request->text.len);
  if (reminder == NULL || stoa_call_take(session, &reminder->call) != STOA_OK) {
    free(reminder);
    return &busy;
  }
  reminder->len = request->text.len;
  if (reminder->len > 0) {
    memcpy(reminder->text, request->text.data, reminder->len);
  }
  reminder->timer.on_due = on_due;
  if (stoa_worker_timer_start(stoa_session_server(session), &reminder->timer, request->delay_ms) != STOA_OK) {
    stoa_call_drop(reminder->call);
    free(reminder);
  }
  return STOA_LATER;
}

/* A thread answers: jobs wait in a ring of limited size, as every queue must. */
struct job {
  struct stoa_call *call;
  uint64_t number;
};

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct job jobs[JOBS_MAX];
  unsigned first, count;
  bool ending;
  pthread_t thread;
} computer = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool add_job(struct stoa_call *call, uint64_t number) {
  pthread_mutex_lock(&computer.mutex);
  bool has_room = computer.count < JOBS_MAX;
  if (has_room) {
    computer.jobs[(computer.first + computer.count++) % JOBS_MAX] = (struct job){call, number};
    pthread_cond_signal(&computer.changed);
  }
  pthread_mutex_unlock(&computer.mutex);
  return has_room;
}

/* Returns false when the program ends and no job is left. */
static bool next_job(struct job *out_job) {
  pthread_mutex_lock(&computer.mutex);
  while (computer.count == 0 && !computer.ending) {
    pthread_cond_wait(&computer.changed, &computer.mutex);
  }
  bool found = computer.count > 0;
  if (found) {
    *out_job = computer.jobs[computer.first];
    computer.first = (computer.first + 1) % JOBS_MAX;
    computer.count--;
  }
  pthread_mutex_unlock(&computer.mutex);
  return found;
}

static void answer(const struct job *job) {
  uint64_t factors[FACTORS_MAX];
  size_t count = 0;
  uint64_t rest = job->number;
  for (uint64_t factor = 2; factor <= rest / factor; factor++) {
    for (; rest % factor == 0; rest /= factor) {
      factors[count++] = factor;
    }
    /* The client does not wait any more: the call has timed out, or its session has ended. */
    if ((factor & 0xffff) == 0 && !stoa_call_waits(job->call)) {
      break;
    }
  }
  if (rest > 1) {
    factors[count++] = rest;
  }
  const struct later_v1_factor_reply reply = {.factors = {factors, count}};
  (void)later_v1_later_service_factor_reply(job->call, &reply);
}

static void *compute(void *context) {
  struct job job;
  (void)context;
  while (next_job(&job)) {
    answer(&job);
  }
  return NULL;
}

static const struct stoa_error *on_factor(void *user, struct stoa_session *session,
                                          const struct later_v1_factor_request *request,
                                          struct later_v1_factor_reply *reply) {
  struct stoa_call *call;
  (void)user;
  (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return &busy;
  }
  if (!add_job(call, request->number)) {
    (void)later_v1_later_service_factor_fail(call, &busy);
  }
  return STOA_LATER;
}

/* The thread lives as long as the first worker. */
static int on_worker_start(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)server;
  if (worker > 0) {
    return STOA_OK;
  }
  return pthread_create(&computer.thread, NULL, compute, NULL) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static void on_worker_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)server;
  if (worker == 0) {
    pthread_mutex_lock(&computer.mutex);
    computer.ending = true;
    pthread_cond_signal(&computer.changed);
    pthread_mutex_unlock(&computer.mutex);
    pthread_join(computer.thread, NULL);
  }
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct later_v1_later_service_handlers handlers = {.remind = on_remind, .factor = on_factor};
  static const struct stoa_callbacks callbacks = {.on_worker_start = on_worker_start, .on_worker_stop = on_worker_stop};
  (void)config;
  stoa_server_set_callbacks(server, &callbacks);
  return later_v1_later_service_register(server, &handlers, user);
}

int main(int argc, char **argv) {
  const struct stoa_app app = {
      .name = "later", .about = "Answers calls later: one with a timer, one with a thread.", .setup = setup};
  return stoa_app_run(&app, argc, argv);
}
