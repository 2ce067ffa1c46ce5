#include "base/sys.h"
#include "codec/base64.h"
#include "fallback_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define NS_PER_MS UINT64_C(1000000)

/* Coming and going. */

void guest_leave(struct guest *guest) {
  if (guest->fd >= 0) {
    stoa_sys.close(guest->fd);
  }
  free(guest->in);
  guest->in = NULL;
  guest->fd = -1;
  guest->state = guest->record == NULL ? GUEST_OUT : GUEST_GONE;
}

static void enter(struct guest *guest) {
  struct world *world = guest->world;
  *guest = (struct guest){.world = world, .index = guest->index, .state = GUEST_OPENING};
  guest->codec = one_in(world, 2) ? &stoa_codec_json : &stoa_codec_proto;
  guest->in_size = 512 * 1024;
  guest->in = malloc(guest->in_size);
  assert(guest->in != NULL);
  guest->fd = net_connect(world);
}

static void ask(struct guest *guest) {
  char request[256];
  int len = snprintf(request, sizeof request,
                     "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nStoa-Protocol: stoa.%s\r\n\r\n",
                     guest->codec->name);
  if (guest->asked < (size_t)len && net_is_connected(guest->fd)) {
    ssize_t sent = stoa_sys.send(guest->fd, request + guest->asked, (size_t)len - guest->asked, 0);
    guest->asked += sent > 0 ? (size_t)sent : 0; /* an error is told by the next read too */
  }
}

/* Events. */

static void take_line(struct guest *guest, const struct sample_v1_line_message *line) {
  struct world *world = guest->world;
  char text[512];
  bool is_echo = stoa_string_equal(line->from, stoa_string_of("echo"));
  unsigned *last = is_echo ? &guest->heard : &guest->heard_all;
  bool is_first = !is_echo && *last == 0;
  world->counts->events++;
  trace_line(world->trace, "g%u hears %s %u", guest->index, is_echo ? "echo" : "all", line->number);
  if (!is_first && line->number != *last + 1) {
    trace_fail(world->trace, "g%u hears %s %u after %u", guest->index, is_echo ? "echo" : "all", line->number, *last);
  }
  if (!stoa_string_equal(line->text, program_text(line->number, text))) {
    trace_fail(world->trace, "g%u hears another text", guest->index);
  }
  *last = line->number;
}

static void take_payload(struct guest *guest, const void *payload, size_t len) {
  struct world *world = guest->world;
  struct sample_v1_line_message line = {0};
  int status =
      guest->codec->decode(&sample_v1_line_message_type, stoa_bytes_make(payload, len), world->arena, &line, NULL);
  if (status != STOA_OK) {
    trace_fail(world->trace, "g%u cannot read an event: %s", guest->index, stoa_status_text(status));
  } else {
    take_line(guest, &line);
  }
  stoa_arena_reset(world->arena);
}

static void take_message(struct guest *guest, const char *text, size_t len) {
  struct world *world = guest->world;
  uint8_t bytes[8192];
  size_t bytes_len = 0;
  assert(len > 0 && len < sizeof bytes);
  if (text[0] == 'f' && len > 9 && guest->codec == &stoa_codec_json) {
    if (strncmp(text + 1, "00000000", 8) == 0) {
      take_payload(guest, text + 9, len - 9);
    }
  } else if (text[0] == 'b' && stoa_base64_read(stoa_string_make(text + 1, len - 1), bytes, &bytes_len) &&
             bytes_len >= 4) {
    if (memcmp(bytes, "\0\0\0\0", 4) == 0) {
      take_payload(guest, bytes + 4, bytes_len - 4);
    }
  } else {
    trace_fail(world->trace, "g%u gets what is no message: %.*s", guest->index, (int)(len < 60 ? len : 60), text);
  }
}

static void send_alive(struct guest *guest) {
  const struct request request = {.record = guest->record, .guest = guest->index, .kind = POST_ALIVE};
  guest->owes_life = !lines_post(guest->world, &request, guest->key, NULL, 0, false);
}

static void take_open(struct guest *guest, const char *text, size_t len) {
  struct world *world = guest->world;
  const char *key = memmem(text, len, "{\"key\":\"", 8);
  const char *end = key == NULL ? NULL : memchr(key + 8, '"', len - (size_t)(key + 8 - text));
  if (end == NULL || guest->state != GUEST_OPENING) {
    trace_fail(world->trace, "g%u gets another event:open", guest->index);
    return;
  }
  memcpy(guest->key, key + 8, (size_t)(end - key) - 8);
  guest->state = GUEST_IN;
  guest->record = program_find(world, guest->key);
  if (guest->record == NULL) {
    trace_fail(world->trace, "g%u gets a key of no session", guest->index);
    guest_leave(guest);
  }
}

/* All that was sent to it has come, unless it did not read. */
static void take_close(struct guest *guest, const char *text) {
  struct world *world = guest->world;
  long code = strtol(text, NULL, 10);
  const struct record *record = guest->record;
  trace_line(world->trace, "g%u is closed with %ld, heard %u of %u", guest->index, code, guest->heard, record->pushed);
  world->counts->slow += code == 4008;
  if (record->is_open || code != record->code) {
    trace_fail(world->trace, "g%u is closed with %ld, its session %s %u", guest->index, code,
               record->is_open ? "is open" : "with", record->code);
  }
  if (guest->heard > record->pushed || (guest->heard < record->pushed && code != 4008)) {
    trace_fail(world->trace, "g%u is closed with %ld and has heard %u of %u", guest->index, code, guest->heard,
               record->pushed);
  }
  bool is_known = code == 4999 || code == 4008 || (code == 1002 && guest->is_spoilt) ||
                  (code == 4001 && world->is_ending) ||
                  (code == 4012 && world->time.monotonic_ns < world->stalled_until_ns);
  if (!is_known && !guest->is_harmed) {
    trace_fail(world->trace, "g%u is closed with %ld, and nothing was done to it", guest->index, code);
  }
  guest->is_harmed = true; /* the response ends now */
}

static void take_event(struct guest *guest, const char *text, size_t len) {
  if (len < 2 || memcmp(text + len - 2, "\n\n", 2) != 0) {
    trace_fail(guest->world->trace, "g%u gets half an event: %.*s", guest->index, (int)(len < 60 ? len : 60), text);
  } else if (strncmp(text, "event:open\n", 11) == 0) {
    take_open(guest, text, len);
  } else if (guest->state != GUEST_IN) {
    trace_fail(guest->world->trace, "g%u gets an event before the first one", guest->index);
  } else if (strncmp(text, "event:close\ndata:", 17) == 0) {
    take_close(guest, text + 17);
  } else if (strncmp(text, "data:", 5) == 0 && memchr(text, '\n', len) == text + len - 2) {
    take_message(guest, text + 5, len - 7);
  } else if (strncmp(text, ":\n\n", 3) == 0) {
    guest->owes_life = true;
  } else {
    trace_fail(guest->world->trace, "g%u gets an unknown event: %.*s", guest->index, (int)(len < 60 ? len : 60), text);
  }
}

/* The response. */

/* Returns how many bytes were used; 0: more are needed. */
static size_t take_head(struct guest *guest) {
  struct world *world = guest->world;
  const char *end = memmem(guest->in, guest->in_len, "\r\n\r\n", 4);
  if (end == NULL) {
    return 0;
  }
  guest->status = (int)strtol(guest->in + 9, NULL, 10);
  bool is_refused = guest->status == 503 && world->is_draining;
  world->counts->refused_opens += is_refused;
  if (guest->status != 200) {
    if (!is_refused) {
      trace_fail(world->trace, "g%u: opening is answered with %d", guest->index, guest->status);
    }
    guest->is_harmed = true;
    size_t all = guest->in_len;
    return all;
  }
  return (size_t)(end - guest->in) + 4;
}

static size_t take_chunk(struct guest *guest) {
  const char *line_end = memmem(guest->in, guest->in_len, "\r\n", 2);
  if (line_end == NULL) {
    return 0;
  }
  char *end;
  size_t content = strtoul(guest->in, &end, 16);
  size_t head_len = (size_t)(line_end - guest->in) + 2;
  if (end != line_end || content > 65536) {
    trace_fail(guest->world->trace, "g%u gets what is no chunk: %.20s", guest->index, guest->in);
    return guest->in_len;
  }
  if (guest->in_len < head_len + content + 2) {
    return 0;
  }
  if (memcmp(guest->in + head_len + content, "\r\n", 2) != 0) {
    trace_fail(guest->world->trace, "g%u gets a chunk of another length", guest->index);
  } else if (content > 0) {
    take_event(guest, guest->in + head_len, content);
  }
  return head_len + content + 2;
}

static void use_input(struct guest *guest) {
  size_t used = 1;
  while (used > 0 && guest->in_len > 0 && guest->fd >= 0 && guest->world->trace->failure[0] == '\0') {
    used = guest->status == 0 ? take_head(guest) : guest->status == 200 ? take_chunk(guest) : guest->in_len;
    if (guest->fd >= 0) {
      guest->in_len -= used;
      memmove(guest->in, guest->in + used, guest->in_len);
    }
  }
}

static void end_of_events(struct guest *guest, int reason) {
  struct world *world = guest->world;
  bool may_end = guest->is_harmed || world->is_ending;
  trace_line(world->trace, "g%u: its events end: %d", guest->index, reason);
  if (reason == ECONNREFUSED && !world->is_draining) {
    trace_fail(world->trace, "g%u: nobody listens", guest->index);
  } else if (!may_end) {
    trace_fail(world->trace, "g%u: its events end though nothing happened to it", guest->index);
  }
  guest_leave(guest);
}

static void read_again(struct guest *guest) {
  if (guest->is_not_reading && (guest->world->is_calm || guest->world->time.monotonic_ns >= guest->reads_at_ns)) {
    struct epoll_event event = {.events = EPOLLIN};
    guest->is_not_reading = false;
    int ignored = stoa_sys.epoll_ctl(guest->world->epoll, EPOLL_CTL_ADD, guest->fd, &event);
    (void)ignored;
  }
}

void guest_poll(struct guest *guest) {
  if (guest->fd < 0) {
    return;
  }
  read_again(guest);
  ask(guest);
  if (guest->is_not_reading) {
    return;
  }
  if (guest->owes_life) {
    send_alive(guest);
  }
  assert(guest->in_len < guest->in_size - 1);
  ssize_t got = stoa_sys.recv(guest->fd, guest->in + guest->in_len, guest->in_size - 1 - guest->in_len, 0);
  if (got > 0) {
    guest->in_len += (size_t)got;
    guest->in[guest->in_len] = '\0';
    use_input(guest);
  } else if (got == 0) {
    end_of_events(guest, 0);
  } else if (errno != EAGAIN) {
    end_of_events(guest, errno);
  }
}

/* Posts. */

static struct pending *pending_of(struct guest *guest, uint64_t number) {
  struct pending *pending = &guest->pendings[number % 2];
  return pending->number == number ? pending : NULL;
}

static size_t pack(struct guest *guest, uint8_t *body, size_t at, unsigned number) {
  char text[512];
  struct stoa_buffer payload;
  const struct sample_v1_line_message line = {
      .from = STOA_STR("guest"), .number = number, .text = program_text(number, text)};
  stoa_buffer_init(&payload, BODY_BYTES_MAX);
  int status = guest->codec->encode(&sample_v1_line_message_type, &line, &payload);
  assert(status == STOA_OK);
  size_t len = payload.len + 4;
  assert(at + 4 + len <= BODY_BYTES_MAX);
  const uint8_t head[8] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, 0};
  memcpy(body + at, head, 8);
  memcpy(body + at + 8, payload.data, payload.len);
  stoa_buffer_fini(&payload);
  return at + 4 + len;
}

static bool send_pending(struct guest *guest, struct pending *pending) {
  const struct request request = {.record = guest->record,
                                  .guest = guest->index,
                                  .kind = POST_MESSAGES,
                                  .number = pending->number,
                                  .done = guest->record->done,
                                  .last = pending->last};
  bool is_sent = lines_post(guest->world, &request, guest->key, pending->body, pending->len, one_in(guest->world, 4));
  pending->copies += is_sent;
  guest->world->counts->drained_posts += is_sent && guest->world->is_draining;
  return is_sent;
}

static void say(struct guest *guest) {
  struct record *record = guest->record;
  struct pending *pending = &guest->pendings[(record->sent + 1) % 2];
  size_t count = below(guest->world, 5);
  *pending = (struct pending){.number = record->sent + 1};
  for (size_t i = 0; i < count; i++) {
    pending->len = pack(guest, pending->body, pending->len, ++guest->said);
  }
  pending->last = guest->said;
  guest->world->counts->eager += record->sent > record->done;
  record->sent++;
  bool ignored = send_pending(guest, pending);
  (void)ignored; /* it is repeated */
}

static void repeat(struct guest *guest) {
  for (uint64_t number = guest->record->done + 1; number <= guest->record->sent; number++) {
    struct pending *pending = pending_of(guest, number);
    if (pending != NULL && pending->copies < 3) {
      guest->world->counts->repeated++;
      send_pending(guest, pending);
      return;
    }
  }
}

/* Sends what nothing is on its way of. */
static void repeat_lost(struct guest *guest) {
  for (uint64_t number = guest->record->done + 1; number <= guest->record->sent; number++) {
    struct pending *pending = pending_of(guest, number);
    if (pending != NULL && pending->copies == 0) {
      send_pending(guest, pending);
      return;
    }
  }
}

/* What must not be sent. */

static void send_wrong(struct guest *guest, enum post_kind kind, uint64_t number, const char *key, const void *body,
                       size_t len) {
  const struct request request = {.record = guest->record, .guest = guest->index, .kind = kind, .number = number};
  bool ignored = lines_post(guest->world, &request, key, body, len, false);
  (void)ignored;
}

static void misbehave(struct guest *guest) {
  static const uint8_t other[] = {0, 0, 0, 4, 0, 0, 0, 0};
  struct world *world = guest->world;
  struct record *record = guest->record;
  char key[KEY_BYTES_MAX];
  size_t roll = below(world, 20);
  if (roll < 6 && record->done > 0) {
    world->counts->other_bodies++;
    send_wrong(guest, POST_OTHER_BODY, record->done, guest->key, other, sizeof other);
  } else if (roll < 10) {
    world->counts->wrong_numbers++;
    send_wrong(guest, POST_WRONG_NUMBER, record->sent + 100 + below(world, 3), guest->key, other, sizeof other);
  } else if (roll < 14) {
    size_t at = STOA_UUID_TEXT_LEN + 1 + below(world, 48);
    memcpy(key, guest->key, sizeof key);
    key[at] = key[at] == '0' ? '1' : '0';
    world->counts->wrong_keys++;
    send_wrong(guest, POST_WRONG_KEY, record->sent + 1, key, other, sizeof other);
  } else if (roll < 19) {
    lines_send_half(world, guest);
  } else if (record->sent == record->done && !guest->is_spoilt) {
    guest->is_spoilt = true;
    world->counts->malformed++;
    send_wrong(guest, POST_MALFORMED, ++record->sent, guest->key, "\0\0\0\5ab", 6);
  }
}

/* Answers. */

static bool is_refused_rightly(const struct world *world, const struct request *request, int status, const char *text) {
  const struct record *record = request->record;
  bool is_messages = request->kind == POST_MESSAGES;
  uint64_t number = request->number;
  switch (status) {
    case 400:
      return request->kind == POST_MALFORMED;
    case 408: /* half of it has come, or it came too slowly */
      return request->kind == POST_MALFORMED || world->time.monotonic_ns < world->stalled_until_ns;
    case 404:
      return request->kind == POST_WRONG_KEY || !record->is_open;
    case 410:
      return request->kind != POST_WRONG_KEY && !record->is_open;
    case 409:
      if (strstr(text, "SUPERSEDED") != NULL) {
        return is_messages;
      }
      return request->kind == POST_OTHER_BODY || request->kind == POST_WRONG_NUMBER ||
             (is_messages && (number > request->done + 1 || record->sent > number));
    case 429:
      return is_messages && number > request->done + 1;
    case 504:
      return is_messages;
    default:
      return false;
  }
}

static void note_done(const struct guest *guest, struct record *record, const struct request *request) {
  struct trace *trace = guest->world->trace;
  if (request->kind != POST_MESSAGES && request->kind != POST_ALIVE) {
    trace_fail(trace, "g%u: a wrong post of kind %d is answered with 204", guest->index, request->kind);
  } else if (request->kind == POST_MESSAGES && record->received < request->last) {
    trace_fail(trace, "g%u: post %llu is answered before its message %u is handled", guest->index,
               (unsigned long long)request->number, request->last);
  } else if (request->kind == POST_MESSAGES && request->number > record->done) {
    record->done = request->number;
  }
}

static void count_answer(struct fallback_world_counts *counts, int status, const char *text) {
  bool is_superseded = status == 409 && strstr(text, "SUPERSEDED") != NULL;
  counts->answered += status == 204;
  counts->superseded += is_superseded;
  counts->out_of_order += status == 409 && !is_superseded;
  counts->late += status == 504;
  counts->busy += status == 429;
  counts->gone += status == 404 || status == 410;
  counts->unanswered += status == 0;
}

void guest_take_answer(struct guest *guest, const struct request *request, int status, const char *text) {
  struct world *world = guest->world;
  struct record *record = request->record;
  struct pending *pending = guest->record == record ? pending_of(guest, request->number) : NULL;
  trace_line(world->trace, "g%u: post %llu of kind %d is answered with %d", guest->index,
             (unsigned long long)request->number, request->kind, status);
  count_answer(world->counts, status, text);
  if (pending != NULL && request->kind == POST_MESSAGES) {
    assert(pending->copies > 0);
    pending->copies--;
  }
  if ((status == 0 || status == 408) && guest->record == record && request->kind == POST_ALIVE &&
      guest->state == GUEST_IN) {
    guest->owes_life = true;
  }
  if (status == 204) {
    note_done(guest, record, request);
  } else if (status != 0 && !is_refused_rightly(world, request, status, text)) {
    trace_fail(world->trace, "g%u: post %llu of kind %d, done %llu, is answered with %d", guest->index,
               (unsigned long long)request->number, request->kind, (unsigned long long)record->done, status);
  }
}

/* Acting. */

static void harm(struct guest *guest, bool is_reset) {
  struct world *world = guest->world;
  struct line *line = &world->lines[below(world, LINES)];
  int fd = guest->fd;
  if (one_in(world, 3)) {
    guest->is_harmed = true;
  } else {
    fd = line->fd;
  }
  if (fd < 0) {
    return;
  }
  if (is_reset) {
    world->counts->resets++;
    net_reset(fd);
  } else if (world->seed % 2 == 0) { /* in the others nobody is silent who reads */
    uint64_t stall_ns = (1 + below(world, 15000)) * NS_PER_MS;
    world->counts->stalls++;
    world->stalled_until_ns = world->time.monotonic_ns + stall_ns + 30000 * NS_PER_MS;
    net_stall(fd, stall_ns);
  }
}

static void stop_reading(struct guest *guest) {
  if (!guest->is_not_reading) {
    guest->is_not_reading = true;
    guest->is_harmed = true; /* it answers no pings */
    guest->reads_at_ns = guest->world->time.monotonic_ns + below(guest->world, 8000) * NS_PER_MS;
    stoa_sys.epoll_ctl(guest->world->epoll, EPOLL_CTL_DEL, guest->fd, NULL);
  }
}

static void act_inside(struct guest *guest) {
  struct world *world = guest->world;
  struct record *record = guest->record;
  size_t roll = below(world, 100);
  if (world->is_calm) {
    repeat_lost(guest);
  } else if (roll < 40 && record->sent < record->done + 2 && !guest->is_spoilt &&
             (record->sent == record->done || one_in(world, 6))) {
    say(guest);
  } else if (roll < 60) {
    repeat_lost(guest);
  } else if (roll < 70) {
    repeat(guest);
  } else if (roll < 76) {
    misbehave(guest);
  } else if (roll < 79) {
    send_alive(guest);
  } else if (roll < 81) {
    harm(guest, one_in(world, 2));
  } else if (roll < 83 && guest->fd >= 0) {
    stop_reading(guest);
  } else if (roll == 83 && one_in(world, 4)) {
    world->counts->leaves++;
    guest_leave(guest);
  } else if (roll < 88) {
    lines_close(world, &world->lines[below(world, LINES)]); /* whatever is on its way there is lost */
  }
}

void guest_act(struct guest *guest) {
  struct world *world = guest->world;
  switch (guest->state) {
    case GUEST_OUT:
      if (!world->is_calm) {
        enter(guest);
      }
      break;
    case GUEST_OPENING:
      if (!world->is_calm && one_in(world, 60)) {
        guest->is_harmed = true;
        net_reset(guest->fd);
      }
      break;
    case GUEST_IN:
      act_inside(guest);
      break;
    case GUEST_GONE: /* what it posts now finds no session */
      if (!world->is_calm && one_in(world, 4)) {
        guest->state = GUEST_OUT;
        guest->record = NULL;
      } else if (!guest->is_spoilt) {
        repeat(guest);
      }
      break;
  }
}

bool guest_is_settled(const struct guest *guest) {
  if (guest->state != GUEST_IN) {
    return guest->state != GUEST_OPENING;
  }
  const struct record *record = guest->record;
  if (!record->is_open) {
    return false; /* its close is on its way */
  }
  return !record->is_paused && (record->done == record->sent || guest->is_spoilt) && guest->heard == record->pushed &&
         !guest->is_not_reading;
}
