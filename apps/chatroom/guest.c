#include "guest.h"

#include <assert.h>
#include <chatroom/v1/claims.stoa.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <string.h>
#include <unistd.h>

#define KEY_BYTES_MAX 256u
#define DAY_US ((int64_t)24 * 3600 * 1000000)
/* Tokens of other issuers have other names in their headers and claims. */
#define KEY_NAME "stoa-guest"
#define ISSUER "stoa-chatroom"

struct guest_keys {
  struct stoa_token_keys *verify;
  struct stoa_token_signer *sign;
};

/* The file. */

static int log_failure(const char *path, const char *reason, int status) {
  stoa_log(STOA_LOG_ERROR, "the key of guest tokens cannot be used", STOA_F_STR("file", path),
           STOA_F_STR("reason", reason));
  return status;
}

static bool write_all(int fd, const struct stoa_buffer *content) {
  size_t done = 0;
  while (done < content->len) {
    ssize_t written = write(fd, content->data + done, content->len - done);
    if (written < 0 && errno != EINTR) {
      return false;
    }
    done += written > 0 ? (size_t)written : 0;
  }
  return true;
}

/* A name is lost in a power cut unless its folder was synced too. */
static bool sync_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool is_synced = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) {
    close(fd);
  }
  return is_synced;
}

/* link(2) instead of rename(2): a file that another process has made meanwhile stays, and is used. */
static bool write_file(const char *folder, const char *path, char *draft, const struct stoa_buffer *content) {
  int fd = mkostemp(draft, O_CLOEXEC); /* mode 0600 */
  if (fd < 0) {
    return false;
  }
  bool is_written = write_all(fd, content) && fsync(fd) == 0;
  is_written = is_written && (link(draft, path) == 0 || errno == EEXIST);
  int error = errno;
  close(fd);
  unlink(draft);
  errno = error;
  return is_written && sync_folder(folder);
}

static int make_file(const char *folder, const char *path) {
  char draft[PATH_MAX];
  struct stoa_buffer secret;
  struct stoa_buffer nothing;
  int len = snprintf(draft, sizeof draft, "%s.XXXXXX", path);
  if (len < 0 || (size_t)len >= sizeof draft) {
    return log_failure(path, "its path is too long", STOA_E_LIMIT);
  }
  stoa_buffer_init(&secret, KEY_BYTES_MAX);
  stoa_buffer_init(&nothing, KEY_BYTES_MAX);
  int status = stoa_token_key_generate(STOA_TOKEN_HS256, &secret, &nothing);
  if (status != STOA_OK) {
    log_failure(path, stoa_status_text(status), status);
  } else if (!write_file(folder, path, draft, &secret)) {
    status = log_failure(path, strerror(errno), errno == ENOENT ? STOA_E_NOT_FOUND : STOA_E_SYSTEM);
  }
  stoa_secret_wipe(secret.data, secret.len);
  stoa_buffer_fini(&secret);
  stoa_buffer_fini(&nothing);
  return status;
}

/* The keys. */

static int load(const struct stoa_token_key_source *source, struct guest_keys *keys,
                struct stoa_token_key_error *out_error) {
  int status = stoa_token_keys_create(source, 1, &keys->verify, out_error);
  return status == STOA_OK ? stoa_token_signer_create(source, &keys->sign, out_error) : status;
}

static int load_file(const char *folder, const char *path, struct guest_keys *keys) {
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET, .kid = STOA_STR(KEY_NAME), .file = path};
  struct stoa_token_key_error error;
  int status = load(&source, keys, &error);
  if (status == STOA_E_NOT_FOUND) {
    status = make_file(folder, path);
    if (status != STOA_OK) {
      return status;
    }
    status = load(&source, keys, &error);
  }
  return status == STOA_OK ? STOA_OK : log_failure(path, error.text, status);
}

static int make_in_memory(struct guest_keys *keys) {
  struct stoa_token_key_error error;
  struct stoa_buffer secret;
  struct stoa_buffer nothing;
  stoa_buffer_init(&secret, KEY_BYTES_MAX);
  stoa_buffer_init(&nothing, KEY_BYTES_MAX);
  int status = stoa_token_key_generate(STOA_TOKEN_HS256, &secret, &nothing);
  if (status == STOA_OK) {
    const struct stoa_token_key_source source = {
        .form = STOA_TOKEN_SECRET, .kid = STOA_STR(KEY_NAME), .content = stoa_bytes_make(secret.data, secret.len)};
    status = load(&source, keys, &error);
  }
  stoa_secret_wipe(secret.data, secret.len);
  stoa_buffer_fini(&secret);
  stoa_buffer_fini(&nothing);
  return status == STOA_OK ? STOA_OK : log_failure("(in memory)", stoa_status_text(status), status);
}

int guest_keys_create(const char *folder, struct guest_keys **out_keys) {
  char path[PATH_MAX];
  int len = folder == NULL ? 0 : snprintf(path, sizeof path, "%s/" GUEST_KEY_FILE, folder);
  if (len < 0 || (size_t)len >= sizeof path) {
    return log_failure(GUEST_KEY_FILE, "its path is too long", STOA_E_LIMIT);
  }
  struct guest_keys *keys = calloc(1, sizeof *keys);
  if (keys == NULL) {
    return log_failure(GUEST_KEY_FILE, stoa_status_text(STOA_E_MEMORY), STOA_E_MEMORY);
  }
  int status = folder == NULL ? make_in_memory(keys) : load_file(folder, path, keys);
  if (status != STOA_OK) {
    guest_keys_destroy(keys);
    return status;
  }
  assert(keys->verify != NULL && keys->sign != NULL);
  *out_keys = keys;
  return STOA_OK;
}

void guest_keys_destroy(struct guest_keys *keys) {
  if (keys != NULL) {
    stoa_token_keys_unref(keys->verify);
    stoa_token_signer_destroy(keys->sign);
    free(keys);
  }
}

/* Tokens. */

int guest_token_write(const struct guest_keys *keys, struct stoa_string user_id, struct stoa_string nick,
                      int64_t now_ms, struct stoa_buffer *out_token) {
  int64_t now_us = now_ms * 1000;
  const struct stoa_token_claims claims = {.issuer = STOA_STR(ISSUER),
                                           .subject = user_id,
                                           .has_expires = true,
                                           .expires_us = now_us + GUEST_TOKEN_DAYS * DAY_US,
                                           .has_issued = true,
                                           .issued_us = now_us};
  const struct chatroom_v1_guest_claims own = {.nick = nick};
  struct stoa_buffer json;
  assert(user_id.len > 0 && user_id.len <= GUEST_USER_ID_BYTES_MAX);
  stoa_buffer_init(&json, STOA_TOKEN_CLAIMS_BYTES_MAX);
  int status = stoa_token_write_claims(&claims, &chatroom_v1_guest_claims_type, &own, &json);
  if (status == STOA_OK) {
    status = stoa_token_sign(keys->sign, stoa_string_make((const char *)json.data, json.len), out_token);
  }
  stoa_buffer_fini(&json);
  return status;
}

int guest_token_read(const struct guest_keys *keys, struct stoa_string token, int64_t now_ms, struct stoa_arena *arena,
                     struct guest *out_guest, enum stoa_token_reason *out_reason) {
  struct stoa_token_verifier verifier = STOA_TOKEN_VERIFIER_DEFAULTS;
  verifier.keys = keys->verify;
  verifier.issuer = stoa_string_of(ISSUER);
  verifier.leeway_s = 0; /* this server has made it by its own clock */
  struct stoa_token content;
  struct stoa_token_error error = {0};
  struct chatroom_v1_guest_claims own = {0};
  int status = stoa_token_verify(&verifier, token, now_ms * 1000, arena, &content, &error);
  *out_reason = error.reason;
  if (status == STOA_OK) {
    status = stoa_token_decode_claims(&content, &chatroom_v1_guest_claims_type, arena, &own, NULL);
  }
  if (status == STOA_E_MEMORY || status == STOA_E_LIMIT) {
    return STOA_E_MEMORY;
  }
  /* Whoever can read the key can sign what this module never writes. */
  size_t len = status == STOA_OK ? content.claims.subject.len : 0;
  if (len == 0 || len > GUEST_USER_ID_BYTES_MAX) {
    *out_reason = status == STOA_E_DENIED ? error.reason : STOA_TOKEN_BAD_CLAIM;
    return STOA_E_DENIED;
  }
  *out_guest = (struct guest){content.claims.subject, own.nick};
  return STOA_OK;
}
