/* codec/registry.c: the built-in codecs, and those that a program adds. */
#include "codec/registry.h"

#include <assert.h>

#include "codec/json.h"
#include "codec/proto.h"

const struct stoa_codec stoa_codec_json = {
    .name = "json", .is_text = true, .encode = stoa_json_encode, .decode = stoa_json_decode};
const struct stoa_codec stoa_codec_proto = {
    .name = "proto", .is_text = false, .encode = stoa_proto_encode, .decode = stoa_proto_decode};

#define NAME_LEN_MAX 32

void stoa_codec_registry_init(struct stoa_codec_registry *registry) {
  *registry = (struct stoa_codec_registry){.codecs = {&stoa_codec_json, &stoa_codec_proto}, .count = 2};
}

static bool is_name(struct stoa_string name) {
  if (name.len == 0 || name.len > NAME_LEN_MAX) {
    return false;
  }
  for (size_t i = 0; i < name.len; i++) {
    char c = name.data[i];
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
      return false;
    }
  }
  return true;
}

int stoa_codec_registry_add(struct stoa_codec_registry *registry, const struct stoa_codec *codec) {
  struct stoa_string name = stoa_string_of(codec->name);
  if (!is_name(name) || codec->encode == NULL || codec->decode == NULL) {
    return STOA_E_ARGUMENT;
  }
  if (stoa_codec_registry_find(registry, name) != NULL) {
    return STOA_E_EXISTS;
  }
  if (registry->count == STOA_CODECS_MAX) {
    return STOA_E_LIMIT;
  }
  registry->codecs[registry->count++] = codec;
  assert(stoa_codec_registry_find(registry, name) == codec);
  return STOA_OK;
}

const struct stoa_codec *stoa_codec_registry_find(const struct stoa_codec_registry *registry, struct stoa_string name) {
  assert(registry->count <= STOA_CODECS_MAX);
  for (size_t i = 0; i < registry->count; i++) {
    if (stoa_string_equal(stoa_string_of(registry->codecs[i]->name), name)) {
      return registry->codecs[i];
    }
  }
  return NULL;
}
