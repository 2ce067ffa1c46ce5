/* One call of examples/bookmarks by the C client, for ways.test.mjs:
 *
 *   bookmarks_client URL json|proto TYPE REQUEST
 *
 * The request is JSON, and so is what it prints: {"reply":…} or {"error":…}. */
#include "bookmarks.stoa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stoa/client.h>
#include <stoa/codec.h>
#include <stoa/error.stoa.h>

static const struct {
  const struct stoa_message_type *request, *reply;
} calls[] = {
    [1] = {&bookmarks_v1_add_request_type, &bookmarks_v1_bookmark_type},
    [2] = {&bookmarks_v1_get_request_type, &bookmarks_v1_bookmark_type},
    [3] = {&bookmarks_v1_list_request_type, &bookmarks_v1_list_reply_type},
    [4] = {&bookmarks_v1_get_request_type, &bookmarks_v1_bookmark_type},
    [5] = {&bookmarks_v1_get_request_type, &bookmarks_v1_check_reply_type},
};

static bool is_over;

static void print(const char *name, const struct stoa_message_type *type, const void *message) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, 1024u * 1024);
  if (stoa_codec_json.encode(type, message, &text) == STOA_OK) {
    printf("{\"%s\":%.*s}\n", name, (int)text.len, (const char *)text.data);
  }
  stoa_buffer_fini(&text);
}

static void on_end(stoa_client_function function, void *user, struct stoa_client *client,
                   const struct stoa_call_end *end) {
  const struct stoa_message_type *type = user;
  (void)function;
  (void)client;
  is_over = true;
  if (end->result == STOA_CALL_REPLY) {
    print("reply", type, end->message);
  } else if (end->result == STOA_CALL_ERROR) {
    print("error", &stoa_error_type, end->error);
  }
}

static int fail(const char *what, int status) {
  fprintf(stderr, "bookmarks_client: %s: %s\n", what, stoa_status_text(status));
  return 1;
}

static int call(struct stoa_client *client, uint32_t type, const void *request) {
  const struct stoa_call_start start = {.type = type,
                                        .request_type = calls[type].request,
                                        .request = request,
                                        .reply_type = calls[type].reply,
                                        .invoke = on_end,
                                        .user = (void *)(uintptr_t)calls[type].reply};
  int status = stoa_client_open(client);
  while (status == STOA_OK && stoa_client_state(client) != STOA_CLIENT_OPEN &&
         stoa_client_state(client) != STOA_CLIENT_ENDED) {
    stoa_client_step(client, -1);
  }
  status = status == STOA_OK ? stoa_client_call(client, &start, NULL) : status;
  while (status == STOA_OK && !is_over) {
    stoa_client_step(client, -1);
  }
  return status == STOA_OK ? 0 : fail("the call", status);
}

int main(int argc, char **argv) {
  uint32_t type = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
  if (type < 1 || type > 5) {
    fprintf(stderr, "usage: bookmarks_client URL json|proto TYPE REQUEST\n");
    return 2;
  }
  const struct stoa_client_options options = {.url = argv[1],
                                              .subprotocol = STOA_CLIENT_CODEC,
                                              .codec = strcmp(argv[2], "proto") == 0 ? &stoa_codec_proto : NULL,
                                              .once = true};
  struct stoa_arena *arena = stoa_arena_create(1024u * 1024);
  struct stoa_client *client = NULL;
  struct stoa_codec_error error;
  void *request = stoa_arena_calloc(arena, calls[type].request->size);
  int status =
      stoa_codec_json.decode(calls[type].request, stoa_bytes_make(argv[4], strlen(argv[4])), arena, request, &error);
  status = status == STOA_OK ? stoa_client_create(&options, NULL, &client) : status;
  int result = status == STOA_OK ? call(client, type, request) : fail("the start", status);
  stoa_client_destroy(client);
  stoa_arena_destroy(arena);
  return result;
}
