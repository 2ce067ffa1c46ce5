#include "server/trace/otlp.h"

#include "base/hex.h"
#include "codec/json_write.h"

#include <assert.h>
#include <google/protobuf/struct.stoa.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stoa/version.h>

/* Enums of opentelemetry/proto/trace/v1/trace.proto. */
#define STATUS_CODE_ERROR 2
#define FLAG_SAMPLED 1
#define REJECTED_DIGITS_MAX 19u

static const int kinds[] = {[STOA_SPAN_INTERNAL] = 1,
                            [STOA_SPAN_SERVER] = 2,
                            [STOA_SPAN_CLIENT] = 3,
                            [STOA_SPAN_PRODUCER] = 4,
                            [STOA_SPAN_CONSUMER] = 5};

/* What is written, until something does not fit. */
struct text {
  struct stoa_json_writer json;
  int status;
};

static struct text begin(struct stoa_buffer *out) {
  return (struct text){.json = {.out = out}, .status = STOA_OK};
}

static void put(struct text *text, const char *literal) {
  if (text->status == STOA_OK) {
    text->status = stoa_json_write_text(&text->json, literal, strlen(literal));
  }
}

static void put_string(struct text *text, struct stoa_string value) {
  if (text->status == STOA_OK) {
    text->status = stoa_json_write_string(&text->json, &value);
  }
}

static void put_number(struct text *text, uint64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, number);
  put(text, digits);
}

static void put_hex(struct text *text, const char *before, const uint8_t *bytes, size_t len) {
  char digits[2 * sizeof((struct stoa_trace_context *)NULL)->trace_id + 1];
  assert(2 * len < sizeof digits);
  stoa_hex_write(bytes, len, digits);
  digits[2 * len] = '\0';
  put(text, before);
  put(text, digits);
  put(text, "\"");
}

/* The end: all of it, or nothing. */
static int finish(struct text *text, size_t len_before) {
  if (text->status != STOA_OK) {
    text->json.out->len = len_before;
  }
  return text->status;
}

/* Numbers that JSON has not are texts in proto3 JSON. */
static void put_double(struct text *text, double number) {
  char digits[40];
  if (isnan(number)) {
    put(text, "\"NaN\"");
  } else if (isinf(number)) {
    put(text, number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  } else {
    snprintf(digits, sizeof digits, "%.17g", number);
    put(text, digits);
  }
}

static void put_int(struct text *text, int64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "\"%" PRId64 "\"", number);
  put(text, digits);
}

static void put_value(struct text *text, const struct stoa_span *span, const struct stoa_span_attribute *attribute) {
  switch (attribute->kind) {
    case STOA_SPAN_TEXT:
      put(text, "\"stringValue\":");
      put_string(text, stoa_span_text_at(span, attribute->text_at, attribute->text_len));
      break;
    case STOA_SPAN_INT:
      put(text, "\"intValue\":");
      put_int(text, attribute->number);
      break;
    case STOA_SPAN_BOOL:
      put(text, attribute->number != 0 ? "\"boolValue\":true" : "\"boolValue\":false");
      break;
    case STOA_SPAN_DOUBLE:
      put(text, "\"doubleValue\":");
      put_double(text, attribute->real);
      break;
  }
}

static void put_attributes(struct text *text, const struct stoa_span *span) {
  if (span->attribute_count > 0) {
    put(text, ",\"attributes\":[");
    for (size_t i = 0; i < span->attribute_count; i++) {
      put(text, i == 0 ? "{\"key\":" : ",{\"key\":");
      put_string(text, stoa_string_of(span->attributes[i].key));
      put(text, ",\"value\":{");
      put_value(text, span, &span->attributes[i]);
      put(text, "}}");
    }
    put(text, "]");
  }
  if (span->left_out > 0) {
    put(text, ",\"droppedAttributesCount\":");
    put_number(text, span->left_out);
  }
}

static void put_links(struct text *text, const struct stoa_span *span) {
  if (stoa_trace_context_is_set(&span->link)) {
    put_hex(text, ",\"links\":[{\"traceId\":\"", span->link.trace_id, sizeof span->link.trace_id);
    put_hex(text, ",\"spanId\":\"", span->link.span_id, sizeof span->link.span_id);
    put(text, "}]");
  }
}

static void put_status(struct text *text, const struct stoa_span *span) {
  if (!span->has_failed) {
    return;
  }
  put(text, ",\"status\":{\"code\":");
  put_number(text, STATUS_CODE_ERROR);
  if (span->error_len > 0) {
    put(text, ",\"message\":");
    put_string(text, stoa_span_text_at(span, span->error_at, span->error_len));
  }
  put(text, "}");
}

static void put_time(struct text *text, const char *before, uint64_t time_ns) {
  put(text, before);
  put_number(text, time_ns);
  put(text, "\"");
}

int stoa_otlp_add(const struct stoa_span *span, bool is_first, struct stoa_buffer *out) {
  static const uint8_t none[sizeof span->parent_id];
  struct text text = begin(out);
  size_t len_before = out->len;
  uint64_t start_ns = span->start_us > 0 ? (uint64_t)span->start_us * 1000 : 0;
  assert(span->kind < sizeof kinds / sizeof kinds[0]);
  put_hex(&text, is_first ? "{\"traceId\":\"" : ",{\"traceId\":\"", span->context.trace_id,
          sizeof span->context.trace_id);
  put_hex(&text, ",\"spanId\":\"", span->context.span_id, sizeof span->context.span_id);
  if (memcmp(span->parent_id, none, sizeof none) != 0) {
    put_hex(&text, ",\"parentSpanId\":\"", span->parent_id, sizeof span->parent_id);
  }
  put(&text, ",\"flags\":");
  put_number(&text, FLAG_SAMPLED);
  put(&text, ",\"name\":");
  put_string(&text, stoa_string_of(span->name));
  put(&text, ",\"kind\":");
  put_number(&text, (uint64_t)kinds[span->kind]);
  put_time(&text, ",\"startTimeUnixNano\":\"", start_ns);
  put_time(&text, ",\"endTimeUnixNano\":\"", start_ns + (span->end_ns - span->start_ns));
  put_attributes(&text, span);
  put_links(&text, span);
  put_status(&text, span);
  put(&text, "}");
  return finish(&text, len_before);
}

static void put_resource(struct text *text, const char *before, struct stoa_string value) {
  if (value.len > 0) {
    put(text, before);
    put(text, "\",\"value\":{\"stringValue\":");
    put_string(text, value);
    put(text, "}}");
  }
}

int stoa_otlp_begin(const struct stoa_otlp_resource *resource, struct stoa_buffer *out) {
  struct text text = begin(out);
  size_t len_before = out->len;
  assert(resource->service_name.len > 0);
  put_resource(&text, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name",
               resource->service_name);
  put_resource(&text, ",{\"key\":\"service.version", resource->service_version);
  put_resource(&text, ",{\"key\":\"service.instance.id", resource->instance_id);
  put_resource(&text, ",{\"key\":\"telemetry.sdk.name", stoa_string_of("stoa"));
  put_resource(&text, ",{\"key\":\"telemetry.sdk.language", stoa_string_of("c"));
  put_resource(&text, ",{\"key\":\"telemetry.sdk.version", stoa_string_of(stoa_version()));
  put(&text, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"stoa\",\"version\":");
  put_string(&text, stoa_string_of(stoa_version()));
  put(&text, "},\"spans\":[");
  return finish(&text, len_before);
}

int stoa_otlp_end(struct stoa_buffer *out) {
  struct text text = begin(out);
  size_t len_before = out->len;
  put(&text, "]}]}]}");
  return finish(&text, len_before);
}

/* The answer. */

static const struct google_protobuf_value *find(const struct google_protobuf_struct *object, const char *key) {
  for (size_t i = 0; object != NULL && i < object->fields.count; i++) {
    if (stoa_string_equal(object->fields.items[i].key, stoa_string_of(key))) {
      return object->fields.items[i].value;
    }
  }
  return NULL;
}

/* An int64 of proto3 JSON: digits in quotes, or a number. */
static uint64_t count_of(const struct google_protobuf_value *value) {
  uint64_t count = 0;
  if (value == NULL) {
    return 0;
  }
  if (google_protobuf_value_has_number_value(value)) {
    return value->kind.number_value >= 1 && value->kind.number_value <= (double)UINT32_MAX
               ? (uint64_t)value->kind.number_value
               : 0;
  }
  if (!google_protobuf_value_has_string_value(value) || value->kind.string_value.len > REJECTED_DIGITS_MAX) {
    return 0;
  }
  for (size_t i = 0; i < value->kind.string_value.len; i++) {
    char digit = value->kind.string_value.data[i];
    if (digit < '0' || digit > '9') {
      return 0;
    }
    count = count * 10 + (uint64_t)(digit - '0');
  }
  return count;
}

uint64_t stoa_otlp_read_rejected(struct stoa_bytes body, struct stoa_arena *arena, struct stoa_string *out_reason) {
  struct google_protobuf_struct answer = {0};
  *out_reason = stoa_string_of("");
  if (stoa_codec_json.decode(&google_protobuf_struct_type, body, arena, &answer, NULL) != STOA_OK) {
    return 0;
  }
  const struct google_protobuf_value *partial = find(&answer, "partialSuccess");
  if (partial == NULL || !google_protobuf_value_has_struct_value(partial)) {
    return 0;
  }
  const struct google_protobuf_value *reason = find(partial->kind.struct_value, "errorMessage");
  if (reason != NULL && google_protobuf_value_has_string_value(reason)) {
    *out_reason = reason->kind.string_value;
  }
  return count_of(find(partial->kind.struct_value, "rejectedSpans"));
}
