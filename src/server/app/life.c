#include "server/app/life.h"

#include "base/array.h"
#include "base/log_writer.h"
#include "base/sys.h"
#include "server/app/reload.h"
#include "server/app/run_as.h"
#include "server/app/systemd_sockets.h"
#include "server/server_private.h"
#include "server/worker/settings.h"
#include "server/worker/stepping.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stoa/log.h>

/* Beyond the longest drain. */
#define STOP_MORE_MS 10000

static void set_failed(struct stoa_app_context *context) {
  stoa_guard_stop(&context->guard, true);
}

/* Steps of the start. Each is named in the log when it fails, so it only returns its status. */

static int set_up(struct stoa_app_context *context) {
  const struct stoa_app *app = context->app;
  stoa_guard_set_step(&context->guard, "setup");
  context->in_setup = true;
  int status = app->setup == NULL ? STOA_OK : app->setup(context->servers[0], context->config, app->user);
  context->in_setup = false;
  return status;
}

static uint32_t stop_timeout_ms(const struct stoa_app_context *context) {
  uint32_t drain_ms = 0;
  for (size_t i = 0; i < context->server_count; i++) {
    struct stoa_settings *settings = stoa_server_settings(context->servers[i]);
    uint32_t own_ms = settings->config.drain_ms;
    stoa_settings_unref(settings);
    drain_ms = own_ms > drain_ms ? own_ms : drain_ms;
  }
  return context->app->stop_timeout_ms != 0 ? context->app->stop_timeout_ms : drain_ms + STOP_MORE_MS;
}

static int bind_all(struct stoa_app_context *context) {
  int status = STOA_OK;
  stoa_guard_set_timeout(&context->guard, stop_timeout_ms(context));
  stoa_guard_set_step(&context->guard, "binding the addresses");
  for (size_t i = 0; i < context->server_count && status == STOA_OK; i++) {
    status = stoa_server_bind(context->servers[i]);
  }
  stoa_systemd_sockets_forget();
  return status;
}

/* All servers are bound, and their keys are read: the last moment before other code runs. */
static int give_up_root(struct stoa_app_context *context) {
  stoa_guard_set_step(&context->guard, "run_as");
  return stoa_run_as_apply(context->servers, context->server_count);
}

/* Workers must not wait for the reader of the log. It has a thread only from here on, so that the thread has given up
 * root too. */
static int start_log(struct stoa_app_context *context) {
  (void)context;
  int status = stoa_log_writer_start();
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "the log thread could not be started; workers write the log themselves, without waiting",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
  return STOA_OK;
}

/* The hooks of a list, up to the first that fails, or all of them. */
static int call_hooks(struct stoa_app_context *context, const char *list, stoa_app_hook *const *hooks, bool all) {
  int result = STOA_OK;
  for (size_t i = 0; i < STOA_APP_HOOKS_MAX && hooks[i] != NULL && (all || result == STOA_OK); i++) {
    stoa_guard_set_step(&context->guard, "%s[%zu]", list, i);
    int status = hooks[i](context, context->app->user);
    if (status != STOA_OK) {
      stoa_log(STOA_LOG_ERROR, "a hook of the program failed", STOA_F_STR("hook", list), STOA_F_INT("index", i),
               STOA_F_STR("reason", stoa_status_text(status)));
    }
    result = result == STOA_OK ? status : result;
  }
  return result;
}

static int call_before_start(struct stoa_app_context *context) {
  return call_hooks(context, "before_start", context->app->before_start, false);
}

static int start_components(struct stoa_app_context *context) {
  for (size_t i = 0; i < context->component_count; i++) {
    const struct stoa_app_component *component = &context->components[i];
    stoa_guard_set_step(&context->guard, "start of the component %s", component->name);
    int status = component->start == NULL ? STOA_OK : component->start(component->user);
    if (status != STOA_OK) {
      stoa_log(STOA_LOG_ERROR, "a component could not start", STOA_F_STR("component", component->name),
               STOA_F_STR("reason", stoa_status_text(status)));
      return status;
    }
    context->started_count++;
  }
  return STOA_OK;
}

static int start_servers(struct stoa_app_context *context) {
  for (size_t i = 0; i < context->server_count; i++) {
    const char *address = stoa_server_address(context->servers[i], 0);
    stoa_guard_set_step(&context->guard, "start of the server %s", address);
    int status = stoa_server_begin_threads(context->servers[i]);
    if (status != STOA_OK) {
      return status;
    }
    context->begun_count++;
  }
  return stoa_guard_watch(&context->guard, context->servers, context->server_count);
}

static int call_after_start(struct stoa_app_context *context) {
  return call_hooks(context, "after_start", context->app->after_start, false);
}

static const struct {
  const char *name;
  int (*run)(struct stoa_app_context *context);
} steps[] = {{"setup", set_up},
             {"bind", bind_all},
             {"run_as", give_up_root},
             {"log", start_log},
             {"before_start", call_before_start},
             {"components", start_components},
             {"servers", start_servers},
             {"after_start", call_after_start}};
/* Their indexes: what has to be undone depends on how many steps were reached. */
enum { STEP_LOG = 3, STEP_BEFORE_START = 4 };

/* Returns how many steps were reached. After a failure, or once a stop is wanted, no further one is. */
static size_t start(struct stoa_app_context *context) {
  for (size_t i = 0; i < STOA_COUNT_OF(steps); i++) {
    struct stoa_guard_requests requests = stoa_guard_take(&context->guard);
    context->reload_waits = context->reload_waits || requests.reload; /* the files may have been read before it */
    if (requests.stop) {
      return i;
    }
    int status = steps[i].run(context);
    if (status != STOA_OK) {
      stoa_log(STOA_LOG_ERROR, "the server could not start", STOA_F_STR("reason", stoa_status_text(status)),
               STOA_F_STR("step", steps[i].name));
      set_failed(context);
      return i + 1;
    }
  }
  return STOA_COUNT_OF(steps);
}

/* Serving. */

static void describe(const struct stoa_app_context *context) {
  char pairs[512];
  size_t len = 0;
  pairs[0] = '\0';
  for (size_t i = 0; i < context->app->metadata_count && len < sizeof pairs - 1; i++) {
    const struct stoa_app_pair *pair = &context->app->metadata[i];
    int count = snprintf(pairs + len, sizeof pairs - len, "%s%s=%s", i == 0 ? "" : ",", pair->name, pair->value);
    len += count < 0 ? 0 : (size_t)count;
  }
  stoa_log(STOA_LOG_INFO, "starting", STOA_F_STR("name", stoa_app_name(context)),
           STOA_F_STR("version", stoa_app_version(context)), STOA_F_STR("id", stoa_app_id(context)),
           STOA_F_STR("metadata", pairs));
}

static void tell_ready(struct stoa_app_context *context) {
  char message[256];
  snprintf(message, sizeof message, "READY=1\nSTATUS=serving %.128s", stoa_server_address(context->servers[0], 0));
  stoa_notify_send(&context->guard.notify, message);
}

static void show_facts(struct stoa_app_context *context) {
  for (size_t i = 0; i < context->server_count; i++) {
    stoa_start_facts_of_server(&context->facts, context->servers[i]);
  }
  for (size_t i = 0; i < context->server_count; i++) {
    stoa_start_risks_of_server(&context->facts, context->servers[i]);
  }
  stoa_start_facts_show(&context->facts, stoa_app_name(context));
}

/* The configuration in force, whose certificates and keys are watched. */
static const struct stoa_server_config *config_in_force(const struct stoa_app_context *context) {
  const struct stoa_server_config *config = NULL;
  const struct stoa_log_config *log = NULL;
  const struct stoa_app_reloader *reloader = context->reloader;
  stoa_app_sections(reloader->loader, stoa_app_reloader_current(reloader), &config, &log);
  return config;
}

static uint64_t now_ns(void) {
  return stoa_clock_monotonic_ns(&stoa_clock_system);
}

/* Again after each reload: other files may be named now, and folders may be other ones. */
static void watch_files(struct stoa_app_context *context) {
  const struct stoa_app_reloader *reloader = context->reloader;
  if (reloader == NULL || !reloader->loader->arguments.watch) {
    return;
  }
  stoa_watch_close(&context->watch);
  const struct stoa_watch_start start = {reloader->read_us, now_ns()};
  int status = stoa_watch_open(&context->watch, reloader->loader, config_in_force(context), &start);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "the files of the configuration cannot be watched; SIGHUP still reads them again",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
}

static bool have_files_changed(struct stoa_app_context *context) {
  return context->watch.fd >= 0 &&
         stoa_watch_take(&context->watch, now_ns(), context->reloader->loader, config_in_force(context));
}

static void reload(struct stoa_app_context *context) {
  char message[96];
  uint64_t now_us = stoa_clock_monotonic_ns(&stoa_clock_system) / 1000;
  snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us);
  stoa_notify_send(&context->guard.notify, message);
  if (context->on_reload != NULL) {
    int ignored = context->on_reload(context); /* it logs what is wrong */
    (void)ignored;
    stoa_guard_set_timeout(&context->guard, stop_timeout_ms(context)); /* drain_ms may have changed */
    watch_files(context);
  } else {
    stoa_log(STOA_LOG_WARN,
             "SIGHUP is ignored: the configuration is read only at the start; restart the server to change it",
             STOA_F_STR("name", stoa_app_name(context)));
  }
  tell_ready(context);
}

/* Wait for a request, or for the end of one of the servers.
 * Returns the index of a server that has ended, or `count`. */
static size_t wait_for_news(struct stoa_app_context *context, struct stoa_server *const *servers, size_t count) {
  struct pollfd fds[STOA_APP_SERVERS_MAX + 2] = {{context->guard.main_fd, POLLIN, 0}};
  bool is_watching = context->watch.fd >= 0;
  int wait_ms = is_watching ? stoa_watch_wait_ms(&context->watch, now_ns()) : -1;
  assert(count <= STOA_APP_SERVERS_MAX);
  for (size_t i = 0; i < count; i++) {
    fds[i + 1] = (struct pollfd){servers[i]->ended_fd, POLLIN, 0};
  }
  fds[count + 1] = (struct pollfd){context->watch.fd, POLLIN, 0}; /* poll(2) leaves out what is below 0 */
  if (stoa_sys.poll(fds, (nfds_t)count + 2, wait_ms) < 0) {
    if (errno != EINTR) {
      stoa_log(STOA_LOG_ERROR, "the main thread cannot wait; the program stops", STOA_F_STR("reason", strerror(errno)));
      set_failed(context);
    }
    return count;
  }
  if ((fds[count + 1].revents & POLLIN) != 0) {
    stoa_watch_read(&context->watch, now_ns());
  }
  for (size_t i = 0; i < count; i++) {
    if ((fds[i + 1].revents & POLLIN) != 0) {
      return i;
    }
  }
  return count;
}

static void serve(struct stoa_app_context *context) {
  stoa_guard_set_step(&context->guard, "serving");
  show_facts(context);
  watch_files(context);
  tell_ready(context);
  for (;;) {
    struct stoa_guard_requests requests = stoa_guard_take(&context->guard);
    if (requests.stop) {
      return;
    }
    if (requests.reload || context->reload_waits || have_files_changed(context)) {
      context->reload_waits = false;
      reload(context);
      continue; /* another one may have been asked for meanwhile */
    }
    size_t ended = wait_for_news(context, context->servers, context->server_count);
    if (ended < context->server_count && !stoa_guard_take(&context->guard).stop) {
      stoa_log(STOA_LOG_WARN, "a server has ended; the program stops",
               STOA_F_STR("address", stoa_server_address(context->servers[ended], 0)));
      stoa_guard_stop(&context->guard, false);
    }
  }
}

/* Stopping. */

/* All at once, because one person may have sessions on several of them. */
static void drain_servers(struct stoa_app_context *context) {
  size_t sessions = 0;
  for (size_t i = context->begun_count; i > 0; i--) {
    stoa_server_drain(context->servers[i - 1]);
  }
  for (size_t i = context->begun_count; i > 0; i--) {
    stoa_guard_set_step(&context->guard, "drain of the server %s", stoa_server_address(context->servers[i - 1], 0));
    stoa_server_wait(context->servers[i - 1]);
    sessions += stoa_server_session_count(context->servers[i - 1]);
  }
  stoa_guard_leave(&context->guard);
  stoa_log(STOA_LOG_INFO, "ended", STOA_F_INT("sessions", sessions));
}

/* The last callbacks of their sessions and workers run here, and may still use the components. */
static void end_servers(struct stoa_app_context *context) {
  if (context->begun_count > 0) {
    drain_servers(context);
  }
  for (size_t i = context->server_count; i > 0; i--) {
    stoa_guard_set_step(&context->guard, "end of the server %zu", i - 1);
    stoa_server_end(context->servers[i - 1]);
  }
}

static void stop_components(struct stoa_app_context *context) {
  while (context->started_count > 0) {
    const struct stoa_app_component *component = &context->components[--context->started_count];
    stoa_guard_set_step(&context->guard, "stop of the component %s", component->name);
    if (component->stop != NULL) {
      component->stop(component->user);
    }
  }
}

static void stop(struct stoa_app_context *context, size_t reached) {
  bool has_hooks = reached > STEP_BEFORE_START;
  stoa_guard_stop(&context->guard, false);
  stoa_notify_send(&context->guard.notify, "STOPPING=1\nSTATUS=draining");
  if (has_hooks && call_hooks(context, "before_stop", context->app->before_stop, true) != STOA_OK) {
    set_failed(context);
  }
  end_servers(context);
  stop_components(context);
  if (has_hooks && call_hooks(context, "after_stop", context->app->after_stop, true) != STOA_OK) {
    set_failed(context);
  }
  if (reached > STEP_LOG) {
    stoa_log_writer_stop();
  }
}

bool stoa_app_life_run(struct stoa_app_context *context) {
  int status = stoa_guard_open(&context->guard, stop_timeout_ms(context));
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR, "the server could not start", STOA_F_STR("reason", stoa_status_text(status)),
             STOA_F_STR("step", "signals"));
    return false;
  }
  context->has_guard = true;
  describe(context);
  size_t reached = start(context);
  if (reached == STOA_COUNT_OF(steps) && !stoa_guard_has_failed(&context->guard)) {
    serve(context);
  }
  stop(context, reached);
  bool has_failed = stoa_guard_has_failed(&context->guard);
  stoa_guard_close(&context->guard);
  context->has_guard = false;
  return !has_failed;
}
