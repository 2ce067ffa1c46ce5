/* json.h: writes JSON with two blanks for each level. */
#ifndef PLUGIN_JSON_H
#define PLUGIN_JSON_H

#include <stdbool.h>

#include "text.h"

/* Start with a zeroed one and a text. */
struct json {
  struct text *text;
  unsigned depth;
  bool has_items; /* in the innermost object or array */
};

/* An object's member has a name; for an item of an array, and for the document itself, `name` is NULL. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *name, const char *value);
/* A number, or anything else that is JSON already. */
void json_raw(struct json *json, const char *name, const char *value);

#endif
