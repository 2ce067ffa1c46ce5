#include "wire/ws_deflate_reopen.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* RFC 1951 3.2.3. */
#define BLOCK_STORED 0
#define BLOCK_CODED 2

#define CODE_BITS_MAX 15
#define END_OF_BLOCK 256

/* RFC 1951 3.2.7: the highest count in HLIT's five bits, and the longest run of one length. */
#define LITERALS_MAX (257 + 31)
#define RUN_MAX 138

/* RFC 1951 3.2.7: the lengths of codes are coded too, with these symbols and with codes of at most seven bits. */
#define LENGTH_SYMBOLS 19
#define LENGTH_CODE_BITS_MAX 7
#define LENGTH_REPEAT 16
#define LENGTH_ZEROS 17
#define LENGTH_MANY_ZEROS 18

struct bits {
  const uint8_t *data;
  size_t len;
  size_t at; /* in bits */
};

/* The symbol of the next bits; bits 0: no symbol has this code. */
struct length_code {
  uint8_t symbol;
  uint8_t bits;
};

/* The next seventeen bits or more, the first one lowest (RFC 1951 3.1.1); zeros after the end. */
static unsigned peek(const struct bits *bits) {
  size_t from = bits->at / 8;
  unsigned word = 0;
  for (size_t i = 0; i < 3 && from + i < bits->len; i++) {
    word |= (unsigned)bits->data[from + i] << (8 * i);
  }
  return word >> (bits->at % 8);
}

static unsigned take(struct bits *bits, unsigned count) {
  assert(count <= 16);
  unsigned value = peek(bits) & ((1u << count) - 1);
  bits->at += count;
  return value;
}

/* The first code of each length (RFC 1951 3.2.2). */
static void first_codes(const uint8_t *lens, size_t count, unsigned out_first[CODE_BITS_MAX + 1]) {
  unsigned counts[CODE_BITS_MAX + 1] = {0};
  for (size_t i = 0; i < count; i++) {
    counts[lens[i]]++;
  }
  counts[0] = 0;
  out_first[0] = 0;
  for (size_t len = 1; len <= CODE_BITS_MAX; len++) {
    out_first[len] = (out_first[len - 1] + counts[len - 1]) << 1;
  }
}

/* Huffman codes are stored with their highest bit first (RFC 1951 3.1.1). */
static unsigned reversed(unsigned code, unsigned bits) {
  unsigned result = 0;
  for (unsigned i = 0; i < bits; i++) {
    result = result << 1 | (code >> i & 1);
  }
  return result;
}

static void read_length_codes(struct bits *bits, unsigned count,
                              struct length_code out_table[1 << LENGTH_CODE_BITS_MAX]) {
  assert(count <= LENGTH_SYMBOLS);
  static const uint8_t order[LENGTH_SYMBOLS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  uint8_t lens[LENGTH_SYMBOLS] = {0};
  unsigned next[CODE_BITS_MAX + 1];
  for (unsigned i = 0; i < count; i++) {
    lens[order[i]] = (uint8_t)take(bits, 3);
  }
  first_codes(lens, LENGTH_SYMBOLS, next);
  memset(out_table, 0, sizeof out_table[0] << LENGTH_CODE_BITS_MAX);
  for (unsigned symbol = 0; symbol < LENGTH_SYMBOLS; symbol++) {
    unsigned len = lens[symbol];
    unsigned step = 1u << len;
    for (unsigned i = len == 0 ? step << LENGTH_CODE_BITS_MAX : reversed(next[len]++, len);
         i < 1u << LENGTH_CODE_BITS_MAX; i += step) {
      out_table[i] = (struct length_code){(uint8_t)symbol, (uint8_t)len};
    }
  }
}

/* The lengths of the codes of `count` literals; a run may continue into the lengths of the distances. */
static bool read_code_lens(struct bits *bits, const struct length_code *table, unsigned count,
                           uint8_t out_lens[LITERALS_MAX + RUN_MAX]) {
  assert(count <= LITERALS_MAX);
  for (unsigned at = 0; at < count;) {
    struct length_code code = table[peek(bits) & ((1u << LENGTH_CODE_BITS_MAX) - 1)];
    unsigned run = 1;
    uint8_t len = code.symbol;
    if (code.bits == 0) {
      return false;
    }
    bits->at += code.bits;
    if (code.symbol == LENGTH_REPEAT) {
      len = at == 0 ? 0 : out_lens[at - 1];
      run = 3 + take(bits, 2);
    } else if (code.symbol == LENGTH_ZEROS) {
      len = 0;
      run = 3 + take(bits, 3);
    } else if (code.symbol == LENGTH_MANY_ZEROS) {
      len = 0;
      run = 11 + take(bits, 7);
    }
    memset(out_lens + at, len, run);
    at += run;
  }
  return true;
}

/* The code for "end of block" of the block whose head comes next; 0 when there is none, or when the code is 0. */
static unsigned read_end_code(struct bits *bits) {
  unsigned literals = 257 + take(bits, 5);
  take(bits, 5); /* of the distances */
  struct length_code table[1 << LENGTH_CODE_BITS_MAX];
  read_length_codes(bits, 4 + take(bits, 4), table);
  uint8_t lens[LITERALS_MAX + RUN_MAX];
  if (!read_code_lens(bits, table, literals, lens) || lens[END_OF_BLOCK] == 0) {
    return 0;
  }
  unsigned first[CODE_BITS_MAX + 1];
  first_codes(lens, literals, first);
  unsigned code = first[lens[END_OF_BLOCK]];
  for (size_t i = 0; i < END_OF_BLOCK; i++) {
    code += lens[i] == lens[END_OF_BLOCK];
  }
  return code;
}

/* How many bits are there before the zeros at the end of the bytes? */
static size_t bits_before_zeros(const uint8_t *data, size_t len) {
  while (len > 0 && data[len - 1] == 0) {
    len--;
  }
  return len == 0 ? 0 : len * 8 - (size_t)(__builtin_clz(data[len - 1]) - 24);
}

/* The bit after a block with dynamic codes; 0 when it cannot be found. */
static size_t end_of_coded(struct bits *bits) {
  unsigned code = read_end_code(bits);
  return code == 0 ? 0 : bits_before_zeros(bits->data, bits->len) + (size_t)__builtin_ctz(code);
}

/* The bit after a stored block, whose length begins on a byte boundary (RFC 1951 3.2.4). */
static size_t end_of_stored(struct bits *bits) {
  bits->at = 8;
  return (5 + (size_t)take(bits, 16)) * 8;
}

size_t stoa_ws_deflate_reopen(uint8_t *data, size_t len) {
  assert(len > 0);
  struct bits bits = {data, len, 0};
  bool last = take(&bits, 1) == 1;
  unsigned type = take(&bits, 2);
  size_t end = type == BLOCK_CODED ? end_of_coded(&bits) : type == BLOCK_STORED ? end_of_stored(&bits) : 0;
  if (!last || end == 0 || end > len * 8 || len * 8 - end > 7) {
    return 0;
  }
  data[0] &= 0xfe;
  /* RFC 1951 3.2.4: three zero bits, then zeros up to the byte boundary. The stream's last byte may have room for them.
   */
  if (len * 8 - end < 3) {
    data[len++] = 0;
  }
  return len;
}
