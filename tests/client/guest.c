#include "guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <poll.h>
#include <time.h>

#define DEADLINE_S 60

static void copy(char *out, size_t size, struct stoa_string text) {
  snprintf(out, size, "%.*s", (int)text.len, text.data);
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct guest *guest = user;
  (void)client;
  atomic_store(&guest->status, (unsigned)change->status);
  atomic_store(&guest->close_code, change->close_code);
  atomic_store(&guest->retry_ms, change->retry_ms);
  atomic_store(&guest->state, (unsigned)change->state);
}

static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct guest *guest = user;
  (void)client;
  (void)type;
  atomic_store(&guest->error_code, error->code);
  atomic_fetch_add(&guest->errors, 1);
}

static void on_line(void *user, struct stoa_client *client, const struct talk_v1_line_message *line) {
  struct guest *guest = user;
  (void)client;
  copy(guest->line_text, sizeof guest->line_text, line->text);
  if (guest->on_line != NULL) {
    guest->on_line(guest, line);
  }
  atomic_fetch_add(&guest->lines, 1);
}

static void on_answer(void *user, struct stoa_client *client, const struct talk_v1_ask_reply *reply,
                      const struct stoa_call_end *end) {
  struct guest *guest = user;
  (void)client;
  if (end->result == STOA_CALL_REPLY) {
    copy(guest->answer, sizeof guest->answer, reply->answer);
    atomic_fetch_add(&guest->answers, 1);
  } else if (end->result == STOA_CALL_ERROR) {
    atomic_store(&guest->error_code, end->error->code);
    atomic_fetch_add(&guest->errors, 1);
  } else if (end->result == STOA_CALL_LOST) {
    atomic_fetch_add(&guest->lost, 1);
  }
}

int guest_try(struct guest *guest, const struct stoa_client_options *options) {
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .on_error = on_error, .user = guest};
  const struct talk_v1_talk_client_handlers handlers = {.line = on_line};
  int status = stoa_client_create(options, &callbacks, &guest->client);
  if (status == STOA_OK) {
    status = talk_v1_talk_client_register(guest->client, &handlers, guest);
  }
  return status == STOA_OK ? stoa_client_open(guest->client) : status;
}

void guest_enter(struct guest *guest, const struct stoa_client_options *options, bool own_thread) {
  assert_int_equal(guest_try(guest, options), STOA_OK);
  guest->has_thread = own_thread;
  if (own_thread) {
    assert_int_equal(stoa_client_start_thread(guest->client), STOA_OK);
    assert_int_equal(stoa_client_start_thread(guest->client), STOA_E_EXISTS);
  }
  guest_await_state(guest, STOA_CLIENT_OPEN);
}

void guest_leave(struct guest *guest) {
  stoa_client_destroy(guest->client);
  guest->client = NULL;
}

/* A turn, the way a program with a poll loop of its own takes it. */
static void turn(struct guest *guest, time_t until) {
  assert_true(time(NULL) <= until);
  if (guest->has_thread) {
    poll(NULL, 0, 1);
    return;
  }
  struct pollfd fd = {stoa_client_fd(guest->client), POLLIN, 0};
  int wait_ms = stoa_client_wait_ms(guest->client);
  poll(&fd, 1, wait_ms < 0 || wait_ms > 1000 ? 1000 : wait_ms);
  stoa_client_step(guest->client, 0);
}

void guest_await(struct guest *guest, const atomic_uint *count, unsigned value) {
  time_t until = time(NULL) + DEADLINE_S;
  while (atomic_load(count) < value) {
    turn(guest, until);
  }
}

void guest_await_state(struct guest *guest, enum stoa_client_state state) {
  time_t until = time(NULL) + DEADLINE_S;
  while (atomic_load(&guest->state) != (unsigned)state) {
    turn(guest, until);
  }
}

int guest_say(struct guest *guest, const char *from, uint32_t number, const char *text) {
  const struct talk_v1_line_message line = {
      .from = stoa_string_of(from), .number = number, .text = stoa_string_of(text)};
  return talk_v1_client_send_line(guest->client, &line);
}

int guest_ask(struct guest *guest, const char *question) {
  const struct talk_v1_ask_request request = {.question = stoa_string_of(question)};
  return talk_v1_talk_client_call_ask(guest->client, &request, 0, on_answer, guest, NULL);
}
