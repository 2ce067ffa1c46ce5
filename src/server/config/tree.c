/* server/config/tree.c: builds a tree from libyaml's events, with a stack of fixed depth. */
#include "server/config/tree.h"

#include <assert.h>
#include <yaml.h>

#include "base/array.h"
#include "base/utf8.h"

/* The result of an event. */
enum step { STEP_ON, STEP_DONE, STEP_STOP /* a mistake after which nothing can be read */ };

struct builder {
  yaml_parser_t parser;
  struct stoa_string text;
  struct stoa_arena *arena;
  struct stoa_config_report *report;
  struct stoa_config_node *root;
  struct stoa_config_node *open[STOA_CONFIG_DEPTH_MAX]; /* open lists and sections around the next value */
  struct stoa_config_node *last[STOA_CONFIG_DEPTH_MAX]; /* the newest value in each */
  size_t depth;
  size_t values;
  bool has_document;
  bool has_key; /* the key of the next value was read */
  struct stoa_string key;
  struct stoa_config_mark key_mark;
  int status; /* STOA_E_MEMORY stops everything */
};

static struct stoa_config_mark mark_of(const yaml_mark_t *mark) {
  return (struct stoa_config_mark){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

static enum step stop(struct builder *builder, struct stoa_config_mark mark, const char *problem) {
  builder->status = stoa_config_report_add(builder->report, mark, "%s", problem);
  return STEP_STOP;
}

static enum step out_of_memory(struct builder *builder) {
  builder->status = STOA_E_MEMORY;
  return STEP_STOP;
}

/* Report a mistake after which reading can go on. */
static enum step complain(struct builder *builder, struct stoa_config_mark mark, const char *problem) {
  builder->status = stoa_config_report_add(builder->report, mark, "%s", problem);
  return builder->status == STOA_OK ? STEP_ON : STEP_STOP;
}

/* libyaml's reader reports bad bytes by offset, because it finds them before it counts lines. */
static struct stoa_config_mark mark_at(struct stoa_string text, size_t offset) {
  struct stoa_config_mark mark = {1, 1};
  for (size_t i = 0; i < offset && i < text.len; i++) {
    if (text.data[i] == '\n') {
      mark.line++;
      mark.column = 1;
    } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
      mark.column++;
    }
  }
  return mark;
}

static enum step refuse_bytes(struct builder *builder) {
  struct stoa_config_mark mark = mark_at(builder->text, builder->parser.problem_offset);
  return stop(builder, mark, "not UTF-8, or a character that YAML does not allow");
}

/* libyaml's message about a tab in the indentation does not mention the tab. */
static bool is_tab(const struct builder *builder) {
  size_t index = builder->parser.problem_mark.index;
  size_t offset = 0;
  for (; index > 0 && offset < builder->text.len; index--) {
    do {
      offset++;
    } while (offset < builder->text.len && ((unsigned char)builder->text.data[offset] & 0xc0) == 0x80);
  }
  return offset < builder->text.len && builder->text.data[offset] == '\t';
}

static enum step refuse_syntax(struct builder *builder) {
  struct stoa_config_mark mark = mark_of(&builder->parser.problem_mark);
  if (is_tab(builder)) {
    return stop(builder, mark, "a tab; indent YAML with spaces");
  }
  const char *problem = builder->parser.problem == NULL ? "unreadable" : builder->parser.problem;
  const char *context = builder->parser.context;
  builder->status = stoa_config_report_add(builder->report, mark, "not YAML: %s%s%s", problem,
                                           context == NULL ? "" : ", ", context == NULL ? "" : context);
  return STEP_STOP;
}

static enum step refuse_input(struct builder *builder) {
  switch (builder->parser.error) {
    case YAML_MEMORY_ERROR:
      return out_of_memory(builder);
    case YAML_READER_ERROR:
      return refuse_bytes(builder);
    default:
      return refuse_syntax(builder);
  }
}

static struct stoa_config_node *innermost(const struct builder *builder) {
  return builder->depth == 0 ? NULL : builder->open[builder->depth - 1];
}

static bool wants_key(const struct builder *builder) {
  const struct stoa_config_node *around = innermost(builder);
  return around != NULL && around->kind == STOA_CONFIG_SECTION && !builder->has_key;
}

static void link_node(struct builder *builder, struct stoa_config_node *node) {
  struct stoa_config_node *around = innermost(builder);
  if (around == NULL) {
    builder->root = node;
    return;
  }
  struct stoa_config_node **last = &builder->last[builder->depth - 1];
  if (*last == NULL) {
    around->first = node;
  } else {
    (*last)->next = node;
  }
  *last = node;
  node->parent = around;
  node->index = around->count++;
}

/* Add a new value to the tree; NULL when the builder has to stop. */
static struct stoa_config_node *add_node(struct builder *builder, enum stoa_config_node_kind kind,
                                         struct stoa_config_mark mark) {
  if (builder->values == STOA_CONFIG_VALUES_MAX) {
    builder->status = stoa_config_report_add(builder->report, mark, "more than %u values", STOA_CONFIG_VALUES_MAX);
    return NULL;
  }
  struct stoa_config_node *node = stoa_arena_calloc(builder->arena, sizeof *node);
  if (node == NULL) {
    builder->status = STOA_E_MEMORY;
    return NULL;
  }
  *node = (struct stoa_config_node){.kind = kind, .mark = mark, .key = builder->key, .key_mark = builder->key_mark};
  builder->values++;
  builder->has_key = false;
  link_node(builder, node);
  return node;
}

static enum step refuse_extras(struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
                               const yaml_char_t *tag) {
  struct stoa_config_mark mark = mark_of(&event->start_mark);
  if (anchor != NULL) {
    return complain(builder, mark, "an anchor; anchors and aliases are not supported");
  }
  if (tag != NULL) {
    return complain(builder, mark, "a tag; the type of a value is known without one");
  }
  return STEP_ON;
}

static enum step take_key(struct builder *builder, struct stoa_string key, struct stoa_config_mark mark) {
  if (key.len > STOA_CONFIG_KEY_BYTES_MAX || memchr(key.data, 0, key.len) != NULL) {
    builder->status = stoa_config_report_add(builder->report, mark, "a key with a NUL or longer than %u bytes",
                                             STOA_CONFIG_KEY_BYTES_MAX);
    return STEP_STOP;
  }
  builder->key = stoa_arena_copy(builder->arena, key);
  if (builder->key.data == NULL) {
    return out_of_memory(builder);
  }
  builder->key_mark = mark;
  builder->has_key = true;
  return STEP_ON;
}

static struct stoa_string text_of(const yaml_event_t *scalar) {
  return stoa_string_make((const char *)scalar->data.scalar.value, scalar->data.scalar.length);
}

static bool is_nothing(const yaml_event_t *event) {
  static const char *const spellings[] = {"", "~", "null", "Null", "NULL"};
  if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
    return false;
  }
  for (size_t i = 0; i < STOA_COUNT_OF(spellings); i++) {
    if (strcmp((const char *)event->data.scalar.value, spellings[i]) == 0) {
      return true;
    }
  }
  return false;
}

static enum step take_text(struct builder *builder, struct stoa_config_node *node, const yaml_event_t *event) {
  struct stoa_string text = text_of(event);
  if (memchr(text.data, 0, text.len) != NULL) {
    node->kind = STOA_CONFIG_BROKEN;
    return complain(builder, node->mark, "a NUL in a string");
  }
  node->text = stoa_arena_copy(builder->arena, text);
  return node->text.data == NULL ? out_of_memory(builder) : STEP_ON;
}

static enum step on_scalar(struct builder *builder, const yaml_event_t *event) {
  enum step step = refuse_extras(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
  if (step != STEP_ON) {
    return step;
  }
  if (wants_key(builder)) {
    return take_key(builder, text_of(event), mark_of(&event->start_mark));
  }
  enum stoa_config_node_kind kind = is_nothing(event) ? STOA_CONFIG_NOTHING : STOA_CONFIG_SCALAR;
  struct stoa_config_node *node = add_node(builder, kind, mark_of(&event->start_mark));
  return node == NULL ? STEP_STOP : take_text(builder, node, event);
}

static enum step open_node(struct builder *builder, enum stoa_config_node_kind kind, struct stoa_config_mark mark) {
  if (wants_key(builder)) {
    return stop(builder, mark, "a list or section instead of a key");
  }
  if (builder->depth == STOA_CONFIG_DEPTH_MAX) {
    builder->status =
        stoa_config_report_add(builder->report, mark, "more than %u nested lists and sections", STOA_CONFIG_DEPTH_MAX);
    return STEP_STOP;
  }
  struct stoa_config_node *node = add_node(builder, kind, mark);
  if (node == NULL) {
    return STEP_STOP;
  }
  builder->open[builder->depth] = node;
  builder->last[builder->depth] = NULL;
  builder->depth++;
  return STEP_ON;
}

static enum step on_list(struct builder *builder, const yaml_event_t *event) {
  enum step step = refuse_extras(builder, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
  return step == STEP_ON ? open_node(builder, STOA_CONFIG_LIST, mark_of(&event->start_mark)) : step;
}

static enum step on_section(struct builder *builder, const yaml_event_t *event) {
  enum step step = refuse_extras(builder, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
  return step == STEP_ON ? open_node(builder, STOA_CONFIG_SECTION, mark_of(&event->start_mark)) : step;
}

static enum step on_end(struct builder *builder) {
  assert(builder->depth > 0);
  builder->depth--;
  return STEP_ON;
}

static enum step on_alias(struct builder *builder, const yaml_event_t *event) {
  struct stoa_config_mark mark = mark_of(&event->start_mark);
  if (wants_key(builder)) {
    return stop(builder, mark, "an alias instead of a key");
  }
  if (add_node(builder, STOA_CONFIG_BROKEN, mark) == NULL) {
    return STEP_STOP;
  }
  return complain(builder, mark, "an alias; anchors and aliases are not supported");
}

static enum step on_document(struct builder *builder, const yaml_event_t *event) {
  if (builder->has_document) {
    return stop(builder, mark_of(&event->start_mark), "a second document; only one is allowed");
  }
  builder->has_document = true;
  return STEP_ON;
}

static enum step on_event(struct builder *builder, const yaml_event_t *event) {
  switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
      return on_document(builder, event);
    case YAML_SCALAR_EVENT:
      return on_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
      return on_list(builder, event);
    case YAML_MAPPING_START_EVENT:
      return on_section(builder, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      return on_end(builder);
    case YAML_ALIAS_EVENT:
      return on_alias(builder, event);
    case YAML_STREAM_END_EVENT:
      return STEP_DONE;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
      break;
  }
  return STEP_ON;
}

static enum step next_event(struct builder *builder) {
  yaml_event_t event;
  if (yaml_parser_parse(&builder->parser, &event) == 0) {
    return refuse_input(builder);
  }
  enum step step = on_event(builder, &event);
  yaml_event_delete(&event);
  return step;
}

static enum step build(struct builder *builder) {
  /* libyaml asserts that its input is not NULL, which the view of an empty file is. */
  const char *text = builder->text.len == 0 ? "" : builder->text.data;
  enum step step;
  if (yaml_parser_initialize(&builder->parser) == 0) {
    return out_of_memory(builder);
  }
  yaml_parser_set_input_string(&builder->parser, (const unsigned char *)text, builder->text.len);
  yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
  do {
    step = next_event(builder);
  } while (step == STEP_ON);
  yaml_parser_delete(&builder->parser);
  return step;
}

static int finish(const struct builder *builder, struct stoa_config_node **out_root) {
  if (builder->status == STOA_OK) {
    *out_root = builder->root;
  }
  return builder->status;
}

int stoa_config_tree_read(struct stoa_string text, struct stoa_arena *arena, struct stoa_config_report *report,
                          struct stoa_config_node **out_root) {
  struct builder builder = {.text = text, .arena = arena, .report = report};
  build(&builder);
  return finish(&builder, out_root);
}

/* Open one section for each part of the path, so that the next value is read into the innermost one. */
static enum step open_path(struct builder *builder, struct stoa_string path) {
  const struct stoa_config_mark nowhere = {0, 0};
  for (;;) {
    const char *dot = memchr(path.data, '.', path.len);
    size_t len = dot == NULL ? path.len : (size_t)(dot - path.data);
    if (len == 0) {
      return stop(builder, nowhere, "an empty key in the path");
    }
    enum step step = open_node(builder, STOA_CONFIG_SECTION, nowhere);
    if (step == STEP_ON) {
      step = take_key(builder, stoa_string_make(path.data, len), nowhere);
    }
    if (step != STEP_ON || dot == NULL) {
      return step;
    }
    path = stoa_string_make(dot + 1, path.len - len - 1);
  }
}

static void build_setting(struct builder *builder, struct stoa_string path) {
  const struct stoa_config_mark nowhere = {0, 0};
  if (open_path(builder, path) != STEP_ON) {
    return;
  }
  if (build(builder) == STEP_DONE && !builder->has_document) {
    add_node(builder, STOA_CONFIG_NOTHING, nowhere);
  }
}

int stoa_config_tree_at(struct stoa_string path, struct stoa_string text, struct stoa_arena *arena,
                        struct stoa_config_report *report, struct stoa_config_node **out_root) {
  struct builder builder = {.text = text, .arena = arena, .report = report};
  build_setting(&builder, path);
  return finish(&builder, out_root);
}

int stoa_config_tree_set(struct stoa_string item, struct stoa_arena *arena, struct stoa_config_report *report,
                         struct stoa_config_node **out_root) {
  const char *sign = memchr(item.data, '=', item.len);
  if (sign == NULL || !stoa_utf8_valid(item.data, item.len)) {
    return stoa_config_report_add(report, (struct stoa_config_mark){0, 0},
                                  "expected a.b=c, a path of keys and a value");
  }
  size_t path_len = (size_t)(sign - item.data);
  return stoa_config_tree_at(stoa_string_make(item.data, path_len), stoa_string_make(sign + 1, item.len - path_len - 1),
                             arena, report, out_root);
}
