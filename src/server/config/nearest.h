/* server/config/nearest.h: suggests a name for a misspelled key. */
#ifndef STOA_SERVER_CONFIG_NEAREST_H
#define STOA_SERVER_CONFIG_NEAREST_H

#include <stoa/descriptor.h>

/* The field whose name is nearest to `key`, counted in bytes to insert, drop, change or swap with a neighbour (the
 * first of several), or NULL when it differs in more than a third of the longer name. */
const struct stoa_field *stoa_config_nearest(const struct stoa_message_type *type, struct stoa_string key);

/* How many of these tell the names apart; SIZE_MAX when it is more than a third of the longer one's length, or when one
 * is longer than any name that people type. */
size_t stoa_config_slips(struct stoa_string a, struct stoa_string b);

#endif
