#include "api.h"

#include "nicks.h"
#include "openapi.h"
#include "text.h"

#include <stoa/http.h>

const struct stoa_error *api_refuse(struct stoa_session *session, const char *message) {
  return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", message);
}

const char *api_room_fault(struct stoa_string room) {
  return chatroom_is_room_name(room) ? NULL : "a room has 1 to 63 bytes without control characters";
}

const char *api_user_fault(struct stoa_string user_id) {
  bool is_good = user_id.len > 0 && user_id.len <= NICKS_USER_ID_BYTES_MAX;
  for (size_t i = 0; is_good && i < user_id.len; i++) {
    is_good = (unsigned char)user_id.data[i] >= 0x20 && user_id.data[i] != 0x7f;
  }
  return is_good ? NULL : "user_id has 1 to 128 bytes without control characters";
}

static void on_openapi(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user, (void)request;
  const struct stoa_http_answer answer = {.status = 200, .content_type = "application/json", .body = openapi_document};
  int ignored = stoa_http_reply(exchange, &answer);
  (void)ignored; /* the client may have gone */
}

int api_setup(struct stoa_server *server, struct chatroom *chatroom) {
  static const struct chatroom_v1_admin_service_handlers handlers = {
      .backup = api_on_backup,
      .ban = api_on_ban,
      .broadcast = api_on_broadcast,
      .delete_room = api_on_delete_room,
      .disconnect = api_on_disconnect,
      .erase_user = api_on_erase_user,
      .info = api_on_info,
      .list_bans = api_on_list_bans,
      .list_connections = api_on_list_connections,
      .list_messages = api_on_list_messages,
      .list_presence = api_on_list_presence,
      .list_rooms = api_on_list_rooms,
      .list_sanctions = api_on_list_sanctions,
      .moderate = api_on_moderate,
      .publish = api_on_publish,
      .search_messages = api_on_search_messages,
      .set_room = api_on_set_room,
      .unban = api_on_unban,
  };
  const struct stoa_route document = {
      .method = "GET", .path = "/v1/openapi.json", .roles = STOA_ROUTE_ADMIN, .handler = on_openapi};
  int status = chatroom_v1_admin_service_register(server, &handlers, chatroom);
  return status == STOA_OK ? stoa_server_add_route(server, &document) : status;
}
