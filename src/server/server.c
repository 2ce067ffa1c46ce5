#include "base/array.h"
#include "base/log_trace.h"
#include "base/log_writer.h"
#include "base/memory.h"
#include "base/sys.h"
#include "net/tls.h"
#include "server/app/run_as.h"
#include "server/app/signals.h"
#include "server/middleware/address_rates.h"
#include "server/middleware/configured.h"
#include "server/server_private.h"
#include "server/settings/options.h"
#include "server/trace/message.h"
#include "server/trace/options.h"
#include "server/worker/life.h"
#include "server/worker/stepping.h"
#include "server/worker/work.h"
#include "server/worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stoa/log.h>
#include <sys/eventfd.h>

/* How long one worker without a thread waits for events while the others wait for their turn. */
#define STEPPED_WAIT_MS 1
#define HANDLERS_MAX 4096u
/* The longest that the end of a server waits for a collector. */
#define STOP_TRACING_MS 5000u
#define CONFIG_BYTES_MAX (1024u * 1024)

/* Creating. */

static int open_web_root(struct stoa_server *server) {
  struct stoa_string path = server->config.web_root;
  return path.len == 0 ? STOA_OK : stoa_files_init(&server->files, path.data);
}

/* Spans that a program makes before the start are not counted. */
static void count_spans(void *context, enum stoa_tracer_count what, uint64_t count) {
  const struct stoa_server *server = context;
  if (server->metrics.shared != NULL) {
    stoa_metric_add(server->metrics.shared, STOA_M_SPANS, (uint32_t)what, count);
  }
}

static int open_tracing(struct stoa_server *server) {
  const struct stoa_trace_surroundings surroundings = {
      .clock = server->clock, .on_count = count_spans, .context = server};
  stoa_log_set_trace_source(stoa_message_trace_of_thread);
  return stoa_trace_open(&server->settings->tracing, &surroundings, &server->tracer);
}

/* One step's failure does not keep the next from telling what it finds; the first status counts. */
static int open_all(struct stoa_server *server) {
  struct stoa_settings *settings = server->settings;
  int web_root = open_web_root(server);
  int tls = stoa_listeners_tls_create(server, &settings->config, NULL, &settings->tls);
  int rules = stoa_options_origin_rules(settings);
  int admin = stoa_admin_init(server);
  int listeners = stoa_listeners_init(server);
  int auth = stoa_auth_init(&settings->auth, settings->config.auth);
  int tracing = open_tracing(server);
  const int statuses[] = {web_root, rules, admin, listeners, tls, auth, tracing};
  for (size_t i = 0; i < STOA_COUNT_OF(statuses); i++) {
    if (statuses[i] != STOA_OK) {
      return statuses[i];
    }
  }
  return STOA_OK;
}

/* The keys that stay as they are need a copy that outlives the first settings. Secrets are not among them, but for the
 * headers of tracing, which are compared with what a reload brings. */
static int keep_config(struct stoa_server *server) {
  server->config = server->settings->config;
  server->config.limits = NULL;
  server->config.auth = NULL;
  server->config.cors = NULL;
  server->config.shedding = NULL;
  struct stoa_admin_config admin = {.address = server->config.admin->address};
  server->config.admin = &admin;
  server->config_arena = stoa_arena_create(CONFIG_BYTES_MAX);
  bool good = server->config_arena != NULL && stoa_options_copy(server->config_arena, &server->config);
  server->config.admin = good ? server->config.admin : NULL;
  server->worker_count = stoa_options_workers(&server->config);
  return good ? STOA_OK : STOA_E_MEMORY;
}

static int apply_config(struct stoa_server *server, const struct stoa_server_config *config) {
  int status = stoa_settings_create(config, NULL, &server->settings);
  if (status == STOA_OK) {
    status = keep_config(server);
  }
  if (status != STOA_OK) {
    return status;
  }
  status = stoa_options_check(server->settings);
  stoa_peers_set_limits(&server->peers, &server->settings->peers_limits);
  stoa_budget_set(&server->bodies, server->settings->limits.bodies_bytes_max);
  atomic_store(&server->message_bytes_max, server->settings->limits.message_bytes_max);
  return status;
}

static int use_shedding(struct stoa_server *server) {
  server->has_shedding = server->settings->shedding.lag_ms > 0;
  return stoa_server_use_configured_shedding(server);
}

static int init(struct stoa_server *server, const struct stoa_server_config *config) {
  stoa_tls_memory_setup();
  stoa_codec_registry_init(&server->codecs);
  int status = stoa_peers_init(&server->peers);
  if (status == STOA_OK) {
    status = stoa_interests_init(&server->interests, &server->formats);
  }
  if (status == STOA_OK) {
    status = apply_config(server, config);
  }
  if (status == STOA_OK || status == STOA_E_ARGUMENT) {
    int opened = open_all(server);
    status = status == STOA_OK ? opened : status;
  }
  if (status == STOA_OK) {
    status = use_shedding(server);
  }
  if (status == STOA_OK) {
    server->ended_fd = stoa_sys.eventfd(0, EFD_CLOEXEC);
    status = server->ended_fd < 0 ? STOA_E_SYSTEM : STOA_OK;
  }
  return status;
}

/* Zeroed but for what stoa_server_destroy() looks at. NULL when memory is out. */
static struct stoa_server *begin_server(const struct stoa_clock *clock) {
  struct stoa_server *server = stoa_calloc(1, sizeof *server);
  if (server == NULL) {
    return NULL;
  }
  server->clock = clock == NULL ? &stoa_clock_system : clock;
  server->files.root_fd = -1;
  server->ended_fd = -1;
  pthread_mutex_init(&server->settings_mutex, NULL);
  pthread_mutex_init(&server->reload_mutex, NULL);
  pthread_mutex_init(&server->admin.config_mutex, NULL);
  stoa_handler_table_init(&server->handlers, sizeof(struct stoa_handler), HANDLERS_MAX, STOA_TYPE_MAX);
  return server;
}

int stoa_server_check(const struct stoa_server_config *config) {
  struct stoa_server *server = begin_server(NULL);
  if (server == NULL) {
    return STOA_E_MEMORY;
  }
  int status = init(server, config);
  if (status != STOA_E_MEMORY) {
    int found = stoa_listeners_check(server);
    status = status == STOA_OK ? found : status;
  }
  stoa_server_destroy(server);
  return status;
}

int stoa_server_make(const struct stoa_server_config *config, const struct stoa_clock *clock,
                     struct stoa_server **out_server) {
  struct stoa_server *server = begin_server(clock);
  if (server == NULL) {
    return STOA_E_MEMORY;
  }
  int status = init(server, config);
  if (status != STOA_OK) {
    stoa_server_destroy(server);
    return status;
  }
  *out_server = server;
  return STOA_OK;
}

int stoa_server_create(const struct stoa_server_config *config, struct stoa_server **out_server) {
  return stoa_server_make(config, NULL, out_server);
}

static void close_if_open(int fd) {
  if (fd >= 0) {
    stoa_sys.close(fd);
  }
}

void stoa_server_end(struct stoa_server *server) {
  stoa_server_abort(server);
  stoa_server_wait(server);
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    if (server->workers[i].server != NULL) {
      stoa_worker_end_sessions(&server->workers[i]);
    }
  }
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    if (server->workers[i].server != NULL) {
      stoa_work_end(&server->workers[i]);
    }
  }
  /* Not earlier: now no worker can post to another any more. */
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    if (server->workers[i].server != NULL) {
      stoa_worker_fini(&server->workers[i]);
    }
  }
  stoa_free(server->workers);
  server->workers = NULL;
  server->started = false;
}

/* Workers must not wait for the reader of the log. */
static void start_log(struct stoa_server *server) {
  int status = stoa_log_writer_start();
  server->has_log = true;
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "the log thread could not be started; workers write the log themselves, without waiting",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
}

static void stop_log(struct stoa_server *server) {
  if (server->has_log) {
    server->has_log = false;
    stoa_log_writer_stop();
  }
}

/* The metrics count what is sent now, so they go later. */
static void stop_tracing(struct stoa_server *server) {
  uint32_t wait_ms = server->settings == NULL ? 0 : server->settings->tracing.timeout_ms;
  if (server->tracer != NULL) {
    stoa_tracer_stop(server->tracer, !server->has_tracer_thread  ? 0
                                     : wait_ms < STOP_TRACING_MS ? wait_ms
                                                                 : STOP_TRACING_MS);
    stoa_tracer_unref(server->tracer);
  }
}

void stoa_server_destroy(struct stoa_server *server) {
  if (server == NULL) {
    return;
  }
  stoa_server_end(server);
  stop_tracing(server);
  stop_log(server);
  stoa_settings_unref(server->settings);
  pthread_mutex_destroy(&server->settings_mutex);
  pthread_mutex_destroy(&server->reload_mutex);
  stoa_files_fini(&server->files);
  stoa_address_rates_destroy(server->http_rates);
  stoa_routes_fini(&server->routes);
  stoa_admin_fini(server);
  close_if_open(server->ended_fd);
  stoa_peers_fini(&server->peers);
  stoa_interests_fini(&server->interests);
  stoa_server_set_user(server, NULL, NULL); /* destroys the previous pointer */
  stoa_chains_fini(server);
  stoa_kept_names_fini(&server->kept_names);
  stoa_server_metrics_fini(&server->metrics);
  stoa_handler_table_fini(&server->handlers);
  stoa_handler_routes_fini(&server->handler_routes);
  stoa_arena_destroy(server->config_arena);
  stoa_free(server);
}

/* Registering. */

void stoa_server_set_callbacks(struct stoa_server *server, const struct stoa_callbacks *callbacks) {
  assert(!server->started);
  server->callbacks = *callbacks;
}

void stoa_server_set_log(struct stoa_server *server, const struct stoa_log_config *config) {
  assert(!server->started);
  stoa_settings_set_log(server->settings, config);
}

int stoa_server_add_codec(struct stoa_server *server, const struct stoa_codec *codec) {
  assert(!server->started);
  return stoa_codec_registry_add(&server->codecs, codec);
}

int stoa_server_allow_anonymous(struct stoa_server *server, uint32_t type) {
  assert(!server->started);
  return stoa_auth_allow_anonymous(&server->anonymous, type);
}

int stoa_server_set_ping_message(struct stoa_server *server, uint32_t type,
                                 const struct stoa_message_type *message_type) {
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  server->ping_type = type;
  server->ping_message = message_type;
  return STOA_OK;
}

/* Starting. */

static int init_workers(struct stoa_server *server) {
  server->workers = stoa_calloc(server->worker_count, sizeof *server->workers);
  if (server->workers == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < server->worker_count; i++) {
    int status = stoa_worker_init(&server->workers[i], server, i);
    if (status != STOA_OK) {
      return status;
    }
  }
  return STOA_OK;
}

static int choose_formats(struct stoa_server *server) {
  const struct stoa_server_config *config = &server->config;
  enum stoa_typed_order order =
      config->byte_order == STOA_BYTE_ORDER_LITTLE ? STOA_TYPED_LITTLE_ENDIAN : STOA_TYPED_BIG_ENDIAN;
  int status = stoa_formats_init(&server->formats, &server->codecs, config->codec,
                                 config->payload_type == STOA_PAYLOAD_TYPE_TEXT, order);
  if (status == STOA_E_NOT_FOUND) {
    stoa_log(STOA_LOG_ERROR, "no codec has this name; json and proto are built in",
             STOA_F_TEXT("server.codec", config->codec));
  } else if (status == STOA_OK && config->http_fallback) {
    stoa_formats_add_events(&server->formats);
  } else if (status == STOA_E_ARGUMENT) {
    stoa_log(STOA_LOG_ERROR, "payload_type: text requires a codec that writes text",
             STOA_F_TEXT("server.codec", config->codec));
  }
  return status;
}

/* Must come before the workers, which create their rings by it. */
static int choose_sends(struct stoa_server *server) {
  int32_t wanted = server->config.io_uring;
  server->use_io_uring = wanted != STOA_IO_URING_OFF && stoa_send_ring_probe() == STOA_OK;
  const char *reason = server->use_io_uring || wanted == STOA_IO_URING_OFF ? "configuration" : strerror(errno);
  if (wanted == STOA_IO_URING_ON && !server->use_io_uring) {
    stoa_log(STOA_LOG_ERROR, "io_uring is not available; set server.io_uring to auto or off",
             STOA_F_STR("reason", reason));
    return STOA_E_UNSUPPORTED;
  }
  if (server->use_io_uring) {
    stoa_log(STOA_LOG_INFO, "sending", STOA_F_STR("through", "io_uring"));
  } else {
    stoa_log(STOA_LOG_INFO, "sending", STOA_F_STR("through", "send"), STOA_F_STR("reason", reason));
  }
  return STOA_OK;
}

/* Kept by a start that fails, for the next one. */
static int choose_rates(struct stoa_server *server) {
  bool is_needed = server->handler_routes.count > 0; /* a reload may set a rate */
  return is_needed && server->http_rates == NULL ? stoa_address_rates_create(&server->http_rates) : STOA_OK;
}

static int bring_up(struct stoa_server *server) {
  int status = choose_formats(server);
  if (status == STOA_OK) {
    status = choose_rates(server);
  }
  if (status == STOA_OK) {
    status = stoa_chains_build(server);
  }
  if (status == STOA_OK) {
    status = choose_sends(server);
  }
  if (status == STOA_OK) {
    status = stoa_server_metrics_init(server, 0);
  }
  if (status == STOA_OK) {
    status = init_workers(server);
  }
  return status == STOA_OK ? stoa_listeners_open(server) : status;
}

void stoa_server_use_clock(struct stoa_server *server, const struct stoa_clock *clock) {
  assert(!server->started && server->workers == NULL);
  server->clock = clock;
}

int stoa_server_bind(struct stoa_server *server) {
  assert(!server->started);
  /* A log whose reader has exited must not end the program. */
  signal(SIGPIPE, SIG_IGN);
  stoa_listeners_raise_limit();
  int status = bring_up(server);
  if (status != STOA_OK) {
    stoa_server_end(server);
    return status;
  }
  server->started = true; /* from now on sending is allowed: posts wait for the first turn */
  return STOA_OK;
}

int stoa_server_bind_and_drop(struct stoa_server *server) {
  int status = stoa_server_bind(server);
  if (status == STOA_OK) {
    status = stoa_run_as_apply(&server, 1);
    if (status != STOA_OK) {
      stoa_server_end(server);
    }
  }
  return status;
}

static int begin(struct stoa_server *server, int (*start)(struct stoa_worker *worker)) {
  int status = STOA_OK;
  assert(server->started);
  for (uint32_t i = 0; i < server->worker_count && status == STOA_OK; i++) {
    status = stoa_work_begin(&server->workers[i]);
  }
  for (uint32_t i = 0; i < server->worker_count && status == STOA_OK; i++) {
    status = start(&server->workers[i]);
  }
  if (status != STOA_OK) {
    stoa_server_end(server);
  }
  return status;
}

static void start_tracing(struct stoa_server *server) {
  if (server->tracer == NULL) {
    return;
  }
  assert(!server->has_tracer_thread);
  int status = stoa_tracer_start(server->tracer);
  server->has_tracer_thread = status == STOA_OK;
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "the thread that sends spans could not be started; they are lost",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
}

int stoa_server_begin_threads(struct stoa_server *server) {
  int status = begin(server, stoa_worker_start_thread);
  if (status == STOA_OK) {
    start_tracing(server); /* not earlier: a start that failed begins its metrics again */
  }
  return status;
}

int stoa_server_begin_stepped(struct stoa_server *server) {
  return begin(server, stoa_worker_start_stepped);
}

int stoa_server_start(struct stoa_server *server) {
  int status = stoa_server_bind_and_drop(server);
  if (status == STOA_OK) {
    start_log(server); /* not earlier: its thread would keep what run_as gives up */
    status = stoa_server_begin_threads(server);
  }
  if (status != STOA_OK) {
    stop_log(server);
  }
  return status;
}

const char *stoa_server_address(const struct stoa_server *server, size_t index) {
  return server->started && index < server->listeners.count ? server->listeners.items[index].text : NULL;
}

/* Ending. */

struct stoa_worker *stoa_server_worker(const struct stoa_server *server, uint32_t index) {
  assert(server->workers != NULL);
  assert(index < server->worker_count);
  return &server->workers[index];
}

/* Workers without threads also end together, so take turns of all until all have ended. */
static void turn_until_ended(struct stoa_server *server) {
  bool some_run;
  do {
    some_run = false;
    for (uint32_t i = 0; i < server->worker_count; i++) {
      struct stoa_worker *worker = &server->workers[i];
      if (atomic_load(&worker->life) == STOA_WORKER_STEPPED && stoa_worker_turn(worker, STEPPED_WAIT_MS)) {
        some_run = true;
      }
    }
  } while (some_run);
}

void stoa_server_wait(struct stoa_server *server) {
  if (server->workers == NULL) {
    return;
  }
  turn_until_ended(server);
  for (uint32_t i = 0; i < server->worker_count; i++) {
    stoa_worker_join(&server->workers[i]);
  }
}

size_t stoa_server_session_count(const struct stoa_server *server) {
  return atomic_load(&server->sessions);
}

size_t stoa_server_connection_count(const struct stoa_server *server) {
  return atomic_load(&server->connections);
}

size_t stoa_server_message_bytes_max(const struct stoa_server *server) {
  return atomic_load_explicit(&server->message_bytes_max, memory_order_relaxed);
}

uint32_t stoa_server_ping_interval_ms(const struct stoa_server *server) {
  return server->config.ping_interval_ms;
}

int64_t stoa_server_wall_ms(const struct stoa_server *server) {
  return stoa_clock_wall_us(server->clock) / 1000;
}

/* The first signal drains, the second aborts. SIGHUP does neither: it comes from a closed terminal, or asks to read the
 * configuration again. */
static void take_signal(struct stoa_server *server, int number, bool *draining) {
  if (number == SIGHUP) {
    stoa_log(STOA_LOG_WARN,
             "SIGHUP is ignored: the configuration is read only at the start; restart the server to change it");
    return;
  }
  stoa_log(STOA_LOG_INFO, *draining ? "ending now" : "draining", STOA_F_INT("signal", number),
           STOA_F_INT("sessions", stoa_server_session_count(server)));
  if (*draining) {
    stoa_server_abort(server);
  } else {
    stoa_server_drain(server);
  }
  *draining = true;
}

static void serve_signals(struct stoa_server *server, const struct stoa_signals *signals) {
  bool draining = false;
  struct pollfd fds[2] = {{signals->fd, POLLIN, 0}, {server->ended_fd, POLLIN, 0}};
  for (;;) {
    if (stoa_sys.poll(fds, 2, -1) < 0) {
      if (errno != EINTR) {
        return;
      }
      continue; /* revents are from the previous call */
    }
    if ((fds[1].revents & POLLIN) != 0) {
      return;
    }
    int number = (fds[0].revents & POLLIN) != 0 ? stoa_signals_read(signals) : 0;
    if (number != 0) {
      take_signal(server, number, &draining);
    }
  }
}

int stoa_server_run(struct stoa_server *server) {
  /* Blocked before the workers start, so that they inherit it and only the descriptor gets the signals. */
  struct stoa_signals signals;
  if (stoa_signals_open(&signals) != STOA_OK) {
    return STOA_E_SYSTEM;
  }
  int status = stoa_server_start(server);
  if (status == STOA_OK) {
    serve_signals(server, &signals);
    stoa_server_wait(server);
    stoa_log(STOA_LOG_INFO, "ended", STOA_F_INT("sessions", stoa_server_session_count(server)));
  }
  stoa_signals_close(&signals);
  return status;
}
