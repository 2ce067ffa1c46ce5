#include "nick.h"

#include "visible.h"

#include <assert.h>
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

/* UTF-16 never has more units than UTF-8 has bytes. */
#define INPUT_UNITS NICK_INPUT_BYTES_MAX
/* A key that is longer than this in UTF-16 is longer than NICK_KEY_BYTES_MAX in UTF-8. */
#define KEY_UNITS NICK_KEY_BYTES_MAX
/* The longest recommended emoji, a couple with two skin tones, has 15 units. */
#define EMOJI_UNITS_MAX 24
/* UTS 39 5.4 recommends it; Vietnamese and Thai need fewer. */
#define MARKS_MAX 4

struct nick_rules {
  USpoofChecker *spoof;
  const UNormalizer2 *nfkc;   /* ICU's own */
  const UNormalizer2 *folded; /* NFKC_Casefold; ICU's own */
};

/* Text in UTF-16 with a fixed room. */
struct units {
  int32_t len;
  UChar at[INPUT_UNITS];
};

const char *nick_fault_text(enum nick_fault fault) {
  static const char *const texts[NICK_FAULT_COUNT] = {
      [NICK_FINE] = "the name can be used",
      [NICK_BLANK] = "a name must have characters that are seen",
      [NICK_TOO_LONG] = "a name has 1 to 32 characters",
      [NICK_CHARACTER] = "a name has no control characters, and none that are invisible or unknown",
      [NICK_MARKS] = "a name does not begin with a combining mark, and has at most 4 of them in a row",
      [NICK_MIXED] = "a name does not mix scripts or digits that look alike",
  };
  assert(fault >= NICK_FINE && fault < NICK_FAULT_COUNT);
  return texts[fault];
}

static void set_up(struct nick_rules *rules, UErrorCode *status) {
  rules->nfkc = unorm2_getNFKCInstance(status);
  rules->folded = unorm2_getNFKCCasefoldInstance(status);
  rules->spoof = uspoof_open(status);
  uspoof_setChecks(rules->spoof,
                   USPOOF_RESTRICTION_LEVEL | USPOOF_MIXED_NUMBERS | USPOOF_INVISIBLE | USPOOF_HIDDEN_OVERLAY, status);
  if (U_SUCCESS(*status)) {
    uspoof_setRestrictionLevel(rules->spoof, USPOOF_MODERATELY_RESTRICTIVE);
  }
}

struct nick_rules *nick_rules_create(void) {
  struct nick_rules *rules = calloc(1, sizeof *rules);
  if (rules == NULL) {
    return NULL;
  }
  UErrorCode status = U_ZERO_ERROR;
  set_up(rules, &status);
  if (U_FAILURE(status)) {
    nick_rules_destroy(rules);
    return NULL;
  }
  return rules;
}

void nick_rules_destroy(struct nick_rules *rules) {
  if (rules != NULL) {
    uspoof_close(rules->spoof);
    free(rules);
  }
}

/* Reading. */

static bool is_space(UChar32 character) {
  return u_charType(character) == U_SPACE_SEPARATOR;
}

/* Append a character that was read from the same text, or a space in place of several. */
static void append(struct units *out, UChar32 character) {
  assert(out->len + U16_LENGTH(character) <= (int32_t)INPUT_UNITS);
  U16_APPEND_UNSAFE(out->at, out->len, character);
}

/* Blanks go, or become one space. False: it is not UTF-8. */
static bool read_text(struct stoa_string text, struct units *out) {
  assert(text.len <= NICK_INPUT_BYTES_MAX);
  size_t at = 0;
  bool space_waits = false;
  out->len = 0;
  while (at < text.len) {
    UChar32 character;
    U8_NEXT((const uint8_t *)text.data, at, text.len, character);
    if (character < 0) {
      return false;
    }
    if (is_space(character)) {
      space_waits = out->len > 0;
      continue;
    }
    if (space_waits) {
      append(out, ' ');
      space_waits = false;
    }
    append(out, character);
  }
  return true;
}

/* The character at a place, which moves behind it. The text was made from UTF-8, so its surrogates are in pairs. */
static UChar32 next(const struct units *text, int32_t *at) {
  assert(*at < text->len);
  UChar unit = text->at[(*at)++];
  if (!U16_IS_SURROGATE(unit)) {
    return unit;
  }
  assert(*at < text->len);
  return U16_GET_SUPPLEMENTARY(unit, text->at[(*at)++]);
}

/* How many units the longest recommended emoji has that begins here and is more than one character; 0: none. */
static int32_t emoji_units(const struct units *text, int32_t from) {
  int32_t one = from;
  (void)next(text, &one);
  int32_t most = text->len - from < EMOJI_UNITS_MAX ? text->len - from : EMOJI_UNITS_MAX;
  for (int32_t units = most; units > one - from; units--) {
    if (u_stringHasBinaryProperty(text->at + from, units, UCHAR_RGI_EMOJI)) {
      return units;
    }
  }
  return 0;
}

/* A space was made by read_text(). */
static bool is_allowed(UChar32 character) {
  uint32_t refused = U_GC_C_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK;
  return character == ' ' || ((U_GET_GC_MASK(character) & refused) == 0 && !chatroom_char_is_blank(character));
}

static enum nick_fault check_characters(const struct units *text) {
  int32_t at = 0;
  int marks = MARKS_MAX; /* none may come first */
  while (at < text->len) {
    int32_t emoji = emoji_units(text, at);
    if (emoji > 0) {
      at += emoji;
      marks = 0;
      continue;
    }
    UChar32 character = next(text, &at);
    if (!is_allowed(character)) {
      return NICK_CHARACTER;
    }
    bool is_mark = (U_GET_GC_MASK(character) & U_GC_M_MASK) != 0;
    marks = is_mark ? marks + 1 : character == ' ' ? MARKS_MAX : 0;
    if (marks > MARKS_MAX) {
      return NICK_MARKS;
    }
  }
  return NICK_FINE;
}

/* Keys. */

/* What ICU reports: its memory is out, or the result is longer than the room for it. */
static enum nick_fault fault_of(UErrorCode status, bool *out_no_memory) {
  assert(U_FAILURE(status));
  *out_no_memory = status == U_MEMORY_ALLOCATION_ERROR;
  return *out_no_memory ? NICK_FINE : NICK_TOO_LONG;
}

/* The name without what may be ignored: joiners and selectors of its emoji. */
static void remove_ignorable(const struct units *text, struct units *out) {
  int32_t at = 0;
  out->len = 0;
  while (at < text->len) {
    UChar32 character = next(text, &at);
    if (!u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) {
      append(out, character);
    }
  }
}

static void normalize(const UNormalizer2 *form, const struct units *text, struct units *out, UErrorCode *status) {
  out->len = unorm2_normalize(form, text->at, text->len, out->at, KEY_UNITS, status);
}

static void make_skeleton(const struct nick_rules *rules, const struct units *text, struct units *out,
                          UErrorCode *status) {
  out->len = uspoof_getSkeleton(rules->spoof, 0, text->at, text->len, out->at, KEY_UNITS, status);
}

static void store_key(const struct units *text, struct nick *nick, enum nick_key_kind kind, UErrorCode *status) {
  int32_t len = 0;
  u_strToUTF8(nick->key[kind], NICK_KEY_BYTES_MAX, &len, text->at, text->len, status);
  nick->key_len[kind] = U_SUCCESS(*status) ? (size_t)len : 0;
}

/* A status that is a failure stays, and the calls after it do nothing. */
static UErrorCode make_keys(const struct nick_rules *rules, const struct units *text, struct nick *nick) {
  struct units form;
  struct units skeleton;
  UErrorCode status = U_ZERO_ERROR;
  normalize(rules->folded, text, &form, &status);
  store_key(&form, nick, NICK_KEY_FOLDED, &status);
  make_skeleton(rules, &form, &skeleton, &status);
  store_key(&skeleton, nick, NICK_KEY_SKELETON_FOLDED, &status);

  remove_ignorable(text, &skeleton);
  normalize(rules->nfkc, &skeleton, &form, &status);
  make_skeleton(rules, &form, &skeleton, &status);
  normalize(rules->folded, &skeleton, &form, &status);
  store_key(&form, nick, NICK_KEY_SKELETON, &status);
  return status;
}

/* The name as it is shown. */
static void store_text(const struct units *text, struct nick *nick) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t len = 0;
  u_strToUTF8(nick->text, CHATROOM_NICK_BYTES_MAX, &len, text->at, text->len, &status);
  /* It was read from UTF-8, and has few enough characters. */
  assert(U_SUCCESS(status) && len > 0);
  nick->len = (size_t)len;
}

static enum nick_fault check(const struct nick_rules *rules, const struct units *text, bool *out_no_memory) {
  *out_no_memory = false;
  if (text->len == 0) {
    return NICK_BLANK;
  }
  if (u_countChar32(text->at, text->len) > CHATROOM_NICK_CHARS_MAX) {
    return NICK_TOO_LONG;
  }
  enum nick_fault fault = check_characters(text);
  if (fault != NICK_FINE) {
    return fault;
  }
  UErrorCode status = U_ZERO_ERROR;
  int32_t found = uspoof_check(rules->spoof, text->at, text->len, NULL, &status);
  if (U_FAILURE(status)) {
    return fault_of(status, out_no_memory);
  }
  return (found & USPOOF_INVISIBLE) != 0 ? NICK_MARKS : found != 0 ? NICK_MIXED : NICK_FINE;
}

int nick_make(const struct nick_rules *rules, struct stoa_string text, struct nick *out_nick,
              enum nick_fault *out_fault) {
  struct units units;
  struct nick nick;
  bool no_memory = false;
  if (chatroom_text_is_blank(text)) {
    *out_fault = NICK_BLANK;
    return STOA_E_ARGUMENT;
  }
  if (text.len > NICK_INPUT_BYTES_MAX) {
    *out_fault = NICK_TOO_LONG;
    return STOA_E_ARGUMENT;
  }
  *out_fault = read_text(text, &units) ? check(rules, &units, &no_memory) : NICK_CHARACTER;
  if (*out_fault == NICK_FINE && !no_memory) {
    UErrorCode status = make_keys(rules, &units, &nick);
    *out_fault = U_SUCCESS(status) ? NICK_FINE : fault_of(status, &no_memory);
  }
  if (no_memory) {
    return STOA_E_MEMORY;
  }
  if (*out_fault != NICK_FINE) {
    return STOA_E_ARGUMENT;
  }
  store_text(&units, &nick);
  *out_nick = nick;
  return STOA_OK;
}

bool nick_is_same(const struct nick *a, const struct nick *b) {
  for (int kind = 0; kind < NICK_KEY_COUNT; kind++) {
    if (stoa_string_equal(nick_key(a, (enum nick_key_kind)kind), nick_key(b, (enum nick_key_kind)kind))) {
      return true;
    }
  }
  return false;
}
