/* How long a message can become, without encoding it. All other tests of encoding ask for the bound as well (kit.c). */
#include "kit.h"

#include "codec/bound.h"

static struct kit kit;

static int open_kit(void **state) {
  (void)state;
  kit_open(&kit, (size_t)1024 * 1024);
  return 0;
}

static int close_kit(void **state) {
  (void)state;
  kit_close(&kit);
  return 0;
}

static void encode_both(const struct stoa_message_type *type, const void *message) {
  kit.out.len = 0;
  assert_int_equal(stoa_codec_json.encode(type, message, &kit.out), STOA_OK);
  kit_expect_bound(&kit, &stoa_codec_json, type, message);
  kit.out.len = 0;
  assert_int_equal(stoa_codec_proto.encode(type, message, &kit.out), STOA_OK);
  kit_expect_bound(&kit, &stoa_codec_proto, type, message);
}

static void control_characters_are_counted_as_six_bytes_each(void **state) {
  (void)state;
  static char text[20000];
  memset(text, 1, sizeof text);
  struct sample_chat chat = {.message = {text, sizeof text}, .sender = {text, 77}};
  encode_both(&sample_chat_type, &chat);
}

static void a_short_text_stays_far_below_any_limit(void **state) {
  (void)state;
  struct sample_chat chat = {.message = STOA_STR("good morning"), .sender = STOA_STR("ann")};
  struct stoa_codec_bound bound = stoa_codec_bound_of(&sample_chat_type, &chat);
  assert_true(bound.json < 300);
  assert_true(bound.proto < 100);
}

static void numbers_at_their_ends_are_within_it(void **state) {
  (void)state;
  static const double doubles[] = {-2.2250738585072014e-308, -1.7976931348623157e308, 5e-324, -0.0};
  static const int64_t wholes[] = {INT64_MIN, INT64_MAX, -1, 0};
  static const int32_t colors[] = {INT32_MIN, 1, -2};
  struct sample_every m = {.a_double = doubles[0], .an_int64 = INT64_MIN, .an_int32 = INT32_MIN};
  m.all_double.items = doubles;
  m.all_double.count = 4;
  m.all_int64.items = wholes;
  m.all_int64.count = 4;
  m.all_sint64.items = wholes;
  m.all_sint64.count = 4;
  m.all_color.items = colors;
  m.all_color.count = 3;
  encode_both(&sample_every_type, &m);
}

static void empty_members_of_a_list_are_counted_with_their_names(void **state) {
  (void)state;
  /* Two bytes each in Protobuf, more than a thousand in JSON. */
  static const struct sample_every items[50];
  struct sample_every m = {0};
  m.all_every.items = items;
  m.all_every.count = 50;
  encode_both(&sample_every_type, &m);
  assert_true(kit.out.len < 200);
}

static void a_member_of_a_oneof_that_is_not_set_is_not_looked_at(void **state) {
  (void)state;
  struct sample_every m = {.choice_case = 50};
  m.choice.choice_text = stoa_string_make(NULL, SIZE_MAX / 2); /* choice_int has these bytes */
  assert_true(stoa_codec_bound_of(&sample_every_type, &m).json < 10000);
}

static void a_message_that_is_nested_too_deeply_has_no_bound(void **state) {
  (void)state;
  static struct sample_every chain[STOA_CODEC_DEPTH_MAX + 1];
  for (size_t i = 0; i < STOA_CODEC_DEPTH_MAX; i++) {
    chain[i].an_every = &chain[i + 1];
  }
  struct stoa_codec_bound bound = stoa_codec_bound_of(&sample_every_type, &chain[0]);
  assert_true(bound.json == SIZE_MAX && bound.proto == SIZE_MAX);
  assert_true(stoa_codec_bound_of(&sample_every_type, &chain[1]).json < SIZE_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(control_characters_are_counted_as_six_bytes_each),
      TEST(a_short_text_stays_far_below_any_limit),
      TEST(numbers_at_their_ends_are_within_it),
      TEST(empty_members_of_a_list_are_counted_with_their_names),
      TEST(a_member_of_a_oneof_that_is_not_set_is_not_looked_at),
      TEST(a_message_that_is_nested_too_deeply_has_no_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
