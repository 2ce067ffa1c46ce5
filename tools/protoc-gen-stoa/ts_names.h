/* ts_names.h: from the names of a .proto file to names in TypeScript. All results lie in the pool. */
#ifndef PLUGIN_TS_NAMES_H
#define PLUGIN_TS_NAMES_H

#include "model.h"
#include "text.h"

/* "client_msg_id" gives "clientMsgId", as protoc makes JSON names and the runtime makes properties. */
const char *ts_names_camel(const char *name);
/* A property in an interface: with quotes where it is no identifier. */
const char *ts_names_property(const char *name);
/* "Tree.Leaf" of a package gives "Tree_Leaf"; an underscore goes behind names that TypeScript or the generated code
 * keeps for itself. */
const char *ts_names_type(const char *full_name, const struct model_file *file);
/* The same as `from` has to call it: with the name of the module before it when that is another one. */
const char *ts_names_reference(const char *full_name, const struct model_file *file, const struct model_file *from);

/* The member of a client's API for a message or a call: "chat", "leaveRoom". */
const char *ts_names_push(const struct model_message *message);
const char *ts_names_call(const struct model_method *method);
/* "ChatroomService" gives "Chatroom"; the service that stands for a file without one has the file's name. */
const char *ts_names_stem(const struct model_service *service, const struct model_file *file);
/* "isUserNotFound" for the verb "is", and "Basket_isFull" for an enum inside a message. */
const char *ts_names_error(const char *verb, const struct model_enum *enumeration,
                           const struct model_enum_value *value);

/* Is it one of Protobuf's own files, whose code the runtime has? */
bool ts_names_is_own(const struct model_file *file);
/* What `from` imports for the types of `file`: "../../talk/v1/words.stoa.js". Protobuf's own come with the runtime. */
const char *ts_names_module(const struct model_file *file, const struct model_file *from);
/* What a module is called where it is imported. No .proto name has a "$". */
const char *ts_names_alias(const struct model_file *file);

/* `raw`, which is UTF-8, as a literal in single quotes. */
const char *ts_names_literal(const char *raw);
/* `raw`, lines of a .proto file's comment, as a documentation comment. Nothing when there is no text. */
void ts_names_comment(struct text *text, const char *indent, const char *raw);

#endif
