#include "http/files.h"

#include "base/array.h"
#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "http/file_type.h"
#include "wire/http_date.h"
#include "wire/http_negotiate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stoa/log.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCATION_BYTES_MAX 512 /* a longer one is left out of the answer */
#define ETAG_SIZE 64
#define NAME_SIZE (STOA_FILES_PATH_BYTES_MAX + sizeof "index.html")
/* A file up to this size is sent together with its head; a longer one piece by piece. */
#define AT_ONCE_BYTES ((size_t)64 * 1024)
#define OPEN_TRIES_MAX 8u
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static const char policy[] =
    "Content-Security-Policy: default-src 'self'; connect-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";

static const char changing[] = "Cache-Control: no-cache\r\n";
/* RFC 8246: not even a reload asks for it again. */
static const char unchanging[] = "Cache-Control: public, max-age=31536000, immutable\r\n";

static const char hsts[] = "Strict-Transport-Security: max-age=31536000\r\n";

/* Opening beneath the folder. */

/* openat2(2): EAGAIN when something was renamed while a ".." was followed, anywhere on the system. */
static int open_by_kernel(int root_fd, const char *path) {
  struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  int fd = -1;
  for (unsigned tries = 0; tries < OPEN_TRIES_MAX; tries++) {
    fd = stoa_sys.openat2(root_fd, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  return fd;
}

static bool is_shortage(int reason) {
  return reason == EMFILE || reason == ENFILE || reason == ENOMEM || reason == EAGAIN || reason == EINTR;
}

/* The true path of an open descriptor. False when /proc does not give it. */
static bool find_place(int fd, char out_path[STOA_FILES_PATH_BYTES_MAX]) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = stoa_sys.readlink(link, out_path, STOA_FILES_PATH_BYTES_MAX - 1);
  if (len <= 0 || len >= STOA_FILES_PATH_BYTES_MAX - 1) {
    return false;
  }
  out_path[len] = '\0';
  return true;
}

static bool is_beneath(const char *root, const char *path) {
  size_t len = strlen(root);
  return strncmp(path, root, len) == 0 && (path[len] == '/' || (len > 0 && root[len - 1] == '/'));
}

/* The path has no "..", so only links can have led outside. The check comes after the open, so the result cannot
 * change. */
static int open_and_compare(const struct stoa_files *files, const char *path) {
  char place[STOA_FILES_PATH_BYTES_MAX];
  int fd = stoa_sys.openat(files->root_fd, path, OPEN_FLAGS, 0);
  if (fd >= 0 && !(find_place(fd, place) && is_beneath(files->root, place))) {
    stoa_sys.close(fd);
    errno = EXDEV;
    return -1;
  }
  return fd;
}

static int open_beneath(const struct stoa_files *files, const char *path) {
  return files->by_proc ? open_and_compare(files, path) : open_by_kernel(files->root_fd, path);
}

static void log_unusable(const char *path, int reason) {
  stoa_log(STOA_LOG_ERROR, "cannot open the folder of the files; check server.web_root", STOA_F_STR("folder", path),
           STOA_F_STR("reason", strerror(reason)));
}

static int choose_way(struct stoa_files *files, const char *path) {
  int fd = open_by_kernel(files->root_fd, ".");
  if (fd >= 0) {
    stoa_sys.close(fd);
    return STOA_OK;
  }
  int reason = errno;
  if (is_shortage(reason)) {
    log_unusable(path, reason);
    return STOA_E_SYSTEM;
  }
  files->by_proc = true;
  if (!find_place(files->root_fd, files->root)) {
    stoa_log(STOA_LOG_ERROR,
             "files cannot be served safely: the system refuses openat2 and has no /proc; permit one of them, or leave "
             "server.web_root empty and use another server for the files",
             STOA_F_STR("folder", path), STOA_F_STR("reason", strerror(reason)));
    return STOA_E_SYSTEM;
  }
  stoa_log(STOA_LOG_WARN, "the system refuses openat2; files are checked through /proc instead",
           STOA_F_STR("folder", path), STOA_F_STR("reason", strerror(reason)));
  return STOA_OK;
}

int stoa_files_init(struct stoa_files *files, const char *path) {
  files->root_fd = stoa_sys.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (files->root_fd < 0) {
    log_unusable(path, errno);
    return STOA_E_SYSTEM;
  }
  return choose_way(files, path);
}

void stoa_files_fini(struct stoa_files *files) {
  if (files->root_fd >= 0) {
    stoa_sys.close(files->root_fd);
    files->root_fd = -1;
  }
}

/* Content. */

struct file_body {
  struct stoa_http_content base; /* first */
  int fd;
  uint64_t left;
};

/* Errors: STOA_E_SYSTEM  the file is shorter than it was, or cannot be read */
static int read_piece(int fd, struct stoa_buffer *out, size_t size) {
  if (stoa_buffer_reserve(out, size) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  size_t done = 0;
  while (done < size) {
    ssize_t len = stoa_sys.read(fd, out->data + out->len + done, size - done);
    if (len < 0 && errno == EINTR) {
      continue;
    }
    if (len <= 0) {
      return STOA_E_SYSTEM;
    }
    done += (size_t)len;
  }
  out->len += size;
  return STOA_OK;
}

static int body_read(struct stoa_http_content *base, struct stoa_buffer *out, size_t size, bool *out_last) {
  struct file_body *body = stoa_container_of(base, struct file_body, base);
  assert(body->left > 0);
  size_t piece = body->left < size ? (size_t)body->left : size;
  int status = read_piece(body->fd, out, piece);
  if (status == STOA_OK) {
    body->left -= piece;
    *out_last = body->left == 0;
  }
  return status;
}

static void body_close(struct stoa_http_content *base) {
  struct file_body *body = stoa_container_of(base, struct file_body, base);
  stoa_sys.close(body->fd);
  stoa_free(body);
}

/* One request for a file. */

struct request {
  const struct stoa_files *files;
  struct stoa_stream *stream;
  const struct stoa_http_head *head;
  const uint8_t *data;
  bool secure;
  char name[NAME_SIZE + sizeof ".gz"]; /* relative to the folder */
  int fd;
  struct stat info;
  bool is_gzip;
  char etag[ETAG_SIZE];
};

static bool is_head(const struct request *request) {
  return request->head->method == STOA_HTTP_HEAD;
}

static void refuse(const struct request *request, int code, const char *fields) {
  const struct stoa_http_refusal refusal = {
      .code = code, .head_only = is_head(request), .wall_us = stoa_http_wall_us(request->stream), .fields = fields};
  stoa_http_refuse(request->stream, &refusal);
}

static bool has_hidden_segment(const char *path) {
  static const char well_known[] = ".well-known/";
  if (strncmp(path, well_known, sizeof well_known - 1) == 0) {
    path += sizeof well_known - 1;
  }
  return path[0] == '.' || strstr(path, "/.") != NULL;
}

/* From "/" and "/docs/" to "index.html" and "docs/index.html". Returns 0 or a status code. */
static int find_name(struct request *request) {
  const struct stoa_http_span *path = &request->head->path;
  struct stoa_string encoded = {(const char *)request->data + path->start, path->len};
  char *name = request->name;
  size_t len;
  if (encoded.len > STOA_FILES_PATH_BYTES_MAX) {
    return 414;
  }
  if (stoa_http_path_decode(encoded, name, &len) != STOA_OK || len == 0 || name[0] != '/') {
    return 400;
  }
  memmove(name, name + 1, len - 1);
  len--;
  name[len] = '\0';
  if (len == 0 || name[len - 1] == '/') {
    memcpy(name + len, "index.html", sizeof "index.html");
  }
  return has_hidden_segment(name) || name[0] == '/' || strstr(name, "//") != NULL ? 404 : 0;
}

/* RFC 9110 15.6.4: without descriptors or memory the file exists but cannot be opened now: 503. Other errors of the
 * system are not "not found" either. */
static int code_of_errno(int reason) {
  static const int missing[] = {ENOENT, ENOTDIR, EXDEV, ELOOP, EACCES, ENAMETOOLONG, ENXIO, ENODEV};
  for (size_t i = 0; i < STOA_COUNT_OF(missing); i++) {
    if (reason == missing[i]) {
      return 404;
    }
  }
  return is_shortage(reason) ? 503 : 500;
}

/* Relative to the request's path, because a proxy may have removed a prefix (RFC 9110 10.2.2). */
static void redirect_to_folder(const struct request *request) {
  char fields[STOA_FILES_PATH_BYTES_MAX + 64];
  struct stoa_string path = {(const char *)request->data + request->head->path.start, request->head->path.len};
  const char *slash = memrchr(path.data, '/', path.len);
  struct stoa_string query = {(const char *)request->data + request->head->query.start, request->head->query.len};
  size_t len = path.len - (size_t)(slash + 1 - path.data);
  snprintf(fields, sizeof fields, "Location: ./%.*s/%s%.*s\r\n", (int)len, slash + 1, query.len > 0 ? "?" : "",
           (int)query.len, query.data);
  refuse(request, 301, len + query.len < LOCATION_BYTES_MAX ? fields : NULL);
}

/* Use the compressed file beside it, if it is not older. */
static void prefer_gzip(struct request *request) {
  struct stat info;
  if (!stoa_file_type_compresses(request->name) || !stoa_http_accepts(request->head, request->data, "gzip")) {
    return;
  }
  size_t len = strlen(request->name);
  memcpy(request->name + len, ".gz", sizeof ".gz");
  int fd = open_beneath(request->files, request->name);
  request->name[len] = '\0';
  bool usable =
      fd >= 0 && stoa_sys.fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_mtime >= request->info.st_mtime;
  if (usable) {
    stoa_sys.close(request->fd);
    request->fd = fd;
    request->info = info;
    request->is_gzip = true;
  } else if (fd >= 0) {
    stoa_sys.close(fd);
  }
}

static bool is_known(struct request *request) {
  const struct stat *info = &request->info;
  snprintf(request->etag, sizeof request->etag, "\"%llx-%llx%s\"", (unsigned long long)info->st_size,
           (unsigned long long)info->st_mtim.tv_sec * 1000000000ull + (unsigned long long)info->st_mtim.tv_nsec,
           request->is_gzip ? "-gz" : "");
  const struct stoa_http_version version = {.etag = stoa_string_of(request->etag),
                                            .modified_s = info->st_mtim.tv_sec,
                                            .now_s = stoa_http_wall_us(request->stream) / 1000000};
  return stoa_http_not_modified(request->head, request->data, &version);
}

/* "chat-0123456789abcdef.js": another content has another name. */
static bool is_named_by_hash(const char *name) {
  const char *slash = strrchr(name, '/');
  const char *dash = strrchr(slash == NULL ? name : slash + 1, '-');
  if (dash == NULL) {
    return false;
  }
  size_t len = strspn(dash + 1, "0123456789abcdef");
  return len >= STOA_FILES_HASH_CHARS_MIN && dash[1 + len] == '.';
}

/* RFC 9110 8.6: in a 304, Content-Length would have to be the one of the 200 response; it is left out. */
static int append_head(const struct request *request, bool known, struct stoa_buffer *out) {
  char date[STOA_HTTP_DATE_SIZE];
  char modified[STOA_HTTP_DATE_SIZE];
  char content[160] = "";
  char head[1024];
  stoa_http_date(stoa_http_wall_us(request->stream), date);
  stoa_http_date((int64_t)request->info.st_mtim.tv_sec * 1000000, modified);
  if (!known) {
    snprintf(content, sizeof content, "Content-Type: %s\r\nContent-Length: %lld\r\n%s", stoa_file_type(request->name),
             (long long)request->info.st_size, request->is_gzip ? "Content-Encoding: gzip\r\n" : "");
  }
  int len = snprintf(
      head, sizeof head, "HTTP/1.1 %s\r\nDate: %s\r\n%s%s%s%sETag: %s\r\nLast-Modified: %s\r\n%sConnection: %s\r\n\r\n",
      known ? "304 Not Modified" : "200 OK", date, content, policy,
      is_named_by_hash(request->name) ? unchanging : changing, request->secure ? hsts : "", request->etag, modified,
      stoa_file_type_compresses(request->name) ? "Vary: Accept-Encoding\r\n" : "",
      request->head->keep_alive ? "keep-alive" : "close");
  assert(len > 0);
  assert((size_t)len < sizeof head);
  return stoa_buffer_append(out, head, (size_t)len);
}

/* The head, and with it a short file. After an error `out` is as before. */
static int append_start(const struct request *request, bool known, bool has_content, struct stoa_buffer *out) {
  size_t start = out->len;
  int status = append_head(request, known, out);
  if (status == STOA_OK && has_content && (size_t)request->info.st_size <= AT_ONCE_BYTES) {
    status = read_piece(request->fd, out, (size_t)request->info.st_size);
  }
  if (status != STOA_OK) {
    out->len = start;
  }
  return status;
}

/* The body takes over the descriptor. */
static void send_pieces(struct request *request) {
  assert(request->fd >= 0);
  assert(request->info.st_size > 0);
  struct file_body *body = stoa_calloc(1, sizeof *body);
  if (body == NULL) {
    stoa_stream_doom(request->stream, STOA_FATE_MEMORY);
    return;
  }
  body->base.read = body_read;
  body->base.close = body_close;
  body->fd = request->fd;
  body->left = (uint64_t)request->info.st_size;
  request->fd = -1;
  stoa_http_answer_from(request->stream, &body->base, request->head->keep_alive);
}

static void send_file(struct request *request) {
  bool known = is_known(request);
  bool has_content = !known && !is_head(request) && request->info.st_size > 0;
  struct stoa_buffer *out = stoa_stream_output_begin(request->stream);
  if (out == NULL) {
    return;
  }
  int status = append_start(request, known, has_content, out);
  stoa_stream_output_end(request->stream);
  if (status != STOA_OK) {
    refuse(request, 500, NULL);
  } else if (has_content && (size_t)request->info.st_size > AT_ONCE_BYTES) {
    send_pieces(request);
  } else {
    stoa_http_answered(request->stream, request->head->keep_alive);
  }
}

static void answer_with(struct request *request) {
  if (stoa_sys.fstat(request->fd, &request->info) != 0) {
    refuse(request, 500, NULL);
  } else if (S_ISDIR(request->info.st_mode)) {
    redirect_to_folder(request);
  } else if (!S_ISREG(request->info.st_mode)) {
    refuse(request, 404, NULL);
  } else {
    prefer_gzip(request);
    send_file(request);
  }
}

void stoa_files_answer(const struct stoa_files *files, struct stoa_stream *stream, const struct stoa_http_head *head,
                       const uint8_t *data, bool secure) {
  struct request request = {.files = files, .stream = stream, .head = head, .data = data, .secure = secure, .fd = -1};
  int code = find_name(&request);
  if (code != 0) {
    refuse(&request, code, NULL);
    return;
  }
  request.fd = open_beneath(files, request.name);
  if (request.fd < 0) {
    refuse(&request, code_of_errno(errno), NULL);
    return;
  }
  answer_with(&request);
  if (request.fd >= 0) {
    stoa_sys.close(request.fd);
  }
}
