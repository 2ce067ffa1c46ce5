/* bench/fairness/neighbour.c: connections that put load on a server. The bytes to send are in files, so that this
 * program needs no protocol.
 *
 *   fairness-neighbour [OPTION...] PORT SOURCE      to 127.0.0.1:PORT, from the address SOURCE
 *
 *   --connections N   so many at a time (1); one that ends is replaced
 *   --first FILE      sent once on each connection
 *   --then FILE       sent after it, over and over, as fast as the server takes it
 *   --rate BYTES      limit of --then a second, for all connections together
 *   --unread          do not read
 *   --leave           reset a connection when it has received something, and open a new one
 *
 * It prints "ready" and waits for a line on standard input, then begins, and prints "connected" once every connection
 * was begun. At the end of the input it prints "done SENT RECEIVED CONNECTIONS", in bytes and connections, and exits.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp.h"

enum { EVENTS_MAX = 256, READ_LEN = 256 * 1024, TICK_MS = 2, PAUSE_NS = 10000000, CONNECTIONS_MAX = 100000 };

/* The number of standard input among the connections. */
static const uint32_t input_number = UINT32_MAX;

struct text {
  uint8_t *data;
  size_t len;
};

struct connection {
  int fd;          /* -1 between two connections */
  size_t first_at; /* bytes sent of --first */
  size_t then_at;  /* offset of the next byte of --then */
  uint64_t due_ns; /* when to dial again */
};

struct neighbour {
  struct tcp_path path;
  struct text first, then;
  uint64_t rate_bytes; /* a second; 0 is no limit */
  bool is_unread, is_leaving;
  unsigned count;
  struct connection *connections;
  int epoll_fd;
  uint64_t start_ns;
  uint64_t then_bytes; /* sent of --then */
  uint64_t sent_bytes, received_bytes, dialled;
};

static uint8_t input[READ_LEN];

static void read_file(struct text *text, const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
    tcp_die(path);
  }
  text->len = (size_t)ftell(file);
  rewind(file);
  text->data = tcp_need(malloc(text->len + 1));
  if (fread(text->data, 1, text->len, file) != text->len) {
    tcp_die(path);
  }
  fclose(file);
}

static uint32_t number_of(const struct neighbour *neighbour, const struct connection *connection) {
  return (uint32_t)(connection - neighbour->connections);
}

static void end(struct connection *connection) {
  close(connection->fd);
  *connection = (struct connection){.fd = -1, .due_ns = tcp_monotonic_ns() + PAUSE_NS};
}

/* With a rate, EPOLLOUT is not watched, because the socket nearly always has room: the clock decides when to send. */
static uint32_t events_wanted(const struct neighbour *neighbour, const struct connection *connection) {
  bool is_first = connection->first_at < neighbour->first.len;
  bool is_then = neighbour->then.len > 0 && neighbour->rate_bytes == 0;
  return (neighbour->is_unread ? 0u : EPOLLIN) | EPOLLRDHUP | (is_first || is_then ? EPOLLOUT : 0u);
}

static void dial(struct neighbour *neighbour, struct connection *connection) {
  *connection = (struct connection){.fd = tcp_dial(&neighbour->path), .due_ns = tcp_monotonic_ns() + PAUSE_NS};
  if (connection->fd >= 0) {
    neighbour->dialled++;
    tcp_watch(neighbour->epoll_fd, EPOLL_CTL_ADD, connection->fd, events_wanted(neighbour, connection),
              number_of(neighbour, connection));
  }
}

/* Returns the bytes sent, 0 when the socket has no room, -1 when the connection is gone. */
static ssize_t send_some(struct neighbour *neighbour, const struct connection *connection, const uint8_t *data,
                         size_t len) {
  ssize_t sent = len == 0 ? 0 : send(connection->fd, data, len, MSG_NOSIGNAL);
  if (sent > 0) {
    neighbour->sent_bytes += (uint64_t)sent;
  }
  return sent < 0 && errno == EAGAIN ? 0 : sent;
}

/* How many bytes of --then may be sent now. */
static size_t allowed_bytes(const struct neighbour *neighbour, const struct connection *connection) {
  size_t left = neighbour->then.len - connection->then_at;
  if (neighbour->rate_bytes == 0) {
    return left;
  }
  double elapsed_s = (double)(tcp_monotonic_ns() - neighbour->start_ns) / 1e9;
  uint64_t due = (uint64_t)(elapsed_s * (double)neighbour->rate_bytes);
  uint64_t allowed = due > neighbour->then_bytes ? due - neighbour->then_bytes : 0;
  return allowed < left ? (size_t)allowed : left;
}

static ssize_t send_first(struct neighbour *neighbour, struct connection *connection) {
  ssize_t sent = send_some(neighbour, connection, neighbour->first.data + connection->first_at,
                           neighbour->first.len - connection->first_at);
  if (sent > 0) {
    connection->first_at += (size_t)sent;
    tcp_watch(neighbour->epoll_fd, EPOLL_CTL_MOD, connection->fd, events_wanted(neighbour, connection),
              number_of(neighbour, connection));
  }
  return sent;
}

static ssize_t send_then(struct neighbour *neighbour, struct connection *connection) {
  ssize_t sent = send_some(neighbour, connection, neighbour->then.data + connection->then_at,
                           allowed_bytes(neighbour, connection));
  if (sent > 0) {
    neighbour->then_bytes += (uint64_t)sent;
    connection->then_at = (connection->then_at + (size_t)sent) % neighbour->then.len;
  }
  return sent;
}

static void on_room(struct neighbour *neighbour, struct connection *connection) {
  bool is_first = connection->first_at < neighbour->first.len;
  if (!is_first && neighbour->then.len == 0) {
    return;
  }
  if ((is_first ? send_first(neighbour, connection) : send_then(neighbour, connection)) < 0) {
    end(connection);
  }
}

static void on_input(struct neighbour *neighbour, struct connection *connection) {
  ssize_t got = recv(connection->fd, input, sizeof input, 0);
  if (got > 0) {
    neighbour->received_bytes += (uint64_t)got;
  }
  bool is_over = got == 0 || (got < 0 && errno != EAGAIN);
  if (is_over || (got > 0 && neighbour->is_leaving)) {
    end(connection);
  }
}

static void on_event(struct neighbour *neighbour, const struct epoll_event *event) {
  struct connection *connection = &neighbour->connections[event->data.u32];
  if ((event->events & EPOLLIN) != 0) {
    on_input(neighbour, connection);
  } else if ((event->events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) {
    end(connection);
  }
  if (connection->fd >= 0 && (event->events & EPOLLOUT) != 0) {
    on_room(neighbour, connection);
  }
}

/* Work without an event of a descriptor: pauses that are over, and bytes that the rate allows by now. */
static void tick(struct neighbour *neighbour) {
  uint64_t now_ns = tcp_monotonic_ns();
  for (unsigned i = 0; i < neighbour->count; i++) {
    struct connection *connection = &neighbour->connections[i];
    if (connection->fd < 0 && now_ns >= connection->due_ns) {
      dial(neighbour, connection);
    } else if (connection->fd >= 0 && neighbour->rate_bytes > 0) {
      on_room(neighbour, connection);
    }
  }
}

/* Returns at the end of the input. */
static void serve(struct neighbour *neighbour) {
  struct epoll_event events[EVENTS_MAX];
  uint64_t tick_ns = 0;
  for (;;) {
    int count = epoll_wait(neighbour->epoll_fd, events, EVENTS_MAX, TICK_MS);
    for (int i = 0; i < count; i++) {
      if (events[i].data.u32 == input_number) {
        return;
      }
      on_event(neighbour, &events[i]);
    }
    if (tcp_monotonic_ns() - tick_ns >= TICK_MS * 1000000ull) {
      tick_ns = tcp_monotonic_ns();
      tick(neighbour);
    }
  }
}

static void say(const char *word) {
  puts(word);
  fflush(stdout);
}

/* Returns false at the end of the input. */
static bool wait_for_start(void) {
  char line[64];
  say("ready");
  return read(STDIN_FILENO, line, sizeof line) > 0;
}

static void begin(struct neighbour *neighbour) {
  neighbour->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (neighbour->epoll_fd < 0) {
    tcp_die("epoll_create1");
  }
  tcp_watch(neighbour->epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, input_number);
  neighbour->connections = tcp_need(calloc(neighbour->count, sizeof *neighbour->connections));
  neighbour->start_ns = tcp_monotonic_ns();
  for (unsigned i = 0; i < neighbour->count; i++) {
    dial(neighbour, &neighbour->connections[i]);
  }
  say("connected");
}

/* Returns false for an option that is not known. */
static bool set_option(struct neighbour *neighbour, int option, const char *value) {
  switch (option) {
    case 'c':
      neighbour->count = (unsigned)strtoul(value, NULL, 10);
      return neighbour->count > 0 && neighbour->count <= CONNECTIONS_MAX;
    case 'f':
      read_file(&neighbour->first, value);
      return true;
    case 't':
      read_file(&neighbour->then, value);
      return true;
    case 'r':
      neighbour->rate_bytes = strtoull(value, NULL, 10);
      return true;
    case 'u':
      neighbour->is_unread = true;
      return true;
    case 'l':
      neighbour->is_leaving = true;
      return true;
    default:
      return false;
  }
}

static bool parse(struct neighbour *neighbour, int argc, char **argv) {
  static const struct option options[] = {{"connections", required_argument, NULL, 'c'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"then", required_argument, NULL, 't'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"unread", no_argument, NULL, 'u'},
                                          {"leave", no_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (!set_option(neighbour, option, optarg)) {
      return false;
    }
  }
  return argc == optind + 2 && tcp_path_parse(&neighbour->path, argv[optind], argv[optind + 1]);
}

static void finish(struct neighbour *neighbour) {
  printf("done %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", neighbour->sent_bytes, neighbour->received_bytes,
         neighbour->dialled);
  free(neighbour->connections);
  free(neighbour->first.data);
  free(neighbour->then.data);
}

int main(int argc, char **argv) {
  static struct neighbour neighbour = {.count = 1};
  if (!parse(&neighbour, argc, argv)) {
    fputs(
        "usage: fairness-neighbour [--connections N] [--first FILE] [--then FILE] [--rate BYTES] [--unread] "
        "[--leave] PORT SOURCE\n",
        stderr);
    return 2;
  }
  if (wait_for_start()) {
    begin(&neighbour);
    serve(&neighbour);
  }
  finish(&neighbour);
  return 0;
}
