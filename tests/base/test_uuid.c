#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stoa/uuid.h>

#include "base/sys.h"

static const struct stoa_uuid known = {
    {0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x43, 0x20, 0x9b, 0xac, 0xf8, 0x47, 0xdb, 0x41, 0x48, 0xa8}};
static const char known_text[] = "919108f7-52d1-4320-9bac-f847db4148a8"; /* RFC 9562 A.3 */

static void an_id_has_the_version_and_the_variant_of_rfc_9562(void **state) {
  (void)state;
  for (int i = 0; i < 1000; i++) {
    struct stoa_uuid id;
    assert_int_equal(stoa_uuid_make(&id), STOA_OK);
    assert_int_equal(id.bytes[6] >> 4, 4);
    assert_int_equal(id.bytes[8] >> 6, 2);
  }
}

static void ids_differ_and_all_their_other_bits_vary(void **state) {
  (void)state;
  enum { IDS = 500 };
  static struct stoa_uuid ids[IDS];
  uint8_t ever_set[16] = {0};
  uint8_t ever_clear[16] = {0};
  for (int i = 0; i < IDS; i++) {
    assert_int_equal(stoa_uuid_make(&ids[i]), STOA_OK);
    for (int k = 0; k < i; k++) {
      assert_false(stoa_uuid_equal(&ids[i], &ids[k]));
    }
    for (int k = 0; k < 16; k++) {
      ever_set[k] |= ids[i].bytes[k];
      ever_clear[k] |= (uint8_t)~ids[i].bytes[k];
    }
  }
  for (int k = 0; k < 16; k++) {
    uint8_t fixed = k == 6 ? 0xf0 : k == 8 ? 0xc0 : 0;
    assert_int_equal(ever_set[k] | fixed, 0xff);
    assert_int_equal(ever_clear[k] | fixed, 0xff);
  }
}

static ssize_t no_random(void *data, size_t len, unsigned flags) {
  (void)data;
  (void)len;
  (void)flags;
  errno = ENOSYS;
  return -1;
}

static void without_random_bytes_no_id_is_made(void **state) {
  (void)state;
  stoa_sys.getrandom = no_random;
  struct stoa_uuid id;
  int status = STOA_OK;
  /* Random bytes come from a pool that is refilled now and then. */
  for (int i = 0; i < 1000 && status == STOA_OK; i++) {
    id = known;
    status = stoa_uuid_make(&id);
  }
  stoa_sys = stoa_sys_real;
  assert_int_equal(status, STOA_E_SYSTEM);
  assert_true(stoa_uuid_equal(&id, &known));
}

static void an_id_is_written_in_lower_case_and_terminated(void **state) {
  (void)state;
  char text[STOA_UUID_TEXT_LEN + 1];
  memset(text, 'x', sizeof text);
  stoa_uuid_format(&known, text);
  assert_string_equal(text, known_text);
}

static void an_id_is_read_in_either_case(void **state) {
  (void)state;
  struct stoa_uuid id;
  assert_int_equal(stoa_uuid_parse(stoa_string_of(known_text), &id), STOA_OK);
  assert_true(stoa_uuid_equal(&id, &known));
  memset(&id, 0, sizeof id);
  assert_int_equal(stoa_uuid_parse(stoa_string_of("919108F7-52D1-4320-9BAC-F847DB4148A8"), &id), STOA_OK);
  assert_true(stoa_uuid_equal(&id, &known));
}

static void what_was_written_is_read_back(void **state) {
  (void)state;
  for (int i = 0; i < 1000; i++) {
    struct stoa_uuid id;
    struct stoa_uuid again;
    char text[STOA_UUID_TEXT_LEN + 1];
    assert_int_equal(stoa_uuid_make(&id), STOA_OK);
    stoa_uuid_format(&id, text);
    assert_int_equal(stoa_uuid_parse(stoa_string_of(text), &again), STOA_OK);
    assert_true(stoa_uuid_equal(&id, &again));
  }
}

static void assert_refused(struct stoa_string text) {
  struct stoa_uuid id = known;
  assert_int_equal(stoa_uuid_parse(text, &id), STOA_E_SYNTAX);
  assert_true(stoa_uuid_equal(&id, &known));
}

static void a_text_of_another_length_is_refused(void **state) {
  (void)state;
  assert_refused(stoa_string_make(NULL, 0));
  assert_refused(stoa_string_make(known_text, STOA_UUID_TEXT_LEN - 1));
  assert_refused(stoa_string_of("919108f7-52d1-4320-9bac-f847db4148a80"));
  assert_refused(stoa_string_of("{919108f7-52d1-4320-9bac-f847db4148a8}"));
  assert_refused(stoa_string_of("919108f752d143209bacf847db4148a8"));
}

static void a_foreign_character_is_refused_at_every_place(void **state) {
  (void)state;
  static const char foreign[] = {'g', 'G', '/', ':', '@', '`', ' ', '\0', '-', '0', (char)0xb1, (char)0xe1};
  char text[STOA_UUID_TEXT_LEN + 1];
  for (size_t at = 0; at < STOA_UUID_TEXT_LEN; at++) {
    for (size_t i = 0; i < sizeof foreign; i++) {
      memcpy(text, known_text, sizeof text);
      bool is_digit_for_digit = foreign[i] == '0' && text[at] != '-';
      bool is_the_same = foreign[i] == text[at];
      text[at] = foreign[i];
      if (!is_digit_for_digit && !is_the_same) {
        assert_refused(stoa_string_make(text, STOA_UUID_TEXT_LEN));
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_id_has_the_version_and_the_variant_of_rfc_9562),
      cmocka_unit_test(ids_differ_and_all_their_other_bits_vary),
      cmocka_unit_test(without_random_bytes_no_id_is_made),
      cmocka_unit_test(an_id_is_written_in_lower_case_and_terminated),
      cmocka_unit_test(an_id_is_read_in_either_case),
      cmocka_unit_test(what_was_written_is_read_back),
      cmocka_unit_test(a_text_of_another_length_is_refused),
      cmocka_unit_test(a_foreign_character_is_refused_at_every_place),
  };
  return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
