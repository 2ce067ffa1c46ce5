#include "observer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <time.h>

#define DEADLINE_S 60

/* Counts the callbacks of all observers, for a test that waits for one on another thread. */
static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  unsigned count;
} callbacks_run = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

/* After everything that the callback stored. */
static void count_callback(void) {
  pthread_mutex_lock(&callbacks_run.mutex);
  callbacks_run.count++;
  pthread_cond_broadcast(&callbacks_run.changed);
  pthread_mutex_unlock(&callbacks_run.mutex);
}

static unsigned callback_count(void) {
  pthread_mutex_lock(&callbacks_run.mutex);
  unsigned count = callbacks_run.count;
  pthread_mutex_unlock(&callbacks_run.mutex);
  return count;
}

/* Wait until more callbacks than `seen` have run. */
static void wait_for_callback(unsigned seen, time_t until) {
  const struct timespec deadline = {.tv_sec = until};
  int error = 0;
  pthread_mutex_lock(&callbacks_run.mutex);
  while (callbacks_run.count == seen && error == 0) {
    error = pthread_cond_timedwait(&callbacks_run.changed, &callbacks_run.mutex, &deadline);
  }
  pthread_mutex_unlock(&callbacks_run.mutex);
  assert_int_equal(error, 0);
}

static void copy(char *out, size_t size, struct stoa_string text) {
  snprintf(out, size, "%.*s", (int)text.len, text.data);
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct observer *observer = user;
  (void)client;
  atomic_store(&observer->status, (unsigned)change->status);
  atomic_store(&observer->close_code, change->close_code);
  atomic_store(&observer->retry_ms, change->retry_ms);
  atomic_store(&observer->state, (unsigned)change->state);
  count_callback();
}

static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct observer *observer = user;
  (void)client;
  (void)type;
  atomic_store(&observer->error_code, error->code);
  atomic_fetch_add(&observer->errors, 1);
  count_callback();
}

static void on_line(void *user, struct stoa_client *client, const struct sample_v1_line_message *line) {
  struct observer *observer = user;
  (void)client;
  copy(observer->line_text, sizeof observer->line_text, line->text);
  if (observer->on_line != NULL) {
    observer->on_line(observer, line);
  }
  atomic_fetch_add(&observer->lines, 1);
  count_callback();
}

static void on_answer(void *user, struct stoa_client *client, const struct sample_v1_ask_reply *reply,
                      const struct stoa_call_end *end) {
  struct observer *observer = user;
  (void)client;
  if (end->result == STOA_CALL_REPLY) {
    copy(observer->answer, sizeof observer->answer, reply->answer);
    atomic_fetch_add(&observer->answers, 1);
  } else if (end->result == STOA_CALL_ERROR) {
    atomic_store(&observer->error_code, end->error->code);
    atomic_fetch_add(&observer->errors, 1);
  } else if (end->result == STOA_CALL_LOST) {
    atomic_fetch_add(&observer->lost, 1);
  }
  count_callback();
}

int observer_try_open(struct observer *observer, const struct stoa_client_options *options) {
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .on_error = on_error, .user = observer};
  const struct sample_v1_sample_client_handlers handlers = {.line = on_line};
  int status = stoa_client_create(options, &callbacks, &observer->client);
  if (status == STOA_OK) {
    status = sample_v1_sample_client_register(observer->client, &handlers, observer);
  }
  return status == STOA_OK ? stoa_client_open(observer->client) : status;
}

void observer_open(struct observer *observer, const struct stoa_client_options *options, bool own_thread) {
  assert_int_equal(observer_try_open(observer, options), STOA_OK);
  observer->has_thread = own_thread;
  if (own_thread) {
    assert_int_equal(stoa_client_start_thread(observer->client), STOA_OK);
    assert_int_equal(stoa_client_start_thread(observer->client), STOA_E_EXISTS);
  }
  observer_await_state(observer, STOA_CLIENT_OPEN);
}

void observer_close(struct observer *observer) {
  stoa_client_destroy(observer->client);
  observer->client = NULL;
}

/* Let something happen after the callbacks that were `seen`: a turn, the way a program with a poll loop of its own
 * takes it, or whatever the client's thread does next. */
static void turn(struct observer *observer, unsigned seen, time_t until) {
  assert_true(time(NULL) <= until);
  if (observer->has_thread) {
    wait_for_callback(seen, until);
    return;
  }
  struct pollfd fd = {stoa_client_fd(observer->client), POLLIN, 0};
  int wait_ms = stoa_client_wait_ms(observer->client);
  poll(&fd, 1, wait_ms < 0 || wait_ms > 1000 ? 1000 : wait_ms);
  stoa_client_step(observer->client, 0);
}

/* The count of callbacks is read before the value that they change, so that no change is missed. */
void observer_await(struct observer *observer, const atomic_uint *count, unsigned value) {
  time_t until = time(NULL) + DEADLINE_S;
  unsigned seen = callback_count();
  while (atomic_load(count) < value) {
    turn(observer, seen, until);
    seen = callback_count();
  }
}

void observer_await_state(struct observer *observer, enum stoa_client_state state) {
  time_t until = time(NULL) + DEADLINE_S;
  unsigned seen = callback_count();
  while (atomic_load(&observer->state) != (unsigned)state) {
    turn(observer, seen, until);
    seen = callback_count();
  }
}

int observer_send_line(struct observer *observer, const char *from, uint32_t number, const char *text) {
  const struct sample_v1_line_message line = {
      .from = stoa_string_of(from), .number = number, .text = stoa_string_of(text)};
  return sample_v1_client_send_line(observer->client, &line);
}

int observer_ask(struct observer *observer, const char *question) {
  const struct sample_v1_ask_request request = {.question = stoa_string_of(question)};
  return sample_v1_sample_client_call_ask(observer->client, &request, 0, on_answer, observer, NULL);
}
