#include "user_sessions.h"

#include "nicks.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 16u
#define IPV6_NETWORK_BYTES 8u

struct seat {
  struct seat *next;
  struct user_session session;
};

struct owner {
  struct stoa_string id;
  struct seat *seats;
  char bytes[];
};

/* A balanced tree, so that nobody can choose ids that are slow to find. */
struct shard {
  pthread_mutex_t mutex;
  void *owners;
};

struct user_sessions {
  struct shard shards[SHARDS];
};

static int compare(const void *a, const void *b) {
  const struct stoa_string one = ((const struct owner *)a)->id;
  const struct stoa_string other = ((const struct owner *)b)->id;
  if (one.len != other.len) {
    return one.len < other.len ? -1 : 1;
  }
  return memcmp(one.data, other.data, one.len);
}

static struct shard *shard_of(struct user_sessions *all, struct stoa_string user_id) {
  unsigned sum = 0;
  for (size_t i = 0; i < user_id.len; i++) {
    sum = sum * 31 + (unsigned char)user_id.data[i];
  }
  return &all->shards[sum % SHARDS];
}

static struct owner *find(const struct shard *shard, struct stoa_string user_id) {
  const struct owner wanted = {.id = user_id};
  void *node = tfind(&wanted, &shard->owners, compare);
  return node == NULL ? NULL : *(struct owner **)node;
}

static struct owner *find_or_make(struct shard *shard, struct stoa_string user_id) {
  struct owner *owner = find(shard, user_id);
  if (owner != NULL) {
    return owner;
  }
  owner = calloc(1, sizeof *owner + user_id.len);
  if (owner == NULL) {
    return NULL;
  }
  memcpy(owner->bytes, user_id.data, user_id.len);
  owner->id = stoa_string_make(owner->bytes, user_id.len);
  if (tsearch(owner, &shard->owners, compare) == NULL) {
    free(owner);
    return NULL;
  }
  return owner;
}

struct user_sessions *user_sessions_create(void) {
  struct user_sessions *all = calloc(1, sizeof *all);
  for (size_t i = 0; all != NULL && i < SHARDS; i++) {
    pthread_mutex_init(&all->shards[i].mutex, NULL);
  }
  return all;
}

void user_sessions_destroy(struct user_sessions *all) {
  for (size_t i = 0; all != NULL && i < SHARDS; i++) {
    assert(all->shards[i].owners == NULL);
    pthread_mutex_destroy(&all->shards[i].mutex);
  }
  free(all);
}

int user_sessions_add(struct user_sessions *all, struct stoa_string user_id, const struct user_session *session) {
  struct shard *shard = shard_of(all, user_id);
  struct seat *seat = calloc(1, sizeof *seat);
  assert(user_id.len > 0 && user_id.len <= NICKS_USER_ID_BYTES_MAX);
  if (seat == NULL) {
    return STOA_E_MEMORY;
  }
  seat->session = *session;
  pthread_mutex_lock(&shard->mutex);
  struct owner *owner = find_or_make(shard, user_id);
  if (owner != NULL) {
    seat->next = owner->seats;
    owner->seats = seat;
  }
  pthread_mutex_unlock(&shard->mutex);
  if (owner == NULL) {
    free(seat);
    return STOA_E_MEMORY;
  }
  return STOA_OK;
}

/* The link to the session's seat; to NULL: it is not there. */
static struct seat **link_of(struct owner *owner, const struct stoa_uuid *session_id) {
  struct seat **link = &owner->seats;
  while (*link != NULL && memcmp(&(*link)->session.id, session_id, sizeof *session_id) != 0) {
    link = &(*link)->next;
  }
  return link;
}

void user_sessions_remove(struct user_sessions *all, struct stoa_string user_id, const struct stoa_uuid *session_id) {
  struct shard *shard = shard_of(all, user_id);
  pthread_mutex_lock(&shard->mutex);
  struct owner *owner = find(shard, user_id);
  struct seat **link = owner == NULL ? NULL : link_of(owner, session_id);
  if (link != NULL && *link != NULL) {
    struct seat *seat = *link;
    *link = seat->next;
    free(seat);
  }
  if (owner != NULL && owner->seats == NULL) {
    tdelete(owner, &shard->owners, compare);
    free(owner);
  }
  pthread_mutex_unlock(&shard->mutex);
}

void user_sessions_set_role(struct user_sessions *all, struct stoa_string user_id, const struct stoa_uuid *session_id,
                            enum chatroom_v1_role role) {
  struct shard *shard = shard_of(all, user_id);
  pthread_mutex_lock(&shard->mutex);
  struct owner *owner = find(shard, user_id);
  struct seat *seat = owner == NULL ? NULL : *link_of(owner, session_id);
  if (seat != NULL) {
    seat->session.role = role;
  }
  pthread_mutex_unlock(&shard->mutex);
}

static struct user_session *copy(const struct owner *owner, size_t *out_count) {
  size_t count = 0;
  for (const struct seat *at = owner->seats; at != NULL; at = at->next) {
    count++;
  }
  struct user_session *sessions = calloc(count, sizeof *sessions);
  *out_count = sessions == NULL ? 0 : count;
  size_t used = 0;
  for (const struct seat *at = owner->seats; at != NULL && used < *out_count; at = at->next) {
    sessions[used++] = at->session;
  }
  return sessions;
}

int user_sessions_list(struct user_sessions *all, struct stoa_string user_id, struct user_session **out_sessions,
                       size_t *out_count) {
  struct shard *shard = shard_of(all, user_id);
  struct user_session *sessions = NULL;
  size_t count = 0;
  pthread_mutex_lock(&shard->mutex);
  const struct owner *owner = find(shard, user_id);
  if (owner != NULL) {
    sessions = copy(owner, &count);
  }
  pthread_mutex_unlock(&shard->mutex);
  if (owner != NULL && sessions == NULL) {
    return STOA_E_MEMORY;
  }
  *out_sessions = sessions;
  *out_count = count;
  return STOA_OK;
}

/* In place. False: it is none, or it tells nobody apart. */
static bool normalize(char address[USER_ADDRESS_LEN_MAX + 1]) {
  struct in6_addr six;
  struct in_addr four;
  if (inet_pton(AF_INET6, address, &six) == 1) {
    bool is_loopback = IN6_IS_ADDR_LOOPBACK(&six);
    memset(&six.s6_addr[IPV6_NETWORK_BYTES], 0, sizeof six.s6_addr - IPV6_NETWORK_BYTES);
    inet_ntop(AF_INET6, &six, address, USER_ADDRESS_LEN_MAX + 1);
    return !is_loopback;
  }
  return inet_pton(AF_INET, address, &four) == 1 && (ntohl(four.s_addr) >> 24) != IN_LOOPBACKNET;
}

bool user_address_parse(struct stoa_string text, char out_address[USER_ADDRESS_LEN_MAX + 1]) {
  if (text.len == 0 || text.len > USER_ADDRESS_LEN_MAX || memchr(text.data, '\0', text.len) != NULL) {
    return false;
  }
  memcpy(out_address, text.data, text.len);
  out_address[text.len] = '\0';
  return normalize(out_address);
}

void user_address_of(const struct stoa_session *session, char out_address[USER_ADDRESS_LEN_MAX + 1]) {
  stoa_session_address(session, out_address);
  if (!normalize(out_address)) {
    out_address[0] = '\0';
  }
}
