/* client/breaker.h: refuses calls while most of them fail: client-side throttling as in "Site Reliability Engineering",
 * chapter 21, "Handling Overload".
 *
 * Of the calls of the last 10 seconds, those that the server accepted are compared with all. While there are more than
 * k times as many as were accepted, a call is refused with the probability (calls - k * accepted) / (calls + 1).
 * Refused calls count as calls, so a server that is down gets few; the rest finds out when it is back.
 *
 * Does not know: what makes a call a failure.
 * Thread: any; a mutex is held for a few instructions. Lifetime: owned by a client.
 */
#ifndef STOA_CLIENT_BREAKER_H
#define STOA_CLIENT_BREAKER_H

#include "base/clock.h"

#include <stdbool.h>
#include <stoa/client.h>

struct stoa_breaker;

/* options  NULL: the defaults
 * clock    borrowed until destroy
 * Errors: STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_breaker_create(const struct stoa_client_breaker_options *options, const struct stoa_clock *clock,
                        struct stoa_breaker **out_breaker);
/* NULL is fine. */
void stoa_breaker_destroy(struct stoa_breaker *breaker);

/* May a call begin? `random` is equally distributed. A refused call is counted. */
bool stoa_breaker_allows(struct stoa_breaker *breaker, uint32_t random);
/* A call has ended. */
void stoa_breaker_note(struct stoa_breaker *breaker, bool is_accepted);
uint64_t stoa_breaker_refused(struct stoa_breaker *breaker);

#endif
