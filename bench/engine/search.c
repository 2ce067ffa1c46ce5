/* bench/engine/search: how long the local engine searches for a page.
 *
 *   bench-search FOLDER [MESSAGES [ROUNDS]]
 *
 * A database of a million messages is filled once, and kept in the folder: one room has most of them, one has two
 * percent, one has 2,000. Texts are words of a skewed distribution, some in Chinese, some with an emoji. Each search is
 * repeated with different words and positions; the processor time of the process is printed (median, 99th percentile,
 * worst), how many messages were found, and how many of the searches had looked at all.
 */
#include "base/clock.h"
#include "engine/local/local.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT 512
#define PAGE 50
#define ROUNDS_MAX 10000

static const char *const common[] = {"the",   "and",    "you",  "that", "what", "with", "have",
                                     "this",  "tea",    "for",  "when", "from", "they", "message",
                                     "hello", "server", "time", "see",  "good", "about"};
static const char *const chinese[] = {"今天天气很好",   "我们明天见面吧", "这个问题已经解决了", "请把文件发给我",
                                      "服务器重新启动", "谢谢你的帮助",   "大家早上好",         "消息没有丢失"};
static const char *const emoji[] = {"\xf0\x9f\x8d\xb5", "\xf0\x9f\x98\x80", "\xf0\x9f\x91\x8d", "\xf0\x9f\x8e\x89"};

static uint64_t message_count = 1000000;
static unsigned rounds = 300;
static struct stoa_loop *loop;
static struct stoa_engine *engine;
static struct stoa_engine_port *port;
static uint64_t random_state = 88172645463325252u;

static void must(bool is_fine, const char *what) {
  if (!is_fine) {
    fprintf(stderr, "bench-search: %s failed\n", what);
    exit(1);
  }
}

static uint64_t next_random(uint64_t below) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % below;
}

/* Texts. */

static size_t add_word(char *text, size_t len) {
  uint64_t kind = next_random(10);
  char word[32];
  if (kind < 6) {
    snprintf(word, sizeof word, "%s ", common[next_random(sizeof common / sizeof common[0])]);
  } else if (kind < 9) { /* of 10,000 */
    uint64_t number = next_random(100) * next_random(100);
    snprintf(word, sizeof word, "%c%c%c%c%llu ", 'a' + (char)(number % 26), 'a' + (char)(number / 7 % 26),
             'a' + (char)(number / 31 % 26), 'a' + (char)(number / 101 % 26), (unsigned long long)number % 100);
  } else {
    snprintf(word, sizeof word, "w%llu ", (unsigned long long)next_random(1000000000));
  }
  memcpy(text + len, word, strlen(word));
  return len + strlen(word);
}

static size_t make_text(uint64_t number, char *text) {
  size_t len = 0;
  if (number % 5 == 0) {
    for (int i = 0; i < 3; i++) {
      const char *part = chinese[next_random(sizeof chinese / sizeof chinese[0])];
      memcpy(text + len, part, strlen(part));
      len += strlen(part);
    }
  }
  for (uint64_t words = 4 + next_random(12); words > 0; words--) {
    len = add_word(text, len);
  }
  if (number % 50 == 0) {
    const char *part = emoji[next_random(sizeof emoji / sizeof emoji[0])];
    memcpy(text + len, part, strlen(part));
    len += strlen(part);
  }
  if (number % 100003 == 7) {
    static const char rare[] = "chrysanthemum";
    memcpy(text + len, rare, sizeof rare - 1);
    len += sizeof rare - 1;
  }
  return len;
}

static bool read_text(void *context, uint32_t type, struct stoa_bytes body, struct stoa_string *out_text) {
  (void)context;
  (void)type;
  *out_text = stoa_string_make((const char *)body.data, body.len);
  return true;
}

/* The engine. */

static void open_engine(const char *folder) {
  static char path[512];
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1] = "";
  const struct stoa_engine_sink sink = {.context = NULL};
  snprintf(path, sizeof path, "%s/search.db", folder);
  const struct stoa_local_engine_options options = {
      .path = path, .clock = &stoa_clock_system, .durability = STOA_LOCAL_NORMAL, .text = {.read = read_text}};
  must(stoa_loop_create(&stoa_clock_system, &loop) == STOA_OK, "loop");
  must(stoa_local_engine_open(&options, &engine, reason) == STOA_OK, reason);
  must(stoa_engine_attach(engine, loop, &sink, &port) == STOA_OK, "attach");
}

static void close_engine(void) {
  stoa_engine_close(engine);
  stoa_loop_destroy(loop);
  stoa_engine_destroy(engine);
}

/* Filling. */

static unsigned in_flight;

static void on_stored(void *context, const struct stoa_engine_answer *answer) {
  (void)context;
  must(answer->status == STOA_ENGINE_OK, stoa_engine_status_text(answer->status));
  in_flight--;
}

static const char *room_of(uint64_t number) {
  return number % 500 == 3 ? "small" : number % 50 == 4 ? "middle" : "big";
}

static void fill(uint64_t have) {
  char text[2048];
  for (uint64_t i = 0; i < message_count; i++) {
    size_t len = make_text(i, text); /* also of those that are there, so that the texts are the same */
    if (i < have) {
      continue;
    }
    const struct stoa_engine_draft draft = {
        .kind = STOA_ENGINE_CHAT, .sender = STOA_STR("ann"), .body = stoa_bytes_make(text, len)};
    must(stoa_engine_publish(port, stoa_string_of(room_of(i)), &draft, on_stored, NULL) == STOA_OK, "publish");
    in_flight++;
    while (in_flight >= IN_FLIGHT) {
      stoa_loop_turn(loop, -1);
    }
  }
  while (in_flight > 0) {
    stoa_loop_turn(loop, -1);
  }
}

/* Searching. */

static struct {
  bool is_done;
  uint32_t count;
  bool is_complete;
  uint64_t top, continue_before;
} found;

static void on_found(void *context, const struct stoa_engine_answer *answer) {
  (void)context;
  must(answer->status == STOA_ENGINE_OK, stoa_engine_status_text(answer->status));
  found.is_done = true;
  found.count = answer->message_count;
  found.is_complete = answer->is_complete;
  found.top = answer->top;
  found.continue_before = answer->continue_before;
}

static void await(void) {
  while (!found.is_done) {
    stoa_loop_turn(loop, -1);
  }
}

/* Of this process: what a search costs one core, also on a machine that others use. */
static uint64_t processor_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double search(const char *room, const char *text, uint64_t before) {
  found.is_done = false;
  uint64_t start_ns = processor_ns();
  must(stoa_engine_search(port, stoa_string_of(room), &(struct stoa_engine_wanted){stoa_string_of(text), before, PAGE},
                          on_found, NULL) == STOA_OK,
       "search");
  await();
  return (double)(processor_ns() - start_ns) / 1e6;
}

static uint64_t top_of(const char *room) {
  const struct stoa_engine_query query = {.room = stoa_string_of(room), .limit = 1};
  found.is_done = false;
  must(stoa_engine_history(port, &query, on_found, NULL) == STOA_OK, "history");
  await();
  return found.top;
}

static int compare(const void *a, const void *b) {
  double one = *(const double *)a;
  double other = *(const double *)b;
  return (one > other) - (one < other);
}

struct kind {
  const char *name, *room;
  const char *const *texts;
  size_t count;
};

static void measure(const struct kind *kind) {
  static double times[ROUNDS_MAX];
  uint64_t top = top_of(kind->room);
  uint64_t matches = 0;
  unsigned complete = 0;
  for (unsigned i = 0; i < rounds; i++) {
    uint64_t before = i % 2 == 0 ? 0 : 1 + next_random(top);
    times[i] = search(kind->room, kind->texts[i / 2 % kind->count], before);
    matches += found.count;
    complete += found.is_complete ? 1 : 0;
  }
  qsort(times, rounds, sizeof times[0], compare);
  printf("| %-44s | %6.2f | %6.2f | %6.2f | %5.1f | %3.0f %% |\n", kind->name, times[rounds / 2],
         times[rounds * 99 / 100], times[rounds - 1], (double)matches / rounds, 100.0 * complete / rounds);
  fflush(stdout);
}

static void measure_all(void) {
  static const char *const three[] = {"the", "and", "tea", "ess"};
  static const char *const words[] = {"message", "server", "hello"};
  static const char *const rare[] = {"chrysanthemum"};
  static const char *const absent[] = {"messagethe", "andthat", "heserver", "whatwhat"};
  static const char *const one[] = {"天", "服", "谢"};
  static const char *const two[] = {"天气", "今天"};
  static const char *const absent_one[] = {"鑫", "猫"};
  static const char *const three_chinese[] = {"服务器", "文件发"};
  static const char *const of_emoji[] = {"\xf0\x9f\x8d\xb5", "\xf0\x9f\x98\x80"};
  static const char *const letters[] = {"e", "th"};
  static const struct kind kinds[] = {
      {"three letters that are common", "big", three, 4},
      {"a common word", "big", words, 3},
      {"a rare word", "big", rare, 1},
      {"no match, of common pieces", "big", absent, 4},
      {"one or two letters", "big", letters, 2},
      {"one Chinese character", "big", one, 3},
      {"two Chinese characters", "big", two, 2},
      {"three Chinese characters", "big", three_chinese, 2},
      {"one Chinese character, no match", "big", absent_one, 2},
      {"an emoji", "big", of_emoji, 2},
      {"a common word in a room of 2 %", "middle", words, 3},
      {"a rare word in a room of 2 %", "middle", rare, 1},
      {"no match in a room of 2 %", "middle", absent, 4},
      {"a common word in a room of 2,000", "small", words, 3},
      {"a rare word in a room of 2,000", "small", rare, 1},
      {"one Chinese character in a room of 2,000", "small", one, 3},
  };
  printf("| %-44s | %6s | %6s | %6s | %5s | %5s |\n", "milliseconds for a page", "median", "p99", "worst", "found",
         "all");
  printf("| --- | ---: | ---: | ---: | ---: | ---: |\n");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    measure(&kinds[i]);
  }
}

static uint64_t count_indexed(const char *folder) {
  char path[512];
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  uint64_t count = 0;
  snprintf(path, sizeof path, "%s/search.db", folder);
  bool is_fine =
      sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
      sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = 'indexed'", -1, &statement, NULL) == SQLITE_OK;
  if (is_fine && sqlite3_step(statement) == SQLITE_ROW) {
    count = (uint64_t)sqlite3_column_int64(statement, 0);
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return count;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: bench-search FOLDER [MESSAGES [ROUNDS]]\n");
    return 2;
  }
  message_count = argc > 2 ? strtoull(argv[2], NULL, 10) : message_count;
  rounds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : rounds;
  rounds = rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds < 1 ? 1 : rounds;
  open_engine(argv[1]);
  fill(top_of("big") + top_of("middle") + top_of("small"));
  /* Let the index take what it does not have yet; the newest are looked at one by one, as in a server. */
  while (count_indexed(argv[1]) + 2000 < message_count) {
    sleep(1);
  }
  measure_all();
  close_engine();
  return 0;
}
