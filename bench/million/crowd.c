#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection is identified by its port and both addresses. Linux searches free ports of one parity first, and is slow
 * when these run out; with 8,000 connections from one address they do not. */
enum { CONNECTIONS_PER_SOURCE = 8000, FIND_ROUND = 0, NO_ROUND = UINT16_MAX, REST_MAX = UINT8_MAX };
enum { OPCODE_BINARY = 0x82, OPCODE_CLOSE = 0x88, OPCODE_PING = 0x89, OPCODE_PONG = 0x8a, LEN_MAX = 125 };

/* RFC 6455 1.3: this key has this answer. */
static const char request[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
static const char accepted[] = "HTTP/1.1 101 ";
static const char answer[] = "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

void crowd_fault(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("fault ", stdout);
  vfprintf(stdout, format, arguments);
  putchar('\n');
  va_end(arguments);
  fflush(stdout);
  exit(1);
}

static void *need(void *block) {
  if (block == NULL) {
    crowd_fault("out of memory");
  }
  return block;
}

void crowd_init(struct crowd *crowd, int epoll_fd, unsigned port, uint32_t source, unsigned capacity) {
  *crowd = (struct crowd){
      .epoll_fd = epoll_fd,
      .server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
      .source = source,
      .capacity = capacity,
      .round = NO_ROUND};
  crowd->members = need(calloc(capacity, sizeof *crowd->members));
  crowd->heard_of = need(calloc(LINE_SENDERS_MAX, sizeof *crowd->heard_of));
}

/* Opening. */

static void send_whole(const struct member *member, const void *data, size_t len) {
  ssize_t sent = send(member->fd, data, len, MSG_NOSIGNAL);
  if (sent != (ssize_t)len) {
    crowd_fault("a send of %zu bytes: %s", len, sent < 0 ? strerror(errno) : "in part");
  }
}

static void watch(const struct crowd *crowd, unsigned number, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = number};
  if (epoll_ctl(crowd->epoll_fd, operation, crowd->members[number].fd, &event) != 0) {
    crowd_fault("epoll_ctl: %s", strerror(errno));
  }
}

static int socket_from(uint32_t source) {
  const int on = 1;
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    crowd_fault("socket: %s", strerror(errno));
  }
  /* No TIME_WAIT remains, not even when this process is killed. */
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, (const struct sockaddr *)&from, sizeof from) != 0) {
    crowd_fault("bind: %s", strerror(errno));
  }
  return fd;
}

static void shake(struct crowd *crowd, unsigned number) {
  crowd->members[number].state = MEMBER_SHAKING;
  send_whole(&crowd->members[number], request, sizeof request - 1);
}

static void begin(struct crowd *crowd) {
  unsigned number = crowd->begun++;
  struct member *member = &crowd->members[number];
  *member = (struct member){
      .fd = socket_from(crowd->source + number / CONNECTIONS_PER_SOURCE), .group = MEMBER_NO_GROUP, .round = NO_ROUND};
  if (connect(member->fd, (const struct sockaddr *)&crowd->server, sizeof crowd->server) == 0) {
    shake(crowd, number);
    watch(crowd, number, EPOLL_CTL_ADD, EPOLLIN);
  } else if (errno == EINPROGRESS) {
    watch(crowd, number, EPOLL_CTL_ADD, EPOLLOUT);
  } else {
    crowd_fault("connect: %s", strerror(errno));
  }
}

static void go_on_opening(struct crowd *crowd) {
  while (crowd->begun < crowd->wanted && crowd->begun - crowd->open < crowd->window) {
    begin(crowd);
  }
}

void crowd_open(struct crowd *crowd, unsigned count, unsigned window) {
  if (count > crowd->capacity - crowd->wanted) {
    crowd_fault("%u connections more than the %u that there is room for", count, crowd->capacity);
  }
  crowd->wanted += count;
  crowd->window = window;
  go_on_opening(crowd);
}

static void connected(struct crowd *crowd, unsigned number) {
  int reason = 0;
  socklen_t len = sizeof reason;
  if (getsockopt(crowd->members[number].fd, SOL_SOCKET, SO_ERROR, &reason, &len) != 0 || reason != 0) {
    crowd_fault("connect: %s", strerror(reason));
  }
  shake(crowd, number);
  watch(crowd, number, EPOLL_CTL_MOD, EPOLLIN);
}

/* Takes the answer to the handshake. Returns its length, 0 while it is incomplete. */
static size_t take_answer(struct crowd *crowd, struct member *member, const uint8_t *data, size_t len) {
  const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
  if (end == NULL) {
    return 0;
  }
  size_t head_len = (size_t)(end - data) + 4;
  if (memcmp(data, accepted, sizeof accepted - 1) != 0 || memmem(data, head_len, answer, sizeof answer - 1) == NULL) {
    crowd_fault("the handshake was answered by %.*s", (int)strcspn((const char *)data, "\r"), (const char *)data);
  }
  member->state = MEMBER_OPEN;
  crowd->open++;
  return head_len;
}

/* Receiving. */

/* Every member knows its group now: each receives one message from each member of the same group. */
static void count_what_is_to_come(struct crowd *crowd) {
  crowd->awaited = 0;
  for (unsigned i = 0; i < crowd->open; i++) {
    crowd->awaited += (unsigned long long)crowd->heard_of[i] * crowd->heard_of[i];
  }
}

static void hear_while_finding(struct crowd *crowd, unsigned number, unsigned sender) {
  struct member *member = &crowd->members[number];
  if (member->group == MEMBER_NO_GROUP) {
    member->group = sender;
    crowd->heard_of[sender]++;
  }
  if (sender != number) {
    return;
  }
  if (member->heard_itself) {
    crowd_fault("a client heard itself twice");
  }
  member->heard_itself = true;
  crowd->heard_themselves++;
  if (crowd->heard_themselves == crowd->open) {
    count_what_is_to_come(crowd);
  }
}

static void hear_in_round(struct crowd *crowd, struct member *member, unsigned sender) {
  if (member->round == crowd->round) {
    crowd_fault("a message was delivered twice in round %u", crowd->round);
  }
  if (member->group != MEMBER_NO_GROUP && member->group != sender) {
    crowd_fault("a client of group %u heard group %u", member->group, sender);
  }
  member->round = (uint16_t)crowd->round;
  member->group = sender;
  crowd->heard_of[sender]++;
}

static void hear(struct crowd *crowd, unsigned number, const uint8_t *payload) {
  unsigned round;
  unsigned sender;
  if (!line_read(payload, &round, &sender)) {
    crowd_fault("a message was damaged");
  }
  if (round != crowd->round) {
    crowd_fault("a message of round %u came in round %u", round, crowd->round);
  }
  crowd->heard++;
  if (crowd->heard > crowd->awaited) {
    crowd_fault("more than %llu deliveries in round %u", crowd->awaited, round);
  }
  if (round == FIND_ROUND) {
    hear_while_finding(crowd, number, sender);
  } else {
    hear_in_round(crowd, &crowd->members[number], sender);
  }
}

/* RFC 6455 5.5.3: a pong has the ping's payload. A zero mask leaves it as it is. */
static void answer_ping(const struct member *member, const uint8_t *payload, size_t len) {
  uint8_t frame[6 + LEN_MAX] = {OPCODE_PONG, (uint8_t)(0x80 | len)};
  memcpy(frame + 6, payload, len);
  send_whole(member, frame, 6 + len);
}

/* Takes one frame. Its length always has RFC 6455's short form here. Returns its length, 0 while it is incomplete.
 */
static size_t take_frame(struct crowd *crowd, unsigned number, const uint8_t *data, size_t len) {
  size_t payload_len = len < 2 ? 0 : data[1];
  if (payload_len <= LEN_MAX && len < 2 + payload_len) {
    return 0;
  }
  if (data[0] == OPCODE_BINARY && payload_len == LINE_PAYLOAD_LEN) {
    hear(crowd, number, data + 2);
  } else if (data[0] == OPCODE_PING && payload_len <= LEN_MAX) {
    answer_ping(&crowd->members[number], data + 2, payload_len);
  } else if (data[0] == OPCODE_CLOSE && payload_len >= 2) {
    crowd_fault("a connection was closed with %u", (unsigned)data[2] << 8 | data[3]);
  } else {
    crowd_fault("a frame that nobody sent: %02x and %zu bytes", data[0], payload_len);
  }
  return 2 + payload_len;
}

static size_t take_all(struct crowd *crowd, unsigned number, const uint8_t *data, size_t len) {
  struct member *member = &crowd->members[number];
  size_t used = 0;
  size_t taken;
  do {
    taken = member->state == MEMBER_SHAKING ? take_answer(crowd, member, data + used, len - used)
                                            : take_frame(crowd, number, data + used, len - used);
    used += taken;
  } while (taken > 0);
  return used;
}

static void keep_rest(struct member *member, const uint8_t *data, size_t len) {
  free(member->rest);
  member->rest = NULL;
  if (len > REST_MAX) {
    crowd_fault("%zu bytes that are no message", len);
  }
  member->rest_len = (uint8_t)len;
  if (len > 0) {
    member->rest = need(malloc(len));
    memcpy(member->rest, data, len);
  }
}

static void read_some(struct crowd *crowd, unsigned number) {
  static uint8_t buffer[REST_MAX + 64 * 1024];
  struct member *member = &crowd->members[number];
  size_t len = member->rest_len;
  if (len > 0) {
    memcpy(buffer, member->rest, len);
  }
  ssize_t got = recv(member->fd, buffer + len, sizeof buffer - len, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (got <= 0) {
    crowd_fault("a connection ended: %s", got == 0 ? "by the server" : strerror(errno));
  }
  len += (size_t)got;
  size_t used = take_all(crowd, number, buffer, len);
  keep_rest(member, buffer + used, len - used);
}

void crowd_on_ready(struct crowd *crowd, unsigned number) {
  if (crowd->members[number].state == MEMBER_CONNECTING) {
    connected(crowd, number);
  } else {
    read_some(crowd, number);
  }
  go_on_opening(crowd);
}

/* Sending. */

static void say(const struct crowd *crowd, unsigned number) {
  uint8_t frame[LINE_MASKED_LEN];
  line_write(crowd->round, number, frame);
  send_whole(&crowd->members[number], frame, sizeof frame);
}

void crowd_find(struct crowd *crowd) {
  crowd_await(crowd, FIND_ROUND);
  crowd->awaited = (unsigned long long)crowd->open * crowd->open; /* an upper limit until the number is known */
  for (unsigned i = 0; i < crowd->open; i++) {
    say(crowd, i);
  }
}

void crowd_await(struct crowd *crowd, unsigned round) {
  crowd->round = round;
  crowd->heard = 0;
  crowd->awaited = crowd->open;
  memset(crowd->heard_of, 0, LINE_SENDERS_MAX * sizeof *crowd->heard_of);
}

void crowd_say(struct crowd *crowd, unsigned sender) {
  if (sender >= crowd->open) {
    crowd_fault("no client has the number %u", sender);
  }
  say(crowd, sender);
}

bool crowd_is_open(const struct crowd *crowd) {
  return crowd->open == crowd->wanted;
}

bool crowd_has_heard(const struct crowd *crowd) {
  return crowd->heard == crowd->awaited && (crowd->round != FIND_ROUND || crowd->heard_themselves == crowd->open);
}
