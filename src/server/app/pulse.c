#include "server/app/pulse.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/server_private.h"

#include <assert.h>

struct stoa_pulse_probe {
  struct stoa_post post;
  struct stoa_loop *loop;
  struct stoa_pulse_stuck place;
  atomic_bool waits; /* in the mailbox */
};

static void on_run(struct stoa_post *post) {
  struct stoa_pulse_probe *probe = stoa_container_of(post, struct stoa_pulse_probe, post);
  atomic_store(&probe->waits, false);
}

static void send_out(struct stoa_pulse_probe *probe) {
  assert(!atomic_load(&probe->waits));
  atomic_store(&probe->waits, true);
  probe->post.run = on_run;
  stoa_loop_post(probe->loop, &probe->post);
}

static uint32_t count_workers(struct stoa_server *const *servers, size_t count) {
  uint32_t workers = 0;
  for (size_t i = 0; i < count; i++) {
    workers += servers[i]->worker_count;
  }
  return workers;
}

int stoa_pulse_begin(struct stoa_pulse *out_pulse, struct stoa_server *const *servers, size_t count) {
  struct stoa_pulse pulse = {.count = count_workers(servers, count)};
  uint32_t at = 0;
  assert(pulse.count > 0);
  pulse.probes = stoa_calloc(pulse.count, sizeof *pulse.probes);
  if (pulse.probes == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t j = 0; j < servers[i]->worker_count; j++) {
      struct stoa_pulse_probe *probe = &pulse.probes[at++];
      probe->loop = servers[i]->workers[j].loop;
      probe->place = (struct stoa_pulse_stuck){.server = i, .worker = j};
      send_out(probe);
    }
  }
  *out_pulse = pulse;
  return STOA_OK;
}

bool stoa_pulse_beat(struct stoa_pulse *pulse, struct stoa_pulse_stuck *out_stuck) {
  bool all_ran = true;
  for (uint32_t i = 0; i < pulse->count; i++) {
    struct stoa_pulse_probe *probe = &pulse->probes[i];
    if (!atomic_load(&probe->waits)) {
      send_out(probe);
    } else if (all_ran) {
      all_ran = false;
      *out_stuck = probe->place;
    }
  }
  return all_ran;
}

void stoa_pulse_end(struct stoa_pulse *pulse) {
  stoa_free(pulse->probes);
  *pulse = (struct stoa_pulse){0};
}
