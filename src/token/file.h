/* token/file.h: the content of a small file that may hold secrets. */
#ifndef STOA_TOKEN_FILE_H
#define STOA_TOKEN_FILE_H

#include <stoa/token.h>

struct stoa_token_file {
  uint8_t *data; /* owned */
  size_t len;
  bool is_open_to_read; /* users other than the owner and the group may read it */
};

/* Read the whole file.
 *
 * out_why  static; set unless memory is out
 * Errors: STOA_E_NOT_FOUND; STOA_E_SYSTEM  it cannot be read, or is no regular file; STOA_E_DENIED  others may write
 * it; STOA_E_LIMIT  more than STOA_TOKEN_KEY_BYTES_MAX; STOA_E_MEMORY */
int stoa_token_file_read(const char *path, struct stoa_token_file *out_file, const char **out_why);
/* Overwrite and release. A zeroed one is fine. */
void stoa_token_file_fini(struct stoa_token_file *file);

#endif
