#include "room_world_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "simulation/net.h"

/* Recovery ends here, see STOA_ROOM_RECOVERY_BYTES_MAX; counted in texts, which are less than what is stored. */
#define RECOVERY_BYTES_MAX (512u * 1024)

const char *const room_names[ROOMS] = {"hall", "yard"};

static uint32_t room_of(struct stoa_string name) {
  return board_text_is(name, room_names[0]) ? 0 : 1;
}

static void copy_id(char out_id[ID_SIZE], struct stoa_string text) {
  size_t len = text.len < ID_SIZE - 1 ? text.len : ID_SIZE - 1;
  memset(out_id, 0, ID_SIZE);
  memcpy(out_id, len == 0 ? "" : text.data, len);
}

static uint32_t room_index(const struct stay *stay) {
  return (uint32_t)(stay - stay->guest->stays);
}

/* "c3-17": NULL when nobody has sent it. */
static struct own *own_of(struct world *world, uint32_t room, const char *id) {
  unsigned index, number;
  if (sscanf(id, "c%u-%u", &index, &number) != 2 || index >= GUESTS || number == 0 ||
      number > world->guests[index].stays[room].own_count) {
    return NULL;
  }
  return &world->guests[index].stays[room].own[number - 1];
}

/* What it gets. */

static void write_text(const struct own *own, char *out_text) {
  memset(out_text, '.', own->len);
  memcpy(out_text, own->id, strlen(own->id));
}

void guest_check_text(struct world *world, const struct sighting *sighting, struct stoa_string text, bool is_redacted) {
  static char wanted[65536];
  uint32_t room = strcmp(sighting->room, room_names[0]) == 0 ? 0 : 1;
  const struct own *own = own_of(world, room, sighting->id);
  if (own == NULL) {
    trace_fail(world->trace, "%s is in room %s, and nobody has sent it", sighting->id, sighting->room);
    return;
  }
  /* Its author knows that it is not stored. */
  if (own->state == OWN_NEW && own->in_flight == 0 && !own->may_be_stored) {
    trace_fail(world->trace, "%s is shown, and its author was told that it is not stored", own->id);
  }
  write_text(own, wanted);
  bool is_right = is_redacted ? text.len == 0 : text.len == own->len && memcmp(text.data, wanted, text.len) == 0;
  if (!is_right) {
    trace_fail(world->trace, "the text of %s at %llu is not what was sent", own->id,
               (unsigned long long)sighting->offset);
  }
}

/* Errors were told to the trace. */
static struct entry *note_shown(struct world *world, const struct sighting *sighting, uint32_t room) {
  struct entry *entry = oracle_note(world->trace, &world->shown[room], sighting);
  if (world->shown[room].count > world->losses + 1) {
    trace_fail(world->trace, "room %s has another epoch, and nothing was lost", sighting->room);
  }
  return entry;
}

static struct entry *take_post(struct world *world, const struct board_v1_post_message *post) {
  uint32_t room = room_of(post->room);
  const struct own *own;
  struct sighting sighting = {.room = room_names[room], .epoch = post->epoch, .offset = post->offset};
  copy_id(sighting.id, post->client_msg_id);
  own = own_of(world, room, sighting.id);
  sighting.len = own == NULL ? 0 : own->len;
  guest_check_text(world, &sighting, post->text, post->redacted);
  return note_shown(world, &sighting, room);
}

/* What was redacted before it joined has no text for it. */
static void check_redaction(const struct stay *stay, const struct entry *entry,
                            const struct board_v1_post_message *post) {
  if (entry != NULL && entry->redacted_turn != 0 && entry->redacted_turn < stay->asked_turn && !post->redacted) {
    trace_fail(stay->guest->world->trace, "c%u gets the text of %s, which was redacted", stay->guest->index, entry->id);
  }
}

static void see(struct stay *stay, uint64_t epoch, uint64_t offset) {
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  struct view *view = &stay->view;
  if (guest->is_plain && view->seen_count == 0) {
    *view = (struct view){.from = offset - 1, .page_top = UINT64_MAX};
    stay->is_member = true;
  }
  if (!stay->is_member) {
    trace_fail(world->trace, "c%u is no member of %s", guest->index, room_names[room_index(stay)]);
    return;
  }
  if (view->epoch != 0 && view->epoch != epoch) {
    trace_fail(world->trace, "c%u gets another epoch of %s without joining again", guest->index,
               room_names[room_index(stay)]);
  }
  view->epoch = epoch;
  oracle_see(world->trace, view, guest->index, offset);
}

static void on_post(void *user, struct stoa_client *client, const struct board_v1_post_message *post) {
  struct guest *guest = user;
  struct world *world = guest->world;
  struct stay *stay = &guest->stays[room_of(post->room)];
  (void)client;
  if (guest->has_given_up) {
    return;
  }
  world->counts->posts++;
  trace_line(world->trace, "c%u gets %.*s %llu: %.*s", guest->index, (int)post->room.len, post->room.data,
             (unsigned long long)post->offset, (int)post->client_msg_id.len, post->client_msg_id.data);
  const struct entry *entry = take_post(world, post);
  if (post->offset <= stay->catch_up) {
    check_redaction(stay, entry, post);
  }
  see(stay, post->epoch, post->offset);
}

/* "1 c3-17..." */
static void on_note(void *user, struct stoa_client *client, const struct board_v1_note_message *note) {
  struct guest *guest = user;
  struct world *world = guest->world;
  uint32_t room = note->text.len > 0 && note->text.data[0] == '1' ? 1 : 0;
  (void)client;
  if (guest->has_given_up) {
    return;
  }
  if (guest->is_plain) {
    trace_fail(world->trace, "c%u has no subprotocol and gets an event", guest->index);
    return;
  }
  struct sighting sighting = {.room = room_names[room], .epoch = note->epoch, .offset = note->offset, .is_note = true};
  const char *text = note->text.data + 2;
  size_t len = 0;
  while (len + 2 < note->text.len && text[len] != '.') {
    len++;
  }
  copy_id(sighting.id, stoa_string_make(text, len));
  world->counts->notes++;
  trace_line(world->trace, "c%u gets note %s %llu: %s", guest->index, sighting.room, (unsigned long long)note->offset,
             sighting.id);
  note_shown(world, &sighting, room);
  see(&guest->stays[room], note->epoch, note->offset);
}

/* "1 c3 2": volatile messages go to all members but the session that sent them, here the client's second one. */
static void on_typing(void *user, struct stoa_client *client, const struct board_v1_typing_message *typing) {
  struct guest *guest = user;
  struct world *world = guest->world;
  unsigned room = 0, from = 0, connection = 0;
  char text[24] = {0};
  (void)client;
  memcpy(text, typing->text.data, typing->text.len < 23 ? typing->text.len : 23);
  if (guest->has_given_up) {
    return;
  }
  world->counts->typings++;
  if (guest->is_plain) {
    trace_fail(world->trace, "c%u has no subprotocol and gets a volatile message", guest->index);
  } else if (sscanf(text, "%u c%u %u", &room, &from, &connection) != 3 || room >= ROOMS) {
    trace_fail(world->trace, "c%u gets a volatile message that nobody has sent", guest->index);
  } else if (from == guest->index && connection == guest->connections) {
    trace_fail(world->trace, "c%u gets its own volatile message", guest->index);
  } else if (!guest->stays[room].is_member) {
    trace_fail(world->trace, "c%u gets a volatile message of %s and is no member", guest->index, room_names[room]);
  }
}

static void on_changes(void *user, struct stoa_client *client, const struct board_v1_changes_message *changes) {
  struct guest *guest = user;
  struct stay *stay = &guest->stays[room_of(changes->room)];
  (void)client;
  if (!guest->has_given_up && !stay->is_leaving) {
    presence_guest_on_changes(&stay->presence, stay->is_member, changes, guest->world->trace);
  }
}

/* Calls. */

/* No answer in time: whether it is a member is not known, so it begins again with another connection. */
static void give_up(struct guest *guest, const struct stoa_call_end *end) {
  if (end->result != STOA_CALL_LOST && guest->client->conn.io.fd >= 0 && !guest->has_given_up) {
    net_reset(guest->client->conn.io.fd);
    guest->has_given_up = true;
    guest->is_excused = true;
    trace_line(guest->world->trace, "c%u gives up", guest->index);
  }
}

static void take_page(struct stay *stay, const struct board_v1_join_reply *reply) {
  struct world *world = stay->guest->world;
  struct view *view = &stay->view;
  world->counts->pages++;
  *view = (struct view){.epoch = reply->epoch, .position = reply->top, .page_top = reply->top, .from = reply->top};
  if (reply->items.count > 0) {
    view->from = reply->items.items[0].offset - 1;
  }
  for (size_t i = 0; i < reply->items.count; i++) {
    const struct board_v1_post_message *post = &reply->items.items[i];
    check_redaction(stay, take_post(world, post), post);
    view->seen[view->seen_count++] = post->offset;
  }
  /* Less than asked for: it is the whole room. */
  if (reply->items.count < world->page && !reply->has_more_before) {
    view->from = reply->floor < view->from ? reply->floor : view->from;
  }
}

/* What it must get to be recovered is not too much. */
static void check_limit(const struct stay *stay, uint64_t top) {
  struct world *world = stay->guest->world;
  struct epoch_log *log = oracle_epoch(&world->shown[room_index(stay)], stay->view.epoch);
  uint64_t bytes = 0;
  for (uint64_t offset = stay->view.position + 1; log != NULL && offset <= top && offset < OFFSETS_MAX; offset++) {
    bytes += log->entries[offset].redacted_turn == 0 ? log->entries[offset].len : 0;
  }
  if (bytes > RECOVERY_BYTES_MAX) {
    trace_fail(world->trace, "c%u recovers %llu bytes", stay->guest->index, (unsigned long long)bytes);
  }
}

static void take_recovery(struct stay *stay, const struct board_v1_join_reply *reply) {
  struct world *world = stay->guest->world;
  const struct view *view = &stay->view;
  world->counts->recoveries++;
  stay->catch_up = reply->top;
  if (!stay->is_recovering || reply->epoch != view->epoch || reply->top < view->position ||
      reply->floor > view->position) {
    trace_fail(world->trace, "c%u recovers what it has not asked for, or what is not there", stay->guest->index);
    return;
  }
  check_limit(stay, reply->top);
}

static void on_joined(void *user, struct stoa_client *client, const struct board_v1_join_reply *reply,
                      const struct stoa_call_end *end) {
  struct stay *stay = user;
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  (void)client;
  if (end->result != STOA_CALL_REPLY || guest->has_given_up) {
    give_up(guest, end);
    return;
  }
  bool is_ok = board_text_is(reply->status, "OK");
  stay->is_joining = false;
  trace_line(world->trace, "c%u join %s: %.*s recovered %d top %llu", guest->index, room_names[room_index(stay)],
             (int)reply->status.len, reply->status.data, reply->recovered, (unsigned long long)reply->top);
  world->counts->undone += board_text_is(reply->status, "LEFT");
  if (is_ok && stay->has_left) {
    trace_fail(world->trace, "c%u has left %s and becomes a member", guest->index, room_names[room_index(stay)]);
  }
  stay->has_left = false;
  if (!is_ok) {
    return;
  }
  world->counts->joins++;
  stay->is_member = true;
  stay->catch_up = 0;
  presence_guest_on_joined(&stay->presence, reply);
  if (reply->member_count == 0) {
    trace_fail(world->trace, "c%u is in a room without members", guest->index);
  }
  if (reply->recovered) {
    take_recovery(stay, reply);
  } else {
    take_page(stay, reply);
  }
}

static void on_left(void *user, struct stoa_client *client, const struct board_v1_leave_reply *reply,
                    const struct stoa_call_end *end) {
  struct stay *stay = user;
  (void)client;
  (void)reply;
  if (end->result != STOA_CALL_REPLY || stay->guest->has_given_up) {
    give_up(stay->guest, end);
    return;
  }
  stay->has_left = stay->is_joining;
  stay->is_leaving = false;
  stay->is_member = false;
  stay->presence.view.has_list = false;
}

/* Refused, and known not to be stored. */
static bool is_refusal(struct stoa_string status) {
  return board_text_is(status, "BUSY") || board_text_is(status, "UNAVAILABLE");
}

static void take_place(struct own *own, const struct board_v1_send_reply *reply) {
  struct world *world = own->guest->world;
  const struct stay *stay = &own->guest->stays[own->room];
  struct sighting sighting = {.room = room_names[own->room],
                              .epoch = reply->epoch,
                              .offset = reply->offset,
                              .is_note = own->is_note,
                              .len = own->len};
  memcpy(sighting.id, own->id, ID_SIZE);
  own->state = OWN_STORED;
  own->epoch = reply->epoch;
  own->offset = reply->offset;
  note_shown(world, &sighting, own->room);
  /* It gets its own message before the answer. */
  if (stay->is_member && !stay->is_leaving && !own->guest->has_given_up && stay->view.position < reply->offset) {
    trace_fail(world->trace, "c%u: the answer to %s came before the message", own->guest->index, own->id);
  }
}

static void take_refusal(struct own *own, const struct board_v1_send_reply *reply) {
  struct world *world = own->guest->world;
  world->counts->failed++;
  if (!is_refusal(reply->status)) {
    world->counts->unknown += board_text_is(reply->status, "UNKNOWN");
    own->may_be_stored = true;
  } else if (reply->retry_ms == 0) {
    trace_fail(world->trace, "c%u is not told when to send %s again", own->guest->index, own->id);
  }
}

static void on_answer(void *user, struct stoa_client *client, const struct board_v1_send_reply *reply,
                      const struct stoa_call_end *end) {
  struct own *own = user;
  struct world *world = own->guest->world;
  (void)client;
  assert(own->in_flight > 0);
  own->in_flight--;
  bool is_stored = own->state == OWN_STORED;
  own->state = is_stored ? OWN_STORED : own->in_flight > 0 ? OWN_SENT : OWN_NEW;
  if (end->result != STOA_CALL_REPLY) {
    own->may_be_stored = true;
    trace_line(world->trace, "c%u %s of %s: no reply, %d %.*s", own->guest->index, own->id, room_names[own->room],
               end->result, end->error == NULL ? 0 : (int)end->error->message.len,
               end->error == NULL ? "" : end->error->message.data);
    give_up(own->guest, end);
    return;
  }
  trace_line(world->trace, "c%u %s of %s: %.*s %llu", own->guest->index, own->id, room_names[own->room],
             (int)reply->status.len, reply->status.data, (unsigned long long)reply->offset);
  bool is_repeated = board_text_is(reply->status, "DUPLICATE");
  if (!is_repeated && !board_text_is(reply->status, "OK")) {
    take_refusal(own, reply);
    return;
  }
  world->counts->acknowledged++;
  world->counts->repeated += is_repeated;
  if (is_repeated && !own->may_be_stored && !is_stored) {
    trace_fail(world->trace, "%s is stored already, and c%u was told that it is not", own->id, own->guest->index);
  }
  take_place(own, reply);
}

static void on_redacted(void *user, struct stoa_client *client, const struct board_v1_send_reply *reply,
                        const struct stoa_call_end *end) {
  struct own *own = user;
  struct world *world = own->guest->world;
  struct epoch_log *log = oracle_epoch(&world->shown[own->room], own->epoch);
  (void)client;
  own->is_redacting = false;
  if (end->result == STOA_CALL_REPLY && board_text_is(reply->status, "OK") && log != NULL) {
    world->counts->redactions++;
    log->entries[own->offset].redacted_turn = world->counts->turns;
    trace_line(world->trace, "c%u has redacted %s", own->guest->index, own->id);
  }
}

/* What it does. */

static void join(struct stay *stay) {
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  const char *room = room_names[room_index(stay)];
  struct board_v1_join_request request = {
      .room = stoa_string_of(room), .epoch = stay->view.epoch, .offset = stay->view.position, .history = world->page};
  presence_guest_join(&stay->presence, guest->index, &world->presence_random, &request);
  if (board_v1_board_client_call_join(guest->client, &request, 0, on_joined, stay, NULL) == STOA_OK) {
    stay->is_joining = true;
    stay->has_left = false;
    stay->is_recovering = stay->view.epoch != 0;
    stay->asked_turn = world->counts->turns;
    trace_line(world->trace, "c%u joins %s from %llu", guest->index, room, (unsigned long long)stay->view.position);
  }
}

static void leave(struct stay *stay) {
  const char *room = room_names[room_index(stay)];
  const struct board_v1_leave_request request = {.room = stoa_string_of(room)};
  if (board_v1_board_client_call_leave(stay->guest->client, &request, 0, on_left, stay, NULL) == STOA_OK) {
    stay->is_leaving = true;
    trace_line(stay->guest->world->trace, "c%u leaves %s", stay->guest->index, room);
  }
}

static struct own *make_own(struct stay *stay) {
  struct world *world = stay->guest->world;
  struct own *own = &stay->own[stay->own_count++];
  *own = (struct own){.guest = stay->guest, .room = room_index(stay), .is_note = one_in(world, 6)};
  snprintf(own->id, sizeof own->id, "c%u-%u", stay->guest->index, stay->own_count);
  bool is_big = !own->is_note && world->has_big_texts && one_in(world, 2);
  bool is_long = world->pending_bytes_max > 0 && one_in(world, 4);
  own->len = is_long  ? 800 + (uint32_t)below(world, 1500)
             : is_big ? 20000 + (uint32_t)below(world, 20000)
                      : (uint32_t)strlen(own->id) + (uint32_t)below(world, 40);
  return own;
}

/* The first that is not stored. A careful client sends one after the other: what it had on its way behind a message
 * that failed may be stored, when the server answered the first before the others arrived. */
static struct own *choose_own(struct stay *stay) {
  unsigned in_flight = 0;
  for (uint32_t i = 0; i < stay->own_count; i++) {
    in_flight += stay->own[i].in_flight;
  }
  if (stay->guest->is_careful && in_flight > 0) {
    return NULL;
  }
  for (uint32_t i = 0; i < stay->own_count; i++) {
    if (stay->own[i].state == OWN_NEW) {
      return &stay->own[i];
    }
  }
  return stay->guest->world->is_settling || stay->own_count == OWN_MAX ? NULL : make_own(stay);
}

static void send_own(struct own *own) {
  static char text[65536];
  struct world *world = own->guest->world;
  size_t at = own->is_note ? 2 : 0;
  text[0] = (char)('0' + own->room);
  text[1] = ' ';
  write_text(own, text + at);
  const struct board_v1_send_request request = {.room = stoa_string_of(room_names[own->room]),
                                                .text = stoa_string_make(text, at + own->len),
                                                .sender = STOA_STR("someone"),
                                                .client_msg_id = stoa_string_of(own->id),
                                                .how = stoa_string_of(own->is_note ? "note" : "")};
  if (board_v1_board_client_call_send(own->guest->client, &request, 0, on_answer, own, NULL) == STOA_OK) {
    own->may_be_stored = own->may_be_stored || own->in_flight > 0;
    own->in_flight++;
    own->state = own->state == OWN_STORED ? OWN_STORED : OWN_SENT;
    trace_line(world->trace, "c%u sends %s to %s", own->guest->index, own->id, room_names[own->room]);
  }
}

static void publish(struct stay *stay) {
  struct world *world = stay->guest->world;
  struct own *own = choose_own(stay);
  if (own == NULL) {
    return;
  }
  send_own(own);
  if (own->in_flight > 0 && one_in(world, 10)) {
    world->counts->twins++;
    send_own(own);
  }
}

static void redact(struct stay *stay) {
  struct own *own = stay->own_count == 0 ? NULL : &stay->own[below(stay->guest->world, stay->own_count)];
  if (own == NULL || own->state != OWN_STORED || own->is_note || own->is_redacting || !stay->is_member ||
      own->epoch != stay->view.epoch) {
    return;
  }
  const struct board_v1_send_request request = {
      .room = stoa_string_of(room_names[own->room]), .target = own->offset, .how = STOA_STR("redact")};
  own->is_redacting =
      board_v1_board_client_call_send(stay->guest->client, &request, 0, on_redacted, own, NULL) == STOA_OK;
}

static void on_typed(void *user, struct stoa_client *client, const struct board_v1_send_reply *reply,
                     const struct stoa_call_end *end) {
  (void)user;
  (void)client;
  (void)reply;
  (void)end;
}

static void type(struct stay *stay) {
  char text[24];
  snprintf(text, sizeof text, "%u c%u %u", room_index(stay), stay->guest->index, stay->guest->connections);
  const struct board_v1_send_request request = {
      .room = stoa_string_of(room_names[room_index(stay)]), .text = stoa_string_of(text), .how = STOA_STR("typing")};
  int ignored = board_v1_board_client_call_send(stay->guest->client, &request, 0, on_typed, NULL, NULL);
  (void)ignored;
}

static void harm(struct guest *guest) {
  struct world *world = guest->world;
  int fd = guest->client->conn.io.fd;
  if (fd < 0) {
    return;
  }
  guest->is_excused = true;
  if (one_in(world, 3)) {
    world->counts->stalls++;
    net_stall(fd, (1 + below(world, 12000)) * NS_PER_MS);
    guest->is_stalled = true;
  } else {
    world->counts->resets++;
    net_reset(fd);
  }
  trace_line(world->trace, "c%u is harmed", guest->index);
}

static void act_in(struct stay *stay, size_t roll) {
  struct world *world = stay->guest->world;
  if (!world->is_settling) {
    presence_guest_act(&stay->presence, stay->guest->client, room_names[room_index(stay)], &world->presence_random);
  }
  if (!stay->is_member && (roll < 50 || world->is_settling)) {
    join(stay);
    if (!world->is_settling && stay->is_joining && one_in(world, 6)) {
      leave(stay);
    }
  } else if (roll < 80 || world->is_settling) {
    for (size_t count = stay->guest->is_careful ? 1 : 1 + below(world, 4); count > 0; count--) {
      publish(stay);
    }
  } else if (roll < 85) {
    redact(stay);
  } else if (roll < 88) {
    type(stay);
  } else if (roll < 94) {
    leave(stay);
  } else {
    harm(stay->guest);
  }
}

void guest_act(struct guest *guest) {
  struct world *world = guest->world;
  size_t roll = below(world, 100);
  struct stay *stay = &guest->stays[below(world, ROOMS)];
  if (guest->state != STOA_CLIENT_OPEN || guest->has_given_up || stay->is_joining || stay->is_leaving) {
    return;
  }
  if (!guest->is_plain) {
    act_in(stay, roll);
  } else if (roll < 3 && !world->is_settling) {
    harm(guest);
  }
}

/* Coming and going. */

static void begin_connection(struct guest *guest) {
  const struct board_v1_enter_message enter = {.room = stoa_string_of(room_names[0])};
  guest->connections++;
  if (guest->is_plain) {
    guest->stays[0].view.seen_count = 0;
    int ignored = board_v1_client_send_enter(guest->client, &enter);
    (void)ignored;
  }
}

static void end_connection(struct guest *guest) {
  guest->has_given_up = false;
  guest->is_stalled = false;
  for (uint32_t room = 0; room < ROOMS; room++) {
    struct stay *stay = &guest->stays[room];
    stay->is_member = false;
    stay->is_joining = false;
    stay->is_leaving = false;
    stay->has_left = false;
    stay->presence.view.has_list = false;
  }
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct guest *guest = user;
  enum stoa_client_state before = guest->state;
  (void)client;
  guest->state = change->state;
  trace_line(guest->world->trace, "c%u state %d code %u %s", guest->index, change->state, change->close_code,
             change->reason);
  if (change->state == STOA_CLIENT_CONNECTING) {
    /* Where texts are long, some read too slowly. */
    guest->is_excused = (guest->world->has_memory_faults && !guest->world->is_settling) || guest->world->has_big_texts;
  }
  if (change->state == STOA_CLIENT_OPEN) {
    begin_connection(guest);
    return;
  }
  if (change->state == STOA_CLIENT_WAITING || change->state == STOA_CLIENT_ENDED) {
    end_connection(guest);
  }
  if (before == STOA_CLIENT_OPEN && !guest->is_excused) {
    trace_fail(guest->world->trace, "c%u: its connection ended, and nothing happened to it: %u %s", guest->index,
               change->close_code, change->reason);
  }
}

void guest_enter(struct guest *guest) {
  struct world *world = guest->world;
  bool is_text = !guest->is_plain && guest->index % 3 == 2;
  const struct stoa_client_options options = {
      .url = "ws://server.simulated:7700/",
      .codec = !guest->is_plain && guest->index % 3 == 1 ? &stoa_codec_proto : &stoa_codec_json,
      .subprotocol = guest->is_plain ? STOA_CLIENT_NONE
                     : is_text       ? STOA_CLIENT_TEXT
                                     : STOA_CLIENT_CODEC,
      .retry_min_ms = 20,
      .retry_max_ms = 500};
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .user = guest};
  const struct board_v1_board_client_handlers handlers = {
      .post = on_post, .note = on_note, .typing = on_typing, .changes = on_changes};
  guest->is_excused = true;
  int status = stoa_client_create_with(&options, &callbacks, &world->clock, &guest->client);
  assert(status == STOA_OK);
  stoa_client_set_resolver(guest->client, &world->resolver);
  status = board_v1_board_client_register(guest->client, &handlers, guest);
  assert(status == STOA_OK);
  status = stoa_client_open(guest->client);
  assert(status == STOA_OK);
}

bool guest_is_settled(const struct guest *guest) {
  if (!guest->is_plain && guest->state != STOA_CLIENT_OPEN) {
    return false;
  }
  for (uint32_t room = 0; room < ROOMS && !guest->is_plain; room++) {
    const struct stay *stay = &guest->stays[room];
    if (!stay->is_member || stay->is_leaving) {
      return false;
    }
    for (uint32_t at = 0; at < stay->own_count; at++) {
      if (stay->own[at].state != OWN_STORED || stay->own[at].in_flight > 0) {
        return false;
      }
    }
  }
  return true;
}
