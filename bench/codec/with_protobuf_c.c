/* protobuf-c, packing into a reused buffer, as a server would. */
#include "chat.pb-c.h"
#include "contestant.h"

static uint8_t packed[64 * 1024];
static size_t packed_len;

static char *text(const char *literal) {
  return (char *)(uintptr_t)literal;
}

static size_t encode(const struct chat *chat) {
  Bench__Chat message = BENCH__CHAT__INIT;
  message.message = text(chat->message);
  message.sender = text(chat->sender);
  message.timestamp = text(chat->timestamp);
  packed_len = bench__chat__get_packed_size(&message);
  return packed_len <= sizeof packed ? bench__chat__pack(&message, packed) : 0;
}

static bool decode(void) {
  Bench__Chat *message = bench__chat__unpack(NULL, packed_len, packed);
  bool is_there = message != NULL && message->timestamp[0] != '\0';
  bench__chat__free_unpacked(message, NULL);
  return is_there;
}

static const struct contestant self = {.name = "protobuf-c", .encode = encode, .decode = decode};
const struct contestant *const contestant_protobuf_c = &self;
