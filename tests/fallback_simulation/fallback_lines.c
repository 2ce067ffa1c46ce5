#include "base/sys.h"
#include "fallback_private.h"
#include "simulation/object.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int net_connect(struct world *world) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7700)};
  struct epoll_event event = {.events = EPOLLIN};
  address.sin_addr.s_addr = inet_addr("10.0.0.1");
  int fd = stoa_sys.socket(AF_INET, SOCK_STREAM, 0);
  assert(fd >= 0);
  int status = stoa_sys.connect(fd, (const struct sockaddr *)&address, sizeof address);
  assert(status == -1 && errno == EINPROGRESS);
  status = stoa_sys.epoll_ctl(world->epoll, EPOLL_CTL_ADD, fd, &event);
  assert(status == 0);
  return fd;
}

bool net_is_connected(int fd) {
  struct object *object = object_of(fd);
  object_see_connected(object);
  return object->kind == KIND_STREAM;
}

/* Ends. */

void lines_close(struct world *world, struct line *line) {
  struct request lost[3];
  unsigned count = line->request_count;
  memcpy(lost, line->requests, sizeof lost);
  if (line->fd >= 0) {
    stoa_sys.close(line->fd);
  }
  line->fd = -1;
  line->out_at = line->out_len = line->in_len = 0;
  line->request_count = 0;
  line->has_half = false;
  for (unsigned i = 0; i < count; i++) {
    guest_take_answer(&world->guests[lost[i].guest], &lost[i], 0, "");
  }
}

static void fail_line(struct world *world, struct line *line, int reason) {
  if (reason == ECONNREFUSED && line->must_be_taken) {
    trace_fail(world->trace, "nobody listens for posts, and a session is open");
  }
  lines_close(world, line);
}

/* Sending. */

static void open_line(struct world *world, struct line *line) {
  line->fd = net_connect(world);
  line->must_be_taken = program_has_sessions(world);
}

static void put(struct line *line, const void *data, size_t len) {
  assert(sizeof line->out - line->out_len >= len);
  if (len > 0) {
    memcpy(line->out + line->out_len, data, len);
    line->out_len += len;
  }
}

static bool has_room(const struct line *line, size_t len) {
  return !line->has_half && line->request_count < 3 && sizeof line->out - line->out_len >= len + 1024;
}

static struct line *choose(struct world *world, size_t len, bool fresh) {
  size_t first = below(world, LINES);
  for (size_t i = 0; i < LINES; i++) {
    struct line *line = &world->lines[(first + i) % LINES];
    if (line->fd < 0) {
      open_line(world, line);
      return line;
    }
    if (!fresh && has_room(line, len)) {
      return line;
    }
  }
  return NULL;
}

static void put_head(struct line *line, const struct request *request, const char *key, size_t len) {
  char head[512];
  char number[64] = "";
  if (request->number > 0) {
    snprintf(number, sizeof number, "Stoa-Sequence: %llu\r\n", (unsigned long long)request->number);
  }
  int head_len = snprintf(head, sizeof head,
                          "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                          "Stoa-Session: %s\r\n%sContent-Length: %zu\r\n\r\n",
                          key, number, len);
  put(line, head, (size_t)head_len);
}

static void flush(struct world *world, struct line *line) {
  if (!net_is_connected(line->fd) || line->out_at == line->out_len) {
    return;
  }
  ssize_t sent = stoa_sys.send(line->fd, line->out + line->out_at, line->out_len - line->out_at, 0);
  if (sent < 0) {
    if (errno != EAGAIN) {
      fail_line(world, line, errno);
    }
    return;
  }
  line->out_at += (size_t)sent;
  if (line->out_at == line->out_len) {
    line->out_at = line->out_len = 0;
  }
}

bool lines_post(struct world *world, const struct request *request, const char *key, const void *body, size_t len,
                bool fresh) {
  struct line *line = choose(world, len, fresh);
  if (line == NULL) {
    return false;
  }
  put_head(line, request, key, len);
  put(line, body, len);
  line->requests[line->request_count++] = *request;
  return true;
}

void lines_send_half(struct world *world, const struct guest *guest) {
  const struct request request = {.number = guest->record->sent + 1};
  struct line *line = choose(world, 100, true);
  if (line != NULL) {
    put_head(line, &request, guest->key, 100);
    put(line, "\0\0\0\4abcd", 8);
    line->has_half = true;
    line->requests[line->request_count++] =
        (struct request){.record = guest->record, .guest = guest->index, .kind = POST_MALFORMED};
    world->counts->halves++;
  }
}

/* Answers. */

/* Returns the length of a whole answer at the beginning of `in`, or 0. */
static size_t whole_len(const struct line *line) {
  const char *end = memmem(line->in, line->in_len, "\r\n\r\n", 4);
  if (end == NULL) {
    return 0;
  }
  size_t head_len = (size_t)(end - line->in) + 4;
  const char *length = memmem(line->in, head_len, "Content-Length: ", 16);
  size_t len = head_len + (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
  return len <= line->in_len ? len : 0;
}

static void take_answers(struct world *world, struct line *line) {
  size_t len;
  while (line->fd >= 0 && (len = whole_len(line)) > 0) {
    char text[sizeof line->in + 1];
    memcpy(text, line->in, len);
    text[len] = '\0';
    if (line->request_count == 0) {
      trace_fail(world->trace, "an answer to nothing: %.40s", text);
      return;
    }
    struct request request = line->requests[0];
    bool is_last = strstr(text, "Connection: close") != NULL;
    line->in_len -= len;
    memmove(line->in, line->in + len, line->in_len);
    line->request_count--;
    memmove(line->requests, line->requests + 1, line->request_count * sizeof line->requests[0]);
    guest_take_answer(&world->guests[request.guest], &request, (int)strtol(text + 9, NULL, 10), text);
    if (is_last) {
      lines_close(world, line);
    }
  }
}

void lines_poll(struct world *world, struct line *line) {
  if (line->fd >= 0) {
    flush(world, line);
  }
  if (line->fd < 0) {
    return;
  }
  ssize_t got = stoa_sys.recv(line->fd, line->in + line->in_len, sizeof line->in - line->in_len, 0);
  if (got > 0) {
    line->in_len += (size_t)got;
    take_answers(world, line);
  } else if (got == 0) {
    lines_close(world, line);
  } else if (errno != EAGAIN) {
    fail_line(world, line, errno);
  }
}
