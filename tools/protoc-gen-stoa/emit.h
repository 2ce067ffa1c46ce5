/* emit.h: C from the model. */
#ifndef PLUGIN_EMIT_H
#define PLUGIN_EMIT_H

#include "model.h"
#include "text.h"

/* Everything of X.stoa.h. */
void emit_header(struct text *text, const struct model_file *file);
/* Everything of X.stoa.c. */
void emit_source(struct text *text, const struct model_file *file);

/* Everything of X.client.stoa.h and X.client.stoa.c. */
void emit_client_header(struct text *text, const struct model_file *file);
void emit_client_source(struct text *text, const struct model_file *file);
/* What they call a message's sender, and of an rpc the type of its last word, the function that calls, and the one
 * between the two. */
const char *emit_client_sender_name(const struct model_message *message);
const char *emit_client_reply_type(const struct model_service *service, const struct model_method *method);
const char *emit_client_caller_name(const struct model_service *service, const struct model_method *method);
const char *emit_client_end_name(const struct model_service *service, const struct model_method *method);

/* Everything of X.md, the page about the file's protocol. */
void emit_markdown(struct text *text, const struct model_file *file);

/* Does the file have anything to handle? */
bool emit_has_service(const struct model_file *file);
/* The parts about handlers and senders; nothing for a file without numbers. */
void emit_service_header(struct text *text, const struct model_file *file);
/* The functions that send a message, one after the other; NULL after the last. */
const char *emit_sender_name(const struct model_message *message, size_t index);
/* The functions that answer a call later; `verb` is "reply" or "fail". */
const char *emit_answer_name(const struct model_service *service, const struct model_method *method, const char *verb);
void emit_service_source(struct text *text, const struct model_file *file);

/* Has the file an enum of errors? */
bool emit_has_errors(const struct model_file *file);
/* The parts about errors; nothing for a file without. */
void emit_errors_header(struct text *text, const struct model_file *file);
void emit_errors_source(struct text *text, const struct model_file *file);

/* The first lines of a generated file. `comment` may be NULL. */
void emit_banner(struct text *text, const struct model_file *file, const char *comment);

#endif
