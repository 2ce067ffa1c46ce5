#include "admin_client.h"

#include "storage.h"

#include <chatroom/v1/admin.stoa.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/error.stoa.h>
#include <stoa/token.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_S 600
#define KEY_LEN_MAX 1024u

static void set_fault(struct admin_answer *answer, const char *what, const char *detail) {
  snprintf(answer->fault, sizeof answer->fault, "%.200s%s%.280s", what, detail[0] == '\0' ? "" : ": ", detail);
}

/* Connecting. A descriptor, or -1 with errno. */

static int connect_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

static int connect_any(const struct addrinfo *list) {
  for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0) {
      continue;
    }
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
      return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
  }
  return -1;
}

/* "host:port", "[::1]:port". */
static int connect_tcp(const char *address) {
  char host[256];
  const char *colon = strrchr(address, ':');
  size_t len = colon == NULL ? 0 : (size_t)(colon - address);
  bool has_brackets = len > 2 && address[0] == '[' && address[len - 1] == ']';
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list;
  if (len == 0 || len >= sizeof host) {
    errno = EINVAL;
    return -1;
  }
  snprintf(host, sizeof host, "%.*s", (int)(has_brackets ? len - 2 : len), address + (has_brackets ? 1 : 0));
  if (getaddrinfo(host, colon + 1, &hints, &list) != 0) {
    errno = EADDRNOTAVAIL;
    return -1;
  }
  int fd = connect_any(list);
  freeaddrinfo(list);
  return fd;
}

static int connect_to(const char *address) {
  int fd = strncmp(address, "unix:", 5) == 0 ? connect_unix(address + 5) : connect_tcp(address);
  const struct timeval wait = {.tv_sec = ANSWER_S};
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  }
  return fd;
}

/* The key. */

static bool read_key(const struct stoa_admin_config *admin, char out_key[KEY_LEN_MAX + 1]) {
  out_key[0] = '\0';
  if (admin->key.len > 0 || admin->key_file.len == 0) {
    snprintf(out_key, KEY_LEN_MAX + 1, "%.*s", (int)admin->key.len, admin->key.data == NULL ? "" : admin->key.data);
    return true;
  }
  int fd = open(admin->key_file.data, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? -1 : read(fd, out_key, KEY_LEN_MAX);
  if (fd >= 0) {
    close(fd);
  }
  if (count < 0) {
    return false;
  }
  out_key[count] = '\0';
  out_key[strcspn(out_key, "\r\n")] = '\0';
  return true;
}

/* Request and answer. */

static bool send_all(int fd, const void *data, size_t len) {
  const char *rest = data;
  while (len > 0) {
    ssize_t count = send(fd, rest, len, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      return false;
    }
    rest += count < 0 ? 0 : count;
    len -= count < 0 ? 0 : (size_t)count;
  }
  return true;
}

static bool send_request(int fd, const struct admin_request *request, const char *key) {
  const char *body = request->body;
  struct stoa_buffer text;
  char head[512];
  stoa_buffer_init(&text, 64u * 1024);
  snprintf(head, sizeof head, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %zu\r\n",
           body == NULL ? "" : "Content-Type: application/json\r\n", body == NULL ? 0 : strlen(body));
  const char *parts[] = {request->method,
                         " ",
                         request->path,
                         head,
                         key[0] == '\0' ? "" : "Authorization: Bearer ",
                         key,
                         key[0] == '\0' ? "" : "\r\n",
                         "\r\n",
                         body == NULL ? "" : body};
  bool is_good = true;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    is_good = is_good && stoa_buffer_append(&text, parts[i], strlen(parts[i])) == STOA_OK;
  }
  is_good = is_good && send_all(fd, text.data, text.len);
  stoa_secret_wipe(text.data, text.len);
  stoa_buffer_fini(&text);
  return is_good;
}

/* Until the server ends the connection, and a NUL. */
static bool receive(int fd, struct stoa_buffer *out_text) {
  for (;;) {
    char piece[4096];
    ssize_t count = recv(fd, piece, sizeof piece, 0);
    if (count == 0) {
      return stoa_buffer_append(out_text, "", 1) == STOA_OK;
    }
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 || stoa_buffer_append(out_text, piece, (size_t)count) != STOA_OK) {
      return false;
    }
  }
}

static void read_answer(const struct stoa_buffer *text, const struct stoa_message_type *type, void *reply,
                        struct admin_answer *answer) {
  const char *start = (const char *)text->data;
  const char *body = strstr(start, "\r\n\r\n");
  if (strncmp(start, "HTTP/1.1 ", 9) != 0 || body == NULL) {
    set_fault(answer, "what answers there is no chat", "");
    return;
  }
  answer->http_status = (int)strtol(start + 9, NULL, 10);
  /* What is decoded points into it, and lives as long as the arena. */
  size_t len = text->len - 1 - (size_t)(body + 4 - start);
  struct stoa_string own = stoa_arena_copy(answer->arena, stoa_string_make(body + 4, len));
  if (own.data == NULL) {
    set_fault(answer, "out of memory", "");
    return;
  }
  struct stoa_bytes json = stoa_bytes_make(own.data, own.len);
  struct stoa_error error = {0};
  if (answer->http_status == 200) {
    if (stoa_codec_json.decode(type, json, answer->arena, reply, NULL) != STOA_OK) {
      answer->http_status = 0;
      set_fault(answer, "the answer cannot be read", "");
    }
  } else if (stoa_codec_json.decode(&stoa_error_type, json, answer->arena, &error, NULL) == STOA_OK) {
    snprintf(answer->fault, sizeof answer->fault, "%.*s (HTTP status %d)", (int)error.message.len,
             error.message.data == NULL ? "" : error.message.data, answer->http_status);
  } else {
    snprintf(answer->fault, sizeof answer->fault, "HTTP status %d", answer->http_status);
  }
}

static void exchange(int fd, const struct admin_request *request, const char *key, void *reply,
                     struct admin_answer *answer) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, ADMIN_ANSWER_BYTES_MAX);
  if (send_request(fd, request, key) && receive(fd, &text)) {
    read_answer(&text, request->reply_type, reply, answer);
  } else {
    set_fault(answer, "the server does not answer", strerror(errno));
  }
  stoa_buffer_fini(&text);
}

bool admin_call(const struct chatroom_v1_config *config, const struct admin_request *request, void *out_reply,
                struct admin_answer *out_answer) {
  const struct stoa_admin_config *admin = config->server->admin;
  char key[KEY_LEN_MAX + 1];
  out_answer->http_status = 0;
  out_answer->fault[0] = '\0';
  if (stoa_string_equal(admin->address, stoa_string_of("off"))) {
    return false;
  }
  int fd = connect_to(admin->address.data);
  if (fd < 0 && (errno == ECONNREFUSED || errno == ENOENT)) {
    return false;
  }
  if (fd < 0) {
    set_fault(out_answer, admin->address.data, strerror(errno));
  } else if (!read_key(admin, key)) {
    set_fault(out_answer, admin->key_file.data, strerror(errno));
  } else {
    exchange(fd, request, key, out_reply, out_answer);
  }
  stoa_secret_wipe(key, sizeof key);
  if (fd >= 0) {
    close(fd);
  }
  return true;
}

bool admin_runs(const struct chatroom_v1_config *config, struct admin_answer *out_answer) {
  struct chatroom_v1_info_reply info = {0};
  const struct admin_request request = {"GET", "/v1/info", NULL, &chatroom_v1_info_reply_type};
  struct storage_options options;
  storage_options_of(config, &options);
  if (!admin_call(config, &request, &info, out_answer)) {
    return false;
  }
  if (out_answer->http_status != 200) {
    return true;
  }
  /* A server of other data is none of ours. */
  char *own = realpath(options.data_dir, NULL);
  bool is_same = own != NULL && stoa_string_equal(info.data_dir, stoa_string_of(own));
  free(own);
  return is_same;
}
