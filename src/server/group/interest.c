#include "server/group/interest.h"

#include "base/memory.h"

#include <assert.h>

static struct stoa_bytes key_of(const void *object) {
  const struct stoa_interest *interest = object;
  return stoa_bytes_make(&interest->variants[interest->variant_count], interest->name_len);
}

int stoa_interests_init(struct stoa_interests *interests, const struct stoa_formats *formats) {
  interests->formats = formats;
  if (pthread_mutex_init(&interests->mutex, NULL) != 0) {
    return STOA_E_SYSTEM;
  }
  return stoa_map_init(&interests->by_name, key_of);
}

void stoa_interests_fini(struct stoa_interests *interests) {
  assert(interests->by_name.count == 0);
  stoa_map_fini(&interests->by_name);
  pthread_mutex_destroy(&interests->mutex);
}

static struct stoa_interest *add(struct stoa_interests *interests, struct stoa_string name) {
  size_t variant_count = stoa_formats_variant_count(interests->formats);
  size_t variants_size = variant_count * sizeof(struct stoa_interest_variant);
  assert(name.len <= STOA_GROUP_NAME_LEN_MAX);
  struct stoa_interest *interest = stoa_calloc(1, sizeof *interest + variants_size + name.len);
  if (interest == NULL) {
    return NULL;
  }
  interest->variant_count = (uint8_t)variant_count;
  interest->name_len = (uint8_t)name.len;
  if (name.len > 0) {
    memcpy(&interest->variants[interest->variant_count], name.data, name.len);
  }
  if (stoa_map_insert(&interests->by_name, interest) != STOA_OK) {
    stoa_free(interest);
    return NULL;
  }
  return interest;
}

struct stoa_interest *stoa_interest_acquire(struct stoa_interests *interests, struct stoa_string name, bool create) {
  pthread_mutex_lock(&interests->mutex);
  struct stoa_interest *interest = stoa_map_find(&interests->by_name, stoa_bytes_make(name.data, name.len));
  if (interest == NULL && create) {
    interest = add(interests, name);
  }
  if (interest != NULL) {
    interest->refs++;
  }
  pthread_mutex_unlock(&interests->mutex);
  return interest;
}

size_t stoa_interests_count(struct stoa_interests *interests) {
  pthread_mutex_lock(&interests->mutex);
  size_t count = interests->by_name.count;
  pthread_mutex_unlock(&interests->mutex);
  return count;
}

void stoa_interest_release(struct stoa_interests *interests, struct stoa_interest *interest) {
  if (interest == NULL) {
    return;
  }
  pthread_mutex_lock(&interests->mutex);
  assert(interest->refs > 0);
  interest->refs--;
  if (interest->refs == 0) {
    assert(atomic_load_explicit(&interest->member_count, memory_order_relaxed) == 0);
    stoa_map_remove(&interests->by_name, key_of(interest));
    stoa_free(interest);
  }
  pthread_mutex_unlock(&interests->mutex);
}
