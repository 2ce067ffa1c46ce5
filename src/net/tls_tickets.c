#include "net/tls_tickets.h"

#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <pthread.h>

#define NAME_LEN 16u
#define IV_LEN 16
#define NS_PER_S UINT64_C(1000000000)

struct ticket_key {
  uint8_t name[NAME_LEN];
  uint8_t aes[32];
  uint8_t mac[32];
};

struct stoa_tls_tickets {
  atomic_uint refs;
  const struct stoa_clock *clock;
  EVP_CIPHER *cipher; /* fetched once: OpenSSL searches for it under a lock */
  pthread_mutex_t mutex;
  /* Under the mutex: */
  uint64_t rotation_ns;
  uint64_t born_ns; /* of the current key */
  bool has_previous;
  struct ticket_key current, previous;
};

struct stoa_tls_tickets *stoa_tls_tickets_create(const struct stoa_clock *clock, uint32_t rotation_s) {
  struct stoa_tls_tickets *tickets = stoa_calloc(1, sizeof *tickets);
  assert(rotation_s > 0);
  if (tickets == NULL) {
    return NULL;
  }
  atomic_init(&tickets->refs, 1);
  pthread_mutex_init(&tickets->mutex, NULL);
  tickets->clock = clock;
  tickets->rotation_ns = rotation_s * NS_PER_S;
  tickets->born_ns = stoa_clock_monotonic_ns(clock);
  tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
  if (tickets->cipher == NULL || stoa_random(&tickets->current, sizeof tickets->current) != STOA_OK) {
    stoa_tls_tickets_unref(tickets);
    return NULL;
  }
  return tickets;
}

struct stoa_tls_tickets *stoa_tls_tickets_ref(struct stoa_tls_tickets *tickets) {
  unsigned before = atomic_fetch_add_explicit(&tickets->refs, 1, memory_order_relaxed);
  assert(before > 0);
  (void)before;
  return tickets;
}

void stoa_tls_tickets_unref(struct stoa_tls_tickets *tickets) {
  if (tickets == NULL || atomic_fetch_sub_explicit(&tickets->refs, 1, memory_order_acq_rel) > 1) {
    return;
  }
  EVP_CIPHER_free(tickets->cipher);
  pthread_mutex_destroy(&tickets->mutex);
  OPENSSL_cleanse(tickets, sizeof *tickets);
  stoa_free(tickets);
}

void stoa_tls_tickets_set_rotation(struct stoa_tls_tickets *tickets, uint32_t rotation_s) {
  assert(rotation_s > 0);
  pthread_mutex_lock(&tickets->mutex);
  tickets->rotation_ns = rotation_s * NS_PER_S;
  pthread_mutex_unlock(&tickets->mutex);
}

/* Replace the key when its time is over; after two rotations without a connection the one before it is too old as well.
 * Without random bytes the old key goes on: no handshake succeeds then anyway. Under the mutex. */
static void rotate(struct stoa_tls_tickets *tickets) {
  uint64_t age_ns = stoa_clock_monotonic_ns(tickets->clock) - tickets->born_ns;
  struct ticket_key fresh;
  if (age_ns < tickets->rotation_ns || stoa_random(&fresh, sizeof fresh) != STOA_OK) {
    return;
  }
  uint64_t periods = age_ns / tickets->rotation_ns;
  tickets->has_previous = periods == 1;
  tickets->previous = tickets->current;
  tickets->current = fresh;
  tickets->born_ns += periods * tickets->rotation_ns;
  OPENSSL_cleanse(&fresh, sizeof fresh);
}

static void copy_current(struct stoa_tls_tickets *tickets, struct ticket_key *out) {
  pthread_mutex_lock(&tickets->mutex);
  rotate(tickets);
  *out = tickets->current;
  pthread_mutex_unlock(&tickets->mutex);
}

enum found { FOUND_NONE, FOUND_CURRENT, FOUND_PREVIOUS };

static enum found copy_named(struct stoa_tls_tickets *tickets, const uint8_t *name, struct ticket_key *out) {
  enum found found = FOUND_NONE;
  pthread_mutex_lock(&tickets->mutex);
  rotate(tickets);
  if (memcmp(tickets->current.name, name, NAME_LEN) == 0) {
    *out = tickets->current;
    found = FOUND_CURRENT;
  } else if (tickets->has_previous && memcmp(tickets->previous.name, name, NAME_LEN) == 0) {
    *out = tickets->previous;
    found = FOUND_PREVIOUS;
  }
  pthread_mutex_unlock(&tickets->mutex);
  return found;
}

static bool set_keys(const struct stoa_tls_tickets *tickets, struct ticket_key *key, const uint8_t *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seals) {
  char digest[] = "SHA256";
  const OSSL_PARAM rules[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                              OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex2(cipher, tickets->cipher, key->aes, iv, seals ? 1 : 0, NULL) == 1 &&
         EVP_MAC_init(mac, key->mac, sizeof key->mac, rules) == 1;
}

static struct stoa_tls_tickets *tickets_of(const SSL *ssl) {
  const struct stoa_tls *tls = BIO_get_data(SSL_get_rbio(ssl));
  assert(tls->context->tickets != NULL);
  return tls->context->tickets;
}

static int seal(struct stoa_tls_tickets *tickets, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *mac) {
  struct ticket_key key;
  copy_current(tickets, &key);
  bool good = RAND_bytes(iv, IV_LEN) == 1 && set_keys(tickets, &key, iv, cipher, mac, true);
  memcpy(name, key.name, NAME_LEN);
  OPENSSL_cleanse(&key, sizeof key);
  /* Not 0, "no ticket": in TLS 1.3 OpenSSL would send an empty one, which is not allowed. */
  return good ? 1 : -1;
}

static int unseal(struct stoa_tls_tickets *tickets, const uint8_t *name, const uint8_t *iv, EVP_CIPHER_CTX *cipher,
                  EVP_MAC_CTX *mac) {
  struct ticket_key key;
  enum found found = copy_named(tickets, name, &key);
  if (found == FOUND_NONE) {
    return 0; /* a whole handshake */
  }
  bool good = set_keys(tickets, &key, iv, cipher, mac, false);
  OPENSSL_cleanse(&key, sizeof key);
  if (!good) {
    return -1;
  }
  return found == FOUND_CURRENT ? 1 : 2; /* 2: and give the client a new one */
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3) */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int seals) {
  struct stoa_tls_tickets *tickets = tickets_of(ssl);
  return seals != 0 ? seal(tickets, name, iv, cipher, mac) : unseal(tickets, name, iv, cipher, mac);
}

/* SSL_CTX_set_session_ticket_cb(3). The client's certificate is in the ticket and is not verified again, so one that
 * has expired meanwhile needs a whole handshake, which refuses it. */
static SSL_TICKET_RETURN on_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_len,
                                   SSL_TICKET_STATUS status, void *context) {
  (void)name, (void)name_len, (void)context;
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  const X509 *peer = SSL_SESSION_get0_peer(session);
  time_t now = (time_t)(stoa_clock_wall_us(tickets_of(ssl)->clock) / 1000000);
  if (peer != NULL && X509_cmp_time(X509_get0_notAfter(peer), &now) < 0) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

void stoa_tls_tickets_use(SSL_CTX *ssl, uint32_t rotation_s) {
  SSL_CTX_set_timeout(ssl, (long)rotation_s);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket);
  SSL_CTX_set_session_ticket_cb(ssl, NULL, on_opened, NULL);
}
