/* net/proxy_input.h: the header of the PROXY protocol in front of a connection, before TLS and HTTP.
 *
 * Only the header's own bytes are taken from the kernel, so that what follows is read by whoever comes next.
 *
 * Does not know: who is trusted; what a client's address is good for.
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
  /* There is none, or a broken one; the stream is dropped next. */
  void (*on_bad_header)(struct stoa_stream *stream);
  /* It has ended before a header came: free it at the end of the turn. */
  void (*on_end)(struct stoa_stream *stream);
};

/* `protocol.host`, header_ms and the callbacks are set by the caller. */
void stoa_proxy_host_init(struct stoa_proxy_host *host);
/* Act on a deadline that has come; returns when the next one is. */
uint64_t stoa_proxy_on_deadline(struct stoa_stream *stream, uint64_t now_ms);

#endif
