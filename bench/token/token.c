/* The time to verify and to sign a token, for each algorithm: microseconds a token, on one thread. */
#include <stdio.h>
#include <stdlib.h>
#include <stoa/token.h>
#include <time.h>

#define ROUND_S 0.5
#define CLAIMS \
  "{\"sub\":\"ann\",\"name\":\"Ann\",\"rooms\":[\"lobby\",\"news\"],\"role\":\"member\",\"exp\":1300000100}"

struct pair {
  struct stoa_token_signer *signer;
  struct stoa_token_keys *keys;
  struct stoa_buffer text;
  struct stoa_arena *arena;
};

static void must(int status) {
  if (status != STOA_OK) {
    fprintf(stderr, "bench-token: %s\n", stoa_status_text(status));
    exit(1);
  }
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void open_pair(struct pair *pair, enum stoa_token_algorithm algorithm) {
  struct stoa_buffer own, shown;
  stoa_buffer_init(&own, 16384);
  stoa_buffer_init(&shown, 16384);
  must(stoa_token_key_generate(algorithm, &own, &shown));
  struct stoa_token_key_source source = {.form = shown.len == 0 ? STOA_TOKEN_SECRET : STOA_TOKEN_PEM,
                                         .content = stoa_bytes_make(own.data, own.len)};
  must(stoa_token_signer_create(&source, &pair->signer, NULL));
  source.content = shown.len == 0 ? source.content : stoa_bytes_make(shown.data, shown.len);
  must(stoa_token_keys_create(&source, 1, &pair->keys, NULL));
  stoa_buffer_fini(&own);
  stoa_buffer_fini(&shown);
  stoa_buffer_init(&pair->text, STOA_TOKEN_LEN_MAX);
  pair->arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  must(pair->arena == NULL ? STOA_E_MEMORY : STOA_OK);
}

static void close_pair(struct pair *pair) {
  stoa_arena_destroy(pair->arena);
  stoa_buffer_fini(&pair->text);
  stoa_token_keys_unref(pair->keys);
  stoa_token_signer_destroy(pair->signer);
}

static void sign(struct pair *pair) {
  pair->text.len = 0;
  must(stoa_token_sign(pair->signer, stoa_string_of(CLAIMS), &pair->text));
}

static void verify(struct pair *pair) {
  struct stoa_token_verifier verifier = STOA_TOKEN_VERIFIER_DEFAULTS;
  struct stoa_token token;
  verifier.keys = pair->keys;
  stoa_arena_reset(pair->arena);
  must(stoa_token_verify(&verifier, stoa_string_make((const char *)pair->text.data, pair->text.len),
                         INT64_C(1300000000000000), pair->arena, &token, NULL));
}

static double measure_us(struct pair *pair, void (*work)(struct pair *pair)) {
  uint64_t count = 0;
  double begin = now_s();
  double elapsed;
  do {
    for (int i = 0; i < 16; i++) {
      work(pair);
    }
    count += 16;
    elapsed = now_s() - begin;
  } while (elapsed < ROUND_S);
  return elapsed * 1e6 / (double)count;
}

int main(void) {
  printf("%-10s %12s %12s %8s\n", "algorithm", "verify (us)", "sign (us)", "bytes");
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    struct pair pair = {.signer = NULL};
    open_pair(&pair, a);
    double sign_us = measure_us(&pair, sign);
    double verify_us = measure_us(&pair, verify);
    printf("%-10s %12.1f %12.1f %8zu\n", stoa_token_algorithm_name(a), verify_us, sign_us, pair.text.len);
    close_pair(&pair);
  }
  return 0;
}
