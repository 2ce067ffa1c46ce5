/* ts_names.h: from the names of a .proto file to names in TypeScript. All results are allocated in the pool. */
#ifndef PLUGIN_TS_NAMES_H
#define PLUGIN_TS_NAMES_H

#include "model.h"
#include "text.h"

/* "client_msg_id" gives "clientMsgId", like protoc's JSON names and the runtime's properties. */
const char *ts_names_camel(const char *name);
/* A property in an interface, with quotes when it is not an identifier. */
const char *ts_names_property(const char *name);
/* "Tree.Leaf" of a package gives "Tree_Leaf"; names that are reserved in TypeScript or used by the generated code get
 * an underscore at the end. */
const char *ts_names_type(const char *full_name, const struct model_file *file);
/* The same as used in `from`: with the name of the module in front when it is another module. */
const char *ts_names_reference(const char *full_name, const struct model_file *file, const struct model_file *from);

/* The member of a client's API for a message or a call: "chat", "leaveRoom". */
const char *ts_names_push(const struct model_message *message);
const char *ts_names_call(const struct model_method *method);
/* The method of a client's class that starts a stream. Names that the runtime's class has get an underscore at the end.
 */
const char *ts_names_stream(const struct model_method *method);
/* "ChatroomService" gives "Chatroom"; the service that is added to a file without one has the file's name. */
const char *ts_names_stem(const struct model_service *service, const struct model_file *file);
/* "isUserNotFound" for the verb "is", and "Basket_isFull" for an enum inside a message. */
const char *ts_names_error(const char *verb, const struct model_enum *enumeration,
                           const struct model_enum_value *value);

/* Is it one of Protobuf's own files whose code is in the runtime? */
bool ts_names_is_own(const struct model_file *file);
/* The module that `from` imports for the types of `file`: "../../chat/v1/users.stoa.js". Protobuf's own types are in
 * the runtime. */
const char *ts_names_module(const struct model_file *file, const struct model_file *from);
/* The name of an imported module. No .proto name has a "$". */
const char *ts_names_alias(const struct model_file *file);

/* `raw`, which is UTF-8, as a string literal in single quotes. */
const char *ts_names_literal(const char *raw);
/* What is added to the comment of what is deprecated. */
#define TS_NAMES_DEPRECATED " @deprecated"

/* `raw`, lines of a .proto file's comment, as a documentation comment. Nothing when there is no text. */
void ts_names_comment(struct text *text, const char *indent, const char *raw);

#endif
