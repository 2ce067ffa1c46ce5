/* codec/fault.h: the text of a decoding error, built while the decoder returns from where it failed.
 *
 * The function that fails writes the reason; each level above it adds its own name in front while it returns. Valid
 * input pays nothing for paths. When a path does not fit, its front is replaced by "...".
 */
#ifndef STOA_CODEC_FAULT_H
#define STOA_CODEC_FAULT_H

#include <stoa/codec.h>

struct stoa_fault {
  struct stoa_codec_error *error; /* borrowed; NULL: the caller does not need the text */
  bool has_path;
  bool is_full; /* the front of the path is lost */
};

/* Start with an empty text. `error` may be NULL. */
static inline void stoa_fault_init(struct stoa_fault *fault, struct stoa_codec_error *error) {
  fault->error = error;
  fault->has_path = false;
  fault->is_full = false;
  if (error != NULL) {
    error->text[0] = '\0';
  }
}
/* The reason, before any path. */
void stoa_fault_set(struct stoa_fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The arena has just returned NULL. Returns STOA_E_MEMORY when memory is out; otherwise STOA_E_LIMIT, because the input
 * needs more than the arena's cap. */
int stoa_fault_arena(struct stoa_fault *fault, const struct stoa_arena *arena);
/* Put `name`, `[index]` or `["key"]` in front of the text. */
void stoa_fault_name(struct stoa_fault *fault, const char *name);
void stoa_fault_index(struct stoa_fault *fault, size_t index);
void stoa_fault_key(struct stoa_fault *fault, struct stoa_string key);

/* The bytes of the input that are shown; the rest becomes "...". */
#define STOA_FAULT_QUOTED_MAX 24
/* Every byte as \xNN, the dots and a NUL. */
#define STOA_FAULT_QUOTE_SIZE (STOA_FAULT_QUOTED_MAX * 4 + 4)
/* The beginning of `raw`, terminated; control bytes and bytes that are not UTF-8 are escaped. */
void stoa_fault_quote(struct stoa_string raw, char out_text[STOA_FAULT_QUOTE_SIZE]);

/* "uint32", "an object": the expected value of a field, for messages. */
const char *stoa_fault_kind_name(uint8_t kind);

#endif
