/* tests/server/streaming.h: a server of stream.proto, and what its clients send and get.
 *
 * What Count does:
 *   now, fail     sends so many numbers before it returns, then ends well, or with the error BUSY
 *   refuse        BUSY at once
 *   keep          keeps the handle, for streaming_take()
 *   worker        so many numbers, each time until there is no more room, then the end
 *   half          the same, with BUSY after half of them
 *   end here, fail here, drop here, close   the same with the handle, before it returns
 *   broken        a number that cannot be encoded, one that can, and the end
 *   take          stoa_call_take() in the handler of a stream
 * Sync answers. */
#ifndef TESTS_SERVER_STREAMING_H
#define TESTS_SERVER_STREAMING_H

#include <stdatomic.h>
#include <stoa/call_stream.h>

#include "fixture.h"
#include "stream.stoa.h"

#define STREAMING_TYPE 7u
#define STREAMING_SYNC 8u
#define STREAMING_ITEM (0xa0000000u | STREAMING_TYPE)
#define STREAMING_END (0x80000000u | STREAMING_TYPE)
#define STREAMING_ERROR (0xc0000000u | STREAMING_TYPE)

/* Streams whose last event came; times that a stream of "worker" or "half" found no more room. */
extern struct counter streaming_closed, streaming_full;
/* The longest queue of a session when there was no more room. */
extern atomic_size_t streaming_queued_max;

void streaming_start(struct fixture *fixture, const struct stoa_server_config *config,
                     const struct stoa_callbacks *callbacks);
/* In two steps, for middlewares between them. */
void streaming_create(struct fixture *fixture, const struct stoa_server_config *config,
                      const struct stoa_callbacks *callbacks);
void streaming_begin(struct fixture *fixture);

/* A handle that was kept, with what its events told. */
struct streaming_kept {
  struct stoa_call_stream *stream;
  struct counter ready, closed;
  bool was_consumed; /* at the last event */
};
/* The next one; waits for it. It stays valid until the next start. */
struct streaming_kept *streaming_take(void);
/* Drop those that were not taken. */
void streaming_drop_kept(void);
int streaming_send(struct stoa_call_stream *stream, uint64_t number);

/* The client's side, with the codec json. */

void streaming_call(struct client *client, uint32_t id, const char *how, uint64_t count);
void streaming_cancel(struct client *client, uint32_t id);
void streaming_grant(struct client *client, uint32_t id, uint32_t bytes);
/* Any frame of a call. */
void streaming_control(struct client *client, uint32_t word, uint32_t id, const void *payload, size_t len);
/* Everything that was sent before has been handled. */
void streaming_sync(struct client *client);

struct streaming_frame {
  uint32_t word, id;
  const char *payload; /* until the next call */
  size_t len;
};
struct streaming_frame streaming_read(struct client *client);
/* The next frame is an item with this number. Returns what it costs of the stream's credit. */
size_t streaming_expect(struct client *client, uint32_t id, uint64_t number);
void streaming_expect_end(struct client *client, uint32_t id);
void streaming_expect_error(struct client *client, uint32_t id, const char *reason);

struct stoa_call_stream_counts streaming_counts(const struct fixture *fixture);

#endif
