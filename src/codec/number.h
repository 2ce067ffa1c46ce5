/* codec/number.h: numbers from and to text, exactly and independent of the locale. */
#ifndef STOA_CODEC_NUMBER_H
#define STOA_CODEC_NUMBER_H

#include <locale.h>
#include <stoa/arena.h>

/* Use the C locale in this thread, so that the decimal separator is a point. Returns the previous locale, for
 * uselocale(). */
locale_t stoa_number_use_c_locale(void);

/* A number of RFC 8259 6: (negative ? -1 : 1) * digits * 10^exponent. */
struct stoa_decimal {
  uint64_t digits;
  int64_t exponent;
  bool is_negative;
  bool is_exact; /* no digit was dropped because it did not fit */
};

/* The byte after the number, or NULL when there is no number here. */
const uint8_t *stoa_decimal_read(const uint8_t *at, const uint8_t *end, struct stoa_decimal *out_decimal);
/* Is the number whole (1.0 and 1e2 are), and does its magnitude fit? */
bool stoa_decimal_is_whole(const struct stoa_decimal *decimal, uint64_t *out_magnitude);

/* The nearest double or float. `text` is the text that stoa_decimal_read() read.
 * Errors: STOA_E_TYPE  too large; STOA_E_MEMORY  the arena returned NULL; its status says why */
int stoa_decimal_double(const struct stoa_decimal *decimal, struct stoa_bytes text, struct stoa_arena *arena,
                        double *out_value);
int stoa_decimal_float(const struct stoa_decimal *decimal, struct stoa_bytes text, struct stoa_arena *arena,
                       float *out_value);

#define STOA_NUMBER_TEXT_MAX 32

/* These write up to STOA_NUMBER_TEXT_MAX bytes and return how many; a NUL after them is not guaranteed. */
size_t stoa_number_write(uint64_t value, char *out_text);
size_t stoa_number_write_signed(int64_t value, char *out_text);
/* The shortest text that reads back as the same value, which must be finite. */
size_t stoa_number_write_double(double value, char *out_text);
size_t stoa_number_write_float(float value, char *out_text);

#endif
