/* bench/durable/senders.h: many senders with one message in flight each, and some subscribers, on one server.
 *
 * A contestant knows how a connection begins, how a message is sent, and what an answer and a delivery look like.
 * Thread: one. Lifetime: one run a process.
 */
#ifndef STOA_BENCH_DURABLE_SENDERS_H
#define STOA_BENCH_DURABLE_SENDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENDERS_BODY_LEN 120u
#define SENDERS_INPUT_LEN_MAX (1u << 20)

struct sender {
  int fd;
  uint32_t index;
  bool is_subscriber, is_connected, is_shaken, is_ready;
  uint64_t sent_ns;   /* 0: nothing is in flight */
  uint64_t delivered; /* to a subscriber */
  uint32_t calls;     /* begun */
  uint8_t *rest;      /* what has arrived of an incomplete answer */
  uint32_t rest_len;
};

struct contestant {
  const char *name;
  /* The connection is there: say what begins it. */
  void (*open)(struct sender *sender);
  /* Read one answer or delivery. Returns its length, 0: it is not whole. The byte behind the data may be written. */
  size_t (*take)(struct sender *sender, uint8_t *data, size_t len);
  /* body: SENDERS_BODY_LEN letters */
  void (*send)(struct sender *sender, uint32_t number, const char *body);
};

extern const struct contestant contestants[];
extern const size_t contestant_count;

/* What contestants call. */
void senders_write(struct sender *sender, const void *data, size_t len);
void senders_ready(struct sender *sender);
void senders_delivered(struct sender *sender);
void senders_acknowledged(struct sender *sender);
/* Begins the ids of this run's messages: a server that recognises a repeated message must not know them. */
const char *senders_run(void);
/* The run ends with this error. */
void senders_fail(const char *what, const void *data, size_t len);

#endif
