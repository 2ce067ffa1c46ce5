/* token/jwk_read.c: reads a JWK Set into structs, with tables like those from protoc-gen-stoa. */
#include <stddef.h>

#include "base/array.h"
#include "token/jwk.h"

#define NAMED(field_name) \
  .name = field_name, .json_name = field_name, .name_len = sizeof field_name - 1, .json_name_len = sizeof field_name - 1

#define TEXT(field_number, member) \
  { NAMED(#member), .number = field_number, .kind = STOA_KIND_STRING, .offset = offsetof(struct stoa_jwk, member) }

static const struct stoa_field jwk_fields[] = {
    TEXT(1, kty),
    TEXT(2, use),
    TEXT(3, alg),
    TEXT(4, kid),
    {NAMED("key_ops"), .number = 5, .kind = STOA_KIND_STRING, .label = STOA_LABEL_REPEATED,
     .offset = offsetof(struct stoa_jwk, key_ops)},
    TEXT(6, n),
    TEXT(7, e),
    TEXT(8, crv),
    TEXT(9, x),
    TEXT(10, y),
    TEXT(11, k),
    TEXT(12, d),
};

static const struct stoa_message_type jwk_type = {.full_name = "stoa.token.Jwk",
                                                  .abi = STOA_DESCRIPTOR_ABI,
                                                  .size = sizeof(struct stoa_jwk),
                                                  .fields = jwk_fields,
                                                  .field_count = STOA_COUNT_OF(jwk_fields),
                                                  .unknown_offset = UINT32_MAX};

static const struct stoa_field set_fields[] = {{NAMED("keys"), .number = 1, .kind = STOA_KIND_MESSAGE,
                                                .label = STOA_LABEL_REPEATED,
                                                .offset = offsetof(struct stoa_jwk_set, keys), .message = &jwk_type}};

static const struct stoa_message_type set_type = {.full_name = "stoa.token.JwkSet",
                                                  .abi = STOA_DESCRIPTOR_ABI,
                                                  .size = sizeof(struct stoa_jwk_set),
                                                  .fields = set_fields,
                                                  .field_count = 1,
                                                  .unknown_offset = UINT32_MAX};

/* `keys[0].k: expected string, got 17` would show a part of a secret. */
static void hide_value(struct stoa_codec_error *error) {
  char *value = strstr(error->text, ", got ");
  if (value != NULL) {
    *value = '\0';
  }
}

int stoa_jwk_set_read(struct stoa_bytes json, struct stoa_arena *arena, struct stoa_jwk_set *out_set,
                      struct stoa_codec_error *out_error) {
  int status = stoa_codec_json.decode(&set_type, json, arena, out_set, out_error);
  hide_value(out_error);
  return status;
}
