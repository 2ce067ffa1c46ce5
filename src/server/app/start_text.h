/* server/app/start_text.h: what a person needs to know when a program has started: every URL to open, where files are,
 * and what is insecure about the configuration.
 *
 * On a terminal it is a short block of text; elsewhere the same facts are log lines: event="open", "note", "insecure".
 * Does not know: what the program stores, which it adds itself (stoa_app_note()).
 * Thread: the main thread, after the servers are bound. Lifetime: facts are the caller's, in one arena.
 */
#ifndef STOA_SERVER_APP_START_TEXT_H
#define STOA_SERVER_APP_START_TEXT_H

#include <stdbool.h>
#include <stoa/arena.h>
#include <stoa/bytes.h>
#include <stoa/status.h>

struct stoa_server;

#define STOA_START_FACTS_MAX 96u

enum stoa_start_kind {
  STOA_START_OPEN,    /* a URL, or the address of a unix socket */
  STOA_START_NOTE,    /* where something is */
  STOA_START_INSECURE /* what is open, and the setting that closes it */
};

struct stoa_start_fact {
  enum stoa_start_kind kind;
  const char *label; /* of a URL: "page", "websocket" or "admin"; of a note: its name; else NULL */
  const char *text;
};

struct stoa_start_facts {
  struct stoa_arena *arena;
  size_t count;
  size_t left_out; /* above STOA_START_FACTS_MAX, or for lack of memory */
  struct stoa_start_fact items[STOA_START_FACTS_MAX];
};

/* Errors: STOA_E_MEMORY */
int stoa_start_facts_init(struct stoa_start_facts *out_facts);
/* Zeroed is fine. */
void stoa_start_facts_fini(struct stoa_start_facts *facts);

/* Add a fact; both texts are copied. Errors: STOA_E_LIMIT  there are STOA_START_FACTS_MAX; STOA_E_MEMORY */
int stoa_start_facts_add(struct stoa_start_facts *facts, enum stoa_start_kind kind, const char *label,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Add what the server's sockets and configuration tell. What does not fit is counted in left_out. */
void stoa_start_facts_of_server(struct stoa_start_facts *facts, const struct stoa_server *server);
void stoa_start_risks_of_server(struct stoa_start_facts *facts, const struct stoa_server *server);

/* Write them to descriptor 2 as a block if it is a terminal and the log has the level info, else to the log. */
void stoa_start_facts_show(const struct stoa_start_facts *facts, const char *name);

#endif
