#include "fallback_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct stoa_string program_text(unsigned number, char out_text[512]) {
  size_t len = (size_t)number * 53 % 500;
  for (size_t i = 0; i < len; i++) {
    out_text[i] = (char)('a' + (number * 7 + i) % 26);
  }
  return stoa_string_make(out_text, len);
}

struct record *program_find(struct world *world, const char *id) {
  for (unsigned i = 0; i < world->record_count; i++) {
    if (strncmp(world->records[i].id, id, STOA_UUID_TEXT_LEN) == 0) {
      return &world->records[i];
    }
  }
  return NULL;
}

bool program_has_sessions(const struct world *world) {
  bool found = false;
  for (unsigned i = 0; i < world->record_count; i++) {
    found |= world->records[i].is_open;
  }
  return found;
}

/* Pauses: a post of a paused session waits. */

static void on_resume(struct stoa_worker_timer *timer, int status) {
  struct record *record = timer->context;
  record->is_paused = false;
  if (status == STOA_OK && record->is_open) {
    stoa_session_resume(record->session);
  }
}

static void pause(struct record *record) {
  struct world *world = record->world;
  record->is_paused = true;
  record->resume.on_due = on_resume;
  record->resume.context = record;
  world->counts->pauses++;
  stoa_session_pause(record->session);
  int status = stoa_worker_timer_start(world->server, &record->resume, below(world, 1500));
  assert(status == STOA_OK);
}

/* Messages. */

static void echo(struct record *record) {
  char text[512];
  const struct sample_v1_line_message line = {
      .from = STOA_STR("echo"), .number = record->pushed + 1, .text = program_text(record->pushed + 1, text)};
  if (record->is_open && sample_v1_line_push(record->session, &line) == STOA_OK) {
    record->pushed++;
  }
}

static const struct stoa_error *on_line(void *user, struct stoa_session *session,
                                        const struct sample_v1_line_message *line) {
  struct world *world = user;
  struct record *record = stoa_session_user(session);
  char text[512];
  world->counts->messages++;
  trace_line(world->trace, "w%u gets %u of %s", stoa_worker_index(world->server), line->number, record->id);
  if (line->number != record->received + 1) {
    trace_fail(world->trace, "the program gets message %u after %u", line->number, record->received);
  }
  if (!stoa_string_equal(line->text, program_text(line->number, text))) {
    trace_fail(world->trace, "the program gets another text of message %u", line->number);
  }
  record->received = line->number;
  echo(record);
  if (one_in(world, 4)) {
    echo(record);
  }
  if (!record->is_paused && record->is_open && one_in(world, 12)) {
    pause(record);
  }
  if (record->is_open && !world->is_calm && one_in(world, 150)) {
    stoa_session_close(session, 4999, "enough");
  }
  return NULL;
}

void program_broadcasts(struct world *world) {
  char text[512];
  const struct sample_v1_line_message line = {
      .from = STOA_STR("all"), .number = world->broadcasts + 1, .text = program_text(world->broadcasts + 1, text)};
  if (sample_v1_line_broadcast(world->server, &line) == STOA_OK) {
    world->broadcasts++;
  }
}

/* Sessions. */

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  struct world *world = user;
  (void)request, (void)out_refusal;
  assert(world->record_count < RECORDS_MAX);
  struct record *record = &world->records[world->record_count++];
  *record = (struct record){.world = world, .session = session, .is_open = true};
  stoa_uuid_format(stoa_session_id(session), record->id);
  stoa_session_set_user(session, record);
  world->counts->sessions++;
  trace_line(world->trace, "w%u session %s", stoa_worker_index(world->server), record->id);
  return STOA_ADMIT;
}

static void on_closing(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  struct world *world = user;
  struct record *record = stoa_session_user(session);
  record->is_open = false;
  record->code = code;
  trace_line(world->trace, "session %s closes with %u %s", record->id, code, reason);
}

/* What a client is told of the drain is a message like any other. */
static void on_draining(void *user, struct stoa_session *session, uint32_t delay_ms) {
  (void)user, (void)delay_ms;
  echo(stoa_session_user(session));
}

void program_open(struct world *world) {
  static const struct stoa_string addresses[] = {STOA_STR("10.0.0.1:7700")};
  struct stoa_limits_config limits = {.call_timeout_ms = 400, .send_queue_bytes_max = 24576};
  const struct stoa_server_config config = {.addresses = {addresses, 1},
                                            .workers = 2,
                                            .io_uring = STOA_IO_URING_OFF,
                                            .http_fallback = true,
                                            .ping_interval_ms = 1000,
                                            .pong_timeout_ms = 1500,
                                            .drain_ms = 5000,
                                            .linger_ms = one_in(world, 3) ? 2 : 0,
                                            .limits = &limits};
  const struct sample_v1_sample_handlers handlers = {.line = on_line};
  const struct stoa_callbacks callbacks = {
      .on_connect = on_connect, .on_closing = on_closing, .on_draining = on_draining, .user = world};
  int status = stoa_server_create(&config, &world->server);
  assert(status == STOA_OK);
  status = sample_v1_sample_register(world->server, &handlers, world);
  assert(status == STOA_OK);
  stoa_server_set_callbacks(world->server, &callbacks);
}
