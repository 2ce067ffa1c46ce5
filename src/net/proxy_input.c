#include "net/proxy_input.h"

#include "base/container.h"
#include "base/memory.h"

#include <assert.h>

static struct stoa_proxy_host *host_of(const struct stoa_stream *stream) {
  return stoa_container_of(stream->protocol, struct stoa_proxy_host, protocol);
}

static struct stoa_stream_input *make_input(struct stoa_stream *stream) {
  (void)stream;
  return stoa_calloc(1, sizeof(struct stoa_stream_input));
}

static void free_input(struct stoa_stream_input *input) {
  stoa_free(input);
}

static bool input_is_idle(const struct stoa_stream_input *input) {
  (void)input;
  return true;
}

static size_t on_input(struct stoa_stream *stream, uint8_t *data, size_t len) {
  struct stoa_proxy_header header;
  size_t used = 0;
  int status = stoa_proxy_parse(data, len, &header, &used);
  if (status == STOA_OK) {
    assert(used <= len);
    host_of(stream)->on_header(stream, &header);
  } else if (status != STOA_E_AGAIN) {
    host_of(stream)->on_bad_header(stream);
    stoa_stream_drop(stream);
  }
  return used;
}

static void on_input_end(struct stoa_stream *stream, int status) {
  (void)status;
  stoa_stream_drop(stream);
}

static void on_nothing(struct stoa_stream *stream) {
  (void)stream;
}

static void on_closed(struct stoa_stream *stream) {
  assert(stream->state == STOA_STREAM_CLOSED);
  host_of(stream)->on_end(stream);
}

void stoa_proxy_host_init(struct stoa_proxy_host *host) {
  host->protocol.peeks = true;
  host->protocol.on_input = on_input;
  host->protocol.on_input_end = on_input_end;
  host->protocol.make_input = make_input;
  host->protocol.free_input = free_input;
  host->protocol.input_is_idle = input_is_idle;
  host->protocol.on_doomed = stoa_stream_drop;
  host->protocol.on_half_closed = stoa_stream_drop;
  host->protocol.on_progress = on_nothing;
  host->protocol.on_share = on_nothing;
  host->protocol.on_empty = on_nothing;
  host->protocol.on_closed = on_closed;
}

uint64_t stoa_proxy_on_deadline(struct stoa_stream *stream, uint64_t now_ms) {
  uint32_t passed = (uint32_t)now_ms - stream->since_ms;
  uint32_t limit_ms = host_of(stream)->header_ms;
  if (passed < limit_ms) {
    return now_ms + (limit_ms - passed);
  }
  if (stream->listed || stoa_conn_has_input(&stream->conn)) {
    return now_ms + STOA_STREAM_UNREAD_MS;
  }
  stoa_stream_drop(stream);
  return now_ms;
}
