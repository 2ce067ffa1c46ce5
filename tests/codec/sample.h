/* The structs of sample.proto, written by hand as protoc-gen-stoa would write them. */
#ifndef STOA_TESTS_CODEC_SAMPLE_H
#define STOA_TESTS_CODEC_SAMPLE_H

#include <stoa/descriptor.h>

struct sample_chat {
  struct stoa_string message;
  struct stoa_string sender;
  struct stoa_string timestamp;
};

struct sample_counts_entry {
  struct stoa_string key;
  int32_t value;
};

struct sample_chats_entry {
  int32_t key;
  const struct sample_chat *value;
};

struct sample_flags_entry {
  bool key;
  struct stoa_string value;
};

struct sample_colors_entry {
  uint64_t key;
  int32_t value;
};

#define SAMPLE_LIST(type, name) \
  struct {                      \
    type const *items;          \
    size_t count;               \
  } name

struct sample_every {
  double a_double;
  float a_float;
  int64_t an_int64;
  uint64_t a_uint64;
  int32_t an_int32;
  uint64_t a_fixed64;
  uint32_t a_fixed32;
  bool a_bool;
  struct stoa_string a_string;
  struct stoa_bytes a_bytes;
  uint32_t a_uint32;
  int32_t a_color;
  int32_t a_sfixed32;
  int64_t a_sfixed64;
  int32_t a_sint32;
  int64_t a_sint64;
  const struct sample_chat *a_chat;
  const struct sample_every *an_every;
  bool has_maybe_int;
  int32_t maybe_int;
  bool has_maybe_text;
  struct stoa_string maybe_text;
  SAMPLE_LIST(double, all_double);
  SAMPLE_LIST(float, all_float);
  SAMPLE_LIST(int64_t, all_int64);
  SAMPLE_LIST(uint64_t, all_uint64);
  SAMPLE_LIST(int32_t, all_int32);
  SAMPLE_LIST(uint64_t, all_fixed64);
  SAMPLE_LIST(uint32_t, all_fixed32);
  SAMPLE_LIST(bool, all_bool);
  SAMPLE_LIST(struct stoa_string, all_string);
  SAMPLE_LIST(struct stoa_bytes, all_bytes);
  SAMPLE_LIST(uint32_t, all_uint32);
  SAMPLE_LIST(int32_t, all_color);
  SAMPLE_LIST(int32_t, all_sfixed32);
  SAMPLE_LIST(int64_t, all_sfixed64);
  SAMPLE_LIST(int32_t, all_sint32);
  SAMPLE_LIST(int64_t, all_sint64);
  SAMPLE_LIST(struct sample_chat, all_chat);
  SAMPLE_LIST(struct sample_every, all_every);
  SAMPLE_LIST(int32_t, loose_int32);
  int32_t choice_case;
  union {
    int32_t choice_int;
    struct stoa_string choice_text;
    const struct sample_chat *choice_chat;
  } choice;
  SAMPLE_LIST(struct sample_counts_entry, counts);
  SAMPLE_LIST(struct sample_chats_entry, chats);
  SAMPLE_LIST(struct sample_flags_entry, flags);
  SAMPLE_LIST(struct sample_colors_entry, colors);
  struct stoa_string odd_name;
};

extern const struct stoa_message_type sample_chat_type;
extern const struct stoa_message_type sample_every_type;

/* A type that knows field 2 only and keeps what it does not know. */
struct sample_keeper {
  uint32_t number;
  struct stoa_bytes unknown;
};
extern const struct stoa_message_type sample_keeper_type;

/* A type of 70 bool fields, f1 to f70: more than one word of bits. */
struct sample_wide {
  bool fields[70];
};
extern const struct stoa_message_type sample_wide_type;

#endif
