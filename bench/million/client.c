/* bench/million/client.c: some thousand connections of one process, controlled by lines of text.
 *
 *   million-client PORT SOURCE CAPACITY     to 127.0.0.1:PORT, from the addresses after SOURCE (127.x.y.0)
 *
 * Commands on standard input, and the answers on standard output when they are done; NS is CLOCK_MONOTONIC in
 * nanoseconds:
 *
 *   open COUNT WINDOW     "opened COUNT NS"; before that "open COUNT" after every 1000
 *   find                  "found NUMBER:MEMBERS ...": a client of each server process, and how many are at the same
 *   await ROUND           "awaiting", at once; then "heard NS NUMBER:MEMBERS ..." when every client has received its
 *   message
 *   say NUMBER ...        "said NS", the time before the first of them
 *   idle                  "idle": all received data was handled
 *
 * At the end of the input it resets all connections and exits. On a fault it prints "fault ..." and exits with 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "crowd.h"

enum { EVENTS_MAX = 512, COMMAND_MAX = 8192, PROGRESS = 1000 };

/* The number of standard input among the members. */
static const uint32_t input_number = UINT32_MAX;

enum waiting { WAITING_FOR_NOTHING, WAITING_FOR_OPEN, WAITING_FOR_GROUPS, WAITING_FOR_ROUND };

struct client {
  struct crowd crowd;
  int epoll_fd;
  enum waiting waiting;
  unsigned printed; /* open connections when they were printed last */
  char input[COMMAND_MAX];
  size_t input_len;
};

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Print each sender and how many members received its message. */
static void print_senders(const struct crowd *crowd) {
  for (unsigned i = 0; i < LINE_SENDERS_MAX; i++) {
    if (crowd->heard_of[i] > 0) {
      printf(" %u:%u", i, crowd->heard_of[i]);
    }
  }
  putchar('\n');
}

/* Print the answer of the pending command if it is done. */
static void print_progress(struct client *client) {
  const struct crowd *crowd = &client->crowd;
  if (client->waiting == WAITING_FOR_OPEN && crowd_is_open(crowd)) {
    printf("opened %u %" PRIu64 "\n", crowd->open, now_ns());
  } else if (client->waiting == WAITING_FOR_GROUPS && crowd_has_heard(crowd)) {
    fputs("found", stdout);
    print_senders(crowd);
  } else if (client->waiting == WAITING_FOR_ROUND && crowd_has_heard(crowd)) {
    printf("heard %" PRIu64, now_ns());
    print_senders(crowd);
  } else {
    if (client->waiting == WAITING_FOR_OPEN && crowd->open >= client->printed + PROGRESS) {
      client->printed = crowd->open;
      printf("open %u\n", crowd->open);
      fflush(stdout);
    }
    return;
  }
  client->waiting = WAITING_FOR_NOTHING;
  fflush(stdout);
}

/* Commands. */

static unsigned next_number(char **words) {
  const char *word = strsep(words, " ");
  char *end;
  unsigned long number = word == NULL ? ULONG_MAX : strtoul(word, &end, 10);
  if (number > UINT32_MAX || *end != '\0' || end == word) {
    crowd_fault("a command without its number");
  }
  return (unsigned)number;
}

static void say_all(struct crowd *crowd, char *words) {
  uint64_t start_ns = now_ns();
  while (words != NULL) {
    crowd_say(crowd, next_number(&words));
  }
  printf("said %" PRIu64 "\n", start_ns);
}

static void obey(struct client *client, char *words) {
  struct crowd *crowd = &client->crowd;
  const char *verb = strsep(&words, " ");
  if (strcmp(verb, "open") == 0) {
    unsigned count = next_number(&words);
    crowd_open(crowd, count, next_number(&words));
    client->waiting = WAITING_FOR_OPEN;
  } else if (strcmp(verb, "find") == 0) {
    crowd_find(crowd);
    client->waiting = WAITING_FOR_GROUPS;
  } else if (strcmp(verb, "await") == 0) {
    crowd_await(crowd, next_number(&words));
    client->waiting = WAITING_FOR_ROUND;
    puts("awaiting");
  } else if (strcmp(verb, "say") == 0) {
    say_all(crowd, words);
  } else if (strcmp(verb, "idle") == 0) {
    puts("idle");
  } else {
    crowd_fault("no command named %s", verb);
  }
  fflush(stdout);
}

/* Returns false at the end of the input. */
static bool read_commands(struct client *client) {
  ssize_t got = read(STDIN_FILENO, client->input + client->input_len, sizeof client->input - client->input_len);
  if (got < 0 && errno == EINTR) {
    return true;
  }
  if (got <= 0) {
    return false;
  }
  client->input_len += (size_t)got;
  char *line = client->input;
  char *end;
  while ((end = memchr(line, '\n', client->input_len)) != NULL) {
    *end = '\0';
    client->input_len -= (size_t)(end + 1 - line);
    obey(client, line);
    line = end + 1;
  }
  memmove(client->input, line, client->input_len);
  return true;
}

static void serve(struct client *client) {
  struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int count = epoll_wait(client->epoll_fd, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.u32 != input_number) {
        crowd_on_ready(&client->crowd, events[i].data.u32);
      } else if (!read_commands(client)) {
        return;
      }
    }
    print_progress(client);
  }
}

int main(int argc, char **argv) {
  static struct client client;
  struct in_addr source;
  if (argc != 4 || inet_pton(AF_INET, argv[2], &source) != 1) {
    fputs("usage: million-client PORT SOURCE CAPACITY\n", stderr);
    return 2;
  }
  client.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = input_number};
  if (client.epoll_fd < 0 || epoll_ctl(client.epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) {
    crowd_fault("epoll: %s", strerror(errno));
  }
  crowd_init(&client.crowd, client.epoll_fd, (unsigned)strtoul(argv[1], NULL, 10), ntohl(source.s_addr) + 1,
             (unsigned)strtoul(argv[3], NULL, 10));
  serve(&client);
  return 0;
}
