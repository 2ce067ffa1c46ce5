#include "slow_mode.h"

#include <stdlib.h>

/* How many places a user may be in. */
#define WAYS 8u

struct place {
  uint64_t user; /* a hash; 0: free */
  int64_t sent_ms;
};

struct slow_mode {
  struct place places[SLOW_MODE_USERS];
};

struct slow_mode *slow_mode_create(void) {
  return calloc(1, sizeof(struct slow_mode));
}

void slow_mode_destroy(struct slow_mode *slow) {
  free(slow);
}

/* FNV-1a with a last mixing. User ids are made by the server or by the issuer of tokens, so nobody can choose those
 * that meet in one place. */
static uint64_t hash(struct stoa_string user_id) {
  uint64_t value = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < user_id.len; i++) {
    value = (value ^ (unsigned char)user_id.data[i]) * UINT64_C(0x100000001b3);
  }
  value ^= value >> 32;
  return value == 0 ? 1 : value;
}

/* The user's place, or else the one to take. */
static struct place *place_of(struct slow_mode *slow, uint64_t user) {
  struct place *first = &slow->places[user % (SLOW_MODE_USERS / WAYS) * WAYS];
  struct place *oldest = first;
  for (struct place *at = first; at < first + WAYS; at++) {
    if (at->user == user) {
      return at;
    }
    if (at->user == 0 || (oldest->user != 0 && at->sent_ms < oldest->sent_ms)) {
      oldest = at;
    }
  }
  return oldest;
}

uint32_t slow_mode_send(struct slow_mode *slow, struct stoa_string user_id, uint32_t interval_ms, int64_t now_ms) {
  uint64_t user = hash(user_id);
  struct place *place = place_of(slow, user);
  int64_t passed_ms = now_ms - place->sent_ms;
  /* A clock that was set back makes nobody wait. */
  if (place->user == user && passed_ms >= 0 && passed_ms < interval_ms) {
    return interval_ms - (uint32_t)passed_ms;
  }
  *place = (struct place){user, now_ms};
  return 0;
}

void slow_mode_undo(struct slow_mode *slow, struct stoa_string user_id) {
  uint64_t user = hash(user_id);
  struct place *place = place_of(slow, user);
  if (place->user == user) {
    place->user = 0;
  }
}
