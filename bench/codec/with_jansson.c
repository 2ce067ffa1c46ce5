/* jansson, writing without blanks into a reused buffer. */
#include <jansson.h>

#include "contestant.h"

static char printed[64 * 1024];
static size_t printed_len;

static size_t encode(const struct chat *chat) {
  json_t *root = json_object();
  bool is_done = json_object_set_new(root, "message", json_string(chat->message)) == 0 &&
                 json_object_set_new(root, "sender", json_string(chat->sender)) == 0 &&
                 json_object_set_new(root, "timestamp", json_string(chat->timestamp)) == 0;
  printed_len = is_done ? json_dumpb(root, printed, sizeof printed, JSON_COMPACT) : 0;
  json_decref(root);
  return printed_len <= sizeof printed ? printed_len : 0;
}

static bool decode(void) {
  json_t *root = json_loadb(printed, printed_len, JSON_REJECT_DUPLICATES, NULL);
  const char *message = json_string_value(json_object_get(root, "message"));
  const char *sender = json_string_value(json_object_get(root, "sender"));
  const char *timestamp = json_string_value(json_object_get(root, "timestamp"));
  bool is_there = message != NULL && sender != NULL && timestamp != NULL;
  json_decref(root);
  return is_there;
}

static const struct contestant self = {.name = "jansson", .encode = encode, .decode = decode};
const struct contestant *const contestant_jansson = &self;
