/* codec/proto.h: the two functions of stoa_codec_proto. Their contracts are those of struct stoa_codec. */
#ifndef STOA_CODEC_PROTO_H
#define STOA_CODEC_PROTO_H

#include <stoa/codec.h>

int stoa_proto_encode(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out);
int stoa_proto_decode(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                      void *out_message, struct stoa_codec_error *out_error);

#endif
