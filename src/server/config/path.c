/* server/config/path.c: the path of a value as text. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>

#include "server/config/tree.h"

/* Every key of a table is plain; a map's key may not be. */
static bool is_plain(struct stoa_string key) {
  for (size_t i = 0; i < key.len; i++) {
    if (!isalnum((unsigned char)key.data[i]) && key.data[i] != '_' && key.data[i] != '-') {
      return false;
    }
  }
  return key.len > 0;
}

static int write_step(const struct stoa_config_node *node, bool is_first, char *out, size_t size) {
  if (node->parent->kind == STOA_CONFIG_LIST) {
    return snprintf(out, size, "[%zu]", node->index);
  }
  if (!is_plain(node->key)) {
    return snprintf(out, size, "[%s]", stoa_config_quote(node->key).text);
  }
  return snprintf(out, size, "%s%s", is_first ? "" : ".", node->key.data);
}

struct stoa_config_path stoa_config_path_of(const struct stoa_config_node *node) {
  const struct stoa_config_node *steps[STOA_CONFIG_DEPTH_MAX];
  struct stoa_config_path path = {{0}};
  size_t depth = 0;
  for (; node->parent != NULL; node = node->parent) {
    assert(depth < STOA_CONFIG_DEPTH_MAX);
    steps[depth++] = node;
  }
  size_t len = 0;
  for (size_t i = depth; i > 0 && len < sizeof path.text; i--) {
    len += (size_t)write_step(steps[i - 1], i == depth, path.text + len, sizeof path.text - len);
  }
  return path;
}
