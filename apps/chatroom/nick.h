/* nick.h: the rules of a nick: which names may be used, and which two a reader takes for the same.
 *
 * Names are compared by three keys: the name in Unicode's form NFKC_Casefold, in which width, case and ignorable
 * characters do not count; the skeleton (UTS 39, 4) of that, in which look-alikes are one character; and the folded
 * skeleton of the name before folding, because folding first makes "PauI" into "paui", which is not like "paul".
 *
 * Pure. Does not know: who uses a nick, sessions, codes of errors.
 * Thread: any; the rules are immutable.
 */
#ifndef CHATROOM_NICK_H
#define CHATROOM_NICK_H

#include <stdbool.h>
#include <stoa/bytes.h>
#include <stoa/status.h>

#define CHATROOM_NICK_CHARS_MAX 32
/* In bytes: at most four for each character in UTF-8. */
#define CHATROOM_NICK_BYTES_MAX (CHATROOM_NICK_CHARS_MAX * 4)
/* What is read at all, blanks around the name included. */
#define NICK_INPUT_BYTES_MAX 512u
/* 32 Hangul syllables, the longest script here, take 288. */
#define NICK_KEY_BYTES_MAX 384u

enum nick_key_kind { NICK_KEY_FOLDED, NICK_KEY_SKELETON_FOLDED, NICK_KEY_SKELETON, NICK_KEY_COUNT };

struct nick {
  size_t len;
  char text[CHATROOM_NICK_BYTES_MAX]; /* as it is shown */
  size_t key_len[NICK_KEY_COUNT];
  char key[NICK_KEY_COUNT][NICK_KEY_BYTES_MAX];
};

/* Why a text is not a nick. */
enum nick_fault {
  NICK_FINE,
  NICK_BLANK,     /* nothing of it is seen */
  NICK_TOO_LONG,  /* more than CHATROOM_NICK_CHARS_MAX characters, or a key is longer than NICK_KEY_BYTES_MAX */
  NICK_CHARACTER, /* a control, format, ignorable, unassigned or private character; or it is not UTF-8 */
  NICK_MARKS,     /* it begins with a combining mark, or stacks them */
  NICK_MIXED,     /* scripts or digits that look alike are mixed */
  NICK_FAULT_COUNT
};

/* For people: "a name has 1 to 32 characters". Never NULL. */
const char *nick_fault_text(enum nick_fault fault);

struct nick_rules;

/* NULL: no memory, or ICU has no data. */
struct nick_rules *nick_rules_create(void);
/* NULL is allowed. */
void nick_rules_destroy(struct nick_rules *rules);

/* Make a nick of a text: blanks around it are removed, and each run of blanks inside becomes one space.
 *
 * Zero width joiners, variation selectors and tags are allowed inside the emoji that Unicode recommends (RGI, UTS 51),
 * and nowhere else. Latin may be mixed with one other script, but not with Cyrillic, Greek or Cherokee; and with the
 * scripts that Chinese, Japanese and Korean are written in (UTS 39 5.2, moderately restrictive).
 *
 * text       any bytes
 * out_nick   written on success
 * out_fault  why it is not a nick
 * Errors: STOA_E_ARGUMENT  it is not a nick; STOA_E_MEMORY. out_fault is NICK_FINE after the latter */
int nick_make(const struct nick_rules *rules, struct stoa_string text, struct nick *out_nick,
              enum nick_fault *out_fault);

static inline struct stoa_string nick_text(const struct nick *nick) {
  return stoa_string_make(nick->text, nick->len);
}
static inline struct stoa_string nick_key(const struct nick *nick, enum nick_key_kind kind) {
  return stoa_string_make(nick->key[kind], nick->key_len[kind]);
}
/* Does a reader take them for the same: is any of the three keys equal? */
bool nick_is_same(const struct nick *a, const struct nick *b);

#endif
