/* Codecs by name. */
#include "codec/registry.h"
#include "kit.h"

static const struct stoa_codec *find(const struct stoa_codec_registry *registry, const char *name) {
  return stoa_codec_registry_find(registry, stoa_string_of(name));
}

static struct stoa_codec named(const char *name) {
  struct stoa_codec codec = stoa_codec_json;
  codec.name = name;
  return codec;
}

static void json_and_proto_are_built_in(void **state) {
  (void)state;
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  assert_ptr_equal(find(&registry, "json"), &stoa_codec_json);
  assert_ptr_equal(find(&registry, "proto"), &stoa_codec_proto);
  assert_ptr_equal(registry.codecs[0], &stoa_codec_json);
  assert_true(stoa_codec_json.is_text && !stoa_codec_proto.is_text);
}

static void a_name_that_nobody_added_is_not_found(void **state) {
  (void)state;
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  assert_null(find(&registry, "xml"));
  assert_null(find(&registry, ""));
  assert_null(find(&registry, "jso"));
  assert_null(find(&registry, "jsonx"));
}

static void a_program_may_add_its_own(void **state) {
  (void)state;
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  struct stoa_codec own = named("own-2");
  assert_int_equal(stoa_codec_registry_add(&registry, &own), STOA_OK);
  assert_ptr_equal(find(&registry, "own-2"), &own);
}

static void a_name_that_is_taken_is_refused(void **state) {
  (void)state;
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  struct stoa_codec own = named("json");
  assert_int_equal(stoa_codec_registry_add(&registry, &own), STOA_E_EXISTS);
}

static void an_invalid_name_is_refused(void **state) {
  (void)state;
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  static const char *const names[] = {NULL, "", "Own", "a.b", "a b", "\xc3\xa9", "a23456789b123456789c123456789d123"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct stoa_codec own = named(names[i]);
    assert_int_equal(stoa_codec_registry_add(&registry, &own), STOA_E_ARGUMENT);
  }
  assert_int_equal(registry.count, 2);
}

static void a_codec_without_a_function_is_refused(void **state) {
  (void)state;
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  struct stoa_codec no_encode = named("x");
  no_encode.encode = NULL;
  struct stoa_codec no_decode = named("y");
  no_decode.decode = NULL;
  assert_int_equal(stoa_codec_registry_add(&registry, &no_encode), STOA_E_ARGUMENT);
  assert_int_equal(stoa_codec_registry_add(&registry, &no_decode), STOA_E_ARGUMENT);
}

static void a_full_registry_takes_no_more(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  struct stoa_codec own[7];
  for (size_t i = 0; i < 7; i++) {
    own[i] = named(names[i]);
    int expected = i + 2 < STOA_CODECS_MAX ? STOA_OK : STOA_E_LIMIT;
    assert_int_equal(stoa_codec_registry_add(&registry, &own[i]), expected);
  }
}

#define TEST(name) cmocka_unit_test(name)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(json_and_proto_are_built_in),   TEST(a_name_that_nobody_added_is_not_found),
      TEST(a_program_may_add_its_own),     TEST(a_name_that_is_taken_is_refused),
      TEST(an_invalid_name_is_refused),    TEST(a_codec_without_a_function_is_refused),
      TEST(a_full_registry_takes_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
