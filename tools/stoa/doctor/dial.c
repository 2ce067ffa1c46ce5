#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "../now.h"
#include "doctor/doctor.h"

enum { DAYS_FEW = 21 };

static void write_address(const struct bench_address *address, char out[INET6_ADDRSTRLEN]) {
  const struct sockaddr *socket = (const struct sockaddr *)&address->socket;
  if (socket->sa_family == AF_UNIX) {
    snprintf(out, INET6_ADDRSTRLEN, "unix socket");
  } else if (getnameinfo(socket, address->len, out, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) != 0) {
    snprintf(out, INET6_ADDRSTRLEN, "?");
  }
}

static bool find_unix(struct doctor *doctor) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, doctor->url.socket_path, sizeof doctor->url.socket_path);
  memcpy(&doctor->addresses[0].socket, &address, sizeof address);
  doctor->addresses[0].len = sizeof address;
  doctor->address_count = 1;
  return true;
}

bool doctor_find_name(struct doctor *doctor) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  char list[BENCH_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 2)] = "";
  if (doctor->url.socket_path[0] != '\0') {
    return find_unix(doctor);
  }
  int error = getaddrinfo(doctor->url.host, doctor->url.port, &hints, &found);
  if (error != 0) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "name", "%s: %s", doctor->url.host, gai_strerror(error));
    doctor_advise("check the spelling, and that the name has an A or AAAA record: getent hosts %s", doctor->url.host);
    return false;
  }
  for (struct addrinfo *info = found; info != NULL && doctor->address_count < BENCH_ADDRESSES_MAX;
       info = info->ai_next) {
    struct bench_address *address = &doctor->addresses[doctor->address_count++];
    char text[INET6_ADDRSTRLEN];
    memcpy(&address->socket, info->ai_addr, info->ai_addrlen);
    address->len = info->ai_addrlen;
    write_address(address, text);
    size_t at = strlen(list);
    snprintf(list + at, sizeof list - at, "%s%s", at > 0 ? ", " : "", text);
  }
  freeaddrinfo(found);
  doctor_say(&doctor->report, DOCTOR_GOOD, "name", "%s is %s", doctor->url.host, list);
  return true;
}

static void say_reach(struct doctor *doctor, size_t index, int error, int64_t took_ms, bool is_other_reached) {
  char text[INET6_ADDRSTRLEN];
  write_address(&doctor->addresses[index], text);
  if (error == 0) {
    doctor_say(&doctor->report, DOCTOR_GOOD, "tcp", "%s port %s is connected in %lld ms", text, doctor->url.port,
               (long long)took_ms);
    return;
  }
  doctor_say(&doctor->report, is_other_reached ? DOCTOR_NOTE : DOCTOR_PROBLEM, "tcp", "%s port %s: %s", text,
             doctor->url.port, strerror(error));
  if (error == ECONNREFUSED) {
    doctor_advise("start the server, or let it listen there (server.addresses; localhost is this machine only)");
  } else if (error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH) {
    doctor_advise("a firewall drops the packets, or the address is not this server's: check both");
  } else {
    doctor_advise("check the address and the permissions");
  }
}

/* Clients try one address after the other, so all are tried here. The ones that fail are told last, when it is known
 * whether another one works. */
bool doctor_reach(struct doctor *doctor) {
  int errors[BENCH_ADDRESSES_MAX] = {0};
  bool is_reached = false;
  for (size_t i = 0; i < doctor->address_count; i++) {
    int64_t begun_ms = tool_now_ms();
    struct doctor_wire *wire = doctor_wire_connect(&doctor->addresses[i], begun_ms + doctor->options.timeout_ms);
    errors[i] = wire == NULL ? errno : 0;
    doctor_wire_close(wire);
    if (errors[i] == 0) {
      say_reach(doctor, i, 0, tool_now_ms() - begun_ms, true);
      doctor->reached = is_reached ? doctor->reached : i;
      is_reached = true;
    }
  }
  for (size_t i = 0; i < doctor->address_count; i++) {
    if (errors[i] != 0) {
      say_reach(doctor, i, errors[i], 0, is_reached);
    }
  }
  return is_reached;
}

struct doctor_wire *doctor_dial(struct doctor *doctor) {
  struct doctor_tls_facts facts;
  int64_t deadline_ms = tool_now_ms() + doctor->options.timeout_ms;
  struct doctor_wire *wire = doctor_wire_connect(&doctor->addresses[doctor->reached], deadline_ms);
  if (wire != NULL && doctor->url.tls &&
      doctor_wire_secure(wire, doctor->url.host, doctor->options.ca_file, deadline_ms, &facts) != DOCTOR_WIRE_OK) {
    doctor_wire_close(wire);
    return NULL;
  }
  return wire;
}

bool doctor_speaks_tls(struct doctor *doctor) {
  struct doctor_tls_facts facts;
  int64_t deadline_ms = tool_now_ms() + doctor->options.timeout_ms;
  struct doctor_wire *wire = doctor_wire_connect(&doctor->addresses[doctor->reached], deadline_ms);
  bool is_tls = wire != NULL && doctor_wire_secure(wire, doctor->url.host, NULL, deadline_ms, &facts) == DOCTOR_WIRE_OK;
  doctor_wire_close(wire);
  return is_tls;
}

/* ---- TLS ---- */

static void say_dates(struct doctor *doctor, const struct doctor_tls_facts *facts) {
  if (facts->is_expired) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "certificate", "it expired %ld days ago (%s)", -facts->days_left,
               facts->subject);
    doctor_advise("renew it, and let the server or the proxy read the new one (kill -HUP, or --watch)");
  } else if (facts->is_early) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "certificate", "it is not valid yet (%s)", facts->subject);
    doctor_advise("check the clocks of both machines");
  } else if (facts->days_left < DAYS_FEW) {
    doctor_say(&doctor->report, DOCTOR_NOTE, "certificate", "%ld days are left (%s)", facts->days_left, facts->subject);
    doctor_advise("check that its renewal runs");
  } else {
    doctor_say(&doctor->report, DOCTOR_GOOD, "certificate", "%ld days are left (%s)", facts->days_left, facts->subject);
  }
}

static void say_chain(struct doctor *doctor, const struct doctor_tls_facts *facts) {
  if (facts->is_wrong_name) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "certificate", "it is not for %s (%s)", doctor->url.host,
               facts->subject);
    doctor_advise(
        "get one for this name, or use the name that it has; behind a proxy check which server block answers");
  }
  if (facts->lacks_issuer && facts->chain_len == 1 && !facts->is_self_signed) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "chain",
               "the server sends its own certificate only, without that of "
               "its issuer (%s)",
               facts->issuer);
    doctor_advise(
        "use the file with the full chain (fullchain.pem): tls.certificate, ssl_certificate in nginx; pages "
        "may work where browsers have the missing one from elsewhere, other clients do not");
    doctor_advise("if the issuer is an authority of your own, give it by --ca FILE");
  } else if (facts->verify_error != 0 && !facts->is_expired && !facts->is_early && !facts->is_wrong_name) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "chain", "%s; %d certificates were sent, the first is issued by %s",
               facts->verify_text, facts->chain_len, facts->issuer);
    doctor_advise("browsers trust public authorities only; an authority of your own is given by --ca FILE");
  } else if (facts->verify_error == 0) {
    doctor_say(&doctor->report, DOCTOR_GOOD, "chain", "%d certificates, issued by %s, trusted", facts->chain_len,
               facts->issuer);
  }
}

static void say_no_tls(struct doctor *doctor, enum doctor_wire_status status, const struct doctor_wire *wire) {
  if (doctor_wire_is_plain(wire)) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "tls", "port %s answers in plain text, not TLS", doctor->url.port);
    doctor_advise("use ws:// for this port, or turn TLS on there: wss:// in server.addresses, `ssl` at nginx's listen");
  } else if (status == DOCTOR_WIRE_LATE) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "tls", "no answer to the TLS handshake within %lld ms",
               (long long)doctor->options.timeout_ms);
    doctor_advise("the port may speak another protocol: try ws://");
  } else {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "tls", "the handshake failed: %s", doctor_wire_reason(wire));
    doctor_advise("the server's log says more; it may want a client certificate, another name, or speak no TLS");
  }
}

bool doctor_check_tls(struct doctor *doctor) {
  struct doctor_tls_facts facts;
  int64_t deadline_ms = tool_now_ms() + doctor->options.timeout_ms;
  struct doctor_wire *wire = doctor_wire_connect(&doctor->addresses[doctor->reached], deadline_ms);
  if (wire == NULL) {
    say_reach(doctor, doctor->reached, errno, 0, false);
    return false;
  }
  enum doctor_wire_status status =
      doctor_wire_secure(wire, doctor->url.host, doctor->options.ca_file, deadline_ms, &facts);
  if (status != DOCTOR_WIRE_OK) {
    say_no_tls(doctor, status, wire);
    doctor_wire_close(wire);
    return false;
  }
  doctor_wire_close(wire);
  doctor_say(&doctor->report, DOCTOR_GOOD, "tls", "%s, %s", facts.version, facts.cipher);
  if (facts.is_checked) {
    say_dates(doctor, &facts);
    say_chain(doctor, &facts);
  }
  return true;
}
