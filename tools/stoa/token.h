/* tools/stoa/token.h: shared by the three commands of `stoa token`. */
#ifndef STOA_TOOL_TOKEN_H
#define STOA_TOOL_TOKEN_H

#include <stoa/token.h>

/* Each reads its own options; argv[0] is its name. Returns the exit status. */
int token_key(int argc, char **argv);
int token_sign(int argc, char **argv);
int token_inspect(int argc, char **argv);

/* The only argument after the options, or standard input when there is none or it is "-", without blanks at its ends.
 * False when there is more than one, or the input is too long; the reason is on stderr then. */
bool token_input(int argc, char **argv, struct stoa_buffer *out_text);

/* Write a new file with this mode; an existing file is not changed. False with the reason on stderr. */
bool token_write_file(const char *path, unsigned mode, const struct stoa_buffer *content);

/* Since 1970, by the system's clock. */
int64_t token_now_us(void);

/* "90", "90s", "15m", "12h", "30d" in seconds. False for anything else, and for 0. */
bool token_read_span(const char *text, int64_t *out_s);

#endif
