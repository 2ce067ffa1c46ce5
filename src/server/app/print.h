/* server/app/print.h: a program's configuration as text, with its defaults and without its secrets.
 *
 * Thread: any, one at a time.
 */
#ifndef STOA_SERVER_APP_PRINT_H
#define STOA_SERVER_APP_PRINT_H

#include "server/app/load.h"

/* Append what is in force, each value with its source. `loaded` is changed meanwhile, and as before afterwards.
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_app_print(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded, struct stoa_buffer *out);
/* Give the text to the server for /debug/config. A failure is logged. */
void stoa_app_publish(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded, struct stoa_server *server);

#endif
