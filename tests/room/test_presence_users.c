/* The users of a room without time and workers: a list and the diffs above it are together what a later list has,
 * whatever happens between, also when telling fails and when a room becomes too large for lists and small again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/memory.h"
#include "presence_view.h"
#include "room/presence_users.h"
#include "wire/random.h"

#define SEEDS 300u
#define STEPS 400u
#define VISITS 24u
#define VIEWS 4u

/* The only room that visits need is one that is not NULL. */
#define A_ROOM ((struct stoa_room *)(void *)1)

struct world {
  uint64_t random;
  struct stoa_room_users users;
  struct stoa_room_visit *visits[VISITS];
  struct stoa_room_presence_user *leaving[VISITS];
  uint64_t version;
  struct presence_view views[VIEWS];
  unsigned diffs, truncated, relisted;
};

static size_t below(struct world *world, size_t count) {
  return random_below(&world->random, count);
}

static void read_list(struct world *world, struct presence_view *out_view) {
  struct stoa_room_user user;
  size_t cursor = 0;
  presence_view_begin(out_view, world->version, world->users.count, world->users.is_truncated);
  while (stoa_room_users_next(&world->users, &cursor, &user)) {
    presence_view_put(out_view, user.id, user.info, user.sessions, user.is_away);
  }
}

static void apply(struct presence_view *view, const struct stoa_room_presence_diff *diff) {
  if (!presence_view_begin_diff(view, diff->version, diff->total, diff->is_truncated)) {
    return;
  }
  for (size_t i = 0; i < diff->join_count; i++) {
    presence_view_put(view, diff->joins[i].id, diff->joins[i].info, diff->joins[i].sessions, diff->joins[i].is_away);
  }
  for (size_t i = 0; i < diff->change_count; i++) {
    const struct stoa_room_user *user = &diff->changes[i];
    presence_view_put(view, user->id, user->info, user->sessions, user->is_away);
  }
  for (size_t i = 0; i < diff->leave_count; i++) {
    presence_view_remove(view, diff->leaves[i]);
  }
}

static struct stoa_room_visit *make_visit(const char *user, const char *info, bool is_away) {
  struct stoa_room_visit *visit;
  struct stoa_string text = stoa_string_of(info);
  assert_int_equal(stoa_room_visit_create(stoa_string_of(user), stoa_bytes_make(text.data, text.len), is_away, &visit),
                   STOA_OK);
  return visit;
}

static struct stoa_room_info *make_info(const char *text) {
  struct stoa_room_info *info;
  assert_int_equal(stoa_room_info_create(stoa_bytes_make(text, strlen(text)), &info), STOA_OK);
  return info;
}

static void arrive(struct world *world, struct stoa_room_visit *visit) {
  assert_int_equal(stoa_room_users_arrive(&world->users, visit), STOA_OK);
  visit->room = A_ROOM;
  for (size_t i = 0; i < VISITS; i++) {
    if (world->leaving[i] == visit->user) {
      world->leaving[i] = NULL;
    }
  }
}

static void depart(struct world *world, struct stoa_room_visit **visit) {
  struct stoa_room_presence_user *user = stoa_room_users_depart(*visit);
  *visit = NULL;
  for (size_t i = 0; i < VISITS && user != NULL; i++) {
    if (world->leaving[i] == NULL) {
      world->leaving[i] = user;
      return;
    }
  }
  assert_null(user);
}

static void set(struct stoa_room_visit *visit, const char *text, bool is_away) {
  struct stoa_room_info *info = make_info(text);
  stoa_room_users_set(visit, &info, is_away);
  stoa_free(info);
}

static void remove_one(struct world *world) {
  size_t from = below(world, VISITS);
  for (size_t i = 0; i < VISITS; i++) {
    struct stoa_room_presence_user **user = &world->leaving[(from + i) % VISITS];
    if (*user != NULL) {
      stoa_room_users_remove(*user);
      *user = NULL;
      return;
    }
  }
}

/* can_fail: now and then the program cannot tell it, though some may have got it. */
static void tell(struct world *world, bool can_fail) {
  stoa_room_users_relist(&world->users);
  while (stoa_room_users_is_changed(&world->users)) {
    struct stoa_room_users_part part;
    stoa_room_users_collect(&world->users, &part);
    part.diff.version = ++world->version;
    bool fails = can_fail && below(world, 4) == 0;
    for (size_t i = 0; i < VIEWS && !fails; i++) {
      apply(&world->views[i], &part.diff);
    }
    world->diffs++;
    world->relisted += world->users.is_relisted;
    world->truncated += part.diff.is_truncated;
    if (fails) {
      return;
    }
    stoa_room_users_told(&world->users, &part);
    stoa_room_users_relist(&world->users);
  }
}

static void step(struct world *world) {
  static const char *const names[] = {"ann", "ben", "carl", "dora", "eve", "finn", "gus", "hal"};
  static const char *const infos[] = {"", "a", "b", "a long info, which makes lists large"};
  struct stoa_room_visit **visit = &world->visits[below(world, VISITS)];
  const char *info = infos[below(world, STOA_COUNT_OF(infos))];
  bool is_away = below(world, 2) == 0;
  switch (below(world, 8)) {
    case 0:
    case 1:
    case 2:
      if (*visit == NULL) {
        *visit = make_visit(names[below(world, STOA_COUNT_OF(names))], info, is_away);
        arrive(world, *visit);
      } else {
        depart(world, visit);
      }
      break;
    case 3:
      if (*visit != NULL) {
        set(*visit, info, is_away);
      }
      break;
    case 4:
    case 5:
      remove_one(world);
      break;
    case 6:
      tell(world, true);
      break;
    default:
      read_list(world, &world->views[below(world, VIEWS)]);
  }
}

static void end(struct world *world) {
  for (size_t i = 0; i < VISITS; i++) {
    if (world->visits[i] != NULL) {
      depart(world, &world->visits[i]);
    }
  }
  stoa_room_users_fini(&world->users);
}

static void test_a_list_and_the_diffs_above_it_are_what_a_later_list_has(void **state) {
  unsigned diffs = 0, truncated = 0, relisted = 0;
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct world world = {.random = seed * 2 + 1};
    struct presence_view fresh;
    int64_t blocks = stoa_memory_live_blocks();
    /* Some seeds meet the bound of users, some that of bytes, some none. */
    assert_int_equal(stoa_room_users_init(&world.users, seed % 3 == 0 ? 6 : 100, seed % 3 == 1 ? 400 : 100000),
                     STOA_OK);
    for (size_t i = 0; i < VIEWS; i++) {
      read_list(&world, &world.views[i]);
    }
    for (unsigned i = 0; i < STEPS; i++) {
      step(&world);
    }
    tell(&world, false);
    read_list(&world, &fresh);
    for (size_t i = 0; i < VIEWS; i++) {
      if (!presence_view_equal(&world.views[i], &fresh)) {
        fail_msg("seed %u: view %zu is not the list", (unsigned)seed, i);
      }
    }
    diffs += world.diffs;
    truncated += world.truncated;
    relisted += world.relisted;
    end(&world);
    assert_int_equal(stoa_memory_live_blocks(), blocks);
  }
  print_message("# diffs %u, truncated %u, relisted %u\n", diffs, truncated, relisted);
  assert_true(diffs > SEEDS * 10 && truncated > SEEDS && relisted > SEEDS / 4);
}

static void begin(struct world *world, uint32_t count_max) {
  *world = (struct world){.random = 1};
  assert_int_equal(stoa_room_users_init(&world->users, count_max, 100000), STOA_OK);
}

static void test_a_user_that_is_back_before_it_is_removed_changes_nothing(void **state) {
  struct world world;
  (void)state;
  begin(&world, 100);
  world.visits[0] = make_visit("ann", "a", true);
  arrive(&world, world.visits[0]);
  tell(&world, false);
  depart(&world, &world.visits[0]);
  assert_false(stoa_room_users_is_changed(&world.users));
  world.visits[0] = make_visit("ann", "a", true);
  arrive(&world, world.visits[0]);
  assert_false(stoa_room_users_is_changed(&world.users));
  depart(&world, &world.visits[0]);
  world.visits[0] = make_visit("ann", "b", true);
  arrive(&world, world.visits[0]);
  assert_true(stoa_room_users_is_changed(&world.users));
  end(&world);
}

static void test_the_info_is_the_one_given_last_by_a_session_that_is_there(void **state) {
  struct world world;
  struct presence_view view;
  (void)state;
  begin(&world, 100);
  world.visits[0] = make_visit("ann", "first", false);
  world.visits[1] = make_visit("ann", "second", false);
  arrive(&world, world.visits[0]);
  arrive(&world, world.visits[1]);
  read_list(&world, &view);
  assert_string_equal(presence_view_find(&view, "ann")->info, "second");
  set(world.visits[0], "renamed", false);
  read_list(&world, &view);
  assert_string_equal(presence_view_find(&view, "ann")->info, "renamed");
  set(world.visits[1], "second", true); /* it only goes away */
  read_list(&world, &view);
  assert_string_equal(presence_view_find(&view, "ann")->info, "renamed");
  assert_false(presence_view_find(&view, "ann")->is_away);
  depart(&world, &world.visits[0]);
  read_list(&world, &view);
  assert_string_equal(presence_view_find(&view, "ann")->info, "second");
  assert_true(presence_view_find(&view, "ann")->is_away);
  assert_int_equal(presence_view_find(&view, "ann")->sessions, 1);
  end(&world);
}

static void test_many_changes_are_told_in_parts(void **state) {
  enum { COUNT = STOA_ROOM_DIFF_USERS_MAX + 7 };
  struct world world;
  struct stoa_room_visit *visits[COUNT];
  struct stoa_room_users_part part;
  char name[STOA_ROOM_USER_LEN_MAX + 1];
  (void)state;
  begin(&world, 100);
  for (size_t i = 0; i < COUNT; i++) {
    snprintf(name, sizeof name, "user %zu", i);
    visits[i] = make_visit(name, "", false);
    arrive(&world, visits[i]);
  }
  stoa_room_users_collect(&world.users, &part);
  assert_int_equal(part.diff.join_count, STOA_ROOM_DIFF_USERS_MAX);
  assert_int_equal(part.diff.total, COUNT);
  stoa_room_users_told(&world.users, &part);
  stoa_room_users_collect(&world.users, &part);
  assert_int_equal(part.diff.join_count, 7);
  stoa_room_users_told(&world.users, &part);
  assert_false(stoa_room_users_is_changed(&world.users));
  char large[STOA_ROOM_INFO_LEN_MAX + 1];
  memset(large, 'x', sizeof large);
  large[STOA_ROOM_INFO_LEN_MAX] = '\0';
  for (size_t i = 0; i < COUNT; i++) {
    set(visits[i], large, false);
  }
  stoa_room_users_collect(&world.users, &part);
  assert_in_range(part.diff.change_count, 20, STOA_ROOM_DIFF_BYTES_MAX / STOA_ROOM_INFO_LEN_MAX);
  for (size_t i = 0; i < COUNT; i++) {
    stoa_room_users_depart(visits[i]);
  }
  end(&world);
}

/* While telling fails, users that come and go must not use more and more memory. */
static void test_users_that_are_gone_and_not_told_are_bounded(void **state) {
  struct world world;
  char name[32];
  (void)state;
  begin(&world, 10);
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "user %d", i);
    world.visits[0] = make_visit(name, "", false);
    arrive(&world, world.visits[0]);
    depart(&world, &world.visits[0]);
    remove_one(&world);
    assert_in_range(world.users.by_id.count, 0, 21);
  }
  assert_true(world.users.is_truncated);
  tell(&world, false);
  assert_false(world.users.is_truncated);
  end(&world);
}

static void test_a_user_and_its_info_are_checked(void **state) {
  char longer[STOA_ROOM_INFO_LEN_MAX + 1] = "";
  struct stoa_room_visit *visit;
  const struct stoa_bytes none = stoa_bytes_make(NULL, 0);
  (void)state;
  memset(longer, 'x', sizeof longer);
  assert_int_equal(stoa_room_visit_create(stoa_string_make(longer, STOA_ROOM_USER_LEN_MAX + 1), none, false, &visit),
                   STOA_E_ARGUMENT);
  assert_int_equal(stoa_room_visit_create(stoa_string_of("\xff"), none, false, &visit), STOA_E_ARGUMENT);
  assert_int_equal(stoa_room_visit_create(stoa_string_of(""), none, false, &visit), STOA_E_ARGUMENT);
  assert_int_equal(
      stoa_room_visit_create(stoa_string_of("ann"), stoa_bytes_make(longer, STOA_ROOM_INFO_LEN_MAX + 1), false, &visit),
      STOA_E_ARGUMENT);
  assert_int_equal(stoa_room_visit_create(stoa_string_make(longer, STOA_ROOM_USER_LEN_MAX),
                                          stoa_bytes_make(longer, STOA_ROOM_INFO_LEN_MAX), false, &visit),
                   STOA_OK);
  stoa_room_visit_destroy(visit);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_user_and_its_info_are_checked),
      cmocka_unit_test(test_a_user_that_is_back_before_it_is_removed_changes_nothing),
      cmocka_unit_test(test_the_info_is_the_one_given_last_by_a_session_that_is_there),
      cmocka_unit_test(test_many_changes_are_told_in_parts),
      cmocka_unit_test(test_users_that_are_gone_and_not_told_are_bounded),
      cmocka_unit_test(test_a_list_and_the_diffs_above_it_are_what_a_later_list_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
