/* libwebsockets: `lws fanout|echo PORT [--deflate] [--tls CERTIFICATE KEY]`.
 *
 * Written as its documentation recommends: one lws_write() for each writeable callback, and one log of messages that
 * all members share, each with its own position. It uses poll(), the library's own loop: with libuv each delivery cost
 * twice as much, because watching for writing is switched on and off for every member. The library's lws_ring visits
 * every member when the slowest one moves; here a message counts the members that still wait for it, so that the cost
 * of a member does not grow with their number.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its documentation recommends a receive buffer as large as the largest message, so that it comes in one piece. The
 * second buffer, one for all, is for one read from a socket. */
enum { RECEIVE_BUFFER_LEN = 20 * 1024, SERVICE_BUFFER_LEN = 64 * 1024 };

/* `bytes` starts with the LWS_PRE bytes in which the library writes the frame's head. */
struct message {
  uint8_t *bytes;
  size_t len;
  enum lws_write_protocol type;
  size_t waiting; /* members that have not got it yet */
};

/* Messages `first` to `end`, numbered from the first one ever; `cap` is a power of two. */
struct log {
  struct message *slots;
  uint64_t first;
  uint64_t end;
  size_t cap;
};

/* What the library keeps for each connection, zeroed. */
struct member {
  struct log own; /* echo: messages to send back; fan-out uses the shared log */
  uint64_t next;  /* the first message that this member has not got */
  uint8_t *part;  /* the received part of a message, after LWS_PRE bytes */
  size_t part_len;
  size_t part_cap;
};

static struct log shared;
static size_t member_count;
static bool echo;

static void *need(void *block) {
  if (block == NULL) {
    perror("lws");
    exit(1);
  }
  return block;
}

static struct message *log_at(struct log *log, uint64_t number) {
  return &log->slots[number & (log->cap - 1)];
}

static void log_grow(struct log *log) {
  struct log bigger = {.cap = log->cap == 0 ? 16 : 2 * log->cap, .first = log->first, .end = log->end};
  bigger.slots = need(calloc(bigger.cap, sizeof *bigger.slots));
  for (uint64_t number = log->first; number < log->end; number++) {
    *log_at(&bigger, number) = *log_at(log, number);
  }
  free(log->slots);
  *log = bigger;
}

static void log_add(struct log *log, const struct message *message) {
  if (log->end - log->first == log->cap) {
    log_grow(log);
  }
  *log_at(log, log->end++) = *message;
}

/* One member less waits for the message. Messages that no member waits for are freed, oldest first. */
static void log_taken(struct log *log, uint64_t number) {
  log_at(log, number)->waiting--;
  while (log->first < log->end && log_at(log, log->first)->waiting == 0) {
    free(log_at(log, log->first++)->bytes);
  }
}

static struct log *log_of(struct member *member) {
  return echo ? &member->own : &shared;
}

static void joined(struct member *member) {
  member->next = log_of(member)->end;
  member_count++;
}

static void left(struct member *member) {
  struct log *log = log_of(member);
  while (member->next < log->end) {
    log_taken(log, member->next++);
  }
  free(member->own.slots);
  free(member->part);
  member_count--;
}

/* A message comes in pieces when it is larger than one read. */
static void keep(struct member *member, struct lws *wsi, const void *data, size_t len) {
  if (member->part == NULL) {
    member->part_cap = LWS_PRE + len + lws_remaining_packet_payload(wsi);
    member->part = need(malloc(member->part_cap));
    member->part_len = LWS_PRE;
  }
  if (member->part_len + len > member->part_cap) {
    member->part_cap = 2 * (member->part_len + len);
    member->part = need(realloc(member->part, member->part_cap));
  }
  memcpy(member->part + member->part_len, data, len);
  member->part_len += len;
}

static void received(struct member *member, struct lws *wsi, const void *data, size_t len) {
  keep(member, wsi, data, len);
  if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0) {
    return;
  }
  struct message message = {.bytes = member->part,
                            .len = member->part_len - LWS_PRE,
                            .type = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT,
                            .waiting = echo ? 1 : member_count};
  member->part = NULL;
  log_add(log_of(member), &message);
  if (echo) {
    lws_callback_on_writable(wsi);
  } else {
    lws_callback_on_writable_all_protocol(lws_get_context(wsi), lws_get_protocol(wsi));
  }
}

/* Returns false when the connection is gone. */
static bool write_one(struct member *member, struct lws *wsi) {
  struct log *log = log_of(member);
  if (member->next == log->end) {
    return true;
  }
  const struct message *message = log_at(log, member->next);
  if (lws_write(wsi, message->bytes + LWS_PRE, message->len, message->type) < (int)message->len) {
    return false;
  }
  log_taken(log, member->next++);
  if (member->next < log->end) {
    lws_callback_on_writable(wsi);
  }
  return true;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data, size_t len) {
  switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
      joined(user);
      return 0;
    case LWS_CALLBACK_CLOSED:
      left(user);
      return 0;
    case LWS_CALLBACK_RECEIVE:
      received(user, wsi, data, len);
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return write_one(user, wsi) ? 0 : -1;
    default:
      return lws_callback_http_dummy(wsi, reason, user, data, len);
  }
}

static const struct lws_protocols protocols[] = {{.name = "any",
                                                  .callback = on_event,
                                                  .per_session_data_size = sizeof(struct member),
                                                  .rx_buffer_size = RECEIVE_BUFFER_LEN},
                                                 {.name = NULL}};

static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"}, {NULL, NULL, NULL}};

static int usage(void) {
  fprintf(stderr, "usage: lws fanout|echo PORT [--deflate] [--tls CERTIFICATE KEY]\n");
  return 2;
}

static bool parse(int argc, char **argv, struct lws_context_creation_info *out_info) {
  if (argc < 3) {
    return false;
  }
  echo = strcmp(argv[1], "echo") == 0;
  out_info->port = (int)strtol(argv[2], NULL, 10);
  for (int i = 3; i < argc; i++) {
    if (strcmp(argv[i], "--deflate") == 0) {
      out_info->extensions = extensions;
    } else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
      out_info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
      out_info->ssl_cert_filepath = argv[++i];
      out_info->ssl_private_key_filepath = argv[++i];
    } else {
      return false;
    }
  }
  return true;
}

int main(int argc, char **argv) {
  struct lws_context_creation_info info = {
      .iface = "127.0.0.1", .protocols = protocols, .pt_serv_buf_size = SERVICE_BUFFER_LEN};
  if (!parse(argc, argv, &info)) {
    return usage();
  }
  signal(SIGPIPE, SIG_IGN);
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context *context = lws_create_context(&info);
  if (context == NULL) {
    return 1;
  }
  printf("listening on 127.0.0.1:%d\n", info.port);
  fflush(stdout);
  while (lws_service(context, 0) >= 0) {
  }
  lws_context_destroy(context);
  return 1;
}
