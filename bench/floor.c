/* bench/floor.c: the yardstick: the cost of a fan-out that does only the necessary system calls.
 *
 * A bare epoll loop: one recv() per readable socket into one big buffer, frames copied once while they are unmasked,
 * members in a dense array. It checks nothing and must never be reachable from a network. The ways to send:
 *
 *   each   one send() per message and member, the usual shape of a broadcast
 *   batch  the messages of a turn built once in one buffer, one send() per member and turn
 *   uring  the same, the sends handed to the kernel some dozens at a time
 *   echo   every message goes back to its sender, one send() per read
 */
#include "floor.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plain_ws.h"

enum { EVENTS_MAX = 1024, READ_LEN = 256 * 1024, FD_MAX = 1 << 20 };

/* Without its memory the program cannot measure, so it exits. */
static void *need(void *block) {
  if (block == NULL) {
    perror("floor");
    exit(1);
  }
  return block;
}

static void rest_append(struct rest **rest, const uint8_t *data, size_t len) {
  if (*rest == NULL) {
    *rest = need(calloc(1, sizeof **rest));
  }
  struct rest *to = *rest;
  if (to->len + len > to->cap) {
    to->cap = 2 * (to->len + len);
    to->data = need(realloc(to->data, to->cap));
  }
  memcpy(to->data + to->len, data, len);
  to->len += len;
}

static void rest_free(struct rest **rest) {
  if (*rest != NULL) {
    free((*rest)->data);
    free(*rest);
    *rest = NULL;
  }
}

static void watch(struct floor *floor, int fd, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (epoll_ctl(floor->epoll_fd, operation, fd, &event) != 0) {
    perror("floor: epoll_ctl");
  }
}

static void join(struct floor *floor, int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  size_t count = floor->member_count;
  if (count % 256 == 0) {
    floor->members = need(realloc(floor->members, (count + 256) * sizeof *floor->members));
  }
  floor->members[count] = (struct member){.fd = fd};
  floor->index_by_fd[fd] = (int32_t)count;
  floor->member_count = count + 1;
  watch(floor, fd, EPOLL_CTL_ADD, EPOLLIN);
}

/* The last member moves to the free index, so that the array stays dense. */
static void leave(struct floor *floor, size_t index) {
  struct member *member = &floor->members[index];
  rest_free(&member->in);
  rest_free(&member->out);
  floor->index_by_fd[member->fd] = -1;
  close(member->fd);
  floor->member_count--;
  if (index != floor->member_count) {
    *member = floor->members[floor->member_count];
    floor->index_by_fd[member->fd] = (int32_t)index;
  }
}

static void accept_all(struct floor *floor) {
  for (;;) {
    int fd = accept4(floor->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    if (fd >= FD_MAX) {
      close(fd);
      continue;
    }
    join(floor, fd);
  }
}

void floor_keep(struct floor *floor, size_t index, const uint8_t *data, size_t len, size_t sent) {
  struct member *member = &floor->members[index];
  rest_append(&member->out, data + sent, len - sent);
  watch(floor, member->fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void send_to(struct floor *floor, size_t index, const uint8_t *data, size_t len) {
  struct member *member = &floor->members[index];
  if (member->out != NULL) {
    rest_append(&member->out, data, len);
    return;
  }
  ssize_t sent = send(member->fd, data, len, MSG_NOSIGNAL);
  /* The next read reports an error other than a full socket, and ends the connection. */
  if (sent < 0 && errno != EAGAIN) {
    return;
  }
  if (sent < (ssize_t)len) {
    floor_keep(floor, index, data, len, sent < 0 ? 0 : (size_t)sent);
  }
}

/* Returns false when the connection is gone. */
static bool send_rest(struct floor *floor, size_t index) {
  struct member *member = &floor->members[index];
  struct rest *out = member->out;
  if (out == NULL) {
    return true;
  }
  ssize_t sent = send(member->fd, out->data, out->len, MSG_NOSIGNAL);
  if (sent < 0) {
    return errno == EAGAIN;
  }
  out->len -= (size_t)sent;
  memmove(out->data, out->data + sent, out->len);
  if (out->len == 0) {
    rest_free(&member->out);
    watch(floor, member->fd, EPOLL_CTL_MOD, EPOLLIN);
  }
  return true;
}

static void fan_out_each(struct floor *floor) {
  for (size_t message = 0; message < floor->end_count; message++) {
    size_t start = message == 0 ? 0 : floor->ends[message - 1];
    for (size_t i = 0; i < floor->member_count; i++) {
      send_to(floor, i, floor->turn + start, floor->ends[message] - start);
    }
  }
}

static void fan_out_batch(struct floor *floor) {
  for (size_t i = 0; i < floor->member_count; i++) {
    send_to(floor, i, floor->turn, floor->turn_len);
  }
}

static void turn_add(struct floor *floor, const struct plain_ws_frame *frame) {
  size_t need_len = floor->turn_len + frame->payload_len + PLAIN_WS_HEAD_MAX;
  if (need_len > floor->turn_cap) {
    floor->turn_cap = 2 * need_len;
    floor->turn = need(realloc(floor->turn, floor->turn_cap));
  }
  if (floor->end_count == floor->end_cap) {
    floor->end_cap = 2 * floor->end_cap + 256;
    floor->ends = need(realloc(floor->ends, floor->end_cap * sizeof *floor->ends));
  }
  floor->turn_len += plain_ws_copy(frame, frame->opcode, floor->turn + floor->turn_len);
  floor->ends[floor->end_count++] = floor->turn_len;
}

/* Echo has no fan-out: its turn is one read of member `index`. */
static void turn_end(struct floor *floor, size_t index) {
  if (floor->turn_len > 0 && floor->fan_out != NULL) {
    floor->fan_out(floor);
  } else if (floor->turn_len > 0) {
    send_to(floor, index, floor->turn, floor->turn_len);
  }
  floor->turn_len = 0;
  floor->end_count = 0;
}

/* Returns the bytes used, 0 when the head is incomplete. */
static size_t upgrade(struct member *member, const uint8_t *data, size_t len) {
  const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
  if (end == NULL) {
    return 0;
  }
  size_t head_len = (size_t)(end - data) + 4;
  char answer[PLAIN_WS_ANSWER_MAX];
  size_t answer_len = plain_ws_answer((const char *)data, head_len, answer);
  send(member->fd, answer, answer_len, MSG_NOSIGNAL);
  member->upgraded = true;
  return head_len;
}

/* Answer a Close and end the connection, answer a Ping, ignore a Pong. Returns false when the connection has ended. */
static bool control(struct floor *floor, size_t index, const struct plain_ws_frame *frame) {
  if (frame->opcode == PLAIN_WS_PONG) {
    return true;
  }
  uint8_t answer[PLAIN_WS_HEAD_MAX + 125];
  unsigned opcode = frame->opcode == PLAIN_WS_PING ? PLAIN_WS_PONG : PLAIN_WS_CLOSE;
  send_to(floor, index, answer, plain_ws_copy(frame, opcode, answer));
  return frame->opcode != PLAIN_WS_CLOSE;
}

/* Handle all complete frames. Returns the bytes used, or -1 when the connection has ended. */
static ssize_t use_frames(struct floor *floor, size_t index, const uint8_t *data, size_t len) {
  struct member *member = &floor->members[index];
  size_t used = member->upgraded ? 0 : upgrade(member, data, len);
  struct plain_ws_frame frame;
  while (member->upgraded && plain_ws_parse(data + used, len - used, &frame)) {
    used += frame.frame_len;
    if (frame.opcode < PLAIN_WS_CLOSE) {
      turn_add(floor, &frame);
      continue;
    }
    /* Messages before a Close still go to the members, and to the sender before the answer. */
    if (frame.opcode == PLAIN_WS_CLOSE) {
      turn_end(floor, index);
    }
    if (!control(floor, index, &frame)) {
      return -1;
    }
  }
  return (ssize_t)used;
}

/* Put the incomplete frame of earlier reads before the new bytes. Returns the bytes in the input buffer, or -1. */
static ssize_t fill_input(struct floor *floor, struct member *member) {
  size_t kept = member->in == NULL ? 0 : member->in->len;
  if (kept + READ_LEN > floor->input_cap) {
    floor->input_cap = kept + READ_LEN;
    floor->input = need(realloc(floor->input, floor->input_cap));
  }
  if (kept > 0) {
    memcpy(floor->input, member->in->data, kept);
  }
  ssize_t got = recv(member->fd, floor->input + kept, READ_LEN, 0);
  if (got <= 0) {
    return -1;
  }
  rest_free(&member->in);
  return (ssize_t)kept + got;
}

/* Returns false when the connection is gone. */
static bool read_from(struct floor *floor, size_t index) {
  struct member *member = &floor->members[index];
  ssize_t len = fill_input(floor, member);
  if (len < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  ssize_t used = use_frames(floor, index, floor->input, (size_t)len);
  if (used >= 0 && used < len) {
    rest_append(&member->in, floor->input + used, (size_t)(len - used));
  }
  if (floor->fan_out == NULL) {
    turn_end(floor, index);
  }
  return used >= 0;
}

static void on_event(struct floor *floor, const struct epoll_event *event) {
  if (event->data.fd == floor->listen_fd) {
    accept_all(floor);
    return;
  }
  int32_t index = floor->index_by_fd[event->data.fd];
  if (index < 0) {
    return;
  }
  errno = 0;
  bool lives = (event->events & EPOLLOUT) == 0 || send_rest(floor, (size_t)index);
  if (lives && (event->events & ~(uint32_t)EPOLLOUT) != 0) {
    errno = 0;
    lives = read_from(floor, (size_t)index);
  }
  if (!lives) {
    leave(floor, (size_t)index);
  }
}

static void serve(struct floor *floor) {
  static struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int count = epoll_wait(floor->epoll_fd, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
      on_event(floor, &events[i]);
    }
    turn_end(floor, 0);
  }
}

static int usage(void) {
  fprintf(stderr, "usage: floor --mode each|batch|uring|echo [--port N]\n");
  return 2;
}

static bool choose(struct floor *floor, const char *mode) {
  if (strcmp(mode, "uring") == 0 && !floor_uring_open()) {
    fprintf(stderr, "floor: no io_uring here\n");
    exit(77); /* the usual status of a skipped test */
  }
  floor->fan_out = strcmp(mode, "each") == 0    ? fan_out_each
                   : strcmp(mode, "batch") == 0 ? fan_out_batch
                   : strcmp(mode, "uring") == 0 ? floor_uring_fan_out
                                                : NULL;
  return floor->fan_out != NULL || strcmp(mode, "echo") == 0;
}

static bool open_floor(struct floor *floor, unsigned port) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  /* Not cleared: join() writes an entry before anything reads it, and unused pages stay untouched. */
  floor->index_by_fd = need(malloc(FD_MAX * sizeof *floor->index_by_fd));
  floor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  floor->listen_fd = plain_ws_listen(port);
  if (floor->epoll_fd < 0 || floor->listen_fd < 0) {
    return false;
  }
  watch(floor, floor->listen_fd, EPOLL_CTL_ADD, EPOLLIN);
  return true;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"mode", required_argument, NULL, 'm'}, {"port", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
  const char *mode = NULL;
  unsigned long port = 0;
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == '?') {
      return usage();
    }
    if (c == 'm') {
      mode = optarg;
    } else {
      port = strtoul(optarg, NULL, 10);
    }
  }
  struct floor floor = {0};
  if (mode == NULL || port > 65535 || optind != argc || !choose(&floor, mode)) {
    return usage();
  }
  signal(SIGPIPE, SIG_IGN);
  if (!open_floor(&floor, (unsigned)port)) {
    perror("floor");
    return 1;
  }
  serve(&floor);
}
