/* server/origin.h: may this request come in, as far as the page behind it and the host that it asks for tell?
 *
 * Two things are kept out. A page of somebody else's that connects from the browser of a user of ours (RFC 6455 10.2):
 * its Origin is another host's. And a name that was rebound: the page of evil.example, loaded from there, looks its own
 * name up again and gets this machine's private address, so that Origin and Host agree, on evil.example. Against that
 * helps only to know one's own names, and they are known where it matters: who reaches a private address by a name of
 * his own is rebound, or has configured that name.
 *
 * A request without Origin comes from no browser, as far as upgrades go.
 *
 * Does not know: sockets, the configuration's form, the log. Pure. Thread: any.
 */
#ifndef STOA_SERVER_ORIGIN_H
#define STOA_SERVER_ORIGIN_H

#include "wire/ip.h"
#include "wire/ws_origin.h"

/* The reason of a refusal, terminated. */
#define STOA_ORIGIN_REASON_SIZE 512

struct stoa_string_list {
  const struct stoa_string *items;
  size_t count;
};

/* What the operator says, and what the machine is called. Borrowed. */
struct stoa_origin_rules {
  struct stoa_string_list allowed_origins;   /* server.allowed_origins, checked by stoa_origin_entry_fault() */
  struct stoa_string_list hosts;             /* server.hosts, checked by stoa_host_entry_fault() */
  struct stoa_string_list certificate_names; /* of the listener's certificate; "*.a" is one label and ".a" */
  struct stoa_string machine_name;           /* may be empty */
};

struct stoa_origin_request {
  struct stoa_string origin; /* data NULL: none */
  struct stoa_string host;   /* as wire/http.h has checked it; data NULL: none, which HTTP/1.0 allows */
  bool is_upgrade;           /* to WebSocket. A script may add fields of a proxy to any other request, not to that */
  bool is_tls;               /* the connection that it came on */
  bool is_forwarded;         /* stoa_forwarded_present() */
  /* The address of our end of the connection, or where a PROXY header was taken, its destination. NULL: a unix socket,
   * which no browser connects to. */
  const uint8_t *local;
};

/* May it come in?
 *
 * Origin, where there is one, must be in allowed_origins. With an empty list it must be this server's own page: of the
 * host and port of Host, or of one in `hosts`; on a TLS connection over https, on a plain one over http, or over https
 * as a TLS proxy in front delivers it.
 *
 * Host must be known: a literal address, localhost or a name below it, a single label, a name in .local, the machine's
 * own, one of the certificate, or in `hosts`, whatever the port. With `hosts` that binds every request. Without, it
 * binds those that come to a private, link-local or loopback address, but for upgrades that no rebound page can have
 * sent: without Origin, from an origin in allowed_origins, with fields of a proxy, or of an https page on a plain
 * connection (a browser lets it open no ws:// to a name).
 *
 * out_reason  written when the answer is false: what was refused, and the key to set, ready to paste. Holds hosts and
 *             origins of the request only where they are well-formed */
bool stoa_origin_check(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request,
                       char out_reason[STOA_ORIGIN_REASON_SIZE]);

/* What is wrong with an entry of server.allowed_origins or server.hosts, and what to write: a text, or NULL when
 * nothing is. The text lies in `out_text` or is a literal. */
const char *stoa_origin_entry_fault(struct stoa_string entry, char out_text[STOA_ORIGIN_REASON_SIZE]);
const char *stoa_host_entry_fault(struct stoa_string entry, char out_text[STOA_ORIGIN_REASON_SIZE]);

#endif
