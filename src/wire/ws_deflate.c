#include "wire/ws_deflate.h"

#include "base/array.h"

#include <assert.h>
#include <stdio.h>

#include "wire/http_token.h"

/* The position in a Sec-WebSocket-Extensions value (RFC 6455 9.1). */
struct scanner {
  struct stoa_string text;
  size_t at;
};

/* "name" or "name=value" after an extension's name. */
struct parameter {
  struct stoa_string name;
  bool has_value;
  char value[4]; /* long enough to recognize any valid window size; longer values are cut */
  size_t value_len;
};

enum scan_verdict { SCAN_FOUND, SCAN_NONE, SCAN_BROKEN };

enum offer_flag { OFFER_SERVER_TAKEOVER = 1, OFFER_CLIENT_TAKEOVER = 2, OFFER_SERVER_BITS = 4, OFFER_CLIENT_BITS = 8 };

static void skip_blanks(struct scanner *scanner) {
  while (scanner->at < scanner->text.len && stoa_http_is_blank((uint8_t)scanner->text.data[scanner->at])) {
    scanner->at++;
  }
}

/* Take the byte if it comes next, with or without blanks before it. */
static bool take(struct scanner *scanner, char byte) {
  skip_blanks(scanner);
  if (scanner->at < scanner->text.len && scanner->text.data[scanner->at] == byte) {
    scanner->at++;
    return true;
  }
  return false;
}

static bool at_end(struct scanner *scanner) {
  skip_blanks(scanner);
  return scanner->at == scanner->text.len;
}

/* The next token; empty when there is none. */
static struct stoa_string take_token(struct scanner *scanner) {
  skip_blanks(scanner);
  size_t start = scanner->at;
  while (scanner->at < scanner->text.len && stoa_http_is((uint8_t)scanner->text.data[scanner->at], STOA_HTTP_TOKEN)) {
    scanner->at++;
  }
  return stoa_string_make(scanner->text.data + start, scanner->at - start);
}

static void value_append(struct parameter *parameter, char byte) {
  if (parameter->value_len < sizeof parameter->value) {
    parameter->value[parameter->value_len++] = byte;
  }
}

/* The rest of a quoted string. Without the backslashes its content must be a token (RFC 6455 9.1). */
static bool take_quoted(struct scanner *scanner, struct parameter *parameter) {
  while (scanner->at < scanner->text.len) {
    char byte = scanner->text.data[scanner->at++];
    if (byte == '"') {
      return parameter->value_len > 0;
    }
    if (byte == '\\' && scanner->at < scanner->text.len) {
      byte = scanner->text.data[scanner->at++];
    }
    if (!stoa_http_is((uint8_t)byte, STOA_HTTP_TOKEN)) {
      return false;
    }
    value_append(parameter, byte);
  }
  return false;
}

static bool take_value(struct scanner *scanner, struct parameter *parameter) {
  if (take(scanner, '"')) {
    return take_quoted(scanner, parameter);
  }
  struct stoa_string token = take_token(scanner);
  for (size_t i = 0; i < token.len && i < sizeof parameter->value; i++) {
    value_append(parameter, token.data[i]);
  }
  return token.len > 0;
}

static enum scan_verdict take_parameter(struct scanner *scanner, struct parameter *out_parameter) {
  if (!take(scanner, ';')) {
    return SCAN_NONE;
  }
  out_parameter->name = take_token(scanner);
  out_parameter->value_len = 0;
  out_parameter->has_value = take(scanner, '=');
  if (out_parameter->name.len == 0 || (out_parameter->has_value && !take_value(scanner, out_parameter))) {
    return SCAN_BROKEN;
  }
  return SCAN_FOUND;
}

/* RFC 7692 7.1.2: a decimal number from 8 to 15 without leading zeros; 0 for anything else. */
static uint8_t window_bits(const struct parameter *parameter) {
  const char *value = parameter->value;
  if (parameter->value_len == 1 && (value[0] == '8' || value[0] == '9')) {
    return (uint8_t)(value[0] - '0');
  }
  if (parameter->value_len == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5') {
    return (uint8_t)(10 + value[1] - '0');
  }
  return 0;
}

static enum offer_flag parameter_flag(struct stoa_string name) {
  static const struct {
    const char *name;
    enum offer_flag flag;
  } known[] = {
      {"server_no_context_takeover", OFFER_SERVER_TAKEOVER},
      {"client_no_context_takeover", OFFER_CLIENT_TAKEOVER},
      {"server_max_window_bits", OFFER_SERVER_BITS},
      {"client_max_window_bits", OFFER_CLIENT_BITS},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(known); i++) {
    if (stoa_http_equal_fold(name, stoa_string_of(known[i].name))) {
      return known[i].flag;
    }
  }
  return (enum offer_flag)0;
}

/* Take one parameter into the offer. False when the offer must be declined because of it (RFC 7692 7.1). */
static bool parameter_apply(const struct parameter *parameter, unsigned *seen, struct stoa_ws_deflate *offer) {
  enum offer_flag flag = parameter_flag(parameter->name);
  if (flag == 0 || (*seen & flag) != 0) {
    return false;
  }
  *seen |= flag;
  if (flag == OFFER_SERVER_TAKEOVER || flag == OFFER_CLIENT_TAKEOVER) {
    return !parameter->has_value;
  }
  if (flag == OFFER_SERVER_BITS) {
    offer->client_asked_window_bits = true;
    offer->server_max_window_bits = window_bits(parameter);
    return offer->server_max_window_bits >= 9;
  }
  offer->client_offered_window_bits = true;
  offer->client_max_window_bits = parameter->has_value ? window_bits(parameter) : 15;
  return offer->client_max_window_bits != 0;
}

/* One extension with its parameters. *out_good: it can be accepted; *out_seen: the parameters that it has. */
static enum scan_verdict take_offer(struct scanner *scanner, struct stoa_ws_deflate *out_offer, bool *out_good,
                                    unsigned *out_seen) {
  struct stoa_string name = take_token(scanner);
  struct parameter parameter;
  enum scan_verdict verdict;
  *out_seen = 0;
  if (name.len == 0) {
    return SCAN_NONE;
  }
  *out_offer = (struct stoa_ws_deflate){true, true, 15, false, 15, false};
  *out_good = stoa_http_equal_fold(name, stoa_string_of("permessage-deflate"));
  while ((verdict = take_parameter(scanner, &parameter)) == SCAN_FOUND) {
    *out_good = *out_good && parameter_apply(&parameter, out_seen, out_offer);
  }
  return verdict == SCAN_BROKEN ? SCAN_BROKEN : SCAN_FOUND;
}

/* Read a whole field. If *chosen is false, the first good offer is written to *out. Returns false when the grammar is
 * broken. */
static bool field_read(struct stoa_string value, bool *chosen, struct stoa_ws_deflate *out) {
  struct scanner scanner = {value, 0};
  while (!at_end(&scanner)) {
    struct stoa_ws_deflate offer;
    bool good = false;
    unsigned ignored;
    if (take_offer(&scanner, &offer, &good, &ignored) == SCAN_BROKEN) {
      return false;
    }
    if (good && !*chosen) {
      *out = offer;
      *chosen = true;
    }
    /* RFC 9110 5.6.1.2: empty elements are skipped. */
    if (!take(&scanner, ',') && !at_end(&scanner)) {
      return false;
    }
  }
  return true;
}

bool stoa_ws_deflate_negotiate(const struct stoa_http_head *head, const uint8_t *data, struct stoa_ws_deflate *out) {
  struct stoa_ws_deflate first;
  struct stoa_string value;
  bool chosen = false;
  size_t index = 0;
  while ((value = stoa_http_field(head, data, "Sec-WebSocket-Extensions", &index)).data != NULL) {
    if (!field_read(value, &chosen, &first)) {
      return false;
    }
  }
  if (chosen) {
    *out = first;
  }
  return chosen;
}

/* RFC 7692 7.1.1.1: a server that accepts server_no_context_takeover includes it in its answer. 7.1.2.2:
 * client_max_window_bits is allowed only when it was offered. */
bool stoa_ws_deflate_taken(struct stoa_string value) {
  struct scanner scanner = {value, 0};
  struct stoa_ws_deflate taken;
  bool good = false;
  unsigned seen = 0;
  bool whole = take_offer(&scanner, &taken, &good, &seen) == SCAN_FOUND && at_end(&scanner);
  return whole && good && (seen & OFFER_SERVER_TAKEOVER) != 0 && (seen & OFFER_CLIENT_BITS) == 0;
}

size_t stoa_ws_deflate_answer(const struct stoa_ws_deflate *agreed, char *out, size_t out_size) {
  assert(out_size > 0);
  assert(agreed->server_max_window_bits >= 9);
  assert(agreed->server_max_window_bits <= 15);
  char server[32] = "";
  char client[32] = "";
  if (agreed->client_asked_window_bits || agreed->server_max_window_bits < 15) {
    snprintf(server, sizeof server, "; server_max_window_bits=%d", agreed->server_max_window_bits);
  }
  if (agreed->client_offered_window_bits && agreed->client_max_window_bits < 15) {
    snprintf(client, sizeof client, "; client_max_window_bits=%d", agreed->client_max_window_bits);
  }
  int len = snprintf(out, out_size, "permessage-deflate%s%s%s%s",
                     agreed->server_no_context_takeover ? "; server_no_context_takeover" : "",
                     agreed->client_no_context_takeover ? "; client_no_context_takeover" : "", server, client);
  return len > 0 && (size_t)len < out_size ? (size_t)len : 0;
}
