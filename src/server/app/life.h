/* server/app/life.h: the life of a program, from its setup to its end: stoa/app.h has the order of the steps.
 *
 * Does not know: the command line, where the configuration comes from.
 * Thread: the main thread.
 */
#ifndef STOA_SERVER_APP_LIFE_H
#define STOA_SERVER_APP_LIFE_H

#include "server/app/context.h"

/* Run all steps, and return when the program has stopped; its servers are not destroyed yet. Every failure is logged.
 * True: nothing has failed. */
bool stoa_app_life_run(struct stoa_app_context *context);

#endif
