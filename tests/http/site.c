#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "site.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
/* So many turns in which nothing comes mean that nothing will. */
#define QUIET_TURNS 4

struct site site;
static char answer[ANSWER_MAX + 1];
static size_t answer_len;

/* The host. */

static struct site_client *client_of(struct stoa_stream *stream) {
  return (struct site_client *)(void *)stream;
}

static void note_queued(void) {
  for (unsigned i = 0; i < site.count; i++) {
    size_t queued = site.clients[i]->open ? stoa_stream_queued(&site.clients[i]->stream) : 0;
    site.queued_max = queued > site.queued_max ? queued : site.queued_max;
  }
}

static void on_request(struct stoa_stream *stream, const struct stoa_http_head *head, int code, const uint8_t *data) {
  client_of(stream)->requests++;
  if (site.on_request != NULL) {
    site.on_request(stream, head, code, data);
  } else if (code != 200) {
    stoa_http_refuse(stream, &(struct stoa_http_refusal){.code = code, .head_only = head->method == STOA_HTTP_HEAD});
  } else {
    stoa_files_answer(&site.files, stream, head, data, false);
  }
  note_queued();
}

static void release(struct stoa_deferred *deferred) {
  struct site_client *client = stoa_container_of(deferred, struct site_client, release);
  stoa_stream_fini(&client->stream);
  client->open = false;
}

static void on_end(struct stoa_stream *stream) {
  client_of(stream)->release.run = release;
  stoa_loop_defer(site.streams.loop, &client_of(stream)->release);
}

static void on_deadline_change(struct stoa_stream *stream, uint64_t due_ms) {
  struct site_client *client = client_of(stream);
  client->due_ms = due_ms < client->due_ms ? due_ms : client->due_ms;
}

static void on_turn_end(void *context) {
  (void)context;
  stoa_stream_host_run_ready(&site.streams);
  note_queued();
  stoa_turn_end(&site.streams.turn);
}

void site_turn(void) {
  stoa_loop_turn(site.streams.loop, 0);
}

void site_turns(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    site_turn();
  }
}

void site_advance_ms(uint64_t ms) {
  site.time.monotonic_ns += ms * 1000000;
  site_turn();
  uint64_t now_ms = stoa_loop_now_ms(site.streams.loop);
  for (unsigned i = 0; i < site.count; i++) {
    struct site_client *client = site.clients[i];
    if (client->open && client->due_ms <= now_ms) {
      client->due_ms = stoa_http_on_deadline(&client->stream, now_ms);
    }
  }
  site_turn();
}

/* The folder. */

const char *site_path(const char *path) {
  static char full[2][512];
  static unsigned which;
  which ^= 1;
  snprintf(full[which], sizeof full[which], "%s/%s", site.folder, path);
  return full[which];
}

void site_write(const char *path, const char *text) {
  FILE *file = fopen(site_path(path), "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
}

void site_write_large(const char *path, size_t size) {
  FILE *file = fopen(site_path(path), "w");
  assert_non_null(file);
  for (uint32_t i = 0; i < size / 4; i++) {
    assert_int_equal(fwrite(&i, sizeof i, 1, file), 1);
  }
  assert_int_equal(fclose(file), 0);
}

void site_make_folder(const char *path) {
  assert_int_equal(mkdir(site_path(path), 0755), 0);
}

void site_link(const char *target, const char *path) {
  assert_int_equal(symlink(target, site_path(path)), 0);
}

void site_set_time(const char *path, int64_t modified_s) {
  const struct timespec times[2] = {{.tv_sec = modified_s}, {.tv_sec = modified_s}};
  assert_int_equal(utimensat(AT_FDCWD, site_path(path), times, AT_SYMLINK_NOFOLLOW), 0);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info;
  (void)kind;
  (void)place;
  return remove(path);
}

/* Begin and end. */

int site_begin(void **state) {
  (void)state;
  memset(&site, 0, sizeof site);
  site.blocks_before = stoa_memory_live_blocks();
  site.clock = stoa_clock_fake_init(&site.time);
  site.time.monotonic_ns = (UINT32_MAX - 3000ull) * 1000000; /* the low 32 bits go round soon */
  site.time.wall_us = 1800000000ll * 1000000;
  site.limits = (struct stoa_http_limits){16384, 8192, 100};
  site.streams = (struct stoa_stream_host){.queue_bytes_max = SITE_QUEUE_BYTES_MAX,
                                           .on_deadline_change = on_deadline_change,
                                           .scratch = stoa_alloc(STOA_STREAM_SCRATCH_BYTES)};
  site.http = (struct stoa_http_host){.protocol.host = &site.streams,
                                      .limits = &site.limits,
                                      .request_ms = 10000,
                                      .on_request = on_request,
                                      .on_end = on_end};
  assert_int_equal(stoa_loop_create(&site.clock, &site.streams.loop), STOA_OK);
  stoa_stream_host_init(&site.streams);
  stoa_http_host_init(&site.http);
  stoa_loop_on_turn_end(site.streams.loop, on_turn_end, NULL);
  snprintf(site.folder, sizeof site.folder, "/tmp/stoa-test-site-XXXXXX");
  assert_non_null(mkdtemp(site.folder));
  site_make_folder("root");
  site.files.root_fd = -1;
  return stoa_files_init(&site.files, site_path("root"));
}

int site_end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_memory_fail_at(0, false);
  for (unsigned i = 0; i < site.count; i++) {
    if (site.clients[i]->open) {
      stoa_stream_drop(&site.clients[i]->stream);
    }
  }
  site_turns(3);
  for (unsigned i = 0; i < site.count; i++) {
    assert_false(site.clients[i]->open);
    if (site.clients[i]->fd >= 0) {
      close(site.clients[i]->fd);
    }
    stoa_free(site.clients[i]);
  }
  stoa_files_fini(&site.files);
  stoa_loop_destroy(site.streams.loop);
  stoa_stream_host_fini(&site.streams);
  stoa_free(site.streams.scratch);
  assert_int_equal(nftw(site.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
  assert_int_equal(stoa_memory_live_blocks(), site.blocks_before);
  return 0;
}

/* Clients. */

/* Both ends of a connection; the first is non-blocking. */
static void connect_pair(int receive_bytes, int *out_server, int *out_client) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  *out_client = socket(AF_INET, SOCK_STREAM, 0);
  if (receive_bytes > 0) {
    assert_int_equal(setsockopt(*out_client, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes), 0);
  }
  assert_int_equal(connect(*out_client, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(fcntl(*out_client, F_SETFL, O_NONBLOCK), 0);
  *out_server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  assert_true(*out_server >= 0);
  close(listener);
}

struct site_client *site_connect(int receive_bytes) {
  struct site_client *client = NULL;
  for (unsigned i = 0; i < site.count && client == NULL; i++) {
    if (!site.clients[i]->open && site.clients[i]->fd < 0) {
      client = site.clients[i];
      memset(client, 0, sizeof *client);
    }
  }
  if (client == NULL) {
    assert_true(site.count < SITE_CLIENTS_MAX);
    client = stoa_calloc(1, sizeof *client);
    site.clients[site.count++] = client;
  }
  int fd;
  connect_pair(receive_bytes, &fd, &client->fd);
  assert_int_equal(stoa_stream_open(&client->stream, &site.http.protocol, fd, NULL), STOA_OK);
  client->open = true;
  client->due_ms = stoa_loop_now_ms(site.streams.loop) + site.http.request_ms;
  return client;
}

void site_send(const struct site_client *client, const char *text) {
  assert_int_equal(send(client->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

size_t site_receive(struct site_client *client, char *out, size_t size) {
  size_t len = 0;
  unsigned quiet = 0;
  while (quiet < QUIET_TURNS && len < size - 1) {
    site_turn();
    ssize_t got = recv(client->fd, out + len, size - 1 - len, 0);
    len += got > 0 ? (size_t)got : 0;
    quiet = got > 0 ? 0 : quiet + 1;
  }
  out[len] = '\0';
  return len;
}

bool site_is_ended(const struct site_client *client) {
  uint8_t byte;
  return recv(client->fd, &byte, 1, MSG_PEEK) == 0;
}

const char *site_ask(const char *request) {
  struct site_client *client = site_connect(0);
  site_send(client, request);
  answer_len = site_receive(client, answer, sizeof answer);
  close(client->fd);
  client->fd = -1;
  site_turns(3);
  assert_false(client->open);
  return answer;
}

const char *site_get(const char *path, const char *fields) {
  char request[8192];
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", path,
           fields == NULL ? "" : fields);
  return site_ask(request);
}

size_t site_answer_len(void) {
  return answer_len;
}
