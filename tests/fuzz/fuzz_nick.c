/* Nicks: whatever is read, what comes out is a nick again, the same one, and every key is in bounds. */
#include "must.h"
#include "nick.h"
#include "visible.h"

#include <string.h>

static void is_in_bounds(const struct nick *nick) {
  must(nick->len > 0 && nick->len <= CHATROOM_NICK_BYTES_MAX);
  must(nick->text[0] != ' ' && nick->text[nick->len - 1] != ' ');
  for (int kind = 0; kind < NICK_KEY_COUNT; kind++) {
    must(nick->key_len[kind] > 0 && nick->key_len[kind] <= NICK_KEY_BYTES_MAX);
  }
  for (size_t i = 0; i < nick->len; i++) {
    must((unsigned char)nick->text[i] >= 0x20 && nick->text[i] != 0x7f);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static struct nick_rules *rules;
  struct nick nick;
  struct nick again;
  enum nick_fault fault = NICK_FAULT_COUNT;
  if (rules == NULL) {
    rules = nick_rules_create();
    must(rules != NULL);
  }
  struct stoa_string text = stoa_string_make((const char *)data, len);
  bool is_blank = chatroom_text_is_blank(text);
  int status = nick_make(rules, text, &nick, &fault);
  must(status == STOA_OK || status == STOA_E_ARGUMENT);
  must(fault < NICK_FAULT_COUNT && (fault == NICK_FINE) == (status == STOA_OK));
  must((fault == NICK_BLANK) == is_blank);
  if (status == STOA_OK) {
    is_in_bounds(&nick);
    must(nick_make(rules, nick_text(&nick), &again, &fault) == STOA_OK);
    must(stoa_string_equal(nick_text(&again), nick_text(&nick)) && nick_is_same(&again, &nick));
  }
  return 0;
}
