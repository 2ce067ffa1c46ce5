/* Listing, searching, erasing, copying, and the state. Arguments: the engine's kind, and how many workers. */
#include "board.h"

#include <pthread.h>
#include <stoa/room_admin.h>

#include "base/memory.h"
#include "engine/local/local.h"
#include "engine/memory/memory.h"

static uint32_t workers;
static struct board board;
static struct board_client ann;

/* What a completion was told, as text. */
static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  unsigned calls;
  bool is_in_call; /* on the worker */
  enum stoa_room_status status;
  uint32_t retry_ms;
  struct stoa_room_answer answer;
  uint64_t continue_before;
  bool has_more;
  char text[4096];
} told = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The server ends: how many were told so. */
static atomic_uint closed_count;
static bool is_ending;

static int ask_list_again(void);

static void note(enum stoa_room_status status, uint32_t retry_ms) {
  if (is_ending) {
    assert_int_equal(status, STOA_ROOM_CLOSED);
    assert_int_equal(ask_list_again(), STOA_E_CLOSED);
    atomic_fetch_add(&closed_count, 1);
    return;
  }
  bool is_temporary = status == STOA_ROOM_BUSY || status == STOA_ROOM_UNAVAILABLE;
  pthread_mutex_lock(&told.mutex);
  assert_false(told.is_in_call);
  assert_int_equal(told.calls, 0);
  assert_true((retry_ms > 0) == is_temporary);
  told.status = status;
  told.retry_ms = retry_ms;
  told.calls = 1;
  pthread_cond_signal(&told.changed);
  pthread_mutex_unlock(&told.mutex);
}

static void add_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add_text(const char *format, ...) {
  size_t len = strlen(told.text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(told.text + len, sizeof told.text - len, format, arguments);
  va_end(arguments);
}

static void on_done(void *context, const struct stoa_room_answer *answer) {
  assert_ptr_equal(context, &told);
  told.answer = *answer;
  note(answer->status, answer->retry_ms);
}

/* "hall 2/3 members 1, " is top and ordinal. */
static void on_list(void *context, const struct stoa_room_listing *list) {
  assert_ptr_equal(context, &told);
  for (size_t i = 0; i < list->count; i++) {
    const struct stoa_room_entry *entry = &list->rooms[i];
    assert_true(entry->epoch > 0);
    assert_true(entry->time_us > 0);
    add_text("%.*s %llu/%llu members %u, ", (int)entry->room.len, entry->room.data, (unsigned long long)entry->ordinal,
             (unsigned long long)entry->top, entry->member_count);
  }
  told.has_more = list->has_more;
  note(list->status, list->retry_ms);
}

/* "3 text, " is offset and text. */
static void on_page(void *context, const struct stoa_room_page *page) {
  assert_ptr_equal(context, &told);
  for (size_t i = 0; i < page->count; i++) {
    const struct board_v1_post_message *post = page->messages[i].message;
    assert_int_equal(post->offset, page->messages[i].stamp.position.offset);
    assert_true(page->messages[i].stamp.ordinal > 0);
    add_text("%llu %.*s, ", (unsigned long long)post->offset, (int)post->text.len, post->text.data);
  }
  assert_true(page->has_more_before == (page->continue_before > 0));
  told.continue_before = page->continue_before;
  told.has_more = page->has_more_before;
  note(page->status, page->retry_ms);
}

static void on_values(void *context, const struct stoa_room_values *values) {
  assert_ptr_equal(context, &told);
  for (size_t i = 0; i < values->count; i++) {
    add_text("%.*s=%.*s, ", (int)values->values[i].key.len, values->values[i].key.data,
             (int)values->values[i].value.len, (const char *)values->values[i].value.data);
  }
  told.has_more = values->has_more;
  note(values->status, values->retry_ms);
}

/* One call of the interface. */
struct request {
  int (*call)(const struct request *request);
  const char *a, *b;
  struct stoa_bytes value;
  uint64_t number, epoch;
  uint32_t limit;
};

static int ask_list(const struct request *request) {
  return stoa_rooms_list(board.rooms, stoa_string_of(request->a), request->limit, on_list, &told);
}

static int ask_search(const struct request *request) {
  const struct stoa_room_search_query query = {stoa_string_of(request->b), request->number, request->limit};
  return stoa_room_search(board.rooms, stoa_string_of(request->a), &query, on_page, &told);
}

static int ask_ordinal(const struct request *request) {
  const struct stoa_room_position position = {request->epoch, request->number};
  return stoa_room_ordinal(board.rooms, stoa_string_of(request->a), &position, on_done, &told);
}

static int ask_erase(const struct request *request) {
  return stoa_room_erase(board.rooms, stoa_string_of(request->a), on_done, &told);
}

static int ask_erase_user(const struct request *request) {
  return stoa_rooms_erase_user(board.rooms, stoa_string_of(request->a), on_done, &told);
}

static int ask_redact(const struct request *request) {
  return stoa_room_redact(board.rooms, stoa_string_of(request->a), request->number, on_done, &told);
}

static int ask_backup(const struct request *request) {
  return stoa_rooms_backup(board.rooms, stoa_string_of(request->a), on_done, &told);
}

static int ask_retain(const struct request *request) {
  const struct stoa_room_retention retention = {.messages = request->number};
  return stoa_room_retain(board.rooms, stoa_string_of(request->a), &retention, on_done, &told);
}

static int ask_put(const struct request *request) {
  return stoa_room_state_put(board.rooms, stoa_string_of(request->a), stoa_string_of(request->b), request->value,
                             on_done, &told);
}

static int ask_read(const struct request *request) {
  return stoa_room_state_read(board.rooms, stoa_string_of(request->a), stoa_string_of(request->b), on_values, &told);
}

static int ask_values(const struct request *request) {
  return stoa_room_state_list(board.rooms, stoa_string_of(request->a), stoa_string_of(request->b), request->limit,
                              on_values, &told);
}

static int ask_list_again(void) {
  return stoa_rooms_list(board.rooms, stoa_string_of(""), 0, on_list, &told);
}

struct run {
  const struct request *request;
  uint64_t fail_at; /* the allocation that fails; 0: none */
  int status;
};

static void run_request(struct board *own, void *context) {
  struct run *run = context;
  (void)own;
  told.is_in_call = true;
  stoa_memory_fail_at(run->fail_at, false);
  run->status = run->request->call(run->request);
  told.is_in_call = false;
}

/* The status of the call; what it was told, when that is OK, is in `told`. */
static int begin_failing(const struct request *request, uint64_t fail_at) {
  struct run run = {request, fail_at, STOA_OK};
  told.calls = 0;
  told.text[0] = '\0';
  told.continue_before = 0;
  told.has_more = false;
  memset(&told.answer, 0, sizeof told.answer);
  board_run_on_owner(&board, "elsewhere", run_request, &run);
  return run.status;
}

static int begin(const struct request *request) {
  return begin_failing(request, 0);
}

static void await(void) {
  pthread_mutex_lock(&told.mutex);
  while (told.calls == 0) {
    pthread_cond_wait(&told.changed, &told.mutex);
  }
  pthread_mutex_unlock(&told.mutex);
}

static enum stoa_room_status ask_for(const struct request *request) {
  assert_int_equal(begin(request), STOA_OK);
  await();
  return told.status;
}

#define ASK(function, ...) ask_for(&(struct request){.call = (function), __VA_ARGS__})
#define REFUSED(function, ...) \
  assert_int_equal(begin(&(struct request){.call = (function), __VA_ARGS__}), STOA_E_ARGUMENT)

static struct stoa_bytes bytes(const char *text) {
  return stoa_bytes_make(text, strlen(text));
}

static void start(void) {
  const struct board_options options = {.workers = workers};
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
}

static void stop(void) {
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_rooms_are_listed_in_the_order_of_their_names(void **state) {
  (void)state;
  start();
  assert_int_equal(ASK(ask_list, ""), STOA_ROOM_OK);
  assert_string_equal(told.text, "");
  board_store(&ann, "hall", "1", NULL);
  board_store(&ann, "hall", "2", NULL);
  board_store(&ann, "attic", "1", NULL);
  board_store(&ann, "cellar", "1", NULL);
  board_join(&ann, "hall", 0, 0, 0);
  assert_int_equal(ASK(ask_list, ""), STOA_ROOM_OK);
  assert_string_equal(told.text, "attic 1/1 members 0, cellar 1/1 members 0, hall 2/2 members 1, ");
  assert_false(told.has_more);
  assert_int_equal(ASK(ask_list, "", .limit = 2), STOA_ROOM_OK);
  assert_string_equal(told.text, "attic 1/1 members 0, cellar 1/1 members 0, ");
  assert_true(told.has_more);
  assert_int_equal(ASK(ask_list, "cellar", .limit = 2), STOA_ROOM_OK);
  assert_string_equal(told.text, "hall 2/2 members 1, ");
  assert_false(told.has_more);
  stop();
}

static void test_a_search_finds_parts_of_words_in_any_script(void **state) {
  (void)state;
  start();
  board_store(&ann, "hall", "The kettle boils", NULL);
  board_store(&ann, "hall", "今天天气很好", NULL);
  board_store(&ann, "hall", "tea \xf0\x9f\x8d\xb5 and cake", NULL);
  board_store(&ann, "attic", "a kettle elsewhere", NULL);
  assert_int_equal(ASK(ask_search, "hall", "ettl"), STOA_ROOM_OK);
  assert_string_equal(told.text, "1 The kettle boils, ");
  assert_int_equal(ASK(ask_search, "hall", "KETTLE"), STOA_ROOM_OK);
  assert_string_equal(told.text, "1 The kettle boils, ");
  assert_int_equal(ASK(ask_search, "hall", "天"), STOA_ROOM_OK);
  assert_string_equal(told.text, "2 今天天气很好, ");
  assert_int_equal(ASK(ask_search, "hall", "天气"), STOA_ROOM_OK);
  assert_string_equal(told.text, "2 今天天气很好, ");
  assert_int_equal(ASK(ask_search, "hall", "\xf0\x9f\x8d\xb5"), STOA_ROOM_OK);
  assert_string_equal(told.text, "3 tea \xf0\x9f\x8d\xb5 and cake, ");
  assert_int_equal(ASK(ask_search, "hall", "ke"), STOA_ROOM_OK);
  assert_string_equal(told.text, "1 The kettle boils, 3 tea \xf0\x9f\x8d\xb5 and cake, ");
  assert_int_equal(ASK(ask_search, "hall", "\" OR *"), STOA_ROOM_OK);
  assert_string_equal(told.text, "");
  assert_int_equal(ASK(ask_search, "nowhere", "tea"), STOA_ROOM_OK);
  assert_string_equal(told.text, "");
  stop();
}

static void test_a_search_goes_on_below_its_page(void **state) {
  (void)state;
  char text[16];
  start();
  for (int i = 1; i <= 5; i++) {
    snprintf(text, sizeof text, "cup %d", i);
    board_store(&ann, "hall", text, NULL);
  }
  assert_int_equal(ASK(ask_search, "hall", "cup", .limit = 2), STOA_ROOM_OK);
  assert_string_equal(told.text, "4 cup 4, 5 cup 5, ");
  assert_true(told.has_more);
  assert_int_equal(ASK(ask_search, "hall", "cup", .limit = 2, .number = told.continue_before), STOA_ROOM_OK);
  assert_string_equal(told.text, "2 cup 2, 3 cup 3, ");
  assert_int_equal(ASK(ask_search, "hall", "cup", .limit = 2, .number = told.continue_before), STOA_ROOM_OK);
  assert_string_equal(told.text, "1 cup 1, ");
  assert_false(told.has_more);
  stop();
}

static void test_what_was_redacted_or_erased_is_not_found(void **state) {
  (void)state;
  start();
  board_store(&ann, "hall", "cup one", NULL);
  board_store(&ann, "hall", "cup two", NULL);
  assert_int_equal(ASK(ask_redact, "hall", .number = 1), STOA_ROOM_OK);
  assert_int_equal(told.answer.count, 1);
  assert_int_equal(ASK(ask_search, "hall", "cup"), STOA_ROOM_OK);
  assert_string_equal(told.text, "2 cup two, ");
  assert_int_equal(ASK(ask_erase_user, "ann"), STOA_ROOM_OK);
  assert_int_equal(ASK(ask_search, "hall", "cup"), STOA_ROOM_OK);
  assert_string_equal(told.text, "");
  assert_int_equal(ASK(ask_search, "hall", "u"), STOA_ROOM_OK);
  assert_string_equal(told.text, "");
  stop();
}

static void test_an_erased_room_closes_its_members_and_begins_again(void **state) {
  struct board_client ben;
  (void)state;
  start();
  board_connect(&board, &ben, "stoa.json");
  struct board_sent sent = board_store(&ann, "hall", "old", NULL);
  board_store(&ann, "hall", "older", NULL);
  board_join(&ben, "hall", 0, 0, 0);
  assert_int_equal(ASK(ask_erase, "hall"), STOA_ROOM_OK);
  assert_int_equal(told.answer.count, 2);
  struct client_frame frame = client_read(&ben.base);
  assert_int_equal(frame.opcode, 8);
  assert_int_equal(frame.data[0] << 8 | frame.data[1], 4010);
  board_disconnect(&ben);
  assert_int_equal(ASK(ask_erase, "hall"), STOA_ROOM_NOT_FOUND);
  assert_int_equal(ASK(ask_list, ""), STOA_ROOM_OK);
  assert_string_equal(told.text, "");
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", sent.epoch, sent.offset, 10);
  assert_true(board_text_is(joined->status, "OK"));
  assert_false(joined->recovered);
  assert_int_equal(joined->count, 0);
  uint32_t id = board_send(&ann, "hall", "new", NULL);
  board_expect_post(&ann, "new");
  struct board_sent again = board_sent(&ann, id);
  assert_true(again.epoch != sent.epoch);
  stop();
}

static void test_an_erased_user_is_in_no_page_and_no_recovery(void **state) {
  struct board_client ben;
  (void)state;
  start();
  board_connect(&board, &ben, "stoa.json");
  /* So that the owner has the messages in memory. */
  board_join(&ben, "hall", 0, 0, 0);
  struct board_sent first = board_store(&ann, "hall", "of ann", NULL);
  board_expect_post(&ben, "of ann");
  board_store(&ann, "attic", "of ann too", NULL);
  assert_string_equal(board_leave(&ben, "hall"), "OK");
  assert_int_equal(ASK(ask_erase_user, "nobody"), STOA_ROOM_OK);
  assert_int_equal(told.answer.count, 0);
  assert_int_equal(ASK(ask_erase_user, "ann"), STOA_ROOM_OK);
  assert_int_equal(told.answer.count, 2);
  const struct board_v1_join_reply *joined = board_join(&ben, "hall", first.epoch, 0, 0);
  assert_true(board_text_is(joined->status, "OK"));
  assert_true(joined->recovered);
  struct board_frame frame = board_read(&ben);
  const struct board_v1_post_message *post = frame.message;
  assert_int_equal(frame.type, BOARD_V1_MESSAGE_TYPE_POST);
  assert_true(post->redacted);
  assert_int_equal(post->text.len, 0);
  assert_int_equal(post->sender.len, 0);
  board_disconnect(&ben);
  stop();
}

static void test_unread_is_a_difference_of_ordinals(void **state) {
  (void)state;
  start();
  assert_int_equal(ASK(ask_ordinal, "hall"), STOA_ROOM_OK);
  assert_int_equal(told.answer.top_ordinal, 0);
  struct board_sent first = board_store(&ann, "hall", "1", NULL);
  board_sent(&ann, board_send_as(&ann, "hall", "an event", "note"));
  board_store(&ann, "hall", "2", NULL);
  board_store(&ann, "hall", "3", NULL);
  static const uint64_t ordinals[] = {0, 1, 1, 2, 3, 3};
  for (uint64_t offset = 0; offset < 6; offset++) {
    assert_int_equal(ASK(ask_ordinal, "hall", .number = offset, .epoch = offset % 2 == 0 ? first.epoch : 0),
                     STOA_ROOM_OK);
    assert_int_equal(told.answer.ordinal, ordinals[offset]);
    assert_int_equal(told.answer.top_ordinal, 3);
    assert_int_equal(told.answer.position.epoch, first.epoch);
  }
  assert_int_equal(ASK(ask_ordinal, "hall", .number = 2, .epoch = first.epoch + 1), STOA_ROOM_GONE);
  assert_int_equal(told.answer.ordinal, 0);
  assert_int_equal(told.answer.top_ordinal, 3);
  stop();
}

static void test_a_position_below_the_floor_counts_as_the_floor(void **state) {
  (void)state;
  struct board_clock clock;
  struct board_options options = {
      .workers = workers, .blocks_before = stoa_memory_live_blocks(), .clock = &clock.clock};
  board_clock_init(&clock);
  const struct stoa_memory_engine_options engine = {.clock = &clock.clock, .retention = {.messages = 2}};
  assert_int_equal(stoa_memory_engine_open(&engine, &options.engine), STOA_OK);
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  for (int i = 0; i < 5; i++) {
    board_store(&ann, "hall", "x", NULL);
  }
  board_clock_advance_ms(&clock, 200000);
  assert_int_equal(ASK(ask_ordinal, "hall", .number = 1), STOA_ROOM_OK);
  assert_int_equal(told.answer.ordinal, 3);
  assert_int_equal(told.answer.top_ordinal, 5);
  stop();
}

static void test_a_backup_is_a_new_file(void **state) {
  (void)state;
  char path[96];
  start();
  snprintf(path, sizeof path, "%s/copy.db", board.folder);
  board_store(&ann, "hall", "1", NULL);
  board_store(&ann, "attic", "2", NULL);
  if (board_is_local()) {
    assert_int_equal(ASK(ask_backup, path), STOA_ROOM_OK);
    assert_int_equal(told.answer.count, 2);
  }
  assert_int_equal(ASK(ask_backup, path), STOA_ROOM_INVALID);
  stop();
}

static void test_a_room_has_a_retention_of_its_own(void **state) {
  (void)state;
  start();
  assert_int_equal(ASK(ask_retain, "hall", .number = 2), STOA_ROOM_NOT_FOUND);
  board_store(&ann, "hall", "1", NULL);
  assert_int_equal(ASK(ask_retain, "hall", .number = 2), STOA_ROOM_OK);
  stop();
}

static void test_values_are_kept_by_scope_and_key(void **state) {
  (void)state;
  start();
  assert_int_equal(ASK(ask_read, "room:hall", "topic"), STOA_ROOM_NOT_FOUND);
  assert_int_equal(ASK(ask_put, "room:hall", "topic", bytes("tea")), STOA_ROOM_OK);
  assert_int_equal(ASK(ask_put, "room:hall", "ban:ben", bytes("1")), STOA_ROOM_OK);
  assert_int_equal(ASK(ask_put, "room:hall", "ban:carl", bytes("2")), STOA_ROOM_OK);
  assert_int_equal(ASK(ask_put, "room:attic", "topic", bytes("dust")), STOA_ROOM_OK);
  assert_int_equal(ASK(ask_read, "room:hall", "topic"), STOA_ROOM_OK);
  assert_string_equal(told.text, "topic=tea, ");
  assert_int_equal(ASK(ask_values, "room:hall", "", .limit = 2), STOA_ROOM_OK);
  assert_string_equal(told.text, "ban:ben=1, ban:carl=2, ");
  assert_true(told.has_more);
  assert_int_equal(ASK(ask_values, "room:hall", "ban:carl"), STOA_ROOM_OK);
  assert_string_equal(told.text, "topic=tea, ");
  assert_false(told.has_more);
  assert_int_equal(ASK(ask_put, "room:hall", "topic"), STOA_ROOM_OK);
  assert_int_equal(ASK(ask_read, "room:hall", "topic"), STOA_ROOM_NOT_FOUND);
  assert_int_equal(ASK(ask_values, "room:cellar", ""), STOA_ROOM_OK);
  assert_string_equal(told.text, "");
  stop();
}

static void test_arguments_that_are_excluded_are_refused(void **state) {
  static char longest[STOA_ROOM_STATE_VALUE_LEN_MAX + 1];
  (void)state;
  memset(longest, 'x', sizeof longest - 1);
  start();
  const struct stoa_bytes too_long = stoa_bytes_make(longest, sizeof longest);
  const char *name = longest + sizeof longest - 1 - 257;
  REFUSED(ask_list, "", .limit = STOA_ROOM_LIST_MAX + 1);
  REFUSED(ask_list, "\xff");
  REFUSED(ask_search, "", "x");
  REFUSED(ask_search, "hall", "");
  REFUSED(ask_search, "hall", name);
  REFUSED(ask_search, "hall", "\xff");
  REFUSED(ask_search, "hall", "x", .limit = STOA_ROOM_PAGE_MAX + 1);
  REFUSED(ask_search, "hall", "x", .number = UINT64_MAX);
  REFUSED(ask_ordinal, "");
  REFUSED(ask_ordinal, "hall", .number = INT64_MAX);
  REFUSED(ask_erase, "");
  REFUSED(ask_erase_user, "");
  REFUSED(ask_erase_user, name);
  REFUSED(ask_backup, "");
  REFUSED(ask_retain, "");
  REFUSED(ask_retain, "hall", .number = UINT64_MAX);
  REFUSED(ask_put, "", "key");
  REFUSED(ask_put, "scope", "");
  REFUSED(ask_put, name, "key");
  REFUSED(ask_put, "scope", name);
  REFUSED(ask_put, "scope", "key", too_long);
  REFUSED(ask_read, "", "key");
  REFUSED(ask_read, "scope", "");
  REFUSED(ask_values, "", "");
  REFUSED(ask_values, "scope", name);
  REFUSED(ask_values, "scope", "", .limit = STOA_ROOM_LIST_MAX + 1);
  const struct request here = {.call = ask_list, .a = ""};
  assert_int_equal(here.call(&here), STOA_E_ARGUMENT); /* this thread is no worker's */
  stop();
}

static void test_a_full_storage_is_unavailable_for_values(void **state) {
  static char value[4096];
  struct board_options options = {.workers = workers, .blocks_before = stoa_memory_live_blocks()};
  const struct stoa_memory_engine_options engine = {.clock = &stoa_clock_system, .bytes_max = 1000};
  (void)state;
  assert_int_equal(stoa_memory_engine_open(&engine, &options.engine), STOA_OK);
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  assert_int_equal(ASK(ask_put, "scope", "key", stoa_bytes_make(value, sizeof value)), STOA_ROOM_UNAVAILABLE);
  stop();
}

static const struct request all_requests[] = {
    {.call = ask_list, .a = ""},
    {.call = ask_search, .a = "hall", .b = "cup"},
    {.call = ask_search, .a = "hall", .b = "u"},
    {.call = ask_ordinal, .a = "hall", .number = 1},
    {.call = ask_put, .a = "scope", .b = "key", .value = {(const uint8_t *)"v", 1}},
    {.call = ask_read, .a = "scope", .b = "key"},
    {.call = ask_values, .a = "scope", .b = ""},
    {.call = ask_retain, .a = "hall", .number = 1000},
    {.call = ask_backup, .a = "/tmp/no such folder/copy.db"},
    {.call = ask_erase_user, .a = "ben"},
    {.call = ask_erase, .a = "attic"},
};

static bool is_fine_without_memory(enum stoa_room_status status) {
  return status == STOA_ROOM_OK || status == STOA_ROOM_BUSY || status == STOA_ROOM_UNAVAILABLE ||
         status == STOA_ROOM_UNKNOWN || status == STOA_ROOM_NOT_FOUND || status == STOA_ROOM_INVALID;
}

static void fail_each_allocation_of(const struct request *request) {
  bool was_hit = true;
  for (uint64_t n = 1; was_hit; n++) {
    int status = begin_failing(request, n);
    if (status == STOA_OK) {
      await();
      assert_true(is_fine_without_memory(told.status));
    } else {
      assert_int_equal(status, STOA_E_MEMORY);
    }
    stoa_memory_fail_at(0, false);
    was_hit = stoa_memory_fault_hits() > 0;
    assert_true(n < 1000);
  }
}

static void test_each_allocation_of_a_call_may_fail(void **state) {
  (void)state;
  start();
  for (size_t i = 0; i < sizeof all_requests / sizeof all_requests[0]; i++) {
    board_store(&ann, "hall", "a cup", NULL);
    board_store(&ann, "attic", "a cup", NULL);
    fail_each_allocation_of(&all_requests[i]);
  }
  assert_int_equal(ASK(ask_search, "hall", "cup", .limit = 1), STOA_ROOM_OK);
  assert_string_equal(told.text, "11 a cup, ");
  stop();
}

/* A database whose steps nobody runs, so that nothing is answered before the end. */
static struct stoa_engine *open_stuck_engine(const char *folder) {
  char path[96];
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1];
  struct stoa_engine *engine;
  snprintf(path, sizeof path, "%s/rooms.db", folder);
  const struct stoa_local_engine_options options = {.path = path, .clock = &stoa_clock_system, .is_stepped = true};
  assert_int_equal(stoa_local_engine_open(&options, &engine, reason), STOA_OK);
  return engine;
}

static void test_all_calls_are_closed_when_the_server_ends(void **state) {
  char folder[] = "/tmp/stoa-room-XXXXXX";
  struct board_options options = {.workers = workers, .folder = folder};
  const size_t count = sizeof all_requests / sizeof all_requests[0];
  (void)state;
  assert_non_null(mkdtemp(folder));
  options.blocks_before = stoa_memory_live_blocks();
  options.engine = open_stuck_engine(folder);
  board_start(&board, &options);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(begin(&all_requests[i]), STOA_OK);
  }
  is_ending = true;
  board_stop(&board);
  is_ending = false;
  assert_int_equal(atomic_load(&closed_count), count);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rooms_are_listed_in_the_order_of_their_names),
      cmocka_unit_test(test_a_search_finds_parts_of_words_in_any_script),
      cmocka_unit_test(test_a_search_goes_on_below_its_page),
      cmocka_unit_test(test_what_was_redacted_or_erased_is_not_found),
      cmocka_unit_test(test_an_erased_room_closes_its_members_and_begins_again),
      cmocka_unit_test(test_an_erased_user_is_in_no_page_and_no_recovery),
      cmocka_unit_test(test_unread_is_a_difference_of_ordinals),
      cmocka_unit_test(test_a_position_below_the_floor_counts_as_the_floor),
      cmocka_unit_test(test_a_backup_is_a_new_file),
      cmocka_unit_test(test_a_room_has_a_retention_of_its_own),
      cmocka_unit_test(test_values_are_kept_by_scope_and_key),
      cmocka_unit_test(test_arguments_that_are_excluded_are_refused),
      cmocka_unit_test(test_a_full_storage_is_unavailable_for_values),
      cmocka_unit_test(test_each_allocation_of_a_call_may_fail),
      cmocka_unit_test(test_all_calls_are_closed_when_the_server_ends),
  };
  board_choose(argc, argv);
  workers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
