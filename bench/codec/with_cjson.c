/* cJSON, printing without blanks into a reused buffer. */
#include <cjson/cJSON.h>
#include <string.h>

#include "contestant.h"

static char printed[64 * 1024];
static size_t printed_len;

static bool print(const cJSON *root) {
  return cJSON_PrintPreallocated((cJSON *)(uintptr_t)root, printed, (int)sizeof printed, false);
}

static size_t encode(const struct chat *chat) {
  cJSON *root = cJSON_CreateObject();
  bool is_done = cJSON_AddStringToObject(root, "message", chat->message) != NULL &&
                 cJSON_AddStringToObject(root, "sender", chat->sender) != NULL &&
                 cJSON_AddStringToObject(root, "timestamp", chat->timestamp) != NULL && print(root);
  cJSON_Delete(root);
  printed_len = is_done ? strlen(printed) : 0;
  return printed_len;
}

static bool decode(void) {
  cJSON *root = cJSON_ParseWithLength(printed, printed_len);
  const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "message"));
  const char *sender = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "sender"));
  const char *timestamp = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "timestamp"));
  bool is_there = message != NULL && sender != NULL && timestamp != NULL;
  cJSON_Delete(root);
  return is_there;
}

static const struct contestant self = {.name = "cJSON", .encode = encode, .decode = decode};
const struct contestant *const contestant_cjson = &self;
