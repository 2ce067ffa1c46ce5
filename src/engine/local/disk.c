#include "engine/local/disk.h"

#include "base/sys.h"

#include <stdio.h>

#define SAMPLE_NS STOA_NS_PER_S
/* While nothing else wakes the thread. */
#define SAMPLE_IDLE_NS (UINT64_C(10) * STOA_NS_PER_S)
#define WAL_SUFFIX "-wal"

static struct stoa_metric_shard *shard(const struct stoa_local *local) {
  return stoa_metrics_shard(local->engine.metrics, STOA_LOCAL_WRITER_SHARD);
}

static void set(const struct stoa_local *local, enum stoa_engine_metric metric, uint64_t value) {
  stoa_metric_cell_set(stoa_metric_cell_of(shard(local), metric, 0), value);
}

bool stoa_disk_free_bytes(const struct stoa_local *local, uint64_t *out_bytes) {
  struct statvfs disk;
  if (local->vfs != NULL || stoa_sys.statvfs(local->path, &disk) != 0) {
    return false;
  }
  *out_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
  return true;
}

static uint64_t len_of(const char *path) {
  struct stat info;
  return stoa_sys.stat(path, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

void stoa_disk_sample(struct stoa_local *local) {
  char wal[STOA_ENGINE_PATH_LEN_MAX + sizeof WAL_SUFFIX];
  uint64_t now_ns = stoa_local_now_ns(local);
  uint64_t free_bytes;
  if (local->vfs != NULL || (local->sampled_ns != 0 && now_ns - local->sampled_ns < SAMPLE_NS)) {
    return;
  }
  local->sampled_ns = now_ns;
  snprintf(wal, sizeof wal, "%s" WAL_SUFFIX, local->path);
  set(local, STOA_EM_DATABASE_BYTES, len_of(local->path));
  set(local, STOA_EM_WAL_BYTES, len_of(wal));
  if (stoa_disk_free_bytes(local, &free_bytes)) {
    set(local, STOA_EM_FREE_BYTES, free_bytes);
  }
}

uint64_t stoa_disk_due_ns(const struct stoa_local *local) {
  return local->vfs != NULL || local->options.is_stepped ? UINT64_MAX : local->sampled_ns + SAMPLE_IDLE_NS;
}
