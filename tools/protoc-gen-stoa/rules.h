/* rules.h: the rules of fields, from the option (stoa.rules). */
#ifndef PLUGIN_RULES_H
#define PLUGIN_RULES_H

#include "model.h"

/* Read a field's rules, if it has any. Rules that do not fit the field are reported as problems. */
void rules_read(struct model_field *field, const Google__Protobuf__FieldDescriptorProto *proto,
                struct problems *problems);
/* Mark every message that has rules, or that can contain a message with rules. Fields must be resolved before. */
void rules_spread(struct model *model);
/* Does the message itself have fields with rules? */
bool rules_own(const struct model_message *message);

/* A bound as text: "100", "-0.5". */
const char *rules_bound_text(const struct model_field *field, const union stoa_rule_bound *bound);
/* The rules of a field as text: "required, 1 to 32 characters". Empty without rules. */
const char *rules_text(const struct model_field *field);

#endif
