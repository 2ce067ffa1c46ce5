/* A message of google.protobuf's own messages, in every place where one is allowed; as protoc-gen-stoa would write it.
 */
#ifndef STOA_TESTS_CODEC_SPECIAL_H
#define STOA_TESTS_CODEC_SPECIAL_H

#include <google/protobuf/any.stoa.h>
#include <google/protobuf/duration.stoa.h>
#include <google/protobuf/empty.stoa.h>
#include <google/protobuf/field_mask.stoa.h>
#include <google/protobuf/struct.stoa.h>
#include <google/protobuf/timestamp.stoa.h>
#include <google/protobuf/wrappers.stoa.h>

#include "sample.h"

struct special_by_name_entry {
  struct stoa_string key;
  const struct google_protobuf_value *value;
};

struct special {
  const struct google_protobuf_any *any;
  const struct google_protobuf_timestamp *timestamp;
  const struct google_protobuf_duration *duration;
  const struct google_protobuf_field_mask *mask;
  const struct google_protobuf_struct *object;
  const struct google_protobuf_value *value;
  const struct google_protobuf_list_value *list;
  const struct google_protobuf_empty *empty;
  int32_t null; /* enum google_protobuf_null_value */
  const struct google_protobuf_bool_value *a_bool;
  const struct google_protobuf_int64_value *an_int64;
  const struct google_protobuf_double_value *a_double;
  const struct google_protobuf_string_value *a_string;
  const struct google_protobuf_bytes_value *a_bytes;
  SAMPLE_LIST(struct google_protobuf_any, anys);
  SAMPLE_LIST(struct google_protobuf_timestamp, timestamps);
  SAMPLE_LIST(struct google_protobuf_field_mask, masks);
  SAMPLE_LIST(struct google_protobuf_value, values);
  SAMPLE_LIST(int32_t, nulls);
  SAMPLE_LIST(struct google_protobuf_int32_value, int32s);
  SAMPLE_LIST(struct special_by_name_entry, by_name);
  int32_t choice_case;
  union {
    int32_t choice_null;
    const struct google_protobuf_value *choice_value;
    const struct google_protobuf_any *choice_any;
    int32_t choice_shade; /* 0 or 1 */
  } choice;
  bool has_maybe_null;
  int32_t maybe_null;
  const struct sample_every *every;
  struct stoa_bytes unknown_fields;
};

extern const struct stoa_message_type special_type;

/* Let an Any hold the special message itself, sample.Every, and google.protobuf's own. False when one was refused. */
bool special_add_types(void);

#endif
