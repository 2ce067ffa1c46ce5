/* server/app_print.h: a program's configuration as text, with its defaults and without its secrets.
 *
 * Thread: any, one at a time.
 */
#ifndef STOA_SERVER_APP_PRINT_H
#define STOA_SERVER_APP_PRINT_H

#include "server/app_load.h"

/* Append what is in force, each value with its source. Fills the defaults into `loaded`, and hides its secrets there
 * too. Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_app_print(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded, struct stoa_buffer *out);
/* Read the configuration once more, and give it to the server for /debug/config. A failure is logged. */
void stoa_app_publish(const struct stoa_app_loader *loader, struct stoa_server *server);

#endif
