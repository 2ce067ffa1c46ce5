#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "nick.h"
#include "visible.h"

static struct nick_rules *rules;

static int set_up(void **state) {
  (void)state;
  rules = nick_rules_create();
  return rules == NULL ? -1 : 0;
}

static int tear_down(void **state) {
  (void)state;
  nick_rules_destroy(rules);
  return 0;
}

static enum nick_fault fault_of(struct stoa_string text) {
  struct nick nick;
  enum nick_fault fault = NICK_FAULT_COUNT;
  int status = nick_make(rules, text, &nick, &fault);
  assert_int_equal(status, fault == NICK_FINE ? STOA_OK : STOA_E_ARGUMENT);
  return fault;
}

static struct nick make(const char *text) {
  struct nick nick;
  enum nick_fault fault;
  if (nick_make(rules, stoa_string_of(text), &nick, &fault) != STOA_OK) {
    fail_msg("\"%s\" is a nick, not: %s", text, nick_fault_text(fault));
  }
  return nick;
}

static void names_of_all_scripts_are_nicks(void **state) {
  static const char *const texts[] = {
      "Ada",
      "a",
      "O'Brien-Smith jr.",
      "小明",
      "Ada 小明",
      "カタカナとひらがなと漢字 and Latin",
      "Kim 김철수 金",
      "Анна",
      "Ελένη",
      "علي",
      "عَلِيّ",
      "שָׁלוֹם",
      "Ali علي",
      "नमस्ते",
      "ไทยแลนด์",
      "Nguyễn Thị",
      "Nguye\xcc\x82\xcc\x83n",
      "Ⅷ ½ ﬁ",
      "...",
      "👍",
      "❤️ Ada",
      "👩‍👩‍👧‍👦",
      "👩🏻‍❤️‍💋‍👨🏿",
      "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
      "🇨🇳 1️⃣",
      "'); DROP TABLE messages; --",
      "<script>alert(1)</script>",
      "%n%s%x",
      "12345678901234567890123456789012",
      "소프트웨어개발자소프트웨어개발자소프트웨어개발자소프트웨어개발자",
      "柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱柱",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct nick nick = make(texts[i]);
    assert_true(stoa_string_equal(nick_text(&nick), stoa_string_of(texts[i])));
  }
}

static const struct {
  struct stoa_string text;
  enum nick_fault fault;
} not_nicks[] = {
    {STOA_STR(""), NICK_BLANK},
    {STOA_STR(" "), NICK_BLANK},
    {STOA_STR("   \xe3\x80\x80\xc2\xa0\xe2\x80\x83"), NICK_BLANK}, /* ideographic, no-break and em spaces */
    {STOA_STR("\xe2\x80\x8b"), NICK_BLANK},                        /* U+200B zero width space */
    {STOA_STR("\xe2\xa0\x80\xe2\xa0\x80"), NICK_BLANK},            /* U+2800 Braille pattern blank */
    {STOA_STR("\xe3\x85\xa4"), NICK_BLANK},                        /* U+3164 Hangul filler */
    {STOA_STR("\xef\xbe\xa0"), NICK_BLANK},                        /* U+FFA0 half-width Hangul filler */
    {STOA_STR("\xe2\x80\xae\xe2\x80\xac"), NICK_BLANK},            /* U+202E, U+202C */
    {STOA_STR("\xc2\xad"), NICK_BLANK},                            /* U+00AD soft hyphen */
    {STOA_STR("\t\n"), NICK_BLANK},                                /* controls */
    {STOA_STR("\0"), NICK_BLANK},                                  /* NUL */
    {STOA_STR("\xef\xb8\x8f\xe2\x80\x8d"), NICK_BLANK},            /* a selector and a joiner */
    {STOA_STR("Ada\0Bob"), NICK_CHARACTER},                        /* NUL */
    {STOA_STR("Ada\tBob"), NICK_CHARACTER},                        /* tab */
    {STOA_STR("Ada\r\nlevel=error"), NICK_CHARACTER},              /* CR LF */
    {STOA_STR("\x1b[31mAda"), NICK_CHARACTER},                     /* ESC */
    {STOA_STR("\x1b]52;c;AAAA\x07"), NICK_CHARACTER},              /* OSC 52 */
    {STOA_STR("Ada\x7f"), NICK_CHARACTER},                         /* DEL */
    {STOA_STR("Ada\xc2\x9b"
              "31m"),
     NICK_CHARACTER},                              /* C1: CSI */
    {STOA_STR("Ada\xe2\x80\x8b"), NICK_CHARACTER}, /* U+200B */
    {STOA_STR("A\xe2\x80\x8b"
              "da"),
     NICK_CHARACTER}, /* U+200B */
    {STOA_STR("\xe2\x80\xae"
              "Ada"),
     NICK_CHARACTER}, /* U+202E right-to-left override */
    {STOA_STR("Ada\xe2\x81\xa6"
              "b"),
     NICK_CHARACTER},                              /* U+2066 isolate */
    {STOA_STR("Ada\xe2\x80\x8f"), NICK_CHARACTER}, /* U+200F right-to-left mark */
    {STOA_STR("A\xc2\xad"
              "da"),
     NICK_CHARACTER},                              /* soft hyphen */
    {STOA_STR("Ada\xef\xbb\xbf"), NICK_CHARACTER}, /* U+FEFF */
    {STOA_STR("Ada\xe2\x80\x8d"), NICK_CHARACTER}, /* a joiner outside an emoji */
    {STOA_STR("Ada\xef\xb8\x8f"), NICK_CHARACTER}, /* a selector outside an emoji */
    {STOA_STR("\xf0\x9f\x91\xa9\xe2\x80\x8d"
              "Ada"),
     NICK_CHARACTER},                                                           /* a joiner between no two emoji */
    {STOA_STR("\xf0\x9f\x91\x8d\xe2\x80\x8d\xf0\x9f\x91\x8d"), NICK_CHARACTER}, /* no recommended sequence */
    {STOA_STR("Ada\xf3\xa0\x81\xa7"), NICK_CHARACTER},                          /* U+E0067 tag */
    {STOA_STR("Ada\xf3\xa0\x84\x80"), NICK_CHARACTER},                          /* U+E0100 selector 17 */
    {STOA_STR("Ada\xe1\x85\x9f"), NICK_CHARACTER},                              /* U+115F Hangul filler */
    {STOA_STR("Ada\xe2\xa0\x80"), NICK_CHARACTER},                              /* Braille blank */
    {STOA_STR("Ada\xee\x80\x80"), NICK_CHARACTER},                              /* U+E000 private */
    {STOA_STR("Ada\xcd\xb8"), NICK_CHARACTER},                                  /* U+0378 unassigned */
    {STOA_STR("Ada\xef\xbf\xbf"), NICK_CHARACTER},                              /* U+FFFF noncharacter */
    {STOA_STR("Ada\xe2\x80\xa8"), NICK_CHARACTER},                              /* U+2028 line separator */
    {STOA_STR("Ada\xed\xa0\x80"), NICK_CHARACTER},                              /* a surrogate: not UTF-8 */
    {STOA_STR("Ada\xc0\x80"), NICK_CHARACTER},                                  /* overlong: not UTF-8 */
    {STOA_STR("Ada\xe2\x82"), NICK_CHARACTER},                                  /* cut off: not UTF-8 */
    {STOA_STR("\xcc\x81"
              "Ada"),
     NICK_MARKS},                                                        /* an acute on what is before the name */
    {STOA_STR("Ada \xcc\x81"), NICK_MARKS},                              /* an acute on a space */
    {STOA_STR("a\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85"), NICK_MARKS}, /* five marks */
    {STOA_STR("a\xcc\x81\xcc\x81"), NICK_MARKS},                         /* twice the same, seen as one */
    {STOA_STR("\xd0\x90"
              "da"),
     NICK_MIXED},                                                        /* Cyrillic A, Latin da */
    {STOA_STR("\xd1\x80\xd0\xb0\xd1\x83\xd1\x80\xd0\xb0l"), NICK_MIXED}, /* Cyrillic, but for the l */
    {STOA_STR("Ad\xce\xb1"), NICK_MIXED},                                /* Greek alpha */
    {STOA_STR("A\xe1\x8e\xa0"
              "a"),
     NICK_MIXED},                                                   /* Cherokee */
    {STOA_STR("1\xd9\xa2"), NICK_MIXED},                            /* digits of two systems */
    {STOA_STR("123456789012345678901234567890123"), NICK_TOO_LONG}, /* 33 */
};

static void what_is_not_a_nick_is_refused_with_its_reason(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof not_nicks / sizeof not_nicks[0]; i++) {
    enum nick_fault fault = fault_of(not_nicks[i].text);
    if (fault != not_nicks[i].fault) {
      fail_msg("case %zu, \"%s\": \"%s\", not \"%s\"", i, not_nicks[i].text.data, nick_fault_text(fault),
               nick_fault_text(not_nicks[i].fault));
    }
  }
}

static void names_that_look_the_same_are_the_same(void **state) {
  static const char *const pairs[][2] = {
      {"Ada", "Ada"},
      {"Ada", "ADA"},
      {"Ada", "ada"},
      {"Ada", "\xef\xbc\xa1\xef\xbd\x84\xef\xbd\x81"}, /* full width */
      {"Ada", "  Ada "},
      {"Ada Byron", "Ada \xe3\x80\x80  Byron"},
      {"Paul", "PauI"},
      {"paul", "PauI"}, /* capital i, and case */
      {"Paul", "Pau1"},
      {"Paul", "PAUL"},
      {"paypa", "\xd1\x80\xd0\xb0\xd1\x83\xd1\x80\xd0\xb0"}, /* all Cyrillic */
      {"Ho", "\xd0\x9d\xd0\xbe"},                            /* all Cyrillic */
      {"modern", "modem"},
      {"\xc3\xa9va", "e\xcc\x81va"}, /* composed or not */
      {"Stra\xc3\x9f"
       "e",
       "STRASSE"},
      {"fi", "\xef\xac\x81"}, /* a ligature */
      {"8", "\xe2\x91\xa7"},  /* circled */
      {"0x", "Ox"},
      {"\xe2\x9d\xa4", "\xe2\x9d\xa4\xef\xb8\x8f"},                /* a heart as text, and as an emoji */
      {"\xe3\x82\xab", "\xef\xbd\xb6"},                            /* half-width Katakana */
      {"Ada", "\xf0\x9d\x93\x90\xf0\x9d\x93\xad\xf0\x9d\x93\xaa"}, /* mathematical script */
  };
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    struct nick one = make(pairs[i][0]);
    struct nick other = make(pairs[i][1]);
    if (!nick_is_same(&one, &other) || !nick_is_same(&other, &one)) {
      fail_msg("\"%s\" and \"%s\" are the same", pairs[i][0], pairs[i][1]);
    }
  }
}

static void names_that_differ_are_not_the_same(void **state) {
  static const char *const pairs[][2] = {
      {"Ada", "Adam"},
      {"Ada", "Eda"},
      {"小明", "小红"},
      {"Ada", "Àda"},
      {"Ada Byron", "AdaByron"},
      {"👍", "👎"},
      {"علي", "عمر"},
      {"Анна", "Anna"},
      {"guest-abcd", "guest-abce"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    struct nick one = make(pairs[i][0]);
    struct nick other = make(pairs[i][1]);
    if (nick_is_same(&one, &other)) {
      fail_msg("\"%s\" and \"%s\" differ", pairs[i][0], pairs[i][1]);
    }
  }
}

static void blanks_around_a_name_go_and_those_inside_become_one_space(void **state) {
  (void)state;
  struct nick nick = make(" \xe3\x80\x80 Ada \xc2\xa0\xe2\x80\x83 Byron  ");
  assert_true(stoa_string_equal(nick_text(&nick), stoa_string_of("Ada Byron")));
}

static void blanks_do_not_count_towards_the_length(void **state) {
  (void)state;
  char text[NICK_INPUT_BYTES_MAX + 1];
  memset(text, ' ', sizeof text);
  memset(text + 100, 'x', 32);
  assert_int_equal(fault_of(stoa_string_make(text, NICK_INPUT_BYTES_MAX)), NICK_FINE);
  assert_int_equal(fault_of(stoa_string_make(text, sizeof text)), NICK_TOO_LONG);
}

static void a_name_whose_keys_would_be_too_long_is_refused(void **state) {
  (void)state;
  /* U+FDFA is 18 characters in NFKC. */
  char text[CHATROOM_NICK_CHARS_MAX * 3];
  for (size_t i = 0; i < sizeof text; i += 3) {
    memcpy(text + i, "\xef\xb7\xba", 3);
  }
  assert_int_equal(fault_of(stoa_string_make(text, 3)), NICK_FINE);
  assert_int_equal(fault_of(stoa_string_make(text, sizeof text)), NICK_TOO_LONG);
}

static void a_text_of_which_nothing_is_seen_is_blank(void **state) {
  static const char *const blank[] = {"",
                                      " ",
                                      "\n\t \r",
                                      "\xe3\x85\xa4",
                                      "\xe2\xa0\x80",
                                      "\xe2\x80\x8b\xe2\x80\x8d",
                                      "\xef\xb8\x8f",
                                      "\xf0\x9d\x85\x99",
                                      "\xe2\x80\xa8",
                                      "\x1b",
                                      "\xe2\x81\xa0"};
  static const char *const seen[] = {"a",
                                     " .",
                                     "👍",
                                     ("\xe2\x80\x8b"
                                      "a"),
                                     "\xd8\x80",
                                     "\xcd\xb8",
                                     "\xff",
                                     "\xcc\x81"};
  (void)state;
  for (size_t i = 0; i < sizeof blank / sizeof blank[0]; i++) {
    if (!chatroom_text_is_blank(stoa_string_of(blank[i]))) {
      fail_msg("blank %zu is blank", i);
    }
  }
  for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
    if (chatroom_text_is_blank(stoa_string_of(seen[i]))) {
      fail_msg("seen %zu is seen", i);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_of_all_scripts_are_nicks),
      cmocka_unit_test(what_is_not_a_nick_is_refused_with_its_reason),
      cmocka_unit_test(names_that_look_the_same_are_the_same),
      cmocka_unit_test(names_that_differ_are_not_the_same),
      cmocka_unit_test(blanks_around_a_name_go_and_those_inside_become_one_space),
      cmocka_unit_test(blanks_do_not_count_towards_the_length),
      cmocka_unit_test(a_name_whose_keys_would_be_too_long_is_refused),
      cmocka_unit_test(a_text_of_which_nothing_is_seen_is_blank),
  };
  return cmocka_run_group_tests_name("nick", tests, set_up, tear_down);
}
