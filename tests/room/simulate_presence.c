#include "simulate_presence.h"

#include "wire/random.h"

static const char *const users[] = {"ann", "ben", "carl"};
static const char *const infos[] = {"", "a", "bb"};

void presence_guest_join(struct presence_guest *guest, unsigned index, uint64_t *random,
                         struct board_v1_join_request *request) {
  guest->is_asking = random_below(random, 4) > 0;
  request->user = stoa_string_of(users[index % 3]);
  request->info = stoa_string_of(infos[random_below(random, 3)]);
  request->away = random_below(random, 2) == 0;
  request->presence = guest->is_asking;
}

void presence_guest_on_joined(struct presence_guest *guest, const struct board_v1_join_reply *reply) {
  guest->view.has_list = false;
  guest->diff_version = 0;
  if (reply->presence != NULL) {
    presence_take_list(&guest->view, reply->presence);
  }
}

void presence_guest_on_changes(struct presence_guest *guest, bool is_member,
                               const struct board_v1_changes_message *changes, struct trace *trace) {
  if (!is_member || !guest->is_asking) {
    trace_fail(trace, "who did not ask gets changes of presence");
  }
  if (changes->version <= guest->diff_version) {
    trace_fail(trace, "the versions of presence do not increase");
  }
  guest->diff_version = changes->version;
  presence_apply(&guest->view, changes);
}

/* A list replaces what a client has, when it looks on. */
static void on_list(void *user, struct stoa_client *client, const struct board_v1_list_reply *reply,
                    const struct stoa_call_end *end) {
  struct presence_guest *guest = user;
  (void)client;
  guest->is_listing = false;
  if (end->result == STOA_CALL_REPLY && stoa_string_equal(reply->status, stoa_string_of("OK"))) {
    presence_take_list(&guest->view, reply);
  }
}

static void on_set(void *user, struct stoa_client *client, const struct board_v1_set_reply *reply,
                   const struct stoa_call_end *end) {
  (void)user;
  (void)client;
  (void)reply;
  (void)end;
}

void presence_guest_list(struct presence_guest *guest, struct stoa_client *client, const char *room) {
  const struct board_v1_list_request request = {.room = stoa_string_of(room)};
  if (!guest->is_listing && board_v1_board_client_call_list(client, &request, 0, on_list, guest, NULL) == STOA_OK) {
    guest->is_listing = true;
  }
}

void presence_guest_act(struct presence_guest *guest, struct stoa_client *client, const char *room, uint64_t *random) {
  size_t roll = random_below(random, 20);
  if (roll > 1) {
    return;
  }
  if (guest->view.has_list && roll == 0) {
    presence_guest_list(guest, client, room);
    return;
  }
  const struct board_v1_set_request request = {.room = stoa_string_of(random_below(random, 2) == 0 ? room : ""),
                                               .info = stoa_string_of(infos[random_below(random, 3)]),
                                               .away = random_below(random, 2) == 0};
  int ignored = board_v1_board_client_call_set(client, &request, 0, on_set, NULL, NULL);
  (void)ignored;
}

void presence_guest_check(const struct presence_guest *guest, unsigned index, const char *room,
                          const struct presence_guest *fresh, struct trace *trace) {
  if (!fresh->view.has_list) {
    trace_fail(trace, "there is no list of room %s", room);
  } else if (guest->view.has_list && guest->is_asking && !presence_view_equal(&guest->view, &fresh->view)) {
    trace_fail(trace, "c%u knows other users of room %s than a fresh list has: %u of %u, %u of %u", index, room,
               guest->view.count, guest->view.total, fresh->view.count, fresh->view.total);
  }
}
