#include "visible.h"

#include <assert.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

/* By their properties these are letters, marks or symbols, but their glyphs are empty: Braille pattern blank, Khitan
 * small script filler, the musical null notehead, and the Egyptian blanks. */
static const int32_t drawn_as_nothing[] = {0x2800, 0x16fe4, 0x1d159, 0x13441, 0x13442};

bool chatroom_char_is_blank(int32_t character) {
  for (size_t i = 0; i < sizeof drawn_as_nothing / sizeof drawn_as_nothing[0]; i++) {
    if (character == drawn_as_nothing[i]) {
      return true;
    }
  }
  if (u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) {
    return true;
  }
  /* The Arabic number sign and its like are format characters that are drawn. */
  return (U_GET_GC_MASK(character) & (U_GC_Z_MASK | U_GC_CC_MASK | U_GC_CF_MASK)) != 0 &&
         !u_hasBinaryProperty(character, UCHAR_PREPENDED_CONCATENATION_MARK);
}

bool chatroom_text_is_blank(struct stoa_string text) {
  assert(text.data != NULL || text.len == 0);
  size_t at = 0;
  while (at < text.len) {
    UChar32 character;
    U8_NEXT((const uint8_t *)text.data, at, text.len, character);
    if (character < 0 || !chatroom_char_is_blank(character)) {
      return false;
    }
  }
  return true;
}
