/* The way of a message that is stored:
 *
 *   session's worker           room's owner
 *   check, encode ───────────▶ engine ─▶ stored ─▶ on_message: sent out (owner.h)
 *   answer ◀────────────────── placement: what was sent out has left
 *
 * The struct travels the way and comes back, also when its answer was given meanwhile because of the deadline. Fields
 * of the session's worker are not touched on the owner.
 */
#include "room/publish.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/siphash.h"
#include "base/sys.h"
#include "room/metrics.h"
#include "room/owner.h"
#include "room/publisher.h"
#include "server/group/longest.h"
#include "server/group/publication.h"
#include "server/send.h"

#include <assert.h>
#include <stoa/codec.h>

/* When memory is short, or a bound is reached. */
#define RETRY_MS STOA_ENGINE_RETRY_MS

struct publish {
  /* The session's worker. */
  struct stoa_room_request request;
  struct stoa_room_worker *home;
  struct stoa_room_lane *lane; /* the owner uses its own fields of it */
  uint64_t due_ms;
  stoa_room_done *on_done; /* NULL: answered, or nobody wants to know */
  void *context;
  bool is_refused; /* it does not travel */

  /* Whoever has it. */
  struct stoa_post post;
  struct stoa_placement placement;
  struct stoa_room_waiter waiter;
  struct stoa_room_lane_entry entry;
  struct stoa_room_worker *owner;
  struct stoa_room *room;
  struct stoa_room_name name;
  struct stoa_engine_draft draft; /* its texts are in `data` */
  uint32_t failures_known;
  bool is_administrator;
  size_t bytes;
  struct stoa_room_answer answer;
  char data[];
};

static struct publish *publish_of_request(struct stoa_room_request *request) {
  return stoa_container_of(request, struct publish, request);
}

/* Back on the session's worker. */

static void tell(struct publish *publish, const struct stoa_room_answer *answer) {
  stoa_room_done *on_done = publish->on_done;
  if (publish->request.is_listed) {
    stoa_room_metrics_add(publish->home, STOA_RM_PUBLISHES, answer->status, 1);
  }
  stoa_room_requests_remove(&publish->home->publishes, &publish->request);
  publish->on_done = NULL;
  if (on_done != NULL) {
    on_done(publish->context, answer);
    stoa_arena_reset(publish->home->worker->arena);
  }
}

static void come_home(struct publish *publish) {
  struct stoa_room_worker *home = publish->home;
  struct stoa_room_lane *lane = publish->lane;
  lane->publisher->count -= publish->is_refused ? 0 : 1;
  lane->refusals -= publish->is_refused ? 1 : 0;
  /* The owner knows nothing of a refused one, and must still see that the others were sent before its own failures. */
  if (!publish->is_refused && stoa_room_status_is_failure(publish->answer.status)) {
    stoa_room_lane_note_failure(lane, publish->failures_known);
  }
  tell(publish, &publish->answer);
  stoa_room_lane_release(home, lane);
  stoa_free(publish);
}

static void on_home(struct stoa_post *post) {
  come_home(stoa_container_of(post, struct publish, post));
}

static void end_early(struct stoa_room_request *request) {
  static const struct stoa_room_answer closed = {.status = STOA_ROOM_CLOSED};
  tell(publish_of_request(request), &closed);
}

/* On the owner. */

static void on_placement(struct stoa_placement *placement, bool has_ended) {
  struct publish *publish = stoa_container_of(placement, struct publish, placement);
  if (has_ended || publish->owner == publish->home) {
    come_home(publish);
    return;
  }
  publish->post.run = on_home;
  stoa_loop_post(stoa_room_worker_loop(publish->home), &publish->post);
}

/* The room is in use while it has publishes, so this comes last. */
static void leave_room(struct publish *publish) {
  struct stoa_room *room = publish->room;
  if (room != NULL && !publish->owner->rooms->is_closed) {
    assert(room->publish_count > 0);
    room->publish_count--;
    publish->room = NULL;
  }
}

static void send_home(struct publish *publish) {
  if (publish->owner->rooms->is_closed) {
    come_home(publish);
    return;
  }
  leave_room(publish);
  publish->placement.run = on_placement;
  stoa_placement_request(publish->owner->worker, &publish->placement, stoa_room_name_group(&publish->name));
}

/* The answer waits for those of the messages before it. */
static void finish(struct publish *publish) {
  struct stoa_room_lane *lane = publish->lane;
  struct stoa_room_lane_entry *entry;
  if (stoa_room_status_is_failure(publish->answer.status)) {
    stoa_room_lane_fail(lane, publish->failures_known, publish->answer.status);
  }
  publish->entry.is_done = true;
  while ((entry = stoa_room_lane_take_done(lane)) != NULL) {
    bool is_last = lane->first == NULL; /* then nothing keeps the lane any more */
    send_home(stoa_container_of(entry, struct publish, entry));
    if (is_last) {
      break;
    }
  }
}

static void fail(struct publish *publish, enum stoa_room_status status) {
  publish->answer.status = status;
  publish->answer.retry_ms = status == STOA_ROOM_BUSY || status == STOA_ROOM_UNAVAILABLE ? RETRY_MS : 0;
  finish(publish);
}

static void on_stored(void *context, const struct stoa_engine_answer *answer) {
  struct publish *publish = context;
  if (!publish->owner->rooms->is_closed) {
    assert(publish->room->pending_bytes >= publish->bytes);
    publish->room->pending_bytes -= publish->bytes;
  }
  publish->answer = (struct stoa_room_answer){.status = stoa_room_status_of(answer->status),
                                              .retry_ms = answer->retry_ms,
                                              .position = {answer->epoch, answer->offset},
                                              .time_us = answer->time_us,
                                              .ordinal = answer->ordinal};
  finish(publish);
}

static void store(struct publish *publish) {
  struct stoa_room *room = publish->room;
  enum stoa_room_status status;
  if (stoa_room_lane_must_fail(publish->lane, publish->failures_known, &status)) {
    fail(publish, status);
    return;
  }
  size_t max = publish->owner->rooms->config.pending_bytes_max;
  if (room->pending_bytes > 0 && (room->pending_bytes >= max || publish->bytes > max - room->pending_bytes)) {
    fail(publish, STOA_ROOM_BUSY);
    return;
  }
  room->pending_bytes += publish->bytes;
  publish->draft.lane = &publish->lane->stored;
  publish->draft.failures_known = publish->failures_known;
  if (stoa_engine_publish(publish->owner->port, stoa_room_name_text(&publish->name), &publish->draft, on_stored,
                          publish) != STOA_OK) {
    room->pending_bytes -= publish->bytes;
    fail(publish, STOA_ROOM_BUSY);
  }
}

/* Does the room exist? */
static void on_loaded(struct stoa_room_waiter *waiter, struct stoa_room *room, enum stoa_room_status status) {
  struct publish *publish = stoa_container_of(waiter, struct publish, waiter);
  if (status != STOA_ROOM_OK) {
    fail(publish, status);
  } else if (room->epoch == 0) {
    fail(publish, STOA_ROOM_NOT_FOUND);
  } else {
    store(publish);
  }
}

static void arrive(struct publish *publish) {
  struct stoa_room_worker *owner = publish->owner;
  bool may_create = publish->is_administrator || owner->rooms->config.create != STOA_ROOMS_CONFIG_CREATE_ADMINISTRATORS;
  if (stoa_room_open(owner, &publish->name, &publish->room) != STOA_OK) {
    fail(publish, STOA_ROOM_BUSY);
    return;
  }
  publish->room->publish_count++;
  if (may_create) {
    store(publish);
    return;
  }
  publish->waiter.run = on_loaded;
  stoa_room_load(publish->room, &publish->waiter);
}

static void on_arrival(struct stoa_post *post) {
  struct publish *publish = stoa_container_of(post, struct publish, post);
  stoa_budget_give(&publish->owner->worker->mailbox, publish->bytes);
  if (publish->owner->rooms->is_closed) {
    come_home(publish);
    return;
  }
  stoa_room_lane_enter(publish->lane, &publish->entry);
  arrive(publish);
}

/* The deadline. */

static void start_deadline(struct stoa_room_worker *home) {
  const struct stoa_room_request *first = home->publishes.first;
  if (first == NULL || stoa_worker_timer_runs(&home->deadline)) {
    return;
  }
  uint64_t now_ms = stoa_loop_now_ms(stoa_room_worker_loop(home));
  uint64_t due_ms = stoa_container_of(first, const struct publish, request)->due_ms;
  int ignored = stoa_worker_timer_start(home->rooms->server, &home->deadline, due_ms > now_ms ? due_ms - now_ms : 0);
  (void)ignored; /* it fails only when the server ends, which closes them all */
}

void stoa_room_on_deadline(struct stoa_worker_timer *timer, int status) {
  static const struct stoa_room_answer unknown = {.status = STOA_ROOM_UNKNOWN};
  struct stoa_room_worker *home = timer->context;
  if (status != STOA_OK) {
    return;
  }
  uint64_t now_ms = stoa_loop_now_ms(stoa_room_worker_loop(home));
  /* Callbacks add publishes at the end only, and those are not due. */
  const struct stoa_room_request *last = home->publishes.last;
  for (struct stoa_room_request *request = home->publishes.first; request != NULL;) {
    struct publish *publish = publish_of_request(request);
    struct stoa_room_request *next = request == last ? NULL : request->next;
    bool is_behind = publish->failures_known < publish->lane->failures_known;
    if (publish->due_ms <= now_ms || is_behind) {
      stoa_room_lane_note_failure(publish->lane, publish->failures_known);
      tell(publish, &unknown);
    }
    request = next;
  }
  start_deadline(home);
}

/* The beginning. */

static char *put(char *at, const void *data, size_t len) {
  if (len > 0) {
    memcpy(at, data, len);
  }
  return at + len;
}

/* Clusters recognise a repeated send by it. Without a client_msg_id every message has one of its own. */
static int make_id(const struct stoa_publish_options *options, uint8_t out_id[STOA_ENGINE_ID_LEN]) {
  static const uint64_t seeds[2][2] = {{0x73746f61, 0x726f6f6d}, {0x726f6f6d, 0x73746f61}};
  struct stoa_string sender = options->sender;
  struct stoa_string id = options->client_msg_id;
  char text[STOA_ROOM_SENDER_LEN_MAX + 1 + STOA_CLIENT_MSG_ID_LEN_MAX];
  if (id.len == 0) {
    return stoa_random_pooled(out_id, STOA_ENGINE_ID_LEN);
  }
  char *at = put(text, sender.data, sender.len);
  *at++ = '\0';
  at = put(at, id.data, id.len);
  for (size_t i = 0; i < 2; i++) {
    uint64_t hash = stoa_siphash13(seeds[i], stoa_bytes_make(text, (size_t)(at - text)));
    memcpy(out_id + 8 * i, &hash, sizeof hash);
  }
  return STOA_OK;
}

/* Can every client get it, whatever its codec? Its stamp makes it longer. */
static int check_form(struct stoa_room_worker *home, const struct stoa_room_kind *kind, const void *message,
                      const struct stoa_room_stamp *stamp) {
  struct stoa_rooms *rooms = home->rooms;
  const struct stoa_buffer *scratch = &home->scratch;
  struct stoa_outgoing outgoing = {
      .type = kind->type.type, .message_type = kind->type.message_type, .message = message};
  int status = STOA_OK;
  if (kind->type.stamp != NULL) {
    status = stoa_room_kind_foresee(&rooms->types, kind, stamp, stoa_bytes_make(scratch->data, scratch->len),
                                    home->worker->arena, &outgoing.message);
  }
  if (status != STOA_OK) {
    return status;
  }
  stoa_worker_outgoing(home->worker, &outgoing);
  status = stoa_longest_check(&rooms->server->formats, &outgoing);
  bool is_encoded = kind->may_fail || rooms->server->formats.has_own_codec;
  for (size_t i = 0; is_encoded && i < rooms->server->codecs.count && status == STOA_OK; i++) {
    status = stoa_outgoing_encode(&outgoing, i);
  }
  return status;
}

/* Into home->scratch. */
static int encode(struct stoa_room_worker *home, const struct stoa_room_kind *kind, const void *message,
                  const struct stoa_room_stamp *stamp) {
  home->scratch.len = 0;
  int status = stoa_codec_proto.encode(kind->type.message_type, message, &home->scratch);
  if (status != STOA_OK) {
    return status;
  }
  /* The caller may be a handler, whose message is in the arena. */
  const struct stoa_arena_place mark = stoa_arena_mark(home->worker->arena);
  status = check_form(home, kind, message, stamp);
  stoa_arena_rewind(home->worker->arena, &mark);
  return status;
}

static int create(struct stoa_room_worker *home, const struct stoa_room_kind *kind, const struct stoa_room_name *name,
                  const struct stoa_publish_options *options, struct publish **out_publish) {
  const struct stoa_buffer *body = &home->scratch;
  size_t len = options->sender.len + options->client_msg_id.len + body->len;
  struct publish *publish = stoa_alloc(sizeof *publish + len);
  if (publish == NULL) {
    return STOA_E_MEMORY;
  }
  memset(publish, 0, sizeof *publish);
  publish->home = home;
  publish->owner = stoa_room_worker_owner(home->rooms, name);
  publish->name = *name;
  publish->bytes = sizeof *publish + len;
  publish->is_administrator = options->is_administrator;
  publish->request.close = end_early;
  char *at = put(publish->data, options->sender.data, options->sender.len);
  char *body_at = put(at, options->client_msg_id.data, options->client_msg_id.len);
  put(body_at, body->data, body->len);
  publish->draft = (struct stoa_engine_draft){
      .kind = kind->type.is_event ? STOA_ENGINE_EVENT : STOA_ENGINE_CHAT,
      .type = kind->type.type,
      .sender = stoa_string_make(publish->data, options->sender.len),
      .client_msg_id = stoa_string_make(at, options->client_msg_id.len),
      .target = options->target,
      .body = stoa_bytes_make(body_at, body->len),
      .time_us = options->time_us,
  };
  if (make_id(options, publish->draft.id) != STOA_OK ||
      stoa_room_lane_acquire(home, options, name, &publish->lane) != STOA_OK) {
    stoa_free(publish);
    return STOA_E_MEMORY;
  }
  *out_publish = publish;
  return STOA_OK;
}

static void send_off(struct publish *publish) {
  struct stoa_room_worker *home = publish->home;
  struct stoa_room_lane *lane = publish->lane;
  publish->failures_known = lane->failures_known;
  publish->due_ms = stoa_loop_now_ms(stoa_room_worker_loop(home)) + STOA_ROOM_PUBLISH_MS;
  stoa_room_requests_add(&home->publishes, &publish->request);
  start_deadline(home);
  bool has_room = lane->refusals == 0 && lane->publisher->count < home->rooms->config.session_publishes_max;
  if (has_room && stoa_budget_take(&publish->owner->worker->mailbox, publish->bytes)) {
    lane->publisher->count++;
    publish->post.run = on_arrival;
    stoa_loop_post(stoa_room_worker_loop(publish->owner), &publish->post);
    return;
  }
  lane->refusals++;
  publish->is_refused = true;
  publish->answer = (struct stoa_room_answer){.status = STOA_ROOM_BUSY, .retry_ms = RETRY_MS};
  publish->post.run = on_home;
  stoa_loop_post(stoa_room_worker_loop(home), &publish->post);
}

/* What is published, how, and whom to tell belong together in one call.
 * NOLINTNEXTLINE(readability-function-size) */
int stoa_room_publish(struct stoa_rooms *rooms, struct stoa_string room, uint32_t type, const void *message,
                      const struct stoa_publish_options *options, stoa_room_done *on_done, void *context) {
  static const struct stoa_publish_options none;
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  const struct stoa_room_kind *kind = stoa_room_types_find(&rooms->types, type);
  options = options == NULL ? &none : options;
  if (home == NULL || kind == NULL || !stoa_room_name_is_valid(room) || options->target > INT64_MAX ||
      !stoa_room_text_is_valid(options->sender, STOA_ROOM_SENDER_LEN_MAX) ||
      !stoa_room_text_is_valid(options->client_msg_id, STOA_CLIENT_MSG_ID_LEN_MAX)) {
    return STOA_E_ARGUMENT;
  }
  if (home->is_over) {
    return STOA_E_CLOSED;
  }
  const struct stoa_room_name name = stoa_room_name_make(room);
  const struct stoa_room_stamp stamp = {
      .room = room, .sender = options->sender, .client_msg_id = options->client_msg_id, .target = options->target};
  struct publish *publish;
  int status = encode(home, kind, message, &stamp);
  if (status == STOA_OK) {
    status = create(home, kind, &name, options, &publish);
  }
  if (status != STOA_OK) {
    return status;
  }
  publish->on_done = on_done;
  publish->context = context;
  send_off(publish);
  return STOA_OK;
}

int stoa_room_publish_volatile(struct stoa_rooms *rooms, struct stoa_string room, const struct stoa_uuid *except,
                               uint32_t type, const struct stoa_message_type *message_type, const void *message) {
  if (!stoa_room_name_is_valid(room)) {
    return STOA_E_ARGUMENT;
  }
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  const struct stoa_room_name name = stoa_room_name_make(room);
  const struct stoa_sending sending = {
      .type = type, .message_type = message_type, .message = message, .except = except, .leaves_out_plain = true};
  return rooms->server->started ? stoa_publish(rooms->server, stoa_room_name_group(&name), &sending) : STOA_E_CLOSED;
}
