/* server/config/bind.c: binds sections from a work list instead of by recursion, so that input cannot overflow the
 * stack. */
#include "server/config/bind.h"

#include <assert.h>
#include <stdlib.h>

#include "codec/table.h"
#include "server/config/nearest.h"
#include "server/config/origins.h"
#include "server/config/scalar.h"

/* A section that is not bound yet. */
struct task {
  const struct stoa_message_type *type;
  struct stoa_config_node *section;
  uint8_t *message;
  struct task *next;
};

struct work {
  const struct stoa_config_binder *binder;
  struct task *first;
  int status; /* an error that stops the work; mistakes in the input do not */
};

static void fail(struct work *work, int status) {
  if (work->status == STOA_OK) {
    work->status = status;
  }
}

static void *take_memory(struct work *work, struct stoa_arena *arena, size_t size) {
  void *memory = stoa_arena_calloc(arena, size);
  if (memory == NULL) {
    fail(work, STOA_E_MEMORY);
  }
  return memory;
}

static void push(struct work *work, const struct stoa_message_type *type, struct stoa_config_node *section,
                 void *message) {
  if (type->abi != STOA_DESCRIPTOR_ABI) {
    fail(work, STOA_E_ARGUMENT);
    return;
  }
  struct task *task = take_memory(work, work->binder->scratch, sizeof *task);
  if (task != NULL) {
    *task = (struct task){type, section, message, work->first};
    work->first = task;
  }
}

/* Text for a message: "a list", "a section" or the scalar itself. */
static struct stoa_config_quoted describe(const struct stoa_config_node *node) {
  static const char *const names[] = {
      [STOA_CONFIG_NOTHING] = "nothing", [STOA_CONFIG_LIST] = "a list", [STOA_CONFIG_SECTION] = "a section"};
  if (node->kind == STOA_CONFIG_SCALAR) {
    return stoa_config_quote(node->text);
  }
  struct stoa_config_quoted description = {{0}};
  memcpy(description.text, names[node->kind], strlen(names[node->kind]) + 1);
  return description;
}

static void expected(struct work *work, const struct stoa_config_node *node, const char *what) {
  if (node->kind == STOA_CONFIG_BROKEN) {
    return;
  }
  struct stoa_config_path path = stoa_config_path_of(node);
  fail(work, stoa_config_report_add(work->binder->report, node->mark, "%s%sexpected %s, got %s", path.text,
                                    path.text[0] == '\0' ? "" : ": ", what, describe(node).text));
}

static void bind_scalar(struct work *work, const struct stoa_field *field, const struct stoa_config_node *node,
                        void *value) {
  int status = STOA_E_TYPE;
  if (node->kind == STOA_CONFIG_SCALAR) {
    status = stoa_config_scalar_read(field, node->text, work->binder->arena, value);
  }
  if (status == STOA_E_TYPE) {
    expected(work, node, stoa_config_expect(field).text);
  } else {
    fail(work, status);
  }
}

/* The field of a message is a pointer, which an earlier source may have set. */
static void bind_message(struct work *work, const struct stoa_field *field, struct stoa_config_node *node,
                         void *place) {
  if (node->kind != STOA_CONFIG_SECTION) {
    expected(work, node, "a section");
    return;
  }
  void *message = stoa_message_of_slot(field, place, work->binder->arena);
  if (message == NULL) {
    fail(work, STOA_E_MEMORY);
    return;
  }
  push(work, field->message, node, message);
}

static void bind_value(struct work *work, const struct stoa_field *field, struct stoa_config_node *node, void *place) {
  if (field->kind == STOA_KIND_MESSAGE) {
    bind_message(work, field, node, place);
  } else {
    bind_scalar(work, field, node, place);
  }
}

/* A list has its messages inline, not as pointers. */
static void bind_item(struct work *work, const struct stoa_field *field, struct stoa_config_node *node, uint8_t *slot) {
  if (field->kind != STOA_KIND_MESSAGE) {
    bind_scalar(work, field, node, slot);
  } else if (node->kind == STOA_CONFIG_SECTION) {
    push(work, field->message, node, slot);
  } else {
    expected(work, node, "a section");
  }
}

static void bind_list(struct work *work, const struct stoa_field *field, struct stoa_config_node *node, void *place) {
  if (node->kind != STOA_CONFIG_LIST) {
    expected(work, node, "a list");
    return;
  }
  size_t size = stoa_field_item_size(field);
  uint8_t *items = node->count == 0 ? NULL : take_memory(work, work->binder->arena, node->count * size);
  struct stoa_list list = {items, items == NULL ? 0 : node->count};
  memcpy(place, &list, sizeof list);
  if (items == NULL) {
    return;
  }
  for (struct stoa_config_node *item = node->first; item != NULL; item = item->next) {
    bind_item(work, field, item, items + item->index * size);
  }
}

static int compare_keys(const void *left, const void *right) {
  const struct stoa_config_node *a = *(const struct stoa_config_node *const *)left;
  const struct stoa_config_node *b = *(const struct stoa_config_node *const *)right;
  size_t shorter = a->key.len < b->key.len ? a->key.len : b->key.len;
  int order = memcmp(a->key.data, b->key.data, shorter);
  if (order == 0) {
    order = (a->key.len > b->key.len) - (a->key.len < b->key.len);
  }
  return order == 0 ? (a->index > b->index) - (a->index < b->index) : order;
}

static void refuse_duplicate(struct work *work, struct stoa_config_node *node, const struct stoa_config_node *first) {
  struct stoa_config_path path = stoa_config_path_of(node->parent);
  node->kind = STOA_CONFIG_BROKEN;
  fail(work, stoa_config_report_add(work->binder->report, node->key_mark,
                                    "duplicate key %s%s%s; the first is in line %u", stoa_config_quote(node->key).text,
                                    path.text[0] == '\0' ? "" : " in ", path.text, (unsigned)first->key_mark.line));
}

/* Sorts the keys, to be fast in large sections too. */
static void mark_duplicates(struct work *work, struct stoa_config_node *section) {
  if (section->count < 2) {
    return;
  }
  struct stoa_config_node **nodes = take_memory(work, work->binder->scratch, section->count * sizeof *nodes);
  if (nodes == NULL) {
    return;
  }
  for (struct stoa_config_node *child = section->first; child != NULL; child = child->next) {
    nodes[child->index] = child;
  }
  qsort(nodes, section->count, sizeof *nodes, compare_keys);
  size_t first = 0;
  for (size_t i = 1; i < section->count; i++) {
    if (stoa_string_equal(nodes[i]->key, nodes[first]->key)) {
      refuse_duplicate(work, nodes[i], nodes[first]);
    } else {
      first = i;
    }
  }
}

static bool is_same_key(const struct stoa_field *key, const void *a, const void *b) {
  if (key->kind != STOA_KIND_STRING) {
    return memcmp(a, b, stoa_field_item_size(key)) == 0;
  }
  return stoa_string_equal(*(const struct stoa_string *)a, *(const struct stoa_string *)b);
}

/* The entry with this key, or a new one; NULL when memory is out. */
static uint8_t *find_entry(struct work *work, const struct stoa_field *map, const void *key, struct stoa_list *list) {
  const struct stoa_field *key_field = stoa_field_by_number(map->message, 1);
  size_t size = map->message->size;
  for (size_t i = 0; i < list->count; i++) {
    uint8_t *entry = stoa_list_item(list, i, size);
    if (is_same_key(key_field, entry + key_field->offset, key)) {
      return entry;
    }
  }
  uint8_t *entry = stoa_list_push(list, size, work->binder->arena);
  if (entry == NULL) {
    fail(work, STOA_E_MEMORY);
    return NULL;
  }
  memset(entry, 0, size);
  memcpy(entry + key_field->offset, key, stoa_field_item_size(key_field));
  return entry;
}

/* A map's key of any kind. */
union map_key {
  struct stoa_string text;
  uint64_t number;
};

static bool read_key(struct work *work, const struct stoa_field *map, const struct stoa_config_node *node,
                     union map_key *out_key) {
  const struct stoa_field *field = stoa_field_by_number(map->message, 1);
  int status = stoa_config_scalar_read(field, node->key, work->binder->arena, out_key);
  if (status == STOA_E_TYPE) {
    fail(work, stoa_config_report_add(work->binder->report, node->key_mark, "%s: expected %s as the key, got %s",
                                      stoa_config_path_of(node->parent).text, stoa_config_expect(field).text,
                                      stoa_config_quote(node->key).text));
  } else {
    fail(work, status);
  }
  return status == STOA_OK;
}

/* Key and value are the fields 1 and 2 of an entry (the Protobuf encoding of maps). */
static void bind_entry(struct work *work, const struct stoa_field *map, struct stoa_config_node *node,
                       struct stoa_list *list) {
  const struct stoa_field *value = stoa_field_by_number(map->message, 2);
  union map_key key;
  if (!read_key(work, map, node, &key)) {
    return;
  }
  uint8_t *entry = find_entry(work, map, &key, list);
  if (entry == NULL) {
    return;
  }
  /* For values that are sections, a key without a value is an entry too. */
  if (value->kind == STOA_KIND_MESSAGE && node->kind == STOA_CONFIG_NOTHING) {
    node->kind = STOA_CONFIG_SECTION;
  }
  bind_value(work, value, node, entry + value->offset);
}

static void bind_entries(struct work *work, const struct stoa_field *map, struct stoa_config_node *node,
                         struct stoa_list *list) {
  if (node->count > STOA_CONFIG_MAP_ENTRIES_MAX - list->count) {
    fail(work, stoa_config_report_add(work->binder->report, node->mark, "%s: more than %u entries",
                                      stoa_config_path_of(node).text, STOA_CONFIG_MAP_ENTRIES_MAX));
    return;
  }
  mark_duplicates(work, node);
  for (struct stoa_config_node *child = node->first; child != NULL && work->status == STOA_OK; child = child->next) {
    bind_entry(work, map, child, list);
  }
}

static void bind_map(struct work *work, const struct stoa_field *map, struct stoa_config_node *node, void *place) {
  if (node->kind == STOA_CONFIG_SECTION) {
    bind_entries(work, map, node, place);
  } else if (node->kind != STOA_CONFIG_NOTHING) {
    expected(work, node, "a section");
  }
}

static const struct stoa_field *find_field(const struct stoa_message_type *type, struct stoa_string key) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (stoa_string_equal(key, stoa_string_make(type->fields[i].name, type->fields[i].name_len))) {
      return &type->fields[i];
    }
  }
  return NULL;
}

/* The earlier key in the same section that has set a member of the same oneof, or NULL. */
static const struct stoa_config_node *find_rival(const struct stoa_message_type *type,
                                                 const struct stoa_config_node *node, const struct stoa_field *field) {
  for (const struct stoa_config_node *other = node->parent->first; other != node; other = other->next) {
    bool has_value = other->kind != STOA_CONFIG_BROKEN && other->kind != STOA_CONFIG_NOTHING;
    const struct stoa_field *rival = has_value ? find_field(type, other->key) : NULL;
    if (rival != NULL && rival->label == STOA_LABEL_ONEOF && rival->presence == field->presence) {
      return other;
    }
  }
  return NULL;
}

static void bind_member(struct work *work, const struct task *task, const struct stoa_field *field,
                        struct stoa_config_node *node) {
  const struct stoa_config_node *rival = find_rival(task->type, node, field);
  if (rival != NULL) {
    fail(work, stoa_config_report_add(work->binder->report, node->key_mark, "%s: %s is set too; set only one of them",
                                      stoa_config_path_of(node).text, stoa_config_path_of(rival).text));
    return;
  }
  void *place = task->message + field->offset;
  bool is_set = false;
  stoa_field_has_presence(field, task->message, &is_set);
  if (!is_set) {
    /* The union has another member's bytes, which must not be read as a pointer. */
    memset(place, 0, field->kind == STOA_KIND_MESSAGE ? sizeof(void *) : stoa_field_item_size(field));
    stoa_field_mark(field, task->message);
  }
  bind_value(work, field, node, place);
}

/* Sections have no origin of their own; their keys have. */
static void note_origin(struct work *work, const struct stoa_field *field, const struct stoa_config_node *node,
                        const void *place) {
  const struct stoa_config_binder *binder = work->binder;
  bool is_many = field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP;
  if (binder->origins != NULL && (is_many || field->kind != STOA_KIND_MESSAGE)) {
    fail(work,
         stoa_config_origins_add(binder->origins, binder->arena, place, &binder->report->source, node->key_mark.line));
  }
}

static void bind_field(struct work *work, const struct task *task, const struct stoa_field *field,
                       struct stoa_config_node *node) {
  void *place = task->message + field->offset;
  bool is_single = field->label != STOA_LABEL_REPEATED && field->label != STOA_LABEL_MAP;
  if (is_single && field->kind == STOA_KIND_MESSAGE && node->kind == STOA_CONFIG_NOTHING) {
    return;
  }
  note_origin(work, field, node, place);
  switch ((enum stoa_field_label)field->label) {
    case STOA_LABEL_SINGULAR:
      bind_value(work, field, node, place);
      break;
    case STOA_LABEL_OPTIONAL:
      bind_value(work, field, node, place);
      stoa_field_mark(field, task->message);
      break;
    case STOA_LABEL_REPEATED:
      bind_list(work, field, node, place);
      break;
    case STOA_LABEL_MAP:
      bind_map(work, field, node, place);
      break;
    case STOA_LABEL_ONEOF:
      bind_member(work, task, field, node);
      break;
  }
}

static void refuse_key(struct work *work, const struct task *task, const struct stoa_config_node *node) {
  const struct stoa_field *nearest = stoa_config_nearest(task->type, node->key);
  struct stoa_config_path path = stoa_config_path_of(node->parent);
  fail(work, stoa_config_report_add(work->binder->report, node->key_mark, "unknown key %s%s%s%s%s%s",
                                    stoa_config_quote(node->key).text, path.text[0] == '\0' ? "" : " in ", path.text,
                                    nearest == NULL ? "" : "; did you mean \"", nearest == NULL ? "" : nearest->name,
                                    nearest == NULL ? "" : "\"?"));
}

static void bind_section(struct work *work, const struct task *task) {
  mark_duplicates(work, task->section);
  for (struct stoa_config_node *node = task->section->first; node != NULL && work->status == STOA_OK;
       node = node->next) {
    const struct stoa_field *field = find_field(task->type, node->key);
    if (field == NULL) {
      refuse_key(work, task, node);
    } else if (node->kind != STOA_CONFIG_BROKEN) {
      bind_field(work, task, field, node);
    }
  }
}

int stoa_config_bind(const struct stoa_config_binder *binder, const struct stoa_message_type *type,
                     struct stoa_config_node *root, void *message) {
  struct work work = {.binder = binder};
  if (root == NULL || root->kind == STOA_CONFIG_NOTHING) {
    return STOA_OK;
  }
  if (root->kind == STOA_CONFIG_SECTION) {
    push(&work, type, root, message);
  } else {
    expected(&work, root, "a section");
  }
  while (work.first != NULL && work.status == STOA_OK) {
    struct task *task = work.first;
    work.first = task->next;
    bind_section(&work, task);
  }
  return work.status;
}
