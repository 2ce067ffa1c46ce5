#include "server/worker/core.h"

static _Thread_local struct stoa_worker *current;

struct stoa_worker *stoa_worker_current(void) {
  return current;
}

void stoa_worker_enter(struct stoa_worker *worker) {
  current = worker;
}
