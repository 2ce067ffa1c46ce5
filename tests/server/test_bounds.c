/* What may be on its way between threads, and how long what is sent may be: beyond it a publisher is told, and who
 * would miss something is closed with 4010 or 4008. Nobody's stream has a hole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <stoa/log.h>
#include <time.h>

#include "base/memory.h"
#include "fixture.h"
#include "server/group/fanout.h"
#include "server/server_private.h"
#include "server/session_id.h"
#include "server/worker/worker.h"

#define MAILBOX_BYTES (1024u * 1024)
#define TEXT_BYTES 60000u
/* More than fits a mailbox, many times over. */
#define FLOOD 300u
#define END 999999u
#define MEMBERS 4u
#define DEADLINE_S 60

/* What the callbacks know. */
static struct {
  pthread_mutex_t mutex;
  struct stoa_uuid newest;  /* the session that came last */
  struct stoa_uuid blocker; /* whose end keeps its worker busy until `released` */
  bool blocks;
  bool floods;          /* the next session publishes until it is refused */
  uint32_t flood_count; /* taken */
  int flood_status;     /* the refusal */
  int push_status;      /* of a push of `push_text` to each session that comes */
  struct stoa_string push_text;
  struct counter blocked, released;
} scene;

static char letters[TEXT_BYTES];

static struct sample_v1_line_message line_of(uint32_t number) {
  return (struct sample_v1_line_message){.number = number, .text = {letters, sizeof letters}};
}

static void flood_from_here(struct stoa_server *server) {
  struct sample_v1_line_message line = line_of(0);
  scene.flood_status = STOA_OK;
  while (scene.flood_count < FLOOD && scene.flood_status == STOA_OK) {
    line.number = scene.flood_count;
    scene.flood_status = sample_v1_line_publish(server, stoa_string_of("g"), &line);
    scene.flood_count += scene.flood_status == STOA_OK;
  }
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  (void)out_refusal;
  pthread_mutex_lock(&scene.mutex);
  scene.newest = *stoa_session_id(session);
  if (scene.floods) {
    scene.floods = false;
    flood_from_here(stoa_session_server(session));
  }
  if (scene.push_text.len > 0) {
    struct sample_v1_line_message line = {.text = scene.push_text};
    scene.push_status = sample_v1_line_push(session, &line);
  }
  pthread_mutex_unlock(&scene.mutex);
  return STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  pthread_mutex_lock(&scene.mutex);
  bool blocks = scene.blocks && memcmp(&scene.blocker, stoa_session_id(session), sizeof scene.blocker) == 0;
  pthread_mutex_unlock(&scene.mutex);
  if (blocks) {
    counter_up(&scene.blocked);
    counter_wait(&scene.released, 1);
  }
}

static const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed};

static struct fixture fixture;

static void reset_scene(void) {
  memset(&scene, 0, sizeof scene);
  pthread_mutex_init(&scene.mutex, NULL);
  scene.blocked = (struct counter)COUNTER_INIT;
  scene.released = (struct counter)COUNTER_INIT;
  memset(letters, 'x', sizeof letters);
}

static void start_fixture(uint32_t workers) {
  struct stoa_server_config *config = fixture_config(workers);
  struct stoa_limits_config limits = {.mailbox_bytes_max = MAILBOX_BYTES, .send_queue_bytes_max = 64 * 1024 * 1024};
  config->limits = &limits;
  reset_scene();
  fixture_start(&fixture, config, &callbacks);
}

static struct stoa_uuid newest(void) {
  pthread_mutex_lock(&scene.mutex);
  struct stoa_uuid id = scene.newest;
  pthread_mutex_unlock(&scene.mutex);
  return id;
}

static uint32_t worker_of_newest(uint32_t workers) {
  struct stoa_uuid id = newest();
  return stoa_session_id_worker(&id, workers);
}

/* From here on the worker of that session does nothing, until released. */
static void block(struct client *blocker, const struct stoa_uuid *id) {
  pthread_mutex_lock(&scene.mutex);
  scene.blocker = *id;
  scene.blocks = true;
  pthread_mutex_unlock(&scene.mutex);
  client_close(blocker);
  counter_wait(&scene.blocked, 1);
}

static void release(void) {
  counter_up(&scene.released);
}

static bool is_late(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec - start->tv_sec > DEADLINE_S;
}

static void wait_until_empty(struct stoa_budget *budget) {
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (atomic_load(&budget->taken) > 0) {
    assert_false(is_late(&start));
    sched_yield();
  }
}

/* What was taken, in its order. */
struct stream {
  uint32_t numbers[2 * FLOOD];
  size_t count;
};

static int publish(const char *group, uint32_t number) {
  struct sample_v1_line_message line = line_of(number);
  return sample_v1_line_publish(fixture.server, stoa_string_of(group), &line);
}

static int publish_and_note(const char *group, uint32_t number, struct stream *stream) {
  int status = publish(group, number);
  if (status == STOA_OK) {
    stream->numbers[stream->count++] = number;
  }
  return status;
}

static void publish_until_taken(const char *group, uint32_t number, struct stream *stream) {
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  int status = publish_and_note(group, number, stream);
  while (status == STOA_E_LIMIT) {
    assert_false(is_late(&start));
    sched_yield();
    status = publish_and_note(group, number, stream);
  }
  assert_int_equal(status, STOA_OK);
}

/* A member, and what it heard up to the last line or its end. */
struct member {
  struct client client;
  pthread_t thread;
  struct stream heard;
  bool heard_all;
  int code; /* of its close, 1006 without one */
};

static uint32_t number_in(const struct client_frame *frame) {
  const char *number = memmem(frame->data, frame->len, "\"number\":", 9);
  return number == NULL ? UINT32_MAX : (uint32_t)strtoul(number + 9, NULL, 10);
}

static void *listen_to(void *context) {
  struct member *member = context;
  while (member->heard.count < 2 * FLOOD) {
    struct client_frame frame = client_read(&member->client);
    if (frame.opcode == CLIENT_CLOSED || frame.opcode == 8) {
      member->code = frame.opcode == 8 ? frame.code : 1006;
      return NULL;
    }
    uint32_t number = frame.opcode == 2 ? number_in(&frame) : UINT32_MAX;
    if (number != UINT32_MAX) {
      member->heard.numbers[member->heard.count++] = number;
      member->heard_all = number == END;
    }
    if (member->heard_all) {
      return NULL;
    }
  }
  return NULL;
}

static void listen_apart(struct member *member) {
  assert_int_equal(pthread_create(&member->thread, NULL, listen_to, member), 0);
}

/* All of the stream, or its beginning and then a close that says so. */
static void expect_no_hole(struct member *member, const struct stream *taken) {
  pthread_join(member->thread, NULL);
  assert_true(member->heard.count <= taken->count);
  for (size_t i = 0; i < member->heard.count; i++) {
    assert_int_equal(member->heard.numbers[i], taken->numbers[i]);
  }
  if (member->heard_all) {
    assert_int_equal(member->heard.count, taken->count);
  } else {
    assert_true(member->code == STOA_CLOSE_POSITION_LOST || member->code == STOA_CLOSE_SLOW);
  }
}

static const char *group_owned_by(uint32_t worker, uint32_t workers) {
  static char name[16];
  for (unsigned i = 0;; i++) {
    snprintf(name, sizeof name, "g%u", i);
    if (stoa_group_owner(stoa_string_of(name), workers) == worker) {
      return name;
    }
  }
}

static void enter_group(struct client *client, const char *group) {
  fixture_connect(&fixture, client, "stoa.json");
  fixture_send_group(client, "join", group, "");
  fixture_sync(client);
}

/* A thread of nobody publishes to a busy worker, and then on as fast as it can. */
static void outrun(uint32_t workers) {
  static struct member members[MEMBERS];
  static struct stream taken;
  struct client blocker;
  memset(members, 0, sizeof members);
  taken.count = 0;
  start_fixture(workers);
  fixture_connect(&fixture, &blocker, "stoa.json");
  fixture_sync(&blocker);
  struct stoa_uuid id = newest();
  uint32_t owner = worker_of_newest(workers);
  const char *group = group_owned_by(owner, workers);
  for (uint32_t i = 0; i < MEMBERS; i++) {
    enter_group(&members[i].client, group);
    listen_apart(&members[i]);
  }
  block(&blocker, &id);
  uint32_t number = 0;
  while (number < FLOOD && publish_and_note(group, number, &taken) == STOA_OK) {
    number++;
  }
  assert_int_equal(publish(group, number), STOA_E_LIMIT);
  assert_true(number > MAILBOX_BYTES / TEXT_BYTES / 2);
  assert_true(number * TEXT_BYTES <= MAILBOX_BYTES);
  assert_true(atomic_load(&fixture.server->workers[owner].mailbox.taken) <= MAILBOX_BYTES);
  release();
  for (; number < FLOOD; number++) {
    int status = publish_and_note(group, number, &taken);
    assert_true(status == STOA_OK || status == STOA_E_LIMIT);
  }
  publish_until_taken(group, END, &taken);
  for (uint32_t i = 0; i < MEMBERS; i++) {
    expect_no_hole(&members[i], &taken);
    if (workers == 1) {
      assert_true(members[i].heard_all);
    }
  }
  for (uint32_t i = 0; i < workers; i++) {
    wait_until_empty(&fixture.server->workers[i].mailbox);
    wait_until_empty(&fixture.server->workers[i].batches);
  }
  for (uint32_t i = 0; i < MEMBERS; i++) {
    client_close(&members[i].client);
  }
  fixture_stop(&fixture);
}

static void test_a_publisher_that_outruns_a_worker_gets_an_error_and_no_member_misses_a_line(void **state) {
  (void)state;
  outrun(1);
}

static void test_a_publisher_that_outruns_one_of_three_workers_gets_an_error_and_no_member_misses_a_line(void **state) {
  (void)state;
  outrun(3);
}

/* Of a busy worker: one that ends to keep it busy, a member, and one that is no member; and a member elsewhere. */
struct seating {
  struct client observers[64];
  struct stoa_uuid ids[64];
  uint32_t count;
  uint32_t blocker, member, bystander, elsewhere;
};

static void take_seats(struct seating *seating) {
  uint32_t here = 0;
  bool is_elsewhere = false;
  memset(seating, 0, sizeof *seating);
  while (seating->count < 64 && (here < 3 || !is_elsewhere)) {
    uint32_t i = seating->count++;
    fixture_connect(&fixture, &seating->observers[i], "stoa.json");
    fixture_sync(&seating->observers[i]);
    seating->ids[i] = newest();
    if (stoa_session_id_worker(&seating->ids[i], 2) != stoa_session_id_worker(&seating->ids[0], 2)) {
      seating->elsewhere = i;
      is_elsewhere = true;
    } else if (here < 3) {
      *(here == 0 ? &seating->blocker : here == 1 ? &seating->member : &seating->bystander) = i;
      here++;
    }
  }
  assert_true(here == 3 && is_elsewhere);
}

static void test_a_batch_that_a_worker_has_no_space_for_closes_only_its_members_of_that_group(void **state) {
  static struct seating seating;
  static struct member near, far;
  static struct stream taken;
  (void)state;
  start_fixture(2);
  take_seats(&seating);
  uint32_t busy = stoa_session_id_worker(&seating.ids[0], 2);
  const char *group = group_owned_by(1 - busy, 2);
  memset(&near, 0, sizeof near);
  memset(&far, 0, sizeof far);
  taken.count = 0;
  near.client = seating.observers[seating.member];
  far.client = seating.observers[seating.elsewhere];
  fixture_send_group(&near.client, "join", group, "");
  fixture_send_group(&far.client, "join", group, "");
  fixture_sync(&near.client);
  fixture_sync(&far.client);
  block(&seating.observers[seating.blocker], &seating.ids[seating.blocker]);
  listen_apart(&near);
  listen_apart(&far);
  for (uint32_t i = 0; i < 3 * MAILBOX_BYTES / TEXT_BYTES; i++) {
    publish_until_taken(group, i, &taken);
  }
  publish_until_taken(group, END, &taken);
  expect_no_hole(&far, &taken);
  assert_true(far.heard_all);
  assert_true(atomic_load(&fixture.server->workers[busy].batches.taken) <= MAILBOX_BYTES + TEXT_BYTES);
  release();
  expect_no_hole(&near, &taken);
  assert_int_equal(near.code, STOA_CLOSE_POSITION_LOST);
  fixture_sync(&seating.observers[seating.bystander]);
  wait_until_empty(&fixture.server->workers[busy].batches);
  seating.observers[seating.member] = near.client;
  seating.observers[seating.elsewhere] = far.client;
  for (uint32_t i = 0; i < seating.count; i++) {
    if (i != seating.blocker) {
      client_close(&seating.observers[i]);
    }
  }
  fixture_stop(&fixture);
}

static void test_publishing_on_the_owner_is_refused_when_the_batch_of_the_turn_is_full(void **state) {
  static struct member member;
  static struct stream taken;
  struct client flooder;
  (void)state;
  memset(&member, 0, sizeof member);
  taken.count = 0;
  start_fixture(1);
  enter_group(&member.client, "g");
  pthread_mutex_lock(&scene.mutex);
  scene.floods = true;
  pthread_mutex_unlock(&scene.mutex);
  fixture_connect(&fixture, &flooder, "stoa.json");
  fixture_sync(&flooder);
  pthread_mutex_lock(&scene.mutex);
  uint32_t count = scene.flood_count;
  assert_int_equal(scene.flood_status, STOA_E_LIMIT);
  pthread_mutex_unlock(&scene.mutex);
  assert_true(count >= MAILBOX_BYTES / TEXT_BYTES);
  assert_true(count <= MAILBOX_BYTES / TEXT_BYTES + 1);
  for (uint32_t i = 0; i < count; i++) {
    taken.numbers[taken.count++] = i;
  }
  listen_apart(&member);
  publish_until_taken("g", END, &taken); /* the next turn has room again */
  expect_no_hole(&member, &taken);
  assert_true(member.heard_all);
  client_close(&member.client);
  client_close(&flooder);
  fixture_stop(&fixture);
}

static void test_requests_to_a_busy_worker_are_bounded_too(void **state) {
  struct client blocker, ann;
  (void)state;
  start_fixture(1);
  fixture_connect(&fixture, &blocker, "stoa.json");
  fixture_sync(&blocker);
  struct stoa_uuid blocker_id = newest();
  fixture_connect(&fixture, &ann, "stoa.json");
  fixture_sync(&ann);
  struct stoa_uuid ann_id = newest();
  block(&blocker, &blocker_id);
  struct stoa_uuid nobody = {{0}};
  uint32_t count = 0;
  int status = STOA_OK;
  while (status == STOA_OK && count < MAILBOX_BYTES) {
    status = stoa_server_close_session(fixture.server, &nobody, 4503, "nobody");
    count++;
  }
  assert_int_equal(status, STOA_E_LIMIT);
  assert_true(count < MAILBOX_BYTES / 100);
  /* What one request leaves free is too little for this. */
  struct sample_v1_line_message line = {.text = {letters, 400}};
  assert_int_equal(sample_v1_line_send(fixture.server, &ann_id, &line), STOA_E_LIMIT);
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_E_LIMIT);
  release();
  wait_until_empty(&fixture.server->workers[0].mailbox);
  line.text = stoa_string_of("now");
  assert_int_equal(sample_v1_line_send(fixture.server, &ann_id, &line), STOA_OK);
  fixture_expect_line(&ann, "now");
  client_close(&ann);
  fixture_stop(&fixture);
}

/* A codec of the program's own, which is out of memory when told so. */
static atomic_bool codec_fails;

static int odd_encode(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  return atomic_load(&codec_fails) ? STOA_E_MEMORY : stoa_codec_json.encode(type, message, out);
}

static int odd_decode(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                      void *out_message, struct stoa_codec_error *out_error) {
  return stoa_codec_json.decode(type, input, arena, out_message, out_error);
}

static const struct stoa_codec odd = {.name = "odd", .is_text = true, .encode = odd_encode, .decode = odd_decode};

static void start_with_odd_codec(void) {
  reset_scene();
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(1), &fixture.server), STOA_OK);
  assert_int_equal(stoa_server_add_codec(fixture.server, &odd), STOA_OK);
  assert_int_equal(sample_v1_sample_register(fixture.server, fixture_handlers(), NULL), STOA_OK);
  stoa_server_set_callbacks(fixture.server, &callbacks);
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  fixture.address = stoa_server_address(fixture.server, 0);
}

static void wait_for_connections(size_t count) {
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (stoa_server_connection_count(fixture.server) != count) {
    assert_false(is_late(&start));
    sched_yield();
  }
}

static void test_a_member_that_misses_an_accepted_message_is_closed_and_the_others_get_it(void **state) {
  struct client blocker, ann, bob, odd_one;
  (void)state;
  atomic_store(&codec_fails, false);
  start_with_odd_codec();
  fixture_connect(&fixture, &blocker, "stoa.json");
  fixture_sync(&blocker);
  struct stoa_uuid id = newest();
  fixture_connect(&fixture, &ann, "stoa.json");
  fixture_sync(&ann);
  fixture_connect(&fixture, &bob, "stoa.proto");
  client_connect(&odd_one, fixture.address);
  wait_for_connections(4);
  block(&blocker, &id);
  /* Its codec comes into use while the message is on its way. */
  struct sample_v1_line_message line = {.text = STOA_STR("for all")};
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
  assert_true(client_ask_upgrade(&odd_one, "/", "stoa.odd", NULL));
  atomic_store(&codec_fails, true);
  release();
  assert_int_equal(client_read_status(&odd_one), 101);
  assert_int_equal(client_read_close(&odd_one), STOA_CLOSE_POSITION_LOST);
  fixture_expect_line(&ann, "for all");
  struct client_frame frame = client_read_message(&bob);
  assert_non_null(memmem(frame.data, frame.len, "for all", 7));
  atomic_store(&codec_fails, false);
  fixture_sync(&ann);
  client_close(&ann);
  client_close(&bob);
  client_close(&odd_one);
  fixture_stop(&fixture);
}

/* How long a message may be. */

/* {"type":0,"payload":{"from":"","number":0,"text":"..."}} is the longest form that the server has for it. */
#define AROUND_TEXT (sizeof "{\"type\":0,\"payload\":{\"from\":\"\",\"number\":0,\"text\":\"\"}}" - 1)
#define MESSAGE_BYTES ((size_t)64 * 1024)

static int broadcast_letters(size_t count, char letter) {
  char *text = malloc(count);
  assert_non_null(text);
  memset(text, letter, count);
  struct sample_v1_line_message line = {.text = {text, count}};
  int status = sample_v1_line_broadcast(fixture.server, &line);
  free(text);
  return status;
}

static void test_a_broadcast_is_within_the_limit_in_the_longest_codec(void **state) {
  struct client ann;
  (void)state;
  start_fixture(1);
  /* Whoever is connected: nobody, then a session that would be sent far less. */
  for (int i = 0; i < 2; i++) {
    assert_int_equal(broadcast_letters(MESSAGE_BYTES - AROUND_TEXT + 1, 'x'), STOA_E_LIMIT);
    assert_int_equal(broadcast_letters(MESSAGE_BYTES - AROUND_TEXT, 'x'), STOA_OK);
    assert_int_equal(broadcast_letters((MESSAGE_BYTES - AROUND_TEXT) / 6 + 1, 1), STOA_E_LIMIT);
    assert_int_equal(broadcast_letters((MESSAGE_BYTES - AROUND_TEXT) / 6, 1), STOA_OK);
    assert_int_equal(broadcast_letters((MESSAGE_BYTES - AROUND_TEXT) / 2 + 1, '"'), STOA_E_LIMIT);
    assert_int_equal(broadcast_letters(100, 'x'), STOA_OK);
    if (i == 0) {
      fixture_connect(&fixture, &ann, "stoa.proto");
      struct client_frame pong;
      assert_true(client_send(&ann, 0x89, "there?", 6));
      do {
        pong = client_read(&ann);
      } while (pong.opcode == 2);
      assert_int_equal(pong.opcode, 10);
    }
  }
  for (int i = 0; i < 3; i++) {
    struct client_frame frame = client_read_message(&ann);
    assert_int_equal(frame.opcode, 2);
    assert_true(frame.len <= MESSAGE_BYTES);
  }
  client_close(&ann);
  fixture_stop(&fixture);
}

static void test_a_member_whose_message_would_grow_too_long_gets_an_error_and_others_see_nothing(void **state) {
  /* Field 3, a text of 20,000 control characters: 20 KB as Protobuf, 120 KB as JSON. */
  static uint8_t frame_bytes[4 + 4 + 20000] = {0, 0, 0, 0, 0x1a, 0xa0, 0x9c, 0x01};
  struct client ann, bob;
  (void)state;
  memset(frame_bytes + 8, 1, 20000);
  start_fixture(1);
  fixture_connect(&fixture, &ann, "stoa.proto");
  fixture_connect(&fixture, &bob, "stoa.json");
  fixture_sync(&bob);
  assert_true(client_send(&ann, 0x82, frame_bytes, sizeof frame_bytes));
  struct client_frame frame = client_read_message(&ann);
  assert_memory_equal(frame.data, "\x40\0\0\0", 4);
  assert_non_null(
      memmem(frame.data, frame.len, stoa_status_text(STOA_E_LIMIT), strlen(stoa_status_text(STOA_E_LIMIT))));
  fixture_sync(&bob);
  client_close(&ann);
  client_close(&bob);
  fixture_stop(&fixture);
}

static void test_a_message_to_one_session_is_within_the_limit_in_its_own_codec(void **state) {
  struct client ann;
  char text[20000];
  (void)state;
  memset(text, 1, sizeof text);
  start_fixture(1);
  pthread_mutex_lock(&scene.mutex);
  scene.push_text = stoa_string_make(text, sizeof text);
  pthread_mutex_unlock(&scene.mutex);
  fixture_connect(&fixture, &ann, "stoa.proto");
  assert_int_equal(client_read_message(&ann).opcode, 2);
  pthread_mutex_lock(&scene.mutex);
  assert_int_equal(scene.push_status, STOA_OK);
  pthread_mutex_unlock(&scene.mutex);
  client_close(&ann);
  fixture_connect(&fixture, &ann, "stoa.json");
  fixture_sync(&ann); /* the first that it is sent */
  pthread_mutex_lock(&scene.mutex);
  assert_int_equal(scene.push_status, STOA_E_LIMIT);
  pthread_mutex_unlock(&scene.mutex);
  client_close(&ann);
  fixture_stop(&fixture);
}

static void test_a_mailbox_has_its_bound(void **state) {
  (void)state;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.mailbox_bytes_max = 128 * 1024 * 1024 + 1};
  config->limits = &limits;
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
}

static void test_one_message_fits_a_mailbox_that_is_smaller_when_it_is_empty(void **state) {
  (void)state;
  struct stoa_budget budget = {.bytes_max = 10};
  assert_true(stoa_budget_take(&budget, 100));
  assert_true(stoa_budget_is_full(&budget));
  assert_false(stoa_budget_take(&budget, 1));
  stoa_budget_give(&budget, 100);
  assert_true(stoa_budget_take(&budget, 9));
  assert_false(stoa_budget_take(&budget, 2));
  assert_true(stoa_budget_take(&budget, 1));
  stoa_budget_give(&budget, 10);
}

/* A worker that lost its last member could not say so: the owner finds out by itself. */
static void test_a_group_whose_review_could_not_be_posted_is_dropped_by_the_sweep(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  assert_int_equal(
      stoa_formats_init(&server->formats, &server->codecs, stoa_string_of("json"), false, STOA_TYPED_BIG_ENDIAN),
      STOA_OK);
  struct stoa_worker *worker = calloc(1, sizeof *worker);
  assert_int_equal(stoa_server_metrics_init(server, 0), STOA_OK);
  assert_int_equal(stoa_worker_init(worker, server, 0), STOA_OK);
  for (int i = 0; i < 3; i++) {
    char name[16];
    snprintf(name, sizeof name, "g%d", i);
    assert_non_null(stoa_groups_find_or_create(&worker->groups, stoa_string_of(name)));
  }
  atomic_store(&worker->groups.review_due, true);
  stoa_groups_trim(&worker->groups);
  stoa_loop_turn(worker->loop, 0);
  assert_int_equal(worker->groups.by_name.count, 0);
  stoa_worker_fini(worker);
  free(worker);
  stoa_server_destroy(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_publisher_that_outruns_a_worker_gets_an_error_and_no_member_misses_a_line),
      cmocka_unit_test(test_a_publisher_that_outruns_one_of_three_workers_gets_an_error_and_no_member_misses_a_line),
      cmocka_unit_test(test_a_batch_that_a_worker_has_no_space_for_closes_only_its_members_of_that_group),
      cmocka_unit_test(test_publishing_on_the_owner_is_refused_when_the_batch_of_the_turn_is_full),
      cmocka_unit_test(test_requests_to_a_busy_worker_are_bounded_too),
      cmocka_unit_test(test_a_member_that_misses_an_accepted_message_is_closed_and_the_others_get_it),
      cmocka_unit_test(test_a_broadcast_is_within_the_limit_in_the_longest_codec),
      cmocka_unit_test(test_a_member_whose_message_would_grow_too_long_gets_an_error_and_others_see_nothing),
      cmocka_unit_test(test_a_message_to_one_session_is_within_the_limit_in_its_own_codec),
      cmocka_unit_test(test_a_mailbox_has_its_bound),
      cmocka_unit_test(test_one_message_fits_a_mailbox_that_is_smaller_when_it_is_empty),
      cmocka_unit_test(test_a_group_whose_review_could_not_be_posted_is_dropped_by_the_sweep),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
