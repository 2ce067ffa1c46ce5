#include "chat/plain.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../command.h"
#include "../now.h"
#include "chat/commands.h"
#include "chat/text.h"

#define LINE_BYTES_MAX (64u * 1024)

struct plain {
  struct chat_link link;
  struct stoa_buffer input;
  bool follow, is_over, is_wanted_over; /* wanted: /quit, or a signal */
  bool has_failed;
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal_number) {
  (void)signal_number;
  is_interrupted = 1;
}

static void on_change(void *user) {
  (void)user;
}

static void on_notice(void *user, const char *text) {
  (void)user;
  fprintf(stderr, "stoa chat: %s\n", text);
}

static void on_refused(void *user, const char *text) {
  struct plain *plain = user;
  (void)text;
  plain->has_failed = true;
}

static void on_message(void *user, const struct chat_message *message) {
  struct stoa_buffer line;
  struct tm when;
  time_t seconds = (time_t)(message->ts_ms / 1000);
  char clock[16];
  (void)user;
  localtime_r(&seconds, &when);
  strftime(clock, sizeof clock, "%H:%M ", &when);
  stoa_buffer_init(&line, 4 * LINE_BYTES_MAX);
  const char *text = message->is_deleted ? "(deleted)" : message->text;
  int status = stoa_buffer_append(&line, clock, strlen(clock));
  status = status == STOA_OK ? chat_text_append(&line, stoa_string_of(message->nick), CHAT_TEXT_ONE_LINE) : status;
  status = status == STOA_OK ? stoa_buffer_append(&line, ": ", 2) : status;
  status = status == STOA_OK ? chat_text_append(&line, stoa_string_of(text), CHAT_TEXT_ONE_LINE) : status;
  status = status == STOA_OK ? stoa_buffer_append(&line, "\n", 1) : status;
  if (status == STOA_OK) {
    fwrite(line.data, 1, line.len, stdout);
    fflush(stdout);
  }
  stoa_buffer_fini(&line);
}

static void print(void *user, const char *text) {
  (void)user;
  printf("%s\n", text);
  fflush(stdout);
}

static bool may_take_line(const struct plain *plain) {
  return plain->link.state == CHAT_LINK_ONLINE && plain->link.outgoing_count < CHAT_OUTBOX_MAX;
}

/* Take whole lines as long as the outbox has room; the last one may end without a line feed. */
static void take_lines(struct plain *plain) {
  struct stoa_buffer *input = &plain->input;
  while (input->len > 0 && may_take_line(plain) && !plain->is_wanted_over) {
    uint8_t *end = memchr(input->data, '\n', input->len);
    if (end == NULL && !plain->is_over && input->len < LINE_BYTES_MAX) {
      return;
    }
    char line[LINE_BYTES_MAX + 1];
    size_t len = end == NULL ? input->len : (size_t)(end - input->data);
    memcpy(line, input->data, len);
    line[len] = '\0';
    stoa_buffer_consume(input, end == NULL ? len : len + 1);
    const struct chat_command_context context = {.link = &plain->link, .print = print};
    if (!chat_command_run(&context, line, &plain->is_wanted_over)) {
      plain->has_failed = true;
    }
  }
}

static void read_input(struct plain *plain) {
  size_t room = LINE_BYTES_MAX - plain->input.len;
  room = room < 4096 ? room : 4096;
  if (stoa_buffer_reserve(&plain->input, room) != STOA_OK) {
    return;
  }
  ssize_t got = read(STDIN_FILENO, plain->input.data + plain->input.len, room);
  if (got > 0) {
    plain->input.len += (size_t)got;
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
    plain->is_over = true;
  }
}

static bool is_done(const struct plain *plain) {
  bool is_sent = plain->link.outgoing_count == 0 && plain->input.len == 0 && plain->link.was_online;
  return is_interrupted || plain->is_wanted_over || (plain->is_over && is_sent && !plain->follow);
}

/* Nobody is there to see that it tries again. */
static bool is_hopeless(const struct plain *plain) {
  const struct chat_link *link = &plain->link;
  return link->state == CHAT_LINK_ENDED || link->state == CHAT_LINK_UNNAMED || link->state == CHAT_LINK_OUTSIDE ||
         (link->state == CHAT_LINK_WAITING && !link->was_online);
}

static void turn(struct plain *plain) {
  struct pollfd fds[2] = {{.fd = chat_link_fd(&plain->link), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  bool is_reading = !plain->is_over && plain->input.len < LINE_BYTES_MAX;
  if (poll(fds, is_reading ? 2 : 1, chat_link_wait_ms(&plain->link)) > 0 && is_reading && fds[1].revents != 0) {
    read_input(plain);
  }
  chat_link_step(&plain->link);
  take_lines(plain);
}

static void close_link(struct plain *plain) {
  int64_t until_ms = tool_now_ms() + 2000;
  chat_link_close(&plain->link);
  while (plain->link.state != CHAT_LINK_ENDED && tool_now_ms() < until_ms) {
    struct pollfd fd = {.fd = chat_link_fd(&plain->link), .events = POLLIN};
    poll(&fd, 1, 100);
    chat_link_step(&plain->link);
  }
}

int chat_plain_run(const struct chat_link_options *options, bool follow) {
  static const struct sigaction interrupt = {.sa_handler = on_signal};
  static struct plain plain;
  const struct chat_link_events events = {on_change, on_message, on_notice, on_refused, &plain};
  plain = (struct plain){.follow = follow};
  stoa_buffer_init(&plain.input, LINE_BYTES_MAX);
  sigaction(SIGINT, &interrupt, NULL);
  sigaction(SIGTERM, &interrupt, NULL);
  if (chat_link_init(&plain.link, options, &events) != STOA_OK) {
    stoa_buffer_fini(&plain.input);
    return EXIT_USAGE; /* the log says why */
  }
  while (!is_done(&plain) && !is_hopeless(&plain)) {
    turn(&plain);
  }
  bool is_fine = is_done(&plain) && !plain.has_failed;
  if (is_done(&plain)) {
    close_link(&plain);
  } else {
    fprintf(stderr, "stoa chat: %s\n", plain.link.ending[0] != '\0' ? plain.link.ending : "no connection");
  }
  chat_link_fini(&plain.link);
  stoa_buffer_fini(&plain.input);
  return is_fine ? EXIT_FINE : EXIT_FAILED;
}
