/* tests/http/site.h: a folder of files, the HTTP host that serves it, a fake clock, and clients. */
#ifndef TESTS_HTTP_SITE_H
#define TESTS_HTTP_SITE_H

#include "http/files.h"

#include <stoa/buffer.h>

#define SITE_CLIENTS_MAX 64
#define SITE_QUEUE_BYTES_MAX (1024u * 1024)

struct site_client {
  struct stoa_stream stream; /* first */
  struct stoa_deferred release;
  int fd; /* the client's end */
  uint64_t due_ms;
  bool open; /* its stream */
  unsigned requests;
};

struct site {
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_stream_host streams;
  struct stoa_http_host http;
  struct stoa_http_limits limits;
  struct stoa_files files;
  struct site_client *clients[SITE_CLIENTS_MAX];
  unsigned count;
  size_t queued_max; /* the most that was seen to wait for one client, in bytes */
  char folder[64];   /* the served folder is "root" in it */
  int64_t blocks_before;
  /* In place of the files, when set. */
  void (*on_request)(struct stoa_stream *stream, const struct stoa_http_head *head, int code, const uint8_t *data);
};

extern struct site site;

/* Setup and teardown; the latter sees that nothing is left. */
int site_begin(void **state);
int site_end(void **state);

void site_turn(void);
void site_turns(unsigned count);
/* Let time pass and act on what came due, as a worker's sweep does. */
void site_advance_ms(uint64_t ms);

/* A connection over loopback; receive_bytes above 0 is about the size of the client's receive buffer. */
struct site_client *site_connect(int receive_bytes);
void site_send(const struct site_client *client, const char *text);
/* What has come until now, after turns that let everything come; ended by a NUL that does not count. */
size_t site_receive(struct site_client *client, char *out, size_t size);
/* A new connection, the request, and all that is answered until the end. The text is valid until the next call. */
const char *site_ask(const char *request);
/* The same for one GET of that path by HTTP/1.1, "Connection: close", and more fields with CRLF after each. */
const char *site_get(const char *path, const char *fields);
/* What was answered in all, with its content, by the last site_ask(). */
size_t site_answer_len(void);
/* The client's end sees the end of the connection. */
bool site_is_ended(const struct site_client *client);

/* Files of the folder; the path is relative to it. */
const char *site_path(const char *path);
void site_write(const char *path, const char *text);
void site_write_large(const char *path, size_t size);
void site_make_folder(const char *path);
void site_link(const char *target, const char *path);
/* The time of its last change, in seconds since 1970. */
void site_set_time(const char *path, int64_t modified_s);

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_begin, site_end)

#endif
