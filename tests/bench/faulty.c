/* tests/bench/faulty.c: a server with one fault, to see that the checker of `stoa bench` finds it.
 *
 * Broadcasts every message to all members, or echoes it, one at a time; what should be the fifth delivery to the second
 * member goes wrong in the way asked for. Waits with poll(), for a handful of members.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plain_ws.h"

enum { MEMBERS_MAX = 64, INPUT_MAX = 1 << 20, VICTIM = 1, VICTIM_DELIVERY = 5, UNANSWERED_MAX = 16 };

enum fault {
  FAULT_NONE,
  FAULT_DROP,
  FAULT_DOUBLE,
  FAULT_REORDER, /* two messages of one sender change places */
  FAULT_SWAP,    /* two messages of different senders change places, for the victim only */
  FAULT_DAMAGE,
  FAULT_SHORTEN,
  FAULT_FOREIGN, /* a message of the server's own comes between */
  FAULT_PING,    /* no fault: a client that does not answer it is cut off */
  FAULT_CLOSE,
  FAULT_COUNT,
};

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_NONE] = "none", [FAULT_DROP] = "drop",     [FAULT_DOUBLE] = "double",   [FAULT_REORDER] = "reorder",
    [FAULT_SWAP] = "swap", [FAULT_DAMAGE] = "damage", [FAULT_SHORTEN] = "shorten", [FAULT_FOREIGN] = "foreign",
    [FAULT_PING] = "ping", [FAULT_CLOSE] = "close"};

struct member {
  int fd;
  bool upgraded;
  size_t len;
  uint8_t *input;
};

struct server {
  enum fault fault;
  bool echo;
  bool fault_done;
  unsigned victim_deliveries;
  int held_sender; /* -1: nothing is held back */
  uint8_t *held;
  size_t held_len;
  uint8_t *frame;
  bool ping_open;
  int unanswered; /* messages since the ping */
  int member_count;
  struct member members[MEMBERS_MAX];
};

static void send_all(int fd, const uint8_t *data, size_t len) {
  while (len > 0) {
    ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
    if (sent < 0) {
      return;
    }
    data += sent;
    len -= (size_t)sent;
  }
}

static void hold(struct server *server, int sender, const uint8_t *frame, size_t len) {
  memcpy(server->held, frame, len);
  server->held_len = len;
  server->held_sender = sender;
  server->fault_done = true;
}

static void release(struct server *server) {
  send_all(server->members[VICTIM].fd, server->held, server->held_len);
  server->held_sender = -1;
}

/* The delivery that goes wrong. Returns whether the right one is still to be sent. */
static bool spoil(struct server *server, int sender, uint8_t *frame, size_t len) {
  static const uint8_t ping[] = {0x89, 4, 'h', 'e', 'r', 'e'};
  static const uint8_t foreign[] = {0x82, 5, 9, 9, 9, 9, 'x'};
  int fd = server->members[VICTIM].fd;
  server->fault_done = true;
  switch (server->fault) {
    case FAULT_DROP:
      return false;
    case FAULT_DOUBLE:
      send_all(fd, frame, len);
      return true;
    case FAULT_REORDER:
      hold(server, sender, frame, len);
      return false;
    case FAULT_SWAP:
      /* The victim's own message is what it waits for: without it nothing would follow. */
      server->fault_done = sender != VICTIM;
      if (server->fault_done) {
        hold(server, sender, frame, len);
      }
      return !server->fault_done;
    case FAULT_DAMAGE:
      frame[len - 1] ^= 1;
      send_all(fd, frame, len);
      frame[len - 1] ^= 1;
      return false;
    case FAULT_SHORTEN:
      frame[1]--;
      send_all(fd, frame, len - 1);
      frame[1]++;
      return false;
    case FAULT_FOREIGN:
      send_all(fd, foreign, sizeof foreign);
      return true;
    case FAULT_PING:
      send_all(fd, ping, sizeof ping);
      server->ping_open = true;
      return true;
    case FAULT_CLOSE:
      send_all(fd, (const uint8_t[]){0x88, 2, 1011 >> 8, 1011 & 0xff}, 4);
      return false;
    case FAULT_NONE:
    case FAULT_COUNT:
      break;
  }
  return true;
}

static void deliver_to_victim(struct server *server, int sender, uint8_t *frame, size_t len) {
  bool same_sender = server->held_sender == sender;
  bool send_first = server->held_sender >= 0 && server->fault == FAULT_SWAP && same_sender;
  if (send_first) {
    release(server);
    server->fault_done = false; /* it was not overtaken: try another */
  }
  server->victim_deliveries++;
  bool due = !server->fault_done && server->victim_deliveries >= VICTIM_DELIVERY;
  if (!due || spoil(server, sender, frame, len)) {
    send_all(server->members[VICTIM].fd, frame, len);
  }
  bool overtaken = server->fault == FAULT_REORDER ? same_sender : !same_sender;
  if (server->held_sender >= 0 && !due && overtaken) {
    release(server);
  }
}

static void deliver(struct server *server, int sender, const struct plain_ws_frame *message) {
  size_t len = plain_ws_copy(message, message->opcode, server->frame);
  for (int i = 0; i < server->member_count; i++) {
    if (server->members[i].fd < 0 || (server->echo && i != sender)) {
      continue;
    }
    if (i == VICTIM) {
      deliver_to_victim(server, sender, server->frame, len);
    } else {
      send_all(server->members[i].fd, server->frame, len);
    }
  }
}

static void end_member(struct member *member) {
  close(member->fd);
  free(member->input);
  member->input = NULL;
  member->fd = -1;
}

/* Returns false when the member is to go. */
static bool take(struct server *server, int sender, const struct plain_ws_frame *frame) {
  uint8_t answer[PLAIN_WS_HEAD_MAX + 125];
  switch (frame->opcode) {
    case PLAIN_WS_CLOSE:
      send_all(server->members[sender].fd, answer, plain_ws_copy(frame, PLAIN_WS_CLOSE, answer));
      return false;
    case PLAIN_WS_PONG:
      plain_ws_copy(frame, PLAIN_WS_PONG, answer);
      server->ping_open = server->ping_open && memcmp(answer + 2, "here", 4) != 0;
      return true;
    default:
      if (server->ping_open && sender == VICTIM && ++server->unanswered > UNANSWERED_MAX) {
        return false;
      }
      deliver(server, sender, frame);
      return true;
  }
}

static bool use_input(struct server *server, int index) {
  struct member *member = &server->members[index];
  size_t used = 0;
  if (!member->upgraded) {
    const uint8_t *end = memmem(member->input, member->len, "\r\n\r\n", 4);
    if (end == NULL) {
      return true;
    }
    used = (size_t)(end - member->input) + 4;
    char answer[PLAIN_WS_ANSWER_MAX];
    size_t answer_len = plain_ws_answer((const char *)member->input, used, answer);
    send_all(member->fd, (const uint8_t *)answer, answer_len);
    member->upgraded = true;
  }
  struct plain_ws_frame frame;
  while (plain_ws_parse(member->input + used, member->len - used, &frame)) {
    used += frame.frame_len;
    if (!take(server, index, &frame)) {
      return false;
    }
  }
  member->len -= used;
  memmove(member->input, member->input + used, member->len);
  return true;
}

static void read_member(struct server *server, int index) {
  struct member *member = &server->members[index];
  ssize_t got = recv(member->fd, member->input + member->len, INPUT_MAX - member->len, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) {
    return;
  }
  member->len += got > 0 ? (size_t)got : 0;
  if (got <= 0 || !use_input(server, index)) {
    end_member(member);
  }
}

static void accept_one(struct server *server, int listen_fd) {
  int fd = accept(listen_fd, NULL, NULL);
  if (fd < 0) {
    return;
  }
  uint8_t *input = malloc(INPUT_MAX);
  if (server->member_count == MEMBERS_MAX || input == NULL) {
    free(input);
    close(fd);
    return;
  }
  server->members[server->member_count++] = (struct member){.fd = fd, .input = input};
}

static void serve(struct server *server, int listen_fd) {
  for (;;) {
    struct pollfd fds[MEMBERS_MAX + 1] = {{.fd = listen_fd, .events = POLLIN}};
    int count = server->member_count;
    for (int i = 0; i < count; i++) {
      fds[i + 1] = (struct pollfd){.fd = server->members[i].fd, .events = POLLIN};
    }
    poll(fds, (nfds_t)count + 1, -1);
    for (int i = 0; i < count; i++) {
      if (fds[i + 1].revents != 0 && server->members[i].fd >= 0) {
        read_member(server, i);
      }
    }
    if (fds[0].revents != 0) {
      accept_one(server, listen_fd);
    }
  }
}

static enum fault find_fault(const char *name) {
  enum fault fault = FAULT_NONE;
  while (fault < FAULT_COUNT && strcmp(fault_names[fault], name) != 0) {
    fault++;
  }
  return fault;
}

int main(int argc, char **argv) {
  static struct server server = {.held_sender = -1};
  static const struct option options[] = {
      {"fault", required_argument, NULL, 'f'}, {"echo", no_argument, NULL, 'e'}, {NULL, 0, NULL, 0}};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == 'f') {
      server.fault = find_fault(optarg);
    } else if (c == 'e') {
      server.echo = true;
    } else {
      return 2;
    }
  }
  server.held = malloc(INPUT_MAX);
  server.frame = malloc(INPUT_MAX);
  int listen_fd = server.fault == FAULT_COUNT || server.held == NULL || server.frame == NULL ? -1 : plain_ws_listen(0);
  if (listen_fd < 0) {
    fprintf(stderr, "faulty: cannot start\n");
    return 1;
  }
  serve(&server, listen_fd);
}
