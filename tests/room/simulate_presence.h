/* tests/room/simulate_presence.h: what the clients of room_guest.c do with presence.
 *
 * Six clients are three users; the one without a subprotocol names none. Each join names its user, and most ask for
 * presence. What must hold: versions increase; nobody gets diffs that did not ask; at the end every client's view,
 * built from a list and the diffs above its version, is what a fresh list has.
 */
#ifndef TESTS_ROOM_SIMULATE_PRESENCE_H
#define TESTS_ROOM_SIMULATE_PRESENCE_H

#include "board.client.stoa.h"
#include "presence_board.h"
#include "simulation/trace.h"

#define PRESENCE_GUEST_LEAVE_MS 300u
#define PRESENCE_GUEST_INTERVAL_MS 40u
/* After it, everything was told, also 8 intervals later. */
#define PRESENCE_GUEST_SETTLE_MS 1500u

/* One client in one room; zeroed is fine. */
struct presence_guest {
  struct presence_view view;
  uint64_t diff_version; /* of the newest diff that came on this connection */
  bool is_asking;        /* its join asks for presence */
  bool is_listing;       /* it waits for a list */
};

/* Fill in what a join says of its user. */
void presence_guest_join(struct presence_guest *guest, unsigned index, uint64_t *random,
                         struct board_v1_join_request *request);
void presence_guest_on_joined(struct presence_guest *guest, const struct board_v1_join_reply *reply);
void presence_guest_on_changes(struct presence_guest *guest, bool is_member,
                               const struct board_v1_changes_message *changes, struct trace *trace);
/* Now and then, ask for a list, or say something else of its user, in this room or in all. */
void presence_guest_act(struct presence_guest *guest, struct stoa_client *client, const char *room, uint64_t *random);
/* Ask for a list, unless it has asked already. */
void presence_guest_list(struct presence_guest *guest, struct stoa_client *client, const char *room);
void presence_guest_check(const struct presence_guest *guest, unsigned index, const char *room,
                          const struct presence_guest *fresh, struct trace *trace);

#endif
