#include "project/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stoa/status.h>

static bool fail(const char *what, const char *path) {
  fprintf(stderr, "stoa: %s %s: %s\n", what, path, strerror(errno));
  return false;
}

bool project_path(char *out, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int len = vsnprintf(out, PROJECT_PATH_MAX, format, values);
  va_end(values);
  if (len < 0 || len >= PROJECT_PATH_MAX) {
    fprintf(stderr, "stoa: a path is longer than %d bytes\n", PROJECT_PATH_MAX - 1);
    return false;
  }
  return true;
}

bool project_make_parents(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool is_made = mkdir(path, 0777) == 0 || errno == EEXIST;
    if (!is_made) {
      fail("cannot make", path);
    }
    *slash = '/';
    if (!is_made) {
      return false;
    }
  }
  return true;
}

bool project_write_all(int fd, const struct stoa_buffer *content) {
  size_t done = 0;
  while (done < content->len) {
    ssize_t written = write(fd, content->data + done, content->len - done);
    if (written < 0 && errno != EINTR) {
      return false;
    }
    done += written > 0 ? (size_t)written : 0;
  }
  return true;
}

static bool write_file(const char *path, int flags, mode_t mode, const struct stoa_buffer *content) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
  bool is_written = fd >= 0 && project_write_all(fd, content);
  int error = errno;
  if (fd >= 0 && close(fd) != 0 && is_written) {
    is_written = false;
    error = errno;
  }
  if (!is_written && fd >= 0) {
    unlink(path);
  }
  errno = error;
  return is_written || fail("cannot write", path);
}

bool project_write_new(const char *path, bool is_executable, const struct stoa_buffer *content) {
  return write_file(path, O_EXCL, is_executable ? 0777 : 0666, content);
}

bool project_replace(const char *path, const struct stoa_buffer *content) {
  char fresh[PROJECT_PATH_MAX];
  if (!project_path(fresh, "%s.new", path) || !write_file(fresh, O_TRUNC, 0666, content)) {
    return false;
  }
  if (rename(fresh, path) != 0) {
    fail("cannot replace", path);
    unlink(fresh);
    return false;
  }
  return true;
}

bool project_read(const char *path, struct stoa_buffer *out) {
  char piece[4096];
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    return fail("cannot read", path);
  }
  size_t got;
  int status = STOA_OK;
  while (status == STOA_OK && (got = fread(piece, 1, sizeof piece, file)) > 0) {
    status = stoa_buffer_append(out, piece, got);
  }
  bool is_read = ferror(file) == 0;
  fclose(file);
  if (status != STOA_OK) {
    fprintf(stderr, "stoa: cannot read %s: %s\n", path, stoa_status_text(status));
  }
  return status == STOA_OK && (is_read || fail("cannot read", path));
}

static int remove_one(const char *path, const struct stat *what, int kind, struct FTW *place) {
  (void)what, (void)kind, (void)place;
  remove(path);
  return 0;
}

void project_remove_folder(const char *path) {
  nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool project_find_root(char out[PROJECT_PATH_MAX]) {
  char list[PROJECT_PATH_MAX + 16];
  if (getcwd(out, PROJECT_PATH_MAX) == NULL) {
    return false;
  }
  for (;;) {
    snprintf(list, sizeof list, "%s/api/protos.txt", out);
    if (access(list, R_OK) == 0) {
      return true;
    }
    char *slash = strrchr(out, '/');
    if (slash == NULL || slash[1] == '\0') {
      return false;
    }
    slash[slash == out ? 1 : 0] = '\0'; /* the root keeps its own */
  }
}
