/* stoa/token.h: JSON Web Tokens (RFC 7519), signed, in the compact form of RFC 7515: keys, verifying, signing.
 *
 * HS256, RS256, ES256 (RFC 7518) and EdDSA with Ed25519 (RFC 8037). A key has one algorithm; a token whose header names
 * another one is refused (RFC 8725 3.1). Other members of the header, such as jku, x5u or jwk, are not used.
 *
 * Does not know: sessions, requests, what time it is, where a token came from.
 * Thread: any. Key sets and signers are immutable: all threads may use one at once. Only stoa_token_keys_create() and
 * stoa_token_signer_create() block, because they read files.
 * Secrets: no text or log line of this module contains a secret, a private key or a token. Memory that contained one is
 * overwritten before it is freed.
 */
#ifndef STOA_TOKEN_H
#define STOA_TOKEN_H

#include <stoa/arena.h>
#include <stoa/buffer.h>
#include <stoa/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- secrets ---- */

/* Compare two secrets. The time depends only on the lengths, which are not secret. */
STOA_API bool stoa_secret_equal(struct stoa_bytes a, struct stoa_bytes b);
/* Overwrite with zeros; the compiler does not remove it. `data` may be NULL when `len` is 0. */
STOA_API void stoa_secret_wipe(void *data, size_t len);

/* ---- keys ---- */

enum stoa_token_algorithm {
  STOA_TOKEN_NO_ALGORITHM = 0,
  STOA_TOKEN_HS256, /* HMAC with SHA-256 and a secret of 32 bytes or more */
  STOA_TOKEN_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 and 2048 to 8192 bits */
  STOA_TOKEN_ES256, /* ECDSA with SHA-256 on P-256 */
  STOA_TOKEN_EDDSA  /* Ed25519 */
};

/* "HS256"; "none" for STOA_TOKEN_NO_ALGORITHM and for a number outside the list. */
STOA_API const char *stoa_token_algorithm_name(enum stoa_token_algorithm algorithm);
/* The algorithm of exactly that name; STOA_TOKEN_NO_ALGORITHM for all others, also "none" and "hs256". */
STOA_API enum stoa_token_algorithm stoa_token_algorithm_of(struct stoa_string name);

#define STOA_TOKEN_SECRET_BYTES_MIN 32 /* RFC 7518 3.2 */
#define STOA_TOKEN_SECRET_BYTES_MAX 1024
#define STOA_TOKEN_RSA_BITS_MIN 2048 /* RFC 7518 3.3 */
#define STOA_TOKEN_RSA_BITS_MAX 8192
#define STOA_TOKEN_KEYS_MAX 64
#define STOA_TOKEN_KID_LEN_MAX 255
#define STOA_TOKEN_KEY_BYTES_MAX ((size_t)64 * 1024) /* of one file, or of `content` */

enum stoa_token_key_form {
  STOA_TOKEN_SECRET = 1, /* the bytes are the secret; from a file, without the line feed at its end */
  STOA_TOKEN_PEM,        /* one "PUBLIC KEY"; for a signer, one "PRIVATE KEY" without a password */
  STOA_TOKEN_JWKS        /* a JWK Set (RFC 7517 5); not for a signer */
};

/* A source of keys. In a zeroed struct, `form` and `file` are enough. */
struct stoa_token_key_source {
  enum stoa_token_key_form form;
  enum stoa_token_algorithm algorithm; /* of the key; STOA_TOKEN_NO_ALGORITHM: determined by its type */
  struct stoa_string kid; /* its name in tokens; empty: none. Empty for a JWKS, whose entries have their own */
  const char *file;       /* read when it is not NULL; in its place: */
  struct stoa_bytes content;
};

/* Why keys were refused, for people: `keys.json: keys[2] (kid "b"): an RSA key of 1024 bits; at least 2048 are
 * needed`. */
struct stoa_token_key_error {
  char text[512]; /* always terminated */
};

struct stoa_token_keys;

/* Create a set of keys to verify tokens, from all the sources together. Its reference count is 1.
 *
 * Entries of a JWKS that cannot verify here are skipped: another kty, crv or alg, a "use" that is not "sig", or
 * "key_ops" without "verify" (RFC 7517 4 and 5). Every other entry must be valid. The kty "oct" is a secret for HS256.
 * A kid is unique in the set, and at most one key per algorithm has no kid.
 *
 * To reload keys, create another set, replace each thread's reference between two verifications, and release the old
 * references. When creating fails, the old set is unchanged.
 *
 * sources    borrowed until the call returns
 * out_error  says which file and entry, and why; may be NULL; its text is empty on success
 * Errors: STOA_E_ARGUMENT   no source, an unknown form or algorithm, or a kid beside a JWKS
 *         STOA_E_NOT_FOUND  a file does not exist, or a JWKS has no usable key
 *         STOA_E_SYSTEM     a file cannot be read, or is not a regular file
 *         STOA_E_DENIED     other users may read or write a file with a secret, or write one with public keys
 *         STOA_E_SYNTAX     not PEM, not JSON, or not base64url
 *         STOA_E_TYPE       a private key, a key of another type or algorithm, too short, or invalid
 *         STOA_E_EXISTS     two keys with one kid, or two of one algorithm without any
 *         STOA_E_LIMIT      more than STOA_TOKEN_KEYS_MAX keys, too long a file, secret, kid or RSA key
 *         STOA_E_UTF8       a kid or a string in a JWKS is not UTF-8
 *         STOA_E_MEMORY
 */
STOA_API int stoa_token_keys_create(const struct stoa_token_key_source *sources, size_t count,
                                    struct stoa_token_keys **out_keys, struct stoa_token_key_error *out_error);
/* Atomic, on any thread. Returns `keys`. */
STOA_API struct stoa_token_keys *stoa_token_keys_ref(struct stoa_token_keys *keys);
/* The last reference frees the set. NULL is allowed. */
STOA_API void stoa_token_keys_unref(struct stoa_token_keys *keys);
STOA_API size_t stoa_token_keys_count(const struct stoa_token_keys *keys);

/* Append the public keys as a JWK Set, for other programs that verify. Secrets are left out.
 * Errors: STOA_E_LIMIT  out's cap; STOA_E_MEMORY. `out_json` is unchanged after both. */
STOA_API int stoa_token_keys_write(const struct stoa_token_keys *keys, struct stoa_buffer *out_json);

/* ---- verifying ---- */

#define STOA_TOKEN_LEN_MAX ((size_t)8 * 1024)
#define STOA_TOKEN_HEADER_BYTES_MAX ((size_t)1024) /* decoded */
#define STOA_TOKEN_CLAIMS_BYTES_MAX ((size_t)4 * 1024)
#define STOA_TOKEN_MEMBERS_MAX 128 /* of the header, or of the claims */
#define STOA_TOKEN_AUDIENCES_MAX 32
/* An arena with this cap is enough to verify any token; a program's own claims need more. */
#define STOA_TOKEN_ARENA_BYTES ((size_t)32 * 1024)
#define STOA_TOKEN_LEEWAY_S 30

/* Why a token is refused. Send only "expired" to the client; the other reasons are for your log. */
enum stoa_token_reason {
  STOA_TOKEN_FINE = 0,
  STOA_TOKEN_TOO_LONG,      /* the token, its header or its claims */
  STOA_TOKEN_MALFORMED,     /* not three parts, not base64url, not a JSON object, a duplicate member, no "alg" */
  STOA_TOKEN_CRITICAL,      /* "crit": no extension is known (RFC 7515 4.1.11) */
  STOA_TOKEN_ALGORITHM,     /* "none", an unknown one, or another than the key's */
  STOA_TOKEN_UNKNOWN_KEY,   /* no key fits the token, see stoa_token_verify() */
  STOA_TOKEN_BAD_SIGNATURE, /* not by this key, or of the wrong length; for Ed25519 also when OpenSSL 3.0 has no memory
                               for a digest, which it does not report separately */
  STOA_TOKEN_BAD_CLAIM,     /* a registered claim of another type, or a date out of range */
  STOA_TOKEN_NO_EXPIRY,     /* "exp" is missing */
  STOA_TOKEN_EXPIRED,
  STOA_TOKEN_NOT_YET_VALID,
  STOA_TOKEN_WRONG_ISSUER,
  STOA_TOKEN_WRONG_AUDIENCE,
  STOA_TOKEN_REASON_COUNT
};

/* For people: "the token has expired". Never NULL. */
STOA_API const char *stoa_token_reason_text(enum stoa_token_reason reason);

struct stoa_token_error {
  enum stoa_token_reason reason; /* STOA_TOKEN_FINE when the status is not STOA_E_DENIED */
  const char *text;              /* more exact than the reason's text if possible: "exp is not a number". Static */
};

/* The registered claims (RFC 7519 4.1). A view with data NULL, a count of 0 and has_x false mean that the claim is
 * absent. Dates are in microseconds since 1970, from 0 up to the end of the year 9999. */
struct stoa_token_claims {
  struct stoa_string issuer;           /* iss */
  struct stoa_string subject;          /* sub */
  struct stoa_string id;               /* jti */
  const struct stoa_string *audiences; /* aud, one string or an array of them */
  size_t audience_count;
  bool has_expires;
  bool has_not_before;
  bool has_issued;
  int64_t expires_us;    /* exp */
  int64_t not_before_us; /* nbf */
  int64_t issued_us;     /* iat; not checked */
};

struct stoa_token {
  enum stoa_token_algorithm algorithm;
  struct stoa_string kid; /* data NULL: none */
  struct stoa_token_claims claims;
  struct stoa_string header_json;
  struct stoa_string claims_json;
};

/* What a token is checked against. Initialize it with STOA_TOKEN_VERIFIER_DEFAULTS. */
struct stoa_token_verifier {
  const struct stoa_token_keys *keys;
  struct stoa_string issuer;           /* what iss must be; empty: not checked */
  const struct stoa_string *audiences; /* one of which aud must name; none: not checked */
  size_t audience_count;
  uint32_t leeway_s;    /* how much clocks may differ */
  bool may_lack_expiry; /* accept a token without exp; it is valid forever */
};

#define STOA_TOKEN_VERIFIER_DEFAULTS \
  { NULL, {NULL, 0}, NULL, 0, STOA_TOKEN_LEEWAY_S, false }

/* Verify a token: its signature by one of the keys, its dates, its issuer and its audience.
 *
 * One key is tried: the one that has the token's kid; else the one without a kid for the token's algorithm; else, for a
 * token without a kid, the only key for its algorithm.
 *
 * now_us     the wall clock, since 1970. A token is valid until just before exp + leeway, and from nbf - leeway on.
 * arena      out_token points into it, not into `text`
 * out_error  may be NULL
 * Errors: STOA_E_DENIED  the token is refused; out_error has the reason
 *         STOA_E_LIMIT   the arena's cap; STOA_E_MEMORY. After both the token may be valid or not
 */
STOA_API int stoa_token_verify(const struct stoa_token_verifier *verifier, struct stoa_string text, int64_t now_us,
                               struct stoa_arena *arena, struct stoa_token *out_token,
                               struct stoa_token_error *out_error);

/* Decode a token without a key: its content is not trustworthy. For tools. No signature, date, issuer or audience is
 * checked; the algorithm may be STOA_TOKEN_NO_ALGORITHM. Errors: as stoa_token_verify() */
STOA_API int stoa_token_decode_unverified(struct stoa_string text, struct stoa_arena *arena,
                                          struct stoa_token *out_token, struct stoa_token_error *out_error);

/* Decode the claims into a message of the program's own type, which names the claims that it needs: `string name = 1;
 * string role = 2; repeated string rooms = 3;`. Members that no field takes are ignored, and the rules of fields are
 * checked.
 *
 * token        from stoa_token_verify(); out_message points into `arena` or into the memory of the token's views
 * out_message  zeroed, type->size bytes
 * out_error    may be NULL; it may quote claims
 * Errors: those of stoa_codec.decode and stoa_message_check()
 */
STOA_API int stoa_token_decode_claims(const struct stoa_token *token, const struct stoa_message_type *type,
                                      struct stoa_arena *arena, void *out_message, struct stoa_codec_error *out_error);

/* ---- signing ---- */

struct stoa_token_signer;

/* source  a secret, or a private key in PEM; its kid goes into the header of each token
 * Errors: those of stoa_token_keys_create(); STOA_E_ARGUMENT for a JWKS too; STOA_E_TYPE for a public key */
STOA_API int stoa_token_signer_create(const struct stoa_token_key_source *source, struct stoa_token_signer **out_signer,
                                      struct stoa_token_key_error *out_error);
/* NULL is allowed. */
STOA_API void stoa_token_signer_destroy(struct stoa_token_signer *signer);

/* Append the claims as a JSON object: the registered ones, then the program's own.
 *
 * type, message  the program's own claims, as stoa_token_decode_claims() reads them; both NULL: none. Fields that are
 *                0, false or empty are left out.
 * Errors: STOA_E_TYPE   a date out of range, JSON has no form for a field, or `type` is one of google.protobuf's own;
 * STOA_E_UTF8; STOA_E_LIMIT  out's cap or the depth; STOA_E_MEMORY. `out_json` is unchanged after all of them.
 */
STOA_API int stoa_token_write_claims(const struct stoa_token_claims *claims, const struct stoa_message_type *type,
                                     const void *message, struct stoa_buffer *out_json);

/* Append a signed token with these claims.
 *
 * Errors: STOA_E_SYNTAX  not a JSON object, or a duplicate member
 *         STOA_E_TYPE    a registered claim of another type, or a date out of range
 *         STOA_E_UTF8
 *         STOA_E_LIMIT   the claims, their members or their depth are above the limits of stoa_token_verify(), or out's
 *                        cap
 *         STOA_E_MEMORY
 *         STOA_E_SYSTEM  OpenSSL has no random bytes, or has no memory and does not report that
 *         `out_token` is unchanged after all of them.
 */
STOA_API int stoa_token_sign(const struct stoa_token_signer *signer, struct stoa_string claims_json,
                             struct stoa_buffer *out_token);

/* Append a new key of the best kind that the algorithm has: for RS256 3072 bits; for HS256 32 random bytes as text in
 * base64url, which is the secret.
 *
 * out_private  PEM, or the secret; the caller must wipe it (stoa_secret_wipe()) and keep it secret
 * out_public   PEM; nothing for HS256. Its own buffer
 * Errors: STOA_E_ARGUMENT  no algorithm; STOA_E_SYSTEM  no random bytes; STOA_E_LIMIT  a buffer's cap, for which 8 KiB
 *         suffice; STOA_E_MEMORY. The buffers are unchanged after all of them.
 */
STOA_API int stoa_token_key_generate(enum stoa_token_algorithm algorithm, struct stoa_buffer *out_private,
                                     struct stoa_buffer *out_public);

#ifdef __cplusplus
}
#endif

#endif
