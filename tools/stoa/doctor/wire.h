/* tools/stoa/doctor/wire.h: one connection of `stoa doctor`, plain or TLS, with a deadline for each wait.
 *
 * Does not know: HTTP, WebSocket. Thread: one. The program ignores SIGPIPE.
 */
#ifndef STOA_TOOL_DOCTOR_WIRE_H
#define STOA_TOOL_DOCTOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bench_target.h"

struct doctor_wire;

enum doctor_wire_status {
  DOCTOR_WIRE_OK,
  DOCTOR_WIRE_LATE,  /* the deadline has passed */
  DOCTOR_WIRE_ENDED, /* the peer has ended the connection */
  DOCTOR_WIRE_FAILED /* see doctor_wire_reason() */
};

/* Connect. NULL with errno, ETIMEDOUT at the deadline. */
struct doctor_wire *doctor_wire_connect(const struct bench_address *address, int64_t deadline_ms);
/* NULL is allowed. */
void doctor_wire_close(struct doctor_wire *wire);

/* What the server's certificate says. */
struct doctor_tls_facts {
  char version[16], cipher[64];
  char subject[256], issuer[256];
  int chain_len;         /* certificates that the server sent */
  bool is_self_signed;   /* the first of them */
  bool is_checked;       /* it was verified, whatever the result */
  long verify_error;     /* 0: valid, for this name, from an authority that is trusted */
  char verify_text[128]; /* why not */
  bool is_expired, is_early, is_wrong_name, lacks_issuer;
  long days_left; /* below 0: expired */
};

/* Shake hands as a client of `host`, a name or an address, borrowed until close. ca_file NULL: the system's
 * authorities. A certificate that is refused is in out_facts, and the connection can be used. */
enum doctor_wire_status doctor_wire_secure(struct doctor_wire *wire, const char *host, const char *ca_file,
                                           int64_t deadline_ms, struct doctor_tls_facts *out_facts);
/* Why the last function failed. Never NULL. */
const char *doctor_wire_reason(const struct doctor_wire *wire);
/* The handshake failed because the peer does not speak TLS. */
bool doctor_wire_is_plain(const struct doctor_wire *wire);

/* Some bytes, at least one on DOCTOR_WIRE_OK. */
enum doctor_wire_status doctor_wire_read(struct doctor_wire *wire, void *out, size_t cap, int64_t deadline_ms,
                                         size_t *out_len);
/* All bytes. */
enum doctor_wire_status doctor_wire_write(struct doctor_wire *wire, const void *data, size_t len, int64_t deadline_ms);

#endif
