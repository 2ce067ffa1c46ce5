#include "number.h"

#include <assert.h>
#include <string.h>

#include "name_number.h"
#include "names.h"
#include "number_hash.h"
#include "pool.h"

/* Bits 30 and 31 of a frame's type mark errors and calls. */
#define TYPE_NUMBER_MAX 0x3fffffffU
/* Bit 29 of a stream's frames has a meaning of its own. */
#define STREAM_NUMBER_MAX 0x1fffffffU

/* An item with a number, to find two with the same number. */
struct numbered {
  const char *what; /* rpc "Join" */
  uint32_t number;
  const struct place *place;
  const struct model_message *message; /* of an rpc: its request */
  bool is_call;
  bool is_hashed; /* the number comes from a name, as that of whoever has it too */
};

static struct model_method *find_method(const struct model_file *file, const char *snake) {
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t i = 0; i < file->services[s].method_count; i++) {
      struct model_method *method = &file->services[s].methods[i];
      if (strcmp(names_snake(method->name), snake) == 0) {
        return method;
      }
    }
  }
  return NULL;
}

static struct model_message *find_message(const struct model_file *file, const char *snake) {
  for (size_t i = 0; i < file->message_count; i++) {
    struct model_message *message = &file->messages[i];
    if (!message->is_nested && strcmp(names_snake(message->name), snake) == 0) {
      return message;
    }
  }
  return NULL;
}

/* False when the number is out of range. */
static bool assign(bool *is_numbered, uint32_t *number, const struct model_enum_value *value, const char *what,
                   struct problems *problems) {
  uint32_t wanted = (uint32_t)value->number;
  if (value->number < 0 || wanted > TYPE_NUMBER_MAX) {
    problem_add(problems, &value->place, "type number %d of %s is not between 0 and %u", value->number, what,
                TYPE_NUMBER_MAX);
    return false;
  }
  if (*is_numbered && *number != wanted) {
    problem_add(problems, &value->place, "%s has type number %u already, and MessageType gives it %u", what, *number,
                wanted);
    return true;
  }
  *is_numbered = true;
  *number = wanted;
  return true;
}

static void pair_value(const struct model_file *file, const struct model_enum_value *value, struct problems *problems) {
  const char *snake = names_without_prefix(names_snake(value->name), "message_type_");
  struct model_method *method = find_method(file, snake);
  if (method != NULL) {
    method->is_misnumbered =
        !assign(&method->is_numbered, &method->number, value, text_format("rpc \"%s\"", method->name), problems);
    return;
  }
  struct model_message *message = find_message(file, snake);
  if (message == NULL) {
    message = find_message(file, names_join(snake, "message"));
  }
  if (message != NULL) {
    assign(&message->is_numbered, &message->number, value, text_format("message \"%s\"", message->name), problems);
  }
}

static void pair_enum(const struct model_file *file, struct problems *problems) {
  const char *scope = file->proto->package;
  const char *full_name = *scope != '\0' ? text_format("%s.MessageType", scope) : "MessageType";
  for (size_t i = 0; i < file->enum_count; i++) {
    const struct model_enum *enumeration = &file->enums[i];
    for (size_t v = 0; strcmp(enumeration->full_name, full_name) == 0 && v < enumeration->value_count; v++) {
      pair_value(file, &enumeration->values[v], problems);
    }
  }
}

static void read_options(const struct model_file *file) {
  for (size_t i = 0; i < file->message_count; i++) {
    struct model_message *message = &file->messages[i];
    if (message->proto->options != NULL) {
      message->is_numbered =
          request_option_number(&message->proto->options->base, REQUEST_OPTION_NUMBER, &message->number);
    }
  }
}

static struct model_message *own_message(const struct model_file *file, const struct model_message *wanted) {
  for (size_t i = 0; i < file->message_count; i++) {
    if (&file->messages[i] == wanted) {
      return &file->messages[i];
    }
  }
  return NULL;
}

/* One number for both; when neither has one, check_method() reports it. */
static void share_number(struct model_method *method, struct model_message *message) {
  assert(message->call == method);
  if (method->is_numbered) {
    message->is_numbered = true;
    message->number = method->number;
  } else {
    method->is_numbered = message->is_numbered;
    method->number = message->number;
  }
}

static void pair_own(struct model_method *method, struct model_message *message, struct problems *problems) {
  assert(message->call == NULL);
  message->call = method;
  if (method->is_numbered && message->is_numbered && method->number != message->number) {
    problem_add(problems, &method->place,
                "rpc \"%s\": with option (stoa.plain) its type number %u must be that of its request %s (%s), which is "
                "%u",
                method->name, method->number, message->full_name, problem_place(&message->place), message->number);
  } else {
    share_number(method, message);
  }
}

static void pair_plain(const struct model_file *file, struct model_method *method, struct problems *problems) {
  struct model_message *message = own_message(file, method->input);
  if (!method->is_plain || method->input == NULL) {
    return;
  }
  if (message == NULL) {
    problem_add(problems, &method->place,
                "rpc \"%s\": with option (stoa.plain) its request %s must be in the same file", method->name,
                method->input->full_name);
  } else if (message->call != NULL) {
    problem_add(problems, &method->place,
                "rpc \"%s\": with option (stoa.plain) its request %s must not be that of rpc \"%s\" (%s), which has "
                "the option too",
                method->name, message->full_name, message->call->name, problem_place(&message->call->place));
  } else {
    pair_own(method, message, problems);
  }
}

static void pair_plain_all(const struct model_file *file, struct problems *problems) {
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t i = 0; i < file->services[s].method_count; i++) {
      pair_plain(file, &file->services[s].methods[i], problems);
    }
  }
}

static void add_numbered(struct numbered *all, size_t *count, const struct numbered *one, struct problems *problems) {
  if (one->number > TYPE_NUMBER_MAX) {
    problem_add(problems, one->place, "type number %u of %s is not between 0 and %u", one->number, one->what,
                TYPE_NUMBER_MAX);
    return;
  }
  for (size_t i = 0; i < *count; i++) {
    if (all[i].number == one->number) {
      bool is_request = all[i].is_call && !one->is_call && all[i].message == one->message;
      const char *way = one->is_hashed ? ": both come from names, so give one of them a number"
                        : is_request   ? ": if it is to be sent plainly too, add option (stoa.plain) to the rpc"
                                       : "";
      problem_add(problems, one->place, "type number %u of %s is taken by %s (%s)%s", one->number, one->what,
                  all[i].what, problem_place(all[i].place), way);
      return;
    }
  }
  all[(*count)++] = *one;
}

static void check_method(const struct model_method *method, struct numbered *all, size_t *count,
                         struct problems *problems) {
  const struct numbered one = {
      text_format("rpc \"%s\"", method->name), method->number, &method->place, method->input, true, method->is_hashed};
  if (method->is_numbered && method->is_stream && method->number > STREAM_NUMBER_MAX &&
      method->number <= TYPE_NUMBER_MAX) {
    problem_add(problems, &method->place, "type number %u of %s is not between 0 and %u, as that of a stream must be",
                method->number, one.what, STREAM_NUMBER_MAX);
  } else if (method->is_numbered) {
    add_numbered(all, count, &one, problems);
  } else if (!method->is_misnumbered) {
    problem_add(problems, &method->place,
                "%s has no type number: add option (stoa.type), or a value %s to enum MessageType, or use "
                "--stoa_opt=numbers=hash",
                one.what, method->name);
  }
}

static void check_given_number(uint32_t number, const char *what, const struct place *place,
                               struct problems *problems) {
  if (number >= NAME_NUMBER_MIN && number <= NAME_NUMBER_MAX) {
    problem_add(problems, place,
                "type number %u of %s is not below %u, where numbers=hash has the numbers that come from names", number,
                what, NAME_NUMBER_MIN);
  }
}

/* Numbers from names have a range of their own. */
static void check_given(const struct model_file *file, struct problems *problems) {
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t i = 0; i < file->services[s].method_count; i++) {
      const struct model_method *method = &file->services[s].methods[i];
      if (method->is_numbered) {
        check_given_number(method->number, text_format("rpc \"%s\"", method->name), &method->place, problems);
      }
    }
  }
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    if (message->is_numbered && message->call == NULL) {
      check_given_number(message->number, text_format("message \"%s\"", message->name), &message->place, problems);
    }
  }
}

static void check_numbers(const struct model_file *file, struct problems *problems) {
  size_t most = file->message_count;
  for (size_t s = 0; s < file->service_count; s++) {
    most += file->services[s].method_count;
  }
  struct numbered *all = pool_array(most, sizeof *all);
  size_t count = 0;
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t i = 0; i < file->services[s].method_count; i++) {
      check_method(&file->services[s].methods[i], all, &count, problems);
    }
  }
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    const struct numbered one = {text_format("message \"%s\"", message->name),
                                 message->number,
                                 &message->place,
                                 message,
                                 false,
                                 message->is_hashed};
    if (message->is_numbered && message->call == NULL) {
      add_numbered(all, &count, &one, problems);
    }
  }
}

/* The whole C name without the prefix, so that names of nested messages differ: Room.Closed is room_closed. */
static void name_push(struct model_message *message) {
  const char *own_prefix = text_format("%s_", message->file->prefix);
  const char *own = names_without_prefix(message->c_name, own_prefix);
  message->push_name = names_without_suffix(message->name, "Message");
  message->push_c_name = names_without_suffix(own, "_message");
}

/* "chat/v1/chat-room.proto" gives "chat-room". */
static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return names_without_suffix(slash == NULL ? path : slash + 1, ".proto");
}

static void collect_pushes(struct model_file *file) {
  struct model_service *service = &file->services[0];
  service->pushes = pool_array(file->message_count, sizeof(struct model_message *));
  for (size_t i = 0; i < file->message_count; i++) {
    struct model_message *message = &file->messages[i];
    if (message->is_numbered) {
      name_push(message);
      service->pushes[service->push_count++] = message;
    }
  }
  if (file->service_count == 0 && service->push_count > 0) {
    file->service_count = 1;
    service->name = base_name(file->name);
    service->full_name =
        text_format("%s%s%s", file->proto->package, *file->proto->package != '\0' ? "." : "", service->name);
    service->c_name = names_join(file->prefix, names_snake(names_identifier(service->name)));
    service->place = file->place;
    service->place.comment = NULL;
  }
}

static void number_file(const struct model *model, struct model_file *file, struct problems *problems) {
  read_options(file);
  pair_enum(file, problems);
  pair_plain_all(file, problems);
  if (model->options->hashes_numbers) {
    check_given(file, problems);
    number_hash_file(file);
  }
  check_numbers(file, problems);
  collect_pushes(file);
}

void number_files(struct model *model, struct problems *problems) {
  for (size_t f = 0; f < model->file_count; f++) {
    if (model->files[f].is_wanted && !model->options->messages_only) {
      number_file(model, &model->files[f], problems);
    }
  }
  number_hash_check(model, problems);
}
