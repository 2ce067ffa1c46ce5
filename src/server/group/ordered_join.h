/* server/group/ordered_join.h: join a group at a known place of its order, so that a program can give the new member
 * all that was published before that place, and the group gives it all that is published after.
 *
 *   session's worker              group's owner
 *   begin ──────────────────────▶ on_owner: the program prepares what came before, for as long as it takes
 *                                 place    ─▶ the messages so far leave, those that linger too
 *                                 on_place: the place; publishing to the group is not allowed here
 *   on_joined: now a member ◀────
 *
 * On the owner itself, on_joined follows on_place at once. Else the way back is the one that the group's messages take.
 * While a join is in progress its worker gets the group's messages, also without any member, so none can be missed.
 *
 * Does not know: what is published, what the program prepares.
 * Thread: begin on the session's worker; place and cancel on the owner. Each callback as the picture shows.
 * Lifetime: the struct is the caller's, zeroed but for the callbacks. It is borrowed from a begin that returned STOA_OK
 *           until on_joined, which is called once and is the last call; never inside begin. When the server is
 *           destroyed, on_joined is called with STOA_E_CLOSED on the thread that destroys it. A program that holds
 * joins between on_owner and place cancels them in on_worker_stop at the latest.
 */
#ifndef STOA_SERVER_GROUP_ORDERED_JOIN_H
#define STOA_SERVER_GROUP_ORDERED_JOIN_H

#include "loop/loop.h"
#include "server/group/placement.h"

#include <stoa/session.h>

struct stoa_group;
struct stoa_worker;

struct stoa_ordered_join {
  void (*on_owner)(struct stoa_ordered_join *join);
  void (*on_place)(struct stoa_ordered_join *join);
  /* session  a member now; NULL unless the status is STOA_OK
   * status   STOA_E_NOT_FOUND  the session has ended or is closing; STOA_E_EXISTS  it has become a member otherwise;
   *          STOA_E_LIMIT      it is in 128 groups; STOA_E_MEMORY; STOA_E_CLOSED  the server is being destroyed; or the
   *          status of cancel. Then the session is no member by this join */
  void (*on_joined)(struct stoa_ordered_join *join, struct stoa_session *session, int status);

  /* Private. */
  struct stoa_post post;
  struct stoa_placement placement;
  struct stoa_worker *from, *owner;
  struct stoa_group *group; /* on the session's worker, held there */
  struct stoa_uuid session_id;
  uint32_t variant;
  int status;
  uint8_t name_len;
  char name[STOA_GROUP_NAME_LEN_MAX];
};

/* group   copied
 * Errors: STOA_E_ARGUMENT  the name is empty or longer than 64 bytes; STOA_E_CLOSED  the session is closing or not
 *         admitted, or the server is being destroyed; STOA_E_EXISTS  it is a member; STOA_E_MEMORY */
int stoa_ordered_join_begin(struct stoa_ordered_join *join, struct stoa_session *session, struct stoa_string group);
/* Have on_place called at the end of this turn, or of the next one. */
void stoa_ordered_join_place(struct stoa_ordered_join *join);
/* In place of place: the session does not join. status  not STOA_OK */
void stoa_ordered_join_cancel(struct stoa_ordered_join *join, int status);

#endif
