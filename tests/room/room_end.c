#include "room_world_private.h"

#include <string.h>

static void note_stored(struct world *world, uint32_t room, const struct board_v1_post_message *post, bool is_note) {
  const struct room_log *shown_log = &world->shown[room];
  struct sighting sighting = {
      .room = room_names[room], .epoch = post->epoch, .offset = post->offset, .is_note = is_note};
  memcpy(sighting.id, post->client_msg_id.data, post->client_msg_id.len < ID_SIZE ? post->client_msg_id.len : 0);
  const struct entry *entry = oracle_note(world->trace, &world->stored[room], &sighting);
  if (entry == NULL || post->offset <= world->end[room].read) {
    trace_fail(world->trace, "the offsets of room %s do not increase", room_names[room]);
    return;
  }
  world->end[room].read = post->offset;
  if (is_note) {
    return;
  }
  world->end[room].last_post = post->offset;
  guest_check_text(world, &sighting, post->text, post->redacted);
  for (unsigned i = 0; i < shown_log->count; i++) {
    const struct epoch_log *log = shown_log->epochs[i];
    if (log->epoch == post->epoch && log->entries[post->offset].redacted_turn != 0 && !post->redacted) {
      trace_fail(world->trace, "%s was redacted, and its text is there", sighting.id);
    }
  }
}

/* Both lists are in the order of offsets; so is the room. */
static void take_page(struct world *world, uint32_t room, const struct board_v1_read_reply *reply) {
  size_t post = 0, note = 0;
  while (post < reply->items.count || note < reply->notes.count) {
    bool is_note = post == reply->items.count ||
                   (note < reply->notes.count && reply->notes.items[note].offset < reply->items.items[post].offset);
    note_stored(world, room, is_note ? &reply->notes.items[note] : &reply->items.items[post], is_note);
    note += is_note;
    post += !is_note;
  }
  if (reply->count != reply->items.count + reply->notes.count) {
    trace_fail(world->trace, "room %s has messages that nobody has sent", room_names[room]);
  }
  if (!reply->has_more_after && world->end[room].read < reply->top) {
    trace_fail(world->trace, "room %s ends at %llu, and its top is %llu", room_names[room],
               (unsigned long long)world->end[room].read, (unsigned long long)reply->top);
  }
}

static void on_read(void *user, struct stoa_client *client, const struct board_v1_read_reply *reply,
                    const struct stoa_call_end *end) {
  struct stay *stay = user;
  struct world *world = stay->guest->world;
  uint32_t room = (uint32_t)(stay - stay->guest->stays);
  (void)client;
  world->is_reading = false;
  if (end->result != STOA_CALL_REPLY || !board_text_is(reply->status, "OK")) {
    /* What was to be read next has been removed meanwhile. */
    world->end[room].is_known = world->end[room].is_known && !(reply != NULL && board_text_is(reply->status, "GONE"));
    return;
  }
  world->end[room].floor = reply->floor;
  if (world->end[room].is_known) {
    take_page(world, room, reply);
    return;
  }
  world->end[room].is_known = true;
  world->end[room].epoch = reply->epoch;
  world->end[room].top = reply->top;
  world->end[room].read = reply->floor;
}

/* A large text over a slow link takes longer than the usual 10 s. */
#define READ_TIMEOUT_MS 120000u

/* First where the room begins and ends, then its messages from there. */
static bool ask(struct world *world, uint32_t room) {
  struct guest *guest = &world->guests[0];
  struct board_v1_read_request request = {
      .room = stoa_string_of(room_names[room]), .events = true, .limit = world->read_limit};
  if (world->end[room].is_known) {
    request.epoch = world->end[room].epoch;
    request.after = world->end[room].read;
    request.before = request.after == 0 ? world->read_limit + 1 : 0; /* nothing was removed, so these are the first */
  }
  world->is_reading = guest->state == STOA_CLIENT_OPEN &&
                      board_v1_board_client_call_read(guest->client, &request, READ_TIMEOUT_MS, on_read,
                                                      &guest->stays[room], NULL) == STOA_OK;
  return world->is_reading;
}

static bool is_read(const struct world *world, uint32_t room) {
  return world->end[room].is_known && world->end[room].read >= world->end[room].top;
}

static bool may_go_on(const struct world *world, unsigned turns_max) {
  return world->counts->turns < turns_max && world->trace->failure[0] == '\0';
}

static void read_room(struct world *world, uint32_t room, unsigned turns_max) {
  while (!is_read(world, room) && may_go_on(world, turns_max)) {
    if (!world->is_reading) {
      ask(world, room);
    }
    world_settle_step(world);
  }
}

static void check_own(struct world *world, const struct stay *stay, uint32_t room) {
  struct epoch_log *stored = oracle_epoch(&world->stored[room], world->end[room].epoch);
  uint64_t last = 0;
  for (uint32_t i = 0; i < stay->own_count; i++) {
    const struct own *own = &stay->own[i];
    if (own->epoch != world->end[room].epoch || own->offset <= world->end[room].floor) {
      continue;
    }
    if (strcmp(stored->entries[own->offset].id, own->id) != 0) {
      trace_fail(world->trace, "%s was acknowledged at %llu of room %s and is not there", own->id,
                 (unsigned long long)own->offset, room_names[room]);
    }
    if (stay->guest->is_careful && !world->has_jumps && own->offset < last) {
      trace_fail(world->trace, "%s stands before what c%u has sent before it", own->id, stay->guest->index);
    }
    last = own->offset;
  }
}

static void check_views(struct world *world, uint32_t room) {
  for (unsigned i = 0; i < GUESTS; i++) {
    const struct stay *stay = &world->guests[i].stays[room];
    const struct view *view = &stay->view;
    bool has_nothing = world->guests[i].is_plain && (view->seen_count == 0 || view->epoch != world->end[room].epoch);
    if (!has_nothing && view->epoch != world->end[room].epoch) {
      trace_fail(world->trace, "c%u has another epoch of room %s", i, room_names[room]);
    } else if (!has_nothing && view->epoch != 0) {
      oracle_check_view(world->trace, room_names[room], i, view, &world->shown[room], &world->stored[room]);
    }
    check_own(world, stay, room);
    presence_guest_check(&stay->presence, i, room_names[room], &world->fresh[room], world->trace);
  }
}

/* Everybody has the newest message. */
static bool has_arrived(const struct world *world) {
  for (unsigned i = 0; i < GUESTS; i++) {
    for (uint32_t room = 0; room < ROOMS; room++) {
      const struct view *view = &world->guests[i].stays[room].view;
      bool is_plain = world->guests[i].is_plain;
      uint64_t top = is_plain ? world->end[room].last_post : world->end[room].top;
      if (view->position < top && !(is_plain && view->seen_count == 0)) {
        return false;
      }
    }
  }
  return true;
}

static void wait_for_arrival(struct world *world, unsigned turns_max) {
  while (!has_arrived(world) && may_go_on(world, turns_max)) {
    world_settle_step(world);
  }
}

/* Until everybody was told who is where, and what a fresh list says of it. */
static void read_presence(struct world *world, unsigned turns_max) {
  const struct guest *guest = &world->guests[0];
  uint64_t until_ns = world->time.monotonic_ns + PRESENCE_GUEST_SETTLE_MS * NS_PER_MS;
  while (world->time.monotonic_ns < until_ns && may_go_on(world, turns_max)) {
    world_settle_step(world);
    if (!world_is_settled(world)) {
      until_ns = world->time.monotonic_ns + PRESENCE_GUEST_SETTLE_MS * NS_PER_MS;
    }
  }
  for (uint32_t room = 0; room < ROOMS; room++) {
    while (!world->fresh[room].view.has_list && may_go_on(world, turns_max)) {
      if (guest->state == STOA_CLIENT_OPEN) {
        presence_guest_list(&world->fresh[room], guest->client, room_names[room]);
      }
      world_settle_step(world);
    }
  }
}

void world_check_end(struct world *world, unsigned turns_max) {
  for (uint32_t room = 0; room < ROOMS; room++) {
    read_room(world, room, turns_max);
  }
  wait_for_arrival(world, turns_max);
  for (int i = 0; i < 500; i++) { /* what should not come */
    world_settle_step(world);
  }
  read_presence(world, turns_max);
  wait_for_arrival(world, turns_max); /* of a first client that has got its first message only now */
  for (uint32_t room = 0; room < ROOMS && world->trace->failure[0] == '\0'; room++) {
    if (world->shown[room].count > 0) {
      oracle_check_room(world->trace, room_names[room], &world->shown[room], &world->stored[room],
                        world->end[room].epoch, world->end[room].floor);
    }
    check_views(world, room);
  }
}
