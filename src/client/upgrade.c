#include "client/client_private.h"

#include <assert.h>

#include "base/sys.h"
#include "codec/base64.h"

#define REQUEST_BYTES_MAX (32u * 1024)
#define KEY_BYTES 16

int stoa_client_write_request(struct stoa_client *client) {
  assert(client->phase == STOA_PHASE_UPGRADING);
  uint8_t key[KEY_BYTES];
  struct stoa_buffer request;
  int status = stoa_random_pooled(key, sizeof key);
  if (status != STOA_OK) {
    return status;
  }
  stoa_base64_write(stoa_bytes_make(key, sizeof key), (uint8_t *)client->offer.key);
  stoa_buffer_init(&request, REQUEST_BYTES_MAX);
  status = stoa_ws_offer_write(&client->offer, &request);
  if (status == STOA_OK) {
    status = stoa_client_queue(client, request.data, request.len);
  }
  stoa_buffer_fini(&request);
  return status;
}

/* The upgrade was accepted: messages may be sent. */
static void open_session(struct stoa_client *client) {
  static const struct stoa_connection_end nothing;
  assert(client->phase == STOA_PHASE_UPGRADING);
  stoa_loop_timer_stop(client->loop, &client->phase_timer);
  client->opened_ms = stoa_loop_now_ms(client->loop);
  client->told_retry_ms = 0;
  stoa_ws_reader_init(&client->reader, false, client->deflate);
  stoa_client_enter(client, STOA_PHASE_OPEN);
  stoa_client_watch_silence(client);
  stoa_client_tell(client, &nothing, 0);
}

/* Returns the length of the answer; 0 while it is incomplete and when it was refused. */
size_t stoa_client_read_answer(struct stoa_client *client) {
  static const struct stoa_http_limits limits = {.head_bytes_max = STOA_CLIENT_HEAD_BYTES_MAX,
                                                 .fields_max = STOA_HTTP_FIELDS_MAX};
  const struct stoa_http_response *response = &client->response;
  int status = stoa_http_response_parse(&client->response, &limits, client->input, client->input_len);
  if (status == STOA_E_AGAIN) {
    return 0;
  }
  if (status != STOA_OK) {
    /* Not the subprotocol is unsupported here but HTTP, and that may change with who answers. */
    stoa_client_drop_for(client, status == STOA_E_UNSUPPORTED ? STOA_E_SYNTAX : status, "not an HTTP/1.1 answer");
    return 0;
  }
  struct stoa_connection_end end = {0};
  end.status = stoa_ws_offer_check(&client->offer, response, client->input, &client->deflate, &end.reason);
  if (end.status != STOA_OK) {
    if (end.status == STOA_E_DENIED) {
      end.http_status = response->status;
      end.retry_ms = stoa_client_retry_after_ms(response, client->input);
    }
    stoa_client_drop(client, &end);
    return 0;
  }
  size_t head_len = response->head_len;
  stoa_client_learn_interval(client, response, client->input);
  open_session(client);
  return head_len;
}
