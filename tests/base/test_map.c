#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/siphash.h"
#include "base/sys.h"

#define ITEM_COUNT 1000u

struct item {
  uint32_t number;
  char name[16];
  size_t name_len;
};

static struct item items[ITEM_COUNT];

static struct stoa_bytes name_of(const void *object) {
  const struct item *item = object;
  return stoa_bytes_make(item->name, item->name_len);
}

static int make_items(void **state) {
  (void)state;
  for (uint32_t i = 0; i < ITEM_COUNT; i++) {
    items[i].number = i;
    items[i].name_len = (size_t)snprintf(items[i].name, sizeof items[i].name, "item-%u", i);
  }
  return 0;
}

static int leave_no_block(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  return stoa_memory_live_blocks() == 0 ? 0 : -1;
}

static struct stoa_map make_map(void) {
  struct stoa_map map;
  assert_int_equal(stoa_map_init(&map, name_of), STOA_OK);
  return map;
}

static void insert_items(struct stoa_map *map, uint32_t begin, uint32_t end) {
  for (uint32_t i = begin; i < end; i++) {
    assert_int_equal(stoa_map_insert(map, &items[i]), STOA_OK);
  }
}

static void an_empty_map_holds_and_allocates_nothing(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  size_t cursor = 0;
  assert_null(stoa_map_find(&map, name_of(&items[0])));
  assert_null(stoa_map_remove(&map, name_of(&items[0])));
  assert_null(stoa_map_next(&map, &cursor));
  assert_int_equal(stoa_memory_live_blocks(), 0);
  stoa_map_fini(&map);
  stoa_map_fini(NULL);
}

static void what_was_inserted_is_found_under_its_key_only(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  insert_items(&map, 0, ITEM_COUNT / 2);
  assert_int_equal(map.count, ITEM_COUNT / 2);
  for (uint32_t i = 0; i < ITEM_COUNT; i++) {
    assert_ptr_equal(stoa_map_find(&map, name_of(&items[i])), i < ITEM_COUNT / 2 ? &items[i] : NULL);
  }
  stoa_map_fini(&map);
}

static void a_key_that_is_taken_is_refused(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  insert_items(&map, 0, 10);
  struct item twin = items[3];
  assert_int_equal(stoa_map_insert(&map, &twin), STOA_E_EXISTS);
  assert_int_equal(map.count, 10);
  assert_ptr_equal(stoa_map_find(&map, name_of(&twin)), &items[3]);
  stoa_map_fini(&map);
}

static void an_empty_key_is_a_key(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  struct item nameless = {.number = 7};
  assert_int_equal(stoa_map_insert(&map, &nameless), STOA_OK);
  assert_ptr_equal(stoa_map_find(&map, stoa_bytes_make(NULL, 0)), &nameless);
  assert_ptr_equal(stoa_map_remove(&map, stoa_bytes_make(NULL, 0)), &nameless);
  stoa_map_fini(&map);
}

/* The load decides how long a search takes, and that it ends at all. */
static void at_most_three_quarters_of_the_slots_are_taken(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  for (uint32_t i = 0; i < ITEM_COUNT; i++) {
    assert_int_equal(stoa_map_insert(&map, &items[i]), STOA_OK);
    assert_true(map.count * 4 <= map.capacity * 3);
  }
  stoa_map_fini(&map);
}

static uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* After each step the map is compared with a plain table of what should be in it. */
static void inserts_and_removes_in_any_order_agree_with_a_plain_table(void **state) {
  (void)state;
  enum { NUMBERS = 40 };
  uint32_t seed = 1;
  for (int round = 0; round < 20; round++) {
    struct stoa_map map = make_map();
    bool expected[NUMBERS] = {false};
    for (int step = 0; step < 500; step++) {
      uint32_t i = next_random(&seed) % NUMBERS;
      if (expected[i]) {
        assert_ptr_equal(stoa_map_remove(&map, name_of(&items[i])), &items[i]);
      } else {
        assert_int_equal(stoa_map_insert(&map, &items[i]), STOA_OK);
      }
      expected[i] = !expected[i];
      for (uint32_t k = 0; k < NUMBERS; k++) {
        assert_ptr_equal(stoa_map_find(&map, name_of(&items[k])), expected[k] ? &items[k] : NULL);
      }
    }
    stoa_map_fini(&map);
  }
}

static void iterating_visits_every_object_once(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  insert_items(&map, 0, 100);
  int met[100] = {0};
  size_t cursor = 0;
  for (struct item *item; (item = stoa_map_next(&map, &cursor)) != NULL;) {
    met[item->number]++;
  }
  for (int i = 0; i < 100; i++) {
    assert_int_equal(met[i], 1);
  }
  stoa_map_fini(&map);
}

static void the_table_shrinks_when_it_is_mostly_empty(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  insert_items(&map, 0, ITEM_COUNT);
  size_t capacity_full = map.capacity;
  for (uint32_t i = 0; i < ITEM_COUNT; i++) {
    assert_ptr_equal(stoa_map_remove(&map, name_of(&items[i])), &items[i]);
    if (i + 1 < ITEM_COUNT) {
      assert_ptr_equal(stoa_map_find(&map, name_of(&items[ITEM_COUNT - 1])), &items[ITEM_COUNT - 1]);
    }
  }
  assert_int_equal(map.count, 0);
  assert_true(map.capacity < capacity_full / 16);
  stoa_map_fini(&map);
}

static void an_insert_without_memory_leaves_the_map_unchanged(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  uint32_t inserted = 0;
  uint32_t failures = 0;
  while (inserted < 100) {
    stoa_memory_fail_at(1, false);
    int status = stoa_map_insert(&map, &items[inserted]);
    if (status == STOA_E_MEMORY) {
      failures++;
      stoa_memory_fail_at(0, false);
      assert_int_equal(map.count, inserted);
      assert_null(stoa_map_find(&map, name_of(&items[inserted])));
      status = stoa_map_insert(&map, &items[inserted]);
    }
    assert_int_equal(status, STOA_OK);
    inserted++;
  }
  assert_true(failures >= 4);
  for (uint32_t i = 0; i < inserted; i++) {
    assert_ptr_equal(stoa_map_find(&map, name_of(&items[i])), &items[i]);
  }
  stoa_map_fini(&map);
}

static void a_remove_succeeds_without_memory_for_a_smaller_table(void **state) {
  (void)state;
  struct stoa_map map = make_map();
  insert_items(&map, 0, 200);
  size_t capacity = map.capacity;
  stoa_memory_fail_at(1, true);
  for (uint32_t i = 0; i < 199; i++) {
    assert_ptr_equal(stoa_map_remove(&map, name_of(&items[i])), &items[i]);
  }
  assert_true(stoa_memory_fault_hits() > 0);
  assert_int_equal(map.capacity, capacity);
  assert_ptr_equal(stoa_map_find(&map, name_of(&items[199])), &items[199]);
  stoa_map_fini(&map);
}

static ssize_t no_random(void *data, size_t len, unsigned flags) {
  (void)data;
  (void)len;
  (void)flags;
  errno = ENOSYS;
  return -1;
}

static void a_map_without_a_random_seed_is_refused(void **state) {
  (void)state;
  struct stoa_map map;
  stoa_sys.getrandom = no_random;
  int status = STOA_OK;
  /* Seeds come from a pool that is refilled now and then. */
  for (int i = 0; i < 1000 && status == STOA_OK; i++) {
    status = stoa_map_init(&map, name_of);
  }
  stoa_sys = stoa_sys_real;
  assert_int_equal(status, STOA_E_SYSTEM);
}

static void two_maps_have_different_seeds(void **state) {
  (void)state;
  struct stoa_map one = make_map();
  struct stoa_map other = make_map();
  assert_memory_not_equal(one.seed, other.seed, sizeof one.seed);
}

/* Python 3.11 hashes bytes with SipHash-1-3, under the key 0 when PYTHONHASHSEED=0. */
static void siphash_agrees_with_an_independent_implementation(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t hash;
  } known[] = {
      {"a", 0x407448d2b89b1813},
      {"1234567", 0xa33d651594fdae81},
      {"12345678", 0x3489982430560a87},
      {"stoa-session-id-0123456789", 0x2245dddb66f5f9d9},
  };
  const uint64_t seed[2] = {0, 0};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    uint64_t hash = stoa_siphash13(seed, stoa_bytes_make(known[i].text, strlen(known[i].text)));
    assert_int_equal(hash, known[i].hash);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(an_empty_map_holds_and_allocates_nothing, leave_no_block),
      cmocka_unit_test_teardown(what_was_inserted_is_found_under_its_key_only, leave_no_block),
      cmocka_unit_test_teardown(a_key_that_is_taken_is_refused, leave_no_block),
      cmocka_unit_test_teardown(an_empty_key_is_a_key, leave_no_block),
      cmocka_unit_test_teardown(at_most_three_quarters_of_the_slots_are_taken, leave_no_block),
      cmocka_unit_test_teardown(inserts_and_removes_in_any_order_agree_with_a_plain_table, leave_no_block),
      cmocka_unit_test_teardown(iterating_visits_every_object_once, leave_no_block),
      cmocka_unit_test_teardown(the_table_shrinks_when_it_is_mostly_empty, leave_no_block),
      cmocka_unit_test_teardown(an_insert_without_memory_leaves_the_map_unchanged, leave_no_block),
      cmocka_unit_test_teardown(a_remove_succeeds_without_memory_for_a_smaller_table, leave_no_block),
      cmocka_unit_test_teardown(a_map_without_a_random_seed_is_refused, leave_no_block),
      cmocka_unit_test_teardown(two_maps_have_different_seeds, leave_no_block),
      cmocka_unit_test(siphash_agrees_with_an_independent_implementation),
  };
  return cmocka_run_group_tests_name("map", tests, make_items, NULL);
}
