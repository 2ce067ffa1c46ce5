#include <string.h>

#include "emit.h"
#include "example.h"
#include "kind.h"
#include "pool.h"
#include "rules.h"

/* Escape the characters of a comment that are special in Markdown. Text in backquotes is not changed, except bars in a
 * table. */
static void add_prose(struct text *text, const char *raw, bool is_cell) {
  bool is_code = false;
  for (const char *at = raw; *at != '\0'; at++) {
    is_code = is_code != (*at == '`');
    if (*at == '|' ? is_cell : (!is_code && strchr("*_[]<>\\", *at) != NULL)) {
      text_add(text, "\\");
    }
    text_add_bytes(text, at, 1);
  }
}

/* A comment's lines, without leading blanks, and without empty lines at the end. */
static const char *comment_lines(const char *comment, const char *joint) {
  struct text lines = {0};
  text_add(&lines, "");
  size_t whole = comment == NULL ? 0 : strlen(comment);
  while (whole > 0 && strchr(" \t\r\n", comment[whole - 1]) != NULL) {
    whole--;
  }
  comment = pool_copy(comment == NULL ? "" : comment, whole);
  for (const char *at = comment; *at != '\0';) {
    size_t len = strcspn(at, "\n");
    const char *line = pool_copy(at, len);
    line += strspn(line, " \t\r");
    if (lines.len > 0) {
      text_add(&lines, joint);
    }
    text_add(&lines, line);
    at += len + (at[len] == '\n');
  }
  return lines.data;
}

static void add_paragraph(struct text *text, const char *comment) {
  const char *lines = comment_lines(comment, "\n");
  if (*lines != '\0') {
    add_prose(text, lines, false);
    text_add(text, "\n\n");
  }
}

static void add_about(struct text *text, const struct place *place) {
  text_add(text, place->is_deprecated ? "**Deprecated.**\n\n" : "");
  add_paragraph(text, place->comment);
}

/* A comment in a cell of a table. */
static const char *cell_about(const struct place *place) {
  const char *lines = comment_lines(place->comment, " ");
  return place->is_deprecated ? text_format("Deprecated.%s%s", *lines != '\0' ? " " : "", lines) : lines;
}

static const char *base_type(const struct model_field *field) {
  if (field->message != NULL) {
    return field->message->full_name;
  }
  return field->enumeration != NULL ? field->enumeration->full_name : kind_name(field->kind);
}

/* Types of the page's package are written without the package. */
static const char *short_type(const struct model_file *page, const struct model_field *field) {
  const char *name = base_type(field);
  size_t len = strlen(page->proto->package);
  bool is_own = len > 0 && strncmp(name, page->proto->package, len) == 0 && name[len] == '.';
  return is_own ? name + len + 1 : name;
}

static const char *type_text(const struct model_file *page, const struct model_field *field) {
  switch (field->label) {
    case STOA_LABEL_MAP:
      return text_format("map<%s, %s>", kind_name(field->message->fields[0].kind),
                         short_type(page, &field->message->fields[1]));
    case STOA_LABEL_REPEATED:
      return text_format("repeated %s", short_type(page, field));
    case STOA_LABEL_OPTIONAL:
      return text_format("optional %s", short_type(page, field));
    case STOA_LABEL_SINGULAR:
    case STOA_LABEL_ONEOF:
      break;
  }
  return short_type(page, field);
}

static void add_field(struct text *text, const struct model_file *page, const struct model_message *message,
                      const struct model_field *field) {
  struct text about = {0};
  text_add(&about, cell_about(&field->place));
  const char *rules = rules_text(field);
  if (*rules != '\0') {
    text_addf(&about, "%s(%s)", about.len > 0 ? " " : "", rules);
  }
  if (field->label == STOA_LABEL_ONEOF) {
    text_addf(&about, "%sOne of `%s`.", about.len > 0 ? " " : "", message->oneofs[field->oneof].name);
  }
  text_addf(text, "| %u | `%s` | `%s` |", field->number, field->name, type_text(page, field));
  text_add(text, about.len > 0 ? " " : "");
  add_prose(text, about.data, true);
  text_add(text, " |\n");
}

static void add_fields(struct text *text, const struct model_file *page, const struct model_message *message) {
  if (message->field_count == 0) {
    text_add(text, "No fields.\n\n");
    return;
  }
  const struct model_field **sorted = model_sorted_fields(message);
  text_add(text, "| number | field | type | about |\n| --- | --- | --- | --- |\n");
  for (size_t i = 0; i < message->field_count; i++) {
    add_field(text, page, message, sorted[i]);
  }
  text_add(text, "\n");
}

/* 16 bytes in each line. */
static void add_hex(struct text *text, const struct text *binary) {
  for (size_t i = 0; i < binary->len; i++) {
    text_addf(text, "%s%02x", i == 0 ? "" : i % 16 == 0 ? "\n" : " ", (unsigned)(unsigned char)binary->data[i]);
  }
  text_add(text, binary->len > 0 ? "\n" : "");
}

static void add_example(struct text *text, const struct model_message *message) {
  const struct example example = example_of(message);
  text_addf(text, "```json\n%s\n```\n\n", example.json.data);
  if (example.binary.len == 0) {
    text_add(text, "In binary it has no bytes.\n\n");
    return;
  }
  text_add(text, "```text\n");
  add_hex(text, &example.binary);
  text_add(text, "```\n\n");
}

static void add_message(struct text *text, const struct model_file *page, const struct model_message *message) {
  add_about(text, &message->place);
  add_fields(text, page, message);
  add_example(text, message);
}

/* The bytes of the frame before the payload, for a reader of a network trace. */
static const char *head_bytes(uint32_t type) {
  return text_format("%02x %02x %02x %02x", type >> 24, type >> 16 & 0xff, type >> 8 & 0xff, type & 0xff);
}

static void add_call(struct text *text, const struct model_file *page, const struct model_service *service,
                     const struct model_method *method) {
  const char *call_bytes = head_bytes(method->number | 0x80000000U);
  text_addf(text, "### %u: %s\n\n", method->number, method->name);
  if (service->is_admin) {
    text_addf(text,
              "A request of `%s` to an admin listener, `%s %s`: `%s`, answered by %s`%s`. No session can call it.\n\n",
              service->name, method->http[0].method, method->http[0].path, method->input->full_name,
              method->is_stream ? "a stream of " : "", method->output->full_name);
  } else if (method->is_stream) {
    text_addf(
        text,
        "A call of `%s` for a stream: the client sends `%s`, the server sends any number of `%s` and the end. With "
        "the id 1 the call's frame starts `%s 00 00 00 01`, that of an item `%s 00 00 00 01`.\n\n",
        service->name, method->input->full_name, method->output->full_name, call_bytes,
        head_bytes(method->number | 0xa0000000U));
  } else if (method->is_plain) {
    text_addf(text,
              "A call of `%s`, or a plain message: the client sends `%s`. The server answers a call with `%s`, and a "
              "plain message only with an error. It may send the message to clients too. With the id 1 a call's frame "
              "starts `%s 00 00 00 01`, that of a plain message `%s`.\n\n",
              service->name, method->input->full_name, method->output->full_name, call_bytes,
              head_bytes(method->number));
  } else {
    text_addf(text,
              "A call of `%s`: the client sends `%s`, the server answers `%s`. With the id 1 its frame starts "
              "`%s 00 00 00 01`.\n\n",
              service->name, method->input->full_name, method->output->full_name, call_bytes);
  }
  add_about(text, &method->place);
  text_add(text, "#### Request\n\n");
  add_message(text, page, method->input);
  text_add(text, method->is_stream ? "#### Item\n\n" : "#### Reply\n\n");
  add_message(text, page, method->output);
}

static void add_push(struct text *text, const struct model_file *page, const struct model_message *message) {
  text_addf(text, "### %u: %s\n\n", message->number, message->push_name);
  text_addf(text, "A message: client and server may send `%s`. Its frame starts `%s`.\n\n", message->full_name,
            head_bytes(message->number));
  add_message(text, page, message);
}

static void add_type_row(struct text *text, uint32_t number, const char *name, const char *way) {
  text_addf(text, "| %u | %s | %s |\n", number, name, way);
}

static bool has_hashed(const struct model_file *page) {
  for (size_t s = 0; s < page->service_count; s++) {
    const struct model_service *service = &page->services[s];
    for (size_t i = 0; i < service->method_count; i++) {
      if (service->methods[i].is_hashed) {
        return true;
      }
    }
    for (size_t i = 0; i < service->push_count; i++) {
      if (service->pushes[i]->is_hashed) {
        return true;
      }
    }
  }
  return false;
}

static bool has_streams(const struct model_file *page) {
  for (size_t s = 0; s < page->service_count; s++) {
    for (size_t i = 0; i < page->services[s].method_count; i++) {
      if (page->services[s].methods[i].is_stream && !page->services[s].is_admin) {
        return true;
      }
    }
  }
  return false;
}

static void add_about_streams(struct text *text) {
  text_add(
      text,
      "A call for a stream is answered by items, whose frames set bit 29 (0x20000000) of the type number too, then by "
      "an "
      "end: an answer without that bit and without a payload, or an error. The server may send as many bytes of "
      "payload "
      "as the client has granted: 262144 at first. It sends an item while some are left, so that the last one may "
      "exceed "
      "them. The client grants more with a frame that sets the bits of a call, of an error and bit 29, and has the id "
      "and "
      "the number of bytes, 4 bytes in the order of type numbers. It cancels with a frame that sets the bits of a call "
      "and an error, with the id and no payload; what was sent before may still arrive. In `stoa.text` the same bits "
      "are "
      "part of `type`, the end has the payload `null`, and `error` is `null` in a cancel and the number in "
      "credit.\n\n");
}

static void add_types(struct text *text, const struct model_file *page) {
  static const char hashed[] =
      "Numbers of 536870912 and above come from names: that of a call from its path, `/package.Service/Method`, that "
      "of a "
      "message from its full name.\n\n";
  static const char hashed_streams[] =
      "Numbers of 268435456 and above come from names: that of a call from its path, `/package.Service/Method`, that "
      "of a message from its full name. Those below 536870912 are of calls for a stream.\n\n";
  text_addf(
      text,
      "## Types\n\n"
      "A frame is one WebSocket binary message: the type number, 4 bytes in big-endian order (unless "
      "server.byte_order is little), and the payload in the "
      "session's codec, JSON or Protobuf binary. A call sets the number's highest bit and has 4 bytes more before "
      "the payload, an id that the answer repeats. An answer that also sets the second highest bit is an error, "
      "`stoa.Error`. Each type has an example below, in JSON and in binary.\n\n"
      "%s",
      !has_hashed(page)   ? ""
      : has_streams(page) ? hashed_streams
                          : hashed);
  if (has_streams(page)) {
    add_about_streams(text);
  }
  text_add(text, "| type | name | way |\n| --- | --- | --- |\n");
  for (size_t s = 0; s < page->service_count; s++) {
    const struct model_service *service = &page->services[s];
    for (size_t i = 0; i < service->method_count; i++) {
      const struct model_method *method = &service->methods[i];
      const char *way = service->is_admin ? "HTTP of operators" : method->is_plain ? "plain or call" : "call";
      const char *answer = method->is_plain    ? "a call is answered by"
                           : method->is_stream ? "answered by a stream of"
                                               : "answered by";
      add_type_row(text, method->number, method->name,
                   text_format("%s: `%s`, %s `%s`", way, method->input->full_name, answer, method->output->full_name));
    }
    for (size_t i = 0; i < service->push_count; i++) {
      const struct model_message *message = service->pushes[i];
      if (message->call == NULL) {
        add_type_row(text, message->number, message->push_name, text_format("message: `%s`", message->full_name));
      }
    }
  }
  text_add(text, "\n");
}

/* So that nobody looks for them in vain. */
static void add_streams(struct text *text, const struct model_file *page) {
  const char *names = "";
  for (size_t s = 0; s < page->service_count; s++) {
    const struct model_service *service = &page->services[s];
    for (size_t i = 0; i < service->stream_count; i++) {
      names = text_format("%s%s`%s.%s`", names, *names != '\0' ? ", " : "", service->name, service->streams[i].name);
    }
  }
  if (*names != '\0') {
    text_addf(text, "These rpcs take a stream and are left out: %s.\n\n", names);
  }
}

static void add_services(struct text *text, const struct model_file *page) {
  for (size_t s = 0; s < page->service_count; s++) {
    const struct model_service *service = &page->services[s];
    for (size_t i = 0; i < service->method_count; i++) {
      add_call(text, page, service, &service->methods[i]);
    }
    for (size_t i = 0; i < service->push_count; i++) {
      if (service->pushes[i]->call == NULL) {
        add_push(text, page, service->pushes[i]);
      }
    }
  }
}

/* Is the message described elsewhere on the page, with its type number or as a map's entry? */
static bool is_described(const struct model_file *page, const struct model_message *message) {
  bool is_described = message->is_numbered || message->is_map_entry;
  for (size_t s = 0; s < page->service_count; s++) {
    for (size_t i = 0; i < page->services[s].method_count; i++) {
      const struct model_method *method = &page->services[s].methods[i];
      is_described = is_described || method->input == message || method->output == message;
    }
  }
  return is_described;
}

static void add_other_messages(struct text *text, const struct model_file *page) {
  bool is_first = true;
  for (size_t i = 0; i < page->message_count; i++) {
    const struct model_message *message = &page->messages[i];
    if (!is_described(page, message)) {
      text_add(text, is_first ? "## Messages without a type of their own\n\n" : "");
      text_addf(text, "### %s\n\n", message->full_name);
      add_message(text, page, message);
      is_first = false;
    }
  }
}

static void add_enum(struct text *text, const struct model_enum *enumeration) {
  text_addf(text, "### %s\n\n", enumeration->full_name);
  add_about(text, &enumeration->place);
  text_addf(text, "| number | value | %sabout |\n| --- | --- | %s--- |\n",
            enumeration->is_errors ? "error code | " : "", enumeration->is_errors ? "--- | " : "");
  for (size_t i = 0; i < enumeration->value_count; i++) {
    const struct model_enum_value *value = &enumeration->values[i];
    text_addf(text, "| %d | `%s` |", value->number, value->name);
    if (enumeration->is_errors) {
      text_add(text, value->error_code != 0 ? text_format(" %d", value->error_code) : "");
      text_add(text, value->http_status != 0 ? text_format(", HTTP status %u |", value->http_status) : " |");
    }
    const char *about = cell_about(&value->place);
    text_add(text, *about != '\0' ? " " : "");
    add_prose(text, about, true);
    text_add(text, " |\n");
  }
  text_add(text, "\n");
}

static void add_enums(struct text *text, const struct model_file *page, bool of_errors, const char *heading) {
  bool is_first = true;
  for (size_t i = 0; i < page->enum_count; i++) {
    if (page->enums[i].is_errors == of_errors) {
      text_add(text, is_first ? heading : "");
      add_enum(text, &page->enums[i]);
      is_first = false;
    }
  }
}

void emit_markdown(struct text *text, const struct model_file *file) {
  const char *title = *file->proto->package != '\0' ? file->proto->package : file->name;
  text_addf(text, "<!-- Generated by protoc-gen-stoa from %s. Changes here are lost. -->\n\n# %s\n\n", file->name,
            title);
  add_about(text, &file->place);
  add_streams(text, file);
  if (emit_has_service(file)) {
    add_types(text, file);
    add_services(text, file);
  }
  add_other_messages(text, file);
  add_enums(text, file, false, "## Enums\n\n");
  add_enums(text, file, true, "## Errors\n\n`stoa.Error` has the code, and the value's name as the reason.\n\n");
  /* Otherwise the blank line after the last section would be the last line of the file. */
  text->data[--text->len] = '\0';
}
