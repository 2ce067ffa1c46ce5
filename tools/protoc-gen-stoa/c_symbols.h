/* c_symbols.h: the names that a file has in C, to find equal ones and to change one of them.
 *
 * Of two equal names the one changes that is a nested type, then the later one; a name that the file gives changes, and
 * one that is built from it, such as has_x, does not.
 */
#ifndef PLUGIN_C_SYMBOLS_H
#define PLUGIN_C_SYMBOLS_H

#include "model.h"
#include "symbols.h"

/* Messages, enums and their values. They are in the headers of other files too, so their names depend on nothing but
 * the file and what it imports. `may_yield`: symbols_separate() may change them. */
void c_symbols_types(struct symbols *symbols, const struct model_file *file, bool may_yield);
/* The functions and structs of services, plain messages and errors; `has_client`: those of the client too. */
void c_symbols_services(struct symbols *symbols, const struct model_file *file, bool has_client);
/* The members of a message's struct. */
void c_symbols_members(struct symbols *symbols, const struct model_message *message);
/* The members of a service's struct of handlers. */
void c_symbols_handlers(struct symbols *symbols, const struct model_service *service);

#endif
