#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "claims.h"

static struct stoa_arena *arena;

static int set_up(void **state) {
  (void)state;
  arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  return arena == NULL ? -1 : 0;
}

static int tear_down(void **state) {
  (void)state;
  stoa_arena_destroy(arena);
  return 0;
}

/* As the library leaves a verified token. */
static int read_claims(const char *sub, const char *json, struct stoa_arena *into, struct claims *out_claims,
                       const char **out_reason) {
  const struct stoa_token token = {.claims = {.subject = stoa_string_of(sub)}, .claims_json = stoa_string_of(json)};
  return claims_read(&token, into, out_claims, out_reason);
}

static struct claims good(const char *sub, const char *json) {
  struct claims claims;
  const char *reason = NULL;
  assert_int_equal(read_claims(sub, json, arena, &claims, &reason), STOA_OK);
  assert_null(reason);
  return claims;
}

static void absent_claims_mean_a_user_who_may_enter_every_room(void **state) {
  (void)state;
  struct claims claims = good("ann", "{}");
  assert_true(stoa_string_equal(claims.user_id, stoa_string_of("ann")));
  assert_int_equal(claims.name.len, 0);
  assert_int_equal(claims.role, CHATROOM_V1_ROLE_USER);
  assert_false(claims.has_rooms);
}

static void name_role_and_rooms_are_read(void **state) {
  (void)state;
  struct claims claims =
      good("ann", "{\"name\":\"\\u5c0f\",\"role\":\"moderator\",\"rooms\":[\"lobby\",\"a b\"],\"other\":{}}");
  assert_true(stoa_string_equal(claims.name, stoa_string_of("小")));
  assert_int_equal(claims.role, CHATROOM_V1_ROLE_MODERATOR);
  assert_true(claims.has_rooms);
  assert_int_equal(claims.room_count, 2);
  struct room_list *list = room_list_create(claims.rooms, claims.room_count);
  assert_non_null(list);
  assert_true(room_list_has(list, stoa_string_of("lobby")));
  assert_true(room_list_has(list, stoa_string_of("a b")));
  assert_false(room_list_has(list, stoa_string_of("lobb")));
  assert_false(room_list_has(list, stoa_string_of("Lobby")));
  assert_false(room_list_has(list, stoa_string_of("")));
  room_list_destroy(list);
}

static void an_empty_list_of_rooms_allows_none(void **state) {
  (void)state;
  struct claims claims = good("ann", "{\"rooms\":[]}");
  assert_true(claims.has_rooms);
  struct room_list *list = room_list_create(claims.rooms, claims.room_count);
  assert_non_null(list);
  assert_false(room_list_has(list, stoa_string_of("lobby")));
  room_list_destroy(list);
}

static void claims_that_cannot_be_used_are_refused_with_a_reason(void **state) {
  static const struct {
    const char *sub, *json, *reason;
  } cases[] = {
      {"", "{}", "sub"},
      {"a\nb", "{}", "sub"},
      {"a\x7f", "{}", "sub"},
      {"ann", "{\"name\":1}", "another type"},
      {"ann", "{\"role\":[\"admin\"]}", "another type"},
      {"ann", "{\"role\":\"Admin\"}", "role"},
      {"ann", "{\"role\":\"root\"}", "role"},
      {"ann", "{\"rooms\":\"lobby\"}", "another type"},
      {"ann", "{\"rooms\":[\"lobby\",7]}", "rooms"},
      {"ann", "{\"rooms\":[null]}", "rooms"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct claims claims;
    const char *reason = NULL;
    assert_int_equal(read_claims(cases[i].sub, cases[i].json, arena, &claims, &reason), STOA_E_DENIED);
    assert_non_null(strstr(reason, cases[i].reason));
  }
}

static void an_id_has_at_most_128_bytes(void **state) {
  (void)state;
  char id[130] = {0};
  struct claims claims;
  const char *reason = NULL;
  memset(id, 'x', 128);
  good(id, "{}");
  id[128] = 'x';
  assert_int_equal(read_claims(id, "{}", arena, &claims, &reason), STOA_E_DENIED);
}

static void without_memory_there_is_no_verdict(void **state) {
  (void)state;
  struct stoa_arena *tiny = stoa_arena_create(64);
  struct claims claims;
  const char *reason = NULL;
  assert_int_equal(read_claims("ann", "{\"rooms\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", tiny, &claims, &reason),
                   STOA_E_MEMORY);
  stoa_arena_destroy(tiny);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(absent_claims_mean_a_user_who_may_enter_every_room),
      cmocka_unit_test(name_role_and_rooms_are_read),
      cmocka_unit_test(an_empty_list_of_rooms_allows_none),
      cmocka_unit_test(claims_that_cannot_be_used_are_refused_with_a_reason),
      cmocka_unit_test(an_id_has_at_most_128_bytes),
      cmocka_unit_test(without_memory_there_is_no_verdict),
  };
  return cmocka_run_group_tests_name("claims", tests, set_up, tear_down);
}
