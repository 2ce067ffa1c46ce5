/* Making rooms: each error, a start that is repeated, the state of the storage, messages that outlive the server. */
#include "board.h"

#include <fcntl.h>
#include <stoa/log.h>
#include <unistd.h>

#include "asking.h"
#include "base/memory.h"
#include "engine/hub.h"
#include "program.h"
#include "room/rooms.h"
#include "server/extension.h"

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/stoa-room-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return 0;
}

static const char *const files[] = {"rooms.db", "rooms.db.lock", "rooms.db-wal", "rooms.db-shm"};

static int remove_folder(void **state) {
  char path[128];
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    unlink(path);
  }
  snprintf(path, sizeof path, "%s/new", folder);
  rmdir(path);
  return rmdir(folder);
}

static struct stoa_server *new_server(void) {
  struct stoa_server *server;
  assert_int_equal(stoa_server_create(NULL, &server), STOA_OK);
  return server;
}

static int create(const struct stoa_rooms_config *config, const char *data_dir) {
  struct stoa_server *server = new_server();
  struct stoa_rooms *rooms = NULL;
  int status = stoa_rooms_create(server, config, data_dir, NULL, &rooms);
  stoa_server_destroy(server);
  stoa_rooms_destroy(rooms);
  return status;
}

static int create_engine(const struct stoa_engine_config *engine, const char *data_dir) {
  const struct stoa_rooms_config config = {.engine = engine};
  return create(&config, data_dir);
}

static void test_options_are_checked(void **state) {
  char long_path[2000];
  const struct stoa_rooms_config bad_create = {.create = 7};
  const struct stoa_engine_config bad_kind = {.kind = 7};
  const struct stoa_local_engine_config durability = {.durability = 7};
  const struct stoa_engine_config bad_durability = {.local = &durability};
  (void)state;
  memset(long_path, 'p', sizeof long_path);
  const struct stoa_local_engine_config path = {.path = {long_path, sizeof long_path}};
  const struct stoa_engine_config bad_path = {.local = &path};
  int64_t blocks = stoa_memory_live_blocks();
  assert_int_equal(create(&bad_create, folder), STOA_E_ARGUMENT);
  assert_int_equal(create_engine(&bad_kind, folder), STOA_E_ARGUMENT);
  assert_int_equal(create_engine(&bad_durability, folder), STOA_E_ARGUMENT);
  assert_int_equal(create_engine(&bad_path, folder), STOA_E_ARGUMENT);
  assert_int_equal(create(NULL, "/proc/nowhere/data"), STOA_E_SYSTEM);
  assert_int_equal(stoa_memory_live_blocks(), blocks);
}

static void test_the_data_folder_is_made(void **state) {
  char path[128];
  (void)state;
  snprintf(path, sizeof path, "%s/new", folder);
  assert_int_equal(create(NULL, path), STOA_OK);
  assert_int_equal(create(NULL, path), STOA_OK);
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    snprintf(path, sizeof path, "%s/new/%s", folder, files[i]);
    unlink(path);
  }
}

static void test_storage_that_is_in_use_or_damaged_is_refused(void **state) {
  struct stoa_server *server = new_server();
  struct stoa_rooms *rooms;
  char path[128];
  (void)state;
  assert_int_equal(stoa_rooms_create(server, NULL, folder, NULL, &rooms), STOA_OK);
  assert_int_equal(create(NULL, folder), STOA_E_EXISTS);
  stoa_server_destroy(server);
  stoa_rooms_destroy(rooms);
  snprintf(path, sizeof path, "%s/rooms.db", folder);
  int fd = open(path, O_WRONLY | O_TRUNC);
  assert_true(fd >= 0);
  for (int i = 0; i < 200; i++) {
    assert_int_equal(write(fd, "this is no database, but something else", 39), 39);
  }
  close(fd);
  assert_int_equal(create(NULL, folder), STOA_E_SYNTAX);
}

static void test_a_server_has_rooms_a_bounded_number_of_times(void **state) {
  const struct stoa_engine_config engine = {.kind = STOA_ENGINE_CONFIG_KIND_MEMORY};
  const struct stoa_rooms_config config = {.engine = &engine};
  struct stoa_server *server = new_server();
  struct stoa_rooms *rooms[STOA_EXTENSIONS_MAX + 1];
  (void)state;
  for (size_t i = 0; i <= STOA_EXTENSIONS_MAX; i++) {
    int status = stoa_rooms_create(server, &config, NULL, NULL, &rooms[i]);
    assert_int_equal(status, i < STOA_EXTENSIONS_MAX ? STOA_OK : STOA_E_LIMIT);
  }
  stoa_server_destroy(server);
  for (size_t i = 0; i < STOA_EXTENSIONS_MAX; i++) {
    stoa_rooms_destroy(rooms[i]);
  }
}

static void test_types_are_checked(void **state) {
  const struct stoa_engine_config engine = {.kind = STOA_ENGINE_CONFIG_KIND_MEMORY};
  const struct stoa_rooms_config config = {.engine = &engine};
  struct stoa_server *server = new_server();
  struct stoa_rooms *rooms;
  struct stoa_room_type type = {.type = 1, .message_type = &board_v1_post_message_type};
  (void)state;
  assert_int_equal(stoa_rooms_create(server, &config, NULL, NULL, &rooms), STOA_OK);
  assert_int_equal(stoa_rooms_add_type(rooms, &type), STOA_OK);
  assert_int_equal(stoa_rooms_add_type(rooms, &type), STOA_E_EXISTS);
  type.type = 0x40000000;
  assert_int_equal(stoa_rooms_add_type(rooms, &type), STOA_E_ARGUMENT);
  type = (struct stoa_room_type){.type = 2};
  assert_int_equal(stoa_rooms_add_type(rooms, &type), STOA_E_ARGUMENT);
  stoa_server_destroy(server);
  stoa_rooms_destroy(rooms);
}

static void test_every_allocation_of_making_rooms_may_fail(void **state) {
  const struct stoa_engine_config engine = {.kind = STOA_ENGINE_CONFIG_KIND_MEMORY};
  const struct stoa_rooms_config config = {.engine = &engine};
  struct stoa_server *server = new_server();
  struct stoa_rooms *rooms = NULL;
  int64_t blocks = stoa_memory_live_blocks();
  (void)state;
  int status = STOA_E_MEMORY;
  for (uint64_t n = 1; status != STOA_OK; n++) {
    stoa_memory_fail_at(n, false);
    status = stoa_rooms_create(server, &config, NULL, NULL, &rooms);
    stoa_memory_fail_at(0, false);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY);
    assert_true(status == STOA_OK || stoa_memory_live_blocks() == blocks);
    assert_true(n < 100);
  }
  stoa_server_destroy(server);
  stoa_rooms_destroy(rooms);
}

static int starts_left;

static int refuse_start(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)server;
  return worker == 1 && starts_left-- > 0 ? STOA_E_DENIED : STOA_OK;
}

static void ignore_closing(void *user, struct stoa_session *session) {
  (void)user;
  (void)session;
}

static void ignore_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)server;
  (void)worker;
}

static void test_a_start_that_failed_can_be_repeated(void **state) {
  static const struct stoa_string addresses[] = {STOA_STR("127.0.0.1:0")};
  const struct stoa_server_config config = {.addresses = {addresses, 1}, .workers = 2};
  const struct stoa_extension extension = {
      .on_worker_start = refuse_start, .on_closing = ignore_closing, .on_worker_stop = ignore_stop};
  struct board board = {0};
  struct board_client ann;
  (void)state;
  assert_int_equal(stoa_server_create(&config, &board.server), STOA_OK);
  assert_int_equal(stoa_rooms_create(board.server, NULL, folder, NULL, &board.rooms), STOA_OK);
  assert_int_equal(stoa_server_extend(board.server, &extension), STOA_OK);
  program_register(&board);
  starts_left = 1;
  assert_int_equal(stoa_server_start(board.server), STOA_E_DENIED);
  assert_int_equal(stoa_server_start(board.server), STOA_OK);
  board.address = stoa_server_address(board.server, 0);
  board_connect(&board, &ann, "stoa.json");
  board_store(&ann, "hall", "x", NULL);
  board_disconnect(&ann);
  stoa_server_destroy(board.server);
  stoa_rooms_destroy(board.rooms);
}

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  char text[64];
} told = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, ""};

static void on_storage(void *user, const char *state, const char *reason) {
  assert_int_equal(stoa_worker_index(user), 0);
  pthread_mutex_lock(&told.mutex);
  snprintf(told.text, sizeof told.text, "%s: %s", state, reason);
  pthread_cond_signal(&told.changed);
  pthread_mutex_unlock(&told.mutex);
}

static void expect_told(const char *text) {
  pthread_mutex_lock(&told.mutex);
  while (strcmp(told.text, text) != 0) {
    pthread_cond_wait(&told.changed, &told.mutex);
  }
  pthread_mutex_unlock(&told.mutex);
}

static void test_the_program_is_told_of_the_state_of_the_storage(void **state) {
  static const struct stoa_string addresses[] = {STOA_STR("127.0.0.1:0")};
  const struct stoa_engine_config engine = {.kind = STOA_ENGINE_CONFIG_KIND_MEMORY};
  const struct stoa_rooms_config rooms_config = {.engine = &engine};
  const struct stoa_server_config config = {.addresses = {addresses, 1}, .workers = 2};
  struct stoa_server *server;
  struct stoa_rooms *rooms;
  const char *reason;
  (void)state;
  assert_int_equal(stoa_server_create(&config, &server), STOA_OK);
  const struct stoa_rooms_callbacks callbacks = {.on_storage = on_storage, .user = server};
  assert_int_equal(stoa_rooms_create(server, &rooms_config, NULL, &callbacks, &rooms), STOA_OK);
  assert_int_equal(stoa_server_start(server), STOA_OK);
  assert_string_equal(stoa_rooms_storage_state(rooms, &reason), "up");
  assert_string_equal(reason, "");
  stoa_engine_hub_set_state(rooms->engine, STOA_ENGINE_DEGRADED, "the disk is full");
  expect_told("degraded: the disk is full");
  assert_string_equal(stoa_rooms_storage_state(rooms, &reason), "degraded");
  assert_string_equal(reason, "the disk is full");
  stoa_engine_hub_set_state(rooms->engine, STOA_ENGINE_DOWN, "gone");
  expect_told("down: gone");
  stoa_engine_hub_set_state(rooms->engine, STOA_ENGINE_UP, "");
  expect_told("up: ");
  stoa_server_destroy(server);
  stoa_rooms_destroy(rooms);
}

static void test_stored_messages_outlive_the_server(void **state) {
  struct board board;
  struct board_client ann;
  struct board_options options = {.workers = 2};
  (void)state;
  char kind[] = "local";
  char *arguments[] = {kind, kind};
  board_choose(2, arguments);
  board_start(&board, &options);
  char kept[64];
  snprintf(kept, sizeof kept, "%s", board.folder);
  board_connect(&board, &ann, "stoa.json");
  struct board_sent first = board_store(&ann, "hall", "1", "id 1");
  struct board_sent last = board_store(&ann, "hall", "2", "id 2");
  board_disconnect(&ann);
  board_stop_and_keep(&board);
  options.folder = kept;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.proto");
  struct board_sent again = board_sent(&ann, board_send(&ann, "hall", "2", "id 2"));
  assert_string_equal(again.status, "DUPLICATE");
  assert_int_equal(again.offset, last.offset);
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", first.epoch, first.offset, 5);
  assert_true(joined->recovered);
  assert_int_equal(board_expect_post(&ann, "2"), last.offset);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_names_of_statuses(void **state) {
  (void)state;
  assert_string_equal(stoa_room_status_name(STOA_ROOM_OK), "OK");
  assert_string_equal(stoa_room_status_name(STOA_ROOM_CLOSED), "CLOSED");
  assert_string_equal(stoa_room_status_name((enum stoa_room_status)99), "unknown");
}

static const char *page_path; /* docs/metrics.md */

static const struct stoa_server_config *observed_config(void) {
  static const struct stoa_string addresses[] = {STOA_STR("127.0.0.1:0")};
  static const struct stoa_admin_config admin = {.address = STOA_STR("127.0.0.1:0")};
  static const struct stoa_server_config config = {.addresses = {addresses, 1}, .workers = 2, .admin = &admin};
  return &config;
}

static void test_a_server_is_not_ready_while_its_storage_is_not_up(void **state) {
  struct stoa_server *server;
  struct stoa_rooms *rooms;
  (void)state;
  assert_int_equal(stoa_server_create(observed_config(), &server), STOA_OK);
  assert_int_equal(stoa_rooms_create(server, NULL, folder, NULL, &rooms), STOA_OK);
  assert_int_equal(stoa_server_start(server), STOA_OK);
  const char *address = stoa_server_address(server, 1);
  const struct http_answer *got = http_request(address, "GET", "/readyz", NULL, NULL);
  assert_int_equal(got->status, 200);
  assert_non_null(strstr(got->body, "storage: ok\n"));
  stoa_engine_hub_set_state(rooms->engine, STOA_ENGINE_DEGRADED, "the disk is full");
  got = http_request(address, "GET", "/readyz", NULL, NULL);
  assert_int_equal(got->status, 503);
  assert_non_null(strstr(got->body, "storage: the disk is full\n"));
  stoa_server_destroy(server);
  stoa_rooms_destroy(rooms);
}

static char *read_metrics_page(void) {
  FILE *file = fopen(page_path, "r");
  char *text = calloc(1, 65536);
  assert_non_null(file);
  assert_non_null(text);
  assert_true(fread(text, 1, 65535, file) > 1000);
  fclose(file);
  return text;
}

/* "# HELP name text": the page has a row with both. */
static void expect_described(const char *page, const char *line) {
  char name[128];
  char cell[160];
  const char *text = strchr(line, ' ');
  snprintf(name, sizeof name, "%.*s", (int)(text - line), line);
  snprintf(cell, sizeof cell, "\n| `%s` |", name);
  const char *row = strstr(page, cell);
  size_t len = strcspn(text + 1, "\n");
  assert_non_null(row);
  const char *found = memmem(row + 1, strcspn(row + 1, "\n"), text + 1, len);
  assert_non_null(found);
}

static void test_rooms_and_their_storage_have_metrics_which_are_described(void **state) {
  struct stoa_server *server;
  struct stoa_rooms *rooms;
  (void)state;
  assert_int_equal(stoa_server_create(observed_config(), &server), STOA_OK);
  assert_int_equal(stoa_rooms_create(server, NULL, folder, NULL, &rooms), STOA_OK);
  assert_int_equal(stoa_server_start(server), STOA_OK);
  const struct http_answer *got = http_request(stoa_server_address(server, 1), "GET", "/metrics", NULL, NULL);
  assert_int_equal(got->status, 200);
  assert_non_null(strstr(got->body, "\nstoa_storage_state{state=\"up\"} 1\n"));
  assert_non_null(strstr(got->body, "\nstoa_room_joins_total{result=\"recovered\"} 0\n"));
  assert_non_null(strstr(got->body, "\nstoa_storage_messages_total 0\n"));
  char *page = read_metrics_page();
  int count = 0;
  for (const char *at = got->body; (at = strstr(at, "# HELP stoa_")) != NULL; at++) {
    const char *name = at + strlen("# HELP ");
    if (strncmp(name, "stoa_room", 9) == 0 || strncmp(name, "stoa_storage", 12) == 0) {
      expect_described(page, name);
      count++;
    }
  }
  assert_int_equal(count, 18);
  free(page);
  stoa_server_destroy(server);
  stoa_rooms_destroy(rooms);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_options_are_checked, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_the_data_folder_is_made, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_storage_that_is_in_use_or_damaged_is_refused, make_folder, remove_folder),
      cmocka_unit_test(test_a_server_has_rooms_a_bounded_number_of_times),
      cmocka_unit_test(test_types_are_checked),
      cmocka_unit_test(test_every_allocation_of_making_rooms_may_fail),
      cmocka_unit_test_setup_teardown(test_a_start_that_failed_can_be_repeated, make_folder, remove_folder),
      cmocka_unit_test(test_the_program_is_told_of_the_state_of_the_storage),
      cmocka_unit_test(test_stored_messages_outlive_the_server),
      cmocka_unit_test_setup_teardown(test_a_server_is_not_ready_while_its_storage_is_not_up, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(test_rooms_and_their_storage_have_metrics_which_are_described, make_folder,
                                      remove_folder),
      cmocka_unit_test(test_names_of_statuses),
  };
  page_path = argc > 1 ? argv[1] : "docs/metrics.md";
  stoa_log_setup(STDERR_FILENO, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
