/* chatroom token. */
#include "command.h"

#include <chatroom/v1/claims.stoa.h>
#include <google/protobuf/struct.stoa.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/token.h>
#include <string.h>
#include <time.h>

#define ROOMS_MAX 64u
#define VALUE_IS_STRING 3 /* the number of the field string_value */
#define EXPIRES_S_DEFAULT (INT64_C(30) * 24 * 3600)
#define EXPIRES_S_MAX (INT64_C(3650) * 24 * 3600)

enum { OPTION_NAME, OPTION_ROLE, OPTION_ROOMS, OPTION_EXPIRES, OPTION_LINK, OPTION_KEY, OPTION_KID };

/* "90s", "15m", "12h", "30d". False: anything else. */
static bool read_span(const char *text, int64_t *out_s) {
  char *end;
  long long count = strtoll(text, &end, 10);
  int64_t unit = end[0] == 's' ? 1 : end[0] == 'm' ? 60 : end[0] == 'h' ? 3600 : end[0] == 'd' ? 24 * 3600 : 0;
  if (unit == 0 || end[1] != '\0' || count <= 0 || count > EXPIRES_S_MAX / unit) {
    return false;
  }
  *out_s = count * unit;
  return true;
}

/* Only a fragment stays in the browser: what comes before it is in the logs of servers and proxies. */
static bool is_link(const char *text) {
  return (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0) && strchr(text, '#') == NULL;
}

static bool is_role(const char *text) {
  return strcmp(text, "user") == 0 || strcmp(text, "moderator") == 0 || strcmp(text, "admin") == 0;
}

/* The key: --key, or the secret that the server verifies with. */
static int create_signer(const struct chatroom_v1_config *config, const struct command_line *line,
                         struct stoa_token_signer **out_signer) {
  const struct stoa_auth_config *auth = config->server->auth;
  struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET};
  struct stoa_token_key_error error;
  if (line->values[OPTION_KID] != NULL) {
    source.kid = stoa_string_of(line->values[OPTION_KID]);
  }
  if (line->values[OPTION_KEY] != NULL) {
    source.form = STOA_TOKEN_PEM;
    source.file = line->values[OPTION_KEY];
  } else if (auth != NULL && auth->secret_file.len > 0) {
    source.file = auth->secret_file.data;
  } else if (auth != NULL && auth->secret.len > 0) {
    source.content = stoa_bytes_make(auth->secret.data, auth->secret.len);
  } else {
    return command_fail(line, "no key: set server.auth.secret_file, or give --key FILE with a private key");
  }
  if (stoa_token_signer_create(&source, out_signer, &error) != STOA_OK) {
    return command_fail(line, "%s", error.text);
  }
  return COMMAND_FINE;
}

struct claims_memory {
  struct google_protobuf_value rooms[ROOMS_MAX];
  struct google_protobuf_list_value list;
};

/* "a,b" as a list of names. False: too many. */
static bool read_rooms(const char *text, struct claims_memory *memory, struct chatroom_v1_user_claims *claims) {
  size_t count = 0;
  for (const char *at = text; at != NULL; count++) {
    const char *comma = strchr(at, ',');
    if (count == ROOMS_MAX) {
      return false;
    }
    size_t len = comma == NULL ? strlen(at) : (size_t)(comma - at);
    memory->rooms[count] =
        (struct google_protobuf_value){.kind_case = VALUE_IS_STRING, .kind.string_value = stoa_string_make(at, len)};
    at = comma == NULL ? NULL : comma + 1;
  }
  memory->list.values.items = memory->rooms;
  memory->list.values.count = count;
  claims->rooms = &memory->list;
  return true;
}

static int sign(const struct stoa_token_signer *signer, const struct stoa_token_claims *claims,
                const struct chatroom_v1_user_claims *own, const struct command_line *line) {
  struct stoa_buffer json, token;
  const char *link = line->values[OPTION_LINK];
  stoa_buffer_init(&json, STOA_TOKEN_LEN_MAX);
  stoa_buffer_init(&token, STOA_TOKEN_LEN_MAX);
  int status = stoa_token_write_claims(claims, &chatroom_v1_user_claims_type, own, &json);
  status =
      status == STOA_OK ? stoa_token_sign(signer, stoa_string_make((const char *)json.data, json.len), &token) : status;
  int result = COMMAND_FINE;
  if (status == STOA_OK) {
    printf("%s%s%.*s\n", link == NULL ? "" : link, link == NULL ? "" : "#token=", (int)token.len,
           (const char *)token.data);
  } else {
    result = command_fail(line, "the token cannot be signed: %s", stoa_status_text(status));
  }
  stoa_buffer_fini(&token);
  stoa_buffer_fini(&json);
  return result;
}

static const char *option_fault(const struct command_line *line, int64_t *out_expires_s) {
  const char *role = line->values[OPTION_ROLE];
  const char *link = line->values[OPTION_LINK];
  const char *expires = line->values[OPTION_EXPIRES];
  *out_expires_s = EXPIRES_S_DEFAULT;
  if (role != NULL && !is_role(role)) {
    return "--role is user, moderator or admin";
  }
  if (link != NULL && !is_link(link)) {
    return "--link is the URL of the page, https://host/path without a #";
  }
  return expires != NULL && !read_span(expires, out_expires_s) ? "--expires is a time like 90s, 15m, 12h or 30d" : NULL;
}

static int run_token(const struct chatroom_v1_config *config, const struct command_line *line) {
  struct claims_memory memory = {0};
  struct chatroom_v1_user_claims own = {0};
  struct stoa_token_signer *signer;
  int64_t expires_s;
  const char *fault = option_fault(line, &expires_s);
  if (fault == NULL && line->values[OPTION_ROOMS] != NULL && !read_rooms(line->values[OPTION_ROOMS], &memory, &own)) {
    fault = "--rooms has at most 64 names";
  }
  if (fault != NULL) {
    command_fail(line, "%s", fault);
    return COMMAND_USAGE;
  }
  int status = create_signer(config, line, &signer);
  if (status != COMMAND_FINE) {
    return status;
  }
  const struct stoa_auth_config *auth = config->server->auth;
  int64_t now_us = (int64_t)time(NULL) * 1000000;
  struct stoa_token_claims claims = {.subject = stoa_string_of(line->operand)};
  claims.has_issued = true;
  claims.issued_us = now_us;
  claims.has_expires = true;
  claims.expires_us = now_us + expires_s * 1000000;
  if (auth != NULL) {
    claims.issuer = auth->issuer;
    claims.audiences = auth->audiences.items;
    claims.audience_count = auth->audiences.count > 0 ? 1 : 0;
  }
  own.name = stoa_string_of(line->values[OPTION_NAME] == NULL ? "" : line->values[OPTION_NAME]);
  own.role = stoa_string_of(line->values[OPTION_ROLE] == NULL ? "" : line->values[OPTION_ROLE]);
  status = sign(signer, &claims, &own, line);
  stoa_token_signer_destroy(signer);
  return status;
}

const struct command command_token = {
    .name = "token",
    .operand = "USER",
    .about =
        "Make a token, by which a user gets into the chat, with the secret of server.auth.\n"
        "Options: --name NAME, --role user|moderator|admin, --rooms a,b (the only ones), --expires 30d,\n"
        "--link URL (of the page: print an invite link), --key FILE (a private key in PEM instead of the secret),\n"
        "--kid NAME (of the key).",
    .options = {[OPTION_NAME] = {"--name", true},
                [OPTION_ROLE] = {"--role", true},
                [OPTION_ROOMS] = {"--rooms", true},
                [OPTION_EXPIRES] = {"--expires", true},
                [OPTION_LINK] = {"--link", true},
                [OPTION_KEY] = {"--key", true},
                [OPTION_KID] = {"--kid", true}},
    .run = run_token};
