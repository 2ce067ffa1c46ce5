/* rules.h: what option (stoa.rules) says of fields. */
#ifndef PLUGIN_RULES_H
#define PLUGIN_RULES_H

#include "model.h"

/* Read a field's rules, when it has any. Rules that do not fit the field are problems. */
void rules_read(struct model_field *field, const Google__Protobuf__FieldDescriptorProto *proto,
                struct problems *problems);
/* Mark every message that has rules, or that can hold one that has. Fields are resolved before. */
void rules_spread(struct model *model);
/* Does the message itself have fields with rules? */
bool rules_own(const struct model_message *message);

/* A bound as people write it: "100", "-0.5". */
const char *rules_bound_text(const struct model_field *field, const union stoa_rule_bound *bound);
/* What a field's value must keep to, for people: "required, 1 to 32 characters". Empty without rules. */
const char *rules_text(const struct model_field *field);

#endif
