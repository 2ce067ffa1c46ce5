/* bench/fairness/bystander.c: well-behaved sessions on a server with misbehaving clients.
 *
 *   fairness-bystander [OPTION...] PORT SOURCE      to 127.0.0.1:PORT, from the address SOURCE
 *
 *   --idle N            sessions that only answer the server's pings (0)
 *   --interval-us N     one more session sends a WebSocket ping at this interval; 0, the default, is none
 *
 * It prints "ready" when all sessions are open. The line "measure" on standard input starts the pings. At the end of
 * the input the program prints one JSON object and exits:
 *
 *   pings     how many were sent
 *   answered  the time from when a ping was due until its pong was read: p50, p99 and max in milliseconds
 *   lag       the server's part: from when the kernel had put the ping into the server's socket until it had the pong,
 *             without the delay of waking this process
 *   sessions  their number; closed: the close codes of those that the server closed, 1006 without a close frame
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"
#include "samples.h"
#include "tcp.h"

enum { EVENTS_MAX = 64, READ_LEN = 256 * 1024, OPEN_DEADLINE_MS = 20000, HEAD_MAX = 4096, SESSIONS_MAX = 10000 };
enum { NO_CLOSE_FRAME = 1006 };

static const uint32_t input_number = UINT32_MAX;
static const char request[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct session {
  struct bystander *of;
  int fd; /* -1 when it is closed */
  struct frames frames;
  unsigned close_code;
};

/* The ping that waits for its pong, or the next one. */
struct ping {
  bool is_out;
  uint64_t number;
  uint64_t due_ns;  /* CLOCK_MONOTONIC */
  uint64_t sent_ns; /* CLOCK_REALTIME, like the kernel's timestamps */
};

struct bystander {
  struct tcp_path path;
  unsigned idle;
  uint64_t interval_ns;
  int epoll_fd;
  struct session *sessions; /* the last one is the one that pings */
  unsigned session_count;
  bool is_measuring;
  struct ping ping;
  uint64_t heard_ns; /* when the kernel received the bytes that are being read */
  struct samples answered, lag;
};

static uint8_t input[READ_LEN];

static uint64_t wall_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t since(uint64_t later_ns, uint64_t earlier_ns) {
  return later_ns > earlier_ns ? later_ns - earlier_ns : 0;
}

/* The end of a session. */

static void close_session(struct session *session, unsigned code) {
  session->close_code = session->close_code != 0 ? session->close_code : code;
  if (session->fd >= 0) {
    close(session->fd);
    session->fd = -1;
  }
}

/* Opening: one after another, blocking, before the measurement. */

static void wait_for(int fd, short events) {
  struct pollfd wanted = {.fd = fd, .events = events};
  int count = poll(&wanted, 1, OPEN_DEADLINE_MS);
  if (count <= 0) {
    errno = count == 0 ? ETIMEDOUT : errno;
    tcp_die("the server does not answer");
  }
}

/* Read the head of the answer and no byte after it. */
static void read_answer(int fd) {
  char head[HEAD_MAX + 1];
  for (size_t len = 0; len < HEAD_MAX;) {
    wait_for(fd, POLLIN);
    if (recv(fd, head + len, 1, 0) != 1) {
      tcp_die("the handshake");
    }
    len++;
    if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) {
      head[len] = '\0';
      break;
    }
  }
  if (strncmp(head, "HTTP/1.1 101 ", 13) != 0) {
    errno = EPROTO;
    tcp_die("the handshake was refused");
  }
}

static void open_session(struct bystander *bystander, uint32_t number) {
  const int on = 1;
  struct session *session = &bystander->sessions[number];
  *session = (struct session){.of = bystander, .fd = tcp_dial(&bystander->path)};
  if (session->fd < 0) {
    tcp_die("connect");
  }
  wait_for(session->fd, POLLOUT);
  if (send(session->fd, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof request - 1)) {
    tcp_die("connect");
  }
  read_answer(session->fd);
  if (setsockopt(session->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
    tcp_die("SO_TIMESTAMPNS");
  }
  tcp_watch(bystander->epoll_fd, EPOLL_CTL_ADD, session->fd, EPOLLIN, number);
}

static void open_all(struct bystander *bystander) {
  bystander->session_count = bystander->idle + (bystander->interval_ns > 0 ? 1 : 0);
  bystander->sessions = tcp_need(calloc(bystander->session_count + 1, sizeof *bystander->sessions));
  bystander->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (bystander->epoll_fd < 0) {
    tcp_die("epoll_create1");
  }
  tcp_watch(bystander->epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, input_number);
  for (uint32_t i = 0; i < bystander->session_count; i++) {
    open_session(bystander, i);
  }
  puts("ready");
  fflush(stdout);
}

/* Pings. */

static void send_control(struct session *session, uint8_t first, const void *payload, size_t len) {
  uint8_t frame[FRAMES_CONTROL_SIZE];
  size_t frame_len = frames_control(first, payload, len, frame);
  if (send(session->fd, frame, frame_len, MSG_NOSIGNAL) != (ssize_t)frame_len && errno != EAGAIN) {
    close_session(session, NO_CLOSE_FRAME);
  }
}

static struct session *pinging(struct bystander *bystander) {
  return &bystander->sessions[bystander->session_count - 1];
}

static void send_ping_when_due(struct bystander *bystander) {
  struct ping *ping = &bystander->ping;
  struct session *session = pinging(bystander);
  if (!bystander->is_measuring || ping->is_out || session->fd < 0 || tcp_monotonic_ns() < ping->due_ns) {
    return;
  }
  ping->is_out = true;
  ping->number++;
  ping->sent_ns = wall_ns();
  send_control(session, FRAMES_PING, &ping->number, sizeof ping->number);
}

/* The pending ping was answered, or its session has ended; `heard_ns` is of CLOCK_REALTIME. */
static void finish_ping(struct bystander *bystander, uint64_t heard_ns) {
  struct ping *ping = &bystander->ping;
  uint64_t now_ns = tcp_monotonic_ns();
  samples_add(&bystander->answered, since(now_ns, ping->due_ns), bystander->interval_ns);
  samples_add(&bystander->lag, since(heard_ns, ping->sent_ns), bystander->interval_ns);
  ping->is_out = false;
  ping->due_ns += bystander->interval_ns * (1 + since(now_ns, ping->due_ns) / bystander->interval_ns);
}

static void on_control(void *context, uint8_t first, const uint8_t *payload, size_t len) {
  struct session *session = context;
  struct bystander *bystander = session->of;
  if (first == FRAMES_PING) {
    send_control(session, FRAMES_PONG, payload, len);
  } else if (first == FRAMES_CLOSE) {
    session->close_code = len >= 2 ? (unsigned)(payload[0] << 8 | payload[1]) : NO_CLOSE_FRAME;
  } else if (first == FRAMES_PONG && bystander->ping.is_out && len == sizeof bystander->ping.number &&
             memcmp(payload, &bystander->ping.number, len) == 0) {
    finish_ping(bystander, bystander->heard_ns);
  }
}

/* Reading. */

static void note_timestamp(struct bystander *bystander, struct msghdr *message) {
  bystander->heard_ns = wall_ns();
  for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control != NULL; control = CMSG_NXTHDR(message, control)) {
    if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec stamp;
      memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
      bystander->heard_ns = (uint64_t)stamp.tv_sec * 1000000000 + (uint64_t)stamp.tv_nsec;
    }
  }
}

static void read_session(struct session *session) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
  } control;
  struct iovec into = {.iov_base = input, .iov_len = sizeof input};
  struct msghdr message = {
      .msg_iov = &into, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got = recvmsg(session->fd, &message, 0);
  if (got < 0 && errno == EAGAIN) {
    return;
  }
  if (got <= 0) {
    close_session(session, NO_CLOSE_FRAME);
    return;
  }
  note_timestamp(session->of, &message);
  frames_take(&session->frames, input, (size_t)got, on_control, session);
}

static void begin_to_measure(struct bystander *bystander) {
  char line[64];
  if (read(STDIN_FILENO, line, sizeof line) <= 0) {
    errno = EPIPE;
    tcp_die("standard input");
  }
  bystander->is_measuring = bystander->interval_ns > 0;
  bystander->ping.due_ns = tcp_monotonic_ns();
}

/* Wait until the next ping is due; without a limit while a pong is awaited. */
static void wait_events(struct bystander *bystander, struct epoll_event events[EVENTS_MAX], int *out_count) {
  struct timespec left = {0};
  bool is_timed = bystander->is_measuring && !bystander->ping.is_out && pinging(bystander)->fd >= 0;
  if (is_timed) {
    uint64_t left_ns = since(bystander->ping.due_ns, tcp_monotonic_ns());
    left = (struct timespec){.tv_sec = (time_t)(left_ns / 1000000000), .tv_nsec = (long)(left_ns % 1000000000)};
  }
  *out_count = epoll_pwait2(bystander->epoll_fd, events, EVENTS_MAX, is_timed ? &left : NULL, NULL);
}

/* Returns false at the end of the input. */
static bool take_input(struct bystander *bystander, uint32_t events) {
  if ((events & EPOLLIN) == 0) {
    return false;
  }
  begin_to_measure(bystander);
  return true;
}

static void serve(struct bystander *bystander) {
  struct epoll_event events[EVENTS_MAX];
  for (int count = 0;;) {
    send_ping_when_due(bystander);
    wait_events(bystander, events, &count);
    for (int i = 0; i < count; i++) {
      uint32_t number = events[i].data.u32;
      if (number != input_number) {
        read_session(&bystander->sessions[number]);
      } else if (!take_input(bystander, events[i].events)) {
        return;
      }
    }
  }
}

/* The figures. */

static void print_closed(const struct bystander *bystander) {
  const char *separator = "";
  for (unsigned i = 0; i < bystander->session_count; i++) {
    if (bystander->sessions[i].close_code != 0) {
      printf("%s%u", separator, bystander->sessions[i].close_code);
      separator = ", ";
    }
  }
}

/* A ping without an answer counts as answered now; so do pings that were due after the session was closed.
 */
static void finish_last_ping(struct bystander *bystander) {
  if (!bystander->is_measuring || (!bystander->ping.is_out && pinging(bystander)->fd >= 0)) {
    return;
  }
  if (!bystander->ping.is_out) {
    bystander->ping.sent_ns = wall_ns() - since(tcp_monotonic_ns(), bystander->ping.due_ns);
  }
  finish_ping(bystander, wall_ns());
}

static void finish(struct bystander *bystander) {
  finish_last_ping(bystander);
  printf("{\"pings\": %" PRIu64 ", \"answered\": ", bystander->ping.number);
  samples_print(&bystander->answered);
  fputs(", \"lag\": ", stdout);
  samples_print(&bystander->lag);
  printf(", \"sessions\": %u, \"closed\": [", bystander->session_count);
  print_closed(bystander);
  puts("]}");
  free(bystander->sessions);
  free(bystander->answered.ns);
  free(bystander->lag.ns);
}

static bool parse(struct bystander *bystander, int argc, char **argv) {
  static const struct option options[] = {
      {"idle", required_argument, NULL, 'i'}, {"interval-us", required_argument, NULL, 'u'}, {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (option == 'i') {
      bystander->idle = (unsigned)strtoul(optarg, NULL, 10);
    } else if (option == 'u') {
      bystander->interval_ns = strtoull(optarg, NULL, 10) * 1000;
    } else {
      return false;
    }
  }
  bool is_anybody = bystander->idle > 0 || bystander->interval_ns > 0;
  return argc == optind + 2 && is_anybody && bystander->idle < SESSIONS_MAX &&
         tcp_path_parse(&bystander->path, argv[optind], argv[optind + 1]);
}

int main(int argc, char **argv) {
  static struct bystander bystander;
  if (!parse(&bystander, argc, argv)) {
    fputs("usage: fairness-bystander [--idle N] [--interval-us N] PORT SOURCE\n", stderr);
    return 2;
  }
  open_all(&bystander);
  serve(&bystander);
  finish(&bystander);
  return 0;
}
