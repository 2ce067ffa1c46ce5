#include "server/app/start_text.h"

#include "base/log_writer.h"
#include "base/sys.h"
#include "server/server_private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stoa/log.h>
#include <unistd.h>

#define FACTS_BYTES_MAX (256u * 1024)
#define FACT_SIZE 1024

int stoa_start_facts_init(struct stoa_start_facts *out_facts) {
  *out_facts = (struct stoa_start_facts){.arena = stoa_arena_create(FACTS_BYTES_MAX)};
  return out_facts->arena == NULL ? STOA_E_MEMORY : STOA_OK;
}

void stoa_start_facts_fini(struct stoa_start_facts *facts) {
  stoa_arena_destroy(facts->arena);
  *facts = (struct stoa_start_facts){0};
}

int stoa_start_facts_add(struct stoa_start_facts *facts, enum stoa_start_kind kind, const char *label,
                         const char *format, ...) {
  char text[FACT_SIZE];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  if (facts->count == STOA_START_FACTS_MAX) {
    facts->left_out++;
    return STOA_E_LIMIT;
  }
  struct stoa_string own_label = stoa_arena_copy(facts->arena, stoa_string_of(label == NULL ? "" : label));
  struct stoa_string own_text = stoa_arena_copy(facts->arena, stoa_string_of(text));
  if (own_label.data == NULL || own_text.data == NULL) {
    facts->left_out++;
    return STOA_E_MEMORY;
  }
  facts->items[facts->count++] = (struct stoa_start_fact){.kind = kind, .label = own_label.data, .text = own_text.data};
  return STOA_OK;
}

/* URLs. */

/* One socket's part of a URL. */
struct place {
  struct stoa_start_facts *facts;
  const struct stoa_server *server;
  const struct stoa_server_listener *listener;
  uint16_t port;
};

/* `host` is as in a URL: an IPv6 address has brackets. */
static void add_url(const struct place *place, const char *host) {
  const struct stoa_server *server = place->server;
  bool is_tls = place->listener->uses_tls;
  bool has_page = server->config.web_root.len > 0;
  bool is_usual = place->port == (is_tls ? 443 : 80);
  const char *label = has_page ? "page" : "websocket";
  const char *scheme = has_page ? (is_tls ? "https" : "http") : (is_tls ? "wss" : "ws");
  char port[8] = "";
  if (!is_usual) {
    snprintf(port, sizeof port, ":%u", place->port);
  }
  stoa_start_facts_add(place->facts, STOA_START_OPEN, place->listener->is_admin ? "admin" : label, "%s://%s%s%s",
                       scheme, host, port, has_page ? "/" : server->config.path.data);
}

static void format_host(const struct sockaddr *address, char *out_host, size_t size) {
  char text[INET6_ADDRSTRLEN];
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)address;
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    snprintf(out_host, size, "%s", text);
  } else {
    const struct sockaddr_in6 *in6 = (const void *)address;
    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    snprintf(out_host, size, "[%s]", text);
  }
}

/* Is it an address of this machine that another machine can open? A link-local one needs the name of an interface of
 * that machine, so it has no URL. */
static bool is_reachable(const struct ifaddrs *entry, const struct stoa_address *bound) {
  const struct sockaddr *address = entry->ifa_addr;
  if (address == NULL || (entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_LOOPBACK) != 0) {
    return false;
  }
  bool is_ipv6_socket = bound->socket.any.sa_family == AF_INET6;
  if (address->sa_family == AF_INET) {
    return !is_ipv6_socket || !bound->ipv6_only;
  }
  return address->sa_family == AF_INET6 && is_ipv6_socket &&
         !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static void add_every_address(const struct place *place, const struct stoa_address *bound) {
  struct ifaddrs *found = NULL;
  char host[INET6_ADDRSTRLEN + 2];
  add_url(place, "localhost");
  if (stoa_sys.getifaddrs(&found) != 0) {
    return; /* the line about listening has the address */
  }
  for (const struct ifaddrs *entry = found; entry != NULL; entry = entry->ifa_next) {
    if (is_reachable(entry, bound)) {
      format_host(entry->ifa_addr, host, sizeof host);
      add_url(place, host);
    }
  }
  stoa_sys.freeifaddrs(found);
}

static void add_socket(struct stoa_start_facts *facts, const struct stoa_server *server,
                       const struct stoa_server_socket *bound) {
  const struct place place = {facts, server, bound->listener, stoa_address_port(&bound->address)};
  char host[STOA_ADDRESS_TEXT_SIZE];
  if (bound->address.socket.any.sa_family == AF_UNIX || bound->listener->proxy_protocol) {
    stoa_address_format(&bound->address, host);
    stoa_start_facts_add(facts, STOA_START_NOTE, bound->listener->proxy_protocol ? "for the proxy" : "unix socket",
                         "%s", host);
  } else if (stoa_address_is_any(&bound->address)) {
    add_every_address(&place, &bound->address);
  } else {
    format_host(&bound->address.socket.any, host, sizeof host);
    add_url(&place, host);
  }
}

void stoa_start_facts_of_server(struct stoa_start_facts *facts, const struct stoa_server *server) {
  for (size_t i = 0; i < server->listeners.socket_count; i++) {
    add_socket(facts, server, &server->listeners.sockets[i]);
  }
  if (server->config.web_root.len > 0) {
    stoa_start_facts_add(facts, STOA_START_NOTE, "files", "%s", server->config.web_root.data);
  }
}

/* Showing them. */

/* Each line has a site of its own, because a site may log ten lines a second, and a machine may have more addresses. */
static void log_fact(const struct stoa_start_fact *fact) {
  static const char *const events[] = {
      [STOA_START_OPEN] = "open", [STOA_START_NOTE] = "note", [STOA_START_INSECURE] = "insecure"};
  static const char *const keys[] = {
      [STOA_START_OPEN] = "url", [STOA_START_NOTE] = "value", [STOA_START_INSECURE] = "finding"};
  struct stoa_log_site site = {0};
  bool is_risk = fact->kind == STOA_START_INSECURE;
  const struct stoa_log_field fields[] = {STOA_F_STR(keys[fact->kind], fact->text), STOA_F_STR("what", fact->label)};
  enum stoa_log_severity level = is_risk ? STOA_LOG_WARN : STOA_LOG_INFO;
  if (stoa_log_enabled(level)) {
    stoa_log_write(&site, level, events[fact->kind], fields, is_risk ? 1 : 2);
  }
}

/* A terminal takes a few lines at once; what it does not take is not repeated. */
static void print(const char *text) {
  ssize_t ignored = stoa_sys.write(STDERR_FILENO, text, strlen(text));
  (void)ignored;
}

static void print_fact(const struct stoa_start_fact *fact) {
  char line[FACT_SIZE + 64];
  bool is_risk = fact->kind == STOA_START_INSECURE;
  snprintf(line, sizeof line, "  %-14s %s\n", is_risk ? "insecure:" : fact->label, fact->text);
  print(line);
}

static void print_block(const struct stoa_start_facts *facts, const char *name) {
  char line[128];
  snprintf(line, sizeof line, "\n%.64s runs; Ctrl-C stops it.\n", name);
  stoa_log_writer_flush(); /* or lines of the log would stand in it */
  print(line);
  for (size_t i = 0; i < facts->count; i++) {
    print_fact(&facts->items[i]);
  }
  print("\n");
}

void stoa_start_facts_show(const struct stoa_start_facts *facts, const char *name) {
  if (stoa_log_enabled(STOA_LOG_INFO) && stoa_sys.isatty(STDERR_FILENO) == 1) {
    print_block(facts, name);
  } else {
    for (size_t i = 0; i < facts->count; i++) {
      log_fact(&facts->items[i]);
    }
  }
  if (facts->left_out > 0) {
    stoa_log(STOA_LOG_WARN, "some facts about the start were left out", STOA_F_INT("count", facts->left_out));
  }
}
