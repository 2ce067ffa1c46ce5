#include "visitor.h"

#include "sample.client.stoa.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ALL WORLD_GROUPS
#define TEXT_BYTES_MAX 700u
#define NS_PER_MS 1000000u

static char group_name(size_t group) {
  return group == ALL ? '*' : (char)('a' + group);
}

static const struct stoa_string groups[] = {STOA_STR("a"), STOA_STR("b"), STOA_STR("c")};

/* What it hears. */

static void end_hearings(struct visitor *visitor) {
  memset(visitor->hearings, 0, sizeof visitor->hearings);
  memset(visitor->asked, 0, sizeof visitor->asked);
}

static void on_open(struct visitor *visitor) {
  struct world *world = visitor->world;
  visitor->connection = ++world->counts.connections;
  memset(visitor->published, 0, sizeof visitor->published);
  end_hearings(visitor);
  visitor->hearings[ALL] = oracle_begin(&world->oracle, '*', visitor->connection);
}

static bool may_end(const struct visitor *visitor, const struct stoa_client_change *change) {
  return visitor->harmed || visitor->world->ending || change->close_code == STOA_CLOSE_FULL;
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct visitor *visitor = user;
  enum stoa_client_state before = visitor->state;
  (void)client;
  visitor->state = change->state;
  trace_line(&visitor->world->trace, "c%u state %d status %s code %u http %u retry %u: %s", visitor->index,
             change->state, stoa_status_text(change->status), change->close_code, change->http_status, change->retry_ms,
             change->reason);
  if (change->state == STOA_CLIENT_CONNECTING) {
    visitor->harmed = false;
  } else if (change->state == STOA_CLIENT_OPEN) {
    on_open(visitor);
  } else if (change->state == STOA_CLIENT_WAITING || change->state == STOA_CLIENT_ENDED) {
    end_hearings(visitor);
  }
  if (before == STOA_CLIENT_OPEN && !may_end(visitor, change)) {
    trace_fail(&visitor->world->trace, "c%u: connection %u ended though nothing happened to it: %u %s", visitor->index,
               visitor->connection, change->close_code, change->reason);
  }
}

static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct visitor *visitor = user;
  (void)client;
  trace_fail(&visitor->world->trace, "c%u: error %u for type %u", visitor->index, error->code, type);
}

static void on_membership(struct visitor *visitor, struct stoa_string group, bool joined) {
  size_t index = (size_t)(group.data[0] - 'a');
  assert(index < WORLD_GROUPS);
  trace_line(&visitor->world->trace, "c%u %s %c", visitor->index, joined ? "joined" : "left", group.data[0]);
  if (!joined) {
    visitor->hearings[index] = NULL;
  } else if (visitor->hearings[index] == NULL) {
    visitor->hearings[index] = oracle_begin(&visitor->world->oracle, group.data[0], visitor->connection);
  }
}

static void on_line(void *user, struct stoa_client *client, const struct sample_v1_line_message *line) {
  struct visitor *visitor = user;
  struct world *world = visitor->world;
  char text[32] = {0};
  char name;
  unsigned publisher, number;
  (void)client;
  if (line->from.len > 0) {
    on_membership(visitor, line->text, line->from.data[0] == 'j');
    return;
  }
  memcpy(text, line->text.data, line->text.len < sizeof text - 1 ? line->text.len : sizeof text - 1);
  int fields = sscanf(text, "%c %u %u", &name, &publisher, &number);
  if (fields != 3) {
    trace_fail(&world->trace, "c%u hears what nobody has sent: %s", visitor->index, text);
    return;
  }
  size_t group = name == '*' ? ALL : (size_t)(name - 'a');
  trace_line(&world->trace, "c%u hears %c %u/%u", visitor->index, name, publisher, number);
  world->counts.messages++;
  if (visitor->hearings[group] == NULL) {
    trace_fail(&world->trace, "c%u hears group %c and is not in it", visitor->index, name);
  } else {
    oracle_hear(&world->oracle, visitor->hearings[group], publisher, number);
  }
}

static void on_answer(void *user, struct stoa_client *client, const struct sample_v1_ask_reply *reply,
                      const struct stoa_call_end *end) {
  struct visitor *visitor = user;
  struct world *world = visitor->world;
  (void)client;
  assert(visitor->pending > 0);
  visitor->pending--;
  world->counts.replies += end->result == STOA_CALL_REPLY;
  world->counts.errors += end->result == STOA_CALL_ERROR;
  world->counts.lost += end->result == STOA_CALL_LOST;
  trace_line(&world->trace, "c%u call %u ends %d %.*s", visitor->index, end->call_id, end->result,
             reply == NULL ? 0 : (int)reply->answer.len, reply == NULL ? "" : reply->answer.data);
}

/* What it does. */

static void note(struct visitor *visitor, const char *what, size_t group, int status) {
  trace_line(&visitor->world->trace, "c%u %s %c: %s", visitor->index, what, group_name(group),
             stoa_status_text(status));
}

/* "a 17 5", and then something, so that messages are long now and then. */
static struct stoa_string compose(struct visitor *visitor, size_t group, char out_text[TEXT_BYTES_MAX]) {
  struct world *world = visitor->world;
  size_t len = world_one_in(world, 4) ? 64 + world_below(world, TEXT_BYTES_MAX - 64) : 32;
  memset(out_text, '-', TEXT_BYTES_MAX);
  int used = snprintf(out_text, 32, "%c %u %u ", group_name(group), visitor->connection, visitor->published[group] + 1);
  out_text[used] = '-';
  return stoa_string_make(out_text, len);
}

static void publish(struct visitor *visitor, size_t group) {
  char text[TEXT_BYTES_MAX];
  struct stoa_string composed = compose(visitor, group, text);
  int status;
  if (group == ALL) {
    const struct sample_v1_line_message line = {.text = composed};
    status = sample_v1_client_send_line(visitor->client, &line);
  } else {
    const struct sample_v1_group_message message = {
        .action = stoa_string_of("publish"), .group = groups[group], .text = composed};
    status = sample_v1_client_send_group(visitor->client, &message);
  }
  visitor->published[group] += status == STOA_OK;
  note(visitor, "publishes", group, status);
}

static void change_membership(struct visitor *visitor, size_t group) {
  bool join = !visitor->asked[group];
  const struct sample_v1_group_message message = {.action = stoa_string_of(join ? "join" : "leave"),
                                                  .group = groups[group]};
  int status = sample_v1_client_send_group(visitor->client, &message);
  if (status == STOA_OK) {
    visitor->asked[group] = join;
  }
  note(visitor, join ? "joins" : "leaves", group, status);
}

static void ask(struct visitor *visitor) {
  char question[20];
  snprintf(question, sizeof question, "%s %u", world_one_in(visitor->world, 2) ? "later" : "now", ++visitor->question);
  const struct sample_v1_ask_request request = {.question = stoa_string_of(question)};
  uint32_t id = 0;
  int status = sample_v1_sample_client_call_ask(visitor->client, &request, 0, on_answer, visitor, &id);
  visitor->pending += status == STOA_OK;
  trace_line(&visitor->world->trace, "c%u asks %s as %u: %s", visitor->index, question, id, stoa_status_text(status));
}

static void harm(struct visitor *visitor, bool reset) {
  struct world *world = visitor->world;
  int fd = visitor->client->conn.io.fd;
  if (fd < 0) {
    return;
  }
  visitor->harmed = true;
  trace_line(&world->trace, "c%u is %s", visitor->index, reset ? "reset" : "stalled");
  if (reset) {
    world->counts.resets++;
    net_reset(fd);
  } else {
    world->counts.stalls++;
    net_stall(fd, (1 + world_below(world, 20000)) * (uint64_t)NS_PER_MS);
  }
}

static void bid_farewell(struct visitor *visitor) {
  visitor->harmed = true;
  visitor->world->counts.closes++;
  trace_line(&visitor->world->trace, "c%u closes", visitor->index);
  stoa_client_close(visitor->client, 1000, "enough");
}

void visitor_act(struct visitor *visitor) {
  struct world *world = visitor->world;
  size_t roll = world_below(world, 100);
  size_t group = world_below(world, WORLD_GROUPS);
  if (visitor->state == STOA_CLIENT_ENDED) {
    visitor_leave(visitor);
    visitor_enter(visitor);
  } else if (visitor->state != STOA_CLIENT_OPEN) {
    if (roll < 2) {
      harm(visitor, roll == 0);
    }
  } else if (roll < 25) {
    publish(visitor, ALL);
  } else if (roll < 55) {
    publish(visitor, group);
  } else if (roll < 75) {
    change_membership(visitor, group);
  } else if (roll < 92) {
    ask(visitor);
  } else if (roll < 98) {
    harm(visitor, roll < 95);
  } else {
    bid_farewell(visitor);
  }
}

/* Coming and going. */

void visitor_enter(struct visitor *visitor) {
  struct world *world = visitor->world;
  struct stoa_client_options options = {.url = "ws://server.simulated:7700/",
                                        .codec = world_one_in(world, 2) ? &stoa_codec_json : &stoa_codec_proto,
                                        .compression = world_one_in(world, 3),
                                        .retry_min_ms = 50,
                                        .retry_max_ms = 2000};
  if (options.codec == &stoa_codec_json && world_one_in(world, 2)) {
    options.subprotocol = STOA_CLIENT_TEXT;
  }
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .on_error = on_error, .user = visitor};
  const struct sample_v1_sample_client_handlers handlers = {.line = on_line};
  int status = stoa_client_create_with(&options, &callbacks, &world->clock, &visitor->client);
  assert(status == STOA_OK);
  stoa_client_set_resolver(visitor->client, visitor->resolver);
  status = sample_v1_sample_client_register(visitor->client, &handlers, visitor);
  assert(status == STOA_OK);
  status = stoa_client_open(visitor->client);
  assert(status == STOA_OK);
  visitor->state = STOA_CLIENT_IDLE;
  trace_line(&world->trace, "c%u enters", visitor->index);
}

void visitor_leave(struct visitor *visitor) {
  if ((visitor->state == STOA_CLIENT_WAITING || visitor->state == STOA_CLIENT_ENDED) && visitor->pending > 0) {
    trace_fail(&visitor->world->trace, "c%u: %u calls have no end, and there is no connection", visitor->index,
               visitor->pending);
  }
  stoa_client_destroy(visitor->client);
  visitor->client = NULL;
  visitor->pending = 0;
  end_hearings(visitor);
}
