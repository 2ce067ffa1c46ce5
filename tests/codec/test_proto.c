/* Protobuf binary. The known bytes were written by protobuf's own Python library from sample.proto. */
#include "kit.h"

#define ARENA_BYTES_MAX (64u * 1024 * 1024)

static struct kit kit;

static int open_kit(void **state) {
  (void)state;
  kit_open(&kit, ARENA_BYTES_MAX);
  return 0;
}

static int close_kit(void **state) {
  (void)state;
  kit_close(&kit);
  return 0;
}

static const char scalars_hex[] =
    "09 00 00 00 00 00 00 f8 3f 15 00 00 00 c0 18 ff ff ff ff ff ff ff ff ff 01 20 ff ff ff ff ff ff ff ff ff 01 28 ff "
    "ff ff ff ff ff ff ff ff 01 31 01 00 00 00 00 00 00 00 3d 02 00 00 00 40 01 4a 03 68 c3 a9 52 02 00 ff 58 96 01 60 "
    "fe ff ff ff ff ff ff ff ff 01 6d fe ff ff ff 71 fd ff ff ff ff ff ff ff 78 7f 80 01 ff ff ff ff ff ff ff ff ff 01";

static void every_scalar_kind_is_read_from_known_bytes(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, scalars_hex, &m), STOA_OK);
  assert_true(m.a_double == 1.5 && m.a_float == -2.0f);
  assert_true(m.an_int64 == -1 && m.a_uint64 == UINT64_MAX && m.an_int32 == -1);
  assert_true(m.a_fixed64 == 1 && m.a_fixed32 == 2 && m.a_bool);
  kit_expect_string(m.a_string, "h\xc3\xa9");
  assert_int_equal(m.a_bytes.len, 2);
  assert_memory_equal(m.a_bytes.data, "\x00\xff", 2);
  assert_true(m.a_uint32 == 150 && m.a_color == -2);
  assert_true(m.a_sfixed32 == -2 && m.a_sfixed64 == -3 && m.a_sint32 == -64 && m.a_sint64 == INT64_MIN);
}

static void every_scalar_kind_is_written_as_known_bytes(void **state) {
  (void)state;
  struct sample_every m = {.a_double = 1.5,
                           .a_float = -2,
                           .an_int64 = -1,
                           .a_uint64 = UINT64_MAX,
                           .an_int32 = -1,
                           .a_fixed64 = 1,
                           .a_fixed32 = 2,
                           .a_bool = true,
                           .a_string = STOA_STR("h\xc3\xa9"),
                           .a_bytes = {(const uint8_t *)"\x00\xff", 2},
                           .a_uint32 = 150,
                           .a_color = -2,
                           .a_sfixed32 = -2,
                           .a_sfixed64 = -3,
                           .a_sint32 = -64,
                           .a_sint64 = INT64_MIN};
  kit_expect_hex(&kit, &sample_every_type, &m, scalars_hex);
}

/* Each of these hex texts is what protobuf writes for the message it describes, so reading and writing gives it back.
 */
static void known_bytes_survive_reading_and_writing(void **state) {
  (void)state;
  static const char *const texts[] = {
      "fa 01 08 00 00 00 00 00 00 e0 3f 9a 02 06 03 8e 02 9e a7 05 b2 02 02 01 00 ba 02 01 61 ba 02 00 88 03 01 88 03 "
      "02",
      "8a 01 00 a0 01 00 90 03 00 e2 03 05 0a 01 61 10 00 ea 03 10 08 ff ff ff ff ff ff ff ff ff 01 12 03 12 01 62 fa "
      "ff "
      "ff ff 0f 01 78",
      "92 01 05 92 01 02 28 07",
      "9a 03 01 78",
      "a2 03 03 0a 01 78",
      "fa 02 03 0a 01 78 fa 02 00 82 03 02 28 01",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct sample_every m;
    assert_int_equal(kit_decode_hex(&kit, &sample_every_type, texts[i], &m), STOA_OK);
    kit_expect_hex(&kit, &sample_every_type, &m, texts[i]);
  }
}

static void an_empty_message_is_no_bytes(void **state) {
  (void)state;
  struct sample_every m = {0};
  kit_expect_hex(&kit, &sample_every_type, &m, "");
  assert_int_equal(stoa_codec_proto.decode(&sample_every_type, (struct stoa_bytes){0}, kit.arena, &m, &kit.error),
                   STOA_OK);
  assert_string_equal(kit.error.text, "");
}

static void negative_zero_is_written_because_it_is_not_the_default(void **state) {
  (void)state;
  struct sample_every m = {.a_double = -0.0};
  kit_expect_hex(&kit, &sample_every_type, &m, "09 00 00 00 00 00 00 00 80");
}

static void strings_and_bytes_point_into_the_input(void **state) {
  (void)state;
  uint8_t bytes[16];
  size_t len = kit_unhex("4a 02 68 69 52 01 07", bytes, sizeof bytes);
  struct sample_every m = {0};
  struct stoa_bytes input = stoa_bytes_make(bytes, len);
  assert_int_equal(stoa_codec_proto.decode(&sample_every_type, input, kit.arena, &m, &kit.error), STOA_OK);
  assert_ptr_equal(m.a_string.data, bytes + 2);
  assert_ptr_equal(m.a_bytes.data, bytes + 6);
  assert_int_equal(stoa_arena_used(kit.arena), 0);
}

static void a_string_keeps_its_nul(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "4a 03 61 00 62", &m), STOA_OK);
  assert_int_equal(m.a_string.len, 3);
  kit_expect_hex(&kit, &sample_every_type, &m, "4a 03 61 00 62");
}

static void lists_come_packed_and_not_packed_and_mixed(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "98 02 01 9a 02 02 02 03 98 02 04 8a 03 02 05 06", &m),
                   STOA_OK);
  assert_int_equal(m.all_int32.count, 4);
  assert_int_equal(m.all_int32.items[3], 4);
  assert_int_equal(m.loose_int32.count, 2);
  assert_int_equal(m.loose_int32.items[1], 6);
}

static void a_list_of_many_keeps_its_order(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  uint32_t items[COUNT];
  for (uint32_t i = 0; i < COUNT; i++) {
    items[i] = i * i;
  }
  struct sample_every m = {.all_fixed32 = {items, COUNT}, .all_uint32 = {items, COUNT}};
  kit.out.len = 0;
  assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &m, &kit.out), STOA_OK);
  struct sample_every back;
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_every_type, kit.out.data, kit.out.len, &back), STOA_OK);
  assert_int_equal(back.all_fixed32.count, COUNT);
  assert_memory_equal(back.all_fixed32.items, items, sizeof items);
  assert_memory_equal(back.all_uint32.items, items, sizeof items);
}

static void of_a_scalar_given_twice_the_last_counts(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "28 01 28 02", &m), STOA_OK);
  assert_int_equal(m.an_int32, 2);
}

static void a_message_given_twice_is_merged(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "92 01 05 28 01 98 02 01 92 01 05 58 02 98 02 02", &m),
                   STOA_OK);
  assert_int_equal(m.an_every->an_int32, 1);
  assert_int_equal(m.an_every->a_uint32, 2);
  assert_int_equal(m.an_every->all_int32.count, 2);
}

static void of_a_oneof_the_last_member_counts(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "9a 03 01 78 a2 03 03 0a 01 79", &m), STOA_OK);
  assert_int_equal(m.choice_case, 52);
  kit_expect_string(m.choice.choice_chat->message, "y");
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "a2 03 03 0a 01 79 90 03 05", &m), STOA_OK);
  assert_int_equal(m.choice_case, 50);
  assert_int_equal(m.choice.choice_int, 5);
}

static void a_oneofs_message_given_twice_is_merged(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "a2 03 03 0a 01 79 a2 03 03 12 01 7a", &m), STOA_OK);
  kit_expect_string(m.choice.choice_chat->message, "y");
  kit_expect_string(m.choice.choice_chat->sender, "z");
}

static void optional_fields_know_whether_they_came(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "a0 01 00", &m), STOA_OK);
  assert_true(m.has_maybe_int);
  assert_false(m.has_maybe_text);
  kit_expect_hex(&kit, &sample_every_type, &m, "a0 01 00");
}

static void of_equal_map_keys_the_last_counts(void **state) {
  (void)state;
  struct sample_every m;
  const char *hex = "e2 03 05 0a 01 61 10 01 e2 03 05 0a 01 62 10 02 e2 03 05 0a 01 61 10 03";
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, hex, &m), STOA_OK);
  assert_int_equal(m.counts.count, 2);
  kit_expect_string(m.counts.items[0].key, "b");
  kit_expect_string(m.counts.items[1].key, "a");
  assert_int_equal(m.counts.items[1].value, 3);
}

static void maps_below_the_top_have_unique_keys_too(void **state) {
  (void)state;
  struct sample_every m;
  const char *hex =
      "92 01 0e f2 03 04 08 01 12 00 f2 03 04 08 01 12 00 82 03 0e fa 03 04 08 05 10 01 fa 03 04 08 05 10 00";
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, hex, &m), STOA_OK);
  assert_int_equal(m.an_every->flags.count, 1);
  assert_int_equal(m.all_every.items[0].colors.count, 1);
  assert_int_equal(m.all_every.items[0].colors.items[0].value, 0);
}

static void a_map_entry_may_lack_its_key_and_its_value(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "e2 03 00 ea 03 00", &m), STOA_OK);
  assert_int_equal(m.counts.items[0].key.len, 0);
  assert_int_equal(m.chats.items[0].key, 0);
  assert_non_null(m.chats.items[0].value);
}

static void a_map_value_that_is_null_is_written_as_the_empty_message(void **state) {
  (void)state;
  struct sample_chats_entry entry = {.key = 1};
  struct sample_every m = {.chats = {&entry, 1}};
  kit_expect_hex(&kit, &sample_every_type, &m, "ea 03 04 08 01 12 00");
}

static void numbers_are_cut_to_the_width_of_their_field(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(
      kit_decode_hex(&kit, &sample_every_type, "28 ff ff ff ff ff 1f 58 81 80 80 80 10 40 80 80 80 80 80 01", &m),
      STOA_OK);
  assert_int_equal(m.an_int32, -1);
  assert_int_equal(m.a_uint32, 1);
  assert_true(m.a_bool);
}

static void unknown_fields_of_all_wire_types_are_skipped(void **state) {
  (void)state;
  struct sample_every m;
  const char *hex =
      "c0 3e 96 01 c1 3e 01 02 03 04 05 06 07 08 c2 3e 02 68 69 c5 3e 01 02 03 04 "
      "c3 3e 08 01 13 14 c4 3e 28 07";
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, hex, &m), STOA_OK);
  assert_int_equal(m.an_int32, 7);
}

static void a_known_field_with_another_wire_type_counts_as_unknown(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, "2a 01 07 48 05 ba 02 01 61 e0 03 05 28 01", &m), STOA_OK);
  assert_int_equal(m.an_int32, 1);
  assert_int_equal(m.a_string.len, 0);
  assert_int_equal(m.counts.count, 0);
}

static void unknown_fields_are_kept_and_written_after_the_known(void **state) {
  (void)state;
  struct sample_keeper m;
  assert_int_equal(kit_decode_hex(&kit, &sample_keeper_type, "08 01 1a 01 78 10 05 20 02", &m), STOA_OK);
  assert_int_equal(m.number, 5);
  kit_expect_hex(&kit, &sample_keeper_type, &m, "10 05 08 01 1a 01 78 20 02");
}

static void unknown_fields_with_gaps_are_kept_in_linear_space(void **state) {
  (void)state;
  enum { COUNT = 10000 };
  static uint8_t input[COUNT * 4];
  for (size_t i = 0; i < COUNT; i++) {
    uint8_t pair[] = {0x08, (uint8_t)(i & 0x7f), 0x10, 0x01};
    memcpy(input + i * 4, pair, sizeof pair);
  }
  struct sample_keeper m;
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_keeper_type, input, sizeof input, &m), STOA_OK);
  assert_int_equal(m.unknown.len, COUNT * 2);
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal(m.unknown.data[i * 2 + 1], i & 0x7f);
  }
  assert_true(stoa_arena_used(kit.arena) < COUNT * 10);
}

static void four_hundred_thousand_unknown_fields_are_skipped_in_place(void **state) {
  (void)state;
  enum { COUNT = 400000 };
  uint8_t *input = test_malloc(COUNT * 3);
  for (size_t i = 0; i < COUNT; i++) {
    uint8_t field[] = {0xc0, 0x3e, 0x01};
    memcpy(input + i * 3, field, sizeof field);
  }
  struct sample_every m;
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_every_type, input, COUNT * 3, &m), STOA_OK);
  assert_int_equal(stoa_arena_used(kit.arena), 0);
  test_free(input);
}

static void a_varint_of_eleven_bytes_is_refused(void **state) {
  (void)state;
  kit_refuse_hex(&kit, "28 80 80 80 80 80 80 80 80 80 80 01", STOA_E_SYNTAX,
                 "an_int32: a varint of more than 10 bytes");
  kit_refuse_hex(&kit, "a8 80 80 80 80 80 80 80 80 80 80 01", STOA_E_SYNTAX, "a varint of more than 10 bytes");
}

static void a_varint_that_is_cut_short_is_refused(void **state) {
  (void)state;
  kit_refuse_hex(&kit, "28 80", STOA_E_SYNTAX, "an_int32: the input ends inside a varint");
  kit_refuse_hex(&kit, "28", STOA_E_SYNTAX, "an_int32: the input ends inside a varint");
  kit_refuse_hex(&kit, "80", STOA_E_SYNTAX, "the input ends inside a varint");
}

static void a_length_beyond_the_end_is_refused(void **state) {
  (void)state;
  static const char text[] = "a_string: a length passes the end of the input";
  kit_refuse_hex(&kit, "4a 02 78", STOA_E_SYNTAX, text);
  kit_refuse_hex(&kit, "4a ff ff ff ff 07 78", STOA_E_SYNTAX, text);
  kit_refuse_hex(&kit, "4a 80 80 80 80 80 80 80 80 80 01 78", STOA_E_SYNTAX, text);
  kit_refuse_hex(&kit, "4a ff ff ff ff ff ff ff ff ff 01 78", STOA_E_SYNTAX, text);
  kit_refuse_hex(&kit, "c2 3e 05 78", STOA_E_SYNTAX, "a length passes the end of the input");
  kit_refuse_hex(&kit, "92 01 03 4a 02 78 79", STOA_E_SYNTAX,
                 "an_every.a_string: a length passes the end of the input");
}

static void a_fixed_value_that_is_cut_short_is_refused(void **state) {
  (void)state;
  kit_refuse_hex(&kit, "09 01 02 03 04 05 06 07", STOA_E_SYNTAX, "a_double: the input ends inside a value");
  kit_refuse_hex(&kit, "15 01 02 03", STOA_E_SYNTAX, "a_float: the input ends inside a value");
  kit_refuse_hex(&kit, "c1 3e 01", STOA_E_SYNTAX, "the input ends inside a value");
  kit_refuse_hex(&kit, "c5 3e 01", STOA_E_SYNTAX, "the input ends inside a value");
  kit_refuse_hex(&kit, "aa 02 05 01 02 03 04 05", STOA_E_SYNTAX, "all_fixed32[1]: the input ends inside a value");
}

static void field_number_zero_is_refused(void **state) {
  (void)state;
  kit_refuse_hex(&kit, "00 01", STOA_E_SYNTAX, "a field number out of range");
  kit_refuse_hex(&kit, "02 00", STOA_E_SYNTAX, "a field number out of range");
  kit_refuse_hex(&kit, "80 80 80 80 10 01", STOA_E_SYNTAX, "a field number out of range");
}

static void wire_types_six_and_seven_are_refused(void **state) {
  (void)state;
  kit_refuse_hex(&kit, "c6 3e 01", STOA_E_SYNTAX, "a wire type that does not exist");
  kit_refuse_hex(&kit, "c7 3e 01", STOA_E_SYNTAX, "a wire type that does not exist");
  kit_refuse_hex(&kit, "2e 01", STOA_E_SYNTAX, "an_int32: a wire type that does not exist");
}

static void groups_must_be_closed_by_their_own_number(void **state) {
  (void)state;
  kit_refuse_hex(&kit, "c3 3e 08 01", STOA_E_SYNTAX, "the input ends inside a varint");
  kit_refuse_hex(&kit, "c3 3e cc 3e", STOA_E_SYNTAX, "the end of a group without its start");
  kit_refuse_hex(&kit, "c4 3e", STOA_E_SYNTAX, "the end of a group without its start");
}

static void groups_are_skipped_down_to_the_depth_cap(void **state) {
  (void)state;
  static uint8_t input[100000];
  memset(input, 0x0b, sizeof input); /* "begin group 1", as deep as it goes */
  struct sample_keeper m;
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_keeper_type, input, sizeof input, &m), STOA_E_LIMIT);
  assert_string_equal(kit.error.text, "nested too deeply");
  size_t room = STOA_CODEC_DEPTH_MAX - 1;
  memset(input + room, 0x0c, room);
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_keeper_type, input, room * 2, &m), STOA_OK);
  assert_int_equal(m.unknown.len, room * 2);
  memset(input, 0x0b, room + 1);
  memset(input + room + 1, 0x0c, room + 1);
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_keeper_type, input, room * 2 + 2, &m), STOA_E_LIMIT);
}

/* Field an_every (92 01) in itself, `levels` times, written from the inside out. */
static size_t nest(uint8_t *out, size_t out_size, size_t levels) {
  size_t start = out_size;
  for (size_t i = 0; i < levels; i++) {
    size_t len = out_size - start;
    assert_true(len < 128 * 128 && start > 4);
    if (len >= 128) {
      out[--start] = (uint8_t)(len >> 7);
      out[--start] = (uint8_t)(len | 0x80);
    } else {
      out[--start] = (uint8_t)len;
    }
    out[--start] = 0x01;
    out[--start] = 0x92;
  }
  memmove(out, out + start, out_size - start);
  return out_size - start;
}

static void messages_are_read_down_to_the_depth_cap(void **state) {
  (void)state;
  uint8_t input[16384];
  struct sample_every m;
  size_t len = nest(input, sizeof input, STOA_CODEC_DEPTH_MAX - 1);
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_every_type, input, len, &m), STOA_OK);
  len = nest(input, sizeof input, STOA_CODEC_DEPTH_MAX);
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_every_type, input, len, &m), STOA_E_LIMIT);
  len = nest(input, sizeof input, 3000);
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_every_type, input, len, &m), STOA_E_LIMIT);
  assert_memory_equal(kit.error.text, "...", 3);
}

static void messages_are_written_down_to_the_depth_cap(void **state) {
  (void)state;
  struct sample_every levels[STOA_CODEC_DEPTH_MAX + 1];
  memset(levels, 0, sizeof levels);
  for (size_t i = 0; i < STOA_CODEC_DEPTH_MAX; i++) {
    levels[i].an_every = &levels[i + 1];
  }
  kit.out.len = 0;
  assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &levels[1], &kit.out), STOA_OK);
  size_t len = kit.out.len;
  assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &levels[0], &kit.out), STOA_E_LIMIT);
  assert_int_equal(kit.out.len, len);
  struct sample_counts_entry entry = {.value = 1};
  levels[STOA_CODEC_DEPTH_MAX].counts.items = &entry;
  levels[STOA_CODEC_DEPTH_MAX].counts.count = 1;
  assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &levels[1], &kit.out), STOA_E_LIMIT);
}

static void strings_that_are_not_utf8_are_refused_when_read(void **state) {
  (void)state;
  static const char text[] = "a_string: a string that is not UTF-8";
  kit_refuse_hex(&kit, "4a 01 80", STOA_E_UTF8, text);
  kit_refuse_hex(&kit, "4a 02 c0 80", STOA_E_UTF8, text);
  kit_refuse_hex(&kit, "4a 03 ed a0 80", STOA_E_UTF8, text);
  kit_refuse_hex(&kit, "4a 04 f4 90 80 80", STOA_E_UTF8, text);
  kit_refuse_hex(&kit, "4a 12 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 e2", STOA_E_UTF8, text);
  kit_refuse_hex(&kit, "ba 02 01 61 ba 02 01 ff", STOA_E_UTF8, "all_string[1]: a string that is not UTF-8");
  kit_refuse_hex(&kit, "e2 03 03 0a 01 ff", STOA_E_UTF8, "counts[0].key: a string that is not UTF-8");
}

static void strings_that_are_not_utf8_are_refused_when_written(void **state) {
  (void)state;
  struct sample_chat chat = {.message = STOA_STR("good"), .sender = STOA_STR("bad\xff")};
  kit.out.len = 0;
  assert_int_equal(stoa_buffer_append(&kit.out, "before", 6), STOA_OK);
  assert_int_equal(stoa_codec_proto.encode(&sample_chat_type, &chat, &kit.out), STOA_E_UTF8);
  assert_int_equal(kit.out.len, 6);
  assert_memory_equal(kit.out.data, "before", 6);
}

/* Room of every size below what is needed is too little; exactly what is needed is enough. */
static void a_buffers_cap_is_used_to_the_last_byte(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, scalars_hex, &m), STOA_OK);
  struct sample_every outer = {.an_every = &m};
  struct stoa_buffer out;
  stoa_buffer_init(&out, SIZE_MAX / 2);
  assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &outer, &out), STOA_OK);
  size_t need = out.len;
  stoa_buffer_fini(&out);
  for (size_t cap = 0; cap <= need; cap++) {
    stoa_buffer_init(&out, cap);
    assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &outer, &out), cap < need ? STOA_E_LIMIT : STOA_OK);
    assert_int_equal(out.len, cap < need ? 0 : need);
    stoa_buffer_fini(&out);
  }
}

static void truncated_input_is_never_read_after_its_end(void **state) {
  (void)state;
  uint8_t bytes[256];
  size_t len = kit_unhex(scalars_hex, bytes, sizeof bytes);
  for (size_t cut = 0; cut <= len; cut++) {
    struct sample_every m;
    (void)kit_decode(&kit, &stoa_codec_proto, &sample_every_type, bytes, cut, &m);
  }
}

static void input_that_needs_more_than_the_arenas_cap_is_too_large(void **state) {
  (void)state;
  kit_close(&kit);
  kit_open(&kit, 16);
  kit_refuse_hex(&kit, "92 01 00", STOA_E_LIMIT, "an_every: too large after decoding");
  kit_refuse_hex(&kit, "ba 02 00", STOA_E_LIMIT, "all_string[0]: too large after decoding");
}

static void the_error_may_be_left_out(void **state) {
  (void)state;
  struct sample_every m = {0};
  struct stoa_bytes input = stoa_bytes_make("\x92\x01\x01\x80", 4);
  assert_int_equal(stoa_codec_proto.decode(&sample_every_type, input, kit.arena, &m, NULL), STOA_E_SYNTAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_scalar_kind_is_read_from_known_bytes),
      TEST(every_scalar_kind_is_written_as_known_bytes),
      TEST(known_bytes_survive_reading_and_writing),
      TEST(an_empty_message_is_no_bytes),
      TEST(negative_zero_is_written_because_it_is_not_the_default),
      TEST(strings_and_bytes_point_into_the_input),
      TEST(a_string_keeps_its_nul),
      TEST(lists_come_packed_and_not_packed_and_mixed),
      TEST(a_list_of_many_keeps_its_order),
      TEST(of_a_scalar_given_twice_the_last_counts),
      TEST(a_message_given_twice_is_merged),
      TEST(of_a_oneof_the_last_member_counts),
      TEST(a_oneofs_message_given_twice_is_merged),
      TEST(optional_fields_know_whether_they_came),
      TEST(of_equal_map_keys_the_last_counts),
      TEST(maps_below_the_top_have_unique_keys_too),
      TEST(a_map_entry_may_lack_its_key_and_its_value),
      TEST(a_map_value_that_is_null_is_written_as_the_empty_message),
      TEST(numbers_are_cut_to_the_width_of_their_field),
      TEST(unknown_fields_of_all_wire_types_are_skipped),
      TEST(a_known_field_with_another_wire_type_counts_as_unknown),
      TEST(unknown_fields_are_kept_and_written_after_the_known),
      TEST(unknown_fields_with_gaps_are_kept_in_linear_space),
      TEST(four_hundred_thousand_unknown_fields_are_skipped_in_place),
      TEST(a_varint_of_eleven_bytes_is_refused),
      TEST(a_varint_that_is_cut_short_is_refused),
      TEST(a_length_beyond_the_end_is_refused),
      TEST(a_fixed_value_that_is_cut_short_is_refused),
      TEST(field_number_zero_is_refused),
      TEST(wire_types_six_and_seven_are_refused),
      TEST(groups_must_be_closed_by_their_own_number),
      TEST(groups_are_skipped_down_to_the_depth_cap),
      TEST(messages_are_read_down_to_the_depth_cap),
      TEST(messages_are_written_down_to_the_depth_cap),
      TEST(strings_that_are_not_utf8_are_refused_when_read),
      TEST(strings_that_are_not_utf8_are_refused_when_written),
      TEST(a_buffers_cap_is_used_to_the_last_byte),
      TEST(truncated_input_is_never_read_after_its_end),
      TEST(input_that_needs_more_than_the_arenas_cap_is_too_large),
      TEST(the_error_may_be_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
