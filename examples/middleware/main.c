/* Middlewares around handlers: a rate for logins, authentication that takes some time, a check of messages, errors
 * without details, and one of the program's own. */
#include "diary.stoa.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/app.h>
#include <stoa/error.stoa.h>
#include <stoa/middleware.h>
#include <stoa/worker.h>

#define LOGIN "/diary.v1.DiaryService/Login"
#define DECISION_MS 10

/* What is known about a session. */
struct writer {
  uint32_t entries;
};

static const struct stoa_error memory = {.code = STOA_ERROR_INTERNAL, .reason = STOA_STR("MEMORY")};

/* The handlers know nothing of logins: those of Write and Count run for writers only. */

static const struct stoa_error *on_login(void *user, struct stoa_session *session,
                                         const struct diary_v1_login_request *request,
                                         struct diary_v1_login_reply *reply) {
  (void)user;
  (void)reply;
  if (!stoa_string_equal(request->password, stoa_string_of("sesame"))) {
    return stoa_session_error(session, 1403, "WRONG_PASSWORD", NULL);
  }
  struct writer *writer = calloc(1, sizeof *writer);
  if (writer == NULL) {
    return &memory;
  }
  stoa_session_set_user(session, writer);
  return NULL;
}

static const struct stoa_error *on_write(void *user, struct stoa_session *session,
                                         const struct diary_v1_write_request *request,
                                         struct diary_v1_write_reply *reply) {
  struct writer *writer = stoa_session_user(session);
  (void)user;
  (void)request;
  (void)reply;
  writer->entries++;
  return NULL;
}

static const struct stoa_error *on_count(void *user, struct stoa_session *session,
                                         const struct diary_v1_count_request *request,
                                         struct diary_v1_count_reply *reply) {
  const struct writer *writer = stoa_session_user(session);
  const atomic_ullong *handled = user;
  (void)request;
  reply->entries = writer->entries;
  reply->succeeded = atomic_load(handled);
  return NULL;
}

/* Authentication that does not know at once: here a timer stands for the look-up that another service would make. The
 * session's next messages wait until it has decided. */
struct decision {
  struct stoa_worker_timer timer; /* first */
  struct stoa_wait *wait;
  bool is_writer;
};

static void decide(struct stoa_worker_timer *timer, int status) {
  static const struct stoa_error login_first = {
      .code = 1401, .reason = STOA_STR("LOGIN_FIRST"), .message = STOA_STR("log in first")};
  struct decision *decision = (struct decision *)timer;
  (void)status; /* when the server ends, nobody waits any more */
  (void)stoa_invocation_resume(decision->wait, decision->is_writer ? NULL : &login_first);
  free(decision);
}

static const struct stoa_error *check(void *context, struct stoa_invocation *invocation) {
  struct stoa_session *session = stoa_invocation_session(invocation);
  struct decision *decision = calloc(1, sizeof *decision);
  (void)context;
  if (decision == NULL || stoa_invocation_wait(invocation, &decision->wait) != STOA_OK) {
    free(decision);
    return &memory;
  }
  decision->timer.on_due = decide;
  decision->is_writer = stoa_session_user(session) != NULL;
  int status = stoa_worker_timer_start(stoa_session_server(session), &decision->timer, DECISION_MS);
  if (status != STOA_OK) {
    decide(&decision->timer, status);
  }
  return STOA_LATER;
}

/* Beyond the rules that a .proto file can express: no entry may be shouted. */
static bool is_calm(void *context, const void *message, char *out_text, size_t size) {
  const struct diary_v1_write_request *request = message;
  (void)context;
  bool is_loud = request->text.len > 0 && request->text.data[request->text.len - 1] == '!';
  if (is_loud) {
    snprintf(out_text, size, "text: must not end with an exclamation mark");
  }
  return !is_loud;
}

/* One of the program's own: counts the calls that succeeded. */
static void count_success(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  atomic_ullong *handled = user;
  (void)invocation;
  if (error == NULL) {
    atomic_fetch_add(handled, 1);
  }
}

static atomic_ullong handled;

static int use_middlewares(struct stoa_server *server) {
  static const char *const open[] = {LOGIN};
  const struct stoa_selector logins = {.operations = open, .operation_count = 1};
  const struct stoa_middleware counting = {.name = "count", .after = count_success, .user = &handled};
  const struct stoa_rate_limit_options rate = {.session_per_s = 1, .session_burst = 3};
  const struct stoa_authentication_options authentication = {.check = check, .open = open, .open_count = 1};
  const struct stoa_validation_options validation = {.type = &diary_v1_write_request_type, .validate = is_calm};
  int status = stoa_server_use(server, NULL, &counting);
  if (status == STOA_OK) {
    status = stoa_server_use_recovery(server, NULL, NULL);
  }
  if (status == STOA_OK) {
    status = stoa_server_use_rate_limit(server, &logins, &rate);
  }
  if (status == STOA_OK) {
    status = stoa_server_use_authentication(server, NULL, &authentication);
  }
  if (status == STOA_OK) {
    status = stoa_server_use_validation(server, NULL, &validation);
  }
  return status;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct diary_v1_diary_service_handlers handlers = {
      .login = on_login, .write = on_write, .count = on_count};
  static const struct stoa_callbacks callbacks = {.destroy_session_user = free};
  (void)config;
  (void)user;
  stoa_server_set_callbacks(server, &callbacks);
  int status = diary_v1_diary_service_register(server, &handlers, &handled);
  return status == STOA_OK ? use_middlewares(server) : status;
}

int main(int argc, char **argv) {
  return stoa_app_run(&(struct stoa_app){.name = "diary", .setup = setup}, argc, argv);
}
