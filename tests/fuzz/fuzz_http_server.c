/* Whole HTTP requests through a server with routes, over a socket: the first byte chooses the listener and where the
 * input is cut in two. Any cut gives the same answers, each of which is a response with a status that the library or a
 * handler gives, and afterwards no connection is left. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stoa/http.h>
#include <stoa/log.h>

#include "base/utf8.h"
#include "convert.h"
#include "server/server_private.h"

#define ANSWER_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define STEPS_MAX 100000
#define DATE_LEN 29u

static struct stoa_server *server;
static char folder[] = "/tmp/stoa-fuzz-XXXXXX";
static const char *const names[] = {"public", "admin"};

/* Routes: one gives back what it got, one reads a message, one answers in pieces, one answers badly. */

static void on_echo(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  struct stoa_string name = stoa_http_variable(request, "name");
  struct stoa_string parameter = stoa_http_parameter(request, "q", NULL);
  const struct stoa_http_field field = {"Stoa-Parameter-Length",
                                        stoa_string_of(parameter.data == NULL ? "none" : "some")};
  const struct stoa_http_answer answer = {
      .status = 200,
      .content_type = "application/octet-stream",
      .fields = &field,
      .field_count = 1,
      .body = request->body.len > 0 ? request->body : stoa_bytes_make((const uint8_t *)name.data, name.len)};
  (void)user;
  must(stoa_utf8_valid(name.data, name.len) && stoa_utf8_valid(parameter.data, parameter.len));
  must(request->body.len <= 4096 && request->private_data != NULL);
  must(stoa_http_reply(exchange, &answer) == STOA_OK);
}

static void on_message(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user;
  must(request->message != NULL);
  int status = stoa_http_reply_message(exchange, 201, &special_type, request->message);
  must(status == STOA_OK || status == STOA_E_LIMIT);
}

static void on_pieces(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct stoa_http_answer answer = {.status = 200, .content_type = "text/plain"};
  (void)user;
  must(stoa_http_take(exchange) == STOA_OK);
  must(stoa_http_begin(exchange, &answer, NULL, NULL) == STOA_OK);
  int status = request->body.len == 0 ? STOA_OK : stoa_http_write(exchange, request->body);
  must(status == STOA_OK || status == STOA_E_CLOSED);
  status = stoa_http_end(exchange);
  must(status == STOA_OK || status == STOA_E_CLOSED);
}

static void on_fail(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct stoa_error error = {
      .code = 4000, .reason = STOA_STR("NO"), .message = stoa_http_variable(request, "why"), .retry_ms = 1500};
  (void)user;
  must(stoa_http_fail(exchange, 409, &error) == STOA_OK);
}

static const struct stoa_route routes[] = {
    {.method = "*", .path = "/echo/{name}", .handler = on_echo, .roles = 3, .body_bytes_max = 4096},
    {.method = "GET", .path = "/echo", .handler = on_echo},
    {.method = "POST", .path = "/messages", .handler = on_message, .message = &special_type, .roles = 3},
    {.method = "POST", .path = "/pieces:all", .handler = on_pieces},
    {.method = "DELETE", .path = "/fail/{why=**}", .handler = on_fail},
    {.method = "PUT",
     .path = "/locked/{name}",
     .handler = on_echo,
     .body_bytes_max = 4096,
     .bearer_key = STOA_STR("0123456789abcdef0123456789abcdef")},
};

static void forget_folder(void) {
  for (size_t i = 0; i < STOA_COUNT_OF(names); i++) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
}

static void begin(void) {
  char addresses[STOA_COUNT_OF(names)][64];
  must(mkdtemp(folder) != NULL);
  for (size_t i = 0; i < STOA_COUNT_OF(names); i++) {
    snprintf(addresses[i], sizeof addresses[i], "unix:%s/%s", folder, names[i]);
  }
  const struct stoa_listener_config listeners[] = {
      {.address = stoa_string_of(addresses[0])},
      {.address = stoa_string_of(addresses[1]), .role = STOA_LISTENER_CONFIG_ROLE_ADMIN}};
  const struct stoa_string origins[] = {STOA_STR("https://a.example")};
  const struct stoa_string proxies[] = {STOA_STR("unix")};
  const struct stoa_cors_config cors = {.allowed_origins = {origins, 1}};
  const struct stoa_limits_config limits = {.body_bytes_max = 65536, .bodies_bytes_max = 1024 * 1024};
  const struct stoa_server_config config = {.listeners = {listeners, STOA_COUNT_OF(listeners)},
                                            .trusted_proxies = {proxies, 1},
                                            .workers = 1,
                                            .io_uring = STOA_IO_URING_OFF,
                                            .cors = &cors,
                                            .limits = &limits};
  stoa_log_setup(-1, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  must(special_add_types());
  must(stoa_server_create(&config, &server) == STOA_OK);
  for (size_t i = 0; i < STOA_COUNT_OF(routes); i++) {
    must(stoa_server_add_route(server, &routes[i]) == STOA_OK);
  }
  must(stoa_server_open(server) == STOA_OK);
  must(atexit(forget_folder) == 0);
}

/* The client. */

static int join(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  must(fd >= 0);
  must(snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name) > 0);
  must(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

/* Send what the kernel takes; true when all is sent, or the server has ended the connection. */
static bool send_more(int fd, const uint8_t *data, size_t len, size_t *at) {
  while (*at < len) {
    ssize_t sent = send(fd, data + *at, len - *at, MSG_NOSIGNAL);
    if (sent < 0) {
      must(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
      return errno != EAGAIN;
    }
    *at += (size_t)sent;
  }
  return true;
}

/* True at the end of the connection. */
static bool receive_more(int fd, struct stoa_buffer *answers) {
  uint8_t piece[16384];
  for (;;) {
    ssize_t len = recv(fd, piece, sizeof piece, 0);
    if (len <= 0) {
      must(len == 0 || errno == EAGAIN || errno == ECONNRESET);
      return len == 0 || errno != EAGAIN;
    }
    must(stoa_buffer_append(answers, piece, (size_t)len) == STOA_OK);
  }
}

/* Send the bytes in two parts, and then the end. */
static void exchange(const char *name, struct stoa_bytes input, size_t cut, struct stoa_buffer *answers) {
  const size_t ends[] = {cut, input.len};
  int fd = join(name);
  size_t at = 0, part = 0;
  bool has_ended = false;
  for (int steps = 0; !has_ended || atomic_load(&server->connections) > 0; steps++) {
    must(steps < STEPS_MAX && stoa_server_step(server, 0));
    if (part < STOA_COUNT_OF(ends) && send_more(fd, input.data, ends[part], &at)) {
      part++;
      if (part == STOA_COUNT_OF(ends)) {
        shutdown(fd, SHUT_WR);
      }
    }
    has_ended = has_ended || receive_more(fd, answers);
  }
  close(fd);
}

/* Answers. */

static void forget_dates(struct stoa_buffer *answers) {
  static const char field[] = "\r\nDate: ";
  uint8_t *at = answers->data;
  uint8_t *end = answers->len == 0 ? at : at + answers->len;
  while (at != NULL && (at = memmem(at, (size_t)(end - at), field, sizeof field - 1)) != NULL) {
    at += sizeof field - 1;
    size_t left = (size_t)(end - at);
    memset(at, '-', left < DATE_LEN ? left : DATE_LEN);
  }
}

static bool is_known(int status) {
  static const int known[] = {100, 101, 200, 201, 204, 400, 401, 403, 404, 405, 408,
                              409, 413, 414, 415, 417, 426, 431, 500, 501, 503, 505};
  for (size_t i = 0; i < STOA_COUNT_OF(known); i++) {
    if (status == known[i]) {
      return true;
    }
  }
  return false;
}

static void answers_make_sense(const struct stoa_buffer *answers) {
  static const char version[] = "HTTP/1.1 ";
  const size_t head_len = sizeof version - 1 + 4;
  if (answers->len == 0) {
    return; /* the client has left before the end of its first head */
  }
  must(answers->len > head_len && memcmp(answers->data, version, sizeof version - 1) == 0);
  const uint8_t *digits = answers->data + sizeof version - 1;
  must(is_known((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0')) && digits[3] == ' ');
  must(memmem(answers->data, answers->len, "\r\n\r\n", 4) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_buffer whole, parts;
  if (len == 0) {
    return 0;
  }
  if (server == NULL) {
    begin();
  }
  const char *name = names[data[0] & 1];
  struct stoa_bytes input = {data + 1, len - 1};
  stoa_buffer_init(&whole, ANSWER_BYTES_MAX);
  stoa_buffer_init(&parts, ANSWER_BYTES_MAX);
  exchange(name, input, input.len, &whole);
  forget_dates(&whole);
  answers_make_sense(&whole);
  exchange(name, input, input.len * (data[0] >> 1) / 128, &parts);
  forget_dates(&parts);
  must(whole.len == parts.len && (whole.len == 0 || memcmp(whole.data, parts.data, whole.len) == 0));
  stoa_buffer_fini(&whole);
  stoa_buffer_fini(&parts);
  return 0;
}
