#include "plain_ws.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

size_t plain_ws_answer(const char *head, size_t head_len, char *out) {
  static const char name[] = "\r\nSec-WebSocket-Key: ";
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const char *found = memmem(head, head_len, name, sizeof name - 1);
  if (found == NULL || (size_t)(head + head_len - found) < sizeof name - 1 + 24) {
    return 0;
  }
  uint8_t joined[24 + sizeof guid - 1];
  memcpy(joined, found + sizeof name - 1, 24);
  memcpy(joined + 24, guid, sizeof guid - 1);
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA1(joined, sizeof joined, digest);
  char accept[32];
  EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
  int len = snprintf(out, PLAIN_WS_ANSWER_MAX,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
  return (size_t)len;
}

/* RFC 6455 5.2: 7 bits, or 126 and 16 bits, or 127 and 64 bits. Returns the bytes before the masking key, 0 when they
 * are incomplete. */
static size_t read_length(const uint8_t *data, size_t len, size_t *out_payload_len) {
  if (len < 2) {
    return 0;
  }
  size_t code = data[1] & 0x7f;
  size_t extra = code == 127 ? 8 : code == 126 ? 2 : 0;
  if (len < 2 + extra) {
    return 0;
  }
  size_t value = extra == 0 ? code : 0;
  for (size_t i = 0; i < extra; i++) {
    value = value << 8 | data[2 + i];
  }
  *out_payload_len = value;
  return 2 + extra;
}

bool plain_ws_parse(const uint8_t *data, size_t len, struct plain_ws_frame *out_frame) {
  size_t payload_len = 0;
  size_t head_len = read_length(data, len, &payload_len);
  if (head_len == 0 || len - head_len < 4 || len - head_len - 4 < payload_len) {
    return false;
  }
  *out_frame = (struct plain_ws_frame){.opcode = data[0] & 0x0f,
                                       .key = data + head_len,
                                       .payload = data + head_len + 4,
                                       .payload_len = payload_len,
                                       .frame_len = head_len + 4 + payload_len};
  return true;
}

static size_t write_head(unsigned opcode, size_t payload_len, uint8_t *out) {
  out[0] = (uint8_t)(0x80 | opcode);
  size_t extra = payload_len > 65535 ? 8 : payload_len > 125 ? 2 : 0;
  out[1] = (uint8_t)(extra == 8 ? 127 : extra == 2 ? 126 : payload_len);
  for (size_t i = 0; i < extra; i++) {
    out[2 + i] = (uint8_t)(payload_len >> (8 * (extra - 1 - i)));
  }
  return 2 + extra;
}

size_t plain_ws_copy(const struct plain_ws_frame *frame, unsigned opcode, uint8_t *out) {
  size_t head_len = write_head(opcode, frame->payload_len, out);
  uint8_t *to = out + head_len;
  uint32_t key32;
  memcpy(&key32, frame->key, sizeof key32);
  uint64_t key = (uint64_t)key32 << 32 | key32;
  size_t at = 0;
  for (; at + 8 <= frame->payload_len; at += 8) {
    uint64_t word;
    memcpy(&word, frame->payload + at, sizeof word);
    word ^= key;
    memcpy(to + at, &word, sizeof word);
  }
  for (; at < frame->payload_len; at++) {
    to[at] = frame->payload[at] ^ frame->key[at % 4];
  }
  return head_len + frame->payload_len;
}

int plain_ws_listen(unsigned port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 4096) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    close(fd);
    return -1;
  }
  printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}
