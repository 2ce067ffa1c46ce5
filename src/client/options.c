#include "client/client_private.h"

#include "base/memory.h"
#include "codec/registry.h"

#include <stdio.h>
#include <stoa/log.h>

#define FIELDS_MAX 32
#define NAME_LEN_MAX 255
#define FIELDS_BYTES_MAX (16u * 1024)
/* A server may relay a message in another codec and with added fields. So its messages can be longer than those that it
 * accepts, which is 64 KiB by default. */
#define RECEIVED_DEFAULT (1024u * 1024)

static int refuse(const char *what, const char *name, const char *value) {
  stoa_log(STOA_LOG_ERROR, "an option of a client is invalid", STOA_F_STR("reason", what), STOA_F_STR("option", name),
           STOA_F_STR("value", value));
  return STOA_E_ARGUMENT;
}

/* The URL and, after it, its host with a NUL, for callers that need one. */
static int copy_url(struct stoa_client_settings *settings, const char *text) {
  size_t len = strlen(text);
  settings->text = stoa_alloc(2 * (len + 1));
  if (settings->text == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(settings->text, text, len + 1);
  if (stoa_ws_url_parse(stoa_string_make(settings->text, len), &settings->url) != STOA_OK) {
    return refuse("not ws://host, wss://host or ws+unix:/path", "url", text);
  }
  if (settings->url.socket_path.data == NULL) {
    char *host = settings->text + len + 1;
    memcpy(host, settings->url.host.data, settings->url.host.len);
    host[settings->url.host.len] = '\0';
    settings->host = host;
  } else if (settings->url.socket_path.len >= sizeof((struct stoa_address *)0)->socket.un.sun_path) {
    return refuse("the path of the socket is too long", "url", text);
  }
  return STOA_OK;
}

static int copy_fields(struct stoa_client_settings *settings, const struct stoa_client_options *options) {
  if (options->field_count > FIELDS_MAX) {
    return refuse("more than 32 fields", "fields", "");
  }
  for (size_t i = 0; i < options->field_count; i++) {
    const struct stoa_client_field *field = &options->fields[i];
    int status = stoa_ws_offer_field(&settings->fields, field->name, field->value);
    if (status == STOA_E_MEMORY) {
      return status;
    }
    if (status != STOA_OK) {
      /* The value may be a secret, so only the name is shown. */
      return refuse("this field cannot be added to the request", "fields", field->name);
    }
  }
  return STOA_OK;
}

/* A codec's name becomes its subprotocol, so it must be one that a registry accepts. */
static int choose_codec(struct stoa_client_settings *settings, const struct stoa_client_options *options) {
  const struct stoa_codec *codec = options->codec != NULL ? options->codec : &stoa_codec_json;
  struct stoa_codec_registry registry;
  stoa_codec_registry_init(&registry);
  bool built_in = codec == &stoa_codec_json || codec == &stoa_codec_proto;
  if (!built_in && stoa_codec_registry_add(&registry, codec) != STOA_OK) {
    return refuse("its name cannot be a subprotocol", "codec", codec->name);
  }
  settings->codec = codec;
  settings->subprotocol = options->subprotocol;
  switch (options->subprotocol) {
    case STOA_CLIENT_CODEC:
      snprintf(settings->protocol, sizeof settings->protocol, "stoa.%s", codec->name);
      return STOA_OK;
    case STOA_CLIENT_TEXT:
      snprintf(settings->protocol, sizeof settings->protocol, "stoa.text");
      return codec == &stoa_codec_json ? STOA_OK : refuse("stoa.text requires the codec json", "codec", codec->name);
    case STOA_CLIENT_NONE:
      return STOA_OK;
  }
  return refuse("unknown", "subprotocol", "");
}

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
  return value != 0 ? value : otherwise;
}

static int check_bytes(uint32_t value, const char *name) {
  return value > STOA_QUEUE_OWN_BYTES_MAX ? refuse("more than 64 MiB", name, "") : STOA_OK;
}

static int check_numbers(const struct stoa_client_settings *settings) {
  if (settings->retry_min_ms > settings->retry_max_ms) {
    return refuse("retry_min_ms is above retry_max_ms", "retry_min_ms", "");
  }
  int status = check_bytes(settings->outgoing_bytes_max, "outgoing_bytes_max");
  if (status == STOA_OK) {
    status = check_bytes(settings->message_bytes_max, "message_bytes_max");
  }
  return status == STOA_OK ? check_bytes(settings->received_message_bytes_max, "received_message_bytes_max") : status;
}

static int copy_numbers(struct stoa_client_settings *settings, const struct stoa_client_options *options) {
  settings->order = options->little_endian ? STOA_TYPED_LITTLE_ENDIAN : STOA_TYPED_BIG_ENDIAN;
  settings->once = options->once;
  settings->compression = options->compression;
  settings->retry_min_ms = or_default(options->retry_min_ms, 500);
  settings->retry_max_ms = or_default(options->retry_max_ms, 20000);
  settings->handshake_ms = or_default(options->handshake_ms, 10000);
  settings->close_ms = or_default(options->close_ms, 3000);
  settings->silence_ms = options->silence_ms;
  settings->pong_ms = or_default(options->pong_ms, 10000);
  settings->call_ms = or_default(options->call_ms, 10000);
  settings->calls_max = or_default(options->calls_max, 1024);
  settings->outgoing_bytes_max = or_default(options->outgoing_bytes_max, 1024 * 1024);
  settings->message_bytes_max = or_default(options->message_bytes_max, 64 * 1024);
  uint32_t received_default =
      settings->message_bytes_max > RECEIVED_DEFAULT ? settings->message_bytes_max : RECEIVED_DEFAULT;
  settings->received_message_bytes_max = or_default(options->received_message_bytes_max, received_default);
  return check_numbers(settings);
}

/* RFC 1035 2.3.4: a name has at most 255 bytes. */
static int check_tls(const struct stoa_client_options *options) {
  if ((options->certificate_file == NULL) != (options->key_file == NULL)) {
    return refuse("a certificate needs its key, and a key its certificate",
                  options->key_file == NULL ? "certificate_file" : "key_file",
                  options->key_file == NULL ? options->certificate_file : options->key_file);
  }
  if (options->server_name != NULL &&
      (options->server_name[0] == '\0' || strlen(options->server_name) > NAME_LEN_MAX)) {
    return refuse("not the name of a host", "server_name", options->server_name);
  }
  return STOA_OK;
}

int stoa_client_settings_init(struct stoa_client_settings *settings, const struct stoa_client_options *options) {
  stoa_buffer_init(&settings->fields, FIELDS_BYTES_MAX);
  if (options->url == NULL) {
    return refuse("missing", "url", "");
  }
  int status = copy_url(settings, options->url);
  if (status == STOA_OK) {
    status = check_tls(options);
  }
  if (status == STOA_OK) {
    status = copy_fields(settings, options);
  }
  if (status == STOA_OK) {
    status = choose_codec(settings, options);
  }
  return status == STOA_OK ? copy_numbers(settings, options) : status;
}

void stoa_client_settings_fini(struct stoa_client_settings *settings) {
  stoa_buffer_fini(&settings->fields);
  stoa_free(settings->text);
  settings->text = NULL;
}
