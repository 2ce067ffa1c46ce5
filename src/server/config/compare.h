/* server/config/compare.h: which keys of two configurations differ, by the descriptor table.
 *
 * Does not know: the keys, what the values mean.
 * Thread: any; a call keeps no state.
 */
#ifndef STOA_SERVER_CONFIG_COMPARE_H
#define STOA_SERVER_CONFIG_COMPARE_H

#include <stdbool.h>
#include <stoa/descriptor.h>

#define STOA_CONFIG_PATH_SIZE 256u

struct stoa_config_comparison {
  /* Is this section, or list of sections, one key as a whole? NULL: none is. */
  bool (*is_whole)(void *context, const char *path);
  /* A key has other values. Called once for each, in the table's order; for a list of sections with as many items as
   * before, once for each item. The path is valid until it returns. */
  void (*on_difference)(void *context, const char *path);
  void *context;
};

/* Compare two structs of a type. A section that is left out is one in which nothing is set. Sections more than
 * STOA_CONFIG_DEPTH_MAX below each other are one key.
 *
 * prefix  the path of the structs themselves, such as "server"; may be empty */
void stoa_config_compare(const struct stoa_message_type *type, const char *prefix, const void *one, const void *other,
                         const struct stoa_config_comparison *comparison);

#endif
