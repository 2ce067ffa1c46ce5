/* emit.h: writes C from the model. */
#ifndef PLUGIN_EMIT_H
#define PLUGIN_EMIT_H

#include "model.h"
#include "text.h"

/* The whole X.stoa.h. */
void emit_header(struct text *text, const struct model_file *file);
/* The whole X.stoa.c. */
void emit_source(struct text *text, const struct model_file *file);

/* The whole X.client.stoa.h and X.client.stoa.c. */
void emit_client_header(struct text *text, const struct model_file *file);
void emit_client_source(struct text *text, const struct model_file *file);
/* Names in the client files: the function that sends a message; for an rpc the type of the callback for the reply, the
 * function that calls, and the function between the two. */
const char *emit_client_sender_name(const struct model_message *message);
const char *emit_client_reply_type(const struct model_service *service, const struct model_method *method);
const char *emit_client_caller_name(const struct model_service *service, const struct model_method *method);
const char *emit_client_end_name(const struct model_service *service, const struct model_method *method);

/* The whole X.md, the page about the file's protocol. */
void emit_markdown(struct text *text, const struct model_file *file);

/* Does the file have messages to handle? */
bool emit_has_service(const struct model_file *file);
/* Does an rpc of it return a stream? */
bool emit_has_streams(const struct model_file *file);
/* The parts about handlers and senders; nothing for a file without numbers. */
void emit_service_header(struct text *text, const struct model_file *file);
/* The name of the function at that index that sends a message; NULL after the last. */
const char *emit_sender_name(const struct model_message *message, size_t index);
/* The functions that answer a call later; `verb` is "reply" or "fail". Those of a stream: "send", "end", "fail". */
const char *emit_answer_name(const struct model_service *service, const struct model_method *method, const char *verb);
void emit_service_source(struct text *text, const struct model_file *file);

/* Does the file have an enum of errors? */
bool emit_has_errors(const struct model_file *file);
/* The parts about errors; nothing for a file without errors. */
void emit_errors_header(struct text *text, const struct model_file *file);
void emit_errors_source(struct text *text, const struct model_file *file);

/* What is added to the comment of what is deprecated. */
#define EMIT_DEPRECATED " Deprecated."
/* Between these two the header may use what is deprecated, which its readers may not; nothing for files without. */
void emit_quiet(struct text *text, const struct model_file *file);
void emit_loud(struct text *text, const struct model_file *file);
/* The same to the end of a source. */
void emit_quiet_source(struct text *text, const struct model_file *file);
/* The attribute that makes compilers warn, with a blank in front; empty for what is not deprecated. */
const char *emit_attribute(const struct place *place);

/* The first lines of a generated file. `comment` may be NULL. */
void emit_banner(struct text *text, const struct model_file *file, const char *comment);

#endif
