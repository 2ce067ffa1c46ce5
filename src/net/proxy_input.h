/* net/proxy_input.h: reads the header of the PROXY protocol, which comes before TLS and HTTP.
 *
 * It takes only the header's bytes from the kernel, so that the next protocol reads the rest.
 *
 * Does not know: which proxies are trusted; how the client's address is used.
 * Thread: the worker's. Lifetime: a part of the worker.
 */
#ifndef STOA_NET_PROXY_INPUT_H
#define STOA_NET_PROXY_INPUT_H

#include "net/stream.h"
#include "wire/proxy.h"

struct stoa_proxy_host {
  struct stoa_protocol protocol; /* first; stoa_proxy_host_init() fills it */
  uint32_t header_ms;            /* from the accept to a whole header */
  /* The header is there. The callee sets the stream's next protocol, and drops it when it cannot. */
  void (*on_header)(struct stoa_stream *stream, const struct stoa_proxy_header *header);
  /* The header is missing or broken; the stream is dropped next. */
  void (*on_bad_header)(struct stoa_stream *stream);
  /* The stream ended before a header came: free it at the end of the turn. */
  void (*on_end)(struct stoa_stream *stream);
};

/* `protocol.host`, header_ms and the callbacks are set by the caller. */
void stoa_proxy_host_init(struct stoa_proxy_host *host);
/* Handle a deadline that is due; returns when the next one is due. */
uint64_t stoa_proxy_on_deadline(struct stoa_stream *stream, uint64_t now_ms);

#endif
