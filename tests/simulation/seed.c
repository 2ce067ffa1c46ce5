#include "seed.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAIL_BYTES 3000u

static char command[128];

/* Weak: only a build with a sanitizer has it. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void tell_command(void) {
  ssize_t ignored = write(STDERR_FILENO, command, strlen(command));
  (void)ignored;
}

static void on_abort(int signal_number) {
  tell_command();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void seed_run(struct world *world, uint64_t seed, unsigned turns) {
  snprintf(command, sizeof command, "# to repeat: ./dev simulate %llu %u\n", (unsigned long long)seed, turns);
  signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback != NULL) {
    __sanitizer_set_death_callback(tell_command);
  }
  world_run(world, seed, turns);
  signal(SIGABRT, SIG_DFL);
  if (__sanitizer_set_death_callback != NULL) {
    __sanitizer_set_death_callback(NULL);
  }
}

void seed_report(const struct world *world) {
  const struct trace *trace = &world->trace;
  size_t from = trace->len > TAIL_BYTES ? trace->len - TAIL_BYTES : 0;
  fprintf(stderr, "%s\nseed %llu: %s\n%s", trace->text + from, (unsigned long long)world->seed, trace->failure,
          command);
}
