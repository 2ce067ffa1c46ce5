#include "json.h"

#include <assert.h>
#include <stddef.h>

static void new_line(struct json *json) {
  text_add(json->text, "\n");
  for (unsigned i = 0; i < json->depth; i++) {
    text_add(json->text, "  ");
  }
}

static void begin_item(struct json *json, const char *name) {
  if (json->depth > 0) {
    text_add(json->text, json->has_items ? "," : "");
    new_line(json);
  }
  if (name != NULL) {
    text_add_json(json->text, name);
    text_add(json->text, ": ");
  }
  json->has_items = true;
}

void json_open(struct json *json, const char *name, char bracket) {
  begin_item(json, name);
  text_add_bytes(json->text, &bracket, 1);
  json->depth++;
  json->has_items = false;
}

void json_close(struct json *json, char bracket) {
  assert(json->depth > 0);
  json->depth--;
  if (json->has_items) {
    new_line(json);
  }
  text_add_bytes(json->text, &bracket, 1);
  json->has_items = true;
}

void json_string(struct json *json, const char *name, const char *value) {
  begin_item(json, name);
  text_add_json(json->text, value);
}

void json_raw(struct json *json, const char *name, const char *value) {
  begin_item(json, name);
  text_add(json->text, value);
}
