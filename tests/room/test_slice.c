/* What a joining session gets, cut and completed at every moment. */
#include "board.h"

#include "base/memory.h"
#include "room/slice.h"

#define EPOCH 7u

static atomic_size_t ring_bytes, slice_bytes;
static const struct stoa_room_ring_limits limits = {1000, SIZE_MAX / 2, &ring_bytes, SIZE_MAX / 2};

/* Every third is an event. */
static struct stoa_engine_message *message_at(uint64_t offset, size_t body_len) {
  static uint8_t body[STOA_ROOM_RECOVERY_BYTES_MAX];
  const struct stoa_engine_place place = {.epoch = EPOCH, .offset = offset, .prev = offset - 1};
  const struct stoa_engine_draft draft = {.kind = offset % 3 == 0 ? STOA_ENGINE_EVENT : STOA_ENGINE_CHAT,
                                          .body = stoa_bytes_make(body, body_len)};
  struct stoa_engine_message *message;
  assert_int_equal(stoa_engine_message_create(stoa_string_of("hall"), &draft, &place, &message), STOA_OK);
  return message;
}

/* A room whose messages up to `top` were sent out, of which the ring has those above `after`. */
static void open_room(struct stoa_room *room, uint64_t after, uint64_t top) {
  *room = (struct stoa_room){.state = STOA_ROOM_LOADED, .epoch = top == 0 ? 0 : EPOCH, .top = top};
  room->ring.after = after;
  for (uint64_t offset = after + 1; offset <= top; offset++) {
    struct stoa_engine_message *message = message_at(offset, 1);
    stoa_room_ring_add(&room->ring, message, &limits);
    stoa_engine_message_unref(message);
  }
}

/* What the engine answers when its newest message is `top`. */
static struct stoa_engine_answer read_up_to(const struct stoa_engine_query *query, uint64_t top,
                                            struct stoa_engine_message *out_messages[32]) {
  struct stoa_engine_answer answer = {
      .status = STOA_ENGINE_OK, .epoch = EPOCH, .top = top, .messages = out_messages, .is_complete = true};
  uint64_t offset = query->is_forward ? query->since + 1 : top;
  while (offset > 0 && offset <= top && answer.message_count < query->limit) {
    if (query->kinds == 0 || offset % 3 != 0) {
      assert_true(answer.message_count < 32);
      out_messages[answer.message_count++] = message_at(offset, 1);
    }
    offset = query->is_forward ? offset + 1 : offset - 1;
  }
  answer.is_complete = query->is_forward ? offset > top : offset == 0;
  return answer;
}

static void release(struct stoa_engine_answer *answer) {
  for (uint32_t i = 0; i < answer->message_count; i++) {
    stoa_engine_message_unref(answer->messages[i]);
  }
}

static void close_room(struct stoa_room *room, struct stoa_room_slice *slice) {
  stoa_room_slice_clear(slice, &slice_bytes);
  stoa_room_ring_clear(&room->ring, 0, &ring_bytes);
  assert_int_equal(atomic_load(&slice_bytes), 0);
  assert_int_equal(atomic_load(&ring_bytes), 0);
}

static void expect_recovered(const struct stoa_room_slice *slice, uint64_t from, uint64_t top) {
  assert_true(slice->is_recovery);
  assert_int_equal(slice->count, top - from);
  assert_int_equal(slice->top, top);
  for (uint32_t i = 0; i < slice->count; i++) {
    assert_int_equal(slice->messages[i]->place.offset, from + 1 + i);
  }
}

/* The read may be behind or ahead of what was sent out, and the ring may begin anywhere. */
static void test_a_recovery_ends_with_what_was_sent_out(void **state) {
  enum { TOP = 12 };
  (void)state;
  for (uint64_t from = 1; from <= TOP; from++) {
    for (uint64_t after = 0; after <= TOP; after++) {
      for (uint64_t read_top = from; read_top <= TOP + 3; read_top++) {
        struct stoa_room room;
        struct stoa_room_slice slice = {.position = {EPOCH, from}, .history = 5};
        struct stoa_engine_message *messages[32];
        enum stoa_room_status status;
        open_room(&room, after, TOP);
        enum stoa_room_slice_need need = stoa_room_slice_begin(&slice, &room);
        assert_int_equal(need, from >= after ? STOA_ROOM_SLICE_READY : STOA_ROOM_SLICE_RECOVERY);
        if (need == STOA_ROOM_SLICE_RECOVERY) {
          const struct stoa_engine_query query = stoa_room_slice_query(&slice, &room);
          struct stoa_engine_answer answer = read_up_to(&query, read_top, messages);
          assert_true(stoa_room_slice_take(&slice, &answer, &slice_bytes, &status));
          release(&answer);
        }
        status = stoa_room_slice_finish(&slice, &room, &slice_bytes);
        bool has_hole = need == STOA_ROOM_SLICE_RECOVERY && read_top < after;
        assert_int_equal(status, has_hole ? STOA_ROOM_BUSY : STOA_ROOM_OK);
        if (!has_hole) {
          expect_recovered(&slice, from, TOP);
        }
        close_room(&room, &slice);
      }
    }
  }
}

static void test_a_page_has_the_newest_messages_that_were_sent_out(void **state) {
  enum { TOP = 12 };
  (void)state;
  for (uint32_t history = 1; history <= 9; history++) {
    for (uint64_t after = 0; after <= TOP; after++) {
      for (uint64_t read_top = 6; read_top <= TOP + 3; read_top++) {
        struct stoa_room room;
        struct stoa_room_slice slice = {.history = history};
        struct stoa_engine_message *messages[32];
        enum stoa_room_status status;
        open_room(&room, after, TOP);
        enum stoa_room_slice_need need = stoa_room_slice_begin(&slice, &room);
        if (need == STOA_ROOM_SLICE_PAGE) {
          const struct stoa_engine_query query = stoa_room_slice_query(&slice, &room);
          struct stoa_engine_answer answer = read_up_to(&query, read_top, messages);
          assert_true(stoa_room_slice_take(&slice, &answer, &slice_bytes, &status));
          release(&answer);
        }
        status = stoa_room_slice_finish(&slice, &room, &slice_bytes);
        if (need == STOA_ROOM_SLICE_PAGE && read_top < after) {
          assert_int_equal(status, STOA_ROOM_BUSY);
        } else {
          assert_int_equal(status, STOA_ROOM_OK);
          assert_false(slice.is_recovery);
          uint64_t offset = TOP + 1;
          for (uint32_t i = slice.count; i > 0; i--) {
            offset -= (offset - 1) % 3 == 0 ? 2 : 1;
            assert_int_equal(slice.messages[i - 1]->place.offset, offset);
          }
          assert_true(slice.count <= history);
          assert_true(slice.count == history || slice.has_more_before || slice.messages[0]->place.offset == 1);
        }
        close_room(&room, &slice);
      }
    }
  }
}

static void test_a_room_that_began_again_meanwhile_is_busy(void **state) {
  struct stoa_room room;
  struct stoa_room_slice slice = {.position = {EPOCH, 2}};
  (void)state;
  open_room(&room, 0, 4);
  assert_int_equal(stoa_room_slice_begin(&slice, &room), STOA_ROOM_SLICE_READY);
  room.epoch = EPOCH + 1;
  assert_int_equal(stoa_room_slice_finish(&slice, &room, &slice_bytes), STOA_ROOM_BUSY);
  close_room(&room, &slice);
}

static void test_a_first_message_that_comes_meanwhile_is_in_the_page(void **state) {
  struct stoa_room room;
  struct stoa_room_slice slice = {.history = 3};
  (void)state;
  open_room(&room, 0, 0);
  assert_int_equal(stoa_room_slice_begin(&slice, &room), STOA_ROOM_SLICE_READY);
  struct stoa_engine_message *message = message_at(1, 1);
  room.epoch = EPOCH;
  room.top = 1;
  stoa_room_ring_add(&room.ring, message, &limits);
  stoa_engine_message_unref(message);
  assert_int_equal(stoa_room_slice_finish(&slice, &room, &slice_bytes), STOA_ROOM_OK);
  assert_int_equal(slice.count, 1);
  assert_int_equal(slice.epoch, EPOCH);
  assert_false(slice.has_more_before);
  close_room(&room, &slice);
}

static void test_too_many_bytes_are_not_recovered(void **state) {
  struct stoa_room room;
  struct stoa_room_slice slice = {.position = {EPOCH, 1}, .history = 1};
  (void)state;
  open_room(&room, 0, 1);
  for (uint64_t offset = 2; offset <= 4; offset++) {
    struct stoa_engine_message *message = message_at(offset, STOA_ROOM_RECOVERY_BYTES_MAX / 2);
    room.top = offset;
    stoa_room_ring_add(&room.ring, message, &limits);
    stoa_engine_message_unref(message);
  }
  assert_int_equal(stoa_room_slice_begin(&slice, &room), STOA_ROOM_SLICE_READY);
  assert_int_equal(stoa_room_slice_finish(&slice, &room, &slice_bytes), STOA_ROOM_OK);
  assert_false(slice.is_recovery);
  assert_true(slice.has_more_before);
  assert_int_equal(slice.count, 1);
  assert_int_equal(slice.messages[0]->place.offset, 4);
  close_room(&room, &slice);
}

static void test_joins_that_hold_too_much_together_are_busy(void **state) {
  struct stoa_room room;
  struct stoa_room_slice slice = {.position = {EPOCH, 1}};
  (void)state;
  open_room(&room, 0, 3);
  atomic_store(&slice_bytes, STOA_ROOM_SLICES_BYTES_MAX - 1);
  assert_int_equal(stoa_room_slice_begin(&slice, &room), STOA_ROOM_SLICE_READY);
  assert_int_equal(stoa_room_slice_finish(&slice, &room, &slice_bytes), STOA_ROOM_BUSY);
  assert_int_equal(slice.count, 0);
  assert_int_equal(atomic_load(&slice_bytes), STOA_ROOM_SLICES_BYTES_MAX - 1);
  atomic_store(&slice_bytes, 0);
  close_room(&room, &slice);
}

/* What the engine has read is too much with what other joins hold, or there is no memory for it. */
static void test_a_join_that_cannot_hold_what_was_read_is_busy_and_holds_nothing(void **state) {
  (void)state;
  for (int is_memory_out = 0; is_memory_out < 2; is_memory_out++) {
    struct stoa_room room;
    struct stoa_room_slice slice = {.position = {EPOCH, 1}};
    struct stoa_engine_message *messages[32];
    enum stoa_room_status status;
    size_t before = is_memory_out ? 0 : STOA_ROOM_SLICES_BYTES_MAX - 1;
    open_room(&room, 5, 6);
    assert_int_equal(stoa_room_slice_begin(&slice, &room), STOA_ROOM_SLICE_RECOVERY);
    const struct stoa_engine_query query = stoa_room_slice_query(&slice, &room);
    struct stoa_engine_answer answer = read_up_to(&query, 6, messages);
    atomic_store(&slice_bytes, before);
    stoa_memory_fail_at(is_memory_out ? 1 : 0, false);
    assert_true(stoa_room_slice_take(&slice, &answer, &slice_bytes, &status));
    stoa_memory_fail_at(0, false);
    assert_int_equal(status, STOA_ROOM_BUSY);
    assert_int_equal(slice.count, 0);
    assert_int_equal(atomic_load(&slice_bytes), before);
    atomic_store(&slice_bytes, 0);
    release(&answer);
    close_room(&room, &slice);
  }
}

static void test_a_ring_keeps_the_newest_within_its_limits(void **state) {
  const struct stoa_room_ring_limits few = {3, SIZE_MAX / 2, &ring_bytes, SIZE_MAX / 2};
  struct stoa_room_ring ring = {0};
  (void)state;
  for (uint64_t offset = 1; offset <= 20; offset++) {
    struct stoa_engine_message *message = message_at(offset, 10);
    stoa_room_ring_add(&ring, message, &few);
    stoa_engine_message_unref(message);
    assert_int_equal(ring.count, offset < 3 ? offset : 3);
    assert_int_equal(ring.after, offset < 3 ? 0 : offset - 3);
    assert_int_equal(stoa_room_ring_at(&ring, ring.count - 1)->place.offset, offset);
    assert_int_equal(ring.chat_count, offset < 3 ? offset : 2); /* every third is none */
    assert_int_equal(stoa_room_ring_above(&ring, offset), ring.count);
    assert_int_equal(stoa_room_ring_above(&ring, ring.after), 0);
  }
  const struct stoa_room_ring_limits no_bytes = {3, 1, &ring_bytes, SIZE_MAX / 2};
  struct stoa_engine_message *message = message_at(21, 10);
  stoa_room_ring_add(&ring, message, &no_bytes);
  assert_int_equal(ring.count, 0);
  assert_int_equal(ring.after, 21);
  stoa_engine_message_unref(message);
  message = message_at(22, 10);
  const struct stoa_room_ring_limits no_total = {3, SIZE_MAX / 2, &ring_bytes, 1};
  stoa_room_ring_add(&ring, message, &no_total);
  assert_int_equal(ring.count, 0);
  stoa_engine_message_unref(message);
  stoa_room_ring_clear(&ring, 0, &ring_bytes);
  assert_int_equal(atomic_load(&ring_bytes), 0);
}

static void test_a_ring_without_memory_is_empty_and_has_no_hole(void **state) {
  struct stoa_room_ring ring = {0};
  struct stoa_engine_message *message = message_at(1, 10);
  (void)state;
  stoa_memory_fail_at(1, false);
  stoa_room_ring_add(&ring, message, &limits);
  stoa_memory_fail_at(0, false);
  assert_int_equal(ring.count, 0);
  assert_int_equal(ring.after, 1);
  stoa_engine_message_unref(message);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_recovery_ends_with_what_was_sent_out),
      cmocka_unit_test(test_a_page_has_the_newest_messages_that_were_sent_out),
      cmocka_unit_test(test_a_room_that_began_again_meanwhile_is_busy),
      cmocka_unit_test(test_a_first_message_that_comes_meanwhile_is_in_the_page),
      cmocka_unit_test(test_too_many_bytes_are_not_recovered),
      cmocka_unit_test(test_joins_that_hold_too_much_together_are_busy),
      cmocka_unit_test(test_a_join_that_cannot_hold_what_was_read_is_busy_and_holds_nothing),
      cmocka_unit_test(test_a_ring_keeps_the_newest_within_its_limits),
      cmocka_unit_test(test_a_ring_without_memory_is_empty_and_has_no_hole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
