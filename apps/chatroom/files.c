#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void close_keeping_errno(int fd) {
  int error = errno;
  close(fd);
  errno = error;
}

static bool write_all(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t count = write(fd, data, len);
    if (count < 0 && errno != EINTR) {
      return false;
    }
    data += count < 0 ? 0 : count;
    len -= count < 0 ? 0 : (size_t)count;
  }
  return true;
}

static bool copy_content(int from, int to) {
  char piece[65536];
  for (;;) {
    ssize_t count = read(from, piece, sizeof piece);
    if (count == 0) {
      return fsync(to) == 0;
    }
    if ((count < 0 && errno != EINTR) || (count > 0 && !write_all(to, piece, (size_t)count))) {
      return false;
    }
  }
}

bool files_copy(const char *from, const char *to) {
  int source = open(from, O_RDONLY | O_CLOEXEC);
  if (source < 0) {
    return false;
  }
  int copy = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (copy < 0) {
    close_keeping_errno(source);
    return false;
  }
  bool is_good = copy_content(source, copy);
  close_keeping_errno(source);
  close_keeping_errno(copy);
  if (!is_good) {
    int error = errno;
    unlink(to);
    errno = error;
  }
  return is_good;
}

bool files_move(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
    return files_sync_folder(to);
  }
  /* Another file system, or one that cannot do it without replacing. */
  if ((errno != EXDEV && errno != EINVAL && errno != ENOSYS) || !files_copy(from, to)) {
    return false;
  }
  return files_sync_folder(to) && unlink(from) == 0;
}

bool files_remove_beside(const char *path, const char *suffix) {
  char beside[FILES_PATH_SIZE + 64];
  int len = snprintf(beside, sizeof beside, "%s%s", path, suffix);
  if (len < 0 || (size_t)len >= sizeof beside) {
    errno = ENAMETOOLONG;
    return false;
  }
  return unlink(beside) == 0 || errno == ENOENT;
}

bool files_sync_folder(const char *path) {
  char folder[FILES_PATH_SIZE];
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
  if (len >= sizeof folder) {
    errno = ENAMETOOLONG;
    return false;
  }
  snprintf(folder, sizeof folder, "%.*s", len == 0 ? 1 : (int)len, len == 0 ? "." : path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  bool is_good = fsync(fd) == 0;
  close_keeping_errno(fd);
  return is_good;
}

bool files_is_database(const char *path) {
  static const char magic[] = "SQLite format 3"; /* and its NUL */
  char start[sizeof magic];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? -1 : read(fd, start, sizeof start);
  if (fd >= 0) {
    close_keeping_errno(fd);
  }
  return count == (ssize_t)sizeof start && memcmp(start, magic, sizeof magic) == 0;
}
