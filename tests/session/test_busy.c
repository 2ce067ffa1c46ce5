/* A session in a group that is busier than its reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "world.h"

#define CHUNK 4096u

/* The group's bytes: as much as keeps the queue above the mark below which input goes on. */
static void fill(struct stoa_batch *batch) {
  struct stoa_stream *stream = &world.session->stream;
  while (stoa_stream_queued(stream) < STOA_STREAM_PAUSE_BYTES + 64 * 1024) {
    stoa_stream_output_queue(stream, batch, 0, batch->bytes.len);
  }
}

static struct stoa_batch *make_batch(void) {
  static uint8_t payload[CHUNK];
  uint8_t header[10];
  struct stoa_batch *batch = stoa_batch_create(CHUNK + 16);
  assert_non_null(batch);
  size_t len = stoa_ws_header_write(header, STOA_WS_BINARY, false, CHUNK);
  assert_int_equal(stoa_buffer_append(&batch->bytes, header, len), STOA_OK);
  assert_int_equal(stoa_buffer_append(&batch->bytes, payload, CHUNK), STOA_OK);
  return batch;
}

static void test_a_member_that_reads_in_a_busy_group_is_read_from(void **state) {
  (void)state;
  static uint8_t got[CHUNK * 16];
  const int small = 16384; /* so that the kernel never takes half of the queue at once */
  world_upgrade();
  setsockopt(world.session->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  struct stoa_batch *batch = make_batch();
  for (int i = 0; i < 50; i++) {
    world_send_frame(0x82, "x", 1);
  }
  for (int i = 0; i < 5000 && world.messages < 50; i++) {
    fill(batch);
    world_turn();
    assert_non_null(world.session);
    size_t len = world_receive(got, sizeof got);
    (void)len;
  }
  assert_int_equal(world.messages, 50);
  assert_int_equal(world.closings, 0);
  stoa_batch_unref(batch);
}

static void test_a_member_that_does_not_read_in_a_busy_group_is_not_read_from(void **state) {
  (void)state;
  world_upgrade();
  struct stoa_batch *batch = make_batch();
  fill(batch);
  world_turn();
  fill(batch);
  for (int i = 0; i < 50; i++) {
    world_send_frame(0x82, "x", 1);
  }
  for (int i = 0; i < 200; i++) {
    world_turn();
  }
  /* One message is taken before the queue is looked at. */
  assert_true(world.messages <= 1);
  assert_int_equal(world.closings, 0);
  stoa_batch_unref(batch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_member_that_reads_in_a_busy_group_is_read_from),
      TEST(test_a_member_that_does_not_read_in_a_busy_group_is_not_read_from),
  };
  return cmocka_run_group_tests_name("busy", tests, NULL, NULL);
}
