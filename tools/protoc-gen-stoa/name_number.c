#include "name_number.h"

#include <assert.h>

/* The constants of FNV-1a for 32 bits. */
#define FNV_START 2166136261U
#define FNV_PRIME 16777619U
#define HASH_BITS 29
#define STREAM_HASH_BITS 28

static uint32_t hash_of(const char *name) {
  uint32_t hash = FNV_START;
  for (const char *at = name; *at != '\0'; at++) {
    hash = (hash ^ (unsigned char)*at) * FNV_PRIME;
  }
  return hash;
}

uint32_t name_number(const char *name) {
  uint32_t hash = hash_of(name);
  uint32_t number = NAME_NUMBER_MIN + ((hash ^ hash >> HASH_BITS) & (NAME_NUMBER_MIN - 1));
  assert(number >= NAME_NUMBER_MIN);
  assert(number <= NAME_NUMBER_MAX);
  return number;
}

uint32_t name_number_stream(const char *name) {
  uint32_t hash = hash_of(name);
  uint32_t number = NAME_NUMBER_STREAM_MIN + ((hash ^ hash >> STREAM_HASH_BITS) & (NAME_NUMBER_STREAM_MIN - 1));
  assert(number >= NAME_NUMBER_STREAM_MIN);
  assert(number < NAME_NUMBER_MIN);
  return number;
}
