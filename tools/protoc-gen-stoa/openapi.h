/* openapi.h: an OpenAPI 3.1 document of a file's HTTP routes.
 *
 * Every segment of a path that is not fixed is a parameter: a variable that stands for several segments becomes one for
 * each "*" in it. Where OpenAPI cannot tell two paths apart, because one has "**" where the other has "*", the first
 * route with a method is described.
 */
#ifndef PLUGIN_OPENAPI_H
#define PLUGIN_OPENAPI_H

#include "json.h"
#include "model.h"

/* The whole X.openapi.json. The file has routes. */
void openapi_emit(struct text *text, const struct model_file *file);

/* The messages and enums that a document refers to, in the order in which they were found. */
struct openapi_types {
  const struct model_message **messages;
  size_t message_count;
  const struct model_enum **enums;
  size_t enum_count;
};

/* The members of the schema of a field, or of one value of it, without braces; what it refers to is added to the types.
 * `description` may be NULL. */
void openapi_field_members(struct json *json, struct openapi_types *types, const struct model_field *field,
                           const char *description);
/* The same for a message. */
void openapi_message_members(struct json *json, struct openapi_types *types, const struct model_message *message);
/* The schemas of all types, and of those that they refer to, as members. */
void openapi_schemas(struct json *json, struct openapi_types *types);

/* The member that says so, for what is deprecated. */
void openapi_deprecated(struct json *json, const struct place *place);

/* A comment as plain text: its lines without the blanks around them. NULL when there is none. */
const char *openapi_comment(const char *comment);

#endif
