#include "server/metrics/process.h"

#include "base/sys.h"
#include "base/units.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* proc(5): the fields of /proc/self/stat, counted from 1. */
enum { FIELD_UTIME = 14, FIELD_STIME = 15, FIELD_STARTTIME = 22, FIELD_VSIZE = 23, FIELD_RSS = 24, FIELDS = 24 };

/* More than /proc/self/stat ever has. */
#define STAT_BYTES 2048
/* The line `btime` of /proc/stat comes after those of each processor and the one of interrupts. */
#define SYSTEM_STAT_BYTES (64 * 1024)
#define MS_PER_S UINT64_C(1000)

/* The text of a file, cut at its size; false when it cannot be read. */
static bool read_text(const char *path, char *out_text, size_t size) {
  size_t len = 0;
  ssize_t got = 1;
  int fd = stoa_sys.open(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  while (got > 0 && len < size - 1) {
    got = stoa_sys.read(fd, out_text + len, size - 1 - len);
    len += got > 0 ? (size_t)got : 0;
  }
  stoa_sys.close(fd);
  out_text[len] = '\0';
  return len > 0 && got >= 0;
}

/* The second field is the program's name in brackets, which may contain blanks and brackets itself. */
static bool parse_fields(const char *text, uint64_t out_fields[FIELDS + 1]) {
  const char *at = strrchr(text, ')');
  for (int field = 3; field <= FIELDS; field++) {
    at = at == NULL ? NULL : strchr(at + 1, ' ');
    if (at == NULL) {
      return false;
    }
    out_fields[field] = strtoull(at + 1, NULL, 10);
  }
  return true;
}

/* When the system was started, in seconds since 1970. */
static bool read_boot_time(uint64_t *out_s) {
  static const char key[] = "\nbtime ";
  char text[SYSTEM_STAT_BYTES];
  const char *at = read_text("/proc/stat", text, sizeof text) ? strstr(text, key) : NULL;
  if (at == NULL) {
    return false;
  }
  *out_s = strtoull(at + sizeof key - 1, NULL, 10);
  return true;
}

static void read_stat(struct stoa_process *process) {
  char text[STAT_BYTES];
  uint64_t fields[FIELDS + 1];
  uint64_t boot_s;
  long hz = sysconf(_SC_CLK_TCK);
  long page_bytes = sysconf(_SC_PAGESIZE);
  if (hz <= 0 || page_bytes <= 0 || !read_text("/proc/self/stat", text, sizeof text) || !parse_fields(text, fields) ||
      !read_boot_time(&boot_s)) {
    return;
  }
  process->cpu_ns = (fields[FIELD_UTIME] + fields[FIELD_STIME]) * (STOA_NS_PER_S / (uint64_t)hz);
  process->virtual_bytes = fields[FIELD_VSIZE];
  process->resident_bytes = fields[FIELD_RSS] * (uint64_t)page_bytes;
  process->started_ms = boot_s * MS_PER_S + fields[FIELD_STARTTIME] * MS_PER_S / (uint64_t)hz;
  process->has_stat = true;
}

/* Since Linux 6.2 the folder's size is the number of its entries. Before, they must be counted, but for "." and "..",
 * and the descriptor that counts. */
static void read_fds(struct stoa_process *process) {
  struct stat info;
  if (stoa_sys.stat("/proc/self/fd", &info) == 0 && info.st_size > 0) {
    process->open_fds = (uint64_t)info.st_size;
    process->has_fds = true;
    return;
  }
  uint64_t count = 0;
  DIR *folder = stoa_sys.opendir("/proc/self/fd");
  if (folder == NULL) {
    return;
  }
  while (stoa_sys.readdir(folder) != NULL) {
    count++;
  }
  stoa_sys.closedir(folder);
  process->open_fds = count > 3 ? count - 3 : 0;
  process->has_fds = true;
}

void stoa_process_read(struct stoa_process *out_process) {
  struct rlimit limit;
  *out_process = (struct stoa_process){0};
  read_stat(out_process);
  read_fds(out_process);
  if (stoa_sys.getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    out_process->max_fds = limit.rlim_cur;
    out_process->has_max_fds = true;
  }
}
