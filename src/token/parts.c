#include "token/parts.h"

#include "token/base64url.h"
#include "token/claims.h"
#include "token/members.h"
#include "token/reason.h"

static struct stoa_string take_part(struct stoa_string *rest, bool *out_has_dot) {
  const char *dot = rest->len == 0 ? NULL : memchr(rest->data, '.', rest->len);
  *out_has_dot = dot != NULL;
  struct stoa_string part = stoa_string_make(rest->data, dot == NULL ? rest->len : (size_t)(dot - rest->data));
  size_t used = part.len + (dot != NULL);
  *rest = stoa_string_make(used == 0 ? rest->data : rest->data + used, rest->len - used);
  return part;
}

/* A fourth part is a dot in the signature, which base64url does not have. */
int stoa_token_parts_split(struct stoa_string text, struct stoa_token_parts *out_parts,
                           struct stoa_token_error *error) {
  if (text.len > STOA_TOKEN_LEN_MAX) {
    return stoa_token_refuse(error, STOA_TOKEN_TOO_LONG, NULL);
  }
  struct stoa_string rest = text;
  bool has_first, has_second;
  out_parts->header = take_part(&rest, &has_first);
  out_parts->claims = take_part(&rest, &has_second);
  out_parts->signature = rest;
  if (!has_first || !has_second) {
    return stoa_token_refuse(error, STOA_TOKEN_MALFORMED, "a token has three parts with dots between them");
  }
  if (stoa_base64url_bytes(out_parts->header.len) > STOA_TOKEN_HEADER_BYTES_MAX) {
    return stoa_token_refuse(error, STOA_TOKEN_TOO_LONG, "the header is too long");
  }
  if (stoa_base64url_bytes(out_parts->claims.len) > STOA_TOKEN_CLAIMS_BYTES_MAX) {
    return stoa_token_refuse(error, STOA_TOKEN_TOO_LONG, "the claims are too long");
  }
  out_parts->signed_bytes = stoa_bytes_make(text.data, out_parts->header.len + 1 + out_parts->claims.len);
  return STOA_OK;
}

int stoa_token_part_decode(struct stoa_string part, const char *what, struct stoa_arena *arena,
                           struct stoa_bytes *out_bytes, struct stoa_token_error *error) {
  size_t len = stoa_base64url_bytes(part.len);
  uint8_t *bytes = stoa_arena_alloc(arena, len + 2);
  if (bytes == NULL) {
    return stoa_arena_status(arena);
  }
  if (!stoa_base64url_read(part, bytes)) {
    return stoa_token_refuse(error, STOA_TOKEN_MALFORMED, what);
  }
  *out_bytes = stoa_bytes_make(bytes, len);
  return STOA_OK;
}

static int decode_text(struct stoa_string part, const char *what, struct stoa_arena *arena,
                       struct stoa_string *out_text, struct stoa_token_error *error) {
  struct stoa_bytes bytes;
  int status = stoa_token_part_decode(part, what, arena, &bytes, error);
  if (status == STOA_OK) {
    *out_text = stoa_string_make((const char *)bytes.data, bytes.len);
  }
  return status;
}

/* Turn a status of stoa_token_members_read() into a refusal of the token, unless the arena's cap or memory is the
 * reason. */
static int refuse_json(int status, const struct stoa_arena *arena, const char *what, struct stoa_token_error *error) {
  bool is_of_caller =
      status == STOA_OK || status == STOA_E_MEMORY || (status == STOA_E_LIMIT && stoa_arena_status(arena) != STOA_OK);
  return is_of_caller ? status : stoa_token_refuse(error, STOA_TOKEN_MALFORMED, what);
}

struct header {
  struct stoa_string algorithm, kid;
  bool has_critical;
};

static const uint8_t *read_text(struct stoa_json_reader *reader, const uint8_t *at, struct stoa_string *out_text) {
  return stoa_json_is_at(reader, at, '"') ? stoa_json_read_string(reader, at + 1, out_text)
                                          : stoa_json_fail(reader, STOA_E_TYPE, "a string");
}

static const uint8_t *read_header_member(struct stoa_json_reader *reader, void *context, struct stoa_string name,
                                         const uint8_t *at) {
  static const struct stoa_string alg = STOA_STR("alg"), kid = STOA_STR("kid"), crit = STOA_STR("crit");
  struct header *header = context;
  if (stoa_string_equal(name, alg)) {
    return read_text(reader, at, &header->algorithm);
  }
  if (stoa_string_equal(name, kid)) {
    return read_text(reader, at, &header->kid);
  }
  header->has_critical = header->has_critical || stoa_string_equal(name, crit);
  return stoa_json_skip_value(reader, at);
}

int stoa_token_header_read(const struct stoa_token_parts *parts, struct stoa_arena *arena, struct stoa_token *token,
                           struct stoa_token_error *error) {
  int status = decode_text(parts->header, "the header is not base64url", arena, &token->header_json, error);
  if (status != STOA_OK) {
    return status;
  }
  struct header header = {.has_critical = false};
  status = stoa_token_members_read(token->header_json, arena, read_header_member, &header);
  status = refuse_json(status, arena, "the header is not a JSON object as it should be", error);
  if (status != STOA_OK) {
    return status;
  }
  if (header.algorithm.data == NULL) {
    return stoa_token_refuse(error, STOA_TOKEN_MALFORMED, "the header names no algorithm");
  }
  if (header.has_critical) {
    return stoa_token_refuse(error, STOA_TOKEN_CRITICAL, NULL);
  }
  token->algorithm = stoa_token_algorithm_of(header.algorithm);
  token->kid = header.kid;
  return STOA_OK;
}

int stoa_token_payload_read(const struct stoa_token_parts *parts, struct stoa_arena *arena, struct stoa_token *token,
                            struct stoa_token_error *error) {
  int status = decode_text(parts->claims, "the claims are not base64url", arena, &token->claims_json, error);
  if (status != STOA_OK) {
    return status;
  }
  const char *text = NULL;
  status = stoa_token_claims_read(token->claims_json, arena, &token->claims, &text);
  if (status == STOA_E_TYPE) {
    return stoa_token_refuse(error, STOA_TOKEN_BAD_CLAIM, text);
  }
  return refuse_json(status, arena, "the claims are not a JSON object as they should be", error);
}
