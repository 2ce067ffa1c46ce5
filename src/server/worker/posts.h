/* server/worker/posts.h: posts between workers for their groups. */
#ifndef STOA_SERVER_WORKER_POSTS_H
#define STOA_SERVER_WORKER_POSTS_H

#include "server/group/group.h"

struct stoa_worker;

/* The host of this worker's groups. Its pointers are valid as long as the server. */
struct stoa_groups_host stoa_worker_groups_host(struct stoa_worker *worker);

#endif
