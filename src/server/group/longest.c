#include "server/group/longest.h"

#include "codec/bound.h"

/* For a codec that the program added there is no bound before it has encoded. */
static size_t payload_max(const struct stoa_format *format, const struct stoa_codec_bound *bound) {
  return format->codec == &stoa_codec_json ? bound->json : format->codec == &stoa_codec_proto ? bound->proto : SIZE_MAX;
}

static int check_format(const struct stoa_format *format, struct stoa_outgoing *outgoing) {
  size_t len;
  int status = stoa_format_measure(format, outgoing, &len);
  if (status == STOA_E_TYPE) {
    return STOA_OK;
  }
  return status == STOA_OK && len > outgoing->body_bytes_max ? STOA_E_LIMIT : status;
}

/* Most messages are so short that no format can make them too long. Quoting at most doubles JSON. */
static bool is_short(const struct stoa_formats *formats, const struct stoa_codec_bound *bound, size_t body_bytes_max) {
  size_t longest = bound->json > bound->proto ? bound->json : bound->proto;
  return !formats->has_own_codec && longest <= SIZE_MAX / 4 &&
         longest * 2 + STOA_TYPED_TEXT_AROUND_MAX <= body_bytes_max;
}

int stoa_longest_check(const struct stoa_formats *formats, struct stoa_outgoing *outgoing) {
  const struct stoa_codec_bound bound = stoa_codec_bound_of(outgoing->message_type, outgoing->message);
  if (is_short(formats, &bound, outgoing->body_bytes_max)) {
    return STOA_OK;
  }
  int status = STOA_OK;
  for (size_t i = 0; i < formats->count && status == STOA_OK; i++) {
    const struct stoa_format *format = &formats->items[i];
    if (format->writing == i && !format->is_events &&
        stoa_format_body_max(format, payload_max(format, &bound)) > outgoing->body_bytes_max) {
      status = check_format(format, outgoing);
    }
  }
  return status;
}
