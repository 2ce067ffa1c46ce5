/* tests/simulation/visitor.h: one client of the world: its random actions, and what it must receive. */
#ifndef TESTS_SIMULATION_VISITOR_H
#define TESTS_SIMULATION_VISITOR_H

#include "client/client_private.h"
#include "world.h"

struct visitor {
  struct world *world;
  unsigned index;
  struct stoa_resolver *resolver;
  struct stoa_client *client;
  enum stoa_client_state state;
  unsigned connection;                        /* counts those of all visitors from 1, and is the publisher's number */
  unsigned published[WORLD_GROUPS + 1];       /* on this connection; the last is for all */
  struct hearing *hearings[WORLD_GROUPS + 1]; /* NULL: not a member */
  bool asked[WORLD_GROUPS];                   /* to join, and not to leave since */
  bool harmed;                                /* the world did something to this connection, or its client did */
  unsigned question, pending;                 /* calls: the newest, and how many have no end yet */
};

/* Make a client, and open it. */
void visitor_enter(struct visitor *visitor);
/* Do something, or nothing. */
void visitor_act(struct visitor *visitor);
/* End at once. */
void visitor_leave(struct visitor *visitor);

#endif
