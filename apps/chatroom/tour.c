#include "tour.h"

static void on_worker(void *context, int status) {
  struct tour *tour = context;
  if (status == STOA_OK) {
    status = stoa_worker_each_session(tour->server, tour->visit, tour);
  }
  tour->next++;
  if (status == STOA_OK && tour->next < stoa_worker_count(tour->server)) {
    status = stoa_worker_run(tour->server, tour->next, on_worker, tour);
    if (status == STOA_OK) {
      return;
    }
  }
  tour->on_end(tour, status);
}

int tour_begin(struct tour *tour) {
  tour->next = 0;
  return stoa_worker_run(tour->server, 0, on_worker, tour);
}
