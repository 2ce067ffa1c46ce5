#include "oracle.h"

#include <assert.h>
#include <stdlib.h>

static void *grow(void *items, size_t *capacity, size_t size) {
  *capacity = *capacity == 0 ? 64 : *capacity * 2;
  void *grown = realloc(items, *capacity * size);
  assert(grown != NULL);
  return grown;
}

struct hearing *oracle_begin(struct oracle *oracle, char group, unsigned connection) {
  struct hearing *hearing = calloc(1, sizeof *hearing);
  assert(hearing != NULL);
  hearing->group = group;
  hearing->connection = connection;
  if (oracle->count == oracle->capacity) {
    oracle->hearings = grow(oracle->hearings, &oracle->capacity, sizeof(struct hearing *));
  }
  oracle->hearings[oracle->count++] = hearing;
  return hearing;
}

void oracle_hear(struct oracle *oracle, struct hearing *hearing, unsigned publisher, unsigned number) {
  assert(publisher < ORACLE_PUBLISHERS_MAX && number > 0 && number <= UINT16_MAX);
  uint16_t *last = &hearing->last[publisher];
  if (*last != 0 && number != *last + 1u) {
    trace_fail(oracle->trace, "connection %u hears number %u of publisher %u in group %c after number %u",
               hearing->connection, number, publisher, hearing->group, *last);
  }
  *last = (uint16_t)number;
  if (hearing->count == hearing->capacity) {
    hearing->messages = grow(hearing->messages, &hearing->capacity, sizeof *hearing->messages);
  }
  hearing->messages[hearing->count++] = publisher << 16 | number;
}

static size_t find(const struct hearing *hearing, uint32_t message) {
  size_t at = 0;
  while (at < hearing->count && hearing->messages[at] != message) {
    at++;
  }
  return at;
}

/* The windows overlap where the later one begins; from there both are the same until one ends. */
static void compare(const struct oracle *oracle, const struct hearing *one, const struct hearing *other) {
  if (one->count == 0 || other->count == 0) {
    return;
  }
  size_t i = find(one, other->messages[0]);
  size_t j = i < one->count ? 0 : find(other, one->messages[0]);
  if (i == one->count) {
    i = 0;
  }
  bool overlap = j < other->count;
  for (; overlap && i < one->count && j < other->count; i++, j++) {
    if (one->messages[i] != other->messages[j]) {
      trace_fail(oracle->trace, "group %c: connection %u hears %u/%u where connection %u hears %u/%u", one->group,
                 one->connection, one->messages[i] >> 16, one->messages[i] & 0xffff, other->connection,
                 other->messages[j] >> 16, other->messages[j] & 0xffff);
      return;
    }
  }
  for (size_t k = 0; !overlap && k < other->count; k++) {
    if (find(one, other->messages[k]) < one->count) {
      trace_fail(oracle->trace, "group %c: connections %u and %u share a message but not the order", one->group,
                 one->connection, other->connection);
      return;
    }
  }
}

void oracle_check(const struct oracle *oracle) {
  for (size_t i = 0; i < oracle->count; i++) {
    for (size_t j = i + 1; j < oracle->count; j++) {
      if (oracle->hearings[i]->group == oracle->hearings[j]->group) {
        compare(oracle, oracle->hearings[i], oracle->hearings[j]);
      }
    }
  }
}

void oracle_release(struct oracle *oracle) {
  for (size_t i = 0; i < oracle->count; i++) {
    free(oracle->hearings[i]->messages);
    free(oracle->hearings[i]);
  }
  free(oracle->hearings);
  *oracle = (struct oracle){0};
}
