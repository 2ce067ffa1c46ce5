#include "bench_process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool unreadable(const char *path) {
  fprintf(stderr, "stoa bench: ");
  perror(path);
  return false;
}

/* A thread that has ended since its folder was listed has no time; this is not an error. */
static void add_thread_cpu(const char *tasks, const char *name, uint64_t *total_ns) {
  char path[320];
  snprintf(path, sizeof path, "%s/%s/schedstat", tasks, name);
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    return;
  }
  char line[96];
  if (fgets(line, sizeof line, file) != NULL) {
    *total_ns += strtoull(line, NULL, 10); /* time on a processor, time in the queue, turns */
  }
  fclose(file);
}

bool bench_process_cpu_ns(const struct bench_options *options, uint64_t *out_ns) {
  uint64_t total_ns = 0;
  for (size_t i = 0; i < options->pid_count; i++) {
    char tasks[48];
    snprintf(tasks, sizeof tasks, "/proc/%d/task", (int)options->pids[i]);
    DIR *folder = opendir(tasks);
    if (folder == NULL) {
      return unreadable(tasks);
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
      if (entry->d_name[0] != '.') {
        add_thread_cpu(tasks, entry->d_name, &total_ns);
      }
    }
    closedir(folder);
  }
  *out_ns = total_ns;
  return true;
}

/* "Rss:     1234 kB". Other lines change nothing. */
static void add_memory_line(const char *line, const char *name, int64_t *total_bytes) {
  size_t name_len = strlen(name);
  if (strncmp(line, name, name_len) == 0) {
    *total_bytes += strtoll(line + name_len, NULL, 10) * 1024;
  }
}

bool bench_process_memory(const struct bench_options *options, struct bench_memory *out_memory) {
  struct bench_memory memory = {0};
  for (size_t i = 0; i < options->pid_count; i++) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)options->pids[i]);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
      return unreadable(path);
    }
    for (char line[256]; fgets(line, sizeof line, file) != NULL;) {
      add_memory_line(line, "Rss:", &memory.rss_bytes);
      add_memory_line(line, "Private_Dirty:", &memory.private_dirty_bytes);
    }
    fclose(file);
  }
  *out_memory = memory;
  return true;
}

uint64_t bench_own_cpu_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
