#include "app_stage.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/log_clock.h"
#include "base/sys.h"

#include <stoa/log.h>

#define SETTINGS_MAX 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char logged[256 * 1024];
static size_t logged_len;
static char trace[4096];
static bool gate_is_open;

static void append(char *to, size_t size, size_t *len, const char *text, size_t text_len) {
  if (text_len < size - *len) {
    memcpy(to + *len, text, text_len);
    *len += text_len;
    to[*len] = '\0';
  }
}

static void on_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  (void)context, (void)level;
  pthread_mutex_lock(&lock);
  append(logged, sizeof logged, &logged_len, line.data, line.len);
  append(logged, sizeof logged, &logged_len, "\n", 1);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

/* A call site may log ten lines a second, and a test starts many programs: each has a second of its own. */
static void set_log_time(void) {
  static struct stoa_clock_fake now = {.wall_us = INT64_C(1800000000000000)};
  static struct stoa_clock clock;
  now.wall_us += 2000000;
  now.monotonic_ns += UINT64_C(2000000000);
  clock = stoa_clock_fake_init(&now);
  stoa_log_use_clock(&clock);
}

int stage_begin(void **state) {
  (void)state;
  set_log_time();
  memset(logged, 0, sizeof logged);
  logged_len = 0;
  memset(trace, 0, sizeof trace);
  gate_is_open = false;
  stoa_log_set_sink(on_line, NULL);
  return 0;
}

int stage_end(void **state) {
  (void)state;
  stoa_log_set_sink(NULL, NULL);
  stoa_log_use_clock(&stoa_clock_system);
  stoa_sys = stoa_sys_real;
  return 0;
}

int stage_run(const struct stoa_app *app, const char *const *settings) {
  /* Programs of several tests may run at once. */
  char *argv[3 + 2 * SETTINGS_MAX + 1] = {strdup(app->name), strdup("--set"), strdup("server.admin.address=off")};
  int argc = 3;
  for (size_t i = 0; settings[i] != NULL; i++) {
    assert_true(i < SETTINGS_MAX);
    argv[argc++] = strdup("--set");
    argv[argc++] = strdup(settings[i]);
  }
  int exit_status = stoa_app_run(app, argc, argv);
  for (int i = 0; i < argc; i++) {
    free(argv[i]);
  }
  return exit_status;
}

void stage_note(const char *word) {
  pthread_mutex_lock(&lock);
  size_t len = strlen(trace);
  snprintf(trace + len, sizeof trace - len, "%s%s", len == 0 ? "" : " ", word);
  pthread_mutex_unlock(&lock);
}

const char *stage_trace(void) {
  return trace;
}

bool stage_log_has(const char *text) {
  pthread_mutex_lock(&lock);
  bool found = strstr(logged, text) != NULL;
  pthread_mutex_unlock(&lock);
  return found;
}

size_t stage_log_count(const char *text) {
  size_t count = 0;
  pthread_mutex_lock(&lock);
  for (const char *at = strstr(logged, text); at != NULL; at = strstr(at + 1, text)) {
    count++;
  }
  pthread_mutex_unlock(&lock);
  return count;
}

static struct timespec deadline(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += STAGE_DEADLINE_S;
  return until;
}

void stage_await_log(const char *text) {
  const struct timespec until = deadline();
  int result = 0;
  pthread_mutex_lock(&lock);
  while (strstr(logged, text) == NULL && result == 0) {
    result = pthread_cond_timedwait(&changed, &lock, &until);
  }
  if (result != 0) {
    fprintf(stderr, "waited in vain for \"%s\" in:\n%s", text, logged);
    abort();
  }
  pthread_mutex_unlock(&lock);
}

void stage_gate_open(void) {
  pthread_mutex_lock(&lock);
  gate_is_open = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

void stage_gate_wait(void) {
  const struct timespec until = deadline();
  int result = 0;
  pthread_mutex_lock(&lock);
  while (!gate_is_open && result == 0) {
    result = pthread_cond_timedwait(&changed, &lock, &until);
  }
  if (result != 0) {
    abort();
  }
  pthread_mutex_unlock(&lock);
}
