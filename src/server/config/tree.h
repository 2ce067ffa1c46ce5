/* server/config/tree.h: reads one source's YAML into a tree of values with their places.
 *
 * The only module that uses libyaml. libyaml allocates its working memory with malloc(3) and frees it before a call
 * returns; the tree itself is in the caller's arena.
 *
 * Does not know: tables, types, files.
 * Thread: any, one at a time on one arena.
 */
#ifndef STOA_SERVER_CONFIG_TREE_H
#define STOA_SERVER_CONFIG_TREE_H

#include "server/config/report.h"

enum stoa_config_node_kind {
  STOA_CONFIG_SCALAR,
  STOA_CONFIG_NOTHING, /* no value: `key:`, null or ~ */
  STOA_CONFIG_LIST,
  STOA_CONFIG_SECTION,
  STOA_CONFIG_BROKEN /* its mistake was reported; its value is not used */
};

struct stoa_config_node {
  enum stoa_config_node_kind kind;
  struct stoa_config_mark mark;
  struct stoa_string text; /* of a scalar: UTF-8, followed by a NUL, without other NULs */
  struct stoa_string key;  /* inside a section */
  struct stoa_config_mark key_mark;
  struct stoa_config_node *parent; /* the containing list or section; NULL for the root */
  struct stoa_config_node *first;  /* items of a list or section, in order */
  struct stoa_config_node *next;   /* the neighbour in the same list or section */
  size_t index;                    /* its index there, from 0 */
  size_t count;                    /* of items of a list or section */
};

/* Read one YAML document. Mistakes go to the report. Values before a mistake are in the tree, so that mistakes in them
 * are found in the same run.
 *
 * text      borrowed until the call returns; the tree has copies
 * out_root  NULL when the document is empty or nothing could be read
 * Errors: STOA_E_MEMORY
 */
int stoa_config_tree_read(struct stoa_string text, struct stoa_arena *arena, struct stoa_config_report *report,
                          struct stoa_config_node **out_root);

/* Read "a.b=c": the YAML c under the sections of the path. As above. */
int stoa_config_tree_set(struct stoa_string item, struct stoa_arena *arena, struct stoa_config_report *report,
                         struct stoa_config_node **out_root);

/* Read YAML under the sections of the path "a.b". As above. */
int stoa_config_tree_at(struct stoa_string path, struct stoa_string text, struct stoa_arena *arena,
                        struct stoa_config_report *report, struct stoa_config_node **out_root);

/* The path of a value: server.addresses[0], labels["a b"]; empty for the root. A long path is cut. */
struct stoa_config_path {
  char text[200];
};
struct stoa_config_path stoa_config_path_of(const struct stoa_config_node *node);

#endif
