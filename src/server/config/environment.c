/* server/config/environment.c: names of variables, made from tables with a stack of fixed depth. */
#include "server/config/environment.h"

#include <assert.h>
#include <ctype.h>

#include "server/config/config.h"
#include "server/config/nearest.h"

/* A path beyond this cannot be set by a variable; names in tables have at most 255 bytes. */
#define NAME_BYTES_MAX 512u
#define LIBRARY_PREFIX "STOA_"
#define TESTS_PREFIX "STOA_TEST_"
/* Of `stoa chat` and `stoa call`: whoever has it set may start a server in the same shell. */
#define TOOL_TOKEN "STOA_TOKEN"

/* A section whose keys are being listed. */
struct level {
  const struct stoa_message_type *type;
  uint32_t field; /* the next one */
  size_t name_len;
  size_t path_len; /* with the dot after it */
};

struct lister {
  struct stoa_arena *arena;
  struct level levels[STOA_CONFIG_DEPTH_MAX];
  size_t depth;
  char name[NAME_BYTES_MAX];
  char path[NAME_BYTES_MAX];
  struct stoa_config_variable *first;
  struct stoa_config_variable **last;
};

static char upper(char c) {
  return isalnum((unsigned char)c) ? (char)toupper((unsigned char)c) : '_';
}

static size_t put_upper(char *out, struct stoa_string text) {
  for (size_t i = 0; i < text.len; i++) {
    out[i] = upper(text.data[i]);
  }
  return text.len;
}

static bool is_open(const struct lister *lister, const struct stoa_message_type *type) {
  for (size_t i = 0; i < lister->depth; i++) {
    if (lister->levels[i].type == type) {
      return true;
    }
  }
  return false;
}

static int add(struct lister *lister, size_t name_len, size_t path_len) {
  struct stoa_config_variable *variable = stoa_arena_calloc(lister->arena, sizeof *variable);
  if (variable == NULL) {
    return STOA_E_MEMORY;
  }
  variable->name = stoa_arena_copy(lister->arena, stoa_string_make(lister->name, name_len));
  variable->path = stoa_arena_copy(lister->arena, stoa_string_make(lister->path, path_len));
  if (variable->name.data == NULL || variable->path.data == NULL) {
    return STOA_E_MEMORY;
  }
  *lister->last = variable;
  lister->last = &variable->next;
  return STOA_OK;
}

static bool is_library_section(struct stoa_string name) {
  return stoa_string_equal(name, stoa_string_of("server")) || stoa_string_equal(name, stoa_string_of("log"));
}

/* Write the parts of a key at the top of the tables; the program's prefix of it, or the library's. */
static size_t put_prefix(struct lister *lister, struct stoa_string key, struct stoa_string program) {
  if (is_library_section(key)) {
    return put_upper(lister->name, stoa_string_of(LIBRARY_PREFIX));
  }
  size_t len = put_upper(lister->name, program);
  lister->name[len++] = '_';
  return len;
}

static int visit(struct lister *lister, struct level level, const struct stoa_field *field,
                 struct stoa_string program) {
  struct stoa_string key = stoa_string_make(field->name, field->name_len);
  size_t name_len = lister->depth == 1 ? put_prefix(lister, key, program) : level.name_len;
  size_t path_len = level.path_len;
  if (name_len + key.len + 1 > NAME_BYTES_MAX || path_len + key.len + 1 > NAME_BYTES_MAX) {
    return STOA_OK;
  }
  name_len += put_upper(lister->name + name_len, key);
  memcpy(lister->path + path_len, key.data, key.len);
  path_len += key.len;
  int status = add(lister, name_len, path_len);
  bool is_section = field->kind == STOA_KIND_MESSAGE && field->label != STOA_LABEL_REPEATED;
  if (status != STOA_OK || !is_section || field->label == STOA_LABEL_MAP || is_open(lister, field->message) ||
      lister->depth == STOA_CONFIG_DEPTH_MAX) {
    return status;
  }
  lister->name[name_len] = '_';
  lister->path[path_len] = '.';
  lister->levels[lister->depth++] = (struct level){field->message, 0, name_len + 1, path_len + 1};
  return STOA_OK;
}

int stoa_config_variables_of(const struct stoa_message_type *type, struct stoa_string program, struct stoa_arena *arena,
                             struct stoa_config_variable **out_first) {
  struct lister lister = {.arena = arena, .depth = 1, .levels = {{.type = type}}};
  int status = STOA_OK;
  lister.last = &lister.first;
  if (program.len > NAME_BYTES_MAX / 2) {
    program.len = NAME_BYTES_MAX / 2;
  }
  while (lister.depth > 0 && status == STOA_OK) {
    struct level *level = &lister.levels[lister.depth - 1];
    if (level->field == level->type->field_count) {
      lister.depth--;
    } else {
      const struct stoa_field *field = &level->type->fields[level->field++];
      status = visit(&lister, *level, field, program);
    }
  }
  if (status == STOA_OK) {
    *out_first = lister.first;
  }
  return status;
}

static bool starts_with(struct stoa_string text, const char *start) {
  size_t len = strlen(start);
  return text.len >= len && memcmp(text.data, start, len) == 0;
}

/* Does the name start with the program's, in upper case, and an underscore? */
static bool has_prefix(struct stoa_string name, struct stoa_string program) {
  if (name.len <= program.len || name.data[program.len] != '_') {
    return false;
  }
  for (size_t i = 0; i < program.len; i++) {
    if (name.data[i] != upper(program.data[i])) {
      return false;
    }
  }
  return true;
}

bool stoa_config_variable_is_unknown(const struct stoa_config_variable *first, struct stoa_string program,
                                     struct stoa_string name, const struct stoa_config_variable **out_nearest) {
  const struct stoa_config_variable *nearest = NULL;
  size_t fewest = SIZE_MAX;
  for (const struct stoa_config_variable *variable = first; variable != NULL; variable = variable->next) {
    if (stoa_string_equal(name, variable->name)) {
      return false;
    }
    size_t slips = stoa_config_slips(name, variable->name);
    if (slips < fewest) {
      fewest = slips;
      nearest = variable;
    }
  }
  *out_nearest = nearest;
  bool is_ours = starts_with(name, LIBRARY_PREFIX) && !starts_with(name, TESTS_PREFIX) &&
                 !stoa_string_equal(name, stoa_string_of(TOOL_TOKEN));
  return is_ours || (nearest != NULL && has_prefix(name, program));
}
