/* engine/page.h: which messages a query takes, and when its page is full.
 *
 * Thread: one at a time.
 */
#ifndef STOA_ENGINE_PAGE_H
#define STOA_ENGINE_PAGE_H

#include "engine/request.h"

/* A room at one moment. */
struct stoa_engine_bounds {
  uint64_t epoch, floor, top, ordinal;
};

/* Write the room's bounds into the answer, and tell whether the query's position is gone (G6). */
void stoa_engine_page_begin(struct stoa_engine_request *request, const struct stoa_engine_bounds *bounds);
bool stoa_engine_query_is_gone(const struct stoa_engine_query *query, const struct stoa_engine_bounds *bounds);

/* Does the query ask for messages of that kind and target? */
bool stoa_engine_query_takes(const struct stoa_engine_query *query, enum stoa_engine_kind kind, uint64_t target);
/* Has the answer room for a message of `len` bytes of names and body? */
bool stoa_engine_page_has_room(const struct stoa_engine_request *request, size_t len);

/* Makes messages findable: the text of a message, given at the start of an engine. Called on the engine's threads,
 * always with the same result for the same bytes. False: there is no text. out_text is borrowed from body. */
struct stoa_engine_text {
  bool (*read)(void *context, uint32_t type, struct stoa_bytes body, struct stoa_string *out_text);
  void *context;
  /* Can texts be read? Until then nothing is put into the index, and nothing is removed without a request. Called on
   * the engine's threads. NULL: always. */
  bool (*is_ready)(void *context);
};

/* Is the message's text found by the search? ASCII letters in either case. */
bool stoa_engine_text_matches(const struct stoa_engine_text *text, uint32_t type, struct stoa_bytes body,
                              struct stoa_string wanted);

#endif
