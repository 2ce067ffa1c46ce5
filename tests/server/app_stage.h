/* tests/server/app_stage.h: a program under test in this process: its log, its trace, and waiting for both.
 *
 * Thread: any, unless a function says otherwise.
 */
#ifndef TESTS_SERVER_APP_STAGE_H
#define TESTS_SERVER_APP_STAGE_H

#include <stdbool.h>
#include <stoa/app.h>

#define STAGE_DEADLINE_S 60

/* cmocka's setup and teardown: an empty log and trace, and the real system calls. */
int stage_begin(void **state);
int stage_end(void **state);

/* Run the program with these settings of --set, up to NULL. On the main thread. Returns its exit status. */
int stage_run(const struct stoa_app *app, const char *const *settings);
/* One worker, a free port of 127.0.0.1, no io_uring. */
#define STAGE_SERVER "server={addresses: ['127.0.0.1:0'], workers: 1, io_uring: off}"

/* Add a word to the trace, with a space before it. */
void stage_note(const char *word);
const char *stage_trace(void);

/* Everything that was logged, one line after the other. Valid until the next line. */
bool stage_log_has(const char *text);
/* Wait until a line with that text was logged. */
void stage_await_log(const char *text);
size_t stage_log_count(const char *text);

/* A gate: shut until it is opened. */
void stage_gate_open(void);
void stage_gate_wait(void);

#endif
