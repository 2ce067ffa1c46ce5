#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/call.h>
#include <stoa/codec.h>
#include <stoa/error.stoa.h>
#include <stoa/errors.h>
#include <stoa/server.h>

#include "aliases.stoa.h"
#include "calls.stoa.h"
#include "common.stoa.h"
#include "first.stoa.h"
#include "keywords.stoa.h"
#include "kinds.stoa.h"
#include "plain-later.stoa.h"
#include "plain.stoa.h"
#include "routes.stoa.h"
#include "rules.stoa.h"
#include "shapes.stoa.h"
#include "shop.stoa.h"
#include "special.stoa.h"

/* What the generated code asked of the server and the session, both played here. */
struct asked {
  struct stoa_handler handlers[8];
  size_t handler_count;
  size_t fail_at; /* the n-th registration fails; 0: none */
  const char *function;
  const void *target; /* server or session */
  const struct stoa_uuid *session_id;
  const struct stoa_uuid *except;
  struct stoa_string group;
  uint32_t type;
  const struct stoa_message_type *message_type;
  const void *message;
  uint32_t error_code;
  uint32_t http_status;
  const char *reason;
  const char *text;
};

static struct asked asked;
static char server_place;
static char session_place;
#define SERVER ((struct stoa_server *)&server_place)
#define SESSION ((struct stoa_session *)&session_place)

static int forget(void **state) {
  (void)state;
  memset(&asked, 0, sizeof asked);
  return 0;
}

int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler) {
  assert_ptr_equal(server, SERVER);
  if (asked.fail_at == asked.handler_count + 1) {
    return STOA_E_EXISTS;
  }
  asked.handlers[asked.handler_count++] = *handler;
  return STOA_OK;
}

static int note(const char *function, const void *target, uint32_t type, const struct stoa_message_type *message_type,
                const void *message) {
  asked.function = function;
  asked.target = target;
  asked.type = type;
  asked.message_type = message_type;
  asked.message = message;
  return STOA_E_LIMIT;
}

int stoa_server_send(struct stoa_server *server, const struct stoa_uuid *session_id, uint32_t type,
                     const struct stoa_message_type *message_type, const void *message) {
  asked.session_id = session_id;
  return note("send", server, type, message_type, message);
}

int stoa_server_broadcast(struct stoa_server *server, uint32_t type, const struct stoa_message_type *message_type,
                          const void *message) {
  return note("broadcast", server, type, message_type, message);
}

int stoa_server_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                        const struct stoa_message_type *message_type, const void *message) {
  asked.group = group;
  return note("publish", server, type, message_type, message);
}

int stoa_server_broadcast_except(struct stoa_server *server, const struct stoa_uuid *except, uint32_t type,
                                 const struct stoa_message_type *message_type, const void *message) {
  asked.except = except;
  return note("broadcast_except", server, type, message_type, message);
}

int stoa_server_publish_except(struct stoa_server *server, struct stoa_string group, const struct stoa_uuid *except,
                               uint32_t type, const struct stoa_message_type *message_type, const void *message) {
  asked.group = group;
  asked.except = except;
  return note("publish_except", server, type, message_type, message);
}

int stoa_session_send(struct stoa_session *session, uint32_t type, const struct stoa_message_type *message_type,
                      const void *message) {
  return note("push", session, type, message_type, message);
}

int stoa_call_reply(struct stoa_call *call, const struct stoa_message_type *type, const void *reply) {
  return note("reply", call, 0, type, reply);
}

int stoa_call_fail(struct stoa_call *call, const struct stoa_error *error) {
  return note("fail", call, 0, NULL, error);
}

static const struct stoa_error an_error = {.code = 7};
static int user_place;

const struct stoa_error *stoa_session_error(struct stoa_session *session, uint32_t code, const char *reason,
                                            const char *message) {
  assert_ptr_equal(session, SESSION);
  asked.error_code = code;
  asked.reason = reason;
  asked.text = message;
  return &an_error;
}

const struct stoa_error *stoa_error_with_status(struct stoa_session *session, uint32_t code, uint32_t http_status,
                                                const char *reason, const char *message) {
  asked.http_status = http_status;
  return stoa_session_error(session, code, reason, message);
}

const struct stoa_error *stoa_error_format(struct stoa_session *session, uint32_t code, uint32_t http_status,
                                           const char *reason, const char *format, va_list arguments) {
  static char text[STOA_ERROR_MESSAGE_LEN_MAX + 1];
  vsnprintf(text, sizeof text, format, arguments);
  return stoa_error_with_status(session, code, http_status, reason, text);
}

static const struct stoa_error *on_sign_in(void *user, struct stoa_session *session,
                                           const struct calls_sign_in_request *request,
                                           struct calls_sign_in_reply *reply) {
  assert_ptr_equal(user, &user_place);
  assert_ptr_equal(session, SESSION);
  reply->session_id = request->nick;
  return NULL;
}

static const struct stoa_error *on_delete(void *user, struct stoa_session *session,
                                          const struct calls_delete_request *request, struct calls_nothing *reply) {
  (void)user;
  (void)session;
  (void)request;
  (void)reply;
  return &an_error;
}

static const struct stoa_error *on_chat_line(void *user, struct stoa_session *session,
                                             const struct calls_chat_line *message) {
  assert_ptr_equal(user, &user_place);
  assert_ptr_equal(session, SESSION);
  return message->text.len == 0 ? &an_error : NULL;
}

static const struct stoa_error *on_closed(void *user, struct stoa_session *session,
                                          const struct calls_room_closed *message) {
  (void)user;
  (void)session;
  (void)message;
  return NULL;
}

static const struct calls_room_service_handlers some = {
    .sign_in = on_sign_in, .delete_ = on_delete, .chat_line = on_chat_line, .room_closed = on_closed};

static void register_passes_on_each_member_that_is_set(void **state) {
  (void)state;
  assert_int_equal(calls_room_service_register(SERVER, &some, &user_place), STOA_OK);
  static const struct {
    const char *name;
    uint32_t type;
    const struct stoa_message_type *message;
    const struct stoa_message_type *reply;
  } wanted[] = {
      {"SignIn", 3, &calls_sign_in_request_type, &calls_sign_in_reply_type},
      {"Delete", 20, &calls_delete_request_type, &calls_nothing_type},
      {"ChatLine", 4, &calls_chat_line_type, NULL},
      {"Closed", 31, &calls_room_closed_type, NULL},
  };
  assert_int_equal(asked.handler_count, 4);
  for (size_t i = 0; i < 4; i++) {
    assert_string_equal(asked.handlers[i].name, wanted[i].name);
    assert_int_equal(asked.handlers[i].type, wanted[i].type);
    assert_ptr_equal(asked.handlers[i].message, wanted[i].message);
    assert_ptr_equal(asked.handlers[i].reply, wanted[i].reply);
    assert_ptr_equal(asked.handlers[i].user, &user_place);
    assert_non_null(asked.handlers[i].invoke);
    assert_non_null(asked.handlers[i].function);
  }
}

static void register_stops_at_the_first_error(void **state) {
  (void)state;
  asked.fail_at = 2;
  assert_int_equal(calls_room_service_register(SERVER, &some, NULL), STOA_E_EXISTS);
  assert_int_equal(asked.handler_count, 1);
}

static void handlers_without_a_member_register_nothing(void **state) {
  (void)state;
  const struct calls_room_service_handlers none = {0};
  assert_int_equal(calls_room_service_register(SERVER, &none, NULL), STOA_OK);
  assert_int_equal(asked.handler_count, 0);
}

static const struct stoa_error *invoke(size_t index, const void *message, void *reply) {
  const struct stoa_handler *handler = &asked.handlers[index];
  return handler->invoke(handler->function, handler->user, SESSION, message, reply);
}

static void a_call_reaches_its_handler_with_request_and_reply(void **state) {
  (void)state;
  calls_room_service_register(SERVER, &some, &user_place);
  const struct calls_sign_in_request request = {.nick = STOA_STR("ada")};
  struct calls_sign_in_reply reply = {{NULL, 0}};
  assert_null(invoke(0, &request, &reply));
  assert_true(stoa_string_equal(reply.session_id, request.nick));
  assert_ptr_equal(invoke(1, &request, &reply), &an_error);
}

static void a_message_reaches_its_handler(void **state) {
  (void)state;
  calls_room_service_register(SERVER, &some, &user_place);
  const struct calls_chat_line line = {.text = STOA_STR("hello")};
  const struct calls_chat_line empty = {.text = STOA_STR("")};
  assert_null(invoke(2, &line, NULL));
  assert_ptr_equal(invoke(2, &empty, NULL), &an_error);
}

static void check_sent(const char *function, const void *target, const void *message) {
  assert_string_equal(asked.function, function);
  assert_ptr_equal(asked.target, target);
  assert_ptr_equal(asked.message, message);
  assert_int_equal(asked.type, 4);
  assert_ptr_equal(asked.message_type, &calls_chat_line_type);
}

static void senders_name_the_type_and_pass_the_status_on(void **state) {
  (void)state;
  const struct calls_chat_line line = {.text = STOA_STR("hello")};
  const struct stoa_uuid id = {.bytes = {1}};
  assert_int_equal(calls_chat_line_send(SERVER, &id, &line), STOA_E_LIMIT);
  check_sent("send", SERVER, &line);
  assert_ptr_equal(asked.session_id, &id);
  assert_int_equal(calls_chat_line_push(SESSION, &line), STOA_E_LIMIT);
  check_sent("push", SESSION, &line);
  assert_int_equal(calls_chat_line_broadcast(SERVER, &line), STOA_E_LIMIT);
  check_sent("broadcast", SERVER, &line);
  assert_int_equal(calls_chat_line_publish(SERVER, stoa_string_of("room"), &line), STOA_E_LIMIT);
  check_sent("publish", SERVER, &line);
  assert_true(stoa_string_equal(asked.group, stoa_string_of("room")));
}

static void senders_to_all_but_one_name_the_one(void **state) {
  (void)state;
  const struct calls_chat_line line = {.text = STOA_STR("hello")};
  const struct stoa_uuid id = {.bytes = {1}};
  assert_int_equal(calls_chat_line_broadcast_except(SERVER, &id, &line), STOA_E_LIMIT);
  check_sent("broadcast_except", SERVER, &line);
  assert_ptr_equal(asked.except, &id);
  asked.except = NULL;
  assert_int_equal(calls_chat_line_publish_except(SERVER, stoa_string_of("room"), &id, &line), STOA_E_LIMIT);
  check_sent("publish_except", SERVER, &line);
  assert_ptr_equal(asked.except, &id);
  assert_true(stoa_string_equal(asked.group, stoa_string_of("room")));
}

static const struct stoa_error *on_plain_chat(void *user, struct stoa_session *session,
                                              const struct plain_v1_chat_message *request,
                                              struct plain_v1_chat_ack *reply) {
  (void)user, (void)session;
  reply->seq = request->text.len;
  return NULL;
}

static const struct stoa_error *on_leave(void *user, struct stoa_session *session,
                                         const struct plain_v1_leave_request *request,
                                         struct plain_v1_chat_ack *reply) {
  (void)user, (void)session, (void)request, (void)reply;
  return NULL;
}

static const struct stoa_error *on_write(void *user, struct stoa_session *session, const struct plain_v1_note *request,
                                         struct plain_v1_chat_ack *reply) {
  (void)user, (void)session, (void)request, (void)reply;
  return NULL;
}

static const struct stoa_error *on_post(void *user, struct stoa_session *session,
                                        const struct plain_later_event *request, struct plain_later_posted *reply) {
  (void)user, (void)session, (void)request, (void)reply;
  return NULL;
}

static void a_plain_call_has_one_handler_that_takes_both_forms(void **state) {
  (void)state;
  const struct plain_v1_chat_service_handlers chats = {.chat = on_plain_chat, .leave = on_leave};
  const struct plain_v1_note_service_handlers notes = {.write = on_write};
  const struct plain_later_post_service_handlers posts = {.post = on_post};
  const struct plain_v1_chat_message line = {.text = STOA_STR("abc")};
  struct plain_v1_chat_ack ack = {0};
  assert_int_equal(plain_v1_chat_service_register(SERVER, &chats, NULL), STOA_OK);
  assert_int_equal(plain_v1_note_service_register(SERVER, &notes, NULL), STOA_OK);
  assert_int_equal(plain_later_post_service_register(SERVER, &posts, NULL), STOA_OK);
  assert_int_equal(asked.handler_count, 4);
  static const uint32_t types[] = {0, 20, 21, 7};
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(asked.handlers[i].type, types[i]);
    assert_int_equal(asked.handlers[i].takes_plain, types[i] != 20);
  }
  assert_ptr_equal(asked.handlers[0].message, &plain_v1_chat_message_type);
  assert_ptr_equal(asked.handlers[0].reply, &plain_v1_chat_ack_type);
  assert_null(invoke(0, &line, &ack));
  assert_int_equal(ack.seq, 3);
}

static void the_request_of_a_plain_call_is_sent_with_its_number(void **state) {
  (void)state;
  const struct plain_v1_chat_message line = {.text = STOA_STR("hello")};
  const struct plain_v1_note note = {.text = STOA_STR("hello")};
  const struct plain_v1_note_remove removal = {.id = 1};
  asked.type = 99;
  assert_int_equal(plain_v1_chat_broadcast(SERVER, &line), STOA_E_LIMIT);
  assert_int_equal(asked.type, 0);
  assert_ptr_equal(asked.message_type, &plain_v1_chat_message_type);
  assert_int_equal(plain_v1_note_push(SESSION, &note), STOA_E_LIMIT);
  assert_int_equal(asked.type, 21);
  assert_int_equal(plain_v1_note_remove_publish(SERVER, stoa_string_of("room"), &removal), STOA_E_LIMIT);
  assert_int_equal(asked.type, 22);
}

static const struct stoa_error *on_chat(void *user, struct stoa_session *session,
                                        const struct first_v1_chat_message *message) {
  (void)user;
  (void)session;
  (void)message;
  return NULL;
}

static void answers_name_the_reply_and_pass_the_status_on(void **state) {
  (void)state;
  static char call_place;
  struct stoa_call *call = (struct stoa_call *)&call_place;
  const struct calls_sign_in_reply reply = {.session_id = STOA_STR("7")};
  assert_int_equal(calls_room_service_sign_in_reply(call, &reply), STOA_E_LIMIT);
  assert_string_equal(asked.function, "reply");
  assert_ptr_equal(asked.target, call);
  assert_ptr_equal(asked.message_type, &calls_sign_in_reply_type);
  assert_ptr_equal(asked.message, &reply);
  assert_int_equal(calls_room_service_sign_in_fail(call, &an_error), STOA_E_LIMIT);
  assert_string_equal(asked.function, "fail");
  assert_ptr_equal(asked.target, call);
  assert_ptr_equal(asked.message, &an_error);
}

static void an_empty_service_takes_the_messages_of_the_enum(void **state) {
  (void)state;
  const struct first_v1_first_service_handlers handlers = {.chat = on_chat};
  assert_int_equal(first_v1_first_service_register(SERVER, &handlers, NULL), STOA_OK);
  assert_int_equal(asked.handler_count, 1);
  assert_int_equal(asked.handlers[0].type, FIRST_V1_MESSAGE_TYPE_CHAT);
  assert_string_equal(asked.handlers[0].name, "Chat");
}

static const struct stoa_field *field_of(const struct stoa_message_type *type, const char *name) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (strcmp(type->fields[i].name, name) == 0) {
      return &type->fields[i];
    }
  }
  fail_msg("%s has no field %s", type->full_name, name);
  return NULL;
}

static const struct stoa_message_type *const all_types[] = {
    &kinds_singular_type,   &kinds_repeated_type,        &shapes_v1_tree_type,     &shapes_v1_tree_leaf_type,
    &shapes_v1_choice_type, &shapes_v1_maps_type,        &shapes_v1_presence_type, &shapes_v1_maps_trees_entry_type,
    &shapes_v1_empty_type,  &calls_sign_in_request_type, &calls_nothing_type,      &kw_names_type,
    &kw_json_type,
};

static void every_table_is_whole_and_in_the_order_of_numbers(void **state) {
  (void)state;
  for (size_t t = 0; t < sizeof all_types / sizeof all_types[0]; t++) {
    const struct stoa_message_type *type = all_types[t];
    assert_int_equal(type->abi, STOA_DESCRIPTOR_ABI);
    assert_int_equal(type->unknown_offset, UINT32_MAX);
    assert_true(type->size > 0);
    for (uint32_t i = 0; i < type->field_count; i++) {
      const struct stoa_field *field = &type->fields[i];
      assert_true(i == 0 || type->fields[i - 1].number < field->number);
      assert_int_equal(strlen(field->name), field->name_len);
      assert_int_equal(strlen(field->json_name), field->json_name_len);
      assert_true(field->offset < type->size);
      assert_int_equal(field->message != NULL, field->kind == STOA_KIND_MESSAGE);
      assert_int_equal(field->enumeration != NULL, field->kind == STOA_KIND_ENUM);
    }
  }
}

#define CHECK_KIND(member, kind_wanted)                                                     \
  do {                                                                                      \
    const struct stoa_field *one = field_of(&kinds_singular_type, #member);                 \
    assert_int_equal(one->kind, (kind_wanted));                                             \
    assert_int_equal(one->label, STOA_LABEL_SINGULAR);                                      \
    assert_int_equal(one->offset, offsetof(struct kinds_singular, member));                 \
    const struct stoa_field *many = field_of(&kinds_repeated_type, #member);                \
    assert_int_equal(many->kind, (kind_wanted));                                            \
    assert_int_equal(many->label, STOA_LABEL_REPEATED);                                     \
    assert_int_equal(many->offset, offsetof(struct kinds_repeated, member));                \
    assert_int_equal(sizeof((struct kinds_repeated *)0)->member, sizeof(struct stoa_list)); \
  } while (0)

static void every_kind_has_its_table_entry(void **state) {
  (void)state;
  CHECK_KIND(f_double, STOA_KIND_DOUBLE);
  CHECK_KIND(f_float, STOA_KIND_FLOAT);
  CHECK_KIND(f_int64, STOA_KIND_INT64);
  CHECK_KIND(f_uint64, STOA_KIND_UINT64);
  CHECK_KIND(f_int32, STOA_KIND_INT32);
  CHECK_KIND(f_fixed64, STOA_KIND_FIXED64);
  CHECK_KIND(f_fixed32, STOA_KIND_FIXED32);
  CHECK_KIND(f_bool, STOA_KIND_BOOL);
  CHECK_KIND(f_string, STOA_KIND_STRING);
  CHECK_KIND(f_message, STOA_KIND_MESSAGE);
  CHECK_KIND(f_bytes, STOA_KIND_BYTES);
  CHECK_KIND(f_uint32, STOA_KIND_UINT32);
  CHECK_KIND(f_enum, STOA_KIND_ENUM);
  CHECK_KIND(f_sfixed32, STOA_KIND_SFIXED32);
  CHECK_KIND(f_sfixed64, STOA_KIND_SFIXED64);
  CHECK_KIND(f_sint32, STOA_KIND_SINT32);
  CHECK_KIND(f_sint64, STOA_KIND_SINT64);
}

static void repeated_numbers_are_packed_unless_told_otherwise(void **state) {
  (void)state;
  for (uint32_t i = 0; i < kinds_repeated_type.field_count; i++) {
    const struct stoa_field *field = &kinds_repeated_type.fields[i];
    bool has_length = field->kind == STOA_KIND_STRING || field->kind == STOA_KIND_BYTES ||
                      field->kind == STOA_KIND_MESSAGE || strcmp(field->name, "unpacked") == 0;
    assert_int_equal(field->packed, !has_length);
  }
  assert_int_equal(field_of(&kinds_singular_type, "f_int32")->packed, 0);
}

static void a_list_is_laid_out_as_stoa_list(void **state) {
  (void)state;
  static const int32_t numbers[] = {1, 2, 3};
  struct kinds_repeated message = {.f_int32 = {numbers, 3}};
  struct stoa_list list;
  memcpy(&list, (const char *)&message + field_of(&kinds_repeated_type, "f_int32")->offset, sizeof list);
  assert_ptr_equal(list.items, numbers);
  assert_int_equal(list.count, 3);
}

static void types_may_contain_themselves_and_each_other(void **state) {
  (void)state;
  assert_ptr_equal(field_of(&shapes_v1_tree_type, "branches")->message, &shapes_v1_tree_type);
  assert_ptr_equal(field_of(&shapes_v1_tree_type, "leaf")->message, &shapes_v1_tree_leaf_type);
  assert_ptr_equal(field_of(&shapes_v1_tree_leaf_type, "owner")->message, &shapes_v1_tree_type);
  assert_ptr_equal(field_of(&shapes_v1_tree_type, "grown")->message, &common_v1_stamp_type);
  const struct shapes_v1_tree branch[2] = {{.leaf = NULL}};
  const struct shapes_v1_tree tree = {.branches = {branch, 2}};
  assert_ptr_equal(&tree.branches.items[1], &branch[1]);
}

static void a_oneof_is_a_case_and_a_union(void **state) {
  (void)state;
  const struct stoa_field *text = field_of(&shapes_v1_choice_type, "text");
  const struct stoa_field *raw = field_of(&shapes_v1_choice_type, "raw");
  assert_int_equal(text->label, STOA_LABEL_ONEOF);
  assert_int_equal(text->presence, offsetof(struct shapes_v1_choice, kind_case));
  assert_int_equal(text->offset, offsetof(struct shapes_v1_choice, kind));
  assert_int_equal(raw->offset, text->offset);
  assert_int_equal(raw->presence, text->presence);
  const struct stoa_field *amount = field_of(&shapes_v1_choice_type, "amount");
  assert_int_equal(amount->presence, offsetof(struct shapes_v1_choice, rest_case));
}

static void optional_has_a_bool_beside_it_and_messages_have_none(void **state) {
  (void)state;
  const struct stoa_field *number = field_of(&shapes_v1_presence_type, "number");
  assert_int_equal(number->label, STOA_LABEL_OPTIONAL);
  assert_int_equal(number->presence, offsetof(struct shapes_v1_presence, has_number));
  const struct stoa_field *tree = field_of(&shapes_v1_presence_type, "tree");
  assert_int_equal(tree->label, STOA_LABEL_SINGULAR);
  assert_int_equal(tree->presence, 0);
  const struct stoa_field *only = field_of(&shapes_v1_presence_type, "only");
  assert_int_equal(only->label, STOA_LABEL_ONEOF);
  assert_int_equal(only->presence, offsetof(struct shapes_v1_presence, real_case));
}

static void a_map_is_a_list_of_entries(void **state) {
  (void)state;
  const struct stoa_field *trees = field_of(&shapes_v1_maps_type, "trees");
  assert_int_equal(trees->label, STOA_LABEL_MAP);
  assert_int_equal(trees->kind, STOA_KIND_MESSAGE);
  assert_ptr_equal(trees->message, &shapes_v1_maps_trees_entry_type);
  assert_string_equal(trees->message->full_name, "shapes.v1.Maps.TreesEntry");
  assert_int_equal(trees->message->fields[0].kind, STOA_KIND_INT64);
  assert_ptr_equal(trees->message->fields[1].message, &shapes_v1_tree_type);
}

static void an_enum_table_keeps_names_and_aliases(void **state) {
  (void)state;
  assert_string_equal(shapes_v1_tree_leaf_shade_enum.full_name, "shapes.v1.Tree.Leaf.Shade");
  assert_int_equal(shapes_v1_tree_leaf_shade_enum.value_count, 3);
  assert_string_equal(shapes_v1_tree_leaf_shade_enum.values[2].name, "SHADE_BRIGHT");
  assert_int_equal(shapes_v1_tree_leaf_shade_enum.values[2].number, 1);
  assert_int_equal(KINDS_COLOUR_BLUE, -3);
  assert_int_equal(KW_EXTREME_LEAST, INT32_MIN);
}

static void a_number_with_several_names_is_read_by_each_and_written_by_the_first(void **state) {
  (void)state;
  static const char input[] =
      "{\"speed\":\"SPEED_SWIFT\",\"state\":\"done\",\"speeds\":[\"SPEED_ZERO\",\"SPEED_REVERSE\",7],"
      "\"states\":{\"a\":\"DONE\",\"b\":\"done\"},\"top\":\"SPEED_QUICK\"}";
  static const char output[] =
      "{\"speed\":\"SPEED_FAST\",\"state\":\"DONE\",\"speeds\":[\"SPEED_NONE\",\"SPEED_BACK\","
      "\"SPEED_FAST\"],\"states\":{\"a\":\"DONE\",\"b\":\"DONE\"},\"top\":\"SPEED_FAST\"}";
  struct stoa_arena *arena = stoa_arena_create(4096);
  struct stoa_buffer out;
  struct aliases_v1_trip trip = {0};
  struct stoa_bytes bytes = {(const uint8_t *)input, sizeof input - 1};
  stoa_buffer_init(&out, 1000);
  assert_int_equal(stoa_codec_json.decode(&aliases_v1_trip_type, bytes, arena, &trip, NULL), STOA_OK);
  assert_int_equal(trip.speed, ALIASES_V1_SPEED_QUICK);
  assert_int_equal(trip.state, ALIASES_V1_TRIP_STATE_DONE);
  assert_int_equal(trip.speeds.items[1], ALIASES_V1_SPEED_BACK);
  assert_int_equal(stoa_codec_json.encode(&aliases_v1_trip_type, &trip, &out), STOA_OK);
  assert_int_equal(out.len, sizeof output - 1);
  assert_memory_equal(out.data, output, out.len);
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
}

static void a_name_that_json_must_escape_is_written_and_read_so(void **state) {
  (void)state;
  static const char text[] = "{\"a\\\"b\\\\c\":\"q\",\"gr\303\266\303\237e\":\"f\"}";
  static const char other[] = "{\"a\\u0022b\\u005cc\":\"q\"}";
  static const char broken[] = "{\"a\"b\\c\":\"q\"}";
  struct stoa_arena *arena = stoa_arena_create(1 << 16);
  struct stoa_codec_error error;
  struct stoa_buffer out;
  stoa_buffer_init(&out, 1024);
  struct kw_json json = {.quoted = STOA_STR("q"), .foreign = STOA_STR("f")};
  assert_int_equal(stoa_codec_json.encode(&kw_json_type, &json, &out), STOA_OK);
  assert_true(out.len > sizeof text - 2); /* the others follow, empty */
  assert_memory_equal(out.data, text, sizeof text - 2);
  json = (struct kw_json){0};
  assert_int_equal(stoa_codec_json.decode(&kw_json_type, stoa_bytes_make(text, sizeof text - 1), arena, &json, &error),
                   STOA_OK);
  assert_true(stoa_string_equal(json.quoted, stoa_string_of("q")));
  json = (struct kw_json){0};
  assert_int_equal(
      stoa_codec_json.decode(&kw_json_type, stoa_bytes_make(other, sizeof other - 1), arena, &json, &error), STOA_OK);
  assert_true(stoa_string_equal(json.quoted, stoa_string_of("q")));
  assert_int_equal(
      stoa_codec_json.decode(&kw_json_type, stoa_bytes_make(broken, sizeof broken - 1), arena, &json, &error),
      STOA_E_SYNTAX);
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
}

static void names_in_json_keep_every_byte(void **state) {
  (void)state;
  assert_string_equal(field_of(&kw_json_type, "quoted")->json_name, "a\"b\\c");
  assert_string_equal(field_of(&kw_json_type, "foreign")->json_name, "gr\303\266\303\237e");
  assert_string_equal(field_of(&kw_json_type, "trigraph")->json_name,
                      "what?"
                      "?/");
  assert_string_equal(field_of(&kw_json_type, "with_2_digits")->json_name, "with2Digits");
  assert_string_equal(field_of(&kw_names_type, "int")->json_name, "int");
}

static const struct stoa_error *list_books(void *user, struct stoa_session *session,
                                           const struct routes_v1_list_books_request *request,
                                           struct routes_v1_list_books_reply *reply) {
  (void)user, (void)session, (void)request, (void)reply;
  return NULL;
}

static const struct stoa_error *put_book(void *user, struct stoa_session *session,
                                         const struct routes_v1_put_book_request *request,
                                         struct routes_v1_book *reply) {
  (void)user, (void)session, (void)request, (void)reply;
  return NULL;
}

static void the_http_routes_of_an_rpc_are_registered_with_it(void **state) {
  (void)state;
  const struct routes_v1_store_handlers three = {.list_books = list_books, .put_book = put_book, .watch = list_books};
  assert_int_equal(routes_v1_store_register(SERVER, &three, NULL), STOA_OK);
  assert_int_equal(asked.handler_count, 3);
  assert_int_equal(asked.handlers[0].http_count, 2);
  const struct stoa_http_binding *http = asked.handlers[0].http;
  assert_string_equal(http[0].method, "GET");
  assert_string_equal(http[0].path, "/v1/shelves/{shelf}/books");
  assert_null(http[0].body);
  assert_null(http[0].response_body);
  assert_string_equal(http[1].path, "/v1/books");
  assert_string_equal(http[1].response_body, "books");
  assert_int_equal(asked.handlers[1].http_count, 1);
  assert_string_equal(asked.handlers[1].http[0].method, "PATCH");
  assert_string_equal(asked.handlers[1].http[0].body, "book");
  assert_int_equal(asked.handlers[2].http_count, 0);
  assert_null(asked.handlers[2].http);
}

static void an_error_is_made_from_its_value_and_known_by_it(void **state) {
  (void)state;
  assert_ptr_equal(shop_v1_error_sold_out(SESSION, "no more"), &an_error);
  assert_int_equal(asked.error_code, 1001);
  assert_string_equal(asked.reason, "SOLD_OUT");
  assert_string_equal(asked.text, "no more");
  shop_v1_error_unspecified(SESSION, NULL);
  assert_int_equal(asked.error_code, 1000);
  assert_string_equal(asked.reason, "ERROR_REASON_UNSPECIFIED");
  shop_v1_basket_error_full(SESSION, NULL);
  assert_int_equal(asked.error_code, 1002);
  assert_int_equal(asked.http_status, 0);
  shop_v1_error_taken(SESSION, "gone");
  assert_int_equal(asked.error_code, 1003);
  assert_int_equal(asked.http_status, 409);
  const struct stoa_error sold_out = {.code = 1001, .reason = STOA_STR("SOLD_OUT")};
  const struct stoa_error other_code = {.code = 1002, .reason = STOA_STR("SOLD_OUT")};
  const struct stoa_error other_reason = {.code = 1001, .reason = STOA_STR("SOLD_OUT_")};
  assert_true(shop_v1_is_sold_out(&sold_out));
  assert_false(shop_v1_is_sold_out(&other_code));
  assert_false(shop_v1_is_sold_out(&other_reason));
  assert_false(shop_v1_is_sold_out(NULL));
  assert_false(shop_v1_is_unspecified(&sold_out));
}

static void an_error_is_made_with_a_format(void **state) {
  (void)state;
  assert_ptr_equal(shop_v1_errorf_taken(SESSION, "%s has the last %d", "Ann", 2), &an_error);
  assert_int_equal(asked.error_code, 1003);
  assert_int_equal(asked.http_status, 409);
  assert_string_equal(asked.reason, "TAKEN");
  assert_string_equal(asked.text, "Ann has the last 2");
  shop_v1_errorf_not_found(SESSION, "no %s", "apples");
  assert_int_equal(asked.error_code, 404);
  assert_int_equal(asked.http_status, 0);
  assert_string_equal(asked.text, "no apples");
}

static void helpers_report_what_is_set(void **state) {
  (void)state;
  static const struct shapes_v1_tree tree;
  struct shapes_v1_presence presence = {0};
  assert_false(shapes_v1_presence_has_number(&presence));
  assert_false(shapes_v1_presence_has_tree(&presence));
  assert_false(shapes_v1_presence_has_only(&presence));
  presence = (struct shapes_v1_presence){.has_number = true, .tree = &tree, .real_case = 5};
  assert_true(shapes_v1_presence_has_number(&presence));
  assert_true(shapes_v1_presence_has_tree(&presence));
  assert_true(shapes_v1_presence_has_only(&presence));
  assert_false(shapes_v1_presence_has_text(&presence));
  const struct shapes_v1_choice choice = {.kind_case = 3};
  assert_true(shapes_v1_choice_has_tree(&choice));
  assert_false(shapes_v1_choice_has_text(&choice));
}

static void special_messages_are_marked(void **state) {
  (void)state;
  static const struct {
    const char *field;
    enum stoa_special special;
  } wanted[] = {
      {"any", STOA_SPECIAL_ANY},        {"duration", STOA_SPECIAL_DURATION}, {"mask", STOA_SPECIAL_FIELD_MASK},
      {"object", STOA_SPECIAL_STRUCT},  {"value", STOA_SPECIAL_VALUE},       {"list", STOA_SPECIAL_LIST_VALUE},
      {"at", STOA_SPECIAL_TIMESTAMP},   {"seen", STOA_SPECIAL_TIMESTAMP},    {"text", STOA_SPECIAL_WRAPPER},
      {"number", STOA_SPECIAL_WRAPPER},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    assert_int_equal(field_of(&special_v1_all_type, wanted[i].field)->message->special, wanted[i].special);
  }
  assert_int_equal(google_protobuf_empty_type.special, STOA_SPECIAL_EMPTY);
  assert_int_equal(special_v1_all_type.special, STOA_SPECIAL_NONE);
  assert_int_equal(google_protobuf_null_value_enum.is_null, 1);
  assert_int_equal(shapes_v1_tree_leaf_shade_enum.is_null, 0);
}

static void unknown_fields_are_kept_where_the_message_says_so(void **state) {
  (void)state;
  static const uint8_t input[] = {0x10, 0x05, 0x08, 0x07, 0x1a, 0x01, 'x'};
  static const uint8_t written[] = {0x10, 0x05, 0x08, 0x07, 0x1a, 0x01, 'x'};
  struct stoa_arena *arena = stoa_arena_create(1024);
  struct stoa_buffer out;
  struct special_v1_keeper keeper = {0};
  struct special_v1_keep_none none = {0};
  stoa_buffer_init(&out, 100);
  struct stoa_bytes bytes = {input, sizeof input};
  assert_int_equal(stoa_codec_proto.decode(&special_v1_keeper_type, bytes, arena, &keeper, NULL), STOA_OK);
  assert_int_equal(keeper.number, 5);
  assert_int_equal(keeper.unknown_fields.len, 5);
  assert_int_equal(stoa_codec_proto.encode(&special_v1_keeper_type, &keeper, &out), STOA_OK);
  assert_int_equal(out.len, sizeof written);
  assert_memory_equal(out.data, written, sizeof written);
  assert_int_equal(special_v1_keep_all_type.unknown_offset, 0);
  assert_int_equal(stoa_codec_proto.decode(&special_v1_keep_none_type, bytes, arena, &none, NULL), STOA_OK);
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(register_passes_on_each_member_that_is_set, forget),
      cmocka_unit_test_setup(register_stops_at_the_first_error, forget),
      cmocka_unit_test_setup(handlers_without_a_member_register_nothing, forget),
      cmocka_unit_test_setup(a_call_reaches_its_handler_with_request_and_reply, forget),
      cmocka_unit_test_setup(a_message_reaches_its_handler, forget),
      cmocka_unit_test_setup(senders_name_the_type_and_pass_the_status_on, forget),
      cmocka_unit_test_setup(senders_to_all_but_one_name_the_one, forget),
      cmocka_unit_test_setup(answers_name_the_reply_and_pass_the_status_on, forget),
      cmocka_unit_test_setup(an_empty_service_takes_the_messages_of_the_enum, forget),
      cmocka_unit_test_setup(a_plain_call_has_one_handler_that_takes_both_forms, forget),
      cmocka_unit_test_setup(the_request_of_a_plain_call_is_sent_with_its_number, forget),
      cmocka_unit_test(every_table_is_whole_and_in_the_order_of_numbers),
      cmocka_unit_test(every_kind_has_its_table_entry),
      cmocka_unit_test(repeated_numbers_are_packed_unless_told_otherwise),
      cmocka_unit_test(a_list_is_laid_out_as_stoa_list),
      cmocka_unit_test(types_may_contain_themselves_and_each_other),
      cmocka_unit_test(a_oneof_is_a_case_and_a_union),
      cmocka_unit_test(optional_has_a_bool_beside_it_and_messages_have_none),
      cmocka_unit_test(a_map_is_a_list_of_entries),
      cmocka_unit_test(an_enum_table_keeps_names_and_aliases),
      cmocka_unit_test(a_number_with_several_names_is_read_by_each_and_written_by_the_first),
      cmocka_unit_test(a_name_that_json_must_escape_is_written_and_read_so),
      cmocka_unit_test(names_in_json_keep_every_byte),
      cmocka_unit_test_setup(the_http_routes_of_an_rpc_are_registered_with_it, forget),
      cmocka_unit_test_setup(an_error_is_made_from_its_value_and_known_by_it, forget),
      cmocka_unit_test_setup(an_error_is_made_with_a_format, forget),
      cmocka_unit_test(helpers_report_what_is_set),
      cmocka_unit_test(special_messages_are_marked),
      cmocka_unit_test(unknown_fields_are_kept_where_the_message_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
