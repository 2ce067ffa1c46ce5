#include "text.h"

#include <stdio.h>
#include <stoa/room.h>
#include <time.h>

struct stoa_string chatroom_time_text(int64_t now_ms, char out[CHATROOM_TIME_TEXT_SIZE]) {
  time_t seconds = (time_t)(now_ms / 1000);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  size_t len = strftime(out, CHATROOM_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(out + len, CHATROOM_TIME_TEXT_SIZE - len, ".%03dZ", (int)(now_ms % 1000));
  return stoa_string_of(out);
}

/* C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F. */
bool chatroom_has_control(struct stoa_string text) {
  for (size_t i = 0; i < text.len; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    bool is_c1 = i > 0 && (unsigned char)text.data[i - 1] == 0xc2 && byte < 0xa0;
    if (byte < 0x20 || byte == 0x7f || is_c1) {
      return true;
    }
  }
  return false;
}

bool chatroom_is_room_name(struct stoa_string name) {
  return name.len > 0 && name.len <= STOA_ROOM_NAME_LEN_MAX && !chatroom_has_control(name);
}

size_t chatroom_count_chars(struct stoa_string text) {
  size_t chars = 0;
  for (size_t i = 0; i < text.len; i++) {
    chars += ((unsigned char)text.data[i] & 0xc0) != 0x80;
  }
  return chars;
}

size_t chatroom_written_bytes(struct stoa_string text) {
  size_t bytes = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    bytes += byte < 0x20 ? sizeof "\\\\u0000" - 1 : byte == '"' || byte == '\\' ? 4 : 1;
  }
  return bytes;
}

struct stoa_string chatroom_put(char **at, struct stoa_string text) {
  struct stoa_string copy = stoa_string_make(*at, text.len);
  if (text.len > 0) {
    memcpy(*at, text.data, text.len);
    *at += text.len;
  }
  return copy;
}
