#include "call/api.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stoa/codec.h>

#include "../../protoc-gen-stoa/name_number.h"
#include "../project/files.h"
#include "call/schema.stoa.h"

enum { DESCRIPTOR_MAX = 64 * 1024 * 1024, MEMORY_MAX = 256 * 1024 * 1024, NAME_MAX_LEN = 1024, DEPTH_MAX = 32 };

struct api {
  struct stoa_arena *arena; /* of the names */
  struct api_entry *entries;
  size_t count, cap;
};

static void add(struct api *api, const char *name, struct api_entry entry) {
  assert(api->count < api->cap);
  struct stoa_string copy = stoa_arena_copy(api->arena, stoa_string_of(name));
  if (copy.data != NULL) {
    entry.name = copy.data;
    api->entries[api->count++] = entry;
  }
}

/* "MESSAGE_TYPE_CHAT_LINE" and "ChatLine" are the same: letters and digits, small ones. */
static size_t plain_name(struct stoa_string name, const char *prefix, char out[NAME_MAX_LEN]) {
  size_t prefix_len = strlen(prefix);
  bool has_prefix = name.len > prefix_len && strncasecmp(name.data, prefix, prefix_len) == 0;
  size_t len = 0;
  for (size_t i = has_prefix ? prefix_len : 0; i < name.len && len + 1 < NAME_MAX_LEN; i++) {
    if (name.data[i] != '_') {
      out[len++] = (char)tolower((unsigned char)name.data[i]);
    }
  }
  out[len] = '\0';
  return len;
}

static bool is_paired(struct stoa_string value, struct stoa_string name, const char *suffix) {
  char wanted[NAME_MAX_LEN];
  char found[NAME_MAX_LEN];
  size_t value_len = plain_name(value, "MESSAGE_TYPE_", wanted);
  if (value_len + strlen(suffix) >= sizeof wanted) {
    return false;
  }
  memcpy(wanted + value_len, suffix, strlen(suffix) + 1);
  plain_name(name, "", found);
  return strcmp(wanted, found) == 0;
}

/* The number that the enum MessageType gives a name, -1 for none. */
static int64_t paired_number(const struct stoa_tool_file *file, struct stoa_string name, bool is_call) {
  for (size_t i = 0; i < file->enum_type.count; i++) {
    const struct stoa_tool_enumeration *enumeration = &file->enum_type.items[i];
    bool is_wanted = stoa_string_equal(enumeration->name, stoa_string_of("MessageType"));
    for (size_t v = 0; is_wanted && v < enumeration->value.count; v++) {
      const struct stoa_tool_enumeration_value *value = &enumeration->value.items[v];
      if (is_paired(value->name, name, "") || (!is_call && is_paired(value->name, name, "message"))) {
        return value->number;
      }
    }
  }
  return -1;
}

/* A level of the walk through nested messages. */
struct level {
  const struct stoa_tool_message *items;
  size_t count, next;
  size_t scope_len;
};

static size_t extend(char scope[NAME_MAX_LEN], size_t len, struct stoa_string part) {
  int added = snprintf(scope + len, NAME_MAX_LEN - len, "%s%.*s", len > 0 ? "." : "", (int)part.len, part.data);
  return added < 0 || (size_t)added >= NAME_MAX_LEN - len ? NAME_MAX_LEN - 1 : len + (size_t)added;
}

static int64_t message_number(const struct stoa_tool_file *file, const struct stoa_tool_message *message) {
  bool has_option = message->options != NULL && message->options->has_message_type;
  return has_option ? message->options->message_type : paired_number(file, message->name, false);
}

static void add_messages(struct api *api, const struct stoa_tool_file *file) {
  char scope[NAME_MAX_LEN] = "";
  struct level levels[DEPTH_MAX] = {
      {file->message_type.items, file->message_type.count, 0, extend(scope, 0, file->package)}};
  size_t depth = 1;
  while (depth > 0) {
    struct level *level = &levels[depth - 1];
    if (level->next == level->count) {
      depth--;
      continue;
    }
    const struct stoa_tool_message *message = &level->items[level->next++];
    scope[level->scope_len] = '\0';
    size_t len = extend(scope, level->scope_len, message->name);
    int64_t number = message_number(file, message);
    if (number >= 0) {
      add(api, scope, (struct api_entry){.number = (uint32_t)number});
    }
    if (depth < DEPTH_MAX) {
      levels[depth++] = (struct level){message->nested_type.items, message->nested_type.count, 0, len};
    }
  }
}

/* With (stoa.plain) the request has the number of the call, or the other way round. */
static const struct api_entry *own_message(const struct api *api, struct stoa_string type) {
  struct stoa_string name = {type.data + 1, type.len - 1}; /* protoc writes ".package.Message" */
  for (size_t i = 0; i < api->count; i++) {
    if (!api->entries[i].is_call && stoa_string_equal(stoa_string_of(api->entries[i].name), name)) {
      return &api->entries[i];
    }
  }
  return NULL;
}

/* The path "/package.Service/Method" is what the number comes from. */
static int64_t hashed_method(const struct stoa_tool_file *file, const struct stoa_tool_service *service,
                             const struct stoa_tool_method *method) {
  char path[NAME_MAX_LEN] = "/";
  char service_name[NAME_MAX_LEN] = "";
  extend(service_name, extend(service_name, 0, file->package), service->name);
  int len = snprintf(path, sizeof path, "/%s/%.*s", service_name, (int)method->name.len, method->name.data);
  if (len < 0 || (size_t)len >= sizeof path) {
    return -1;
  }
  return method->server_streaming ? (int64_t)name_number_stream(path) : (int64_t)name_number(path);
}

static void add_method(struct api *api, const struct stoa_tool_file *file, const struct stoa_tool_service *service,
                       const struct stoa_tool_method *method) {
  char name[NAME_MAX_LEN] = "";
  extend(name, extend(name, extend(name, 0, file->package), service->name), method->name);
  const struct stoa_tool_method_options *options = method->options;
  bool is_plain = options != NULL && options->plain && method->input_type.len > 1;
  const struct api_entry *request = is_plain ? own_message(api, method->input_type) : NULL;
  int64_t number =
      options != NULL && options->has_type ? (int64_t)options->type : paired_number(file, method->name, true);
  number = number < 0 && request != NULL ? (int64_t)request->number : number;
  if (number < 0) {
    number = hashed_method(file, service, method);
  }
  if (number >= 0) {
    add(api, name,
        (struct api_entry){.number = (uint32_t)number, .is_call = true, .is_stream = method->server_streaming});
    if (is_plain && request == NULL) {
      snprintf(name, sizeof name, "%.*s", (int)method->input_type.len - 1, method->input_type.data + 1);
      add(api, name, (struct api_entry){.number = (uint32_t)number});
    }
  }
}

/* Numbers of messages from names, as number_hash_file() of the generator chooses them. */

/* protoc writes ".package.Message". */
static bool is_type(struct stoa_string type, const char *full_name) {
  return type.len == strlen(full_name) + 1 && memcmp(type.data + 1, full_name, type.len - 1) == 0;
}

static bool is_of_rpc(const struct stoa_tool_file *file, const char *full_name) {
  for (size_t s = 0; s < file->service.count; s++) {
    for (size_t i = 0; i < file->service.items[s].method.count; i++) {
      const struct stoa_tool_method *method = &file->service.items[s].method.items[i];
      if (is_type(method->input_type, full_name) || is_type(method->output_type, full_name)) {
        return true;
      }
    }
  }
  return false;
}

static bool has_field_of(const struct stoa_tool_message *message, const char *full_name) {
  for (size_t i = 0; i < message->field.count; i++) {
    if (is_type(message->field.items[i].type_name, full_name)) {
      return true;
    }
  }
  return false;
}

/* Does another message of the file, or one nested in it, have a field of this type? */
static bool is_part(const struct stoa_tool_file *file, const struct stoa_tool_message *own, const char *full_name) {
  struct level levels[DEPTH_MAX] = {{file->message_type.items, file->message_type.count, 0, 0}};
  for (size_t depth = 1; depth > 0;) {
    struct level *level = &levels[depth - 1];
    if (level->next == level->count) {
      depth--;
      continue;
    }
    const struct stoa_tool_message *message = &level->items[level->next++];
    if (message == own) {
      continue; /* and what is nested in it */
    }
    if (has_field_of(message, full_name)) {
      return true;
    }
    if (depth < DEPTH_MAX) {
      levels[depth++] = (struct level){message->nested_type.items, message->nested_type.count, 0, 0};
    }
  }
  return false;
}

/* Is the file one that needs numbers=hash? An rpc without a number is an error otherwise. A file without rpcs may be
 * one that is only imported. */
static bool is_hashed(const struct stoa_tool_file *file) {
  for (size_t s = 0; s < file->service.count; s++) {
    for (size_t i = 0; i < file->service.items[s].method.count; i++) {
      const struct stoa_tool_method *method = &file->service.items[s].method.items[i];
      bool has_option = method->options != NULL && (method->options->has_type || method->options->plain);
      if (!has_option && paired_number(file, method->name, true) < 0) {
        return true;
      }
    }
  }
  return false;
}

static void add_hashed_messages(struct api *api, const struct stoa_tool_file *file) {
  for (size_t i = 0; i < file->message_type.count; i++) {
    const struct stoa_tool_message *message = &file->message_type.items[i];
    char name[NAME_MAX_LEN] = "";
    extend(name, extend(name, 0, file->package), message->name);
    if (message_number(file, message) < 0 && !is_of_rpc(file, name) && !is_part(file, message, name)) {
      add(api, name, (struct api_entry){.number = name_number(name)});
    }
  }
}

static size_t count_messages(const struct stoa_tool_file *file) {
  struct level levels[DEPTH_MAX] = {{file->message_type.items, file->message_type.count, 0, 0}};
  size_t count = 0;
  for (size_t depth = 1; depth > 0;) {
    struct level *level = &levels[depth - 1];
    if (level->next == level->count) {
      depth--;
      continue;
    }
    const struct stoa_tool_message *message = &level->items[level->next++];
    count++;
    if (depth < DEPTH_MAX) {
      levels[depth++] = (struct level){message->nested_type.items, message->nested_type.count, 0, 0};
    }
  }
  return count;
}

static size_t count_entries(const struct stoa_tool_file *file) {
  size_t count = count_messages(file);
  for (size_t i = 0; i < file->service.count; i++) {
    count += 2 * file->service.items[i].method.count;
  }
  return count;
}

static bool take_files(struct api *api, const struct stoa_tool_file_set *set) {
  for (size_t i = 0; i < set->file.count; i++) {
    api->cap += count_entries(&set->file.items[i]);
  }
  api->entries = calloc(api->cap + 1, sizeof *api->entries);
  for (size_t i = 0; api->entries != NULL && i < set->file.count; i++) {
    const struct stoa_tool_file *file = &set->file.items[i];
    add_messages(api, file);
    if (is_hashed(file)) {
      add_hashed_messages(api, file);
    }
    for (size_t s = 0; s < file->service.count; s++) {
      for (size_t m = 0; m < file->service.items[s].method.count; m++) {
        add_method(api, file, &file->service.items[s], &file->service.items[s].method.items[m]);
      }
    }
  }
  return api->entries != NULL && stoa_arena_status(api->arena) == STOA_OK;
}

static bool take(struct api *api, const struct stoa_buffer *bytes) {
  struct stoa_tool_file_set set = {0};
  struct stoa_codec_error error = {{0}};
  struct stoa_bytes input = {bytes->data, bytes->len};
  int status = stoa_codec_proto.decode(&stoa_tool_file_set_type, input, api->arena, &set, &error);
  if (status != STOA_OK) {
    fprintf(stderr, "stoa: what protoc writes cannot be read: %s\n", error.text);
    return false;
  }
  if (!take_files(api, &set)) {
    fprintf(stderr, "stoa: memory is out\n");
    return false;
  }
  return true;
}

static bool read_described(struct api *api, const char *path) {
  struct stoa_buffer bytes;
  stoa_buffer_init(&bytes, DESCRIPTOR_MAX);
  bool is_read = project_read(path, &bytes) && take(api, &bytes);
  stoa_buffer_fini(&bytes);
  return is_read;
}

struct api *api_load(const struct protoc_input *input) {
  const char *folder = getenv("TMPDIR");
  char path[PROJECT_PATH_MAX];
  if (!project_path(path, "%s/stoa-api-XXXXXX", folder != NULL && folder[0] == '/' ? folder : "/tmp")) {
    return NULL;
  }
  struct api *api = calloc(1, sizeof *api);
  int fd = api == NULL ? -1 : mkstemp(path);
  if (fd < 0) {
    perror("stoa: a temporary file");
    free(api);
    return NULL;
  }
  close(fd);
  api->arena = stoa_arena_create(MEMORY_MAX);
  bool is_loaded = api->arena != NULL && protoc_describe(input, path) && read_described(api, path);
  unlink(path);
  if (!is_loaded) {
    api_destroy(api);
    return NULL;
  }
  return api;
}

void api_destroy(struct api *api) {
  if (api != NULL) {
    stoa_arena_destroy(api->arena);
    free(api->entries);
    free(api);
  }
}

/* Is `name` all of the entry's name, or its last parts? A slash is a dot. */
static bool has_name(const struct api_entry *entry, const char *name) {
  name += name[0] == '/';
  size_t len = strlen(name);
  size_t full_len = strlen(entry->name);
  if (len == 0 || len > full_len || (len < full_len && entry->name[full_len - len - 1] != '.')) {
    return false;
  }
  const char *end = entry->name + full_len - len;
  for (size_t i = 0; i < len; i++) {
    if (end[i] != (name[i] == '/' ? '.' : name[i])) {
      return false;
    }
  }
  return true;
}

static void list(const struct api *api) {
  for (size_t i = 0; i < api->count; i++) {
    fprintf(stderr, "  %-8s %10u  %s\n", api->entries[i].is_call ? "call" : "message", api->entries[i].number,
            api->entries[i].name);
  }
}

const struct api_entry *api_find(const struct api *api, const char *name) {
  const struct api_entry *found[2] = {NULL, NULL}; /* a message, a call */
  unsigned counts[2] = {0, 0};
  char message_name[NAME_MAX_LEN];
  snprintf(message_name, sizeof message_name, "%sMessage", name);
  for (size_t i = 0; i < api->count; i++) {
    bool is_named = has_name(&api->entries[i], name);
    if (is_named || (!api->entries[i].is_call && has_name(&api->entries[i], message_name))) {
      found[api->entries[i].is_call] = &api->entries[i];
      counts[api->entries[i].is_call]++;
    }
  }
  int kind = counts[true] > 0;
  if (counts[kind] == 1) {
    return found[kind];
  }
  fprintf(stderr, "stoa: %s call or message has the name %s; there %s\n", counts[kind] == 0 ? "no" : "more than one",
          name, api->count == 0 ? "are none" : "are:");
  list(api);
  return NULL;
}

const struct api_entry *api_by_number(const struct api *api, uint32_t number, bool is_call) {
  for (size_t i = 0; api != NULL && i < api->count; i++) {
    if (api->entries[i].number == number && api->entries[i].is_call == is_call) {
      return &api->entries[i];
    }
  }
  return NULL;
}

uint32_t api_free_number(const struct api *api) {
  uint32_t highest = 0;
  for (size_t i = 0; i < api->count; i++) {
    highest = api->entries[i].number > highest ? api->entries[i].number : highest;
  }
  return highest < API_NUMBER_MAX ? highest + 1 : highest;
}
