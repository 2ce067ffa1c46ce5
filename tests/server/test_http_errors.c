/* Errors with HTTP statuses. The session is played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/errors.h>

#include "base/array.h"
#include "base/memory.h"
#include "server/http/error_json.h"

static char session_place;
#define SESSION ((struct stoa_session *)&session_place)

static struct stoa_error made;
static char made_text[STOA_ERROR_MESSAGE_LEN_MAX + 2];

const struct stoa_error *stoa_session_error(struct stoa_session *session, uint32_t code, const char *reason,
                                            const char *message) {
  assert_ptr_equal(session, SESSION);
  assert_true(strlen(message) < sizeof made_text);
  strcpy(made_text, message);
  made = (struct stoa_error){.code = code, .reason = stoa_string_of(reason), .message = stoa_string_of(made_text)};
  return &made;
}

static struct stoa_arena *arena;

struct stoa_arena *stoa_session_arena(struct stoa_session *session) {
  assert_ptr_equal(session, SESSION);
  return arena;
}

static struct stoa_error with_metadata(uint32_t code, const struct stoa_error_metadata_entry *entries, size_t count) {
  return (struct stoa_error){.code = code, .metadata = {entries, count}};
}

static void a_constructor_gives_code_reason_and_message(void **state) {
  (void)state;
  const struct stoa_error *error = stoa_error_not_found(SESSION, "NO_ROOM", "there is no room \"%s\"", "x");
  assert_int_equal(error->code, 404);
  assert_true(stoa_string_equal(error->reason, stoa_string_of("NO_ROOM")));
  assert_string_equal(made_text, "there is no room \"x\"");
}

static void each_constructor_has_its_status_and_predicate(void **state) {
  (void)state;
  typedef const struct stoa_error *constructor(struct stoa_session *, const char *, const char *, ...);
  static const struct {
    constructor *construct;
    bool (*is)(const struct stoa_error *error);
    int status;
  } all[] = {
      {stoa_error_bad_request, stoa_error_is_bad_request, 400},
      {stoa_error_unauthorized, stoa_error_is_unauthorized, 401},
      {stoa_error_forbidden, stoa_error_is_forbidden, 403},
      {stoa_error_not_found, stoa_error_is_not_found, 404},
      {stoa_error_conflict, stoa_error_is_conflict, 409},
      {stoa_error_too_many_requests, stoa_error_is_too_many_requests, 429},
      {stoa_error_client_closed, stoa_error_is_client_closed, 499},
      {stoa_error_internal, stoa_error_is_internal, 500},
      {stoa_error_unavailable, stoa_error_is_unavailable, 503},
      {stoa_error_timeout, stoa_error_is_timeout, 504},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(all); i++) {
    const struct stoa_error *error = all[i].construct(SESSION, "REASON", "%d", 5);
    assert_int_equal(error->code, all[i].status);
    assert_int_equal(stoa_error_http_status(error), all[i].status);
    for (size_t k = 0; k < STOA_COUNT_OF(all); k++) {
      assert_int_equal(all[k].is(error), i == k);
    }
    assert_false(all[i].is(NULL));
  }
}

static void a_code_that_is_no_status_gets_one(void **state) {
  (void)state;
  arena = stoa_arena_create(4096);
  const struct stoa_error *error = stoa_error_with_status(SESSION, 1001, 409, "SOLD_OUT", "no more");
  assert_int_equal(error->code, 1001);
  assert_true(stoa_string_equal(error->reason, stoa_string_of("SOLD_OUT")));
  assert_string_equal(made_text, "no more");
  assert_int_equal(error->metadata.count, 1);
  assert_int_equal(stoa_error_http_status(error), 409);
  error = stoa_error_with_status(SESSION, 1001, 0, "SOLD_OUT", "no more");
  assert_int_equal(error->metadata.count, 0);
  assert_int_equal(stoa_error_http_status(error), 400);
  stoa_arena_destroy(arena);
}

/* Room for 0 to 2 of the three pieces. */
static void without_memory_for_its_status_an_error_has_none(void **state) {
  (void)state;
  const size_t error_size = (sizeof made + 15) / 16 * 16;
  const size_t entry_size = (sizeof(struct stoa_error_metadata_entry) + 15) / 16 * 16;
  const size_t sizes[] = {16, error_size, error_size + entry_size, error_size + entry_size + 16};
  for (size_t i = 0; i < STOA_COUNT_OF(sizes); i++) {
    arena = stoa_arena_create(sizes[i]);
    const struct stoa_error *error = stoa_error_with_status(SESSION, 1001, 409, "SOLD_OUT", "no more");
    assert_int_equal(error->code, 1001);
    assert_int_equal(stoa_error_http_status(error), i + 1 < STOA_COUNT_OF(sizes) ? 400 : 409);
    stoa_arena_destroy(arena);
  }
}

static void a_long_message_is_cut_between_characters(void **state) {
  (void)state;
  char text[1024];
  for (size_t i = 0; i < sizeof text - 1; i += 3) {
    memcpy(text + i, "\xe2\x82\xac", 3);
  }
  text[sizeof text - 1] = '\0';
  stoa_error_internal(SESSION, "LONG", "%s", text);
  assert_int_equal(strlen(made_text), 510);
  assert_memory_equal(made_text, text, 510);
  stoa_error_internal(SESSION, "LONG", "x%s", text);
  assert_int_equal(strlen(made_text), 511);
}

static void every_error_has_a_status(void **state) {
  (void)state;
  static const struct {
    uint32_t code;
    int status;
  } known[] = {{STOA_ERROR_INTERNAL, 500},
               {101, 401},
               {103, 403},
               {STOA_ERROR_UNKNOWN_TYPE, 404},
               {STOA_ERROR_LIMIT, 429},
               {STOA_ERROR_BAD_REQUEST, 400},
               {STOA_ERROR_UNAVAILABLE, 503},
               {109, 401},
               {STOA_ERROR_RATE, 429},
               {400, 400},
               {418, 418},
               {499, 499},
               {599, 599},
               {0, 400},
               {399, 400},
               {600, 400},
               {1001, 400},
               {UINT32_MAX, 400}};
  for (size_t i = 0; i < STOA_COUNT_OF(known); i++) {
    const struct stoa_error error = {.code = known[i].code};
    assert_int_equal(stoa_error_http_status(&error), known[i].status);
  }
  const struct stoa_error temporary = {.code = 1001, .temporary = true};
  assert_int_equal(stoa_error_http_status(&temporary), 503);
  const struct stoa_error late = {.code = STOA_ERROR_UNAVAILABLE, .reason = STOA_STR("TIMEOUT")};
  assert_int_equal(stoa_error_http_status(&late), 504);
  assert_int_equal(stoa_error_http_status(NULL), 200);
}

static void metadata_give_a_status_to_a_code_that_is_none(void **state) {
  (void)state;
  static const struct stoa_error_metadata_entry entries[] = {
      {STOA_STR("room"), STOA_STR("404")},
      {STOA_STR(STOA_ERROR_STATUS_KEY), STOA_STR("409")},
  };
  const struct stoa_error error = with_metadata(1001, entries, 2);
  assert_int_equal(stoa_error_http_status(&error), 409);
  assert_true(stoa_error_is_conflict(&error));
  const struct stoa_error own = with_metadata(404, entries, 2);
  assert_int_equal(stoa_error_http_status(&own), 404);
}

static void metadata_that_are_no_status_are_ignored(void **state) {
  (void)state;
  static const char *const texts[] = {"", "4", "40", "4000", "399", "600", "4x0", "-40", "200"};
  for (size_t i = 0; i < STOA_COUNT_OF(texts); i++) {
    const struct stoa_error_metadata_entry entry = {STOA_STR(STOA_ERROR_STATUS_KEY), stoa_string_of(texts[i])};
    const struct stoa_error error = with_metadata(1001, &entry, 1);
    assert_int_equal(stoa_error_http_status(&error), 400);
  }
}

static void an_error_is_written_as_kratos_has_it(void **state) {
  (void)state;
  static const struct stoa_error_metadata_entry entries[] = {
      {STOA_STR("a\"b"), STOA_STR("\n")},
      {STOA_STR(STOA_ERROR_STATUS_KEY), STOA_STR("409")},
      {STOA_STR("c"), STOA_STR("d")},
  };
  struct stoa_error error = with_metadata(1001, entries, 3);
  error.reason = stoa_string_of("SOLD_OUT");
  error.message = stoa_string_of("h\xc3\xa9");
  struct stoa_buffer out;
  stoa_buffer_init(&out, 1024);
  assert_int_equal(stoa_error_write_json(&error, &out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal((const char *)out.data,
                      "{\"code\":1001,\"reason\":\"SOLD_OUT\",\"message\":\"h\xc3\xa9\","
                      "\"metadata\":{\"a\\\"b\":\"\\n\",\"c\":\"d\"}}");
  out.len = 0;
  const struct stoa_error empty = {.code = 500};
  assert_int_equal(stoa_error_write_json(&empty, &out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal((const char *)out.data, "{\"code\":500,\"reason\":\"\",\"message\":\"\",\"metadata\":{}}");
  stoa_buffer_fini(&out);
}

static void an_error_that_cannot_be_written_leaves_the_output_unchanged(void **state) {
  (void)state;
  char long_text[200];
  memset(long_text, 'x', sizeof long_text);
  struct stoa_error error = {.code = 500, .message = STOA_STR("\xff")};
  struct stoa_buffer out;
  stoa_buffer_init(&out, 128);
  assert_int_equal(stoa_buffer_append(&out, "kept", 4), STOA_OK);
  assert_int_equal(stoa_error_write_json(&error, &out), STOA_E_UTF8);
  assert_int_equal(out.len, 4);
  error.message = stoa_string_make(long_text, sizeof long_text);
  assert_int_equal(stoa_error_write_json(&error, &out), STOA_E_LIMIT);
  assert_int_equal(out.len, 4);
  stoa_buffer_fini(&out);
  stoa_buffer_init(&out, 1024);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_error_write_json(&error, &out), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_int_equal(out.len, 0);
  stoa_buffer_fini(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_constructor_gives_code_reason_and_message),
      cmocka_unit_test(each_constructor_has_its_status_and_predicate),
      cmocka_unit_test(a_code_that_is_no_status_gets_one),
      cmocka_unit_test(without_memory_for_its_status_an_error_has_none),
      cmocka_unit_test(a_long_message_is_cut_between_characters),
      cmocka_unit_test(every_error_has_a_status),
      cmocka_unit_test(metadata_give_a_status_to_a_code_that_is_none),
      cmocka_unit_test(metadata_that_are_no_status_are_ignored),
      cmocka_unit_test(an_error_is_written_as_kratos_has_it),
      cmocka_unit_test(an_error_that_cannot_be_written_leaves_the_output_unchanged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
