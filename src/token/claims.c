#include "token/claims.h"

#include <stddef.h>

#include "base/array.h"
#include "codec/number.h"
#include "codec/table.h"
#include "token/members.h"

#define US_PER_S 1000000

struct claim {
  const char *name;
  const char *fault;
  const uint8_t *(*read)(struct stoa_json_reader *reader, const struct claim *claim, struct stoa_token_claims *claims,
                         const uint8_t *at);
  size_t offset;
  size_t presence; /* of a date */
};

struct reading {
  struct stoa_token_claims *claims;
  const char **out_text;
};

static const uint8_t *fail(struct stoa_json_reader *reader) {
  return stoa_json_fail(reader, STOA_E_TYPE, "a claim");
}

static const uint8_t *read_string(struct stoa_json_reader *reader, const uint8_t *at, struct stoa_string *out_text) {
  return stoa_json_is_at(reader, at, '"') ? stoa_json_read_string(reader, at + 1, out_text) : fail(reader);
}

static const uint8_t *read_text(struct stoa_json_reader *reader, const struct claim *claim,
                                struct stoa_token_claims *claims, const uint8_t *at) {
  return read_string(reader, at, (struct stoa_string *)(void *)((char *)claims + claim->offset));
}

static const uint8_t *push_audience(struct stoa_json_reader *reader, struct stoa_list *list, const uint8_t *at) {
  if (list->count == STOA_TOKEN_AUDIENCES_MAX) {
    return fail(reader);
  }
  struct stoa_string *item = stoa_list_push(list, sizeof *item, reader->arena);
  return item == NULL ? stoa_json_fail_arena(reader) : read_string(reader, at, item);
}

static const uint8_t *read_audience(struct stoa_json_reader *reader, const struct claim *claim,
                                    struct stoa_token_claims *claims, const uint8_t *at) {
  (void)claim;
  struct stoa_list list = {0};
  bool is_array = stoa_json_is_at(reader, at, '[');
  at = is_array ? stoa_json_skip_space(reader, at + 1) : push_audience(reader, &list, at);
  bool is_end = !is_array || stoa_json_is_at(reader, at, ']');
  at += is_array && is_end;
  while (!is_end && at != NULL) {
    at = push_audience(reader, &list, at);
    at = at == NULL ? NULL : stoa_json_read_comma(reader, at, ']', &is_end);
  }
  claims->audiences = list.items;
  claims->audience_count = list.count;
  return at;
}

/* Microseconds; further digits are cut off. False when the date is out of range. */
static bool date_of(const struct stoa_decimal *decimal, int64_t *out_us) {
  const uint64_t us_max = (uint64_t)STOA_TOKEN_DATE_S_MAX * US_PER_S;
  uint64_t us = decimal->digits;
  if (us == 0) {
    *out_us = 0;
    return true;
  }
  int64_t exponent = decimal->exponent + 6;
  for (; exponent < 0 && us > 0; exponent++) {
    us /= 10;
  }
  for (; exponent > 0 && us <= us_max; exponent--) {
    us *= 10;
  }
  *out_us = (int64_t)us;
  return !decimal->is_negative && us <= us_max;
}

/* NumericDate (RFC 7519 2): a number, possibly with a fraction, never a string. */
static const uint8_t *read_date(struct stoa_json_reader *reader, const struct claim *claim,
                                struct stoa_token_claims *claims, const uint8_t *at) {
  struct stoa_decimal decimal;
  int64_t us;
  at = stoa_decimal_read(at, reader->end, &decimal);
  if (at == NULL || !date_of(&decimal, &us)) {
    return fail(reader);
  }
  *(int64_t *)(void *)((char *)claims + claim->offset) = us;
  *(bool *)((char *)claims + claim->presence) = true;
  return at;
}

#define CLAIM_TEXT(name, member) \
  { name, name " is not a string", read_text, offsetof(struct stoa_token_claims, member), 0 }
#define CLAIM_DATE(name, member, has_member)                                                       \
  {                                                                                                \
    name, name " is not a number of seconds up to the year 9999", read_date,                       \
        offsetof(struct stoa_token_claims, member), offsetof(struct stoa_token_claims, has_member) \
  }

static const struct claim registered[] = {
    CLAIM_TEXT("iss", issuer),
    CLAIM_TEXT("sub", subject),
    CLAIM_TEXT("jti", id),
    {"aud", "aud is neither a string nor an array of at most 32 strings", read_audience, 0, 0},
    CLAIM_DATE("exp", expires_us, has_expires),
    CLAIM_DATE("nbf", not_before_us, has_not_before),
    CLAIM_DATE("iat", issued_us, has_issued),
};

static const uint8_t *read_claim(struct stoa_json_reader *reader, void *context, struct stoa_string name,
                                 const uint8_t *at) {
  const struct reading *reading = context;
  for (size_t i = 0; i < STOA_COUNT_OF(registered); i++) {
    const struct claim *claim = &registered[i];
    if (!stoa_string_equal(stoa_string_of(claim->name), name)) {
      continue;
    }
    at = claim->read(reader, claim, reading->claims, at);
    if (at == NULL && reader->status == STOA_E_TYPE) {
      *reading->out_text = claim->fault;
    }
    return at;
  }
  return stoa_json_skip_value(reader, at);
}

int stoa_token_claims_read(struct stoa_string json, struct stoa_arena *arena, struct stoa_token_claims *out_claims,
                           const char **out_text) {
  struct stoa_token_claims claims = {.has_expires = false};
  struct reading reading = {.claims = &claims, .out_text = out_text};
  int status = stoa_token_members_read(json, arena, read_claim, &reading);
  if (status == STOA_OK) {
    *out_claims = claims;
  }
  return status;
}
