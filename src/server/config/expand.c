/* server/config/expand.c: a walk over the tree along its links, and one scalar's text piece by piece. */
#include "server/config/expand.h"

#include <assert.h>

#include "base/utf8.h"

struct expander {
  const char *const *environment;
  struct stoa_arena *arena;
  struct stoa_config_report *report;
  struct stoa_buffer text; /* the scalar's, as far as it is made */
};

const char *stoa_config_variable(const char *const *environment, struct stoa_string name) {
  for (; environment != NULL && *environment != NULL; environment++) {
    if (strncmp(*environment, name.data, name.len) == 0 && (*environment)[name.len] == '=') {
      return *environment + name.len + 1;
    }
  }
  return NULL;
}

static bool is_name(struct stoa_string text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    if (!is_letter && (i == 0 || c < '0' || c > '9')) {
      return false;
    }
  }
  return text.len > 0;
}

static int refuse(struct expander *expander, struct stoa_config_node *node, const char *before, struct stoa_string text,
                  const char *after) {
  struct stoa_config_path path = stoa_config_path_of(node);
  node->kind = STOA_CONFIG_BROKEN;
  return stoa_config_report_add(expander->report, node->mark, "%s%s%s%s%s", path.text, path.text[0] == '\0' ? "" : ": ",
                                before, stoa_config_quote(text).text, after);
}

/* What stands between ${ and }. */
static int put_variable(struct expander *expander, struct stoa_config_node *node, struct stoa_string inside) {
  const char *colon = memchr(inside.data, ':', inside.len);
  struct stoa_string name = stoa_string_make(inside.data, colon == NULL ? inside.len : (size_t)(colon - inside.data));
  if (!is_name(name)) {
    return refuse(expander, node, "expected ${NAME} or ${NAME:default}, got the name ", name,
                  "; write $${ for a plain ${");
  }
  const char *value = stoa_config_variable(expander->environment, name);
  if (value == NULL && colon == NULL) {
    return refuse(expander, node, "the variable ", name,
                  " is not set in the environment; set it, or write ${NAME:default}");
  }
  if (value == NULL) {
    return stoa_buffer_append(&expander->text, colon + 1, inside.len - name.len - 1);
  }
  if (!stoa_utf8_valid(value, strlen(value))) {
    return refuse(expander, node, "the value of the variable ", name, " is not UTF-8");
  }
  return stoa_buffer_append(&expander->text, value, strlen(value));
}

static bool starts_with(struct stoa_string text, const char *start) {
  size_t len = strlen(start);
  return text.len >= len && memcmp(text.data, start, len) == 0;
}

/* One piece at the start of the text: a variable, an escape or a character. *out_len is what it takes. */
static int put_piece(struct expander *expander, struct stoa_config_node *node, struct stoa_string text,
                     size_t *out_len) {
  if (starts_with(text, "$${")) {
    *out_len = 3;
    return stoa_buffer_append(&expander->text, "${", 2);
  }
  if (!starts_with(text, "${")) {
    *out_len = 1;
    return stoa_buffer_append(&expander->text, text.data, 1);
  }
  const char *end = memchr(text.data, '}', text.len);
  *out_len = text.len;
  if (end == NULL) {
    return refuse(expander, node, "a ${ without its } in ", text, "; write $${ for a plain ${");
  }
  *out_len = (size_t)(end - text.data) + 1;
  return put_variable(expander, node, stoa_string_make(text.data + 2, *out_len - 3));
}

static int expand_scalar(struct expander *expander, struct stoa_config_node *node) {
  struct stoa_string rest = node->text;
  int status = STOA_OK;
  expander->text.len = 0;
  while (rest.len > 0 && status == STOA_OK && node->kind == STOA_CONFIG_SCALAR) {
    size_t len = 0;
    status = put_piece(expander, node, rest, &len);
    assert(len > 0 && len <= rest.len);
    rest = stoa_string_make(rest.data + len, rest.len - len);
  }
  if (status == STOA_E_LIMIT) {
    node->kind = STOA_CONFIG_BROKEN;
    return stoa_config_report_add(expander->report, node->mark, "%s: larger than %u bytes with its variables",
                                  stoa_config_path_of(node).text, STOA_CONFIG_FILE_BYTES_MAX);
  }
  if (status != STOA_OK || node->kind != STOA_CONFIG_SCALAR) {
    return status;
  }
  node->text =
      stoa_arena_copy(expander->arena, stoa_string_make((const char *)expander->text.data, expander->text.len));
  return node->text.data == NULL ? STOA_E_MEMORY : STOA_OK;
}

/* The node after this one: what it holds, then its neighbours, then those of what is around it. */
static struct stoa_config_node *next_node(struct stoa_config_node *node) {
  if (node->first != NULL) {
    return node->first;
  }
  while (node != NULL && node->next == NULL) {
    node = node->parent;
  }
  return node == NULL ? NULL : node->next;
}

int stoa_config_expand(struct stoa_config_node *root, const char *const *environment, struct stoa_arena *arena,
                       struct stoa_config_report *report) {
  struct expander expander = {.environment = environment, .arena = arena, .report = report};
  int status = STOA_OK;
  stoa_buffer_init(&expander.text, STOA_CONFIG_FILE_BYTES_MAX);
  for (struct stoa_config_node *node = root; node != NULL && status == STOA_OK; node = next_node(node)) {
    if (node->kind == STOA_CONFIG_SCALAR && memmem(node->text.data, node->text.len, "${", 2) != NULL) {
      status = expand_scalar(&expander, node);
    }
  }
  stoa_buffer_fini(&expander.text);
  return status;
}
