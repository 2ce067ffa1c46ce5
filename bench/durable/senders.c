/* bench/durable/senders.c: how many messages a second does a server acknowledge, and how fast?
 *
 * durable-senders CONTESTANT PORT SENDERS SUBSCRIBERS WARM_UP_S SECONDS|CALLSx PID...
 *
 * Every sender sends the next message when the last one is acknowledged. Subscribers only receive. On standard output,
 * a line of JSON: acknowledgements and their times within the SECONDS, and the processor time and private memory of the
 * processes PID. With CALLSx every sender sends so many messages, all of which are measured. At
 * the end all subscribers must have got every message that was acknowledged. */
#include "senders.h"

#include <arpa/inet.h>
#include <dirent.h>
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

#define NS_PER_S UINT64_C(1000000000)
#define SAMPLES_MAX (1u << 23)
#define START_S 30
#define CATCH_UP_S 10
#define CALLS_S 60
#define AT_ONCE 100u /* senders, with CALLSx */

static const struct contestant *contestant;
static struct sender *senders;
static uint32_t count, sender_count, ready;
static uint32_t begun, finished; /* senders that have made their calls */
static uint32_t calls_max;       /* calls_max 0: as many as there is time for */
static int epoll_fd;
static unsigned port;
static uint64_t acknowledged, sent;
static bool is_sending, is_measured;
static uint32_t *samples_us;
static uint32_t sample_count;
static uint8_t input[SENDERS_INPUT_LEN_MAX * 2];
static char body[SENDERS_BODY_LEN + 1];

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void senders_fail(const char *what, const void *data, size_t len) {
  fprintf(stderr, "durable-senders: %s: %s: %.*s\n", contestant->name, what, (int)(len < 200 ? len : 200),
          (const char *)data);
  exit(1);
}

const char *senders_run(void) {
  static char name[16];
  if (name[0] == '\0') {
    snprintf(name, sizeof name, "%d", (int)getpid());
  }
  return name;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Messages. */

static void send_next(struct sender *sender) {
  char number[16];
  uint32_t own = (uint32_t)++sent;
  sender->calls++;
  snprintf(number, sizeof number, "%012u", own);
  memcpy(body, number, 12);
  sender->sent_ns = now_ns();
  contestant->send(sender, own, body);
}

/* With CALLSx, so that the memory of what waits is not measured. */
static void send_first_of_next(void) {
  if (begun < sender_count) {
    send_next(&senders[begun++]);
  }
}

void senders_write(struct sender *sender, const void *data, size_t len) {
  /* One small message is in flight, so the kernel takes it. */
  if (send(sender->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len) {
    fail("send");
  }
}

void senders_ready(struct sender *sender) {
  if (!sender->is_ready) {
    sender->is_ready = true;
    ready++;
  }
}

void senders_delivered(struct sender *sender) {
  sender->delivered++;
}

void senders_acknowledged(struct sender *sender) {
  uint64_t now = now_ns();
  acknowledged++;
  if (is_measured && sample_count < SAMPLES_MAX) {
    samples_us[sample_count++] = (uint32_t)((now - sender->sent_ns) / 1000);
  }
  sender->sent_ns = 0;
  if (calls_max > 0 && sender->calls >= calls_max) {
    finished++;
    send_first_of_next();
  } else if (is_sending) {
    send_next(sender);
  }
}

/* Connections. */

static void begin(struct sender *sender, uint32_t index, bool is_subscriber) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = sender};
  int one = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sender->index = index;
  sender->is_subscriber = is_subscriber;
  sender->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (sender->fd < 0) {
    fail("socket");
  }
  setsockopt(sender->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(sender->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
    fail("connect");
  }
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sender->fd, &event) != 0) {
    fail("epoll_ctl");
  }
}

static void connected(struct sender *sender) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = sender};
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(sender->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    errno = error;
    fail("connect");
  }
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, sender->fd, &event);
  sender->is_connected = true;
  contestant->open(sender);
}

static void keep_rest(struct sender *sender, const uint8_t *data, size_t len) {
  free(sender->rest);
  sender->rest = NULL;
  sender->rest_len = (uint32_t)len;
  if (len > 0) {
    sender->rest = len <= SENDERS_INPUT_LEN_MAX ? malloc(len) : NULL;
    if (sender->rest == NULL) {
      senders_fail("an answer is too long", data, len);
    }
    memcpy(sender->rest, data, len);
  }
}

static void on_ready(struct sender *sender) {
  if (!sender->is_connected) {
    connected(sender);
    return;
  }
  if (sender->rest_len > 0) {
    memcpy(input, sender->rest, sender->rest_len);
  }
  ssize_t got = recv(sender->fd, input + sender->rest_len, SENDERS_INPUT_LEN_MAX - 1, 0);
  if (got <= 0) {
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    senders_fail("the server has closed a connection", "", 0);
  }
  size_t len = sender->rest_len + (size_t)got;
  size_t at = 0;
  size_t used = 1;
  while (used > 0 && at < len) {
    used = contestant->take(sender, input + at, len - at);
    at += used;
  }
  keep_rest(sender, input + at, len - at);
}

static void turn(void) {
  struct epoll_event events[1024];
  int n = epoll_wait(epoll_fd, events, 1024, 100);
  for (int i = 0; i < n; i++) {
    on_ready(events[i].data.ptr);
  }
}

/* Processor time, of all threads. */

static uint64_t cpu_ns_of(const char *pid) {
  char path[320];
  uint64_t sum = 0;
  snprintf(path, sizeof path, "/proc/%s/task", pid);
  DIR *tasks = opendir(path);
  for (const struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
    char line[64];
    snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, task->d_name);
    FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
    if (file != NULL) {
      sum += fgets(line, sizeof line, file) == NULL ? 0 : strtoull(line, NULL, 10);
      fclose(file);
    }
  }
  if (tasks != NULL) {
    closedir(tasks);
  }
  return sum;
}

static uint64_t cpu_ns(char **pids, int pid_count) {
  uint64_t sum = 0;
  for (int i = 0; i < pid_count; i++) {
    sum += cpu_ns_of(pids[i]);
  }
  return sum;
}

/* Private memory of the processes. */
static int64_t private_bytes(char **pids, int pid_count) {
  int64_t sum = 0;
  for (int i = 0; i < pid_count; i++) {
    char line[256];
    snprintf(line, sizeof line, "/proc/%s/status", pids[i]);
    FILE *file = fopen(line, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
      sum += strncmp(line, "RssAnon:", 8) == 0 ? strtoll(line + 8, NULL, 10) * 1024 : 0;
    }
    if (file != NULL) {
      fclose(file);
    }
  }
  return sum;
}

/* The run. */

static void turn_until(uint64_t end_ns) {
  while (now_ns() < end_ns) {
    turn();
  }
}

static bool have_all_arrived(void) {
  for (uint32_t i = 0; i < count; i++) {
    if (i < sender_count ? senders[i].sent_ns != 0 : senders[i].delivered < acknowledged) {
      return false;
    }
  }
  return true;
}

/* What the first ones get while others still begin is not counted. */
static void start(void) {
  uint64_t end_ns = now_ns() + START_S * NS_PER_S;
  for (uint32_t i = 0; i < count; i++) {
    begin(&senders[i], i, i >= sender_count);
    while (i + 1 - ready > 64 && now_ns() < end_ns) {
      turn();
    }
  }
  while (ready < count && now_ns() < end_ns) {
    turn();
  }
  if (ready < count) {
    senders_fail("not all connections began", "", 0);
  }
  for (uint32_t i = 0; i < count; i++) {
    senders[i].delivered = 0;
  }
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a;
  uint32_t y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double sample_ms(double share) {
  return sample_count == 0 ? 0 : samples_us[(size_t)(share * (sample_count - 1))] / 1000.0;
}

static uint64_t missing(void) {
  uint64_t sum = 0;
  for (uint32_t i = sender_count; i < count; i++) {
    sum += senders[i].delivered < acknowledged ? acknowledged - senders[i].delivered : 0;
  }
  return sum;
}

struct usage {
  uint64_t time_ns, cpu_ns, own_cpu_ns, acknowledged;
  int64_t private_bytes;
};

static struct usage usage_now(char **pids, int pid_count) {
  struct timespec own;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  return (struct usage){.time_ns = now_ns(),
                        .cpu_ns = cpu_ns(pids, pid_count),
                        .own_cpu_ns = (uint64_t)own.tv_sec * NS_PER_S + (uint64_t)own.tv_nsec,
                        .acknowledged = acknowledged,
                        .private_bytes = private_bytes(pids, pid_count)};
}

static void send_first(void) {
  uint32_t at_once = calls_max > 0 ? AT_ONCE : sender_count;
  is_sending = true;
  for (uint32_t i = 0; i < at_once; i++) {
    send_first_of_next();
  }
}

/* Until the time is over, or all have made their calls. */
static void measure(double seconds) {
  uint64_t end_ns = now_ns() + (uint64_t)((calls_max > 0 ? CALLS_S : seconds) * (double)NS_PER_S);
  is_measured = true;
  while (now_ns() < end_ns && (calls_max == 0 || finished < sender_count)) {
    turn();
  }
  is_measured = false;
  is_sending = false;
}

static void report(const struct usage *before, const struct usage *after) {
  double window_ns = (double)(after->time_ns - before->time_ns);
  double own = (double)(after->acknowledged - before->acknowledged);
  double divisor = own > 0 ? own : 1;
  qsort(samples_us, sample_count, sizeof *samples_us, compare);
  printf(
      "{\"acknowledged\":%.0f,\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"cpu_us\":%.2f,"
      "\"private_bytes\":%.1f,\"generator_share\":%.3f,\"missing\":%llu}\n",
      own, own * 1e9 / window_ns, sample_ms(0.5), sample_ms(0.99), sample_ms(1),
      (double)(after->cpu_ns - before->cpu_ns) / 1000 / divisor,
      (double)(after->private_bytes - before->private_bytes) / divisor,
      (double)(after->own_cpu_ns - before->own_cpu_ns) / window_ns, (unsigned long long)missing());
}

static void run(double warm_up_s, double seconds, char **pids, int pid_count) {
  start();
  if (calls_max == 0) {
    send_first();
    turn_until(now_ns() + (uint64_t)(warm_up_s * (double)NS_PER_S));
  }
  const struct usage before = usage_now(pids, pid_count);
  if (calls_max > 0) {
    send_first();
  }
  measure(seconds);
  const struct usage after = usage_now(pids, pid_count);
  for (uint64_t end_ns = now_ns() + CATCH_UP_S * NS_PER_S; now_ns() < end_ns && !have_all_arrived();) {
    turn();
  }
  report(&before, &after);
}

static const struct contestant *contestant_named(const char *name) {
  for (size_t i = 0; i < contestant_count; i++) {
    if (strcmp(contestants[i].name, name) == 0) {
      return &contestants[i];
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  struct rlimit descriptors;
  contestant = argc >= 7 ? contestant_named(argv[1]) : NULL;
  if (contestant == NULL) {
    fprintf(stderr, "usage: durable-senders CONTESTANT PORT SENDERS SUBSCRIBERS WARM_UP_S SECONDS|CALLSx PID...\n");
    return 2;
  }
  port = (unsigned)strtoul(argv[2], NULL, 10);
  calls_max = strchr(argv[6], 'x') != NULL ? (uint32_t)strtoul(argv[6], NULL, 10) : 0;
  sender_count = (uint32_t)strtoul(argv[3], NULL, 10);
  count = sender_count + (uint32_t)strtoul(argv[4], NULL, 10);
  senders = calloc(count, sizeof *senders);
  samples_us = malloc(SAMPLES_MAX * sizeof *samples_us);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (senders == NULL || samples_us == NULL || epoll_fd < 0 || getrlimit(RLIMIT_NOFILE, &descriptors) != 0) {
    fail("durable-senders");
  }
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  memset(body, 'x', SENDERS_BODY_LEN);
  run(strtod(argv[5], NULL), strtod(argv[6], NULL), argv + 7, argc - 7);
  return 0;
}
