/* A check: everybody is where it wants to be, and nothing is under way. Then fresh clients of the same users come, and
 * what they are told is what those know that were there. */
#include "chat_world_private.h"

#include <stdio.h>
#include <string.h>

#include "engine/vfs/vfs.h"
#include "simulation/net.h"

#include <stoa/room.h>

#define SETTLE_TURNS_MAX 60000u
/* Longer than anybody is shown to type, and than a user without sessions counts as being there. */
#define QUIET_NS (31 * 1000 * NS_PER_MS)
/* Everything arrives in this time when nothing is broken. */
#define ARRIVE_NS (4 * 1000 * NS_PER_MS)

static bool may_go_on(const struct world *world, unsigned turns_max) {
  return world->counts->turns < turns_max && world->trace->failure[0] == '\0';
}

static bool is_member(const struct guest *guest, uint32_t room) {
  return guest->client != NULL && guest->stays[room].is_member;
}

static size_t count_members(const struct world *world, uint32_t room) {
  size_t count = 0;
  for (unsigned i = 0; i < GUESTS; i++) {
    bool is_plain_there = i == PLAIN && room == 0 && world->guests[i].state == STOA_CLIENT_OPEN;
    count += i == PLAIN ? is_plain_there : is_member(&world->guests[i], room);
  }
  return count;
}

/* Sessions whose clients have gone are members until the server knows. */
static bool are_members_right(const struct world *world) {
  bool is_right = true;
  for (uint32_t room = 0; room < ROOMS; room++) {
    size_t count = stoa_room_member_count(world->chatroom.rooms, stoa_string_of(room_names[room]));
    is_right = is_right && count == count_members(world, room);
  }
  return is_right;
}

static bool is_settled(const struct world *world) {
  bool is_settled = are_members_right(world);
  for (unsigned i = 0; i < DAY_GUESTS; i++) {
    is_settled = is_settled && guest_is_settled(&world->guests[i]);
  }
  return is_settled;
}

/* Who does not know yet that its connection is dead looks settled. */
static void end_stalls(struct world *world) {
  for (unsigned i = 0; i < DAY_GUESTS; i++) {
    struct guest *guest = &world->guests[i];
    if (guest->is_stalled && guest->client->conn.io.fd >= 0) {
      net_reset(guest->client->conn.io.fd);
    }
  }
}

static void settle(struct world *world) {
  unsigned turns_max = world->counts->turns + SETTLE_TURNS_MAX;
  while (!is_settled(world) && may_go_on(world, turns_max)) {
    world_settle_step(world);
  }
  if (world->counts->turns < turns_max) {
    return;
  }
  for (unsigned i = 0; i < DAY_GUESTS; i++) {
    const struct guest *guest = &world->guests[i];
    trace_line(world->trace, "%s: settled %d, ready %d, calls %u, lobby %d%d%d, den %d%d%d", guest->name,
               guest_is_settled(guest), guest_is_ready(guest), guest->calls, guest->stays[0].is_member,
               guest->stays[0].has_left, guest->stays[0].is_refused, guest->stays[1].is_member,
               guest->stays[1].has_left, guest->stays[1].is_refused);
  }
  trace_fail(world->trace, "not everybody comes back: members %zu and %zu, and should be %zu and %zu",
             stoa_room_member_count(world->chatroom.rooms, stoa_string_of(room_names[0])),
             stoa_room_member_count(world->chatroom.rooms, stoa_string_of(room_names[1])), count_members(world, 0),
             count_members(world, 1));
}

/* So long, and until everybody is settled again. */
static void pass(struct world *world, uint64_t ns) {
  unsigned turns_max = world->counts->turns + SETTLE_TURNS_MAX;
  uint64_t until_ns = world->time.monotonic_ns + ns;
  while (world->time.monotonic_ns < until_ns && may_go_on(world, turns_max)) {
    world_settle_step(world);
  }
}

/* Typing: told to all others at once, and ended by what ends it. */

static bool do_all_show(const struct stay *stay, bool is_typing) {
  const struct guest *guest = stay->guest;
  const struct world *world = guest->world;
  bool do_show = true;
  for (unsigned i = 0; i < DAY_GUESTS; i++) {
    const struct guest *other = &world->guests[i];
    if (other != guest && i != PLAIN && is_member(other, room_index(stay))) {
      bool is_shown = view_shows_typing(&other->stays[room_index(stay)].view, guest->user_id, world->time.monotonic_ns);
      do_show = do_show && is_shown == is_typing;
    }
  }
  return do_show;
}

static void expect_typing(struct stay *stay, bool is_typing, const char *what) {
  struct world *world = stay->guest->world;
  uint64_t until_ns = world->time.monotonic_ns + ARRIVE_NS;
  while (!do_all_show(stay, is_typing) && world->time.monotonic_ns < until_ns && world->trace->failure[0] == '\0') {
    world_step(world);
  }
  if (!do_all_show(stay, is_typing) && world->trace->failure[0] == '\0') {
    trace_fail(world->trace, "%s %s in room %s, and is %s", stay->guest->name, what, room_names[room_index(stay)],
               is_typing ? "not shown to type" : "still shown to type");
  }
}

static bool may_write(const struct stay *stay) {
  const struct world *world = stay->guest->world;
  uint32_t room = room_index(stay);
  const struct oracle_sanction *mute = &world->mutes[room][stay->guest->user];
  int64_t now_ms = wall_ms(world);
  return oracle_sanction_between(mute, now_ms, now_ms) == ORACLE_FREE && world->slow[room].seconds == 0;
}

static void check_typing(struct world *world) {
  struct guest *guest = &world->guests[below(world, DAY_GUESTS - 1)];
  struct stay *stay = &guest->stays[below(world, ROOMS)];
  if (!stay->is_member) {
    return;
  }
  guest_send_typing(stay, CHATROOM_V1_TYPING_STATE_TYPING_DONE);
  expect_typing(stay, false, "does not type");
  guest_send_typing(stay, CHATROOM_V1_TYPING_STATE_TYPING_ACTIVE);
  expect_typing(stay, true, "types");
  if (may_write(stay) && guest_send_new(stay) != NULL) {
    expect_typing(stay, false, "has sent what it typed");
    guest_send_typing(stay, CHATROOM_V1_TYPING_STATE_TYPING_ACTIVE);
    expect_typing(stay, true, "types again");
  }
  guest_send_typing(stay, CHATROOM_V1_TYPING_STATE_TYPING_DONE);
  expect_typing(stay, false, "types no more");
}

/* Reading: everybody says once more up to where it has read. */

static void read_again(struct world *world) {
  for (unsigned i = 0; i < DAY_GUESTS; i++) {
    for (uint32_t room = 0; room < ROOMS && i != PLAIN; room++) {
      struct stay *stay = &world->guests[i].stays[room];
      struct mark *mark = &world->marks[room][world->guests[i].user];
      if (!stay->is_member || stay->view.position == 0) {
        continue;
      }
      uint64_t offset = stay->view.read_offset;
      if (one_in(world, 4) && offset < stay->view.position) {
        offset += below(world, stay->view.position - offset + 1);
      }
      guest_send_read(stay, offset);
      mark->low = offset > mark->low ? offset : mark->low;
    }
  }
  pass(world, ARRIVE_NS);
}

/* Fresh clients. */

static void on_rooms(void *user, struct stoa_client *client, const struct chatroom_v1_rooms_reply *reply,
                     const struct stoa_call_end *end) {
  struct guest *guest = user;
  (void)client, (void)end;
  guest->calls--;
  for (size_t i = 0; reply != NULL && i < reply->rooms.count; i++) {
    const struct chatroom_v1_room *item = &reply->rooms.items[i];
    for (uint32_t room = 0; room < ROOMS; room++) {
      if (stoa_string_equal(item->name, stoa_string_of(room_names[room]))) {
        guest->list.is_listed[room] = true;
        guest->list.unread[room] = item->unread;
        guest->list.is_joined[room] = item->joined;
        view_copy(guest->list.topics[room], VIEW_TEXT_SIZE, item->topic);
      }
    }
  }
  guest->list.is_known = reply != NULL;
}

/* True: it has nothing left to do. */
static bool go_on(struct guest *guest) {
  static const struct chatroom_v1_rooms_request request = {0};
  bool is_there = guest_is_ready(guest);
  for (uint32_t room = 0; room < ROOMS && guest_is_ready(guest); room++) {
    struct stay *stay = &guest->stays[room];
    if (!stay->is_member && !stay->is_refused) {
      is_there = false;
      if (!stay->is_joining) {
        guest_join(stay);
      }
    }
  }
  if (is_there && !guest->list.is_known && guest->calls == 0) {
    guest->calls +=
        chatroom_v1_chatroom_service_client_call_rooms(guest->client, &request, 0, on_rooms, guest, NULL) == STOA_OK;
  }
  return is_there && guest->list.is_known;
}

static void bring_fresh(struct world *world) {
  unsigned turns_max = world->counts->turns + SETTLE_TURNS_MAX;
  for (unsigned i = FRESH_FIRST; i < GUESTS; i++) {
    guest_init(&world->guests[i], world, i);
    guest_enter(&world->guests[i]);
  }
  for (bool is_done = false; !is_done && may_go_on(world, turns_max);) {
    world_step(world);
    is_done = are_members_right(world);
    for (unsigned i = FRESH_FIRST; i < GUESTS; i++) {
      is_done = go_on(&world->guests[i]) && is_done;
    }
  }
  if (world->counts->turns >= turns_max) {
    trace_fail(world->trace, "fresh clients do not get in");
  }
}

static void send_fresh_away(struct world *world) {
  for (unsigned i = FRESH_FIRST; i < GUESTS; i++) {
    stoa_client_destroy(world->guests[i].client);
    world->guests[i].client = NULL;
    for (uint32_t room = 0; room < ROOMS; room++) {
      world->guests[i].stays[room].is_member = false;
    }
  }
}

/* What they have. */

static void check_unread(const struct stay *fresh) {
  const struct guest *guest = fresh->guest;
  struct world *world = guest->world;
  uint32_t room = room_index(fresh);
  uint64_t read = fresh->view.read_offset;
  uint32_t unread = 0;
  for (uint64_t offset = read + 1; offset <= fresh->view.position; offset++) {
    unread += fresh->view.messages[offset].is_there;
  }
  if (read >= fresh->view.from && fresh->unread != unread) {
    trace_fail(world->trace, "%s is told of %u unread messages in room %s after %llu, and there are %u", guest->name,
               fresh->unread, room_names[room], (unsigned long long)read, unread);
  }
  if (guest->list.is_listed[room] && (guest->list.unread[room] != fresh->unread || !guest->list.is_joined[room] ||
                                      strcmp(guest->list.topics[room], fresh->view.topic) != 0)) {
    trace_fail(world->trace, "%s: the list has room %s with %u unread messages, joined %d, \"%s\"", guest->name,
               room_names[room], guest->list.unread[room], guest->list.is_joined[room], guest->list.topics[room]);
  }
}

static void check_mark(const struct stay *fresh) {
  struct world *world = fresh->guest->world;
  uint32_t room = room_index(fresh);
  const struct mark *mark = &world->marks[room][fresh->guest->user];
  uint64_t read = fresh->view.read_offset;
  if (read < mark->low || (read > mark->high && read > 0)) {
    trace_fail(world->trace, "%s is told that it has read room %s up to %llu, which is between %llu and %llu",
               fresh->guest->name, room_names[room], (unsigned long long)read, (unsigned long long)mark->low,
               (unsigned long long)mark->high);
  }
}

/* Everybody who is there, each session once. */
static void check_people(const struct stay *fresh) {
  struct world *world = fresh->guest->world;
  uint32_t room = room_index(fresh);
  size_t sessions = 0, people = 0;
  for (size_t i = 0; i < fresh->view.people_count; i++) {
    sessions += fresh->view.people[i].sessions;
  }
  for (unsigned user = 0; user < USERS; user++) {
    bool is_there = false;
    for (unsigned i = 0; i < GUESTS; i++) {
      is_there = is_there || (world->guests[i].user == user && is_member(&world->guests[i], room));
    }
    people += is_there;
  }
  people += (size_t)(is_member(&world->guests[STRANGER], room) + (room == 0));
  if (sessions != count_members(world, room) || people != fresh->view.people_count) {
    trace_fail(world->trace, "%s sees %zu people with %zu sessions in room %s, and there are %zu with %zu",
               fresh->guest->name, fresh->view.people_count, sessions, room_names[room], people,
               count_members(world, room));
  }
}

static void check_fold(const struct stay *fresh) {
  static struct chat_view folded;
  struct world *world = fresh->guest->world;
  uint32_t room = room_index(fresh);
  if (oracle_fold(&world->logs[room], &fresh->view, fresh->guest->user_id, &folded)) {
    world->counts->folded++;
    view_compare_messages(&fresh->view, fresh->guest->name, &folded, "the log", room_names[room], world->trace);
  }
}

static void check_stay(struct guest *live, struct guest *fresh, uint32_t room) {
  struct world *world = live->world;
  struct stay *one = &live->stays[room], *other = &fresh->stays[room];
  if (!other->is_member) {
    return;
  }
  world->counts->compared++;
  check_unread(other);
  check_mark(other);
  check_people(other);
  check_fold(other);
  if (other->slow_mode_s != world->slow[room].seconds) {
    trace_fail(world->trace, "%s is told of slow mode %u in room %s, which is %u", fresh->name, other->slow_mode_s,
               room_names[room], world->slow[room].seconds);
  }
  if (!one->is_member) {
    return;
  }
  view_compare_messages(&one->view, live->name, &other->view, fresh->name, room_names[room], world->trace);
  view_compare_people(&one->view, live->name, &other->view, fresh->name, room_names[room], world->trace);
  if (one->view.read_offset != other->view.read_offset) {
    trace_fail(world->trace, "%s has read room %s up to %llu, %s up to %llu", live->name, room_names[room],
               (unsigned long long)one->view.read_offset, fresh->name, (unsigned long long)other->view.read_offset);
  }
}

static void check_sanctions(struct world *world, uint32_t room) {
  int64_t now_ms = wall_ms(world);
  for (unsigned i = 0; i < GUESTS; i++) {
    const struct guest *guest = &world->guests[i];
    if (guest->user != USER_NONE && is_member(guest, room) &&
        oracle_sanction_between(&world->bans[room][guest->user], now_ms, now_ms) == ORACLE_BOUND) {
      trace_fail(world->trace, "%s is in room %s, where it is banned", guest->name, room_names[room]);
    }
  }
}

static void check_own(struct world *world, uint32_t room) {
  const struct oracle_log *log = &world->logs[room];
  for (unsigned i = 0; i < DAY_GUESTS; i++) {
    const struct stay *stay = &world->guests[i].stays[room];
    for (uint32_t at = 0; at < stay->own_count; at++) {
      const struct own *own = &stay->own[at];
      if (own->is_stored && strcmp(log->entries[own->offset].msg_id, own->id) != 0) {
        trace_fail(world->trace, "%s was acknowledged at %llu of room %s and is not there", own->id,
                   (unsigned long long)own->offset, room_names[room]);
      }
    }
  }
}

static void check_plain(struct world *world) {
  const struct stay *stay = &world->guests[PLAIN].stays[0];
  const struct oracle_log *log = &world->logs[0];
  for (uint64_t offset = stay->view.from + 1; stay->is_member && offset <= log->top; offset++) {
    if (log->entries[offset].what == ORACLE_CHAT && !stay->view.messages[offset].is_there) {
      trace_fail(world->trace, "the client without a subprotocol has not seen %llu", (unsigned long long)offset);
      return;
    }
  }
}

static void compare(struct world *world) {
  for (uint32_t room = 0; room < ROOMS; room++) {
    for (unsigned i = 0; i < PLAIN; i++) {
      check_stay(&world->guests[i], &world->guests[FRESH_FIRST + i], room);
    }
    check_sanctions(world, room);
    check_own(world, room);
    oracle_check_once(&world->logs[room], room_names[room], world->trace);
  }
  check_plain(world);
}

/* An own message without an answer may have been stored, and moved the mark. */
static void see_high_marks(struct world *world) {
  for (uint32_t room = 0; room < ROOMS; room++) {
    for (uint64_t offset = 1; offset <= world->logs[room].top; offset++) {
      const struct oracle_entry *entry = &world->logs[room].entries[offset];
      unsigned user = entry->what == ORACLE_CHAT ? guest_user_of(world, stoa_string_of(entry->user_id)) : USER_NONE;
      if (user != USER_NONE && offset > world->marks[room][user].high) {
        world->marks[room][user].high = offset;
      }
    }
  }
}

static void keep_marks(struct world *world) {
  for (uint32_t room = 0; room < ROOMS; room++) {
    for (unsigned user = 0; user < USERS; user++) {
      world->marks[room][user].durable = world->marks[room][user].low;
    }
  }
}

void world_check(struct world *world) {
  trace_line(world->trace, "check");
  world->counts->checks++;
  world->is_settling = true;
  world->engine_idle_ns = 0;
  vfs_fail(VFS_NO_FAULT, 0, 0);
  end_stalls(world);
  settle(world);
  check_typing(world);
  settle(world);
  read_again(world);
  settle(world);
  world->is_quiet = true;
  if (world->trace->failure[0] == '\0') {
    bring_fresh(world);
    pass(world, QUIET_NS);
    see_high_marks(world);
  }
  if (world->trace->failure[0] == '\0') {
    compare(world);
  }
  keep_marks(world);
  send_fresh_away(world);
  world->is_settling = world->is_quiet = false;
}
