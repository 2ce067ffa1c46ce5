/* token/claims_write.c: writes claims as JSON. */
#include "codec/json_write.h"
#include "codec/number.h"
#include "token/claims.h"

#define US_PER_S 1000000

/* Fields without presence that are 0, false or empty are not written as claims. */
static const struct stoa_json_options options = {.emit_unpopulated = false};

/* Write `"name":`, after a comma unless it is the first. */
static int write_name(struct stoa_json_writer *writer, const char *name) {
  const struct stoa_buffer *out = writer->out;
  bool is_first = out->data[out->len - 1] == '{';
  struct stoa_string text = stoa_string_of(name);
  int status = is_first ? STOA_OK : stoa_json_write_char(writer, ',');
  status = status == STOA_OK ? stoa_json_write_string(writer, &text) : status;
  return status == STOA_OK ? stoa_json_write_char(writer, ':') : status;
}

static int write_text(struct stoa_json_writer *writer, const char *name, struct stoa_string text) {
  if (text.data == NULL) {
    return STOA_OK;
  }
  int status = write_name(writer, name);
  return status == STOA_OK ? stoa_json_write_string(writer, &text) : status;
}

/* `1300819380`, or `1300819380.25` with a fraction of a second. */
static size_t format_date(int64_t us, char *out_text) {
  size_t len = stoa_number_write((uint64_t)us / US_PER_S, out_text);
  uint64_t fraction = (uint64_t)us % US_PER_S;
  if (fraction == 0) {
    return len;
  }
  out_text[len++] = '.';
  for (uint64_t unit = US_PER_S / 10; fraction > 0; unit /= 10) {
    out_text[len++] = (char)('0' + fraction / unit);
    fraction %= unit;
  }
  return len;
}

static int write_date(struct stoa_json_writer *writer, const char *name, bool has_date, int64_t us) {
  if (!has_date) {
    return STOA_OK;
  }
  if (us < 0 || us > STOA_TOKEN_DATE_S_MAX * US_PER_S) {
    return STOA_E_TYPE;
  }
  char text[STOA_NUMBER_TEXT_MAX + 8];
  size_t len = format_date(us, text);
  int status = write_name(writer, name);
  return status == STOA_OK ? stoa_json_write_text(writer, text, len) : status;
}

/* One audience is a string, more are an array. */
static int write_audiences(struct stoa_json_writer *writer, const struct stoa_token_claims *claims) {
  if (claims->audience_count <= 1) {
    return claims->audience_count == 0 ? STOA_OK : write_text(writer, "aud", claims->audiences[0]);
  }
  int status = write_name(writer, "aud");
  status = status == STOA_OK ? stoa_json_write_open(writer, '[') : status;
  for (size_t i = 0; i < claims->audience_count && status == STOA_OK; i++) {
    status = i == 0 ? STOA_OK : stoa_json_write_char(writer, ',');
    status = status == STOA_OK ? stoa_json_write_string(writer, &claims->audiences[i]) : status;
  }
  return status == STOA_OK ? stoa_json_write_close(writer, ']') : status;
}

static int write_registered(struct stoa_json_writer *writer, const struct stoa_token_claims *claims) {
  int status = write_text(writer, "iss", claims->issuer);
  status = status == STOA_OK ? write_text(writer, "sub", claims->subject) : status;
  status = status == STOA_OK ? write_audiences(writer, claims) : status;
  status = status == STOA_OK ? write_date(writer, "exp", claims->has_expires, claims->expires_us) : status;
  status = status == STOA_OK ? write_date(writer, "nbf", claims->has_not_before, claims->not_before_us) : status;
  status = status == STOA_OK ? write_date(writer, "iat", claims->has_issued, claims->issued_us) : status;
  return status == STOA_OK ? write_text(writer, "jti", claims->id) : status;
}

static int write_own(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message) {
  const struct stoa_buffer *out = writer->out;
  bool is_first = out->data[out->len - 1] == '{';
  if (type != NULL && type->special != STOA_SPECIAL_NONE) {
    return STOA_E_TYPE;
  }
  return type == NULL ? STOA_OK : stoa_json_write_members(writer, type, message, is_first);
}

int stoa_token_write_claims(const struct stoa_token_claims *claims, const struct stoa_message_type *type,
                            const void *message, struct stoa_buffer *out_json) {
  size_t len_before = out_json->len;
  struct stoa_json_writer writer = {.out = out_json, .options = &options};
  int status = stoa_json_write_open(&writer, '{');
  status = status == STOA_OK ? write_registered(&writer, claims) : status;
  status = status == STOA_OK ? write_own(&writer, type, message) : status;
  status = status == STOA_OK ? stoa_json_write_close(&writer, '}') : status;
  if (status != STOA_OK) {
    out_json->len = len_before;
  }
  return status;
}
