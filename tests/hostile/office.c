/* A server with everything that takes a secret: tokens of sessions, a key of its admin listener, routes with bodies.
 *
 * Public: the chat of the bystander, Hello with a token, POST /rooms:find. Admin: GET and DELETE /rooms, POST
 * /rooms:find.
 */
#include "office.stoa.h"

#include <stdatomic.h>
#include <stoa/app.h>
#include <stoa/auth.h>
#include <stoa/http.h>

static atomic_uint removed;

static const struct stoa_error *on_chat(void *user, struct stoa_session *session,
                                        const struct office_v1_chat_message *message) {
  (void)user;
  int status = office_v1_chat_broadcast(stoa_session_server(session), message);
  return status == STOA_OK ? NULL : stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "not sent");
}

static const struct stoa_error *on_hello(void *user, struct stoa_session *session,
                                         const struct office_v1_hello_request *request,
                                         struct office_v1_hello_reply *reply) {
  const struct stoa_error *error = stoa_session_authenticate(session, request->token);
  (void)user;
  reply->subject = stoa_session_subject(session);
  return error;
}

static void reply_text(struct stoa_http_exchange *exchange, struct stoa_bytes body) {
  const struct stoa_http_answer answer = {.status = 200, .content_type = "text/plain", .body = body};
  int ignored = stoa_http_reply(exchange, &answer);
  (void)ignored;
}

static void on_find(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct office_v1_find_request *wanted = request->message;
  const struct office_v1_find_reply reply = {
      .id = wanted->id, .limit = wanted->limit == 0 ? 100 : wanted->limit, .removed = atomic_load(&removed)};
  (void)user;
  int ignored = stoa_http_reply_message(exchange, 200, &office_v1_find_reply_type, &reply);
  (void)ignored;
}

static void on_list(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user, (void)request;
  reply_text(exchange, stoa_bytes_make(atomic_load(&removed) == 0 ? "kept" : "gone", 4));
}

static void on_remove(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user, (void)request;
  atomic_fetch_add(&removed, 1);
  reply_text(exchange, stoa_bytes_make("removed", 7));
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct office_v1_office_handlers handlers = {.hello = on_hello, .chat = on_chat};
  const struct stoa_route routes[] = {
      {.method = "POST",
       .path = "/rooms:find",
       .handler = on_find,
       .message = &office_v1_find_request_type,
       .roles = STOA_ROUTE_PUBLIC | STOA_ROUTE_ADMIN,
       .body_bytes_max = 65536},
      {.method = "GET", .path = "/rooms", .handler = on_list, .roles = STOA_ROUTE_ADMIN},
      {.method = "DELETE", .path = "/rooms", .handler = on_remove, .roles = STOA_ROUTE_ADMIN},
  };
  (void)config;
  int status = office_v1_office_register(server, &handlers, user);
  status = status == STOA_OK ? stoa_server_allow_anonymous(server, OFFICE_V1_MESSAGE_TYPE_HELLO) : status;
  for (size_t i = 0; i < sizeof routes / sizeof routes[0] && status == STOA_OK; i++) {
    status = stoa_server_add_route(server, &routes[i]);
  }
  return status;
}

int main(int argc, char **argv) {
  const struct stoa_app app = {.name = "office", .about = "Takes secrets, for tests.", .setup = setup};
  return stoa_app_run(&app, argc, argv);
}
