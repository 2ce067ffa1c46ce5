/* bench/durable/crowd.c: how many of a stream's messages do all clients see, though they lose their connections?
 *
 * durable-crowd stoa|ws|socketio PORT CLIENTS SECONDS RATE DROPS RETRY_MS|sdk
 *
 * Publishes RATE messages a second for SECONDS. With DROPS 1 each client loses its connection once, for 1.5 to 2.5 s.
 * A client whose connection fails tries again after RETRY_MS, or, with "sdk", as web/client does. On standard output:
 * "joined TIME" whenever all clients are joined, in seconds of the monotonic clock, and at the end a line of JSON. */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN_MS 4
#define JOIN_MS 60000u
#define WINDOW 32u /* messages that wait for an answer */
#define CONNECTS_PER_TURN 200u

static const struct protocol *protocol;
static struct member *members;
static unsigned count, joined, port;
static int epoll_fd;
static uint32_t retry_ms;    /* 0: as the SDK */
static uint32_t progress_ms; /* when a message was seen last */
static uint32_t sent_number, acked_number, due_number;
static bool is_acked[CROWD_MESSAGES_MAX];
static double *replays;
static unsigned replay_count, loss_count;
static uint8_t input[CROWD_FRAME_LEN_MAX * 2];

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double start_s;

/* Since the start, and never 0. */
static uint32_t now_ms(void) {
  return (uint32_t)((now_s() - start_s) * 1000) + 1;
}

static double random_share(void) {
  return (double)random() / 2147483648.0;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Connections. */

static uint32_t delay_ms(struct member *member) {
  if (retry_ms > 0) {
    return retry_ms;
  }
  unsigned tries = member->tries < 5 ? member->tries : 5;
  double bound = 1000.0 * (1u << tries);
  return (uint32_t)(500 + random_share() * ((bound > 20000 ? 20000 : bound) - 500));
}

static void go_down(struct member *member, uint32_t wait_ms) {
  if (member->state == MEMBER_JOINED) {
    joined--;
    loss_count++;
  }
  close(member->fd);
  free(member->rest);
  member->rest = NULL;
  member->rest_len = 0;
  member->fd = -1;
  member->state = MEMBER_DOWN;
  member->is_catching_up = false;
  member->wake_ms = now_ms() + wait_ms;
}

void crowd_lose(struct member *member) {
  if (member->fd >= 0) {
    uint32_t wait_ms = delay_ms(member);
    member->tries++;
    go_down(member, wait_ms);
  }
}

static void begin(struct member *member) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int one = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  member->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (member->fd < 0) {
    fail("socket");
  }
  setsockopt(member->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  member->state = MEMBER_CONNECTING;
  member->begun_ms = now_ms();
  member->target = acked_number;
  member->is_catching_up = member != members && member->seen_count > 0 && member->upto < member->target;
  member->wake_ms = 0;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = member};
  if (connect(member->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
    crowd_lose(member);
  } else if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, member->fd, &event) != 0) {
    fail("epoll_ctl");
  }
}

static void write_all(struct member *member, const void *data, size_t len) {
  if (send(member->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len) {
    crowd_lose(member); /* what it sends is short: a kernel that takes less has a connection that is broken */
  }
}

static void shake(struct member *member) {
  char request[512];
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = member};
  int len =
      snprintf(request, sizeof request,
               "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
               protocol->target, protocol->subprotocol != NULL ? "Sec-WebSocket-Protocol: " : "",
               protocol->subprotocol != NULL ? protocol->subprotocol : "", protocol->subprotocol != NULL ? "\r\n" : "");
  member->state = MEMBER_SHAKING;
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, member->fd, &event);
  write_all(member, request, (size_t)len);
}

/* At most 125 bytes, or 16 bits of length; the mask is 0. */
void crowd_send(struct member *member, bool is_text, const void *data, size_t len) {
  uint8_t frame[600];
  size_t at = len < 126 ? 2 : 4;
  if (member->fd < 0 || len > sizeof frame - 8) {
    return;
  }
  frame[0] = is_text ? 0x81 : 0x82;
  frame[1] = (uint8_t)(0x80 | (len < 126 ? len : 126));
  frame[2] = (uint8_t)(len >> 8);
  frame[3] = (uint8_t)len;
  memset(frame + at, 0, 4);
  memcpy(frame + at + 4, data, len);
  write_all(member, frame, at + 4 + len);
}

/* What protocols tell. */

static void check_caught_up(struct member *member) {
  if (member->is_catching_up && member->upto >= member->target) {
    member->is_catching_up = false;
    replays[replay_count++ % (count * 16)] = now_ms() - member->begun_ms;
  }
}

void crowd_joined(struct member *member) {
  if (member->state == MEMBER_JOINED) {
    return;
  }
  member->state = MEMBER_JOINED;
  member->tries = 0;
  if (++joined == count) {
    printf("joined %.4f\n", now_s());
    fflush(stdout);
  }
  if (member == members) {
    sent_number = acked_number; /* what was not answered is sent again */
  }
}

void crowd_seen(struct member *member, uint32_t number) {
  if (number == 0 || number >= CROWD_MESSAGES_MAX || (member->seen[number / 64] >> (number % 64) & 1) != 0) {
    return;
  }
  member->seen[number / 64] |= UINT64_C(1) << (number % 64);
  member->seen_count++;
  progress_ms = now_ms();
  while (member->upto + 1 < CROWD_MESSAGES_MAX &&
         (member->seen[(member->upto + 1) / 64] >> ((member->upto + 1) % 64) & 1)) {
    member->upto++;
  }
  check_caught_up(member);
}

void crowd_acknowledged(uint32_t number) {
  if (number == 0 || number >= CROWD_MESSAGES_MAX) {
    return;
  }
  is_acked[number] = true;
  while (acked_number < due_number && is_acked[acked_number + 1]) {
    acked_number++;
  }
}

/* Input. */

/* The length of the first frame, 0: not whole. */
static size_t take_frame(struct member *member, uint8_t *data, size_t len) {
  size_t at = 2;
  size_t body = len < 2 ? 0 : data[1] & 0x7f;
  if (body == 126) {
    at = 4;
    body = len < 4 ? 0 : (size_t)data[2] << 8 | data[3];
  }
  if (len < 2 || len < at + body) {
    return 0;
  }
  uint8_t opcode = data[0] & 0x0f;
  if (opcode == 8) {
    crowd_lose(member);
  } else if (opcode == 9) {
    uint8_t pong[6] = {0x8a, 0x80};
    write_all(member, pong, sizeof pong);
  } else if (opcode <= 2) {
    uint8_t kept = data[at + body]; /* the text ends with a NUL byte while it is read */
    data[at + body] = '\0';
    protocol->on_frame(member, data + at, body);
    data[at + body] = kept;
  }
  return at + body;
}

static size_t take_answer(struct member *member, const uint8_t *data, size_t len) {
  const char *end = memmem(data, len, "\r\n\r\n", 4);
  if (end == NULL) {
    return 0;
  }
  if (len < 12 || memcmp(data + 9, "101", 3) != 0) {
    crowd_lose(member);
    return len;
  }
  member->state = MEMBER_JOINING;
  protocol->join(member);
  return (size_t)(end + 4 - (const char *)data);
}

static void take(struct member *member, size_t len) {
  size_t at = 0;
  size_t used = 1;
  while (used > 0 && at < len && member->fd >= 0) {
    used = member->state == MEMBER_SHAKING ? take_answer(member, input + at, len - at)
                                           : take_frame(member, input + at, len - at);
    at += used;
  }
  if (member->fd < 0) {
    return;
  }
  free(member->rest);
  member->rest = NULL;
  member->rest_len = (uint32_t)(len - at);
  if (member->rest_len > 0) {
    member->rest = malloc(member->rest_len);
    if (member->rest == NULL || member->rest_len > CROWD_FRAME_LEN_MAX) {
      fail("an answer");
    }
    memcpy(member->rest, input + at, member->rest_len);
  }
}

static void on_ready(struct member *member) {
  int error = 0;
  socklen_t size = sizeof error;
  if (member->fd < 0) {
    return;
  }
  if (member->state == MEMBER_CONNECTING) {
    getsockopt(member->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      crowd_lose(member);
    } else {
      shake(member);
    }
    return;
  }
  if (member->rest_len > 0) {
    memcpy(input, member->rest, member->rest_len);
  }
  ssize_t len = recv(member->fd, input + member->rest_len, CROWD_FRAME_LEN_MAX - 1, 0);
  if (len > 0) {
    take(member, (size_t)len + member->rest_len);
  } else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
    crowd_lose(member);
  }
}

/* The run. */

static void publish_due(void) {
  while (members[0].state == MEMBER_JOINED && sent_number < due_number &&
         (!protocol->has_answers || sent_number < acked_number + WINDOW)) {
    uint32_t number = ++sent_number;
    protocol->publish(&members[0], number);
    if (!protocol->has_answers && members[0].fd >= 0) {
      crowd_acknowledged(number);
    }
  }
}

static void turn(void) {
  struct epoll_event events[1024];
  int ready = epoll_wait(epoll_fd, events, 1024, TURN_MS);
  for (int i = 0; i < ready; i++) {
    on_ready(events[i].data.ptr);
  }
  uint32_t now = now_ms();
  unsigned connects = 0;
  for (unsigned i = 0; i < count; i++) {
    struct member *member = &members[i];
    if (member->wake_ms == 0 || member->wake_ms > now) {
      continue;
    }
    if (member->state == MEMBER_JOINED && member->seen_count == 0) {
      continue; /* it has no position yet, so nothing could recover it */
    }
    if (member->state == MEMBER_JOINED) {
      go_down(member, 1500 + (uint32_t)(random_share() * 1000));
    } else if (member->state == MEMBER_DOWN && connects++ < CONNECTS_PER_TURN) {
      begin(member);
    }
  }
  publish_due();
}

static bool have_all_seen(void) {
  for (unsigned i = 1; i < count; i++) {
    if (members[i].seen_count < acked_number) {
      return false;
    }
  }
  return acked_number == due_number;
}

static void run(double seconds, double rate, bool has_drops) {
  while (joined < count && now_ms() < JOIN_MS) {
    turn();
  }
  if (joined < count) {
    fprintf(stderr, "durable-crowd: only %u of %u clients have joined\n", joined, count);
    exit(1);
  }
  uint32_t begun_ms = now_ms();
  uint32_t end_ms = begun_ms + (uint32_t)(seconds * 1000);
  for (unsigned i = 1; i < count && has_drops; i++) {
    members[i].wake_ms = begun_ms + (uint32_t)((0.05 + random_share() * 0.8) * seconds * 1000);
  }
  while (now_ms() < end_ms) {
    double due = (now_ms() - begun_ms) / 1000.0 * rate;
    due_number = (uint32_t)(due < CROWD_MESSAGES_MAX - 1 ? due : CROWD_MESSAGES_MAX - 1);
    turn();
  }
  /* What never arrives is not waited for; a slow server is. */
  progress_ms = now_ms();
  while (now_ms() - progress_ms < protocol->catch_up_ms && !(have_all_seen() && joined == count)) {
    turn();
  }
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static double replay_at(double share) {
  return replay_count == 0 ? 0 : replays[(size_t)(share * (replay_count - 1))];
}

static void report(void) {
  unsigned seen_by_all = 0;
  unsigned long long missing = 0;
  for (uint32_t number = 1; number <= acked_number; number++) {
    unsigned seen = 0;
    for (unsigned i = 1; i < count; i++) {
      seen += (members[i].seen[number / 64] >> (number % 64) & 1) != 0;
    }
    seen_by_all += seen == count - 1;
    missing += count - 1 - seen;
  }
  replay_count = replay_count < count * 16 ? replay_count : count * 16;
  qsort(replays, replay_count, sizeof *replays, compare);
  printf(
      "{\"published\":%u,\"seen_by_all\":%u,\"missing\":%llu,\"losses\":%u,\"joined\":%u,\"replays\":%u,"
      "\"replay_p50_ms\":%.0f,\"replay_p99_ms\":%.0f,\"replay_max_ms\":%.0f}\n",
      acked_number, seen_by_all, missing, loss_count, joined, replay_count, replay_at(0.5), replay_at(0.99),
      replay_at(1));
}

static const struct protocol *protocol_named(const char *name) {
  const struct protocol *all[] = {&protocol_stoa, &protocol_ws, &protocol_socketio};
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(all[i]->name, name) == 0) {
      return all[i];
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  struct rlimit descriptors;
  protocol = argc == 8 ? protocol_named(argv[1]) : NULL;
  if (protocol == NULL) {
    fprintf(stderr, "usage: durable-crowd stoa|ws|socketio PORT CLIENTS SECONDS RATE DROPS RETRY_MS|sdk\n");
    return 2;
  }
  port = (unsigned)strtoul(argv[2], NULL, 10);
  count = (unsigned)strtoul(argv[3], NULL, 10) + 1; /* and the publisher */
  retry_ms = (uint32_t)strtoul(argv[7], NULL, 10);
  members = calloc(count, sizeof *members);
  replays = calloc((size_t)count * 16, sizeof *replays);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (members == NULL || replays == NULL || epoll_fd < 0 || getrlimit(RLIMIT_NOFILE, &descriptors) != 0) {
    fail("durable-crowd");
  }
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  srandom(1);
  start_s = now_s();
  for (unsigned i = 0; i < count; i++) {
    members[i].fd = -1;
    members[i].wake_ms = 1;
  }
  run(strtod(argv[4], NULL), strtod(argv[5], NULL), argv[6][0] == '1');
  report();
  return 0;
}
