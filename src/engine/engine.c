#include "base/memory.h"
#include "base/utf8.h"
#include "engine/hub.h"

#include <assert.h>
#include <string.h>

const char *stoa_engine_status_text(enum stoa_engine_status status) {
  static const char *const texts[] = {"OK",      "DUPLICATE", "BUSY", "UNAVAILABLE", "UNKNOWN",
                                      "TOO_BIG", "INVALID",   "GONE", "NOT_FOUND"};
  return (size_t)status < sizeof texts / sizeof texts[0] ? texts[status] : "unknown";
}

/* Checks of arguments. */

static bool is_text(struct stoa_string text, size_t len_max) {
  return text.len <= len_max && stoa_utf8_valid(text.data, text.len) &&
         (text.len == 0 || memchr(text.data, '\0', text.len) == NULL);
}

static bool is_name(struct stoa_string text, size_t len_max) {
  return text.len > 0 && is_text(text, len_max);
}

static bool is_room(struct stoa_string room) {
  return is_name(room, STOA_ENGINE_ROOM_LEN_MAX);
}

static enum stoa_engine_status check_draft(const struct stoa_engine_port *port, struct stoa_string room,
                                           const struct stoa_engine_draft *draft) {
  if (draft->body.len > port->engine->calls->body_bytes_max) {
    return STOA_ENGINE_TOO_BIG;
  }
  bool is_kind = draft->kind == STOA_ENGINE_CHAT || draft->kind == STOA_ENGINE_EVENT;
  bool is_valid = is_room(room) && is_kind && draft->target <= INT64_MAX &&
                  is_text(draft->sender, STOA_ENGINE_SENDER_LEN_MAX) &&
                  is_text(draft->client_msg_id, STOA_ENGINE_CLIENT_MSG_ID_LEN_MAX);
  return is_valid ? STOA_ENGINE_OK : STOA_ENGINE_INVALID;
}

/* On their way. */

static void submit(struct stoa_engine_request *request) {
  struct stoa_engine_port *port = request->port;
  struct stoa_engine *engine = port->engine;
  bool is_publish = request->call == STOA_ENGINE_PUBLISH;
  request->generation = port->generation;
  if (atomic_load(&engine->is_closed)) {
    stoa_engine_refuse(request, STOA_ENGINE_UNAVAILABLE);
  } else if ((is_publish && port->refusals > 0) || !stoa_engine_hub_admit(engine, request)) {
    stoa_engine_refuse(request, STOA_ENGINE_BUSY);
  } else {
    engine->calls->submit(engine, request);
  }
}

static int ask(enum stoa_engine_call call, struct stoa_engine_port *port, bool is_valid,
               const struct stoa_engine_arguments *arguments) {
  static const struct stoa_engine_arguments none;
  struct stoa_engine_arguments given = is_valid ? *arguments : none;
  struct stoa_engine_request *request;
  given.on_done = arguments->on_done;
  given.context = arguments->context;
  int status = stoa_engine_request_create(call, port, &given, &request);
  if (status != STOA_OK) {
    return status;
  }
  if (is_valid) {
    submit(request);
  } else {
    stoa_engine_refuse(request, STOA_ENGINE_INVALID);
  }
  return STOA_OK;
}

/* With a query, whose room is that of the request. */
static int ask_query(enum stoa_engine_call call, struct stoa_engine_port *port, bool is_valid,
                     const struct stoa_engine_arguments *arguments, const struct stoa_engine_query *query) {
  struct stoa_engine_request *request;
  if (!is_valid) {
    return ask(call, port, false, arguments);
  }
  int status = stoa_engine_request_create(call, port, arguments, &request);
  if (status != STOA_OK) {
    return status;
  }
  request->query = *query;
  request->query.room = request->room;
  if (request->query.limit == 0 || request->query.limit > STOA_ENGINE_PAGE_MAX) {
    request->query.limit = STOA_ENGINE_PAGE_MAX;
  }
  if (request->query.bytes_max == 0 || request->query.bytes_max > STOA_ENGINE_PAGE_BYTES_MAX) {
    request->query.bytes_max = STOA_ENGINE_PAGE_BYTES_MAX;
  }
  submit(request);
  return STOA_OK;
}

static int ask_refused(enum stoa_engine_call call, struct stoa_engine_port *port, enum stoa_engine_status why,
                       stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {.on_done = on_done, .context = context};
  struct stoa_engine_request *request;
  int status = stoa_engine_request_create(call, port, &arguments, &request);
  if (status == STOA_OK) {
    stoa_engine_refuse(request, why);
  }
  return status;
}

int stoa_engine_publish(struct stoa_engine_port *port, struct stoa_string room, const struct stoa_engine_draft *draft,
                        stoa_engine_done *on_done, void *context) {
  static const struct stoa_engine_place nowhere;
  enum stoa_engine_status why = check_draft(port, room, draft);
  if (why != STOA_ENGINE_OK) {
    return ask_refused(STOA_ENGINE_PUBLISH, port, why, on_done, context);
  }
  const struct stoa_engine_arguments arguments = {.on_done = on_done, .context = context};
  struct stoa_engine_request *request;
  int status = stoa_engine_request_create(STOA_ENGINE_PUBLISH, port, &arguments, &request);
  if (status != STOA_OK) {
    return status;
  }
  status = stoa_engine_message_create(room, draft, &nowhere, &request->message);
  if (status != STOA_OK) {
    stoa_engine_request_destroy(request);
    return status;
  }
  request->lane = draft->lane;
  request->room = request->message->room;
  request->bytes += stoa_engine_draft_bytes(room, draft);
  submit(request);
  return STOA_OK;
}

int stoa_engine_subscribe(struct stoa_engine_port *port, struct stoa_string room, stoa_engine_done *on_done,
                          void *context) {
  const struct stoa_engine_arguments arguments = {.room = room, .on_done = on_done, .context = context};
  return ask(STOA_ENGINE_SUBSCRIBE, port, is_room(room), &arguments);
}

int stoa_engine_unsubscribe(struct stoa_engine_port *port, struct stoa_string room, stoa_engine_done *on_done,
                            void *context) {
  const struct stoa_engine_arguments arguments = {.room = room, .on_done = on_done, .context = context};
  return ask(STOA_ENGINE_UNSUBSCRIBE, port, is_room(room), &arguments);
}

int stoa_engine_history(struct stoa_engine_port *port, const struct stoa_engine_query *query, stoa_engine_done *on_done,
                        void *context) {
  const struct stoa_engine_arguments arguments = {.room = query->room, .on_done = on_done, .context = context};
  bool is_valid = is_room(query->room) && query->since <= INT64_MAX && query->before <= INT64_MAX &&
                  query->target_first <= query->target_last && query->target_last <= INT64_MAX;
  return ask_query(STOA_ENGINE_HISTORY, port, is_valid, &arguments, query);
}

int stoa_engine_state_put(struct stoa_engine_port *port, struct stoa_string scope, struct stoa_string key,
                          struct stoa_bytes value, stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {scope, key, value, on_done, context};
  if (value.len > STOA_ENGINE_VALUE_LEN_MAX) {
    return ask_refused(STOA_ENGINE_STATE_PUT, port, STOA_ENGINE_TOO_BIG, on_done, context);
  }
  bool is_valid = is_name(scope, STOA_ENGINE_SCOPE_LEN_MAX) && is_name(key, STOA_ENGINE_KEY_LEN_MAX);
  return ask(STOA_ENGINE_STATE_PUT, port, is_valid, &arguments);
}

int stoa_engine_state_read(struct stoa_engine_port *port, struct stoa_string scope, struct stoa_string key,
                           stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {.room = scope, .key = key, .on_done = on_done, .context = context};
  bool is_valid = is_name(scope, STOA_ENGINE_SCOPE_LEN_MAX) && is_name(key, STOA_ENGINE_KEY_LEN_MAX);
  return ask(STOA_ENGINE_STATE_READ, port, is_valid, &arguments);
}

int stoa_engine_state_list(struct stoa_engine_port *port, struct stoa_string scope, struct stoa_string after,
                           uint32_t limit, stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {.room = scope, .key = after, .on_done = on_done, .context = context};
  const struct stoa_engine_query query = {.limit = limit};
  bool is_valid = is_name(scope, STOA_ENGINE_SCOPE_LEN_MAX) && is_text(after, STOA_ENGINE_KEY_LEN_MAX);
  return ask_query(STOA_ENGINE_STATE_LIST, port, is_valid, &arguments, &query);
}

int stoa_engine_rooms(struct stoa_engine_port *port, struct stoa_string after, uint32_t limit,
                      stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {.key = after, .on_done = on_done, .context = context};
  const struct stoa_engine_query query = {.limit = limit};
  return ask_query(STOA_ENGINE_ROOMS, port, is_text(after, STOA_ENGINE_ROOM_LEN_MAX), &arguments, &query);
}

int stoa_engine_redact(struct stoa_engine_port *port, struct stoa_string room, uint64_t offset,
                       stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {.room = room, .on_done = on_done, .context = context};
  const struct stoa_engine_query query = {.target_first = offset, .target_last = offset};
  bool is_valid = is_room(room) && offset > 0 && offset <= INT64_MAX;
  return ask_query(STOA_ENGINE_REDACT, port, is_valid, &arguments, &query);
}

int stoa_engine_erase_user(struct stoa_engine_port *port, struct stoa_string sender, stoa_engine_done *on_done,
                           void *context) {
  const struct stoa_engine_arguments arguments = {.key = sender, .on_done = on_done, .context = context};
  return ask(STOA_ENGINE_ERASE_USER, port, is_name(sender, STOA_ENGINE_SENDER_LEN_MAX), &arguments);
}

int stoa_engine_erase_room(struct stoa_engine_port *port, struct stoa_string room, stoa_engine_done *on_done,
                           void *context) {
  const struct stoa_engine_arguments arguments = {.room = room, .on_done = on_done, .context = context};
  return ask(STOA_ENGINE_ERASE_ROOM, port, is_room(room), &arguments);
}

int stoa_engine_search(struct stoa_engine_port *port, struct stoa_string room, const struct stoa_engine_wanted *wanted,
                       stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {
      .room = room, .key = wanted->text, .on_done = on_done, .context = context};
  const struct stoa_engine_query query = {.before = wanted->before, .limit = wanted->limit};
  bool is_valid = is_room(room) && is_name(wanted->text, STOA_ENGINE_SEARCH_LEN_MAX) && wanted->before <= INT64_MAX;
  return ask_query(STOA_ENGINE_SEARCH, port, is_valid, &arguments, &query);
}

int stoa_engine_retain(struct stoa_engine_port *port, struct stoa_string room,
                       const struct stoa_engine_retention *retention, stoa_engine_done *on_done, void *context) {
  const struct stoa_engine_arguments arguments = {.room = room, .on_done = on_done, .context = context};
  struct stoa_engine_request *request;
  bool is_valid = is_room(room) && retention->age_ms <= INT64_MAX / 1000 && retention->messages <= INT64_MAX &&
                  retention->bytes <= INT64_MAX;
  if (!is_valid) {
    return ask(STOA_ENGINE_RETAIN, port, false, &arguments);
  }
  int status = stoa_engine_request_create(STOA_ENGINE_RETAIN, port, &arguments, &request);
  if (status == STOA_OK) {
    request->retention = *retention;
    submit(request);
  }
  return status;
}

int stoa_engine_backup(struct stoa_engine_port *port, struct stoa_string path, stoa_engine_done *on_done,
                       void *context) {
  const struct stoa_engine_arguments arguments = {.key = path, .on_done = on_done, .context = context};
  return ask(STOA_ENGINE_BACKUP, port, is_name(path, STOA_ENGINE_PATH_LEN_MAX), &arguments);
}

/* The engine itself. */

bool stoa_engine_run_one(struct stoa_engine *engine) {
  return engine->calls->run_one(engine);
}

uint64_t stoa_engine_due_ns(struct stoa_engine *engine) {
  return engine->calls->due_ns(engine);
}

void stoa_engine_close(struct stoa_engine *engine) {
  if (!atomic_exchange(&engine->is_closed, true)) {
    engine->calls->close(engine);
  }
}

void stoa_engine_destroy(struct stoa_engine *engine) {
  if (engine == NULL) {
    return;
  }
  stoa_engine_close(engine);
  engine->calls->destroy(engine);
}
