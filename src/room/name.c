#include "room/name.h"

#include "base/utf8.h"
#include "server/group/group.h"

#include <assert.h>

_Static_assert(sizeof(struct stoa_room_name) == 1 + 1 + STOA_ROOM_NAME_LEN_MAX, "the mark is right before the text");
_Static_assert(STOA_ROOM_GROUP_MARK == STOA_GROUP_MARK_APART, "plain sessions of rooms have variants of their own");
_Static_assert(1 + STOA_ROOM_NAME_LEN_MAX <= STOA_GROUP_NAME_LEN_MAX, "a room's group has a name");

/* C0, DEL, and C1, which is C2 80 to C2 9F. */
static bool has_control(struct stoa_string text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.data[i];
    bool is_c1 = i > 0 && (uint8_t)text.data[i - 1] == 0xc2 && byte < 0xa0;
    if (byte < 0x20 || byte == 0x7f || is_c1) {
      return true;
    }
  }
  return false;
}

bool stoa_room_name_is_valid(struct stoa_string name) {
  return name.len > 0 && name.len <= STOA_ROOM_NAME_LEN_MAX && stoa_utf8_valid(name.data, name.len) &&
         !has_control(name);
}

bool stoa_room_text_is_valid(struct stoa_string text, size_t len_max) {
  return text.len == 0 ||
         (text.len <= len_max && stoa_utf8_valid(text.data, text.len) && memchr(text.data, '\0', text.len) == NULL);
}

struct stoa_room_name stoa_room_name_make(struct stoa_string name) {
  struct stoa_room_name own = {.len = (uint8_t)name.len, .mark = STOA_ROOM_GROUP_MARK};
  assert(name.len > 0);
  assert(name.len <= sizeof own.text);
  memcpy(own.text, name.data, name.len);
  return own;
}
