/* tests/durable/disk_shim.c: a library for LD_PRELOAD whose syncs wait or fail when a test wants it.
 *
 * DISK_SHIM is a folder. While it has a FIFO named "stall", each sync makes the file "stalled" and then waits for a
 * byte from the FIFO. When it has a file named "eio", the next sync removes it and fails with EIO. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_LEN_MAX 512

static bool path_of(const char *name, char path[PATH_LEN_MAX]) {
  const char *folder = getenv("DISK_SHIM");
  return folder != NULL && snprintf(path, PATH_LEN_MAX, "%s/%s", folder, name) < PATH_LEN_MAX;
}

static void stall(void) {
  char path[PATH_LEN_MAX];
  char byte;
  int fifo = path_of("stall", path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fifo < 0) {
    return;
  }
  int mark = path_of("stalled", path) ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (mark >= 0) {
    close(mark);
  }
  while (read(fifo, &byte, 1) < 0 && errno == EINTR) {
  }
  close(fifo);
}

static int sync_file(int fd, long call) {
  char path[PATH_LEN_MAX];
  stall();
  if (path_of("eio", path) && unlink(path) == 0) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(call, fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd) {
  return sync_file(fd, SYS_fdatasync);
}

__attribute__((visibility("default"))) int fsync(int fd) {
  return sync_file(fd, SYS_fsync);
}
