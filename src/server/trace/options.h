/* server/trace/options.h: a tracer of the section server.tracing.
 *
 * Does not know: servers. Thread: one.
 */
#ifndef STOA_SERVER_TRACE_OPTIONS_H
#define STOA_SERVER_TRACE_OPTIONS_H

#include "server/trace/tracer.h"

#include <stoa/config.stoa.h>

/* What a tracer needs beside the configuration. */
struct stoa_trace_surroundings {
  const struct stoa_clock *clock;
  void (*on_count)(void *context, enum stoa_tracer_count what, uint64_t count);
  void *context;
};

/* `config` has its defaults. *out_tracer is NULL without an endpoint; nothing else of the section is looked at then.
 * Errors: STOA_E_ARGUMENT  the endpoint or a header (logged, with the option); STOA_E_NOT_FOUND, STOA_E_SYSTEM,
 *         STOA_E_DENIED, STOA_E_LIMIT, STOA_E_TLS  a file (logged); STOA_E_MEMORY */
int stoa_trace_open(const struct stoa_tracing_config *config, const struct stoa_trace_surroundings *surroundings,
                    struct stoa_tracer **out_tracer);
/* Take over the sampling of a configuration. NULL is fine. */
void stoa_trace_apply(struct stoa_tracer *tracer, const struct stoa_tracing_config *config);
/* The program's own name, version and id; an empty name of the configuration is replaced. NULL is fine.
 * Errors: STOA_E_MEMORY */
int stoa_trace_describe(struct stoa_tracer *tracer, const struct stoa_tracing_config *config,
                        const struct stoa_otlp_resource *program);

#endif
