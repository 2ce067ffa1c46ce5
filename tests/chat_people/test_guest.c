#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stoa/log.h>

#include "guest.h"

#define NOW_MS 1769860800000
#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct place {
  char folder[64];
  char file[96];
  struct stoa_arena *arena;
};

static int set_up(void **state) {
  struct place *place = calloc(1, sizeof *place);
  assert_non_null(place);
  stoa_log_set_level(STOA_LOG_OFF);
  strcpy(place->folder, "/tmp/stoa-guest-XXXXXX");
  assert_non_null(mkdtemp(place->folder));
  snprintf(place->file, sizeof place->file, "%s/" GUEST_KEY_FILE, place->folder);
  place->arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  assert_non_null(place->arena);
  *state = place;
  return 0;
}

static int tear_down(void **state) {
  struct place *place = *state;
  unlink(place->file);
  rmdir(place->folder);
  stoa_arena_destroy(place->arena);
  free(place);
  return 0;
}

static struct guest_keys *keys_in(const char *folder) {
  struct guest_keys *keys = NULL;
  assert_int_equal(guest_keys_create(folder, &keys), STOA_OK);
  return keys;
}

static struct stoa_string token_of(const struct guest_keys *keys, struct stoa_buffer *buffer, const char *user_id,
                                   const char *nick) {
  stoa_buffer_init(buffer, GUEST_TOKEN_LEN_MAX);
  assert_int_equal(guest_token_write(keys, stoa_string_of(user_id), stoa_string_of(nick), NOW_MS, buffer), STOA_OK);
  return stoa_string_make((const char *)buffer->data, buffer->len);
}

static void expect_refused(const struct guest_keys *keys, struct place *place, struct stoa_string token, int64_t now_ms,
                           enum stoa_token_reason reason) {
  struct guest guest;
  enum stoa_token_reason found;
  assert_int_equal(guest_token_read(keys, token, now_ms, place->arena, &guest, &found), STOA_E_DENIED);
  assert_int_equal(found, reason);
}

static void expect_guest(const struct guest_keys *keys, struct place *place, struct stoa_string token, int64_t now_ms) {
  struct guest guest;
  enum stoa_token_reason reason;
  assert_int_equal(guest_token_read(keys, token, now_ms, place->arena, &guest, &reason), STOA_OK);
  assert_int_equal(reason, STOA_TOKEN_FINE);
  assert_true(stoa_string_equal(guest.user_id, stoa_string_of("user-1")));
  assert_true(stoa_string_equal(guest.nick, stoa_string_of("小明 \"x\"")));
}

static void a_token_outlives_the_program_that_made_it(void **state) {
  struct place *place = *state;
  struct stoa_buffer buffer;
  struct guest_keys *keys = keys_in(place->folder);
  struct stoa_string token = token_of(keys, &buffer, "user-1", "小明 \"x\"");
  expect_guest(keys, place, token, NOW_MS);
  guest_keys_destroy(keys);
  keys = keys_in(place->folder);
  expect_guest(keys, place, token, NOW_MS + GUEST_TOKEN_DAYS * DAY_MS - 1000);
  guest_keys_destroy(keys);
  stoa_buffer_fini(&buffer);
}

static void the_file_of_the_key_is_its_owners_alone(void **state) {
  struct place *place = *state;
  struct stat found;
  guest_keys_destroy(keys_in(place->folder));
  assert_int_equal(stat(place->file, &found), 0);
  assert_int_equal(found.st_mode & 07777, 0600);
  assert_true(found.st_size >= 32);
  /* Nothing else was left. */
  assert_int_equal(found.st_nlink, 1);
  assert_int_equal(unlink(place->file), 0);
  assert_int_equal(rmdir(place->folder), 0);
  assert_int_equal(mkdir(place->folder, 0700), 0);
}

static void a_key_that_others_can_read_is_refused(void **state) {
  struct place *place = *state;
  struct guest_keys *keys = NULL;
  guest_keys_destroy(keys_in(place->folder));
  assert_int_equal(chmod(place->file, 0644), 0);
  assert_int_equal(guest_keys_create(place->folder, &keys), STOA_E_DENIED);
  assert_int_equal(chmod(place->file, 0602), 0);
  assert_int_equal(guest_keys_create(place->folder, &keys), STOA_E_DENIED);
  assert_null(keys);
}

static void put(const struct place *place, const char *content, size_t len) {
  int fd = open(place->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, content, len), len);
  close(fd);
}

static void a_key_that_is_too_short_or_too_long_is_refused(void **state) {
  struct place *place = *state;
  struct guest_keys *keys = NULL;
  char content[STOA_TOKEN_SECRET_BYTES_MAX + 1];
  memset(content, 'k', sizeof content);
  put(place, content, 31);
  assert_int_equal(guest_keys_create(place->folder, &keys), STOA_E_TYPE);
  put(place, content, 0);
  assert_int_equal(guest_keys_create(place->folder, &keys), STOA_E_TYPE);
  put(place, content, sizeof content);
  assert_int_equal(guest_keys_create(place->folder, &keys), STOA_E_LIMIT);
  assert_null(keys);
}

static void a_folder_that_is_not_there_is_an_error(void **state) {
  struct guest_keys *keys = NULL;
  (void)state;
  assert_int_equal(guest_keys_create("/nonexistent/folder", &keys), STOA_E_NOT_FOUND);
  assert_int_equal(guest_keys_create("/proc/self", &keys), STOA_E_NOT_FOUND); /* where nobody can make files */
}

static void a_key_that_is_no_file_is_an_error(void **state) {
  struct place *place = *state;
  struct guest_keys *keys = NULL;
  assert_int_equal(mkdir(place->file, 0700), 0);
  assert_int_equal(guest_keys_create(place->folder, &keys), STOA_E_SYSTEM);
  assert_int_equal(rmdir(place->file), 0);
}

static void a_path_that_is_too_long_is_an_error(void **state) {
  struct guest_keys *keys = NULL;
  char folder[5000];
  (void)state;
  memset(folder, 'f', sizeof folder - 1);
  folder[sizeof folder - 1] = '\0';
  assert_int_equal(guest_keys_create(folder, &keys), STOA_E_LIMIT);
  folder[4090] = '\0'; /* too long only with the letters of a draft */
  assert_int_not_equal(guest_keys_create(folder, &keys), STOA_OK);
}

static void expired_forged_and_foreign_tokens_are_refused(void **state) {
  struct place *place = *state;
  struct stoa_buffer buffer;
  struct stoa_buffer other_buffer;
  struct guest_keys *keys = keys_in(NULL);
  struct guest_keys *others = keys_in(place->folder);
  struct stoa_string token = token_of(keys, &buffer, "user-1", "Ada");
  struct stoa_string foreign = token_of(others, &other_buffer, "user-1", "Ada");
  expect_refused(keys, place, token, NOW_MS + GUEST_TOKEN_DAYS * DAY_MS, STOA_TOKEN_EXPIRED);
  expect_refused(keys, place, foreign, NOW_MS, STOA_TOKEN_BAD_SIGNATURE);
  expect_refused(keys, place, stoa_string_of("a.b.c"), NOW_MS, STOA_TOKEN_MALFORMED);
  expect_refused(keys, place, stoa_string_of(""), NOW_MS, STOA_TOKEN_MALFORMED);
  /* alg none, as {"alg":"none"}.{"sub":"user-1"} without a signature */
  expect_refused(keys, place, stoa_string_of("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyLTEifQ."), NOW_MS,
                 STOA_TOKEN_ALGORITHM);
  /* Each changed character makes it another token. */
  for (size_t i = 0; i < buffer.len; i++) {
    struct guest guest;
    enum stoa_token_reason reason;
    uint8_t was = buffer.data[i];
    buffer.data[i] = was == 'A' ? 'B' : 'A';
    assert_int_equal(guest_token_read(keys, token, NOW_MS, place->arena, &guest, &reason), STOA_E_DENIED);
    stoa_arena_reset(place->arena);
    buffer.data[i] = was;
  }
  stoa_buffer_fini(&buffer);
  stoa_buffer_fini(&other_buffer);
  guest_keys_destroy(keys);
  guest_keys_destroy(others);
}

/* Who can read the key signs what the server never writes. */
static struct stoa_string sign_with(const struct place *place, const char *claims, struct stoa_buffer *buffer) {
  const struct stoa_token_key_source source = {
      .form = STOA_TOKEN_SECRET, .kid = STOA_STR("stoa-guest"), .file = place->file};
  struct stoa_token_signer *signer = NULL;
  assert_int_equal(stoa_token_signer_create(&source, &signer, NULL), STOA_OK);
  stoa_buffer_init(buffer, STOA_TOKEN_LEN_MAX);
  assert_int_equal(stoa_token_sign(signer, stoa_string_of(claims), buffer), STOA_OK);
  stoa_token_signer_destroy(signer);
  return stoa_string_make((const char *)buffer->data, buffer->len);
}

static void tokens_with_other_claims_are_refused(void **state) {
  static const struct {
    const char *claims;
    enum stoa_token_reason reason;
  } cases[] = {
      {"{\"iss\":\"stoa-chatroom\",\"exp\":1999999999}", STOA_TOKEN_BAD_CLAIM},
      {"{\"iss\":\"stoa-chatroom\",\"exp\":1999999999,\"sub\":\"\"}", STOA_TOKEN_BAD_CLAIM},
      {"{\"iss\":\"stoa-chatroom\",\"exp\":1999999999,\"sub\":\"a\",\"nick\":7}", STOA_TOKEN_BAD_CLAIM},
      {"{\"iss\":\"stoa-chatroom\",\"sub\":\"a\"}", STOA_TOKEN_NO_EXPIRY},
      {"{\"iss\":\"https://id.example.org\",\"exp\":1999999999,\"sub\":\"a\"}", STOA_TOKEN_WRONG_ISSUER},
      {"{\"iss\":\"stoa-chatroom\",\"exp\":1999999999,\"sub\":\""
       "1234567890123456789012345678901234567890123456789012345678901234"
       "12345678901234567890123456789012345678901234567890123456789012345\"}",
       STOA_TOKEN_BAD_CLAIM},
  };
  struct place *place = *state;
  struct guest_keys *keys = keys_in(place->folder);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct stoa_buffer buffer;
    expect_refused(keys, place, sign_with(place, cases[i].claims, &buffer), NOW_MS, cases[i].reason);
    stoa_buffer_fini(&buffer);
  }
  guest_keys_destroy(keys);
}

static void the_longest_token_fits(void **state) {
  struct place *place = *state;
  struct stoa_buffer buffer;
  struct guest guest;
  enum stoa_token_reason reason;
  char user_id[GUEST_USER_ID_BYTES_MAX + 1] = {0};
  char nick[129] = {0};
  memset(user_id, '\x01', sizeof user_id - 1);
  memset(nick, '\x01', sizeof nick - 1);
  struct guest_keys *keys = keys_in(NULL);
  struct stoa_string token = token_of(keys, &buffer, user_id, nick);
  assert_int_equal(guest_token_read(keys, token, NOW_MS, place->arena, &guest, &reason), STOA_OK);
  assert_true(stoa_string_equal(guest.user_id, stoa_string_of(user_id)));
  stoa_buffer_fini(&buffer);
  stoa_buffer_init(&buffer, 10);
  assert_int_equal(guest_token_write(keys, stoa_string_of("a"), stoa_string_of("b"), NOW_MS, &buffer), STOA_E_LIMIT);
  assert_int_equal(buffer.len, 0);
  guest_keys_destroy(keys);
}

static void without_memory_there_is_no_verdict(void **state) {
  struct place *place = *state;
  struct stoa_buffer buffer;
  struct guest guest;
  enum stoa_token_reason reason;
  struct guest_keys *keys = keys_in(NULL);
  struct stoa_string token = token_of(keys, &buffer, "user-1", "Ada");
  struct stoa_arena *tiny = stoa_arena_create(16);
  assert_int_equal(guest_token_read(keys, token, NOW_MS, tiny, &guest, &reason), STOA_E_MEMORY);
  assert_int_equal(reason, STOA_TOKEN_FINE);
  stoa_arena_destroy(tiny);
  stoa_buffer_fini(&buffer);
  guest_keys_destroy(keys);
  (void)place;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_token_outlives_the_program_that_made_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_file_of_the_key_is_its_owners_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_others_can_read_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_is_too_short_or_too_long_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_is_no_file_is_an_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_an_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(expired_forged_and_foreign_tokens_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tokens_with_other_claims_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_longest_token_fits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_memory_there_is_no_verdict, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("guest tokens", tests, NULL, NULL);
}
