/* tests/durable/posters.c: clients of examples/feed, by the C client, that write down all that happens to them.
 *
 * posters URL PREFIX COUNT SEED LOG [ROOMS]
 *
 * Each client follows a feed, sends posts, leaves at random and comes back with its position. When standard input ends
 * they send what they still have, until all of it is acknowledged; then the program ends with 0. A line of LOG is one
 * event, in JSON; judge.py says what they are. "-" instead of ROOMS makes clients that only follow. */
#include "feed.client.stoa.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <stoa/client.h>

#define WINDOW 16u
#define TEXT_LEN_MAX 256u
#define TICK_MS 10
/* Of 1000 ticks: in so many a client leaves, or comes back. */
#define LEAVES_PERMILLE 6u
#define RETURNS_PERMILLE 60u

struct poster {
  char name[24];
  char room[24];
  struct stoa_client *client; /* NULL: it has left */
  bool is_following;
  uint64_t epoch, offset; /* its position */
  uint32_t created;       /* posts that exist; they are numbered from 1 */
  uint32_t acked;         /* all up to this one are acknowledged */
  uint32_t next;          /* the one that is sent next, on this connection */
  uint32_t in_flight;
  bool has_failed; /* all in flight are answered first, then it sends from `acked` again */
  bool is_acked[WINDOW];
  struct sending {
    struct poster *poster;
    uint32_t number;
  } sendings[WINDOW]; /* what the calls in flight are about */
};

static const char *url;
static FILE *events;
static uint64_t seed;
static bool is_ending, only_follows;

/* splitmix64 */
static uint64_t random_number(void) {
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static bool chance(unsigned permille) {
  return random_number() % 1000 < permille;
}

/* Texts of posts need no escapes. */
static void on_post(void *user, struct stoa_client *client, const struct feed_v1_post_message *post) {
  struct poster *poster = user;
  (void)client;
  fprintf(events, "{\"client\":\"%s\",\"event\":\"received\",\"room\":\"%s\",\"offset\":%llu,\"text\":\"%.*s\"}\n",
          poster->name, poster->room, (unsigned long long)post->offset, (int)post->text.len, post->text.data);
  poster->epoch = post->epoch;
  poster->offset = post->offset;
}

static void leave(struct poster *poster) {
  stoa_client_destroy(poster->client); /* the calls in flight are never answered */
  poster->client = NULL;
  poster->is_following = false;
  poster->in_flight = 0;
}

static void on_followed(void *user, struct stoa_client *client, const struct feed_v1_follow_reply *reply,
                        const struct stoa_call_end *end) {
  struct poster *poster = user;
  if (reply == NULL) {
    fprintf(events, "{\"client\":\"%s\",\"event\":\"refused\",\"room\":\"%s\"}\n", poster->name, poster->room);
    if (end->result != STOA_CALL_LOST) {
      stoa_client_close(client, 1000, NULL);
    }
    return;
  }
  fprintf(events,
          "{\"client\":\"%s\",\"event\":\"followed\",\"room\":\"%s\",\"recovered\":%s,\"epoch\":%llu,\"offset\":%llu,"
          "\"page\":[",
          poster->name, poster->room, reply->recovered ? "true" : "false", (unsigned long long)reply->epoch,
          (unsigned long long)reply->offset);
  for (size_t i = 0; i < reply->posts.count; i++) {
    const struct feed_v1_post_message *post = &reply->posts.items[i];
    fprintf(events, "%s[%llu,\"%.*s\"]", i > 0 ? "," : "", (unsigned long long)post->offset, (int)post->text.len,
            post->text.data);
  }
  fputs("]}\n", events);
  if (!reply->recovered) {
    poster->epoch = reply->epoch;
    poster->offset = reply->offset;
  }
  poster->is_following = true;
}

static void follow(struct poster *poster) {
  const struct feed_v1_follow_request request = {
      .feed = stoa_string_of(poster->room), .epoch = poster->epoch, .offset = poster->offset};
  fprintf(events, "{\"client\":\"%s\",\"event\":\"asked\",\"room\":\"%s\",\"epoch\":%llu,\"offset\":%llu}\n",
          poster->name, poster->room, (unsigned long long)poster->epoch, (unsigned long long)poster->offset);
  feed_v1_feed_service_client_call_follow(poster->client, &request, 0, on_followed, poster, NULL);
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct poster *poster = user;
  (void)client;
  if (change->state == STOA_CLIENT_OPEN) {
    poster->next = poster->acked + 1;
    poster->in_flight = 0;
    poster->has_failed = false;
    follow(poster);
  } else if (change->state == STOA_CLIENT_WAITING || change->state == STOA_CLIENT_ENDED) {
    fprintf(events, "{\"client\":\"%s\",\"event\":\"ended\",\"room\":\"%s\",\"code\":%u}\n", poster->name, poster->room,
            change->close_code);
    poster->is_following = false;
  }
}

static void acknowledge(struct poster *poster, uint32_t number, uint64_t offset) {
  fprintf(events, "{\"client\":\"%s\",\"event\":\"acked\",\"room\":\"%s\",\"id\":\"%s-%u\",\"offset\":%llu}\n",
          poster->name, poster->room, poster->name, number, (unsigned long long)offset);
  poster->is_acked[number % WINDOW] = true;
  while (poster->acked < poster->created && poster->is_acked[(poster->acked + 1) % WINDOW]) {
    poster->acked++;
    poster->is_acked[poster->acked % WINDOW] = false;
  }
}

static void on_sent(void *user, struct stoa_client *client, const struct feed_v1_send_reply *reply,
                    const struct stoa_call_end *end) {
  const struct sending *sending = user;
  struct poster *poster = sending->poster;
  uint32_t number = sending->number;
  (void)client;
  poster->in_flight -= poster->in_flight > 0;
  if (reply != NULL) {
    acknowledge(poster, number, reply->offset);
    return;
  }
  const struct stoa_string reason = end->error != NULL ? end->error->reason : stoa_string_of("LOST");
  fprintf(events, "{\"client\":\"%s\",\"event\":\"failed\",\"room\":\"%s\",\"id\":\"%s-%u\",\"reason\":\"%.*s\"}\n",
          poster->name, poster->room, poster->name, number, (int)reason.len, reason.data);
  poster->has_failed = true;
}

/* Returns false when the client takes no more. */
static bool send_post(struct poster *poster, uint32_t number) {
  char id[48];
  char text[TEXT_LEN_MAX];
  struct sending *sending = &poster->sendings[number % WINDOW];
  int len = snprintf(id, sizeof id, "%s-%u", poster->name, number);
  int pad = (int)(number * 37u % 150u); /* a post that is sent again is the same */
  snprintf(text, sizeof text, "%.*s %.*s", len, id, pad,
           "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
           "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
  *sending = (struct sending){poster, number};
  const struct feed_v1_send_request request = {.feed = stoa_string_of(poster->room),
                                               .text = stoa_string_of(text),
                                               .author = stoa_string_of(poster->name),
                                               .id = stoa_string_of(id)};
  fprintf(events, "{\"client\":\"%s\",\"event\":\"sent\",\"room\":\"%s\",\"id\":\"%s\"}\n", poster->name, poster->room,
          id);
  if (feed_v1_feed_service_client_call_send(poster->client, &request, 0, on_sent, sending, NULL) != STOA_OK) {
    return false;
  }
  poster->in_flight++;
  return true;
}

static void send_some(struct poster *poster) {
  if (poster->has_failed && poster->in_flight == 0) {
    poster->has_failed = false;
    poster->next = poster->acked + 1;
  }
  for (unsigned i = 0; i < 4 && !poster->has_failed; i++) {
    uint32_t number = poster->next;
    if (number > poster->acked + WINDOW || (number > poster->created && (is_ending || only_follows || !chance(250)))) {
      return;
    }
    poster->created = number > poster->created ? number : poster->created;
    if (!poster->is_acked[number % WINDOW] && !send_post(poster, number)) {
      return;
    }
    poster->next++;
  }
}

static void come_back(struct poster *poster) {
  static const struct feed_v1_feed_service_client_handlers handlers = {.post = on_post};
  const struct stoa_client_options options = {
      .url = url, .codec = chance(500) ? &stoa_codec_proto : NULL, .retry_min_ms = 10, .retry_max_ms = 200};
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .user = poster};
  if (stoa_client_create(&options, &callbacks, &poster->client) != STOA_OK ||
      feed_v1_feed_service_client_register(poster->client, &handlers, poster) != STOA_OK ||
      stoa_client_open(poster->client) != STOA_OK) {
    fprintf(stderr, "posters: a client cannot be made\n");
    exit(1);
  }
}

static void tick(struct poster *poster) {
  if (poster->client == NULL) {
    if (is_ending || chance(RETURNS_PERMILLE)) {
      come_back(poster);
    }
    return;
  }
  if (stoa_client_state(poster->client) == STOA_CLIENT_ENDED) {
    leave(poster);
  } else if (!is_ending && !only_follows && poster->is_following && chance(LEAVES_PERMILLE)) {
    fprintf(events, "{\"client\":\"%s\",\"event\":\"left\",\"room\":\"%s\"}\n", poster->name, poster->room);
    if (chance(500)) {
      stoa_client_close(poster->client, 1000, "bye");
      poster->is_following = false;
    } else {
      leave(poster);
    }
  } else if (poster->is_following) {
    send_some(poster);
  }
}

static bool is_done(const struct poster *posters, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    if (posters[i].acked < posters[i].created) {
      return false;
    }
  }
  return true;
}

/* The descriptor 0 of `wanted` is standard input. */
static void wait_for_events(struct poster *posters, unsigned count, struct pollfd *wanted) {
  wanted[0] = (struct pollfd){.fd = is_ending ? -1 : STDIN_FILENO, .events = POLLIN};
  for (unsigned i = 0; i < count; i++) {
    wanted[i + 1] =
        (struct pollfd){.fd = posters[i].client == NULL ? -1 : stoa_client_fd(posters[i].client), .events = POLLIN};
  }
  poll(wanted, count + 1, TICK_MS);
  char byte;
  if (wanted[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0) {
    is_ending = true;
  }
}

static void run(struct poster *posters, unsigned count, struct pollfd *wanted) {
  while (!is_ending || !is_done(posters, count)) {
    wait_for_events(posters, count, wanted);
    for (unsigned i = 0; i < count; i++) {
      if (posters[i].client != NULL) {
        stoa_client_step(posters[i].client, 0);
      }
      tick(&posters[i]);
    }
    fflush(events);
  }
}

int main(int argc, char **argv) {
  if (argc < 6 || argc > 7) {
    fprintf(stderr, "usage: posters URL PREFIX COUNT SEED LOG [ROOMS]\n");
    return 2;
  }
  unsigned count = (unsigned)strtoul(argv[3], NULL, 10);
  unsigned rooms = argc == 7 ? (unsigned)strtoul(argv[6], NULL, 10) : 2;
  only_follows = argc == 7 && rooms == 0;
  rooms = rooms == 0 ? 1 : rooms;
  url = argv[1];
  seed = strtoull(argv[4], NULL, 10);
  events = fopen(argv[5], "w");
  struct poster *posters = calloc(count, sizeof *posters);
  struct pollfd *wanted = calloc(count + 1, sizeof *wanted);
  struct rlimit descriptors;
  if (events == NULL || posters == NULL || wanted == NULL || getrlimit(RLIMIT_NOFILE, &descriptors) != 0) {
    perror("posters");
    return 1;
  }
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  for (unsigned i = 0; i < count; i++) {
    snprintf(posters[i].name, sizeof posters[i].name, "%.8s%u", argv[2], i);
    snprintf(posters[i].room, sizeof posters[i].room, "feed-%u", i % rooms);
    come_back(&posters[i]);
  }
  run(posters, count, wanted);
  for (unsigned i = 0; i < count; i++) {
    stoa_client_destroy(posters[i].client);
  }
  free(wanted);
  free(posters);
  return fclose(events) == 0 ? 0 : 1;
}
