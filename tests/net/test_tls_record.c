/* Record protection and its keys, against the bytes of RFC 8448 and against OpenSSL's cipher used by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stoa/status.h>

#include "net/tls_record.h"

static struct stoa_tls_tools *tools;
static const struct stoa_tls_suite *suite;

static int make_tools(void **state) {
  (void)state;
  tools = stoa_tls_tools_create();
  suite = stoa_tls_suite_find(0x1301);
  return tools == NULL || suite == NULL;
}

static int free_tools(void **state) {
  (void)state;
  stoa_tls_tools_destroy(tools);
  return 0;
}

static size_t from_hex(uint8_t *out, const char *hex) {
  size_t len = 0;
  for (; *hex != '\0'; hex += 2) {
    unsigned byte;
    assert_int_equal(sscanf(hex, "%2x", &byte), 1);
    out[len++] = (uint8_t)byte;
  }
  return len;
}

static void is_hex(const uint8_t *data, const char *hex) {
  uint8_t expected[256];
  assert_memory_equal(data, expected, from_hex(expected, hex));
}

/* RFC 8448 3: each side's secret, the keys of it, and the records of that handshake's session. */
static const struct side {
  const char *secret, *key, *nonce;
  uint64_t sequence; /* the server has sent a ticket before */
  const char *data, *alert;
} client_side =
    {
        "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
        "17422dda596ed5d9acd890e3c63f5051",
        "5b78923dee08579033e523d9",
        0,
        "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292"
        "a297"
        "7014bd1e3deae63aeebb21694915e4",
        "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3",
},
  server_side = {
      "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
      "9f02283b6c9c07efc26bb9f2ac92e356",
      "cf782b88dd83549aadf1e984",
      1,
      "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a2"
      "1c"
      "0047c2abf332540dd032e167c2955d",
      "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9",
};

static struct stoa_tls_keys keys_of(const struct side *side) {
  struct stoa_tls_keys keys = {0};
  assert_int_equal(from_hex(keys.secret, side->secret), stoa_tls_suite_secret_len(suite));
  assert_true(stoa_tls_keys_begin(&keys, tools, suite, side->sequence));
  return keys;
}

static void test_keys_are_those_of_rfc_8448(void **state) {
  (void)state;
  const struct side *sides[] = {&client_side, &server_side};
  for (size_t i = 0; i < 2; i++) {
    struct stoa_tls_keys keys = keys_of(sides[i]);
    is_hex(keys.key, sides[i]->key);
    is_hex(keys.nonce, sides[i]->nonce);
    assert_int_equal(keys.sequence, sides[i]->sequence);
  }
}

static void test_records_are_sealed_and_opened_as_in_rfc_8448(void **state) {
  (void)state;
  const struct side *sides[] = {&client_side, &server_side};
  uint8_t data[50], record[256], text[256];
  const uint8_t alert[2] = {1, 0};
  for (size_t i = 0; i < sizeof data; i++) {
    data[i] = (uint8_t)i;
  }
  for (size_t i = 0; i < 2; i++) {
    struct stoa_tls_keys keys = keys_of(sides[i]);
    assert_true(stoa_tls_seal(&keys, tools, suite, STOA_TLS_RECORD_DATA, data, sizeof data, record));
    is_hex(record, sides[i]->data);
    assert_true(stoa_tls_seal(&keys, tools, suite, STOA_TLS_RECORD_ALERT, alert, sizeof alert, record));
    is_hex(record, sides[i]->alert);
    keys = keys_of(sides[i]);
    struct stoa_tls_opened opened;
    enum stoa_tls_alert why;
    size_t len = from_hex(record, sides[i]->data);
    assert_int_equal(stoa_tls_open(&keys, tools, suite, record, len, text, &opened, &why), STOA_OK);
    assert_int_equal(opened.type, STOA_TLS_RECORD_DATA);
    assert_int_equal(opened.len, sizeof data);
    assert_memory_equal(text, data, sizeof data);
    len = from_hex(record, sides[i]->alert);
    assert_int_equal(stoa_tls_open(&keys, tools, suite, record, len, text, &opened, &why), STOA_OK);
    assert_int_equal(opened.type, STOA_TLS_RECORD_ALERT);
    assert_int_equal(opened.len, 2);
    assert_memory_equal(text, alert, 2);
  }
}

/* A record with any text, sealed by OpenSSL alone, as number 0 of the client's keys. */
static size_t seal_by_hand(const uint8_t *text, size_t len, uint8_t *out) {
  struct stoa_tls_keys keys = keys_of(&client_side);
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  int ignored;
  size_t sealed_len = len + 16;
  const uint8_t header[5] = {23, 3, 3, (uint8_t)(sealed_len >> 8), (uint8_t)sealed_len};
  memcpy(out, header, 5);
  assert_int_equal(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, keys.key, keys.nonce), 1);
  assert_int_equal(EVP_EncryptUpdate(cipher, NULL, &ignored, header, 5), 1);
  assert_int_equal(EVP_EncryptUpdate(cipher, out + 5, &ignored, text, (int)len), 1);
  assert_int_equal(EVP_EncryptFinal_ex(cipher, out + 5 + len, &ignored), 1);
  assert_int_equal(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, out + 5 + len), 1);
  EVP_CIPHER_CTX_free(cipher);
  return 5 + sealed_len;
}

static int open_by_hand(const uint8_t *text, size_t len, struct stoa_tls_opened *out_opened, enum stoa_tls_alert *out) {
  static uint8_t record[STOA_TLS_RECORD_LEN_MAX], opened_text[STOA_TLS_RECORD_LEN_MAX];
  struct stoa_tls_keys keys = keys_of(&client_side);
  size_t record_len = seal_by_hand(text, len, record);
  return stoa_tls_open(&keys, tools, suite, record, record_len, opened_text, out_opened, out);
}

/* RFC 8446 5.2 and 5.4: 2^14 bytes and a type, padding and all; the record may be 2^14 + 256 all the same. */
static void test_a_text_may_be_as_long_as_the_limit_and_no_longer(void **state) {
  static uint8_t text[STOA_TLS_DATA_LEN_MAX + 256];
  (void)state;
  struct stoa_tls_opened opened;
  enum stoa_tls_alert alert;
  memset(text, 'x', sizeof text);
  text[STOA_TLS_DATA_LEN_MAX] = STOA_TLS_RECORD_DATA;
  assert_int_equal(open_by_hand(text, STOA_TLS_DATA_LEN_MAX + 1, &opened, &alert), STOA_OK);
  assert_int_equal(opened.len, STOA_TLS_DATA_LEN_MAX);
  const size_t too_long[] = {STOA_TLS_DATA_LEN_MAX + 2, STOA_TLS_DATA_LEN_MAX + 240};
  for (size_t i = 0; i < 2; i++) {
    memset(text, 'x', sizeof text);
    text[too_long[i] - 1] = STOA_TLS_RECORD_DATA;
    assert_int_equal(open_by_hand(text, too_long[i], &opened, &alert), STOA_E_TLS);
    assert_int_equal(alert, STOA_TLS_ALERT_RECORD_OVERFLOW);
  }
  memset(text, 0, sizeof text);
  text[0] = STOA_TLS_RECORD_DATA; /* all of it padding */
  assert_int_equal(open_by_hand(text, STOA_TLS_DATA_LEN_MAX + 2, &opened, &alert), STOA_E_TLS);
  assert_int_equal(alert, STOA_TLS_ALERT_RECORD_OVERFLOW);
}

static void test_numbers_do_not_wrap(void **state) {
  (void)state;
  struct stoa_tls_keys keys = keys_of(&client_side);
  uint8_t record[64], text[64];
  struct stoa_tls_opened opened;
  enum stoa_tls_alert alert;
  keys.sequence = UINT64_MAX;
  assert_false(stoa_tls_seal(&keys, tools, suite, STOA_TLS_RECORD_DATA, (const uint8_t *)"x", 1, record));
  size_t len = seal_by_hand((const uint8_t *)"x\x17", 2, record);
  assert_int_equal(stoa_tls_open(&keys, tools, suite, record, len, text, &opened, &alert), STOA_E_TLS);
  assert_int_equal(alert, STOA_TLS_ALERT_INTERNAL_ERROR);
}

static void test_new_keys_begin_with_number_0_and_old_ones_open_nothing(void **state) {
  (void)state;
  for (uint16_t number = 0x1301; number <= 0x1303; number++) {
    const struct stoa_tls_suite *each = stoa_tls_suite_find(number);
    struct stoa_tls_keys old = {0};
    uint8_t record[64], text[64];
    struct stoa_tls_opened opened;
    enum stoa_tls_alert alert;
    memset(old.secret, 7, sizeof old.secret);
    assert_true(stoa_tls_keys_begin(&old, tools, each, 5));
    struct stoa_tls_keys fresh = old;
    assert_true(stoa_tls_keys_update(&fresh, tools, each));
    assert_int_equal(fresh.sequence, 0);
    struct stoa_tls_keys same = fresh;
    assert_true(stoa_tls_seal(&fresh, tools, each, STOA_TLS_RECORD_DATA, (const uint8_t *)"x", 1, record));
    stoa_tls_tools_forget(tools, each); /* of another connection's end */
    old.sequence = 0;
    size_t len = 1 + STOA_TLS_OVERHEAD_LEN;
    assert_int_equal(stoa_tls_open(&old, tools, each, record, len, text, &opened, &alert), STOA_E_TLS);
    assert_int_equal(alert, STOA_TLS_ALERT_BAD_RECORD_MAC);
    assert_int_equal(stoa_tls_open(&same, tools, each, record, len, text, &opened, &alert), STOA_OK);
  }
  assert_null(stoa_tls_suite_find(0x1304));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keys_are_those_of_rfc_8448),
      cmocka_unit_test(test_records_are_sealed_and_opened_as_in_rfc_8448),
      cmocka_unit_test(test_a_text_may_be_as_long_as_the_limit_and_no_longer),
      cmocka_unit_test(test_numbers_do_not_wrap),
      cmocka_unit_test(test_new_keys_begin_with_number_0_and_old_ones_open_nothing),
  };
  return cmocka_run_group_tests_name("protection of records", tests, make_tools, free_tools);
}
