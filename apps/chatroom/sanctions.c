#include "sanctions.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const prefixes[] = {
    [SANCTION_BAN] = "ban:", [SANCTION_BAN_ADDRESS] = "ban_address:", [SANCTION_MUTE] = "mute:"};
#define KINDS (sizeof prefixes / sizeof *prefixes)

struct item {
  struct stoa_string key;
  struct sanction sanction; /* its strings point into `bytes` */
  char bytes[];
};

/* Sorted by key. */
struct sanctions {
  struct item **items;
  size_t count, cap;
};

struct sanctions *sanctions_create(void) {
  return calloc(1, sizeof(struct sanctions));
}

void sanctions_destroy(struct sanctions *sanctions) {
  if (sanctions != NULL) {
    for (size_t i = 0; i < sanctions->count; i++) {
      free(sanctions->items[i]);
    }
    free(sanctions->items);
    free(sanctions);
  }
}

size_t sanctions_count(const struct sanctions *sanctions) {
  return sanctions->count;
}

struct stoa_string sanction_key(enum sanction_kind kind, struct stoa_string subject, char out[SANCTION_KEY_BYTES_MAX]) {
  size_t len = strlen(prefixes[kind]);
  assert(len + subject.len <= SANCTION_KEY_BYTES_MAX);
  memcpy(out, prefixes[kind], len);
  memcpy(out + len, subject.data, subject.len);
  return stoa_string_make(out, len + subject.len);
}

/* False: it is the key of none. */
static bool find_kind(struct stoa_string key, enum sanction_kind *out_kind) {
  for (size_t i = 0; i < KINDS; i++) {
    size_t len = strlen(prefixes[i]);
    if (key.len > len && key.len <= SANCTION_KEY_BYTES_MAX && memcmp(key.data, prefixes[i], len) == 0) {
      *out_kind = (enum sanction_kind)i;
      return true;
    }
  }
  return false;
}

bool sanction_is_key(struct stoa_string key) {
  enum sanction_kind ignored;
  return find_kind(key, &ignored);
}

/* "UNTIL ROLE\nUSER\nADDRESS\nREASON" */
struct stoa_string sanction_write(const struct sanction *sanction, char out[SANCTION_VALUE_BYTES_MAX]) {
  int len =
      snprintf(out, SANCTION_VALUE_BYTES_MAX, "%" PRId64 " %d\n%.*s\n%.*s\n%.*s", sanction->until_ms,
               (int)sanction->by_role, (int)sanction->user_id.len, sanction->user_id.data, (int)sanction->address.len,
               sanction->address.data, (int)sanction->reason.len, sanction->reason.data);
  assert(len > 0 && (size_t)len < SANCTION_VALUE_BYTES_MAX);
  return stoa_string_make(out, (size_t)len);
}

/* What is before the next line feed, which is passed; false: there is none. */
static bool take_line(struct stoa_string *text, struct stoa_string *out_line) {
  const char *end = text->len == 0 ? NULL : memchr(text->data, '\n', text->len);
  if (end == NULL) {
    return false;
  }
  *out_line = stoa_string_make(text->data, (size_t)(end - text->data));
  text->len -= out_line->len + 1;
  text->data = end + 1;
  return true;
}

static bool parse(struct stoa_string value, struct sanction *out) {
  struct stoa_string head;
  char text[48];
  char *end;
  if (!take_line(&value, &head) || head.len >= sizeof text || !take_line(&value, &out->user_id) ||
      !take_line(&value, &out->address)) {
    return false;
  }
  memcpy(text, head.data, head.len);
  text[head.len] = '\0';
  errno = 0;
  out->until_ms = strtoll(text, &end, 10);
  const char *rest = end;
  long role = strtol(rest, &end, 10);
  if (errno != 0 || rest == text || end == rest || role < 0 || role > CHATROOM_V1_ROLE_ADMIN) {
    return false;
  }
  out->by_role = (enum chatroom_v1_role)role;
  out->reason = value;
  return true;
}

bool sanction_read(struct stoa_string key, struct stoa_string value, enum sanction_kind *out_kind,
                   struct sanction *out_sanction) {
  enum sanction_kind kind;
  struct sanction sanction;
  if (!find_kind(key, &kind) || !parse(value, &sanction)) {
    return false;
  }
  *out_kind = kind;
  *out_sanction = sanction;
  return true;
}

static int compare(struct stoa_string a, struct stoa_string b) {
  int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The place of the first key that is not below this one. */
static size_t place_of(const struct sanctions *sanctions, struct stoa_string key) {
  size_t low = 0;
  size_t high = sanctions->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(sanctions->items[middle]->key, key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static bool is_at(const struct sanctions *sanctions, size_t place, struct stoa_string key) {
  return place < sanctions->count && stoa_string_equal(sanctions->items[place]->key, key);
}

static void take_out(struct sanctions *sanctions, size_t place) {
  free(sanctions->items[place]);
  sanctions->count--;
  memmove(&sanctions->items[place], &sanctions->items[place + 1],
          (sanctions->count - place) * sizeof *sanctions->items);
}

static struct item *make(struct stoa_string key, struct stoa_string value) {
  struct item *item = calloc(1, sizeof *item + key.len + value.len);
  if (item != NULL) {
    memcpy(item->bytes, key.data, key.len);
    memcpy(item->bytes + key.len, value.data, value.len);
    item->key = stoa_string_make(item->bytes, key.len);
    bool is_one = parse(stoa_string_make(item->bytes + key.len, value.len), &item->sanction);
    assert(is_one);
  }
  return item;
}

static int reserve(struct sanctions *sanctions) {
  if (sanctions->count == SANCTIONS_MAX) {
    return STOA_E_LIMIT;
  }
  if (sanctions->count == sanctions->cap) {
    size_t cap = sanctions->cap == 0 ? 8 : sanctions->cap * 2;
    struct item **items = realloc(sanctions->items, cap * sizeof(struct item *));
    if (items == NULL) {
      return STOA_E_MEMORY;
    }
    sanctions->items = items;
    sanctions->cap = cap;
  }
  return STOA_OK;
}

int sanctions_set(struct sanctions *sanctions, struct stoa_string key, struct stoa_string value) {
  struct sanction ignored;
  size_t place = place_of(sanctions, key);
  bool is_there = is_at(sanctions, place, key);
  if (value.len == 0) {
    if (is_there) {
      take_out(sanctions, place);
    }
    return STOA_OK;
  }
  if (!parse(value, &ignored)) {
    return STOA_E_SYNTAX;
  }
  int status = is_there ? STOA_OK : reserve(sanctions);
  struct item *item = status == STOA_OK ? make(key, value) : NULL;
  if (item == NULL) {
    return status == STOA_OK ? STOA_E_MEMORY : status;
  }
  if (is_there) {
    free(sanctions->items[place]);
  } else {
    memmove(&sanctions->items[place + 1], &sanctions->items[place],
            (sanctions->count - place) * sizeof *sanctions->items);
    sanctions->count++;
  }
  sanctions->items[place] = item;
  return STOA_OK;
}

bool sanctions_have(const struct sanctions *sanctions, struct stoa_string key) {
  return is_at(sanctions, place_of(sanctions, key), key);
}

bool sanctions_find(const struct sanctions *sanctions, enum sanction_kind kind, struct stoa_string subject,
                    int64_t now_ms, struct sanction *out_sanction) {
  char text[SANCTION_KEY_BYTES_MAX];
  if (sanctions->count == 0) {
    return false;
  }
  struct stoa_string key = sanction_key(kind, subject, text);
  size_t place = place_of(sanctions, key);
  if (!is_at(sanctions, place, key) || sanctions->items[place]->sanction.until_ms <= now_ms) {
    return false;
  }
  *out_sanction = sanctions->items[place]->sanction;
  return true;
}

bool sanctions_next_address(const struct sanctions *sanctions, struct stoa_string user_id, int64_t now_ms, size_t *at,
                            struct stoa_string *out_address) {
  while (*at < sanctions->count) {
    const struct item *item = sanctions->items[(*at)++];
    enum sanction_kind kind;
    if (find_kind(item->key, &kind) && kind == SANCTION_BAN_ADDRESS && item->sanction.until_ms > now_ms &&
        stoa_string_equal(item->sanction.user_id, user_id)) {
      size_t len = strlen(prefixes[kind]);
      *out_address = stoa_string_make(item->key.data + len, item->key.len - len);
      return true;
    }
  }
  return false;
}

bool sanctions_take_expired(struct sanctions *sanctions, int64_t now_ms, char out_key[SANCTION_KEY_BYTES_MAX],
                            size_t *out_len) {
  for (size_t i = 0; i < sanctions->count; i++) {
    const struct item *item = sanctions->items[i];
    if (item->sanction.until_ms <= now_ms) {
      memcpy(out_key, item->key.data, item->key.len);
      *out_len = item->key.len;
      take_out(sanctions, i);
      return true;
    }
  }
  return false;
}
