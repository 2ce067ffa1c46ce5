/* Pages: stored messages made readable, in memory that is used again. */
#include "board.h"

#include "base/memory.h"
#include "room/page.h"

#define MESSAGES_MAX 1000

static struct stoa_rooms rooms;
static struct stoa_room_worker home;

static void stamp(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena) {
  struct board_v1_post_message *post = message;
  (void)user, (void)arena;
  post->offset = stamp->position.offset;
}

static int setup(void **state) {
  const struct stoa_room_type type = {
      .type = BOARD_V1_MESSAGE_TYPE_POST, .message_type = &board_v1_post_message_type, .stamp = stamp};
  (void)state;
  home = (struct stoa_room_worker){.rooms = &rooms};
  stoa_room_types_init(&rooms.types, NULL);
  return stoa_room_types_add(&rooms.types, &type);
}

static int teardown(void **state) {
  (void)state;
  stoa_arena_destroy(home.page_memory);
  stoa_room_types_fini(&rooms.types);
  return 0;
}

/* A page of posts with this text and the offsets from `first` on. */
struct page {
  struct stoa_engine_message *stored[MESSAGES_MAX];
  uint32_t count;
  struct stoa_room_page page;
  struct stoa_room_page_memory memory;
};

static int fill(struct page *page, const char *text, uint64_t first, uint32_t count) {
  uint8_t body[256] = {0x0a, (uint8_t)strlen(text)};
  assert_true(count <= MESSAGES_MAX && strlen(text) < 128);
  memcpy(body + 2, text, strlen(text));
  *page = (struct page){.count = count};
  for (uint32_t i = 0; i < count; i++) {
    const struct stoa_engine_place place = {.epoch = 1, .offset = first + i};
    const struct stoa_engine_draft draft = {
        .kind = STOA_ENGINE_CHAT, .type = BOARD_V1_MESSAGE_TYPE_POST, .body = stoa_bytes_make(body, 2 + strlen(text))};
    assert_int_equal(stoa_engine_message_create(stoa_string_of("hall"), &draft, &place, &page->stored[i]), STOA_OK);
  }
  return stoa_room_page_fill(&home, page->stored, count, false, &page->page, &page->memory);
}

static void check(const struct page *page, const char *text, uint64_t first) {
  assert_int_equal(page->page.count, page->count);
  for (uint32_t i = 0; i < page->count; i++) {
    const struct board_v1_post_message *post = page->page.messages[i].message;
    assert_true(stoa_string_equal(post->text, stoa_string_of(text)));
    assert_int_equal(post->offset, first + i);
  }
}

static void drop(struct page *page) {
  stoa_room_page_free(&page->memory);
  for (uint32_t i = 0; i < page->count; i++) {
    stoa_engine_message_unref(page->stored[i]);
  }
}

static void test_a_page_that_is_asked_for_while_another_is_read_leaves_that_one_whole(void **state) {
  struct page outer, inner;
  (void)state;
  for (int round = 0; round < 3; round++) {
    assert_int_equal(fill(&outer, "outer", 1, 20), STOA_OK);
    assert_int_equal(fill(&inner, "inner", 100, 20), STOA_OK);
    check(&outer, "outer", 1);
    check(&inner, "inner", 100);
    drop(round == 1 ? &outer : &inner);
    check(round == 1 ? &inner : &outer, round == 1 ? "inner" : "outer", round == 1 ? 100 : 1);
    drop(round == 1 ? &inner : &outer);
  }
}

static void test_the_memory_of_a_usual_page_is_used_again(void **state) {
  struct page page;
  (void)state;
  assert_int_equal(fill(&page, "first", 1, 20), STOA_OK);
  drop(&page);
  assert_non_null(home.page_memory);
  struct stoa_arena *kept = home.page_memory;
  assert_int_equal(fill(&page, "second", 1, 20), STOA_OK);
  assert_ptr_equal(page.memory.arena, kept);
  check(&page, "second", 1);
  drop(&page);
}

static void test_the_memory_of_a_large_page_is_freed(void **state) {
  struct page page;
  (void)state;
  assert_int_equal(fill(&page, "large", 1, MESSAGES_MAX), STOA_OK);
  check(&page, "large", 1);
  drop(&page);
  assert_null(home.page_memory);
}

static void test_an_empty_page_needs_no_memory(void **state) {
  struct page page;
  (void)state;
  assert_int_equal(fill(&page, "", 1, 0), STOA_OK);
  assert_null(page.memory.arena);
  assert_int_equal(page.page.count, 0);
  drop(&page);
}

static void test_without_memory_the_page_is_unchanged(void **state) {
  struct page page;
  (void)state;
  assert_int_equal(fill(&page, "kept", 1, 5), STOA_OK);
  struct page other = page;
  stoa_memory_fail_at(1, false);
  int status = stoa_room_page_fill(&home, page.stored, page.count, false, &other.page, &other.memory);
  stoa_memory_fail_at(0, false);
  assert_int_equal(status, STOA_E_MEMORY);
  assert_ptr_equal(other.page.messages, page.page.messages);
  check(&page, "kept", 1);
  drop(&page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_page_that_is_asked_for_while_another_is_read_leaves_that_one_whole, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(test_the_memory_of_a_usual_page_is_used_again, setup, teardown),
      cmocka_unit_test_setup_teardown(test_the_memory_of_a_large_page_is_freed, setup, teardown),
      cmocka_unit_test_setup_teardown(test_an_empty_page_needs_no_memory, setup, teardown),
      cmocka_unit_test_setup_teardown(test_without_memory_the_page_is_unchanged, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
