/* stoa/uuid.h: session ids, UUID version 4 (RFC 9562 5.4). */
#ifndef STOA_UUID_H
#define STOA_UUID_H

#include <stoa/bytes.h>
#include <stoa/export.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_UUID_TEXT_LEN 36

struct stoa_uuid {
  uint8_t bytes[16];
};

/* Make a random id. Each thread keeps a pool of random bytes, so few calls need a system call. After fork(2) only one
 * of the two processes may make ids; otherwise both make the same ones.
 * Thread: any.
 * Errors: STOA_E_SYSTEM  the kernel gave no random bytes; errno has the reason */
STOA_API int stoa_uuid_make(struct stoa_uuid *out_id);
/* 36 characters in lower case, then a NUL. */
STOA_API void stoa_uuid_format(const struct stoa_uuid *id, char out_text[STOA_UUID_TEXT_LEN + 1]);
/* Either case.
 * Errors: STOA_E_SYNTAX  not 36 characters, hexadecimal digits in the form 8-4-4-4-12 */
STOA_API int stoa_uuid_parse(struct stoa_string text, struct stoa_uuid *out_id);

static inline bool stoa_uuid_equal(const struct stoa_uuid *a, const struct stoa_uuid *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

#ifdef __cplusplus
}
#endif

#endif
