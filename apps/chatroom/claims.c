#include "claims.h"

#include "nicks.h"

#include <chatroom/v1/claims.stoa.h>
#include <google/protobuf/struct.stoa.h>
#include <stdlib.h>
#include <string.h>

/* User ids are in messages and in the log. */
static bool is_user_id(struct stoa_string text) {
  for (size_t i = 0; i < text.len; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    if (byte < 0x20 || byte == 0x7f) {
      return false;
    }
  }
  return text.len > 0 && text.len <= NICKS_USER_ID_BYTES_MAX;
}

static bool read_role(struct stoa_string text, enum chatroom_v1_role *out_role) {
  static const struct {
    struct stoa_string name;
    enum chatroom_v1_role role;
  } roles[] = {{STOA_STR(""), CHATROOM_V1_ROLE_USER},
               {STOA_STR("user"), CHATROOM_V1_ROLE_USER},
               {STOA_STR("moderator"), CHATROOM_V1_ROLE_MODERATOR},
               {STOA_STR("admin"), CHATROOM_V1_ROLE_ADMIN}};
  for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
    if (stoa_string_equal(text, roles[i].name)) {
      *out_role = roles[i].role;
      return true;
    }
  }
  return false;
}

/* Every value must be a string. */
static int read_rooms(const struct google_protobuf_list_value *list, struct stoa_arena *arena, struct claims *claims,
                      const char **out_reason) {
  struct stoa_string *rooms = stoa_arena_alloc(arena, list->values.count * sizeof *rooms);
  if (rooms == NULL) {
    return STOA_E_MEMORY;
  }
  for (size_t i = 0; i < list->values.count; i++) {
    if (!google_protobuf_value_has_string_value(&list->values.items[i])) {
      *out_reason = "rooms is not a list of strings";
      return STOA_E_DENIED;
    }
    rooms[i] = list->values.items[i].kind.string_value;
  }
  claims->has_rooms = true;
  claims->rooms = rooms;
  claims->room_count = list->values.count;
  return STOA_OK;
}

int claims_read(const struct stoa_token *token, struct stoa_arena *arena, struct claims *out_claims,
                const char **out_reason) {
  struct chatroom_v1_user_claims own = {0};
  struct claims claims = {.user_id = token->claims.subject};
  int status = stoa_token_decode_claims(token, &chatroom_v1_user_claims_type, arena, &own, NULL);
  if (status == STOA_E_MEMORY || status == STOA_E_LIMIT) {
    return STOA_E_MEMORY;
  }
  if (status != STOA_OK) {
    *out_reason = "name, role or rooms has another type";
    return STOA_E_DENIED;
  }
  if (!is_user_id(claims.user_id)) {
    *out_reason = "sub is missing, longer than 128 bytes, or has control characters";
    return STOA_E_DENIED;
  }
  /* A misspelt role must not make a moderator a user without anybody noticing. */
  if (!read_role(own.role, &claims.role)) {
    *out_reason = "role is not user, moderator or admin";
    return STOA_E_DENIED;
  }
  status = own.rooms == NULL ? STOA_OK : read_rooms(own.rooms, arena, &claims, out_reason);
  claims.name = own.name;
  if (status == STOA_OK) {
    *out_claims = claims;
  }
  return status;
}

/* Names of rooms. */

struct room_list {
  size_t count;
  struct stoa_string names[]; /* the texts follow the last one */
};

struct room_list *room_list_create(const struct stoa_string *rooms, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += rooms[i].len;
  }
  struct room_list *list = calloc(1, sizeof *list + count * sizeof list->names[0] + bytes);
  if (list == NULL) {
    return NULL;
  }
  char *at = (char *)&list->names[count];
  for (size_t i = 0; i < count; i++) {
    if (rooms[i].len > 0) {
      memcpy(at, rooms[i].data, rooms[i].len);
    }
    list->names[i] = stoa_string_make(at, rooms[i].len);
    at += rooms[i].len;
  }
  list->count = count;
  return list;
}

void room_list_destroy(struct room_list *list) {
  free(list);
}

bool room_list_has(const struct room_list *list, struct stoa_string room) {
  for (size_t i = 0; i < list->count; i++) {
    if (stoa_string_equal(list->names[i], room)) {
      return true;
    }
  }
  return false;
}
