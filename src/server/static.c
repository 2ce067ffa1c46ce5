#include "server/static.h"

#include "base/memory.h"
#include "base/sys.h"
#include "wire/http_date.h"
#include "wire/http_negotiate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>

#define FILE_BYTES_MAX (16 * 1024 * 1024)
#define PATH_BYTES_MAX 4096
#define ETAG_LEN 48
#define US_PER_SECOND 1000000

struct kind {
  const char *suffix;
  const char *type;
};

static const struct kind kinds[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".wasm", "application/wasm"},
};

static const char policy[] =
    "Content-Security-Policy: default-src 'self'; connect-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-cache\r\n";

static const char hsts[] = "Strict-Transport-Security: max-age=31536000\r\n";

static const char *type_of(const char *path) {
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(dot, kinds[i].suffix) == 0) {
      return kinds[i].type;
    }
  }
  return "application/octet-stream";
}

static bool has_hidden_segment(const char *path) {
  return path[0] == '.' || strstr(path, "/.") != NULL;
}

/* From "/" and "/docs/" to "index.html" and "docs/index.html"; relative to the root. Returns 0 or a status code. */
static int file_path(const struct stoa_http_head *head, const uint8_t *data, char out[PATH_BYTES_MAX + 16]) {
  struct stoa_string encoded = {(const char *)data + head->path.start, head->path.len};
  size_t len;
  if (encoded.len > PATH_BYTES_MAX) {
    return 414;
  }
  if (stoa_http_path_decode(encoded, out, &len) != STOA_OK || len == 0 || out[0] != '/') {
    return 400;
  }
  memmove(out, out + 1, len - 1);
  len--;
  out[len] = '\0';
  if (len == 0 || out[len - 1] == '/') {
    memcpy(out + len, "index.html", sizeof "index.html");
  }
  return has_hidden_segment(out) || out[0] == '/' || strstr(out, "//") != NULL ? 404 : 0;
}

static int open_beneath(int root_fd, const char *path) {
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS};
  return stoa_sys.openat2(root_fd, path, &how, sizeof how);
}

/* RFC 9110 15.6.4: a file that cannot be opened for want of descriptors or memory is not missing, but later there. */
static int code_of_errno(void) {
  return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? 503 : 404;
}

static bool append_text(struct stoa_buffer *out, const char *text) {
  return stoa_buffer_append(out, text, strlen(text)) == STOA_OK;
}

static bool refuse(int code, const struct stoa_http_head *head, int64_t wall_us, struct stoa_buffer *out) {
  char answer[512];
  const struct stoa_http_refusal refusal = {
      .code = code, .head_only = head->method == STOA_HTTP_HEAD, .wall_us = wall_us};
  size_t len = stoa_http_refusal(&refusal, answer, sizeof answer);
  int ignored = stoa_buffer_append(out, answer, len);
  (void)ignored;
  return false;
}

static bool read_whole(int fd, size_t size, struct stoa_buffer *out) {
  if (stoa_buffer_reserve(out, size) != STOA_OK) {
    return false;
  }
  size_t done = 0;
  while (done < size) {
    ssize_t len = stoa_sys.read(fd, out->data + out->len + done, size - done);
    if (len < 0 && errno == EINTR) {
      continue;
    }
    if (len <= 0) {
      return false; /* cut short while it was read */
    }
    done += (size_t)len;
  }
  out->len += size;
  return true;
}

/* One file on its way out. */
struct file_answer {
  const struct stoa_http_head *head;
  const char *path;
  int64_t wall_us;
  struct stat info;
  char etag[ETAG_LEN];
  bool fresh;  /* the client has this version */
  bool secure; /* HSTS is sent */
};

static void set_etag(struct file_answer *answer, const uint8_t *data) {
  const struct stat *info = &answer->info;
  snprintf(answer->etag, sizeof answer->etag, "\"%llx-%llx\"", (unsigned long long)info->st_size,
           (unsigned long long)info->st_mtim.tv_sec * 1000000000ull + (unsigned long long)info->st_mtim.tv_nsec);
  const struct stoa_http_version version = {.etag = stoa_string_of(answer->etag),
                                            .modified_s = info->st_mtim.tv_sec,
                                            .now_s = answer->wall_us / US_PER_SECOND};
  answer->fresh = stoa_http_not_modified(answer->head, data, &version);
}

/* RFC 9110 8.6: a 304 has no Content-Length other than that of the 200 it stands for; it is left out. */
static bool append_status(const struct file_answer *answer, struct stoa_buffer *out) {
  char fields[128];
  if (answer->fresh) {
    return append_text(out, "HTTP/1.1 304 Not Modified\r\n");
  }
  snprintf(fields, sizeof fields, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %lld\r\n",
           type_of(answer->path), (long long)answer->info.st_size);
  return append_text(out, fields);
}

static bool append_fields(const struct file_answer *answer, struct stoa_buffer *out) {
  char date[STOA_HTTP_DATE_SIZE];
  stoa_http_date(answer->wall_us, date);
  return append_text(out, "Date: ") && append_text(out, date) && append_text(out, "\r\n") && append_text(out, policy) &&
         (!answer->secure || append_text(out, hsts)) && append_text(out, "ETag: ") && append_text(out, answer->etag) &&
         append_text(out,
                     answer->head->keep_alive ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
}

static bool append_file(const struct file_answer *answer, int fd, struct stoa_buffer *out) {
  size_t start = out->len;
  bool whole = append_status(answer, out) && append_fields(answer, out);
  if (whole && !answer->fresh && answer->head->method == STOA_HTTP_GET && answer->info.st_size > 0) {
    whole = read_whole(fd, (size_t)answer->info.st_size, out);
  }
  if (!whole) {
    out->len = start;
    return refuse(500, answer->head, answer->wall_us, out);
  }
  return answer->head->keep_alive;
}

bool stoa_static_answer(int root_fd, const struct stoa_http_head *head, const uint8_t *data, bool secure,
                        int64_t wall_us, struct stoa_buffer *out) {
  char path[PATH_BYTES_MAX + 16];
  struct file_answer answer = {.head = head, .path = path, .wall_us = wall_us, .secure = secure};
  int code = file_path(head, data, path);
  if (code != 0) {
    return refuse(code, head, wall_us, out);
  }
  int fd = open_beneath(root_fd, path);
  if (fd < 0) {
    return refuse(code_of_errno(), head, wall_us, out);
  }
  bool keep = false;
  if (stoa_sys.fstat(fd, &answer.info) == 0 && S_ISREG(answer.info.st_mode) && answer.info.st_size <= FILE_BYTES_MAX) {
    set_etag(&answer, data);
    keep = append_file(&answer, fd, out);
  } else {
    keep = refuse(404, head, wall_us, out);
  }
  stoa_sys.close(fd);
  return keep;
}
