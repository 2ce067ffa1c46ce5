#include "token/file.h"

#include <errno.h>
#include <fcntl.h>

#include "base/memory.h"
#include "base/sys.h"

/* O_NONBLOCK: opening a FIFO does not wait for its other end. It does not change reads of a file. */
#define FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int check_mode(const struct stat *info, const char **out_why) {
  if (!S_ISREG(info->st_mode)) {
    *out_why = "not a regular file";
    return STOA_E_SYSTEM;
  }
  if ((info->st_mode & S_IWOTH) != 0) {
    *out_why = "others may write this file; run chmod o-w on it";
    return STOA_E_DENIED;
  }
  return STOA_OK;
}

static ssize_t read_some(int fd, uint8_t *data, size_t len) {
  ssize_t got;
  do {
    got = stoa_sys.read(fd, data, len);
  } while (got < 0 && errno == EINTR);
  return got;
}

/* Read up to the end, and one byte more than the cap to detect a longer file: a file can grow while it is read. */
static int read_all(int fd, struct stoa_token_file *file, const char **out_why) {
  file->data = stoa_alloc(STOA_TOKEN_KEY_BYTES_MAX + 1);
  if (file->data == NULL) {
    return STOA_E_MEMORY;
  }
  ssize_t got = 1;
  while (got > 0 && file->len <= STOA_TOKEN_KEY_BYTES_MAX) {
    got = read_some(fd, file->data + file->len, STOA_TOKEN_KEY_BYTES_MAX + 1 - file->len);
    file->len += got > 0 ? (size_t)got : 0;
  }
  if (got < 0) {
    *out_why = "cannot be read";
    return STOA_E_SYSTEM;
  }
  if (file->len > STOA_TOKEN_KEY_BYTES_MAX) {
    *out_why = "longer than 64 KiB";
    return STOA_E_LIMIT;
  }
  return STOA_OK;
}

static int read_open(int fd, struct stoa_token_file *file, const char **out_why) {
  struct stat info;
  if (stoa_sys.fstat(fd, &info) != 0) {
    *out_why = "cannot be read";
    return STOA_E_SYSTEM;
  }
  file->is_open_to_read = (info.st_mode & S_IROTH) != 0;
  int status = check_mode(&info, out_why);
  return status == STOA_OK ? read_all(fd, file, out_why) : status;
}

int stoa_token_file_read(const char *path, struct stoa_token_file *out_file, const char **out_why) {
  int fd = stoa_sys.open(path, FLAGS, 0);
  if (fd < 0) {
    bool is_missing = errno == ENOENT || errno == ENOTDIR;
    *out_why = is_missing ? "no such file" : "cannot be opened";
    return is_missing ? STOA_E_NOT_FOUND : STOA_E_SYSTEM;
  }
  struct stoa_token_file file = {.len = 0};
  int status = read_open(fd, &file, out_why);
  (void)stoa_sys.close(fd);
  if (status != STOA_OK) {
    stoa_token_file_fini(&file);
    return status;
  }
  *out_file = file;
  return STOA_OK;
}

void stoa_token_file_fini(struct stoa_token_file *file) {
  stoa_secret_wipe(file->data, file->len);
  stoa_free(file->data);
  *file = (struct stoa_token_file){.len = 0};
}
