#include "death.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOLD_BYTES 3000u

static char repeat[128];
static bool has_handler;
static const struct trace *running; /* NULL: no run */

/* Weak: only a build with a sanitizer has it. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void tell(const char *text, size_t len) {
  ssize_t ignored = write(STDERR_FILENO, text, len);
  (void)ignored;
}

static void tell_run(void) {
  size_t len = running == NULL ? 0 : running->len;
  size_t from = len > TOLD_BYTES ? len - TOLD_BYTES : 0;
  if (len > 0) {
    tell(running->text + from, len - from);
  }
  tell(repeat, strlen(repeat));
}

/* A failed assert of the program ends the process, or the test. */
static void tell_at_exit(void) {
  if (running != NULL) {
    tell_run();
  }
}

static void on_abort(int signal_number) {
  tell_run();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void call_back(void (*callback)(void)) {
  if (__sanitizer_set_death_callback != NULL) {
    __sanitizer_set_death_callback(callback);
  }
}

void death_watch(const struct trace *trace, const char *command) {
  snprintf(repeat, sizeof repeat, "# to repeat: ./dev simulate %s\n", command);
  if (!has_handler) {
    has_handler = atexit(tell_at_exit) == 0;
  }
  running = trace;
  signal(SIGABRT, on_abort);
  call_back(tell_run);
}

void death_forget(void) {
  signal(SIGABRT, SIG_DFL);
  call_back(NULL);
  running = NULL;
}
