/* The local engine on a disk that loses what was not synced: kills, power cuts, full disks, failed syncs, from seeds.
 *
 * What must hold after every restart: acknowledged messages are there, at their offsets, with their bodies; offsets
 * strictly increase; no id is stored twice; whatever a sink was shown is there too; what was refused is not.
 *
 * test_engine_power [FIRST [LAST]] runs other seeds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/local/local.h"
#include "kit.h"
#include "vfs/vfs.h"

#define ROOMS 3
#define SENDS_MAX 1200
#define SEEDS_DEFAULT 60

/* One thing that a client wants to send: it sends again until it knows. */
struct wish {
  struct kit_answer *answer; /* NULL: nothing is under way */
  uint32_t room;
  bool is_known; /* stored */
  bool may_be;   /* no answer, or UNKNOWN: stored or not */
  uint64_t epoch, offset;
};

static struct kit kit;
static struct wish wishes[SENDS_MAX];
static uint32_t wish_count;
static enum stoa_local_durability durability;
static uint64_t first_seed, last_seed;
static uint64_t running_seed;
static uint32_t boots;

static const char *const room_names[ROOMS] = {"a", "b", "c"};

static int random_bytes(void *data, size_t len) {
  for (size_t i = 0; i < len; i++) {
    ((uint8_t *)data)[i] = (uint8_t)vfs_random(256);
  }
  return STOA_OK;
}

#define MUST(condition)                                                        \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fail_msg("seed %llu: %s", (unsigned long long)running_seed, #condition); \
    }                                                                          \
  } while (0)

static bool open_engine(void) {
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1];
  char boot_id[16];
  snprintf(boot_id, sizeof boot_id, "boot-%u", boots);
  const struct stoa_local_engine_options options = {.path = "rooms.db",
                                                    .durability = durability,
                                                    .clock = &kit.clock,
                                                    .is_stepped = true,
                                                    .random = random_bytes,
                                                    .vfs = VFS_NAME,
                                                    .boot_id = boot_id,
                                                    .text = kit_text};
  int status = stoa_local_engine_open(&options, &kit.engine, reason);
  if (status != STOA_OK) {
    fail_msg("seed %llu: %s", (unsigned long long)running_seed, reason);
  }
  kit_attach(&kit);
  for (int i = 0; i < ROOMS; i++) {
    struct kit_answer answer;
    memset(&answer, 0, sizeof answer);
    stoa_engine_subscribe(kit.ports[0].port, stoa_string_of(room_names[i]), kit_done, &answer);
    kit_await(&kit, &answer);
    MUST(answer.told.status == STOA_ENGINE_OK);
  }
  return true;
}

/* Sending. */

static void look_at(struct wish *wish) {
  struct kit_answer *answer = wish->answer;
  if (answer == NULL || answer->calls == 0) {
    return;
  }
  if (answer->told.status == STOA_ENGINE_OK || answer->told.status == STOA_ENGINE_DUPLICATE) {
    wish->is_known = true;
    wish->epoch = answer->told.epoch;
    wish->offset = answer->told.offset;
  }
  wish->may_be |= answer->told.status == STOA_ENGINE_UNKNOWN;
  free(answer);
  wish->answer = NULL;
}

static void look_at_all(void) {
  for (uint32_t i = 0; i < wish_count; i++) {
    look_at(&wishes[i]);
  }
}

static void send_wish(uint32_t i) {
  char id[16];
  char body[400];
  struct wish *wish = &wishes[i];
  if (wish->answer != NULL || wish->is_known) {
    return;
  }
  wish->answer = calloc(1, sizeof *wish->answer);
  snprintf(id, sizeof id, "%u", i);
  memset(body, 'x', sizeof body);
  snprintf(body, sizeof body - (i * 37) % 300, "body of %u ", i);
  kit_begin_publish(&kit, room_names[wish->room], "ann", id, body, wish->answer);
}

static void send_some(void) {
  uint32_t count = 1 + vfs_random(8);
  for (uint32_t i = 0; i < count && wish_count < SENDS_MAX; i++) {
    wishes[wish_count] = (struct wish){.room = vfs_random(ROOMS)};
    send_wish(wish_count++);
  }
  for (uint32_t i = 0; i < 4 && wish_count > 0; i++) {
    send_wish(vfs_random(wish_count));
  }
}

/* What is there. */

static void check_message(const struct stoa_engine_message *message, uint32_t *seen_ids, uint32_t room) {
  char id[16];
  size_t len = message->draft.client_msg_id.len;
  MUST(len > 0 && len < sizeof id);
  memcpy(id, message->draft.client_msg_id.data, len);
  id[len] = '\0';
  uint32_t i = (uint32_t)atoi(id);
  MUST(i < wish_count);
  MUST(wishes[i].room == room);
  MUST(seen_ids[i]++ == 0);
  /* UNAVAILABLE and BUSY mean that it is not stored. */
  MUST(wishes[i].is_known || wishes[i].may_be || wishes[i].answer != NULL);
  MUST(!wishes[i].is_known || wishes[i].epoch != message->place.epoch || wishes[i].offset == message->place.offset);
}

static void check_sunk(struct stoa_engine_message *const *found, uint32_t count, uint32_t room) {
  for (uint32_t i = 0; i < kit.ports[0].seen_count; i++) {
    const struct stoa_engine_message *shown = kit.ports[0].seen[i];
    if (!stoa_string_equal(shown->room, stoa_string_of(room_names[room]))) {
      continue;
    }
    uint64_t offset = shown->place.offset;
    MUST(offset >= 1 && offset <= count);
    MUST(stoa_string_equal(found[offset - 1]->draft.client_msg_id, shown->draft.client_msg_id));
  }
}

static void check_room(uint32_t room, uint32_t *seen_ids, bool is_cut) {
  static struct kit_answer page;
  static struct stoa_engine_message *found[SENDS_MAX];
  uint32_t count = 0;
  uint64_t epoch = 0;
  do {
    const struct stoa_engine_query query = {
        .room = stoa_string_of(room_names[room]), .is_forward = true, .since = count, .limit = 500};
    kit_history(&kit, &query, &page);
    MUST(page.told.status == STOA_ENGINE_OK);
    epoch = page.told.epoch;
    for (uint32_t i = 0; i < page.told.message_count; i++) {
      MUST(page.messages[i]->place.offset == count + 1);
      check_message(page.messages[i], seen_ids, room);
      found[count++] = stoa_engine_message_ref(page.messages[i]);
    }
    bool is_complete = page.told.is_complete;
    kit_forget(&page);
    if (is_complete) {
      break;
    }
  } while (true);
  if (durability == STOA_LOCAL_FULL || !is_cut) {
    check_sunk(found, count, room);
  }
  for (uint32_t i = 0; i < wish_count; i++) {
    if (wishes[i].is_known && wishes[i].room == room) {
      bool is_there = seen_ids[i] == 1 && wishes[i].epoch == epoch;
      MUST(is_there || durability == STOA_LOCAL_NORMAL);
      /* Under `normal` what is missing is told by a new epoch. */
      MUST(is_there || wishes[i].epoch != epoch);
      wishes[i].is_known = is_there;
      wishes[i].may_be |= !is_there; /* perhaps under the new epoch */
    }
  }
  for (uint32_t i = 0; i < count; i++) {
    stoa_engine_message_unref(found[i]);
  }
}

static void check(bool is_cut) {
  static uint32_t seen_ids[SENDS_MAX];
  memset(seen_ids, 0, sizeof seen_ids);
  for (uint32_t room = 0; room < ROOMS; room++) {
    check_room(room, seen_ids, is_cut);
  }
}

/* Sinks: no hole, no duplicate between two restarts. */
static void check_order(void) {
  uint64_t last[ROOMS] = {0};
  for (uint32_t i = 0; i < kit.ports[0].seen_count; i++) {
    const struct stoa_engine_message *message = kit.ports[0].seen[i];
    uint32_t room = (uint32_t)(message->room.data[0] - 'a');
    MUST(last[room] == 0 || message->place.prev == last[room]);
    last[room] = message->place.offset;
  }
  MUST(kit.ports[0].gaps == 0);
}

/* Restarting. */

static void forget_seen(void) {
  for (uint32_t i = 0; i < kit.ports[0].seen_count; i++) {
    stoa_engine_message_unref(kit.ports[0].seen[i]);
  }
  kit.ports[0].seen_count = 0;
}

static void restart(bool is_cut) {
  look_at_all();
  vfs_kill();
  /* What the dead process says is heard by nobody. */
  struct kit_port shown = kit.ports[0];
  kit.ports[0].seen_count = 0;
  stoa_engine_close(kit.engine);
  for (int i = 0; i < KIT_PORTS; i++) {
    stoa_loop_turn(kit.ports[i].loop, 0);
  }
  stoa_engine_destroy(kit.engine);
  forget_seen();
  memcpy(kit.ports[0].seen, shown.seen, sizeof shown.seen);
  kit.ports[0].seen_count = shown.seen_count;
  kit.ports[0].gaps = 0;
  for (uint32_t i = 0; i < wish_count; i++) {
    wishes[i].may_be |= wishes[i].answer != NULL;
    free(wishes[i].answer);
    wishes[i].answer = NULL;
  }
  vfs_restart(is_cut);
  boots += is_cut ? 1 : 0;
  open_engine();
  check(is_cut);
  forget_seen();
}

static void inject(void) {
  static const enum vfs_fault faults[] = {VFS_FULL, VFS_WRITE_FAILS, VFS_SYNC_FAILS};
  vfs_fail(faults[vfs_random(3)], 1 + vfs_random(12), 1 + vfs_random(3));
}

static void act(void) {
  uint32_t choice = vfs_random(100);
  if (choice < 40) {
    send_some();
  } else if (choice < 85) {
    for (uint32_t i = vfs_random(6); i > 0; i--) {
      stoa_engine_run_one(kit.engine);
    }
    kit_advance_ms(&kit, vfs_random(40));
  } else if (choice < 93) {
    stoa_loop_turn(kit.ports[0].loop, 0);
    look_at_all();
    check_order();
  } else if (choice < 97) {
    inject();
  } else {
    stoa_loop_turn(kit.ports[0].loop, 0);
    restart(vfs_random(2) == 0);
  }
}

/* In the end every wish comes true, without a restart. */
static void finish(void) {
  vfs_fail(VFS_NO_FAULT, 0, 0);
  for (int round = 0; round < 40; round++) {
    for (uint32_t i = 0; i < wish_count; i++) {
      send_wish(i);
    }
    kit_advance_ms(&kit, 6000);
    kit_settle(&kit);
    look_at_all();
  }
  for (uint32_t i = 0; i < wish_count; i++) {
    MUST(wishes[i].is_known);
  }
  check_order();
  check(false);
  MUST(stoa_engine_state(kit.engine, NULL) == STOA_ENGINE_UP);
}

static void run_seed(uint64_t seed) {
  running_seed = seed;
  vfs_begin(seed);
  wish_count = 0;
  kit_begin(&kit);
  open_engine();
  for (int i = 0; i < 300; i++) {
    act();
  }
  finish();
  kit_end(&kit);
  vfs_end();
}

static void run_seeds(void) {
  for (uint64_t seed = first_seed; seed <= last_seed; seed++) {
    run_seed(seed);
  }
}

static void nothing_acknowledged_is_lost_under_full(void **state) {
  (void)state;
  durability = STOA_LOCAL_FULL;
  run_seeds();
}

static void what_normal_loses_at_a_power_cut_is_told_by_new_epochs(void **state) {
  (void)state;
  durability = STOA_LOCAL_NORMAL;
  run_seeds();
}

int main(int argc, char **argv) {
  first_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  last_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? first_seed : SEEDS_DEFAULT;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_acknowledged_is_lost_under_full),
      cmocka_unit_test(what_normal_loses_at_a_power_cut_is_told_by_new_epochs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
