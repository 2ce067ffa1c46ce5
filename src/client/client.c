#include "client/client_private.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "codec/bound.h"
#include "net/tls_client.h"

#include <assert.h>
#include <stoa/log.h>

/* Its buckets are a tenth of it. */
#define BREAKER_WINDOW_MS_LOWEST 10u

static void on_turn_end(void *context) {
  stoa_client_flush(context);
}

static int init_tls(struct stoa_client *client, const struct stoa_client_options *options) {
  if (!client->settings.url.tls) {
    return STOA_OK;
  }
  stoa_tls_memory_setup();
  const struct stoa_tls_client_settings settings = {
      .host = options->server_name != NULL ? options->server_name : client->settings.host,
      .ca_file = options->ca_file,
      .insecure = options->insecure,
      .certificate = options->certificate_file,
      .key = options->key_file,
  };
  return stoa_tls_client_context_create(&settings, &client->tls);
}

static void init_offer(struct stoa_client *client) {
  const struct stoa_client_settings *settings = &client->settings;
  client->offer.authority = settings->url.authority;
  client->offer.target = settings->url.target;
  client->offer.protocol = settings->protocol[0] != '\0' ? settings->protocol : NULL;
  client->offer.deflate = settings->compression;
  client->offer.more_fields = &settings->fields;
}

static int init(struct stoa_client *client, const struct stoa_client_options *options, const struct stoa_clock *clock) {
  int status = stoa_client_settings_init(&client->settings, options);
  if (status != STOA_OK) {
    return status;
  }
  size_t message_bytes_max = client->settings.received_message_bytes_max;
  init_offer(client);
  stoa_buffer_init(&client->message, message_bytes_max);
  stoa_buffer_init(&client->text_scratch, message_bytes_max);
  client->arena = stoa_arena_create(stoa_codec_arena_bytes_max(message_bytes_max));
  if (client->arena == NULL) {
    return STOA_E_MEMORY;
  }
  status = init_tls(client, options);
  if (status == STOA_OK) {
    status = stoa_loop_create(clock, &client->loop);
  }
  if (status == STOA_OK) {
    stoa_loop_on_turn_end(client->loop, on_turn_end, client);
  }
  return status;
}

int stoa_client_create_with(const struct stoa_client_options *options, const struct stoa_client_callbacks *callbacks,
                            const struct stoa_clock *clock, struct stoa_client **out_client) {
  struct stoa_client *client = stoa_calloc(1, sizeof *client);
  if (client == NULL) {
    return STOA_E_MEMORY;
  }
  client->resolver = &stoa_resolver_system;
  client->dial.fd = -1;
  client->conn.io.fd = -1;
  stoa_handler_table_init(&client->handlers, sizeof(struct stoa_client_handler), STOA_CLIENT_HANDLERS_MAX,
                          STOA_TYPE_MAX);
  atomic_flag_clear(&client->opened);
  atomic_flag_clear(&client->close_asked);
  if (callbacks != NULL) {
    client->callbacks = *callbacks;
  }
  int status = init(client, options, clock);
  if (status != STOA_OK) {
    stoa_client_destroy(client);
    return status;
  }
  *out_client = client;
  return STOA_OK;
}

void stoa_client_set_resolver(struct stoa_client *client, struct stoa_resolver *resolver) {
  assert(client->phase == STOA_PHASE_IDLE);
  client->resolver = resolver;
}

int stoa_client_create(const struct stoa_client_options *options, const struct stoa_client_callbacks *callbacks,
                       struct stoa_client **out_client) {
  return stoa_client_create_with(options, callbacks, &stoa_clock_system, out_client);
}

static void end_thread(struct stoa_client *client) {
  if (client->has_thread) {
    assert(!pthread_equal(client->thread, pthread_self()));
    stoa_loop_stop(client->loop);
    pthread_join(client->thread, NULL);
  }
}

void stoa_client_destroy(struct stoa_client *client) {
  if (client == NULL) {
    return;
  }
  assert(!client->in_turn);
  end_thread(client);
  client->destroying = true;
  if (client->loop != NULL) {
    stoa_client_release_connection(client);
    stoa_client_forget_lookup(client);
    stoa_client_calls_lose(client);
    stoa_loop_destroy(client->loop);
  }
  stoa_tls_context_unref(client->tls);
  stoa_arena_destroy(client->arena);
  stoa_buffer_fini(&client->text_scratch);
  stoa_buffer_fini(&client->message);
  stoa_client_settings_fini(&client->settings);
  stoa_handler_table_fini(&client->handlers);
  stoa_breaker_destroy(client->breaker);
  stoa_free(client);
}

int stoa_client_use_breaker(struct stoa_client *client, const struct stoa_client_breaker_options *options) {
  assert(client->phase == STOA_PHASE_IDLE);
  if (client->breaker != NULL) {
    return STOA_E_EXISTS;
  }
  if (options != NULL && options->window_ms > 0 && options->window_ms < BREAKER_WINDOW_MS_LOWEST) {
    return STOA_E_ARGUMENT;
  }
  return stoa_breaker_create(options, stoa_loop_clock(client->loop), &client->breaker);
}

uint64_t stoa_client_refused_count(const struct stoa_client *client) {
  return client->breaker == NULL ? 0 : stoa_breaker_refused(client->breaker);
}

static void run_open(struct stoa_post *post) {
  struct stoa_client *client = stoa_container_of(post, struct stoa_client, open_post);
  /* The client may have been closed before it was opened. */
  if (client->phase == STOA_PHASE_IDLE && !client->destroying) {
    stoa_client_dial(client);
  }
}

int stoa_client_open(struct stoa_client *client) {
  if (atomic_flag_test_and_set(&client->opened)) {
    return STOA_E_EXISTS;
  }
  client->open_post.run = run_open;
  stoa_loop_post(client->loop, &client->open_post);
  return STOA_OK;
}

static void run_close(struct stoa_post *post) {
  struct stoa_client *client = stoa_container_of(post, struct stoa_client, close_post);
  if (client->destroying) {
    return;
  }
  client->ending = true;
  switch (client->phase) {
    case STOA_PHASE_OPEN:
      stoa_client_send_close(client, client->asked_code, client->asked_reason);
      return;
    case STOA_PHASE_IDLE:
    case STOA_PHASE_RESOLVING:
    case STOA_PHASE_DIALING:
    case STOA_PHASE_UPGRADING:
    case STOA_PHASE_WAITING:
      stoa_client_drop(client, &(struct stoa_connection_end){.reason = client->asked_reason});
      return;
    case STOA_PHASE_CLOSING:
    case STOA_PHASE_ENDED:
      return;
  }
}

/* The codes of RFC 6455 7.4.1 except 1000 are about the protocol, the server or the network, not about the program. */
static bool may_be_asked(uint16_t code) {
  return code == STOA_WS_CLOSE_NORMAL || (code >= 3000 && code <= 4999);
}

/* RFC 6455 5.5.1: a reason is UTF-8. A server would answer another one with 1007. */
static const char *usable_reason(const char *reason) {
  return reason != NULL && stoa_utf8_valid((const uint8_t *)reason, strlen(reason)) ? reason : "";
}

void stoa_client_close(struct stoa_client *client, uint16_t code, const char *reason) {
  if (atomic_flag_test_and_set(&client->close_asked)) {
    return;
  }
  uint8_t frame[2 + STOA_WS_CONTROL_LEN_MAX];
  client->asked_code = may_be_asked(code) ? code : STOA_WS_CLOSE_NORMAL;
  /* Writing the frame cuts the reason between two characters; the length is read back from it. */
  size_t len = stoa_ws_close_write(frame, client->asked_code, usable_reason(reason)) - 4;
  memcpy(client->asked_reason, frame + 4, len);
  client->asked_reason[len] = '\0';
  client->close_post.run = run_close;
  stoa_loop_post(client->loop, &client->close_post);
}

void stoa_client_step(struct stoa_client *client, int wait_ms) {
  assert(!client->has_thread);
  assert(!client->in_turn);
  client->in_turn = true;
  stoa_loop_turn(client->loop, wait_ms);
  client->in_turn = false;
}

int stoa_client_fd(const struct stoa_client *client) {
  return stoa_loop_fd(client->loop);
}

int stoa_client_wait_ms(const struct stoa_client *client) {
  return stoa_loop_wait_ms(client->loop);
}

static void *run_thread(void *argument) {
  struct stoa_client *client = argument;
  stoa_loop_run(client->loop);
  return NULL;
}

int stoa_client_start_thread(struct stoa_client *client) {
  if (client->has_thread) {
    return STOA_E_EXISTS;
  }
  int status = stoa_thread_start(run_thread, client, &client->thread);
  client->has_thread = status == STOA_OK;
  return status;
}

enum stoa_client_state stoa_client_state(const struct stoa_client *client) {
  return (enum stoa_client_state)atomic_load_explicit(&client->state, memory_order_acquire);
}
