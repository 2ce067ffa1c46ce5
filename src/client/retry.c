#include "client/client_private.h"

#include <assert.h>

#include "base/sys.h"

#define DIGITS_MAX 9
/* A delay from the server is limited to an hour: no server should be able to keep a client away for weeks. */
#define TOLD_MS_MAX (60u * 60 * 1000)
/* From enum stoa_close_code (stoa/session.h), which is for servers: the error frame before it says when to reconnect.
 */
#define CLOSE_RATE 4013
#define CLOSE_FULL 4014

uint32_t stoa_client_field_number(const struct stoa_http_response *response, const uint8_t *data, const char *name) {
  struct stoa_string text = stoa_http_response_field(response, data, name, NULL);
  uint32_t value = 0;
  if (text.data == NULL || text.len > DIGITS_MAX) {
    return 0;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return 0;
    }
    value = 10 * value + (uint32_t)(text.data[i] - '0');
  }
  return value;
}

uint32_t stoa_client_retry_after_ms(const struct stoa_http_response *response, const uint8_t *data) {
  uint32_t told_s = stoa_client_field_number(response, data, "Retry-After");
  return told_s < TOLD_MS_MAX / 1000 ? told_s * 1000 : TOLD_MS_MAX;
}

/* 408, 425, 429 and all of 5xx are temporary. Every other 4xx is about the request, which will be the same next time.
 */
static bool is_refused_for_good(uint16_t http_status) {
  return http_status >= 400 && http_status <= 499 && http_status != 408 && http_status != 425 && http_status != 429;
}

bool stoa_client_is_final(const struct stoa_client *client, const struct stoa_connection_end *end) {
  bool stopped = end->close_code >= 4500 && end->close_code <= 4999;
  return client->ending || client->settings.once || stopped || is_refused_for_good(end->http_status) ||
         end->status == STOA_E_UNSUPPORTED;
}

/* Full jitter: a thousand clients that lost one server do not reconnect at the same moment. Without random bytes the
 * longest wait is used, which is safe. */
static uint32_t jittered_ms(struct stoa_client *client) {
  uint64_t least = client->settings.retry_min_ms;
  uint64_t bound = least << (client->tries < 31 ? client->tries + 1 : 32);
  uint32_t random = UINT32_MAX;
  if (bound > client->settings.retry_max_ms) {
    bound = client->settings.retry_max_ms;
  }
  assert(bound >= least);
  client->tries++;
  int ignored = stoa_random_pooled(&random, sizeof random);
  (void)ignored;
  return (uint32_t)(least + (((bound - least + 1) * random) >> 32));
}

/* The delay from the server is added to the random time and does not replace it: all clients that were refused at one
 * moment got the same delay. */
uint32_t stoa_client_next_delay_ms(struct stoa_client *client, const struct stoa_connection_end *end) {
  bool told_by_error = end->close_code == CLOSE_RATE || end->close_code == CLOSE_FULL;
  uint32_t told_ms = told_by_error ? client->told_retry_ms : end->retry_ms;
  uint64_t delay_ms = (uint64_t)jittered_ms(client) + (told_ms < TOLD_MS_MAX ? told_ms : TOLD_MS_MAX);
  return delay_ms < UINT32_MAX ? (uint32_t)delay_ms : UINT32_MAX;
}
