/* What a server's context agrees to: versions, groups, names, protocols, certificates of clients, tickets, OCSP. */
#include "base/array.h"
#include "lib/pem.h"
#include "lib/tls_ends.h"
#include "net/tls_private.h"
#include "tls_pair.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S 86400
#define NS_PER_S UINT64_C(1000000000)

/* Certificates of the group of tests. */
enum { CA, OTHER_CA, SITE, WILD, NAMELESS, CLIENT, STRANGER, FILE_COUNT };
static struct {
  char certificate[96], key[96];
  X509 *x509;
  EVP_PKEY *evp;
} made[FILE_COUNT];
static char ocsp_path[96];

static char log_text[4096];

static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  const char *rest = strstr(line.data, "level=");
  size_t len = strlen(log_text);
  (void)context, (void)level;
  snprintf(log_text + len, sizeof log_text - len, "%s\n", rest == NULL ? "" : rest);
}

static void make(int which, const char *name, const char *alternatives, int issuer) {
  made[which].evp = pem_make_key();
  made[which].x509 =
      pem_sign(&(struct pem_request){name, alternatives, made[which].evp, issuer == which ? NULL : made[issuer].x509,
                                     made[issuer].evp != NULL ? made[issuer].evp : made[which].evp});
  snprintf(made[which].certificate, sizeof made[which].certificate, "/tmp/stoa-test-%d-%d.crt", (int)getpid(), which);
  snprintf(made[which].key, sizeof made[which].key, "/tmp/stoa-test-%d-%d.key", (int)getpid(), which);
  pem_write_certificate(made[which].certificate, made[which].x509);
  pem_write_key(made[which].key, made[which].evp);
}

static int make_all(void **state) {
  int status = make_contexts(state);
  make(CA, "Authority", NULL, CA);
  make(OTHER_CA, "Other", NULL, OTHER_CA);
  make(SITE, "site", "DNS:site.example,DNS:both.example", CA);
  make(WILD, "wild", "DNS:*.wild.example,DNS:both.example", CA);
  make(NAMELESS, "nameless", "IP:127.0.0.1", CA);
  make(CLIENT, "Zo\xc3\xab, the first", "DNS:zoe.example,URI:spiffe://example.org/zoe,email:z@example.org", CA);
  make(STRANGER, "stranger", "DNS:stranger.example", OTHER_CA);
  snprintf(ocsp_path, sizeof ocsp_path, "/tmp/stoa-test-%d.ocsp", (int)getpid());
  stoa_log_set_sink(take_line, NULL);
  return status;
}

static int free_all(void **state) {
  stoa_log_set_sink(NULL, NULL);
  for (int i = 0; i < FILE_COUNT; i++) {
    unlink(made[i].certificate);
    unlink(made[i].key);
    X509_free(made[i].x509);
    EVP_PKEY_free(made[i].evp);
  }
  unlink(ocsp_path);
  return free_contexts(state);
}

/* Each test has its own context, and its own clock. */
static struct stoa_tls_files files[4];
static struct stoa_tls_server_settings settings;
static struct stoa_clock_fake fake;
static struct stoa_clock clock_of_test;
static struct stoa_tls_context *context_before;

static int begin(void **state) {
  (void)state;
  log_text[0] = '\0';
  memset(files, 0, sizeof files);
  files[0] = (struct stoa_tls_files){.certificate = made[SITE].certificate, .key = made[SITE].key};
  fake = (struct stoa_clock_fake){.monotonic_ns = 1000 * NS_PER_S, .wall_us = stoa_clock_wall_us(&stoa_clock_system)};
  clock_of_test = stoa_clock_fake_init(&fake);
  settings = (struct stoa_tls_server_settings){
      .files = files, .file_count = 1, .clock = &clock_of_test, .option = "server.tls"};
  context_before = pair.context;
  pair.context = NULL;
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  stoa_tls_context_unref(pair.context);
  pair.context = context_before;
  return 0;
}

static int create(void) {
  struct stoa_tls_context *context = NULL;
  log_text[0] = '\0';
  int status = stoa_tls_server_context_create(&settings, &context);
  if (status == STOA_OK) {
    stoa_tls_context_unref(pair.context);
    pair.context = context;
  } else {
    assert_null(context);
  }
  return status;
}

static void expect_logged(const char *text) {
  if (strstr(log_text, text) == NULL) {
    fail_msg("%s is not in %s", text, log_text);
  }
}

/* As far as both come. Returns the server's status of the last read; out_alert is what the client was sent, or -1. */
static int try_handshake(int *out_alert) {
  char byte;
  size_t len;
  int status = STOA_E_AGAIN;
  *out_alert = -1;
  ERR_clear_error();
  for (int i = 0; i < 10; i++) {
    int result = SSL_do_handshake(pair.client);
    int error = SSL_get_error(pair.client, result);
    if (result != 1 && error == SSL_ERROR_SSL) {
      int reason = ERR_GET_REASON(ERR_peek_error());
      *out_alert = reason >= SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : -2;
      ERR_clear_error();
      return status;
    }
    if (status == STOA_E_AGAIN) {
      status = stoa_conn_read(&pair.conn, &byte, 1, &len);
    }
  }
  /* In TLS 1.3 the client is done before the server has looked at its certificate: the alert comes with the first data.
   */
  if (SSL_read(pair.client, &byte, 1) <= 0 && ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET) {
    *out_alert = ERR_GET_REASON(ERR_peek_error()) - SSL_AD_REASON_OFFSET;
  }
  ERR_clear_error();
  return status;
}

static void expect_alert(void **state, int alert) {
  int got;
  int status = try_handshake(&got);
  assert_int_equal(got, alert);
  assert_int_equal(status, STOA_E_TLS);
  close_both(state);
}

/* And the server knows what is wrong with the client's certificate. */
static void expect_refusal(void **state, int alert, const char *reason) {
  int got;
  assert_int_equal(try_handshake(&got), STOA_E_TLS);
  assert_int_equal(got, alert);
  assert_string_equal(stoa_tls_refusal(pair.conn.tls), reason);
  close_both(state);
}

static void expect_handshake(void) {
  int alert;
  assert_int_equal(try_handshake(&alert), STOA_E_AGAIN);
  assert_int_equal(alert, -1);
  assert_true(SSL_is_init_finished(pair.client));
  assert_false(stoa_conn_handshaking(&pair.conn));
  both_ways();
}

/* Settings. */

static void only_tls_1_3_is_accepted_when_it_is_asked_for(void **state) {
  settings.only_1_3 = true;
  assert_int_equal(create(), STOA_OK);
  connect_both(state);
  SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
  expect_alert(state, SSL_AD_PROTOCOL_VERSION);
  connect_both(state);
  expect_handshake();
  assert_string_equal(stoa_conn_tls_version(&pair.conn), "TLSv1.3");
  close_both(state);
}

static void both_versions_are_accepted_by_default_and_told(void **state) {
  assert_int_equal(create(), STOA_OK);
  connect_both(state);
  SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
  expect_handshake();
  assert_string_equal(stoa_conn_tls_version(&pair.conn), "TLSv1.2");
  assert_null(stoa_conn_peer_certificate(&pair.conn));
  close_both(state);
}

static void groups_and_ciphers_are_those_of_the_settings(void **state) {
  settings.groups = "P-384";
  settings.suites = "TLS_CHACHA20_POLY1305_SHA256";
  settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  assert_int_equal(create(), STOA_OK);
  connect_both(state);
  expect_handshake();
  assert_int_equal(SSL_get_negotiated_group(pair.client), NID_secp384r1);
  assert_string_equal(SSL_get_cipher(pair.client), "TLS_CHACHA20_POLY1305_SHA256");
  close_both(state);
  connect_both(state);
  SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
  expect_handshake();
  assert_string_equal(SSL_get_cipher(pair.client), "ECDHE-ECDSA-AES256-GCM-SHA384");
  close_both(state);
  connect_both(state);
  SSL_set1_groups_list(pair.client, (uintptr_t) "X25519");
  expect_alert(state, SSL_AD_HANDSHAKE_FAILURE);
}

static void without_forward_secrecy_there_is_no_handshake_by_default(void **state) {
  assert_int_equal(create(), STOA_OK);
  static const char *const weak[] = {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"};
  for (size_t i = 0; i < STOA_COUNT_OF(weak); i++) {
    connect_both(state);
    SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
    assert_int_equal(SSL_set_cipher_list(pair.client, weak[i]), 1);
    expect_alert(state, SSL_AD_HANDSHAKE_FAILURE);
  }
}

static void unknown_groups_ciphers_and_suites_are_named(void **state) {
  (void)state;
  settings.groups = "X25519:P-1";
  assert_int_equal(create(), STOA_E_ARGUMENT);
  assert_string_equal(log_text,
                      "level=error event=\"a group that OpenSSL does not know; write names with colons between them\" "
                      "option=server.tls.groups value=P-1\n");
  settings.groups = NULL;
  settings.ciphers = "NONSENSE";
  assert_int_equal(create(), STOA_E_ARGUMENT);
  assert_string_equal(log_text,
                      "level=error event=\"no cipher of TLS 1.2 is in the list that OpenSSL knows\" "
                      "option=server.tls.ciphers value=NONSENSE\n");
  settings.ciphers = NULL;
  settings.suites = "TLS_NONSENSE";
  assert_int_equal(create(), STOA_E_ARGUMENT);
  assert_string_equal(log_text,
                      "level=error event=\"a cipher suite of TLS 1.3 that OpenSSL does not know\" "
                      "option=server.tls.suites value=TLS_NONSENSE\n");
}

static void a_key_with_a_passphrase_is_refused_without_asking_for_it(void **state) {
  (void)state;
  char path[96];
  char line[256];
  snprintf(path, sizeof path, "/tmp/stoa-test-%d-secret.key", (int)getpid());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(PEM_write_PKCS8PrivateKey(file, made[SITE].evp, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
  fclose(file);
  files[0].key = path;
  assert_int_equal(create(), STOA_E_TLS);
  snprintf(line, sizeof line,
           "level=error event=\"the private key has a passphrase; remove it with `openssl pkey`, and protect the "
           "file\" file=%s\n",
           path);
  assert_string_equal(log_text, line);
  unlink(path);
}

/* LeakSanitizer sees that nothing is lost. */
static void an_allocation_that_fails_is_an_error(void **state) {
  (void)state;
  files[1] = (struct stoa_tls_files){.certificate = made[WILD].certificate, .key = made[WILD].key};
  settings.file_count = 2;
  settings.client_ca = made[CA].certificate;
  settings.client_verify = STOA_TLS_CLIENT_VERIFY_REQUIRED;
  assert_int_equal(create(), STOA_OK);
  for (unsigned n = 1; n < 3000; n += n < 40 ? 1 : 29) {
    struct stoa_tls_context *context = NULL;
    stoa_memory_fail_at(n, false);
    int status = stoa_tls_server_context_create(&settings, &context);
    stoa_memory_fail_at(0, false);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY || status == STOA_E_TLS || status == STOA_E_ARGUMENT);
    stoa_tls_context_unref(context);
  }
}

/* ALPN. */

static void offer(const char *protocols) {
  assert_int_equal(SSL_set_alpn_protos(pair.client, (const uint8_t *)protocols, (unsigned)strlen(protocols)), 0);
}

static void http_1_1_is_chosen_wherever_it_is_offered(void **state) {
  assert_int_equal(create(), STOA_OK);
  static const char *const offers[] = {"\x08http/1.1", "\x02h2\x08http/1.1", "\x08http/1.1\x02h2"};
  for (size_t i = 0; i < STOA_COUNT_OF(offers); i++) {
    const uint8_t *chosen = NULL;
    unsigned len = 0;
    connect_both(state);
    offer(offers[i]);
    expect_handshake();
    SSL_get0_alpn_selected(pair.client, &chosen, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    close_both(state);
  }
}

static void a_client_with_other_protocols_only_gets_no_application_protocol(void **state) {
  assert_int_equal(create(), STOA_OK);
  static const char *const offers[] = {"\x02h2", "\x07http/1.\x01x", "\x09http/1.1x"};
  for (size_t i = 0; i < STOA_COUNT_OF(offers); i++) {
    connect_both(state);
    offer(offers[i]);
    expect_alert(state, SSL_AD_NO_APPLICATION_PROTOCOL);
  }
}

/* SNI. */

static void expect_shown(void **state, const char *name, int which) {
  connect_both(state);
  if (name != NULL) {
    SSL_set_tlsext_host_name(pair.client, (uintptr_t)name);
  }
  expect_handshake();
  X509 *shown = SSL_get1_peer_certificate(pair.client);
  if (X509_cmp(shown, made[which].x509) != 0) {
    fail_msg("another certificate for %s", name == NULL ? "no name" : name);
  }
  X509_free(shown);
  close_both(state);
}

static void a_client_gets_the_certificate_of_the_name_that_it_asks_for(void **state) {
  files[1] = (struct stoa_tls_files){.certificate = made[WILD].certificate, .key = made[WILD].key};
  settings.file_count = 2;
  assert_int_equal(create(), STOA_OK);
  expect_shown(state, "site.example", SITE);
  expect_shown(state, "a.wild.example", WILD);
  expect_shown(state, "A.WILD.Example", WILD);
  expect_shown(state, "both.example", SITE); /* the first one that has it */
  static const char *const others[] = {
      NULL, "wild.example", "a.b.wild.example", "awild.example", ".wild.example", "unknown", "*.wild.example.org"};
  for (size_t i = 0; i < STOA_COUNT_OF(others); i++) {
    expect_shown(state, others[i], SITE);
  }
  SSL_CTX_set_max_proto_version(pair.client_context, TLS1_2_VERSION);
  expect_shown(state, "a.wild.example", WILD);
  SSL_CTX_set_max_proto_version(pair.client_context, 0);
}

static void unknown_names_are_refused_when_that_is_asked_for(void **state) {
  settings.refuse_unknown_names = true;
  assert_int_equal(create(), STOA_OK);
  expect_shown(state, "site.example", SITE);
  expect_shown(state, NULL, SITE);
  connect_both(state);
  SSL_set_tlsext_host_name(pair.client, (uintptr_t) "unknown.example");
  expect_alert(state, SSL_AD_UNRECOGNIZED_NAME);
}

static void a_further_certificate_without_a_name_is_refused(void **state) {
  char line[256];
  (void)state;
  files[1] = (struct stoa_tls_files){.certificate = made[NAMELESS].certificate, .key = made[NAMELESS].key};
  settings.file_count = 2;
  assert_int_equal(create(), STOA_E_TLS);
  snprintf(line, sizeof line, "event=\"the certificate has no DNS name, so no client can ask for it\" file=%s\n",
           made[NAMELESS].certificate);
  expect_logged(line);
}

static void too_many_names_are_refused(void **state) {
  (void)state;
  enum { EACH = 2501 };
  char *text = calloc(EACH, 24);
  char path[96];
  assert_non_null(text);
  for (size_t i = 0, at = 0; i < EACH; i++) {
    at += (size_t)sprintf(text + at, "%sDNS:n%zu.example", i == 0 ? "" : ",", i);
  }
  X509 *wide = pem_sign(&(struct pem_request){"wide", text, made[SITE].evp, NULL, made[SITE].evp});
  snprintf(path, sizeof path, "/tmp/stoa-test-%d-wide.crt", (int)getpid());
  pem_write_certificate(path, wide);
  for (size_t i = 0; i < 4; i++) {
    files[i] = (struct stoa_tls_files){.certificate = path, .key = made[SITE].key};
  }
  settings.file_count = 4;
  assert_int_equal(create(), STOA_E_LIMIT);
  expect_logged("event=\"the certificates have too many names\"");
  settings.file_count = 3;
  assert_int_equal(create(), STOA_OK);
  X509_free(wide);
  unlink(path);
  free(text);
}

/* Certificates of clients. */

static void show(int which) {
  if (which >= 0) {
    assert_int_equal(SSL_use_certificate(pair.client, made[which].x509), 1);
    assert_int_equal(SSL_use_PrivateKey(pair.client, made[which].evp), 1);
  }
}

static void ask(enum stoa_tls_client_verify verify) {
  settings.client_ca = made[CA].certificate;
  settings.client_verify = verify;
  assert_int_equal(create(), STOA_OK);
}

static void expect_zoe(void) {
  const struct stoa_certificate *peer = stoa_conn_peer_certificate(&pair.conn);
  uint8_t digest[32];
  unsigned len = sizeof digest;
  assert_non_null(peer);
  assert_true(stoa_string_equal(peer->subject, stoa_string_of("CN=Zo\xc3\xab\\, the first")));
  assert_int_equal(peer->dns_name_count, 1);
  assert_true(stoa_string_equal(peer->dns_names[0], stoa_string_of("zoe.example")));
  assert_int_equal(peer->uri_count, 1);
  assert_true(stoa_string_equal(peer->uris[0], stoa_string_of("spiffe://example.org/zoe")));
  assert_int_equal(X509_digest(made[CLIENT].x509, EVP_sha256(), digest, &len), 1);
  assert_memory_equal(peer->sha256, digest, sizeof digest);
}

static void what_a_clients_certificate_says_is_kept_in_both_versions(void **state) {
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t i = 0; i < STOA_COUNT_OF(versions); i++) {
    ask(STOA_TLS_CLIENT_VERIFY_REQUIRED);
    connect_both(state);
    SSL_set_max_proto_version(pair.client, versions[i]);
    show(CLIENT);
    expect_handshake();
    expect_zoe();
    close_both(state);
  }
}

static void who_must_show_a_certificate_and_has_none_or_a_wrong_one_is_refused(void **state) {
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t i = 0; i < STOA_COUNT_OF(versions); i++) {
    ask(STOA_TLS_CLIENT_VERIFY_REQUIRED);
    connect_both(state);
    SSL_set_max_proto_version(pair.client, versions[i]);
    int missing = versions[i] == TLS1_2_VERSION ? SSL_AD_HANDSHAKE_FAILURE : SSL_AD_CERTIFICATE_REQUIRED;
    int got;
    assert_int_equal(try_handshake(&got), STOA_E_TLS);
    assert_int_equal(got, missing);
    assert_null(stoa_tls_refusal(pair.conn.tls));
    close_both(state);
    ask(STOA_TLS_CLIENT_VERIFY_OPTIONAL);
    connect_both(state);
    SSL_set_max_proto_version(pair.client, versions[i]);
    show(STRANGER);
    expect_refusal(state, SSL_AD_UNKNOWN_CA, "unable to get local issuer certificate");
  }
}

static void who_may_show_a_certificate_may_have_none(void **state) {
  ask(STOA_TLS_CLIENT_VERIFY_OPTIONAL);
  connect_both(state);
  expect_handshake();
  assert_null(stoa_conn_peer_certificate(&pair.conn));
  close_both(state);
  connect_both(state);
  show(CLIENT);
  expect_handshake();
  expect_zoe();
  close_both(state);
}

static void the_certificates_of_all_names_ask_clients_alike(void **state) {
  files[1] = (struct stoa_tls_files){.certificate = made[WILD].certificate, .key = made[WILD].key};
  settings.file_count = 2;
  ask(STOA_TLS_CLIENT_VERIFY_REQUIRED);
  for (int which = CLIENT; which <= STRANGER; which++) {
    connect_both(state);
    SSL_set_tlsext_host_name(pair.client, (uintptr_t) "a.wild.example");
    show(which);
    if (which == CLIENT) {
      expect_handshake();
      expect_zoe();
      close_both(state);
    } else {
      expect_alert(state, SSL_AD_UNKNOWN_CA);
    }
  }
}

static void files_of_authorities_are_checked(void **state) {
  char line[256];
  (void)state;
  settings.client_ca = "/nonexistent/ca.pem";
  settings.client_verify = STOA_TLS_CLIENT_VERIFY_REQUIRED;
  assert_int_equal(create(), STOA_E_NOT_FOUND);
  assert_string_equal(log_text, "level=error event=\"cannot read the CA file\" file=/nonexistent/ca.pem errno=2\n");
  settings.client_ca = made[CA].key;
  assert_int_equal(create(), STOA_E_TLS);
  snprintf(line, sizeof line, "event=\"the CA file is not usable\" file=%s reason=", made[CA].key);
  expect_logged(line);
}

/* Returns how the server's last step of a handshake ends whose n-th allocation fails. */
static int finish_without_memory(void **state, unsigned n, bool *out_was_hit) {
  char byte;
  size_t len;
  connect_both(state);
  show(CLIENT);
  SSL_do_handshake(pair.client);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  assert_int_equal(SSL_do_handshake(pair.client), 1);
  stoa_memory_fail_at(n, false);
  int status = read_some(&byte, 1, &len);
  stoa_memory_fail_at(0, false);
  *out_was_hit = stoa_memory_fault_hits() > 0;
  if (status == STOA_E_AGAIN && !stoa_conn_handshaking(&pair.conn)) {
    expect_zoe();
  }
  close_both(state);
  return status;
}

static void without_memory_for_a_clients_certificate_the_handshake_fails(void **state) {
  unsigned fail_count = 0;
  unsigned last = 0;
  ask(STOA_TLS_CLIENT_VERIFY_REQUIRED);
  for (bool was_hit = true; was_hit; last += 100) {
    finish_without_memory(state, last + 100, &was_hit);
  }
  /* What is kept of the certificate is allocated at the end. */
  for (unsigned n = last; n + 250 > last && n > 0; n--) {
    bool was_hit;
    fail_count += finish_without_memory(state, n, &was_hit) == STOA_E_MEMORY ? 1 : 0;
  }
  assert_true(fail_count > 0);
}

/* Tickets. */

static SSL_SESSION *take_session(void **state, int version, int which) {
  connect_both(state);
  SSL_set_max_proto_version(pair.client, version);
  show(which);
  expect_handshake();
  SSL_SESSION *session = SSL_get1_session(pair.client);
  SSL_shutdown(pair.client);
  close_both(state);
  return session;
}

static bool resumes(void **state, SSL_SESSION *session) {
  connect_both(state);
  SSL_set_max_proto_version(pair.client, SSL_SESSION_get_protocol_version(session));
  SSL_set_session(pair.client, session);
  expect_handshake();
  bool is_resumed = SSL_session_reused(pair.client) == 1;
  /* Or OpenSSL would not use the session again. */
  SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  close_both(state);
  return is_resumed;
}

static void a_ticket_is_good_for_one_rotation_and_for_no_more_than_two(void **state) {
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  settings.ticket_rotation_s = 100;
  assert_int_equal(create(), STOA_OK);
  for (size_t i = 0; i < STOA_COUNT_OF(versions); i++) {
    SSL_SESSION *session = take_session(state, versions[i], -1);
    assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), 100);
    fake.monotonic_ns += 99 * NS_PER_S;
    assert_true(resumes(state, session));
    fake.monotonic_ns += 2 * NS_PER_S; /* the key before the current one */
    assert_true(resumes(state, session));
    fake.monotonic_ns += 100 * NS_PER_S;
    assert_false(resumes(state, session));
    SSL_SESSION_free(session);
    fake.monotonic_ns += 99 * NS_PER_S; /* to the beginning of the next key's time */
    session = take_session(state, versions[i], -1);
    fake.monotonic_ns += 250 * NS_PER_S; /* nobody came for two rotations */
    assert_false(resumes(state, session));
    fake.monotonic_ns += 50 * NS_PER_S;
    SSL_SESSION_free(session);
  }
}

static void without_tickets_nobody_resumes(void **state) {
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  settings.no_tickets = true;
  assert_int_equal(create(), STOA_OK);
  for (size_t i = 0; i < STOA_COUNT_OF(versions); i++) {
    SSL_SESSION *session = take_session(state, versions[i], -1);
    assert_false(SSL_SESSION_has_ticket(session));
    assert_false(resumes(state, session));
    SSL_SESSION_free(session);
  }
}

static void a_ticket_outlives_the_context_that_gave_it(void **state) {
  files[1] = (struct stoa_tls_files){.certificate = made[WILD].certificate, .key = made[WILD].key};
  settings.file_count = 2;
  assert_int_equal(create(), STOA_OK);
  SSL_SESSION *session = take_session(state, TLS1_3_VERSION, -1);
  settings.previous = pair.context;
  settings.file_count = 1;
  assert_int_equal(create(), STOA_OK);
  assert_true(resumes(state, session));
  settings.previous = NULL;
  assert_int_equal(create(), STOA_OK);
  assert_false(resumes(state, session)); /* other keys */
  SSL_SESSION_free(session);
}

/* Whoever has no ticket from a handshake with the same demands is asked again. */
static void a_ticket_does_not_get_around_new_demands_on_clients(void **state) {
  assert_int_equal(create(), STOA_OK);
  SSL_SESSION *anonymous = take_session(state, TLS1_3_VERSION, -1);
  SSL_SESSION *older = take_session(state, TLS1_2_VERSION, -1);
  settings.previous = pair.context;
  ask(STOA_TLS_CLIENT_VERIFY_REQUIRED);
  SSL_SESSION *const sessions[] = {anonymous, older};
  for (size_t i = 0; i < STOA_COUNT_OF(sessions); i++) {
    connect_both(state);
    SSL_set_max_proto_version(pair.client, SSL_SESSION_get_protocol_version(sessions[i]));
    SSL_set_session(pair.client, sessions[i]);
    expect_alert(state, i == 0 ? SSL_AD_CERTIFICATE_REQUIRED : SSL_AD_HANDSHAKE_FAILURE);
    SSL_SESSION_free(sessions[i]);
  }
  SSL_SESSION *known = take_session(state, TLS1_3_VERSION, CLIENT);
  connect_both(state);
  SSL_set_session(pair.client, known);
  expect_handshake();
  assert_true(SSL_session_reused(pair.client));
  expect_zoe(); /* from the ticket */
  close_both(state);
  settings.previous = pair.context;
  settings.client_ca = made[OTHER_CA].certificate;
  assert_int_equal(create(), STOA_OK);
  connect_both(state);
  SSL_set_session(pair.client, known);
  expect_alert(state, SSL_AD_CERTIFICATE_REQUIRED);
  SSL_SESSION_free(known);
}

static void a_ticket_of_a_client_whose_certificate_has_expired_is_ignored(void **state) {
  ask(STOA_TLS_CLIENT_VERIFY_OPTIONAL);
  SSL_SESSION *session = take_session(state, TLS1_3_VERSION, CLIENT);
  assert_true(resumes(state, session));
  fake.wall_us += INT64_C(2) * DAY_S * 1000000;
  assert_false(resumes(state, session));
  SSL_SESSION_free(session);
}

static void a_new_context_that_fails_leaves_the_old_keys_as_they_are(void **state) {
  settings.ticket_rotation_s = 100;
  assert_int_equal(create(), STOA_OK);
  SSL_SESSION *session = take_session(state, TLS1_3_VERSION, -1);
  settings.previous = pair.context;
  settings.ticket_rotation_s = 1;
  files[0].key = made[WILD].key;
  assert_int_equal(create(), STOA_E_TLS);
  fake.monotonic_ns += 50 * NS_PER_S;
  assert_true(resumes(state, session));
  SSL_SESSION_free(session);
}

/* OCSP. */

static void write_response(OCSP_RESPONSE *response) {
  uint8_t *der = NULL;
  int len = i2d_OCSP_RESPONSE(response, &der);
  FILE *file = fopen(ocsp_path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(der, 1, (size_t)len, file), len);
  fclose(file);
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
}

static void write_ocsp(int which, int verdict, long until_s) {
  OCSP_BASICRESP *answers = OCSP_BASICRESP_new();
  OCSP_CERTID *id = OCSP_cert_to_id(NULL, made[which].x509, made[CA].x509);
  ASN1_TIME *now = X509_gmtime_adj(NULL, -100);
  ASN1_TIME *until = X509_gmtime_adj(NULL, until_s);
  assert_non_null(OCSP_basic_add1_status(answers, id, verdict, OCSP_REVOKED_STATUS_NOSTATUS,
                                         verdict == V_OCSP_CERTSTATUS_REVOKED ? now : NULL, now, until));
  assert_int_equal(OCSP_basic_sign(answers, made[CA].x509, made[CA].evp, EVP_sha256(), NULL, 0), 1);
  write_response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, answers));
  ASN1_TIME_free(now);
  ASN1_TIME_free(until);
  OCSP_CERTID_free(id);
  OCSP_BASICRESP_free(answers);
}

/* The length of the response that the client got; -1: none. */
static long stapled(void **state, int version) {
  const uint8_t *response = NULL;
  connect_both(state);
  SSL_set_max_proto_version(pair.client, version);
  SSL_set_tlsext_status_type(pair.client, TLSEXT_STATUSTYPE_ocsp);
  expect_handshake();
  long len = SSL_get_tlsext_status_ocsp_resp(pair.client, &response);
  close_both(state);
  return len;
}

static void an_ocsp_response_goes_to_who_asks_for_it_until_it_expires(void **state) {
  write_ocsp(SITE, V_OCSP_CERTSTATUS_GOOD, 1000);
  files[0].ocsp = ocsp_path;
  assert_int_equal(create(), STOA_OK);
  assert_string_equal(log_text, "");
  assert_true(stapled(state, TLS1_3_VERSION) > 100);
  assert_true(stapled(state, TLS1_2_VERSION) > 100);
  expect_shown(state, NULL, SITE); /* who does not ask */
  fake.wall_us += INT64_C(2000) * 1000000;
  assert_int_equal(stapled(state, TLS1_3_VERSION), -1);
}

static void what_is_wrong_with_an_ocsp_response_is_told(void **state) {
  (void)state;
  files[0].ocsp = "/nonexistent/ocsp";
  assert_int_equal(create(), STOA_E_NOT_FOUND);
  expect_logged("event=\"cannot read the OCSP response\" file=/nonexistent/ocsp errno=2\n");
  files[0].ocsp = made[SITE].certificate;
  assert_int_equal(create(), STOA_E_TLS);
  expect_logged("the OCSP response is not usable; it must be DER");
  files[0].ocsp = ocsp_path;
  write_ocsp(WILD, V_OCSP_CERTSTATUS_GOOD, 1000);
  assert_int_equal(create(), STOA_E_TLS);
  expect_logged("the OCSP response is for another certificate");
  write_ocsp(SITE, V_OCSP_CERTSTATUS_REVOKED, 1000);
  assert_int_equal(create(), STOA_OK);
  expect_logged("level=warn event=\"the OCSP response does not call the certificate good");
  write_ocsp(SITE, V_OCSP_CERTSTATUS_GOOD, -10);
  assert_int_equal(create(), STOA_OK);
  expect_logged("level=warn event=\"the OCSP response has expired and is not sent; get a new one\"");
  write_response(OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL));
  assert_int_equal(create(), STOA_E_TLS);
  expect_logged("the OCSP response reports an error");
  FILE *file = fopen(ocsp_path, "w");
  assert_non_null(file);
  for (size_t i = 0; i < STOA_TLS_OCSP_BYTES_MAX + 1; i++) {
    fputc(0x30, file);
  }
  fclose(file);
  assert_int_equal(create(), STOA_E_TLS);
  expect_logged("the OCSP response is longer than 64 KiB");
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(only_tls_1_3_is_accepted_when_it_is_asked_for),
      TEST(both_versions_are_accepted_by_default_and_told),
      TEST(groups_and_ciphers_are_those_of_the_settings),
      TEST(without_forward_secrecy_there_is_no_handshake_by_default),
      TEST(unknown_groups_ciphers_and_suites_are_named),
      TEST(a_key_with_a_passphrase_is_refused_without_asking_for_it),
      TEST(an_allocation_that_fails_is_an_error),
      TEST(http_1_1_is_chosen_wherever_it_is_offered),
      TEST(a_client_with_other_protocols_only_gets_no_application_protocol),
      TEST(a_client_gets_the_certificate_of_the_name_that_it_asks_for),
      TEST(unknown_names_are_refused_when_that_is_asked_for),
      TEST(a_further_certificate_without_a_name_is_refused),
      TEST(too_many_names_are_refused),
      TEST(what_a_clients_certificate_says_is_kept_in_both_versions),
      TEST(who_must_show_a_certificate_and_has_none_or_a_wrong_one_is_refused),
      TEST(who_may_show_a_certificate_may_have_none),
      TEST(the_certificates_of_all_names_ask_clients_alike),
      TEST(files_of_authorities_are_checked),
      TEST(without_memory_for_a_clients_certificate_the_handshake_fails),
      TEST(a_ticket_is_good_for_one_rotation_and_for_no_more_than_two),
      TEST(without_tickets_nobody_resumes),
      TEST(a_ticket_outlives_the_context_that_gave_it),
      TEST(a_ticket_does_not_get_around_new_demands_on_clients),
      TEST(a_ticket_of_a_client_whose_certificate_has_expired_is_ignored),
      TEST(a_new_context_that_fails_leaves_the_old_keys_as_they_are),
      TEST(an_ocsp_response_goes_to_who_asks_for_it_until_it_expires),
      TEST(what_is_wrong_with_an_ocsp_response_is_told),
  };
  stoa_log_setup(2, STOA_LOG_WARN, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("a server's context", tests, make_all, free_all);
}
