/* text.h: text that grows at its end, and some forms of C code.
 *
 * Lifetime: everything is allocated in the pool.
 */
#ifndef PLUGIN_TEXT_H
#define PLUGIN_TEXT_H

#include <stddef.h>

#define TEXT_COLUMNS 120

/* A zeroed one is empty and ready. */
struct text {
  char *data; /* NULL until something is added; terminated */
  size_t len;
  size_t capacity;
};

void text_add(struct text *text, const char *added);
void text_add_bytes(struct text *text, const char *data, size_t len);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A new terminated string. */
const char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The shortest text with the same value: "0.1". */
const char *text_real(double value);

/* `raw` as a C string literal with its quotes, pure ASCII. */
void text_add_literal(struct text *text, const char *raw);
/* `raw` as a JSON string with its quotes. */
void text_add_json(struct text *text, const char *raw);
/* `raw`, lines of a .proto file's comment, as a C block comment and a line end. Nothing when there is no text. */
void text_add_comment(struct text *text, const char *indent, const char *raw);
/* `head(a, b)tail`, where lines that would be too long are broken and aligned after the parenthesis. `head` is at the
 * start of a line. */
void text_add_call(struct text *text, const char *head, const char *const *arguments, size_t count, const char *tail);

#endif
