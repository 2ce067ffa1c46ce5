/* server/middleware/log.c: the request log (stoa/middleware.h). */
#include "server/call/chain.h"
#include "server/middleware/configured.h"
#include "server/middleware/own.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>
#include <stoa/worker.h>

#define NS_PER_US 1000u

/* A worker's; on a cache line of its own. */
struct tally {
  uint32_t until_sample;
  uint8_t padding[60];
};

struct request_log {
  bool is_configured; /* its mode and sample are those of the settings */
  struct stoa_request_log_options options;
  uint32_t worker_count;
  struct tally tallies[];
};

/* One line without the limit of a call site, which is for lines that an error could repeat. */
static void write_line(enum stoa_log_severity level, const struct stoa_log_field *fields, size_t count,
                       struct stoa_log_site *site) {
  struct stoa_log_site own = {0};
  stoa_log_write(site == NULL ? &own : site, level, "request", fields, count);
}

static void log_request(const struct request_log *log, struct stoa_invocation *invocation,
                        const struct stoa_error *error, struct stoa_log_site *site) {
  struct stoa_session *session = stoa_invocation_session(invocation);
  char id[STOA_UUID_TEXT_LEN + 1];
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  char trace[STOA_TRACE_ID_TEXT_LEN + 1];
  const char *user = log->options.user_of == NULL ? NULL : log->options.user_of(log->options.context, session);
  enum stoa_log_severity level = error != NULL && error->code == STOA_ERROR_INTERNAL ? STOA_LOG_WARN : STOA_LOG_INFO;
  if (!stoa_log_enabled(level)) {
    return;
  }
  stoa_uuid_format(stoa_session_id(session), id);
  stoa_session_address(session, address);
  stoa_trace_id_format(stoa_invocation_trace_id(invocation), trace);
  const struct stoa_log_field fields[] = {
      STOA_F_STR("operation", stoa_invocation_operation(invocation)),
      STOA_F_STR("session", id),
      STOA_F_STR("address", address),
      STOA_F_STR("end", stoa_invocation_end_text(stoa_invocation_end(invocation))),
      STOA_F_INT("code", error == NULL ? 0 : error->code),
      STOA_F_TEXT("reason", error == NULL ? stoa_string_of("") : error->reason),
      STOA_F_INT("duration_us", stoa_invocation_elapsed_ns(invocation) / NS_PER_US),
      STOA_F_INT("bytes", stoa_invocation_bytes(invocation)),
      STOA_F_STR("trace", trace),
      STOA_F_STR("user", user == NULL ? "" : user),
  };
  size_t count = sizeof fields / sizeof fields[0];
  write_line(level, fields, user == NULL ? count - 1 : count, site);
}

/* Is this one of the sample? */
static bool is_sampled(struct request_log *log, const struct stoa_invocation *invocation, uint32_t sample) {
  uint32_t worker = stoa_worker_index(stoa_session_server(stoa_invocation_session(invocation)));
  assert(worker < log->worker_count);
  struct tally *tally = &log->tallies[worker];
  if (tally->until_sample > 0) {
    tally->until_sample--;
    return false;
  }
  tally->until_sample = sample - 1;
  return true;
}

static const struct stoa_settings *settings_of(const struct stoa_invocation *invocation) {
  return stoa_worker_of(stoa_invocation_session(invocation))->settings;
}

enum mode { MODE_OFF, MODE_ERRORS, MODE_SAMPLED, MODE_ALL };

static enum mode mode_of(const struct stoa_settings *settings) {
  static const enum mode modes[] = {
      [STOA_REQUEST_LOG_CONFIG_MODE_ERRORS] = MODE_ERRORS,
      [STOA_REQUEST_LOG_CONFIG_MODE_OFF] = MODE_OFF,
      [STOA_REQUEST_LOG_CONFIG_MODE_SAMPLED] = MODE_SAMPLED,
      [STOA_REQUEST_LOG_CONFIG_MODE_ALL] = MODE_ALL,
  };
  return modes[settings->requests.mode];
}

static enum mode mode_asked(enum stoa_request_log_mode asked) {
  static const enum mode modes[] = {[STOA_REQUEST_LOG_ERRORS] = MODE_ERRORS,
                                    [STOA_REQUEST_LOG_SAMPLED] = MODE_SAMPLED,
                                    [STOA_REQUEST_LOG_ALL] = MODE_ALL};
  return modes[asked];
}

static void after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  static struct stoa_log_site errors;
  struct request_log *log = user;
  enum mode mode = log->is_configured ? mode_of(settings_of(invocation)) : mode_asked(log->options.mode);
  uint32_t sample = log->is_configured ? settings_of(invocation)->requests.sample : log->options.sample;
  if (error != NULL && mode != MODE_ALL && mode != MODE_OFF) {
    log_request(log, invocation, error, &errors);
  } else if (mode == MODE_ALL || (mode == MODE_SAMPLED && is_sampled(log, invocation, sample))) {
    log_request(log, invocation, error, NULL);
  }
}

static int use(struct stoa_server *server, const struct stoa_selector *selector,
               const struct stoa_request_log_options *options, bool is_configured) {
  uint32_t worker_count = stoa_worker_count(server);
  struct request_log *log = stoa_calloc(1, sizeof *log + worker_count * sizeof log->tallies[0]);
  if (log != NULL) {
    log->is_configured = is_configured;
    log->worker_count = worker_count;
    log->options = options == NULL ? (struct stoa_request_log_options){0} : *options;
    log->options.sample = log->options.sample == 0 ? STOA_REQUEST_LOG_SAMPLE : log->options.sample;
  }
  const struct stoa_middleware middleware = {.name = "log", .after = after, .user = log, .destroy = stoa_free};
  int status = stoa_middleware_own(server, selector, &middleware);
  if (status == STOA_OK && log->options.mode == STOA_REQUEST_LOG_ERRORS) {
    stoa_middlewares_skip_successes(server);
  }
  return status;
}

int stoa_server_use_request_log(struct stoa_server *server, const struct stoa_selector *selector,
                                const struct stoa_request_log_options *options) {
  return use(server, selector, options, false);
}

int stoa_server_use_configured_request_log(struct stoa_server *server) {
  return use(server, NULL, NULL, true);
}
