/* codec/registry.h: codecs by name.
 *
 * Thread: adding before the server starts, finding on any thread. Lifetime: codecs are borrowed and must outlive the
 * registry.
 */
#ifndef STOA_CODEC_REGISTRY_H
#define STOA_CODEC_REGISTRY_H

#include <stoa/codec.h>

#define STOA_CODECS_MAX 8
/* For "stoa." and the name of a codec, with the NUL at the end. */
#define STOA_SUBPROTOCOL_LEN_MAX 48

struct stoa_codec_registry {
  const struct stoa_codec *codecs[STOA_CODECS_MAX];
  size_t count;
};

/* The registry then has json and proto, in this order. */
void stoa_codec_registry_init(struct stoa_codec_registry *registry);
/* Errors: STOA_E_ARGUMENT  the name is not [a-z0-9-]{1,32} or a function is missing; STOA_E_EXISTS  the name is taken;
 *         STOA_E_LIMIT  the registry has STOA_CODECS_MAX codecs */
int stoa_codec_registry_add(struct stoa_codec_registry *registry, const struct stoa_codec *codec);
/* NULL when there is none of that name. */
const struct stoa_codec *stoa_codec_registry_find(const struct stoa_codec_registry *registry, struct stoa_string name);

#endif
